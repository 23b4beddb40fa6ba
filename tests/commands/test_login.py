"""`git-credential-hf login`: huggingface_hub's own login, on machines without `hf`, and what hints say of it."""

import json
import os
import shutil
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from account import needs_huggingface_hub
from executable import PROGRAM, run
from fake_hub import Hub
from login import FOLDER, log_in
from programs import IS_ROOT, Done, git
from programs import run as run_program
from terminal import run_on_terminal

PASTE = [("How would you like", "2"), ("Enter your token", "{token}\r")]
BROWSER = [("How would you like", "1")]


def login(*steps: tuple[str, str], **environment: Any) -> Done:
    done = run_on_terminal(PROGRAM, "login", typed=steps, **environment)
    assert "Traceback" not in done.stdout and "internal error" not in done.stdout, done.stdout
    return done


def paste(token: str) -> list[tuple[str, str]]:
    return [(words, typed.format(token=token)) for words, typed in PASTE]


def said(done: Done, level: str) -> list[str]:
    """The messages of a level on the screen."""
    start = f"git-credential-hf: {level}: "
    return [line.removeprefix(start) for line in done.stdout.splitlines() if line.startswith(start)]


@pytest.fixture
def hub(world: Hub) -> Hub:
    needs_huggingface_hub(1, 20)
    world.user("alice")
    world.repository("alice/model", private=True, files={"a.txt": b"a"})
    git("config", "--global", "credential.helper", "hf")
    return world


def stored(home: Path) -> str | None:
    path = home / FOLDER / "token"
    return path.read_text() if path.exists() else None


def test_pasting_a_token(hub: Hub, home: Path) -> None:
    """A pasted token is stored, not shown, and git has it from the next command on; no helper gets a copy."""
    git("config", "--global", "--replace-all", "credential.helper", "store")
    git("config", "--global", "--add", "credential.helper", "hf")
    token = hub.token("alice", role="write")
    done = login(*paste(token))
    assert done.returncode == 0, done.stdout
    assert stored(home) == token
    assert token not in done.stdout
    assert not (home / ".git-credentials").exists()
    git("clone", "https://huggingface.co/alice/model")


def test_with_the_browser(hub: Hub, home: Path) -> None:
    """The browser login shows the page and the code, waits for the person there, and stores what renews it."""
    hub.device_login = "alice"
    done = login(*BROWSER)
    assert done.returncode == 0, done.stdout
    assert "https://huggingface.co/device" in done.stdout
    assert (stored(home) or "").startswith("hf_oauth_")
    assert "refresh_token = " in (home / FOLDER / "stored_tokens").read_text()


def test_logging_in_again(hub: Hub, home: Path) -> None:
    """A login is replaced, which `hf auth login` does not do; it is the hint for a token that the Hub refuses."""
    log_in(home, "hf_" + "Revoked" * 4 + "wxyz")
    hint = run("status", HF_TOKEN=None).stderr.rpartition("hint: ")[2]
    assert hint == "run `git-credential-hf login`\n"
    token = hub.token("alice", role="write")
    assert login(*paste(token)).returncode == 0
    assert stored(home) == token


def test_a_token_that_the_hub_rejects(hub: Hub, home: Path) -> None:
    """It is not stored, nor shown, and the login before it stays."""
    before = hub.token("alice")
    log_in(home, before)
    wrong = "hf_" + "Wrong" * 6 + "wxyz"
    done = login(*paste(wrong))
    again = "create one at https://huggingface.co/settings/tokens, then run `git-credential-hf login`"
    assert (done.returncode, said(done, "error")) == (1, ["the Hub rejects this token"])
    assert said(done, "hint") == [again]
    assert stored(home) == before and wrong not in done.stdout


@pytest.mark.parametrize(
    "steps",
    [[("How would you like", "\x03")], [("How would you like", "2"), ("Enter your token", "\x03")],
     [("How would you like", "2"), ("Enter your token", "\x04")], [("How would you like", "1"), ("Waiting", "\x03")]],
    ids=["at the question", "at the token", "end of input", "waiting for the browser"],
)  # fmt: skip
def test_cancelled(steps: list[tuple[str, str]], hub: Hub, home: Path) -> None:
    """Ctrl-C ends it at each step in one line, and nothing is stored."""
    done = login(*steps)
    assert (done.returncode, said(done, "error")) == (1, ["the login was cancelled, and nothing was stored"])
    assert said(done, "hint") == ["run `git-credential-hf login`"]
    assert not (home / FOLDER / "token").exists() and not (home / FOLDER / "stored_tokens").exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root can be root in the home of a user")
