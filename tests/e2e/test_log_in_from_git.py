"""From `git clone` to logged in: when git asks, there is no token that works, and somebody is at the terminal."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pexpect
import pytest
from account import WEIGHTS, Account, knows_authtype, needs_huggingface_hub
from fake_hub import Hub
from programs import git

URL = "https://huggingface.co/alice/private-model"
REQUEST = "protocol=https\nhost=huggingface.co\n\n"
OFFER = "log in now, and git continues"
MENU = "[Use arrows, Enter to confirm]"
PASTE = "Enter your token (input will not be visible): "


HAS_BROWSER = tuple(map(int, version("huggingface_hub").split(".")[:2])) >= (1, 20)  # its login asks for a token below


@pytest.fixture(autouse=True)
def quick_hub(request: pytest.FixtureRequest, hub: Hub) -> None:
    if request.node.get_closest_marker("git_versions") is None:
        needs_huggingface_hub(1, 20)
    hub.device_interval = 1


class Terminal:
    """A terminal on which a command runs, in a directory; `screen` is all that it has shown."""

    def __init__(self, account: Account, *command: str, **environment: Any) -> None:
        given = {**os.environ, "TERM": "xterm", "GIT_TERMINAL_PROMPT": None, **environment}
        variables = {name: str(value) for name, value in given.items() if value is not None}
        self.screen = ""
        self.child = pexpect.spawn(
            command[0], [*command[1:]], cwd=str(account.where), env=variables, timeout=30, encoding="utf-8"
        )

    def sees(self, words: str) -> None:
        """Wait for words on the screen."""
        self.child.expect_exact(words)
        self.screen += self.child.before + words

    def types(self, text: str) -> None:
        """Type, when whoever shows the words has changed the modes of the terminal as well."""
        time.sleep(0.3)
        self.child.send(text)

    def ends(self) -> int:
        """Wait for the end of the command, and return its exit status."""
        self.child.expect(pexpect.EOF)
        self.screen += self.child.before
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)

    def logs_in(self, hub: Hub, offer: str = OFFER) -> None:
        """Choose the browser, and enter the code there; or paste a token."""
        self.sees(offer)
        if not HAS_BROWSER:
            self.sees("Token (it is not shown): ")
            self.types(f"{hub.token('alice')}\r")
            return
        self.sees(MENU)
        self.types("1")
        self.sees("enter the code")
        hub.device_login = "alice"

    def pastes(self, token: str) -> None:
        """Choose to paste a token."""
        self.sees(OFFER)
        self.sees(MENU)
        self.types("2")
        self.sees(PASTE)
        self.types(f"{token}\r")

    @property
    def offers(self) -> int:
        return self.screen.count(OFFER)


# --- what there may be before ---


def nothing(hub: Hub, account: Account) -> None:
    pass


def an_expired_browser_login(hub: Hub, account: Account) -> None:
    """Nobody has used it for so long that it cannot be renewed."""
    pair = hub.oauth("alice", expires_in=-60)
    account.store_oauth(pair)
    del hub.accounts.refresh_tokens[pair.refresh_token]


def a_revoked_browser_login(hub: Hub, account: Account) -> None:
    """On the Hub's page of connected applications."""
    pair = hub.oauth("alice", expires_in=20 * 24 * 3600)
    account.store_oauth(pair)
    hub.revoke(pair.access_token)
    hub.accounts.refresh_tokens.pop(pair.refresh_token, None)


def a_revoked_token(hub: Hub, account: Account) -> None:
    token = hub.token("alice")
    account.is_given(token, "laptop")
    hub.revoke(token)


BEFORE = [nothing, an_expired_browser_login, a_revoked_browser_login, a_revoked_token]


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("before", BEFORE)
def test_clone(before: Callable[[Hub, Account], None], hub: Hub, account: Account) -> None:
    """A clone asks once, and goes on to the end, LFS files and all: there is no second command."""
    before(hub, account)
    terminal = Terminal(account, "git", "clone", URL)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert (account.where / "private-model/model.bin").read_bytes() == WEIGHTS
    assert terminal.offers == 1
    assert "git-credential-hf: error" not in terminal.screen and "hint" not in terminal.screen


