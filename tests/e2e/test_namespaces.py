"""The right token per namespace: two accounts on one machine, and git chooses by the URL."""

import configparser
import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account, files_with
from amount import IS_LONG, each_run, some
from executable import OWN_FILE, PROGRAM, write_files
from programs import git

if TYPE_CHECKING:
    from fake_hub import Hub

HUB = "https://huggingface.co"
MAP = ("git-credential-hf", "configure", "--token", "work", "--for", "acme")
DAY = 24 * 3600

Tokens = Mapping[str, str]


def git_version() -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", git("version"))[:2]))


@pytest.fixture
def tokens(hub: "Hub", account: Account) -> Tokens:
    """Alice's `personal`, the active one, and bob's `work`; only bob is a member of acme."""
    hub.user("bob")
    hub.org("acme", bob="write")
    for name in ("acme/model", "datasets/acme/data", "spaces/acme/app"):
        hub.repository(name, private=True, files={"README.md": b"hello\n"}, lfs={"model.bin": WEIGHTS})
    tokens = {"work": hub.token("bob", name="work"), "personal": hub.token("alice", name="personal")}
    for name, token in tokens.items():
        account.is_given(token, name)
    hub.log.clear()
    return tokens


MAPPED: dict[
    str, dict[str, bytes]
] = {}  # the global configuration with `MAP`, by the PATH on which our executable was found


def map_acme(account: Account) -> None:
    """Have done what `MAP` does, the same each time."""
    path = os.environ["PATH"]
    if path not in MAPPED:
        account.run(*MAP)
        MAPPED[path] = {name: (account.home / name).read_bytes() for name in (".gitconfig", OWN_FILE)}
    write_files(account.home, MAPPED[path])


def fill(account: Account, path: str, host: str = "huggingface.co", **environment: Any) -> str:
    """The password that git would be given for this path; empty where there is none."""
    url = f"url=https://{host}/{path}\n\n"
    done = account.run("git", "credential", "fill", stdin=url, check=False, **environment)
    return dict(line.split("=", 1) for line in done.stdout.splitlines()).get("password", "")


def direct(
    account: Account, *arguments: str, password: str = "", **attributes: str
) -> subprocess.CompletedProcess[str]:
    """Run the helper as git runs it."""
    lines = {"protocol": "https", "host": "huggingface.co", **attributes}
    if password:
        lines |= {"username": "git", "password": password}
    stdin = "".join(f"{name}={value}\n" for name, value in lines.items()) + "\n"
    return account.run("git-credential-hf", *arguments, stdin=stdin, check=False)


def given(done: subprocess.CompletedProcess[str]) -> str:
    return dict(line.split("=", 1) for line in done.stdout.splitlines()).get("password", "")


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"^git-credential-hf: error: (.*)$", done.stderr, re.MULTILINE)


def used(hub: "Hub") -> set[str | None]:
    """The tokens that clients have shown since the last time."""
    shown = {request.token for request in hub.log.with_token()}
    hub.log.clear()
    return shown


def global_config(home: Path) -> bytes:
    return b"".join((home / name).read_bytes() for name in (".gitconfig", OWN_FILE) if (home / name).exists())


# --- what the mapping does ---


PATHS = ("acme/model", "datasets/acme/data", "spaces/acme/app")
URLS = [(path, host) for path in PATHS for host in ("huggingface.co", "hf.co")]


@pytest.mark.parametrize(("path", "host"), some(URLS, 2))
def test_the_namespace_gets_its_token(hub: "Hub", account: Account, tokens: Tokens, host: str, path: str) -> None:
    """Clone, fetch and push of the namespace, by git and by git-lfs, show its token and no other."""
    account.run(*MAP)
    clone = account.clone(f"https://{host}/{path}")
    assert (clone / "model.bin").read_bytes() == WEIGHTS
    account.commit({"notes.md": b"more\n", "other.bin": b"\0" + WEIGHTS})
    assert "other.bin" in account.git("lfs", "ls-files").stdout
    account.git("push")
    account.git("fetch")
    account.git("lfs", "pull")
    assert used(hub) == {tokens["work"]}


