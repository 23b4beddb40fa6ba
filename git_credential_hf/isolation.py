"""Decide which directories the program is imported from, if there are others than those of the installation."""

import os
import sys


def _has_program(directory: str) -> bool:
    return os.path.isdir(os.path.join(directory, "git_credential_hf"))


def isolate(path: list[str], program: str) -> None:
    """Import from this installation only: not from the current directory, PYTHONPATH, or the user's site directory.

    `path`: what `sys.path` was, without the directory of the script; `program`: the file of `launcher`.

    A hostile repository could contain `re.py`, and a module system may put an old huggingface_hub into PYTHONPATH. This
    does the same as `python -I`; scripts installed by pip cannot have options in their first line. Modules that Python
    imports before this (`sitecustomize`) cannot be prevented.
    """
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
    if site and not program.startswith(site.USER_BASE or "\0"):  # else it was installed there
        foreign.add(os.path.normcase(site.USER_SITE or ""))
    foreign.difference_update(map(os.path.normcase, own))  # git may be working there, or PYTHONPATH name it
    sys.path[:] = [entry for entry in path if os.path.isabs(entry) and os.path.normcase(entry) not in foreign]
    if "git_credential_hf.launcher" not in sys.modules:
        # The program may have been found in another directory than it will be now: begin again.
        del sys.modules["git_credential_hf.isolation"], sys.modules["git_credential_hf"]