def test_clone_with_a_login_that_can_be_renewed(hub: Hub, account: Account) -> None:
    """A refused browser login that can be renewed is, in the same command, and nobody is asked."""
    pair = hub.oauth("alice", expires_in=20 * 24 * 3600)
    account.store_oauth(pair)
    hub.revoke(pair.access_token)
    terminal = Terminal(account, "git", "clone", URL)
    assert terminal.ends() == 0, terminal.screen
    assert terminal.offers == 0 and "git-credential-hf: " not in terminal.screen


@pytest.mark.git_versions(each_run=1)
def test_clone_with_a_token_that_is_no_password(hub: Hub, account: Account) -> None:
    """If the Hub does not take the token of a browser login as a password, git 2.46 sends it in another way at once."""
    if not knows_authtype():
        pytest.skip("this git sends passwords only")
    hub.oauth_as_password = False
    terminal = Terminal(account, "git", "clone", URL)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert (account.where / "private-model/model.bin").read_bytes() == WEIGHTS
    assert (terminal.offers, len(messages(terminal.screen))) == (1, 1)
    hub.revoke((account.home / ".cache/huggingface/token").read_text())
    hub.accounts.refresh_tokens.clear()
    terminal = Terminal(account, *LS_REMOTE)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert (terminal.offers, len(messages(terminal.screen))) == (1, 1)


def test_clone_with_a_pasted_token(hub: Hub, account: Account) -> None:
    """A token may be pasted instead; it is not shown."""
    token = hub.token("alice")
    terminal = Terminal(account, "git", "clone", URL)
    terminal.pastes(token)
    assert terminal.ends() == 0, terminal.screen
    assert (account.where / "private-model/model.bin").read_bytes() == WEIGHTS
    assert terminal.offers == 1 and token not in terminal.screen


def test_a_good_token(hub: Hub, account: Account) -> None:
    """Somebody with a token that works is not asked; the Hub is asked about it once a day, and with git 2.46 never."""
    account.is_given(hub.token("alice"), "laptop")
    for _ in range(3):
        terminal = Terminal(account, *LS_REMOTE)
        assert terminal.ends() == 0, terminal.screen
        assert messages(terminal.screen) == []
    assert len(hub.log.of("/api/whoami-v2")) == (0 if knows_authtype() else 1)


def test_a_token_that_the_hub_says_nothing_about(hub: Hub, account: Account) -> None:
    """If the Hub cannot be asked about a token, git is given it, as without a terminal."""
    account.is_given(hub.token("alice"), "laptop")
    hub.faults.status("/api/whoami-v2", 503)
    terminal = Terminal(account, *LS_REMOTE)
    assert terminal.ends() == 0, terminal.screen
    assert messages(terminal.screen) == []


@pytest.mark.git_versions
def test_a_token_that_was_good_a_moment_ago(hub: Hub, account: Account) -> None:
    """When a token is revoked that the Hub has just called good, git before 2.46 has to be run again, but no more."""
    token = hub.token("alice")
    account.is_given(token, "laptop")
    assert Terminal(account, *LS_REMOTE).ends() == 0
    hub.revoke(token)
    terminal = Terminal(account, *LS_REMOTE)
    terminal.logs_in(hub, OFFER if knows_authtype() else "log in now, and run the command again")
    status = terminal.ends()
    if knows_authtype():
        assert (status, messages(terminal.screen)[1:]) == (0, []), terminal.screen
    else:
        hint = "hint: you are logged in: if git has failed, run the command again"
        assert (status, messages(terminal.screen)[1:]) == (128, [hint]), terminal.screen
    terminal = Terminal(account, *LS_REMOTE)
    assert (terminal.ends(), messages(terminal.screen)) == (0, [])


