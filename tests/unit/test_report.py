"""Messages and the trace: their form, what they never show, and where the trace may be written."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from login import log_in, write_aged
from operations import HUB, answer, ask
from programs import run

from git_credential_hf.report import report

TOKEN = "hf_" + "Canary" * 5 + "wxyz"
LOGIN = "hf_oauth_" + TOKEN[3:]
ANSWER = f"username=git\npassword={TOKEN}\n"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"

Make = Callable[[Path, pytest.MonkeyPatch], None]


# --- the form of messages ---


def directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".cache/huggingface/token").mkdir(parents=True)


def contents(token: bytes) -> Make:
    return lambda home, monkeypatch: write_aged(home / ".cache/huggingface/token", token)


def broken_stored_tokens(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(home, LOGIN)
    write_aged(home / ".cache/huggingface/stored_tokens", "hf_token = " + LOGIN)


UNREACHABLE = {"HF_OIDC_RESOURCE": "acme/model", "HF_OIDC_ID_TOKEN": TOKEN, "https_proxy": "http://127.0.0.1:9"}


def failing_exchange(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in UNREACHABLE.items():
        monkeypatch.setenv(name, value)


SITUATIONS: dict[str, tuple[Make, int, str]] = {
    "logged out": (lambda home, monkeypatch: None, 0, ""),
    "a directory": (directory, 1, ""),
    "not text": (contents(b"hf_\xff\xfe"), 1, ""),
    "a NUL": (contents(b"hf_Canary\0Canary"), 1, ""),
    "broken stored tokens": (broken_stored_tokens, 0, ANSWER.replace(TOKEN, LOGIN)),
    "a failing exchange": (failing_exchange, 1, ""),
}
MESSAGE = re.compile(r"git-credential-hf: (error|warning|hint|trace): [^A-Z\s](.*[^.\s])?")


@pytest.mark.parametrize("trace", ["", "1"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_form_of_messages(name: str, trace: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line has the program's name and its level, is in lower case, without a full stop, and shows no token."""
    make, status, expected = SITUATIONS[name]
    make(home, monkeypatch)
    code, stdout, stderr = ask("get", GIT_CREDENTIAL_HF_TRACE=trace)
    assert (code, stdout) == (status, expected)
    assert stderr
    for line in stderr.splitlines():
        assert MESSAGE.fullmatch(line)
        assert "internal error" not in line
        assert "canary" not in line.lower()
    if code:
        assert len(re.findall("(?m)^git-credential-hf: error: ", stderr)) == 1


UNPRINTABLE = "a\x1b]0;evil\x07b\x1b[2J\r\n\tc\x9b31m\u202ed\u200be\x7ff\x08"


def test_terminal_gets_printable_text(home: Path) -> None:
    """Control characters in paths, names, variables and errors never reach the terminal."""
    folder = home / UNPRINTABLE
    name = UNPRINTABLE.replace("\n", "").replace("\r", "")
    write_aged(folder / "token", TOKEN)
    write_aged(folder / "stored_tokens", f"[{name}]\nhf_token = {TOKEN}\n")
    (folder / "directory").mkdir()
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("erase", ERASE, {"HF_TOKEN_PATH": folder / "token"}),
        ("get", HUB, {"HF_TOKEN_PATH": folder / "token", "GIT_CREDENTIAL_HF_TRACE": "1"}),
        ("get", HUB, {"HF_TOKEN_PATH": folder / "directory"}),
        ("get", HUB, {"HF_TOKEN": TOKEN, "GIT_CREDENTIAL_HF_TRACE": folder / "no" / "trace"}),
        ("get", HUB + UNPRINTABLE + "\n", {}),
        ("get", HUB, {**UNREACHABLE, "HF_OIDC_RESOURCE": UNPRINTABLE}),
    ]
    for operation, message, environment in rows:
        stderr = ask(operation, message, **environment)[2]
        assert stderr
        for line in stderr.split("\n")[:-1]:
            assert line.isprintable(), ascii(line)
            assert line.startswith("git-credential-hf: ")


