#!python
"""The executable `git-credential-hf`, and `python -m` too; the installer puts its interpreter into the first line."""

import _signal  # type: ignore[import-not-found] # what `signal` wraps, without the time that its import takes
import os
import sys

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # and is not ignored
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # Ctrl-C among the imports shows no traceback; `main` knows better


def _leave_the_repository() -> None:
    """Take the current directory off the import path: it is a repository, whose `re.py` may be anything.

    `python -m` puts it first (a script's own directory is not needed either). An empty entry of PYTHONPATH means it,
    too, and a relative one what is below it; `site` has made both absolute by now.
    """
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        del sys.path[0]
    try:
        os.getcwd()
    except OSError:
        return  # it is gone, and nothing in it can be imported
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    near = {os.path.normcase(os.path.abspath(path)) for path in ("", *given) if not os.path.isabs(path)}
    sys.path[:] = [path for path in sys.path if os.path.normcase(path) not in near and os.path.isabs(path)]


_leave_the_repository()

from git_credential_hf.__main__ import main  # noqa: E402 - not before the path is clean

status = main()
if not {"atexit", "threading", "git_credential_hf.cli"} & sys.modules.keys():
    os._exit(status)  # nothing is left to do, and Python's own shutdown takes longer than the answer
sys.exit(status)
