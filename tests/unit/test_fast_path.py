"""What git's operations cost: the modules that they import, and the memory of `get`."""

import re
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from login import log_in
from operations import HUB
from programs import run
from terminal import run_on_terminal

from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.state import CONFIRMED, CONFIRMED_FOR, record

TOKEN = "hf_" + "FastPath" * 4 + "wxyz"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"

BEFORE_THE_HELPER = {"gc"} | {
    f"git_credential_hf{name}" for name in ("", ".__main__", ".problem", ".protocol", ".secrets")
}
OURS = BEFORE_THE_HELPER | {f"git_credential_hf.{name}" for name in ("hub", "state_directory", "token_files", "tokens")}
GET = OURS | {"git_credential_hf.helper"}
STORE = OURS | {"git_credential_hf.store_erase", "git_credential_hf.state"}
REPORT = {"git_credential_hf.masking", "git_credential_hf.report"}
LOOK = {f"git_credential_hf.git{name}" for name in ("", ".run", ".config", ".helper_chain", ".urlmatch")}
NETWORK = {f"git_credential_hf.git{name}" for name in ("", ".run", ".config", ".network")}  # how git reaches the Hub
EXPLANATION = {
    f"git_credential_hf.api{name}"
    for name in ("", ".access", ".access_cache", ".account", ".client", ".refusals", ".transport")
}
EXPLANATION |= {"git_credential_hf.git.network"} | {
    f"git_credential_hf.{name}" for name in ("files", "lock", "login_hints", "owners", "repository", "shell", "system")
}

# What each operation imports, beyond what a bare interpreter has. A longer list needs a reason.
BUDGETS: dict[str, tuple[str, str, set[str]]] = {
    "get": ("get", HUB, GET),
    "get, not the Hub's": ("get", "protocol=https\nhost=evil.example\n", GET),
    "get, malformed": ("get", "junk\n", BEFORE_THE_HELPER | REPORT),
    "store": ("store", ERASE, STORE | LOOK),
    "erase of another token": ("erase", HUB + "password=hf_other\n", STORE | LOOK),
    "erase": ("erase", ERASE, STORE | LOOK | NETWORK | EXPLANATION | REPORT | {"hashlib", "_hashlib", "_blake2", "re"}),
    "capability": ("capability", "", BEFORE_THE_HELPER),
}

SITE = """
import atexit, sys
def report(file={file!r}):
    with open(file, "w") as report:
        report.write(" ".join(sorted(sys.modules)))
atexit.register(report)
"""


def modules(command: list[str], message: str, tmp_path: Path, **environment: Any) -> set[str]:
    """Return the names in sys.modules when the command ends, which a sitecustomize writes down."""
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE.format(file=str(tmp_path / "modules")))
    run(*command, stdin=message, check=False, PYTHONPATH=tmp_path / "site", **environment)
    names = set((tmp_path / "modules").read_text().split())
    (tmp_path / "modules").unlink()
    return names


@pytest.fixture
def logged_in(home: Path) -> None:
    log_in(home, TOKEN, "oauth", refresh_token="hf_oauth__refresh_x", expires_at=int(time.time()) + 864000)


@pytest.mark.parametrize("source", ["login", "HF_TOKEN"])
@pytest.mark.parametrize("name", BUDGETS)
def test_imports_are_within_budget(name: str, source: str, logged_in: None, tmp_path: Path) -> None:
    """Each operation imports the modules of its budget, and no others, from whichever source the token is."""
    operation, message, budget = BUDGETS[name]
    bare = modules([sys.executable, "-c", "pass"], "", tmp_path)
    environment = {"HF_TOKEN": TOKEN} if source == "HF_TOKEN" else {}
    if (name, source) == ("erase", "login"):
        # It is tried, as the Hub cannot be asked; `login` is the hint.
        budget = budget | {
            f"git_credential_hf.{name}"
            for name in ("refresh", "huggingface_library", "hints", "api.huggingface_client")
        }
    used = modules(["git-credential-hf", operation], message, tmp_path, **environment) - bare
    if "re" in budget:  # with all that `re` and `hashlib` import, which differs between Pythons
        used = {name for name in used if name in budget or name.startswith("git_credential_hf")}
    assert used == budget


def test_module_imports_no_more_of_ours(logged_in: None, tmp_path: Path) -> None:
    """`python -m` imports what runpy does, the launcher, and what PYTHONPATH takes, but not more of this program."""
    bare = modules([sys.executable, "-m", "this"], "", tmp_path)
    used = modules([sys.executable, "-m", "git_credential_hf", "get"], HUB, tmp_path)
    assert used - bare == GET | {"git_credential_hf.launcher", "git_credential_hf.isolation"}


def test_a_terminal_costs_no_more(home: Path, tmp_path: Path) -> None:
    """At a terminal, `get` for an old git also reads that the Hub has confirmed the token, and imports no more."""
    log_in(home, TOKEN)
    assert record(CONFIRMED, f"{PUBLIC_HUB} {TOKEN}", CONFIRMED_FOR)
    (tmp_path / "request").write_text(HUB)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE.format(file=str(tmp_path / "modules")))
    used = []
    for command in (f"{shlex.quote(sys.executable)} -c pass", "git-credential-hf get < request > answer"):
        line = f"cd {shlex.quote(str(tmp_path))}; {command}"
        environment: dict[str, Any] = {"PYTHONPATH": tmp_path / "site", "TERM": "xterm", "GIT_TERMINAL_PROMPT": None}
        assert run_on_terminal("/bin/sh", "-c", line, **environment).stdout == ""
        used.append(set((tmp_path / "modules").read_text().split()))
    assert f"password={TOKEN}\n" in (tmp_path / "answer").read_text()
    assert used[1] - used[0] == GET | {"git_credential_hf.state"}


def opened(command: list[str], stdin: str, home: Path) -> set[str]:
    """Return the files that a command opens, without directories, which only list their names."""
    log = home / "opened"
    run("strace", "-f", "-qq", "-o", log, "-e", "trace=open,openat", *command, stdin=stdin)
    calls = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", ([^)]*)\) += [0-9]', log.read_text())
    return {path for path, flags in calls if "O_DIRECTORY" not in flags}


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
def test_few_files(home: Path, tmp_path: Path) -> None:
    """`get` opens at most twelve files beyond those of a bare interpreter: homes may be on slow disks."""
    log_in(home, "hf_" + "FastPath" * 4 + "wx", "laptop")  # of the settings page: its name is not needed
    program = shutil.which("git-credential-hf")
    assert program
    bare = opened([sys.executable, "-c", "pass"], "", tmp_path)
    used = opened([program, "get"], HUB, tmp_path) - bare
    assert str(home / ".cache/huggingface/token") in used, "the trace shows what was opened"
    assert len(used) <= 12, sorted(used)


# Between pytest and the program that is measured: Linux counts what a process was before exec as its own.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=open("request"), stdout=subprocess.DEVNULL, check=True, close_fds=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_memory(logged_in: None, home: Path) -> None:
    """`get` stays below 16 MB of memory."""
    (home / "request").write_text(HUB)
    used = int(run(sys.executable, "-I", "-S", "-c", MEASURE, "git-credential-hf", "get").stdout) * 1024
    print(f"{used / 1e6:.1f} MB")
    assert 1e6 < used < 16e6
