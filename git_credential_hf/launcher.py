#!python
"""The executable `git-credential-hf`, and `python -m`; the installer puts its interpreter into the first line."""

import _signal  # type: ignore[import-not-found] # what `signal` wraps, which takes long to import
import os
import sys

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # and is not ignored
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # no traceback for Ctrl-C during the imports; see `main`


def _remove_repository_from_path() -> None:
    """Remove the current directory from the import path: in a hostile repository `re.py` would be run.

    `python -m` puts it first, and a script its own directory, which is not needed either. An empty or relative entry
    of PYTHONPATH leads there as well; `site` has made these absolute.
    """
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        del sys.path[0]
    try:
        os.getcwd()
    except OSError:
        return  # it was removed, so nothing can be imported from it
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    near = {os.path.normcase(os.path.abspath(path)) for path in ("", *given) if not os.path.isabs(path)}
    sys.path[:] = [path for path in sys.path if os.path.normcase(path) not in near and os.path.isabs(path)]


_remove_repository_from_path()

from git_credential_hf.__main__ import main  # noqa: E402 - only when the path is safe

status = main()
if not {"atexit", "threading", "git_credential_hf.cli"} & sys.modules.keys():
    os._exit(status)  # nothing is left to do, and Python's own shutdown takes longer than the answer
sys.exit(status)
