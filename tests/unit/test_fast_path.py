"""What `get` costs: the modules that it imports, its memory, and the launcher."""

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import pytest

import git_credential_hf

TOKEN = "hf_" + "FastPath" * 4 + "wxyz"
HUB = "protocol=https\nhost=huggingface.co\n"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"

OURS = {
    f"git_credential_hf{name}"
    for name in ("", ".__main__", ".masking", ".problem", ".protocol", ".hub", ".state", ".tokens", ".token_files")
} | {"git_credential_hf.helper"}
BEFORE_THE_HELPER = {f"git_credential_hf{name}" for name in ("", ".__main__", ".masking", ".problem", ".protocol")}
LOOK = {f"git_credential_hf.git{name}" for name in ("", ".run", ".config", ".helpers", ".urlmatch")}
EXPLANATION = {f"git_credential_hf.api{name}" for name in ("", ".access", ".account", ".client", ".refusals")}
EXPLANATION |= {f"git_credential_hf.{name}" for name in ("files", "refresh", "system")}

# What each operation imports, beyond what a bare interpreter has. A longer list needs a reason.
BUDGETS: dict[str, tuple[str, str, set[str]]] = {
    "get": ("get", HUB, OURS),
    "get, not the Hub's": ("get", "protocol=https\nhost=evil.example\n", OURS),
    "get, malformed": ("get", "junk\n", BEFORE_THE_HELPER),
    "store": ("store", ERASE, OURS | LOOK),
    "erase of another token": ("erase", HUB + "password=hf_other\n", OURS | LOOK),
    "erase": ("erase", ERASE, OURS | LOOK | EXPLANATION | {"hashlib", "_hashlib", "_blake2", "re"}),
    "capability": ("capability", "", BEFORE_THE_HELPER),
}

REPORT = """
import atexit, sys
def report(file={file!r}):
    with open(file, "w") as report:
        report.write(" ".join(sorted(sys.modules)))
atexit.register(report)
"""


def modules(command: list[str], message: str, tmp_path: Path, **environment: Any) -> set[str]:
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
    bare = modules([sys.executable, "-c", "pass"], "", tmp_path)
    environment = {"HF_TOKEN": TOKEN} if source == "HF_TOKEN" else {}
    used = modules([*WAYS["executable"], operation], message + "\n", tmp_path, **environment)
    assert without_re_s_own(used - bare, budget) == budget


def without_re_s_own(used: set[str], budget: set[str]) -> set[str]:
    """If `re` or `hashlib` is in the budget, all that it brings along is (another list for each Python)."""
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
    launcher = Path(git_credential_hf.__file__).with_name("launcher.py").read_text().splitlines()
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
