"""huggingface_hub's token files: read complete, whatever another process does, and as huggingface_hub reads them."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from account import needs_huggingface_hub
from huggingface_hub.utils import _auth
from login import log_in, write_aged
from programs import run

from git_credential_hf.token_files import _as_pathlib, _parse_plain, clean_token, read_stored_tokens, read_token_file

OLD, NEW = "hf_" + "a" * 34, "hf_" + "b" * 34
ASK = "protocol=https\nhost=huggingface.co\n\n"


@pytest.fixture
def token_file(home: Path) -> Path:
    return home / ".cache/huggingface/token"


@pytest.fixture
def stored_tokens(home: Path) -> Path:
    return home / ".cache/huggingface/stored_tokens"


# --- what another process does to the files meanwhile ---


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.7])
def test_a_file_that_is_being_rewritten(gap: float, token_file: Path) -> None:
    """A token is read complete, the old or the new one, and never nothing, at any moment of a rewrite."""
    write_aged(token_file, OLD)

    def rewrite() -> None:
        with token_file.open("w") as file:  # truncates first, as huggingface_hub does, but slowly
            time.sleep(gap)
            file.write(NEW)

    found = {read_token_file()}
    writer = threading.Thread(target=rewrite)
    writer.start()
    while writer.is_alive():
        found.add(read_token_file())
    writer.join()
    assert found <= {OLD, NEW}
    assert read_token_file() == NEW


# What is written when, dated when, in seconds from the first read; what is read, and after how many reads.
WRITTEN: dict[str, tuple[list[tuple[float, float, str | None]], str | None, int]] = {
    "long ago": ([(-10, -10, "a")], "a", 1),
    "nothing": ([], None, 1),
    "nothing in it for long": ([(-10, -10, "")], None, 4),
    "just now": ([(-0.01, 0, "a")], "a", 7),
    "in pieces": ([(-0.01, -0.01, "a"), (0.05, 0.05, "ab")], "ab", 9),
    "emptied, and then filled": ([(-0.01, -0.01, "a"), (0.01, 0.01, ""), (1.99, 1.99, "b")], "b", 106),
    "emptied, and then filled in pieces": (
        [(-0.01, -0.01, "a"), (0.01, 0.01, ""), (0.31, 0.31, "b"), (0.39, 0.39, "bc"), (0.47, 0.47, "bcd")],
        *("bcd", 30),
    ),
    "emptied, and left so": ([(-0.01, -0.01, "a"), (0.01, 0.01, "")], "a", 152),
    "emptied, without anything before": ([(-0.01, -0.01, "")], None, 152),
    "removed": ([(-0.01, -0.01, "a"), (0.01, 0.01, None)], None, 2),
    "over and over": ([(at / 50 - 0.01, at / 50 - 0.01, "a") for at in range(200)], "a", 2),
    "over and over, another": ([(at / 50 - 0.01, at / 50 - 0.01, f"a{at}") for at in range(200)], "a151", 152),
    "another for a moment": ([(-0.01, 2.95, "a"), (2.97, 2.98, "b"), (2.99, 2.95, "a")], "a", 152),
    "by a clock that is a little ahead": ([(-0.01, 1.99, "a")], "a", 106),
    "by a clock that is ahead": ([(-0.01, 3, "a")], "a", 152),
    "by a clock that is wrong": ([(-0.01, 3.01, "a")], "a", 1),
    "nothing, by a clock that is wrong": ([(-0.01, 3.01, "")], None, 152),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_waiting_for_a_writer(name: str, token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incomplete file is waited for, three seconds at most; a complete one is not. The clock is the test's own."""
    writes, expected, reads = list(WRITTEN[name][0]), *WRITTEN[name][1:]
    at, count = 0.0, 1
    token_file.parent.mkdir(parents=True)

    def sleep(seconds: float) -> None:
        nonlocal at, count
        at, count = round(at + seconds, 6), count + 1
        write()

    def write() -> None:
        while writes and writes[0][0] < at:
            _, dated, text = writes.pop(0)
            if text is None:
                token_file.unlink()
                continue
            token_file.write_text(text)
            os.utime(token_file, (dated, dated))
            token_file.chmod(0o777)  # permissions make no difference

    monkeypatch.setattr(time, "time", lambda: at)
    monkeypatch.setattr(time, "monotonic", lambda: 7 + at)
    monkeypatch.setattr(time, "sleep", sleep)
    write()
    assert (read_token_file(), count) == (expected, reads)


