"""A Python whose `-m venv` copies an environment that is ready: to bootstrap pip takes three seconds each time."""

import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
SCRIPT = """#!/bin/sh
for word; do last=$word; done
case $* in
'-m venv '* | '-I -m venv '*) {mkdir} -p "$last" && exec {copy} -a {ready}/. "$last" ;;
esac
exec {python} "$@"
"""


def python_with_ready_venv(folder: Path, *, python: str = PYTHON, has_program: bool = False) -> Path:
    """Make the environment and the Python in `folder`; return the Python.

    `python`: what they are made of. `has_program`: for pip, what is installed for the tests is installed in it, too.
    """
    subprocess.run([python, "-m", "venv", "--without-pip", folder / "ready"], check=True)
    (site_packages,) = folder.glob("ready/lib/python*/site-packages")
    own = Path(sysconfig.get_path("purelib"))
    for path in (own / "pip", *own.glob("pip-*.dist-info")):  # compiled, too
        shutil.copytree(path, site_packages / path.name)
    if has_program:
        (site_packages / "tested.pth").write_text(f"{own}\n")
        shutil.copy(Path(sysconfig.get_path("scripts"), "git-credential-hf"), folder / "ready/bin")
    tools = {"mkdir": shutil.which("mkdir"), "copy": shutil.which("cp"), "ready": folder / "ready", "python": python}
    program = folder / "python3"
    program.write_text(SCRIPT.format_map({name: shlex.quote(str(path)) for name, path in tools.items()}))
    program.chmod(0o755)
    return program
