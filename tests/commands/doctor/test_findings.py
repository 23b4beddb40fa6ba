"""Each finding, provoked for real: reported, fixed by `--fix` or by the fix that is printed, and then gone."""

import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest
from amount import some
from executable import OWN_FILE, PROGRAM
from operations import serve_hub
from other_helpers import HOLDERS, Entry
from reasons import REASONS

from git_credential_hf.doctor.finding import IDS

from .conftest import MODEL, Machine, hours, new_token, shown

Act = Callable[[Machine], object]


class Row(NamedTuple):
    """One finding: how to provoke it, and what `doctor` reports.

    `title`, `detail` and `fix` are patterns; `{shown}` is the login's token, masked. `beside`: ids that come with it.
    `by_hand` carries out a fix that is not a command; `then` asserts something after the fix.
    """

    name: str
    id: str
    provoke: Act
    severity: str
    title: str
    detail: str
    fix: str
    fixable: bool = False
    beside: tuple[str, ...] = ()
    by_hand: Act | None = None
    then: Act | None = None
    needs: str = "machine"  # or "online", with the Hub, or "alone": the Hub does not answer
    repository: tuple[str, ...] = ()


# --- ways to provoke a finding ---


def in_config(key: str, value: str, *more: str, where: str = "--global") -> Act:
    """Add values to git's configuration."""

    def act(machine: Machine) -> None:
        for one in (value, *more):
            machine.git("config", where, "--add", key, one.format(token=machine.token))

    return act


def in_environment(name: str, value: str | None) -> Act:
    """Set a variable; `{token}` is the login's token, `{another}` is not."""

    def act(machine: Machine) -> None:
        another = machine.secret() if value and "{another}" in value else ""
        machine.set(name, value and value.replace("{token}", machine.token).replace("{another}", another))

    return act


def in_netrc(text: str) -> Act:
    def act(machine: Machine) -> None:
        another = machine.secret() if "{another}" in text else ""
        machine.write(".netrc", text.replace("{token}", machine.token).replace("{another}", another))
        machine.secrets.add("the-password-of-bob")

    return act


def all_of(*acts: Act) -> Act:
    def act(machine: Machine) -> None:
        for one in acts:
            one(machine)

    return act


def log_in(machine: Machine) -> None:
    """Run `hf auth login`, which needs the Hub."""
    machine.token = machine.secret()
    machine.log_in(machine.token)


def log_in_as(machine: Machine) -> None:
    """Write what `hf auth login` would, without the Hub."""
    machine.log_in_again()


def revoked(machine: Machine) -> None:
    assert machine.hub
    machine.hub.revoke(machine.token)


def expired(machine: Machine) -> None:
    assert machine.hub
    machine.hub.expire(machine.token)


def read_only(machine: Machine) -> None:
    machine.log_in_again(machine.secret("read"))


def legacy(machine: Machine) -> None:
    machine.write(".huggingface/token", machine.secret())


def quoted_login(machine: Machine) -> None:
    machine.write(".cache/huggingface/token", f'"{machine.secret()}"')


def readable(*names: str) -> Act:
    def act(machine: Machine) -> None:
        for name in names:
            if (file := machine.home / ".cache/huggingface" / name).exists():
                file.chmod(0o644)

    return act


def without(what: str) -> Act:
    """Remove the sections of this name from git's configuration."""

    def act(machine: Machine) -> None:
        for line in machine.git("config", "--global", "--name-only", "--list").stdout.split():
            if line.startswith(what + "."):
                machine.git("config", "--global", "--remove-section", line.rpartition(".")[0], check=False)

    return act


def gone_helper(machine: Machine) -> None:
    config = machine.home / OWN_FILE
    config.write_text(config.read_text().replace(PROGRAM, "/gone/bin/git-credential-hf"))


def gone_local_helper(machine: Machine) -> None:
    machine.repository()
    in_config("credential.https://huggingface.co.helper", "/gone/bin/git-credential-hf", where="--local")(machine)


def shadowed(machine: Machine) -> None:
    without("include")(machine)
    for host in ("huggingface.co", "hf.co"):
        in_config(f"credential.https://{host}.helper", "store", "hf")(machine)


def behind(machine: Machine) -> None:
    without("include")(machine)
    for host in ("huggingface.co", "hf.co"):
        in_config(f"credential.https://{host}.helper", "", "hf", "store")(machine)


def saved_in_jupyter(machine: Machine) -> None:
    machine.repository()
    in_config("credential.helper", "cache --timeout=3600", where="--local")(machine)


def shadowed_here(machine: Machine) -> None:
    machine.repository()
    for host in ("huggingface.co", "hf.co"):
        in_config(f"credential.https://{host}.helper", "", "store", "hf", where="--local")(machine)


def undone_here(machine: Machine) -> None:
    machine.repository()
    in_config("credential.helper", "", "store", where="--local")(machine)


def undone_by_a_job(machine: Machine) -> None:
    for number, value in enumerate(("", "store")):
        machine.set(f"GIT_CONFIG_KEY_{number}", "credential.https://huggingface.co.helper")
        machine.set(f"GIT_CONFIG_VALUE_{number}", value)
    machine.set("GIT_CONFIG_COUNT", "2")


def configured_for_all(machine: Machine) -> None:
    """As `configure --system` leaves it, in a shell that does not want the system's configuration."""
    system = machine.home / "etc-gitconfig"
    system.write_bytes((machine.home / OWN_FILE).read_bytes())
    without("include")(machine)
    machine.set("GIT_CONFIG_SYSTEM", str(system))


def helpers_in_an_ide(machine: Machine) -> None:
    """What `Use credential helper` leaves behind."""
    text = """<application>
  <component name="Git.Application.Settings">
    <option name="USE_CREDENTIAL_HELPER" value="true" />
  </component>
</application>"""
    machine.write(".config/JetBrains/PyCharm2026.2/options/linux/git.xml", text)