def test_long_message(capfd: pytest.CaptureFixture[str]) -> None:
    """A message is cut in the middle, with what we say at its ends; a hint, which names a command, is whole."""
    report("error", f"begin {'x' * 5000} end")
    report("hint", f"run `{'x' * 5000}`")
    error, hint = capfd.readouterr().err.splitlines()
    assert error.startswith("git-credential-hf: error: begin x") and error.endswith("x end") and len(error) < 1050
    assert len(hint) > 5000


# --- the trace ---


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_trace_file_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace is written to a new file with 0600, whatever the umask, and then appended to."""
    trace = tmp_path / "trace"
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("GIT_CREDENTIAL_HF_TRACE", str(trace))
    for count in (1, 2):
        assert answer("/bin/sh", "-c", "umask 0; git-credential-hf get") == (0, ANSWER, "")
        assert trace.read_text().count("get https://huggingface.co") == count
    assert trace.stat().st_mode & 0o777 == 0o600


def test_trace_follows_no_link(home: Path, tmp_path: Path) -> None:
    """A link in the place of the trace is not followed; the answer is the same, with a warning."""
    (home / "victim").write_text("untouched\n")
    (tmp_path / "trace").symlink_to(home / "victim")
    (tmp_path / "dangling").symlink_to(home / "new")
    for name in ("trace", "dangling"):
        status, stdout, stderr = ask("get", HF_TOKEN=TOKEN, GIT_CREDENTIAL_HF_TRACE=tmp_path / name)
        assert (status, stdout) == (0, ANSWER)
        assert re.fullmatch(r"git-credential-hf: warning: cannot trace to [^\n]*\n", stderr)
    assert (home / "victim").read_text() == "untouched\n"
    assert not (home / "new").exists()


@pytest.mark.parametrize("make", ["mkfifo", "mkdir"])
def test_trace_that_is_not_a_file(make: str, tmp_path: Path) -> None:
    """A FIFO or a directory in the place of the trace costs the trace, not the answer."""
    getattr(os, make)(tmp_path / "trace")
    assert ask("get", HF_TOKEN=TOKEN, GIT_CREDENTIAL_HF_TRACE=tmp_path / "trace")[:2] == (0, ANSWER)


# --- errors that nobody expects ---

UNEXPECTED = {
    "ValueError('odd')": "internal error (ValueError: odd), please report it",
    "OSError(28, 'No space left on device', 'file')": "system error: No space left on device: file",
    "OSError(24, 'Too many open files')": "system error: Too many open files",
    "OSError(13, 'Permission denied', '/x/re.py')": "system error: Permission denied: /x/re.py",
    "OSError(13, 'Permission denied', '/x')": "internal error (PermissionError: [Errno 13] Permission denied: '/x')",
    "MemoryError()": "system error: out of memory",
    'RuntimeError("can\'t start new thread")': "system error: can't start new thread",
}
PROGRAM = """
import sys
from git_credential_hf.report import report_unexpected_error
try:
    raise {error}
except Exception:
    report_unexpected_error()
"""


@pytest.mark.parametrize("error", UNEXPECTED)
def test_unexpected_errors(error: str) -> None:
    """An unexpected error is one line, as a bug or an error of the system; its traceback is in the trace only."""
    program = PROGRAM.format(error=error)
    lines = run(sys.executable, "-c", program).stderr.splitlines()
    assert lines[0].startswith(f"git-credential-hf: error: {UNEXPECTED[error]}")
    assert lines[1:] == ["git-credential-hf: hint: set GIT_CREDENTIAL_HF_TRACE=1 to see where"]
    traced = run(sys.executable, "-c", program, GIT_CREDENTIAL_HF_TRACE="1").stderr
    assert "git-credential-hf: trace: Traceback" in traced
