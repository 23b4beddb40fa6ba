"""A Python whose `-m venv` copies an environment that is ready: to bootstrap pip takes three seconds each time."""

import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SCRIPT = """#!/bin/sh
for word; do last=$word; done
case $* in
'-m venv '* | '-I -m venv '*) {mkdir} -p "$last" && exec {copy} -a {ready}/. "$last" ;;
esac
exec {python} "$@"
"""


MADE: list[Path] = []  # the environment, as Python makes it


def python_with_ready_venv(folder: Path, *, has_program: bool = False) -> Path:
    """Make the environment and the Python in `folder`; return the Python.

    `has_program`: for pip, what is installed for the tests is installed in it, too.
    """
    python = sys._base_executable  # type: ignore[attr-defined]
    if not MADE:
        subprocess.run([python, "-m", "venv", folder / "made"], check=True)
        MADE.append(folder / "made")
    shutil.copytree(MADE[0], folder / "ready", symlinks=True)
    if has_program:
        (site_packages,) = folder.glob("ready/lib/python*/site-packages")
        (site_packages / "tested.pth").write_text(sysconfig.get_path("purelib") + "\n")
        shutil.copy(Path(sysconfig.get_path("scripts"), "git-credential-hf"), folder / "ready/bin")
    tools = {"mkdir": shutil.which("mkdir"), "copy": shutil.which("cp"), "ready": folder / "ready", "python": python}
    program = folder / "python3"
    program.write_text(SCRIPT.format_map({name: shlex.quote(str(path)) for name, path in tools.items()}))
    program.chmod(0o755)
    return program
