#!python
"""The executable `git-credential-hf`, and `python -m` too; the installer puts its interpreter into the first line."""

import os
import sys


def _leave_the_repository() -> None:
    """Take the current directory off the import path: it is somebody's repository, and `re.py` there may be anything.

    `python -m` puts it first, as it does a script's own directory, of which nothing is needed either; an empty or
    relative entry of PYTHONPATH means it too, and `site` has made that absolute by now.
    """
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        del sys.path[0]
    try:
        here = os.getcwd()
    except OSError:
        return  # it is gone, and nothing in it can be imported
    here = os.path.normcase(here)
    sys.path[:] = [path for path in sys.path if os.path.normcase(path) != here and os.path.isabs(path)]


_leave_the_repository()

from git_credential_hf.__main__ import main  # noqa: E402 - not before the path is clean

status = main()
if not {"atexit", "threading", "git_credential_hf.cli"} & sys.modules.keys():
    os._exit(status)  # nobody has anything left to do, and taking Python apart takes longer than the answer
sys.exit(status)
