"""State: where it is, by platformdirs' rules."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from git_credential_hf.state import read_state, runtime_directory, write_state

TOKEN = "hf_" + "FastPath" * 4 + "wxyz"
ERASE = f"protocol=https\nhost=huggingface.co\nusername=git\npassword={TOKEN}\n"


def theirs() -> str | None:
    """Platformdirs' answer; None where it refuses to give one."""
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
    os.chown(path, 65534, 65534)
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


@pytest.mark.skipif(sys.platform != "linux", reason="the rules of Linux")
@pytest.mark.parametrize("name", RUNTIME_DIRECTORIES)
def test_runtime_directory_is_platformdirs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime directory is platformdirs', which trusts XDG_RUNTIME_DIR only where it is the user's alone.

    Two differences are meant. One that is missing is not made: the session makes it. And its parents are not looked
    at: who replaces it leaves another owner's directory behind, which is not trusted.
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
from git_credential_hf.state import runtime_directory
print(json.dumps([runtime_directory(), platformdirs.user_runtime_dir("git-credential-hf", appauthor=False)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the rules of Linux")
@pytest.mark.parametrize("tmpdir", ["good", "blank", "missing", "TEMP", "TMP"])
def test_runtime_directory_in_tmp_is_platformdirs(tmpdir: str, tmp_path: Path) -> None:
    """Without XDG_RUNTIME_DIR and /run/user/UID it is platformdirs' runtime-UID in the temporary directory.

    But for a relative TMPDIR, which platformdirs follows into the current directory.
    """
    environment = {key: value for key, value in os.environ.items() if key not in ("XDG_RUNTIME_DIR", "TMPDIR")}
    environment |= {
        "good": {"TMPDIR": str(tmp_path)},
        "blank": {"TMPDIR": ""},
        "missing": {"TMPDIR": str(tmp_path / "missing")},
        "TEMP": {"TEMP": str(tmp_path)},
        "TMP": {"TMP": str(tmp_path)},
    }[tmpdir]
    done = subprocess.run([sys.executable, "-c", COMPARE], env=environment, capture_output=True, check=True, timeout=30)
    ours, expected = json.loads(done.stdout)
    assert ours == expected


@pytest.mark.skipif(sys.platform != "linux", reason="the rules of Linux")
def test_shared_fallback_of_other_programs_is_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """runtime-UID that another program of this user made with 0755, as platformdirs did once, can be used."""
    if Path(f"/run/user/{os.geteuid()}").exists():
        pytest.skip("this user has /run/user/UID, which comes first")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / f"runtime-{os.geteuid()}").mkdir(0o755)
    environment = {**os.environ, "HF_TOKEN": TOKEN}
    answers = [
        subprocess.run(["git-credential-hf", operation], input=ERASE.encode(), env=environment, capture_output=True)
        for operation in ("erase", "get")
    ]
    assert answers[1].stdout == b"quit=1\n"


def test_runtime_directory_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS it is platformdirs' one as well (the platform is what is faked here)."""
    from platformdirs.macos import MacOS

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert runtime_directory() == MacOS("git-credential-hf", appauthor=False).user_runtime_dir
    monkeypatch.setenv("HOME", "/Users/alice")
    assert runtime_directory() == "/Users/alice/Library/Caches/TemporaryItems/git-credential-hf"


def test_runtime_directory_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows it is platformdirs' one as well, and none without LOCALAPPDATA (the platform is what is faked)."""
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
