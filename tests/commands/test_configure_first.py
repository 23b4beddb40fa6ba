"""What `configure` looks for before it changes anything: old copies, and what would stand in its way."""

import os
import pty
import re
import select
import shlex
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pytest
from programs import Done, git

PROGRAM = os.path.join(sysconfig.get_path("scripts"), "git-credential-hf")
CANARY = "hf_CaNaRyCaNaRyCaNaRyCaNaRyCaNaRy1234"
OLD = "hf_OlDoLdOlDoLdOlDoLdOlDoLdOlDoLd5678"
OTHERS = "https://me:secret@git.example\nhttps://hf_user:x@huggingface.co.evil.example\nhttps://a:b@github.com\n"
# As git's `store` keeps them: under several names, for both hosts, in between those of other hosts.
KEPT = (
    f"https://me:secret@git.example\nhttps://hf_user:{OLD}@huggingface.co\nhttps://alice:{OLD}@huggingface.co\n"
    f"https://hf_user:x@huggingface.co.evil.example\nhttps://git:{OLD}@hf.co\nhttps://a:b@github.com\n"
)
STORE = "[credential]\n\thelper = store\n"


def run(*arguments: str, cwd: Path | None = None, **environment: Any) -> Done:
    """Run the executable without a terminal; no traceback and no token is ever to be seen."""
    given = {"HF_TOKEN": CANARY, **environment}
    return checked(programs.run(PROGRAM, *arguments, cwd=cwd, check=False, timeout=120, **given))


def checked(done: Done) -> Done:
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    for secret in (CANARY, OLD):
        assert secret not in done.stdout + done.stderr
    return done


