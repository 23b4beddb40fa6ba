"""Run a program in a test: to its end, in time, with its output as text."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forks
import pytest

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0  # Windows has no root
Done = subprocess.CompletedProcess[str]
Argument = str | bytes | Path


def run(
    *command: Argument,
    check: bool = True,
    cwd: Path | str | None = None,
    stdin: str | bytes = "",
    timeout: float = 60,
    base: Mapping[str, str] | None = None,
    **environment: Any,
) -> Done:
    """Run a program; fail the test if it fails (unless `check` is false), or takes longer than `timeout` seconds.

    Its environment is `base`, or this process's, with `environment` added; `None` removes a variable.
    """
    merged = {**(os.environ if base is None else base), **environment}
    given = {name: value for name, value in merged.items() if value is not None}
    input = stdin.encode("utf-8", "surrogateescape") if isinstance(stdin, str) else stdin
    arguments = forks.forked_arguments(command, given)
    if arguments is not None:
        status, output, errors = forks.run_forked(arguments, cwd, input, given, timeout)
    else:
        done = subprocess.run(command, cwd=cwd, input=input, env=given, capture_output=True, timeout=timeout)
        status, output, errors = done.returncode, done.stdout, done.stderr
    text = Done(command, status, output.decode("utf-8", "surrogateescape"), errors.decode("utf-8", "surrogateescape"))
    assert not check or text.returncode == 0, f"{command}: {text.returncode}\n{text.stdout}{text.stderr}"
    return text


def git(*arguments: Argument, cwd: Path | str | None = None, stdin: str | bytes = "", **environment: Any) -> str:
    """Run git, which must succeed; return what it prints."""
    return run("git", *arguments, cwd=cwd, stdin=stdin, **environment).stdout


def add_to_path(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each Python that is started import the packages in this directory first, as PYTHONPATH alone does not."""
    (directory / "site").mkdir()
    (directory / "site/sitecustomize.py").write_text(f"import sys\nsys.path.insert(0, {str(directory)!r})\n")
    monkeypatch.setenv("PYTHONPATH", str(directory / "site"))
