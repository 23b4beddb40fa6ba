"""What each test starts from: a home of its own, an empty environment, and a way to reach the stand-in Hub."""

from __future__ import annotations

import gc
import importlib.metadata
import itertools
import os
import platform
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fake_hub import Hub

CHECKOUT = Path(__file__).resolve().parent.parent
IN_NAMESPACE = os.environ.get("GIT_CREDENTIAL_HF_TESTS_NAMESPACE") == "1"

# All that a test inherits. A token, a proxy or a setting of git in the developer's environment is not in it.
INHERITED = {"PATH", "LD_LIBRARY_PATH", "TERM", "TMPDIR", "TZ", "USER", "LOGNAME"}
if os.name == "nt":  # without these neither Python nor git starts there
    INHERITED |= {"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP"}
    INHERITED |= {"PROGRAMFILES", "PROGRAMDATA"}
INHERITED_PREFIXES: tuple[str, ...] = ("GIT_CREDENTIAL_HF_TESTS_", "HYPOTHESIS_", "PYTEST_")
# Tests that install from package registries find these as the machine does.
FOR_REGISTRIES = {
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
}
FOR_REGISTRIES_PREFIXES = ("PIP_", "UV_", "PIPX_")

# What this project, git, git-lfs or huggingface_hub could write to if a test forgot whose home it is in.
REAL_HOME_FILES = (
    *(".gitconfig", ".git-credentials", ".git-credential-cache", ".netrc", "_netrc", ".huggingface", ".lfsconfig"),
    *(".config/git", ".config/git/config", ".config/git/credentials", ".config/git/hooks"),
    *(".config/git-credential-hf", ".local/share/git-credential-hf", ".local/state/git-credential-hf"),
    *(".cache/git-credential-hf", ".cache/git/credential", ".local/bin/git-credential-hf"),
    *(".cache/huggingface", ".cache/huggingface/token", ".cache/huggingface/stored_tokens"),
    *(".bashrc", ".profile", ".zshrc", ".zshenv", ".config/fish/config.fish"),
)


def _real_home() -> list[Path]:
    homes = {Path.home()}
    if os.name == "posix":  # HOME may be another's
        import pwd

        homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    files = [home / name for home in homes for name in REAL_HOME_FILES]
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        files.append(Path(runtime, "git-credential-hf"))
    for variable, name in (("HF_HOME", "token"), ("HF_HOME", "stored_tokens"), ("XDG_CONFIG_HOME", "git/config")):
        if folder := os.environ.get(variable):
            files.append(Path(folder, name))
    return files


REAL_HOME = _real_home()


def _state_of_the_real_home() -> dict[str, tuple[int, int, int] | None]:
    state: dict[str, tuple[int, int, int] | None] = {}
    for file in REAL_HOME:
        try:
            status = file.lstat()
        except OSError:
            state[str(file)] = None
        else:
            state[str(file)] = status.st_ino, status.st_size, status.st_mtime_ns
    return state


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test a checkout that is not installed, be it with `pip install -e`."""
    try:
        importlib.metadata.distribution("git-credential-hf")
    except importlib.metadata.PackageNotFoundError:
        raise pytest.UsageError("type ./tests/run, or first: pip install -e . --group test") from None


def pytest_report_header() -> list[str]:
    """The versions that this run is about."""
    versions = [f"Python {platform.python_version()}"]
    for command in (["git", "version"], ["git-lfs", "version"]):
        if shutil.which(command[0]):
            versions.append(subprocess.run(command, capture_output=True, text=True).stdout.strip())
        else:
            versions.append(f"no {command[0]}")
    where = (
        "in tests/support/namespace"
        if IN_NAMESPACE
        else "not in tests/support/namespace: nothing listens as huggingface.co"
    )
    return [", ".join(versions), where]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long rows to the long run; skip, with the reason, what needs a network in a place that has none.

    In Debian's trees, each run has the first rows of what is marked `git_versions(each_run=ROWS)`; `--matrix` has all.
    """
    if not os.environ.get("GIT_CREDENTIAL_HF_TESTS_LONG"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    if os.environ.get("GIT_CREDENTIAL_HF_TESTS_GIT_VERSIONS") == "each run":
        rows, of_each_run = Counter[str](), []
        for item in items:
            if marker := item.get_closest_marker("git_versions"):
                function = item.nodeid.partition("[")[0]
                if rows[function] < marker.kwargs.get("each_run", 0):
                    of_each_run.append(item)
                rows[function] += 1
        config.hook.pytest_deselected(items=[item for item in items if item not in of_each_run])
        items[:] = of_each_run
    if IN_NAMESPACE:
        for item in items:
            if item.get_closest_marker("registries"):
                item.add_marker(pytest.mark.skip(reason="needs package registries: ./tests/run -m registries"))


def pytest_collection_finish() -> None:
    """Let no garbage collection look again at what is there until the end: thousands of tests, and the libraries."""
    gc.collect()
    gc.freeze()


NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give each test an empty HOME and next to no environment; fail a test that changed the real home."""
    inherited, prefixes = INHERITED, INHERITED_PREFIXES
    if request.node.get_closest_marker("registries"):
        inherited, prefixes = inherited | FOR_REGISTRIES, prefixes + FOR_REGISTRIES_PREFIXES
    for name in os.environ:
        if name not in inherited and not name.startswith(prefixes):
            monkeypatch.delenv(name)

    number = next(NUMBERS)  # pytest would look through the directories of all tests so far for the next one
    home = tmp_path_factory.mktemp(f"home{number}", numbered=False)
    runtime = tmp_path_factory.mktemp(f"runtime{number}", numbered=False)
    runtime.chmod(0o700)
    for name in ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA") if os.name == "nt" else ("HOME",):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    # The scripts of the environment that runs the tests, the wheel's among them.
    monkeypatch.setenv("PATH", os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
    # The checkout is a git repository, and its configuration is none of a test's business.
    monkeypatch.chdir(home)

    # What one test has read as a secret is not one for the next, in whose texts it may be a word.
    if "git_credential_hf.secrets" in sys.modules:
        sys.modules["git_credential_hf.secrets"]._secrets.clear()
    before = _state_of_the_real_home()
    yield home
    after = _state_of_the_real_home()
    touched = [file for file in after if before[file] != after[file]]
    assert not touched, f"changed during the test, by it or by somebody else: {touched}"


@pytest.fixture
def namespace() -> None:
    """Skip the test unless huggingface.co is this machine, and no other is there."""
    if not IN_NAMESPACE:
        pytest.skip("not in tests/support/namespace: https://huggingface.co must be this machine")


@pytest.fixture
def world(namespace: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in Hub as https://huggingface.co, trusted by all clients that the test starts."""
    from fake_hub import Hub

    try:
        socket.create_server(("127.0.0.1", 443)).close()
    except PermissionError:
        pytest.skip("this user may not listen on port 443, not even in tests/support/namespace")
    with Hub(tmp_path, ("127.0.0.1", 443), "huggingface.co") as hub:
        for name, value in hub.environment.items():
            if name != "HF_ENDPOINT":  # users have none: clients are to find the Hub by its name
                monkeypatch.setenv(name, value)
        yield hub
