"""The program itself: which operations there are, and what happens to stdin, stdout and stderr."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from operations import HUB, Answer, answer, ask
from programs import add_to_path, run

TOKEN = "hf_" + "Protocol" * 4 + "wxyz"
ANSWER = f"username=git\npassword={TOKEN}\n"
SERVED: Answer = (0, ANSWER, "")
SILENT: Answer = (0, "", "")
COMMAND = ["git-credential-hf", "get"]


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


@pytest.mark.parametrize("operation", ["approve", "frobnicate", "GET", "get ", "list", "", "a\x1b[31m", "\udcff"])
def test_unknown_operations_are_ignored(operation: str) -> None:
    """Operations that git may add are ignored without a message (gitcredentials(7)), whatever their input is."""
    for message in (HUB, "", "protocol=https\r\n", b"\0\r\xff" * 100_000):
        assert ask(operation, message) == SILENT


@pytest.mark.parametrize("message", ["", HUB, "\0"])
def test_capability(message: str) -> None:
    """`capability` prints the version of the format and no capability; it needs no input."""
    assert ask("capability", message) == (0, "version 0\ncapability authtype\ncapability state\n", "")


# --- closed descriptors ---


def shell(command: str, message: str = HUB) -> Answer:
    return answer("/bin/sh", "-c", command, message=message)


@pytest.mark.parametrize("operation", ["get", "store", "erase"])
def test_closed_stdin(operation: str) -> None:
    """Without stdin there is no answer, and no internal error."""
    status, stdout, stderr = shell(f"exec git-credential-hf {operation} <&-")
    assert (stdout, status in (0, 1)) == ("", True)
    assert "internal error" not in stderr
    assert stderr.count("\n") <= 1


def test_closed_stdin_does_not_read_stdout(home: Path) -> None:
    """Without stdin, stdout is not read in its place, which a terminal, a socket or a file would allow."""
    (home / "file").write_text(HUB)
    shell("exec git-credential-hf get <&- 1<>file")
    assert (home / "file").read_text() == HUB


def test_closed_stdout() -> None:
    """Without stdout the answer goes nowhere else, and there is no message."""
    status, stdout, stderr = shell("exec git-credential-hf get >&-")
    assert (stdout, stderr, status in (0, 1)) == ("", "", True)


def test_closed_stderr() -> None:
    """Without stderr, messages are lost: none becomes a part of the answer."""
    assert shell("exec git-credential-hf get 2>&-") == SERVED
    assert shell("GIT_CREDENTIAL_HF_TRACE=1 exec git-credential-hf get 2>&-") == SERVED
    assert shell("unset HF_TOKEN; exec git-credential-hf get 2>&-") == SILENT
    assert shell("exec git-credential-hf get 2>&-", "junk\n\n") == (1, "", "")


def test_all_closed() -> None:
    """Without any descriptor the program ends by itself, not by a signal."""
    assert shell("git-credential-hf get <&- >&- 2>&-; [ $? -lt 2 ]")[0] == 0


@pytest.fixture
def broken_pipe() -> int:
    """A descriptor to write to, whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("operation", ["get", "capability"])
def test_reader_that_is_gone(operation: str, broken_pipe: int) -> None:
    """If the caller closes its end before the answer, there is no traceback and no message."""
    command = ["git-credential-hf", operation]
    done = subprocess.run(command, input=HUB.encode(), stdout=broken_pipe, stderr=subprocess.PIPE, timeout=60)
    os.close(broken_pipe)
    assert (done.stderr, done.returncode in (0, 1)) == (b"", True)