def held_by(name: str) -> Act:
    def act(machine: Machine) -> None:
        holder = HOLDERS[name](machine.home, machine.monkeypatch)
        with (machine.home / ".gitconfig").open("a") as file:  # after our reset
            file.write(f"[credential]\n\thelper = {holder.helper}\n")
        holder.keep(Entry("huggingface.co", "git", machine.token), Entry("example.org", "bob", "the-password-of-bob"))
        machine.secrets.add("the-password-of-bob")

    return act


def is_held_no_more(name: str) -> Act:
    def then(machine: Machine) -> None:
        holder = HOLDERS[name](machine.home, machine.monkeypatch)
        assert holder.held() == []
        assert set(holder.entries("example.org")) == {Entry("example.org", "bob", "the-password-of-bob")}

    return then


def url_with_token(machine: Machine) -> None:
    machine.repository(f"https://alice:{machine.token}@huggingface.co/alice/private-model")


def url_with_token_of_an_address(machine: Machine) -> None:
    machine.repository(f"https://alice@example.org:{machine.token}@huggingface.co/alice/private-model")


def url_with_token_above(machine: Machine) -> None:
    url_with_token(machine)
    machine.where = machine.where / "a" / "folder"
    machine.where.mkdir(parents=True)


def has_a_plain_url(machine: Machine) -> None:
    url = machine.git("remote", "get-url", "origin").stdout.strip()
    assert url == "https://huggingface.co/alice/private-model"


def baked_into_the_image(machine: Machine) -> None:
    """As some Dockerfiles do: `RUN git config --system url...insteadOf`."""
    system = machine.home / "etc-gitconfig"
    machine.set("GIT_CONFIG_NOSYSTEM", None)
    machine.set("GIT_CONFIG_SYSTEM", str(system))
    base = f"https://user:{machine.token}@huggingface.co/"
    machine.git("config", "--system", f"url.{base}.insteadOf", "https://huggingface.co/")


def other_header_stays(machine: Machine) -> None:
    assert machine.git("config", "--get-all", "http.https://huggingface.co.extraHeader").stdout == "X-Team: a\n"


def header_in_environment(machine: Machine) -> None:
    machine.set("GIT_CONFIG_COUNT", "1")
    machine.set("GIT_CONFIG_KEY_0", "http.https://huggingface.co.extraHeader")
    machine.set("GIT_CONFIG_VALUE_0", f"Authorization: Bearer {machine.token}")


def no_git_lfs(machine: Machine) -> None:
    machine.set("PATH", machine.path_without("git-lfs"))


def git_lfs_again(machine: Machine) -> None:
    machine.set("PATH", os.environ["PATH"] + ":/usr/bin:/usr/local/bin")


def pointers(machine: Machine) -> None:
    machine.repository()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    for name, content in {"it's a.bin": pointer, ".gitattributes": "*.bin filter=lfs -text\n"}.items():
        (machine.where / name).write_text(content)
        machine.git("add", name)  # the pointer first, without a filter


def files(machine: Machine) -> None:
    """What `git lfs pull` does."""
    (machine.where / "it's a.bin").write_bytes(bytes(12345))


def lfs_elsewhere(machine: Machine) -> None:
    machine.repository()
    in_config("lfs.url", "https://lfs.example.org/alice", where="--local")(machine)


def lfs_in_another_repository(machine: Machine) -> None:
    machine.repository()
    in_config("lfs.pushurl", "https://huggingface.co/alice/other.git/info/lfs", where="--file=.lfsconfig")(machine)
    machine.where /= "sub"
    machine.where.mkdir()


def replaced_hook(machine: Machine) -> None:
    machine.repository()
    machine.run("git-credential-hf", "hooks", "install")
    machine.run("git", "lfs", "install", "--local", "--force")  # what git-lfs advises if there is another hook


def displaced_hooks(machine: Machine) -> None:
    machine.repository()
    machine.run("git-credential-hf", "hooks", "install")
    (machine.where / "others").mkdir()
    machine.git("config", "core.hooksPath", "others")


def are_called_again(machine: Machine) -> None:
    machine.run("git-credential-hf", "hooks", "status")


def by_sudo(machine: Machine) -> None:
    other = next(user for user in pwd.getpwall() if user.pw_uid not in (0, os.geteuid()))
    machine.set("SUDO_USER", other.pw_name)


def in_a_job(machine: Machine) -> None:
    machine.set("GITHUB_ACTIONS", "true")
    machine.log_out()
    machine.set("HF_TOKEN", machine.token)


def as_trusted_publisher(machine: Machine) -> None:
    assert machine.hub
    machine.hub.trust("https://ci.example", resource="alice/private-model", id_token="eyJ.id.token")
    machine.set("HF_TOKEN", None)
    machine.set("HF_OIDC_RESOURCE", "alice/private-model")
    machine.set("HF_OIDC_ID_TOKEN", "eyJ.id.token")


def in_a_job_whose_claims_differ(machine: Machine) -> None:
    machine.set("GITHUB_ACTIONS", "true")
    machine.set("HF_OIDC_RESOURCE", "alice/private-model")
    machine.set("HF_OIDC_ID_TOKEN", "eyJ.id.token")


def in_a_job_during_an_outage(machine: Machine) -> None:
    assert machine.hub
    in_a_job_whose_claims_differ(machine)
    body = b'{"error": "invalid_grant", "error_description": "This operation was aborted"}'
    machine.hub.faults.status("/oauth/token", 400, body, headers={"Content-Type": "application/json"})


def in_a_job_without_an_identity(machine: Machine) -> None:
    in_a_job_whose_claims_differ(machine)
    machine.set("HF_OIDC_ID_TOKEN", None)