@pytest.mark.parametrize("suffix", ["", ".git", "/"])
def test_all_spellings_of_the_url(hub: "Hub", account: Account, tokens: Tokens, suffix: str) -> None:
    """With `.git` or a slash at its end it is the same namespace."""
    map_acme(account)
    account.git("clone", f"{HUB}/acme/model{suffix}", "here")
    assert (account.where / "here/model.bin").read_bytes() == WEIGHTS
    assert used(hub) == {tokens["work"]}


@pytest.mark.git_versions(each_run=1)
def test_lfs_after_a_clone_without(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """git-lfs on its own, long after the clone, gets the namespace's token as well."""
    map_acme(account)
    account.clone(f"{HUB}/acme/model", GIT_LFS_SKIP_SMUDGE="1")
    hub.log.clear()
    account.git("lfs", "pull")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert used(hub) == {tokens["work"]}


def test_all_else_gets_the_active_token(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """Other namespaces are the active token's: clone and push of alice's model show nothing of bob's."""
    map_acme(account)
    assert (account.clone() / "model.bin").read_bytes() == WEIGHTS
    account.commit({"other.bin": b"\0" + WEIGHTS})
    account.git("push")
    assert used(hub) == {tokens["personal"]}


@pytest.mark.parametrize(
    "path", ["acme2/model", "acme-lab/model", "datasets/acme-lab/data", "models/acme/model", "alice/acme", "gpt2", ""]
)
@pytest.mark.parametrize("host", ["huggingface.co", "hf.co"])
def test_a_name_that_begins_the_same(account: Account, tokens: Tokens, host: str, path: str) -> None:
    """A namespace whose name begins, or a repository whose name is, like the mapped one, is not mapped."""
    map_acme(account)
    assert fill(account, path, host) == tokens["personal"]


def test_a_switch_of_the_active_token(account: Account, tokens: Tokens) -> None:
    """`hf auth switch` changes what the rest gets, and not what the namespace gets."""
    map_acme(account)
    account.run("hf", "auth", "switch", "--token-name", "work")
    assert (fill(account, "alice/model"), fill(account, "acme/model")) == (tokens["work"], tokens["work"])
    account.is_given(tokens["personal"], "personal")
    assert (fill(account, "alice/model"), fill(account, "acme/model")) == (tokens["personal"], tokens["work"])


def test_a_token_in_the_environment(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """HF_TOKEN takes the place of the active token, and not of the one that was chosen by name."""
    map_acme(account)
    other = hub.token("alice", name="other")
    assert fill(account, "acme/model", HF_TOKEN=other) == tokens["work"]
    assert fill(account, "alice/model", HF_TOKEN=other) == other


def test_a_new_login_under_the_same_name(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """When the stored token is replaced, the very next `get` has the new one: the mapping is to a name."""
    map_acme(account)
    renewed = hub.token("bob", name="work")
    account.log_in(renewed)
    account.is_given(tokens["personal"], "personal")
    assert fill(account, "acme/model") == renewed


def test_two_namespaces(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """Each namespace has its own token, and mapping one again moves that one alone."""
    other = hub.token("alice", "read", name="other")
    account.is_given(other, "other")
    account.is_given(tokens["personal"], "personal")
    map_acme(account)
    account.run("git-credential-hf", "configure", "--token", "other", "--for", "lab")
    for prefix in ("", "datasets/", "spaces/"):
        assert fill(account, f"{prefix}acme/x") == tokens["work"]
        assert fill(account, f"{prefix}lab/x") == other
        assert fill(account, f"{prefix}alice/x") == tokens["personal"]
    account.run("git-credential-hf", "configure", "--token", "other", "--for", "acme")
    assert fill(account, "acme/x") == fill(account, "lab/x") == other
    seen = json.loads(account.run("git-credential-hf", "status", "--json").stdout)
    assert sorted(seen["mapped"], key=lambda pair: str(pair["for"])) == [
        {"for": "acme", "token": "other"},
        {"for": "lab", "token": "other"},
    ]


def test_other_helpers_get_nothing(hub: "Hub", account: Account, tokens: Tokens, home: Path) -> None:
    """The reset holds for the namespace too: no other helper keeps its token."""
    config = home / ".gitconfig"
    account.run("git-credential-hf", "unconfigure")
    config.write_text(config.read_text() + "[credential]\n\thelper = store\n")
    account.run(*MAP, "--no-purge")
    account.clone(f"{HUB}/acme/model")
    assert used(hub) == {tokens["work"]}
    kept = home / ".git-credentials"
    assert not kept.exists() or kept.read_bytes() == b""


# --- what is written ---


def test_the_lines_of_the_contract(account: Account, tokens: Tokens, home: Path) -> None:
    """Below the namespace's URL stand the empty helper, and ours with its token; useHttpPath is set for the host."""
    account.run(*MAP)
    for host in ("huggingface.co", "hf.co"):
        for prefix in ("", "datasets/", "spaces/"):
            key = f"credential.https://{host}/{prefix}acme.helper"
            assert (
                account.git("config", "--global", "--includes", "--get-all", key).stdout
                == f"\n{PROGRAM} --token work\n"
            )
        key = f"credential.https://{host}.useHttpPath"
        assert account.git("config", "--global", "--includes", "--type=bool", "--get", key).stdout == "true\n"
    for token in tokens.values():
        assert files_with(home / ".config", token.encode()) == set()


def test_twice_is_once(account: Account, tokens: Tokens, home: Path) -> None:
    """The same mapping again, or a plain `configure` after it, changes no byte."""
    account.run(*MAP)
    before = global_config(home)
    assert account.run(*MAP).returncode == 0
    assert global_config(home) == before
    account.run("git-credential-hf", "configure")
    assert global_config(home) == before


ADDED = (
    "[credential]\n\thelper = store\n",
    '[credential "https://huggingface.co"]\n\thelper = store\n',
    '[credential "https://huggingface.co"]\n\thelper =\n\thelper = hf\n',
    '[credential "https://huggingface.co/acme"]\n\thelper = store\n',
    "[credential]\n\tuseHttpPath = false\n",
)
LATER = [(text, again) for again in (MAP, MAP[:2]) for text in ADDED]


# With the mapping again what matters most, and each without it: then it has to be found and kept.
@pytest.mark.parametrize(
    ("added", "again"), each_run(LATER, LATER[3], *LATER[5:]), ids=lambda row: " ".join(" ".join(row).split())
)
def test_a_later_configure(
    hub: "Hub", account: Account, tokens: Tokens, home: Path, added: str, again: tuple[str, ...]
) -> None:
    """Whatever the user has added since, `configure` makes git ask us alone again, and the mapping is still there."""
    map_acme(account)
    config = home / ".gitconfig"
    config.write_text(config.read_text() + added)
    account.run(*again, "--no-purge")
    for host in ("huggingface.co", "hf.co"):
        assert fill(account, "acme/model", host) == tokens["work"]
        assert fill(account, "datasets/acme/data", host) == tokens["work"]
        assert fill(account, "alice/private-model", host) == tokens["personal"]
    for url in (f"{HUB}/acme/model", f"{HUB}/alice/private-model"):
        account.git("ls-remote", url)
    kept = home / ".git-credentials"
    assert not kept.exists() or kept.read_bytes() == b""
    account.run("git-credential-hf", "unconfigure")
    left = global_config(home).decode()
    assert left.endswith(added)
    assert "--token" not in left


BEFORE = [
    b"",
    b"\n",
    b"[user]\n\tname = Alice",
    b"[user]\r\n\tname = Alice\r\n",
    b"[credential]\n\tuseHttpPath = true\n",
    b'[credential "https://huggingface.co"]\n\tuseHttpPath = true\n\tusername = alice\n',
    b'[credential "https://huggingface.co/acme"]\n\thelper = store\n',
    b'# mine\n[credential "https://huggingface.co"]\n\thelper = cache\n; done',
]


@pytest.mark.parametrize("order", some(["map, plain", "map", "plain, map", "map, map another"], 2))
def test_unconfigure_gives_back_the_bytes(account: Account, tokens: Tokens, home: Path, order: str) -> None:
    """`unconfigure` leaves the very file that was there before, in whatever order the lines came into it."""
    commands = {
        "map": MAP,
        "plain": MAP[:2],
        "map another": ("git-credential-hf", "configure", "--token", "personal", "--for", "lab"),
    }
    for before in BEFORE:
        (home / ".gitconfig").write_bytes(before)
        (home / OWN_FILE).unlink(missing_ok=True)
        for step in order.split(", "):
            account.run(*commands[step], "--no-purge")
        assert fill(account, "acme/model") == tokens["work"]
        assert fill(account, "datasets/acme/data") == tokens["work"]
        account.run("git-credential-hf", "unconfigure")
        assert global_config(home) == before  # and our file is gone


def test_unconfigure_without_a_file_before(account: Account, tokens: Tokens, home: Path) -> None:
    """A file that the mapping has made goes with it."""
    account.run("git-credential-hf", "unconfigure")
    (home / ".gitconfig").unlink()
    account.run(*MAP)
    assert fill(account, "acme/model") == tokens["work"]
    account.run("git-credential-hf", "unconfigure")
    assert not (home / ".gitconfig").exists()


def test_print(account: Account, tokens: Tokens, home: Path) -> None:
    """What `--print` prints does, in somebody's file, what the command would have done; nothing is changed."""
    before = global_config(home)
    printed = account.run(*MAP, "--print").stdout
    assert global_config(home) == before
    (home / "pasted").write_text(printed)
    pasted = {"GIT_CONFIG_GLOBAL": str(home / "pasted")}
    assert fill(account, "acme/model", **pasted) == tokens["work"]
    assert fill(account, "spaces/acme/app", "hf.co", **pasted) == tokens["work"]
    assert fill(account, "alice/model", **pasted) == tokens["personal"]


def test_env(account: Account, tokens: Tokens, home: Path) -> None:
    """What `--env` prints, evaluated by a shell, makes the mapping for what that shell starts, and for nothing else."""
    account.run("git-credential-hf", "unconfigure")
    before = global_config(home)
    for path, token in (("acme/model", "work"), ("datasets/acme/data", "work"), ("alice/model", "personal")):
        script = f'eval "$({shlex.join(MAP)} --env)"; printf "url={HUB}/{path}\\n\\n" | git credential fill'
        assert f"password={tokens[token]}\n" in account.run("sh", "-c", script).stdout
    assert not any(token in account.run(*MAP, "--env").stdout for token in tokens.values())
    assert global_config(home) == before
    assert fill(account, "acme/model") == ""


def test_dry_run(account: Account, tokens: Tokens, home: Path) -> None:
    """`--dry-run` shows the lines and writes none."""
    before = global_config(home)
    shown = account.run(*MAP, "--dry-run").stdout
    assert f"{HUB}/acme" in shown
    assert "--token work" in shown
    assert "seHttpPath" in shown
    assert global_config(home) == before


def test_local(hub: "Hub", account: Account, tokens: Tokens, home: Path) -> None:
    """`--local` maps in one repository: there it holds, elsewhere it does not, and `unconfigure --local` undoes it."""
    account.git("init", "here")
    account.git("-C", "here", "remote", "add", "origin", f"{HUB}/acme/model")
    before = (home / "here/.git/config").read_bytes()
    everywhere = global_config(home)
    account.where = home / "here"
    account.run(*MAP, "--local")
    assert global_config(home) == everywhere
    assert fill(account, "acme/model") == tokens["work"]
    assert fill(account, "alice/model") == tokens["personal"]
    account.git("pull", "origin", "main")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert used(hub) == {tokens["work"]}
    account.where = home
    assert fill(account, "acme/model") == tokens["personal"]
    account.where = home / "here"
    account.run("git-credential-hf", "unconfigure", "--local")
    # git-lfs has written lines of its own below lfs.*.
    now = (home / "here/.git/config").read_bytes()
    assert b"credential" not in now
    assert not (home / "here/.git/git-credential-hf").exists()
    assert now.startswith(before.rstrip(b"\n"))


# --- names ---


NAMES = ("schlüssel 鍵", "$(touch pwned) `touch pwned`")
MORE_NAMES = (
    "it's mine",
    "--token",
    " ",
    "-dash",
    "two words",
    'the "best" one',
    "back\\slash",
    "semi;colon # and hash",
    "100%",
    "a=b",
)


@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(name, marks=pytest.mark.long) for name in MORE_NAMES)])
def test_names_of_tokens(hub: "Hub", account: Account, home: Path, name: str) -> None:
    """Whatever the Hub's users call a token, git hands the name back whole, and no shell makes anything of it."""
    hub.user("bob")
    hub.org("acme", bob="write")
    hub.repository("acme/model", private=True, lfs={"model.bin": WEIGHTS})
    named, active = hub.token("bob", name=name), hub.token("alice", name="active")
    account.log_in(named)
    account.is_given(active, "active")
    stored = configparser.RawConfigParser()
    stored.read(home / ".cache/huggingface/stored_tokens")
    if name not in stored.sections():
        pytest.skip("huggingface_hub itself does not keep this name")
    before = global_config(home)
    hub.log.clear()
    account.run("git-credential-hf", "configure", f"--token={name}", "--for=acme")
    account.clone(f"{HUB}/acme/model")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert used(hub) == {named}
    assert not list(home.rglob("pwned"))
    seen = json.loads(account.run("git-credential-hf", "status", "--json").stdout)
    assert seen["mapped"] == [{"for": "acme", "token": name}]
    account.run("git-credential-hf", "configure", f"--token={name}", "--for=acme")
    account.run("git-credential-hf", "unconfigure")
    account.run("git-credential-hf", "configure")
    assert global_config(home) == before


@pytest.mark.parametrize("arguments", [["--token", "work"], ["--for", "acme"]], ids=" ".join)
def test_one_without_the_other(account: Account, tokens: Tokens, home: Path, arguments: list[str]) -> None:
    """A token without a namespace, or the reverse, is wrong usage, and nothing is changed."""
    before = global_config(home)
    done = account.run("git-credential-hf", "configure", *arguments, check=False)
    assert done.returncode == 2
    assert len(errors(done)) == 1
    assert global_config(home) == before


@pytest.mark.parametrize("namespace", ["", "acme/model", "a b", '"]', "..", "a\nb", "*", "/", "acme?", "user@acme"])
def test_what_is_no_namespace(account: Account, tokens: Tokens, home: Path, namespace: str) -> None:
    """What no account of the Hub can be called does not get into git's configuration."""
    before = global_config(home)
    done = account.run("git-credential-hf", "configure", "--token", "work", "--for", namespace, check=False)
    assert done.returncode in (1, 2)
    assert len(errors(done)) == 1
    assert global_config(home) == before


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--local"]], ids=str)
def test_a_name_that_is_none(account: Account, tokens: Tokens, home: Path, more: list[str]) -> None:
    """A token that is not stored is an error which names those that are, and nothing is changed."""
    account.git("init")
    before = global_config(home), (home / ".git/config").read_bytes()
    done = account.run("git-credential-hf", "configure", "--token", "wrok", "--for", "acme", *more, check=False)
    assert done.returncode == 1
    assert len(errors(done)) == 1
    assert all(name in errors(done)[0] + done.stderr for name in ("wrok", "work", "personal"))
    assert (global_config(home), (home / ".git/config").read_bytes()) == before


def test_no_token_at_all(account: Account, home: Path) -> None:
    """Where nothing is stored, the error says so, with the command that stores one."""
    before = global_config(home)
    done = account.run(*MAP, check=False)
    assert done.returncode == 1
    assert len(errors(done)) == 1
    assert "git-credential-hf login" in done.stderr
    assert global_config(home) == before


# --- a mapping whose token is gone ---


def test_the_token_was_removed(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """After `hf auth logout --token-name work` git gets no token for acme, and above all not another account's."""
    map_acme(account)
    account.clone(f"{HUB}/acme/model", GIT_LFS_SKIP_SMUDGE="1")
    account.run("hf", "auth", "logout", "--token-name", "work")
    hub.log.clear()
    for command in (["fetch"], ["push", "origin", "HEAD:refs/heads/new"], ["lfs", "pull"]):
        done = account.git(*command, check=False, timeout=30)
        assert done.returncode != 0
        said = [error for error in errors(done) if "work" in error]
        assert said, done.stderr
        assert "personal" in done.stderr
        assert tokens["personal"] not in done.stdout + done.stderr
    assert hub.log.with_token() == []
    assert fill(account, "alice/private-model") == tokens["personal"], "the rest goes on to work"


def test_all_tokens_were_removed(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """After `hf auth logout` there is nothing for anybody, in one error."""
    map_acme(account)
    account.run("hf", "auth", "logout")
    done = account.git("ls-remote", f"{HUB}/acme/model", check=False)
    assert done.returncode == 128
    assert len(errors(done)) == 1
    assert hub.log.with_token() == []


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"no section\n", b"[work]\n", b"[work]\nhf_token =\n"], ids=repr)
def test_the_stored_tokens_are_damaged(account: Account, tokens: Tokens, home: Path, damage: bytes) -> None:
    """Whatever has happened to the stored tokens, the active one does not take the place of the named one."""
    map_acme(account)
    (home / ".cache/huggingface/stored_tokens").write_bytes(damage)
    done = direct(account, "--token", "work", "get", path="acme/model")
    assert given(done) == ""
    assert errors(done)
    assert "Traceback" not in done.stderr
    assert fill(account, "acme/model") == ""


# --- status ---


def test_status(account: Account, tokens: Tokens) -> None:
    """`status` shows the mapping, to people and as JSON; without one the list is empty."""
    assert json.loads(account.run("git-credential-hf", "status", "--json").stdout)["mapped"] == []
    map_acme(account)
    seen = json.loads(account.run("git-credential-hf", "status", "--json").stdout)
    assert seen["mapped"] == [{"for": "acme", "token": "work"}]
    assert seen["token"]["name"] == "personal"
    assert seen["git"] == {"asks_us": True, "asked_first": []}
    shown = account.run("git-credential-hf", "status").stdout
    assert re.search(r"\bacme\b.*\bwork\b|\bwork\b.*\bacme\b", shown)
    account.run("git-credential-hf", "unconfigure")
    done = account.run("git-credential-hf", "status", "--json", check=False)
    assert json.loads(done.stdout)["mapped"] == []


def test_status_of_a_mapping_without_its_token(account: Account, tokens: Tokens) -> None:
    """A mapping to a token that is gone is shown, and is a problem."""
    map_acme(account)
    account.run("hf", "auth", "logout", "--token-name", "work")
    done = account.run("git-credential-hf", "status", "--json", check=False)
    assert json.loads(done.stdout)["mapped"] == [{"for": "acme", "token": "work"}]
    assert done.returncode == 1
    assert any("work" in error for error in errors(done))


# --- a name in the URL ---


@pytest.fixture
def two_of_bob(hub: "Hub", account: Account, tokens: Tokens) -> tuple[str, str]:
    """Bob's `work`, and another one of bob's that is active: each of them may clone acme's."""
    other = hub.token("bob", name="other")
    account.is_given(other, "other")
    hub.log.clear()
    return tokens["work"], other


@pytest.mark.git_versions
@pytest.mark.parametrize("host", ["huggingface.co", "hf.co"])
def test_a_stored_name_in_the_url(hub: "Hub", account: Account, two_of_bob: tuple[str, str], host: str) -> None:
    """`https://work@huggingface.co/...` selects the stored token `work` wherever the client passes the name on."""
    work, other = two_of_bob
    account.clone(f"https://work@{host}/acme/model", GIT_LFS_SKIP_SMUDGE="1")
    # From 2.55 on (the exact release is not known) git asks without the name; then there is nothing to select by.
    passed_on = git_version() < (2, 48)
    if passed_on or git_version() >= (2, 55):
        assert used(hub) - {""} == {work if passed_on else other}
    hub.log.clear()
    account.git("lfs", "pull")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert used(hub) - {""} == {work}
    if passed_on:
        account.commit({"other.bin": b"\0" + WEIGHTS})
        account.git("push")
        assert used(hub) - {""} == {work}


@pytest.mark.git_versions
def test_a_name_in_the_url_reaches_another_account(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """With alice's token active, `https://work@...` clones what only bob may see, where git passes the name on."""
    if git_version() >= (2, 48):
        pytest.skip("this git may ask without the name")
    account.clone(f"{HUB[:8]}work@{HUB[8:]}/acme/model")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert used(hub) - {""} == {tokens["work"]}


@pytest.mark.parametrize("username", ["alice", "git", "hf_user", "Work", "work2", "__token__", "bob"])
def test_another_name_in_the_url(hub: "Hub", account: Account, tokens: Tokens, username: str) -> None:
    """An account's name selects its token; one that no token is of changes nothing, but is not silently passed over.

    The names that stand for nobody change nothing, and nobody is warned of them. The Hub is asked once whose tokens
    these are.
    """
    for is_first in (True, False):
        done = direct(account, "get", username=username)
        assert given(done) == tokens["work" if username == "bob" else "personal"]
        if username in ("Work", "work2") and is_first:
            assert f"warning: the URL names {username}, but no stored token is known to belong to that " in done.stderr
            assert "account; using alice's\ngit-credential-hf: hint: " in done.stderr
        else:
            assert done.stderr == ""
    assert len(hub.log.of("/whoami-v2")) == (0 if username in ("git", "hf_user", "__token__") else 2)


def test_the_name_through_git_credential(account: Account, tokens: Tokens) -> None:
    """`git credential fill`, which git-lfs uses, passes the name on in every version."""
    assert fill(account, "", "work@huggingface.co") == tokens["work"]
    assert fill(account, "", "personal@huggingface.co") == tokens["personal"]
    assert fill(account, "", "nobody@huggingface.co") == tokens["personal"]


def test_a_name_in_the_url_and_a_mapping(account: Account, tokens: Tokens) -> None:
    """The name in the URL is nearer than the mapping; another name leaves the mapping as it is."""
    map_acme(account)
    assert fill(account, "acme/model", "nobody@huggingface.co") == tokens["work"]
    assert fill(account, "alice/model", "work@huggingface.co") == tokens["work"]


def test_the_refused_token_of_a_url(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """A refusal of the token that the URL chose names that token, and `git lfs pull` comes to an end."""
    map_acme(account)
    account.clone(f"{HUB}/acme/model", GIT_LFS_SKIP_SMUDGE="1")
    hub.revoke(tokens["work"])
    hub.log.clear()
    done = account.git("lfs", "pull", check=False, timeout=30)
    assert done.returncode != 0
    assert f"hf_****{tokens['work'][-4:]}" in done.stderr
    assert f"hf_****{tokens['personal'][-4:]}" not in done.stderr
    assert not any(token in done.stdout + done.stderr for token in tokens.values())
    assert len([request for request in hub.log.with_token() if "/api/" not in request.path]) <= 4
    assert tokens["personal"] not in used(hub)


# --- the executable itself ---


@pytest.mark.parametrize("option", [["--token", "work"], ["--token=work"]], ids=" ".join)
def test_get_by_name(account: Account, tokens: Tokens, option: list[str]) -> None:
    """`git-credential-hf --token NAME get` answers with that token, for the Hub and for nothing else."""
    done = direct(account, *option, "get")
    assert (done.returncode, done.stderr) == (0, "")
    assert given(done) == tokens["work"]
    assert given(direct(account, *option, "get", host="hf.co")) == tokens["work"]
    for attributes in ({"host": "evil.example"}, {"protocol": "http"}, {"host": "huggingface.co.evil.example"}):
        done = direct(account, *option, "get", **attributes)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_get_by_a_name_that_is_none(account: Account, tokens: Tokens) -> None:
    """An unknown name is an error that names the others, with exit status 1 and no answer; for other hosts silence."""
    done = direct(account, "--token", "wrok", "get")
    assert (done.returncode, done.stdout) == (1, "")
    assert len(errors(done)) == 1
    assert "work" in done.stderr
    assert "personal" in done.stderr
    done = direct(account, "--token", "wrok", "get", host="evil.example")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert direct(account, "--token", "wrok", "store", password=tokens["work"]).stdout == ""
    assert direct(account, "--token", "wrok", "erase", password=tokens["work"]).stdout == ""


def test_store_by_name(account: Account, tokens: Tokens, home: Path) -> None:
    """`store` keeps nothing, and says nothing."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    done = direct(account, "--token", "work", "store", password=tokens["work"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_erase_by_name(hub: "Hub", account: Account, tokens: Tokens, home: Path) -> None:
    """`erase` of the named token names it; of another one it is silent; neither is deleted."""
    stored = home / ".cache/huggingface/stored_tokens"
    before = stored.read_bytes()
    done = direct(account, "--token", "work", "erase", password="hf_" + "x" * 34)
    assert (done.stdout, done.stderr) == ("", "")
    hub.revoke(tokens["work"])
    done = direct(account, "--token", "work", "erase", password=tokens["work"])
    assert done.stdout == ""
    assert f"hf_****{tokens['work'][-4:]}" in done.stderr
    assert tokens["work"] not in done.stderr
    assert stored.read_bytes() == before
    assert fill(account, "alice/model") == tokens["personal"], "the active one is not taken for refused"


@pytest.mark.parametrize("arguments", [["--token"], ["--token", "work"], ["get", "--token"]], ids=" ".join)
def test_wrong_usage(account: Account, tokens: Tokens, arguments: list[str]) -> None:
    """A `--token` without its name, or without an operation, is wrong usage."""
    done = direct(account, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


# --- OAuth tokens that are not the active one ---


def test_an_inactive_token_is_renewed(hub: "Hub", account: Account, tokens: Tokens, home: Path) -> None:
    """A named OAuth token that is due is renewed once, also for many at once; the active token stays what it is."""
    due = hub.oauth("bob", expires_in=3600)
    account.store_oauth(due, "work")
    account.is_given(tokens["personal"], "personal")
    map_acme(account)
    hub.log.clear()
    at_once = 20 if IS_LONG else 8
    with ThreadPoolExecutor(at_once) as pool:
        got = set(pool.map(lambda _: fill(account, "acme/model"), range(at_once)))
    assert len(got) == 1
    new = got.pop()
    assert new not in ("", due.access_token, *tokens.values())
    assert len(hub.log.of("/oauth/token")) == 1
    assert (home / ".cache/huggingface/token").read_text() == tokens["personal"]
    stored = (home / ".cache/huggingface/stored_tokens").read_text()
    assert new in stored
    assert due.access_token not in stored
    assert due.refresh_token not in stored, "the rotated one has taken its place"
    assert tokens["personal"] in stored
    assert fill(account, "alice/model") == tokens["personal"]
    account.clone(f"{HUB}/acme/model")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert len(hub.log.of("/oauth/token")) == 1


def test_an_inactive_token_that_is_not_renewed(hub: "Hub", account: Account, tokens: Tokens, home: Path) -> None:
    """When the Hub does not renew it, the old one is served with one warning, and no other is."""
    due = hub.oauth("bob", expires_in=3600)
    account.store_oauth(due, "work")
    account.is_given(tokens["personal"], "personal")
    hub.faults.status("/oauth/token", 500)
    done = direct(account, "--token", "work", "get")
    assert given(done) == due.access_token
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("git-credential-hf: warning: ")
    assert (home / ".cache/huggingface/token").read_text() == tokens["personal"]


def test_an_inactive_token_that_is_not_due(hub: "Hub", account: Account, tokens: Tokens) -> None:
    """A named OAuth token that is good for long costs no request."""
    good = hub.oauth("bob", expires_in=30 * DAY)
    account.store_oauth(good, "work")
    account.is_given(tokens["personal"], "personal")
    hub.log.clear()
    assert given(direct(account, "--token", "work", "get")) == good.access_token
    assert len(hub.log) == 0


def test_a_name_beside_a_trusted_publisher(
    hub: "Hub", account: Account, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a CI job, too, a named token is that token."""
    hub.trust("https://ci.example", resource="alice/private-model", id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/private-model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    assert given(direct(account, "--token", "work", "get")) == tokens["work"]
    assert os.environ["HF_OIDC_RESOURCE"]
    assert len(hub.log.of("/oauth/token")) == 0
