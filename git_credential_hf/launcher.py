#!python
"""The entry point of `git-credential-hf` and `python -m`; an installer adds the interpreter as the first line."""

import _signal  # type: ignore[import-not-found] # what `signal` wraps, which takes long to import
import os
import sys

if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # and is not ignored
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # no traceback for Ctrl-C during the imports; see `main`


def _has_program(directory: str) -> bool:
    return os.path.isdir(os.path.join(directory, "git_credential_hf"))


def _isolate() -> None:
    """Import from this installation only: not from the current directory, PYTHONPATH, or the user's site directory.

    A hostile repository could contain `re.py`, and a module system may put an old huggingface_hub into PYTHONPATH. This
    does the same as `python -I`; scripts installed by pip cannot have options in their first line. Modules that Python
    imports before this (`sitecustomize`) cannot be prevented.
    """
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        del sys.path[0]  # the directory of this script, or with `python -m` the current one
    site = sys.modules.get("site")
    library = os.path.dirname(getattr(os, "__file__", ""))
    own = [library, os.path.join(library, "lib-dynload"), *(site.getsitepackages() if site else [])]
    is_installed = any(map(_has_program, [*own, (site and site.USER_SITE) or library]))
    foreign = set()
    variable = os.environ.get("PYTHONPATH")
    for entry in variable.split(os.pathsep) if variable else []:  # an empty entry is the current directory
        # Keep an absolute entry if this program is installed there. Another entry may be a checkout with a package of
        # the same name.
        if not is_installed and os.path.isabs(entry) and _has_program(entry):
            own.append(os.path.abspath(entry))
            continue
        try:
            foreign.add(os.path.normcase(os.path.abspath(entry)))
        except OSError:
            pass  # the current directory was removed, so nothing can be imported from it
    if site and not __file__.startswith(site.USER_BASE or "\0"):  # else it was installed there
        foreign.add(os.path.normcase(site.USER_SITE or ""))
    foreign.difference_update(map(os.path.normcase, own))  # git may be working there, or PYTHONPATH name it
    sys.path[:] = [path for path in sys.path if os.path.isabs(path) and os.path.normcase(path) not in foreign]


_isolate()

from git_credential_hf.__main__ import main  # noqa: E402 - only when the path is safe

status = main()
# Exit at once: Python's own shutdown takes longer than the answer, a fifth of a command's time.
if "atexit" in sys.modules:
    sys.modules["atexit"]._run_exitfuncs()
for stream in (sys.stdout, sys.stderr):
    try:
        if stream is not None:
            stream.flush()
    except Exception:
        status = 120  # as Python does
os._exit(status)