def has_ended(machine: Machine) -> None:
    assert machine.hub
    machine.hub.faults.clear()
    as_trusted_publisher(machine)


def in_a_shared_directory(machine: Machine) -> None:
    shared = machine.home / "shared bin"
    shared.mkdir()
    shared.chmod(0o777)
    program = shutil.which("git-credential-hf")
    assert program
    (shared / "git-credential-hf").symlink_to(program)
    machine.set("PATH", f"{shared}:{os.environ['PATH']}")


def why(name: str) -> Act:
    """Set the Hub up as a row of `REASONS` does, and log in with its token."""

    def act(machine: Machine) -> None:
        assert machine.hub
        token = REASONS[name][0](machine.hub)
        assert token
        machine.log_in_again(token)

    return act


def accepted(machine: Machine) -> None:
    assert machine.hub
    machine.hub.request_access("bob/gated", "alice", "accepted")


def promoted(machine: Machine) -> None:
    assert machine.hub
    machine.hub.org("acme", alice="write")


def write_token(machine: Machine) -> None:
    machine.log_in_again(machine.secret())


def created(machine: Machine) -> None:
    assert machine.hub
    machine.hub.repository("alice/missing")


def torn_config(machine: Machine) -> None:
    with (machine.home / ".gitconfig").open("a") as file:
        file.write("[torn\n")


def whole_config(machine: Machine) -> None:
    config = machine.home / ".gitconfig"
    config.write_text(config.read_text().removesuffix("[torn\n"))


TOKEN_FILE = r"\.cache/huggingface/token"
LOGIN = "run `hf auth login`|HF_TOKEN"  # or what the place needs, see test_places
AGAIN = "run `git-credential-hf doctor --fix`"
BEFORE = "machine example.org login bob password the-password-of-bob\n"
HEADER = "http.https://huggingface.co.extraHeader"