@pytest.mark.git_versions
def test_a_good_token_that_is_refused(hub: Hub, account: Account) -> None:
    """If the Hub refuses a token that it calls good, nobody is asked, and the reason is as without a terminal."""
    account.is_given(hub.token("alice"), "laptop")
    hub.faults.status("/info/refs", 401)
    terminal = Terminal(account, *LS_REMOTE)
    assert terminal.ends() == 128

    assert [line.partition(":")[0] for line in messages(terminal.screen)] == ["error", "error", "hint"]
    assert terminal.offers == 0


@pytest.mark.git_versions
def test_git_lfs_with_a_token_that_was_revoked(hub: Hub, account: Account) -> None:
    """A token that is revoked before the LFS files are fetched ends nothing: git-lfs goes on with the new one."""
    token = hub.token("alice")
    account.is_given(token, "laptop")
    account.clone(URL, GIT_LFS_SKIP_SMUDGE="1")
    assert Terminal(account, *LS_REMOTE).ends() == 0
    hub.revoke(token)
    terminal = Terminal(account, "git", "lfs", "pull")
    terminal.logs_in(hub, "log in now, and ")
    assert terminal.ends() == 0, terminal.screen
    assert terminal.screen.count("log in now") == 1
    assert (account.where / "model.bin").read_bytes() == WEIGHTS


# --- other commands, and many processes ---


def has_cloned(account: Account, hub: Hub, *arguments: str) -> None:
    """Clone while there is a login, which is gone after that."""
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL, *arguments)
    account.git("lfs", "install", "--local")
    for name in ("token", "stored_tokens"):
        (account.home / ".cache/huggingface" / name).unlink()


def test_push(hub: Hub, account: Account) -> None:
    """A push asks, and goes on: its LFS files, and the commit."""
    has_cloned(account, hub)
    content = os.urandom(100_000)
    account.git("lfs", "track", "*.bin")
    account.commit({"new.bin": content})
    terminal = Terminal(account, "git", "push")
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert terminal.offers == 1
    assert hub.repositories.named("alice/private-model").git("log", "-1", "--format=%s", "main").strip() == "a change"


def test_submodules(hub: Hub, account: Account) -> None:
    """Submodules that are cloned at the same time ask once, and all of them go on."""
    account.git("init", "--quiet", "above")
    account.where = account.home / "above"
    account.is_given(hub.token("alice"), "laptop")
    names = [f"part-{number}" for number in range(3)]
    for name in names:
        hub.repository(f"alice/{name}", private=True, files={"part.txt": name.encode()}, lfs={"model.bin": WEIGHTS})
        account.git("submodule", "add", f"https://huggingface.co/alice/{name}")
    account.git("commit", "--message", "parts")
    for name in ("token", "stored_tokens"):
        (account.home / ".cache/huggingface" / name).unlink()
    account.where = account.home
    terminal = Terminal(account, "git", "clone", "--recurse-submodules", "--jobs", "3", "above", "copy")
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert terminal.offers == 1
    assert {name: (account.home / "copy" / name / "part.txt").read_bytes() for name in names} == {
        name: name.encode() for name in names
    }
    assert {(account.home / "copy" / name / "model.bin").read_bytes() for name in names} == {WEIGHTS}


LFS_FILES = {f"{number}.bin": os.urandom(50_000) for number in range(8)}
EIGHT = "for n in 0 1 2 3 4 5 6 7; do git lfs pull --include $n.bin & done; wait"
EIGHT_ASK = "for n in 0 1 2 3 4 5 6 7; do git credential fill < request & done; wait"


