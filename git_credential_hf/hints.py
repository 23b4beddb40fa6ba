"""Which commands a hint may name: those that exist on this machine, under a name that works in this shell.

Hints are written for a machine with `git-credential-hf` and `hf` on PATH. After `uv tool install` or pipx there is no
`hf`; in cron, in a service, or when git was given the path, there may be neither.
"""

import os
import sys

from git_credential_hf.git.helpers import program_path
from git_credential_hf.git.run import find_program
from git_credential_hf.problem import Problem, shell_word

_NAME = "git-credential-hf"


def name_commands(hint: str) -> str:
    """Return a hint with the commands that work here."""
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
    """Return what was typed to run this program: its name, or `hf git` if it is an extension of `hf`."""
    return "hf git" if os.path.basename(sys.argv[0]).removesuffix(".exe") == "hf-git" else _NAME


def _program() -> str:
    try:
        return shell_word(program_path())
    except Problem:
        return f"{shell_word(sys.executable)} -m git_credential_hf"