ROWS = [
    # --- the token
    Row(
        *("another in .netrc", "resolvers-disagree", in_netrc("machine huggingface.co login a password {another}\n")),
        *("warning", "git and huggingface_hub use different tokens"),
        *(r"git: .*\.netrc.*\n(.*\n){2}huggingface_hub: {shown}", AGAIN),
        beside=("netrc-entry",),
        by_hand=lambda machine: machine.doctor("--fix", "--yes"),
        needs="online",
    ),
    Row(
        *("logged out", "no-token", Machine.log_out, "error", "not logged in to Hugging Face"),
        *("HF_TOKEN is not set, .*" + TOKEN_FILE, LOGIN),
        by_hand=log_in_as,
    ),
    Row(
        *("other claims", "no-token", in_a_job_whose_claims_differ, "error", "no token for HF_OIDC_RESOURCE=alice/"),
        *("", "check the Trusted Publisher of that repository, or unset HF_OIDC_RESOURCE"),
        by_hand=as_trusted_publisher,
        needs="online",
    ),
    Row(
        *("no identity", "no-token", in_a_job_without_an_identity, "error", "permissions: id-token: write"),
        *("", "^give the job an id token, or unset HF_OIDC_RESOURCE"),
        by_hand=as_trusted_publisher,
        needs="online",
    ),
    Row(
        *("outage at the exchange", "hub-unreachable", in_a_job_during_an_outage, "error", "no token for HF_OIDC_R"),
        *("", "^run the job again in a few minutes: the Hub neither accepted nor"),
        by_hand=has_ended,
        needs="online",
    ),
    Row(
        *("revoked", "token-invalid", revoked, "error", "the Hub rejects the token", "{shown} from .*" + TOKEN_FILE),
        "run `git-credential-hf login`",
        by_hand=log_in,
        needs="online",
    ),
    Row(
        *("expired", "token-expired", expired, "error", "token has expired", "{shown} from .*" + TOKEN_FILE),
        "run `git-credential-hf login`",
        by_hand=log_in_as,
        needs="online",
    ),
    Row(
        *("expired by the clock", "token-expired", lambda machine: machine.log_in_again(expires_at=hours(-1)), "error"),
        *("token has expired", "stored as 'mine'", "run `git-credential-hf login`"),
        by_hand=log_in_as,
    ),
    Row(
        *("expires tomorrow", "token-expiring", lambda machine: machine.log_in_again(expires_at=hours(30.5))),
        *("warning", "expires in 30 hours", "{shown} from", "run `git-credential-hf login`"),
        by_hand=log_in_as,
    ),
    Row(
        *("empty", "token-malformed", in_environment("HF_TOKEN", ""), "warning", "HF_TOKEN is empty"),
        *("HF_TOKEN is set in the environment", "run `unset HF_TOKEN`$"),
    ),
    Row(
        *("not expanded", "token-malformed", in_environment("HF_TOKEN", "${HF_TOKEN}"), "error"),
        *("is an unexpanded placeholder", "HF_TOKEN is set", "run `unset HF_TOKEN`"),
        beside=("env-overrides-login",),
    ),
    Row(
        *("of an example", "token-placeholder", in_environment("HF_TOKEN", "hf_" + "x" * 34), "error"),
        *("HF_TOKEN is the placeholder of an example", "HF_TOKEN is set", "run `unset HF_TOKEN`"),
        beside=("env-overrides-login",),
    ),
    Row(
        *("in quotes", "token-malformed", in_environment("HUGGING_FACE_HUB_TOKEN", "'{another}'"), "error"),
        *("HUGGING_FACE_HUB_TOKEN contains quotes", "", "run `unset HUGGING"),
        beside=("env-overrides-login",),
    ),
    Row(
        *("two in one", "token-malformed", in_environment("HF_TOKEN", "{another} {another}"), "error"),
        *("contains a space or a line break", "", "run `unset HF_TOKEN`"),
        beside=("env-overrides-login",),
    ),
    Row(
        *("quoted login", "token-malformed", quoted_login, "error", "the stored token contains quotes", TOKEN_FILE),
        LOGIN,
        by_hand=log_in_as,
    ),
    Row(
        *("HF_TOKEN", "env-overrides-login", in_environment("HF_TOKEN", "{another}"), "warning"),
        *("HF_TOKEN overrides your login", r"hf_\*+\w+ is used instead of {shown}", "run `unset HF_TOKEN`"),
    ),
    # --- files
    Row(
        *("of old", "legacy-token-file", legacy, "warning", "there is an old token file", r"\.huggingface/token: "),
        "run `rm /.*/.huggingface/token`",
        fixable=True,
    ),
    Row(
        *("both readable", "token-file-readable", readable("token", "stored_tokens"), "warning"),
        *("can read the file token$", "permissions 644", "run `chmod 600 "),
        fixable=True,
    ),
    Row(
        *("read-only login", "read-only-token", read_only, "warning", "token is read-only", "of alice"),
        "with the role 'write' at .*, and run `git-credential-hf login`",
        by_hand=write_token,
        needs="online",
    ),
    # --- .netrc
    Row(
        *("the same in .netrc", "netrc-entry"),
        *(in_netrc(BEFORE + "machine huggingface.co\n  login a\n  password {token}\n# end\n"), "error"),
        *("contains a password for the Hub", "^line 2: huggingface.co, {shown}$", AGAIN),
        fixable=True,
        then=lambda machine: BEFORE in (machine.home / ".netrc").read_text() or pytest.fail("another entry is gone"),
    ),
    Row(
        *("rejected, in .netrc", "netrc-entry", in_netrc("machine huggingface.co login a password hf_old\n")),
        *("warning", "a password that git and git-lfs try first, and that the Hub", "^line 1: huggingface.co, ", AGAIN),
        fixable=True,
        needs="online",
    ),
    Row(
        *("for every host", "netrc-default", in_netrc(BEFORE + "default login a password {token}\n"), "warning"),
        *("applies to the Hub, too", "^line 2: default$", "replace `default` in"),
        by_hand=in_netrc(BEFORE),
    ),
    Row(
        *("torn .netrc", "netrc-unreadable", in_netrc(BEFORE + 'machine huggingface.co login a password "{token}\n')),
        *("error", "cannot be checked", "quoted word.*line 2", "by hand: "),
        by_hand=in_netrc(BEFORE),
    ),
    # --- credential helpers
    Row(
        *("not configured", "helper-not-configured", without("include"), "error", "does not use this helper"),
        *("https://huggingface.co, https://hf.co", "run `git-credential-hf configure`"),
        fixable=True,
    ),
    Row(
        *("undone by a repository", "helper-not-configured", undone_here, "error", "does not use this helper"),
        *("https://huggingface.co", "run `git-credential-hf configure --local`"),
        fixable=True,
    ),
    Row(
        *("undone by a job", "helper-bypassed", undone_by_a_job, "error", "does not use this helper"),
        *("^GIT_CONFIG_COUNT is set .*\nhttps://huggingface.co$", "^run `unset GIT_CONFIG_COUNT`$"),
    ),
    Row(
        *("as an editor runs git", "helper-bypassed", in_environment("GIT_CONFIG_PARAMETERS", "'credential.helper='")),
        *("error", "does not use this helper", "PARAMETERS is set", "^run `unset GIT_CONFIG_PARAMETERS`$"),
    ),
    Row(
        *("as GitHub Desktop runs git", "helper-bypassed"),
        in_environment("GIT_CONFIG_PARAMETERS", "'credential.helper=' 'credential.helper=desktop'"),
        *("error", "does not use this helper", "PARAMETERS is set", "^run `unset GIT_CONFIG_PARAMETERS`$"),
    ),
    Row(
        *("no configuration of the user's", "helper-bypassed", in_environment("GIT_CONFIG_GLOBAL", "/dev/null")),
        *("error", "does not use this helper", "GLOBAL is set", "^run `unset GIT_CONFIG_GLOBAL`$"),
        beside=("lfs-not-hooked",),
    ),
    Row(
        *("no configuration of the system's", "helper-bypassed", configured_for_all, "error"),
        *("does not use this helper", "NOSYSTEM is set", "^run `unset GIT_CONFIG_NOSYSTEM`$"),
    ),
    Row(
        *("two ways", "helper-bypassed", all_of(undone_by_a_job, in_environment("GIT_CONFIG_GLOBAL", "/dev/null"))),
        *("error", "does not use this helper", "COUNT is set.*\nGIT_CONFIG_GLOBAL is set", "^run `unset GIT_CONFIG_"),
        beside=("lfs-not-hooked",),
    ),
    Row(
        *("in a terminal of a JetBrains IDE", "helper-bypassed"),
        in_environment("TERMINAL_EMULATOR", "JetBrains-JediTerm"),
        *("warning", "JetBrains IDEs run git without", "git in this terminal", "turn on 'Use credential helper' in"),
        by_hand=helpers_in_an_ide,
    ),
    Row(
        *("moved", "helper-not-found", gone_helper, "error", "cannot run the helper '/gone/bin/git-credential-hf'"),
        *(r"set in .*/git-credential-hf/gitconfig, but", "run `git-credential-hf configure`"),
        fixable=True,
    ),
    Row(
        *("moved, of a repository", "helper-not-found", gone_local_helper, "error", "cannot run the helper"),
        *(r"set in .*\.git/config, but", "run `git-credential-hf configure --local`"),
        fixable=True,
    ),
    Row(
        *("behind store", "helper-shadowed", shadowed, "error", "git asks 'store' first", r"\.gitconfig$"),
        "run `git-credential-hf configure`",
        fixable=True,
    ),
    Row(
        *("behind store in a repository", "helper-shadowed", shadowed_here, "error", "git asks 'store' first"),
        *(r"\.git/config$", "run `git-credential-hf configure --local`"),
        fixable=True,
    ),
    Row(
        *("before store", "helper-behind", behind, "warning", "git also passes each token to 'store'", r"\.gitconfig$"),
        "run `git-credential-hf configure`",
        fixable=True,
    ),
    Row(
        *(
            "saved in Jupyter",
            "helper-behind",
            saved_in_jupyter,
            "warning",
            "passes each token to 'cache --timeout=3600'",
        ),
        *(r"\.git/config\nJupyterLab's git extension", "run `git-credential-hf configure --local`"),
        fixable=True,
    ),
    Row(
        *("in store", "stale-copy", held_by("store"), "error", "the helper 'store' holds a copy"),
        *("{shown} for https://huggingface.co, user git", "run `git-credential-hf purge`"),
        fixable=True,
        beside=("helper-behind",),
        then=is_held_no_more("store"),
    ),
    Row(
        *("two users", "username-set", in_config("credential.https://huggingface.co.username", "bob", "carol")),
        *("warning", "for the user name 'bob' only", r"\.gitconfig: ", "--unset-all"),
        fixable=True,
    ),
    Row(
        *("a provider", "gcm-residue", in_config("credential.https://huggingface.co.provider", "generic"), "warning"),
        *("Git Credential Manager left", r"\.gitconfig: .*provider = generic", "run `git config"),
        fixable=True,
    ),
    # --- URLs and git's configuration
    Row(
        *("in the remote", "token-in-remote-url", url_with_token, "error", "a remote's URL contains a token"),
        *(r"work/\.git/config\nremote 'origin': {shown}$", AGAIN),
        fixable=True,
        then=has_a_plain_url,
    ),
    Row(
        *("in the remote, of an address", "token-in-remote-url", url_with_token_of_an_address, "error"),
        *("contains a token", r"work/\.git/config\nremote 'origin': {shown}$", AGAIN),
        fixable=True,
        then=has_a_plain_url,
    ),
    Row(
        *("in the remote, seen from below", "token-in-remote-url", url_with_token_above, "error", "contains a token"),
        *(r"work/\.git/config\nremote 'origin': {shown}$", AGAIN),
        fixable=True,
        then=has_a_plain_url,
    ),
    Row(
        *("in a header", "token-in-git-config"),
        *(in_config(HEADER, "X-Team: a", "Authorization: Bearer {token}", "AUTHORIZATION: Bearer {token}"), "error"),
        *("sends an Authorization header to the Hub", rf"\.gitconfig: {HEADER}$", AGAIN),
        fixable=True,
        then=other_header_stays,
    ),
    Row(
        *("in a header for all", "token-in-git-config", in_config("http.extraHeader", "Authorization: Bearer {token}")),
        *("error", "to every host", r"\.gitconfig: http.extraHeader$", "run `git config --file .* --unset-all"),
    ),
    Row(
        *("in a header from the environment", "token-in-git-config", header_in_environment, "error", "to the Hub"),
        *("the environment, GIT_CONFIG_", "remove http.* from GIT_CONFIG_"),
        by_hand=in_environment("GIT_CONFIG_COUNT", None),
    ),
    Row(
        *("in an image", "token-in-git-config", baked_into_the_image, "error", "inserts a token into the Hub's URLs"),
        *(r"etc-gitconfig: url\.https://huggingface\.co/\.insteadOf, with {shown}$", AGAIN),
        fixable=True,
    ),
    Row(
        *("somebody else's name", "account-mismatch"),
        *(lambda machine: machine.repository(MODEL.replace("://", "://carol@")), "warning"),
        *("is for carol, and git logs in as alice$", f"^{MODEL}$", f"log in as carol, or run `git remote .* {MODEL}`"),
        needs="online",
        by_hand=lambda machine: machine.git("remote", "set-url", "origin", MODEL),
    ),
    Row(
        *("insteadOf", "uses-ssh", in_config("url.git@hf.co:.insteadOf", "https://huggingface.co/"), "warning"),
        *("git goes to the Hub over SSH", r"\.gitconfig: url\.git@hf\.co:\.insteadof", "run `git config "),
    ),
    Row(
        *("pushInsteadOf", "uses-ssh"),
        *(in_config("url.ssh://git@hf.co/.pushInsteadOf", "https://huggingface.co/"), "warning"),
        *("git pushes to the Hub over SSH", r"\.gitconfig: url\.ssh:", "run `git config "),
    ),
    # --- git-lfs and the hooks
    Row(
        *("no git-lfs", "lfs-missing", no_git_lfs, "warning", "git-lfs is not installed", "not on PATH"),
        "install git-lfs|install -y git-lfs",
        by_hand=git_lfs_again,
    ),
    Row(
        *("git-lfs unknown to git", "lfs-not-hooked", without("filter"), "warning", "but git does not use it"),
        *("filter.lfs is not in", "run `git lfs install --skip-repo`"),
        fixable=True,
    ),
    Row(
        *("cloned without git-lfs", "lfs-pointers", pointers, "warning", "are pointers", ""),
        "run `git lfs pull`",
        by_hand=files,
    ),
    Row(
        *("another host", "lfs-url-elsewhere", lfs_elsewhere, "warning", "to another host"),
        *("uploads to https://lfs.example.org/alice", "run `git config --file .* --unset-all lfs.url`"),
    ),
    Row(
        *("another repository", "lfs-url-elsewhere", lfs_in_another_repository, "warning", "to another repository"),
        *(
            "uploads to https://huggingface.co/alice/other",
            "run `git config --file .*lfsconfig --unset-all lfs.pushurl`",
        ),
    ),
    Row(
        *("hook replaced", "hooks-broken", replaced_hook, "warning", "does not run all installed hooks"),
        *(r"^our hook is not at .*hooks/pre-push$", "run `git-credential-hf hooks install"),
        fixable=True,
        then=are_called_again,
    ),
    Row(
        *("hooks displaced", "hooks-broken", displaced_hooks, "warning", "does not run all installed hooks"),
        *("core.hooksPath is others", "hooks install"),
        fixable=True,
        then=are_called_again,
    ),
    # --- environment
    Row(
        *("a directory for all", "program-writable", in_a_shared_directory, "warning", "can change this program"),
        *("shared bin is writable for all users of this machine$", "run `chmod go-w '/.*/shared bin'`"),
    ),
    Row(
        *("sudo", "wrong-home", by_sudo, "warning", "sudo runs this", "the login is read from /", "without sudo"),
        by_hand=in_environment("SUDO_USER", None),
    ),
    Row(
        *("a secret of a job", "ci-long-lived-token", in_a_job, "warning", "a GitHub Actions job uses a token"),
        *("{shown} from the environment variable HF_TOKEN", "Trusted Publisher: https://"),
        by_hand=as_trusted_publisher,
        needs="online",
    ),
    Row(
        *("another Hub", "endpoint-elsewhere", in_environment("HF_ENDPOINT", "https://hub.example.org"), "warning"),
        *("huggingface_hub uses another Hub than git", "^HF_ENDPOINT is https://hub.example.org; git uses https://hug"),
        "run `git-credential-hf configure --hub https://hub.example.org` to .*, or `unset HF_ENDPOINT`",
    ),
    Row(
        *("a Hub in the clear", "endpoint-elsewhere", in_environment("HF_ENDPOINT", "http://hub.example.org")),
        *(
            "warning",
            "another Hub than git",
            "HF_ENDPOINT is http://hub",
            "^run `unset HF_ENDPOINT` to use https://hug",
        ),
    ),
    Row(
        *("nobody answers", "hub-unreachable", lambda machine: None, "warning", "could not be checked"),
        *("cannot reach the Hub", "run `git-credential-hf doctor --offline`"),
        by_hand=lambda machine: setattr(machine, "hub", None),
        needs="alone",
    ),
    # --- the repository
    *(
        Row(
            *(name, "repo-gated", why(name), "error", "bob/gated is gated", "huggingface.co/bob/gated, with {shown}"),
            *(REASONS[name][4], False, (), accepted if "pending" in name else None),
            needs="online",
            repository=("bob/gated",),
        )
        for name in ("gated, not requested", "gated, pending", "gated, not in the scope")
    ),
    Row(
        *("a reader", "repo-read-only", why("a reader"), "warning", "role in acme is 'read'"),
        *("acme/model, with {shown}", "open a pull request at https://huggingface.co/acme/model/discussions"),
        by_hand=promoted,
        needs="online",
        repository=("acme/model",),
    ),
    Row(
        *("scoped for another", "repo-read-only", why("fine-grained, for another repository"), "warning"),
        *("lacks `repo.write` for alice/model", "alice/model, with", "add 'Write access"),
        by_hand=write_token,
        needs="online",
        repository=("alice/model",),
    ),
    Row(
        *("missing", "repo-no-access", why("no such repository"), "error", "alice/missing does not exist"),
        *("alice/missing, with", "create alice/missing at https://huggingface.co/new"),
        by_hand=created,
        needs="online",
        repository=("https://huggingface.co/alice/missing",),
    ),
    Row(
        *("revoked by the organisation", "repo-no-access", why("revoked by the organisation"), "error"),
        *("an administrator of acme has revoked", "acme/model, with", "ask an administrator of acme"),
        needs="online",
        repository=("acme/model",),
    ),
    # --- git itself
    Row(
        *("torn configuration", "git-broken", torn_config, "error", r"bad config line \d+ in file .*\.gitconfig", ""),
        r"run `\$\{EDITOR:-vi\} /.*/\.gitconfig`, and correct line \d+$",
        by_hand=whole_config,
    ),
]