@pytest.mark.parametrize("is_there", [False, True])
def test_root_in_the_home_of_a_user(is_there: bool, hub: Hub, home: Path) -> None:
    """`sudo git-credential-hf login` with the user's HOME leaves the user files of theirs, and none of root's."""
    if is_there:
        log_in(home, "hf_" + "Old" * 10 + "wxyz")
    for path in (home, *home.rglob("*")):
        os.chown(path, 21001, 21002)
    token = hub.token("alice", role="write")
    done = login(*paste(token))
    assert (done.returncode, stored(home)) == (0, token), done.stdout
    assert (home / FOLDER / "stored_tokens").exists()
    assert {path: path.stat().st_uid for path in home.rglob("*") if path.stat().st_uid != 21001} == {}


def test_without_a_terminal(hub: Hub, home: Path) -> None:
    """Without a terminal nobody is asked, and nothing waits for a browser."""
    done = run("login", HF_TOKEN=None)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "git-credential-hf: error: cannot log in without a terminal\n"
        f"git-credential-hf: hint: set HF_TOKEN, or write a token to {home / FOLDER / 'token'}\n"
    )
    assert not (home / FOLDER / "token").exists()
    (home / FOLDER).mkdir(parents=True)
    (home / FOLDER / "token").write_text(hub.token("alice"))
    git("clone", "https://huggingface.co/alice/model")


@pytest.mark.parametrize(
    ("environment", "error", "hint"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "offline mode (HF_HUB_OFFLINE)", "run `unset HF_HUB_OFFLINE`"),
        ({"HF_ENDPOINT": "http://evil.example"}, "HF_ENDPOINT is http://evil.exa", "run `unset HF_ENDPOINT`"),
        ({"https_proxy": "http://127.0.0.1:9"}, "cannot reach the Hub through the proxy", ""),
    ],
    ids=["offline", "no Hub", "a dead proxy"],
)  # fmt: skip
def test_no_network(environment: dict[str, str], error: str, hint: str, hub: Hub) -> None:
    """Without a way to the Hub nobody is asked for anything: the cause is named at once."""
    done = login(("How would you like", "\x03"), **environment)
    assert (done.returncode, len(said(done, "error"))) == (1, 1)
    assert said(done, "error")[0].startswith(error), done.stdout
    assert "How would you like" not in done.stdout
    assert hint in "".join(said(done, "hint"))


# --- hints ---


def path_without(*names: str) -> str:
    """A PATH without these programs of the environment of the tests."""
    folder = Path(os.environ["HOME"], "bin")
    folder.mkdir(exist_ok=True)
    for program in ("git", "sh", "env"):
        if not (folder / program).exists() and (found := shutil.which(program)):
            (folder / program).symlink_to(found)
    for program in {"hf", "git-credential-hf"} - {*names}:
        (folder / program).symlink_to(Path(sysconfig.get_path("scripts"), program))
    return str(folder)


@pytest.mark.parametrize(
    ("missing", "login_command", "command"),
    [
        ((), "hf auth login", "git-credential-hf"),
        (("hf",), "git-credential-hf login", "git-credential-hf"),
        (("hf", "git-credential-hf"), "{program} login", "{program}"),
        (("git-credential-hf",), "hf auth login", "{program}"),
    ],
)
def test_hints_name_what_is_there(missing: tuple[str, ...], login_command: str, command: str, home: Path) -> None:
    """A hint names `hf` only where that is on PATH, and this program by its path where that is not; in all commands."""
    given: dict[str, Any] = {"HF_TOKEN": None, "PATH": path_without(*missing)}
    login_command, command = (text.format(program=PROGRAM) for text in (login_command, command))
    request = "protocol=https\nhost=huggingface.co\n\n"
    for arguments in (["get"], ["status"], ["check", "--write", "alice/model"], ["configure"]):
        done = run_program(PROGRAM, *arguments, stdin=request, check=False, **given)
        assert f"run `{login_command}`\n" in done.stderr, arguments
    done = run_program(PROGRAM, "hooks", "status", "--global", check=False, **given)
    assert done.stderr.endswith(f"hint: run `{command} hooks install --global`\n")
    printed = run_program(PROGRAM, "hooks", "status", "--global", "--json", check=False, **given).stdout
    assert json.loads(printed)["problem"]["fix"] == f"{command} hooks install --global"
    done = run_program(PROGRAM, "hooks", "nonsense", check=False, **given)
    assert done.stderr.endswith(f"hint: run `{command} hooks --help`\n")
    git("config", "--global", "credential.https://hf.co.provider", "generic")
    printed = run_program(PROGRAM, "doctor", "--offline", "--json", check=False, **given).stdout
    fixes = {finding["id"]: finding["fix"] for finding in json.loads(printed)["findings"]}
    assert f"`{login_command}`" in fixes["no-token"]
    shown = run_program(PROGRAM, "doctor", "--offline", check=False, **given).stdout
    assert f"next: run `{command} doctor --fix`" in " ".join(shown.split())


