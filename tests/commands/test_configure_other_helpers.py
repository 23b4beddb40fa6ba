"""What `configure` does about other helpers: it removes their old tokens, and warns of those that git still asks."""

import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pytest
from executable import (
    OLD_TOKEN,
    TOKEN,
    commands_in_hints,
    configured,
    files_below,
    messages,
    password,
    run,
    run_on_terminal,
)
from login import store_token
from programs import Done, git

OTHERS = "https://me:secret@git.example\nhttps://hf_user:x@huggingface.co.evil.example\nhttps://a:b@github.com\n"
# As git's `store` has them: under several names, for both hosts, between those of other hosts.
STORED = (
    f"https://me:secret@git.example\nhttps://hf_user:{OLD_TOKEN}@huggingface.co\n"
    f"https://alice:{OLD_TOKEN}@huggingface.co\nhttps://hf_user:x@huggingface.co.evil.example\n"
    f"https://git:{OLD_TOKEN}@hf.co\nhttps://a:b@github.com\n"
)
STORE = "[credential]\n\thelper = store\n"
ANSWERS_OF_TERMINALS = {"\n": OTHERS, "y\n": OTHERS, "YES\n": OTHERS, "n\n": STORED, "No\n": STORED}


@pytest.fixture
def stored(home: Path) -> Path:
    """~/.git-credentials with copies of a stored token and entries for other hosts, and git configured to use it."""
    store_token(home, "old", OLD_TOKEN)
    (home / ".gitconfig").write_text(STORE)
    file = home / ".git-credentials"
    file.write_text(STORED)
    file.chmod(0o600)
    assert password() == OLD_TOKEN
    return file