@pytest.fixture
def somewhere(request: pytest.FixtureRequest) -> Machine:
    """Return the machine that a row needs."""
    row = request.getfixturevalue("row")
    machine: Machine = request.getfixturevalue("online" if row.needs == "online" else "machine")
    if row.needs == "alone":
        request.getfixturevalue("namespace")
        machine.hub = True  # type: ignore[assignment] # requests are sent, and there is no answer
    return machine


def test_the_table_is_complete() -> None:
    """Each id has a row, and each row an id; what needs another user is in tests/e2e/fleet/test_shared_home.py."""
    assert {row.id for row in ROWS} == set(IDS) - {"token-file-foreign", "login-not-renewable", "lfs-access-sticky"}
    assert len(IDS) == len(set(IDS))
    assert {row.id for row in ROWS if row.name not in LONG} == {row.id for row in ROWS}
    assert {row.name for row in ROWS} >= LONG


# The same finding in another place, which the same lines of doctor report.
LONG = {
    *("two in one", "no configuration of the system's", "two ways", "as an editor runs git", "moved, of a repository"),
    *("in the remote, of an address", "in a header for all", "pushInsteadOf", "gated, pending", "no identity"),
    *("scoped for another", "expired by the clock", "behind store in a repository"),
}
MARKED = [pytest.param(row, marks=[pytest.mark.long] * (row.name in LONG)) for row in ROWS]


