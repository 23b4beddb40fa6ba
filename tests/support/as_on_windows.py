"""A plugin of pytest's: while tests are collected, Python has nothing that it lacks on Windows."""

import os
import sys
from collections.abc import Generator

import filelock  # noqa: F401 - it does without them there
import pexpect  # noqa: F401 - the same
import pytest

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
FUNCTIONS = ("chown", "fork", "getegid", "geteuid", "getgid", "getuid", "killpg", "mkfifo", "setsid")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Take it away, and give it back."""
    with pytest.MonkeyPatch.context() as patch:
        for name in MODULES:
            patch.setitem(sys.modules, name, None)
        for name in FUNCTIONS:
            patch.delattr(os, name, raising=False)
        return (yield)