def test_reader_of_stderr_that_is_gone(broken_pipe: int) -> None:
    """A stderr without a reader changes neither the answer nor the exit status."""
    for message, expected in ((HUB, (0, ANSWER)), ("junk\n\n", (1, ""))):
        done = subprocess.run(COMMAND, input=message, stdout=subprocess.PIPE, stderr=broken_pipe, timeout=60, text=True)
        assert (done.returncode, done.stdout) == expected
    os.close(broken_pipe)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [("get", [ANSWER]), ("capability", ["version 0\ncapability authtype\ncapability state\n"]), ("store", [])],
)
def test_answer_is_one_write(operation: str, expected: list[str]) -> None:
    """The answer is one write, since git uses a partial answer; this socket keeps writes apart."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = ["git-credential-hf", operation]
        subprocess.run(command, input=HUB.encode(), stdout=theirs.fileno(), timeout=60, check=True)
        theirs.close()
        packets = []
        while packet := ours.recv(65536):
            packets.append(packet.decode())
    assert packets == expected


# --- what libraries print ---

NOISE = """
import os, subprocess, sys, warnings
print("printed")
print("printed to the first stdout", file=sys.__stdout__, flush=True)
os.write(1, b"written")
subprocess.run(["echo", "by a child"])
warnings.warn("warned")
"""

# Stands for a huggingface_hub (or what it imports) that prints, and answers the exchange without a Hub.
NOISY_HUGGINGFACE_HUB = {
    "__init__.py": NOISE
    + """
__version__ = "2.4.0"
class Session:
    timeout, headers, event_hooks = None, {}, {"response": []}
def get_session():
    return Session()
def get_token():
    print("asked")
    return "hf_jwt_" + "Noisy" * 8
""",
    "constants.py": "ENDPOINT = 'https://huggingface.co'",
    "utils/__init__.py": "",
    "utils/_auth.py": "_OIDC_TOKEN_CACHE = None",
}


@pytest.fixture
def noisy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A noisy huggingface_hub, which is imported for an exchange."""
    package = tmp_path / "huggingface_hub"
    for name, text in NOISY_HUGGINGFACE_HUB.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    add_to_path(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONWARNINGS", "always")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    return package


def test_libraries_do_not_reach_stdout(noisy: Path) -> None:
    """Whatever a library prints, by any means, goes to stderr; stdout has only the answer."""
    expected = "username=git\npassword=hf_jwt_" + "Noisy" * 8 + "\n"
    status, stdout, stderr = ask("get")
    assert (status, stdout) == (0, expected)
    for noise in ("printed\n", "printed to the first stdout", "written", "by a child", "asked"):
        assert noise in stderr
    assert shell("exec git-credential-hf get 2>&-") == (0, expected, ""), "with a closed stderr"


def test_library_that_fails(noisy: Path) -> None:
    """If a library cannot be imported, there is one error and no answer."""
    (noisy / "__init__.py").write_text("print('printed')\nraise ImportError('it is broken')\n")
    status, stdout, stderr = ask("get")
    assert (status, stdout) == (1, "")
    assert stderr.count("git-credential-hf: error: ") == 1
    assert "it is broken" in stderr
    assert "Traceback" not in stderr


def test_python_that_prints_at_its_start(tmp_path: Path) -> None:
    """What a sitecustomize prints before and after the program is not in the answer."""
    (tmp_path / "sitecustomize.py").write_text("import atexit\nprint('early')\natexit.register(print, 'late')\n")
    assert ask("get", PYTHONPATH=tmp_path) == (0, ANSWER, "early\nlate\n")


@pytest.mark.parametrize("url", ["https://huggingface.co/acme/model", "https://example.org/model"])
@pytest.mark.parametrize(
    "module", ["hooks.contents", "git.helper_chain", "git.network", "hooks.judge", "hub", "masking", "report"]
)
@pytest.mark.parametrize("hook", ["pre-push", "pre-commit"])
def test_half_an_upgrade_refuses_nothing(hook: str, module: str, url: str, home: Path) -> None:
    """If a module of ours cannot be imported, no push or commit is refused: that is not the Hub's answer."""
    arguments = ["hook", hook, *(["origin", url] if hook == "pre-push" else [])]
    code = (
        f"import sys; sys.modules['git_credential_hf.{module}'] = None; sys.argv[1:] = {arguments!r}; "
        "from git_credential_hf.__main__ import main; sys.exit(main())"
    )
    line = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n"
    done = run(sys.executable, "-c", code, stdin=line, cwd=home, check=False, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["masking", "report"])
def test_half_an_upgrade_has_no_traceback(module: str) -> None:
    """If even what reports errors cannot be imported, there is one line."""
    code = (
        f"import sys; sys.modules['git_credential_hf.{module}'] = None; sys.argv[1:] = ['get']; "
        "from git_credential_hf.__main__ import main; sys.exit(main())"
    )
    done = run(sys.executable, "-c", code, stdin="junk\n", check=False)
    message = "git-credential-hf: error: system error: cannot load the modules of this program\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