@pytest.mark.parametrize("row", MARKED, ids=lambda row: f"{row.id}, {row.name}")
def test_finding(row: Row, somewhere: Machine) -> None:
    """It is reported alone; `--fix` or the printed fix removes it; a second `--fix` finds and changes nothing."""
    machine = somewhere
    row.provoke(machine)
    seen = machine.examine(*row.repository)
    assert {finding["id"] for finding in seen["findings"]} == {row.id, *row.beside}
    found = next(finding for finding in seen["findings"] if finding["id"] == row.id)
    assert (found["severity"], found["fixable"], found["fixed"]) == (row.severity, row.fixable, False)
    for field, pattern in (("title", row.title), ("detail", row.detail), ("fix", row.fix)):
        pattern = pattern.replace("{shown}", re.escape(shown(machine.token)))
        assert re.search(pattern, found[field]), found[field]

    if row.fixable:
        after = machine.examine("--fix", "--yes", *row.repository)
        assert all(finding["fixed"] for finding in after["findings"]), after["findings"]
        assert row.id in [finding["id"] for finding in after["findings"]]
        assert after["healthy"]
    elif row.by_hand:
        row.by_hand(machine)
    elif command := re.match(r"run `([^`]+)`", found["fix"]):
        carry_out(machine, command[1])
    else:
        return  # an organisation's administrator or a repository's author has to act
    if row.fixable:
        before = machine.files()
        assert machine.ids("--fix", "--yes", *row.repository) == []
        assert machine.files() == before
    else:
        assert row.id not in machine.ids(*row.repository)
    if row.then:
        row.then(machine)