def at_a_terminal(typed: str, *arguments: str) -> tuple[int, str]:
    """Run the executable at a terminal on which somebody types this after the question; its status and the screen."""
    child, screen = pty.fork()
    if child == 0:
        os.environ["HF_TOKEN"] = CANARY
        os.execv(PROGRAM, [PROGRAM, *arguments])
    shown, answered = b"", False
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([screen], [], [], 2)[0]:
            if typed == "\x03":
                os.write(screen, typed.encode())  # Python may lose the first, just before it waits for a line
            continue
        try:
            part = os.read(screen, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not part:
            break
        shown += part
        if not answered and b"?" in shown:
            os.write(screen, typed.encode())
            answered = True
    os.close(screen)
    text = shown.decode()
    assert OLD not in text
    assert CANARY not in text
    assert "Traceback" not in text
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def fill(host: str = "huggingface.co", cwd: Path | None = None) -> str:
    asked = f"protocol=https\nhost={host}\n\n"
    done = programs.run("git", "credential", "fill", cwd=cwd, stdin=asked, check=False, HF_TOKEN=CANARY)
    return dict(line.split("=", 1) for line in done.stdout.splitlines()).get("password", "")


def remedies(done: Done) -> list[str]:
    """The command that each hint names (first, where there is a choice)."""
    return re.findall(r"^git-credential-hf: hint: [^`\n]*`([^`\n]+)`", done.stderr, re.MULTILINE)


def warnings(done: Done) -> list[str]:
    return re.findall(r"^git-credential-hf: warning: (.*)$", done.stderr, re.MULTILINE)


def carry_out(command: str, cwd: Path) -> None:
    """Type what a hint says."""
    programs.run("sh", "-c", command, cwd=cwd)


@pytest.fixture
def kept(home: Path) -> Path:
    """~/.git-credentials with old tokens of the Hub and entries of others, and git told to use it."""
    (home / ".gitconfig").write_text(STORE)
    file = home / ".git-credentials"
    file.write_text(KEPT)
    file.chmod(0o600)
    assert fill() == OLD
    return file


@pytest.fixture
def repository(home: Path) -> Path:
    repository = home / "repository"
    git("init", "--quiet", str(repository))
    return repository


# --- with an option ---


def test_purge_first(home: Path, kept: Path) -> None:
    """`--purge` erases all Hub tokens that other helpers hold, no other entry, and configures."""
    done = run("configure", "--purge")
    assert done.returncode == 0
    assert kept.read_text() == OTHERS
    assert kept.stat().st_mode & 0o777 == 0o600
    assert fill() == fill("hf.co") == CANARY
    assert fill("git.example") == "secret"
    assert "git-credential-hf purge" not in done.stderr, "there is nothing left to do"
    assert "store" in done.stdout + done.stderr, "and says where it was"
    run("unconfigure")
    assert (home / ".gitconfig").read_text() == STORE
    assert fill() != OLD


def test_purge_when_configured_already(kept: Path) -> None:
    """Copies that the reset hides are found as well, when `configure` has nothing to write any more."""
    run("configure", "--no-purge")
    assert kept.read_text() == KEPT
    assert run("configure", "--purge").returncode == 0
    assert kept.read_text() == OTHERS


def test_no_purge(home: Path, kept: Path) -> None:
    """`--no-purge` leaves all copies where they are, configures, and needs no hint for who has said so."""
    done = run("configure", "--no-purge")
    assert done.returncode == 0
    assert kept.read_text() == KEPT
    assert fill() == CANARY
    assert (home / ".gitconfig").read_text().startswith(STORE)


def test_purge_where_nothing_is_kept(home: Path) -> None:
    """`--purge` on a fresh machine configures, and that is all."""
    done = run("configure", "--purge")
    assert (done.returncode, warnings(done)) == (0, [])
    assert sorted(path.name for path in home.iterdir()) == [".gitconfig"]


@pytest.mark.parametrize("option", ["--dry-run", "--print", "--env"])
def test_looking_purges_nothing(home: Path, kept: Path, option: str) -> None:
    """Those that change no configuration erase nothing either, `--purge` or not."""
    for purge in (["--purge"], []):
        done = run("configure", option, *purge)
        assert done.returncode in ((0, 2) if purge else (0,))
        assert kept.read_text() == KEPT
        assert (home / ".gitconfig").read_text() == STORE


def test_purge_before_a_mapping(home: Path, kept: Path) -> None:
    """A mapping of a namespace is a `configure` like any other."""
    stored = home / ".cache/huggingface/stored_tokens"
    stored.parent.mkdir(parents=True)
    stored.write_text(f"[work]\nhf_token = {CANARY}\n\n")
    assert run("configure", "--token", "work", "--for", "acme", "--purge").returncode == 0
    assert kept.read_text() == OTHERS


def test_what_cannot_be_purged(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that goes on to hold its copy is named, and git is configured all the same: it is asked no more."""
    script = tmp_path / "git-credential-stubborn"
    script.write_text(f'#!/bin/sh\n[ "$1" != get ] || printf "username=a\\npassword={OLD}\\n"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(tmp_path)]))
    (home / ".gitconfig").write_text("[credential]\n\thelper = stubborn\n")
    done = run("configure", "--purge")
    assert re.search(r"\bheld\b.*stubborn|stubborn.*\bheld\b", done.stdout + done.stderr)
    assert fill() == CANARY


def test_a_helper_that_fails(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that fails, or is not installed, keeps nobody from configuring."""
    script = tmp_path / "git-credential-broken"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(tmp_path)]))
    (home / ".gitconfig").write_text("[credential]\n\thelper = broken\n\thelper = not-installed\n")
    run("configure", "--purge")
    assert fill() == CANARY