def test_configure_says_that_git_lfs_is_missing(home: Path) -> None:
    """On a terminal, `configure` says if git does not use git-lfs, with the command; elsewhere it is silent."""
    given: dict[str, Any] = {"HF_TOKEN": "hf_x", "PATH": path_without()}
    done = run_on_terminal(PROGRAM, "configure", "--no-purge", **given)
    assert said(done, "warning") == ["git-lfs is not installed: clones contain pointers instead of files"]
    assert "git-lfs" in said(done, "hint")[0] and "git lfs install --skip-repo`" in said(done, "hint")[0]
    assert "git-lfs" not in run_program(PROGRAM, "configure", "--no-purge", **given).stderr


# --- configure ---


@pytest.mark.parametrize("answer", ["\r", "n\r"])
def test_configure_offers_to_log_in(answer: str, hub: Hub, home: Path) -> None:
    """On a terminal, `configure` ends with the login if there is none; whoever says no is told the command."""
    token = hub.token("alice")
    given: dict[str, Any] = {"GIT_TERMINAL_PROMPT": None, "TERM": "xterm"}
    steps = [("Log in to Hugging Face now? [Y/n]", answer), *(paste(token) if answer == "\r" else [])]
    done = run_on_terminal(PROGRAM, "configure", typed=steps, **given)
    assert done.returncode == 0, done.stdout
    assert stored(home) == (token if answer == "\r" else None)
    assert ("to log in, run `hf auth login`" in said(done, "hint")) == (answer != "\r")
    done = run_on_terminal(PROGRAM, "configure", **given) if answer == "\r" else done
    assert done.stdout.count("Log in to Hugging Face now?") == (0 if answer == "\r" else 1)


@pytest.mark.parametrize(
    "given",
    [{"GIT_TERMINAL_PROMPT": "0"}, {"CI": "1"}, {"HF_TOKEN": "hf_x"}, {"HF_ENDPOINT": "https://hub.example/hf"}],
    ids=str,
)
def test_configure_without_a_person(given: dict[str, Any], home: Path) -> None:
    """Nobody is asked in CI, without prompts, with a token, or for another Hub: `configure` ends as ever."""
    environment: dict[str, Any] = {"TERM": "xterm", "GIT_TERMINAL_PROMPT": None, **given}
    done = run_on_terminal(PROGRAM, "configure", "--no-purge", **environment)
    assert (done.returncode, "now?" in done.stdout) == (0, False), done.stdout


def test_configure_and_a_login_that_fails(hub: Hub, home: Path) -> None:
    """The settings of git are configured in any case, and the login can be made later."""
    steps = [("now? [Y/n]", "\r"), *paste("hf_" + "Wrong" * 6 + "wxyz")]
    done = run_on_terminal(PROGRAM, "configure", typed=steps, TERM="xterm", GIT_TERMINAL_PROMPT=None)
    assert (done.returncode, said(done, "error")) == (0, ["the Hub rejects this token"]), done.stdout
    assert (home / ".config/git-credential-hf/gitconfig").exists()


@pytest.mark.parametrize(
    "steps",
    [[("now? [Y/n]", "\x03")], [("now? [Y/n]", "\r"), ("How would you like", "\x03")]],
    ids=["at the question", "at the menu"],
)
def test_configure_and_ctrl_c(steps: list[tuple[str, str]], hub: Hub, home: Path) -> None:
    """Ctrl-C is a no to the login, for install.sh as well, which ignores it while git is configured."""
    command = f"trap '' INT; '{PROGRAM}' configure; echo \"status $?\""
    done = run_on_terminal("/bin/sh", "-c", command, typed=steps, TERM="xterm", GIT_TERMINAL_PROMPT=None)
    assert done.stdout.endswith("status 0\n"), done.stdout
    assert any("login`" in hint for hint in said(done, "hint")), done.stdout
    assert stored(home) is None


