"""Run the installed git-credential-hf in a test, with a token that must not appear in its output."""

import os
import re
import select
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import programs
import pytest
from programs import Done

SCRIPTS = sysconfig.get_path("scripts")
PROGRAM = os.path.join(SCRIPTS, "git-credential-hf")
TOKEN = "hf_CaNaRyWqZeTbPkLsVmXoGdJfHuYiRc1234"
SHOWN = "hf_****1234"
OLD_TOKEN = "hf_OlDoLdOlDoLdOlDoLdOlDoLdOlDoLd5678"
REFRESH_TOKEN = "hf_oauth__refresh_CaNaRyCaNaRyCaNaRyCaNaRy1234"


def run(*arguments: str, program: str = PROGRAM, around: tuple[str, ...] = (), **environment: Any) -> Done:
    """Run the executable without a terminal, perhaps by another program `around` it; it may fail."""
    return checked(programs.run(*around, program, *arguments, check=False, **{"HF_TOKEN": TOKEN, **environment}))


def succeed(*arguments: str, **environment: Any) -> str:
    """Run the executable, which must succeed; return what it prints."""
    done = run(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def checked(done: Done) -> Done:
    """Check that there is no traceback, and no token."""
    for wrong in ("Traceback", "internal error", TOKEN, OLD_TOKEN, REFRESH_TOKEN):
        assert wrong not in done.stdout + done.stderr
    return done


def run_on_terminal(typed: str, *arguments: str) -> tuple[int, str]:
    """Run the executable on a terminal on which this is typed after a question; return its status and the screen."""
    import pty  # Windows has none

    child, screen = pty.fork()
    if child == 0:
        os.environ["HF_TOKEN"] = TOKEN
        os.execv(PROGRAM, [PROGRAM, *arguments])
    shown, is_answered = b"", False
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
        if not is_answered and b"?" in shown:
            os.write(screen, typed.encode())
            is_answered = True
    os.close(screen)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, checked(Done([PROGRAM, *arguments], status, shown.decode(), "")).stdout


def fill(host: str = "huggingface.co", protocol: str = "https", **environment: Any) -> str:
    """Return what real `git credential fill` finds."""
    request = f"protocol={protocol}\nhost={host}\n\n"
    given = {"HF_TOKEN": TOKEN, **environment}
    return programs.run("git", "credential", "fill", stdin=request, check=False, **given).stdout


def password(host: str = "huggingface.co", **environment: Any) -> str:
    """Return the password that git finds, if any."""
    return dict(line.split("=", 1) for line in fill(host, **environment).splitlines()).get("password", "")


def messages(done: Done, level: str) -> list[str]:
    """Return the messages of a level: `error`, `warning` or `hint`."""
    return re.findall(rf"^git-credential-hf: {level}: (.*)$", done.stderr, re.MULTILINE)


def commands_in_hints(done: Done) -> list[str]:
    """Return the first command in each hint."""
    return re.findall(r"^git-credential-hf: hint: [^`\n]*`([^`\n]+)`", done.stderr, re.MULTILINE)


# --- what `configure` writes ---


def section(origin: str, helper: str = PROGRAM) -> str:
    """Return the lines for an origin."""
    return f'[credential "{origin}"]\n\thelper =\n\thelper = {helper}\n'


HUB_SECTIONS = section("https://huggingface.co") + section("https://hf.co")
HEADER = "# `git-credential-hf configure` writes this file, and `unconfigure` removes it.\n"
OWN_FILE = ".config/git-credential-hf/gitconfig"
INCLUDE = f"[include]\n\tpath = ~/{OWN_FILE}\n"
LOCAL_INCLUDE = "[include]\n\tpath = git-credential-hf/gitconfig\n"


def configured(before: str | bytes = "", more: str = "") -> dict[str, bytes | str]:
    """Return the files of a home after `configure`, with what was before in `.gitconfig`, and `more` sections."""
    before = before.encode() if isinstance(before, str) else before
    return {OWN_FILE: (HEADER + HUB_SECTIONS + more).encode(), ".gitconfig": before + INCLUDE.encode()}


def write_files(home: Path, files: Mapping[str, bytes | str]) -> None:
    """Write what `configured` or `files_below` returns."""
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content.encode() if isinstance(content, str) else content)


ANSWER = f"protocol=https\nhost=huggingface.co\nusername=git\npassword={TOKEN}\n"


def files_below(directory: Path) -> dict[str, bytes | str]:
    """Return the content of all files below a directory, and the targets of links."""
    return {
        str(path.relative_to(directory)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


class Spy:
    """A helper `spy` on PATH, which answers everything and logs what it is asked."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = directory / "spied"
        script = directory / "bin/git-credential-spy"
        script.parent.mkdir()
        script.write_text(
            f'#!/bin/sh\n{{ echo "$1"; cat; }} >> "{self.log}"\n'
            '[ "$1" != get ] || printf "username=spy\\npassword=spied\\n"\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(script.parent)]))

    def requests(self) -> list[str]:
        """Return what it was asked since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines
