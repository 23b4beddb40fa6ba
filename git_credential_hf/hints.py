"""Adapt the commands in hints to this machine, so that they work as printed.

Hints are written for a machine with `git-credential-hf` and `hf` on PATH. After `uv tool install` or pipx there is no
`hf`; in cron, in a service, or if git runs the helper by its path, neither may be on PATH.
"""

import os
import sys

from git_credential_hf.git.helper_chain import program_path
from git_credential_hf.git.run import find_program
from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word

_NAME = "git-credential-hf"


def name_commands(hint: str) -> str:
    """Return a hint with commands that work on this machine."""
    if "hf auth login`" in hint and not find_program("hf"):
        hint = hint.replace("hf auth login`", f"{_NAME} login`")
    typed = typed_name()
    if f"{_NAME} " not in hint or (typed == _NAME and find_program(_NAME)):
        return hint
    program = _program() if typed == _NAME else typed
    if hint.startswith(f"{_NAME} "):  # the whole of it is a command
        hint = program + hint.removeprefix(_NAME)
    return hint.replace(f"`{_NAME} ", f"`{program} ")


def typed_name() -> str:
    """Return the command that the user typed: this program's name, or `hf git` if it runs as an extension of `hf`."""
    return "hf git" if os.path.basename(sys.argv[0]).removesuffix(".exe") == "hf-git" else _NAME


def _program() -> str:
    try:
        return shell_word(program_path())
    except Problem:
        return f"{shell_word(sys.executable)} -m git_credential_hf"
