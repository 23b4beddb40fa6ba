"""Install git-credential-hf for one job of GitHub Actions; print the directory with its one command, for PATH.

`action.yml` runs this with `python -I`, which reads no module from the job's checkout or PYTHONPATH. What is installed
here is third-party code, so it sees none of the job's secrets, and only files whose hashes are in requirements.txt.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# What pip and Python need of the job's environment, and no more.
NEEDED = {
    *("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"),
    *("USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_TRUSTED_HOST", "PIP_PROXY"),
    *("PIP_CERT", "PIP_CLIENT_CERT", "PIP_CACHE_DIR", "PIP_CONFIG_FILE"),
}
COMMAND = "git-credential-hf.exe" if sys.platform == "win32" else "git-credential-hf"


def main() -> None:
    """Install it, unless this job has done that before."""
    place = Path(os.environ["RUNNER_TEMP"], "git-credential-hf-program")
    on_path = place / "bin"
    if not on_path.is_dir():
        install(place / "environment", on_path)
    print(on_path)


def install(environment: Path, on_path: Path) -> None:
    """Create the Python environment, and a directory with nothing of it but our command."""
    os.umask(0o022)
    environment.parent.mkdir(exist_ok=True)
    run(sys.executable, "-I", "-m", "venv", "--clear", environment)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    here = Path(__file__).resolve().parent
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    pip = (python, "-I", "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", "install", "--no-user")
    run(*pip, "--require-hashes", "--only-binary=:all:", "-r", here / "requirements.txt")
    run(*pip, "--no-deps", "--no-index", "--no-build-isolation", here.parents[1])

    command = scripts / COMMAND
    if sys.platform != "win32":  # there it is no script
        lines = command.read_text().splitlines(keepends=True)
        command.write_text("".join([f"#!{python} -I\n", *lines[1:]]))
    on_path.mkdir()
    if sys.platform == "win32":
        shutil.copy(command, on_path)
    else:
        (on_path / COMMAND).symlink_to(command)


def run(*command: object) -> None:
    """Run a command to its success, outside of the checkout."""
    environment = {name: value for name, value in os.environ.items() if name.upper() in NEEDED}
    subprocess.run(  # noqa: S603 - pip and venv, with paths of our own
        list(map(str, command)), cwd=os.environ["RUNNER_TEMP"], env=environment, stdout=sys.stderr, check=True
    )


if __name__ == "__main__":
    main()
