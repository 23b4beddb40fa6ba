"""What `get` costs: the modules that it imports, its memory, and the launcher; and the directory that it works out."""

import json
import os
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from git_credential_hf.state import __file__, read_state, runtime_directory, write_state

TOKEN = "hf_" + "FastPath" * 4 + "wxyz"
HUB = "protocol=https\nhost=huggingface.co\n"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"

OURS = {f"git_credential_hf{name}" for name in ("", ".__main__", ".problem", ".protocol", ".hub", ".kept", ".tokens")}
OURS |= {"git_credential_hf.helper", "git_credential_hf.tokenfiles"}
TO_ANSWER = {f"git_credential_hf.{name}" for name in ("helper", "hub", "kept", "tokenfiles", "tokens")}
HASHLIB = {"hashlib", "_hashlib", "_blake2"}
# What each operation imports, beyond what a bare interpreter has. A longer list needs a reason.
LOOK = {"git_credential_hf.gitconfig"}  # at who else git has told
RENEWAL = {"git_credential_hf.signals"}  # of a login's token that the Hub has refused

BUDGETS: dict[str, tuple[str, str, set[str]]] = {
    "get": ("get", HUB, OURS),
    "get, not the Hub's": ("get", "protocol=https\nhost=evil.example\n", OURS),
    "get, malformed": ("get", "junk\n", OURS - TO_ANSWER),
    "store": ("store", ERASE, OURS | LOOK),
    "erase of another token": ("erase", HUB + "password=hf_other\n", OURS | LOOK),
    "erase": ("erase", ERASE, OURS | LOOK | HASHLIB | {"re", "git_credential_hf.access", "git_credential_hf.account",
                                                       "git_credential_hf.client", "git_credential_hf.threads"}),
    "capability": ("capability", "", {"git_credential_hf", "git_credential_hf.__main__", "git_credential_hf.problem",
                                      "git_credential_hf.protocol"}),
}  # fmt: skip

REPORT = """
import atexit, sys
def report(file={file!r}):
    with open(file, "w") as report:
        report.write(" ".join(sorted(sys.modules)))
atexit.register(report)
"""


def modules(command: list[str], message: str, tmp_path: Path, **environment: str) -> set[str]:
    """The names in sys.modules when the command ends; a sitecustomize of ours notes them."""
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "sitecustomize.py").write_text(REPORT.format(file=str(tmp_path / "modules")))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), **environment}
    subprocess.run(command, input=message.encode(), env=environment, capture_output=True, timeout=30)
    names = set((tmp_path / "modules").read_text().split())
    (tmp_path / "modules").unlink()
    return names


@pytest.fixture
def logged_in(home: Path) -> None:
    """A home as `hf auth login` leaves it, an hour ago."""
    folder = home / ".cache" / "huggingface"
    folder.mkdir(parents=True)
    (folder / "token").write_text(TOKEN)
    (folder / "stored_tokens").write_text(
        f"[oauth]\nhf_token = {TOKEN}\nrefresh_token = hf_oauth__refresh_x\nexpires_at = {time.time() + 864000:.0f}\n\n"
    )
    for file in folder.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)


WAYS = {"executable": ["git-credential-hf"], "module": [sys.executable, "-m", "git_credential_hf"]}


@pytest.mark.parametrize("source", ["login", "HF_TOKEN"])
@pytest.mark.parametrize("name", BUDGETS)
def test_imports_are_within_budget(name: str, source: str, logged_in: None, tmp_path: Path) -> None:
    """Each operation imports its budget, module by module, and nothing else; wherever the token is."""
    operation, message, budget = BUDGETS[name]
    if (name, source) == ("erase", "login"):
        budget = budget | RENEWAL
    bare = modules([sys.executable, "-c", "pass"], "", tmp_path)
    environment = {"HF_TOKEN": TOKEN} if source == "HF_TOKEN" else {}
    used = modules([*WAYS["executable"], operation], message + "\n", tmp_path, **environment)
    assert without_re_s_own(used - bare, budget) == budget


def without_re_s_own(used: set[str], budget: set[str]) -> set[str]:
    """Where `re` or `hashlib` is in the budget, all that it brings along is (another list for each Python)."""
    return used & (budget | {name for name in used if name.startswith("git_credential_hf")}) if budget - OURS else used


def test_module_imports_no_more_of_ours(logged_in: None, tmp_path: Path) -> None:
    """`python -m` costs what runpy costs, but none of it is ours, and none is huggingface_hub's."""
    bare = modules([sys.executable, "-m", "this"], "", tmp_path)
    used = modules([*WAYS["module"], "get"], HUB + "\n", tmp_path)
    assert used - bare == OURS


@pytest.mark.parametrize("heavy", ["re", "typing", "pathlib", "argparse", "click", "huggingface_hub", "platformdirs"])
def test_heavy_modules_stay_away(heavy: str, logged_in: None, tmp_path: Path) -> None:
    """What would double the time of `get` is not imported by it, neither in `store`, nor for others' hosts."""
    for operation, message in (("get", HUB), ("store", ERASE), ("get", "protocol=https\nhost=evil.example\n")):
        assert heavy not in modules([*WAYS["executable"], operation], message + "\n", tmp_path)


def test_launcher_is_the_short_one() -> None:
    """The installed executable is our launcher, and not pip's, which imports `re`."""
    script = Path(sysconfig.get_path("scripts"), "git-credential-hf")
    first, *rest = script.read_text().splitlines()
    launcher = Path(__file__).with_name("launcher.py").read_text().splitlines()
    assert launcher[0] == "#!python"
    assert (first.startswith("#!/") and first.endswith(("/python", "/python3"))) or "python" in first
    assert rest == launcher[1:]
    code = [line for line in rest if line and not line.startswith('"""')]
    assert not any(" re" in line.split("#")[0] for line in code if line.startswith(("import", "from")))


# Between pytest and the program that is measured: Linux counts what a process was before exec as its own.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=open("request"), stdout=subprocess.DEVNULL, check=True, close_fds=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_memory(logged_in: None, home: Path) -> None:
    """`get` stays below 16 MB of memory."""
    (home / "request").write_text(HUB + "\n")
    command = [sys.executable, "-I", "-S", "-c", MEASURE, "git-credential-hf", "get"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=30)
    used = int(done.stdout) * 1024
    print(f"{used / 1e6:.1f} MB")
    assert 1e6 < used < 16e6


# --- where runtime files are, by platformdirs ---


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
from git_credential_hf import kept
print(json.dumps([kept.runtime_directory(), platformdirs.user_runtime_dir("git-credential-hf", appauthor=False)]))
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