@pytest.fixture
def without_files(hub: Hub, account: Account) -> Account:
    """A clone without its eight LFS files, and without a login."""
    account.is_given(hub.token("alice"), "laptop")
    hub.repository("alice/eight", private=True, lfs=LFS_FILES)
    account.clone("https://huggingface.co/alice/eight", GIT_LFS_SKIP_SMUDGE="1")
    for name in ("token", "stored_tokens"):
        (account.home / ".cache/huggingface" / name).unlink()
    return account


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("command", ["git lfs pull", EIGHT], ids=["eight transfers", "eight processes"])
def test_git_lfs(command: str, hub: Hub, without_files: Account) -> None:
    """However many transfers and processes there are, one asks, and the others use its answer."""
    terminal = Terminal(without_files, "sh", "-c", command)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert terminal.offers == 1
    assert {name: (without_files.where / name).read_bytes() for name in LFS_FILES} == LFS_FILES


def test_many_are_told_no_once(hub: Hub, without_files: Account) -> None:
    """If nobody logs in, the processes that have waited ask for nothing, and say nothing more."""
    (without_files.where / "request").write_text(REQUEST)
    terminal = Terminal(without_files, "sh", "-c", EIGHT_ASK, GIT_ASKPASS="true")
    terminal.sees(MENU)
    time.sleep(2)  # all others wait by now
    terminal.types("2")
    terminal.sees(PASTE)
    terminal.types("\x04")
    terminal.ends()
    assert terminal.offers == 1
    assert terminal.screen.count("git-credential-hf: error") == 1


# --- out of the way ---

LS_REMOTE = ("git", "ls-remote", URL)
NO_ANSWER = {"GIT_ASKPASS": "true"}  # in the place of git's own question
NOT_LOGGED_IN = "not logged in to Hugging Face"
LOGIN = "run `hf auth login`"


def messages(screen: str) -> list[str]:
    """What this program says on the screen."""
    return [line.removeprefix("git-credential-hf: ") for line in screen.splitlines() if "git-credential-hf: " in line]


ONE_OF_EACH = [f"error: {NOT_LOGGED_IN}", f"hint: {LOGIN}"]


@pytest.mark.parametrize(
    "environment",
    [
        {"GIT_TERMINAL_PROMPT": "0"}, {"GIT_TERMINAL_PROMPT": "false"}, {"CI": "true"}, {"AI_AGENT": "a"},
        {"TERM": "dumb"}, {"TERM": None}, {"VSCODE_GIT_COMMAND": "fetch"}, {"HF_HUB_OFFLINE": "1"},
        {"JPY_PARENT_PID": "1"},
        {"HF_ENDPOINT": "https://hub.example"},
    ],
    ids=str,
)  # fmt: skip
def test_an_environment_without_a_person(environment: dict[str, str | None], account: Account) -> None:
    """At a terminal, too, these mean that nobody is to be asked: there is one error, and one hint."""
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER, **environment)
    assert terminal.ends() == 128
    hint = "hint: set HF_TOKEN to a secret of this job" if "CI" in environment else ONE_OF_EACH[1]
    assert messages(terminal.screen) == [ONE_OF_EACH[0], hint]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("credential.interactive", "false"), ("credential.interactive", "never"), ("credential.interactive", "0"),
        ("credential.https://huggingface.co.interactive", "no"), ("hf.login", "never"),
    ],
)  # fmt: skip
def test_a_setting_that_says_no(name: str, value: str, account: Account) -> None:
    """A setting of git's, or of ours, keeps the question away."""
    account.git("config", "--global", name, value)
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    assert terminal.ends() == 128
    assert messages(terminal.screen) == ONE_OF_EACH