@pytest.fixture
def add_helper(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a helper with this script on PATH, and configure git to use it."""

    def add(script: str) -> None:
        program = tmp_path / "git-credential-other"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(tmp_path)]))
        (home / ".gitconfig").write_text("[credential]\n\thelper = other\n\thelper = not-installed\n")

    return add


@pytest.fixture
def repository(home: Path) -> Path:
    git("init", "--quiet", str(home / "repository"))
    return home / "repository"


def warnings(done: Done) -> list[str]:
    return messages(done, "warning")


def follow_hints(done: Done, directory: Path) -> None:
    """Run the commands in the hints, except `purge`."""
    commands = [command for command in commands_in_hints(done) if "purge" not in command]
    assert commands
    for command in commands:
        programs.run("sh", "-c", command, cwd=directory)


# --- old tokens, with an option ---


def test_purge(home: Path, stored: Path) -> None:
    """`--purge` erases all Hub tokens that other helpers hold, and no other entry, and configures."""
    done = run("configure", "--purge")
    assert done.returncode == 0
    assert stored.read_text() == OTHERS
    assert stored.stat().st_mode & 0o777 == 0o600
    assert password() == password("hf.co") == TOKEN
    assert password("git.example") == "secret"
    assert "git-credential-hf purge" not in done.stderr, "nothing is left to do"
    assert "store" in done.stdout
    run("unconfigure")
    assert (home / ".gitconfig").read_text() == STORE
    assert password() == ""


def test_no_purge(home: Path, stored: Path) -> None:
    """`--no-purge` leaves all copies, and configures without a hint; a later `--purge` finds what is hidden now."""
    done = run("configure", "--no-purge")
    assert (done.returncode, done.stderr) == (0, "")
    assert stored.read_text() == STORED
    assert password() == TOKEN
    assert (home / ".gitconfig").read_text().startswith(STORE)
    assert run("configure", "--purge").returncode == 0
    assert stored.read_text() == OTHERS


def test_purge_without_other_helpers(home: Path) -> None:
    """`--purge` on a fresh machine only configures."""
    done = run("configure", "--purge")
    assert (done.returncode, done.stderr) == (0, "")
    assert files_below(home) == configured()


@pytest.mark.parametrize("option", ["--dry-run", "--print", "--env"])
@pytest.mark.parametrize("purge", [(), ("--purge",)], ids=["", "purge"])
def test_dry_run_purges_nothing(option: str, purge: tuple[str, ...], home: Path, stored: Path) -> None:
    """Options that change no configuration erase nothing either."""
    assert run("configure", option, *purge).returncode == 0
    assert stored.read_text() == STORED
    assert (home / ".gitconfig").read_text() == STORE


def test_purge_before_a_mapping(home: Path, stored: Path) -> None:
    """With a token for a namespace, it purges, too."""
    store_token(home, "work", TOKEN)
    assert run("configure", "--token", "work", "--for", "acme", "--purge").returncode == 0
    assert stored.read_text() == OTHERS


def test_what_cannot_be_purged(add_helper: Callable[[str], None]) -> None:
    """A helper that still holds its copy is named, and git is configured nevertheless."""
    add_helper(f'[ "$1" != get ] || printf "username=a\\npassword={OLD_TOKEN}\\n"')
    assert re.search(r"^held +other\b", run("configure", "--purge").stdout, re.MULTILINE)
    assert password() == TOKEN


def test_a_helper_that_fails(add_helper: Callable[[str], None]) -> None:
    """A helper that fails, or is not installed, does not prevent `configure`."""
    add_helper("exit 3")
    run("configure", "--purge")
    assert password() == TOKEN


def test_no_purge_runs_no_helper(add_helper: Callable[[str], None], tmp_path: Path) -> None:
    """`--no-purge` does not even run the other helpers."""
    add_helper(f'echo "$1" >> "{tmp_path}/requests"')
    run("configure", "--no-purge")
    assert not (tmp_path / "requests").exists()


# --- old tokens, without an option ---


def test_without_a_terminal(stored: Path) -> None:
    """Without a terminal nothing is erased, and a hint names the command that does it."""
    done = run("configure")
    assert done.returncode == 0
    assert stored.read_text() == STORED
    assert "git-credential-hf purge" in commands_in_hints(done)
    assert password() == TOKEN


@pytest.mark.parametrize("configured", ["", '[credential "https://github.com"]\n\thelper = store\n'])
def test_no_hint_without_other_helpers(configured: str, home: Path) -> None:
    """Without another helper that git could ask for a Hub token, there is no hint."""
    (home / ".gitconfig").write_text(configured)
    assert run("configure").stderr == ""


@pytest.mark.parametrize("typed", ANSWERS_OF_TERMINALS, ids=repr)
def test_question(stored: Path, typed: str) -> None:
    """On a terminal it asks. Yes, and Enter alone, erase the copies; no leaves them; both configure."""
    status, screen = run_on_terminal(typed, "configure")
    assert status == 0, screen
    assert "[Y/n]" in screen
    assert stored.read_text() == ANSWERS_OF_TERMINALS[typed]
    assert password() == TOKEN


def test_question_without_a_long_wait(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has a slow helper is asked after its first answer for each host, not after one for each user name."""
    store_token(home, "old", OLD_TOKEN)
    program, requests = tmp_path / "git-credential-libsecret", tmp_path / "requests"
    program.write_text(f'#!/bin/sh\necho "$1" >> {shlex.quote(str(requests))}\nsleep 4\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (home / ".gitconfig").write_text("[credential]\n\thelper = libsecret\n")
    status, screen = run_on_terminal("n\n", "configure")
    assert (status, "[Y/n]" in screen) == (0, True), screen
    assert requests.read_text() == "get\nget\n"


@pytest.mark.parametrize("typed", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_no_answer_to_the_question(home: Path, stored: Path, typed: str) -> None:
    """Whoever breaks off has agreed to nothing: nothing is erased, and nothing configured."""
    status, screen = run_on_terminal(typed, "configure")
    assert status != 0, screen
    assert stored.read_text() == STORED
    assert (home / ".gitconfig").read_text() == STORE


def test_another_answer_to_the_question(stored: Path) -> None:
    """What is neither yes nor no is asked again."""
    status, _ = run_on_terminal("perhaps\nn\n", "configure")
    assert status == 0
    assert stored.read_text() == STORED


@pytest.mark.parametrize("option", ["--purge", "--no-purge", "--dry-run", "--print", "--env"])
def test_no_question_with_an_option(stored: Path, option: str) -> None:
    """With an option there is no question on a terminal."""
    status, screen = run_on_terminal("", "configure", option)
    assert status == 0
    assert "[Y/n]" not in screen


def test_no_question_without_other_helpers() -> None:
    """Without another helper there is no question on a terminal."""
    status, screen = run_on_terminal("", "configure")
    assert status == 0
    assert "?" not in screen


# --- other settings that git still uses ---

HELPERS_OF_A_REPOSITORY = {
    "any": STORE,
    "the host": '[credential "https://huggingface.co"]\n\thelper = store\n',
    "the other host": '[credential "https://hf.co"]\n\thelper = store\n',
    "wildcard": '[credential "https://*.co"]\n\thelper = store\n',
    "shell": '[credential]\n\thelper = "!git credential-store"\n',
}


def add_to_config(repository: Path, text: str) -> None:
    with (repository / ".git/config").open("a") as config:
        config.write(text)


@pytest.mark.parametrize("name", HELPERS_OF_A_REPOSITORY)
def test_a_helper_of_the_repository(repository: Path, home: Path, name: str) -> None:
    """Git reads a repository's helper after our reset and would give it the token: a warning, with the fix."""
    file = home / ".git-credentials"
    file.write_text("https://me:secret@git.example\n")
    add_to_config(repository, HELPERS_OF_A_REPOSITORY[name])
    elsewhere = password("git.example", cwd=repository)
    done = run("configure", cwd=repository)
    assert done.returncode == 0
    assert any(".git/config" in warning for warning in warnings(done)), done.stderr
    follow_hints(done, repository)
    for host in ("huggingface.co", "hf.co"):
        assert password(host, cwd=repository) == TOKEN
        answer = f"protocol=https\nhost={host}\nusername=git\npassword={TOKEN}\n\n"
        git("credential", "approve", cwd=repository, stdin=answer)
    assert TOKEN not in file.read_text()
    assert warnings(run("configure", cwd=repository)) == []
    assert password("git.example", cwd=repository) == elsewhere, "other hosts keep their helper"


@pytest.mark.parametrize(
    "harmless",
    [
        '[credential "https://github.com"]\n\thelper = store\n\tusername = alice\n',
        "[credential]\n\thelper = hf\n",
        "[credential]\n\thelper = store\n\thelper =\n\thelper = hf\n",
        "[credential]\n\tuseHttpPath = true\n",
        "",
    ],
    ids=lambda text: " ".join(text.split()) or "nothing",
)
def test_a_harmless_repository(repository: Path, harmless: str) -> None:
    """Helpers that get no Hub token, settings for other hosts and our own helper are no reason to warn."""
    add_to_config(repository, harmless)
    assert warnings(run("configure", "--no-purge", cwd=repository)) == []


def test_local_needs_no_warning(repository: Path) -> None:
    """`configure --local` resets the list after the repository's helper."""
    add_to_config(repository, STORE)
    assert warnings(run("configure", "--local", "--no-purge", cwd=repository)) == []
    assert password(cwd=repository) == TOKEN


@pytest.mark.parametrize("variable", ["credential.helper", "credential.https://huggingface.co.username"])
def test_the_environment(variable: str) -> None:
    """GIT_CONFIG_* comes after all files: the hint does not advise to change a file."""
    environment: dict[str, Any] = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": variable, "GIT_CONFIG_VALUE_0": "store"}
    done = run("configure", "--no-purge", **environment)
    assert len(warnings(done)) == 1
    assert "git config --" not in done.stderr
    assert "GIT_CONFIG" in done.stderr


@pytest.mark.parametrize("setting", ["helper = store", "username = alice"])
def test_an_included_file(repository: Path, setting: str) -> None:
    """A setting in an included file is removed there, where `git config --local` would not find it."""
    more = repository / ".git/more config"
    more.write_text(f"[credential]\n\t{setting}\n")
    git("config", "--local", "include.path", str(more), cwd=repository)
    done = run("configure", "--no-purge", cwd=repository)
    assert len(warnings(done)) == 1
    follow_hints(done, repository)
    assert warnings(run("configure", "--no-purge", cwd=repository)) == []


@pytest.mark.parametrize("subsection", ["https://huggingface.co", "https://hf.co", "https://huggingface.co/", None])
@pytest.mark.parametrize("scope", ["global", "local"])
def test_a_username(repository: Path, subsection: str | None, scope: str) -> None:
    """A `credential.<hub>.username` is a warning, with the command that removes it."""
    key = ".".join(part for part in ("credential", subsection, "username") if part)
    git("config", f"--{scope}", key, "alice", cwd=repository)
    done = run("configure", "--no-purge", cwd=repository)
    assert done.returncode == 0
    assert [warning for warning in warnings(done) if "user name" in warning]
    follow_hints(done, repository)
    assert "username" not in git("config", "--list", cwd=repository)
    assert warnings(run("configure", "--no-purge", cwd=repository)) == []


@pytest.mark.parametrize("setting", [("credential.username", "x"), ("credential.helper", "store")])
def test_form_of_warnings(repository: Path, setting: tuple[str, str]) -> None:
    """A warning does not change the exit status, has our form, and its hint can be pasted into a shell."""
    git("config", "--local", *setting, cwd=repository)
    done = run("configure", "--no-purge", cwd=repository)
    assert done.returncode == 0
    assert done.stderr
    for line in done.stderr.splitlines():
        assert re.fullmatch(r"git-credential-hf: (warning|hint): [^A-Z\s].*[^.]", line)
    for command in commands_in_hints(done):
        assert shlex.split(command)