def test_a_link_that_is_being_replaced(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link without a target is read again up to three times: Kubernetes replaces a Secret so."""
    target, checks = token_file.with_name("data"), 0
    token_file.parent.mkdir(parents=True)
    token_file.symlink_to(target)

    def islink(_: str) -> bool:
        nonlocal checks
        checks += 1
        if checks == 6:
            write_aged(target, "hf_a")
        return True

    monkeypatch.setattr(os.path, "islink", islink)
    assert (read_token_file(), checks) == (None, 3)
    assert (read_token_file(), checks) == ("hf_a", 6)


def test_logins_one_after_the_other(token_file: Path) -> None:
    """While `hf auth switch` rewrites the files fifty times, every `get` returns one of the two tokens."""
    needs_huggingface_hub(1, 20)
    write_aged(token_file, OLD)
    script = """if True:
        import sys, time
        from pathlib import Path
        from huggingface_hub.utils._auth import _save_token, _write_secret
        for i in range(50):
            token = sys.argv[2 + i % 2]
            _save_token(token, f"name{i % 2}")
            _write_secret(Path(sys.argv[1]), token)
            time.sleep(0.05)
    """
    writer = subprocess.Popen([sys.executable, "-c", script, token_file, OLD, NEW])
    found = set()
    while writer.poll() is None:
        done = run("git-credential-hf", "get", stdin=ASK)
        found.add((done.stdout, done.stderr))
    assert writer.wait() == 0
    assert found <= {(f"username=git\npassword={value}\n", "") for value in (OLD, NEW)}


# --- what is not an ordinary file ---


def test_a_pipe_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HF_TOKEN_PATH=/dev/fd/N`, as a shell's `<(...)` makes it, works: a pipe cannot be read again."""
    reading, writing = os.pipe()
    os.write(writing, OLD.encode())
    os.close(writing)
    monkeypatch.setenv("HF_TOKEN_PATH", f"/dev/fd/{reading}")
    assert read_token_file() == OLD
    os.close(reading)


def test_a_large_file(token_file: Path) -> None:
    """No more than 1 MiB is read."""
    write_aged(token_file, bytes(3 << 20))
    assert len(read_token_file() or "") == 1 << 20


# --- stored tokens ---

PLAIN: dict[str, dict[str, dict[str, str]]] = {
    "": {},
    "\n\n": {},
    "[a]\nhf_token = hf_a\n\n[b]\nhf_token = hf_b\nrefresh_token = r\nexpires_at = 7\n\n": {
        "a": {"hf_token": "hf_a"},
        "b": {"hf_token": "hf_b", "refresh_token": "r", "expires_at": "7"},
    },
    "[a]\n": {"a": {}},
    "[a = b]\nhf_token = c = d": {"a = b": {"hf_token": "c = d"}},
}
BY_HAND = {
    "[a]\r\nhf_token = hf_a\r\n": {"a": {"hf_token": "hf_a"}},
    "[größe]\nhf_token = hf_a\n": {"größe": {"hf_token": "hf_a"}},
    "[a]\nhf_token: hf_a\n": {"a": {"hf_token": "hf_a"}},
    "[a]\nhf_token =  hf_a \n": {"a": {"hf_token": "hf_a"}},
    "[a]\nHF_TOKEN = hf_a\n": {"a": {"hf_token": "hf_a"}},
    "[a]\nnote = %(x)s\n": {"a": {"note": "%(x)s"}},
    "[DEFAULT]\nhf_token = hf_d\n[a]\n": {"a": {"hf_token": "hf_d"}},
    "[a]\nhf_token =\n": {"a": {"hf_token": ""}},
}


@pytest.mark.parametrize("text", [*PLAIN, *BY_HAND])
def test_stored_tokens(text: str, stored_tokens: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Names and fields are huggingface_hub's, whether it wrote the file or a person did."""
    write_aged(stored_tokens, text)
    assert read_stored_tokens() == {**PLAIN, **BY_HAND}[text]
    assert (_parse_plain(text) is not None) == (text in PLAIN)
    assert capfd.readouterr() == ("", "")


MALFORMED = ["garbage\n", "hf_token = a\n", "[a]\n[a]\n", "[a]\nhf_token = a\nhf_token = b\n", "[]\n", b"[a]\n\xff\n"]


@pytest.mark.parametrize("text", MALFORMED, ids=ascii)
def test_malformed_stored_tokens(text: str | bytes, stored_tokens: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A malformed file has no tokens, and is reported if it is text; nothing of it is shown."""
    write_aged(stored_tokens, text)
    assert read_stored_tokens() == {}
    warning = f"cannot parse {stored_tokens}; tokens are not renewed until `git-credential-hf login` rewrites it"
    expected = "" if isinstance(text, bytes) else f"git-credential-hf: warning: {warning}\n"
    assert capfd.readouterr() == ("", expected)


def test_stored_tokens_in_any_locale(home: Path) -> None:
    """Names are UTF-8, as huggingface_hub writes them, even if the locale is not."""
    log_in(home, OLD, "größe")
    program = "from git_credential_hf.token_files import read_stored_tokens; print(ascii([*read_stored_tokens()]))"
    done = run(sys.executable, "-c", program, LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.stdout == r"['gr\xf6\xdfe']" + "\n"


# --- as huggingface_hub has it ---


@pytest.mark.parametrize("text", ["hf_a", " hf_a\r\n", "hf_\ra", "hf_\na\n\n", "\r\nhf_a\t", "hf_ a", "", "\n \r"])
def test_what_surrounds_a_token(text: str) -> None:
    """Line breaks are not part of a token, wherever they are, as in huggingface_hub."""
    assert (clean_token(text) or None) == _auth._clean_token(text)


def test_paths_as_in_pathlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is opened as huggingface_hub opens it: normalised by pathlib, and as it is on Windows."""
    for path in ("", "/", "a", "/a/./b//c/", "./a", "a/..", "//a", "."):
        assert _as_pathlib(path).replace("//", "/") == str(Path(path)).replace("//", "/")
    monkeypatch.setattr(sys, "platform", "win32")
    assert [_as_pathlib(path) for path in ("", "a//b/", "C:")] == [".", "a//b/", "C:"]


@pytest.mark.parametrize("name", ["token", "stored_tokens"])
def test_a_pipe_to_which_nobody_writes(name: str, home: Path) -> None:
    """A pipe in the place of a token file is not waited for, and what is written to one is read."""
    folder = home / ".cache/huggingface"
    folder.mkdir(parents=True)
    os.mkfifo(folder / name)
    start = time.monotonic()
    assert read_token_file() is None
    assert read_stored_tokens() == {}
    assert time.monotonic() - start < 5
    text = "hf_x\n" if name == "token" else "# by hand\n[a]\nhf_token: hf_x\n"
    writer = threading.Thread(target=lambda: (folder / name).write_text(text), daemon=True)
    writer.start()
    assert (read_token_file() if name == "token" else read_stored_tokens()["a"]["hf_token"]) == "hf_x"
    writer.join(10)
