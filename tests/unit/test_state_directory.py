"""Where data is stored: where platformdirs says."""

import json
import os
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from operations import HUB, QUIT, ask, refuse_repeatedly
from programs import run

from git_credential_hf.state import read_state, write_state
from git_credential_hf.state_directory import runtime_directory

pytest.importorskip("pwd", reason="the permissions of POSIX")

TOKEN = "hf_" + "Canary" * 5 + "wxyz"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"
NOBODY = 65534

linux = pytest.mark.skipif(sys.platform != "linux", reason="the rules of Linux")
reference = pytest.mark.skipif(
    tuple(map(int, version("platformdirs").split(".")[:2])) < (4, 14), reason="platformdirs had other rules before 4.14"
)
needs_tmp = pytest.mark.skipif(
    Path(f"/run/user/{os.geteuid()}").exists(), reason="this user has /run/user/UID, which comes first"
)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token, and no Hub that `erase` could ask for the reason."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def theirs() -> str | None:
    """Return platformdirs' answer; None if it refuses to give one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return platformdirs.user_runtime_dir("git-credential-hf", appauthor=False)
        except PermissionError:
            return None


def good(path: Path) -> str:
    path.mkdir(0o700)
    return str(path)


def with_mode(mode: int) -> Callable[[Path], str]:
    def make(path: Path) -> str:
        path.mkdir()
        path.chmod(mode)
        return str(path)

    return make


def link(path: Path) -> str:
    path.with_name("real").mkdir(0o700)
    path.symlink_to("real")
    return str(path)


def below_a_link(path: Path) -> str:
    path.with_name("real").mkdir(0o700)
    (path.with_name("real") / "runtime").mkdir(0o700)
    path.symlink_to("real")
    return str(path / "runtime")


def file(path: Path) -> str:
    path.touch(0o700)
    return str(path)


def anothers(path: Path) -> str:
    path.mkdir(0o700)
    os.chown(path, NOBODY, NOBODY)
    return str(path)


def below_sticky(path: Path) -> str:
    path.mkdir()
    path.chmod(0o1777)
    (path / "runtime").mkdir(0o700)
    return str(path / "runtime")


RUNTIME_DIRECTORIES: dict[str, Callable[[Path], str]] = {
    "good": good,
    "good, with a slash": lambda path: good(path) + "/",
    "blank": lambda path: "",
    "relative": lambda path: os.path.relpath(good(path)),
    "0755": with_mode(0o755),
    "0777": with_mode(0o777),
    "0770": with_mode(0o770),
    "0711": with_mode(0o711),
    "0500": with_mode(0o500),
    "link": link,
    "link, with a slash": lambda path: link(path) + "/",
    "link, with a slash and a dot": lambda path: link(path) + "/.",
    "below a link": below_a_link,
    "file": file,
    "another's": anothers,
    "below what is sticky": below_sticky,
}


@linux
@reference
@pytest.mark.parametrize("name", RUNTIME_DIRECTORIES)
def test_runtime_directory_is_platformdirs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime directory is that of platformdirs, which trusts XDG_RUNTIME_DIR only if it is the user's alone.

    There are two intended differences. A missing one is not made, which is the session's task; and its parents are not
    checked: if they allow to replace it, the new one has another owner, and is not trusted.
    """
    if name == "another's" and os.geteuid() != 0:
        pytest.skip("only root can make directories of another owner")
    monkeypatch.setenv("XDG_RUNTIME_DIR", RUNTIME_DIRECTORIES[name](tmp_path / "base"))
    expected = theirs()
    assert expected is not None
    assert Path(runtime_directory() or "") == Path(expected)


# Where it is looked for, without XDG_RUNTIME_DIR: tempfile's rules.
COMPARE = """
import json, warnings
warnings.simplefilter("ignore")
import platformdirs
from git_credential_hf.state_directory import runtime_directory
print(json.dumps([runtime_directory(), platformdirs.user_runtime_dir("git-credential-hf", appauthor=False)]))
"""


@linux
@reference
@pytest.mark.parametrize("tmpdir", ["good", "blank", "missing", "TEMP", "TMP"])
def test_runtime_directory_in_tmp_is_platformdirs(tmpdir: str, tmp_path: Path) -> None:
    """Without XDG_RUNTIME_DIR and /run/user/UID it is runtime-UID in the temporary directory, as for platformdirs.

    Except for a relative TMPDIR, which platformdirs follows into the current directory.
    """
    variables: dict[str, dict[str, Any]] = {
        "good": {"TMPDIR": tmp_path},
        "blank": {"TMPDIR": ""},
        "missing": {"TMPDIR": tmp_path / "missing"},
        "TEMP": {"TMPDIR": None, "TEMP": tmp_path},
        "TMP": {"TMPDIR": None, "TMP": tmp_path},
    }
    ours, expected = json.loads(run(sys.executable, "-c", COMPARE, XDG_RUNTIME_DIR=None, **variables[tmpdir]).stdout)
    assert ours == expected


@linux
@needs_tmp
def test_directory_that_platformdirs_made(tmp_path: Path, token: None) -> None:
    """A runtime-UID with mode 0755, as old releases of platformdirs made it for other programs, is used."""
    (tmp_path / f"runtime-{os.geteuid()}").mkdir(0o755)
    environment: dict[str, Any] = {
        "HF_TOKEN": TOKEN,
        "XDG_RUNTIME_DIR": None,
        "TMPDIR": tmp_path,
        "HF_HUB_OFFLINE": "1",
    }
    refuse_repeatedly(ERASE, **environment)
    assert ask("get", **environment)[1] == QUIT


@reference
def test_runtime_directory_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS it is that of platformdirs as well (only the platform is faked)."""
    from platformdirs.macos import MacOS

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime_directory() == MacOS("git-credential-hf", appauthor=False).user_runtime_dir
    monkeypatch.setenv("HOME", "/Users/alice")
    assert runtime_directory() == "/Users/alice/Library/Caches/TemporaryItems/git-credential-hf"


def test_runtime_directory_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows it is that of platformdirs as well, and none without LOCALAPPDATA (only the platform is faked)."""
    from platformdirs.windows import Windows

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert Path(runtime_directory() or "") == tmp_path / "Temp" / "git-credential-hf"
    try:
        expected = Windows("git-credential-hf", appauthor=False).user_runtime_dir
    except (ImportError, AttributeError, ValueError, OSError):
        expected = None  # it asks Windows itself
    assert expected is None or Path(expected) == tmp_path / "Temp" / "git-credential-hf"
    monkeypatch.delenv("LOCALAPPDATA")
    assert runtime_directory() is None
    assert read_state("refused") == ""
    assert write_state("refused", "x") is False