def test_a_setting_that_says_no_asks_the_hub_nothing(hub: Hub, account: Account) -> None:
    """Whoever has turned the offer off has turned off the question about a token as well."""
    account.git("config", "--global", "hf.login", "never")
    account.is_given(hub.token("alice"), "laptop")
    assert Terminal(account, *LS_REMOTE).ends() == 0
    assert len(hub.log.of("/api/whoami-v2")) == 0


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_a_token_in_the_environment(name: str, hub: Hub, account: Account) -> None:
    """A login could not take the place of a token in the environment, nor is one wanted where it is empty."""
    token = hub.token("alice")
    hub.revoke(token)
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER, **{name: token})
    assert terminal.ends() == 128
    said = messages(terminal.screen)
    assert [line.partition(":")[0] for line in said] == ["error", "hint"]
    assert f"run `unset {name}`" in said[1]
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER, **{name: ""})
    assert terminal.ends() == 128
    assert messages(terminal.screen)[0] == f"error: {NOT_LOGGED_IN}: {name} is empty"
    assert terminal.offers == 0


def test_without_a_terminal(account: Account) -> None:
    """Without a terminal git is answered as ever."""
    done = account.run("setsid", "--wait", *LS_REMOTE, check=False, GIT_TERMINAL_PROMPT=None, GIT_ASKPASS="true")
    assert messages(done.stderr) == ONE_OF_EACH


def test_in_the_background(account: Account) -> None:
    """What a shell runs in the background does not ask: nobody expects it, and it would be stopped."""
    terminal = Terminal(account, "bash", "-c", f"set -m; git ls-remote {URL} & wait; echo done", **NO_ANSWER)
    assert terminal.ends() == 0
    assert messages(terminal.screen) == ONE_OF_EACH and "done" in terminal.screen


def test_a_named_token_is_not_replaced(hub: Hub, account: Account) -> None:
    """The token of a namespace has a name: a login would be another one."""
    account.is_given(hub.token("alice"), "work")
    account.run("git-credential-hf", "configure", "--token", "work", "--for", "alice")
    hub.revoke((account.home / ".cache/huggingface/token").read_text())
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    assert terminal.ends() == 128
    assert terminal.offers == 0


def test_another_host(account: Account) -> None:
    """No other host brings the question up, however alike."""
    git("config", "--global", "credential.helper", "hf")
    for host in ("huggingface.co.evil.example", "evil.example", "huggingface.co:444"):
        request = account.home / "request"
        request.write_text(f"protocol=https\nhost={host}\n\n")
        terminal = Terminal(account, "sh", "-c", f"git credential fill < {request}", **NO_ANSWER)
        terminal.ends()
        assert messages(terminal.screen) == []


# --- a repository that is not to be trusted ---


@pytest.mark.parametrize("environment", [{}, {"PYTHONPATH": "."}, {"PYTHONPATH": ""}], ids=str)
def test_nothing_of_the_working_tree_runs(environment: dict[str, str], hub: Hub, account: Account) -> None:
    """The login is this installation's own, whatever the working tree has under the names of its modules."""
    has_cloned(account, hub)
    for name in ("huggingface_hub", "getpass", "re", "subprocess", "git_credential_hf", "click"):
        (account.where / f"{name}.py").write_text("open('was-run', 'w')\n")
    for name in ("git-credential-hf", "hf", "git"):
        (account.where / name).write_text("#!/bin/sh\ntouch was-run\n")
        (account.where / name).chmod(0o755)
    terminal = Terminal(account, "git", "fetch", PATH=f"{os.environ['PATH']}:.", **environment)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert not (account.where / "was-run").exists()


def test_names_do_not_reach_the_terminal(hub: Hub, account: Account) -> None:
    """What names a token is shown as text, not as an order to the terminal."""
    token = hub.token("alice")
    account.is_given(token, "lap\x1b[31m\x07top\u202e")
    hub.revoke(token)
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    terminal.sees(MENU)
    question = terminal.screen.partition("git-credential-hf: ")[2].partition("\n")[0]
    assert "stored as 'lap" in question
    assert not {"\x1b", "\x07", "\u202e"} & {*question} and token not in question
    terminal.types("\x03")
    terminal.ends()


# --- other helpers ---