def test_what_git_lfs_remembers(machine: Machine) -> None:
    """With a login, `access = basic` is as it should be; without one, public files cannot be downloaded with it."""
    machine.repository()
    machine.git("config", "lfs.https://huggingface.co/alice/private-model.git/info/lfs.access", "basic")
    assert machine.ids() == []
    machine.log_out()
    assert machine.ids() == ["no-token", "lfs-access-sticky"]
    assert machine.ids("--fix", "--yes") == ["no-token", "lfs-access-sticky"]
    assert machine.ids() == ["no-token"]


def test_a_login_that_lost_its_renewal(machine: Machine) -> None:
    """An old huggingface_hub writes stored_tokens without refresh tokens: the browser login ends some day."""
    machine.log_in_again("hf_oauth_" + new_token()[3:])
    (found,) = machine.examine()["findings"]
    assert (found["id"], found["severity"]) == ("login-not-renewable", "warning")
    assert "has no refresh token for" in found["detail"]
    machine.log_in_again("hf_oauth_" + new_token()[3:], refresh_token="hf_oauth__refresh_x", expires_at=hours(9))
    assert machine.ids() == []


@pytest.mark.parametrize("url", ["git@hf.co:alice/private-model", "ssh://git@hf.co/alice/private-model"])
def test_over_ssh(url: str, online: Machine) -> None:
    """No program is said to send a token for a remote that is used over SSH, and all is well."""
    online.repository(url)
    seen = online.examine()
    assert seen["findings"] == []
    assert {(row["shown"], row["source"]) for row in seen["resolvers"][:3]} == {(None, "no token: the remote uses SSH")}
    assert online.hub
    assert not [request for request in online.hub.log if "/info/" in request.path]


def carry_out(machine: Machine, command: str) -> None:
    """Run a command as in the shell of the test's later commands."""
    if command.startswith("unset "):
        for name in command.split()[1:]:
            machine.set(name, None)
    else:
        machine.run("sh", "-c", command)


WITH_A_COMMAND = [row for row in ROWS if row.fixable and row.fix != AGAIN]


@pytest.mark.parametrize("row", some(WITH_A_COMMAND, 8), ids=lambda row: f"{row.id}, {row.name}")
def test_the_printed_command(row: Row, somewhere: Machine) -> None:
    """A printed command can be pasted into a shell, and fixes the same as `--fix`."""
    row.provoke(somewhere)
    for finding in somewhere.examine()["findings"]:
        command = re.fullmatch(r"(?:run )?`?([^`]+)`?", finding["fix"])
        assert command
        somewhere.run("sh", "-c", command[1], check=False)  # two findings may have the same fix
    assert somewhere.ids() == []
    if row.then:
        row.then(somewhere)


def test_a_renewable_token_is_not_a_finding(machine: Machine) -> None:
    """A token with a refresh token is renewed automatically, so neither its expiry nor the time before is reported."""
    for left in (-1, 2):
        machine.log_in_again(expires_at=hours(left), refresh_token=new_token())
        assert machine.ids() == []


def test_one_of_two_is_fixed(machine: Machine) -> None:
    """Of two findings with the same id, only the one that could be fixed is reported as fixed."""
    url_with_token(machine)
    file = machine.where / "others-config"
    machine.git("config", "--file", str(file), "remote.other.url", f"https://a:{machine.token}@huggingface.co/a/b")
    machine.git("config", "include.path", str(file))
    file.chmod(0o444)
    if os.access(file, os.W_OK) and os.geteuid():
        pytest.skip("this file system knows no modes")
    done = machine.examine("--fix", "--yes")
    assert {(f["detail"].split("\n")[0].rpartition("/")[2], f["fixed"]) for f in done["findings"]} >= {
        ("config", True),
        ("others-config", False),
    }
    assert not done["healthy"]


def test_a_terminal_of_an_editor_that_asks_helpers(machine: Machine) -> None:
    """VS Code, and what is made of it, has its own askpass, but asks the helpers first: that is no finding."""
    for name in ("GIT_ASKPASS", "VSCODE_GIT_ASKPASS_NODE", "VSCODE_GIT_ASKPASS_MAIN", "VSCODE_GIT_IPC_HANDLE"):
        machine.set(name, "/opt/vscode/extensions/git/dist/askpass.sh")
    machine.set("TERM_PROGRAM", "vscode")
    assert machine.ids() == []
    asked = machine.run("git", "credential", "fill", stdin="url=https://huggingface.co\n\n")
    assert f"password={machine.token}" in asked.stdout


