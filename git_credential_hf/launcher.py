#!python
"""The entry point of `git-credential-hf` and `python -m`; an installer adds the interpreter as the first line.

Python compiles this file at each start, so the usual case is all that it decides: there is no other directory to import
from than those of the installation.
"""

import _signal  # type: ignore[import-not-found] # what `signal` wraps, which takes long to import
import gc
import os
import sys

gc.disable()  # what an answer to git is made of is not worth the time; `main` enables it for anything else
if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # and is not ignored
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # no traceback for Ctrl-C during the imports; see `main`


if not getattr(sys.flags, "safe_path", sys.flags.isolated):
    del sys.path[0]  # the directory of this script, or with `python -m` the current one
site = sys.modules.get("site")
if os.environ.get("PYTHONPATH") or (site and site.USER_SITE in sys.path):
    # A hostile repository could contain a package of this name: `isolation` is imported from no relative entry, and
    # from an absolute one only if it is nowhere else. It decides which directories the program is imported from.
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)  # an empty entry is the current directory
    try:
        foreign = {*map(os.path.abspath, given)}
    except OSError:
        foreign = {*given}  # the current directory was removed, so nothing can be imported from it
    if site and not __file__.startswith(site.USER_BASE or "\0"):  # else it was installed there
        foreign.add(site.USER_SITE or "")
    foreign.difference_update(site.getsitepackages() if site else [])
    path = sys.path[:]
    sys.path[:] = [entry for entry in path if os.path.isabs(entry) and entry not in foreign]
    sys.path.extend(filter(os.path.isabs, given))
    from git_credential_hf.isolation import isolate

    isolate(path, __file__)

from git_credential_hf.__main__ import end, main  # noqa: E402 - only when the path is safe

end(main())