def has_helpers(account: Account, *helpers: str) -> None:
    """Let git ask these helpers for all hosts, in this order, as before `configure`."""
    (account.home / ".gitconfig").unlink()
    account.git("lfs", "install", "--skip-repo")
    for helper in helpers:
        account.git("config", "--global", "--add", "credential.helper", helper)


@pytest.mark.parametrize("helpers", [("hf", "store"), ("store", "hf"), ("cache", "hf", "store")], ids=" ".join)
def test_another_helper_has_a_token(helpers: tuple[str, ...], hub: Hub, account: Account) -> None:
    """Nobody is asked if another helper, before or after this one, has a credential; nor is anything said."""
    has_helpers(account, *helpers)
    (account.home / ".git-credentials").write_text(f"https://git:{hub.token('alice')}@huggingface.co\n")
    terminal = Terminal(account, "git", "clone", URL)
    assert terminal.ends() == 0, terminal.screen
    assert messages(terminal.screen) == []
    assert (account.where / "private-model/model.bin").read_bytes() == WEIGHTS


# With ours as the last one, the others have had nothing; here the one behind it has to be asked first.
@pytest.mark.parametrize(
    "helpers", [("hf", "store"), pytest.param(("store", "hf"), marks=pytest.mark.long)], ids=" ".join
)
def test_the_other_helper_has_nothing(helpers: tuple[str, ...], hub: Hub, account: Account) -> None:
    """If the others have nothing either, the question is ours."""
    has_helpers(account, *helpers)
    terminal = Terminal(account, "git", "clone", URL)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert terminal.offers == 1


def test_a_helper_that_fails(account: Account) -> None:
    """Another helper that cannot say whether it has a credential is left to itself."""
    has_helpers(account, "hf", "!echo locked >&2; exit 3;")
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    assert terminal.ends() == 128
    assert messages(terminal.screen) == []


# --- nobody logs in ---

AND_THEN = 'git clone "$0"; echo "status $?"; stty -a'


def is_as_before(screen: str) -> bool:
    """Whether `stty -a` shows a terminal that echoes what is typed, line by line."""
    modes = screen.rpartition("status ")[2].replace(";", " ").split()
    return {"echo", "icanon", "isig"} <= {*modes}


def stored(account: Account) -> list[str]:
    folder = account.home / ".cache/huggingface"
    return [name for name in ("token", "stored_tokens") if (folder / name).exists()]


@pytest.mark.parametrize(
    "steps",
    [[(MENU, "\x03")], [(MENU, "2"), (PASTE, "\x03")], [(MENU, "1"), ("Waiting for authorization", "\x03")]],
    ids=["at the menu", "at the token", "waiting for the browser"],
)
def test_interrupted(steps: list[tuple[str, str]], account: Account) -> None:
    """After Ctrl-C git goes on as if nobody had answered; the terminal is as before, and nobody is asked again."""
    terminal = Terminal(account, "sh", "-c", AND_THEN, URL, **NO_ANSWER)
    for words, typed in steps:
        terminal.sees(words)
        terminal.types(typed)
    assert terminal.ends() == 0, terminal.screen
    assert "status 128" in terminal.screen and is_as_before(terminal.screen), terminal.screen
    assert terminal.offers == 1
    assert [line for line in messages(terminal.screen) if line.startswith("error")] == [
        "error: the login was cancelled, and nothing was stored"
    ]
    assert stored(account) == [] and not (account.where / "private-model").exists()
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    assert terminal.ends() == 128
    assert messages(terminal.screen) == ONE_OF_EACH


