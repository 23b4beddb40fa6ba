"""`git-credential-hf purge`: it removes what other helpers hold for the Hub, whichever they are, and nothing else."""

import json
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from amount import each_run
from executable import OLD_TOKEN, run, succeed
from login import log_in, store_token
from operations import serve_hub
from other_helpers import ELSEWHERE, HOLDERS, HUB, PROGRAMS, Entry, Holder, Manager, Store, build_libsecret
from programs import Done, git

if TYPE_CHECKING:
    from fake_hub import Hub

SHOWN = "hf_****5678"
CORP_TOKEN = "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"


@pytest.fixture(scope="session", autouse=True)
def libsecret() -> None:
    build_libsecret()


@pytest.fixture(autouse=True)
def offline(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the Hub, what is a copy of a stored token is stale; HF_TOKEN is another one."""
    store_token(home, "old", OLD_TOKEN)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    with Store(home, monkeypatch) as store:
        store.keep(*ELSEWHERE)
        yield store


def run_purge(*arguments: str, **environment: Any) -> Done:
    return run("purge", *arguments, timeout=30, **environment)


def purge(*arguments: str, status: int = 0, **environment: Any) -> list[dict[str, Any]]:
    """Return what `purge --json` reports about each helper."""
    done = run_purge("--json", *arguments, **environment)
    assert done.returncode == status, done.stdout + done.stderr
    report: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    assert set(report) == {"helpers"}
    for helper in report["helpers"]:
        assert set(helper) == {"helper", "origin", "state", "entries"}
        assert helper["state"] in ("clean", "purged", "held", "unknown")
        for entry in helper["entries"]:
            assert set(entry) == {"host", "username", "shown"}
    return report["helpers"]


def configure(home: Path, *helpers: str, section: str = "credential") -> None:
    quoted = ('"' + helper.replace("\\", "\\\\").replace('"', '\\"') + '"' for helper in helpers)
    with (home / ".gitconfig").open("a") as file:
        file.write(f"[{section}]\n" + "".join(f"\thelper = {helper}\n" for helper in quoted))


def states(helpers: list[dict[str, Any]]) -> dict[str, str]:
    return {helper["helper"]: helper["state"] for helper in helpers}


def copies(*usernames: str) -> list[Entry]:
    return [Entry(host, username, OLD_TOKEN) for host in HUB for username in usernames]


# --- what it removes ---


def test_not_logged_in(store: Holder, home: Path) -> None:
    """Without a token that could take its place, what other helpers hold may be all that works, and stays."""
    store.keep(*copies("git"))
    configure(home, "store")
    before = store.held()
    done = run_purge("--json", HF_TOKEN=None)
    assert (done.returncode, json.loads(done.stdout)) == (1, {"helpers": []})
    assert (
        "not logged in to Hugging Face, so a token in git's other helpers may be the only one that works" in done.stderr
    )
    assert "hint: run `hf auth login`" in done.stderr
    assert store.held() == before


@pytest.mark.parametrize("name", HOLDERS)
def test_every_holder(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Copies for the usual user names and both hosts are reported, masked, and removed; those of other hosts stay."""
    with HOLDERS[name](home, monkeypatch) as holder:
        holder.keep(*ELSEWHERE)
        before = holder.others()
        holder.keep(*copies("git", "hf_user"))
        configure(home, "hf", holder.helper)
        dry = purge("--dry-run", status=1)
        assert states(dry) == {holder.helper: "held"}
        assert set(holder.held()) == set(copies("git", "hf_user")), "a dry run removes nothing"
        (found,) = purge()
        assert (found["helper"], found["state"]) == (holder.helper, "purged")
        assert {entry["shown"] for entry in found["entries"]} == {SHOWN}
        assert {entry["username"] for entry in found["entries"]} == {"git", "hf_user"}
        assert {host.removeprefix("https://") for host in (entry["host"] for entry in found["entries"])} == set(HUB)
        assert holder.held() == []
        assert holder.others() == before
        assert states(purge()) == {holder.helper: "clean"}
        if isinstance(holder, Manager):
            assert not holder.prompted()


def test_the_file_of_store(home: Path, store: Holder) -> None:
    """Every other line of ~/.git-credentials stays, byte for byte; the Hub's lines with a path are removed, too."""
    path = home / ".git-credentials"
    others = (
        b"https://bob:p%25w@example.org\n",
        b"https://a%40b:c%0d@example.net/path%20x\n",
        b"no url at all\n",
        b"https://git:hf_other@huggingface.co.evil.example\n",
        b"https://git:hf_other@nothf.co/huggingface.co\n",
    )
    hub = (
        f"https://git:{OLD_TOKEN}@huggingface.co\n".encode(),
        f"https://hf_user:{OLD_TOKEN}@huggingface.co/alice/model\n".encode(),
        f"https://anybody:{OLD_TOKEN}@hf.co\n".encode(),
    )
    path.write_bytes(others[0] + hub[0] + others[1] + others[2] + hub[1] + others[3] + hub[2] + others[4])
    configure(home, "store")
    assert states(purge()) == {"store": "purged"}
    assert path.read_bytes() == b"".join(others)


# Each helper with a name that nobody could guess; store with each name.
NAMES = [
    (name, username)
    for name in ("store", "cache", "keyring", "osxkeychain", "manager")
    for username in ("git", "hf_user", "alice", "somebody-else")
]
EACH_RUN = [(name, username) for name, username in NAMES if name == "store" or username == "somebody-else"]


@pytest.mark.parametrize(("name", "username"), each_run(NAMES, *EACH_RUN))
def test_any_user_name(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, username: str) -> None:
    """A copy is found whatever its user name is: a request without a user name returns any."""
    with HOLDERS[name](home, monkeypatch) as holder:
        holder.keep(Entry("hf.co", username, OLD_TOKEN))
        configure(home, holder.helper)
        assert states(purge()) == {holder.helper: "purged"}
        assert holder.tell("get", "hf.co", username=username).get("password") is None


def test_many_copies(home: Path, store: Holder) -> None:
    """All copies are removed, however many user names there are."""
    before = store.others()
    store.keep(*copies(*(f"user{number}" for number in range(12))))
    configure(home, "store")
    (found,) = purge()
    assert found["state"] == "purged"
    assert len(found["entries"]) == 24
    assert (store.held(), store.others()) == ([], before)


def test_names_of_the_account_and_the_remote(home: Path, world: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that needs the exact user name is asked for the account's, and for the one in the remote's URL."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    world.user("alice")
    git("init", "--quiet")
    git("remote", "add", "origin", "https://remote-user@huggingface.co/alice/model")
    log = home / "requests"
    helper = f'!f() {{ echo "$1" >> {log}; cat >> {log}; }}; f'
    configure(home, helper)
    assert [helper["state"] for helper in purge(HF_TOKEN=world.token("alice"))] == ["clean"]
    requests = log.read_text().splitlines()
    assert {"username=git", "username=hf_user", "username=alice", "username=remote-user"} <= set(requests)
    assert "erase" not in requests, "it holds nothing"


def test_another_endpoint(home: Path, store: Holder) -> None:
    """A Hub that git is configured for is purged, too; one that only HF_ENDPOINT names is not."""
    store.keep(Entry("hub.example.org", "git", OLD_TOKEN), *copies("git"))
    before = store.others()
    configure(home, "store")
    purge(HF_ENDPOINT="https://hub.example.org")
    assert store.held("hub.example.org") == [Entry("hub.example.org", "git", OLD_TOKEN)]
    assert store.others() == before
    serve_hub(home, "https://hub.example.org")
    purge(status=1)
    assert store.held("hub.example.org") == [Entry("hub.example.org", "git", OLD_TOKEN)], "stored for huggingface.co"
    purge(HF_TOKEN=OLD_TOKEN)
    assert store.held("hub.example.org") == []
    assert len(store.others()) == len(ELSEWHERE)  # type: ignore[arg-type]


# --- which helpers it asks ---


@pytest.mark.parametrize("scope", ["system", "global", "local", "environment", "include"])
def test_scopes(home: Path, monkeypatch: pytest.MonkeyPatch, store: Holder, scope: str) -> None:
    """A helper is found in every scope of git's configuration, and is reported with the file that sets it."""
    store.keep(*copies("git"))
    text = "[credential]\n\thelper = store\n"
    origin = home / "the.config"
    if scope == "system":
        origin.write_text(text)
        monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(origin))
    elif scope == "global":
        origin = home / ".gitconfig"
        origin.write_text(text)
    elif scope == "local":
        git("init", "--quiet", home / "work")
        monkeypatch.chdir(home / "work")
        origin = home / "work/.git/config"
        with origin.open("a") as file:
            file.write(text)
    elif scope == "include":
        origin.write_text(text)
        (home / ".gitconfig").write_text(f"[include]\n\tpath = {origin}\n")
    else:
        for name, value in (("COUNT", "1"), ("KEY_0", "credential.helper"), ("VALUE_0", "store")):
            monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    (found,) = purge()
    assert (found["helper"], found["state"]) == ("store", "purged")
    assert scope == "environment" or origin.name in found["origin"]
    assert store.held() == []


@pytest.mark.parametrize(
    "section",
    [
        'credential "https://huggingface.co"',
        'credential "https://hf.co"',
        'credential "https://huggingface.co/alice"',
        'credential "huggingface.co"',
        'credential "https://*.co"',
        'credential "https://git@huggingface.co"',
    ],
)
def test_sections(home: Path, store: Holder, section: str) -> None:
    """A helper that is configured for the Hub, for a part of it or for more is asked."""
    host = "hf.co" if '"https://hf.co"' in section else "huggingface.co"
    store.keep(Entry(host, "git", OLD_TOKEN))
    configure(home, "store", section=section)
    assert states(purge()) == {"store": "purged"}
    assert store.held() == []


def test_sections_of_others(home: Path, store: Holder) -> None:
    """A helper that git asks for another host only is not run."""
    before = (home / ".git-credentials").read_bytes()
    configure(home, "watched", section='credential "https://example.org"')
    assert purge() == []
    assert not (home / "watched").exists()
    assert (home / ".git-credentials").read_bytes() == before


def test_a_helper_of_one_hub(home: Path, tmp_path: Path) -> None:
    """A helper is asked only about the Hubs that it is set for: what it answers for all hosts is not another Hub's."""
    script, requests = tmp_path / "git-credential-corp", tmp_path / "requests"
    script.write_text(f'#!/bin/sh\ncat >> {requests}\n[ "$1" != get ] || echo password={CORP_TOKEN}\n')
    script.chmod(0o755)
    succeed("configure", "--no-purge", "--hub", "https://hub.example.com")
    configure(home, str(script), section='credential "https://hub.example.com"')
    (result,) = purge(status=1)
    assert {entry["host"] for entry in result["entries"]} == {"https://hub.example.com"}
    assert {line for line in requests.read_text().split() if "host=" in line} == {"host=hub.example.com"}


@pytest.mark.parametrize("section", ["credential", 'credential "https://huggingface.co"'])
def test_before_a_reset(home: Path, store: Holder, section: str) -> None:
    """A helper that git does not ask because an empty value resets the list is found as well."""
    store.keep(*copies("git", "hf_user"))
    configure(home, "store")
    configure(home, "", "hf", section=section)
    assert states(purge()) == {"store": "purged"}
    assert store.held() == []


def test_two_files(home: Path, store: Holder) -> None:
    """`store --file=ONE` and `store --file=TWO` are two helpers, each with its own result."""
    for name, text in (("one", f"https://git:{OLD_TOKEN}@hf.co\n"), ("two words", "https://a:b@example.org\n")):
        (home / name).write_text(text)
    one, two = f"store --file={home}/one", f"store --file='{home}/two words'"
    store.keep(*copies("git"))
    configure(home, one, two, "store")
    assert states(purge()) == {one: "purged", two: "clean", "store": "purged"}
    assert (home / "one").read_text() == ""
    assert (home / "two words").read_text() == "https://a:b@example.org\n"


@pytest.mark.parametrize("form", ["absolute", "absolute-arguments", "shell", "shell-function", "tilde"])
def test_forms(home: Path, store: Holder, form: str) -> None:
    """Absolute paths, with and without arguments, and shell commands are run as git runs them."""
    program = home / "a helper"
    program.write_text(
        f"#!/bin/sh\nfor last; do :; done\nexec git credential-store --file={shlex.quote(str(home))}/f $last\n"
    )
    program.chmod(0o755)
    (home / "link").symlink_to(program)
    helper = {
        "absolute": str(home / "link"),
        "absolute-arguments": f"{home}/link --some 'argument with blanks'",
        "shell": f"!'{program}'",
        "shell-function": f"!f() {{ '{program}' \"$@\"; }}; f",
        "tilde": "!~/link",
    }[form]
    (home / "f").write_text(f"https://git:{OLD_TOKEN}@hf.co\nhttps://a:b@example.org\n")
    configure(home, helper)
    assert [helper["state"] for helper in purge()] == ["purged"]
    assert (home / "f").read_text() == "https://a:b@example.org\n"


def test_nothing_configured(home: Path) -> None:
    """Without any other helper there is nothing to do, and the status is 0."""
    assert purge() == []
    configure(home, "hf")
    configure(home, "", str(home / "bin/git-credential-hf"), "!git credential-hf", section='credential "https://hf.co"')
    assert purge() == []
    done = run_purge()
    assert (done.returncode, done.stdout) == (0, "")


# --- what it reports ---


def test_report_for_people(home: Path, store: Holder) -> None:
    """The report names the helper, its file, the host, the user name and the token, masked."""
    store.keep(Entry("huggingface.co", "hf_user", OLD_TOKEN))
    configure(home, "store")
    for arguments, state, status in ((["--dry-run"], "held", 1), ([], "purged", 0), ([], "clean", 0)):
        done = run_purge(*arguments)
        copy = f"         {SHOWN} for https://huggingface.co, user hf_user\n" if state != "clean" else ""
        assert (done.returncode, done.stdout) == (status, f"{state:8} store ({home}/.gitconfig)\n{copy}")


def test_what_cannot_be_purged(home: Path) -> None:
    """A helper that still answers, such as `!echo`, is `held`, and the status is 1; the token in it is masked."""
    configure(home, f"!f() {{ echo username=git; echo password={OLD_TOKEN}; }}; f")
    (found,) = purge(status=1)
    assert found["state"] == "held"
    assert {entry["shown"] for entry in found["entries"]} == {SHOWN}
    done = run_purge()
    assert done.returncode == 1
    assert "held" in done.stdout


def test_reason_of_a_failure(home: Path, store: Holder) -> None:
    """The warning has the helper's own message: here about the lock that a killed git has left."""
    configure(home, "store")
    store.keep(Entry("huggingface.co", "git", OLD_TOKEN))
    (home / ".git-credentials.lock").touch()
    done = run_purge()
    assert done.returncode == 1
    assert "status 128: fatal: unable to get credential storage lock in 1000 ms: File exists\n" in done.stderr


def test_secrets_that_are_not_tokens(home: Path, store: Holder, world: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    """An old password, or a token of another form, which the Hub refuses, is removed and masked, too."""
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    world.user("alice")
    log_in(home, world.token("alice", "read"))
    store.keep(Entry("huggingface.co", "alice", "correct horse"), Entry("hf.co", "alice", "api_0123456789abcdef"))
    configure(home, "store")
    done = run_purge("--json", HF_TOKEN=None)
    assert done.returncode == 0
    assert "horse" not in done.stdout + done.stderr
    assert "0123456789" not in done.stdout + done.stderr
    assert store.held() == []


def test_the_token_is_never_an_argument(home: Path, tmp_path: Path, store: Holder) -> None:
    """Other users can see arguments: no secret is in those of a helper, nor in its environment."""
    store.keep(*copies("git"))
    log = home / "watched"
    watch = f'{{ printf "%s\\n" "$0" "$@"; env; tr "\\0" "\\n" < /proc/$$/cmdline; }} >> {log}'
    configure(home, f'!f() {{ {watch}; git credential-store "$@"; }}; f', "watched")
    assert "purged" in states(purge()).values()
    assert store.held() == []
    assert OLD_TOKEN not in log.read_text()


def test_no_prompts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper has no terminal and no askpass, and Git Credential Manager does not prompt, whatever the environment."""
    monkeypatch.setenv("GIT_ASKPASS", "ask-me")
    monkeypatch.setenv("SSH_ASKPASS", "ask-me")
    monkeypatch.setenv("GCM_INTERACTIVE", "always")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "1")
    tty = f"!f() {{ if (: > /dev/tty) 2> /dev/null; then echo TERMINAL >> {home}/tty; fi; }}; f"
    configure(home, "watched", "manager", tty)
    assert run_purge("--json").returncode in (0, 1)
    environment = (home / "watched").read_text().splitlines()
    assert not any("ask-me" in line for line in environment)
    assert "GIT_TERMINAL_PROMPT=0" in environment
    assert not (home / ".gcm/log").exists()
    assert not (home / "tty").exists()


# --- helpers that misbehave ---


@pytest.mark.parametrize(
    ("other", "allowed"),
    [
        ("sleeps", {"unknown"}),
        ("babbles", {"unknown"}),
        ("floods", {"unknown"}),
        ("pours", {"unknown"}),
        ("fails", {"unknown"}),
        ("deaf", {"clean", "unknown"}),
        ("lingers", {"clean", "unknown"}),  # it has answered, and ended
    ],
)
def test_a_bad_neighbour(home: Path, store: Holder, other: str, allowed: set[str]) -> None:
    """A helper that hangs, fails or sends garbage is `unknown` within its time limit, and is ended; others work."""
    before = store.others()
    store.keep(*copies("git", "hf_user"))
    configure(home, other, "store")
    started = time.monotonic()
    done = run_purge("--json")
    assert time.monotonic() - started < 25
    found = states(json.loads(done.stdout)["helpers"])
    assert done.returncode == (1 if "unknown" in found.values() else 0)
    assert found["store"] == "purged"
    assert found[other] in allowed
    assert (store.held(), store.others()) == ([], before)
    if other != "lingers":  # its child may be a daemon
        assert not left_behind(home)


def left_behind(home: Path) -> list[str]:
    """Return the commands that still run with this test's home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"HOME={home}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass
    return [command for command in found if "sleep" in command or "yes" in command or "tr " in command]


def test_all_bad_neighbours_together(home: Path, store: Holder) -> None:
    """Many of them take no longer than the slowest."""
    store.keep(*copies("git"))
    configure(home, "sleeps", "floods", "pours", "babbles", "fails", "store", "sleeps --again")
    started = time.monotonic()
    found = states(purge(status=1))
    assert time.monotonic() - started < 25
    assert found.pop("store") == "purged"
    assert set(found.values()) == {"unknown"}


def test_a_helper_that_is_not_installed(home: Path, store: Holder) -> None:
    """A helper that is not installed holds nothing, and is not a failure."""
    store.keep(*copies("git"))
    configure(home, "no-such-helper", "/no/such/helper", "store")
    assert states(purge()) == {"no-such-helper": "clean", "/no/such/helper": "clean", "store": "purged"}


def test_git_credential_manager_needs_its_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that takes five seconds to start does not count as hanging."""
    with Manager(home, monkeypatch) as manager:
        manager.keep(Entry("huggingface.co", "hf_user", OLD_TOKEN), *ELSEWHERE)
        manager.starts_in(5)
        configure(home, "manager")
        assert "purged" in succeed("purge", timeout=200)
        assert manager.held() == []
        assert not manager.prompted()


def test_a_broken_configuration(home: Path) -> None:
    """If git cannot read its configuration, there is an error, and no report that all is clean."""
    (home / ".gitconfig").write_text("[credential\n")
    done = run_purge("--json")
    assert done.returncode == 1
    assert done.stderr.startswith("git-credential-hf: error: ")
