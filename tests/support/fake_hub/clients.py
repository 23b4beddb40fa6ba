"""Somebody's computer: real git, git-lfs and huggingface_hub with a home of their own and nothing but the Hub."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from programs import Done, run

if TYPE_CHECKING:
    from . import Hub


class Asked(NamedTuple):
    """One call of the credential helper: get, store or erase, and what was on its stdin."""

    operation: str
    attributes: dict[str, str]


class Machine:
    """A home directory, and programs that run in it.

    With a `token` git has a credential helper, a shell script that gives this token to every host that is asked
    about, and remembers what it was asked: only a test may be so trusting.
    """

    def __init__(self, hub: Hub, home: Path, token: str | None = None) -> None:
        home.mkdir(parents=True)
        self.home = home
        self.environment = {
            **hub.environment,
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "HF_HOME": str(home / "huggingface"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            "no_proxy": "*",
        }
        self.token, self._calls = home / "token", home / "calls"
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Somebody\n\temail = somebody@example.org\n[init]\n\tdefaultBranch = main\n"
            "[advice]\n\tdetachedHead = false\n"
        )
        if token is not None:
            self.give(token)

    def give(self, token: str) -> None:
        """Puts the token into git's credential helper."""
        self.token.write_text(token)
        helper = self.home / "helper"
        helper.write_text(
            f'#!/bin/sh\n{{ echo "> $1"; cat; }} >> {shlex.quote(str(self._calls))}\n'
            f'[ "$1" = get ] || exit 0\necho username=hf_user\necho "password=$(cat {shlex.quote(str(self.token))})"\n'
        )
        helper.chmod(0o755)
        self.git("config", "--global", "credential.helper", shlex.quote(str(helper)))

    @property
    def asked(self) -> list[Asked]:
        """The calls of the credential helper so far."""
        calls: list[Asked] = []
        for line in self._calls.read_text().splitlines() if self._calls.exists() else ():
            if line.startswith("> "):
                calls.append(Asked(line[2:], {}))
            elif line:
                name, _, value = line.partition("=")
                calls[-1].attributes[name] = value
        return calls

    def run(self, *command: str | Path, cwd: Path | None = None, timeout: float = 60, **environment: Any) -> Done:
        """Runs a program to its end, whatever that is."""
        return run(*command, cwd=cwd or self.home, base=self.environment, check=False, timeout=timeout, **environment)

    def attempt(self, *arguments: str | Path, cwd: Path | None = None, **environment: Any) -> tuple[int, str]:
        """Runs git, which may fail: its exit status and what it said on stderr."""
        done = self.run("git", *arguments, cwd=cwd, **environment)
        return done.returncode, done.stderr

    def git(self, *arguments: str | Path, cwd: Path | None = None, **environment: Any) -> str:
        """Runs git, which must succeed; returns its output."""
        done = self.run("git", *arguments, cwd=cwd, **environment)
        assert done.returncode == 0, f"git {arguments}: {done.stderr}"
        return done.stdout.strip()

    def clone(self, url: str, *arguments: str, **environment: Any) -> Path:
        """Clones into the home directory."""
        place = self.home / url.rpartition("/")[2].removesuffix(".git")
        self.git("clone", "--quiet", *arguments, url, place, **environment)
        return place

    def commit(self, clone: Path, files: Mapping[str, bytes]) -> str:
        """Commits these files; returns the commit."""
        for name, content in files.items():
            path = clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.git("add", "--all", cwd=clone)
        self.git("commit", "--quiet", "--message", "a change", cwd=clone)
        return self.git("rev-parse", "HEAD", cwd=clone)

    def python(self, code: str, *arguments: str, **environment: Any) -> Done:
        """Runs Python code, in the interpreter and with the packages of the tests."""
        return self.run(sys.executable, "-c", code, *arguments, **environment)