def test_interrupted_in_a_shell(account: Account) -> None:
    """After Ctrl-C at our question there is git's, and after another one the shell, which shows what is typed."""
    terminal = Terminal(account, "bash", "--norc", "-i", PS1="ready> ")
    terminal.sees("ready> ")
    terminal.child.sendline(f"git clone {URL}")
    terminal.sees(MENU)
    terminal.types("2")
    terminal.sees(PASTE)
    terminal.types("\x03")
    terminal.sees("Username for 'https://huggingface.co': ")
    terminal.types("\x03")
    terminal.sees("ready> ")
    terminal.types("printf '%s-' typed; stty -a\r")
    terminal.sees("printf '%s-' typed; stty -a")
    terminal.sees("typed-")
    terminal.sees("ready> ")
    assert {"echo", "icanon"} <= {*terminal.child.before.replace(";", " ").split()}
    terminal.child.sendline("exit 0")
    assert terminal.ends() == 0


def test_no_is_not_for_ever(account: Account, hub: Hub) -> None:
    """Ten minutes after a no, somebody is asked again."""
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    terminal.sees(MENU)
    terminal.types("\x03")
    terminal.ends()
    declined = Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf/declined")
    since, *rest = declined.read_text().split()
    declined.write_text(" ".join([str(int(since) - 600), *rest]) + "\n")
    terminal = Terminal(account, "git", "clone", URL)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen


@pytest.mark.parametrize("typed", ["\x04", "\r"], ids=["end of input", "an empty line"])
def test_no_token_is_pasted(typed: str, account: Account) -> None:
    """Without a token git goes on as if nobody had answered: with its own question."""
    terminal = Terminal(account, "sh", "-c", AND_THEN, URL, **NO_ANSWER)
    for words, answer in [(MENU, "2"), (PASTE, typed)]:
        terminal.sees(words)
        terminal.types(answer)
    terminal.ends()
    assert "status 128" in terminal.screen and is_as_before(terminal.screen), terminal.screen
    assert terminal.offers == 1 and stored(account) == []


@pytest.mark.parametrize("how", ["denied", "expired"])
def test_a_code_that_leads_nowhere(how: str, hub: Hub, account: Account) -> None:
    """After a code that was declined, or that nobody entered in time, git goes on as if nobody had answered."""
    hub.device_denied = how == "denied"
    terminal = Terminal(account, "sh", "-c", AND_THEN, URL, **NO_ANSWER)
    terminal.sees(MENU)
    terminal.types("1")
    terminal.sees("Waiting for authorization")
    if how == "expired":
        hub.grants.devices.update(dict.fromkeys(hub.grants.devices, 0.0))
    terminal.ends()
    assert "status 128" in terminal.screen and is_as_before(terminal.screen), terminal.screen
    assert [line for line in messages(terminal.screen) if line.startswith("error")] == [
        {"denied": "error: cannot log in: Authorization was denied. Please try again",
         "expired": "error: cannot log in: Device code expired. Please try again"}[how]
    ]  # fmt: skip
    assert stored(account) == []


def test_a_token_that_does_not_work(hub: Hub, account: Account) -> None:
    """A pasted token that the Hub rejects is not stored, and git gets none."""
    before = hub.token("alice")
    account.is_given(before, "laptop")
    hub.revoke(before)
    folder = account.home / ".cache/huggingface"
    files = {name: (folder / name).read_bytes() for name in stored(account)}
    terminal = Terminal(account, "git", "clone", URL)
    terminal.pastes("hf_" + "Wrong" * 6 + "wxyz")
    assert terminal.ends() == 128
    assert "error: the Hub rejects this token" in messages(terminal.screen)
    assert {name: (folder / name).read_bytes() for name in stored(account)} == files


def test_no_network(account: Account) -> None:
    """Nobody is asked if the Hub cannot be reached."""
    (account.where / "request").write_text(REQUEST)
    dead = {"https_proxy": "http://127.0.0.1:9"}
    terminal = Terminal(account, "sh", "-c", "git credential fill < request", **NO_ANSWER, **dead)
    terminal.ends()
    assert messages(terminal.screen) == ONE_OF_EACH


def test_the_hub_fails_in_between(hub: Hub, account: Account) -> None:
    """If the Hub does not give out a code, git goes on as if nobody had answered."""
    hub.faults.status("/oauth/device", 503)
    terminal = Terminal(account, "sh", "-c", AND_THEN, URL, **NO_ANSWER)
    terminal.sees(MENU)
    terminal.types("1")
    terminal.ends()
    assert "status 128" in terminal.screen and is_as_before(terminal.screen), terminal.screen
    assert len([line for line in messages(terminal.screen) if line.startswith("error")]) == 1
    assert stored(account) == []


@pytest.mark.parametrize("steps", [[], [("2", PASTE)], [("1", "Waiting for authorization")]], ids=str)
def test_the_terminal_is_closed(steps: list[tuple[str, str]], hub: Hub, account: Account) -> None:
    """When its window is closed, everything ends, and nothing is stored, although the code is entered later."""
    terminal = Terminal(account, "git", "clone", URL)
    terminal.sees(MENU)
    for typed, words in steps:
        terminal.types(typed)
        terminal.sees(words)
    terminal.child.close(force=False)
    hub.device_login = "alice"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and processes(account):
        time.sleep(0.1)
    assert processes(account) == []
    assert stored(account) == []


def test_git_is_ended(hub: Hub, account: Account) -> None:
    """When git has ended, so does the login, which nobody would get an answer from."""
    terminal = Terminal(account, "sh", "-c", f"git clone {URL} & echo $! > git.pid; wait")
    terminal.sees(MENU)
    terminal.types("1")
    terminal.sees("Waiting for authorization")
    for number, command in processes(account):
        if "login" not in command and "get" not in command and "sh" not in command.split()[0]:
            os.kill(number, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and processes(account):
        time.sleep(0.1)
    assert processes(account) == []


def processes(account: Account) -> list[tuple[int, str]]:
    """The processes that have this home: their numbers, and their arguments."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"HOME={account.home}".encode() in environment and b"TERM=xterm" in environment and command:
            found.append((int(folder.name), command))
    return found


# --- who else uses the terminal ---


def test_a_no_that_is_older_than_the_login(hub: Hub, account: Account) -> None:
    """Whoever has said no, and has then logged in elsewhere, gets the token: in each of eight processes at once."""
    (account.where / "request").write_text(REQUEST)
    terminal = Terminal(account, *LS_REMOTE, **NO_ANSWER)
    terminal.sees(MENU)
    terminal.types("\x03")
    terminal.ends()
    account.is_given(hub.token("alice"), "laptop")
    terminal = Terminal(account, "sh", "-c", EIGHT_ASK, **NO_ANSWER)
    terminal.ends()
    assert terminal.screen.count("password=") == 8


def test_a_script_that_gives_git_two_seconds(hub: Hub, account: Account) -> None:
    """When git has been killed, the login goes with it: the shell is as before, and so is the next git."""
    script = f"import subprocess; subprocess.run(['git', 'ls-remote', '{URL}'], timeout=2)"
    terminal = Terminal(account, "bash", "--norc", "-i", PS1="ready> ", **NO_ANSWER)
    terminal.sees("ready> ")
    terminal.child.sendline(f'python3 -c "{script}"')
    terminal.sees(MENU)
    terminal.sees("TimeoutExpired")
    time.sleep(1)  # in which nobody types
    terminal.child.sendline("echo al''ive")
    terminal.sees("alive")
    terminal.child.sendline(f"git ls-remote {URL}; echo en''de")
    terminal.sees("ende")
    terminal.child.sendline("exit")
    terminal.ends()
    assert not processes(account)


def test_a_program_that_shows_the_questions_itself(account: Account) -> None:
    """With GIT_ASKPASS, and an output that nobody sees, as git gui runs it: it asks there, as without us."""
    command = f"GIT_ASKPASS=echo {' '.join(LS_REMOTE)} > out 2>&1; cat out"
    terminal = Terminal(account, "sh", "-c", command)
    terminal.ends()
    assert MENU not in terminal.screen
    assert "not logged in to Hugging Face" in terminal.screen