def test_a_device_is_never_replaced(machine: Machine) -> None:
    """`git lfs install`, with GIT_CONFIG_GLOBAL=/dev/null, has git rename a file over root's /dev/null."""
    device = machine.home / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.read_bytes()
    except OSError as error:
        pytest.skip(f"no devices can be made: {error}")
    done = machine.run("git-credential-hf", "doctor", "--fix", "--yes", check=False, GIT_CONFIG_GLOBAL=str(device))
    assert stat.S_ISCHR(device.lstat().st_mode)
    assert f"{device} is not a file" in done.stderr


def test_status_names_the_variable(machine: Machine) -> None:
    """Where the environment takes the helper from git, `configure` would not help."""
    done = machine.run("git-credential-hf", "status", check=False, HF_HUB_OFFLINE="1", GIT_CONFIG_GLOBAL="/dev/null")
    assert done.returncode == 1
    assert "error: git does not use this helper for https://huggingface.co and https://hf.co\n" in done.stderr
    assert "hint: run `unset GIT_CONFIG_GLOBAL`\n" in done.stderr


def test_a_helper_behind_a_reset(machine: Machine) -> None:
    """What git does not ask, doctor does not ask either: in a dev container, it opens a dialog on the laptop."""
    forwarded = machine.write("forwarded", '#!/bin/sh\ncat >> "$HOME/asked"\nsleep 20\n', 0o755)
    machine.run("git-credential-hf", "unconfigure")
    for name, value in (("helper", f"!{forwarded}"), ("https://alice@huggingface.co.helper", f"!{forwarded} alice")):
        machine.git("config", "--global", f"credential.{name}", value)
    machine.run("git-credential-hf", "configure", "--no-purge")
    began = time.monotonic()
    assert machine.ids() == []
    machine.run("git-credential-hf", "status", check=False, HF_HUB_OFFLINE="1")
    assert time.monotonic() - began < 10
    assert not (machine.home / "asked").exists()


def test_a_helper_for_one_host(machine: Machine) -> None:
    """A helper that git asks for hf.co alone is asked for that, and not for the host that has its own."""
    config = machine.home / OWN_FILE
    config.write_text(config.read_text().partition('[credential "https://hf.co"]')[0])
    other = machine.write("other", '#!/bin/sh\ncat >> "$HOME/asked"\n', 0o755)
    before = machine.home / ".gitconfig"
    before.write_text(f"[credential]\n\thelper = !{other}\n" + before.read_text())
    assert machine.ids() == ["helper-not-configured"]
    assert set(re.findall("^host=(.*)$", (machine.home / "asked").read_text(), re.MULTILINE)) == {"hf.co"}


def test_a_host_that_is_shared(machine: Machine) -> None:
    """Credentials for the host of an `HF_ENDPOINT`, and for another port of a Hub that git is configured for, stay."""
    login = "https://bob:of-another-server@company.example"
    machine.write(".netrc", "machine company.example login bob password of-another-server\n")
    machine.write(".git-credentials", f"{login}\n")
    machine.repository()
    machine.git("remote", "add", "other", f"{login}/team/repository")
    machine.git("config", "http.https://company.example.extraHeader", "Authorization: Bearer of-another-server")
    machine.git("config", "--global", "credential.helper", "store")
    before = [machine.home / name for name in (".netrc", ".git-credentials", "work/.git/config")]
    contents = [file.read_bytes() for file in before]
    told = f"protocol=https\nhost=huggingface.co\nusername=git\npassword={machine.token}\n\n"
    path = "https://company.example/artifactory/api/huggingface"
    for endpoint in ("https://company.example", path, "https://company.example:8443"):
        machine.set("HF_ENDPOINT", endpoint)
        if endpoint != "https://company.example":
            serve_hub(machine.home, endpoint)  # the path makes it no Hub
        for command in (("doctor", "--fix", "--yes", "--offline"), ("purge",), ("store",)):
            subprocess.run(["git-credential-hf", *command], input=told, text=True, capture_output=True, timeout=100)
            assert [file.read_bytes() for file in before] == contents, (endpoint, command)


def test_only_the_token_is_removed_from_a_file(machine: Machine) -> None:
    """User names without a password, which select a stored token, other ports, other sections and aliases stay."""
    url_with_token(machine)
    stays = (
        '[remote "work"]\n\turl = https://work@huggingface.co/acme/model\n'
        '[remote "port"]\n\turl = https://bob:of-another-server@huggingface.co:4430/a/b\n'
        '[credential "https://bob@huggingface.co"]\n\thelper = !echo for-bob\n'
        "[alias]\n\tpage = !echo https://bob@huggingface.co/bob\n"
    )
    with (machine.where / ".git/config").open("a") as file:
        file.write(stays)
    before = (machine.where / ".git/config").read_text()
    machine.doctor("--fix", "--yes")  # it still finds the helper for bob
    after = (machine.where / ".git/config").read_text()
    assert after == before.replace(f"alice:{machine.token}@", "") and stays in after


def test_a_helper_for_all_hosts(machine: Machine) -> None:
    """What a helper answers for every host is not a copy of a token, unless it is one; `purge` leaves it alone, too."""
    answer = machine.write("answer", "username=bob\npassword=the-password-of-bob\n")
    helper = machine.write("other", f'#!/bin/sh\n[ "$1" != get ] || cat {answer}\n', 0o755)
    with (machine.home / ".gitconfig").open("a") as file:
        file.write(f"[credential]\n\thelper = {helper}\n")
    machine.secrets.add("the-password-of-bob")
    assert machine.ids() == ["helper-behind"]
    done = machine.run("git-credential-hf", "purge", "--json", HF_HUB_OFFLINE="1")
    assert [found["state"] for found in json.loads(done.stdout)["helpers"]] == ["clean"]
    answer.write_text(f"username=bob\npassword={machine.token}\n")
    assert machine.ids() == ["helper-behind", "stale-copy"]