def test_no_purge_runs_no_helper(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--no-purge` does not even ask the other helpers."""
    script = tmp_path / "git-credential-spy"
    script.write_text(f'#!/bin/sh\necho "$1" >> "{tmp_path}/asked"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(tmp_path)]))
    (home / ".gitconfig").write_text("[credential]\n\thelper = spy\n")
    run("configure", "--no-purge")
    assert not (tmp_path / "asked").exists()


# --- without an option ---


def test_without_a_terminal(home: Path, kept: Path) -> None:
    """Without a terminal nobody can be asked: nothing is erased, and a hint names the command that would."""
    done = run("configure")
    assert done.returncode == 0
    assert kept.read_text() == KEPT
    assert "git-credential-hf purge" in remedies(done)
    assert fill() == CANARY


def test_no_hint_where_there_is_no_other_helper(home: Path) -> None:
    """Where git is configured for no other helper nothing is said."""
    assert run("configure").stderr == ""


def test_no_hint_for_helpers_of_other_hosts(home: Path) -> None:
    """Helpers that git never asks about the Hub can hold nothing of it."""
    (home / ".gitconfig").write_text('[credential "https://github.com"]\n\thelper = store\n')
    assert run("configure").stderr == ""


@pytest.mark.parametrize("typed", ["\n", "y\n", "yes\n", "Y\n", "YES\n"], ids=repr)
def test_yes_at_a_terminal(kept: Path, typed: str) -> None:
    """At a terminal it asks; yes, and Enter alone, erase the copies."""
    status, screen = at_a_terminal(typed, "configure")
    assert status == 0, screen
    assert re.search(r"\[Y/n\]", screen)
    assert kept.read_text() == OTHERS
    assert fill() == CANARY


@pytest.mark.parametrize("typed", ["n\n", "no\n", "N\n"], ids=repr)
def test_no_at_a_terminal(kept: Path, typed: str) -> None:
    """No leaves the copies where they are, and configures."""
    status, screen = at_a_terminal(typed, "configure")
    assert status == 0, screen
    assert kept.read_text() == KEPT
    assert fill() == CANARY


@pytest.mark.parametrize("typed", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_neither_yes_nor_no(home: Path, kept: Path, typed: str) -> None:
    """Who breaks off the question has agreed to nothing: nothing is erased and nothing configured."""
    status, screen = at_a_terminal(typed, "configure")
    assert status != 0, screen
    assert kept.read_text() == KEPT
    assert (home / ".gitconfig").read_text() == STORE


def test_nonsense_is_asked_again(kept: Path) -> None:
    """What is neither yes nor no is no consent."""
    status, _ = at_a_terminal("perhaps\nn\n", "configure")
    assert status == 0
    assert kept.read_text() == KEPT


@pytest.mark.parametrize("option", ["--purge", "--no-purge", "--dry-run", "--print", "--env"])
def test_who_has_said_so_is_not_asked(kept: Path, option: str) -> None:
    """With an option there is no question at a terminal."""
    status, screen = at_a_terminal("", "configure", option)
    assert status == 0
    assert "[Y/n]" not in screen


def test_no_question_without_need(home: Path) -> None:
    """Where no other helper is configured there is no question."""
    status, screen = at_a_terminal("", "configure")
    assert status == 0
    assert "?" not in screen


# --- what stands in the way ---

LATER = {
    "any": STORE,
    "the host": '[credential "https://huggingface.co"]\n\thelper = store\n',
    "the other host": '[credential "https://hf.co"]\n\thelper = store\n',
    "wildcard": '[credential "https://*.co"]\n\thelper = store\n',
    "shell": '[credential]\n\thelper = "!git credential-store"\n',
}


@pytest.mark.parametrize("later", LATER)
def test_a_helper_of_the_repository(repository: Path, home: Path, later: str) -> None:
    """Git reads a repository's helper after our reset and would give it the token: a warning with what mends it."""
    file = home / ".git-credentials"
    file.write_text("https://me:secret@git.example\n")
    config = repository / ".git/config"
    config.write_text(config.read_text() + LATER[later])
    elsewhere = fill("git.example", cwd=repository)
    done = run("configure", cwd=repository)
    assert done.returncode == 0
    assert any(".git/config" in warning or "repository" in warning for warning in warnings(done)), done.stderr
    mending = [remedy for remedy in remedies(done) if "purge" not in remedy]
    assert mending
    for command in mending:
        carry_out(command, repository)
    for host in ("huggingface.co", "hf.co"):
        assert fill(host, cwd=repository) == CANARY
        git(
            "credential",
            "approve",
            cwd=repository,
            given=f"protocol=https\nhost={host}\nusername=git\npassword={CANARY}\n\n",
        )
    assert CANARY not in file.read_text()
    assert warnings(run("configure", cwd=repository)) == []
    assert fill("git.example", cwd=repository) == elsewhere, "other hosts keep their helper"


@pytest.mark.parametrize(
    "harmless",
    [
        '[credential "https://github.com"]\n\thelper = store\n',
        "[credential]\n\thelper = hf\n",
        "[credential]\n\thelper = store\n\thelper =\n\thelper = hf\n",
        "[credential]\n\tuseHttpPath = true\n",
        "",
    ],
    ids=lambda text: " ".join(text.split()) or "nothing",
)
def test_a_harmless_repository(repository: Path, harmless: str) -> None:
    """Helpers that git does not give a Hub token to, and our own, are not warned of."""
    config = repository / ".git/config"
    config.write_text(config.read_text() + harmless)
    assert warnings(run("configure", "--no-purge", cwd=repository)) == []


def test_local_needs_no_warning(repository: Path) -> None:
    """`configure --local` resets behind the repository's helper."""
    config = repository / ".git/config"
    config.write_text(config.read_text() + STORE)
    assert warnings(run("configure", "--local", "--no-purge", cwd=repository)) == []
    assert fill(cwd=repository) == CANARY


@pytest.mark.parametrize("variable", ["credential.helper", "credential.https://huggingface.co.username"])
def test_the_environment(home: Path, variable: str) -> None:
    """What GIT_CONFIG_* sets comes after all files; no change of a file would mend it, and none is advised."""
    environment: dict[str, Any] = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": variable, "GIT_CONFIG_VALUE_0": "store"}
    done = run("configure", "--no-purge", **environment)
    assert len(warnings(done)) == 1
    assert not re.search(r"git config --(global|local|system)", done.stderr)
    assert "GIT_CONFIG" in done.stderr


@pytest.mark.parametrize("content", ["helper = store", "username = alice"])
def test_an_included_file(repository: Path, home: Path, content: str) -> None:
    """What stands in an included file is mended there, where `git config --local` would not find it."""
    more = repository / ".git/more config"
    more.write_text(f"[credential]\n\t{content}\n")
    git("config", "--local", "include.path", str(more), cwd=repository)
    done = run("configure", "--no-purge", cwd=repository)
    assert len(warnings(done)) == 1
    assert remedies(done)
    for command in remedies(done):
        carry_out(command, repository)
    assert warnings(run("configure", "--no-purge", cwd=repository)) == []


@pytest.mark.parametrize("subsection", ["https://huggingface.co", "https://hf.co", "https://huggingface.co/", None])
@pytest.mark.parametrize("where", ["global", "local"])
def test_a_username(repository: Path, home: Path, subsection: str | None, where: str) -> None:
    """A `credential.<hub>.username` gets in the way: a warning with the command that takes it away."""
    key = ".".join(part for part in ("credential", subsection, "username") if part)
    git("config", f"--{where}", key, "alice", cwd=repository)
    done = run("configure", "--no-purge", cwd=repository)
    assert done.returncode == 0
    assert [warning for warning in warnings(done) if re.search("user ?name", warning)]
    for command in remedies(done):
        carry_out(command, repository)
    listed = git("config", "--list", cwd=repository)
    assert "username" not in listed
    assert warnings(run("configure", "--no-purge", cwd=repository)) == []


def test_a_username_of_another_host(home: Path) -> None:
    """What is set for another host is none of our business."""
    git("config", "--global", "credential.https://github.com.username", "alice")
    assert run("configure").stderr == ""


@pytest.mark.parametrize("warned", ["username", "helper"])
def test_a_warning_is_no_failure(repository: Path, warned: str, spoken: Callable[[Done], str]) -> None:
    """Warnings change neither the exit status nor what is written, and come in our form."""
    git(
        "config", "--local", *(["credential.username", "x"] if warned == "username" else ["credential.helper", "store"])
    )
    done = run("configure", "--no-purge", cwd=repository)
    assert done.returncode == 0
    assert spoken(done)


@pytest.fixture
def spoken(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Done], str]:
    """Check the form of what stands on stderr."""
    monkeypatch.chdir(repository)

    def check(done: Done) -> str:
        for line in done.stderr.splitlines():
            assert re.match(r"git-credential-hf: (error|warning|hint): [^A-Z\s]", line), line
            assert not line.endswith("."), line
        for remedy in remedies(done):
            assert shlex.split(remedy)
        return done.stderr

    return check