def test_a_second_token(hub: Hub, home: Path) -> None:
    """`configure` with a token that is not stored offers the login on a terminal; the current login stays so."""
    hub.user("bob")
    first = hub.token("alice", role="write", name="laptop")
    assert login(*paste(first)).returncode == 0
    second = hub.token("bob", role="write", name="work")
    question = [("Log in with another token now?", "y\r")]
    command = ("configure", "--no-purge", "--token", "work", "--for", "acme")
    done = run_on_terminal(PROGRAM, *command, typed=[*question, *paste(second)])
    assert done.returncode == 0, done.stdout
    assert "the token has to be named work" in done.stdout
    assert stored(home) == first
    ask = "protocol=https\nhost=huggingface.co\npath=acme/x\n\n"
    assert f"password={second}" in git("credential", "fill", stdin=ask)
    assert f"password={first}" in git("credential", "fill", stdin=ask.replace("acme", "alice"))
    done = run("configure", "--no-purge", "--no-token", "--for", "acme")
    assert done.returncode == 0, done.stderr
    assert f"password={first}" in git("credential", "fill", stdin=ask)
    assert "useHttpPath" not in (home / ".config/git-credential-hf/gitconfig").read_text()


def test_a_second_token_of_another_name(hub: Hub, home: Path) -> None:
    """If the new token has another name than the one that was asked for, that is an error, and the login stays."""
    first = hub.token("alice", role="write", name="laptop")
    assert login(*paste(first)).returncode == 0
    steps = [("Log in with another token now?", "y\r"), *paste(hub.token("alice", name="other"))]
    done = run_on_terminal(PROGRAM, "configure", "--no-purge", "--token", "work", "--for", "acme", typed=steps)
    assert done.returncode == 1
    assert said(done, "error") == ["the token that you logged in with is named 'other', not 'work'"]
    assert said(done, "hint")[-1] == "run `git-credential-hf configure --token other --for acme`"
    assert stored(home) == first
    assert not (home / ".config/git-credential-hf").exists()


@pytest.mark.parametrize("option", ["--dry-run", "--print", "--env"])
def test_no_login_for_what_is_only_printed(option: str, home: Path) -> None:
    """Without a change there is no offer: the login would be one, and would print into the output, as for `eval`."""
    done = run_on_terminal(PROGRAM, "configure", "--token", "work", "--for", "acme", option)
    assert (done.returncode, "now?" in done.stdout) == (1, False), done.stdout
    assert said(done, "error") == ["no stored token is named 'work'; there are none"]


def test_old_tokens_are_asked_about_if_there_are_any(hub: Hub, home: Path) -> None:
    """`configure` on a terminal asks other helpers first, and a person if one holds something to remove."""
    git("config", "--global", "credential.helper", "store")
    assert login(*paste(hub.token("alice", role="write", name="laptop"))).returncode == 0
    done = run_on_terminal(PROGRAM, "configure", typed=[])
    assert done.returncode == 0 and "Remove the Hub tokens" not in done.stdout, done.stdout
    assert run("unconfigure").returncode == 0
    old = hub.token("alice", role="write")
    hub.revoke(old)
    (home / ".git-credentials").write_text(f"https://git:{old}@huggingface.co\nhttps://bob:secret@example.org\n")
    done = run_on_terminal(PROGRAM, "configure", typed=[("Remove the Hub tokens", "y\r")])
    assert done.returncode == 0, done.stdout
    assert (home / ".git-credentials").read_text() == "https://bob:secret@example.org\n"


def test_a_login_behind_a_variable(hub: Hub) -> None:
    """Who logs in although `HF_TOKEN` is set is told how to use the login."""
    done = login(*paste(hub.token("alice", role="write", name="laptop")), HF_TOKEN=hub.token("alice"))
    assert said(done, "hint") == ["run `unset HF_TOKEN` to use this login: git uses the variable first"]


def test_a_helper_of_a_person_is_not_asked_first(hub: Hub, home: Path) -> None:
    """`configure` does not run somebody's own helper, for which a key may have to be touched, before they agree.

    Nor the next time, when git itself does not run it for the Hub.
    """
    asked = home / "asked"
    git("config", "--global", "--add", "credential.helper", f"!touch {asked}; true")
    assert login(*paste(hub.token("alice", role="write", name="laptop"))).returncode == 0
    asked.unlink(missing_ok=True)
    for _ in range(2):
        done = run_on_terminal(PROGRAM, "configure", typed=[("Remove the Hub tokens", "n\r")])
        assert done.returncode == 0, done.stdout
        assert not asked.exists()
