"""get, store and erase as users meet them: the installed executable, asked directly and by the real git."""

import os
import re
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pytest

TOKEN = "hf_" + "Canary" * 5 + "wxyz"
SHOWN = "hf_****wxyz"
HUB = "protocol=https\nhost=huggingface.co\n"
ANSWER = f"username=git\npassword={TOKEN}\n"
QUIT = "quit=1\n"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"


def helper(operation: str, message: str, **environment: Any) -> tuple[int, str, str]:
    return run(["git-credential-hf", operation], message + "\n", **environment)


def run(command: list[str], message: str, **environment: Any) -> tuple[int, str, str]:
    done = programs.run(*command, stdin=message, check=False, timeout=60, **environment)
    return done.returncode, done.stdout, done.stderr


def git(operation: str, message: str, helpers: str = "hf", **environment: Any) -> tuple[int, str, str]:
    command = ["git", "-c", "credential.helper=", "-c", f"credential.helper={helpers}", "credential", operation]
    return run(command, message + "\n", **environment)


@pytest.fixture
def records() -> Path:
    return Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf")


def tree(*roots: Path) -> dict[str, tuple[object, ...]]:
    """All that can be told of the files below: kind and mode, owner, time of the last change, bytes."""
    seen: dict[str, tuple[object, ...]] = {}
    for root in roots:
        for path in [root, *root.rglob("*")]:
            status = path.lstat()
            data = path.read_bytes() if path.is_file() else path.readlink() if path.is_symlink() else None
            time_of_change = status.st_mtime_ns if data is not None else None
            seen[str(path)] = status.st_mode, status.st_uid, time_of_change, data
    return seen


# --- sources ---


def in_variable(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda home, monkeypatch: monkeypatch.setenv(name, TOKEN)


def in_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".cache/huggingface/token", TOKEN)


def in_other_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "secrets/token file", TOKEN + "\r\n")
    monkeypatch.setenv("HF_TOKEN_PATH", "~/secrets/token file")


def stored(expires_in: int | None) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def write_both(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        in_file(home, monkeypatch)
        text = f"[other]\nhf_token = hf_other\n\n[work]\nhf_token = {TOKEN}\n"
        text += f"expires_at = {int(time.time()) + expires_in}\n" if expires_in is not None else ""
        write(home / ".cache/huggingface/stored_tokens", text + "\n")

    return write_both


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    an_hour_ago = time.time() - 3600  # nobody is rewriting it right now
    os.utime(file, (an_hour_ago, an_hour_ago))


SETTINGS = "https://huggingface.co/settings/tokens"
# name: how it comes there; how it is called in messages, what is to be done; whether its time is over
SOURCES: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], None], str, str, bool]] = {
    "HF_TOKEN": (
        in_variable("HF_TOKEN"),
        "from the environment variable HF_TOKEN",
        f"run `unset HF_TOKEN` to use your login, or set it to a token from {SETTINGS}",
        False,
    ),
    "HUGGING_FACE_HUB_TOKEN": (
        in_variable("HUGGING_FACE_HUB_TOKEN"),
        "from the environment variable HUGGING_FACE_HUB_TOKEN",
        f"run `unset HUGGING_FACE_HUB_TOKEN` to use your login, or set it to a token from {SETTINGS}",
        False,
    ),
    "file": (in_file, "from the file {home}/.cache/huggingface/token", "run `hf auth login`", False),
    "HF_TOKEN_PATH": (in_other_file, "from the file {home}/secrets/token file", "run `hf auth login`", False),
    "stored": (
        stored(None),
        "from the file {home}/.cache/huggingface/token, stored as 'work'",
        "run `hf auth login`",
        False,
    ),
    "stored, good": (
        stored(48 * 3600),
        "from the file {home}/.cache/huggingface/token, stored as 'work'",
        "run `hf auth login`",
        False,
    ),
    "stored, expired": (
        stored(-60),
        "from the file {home}/.cache/huggingface/token, stored as 'work'",
        "run `hf auth login`",
        True,
    ),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """A token that comes from there: what messages call it, the remedy, and the whole message of `erase`."""
    make, described, remedy, is_expired = SOURCES[request.param]
    make(home, monkeypatch)
    described = f"{SHOWN} {described.format(home=home)}"
    erased = (
        f"git-credential-hf: error: the Hub refused the {'expired ' if is_expired else ''}token {described}\n"
        f"git-credential-hf: hint: {remedy}\n"
    )
    return described, remedy, erased


def without_expiry(answer: str) -> str:
    return re.sub(r"password_expiry_utc=\d+\n", "", answer)


def test_get_serves_every_source(source: tuple[str, str, str]) -> None:
    """The token is served from wherever it is, by the executable and by git alike, and nothing is said."""
    status, stdout, stderr = helper("get", HUB)
    assert (status, without_expiry(stdout), stderr) == (0, ANSWER, "")
    status, stdout, stderr = git("fill", HUB)
    assert (status, without_expiry(stdout), stderr) == (0, HUB + ANSWER, "")


def test_expiry_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git hears until when a token is good; of one whose time is over it does not, or would never send it."""
    stored(48 * 3600)(home, monkeypatch)
    expiry = int(re.search(r"password_expiry_utc=(\d+)", helper("get", HUB)[1])[1])  # type: ignore[index]
    assert abs(expiry - time.time() - 48 * 3600) < 60
    stored(-60)(home, monkeypatch)
    assert helper("get", HUB) == (0, ANSWER, "")


def test_store_is_silent_and_keeps_nothing(source: tuple[str, str, str], home: Path) -> None:
    """`store` changes no file of the user's, makes none, and says nothing, whoever's token it is."""
    before = tree(home, Path(os.environ["XDG_RUNTIME_DIR"]))
    for password in (TOKEN, "hf_another", ""):
        message = HUB + f"username=git\npassword={password}\n"
        assert helper("store", message) == (0, "", "")
    assert git("approve", ERASE) == (0, "", "")
    assert tree(home, Path(os.environ["XDG_RUNTIME_DIR"])) == before


def test_erase_names_the_source(source: tuple[str, str, str], home: Path) -> None:
    """`erase` of the current token says which it is, masked, where from, and what to do; it deletes nothing."""
    before = tree(home)
    assert helper("erase", ERASE) == (0, "", source[2])
    assert git("reject", ERASE) == (0, "", source[2])
    assert tree(home) == before


def test_refused_token_is_not_served_again(source: tuple[str, str, str], home: Path) -> None:
    """A token that was just refused is answered with `quit` and the reason, and git asks nobody."""
    described, remedy, _ = source
    before = tree(home)
    helper("erase", ERASE)
    said = (
        f"git-credential-hf: error: the Hub has just refused the token {described}\ngit-credential-hf: hint: {remedy}\n"
    )
    assert helper("get", HUB) == (0, QUIT, said)
    status, stdout, stderr = git("fill", HUB)
    assert (status, stdout) == (128, "")
    assert stderr.startswith(said)
    assert "told us to quit" in stderr
    assert tree(home) == before


@pytest.mark.parametrize(
    "request_",
    [
        HUB + "username=git\npassword=hf_another\n",
        HUB + f"username=git\npassword={TOKEN[:-1]}\n",
        HUB + f"username=git\npassword={TOKEN}x\n",
        HUB + f"username={TOKEN}\npassword=x\n",
        HUB + "username=git\npassword=\n",
        HUB + "username=git\n",
        HUB,
        "",
        f"protocol=https\nhost=evil.example\nusername=git\npassword={TOKEN}\n",
        f"protocol=http\nhost=huggingface.co\nusername=git\npassword={TOKEN}\n",
        f"protocol=https\nusername=git\npassword={TOKEN}\n",
    ],
)
def test_erase_of_anything_else_means_nothing(request_: str, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our token in it, or for another host, an `erase` is silent, and the token is served on."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert helper("erase", request_) == (0, "", "")
    assert not records.exists()
    assert helper("get", HUB) == (0, ANSWER, "")


def test_erase_with_nobody_logged_in() -> None:
    """Where there is no token, nothing can have been refused; and `get` leaves the question to git."""
    assert helper("erase", ERASE) == (0, "", "")
    status, stdout, stderr = helper("get", HUB)
    assert (status, stdout) == (0, "")
    assert stderr.endswith("git-credential-hf: hint: run `hf auth login`\n")


# --- for how long, and what is kept for that ---


@pytest.fixture
def refused(records: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of a token that was refused a moment ago."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    helper("erase", ERASE)
    assert helper("get", HUB)[1] == QUIT
    assert [file.name for file in records.iterdir()] == ["refused"]
    return records / "refused"


def made_older(record: Path, seconds: int) -> None:
    """Turns the real clock, as the record has seen it, back."""
    text = record.read_text()
    (when,) = re.findall(r"^1\d{9}\b", text)
    record.write_text(text.replace(when, str(int(when) - seconds), 1))


@pytest.mark.parametrize(("seconds", "answer"), [(20, QUIT), (31, ANSWER), (3600, ANSWER), (-3600, ANSWER)])
def test_refusal_lasts_half_a_minute(refused: Path, seconds: int, answer: str) -> None:
    """For 30 seconds, no longer; and a clock that was put back does not make it eternal."""
    made_older(refused, seconds)
    assert helper("get", HUB)[1] == answer


def test_changed_token_is_served_at_once(refused: Path) -> None:
    """Another token is served in the same moment, and the refused one, should it come back, is still refused."""
    other = TOKEN[::-1]
    assert helper("get", HUB, HF_TOKEN=other) == (0, f"username=git\npassword={other}\n", "")
    assert helper("get", HUB)[1] == QUIT
    helper("erase", HUB + f"password={other}\n", HF_TOKEN=other)
    assert helper("get", HUB, HF_TOKEN=other)[1] == QUIT
    assert helper("get", HUB)[1] == QUIT


def test_refusal_is_one_host_s(refused: Path) -> None:
    """What one origin has refused is served to another; the letter case and the port make no other origin."""
    assert helper("get", "protocol=https\nhost=hf.co\n") == (0, ANSWER, "")
    assert helper("get", "protocol=http\nhost=localhost:5\n", HF_ENDPOINT="http://localhost:5") == (0, ANSWER, "")
    assert helper("get", "protocol=https\nhost=HUGGINGFACE.co:443\n")[1] == QUIT


def test_record_is_a_keyed_hash(refused: Path) -> None:
    """What is kept tells nobody which token it was: not the token, no part of it, and never the same hash twice."""
    text = refused.read_text()
    assert re.fullmatch(r"\d{10} 30 [0-9a-f]{64} [0-9a-f]{64,128}\n", text)
    for part in (TOKEN[3:], TOKEN[-4:], "huggingface"):
        assert part.lower() not in text.lower()
    helper("erase", ERASE)
    keys, hashes = zip(*(line.split()[2:] for line in refused.read_text().splitlines()), strict=True)
    assert len(set(keys)) == len(set(hashes)) == 2
    assert not list(set(keys) & set(hashes))


def test_record_is_private(refused: Path) -> None:
    """The directory is the user's alone (0700), the record too (0600), with any umask."""
    shutil.rmtree(refused.parent)
    assert run(["/bin/sh", "-c", "umask 0; git-credential-hf erase"], ERASE)[0] == 0
    assert stat.filemode(refused.parent.stat().st_mode) == "drwx------"
    assert stat.filemode(refused.stat().st_mode) == "-rw-------"


def test_records_do_not_grow(refused: Path) -> None:
    """However often a caller is refused, there is one small file."""
    for _ in range(25):
        helper("erase", ERASE)
    assert [file.name for file in refused.parent.iterdir()] == ["refused"]
    assert refused.stat().st_size < 8192
    assert helper("get", HUB)[1] == QUIT


# --- what others may have put into the runtime directory ---


@pytest.fixture(autouse=True)
def nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_ENDPOINT is no place to send a token to, so that `erase` does not ask the Hub why: see e2e/test_refused."""
    monkeypatch.setenv("HF_ENDPOINT", "nowhere")


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another owner")
NOBODY = 65534


def is_link(directory: Path) -> None:
    (directory.parent / "elsewhere").mkdir(0o700)
    directory.symlink_to("elsewhere")


def is_link_to_nothing(directory: Path) -> None:
    directory.symlink_to("elsewhere")


def is_file(directory: Path) -> None:
    directory.write_text("x")


def is_fifo(directory: Path) -> None:
    os.mkfifo(directory)


def is_open_to_all(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)


def is_anothers(directory: Path) -> None:
    directory.mkdir()
    os.chown(directory, NOBODY, NOBODY)
    directory.chmod(0o777)


def is_open_and_has_fifo(directory: Path) -> None:
    is_open_to_all(directory)
    with_fifo(directory)


def is_anothers_and_has_fifo(directory: Path) -> None:
    is_anothers(directory)
    os.mkfifo(directory / "refused")
    os.chown(directory / "refused", NOBODY, NOBODY)


def with_fifo(directory: Path) -> None:
    directory.mkdir(0o700, exist_ok=True)
    os.mkfifo(directory / "refused", 0o600)


def with_directory(directory: Path) -> None:
    (directory / "refused").mkdir(0o700, parents=True)
    directory.chmod(0o700)


def with_full_directory(directory: Path) -> None:
    with_directory(directory)
    (directory / "refused" / "x").touch()


def with_link(directory: Path) -> None:
    directory.mkdir(0o700)
    victim = directory.parent / "elsewhere"
    victim.write_text("the user's own\n")
    victim.chmod(0o600)
    (directory / "refused").symlink_to(victim)


def with_link_to_itself(directory: Path) -> None:
    directory.mkdir(0o700)
    (directory / "refused").symlink_to("refused")


def with_anothers_file(directory: Path) -> None:
    with_bytes(b"x")(directory)
    os.chown(directory / "refused", NOBODY, NOBODY)


def with_bytes(data: bytes) -> Callable[[Path], None]:
    def make(directory: Path) -> None:
        directory.mkdir(0o700)
        (directory / "refused").write_bytes(data.replace(NOW, b"%d" % time.time()))
        (directory / "refused").chmod(0o600)

    return make


NOW, KEY = b"<now>", b"ab" * 32
GARBAGE = {
    "empty": b"",
    "blank lines": b"\n\n \n\t\n",
    "one word": b"garbage\n",
    "three words": b"this is garbage\n",
    "three numbers": b"1 2 3\n",
    "a time, and two words": NOW + b" not hexadecimal\n",
    "a time, an odd key": NOW + b" abc abc\n",
    "a time, a key that is too long": NOW + b" " + KEY * 4 + b" " + KEY + b"\n",
    "a time, no key, no hash": NOW + b"\n",
    "a time of many digits": b"1" * 5000 + b" " + KEY + b" " + KEY + b"\n",
    "a negative time": b"-1 " + KEY + b" " + KEY + b"\n",
    "a time with a fraction": NOW + b".5 " + KEY + b" " + KEY + b"\n",
    "not a number": b"nan " + KEY + b" " + KEY + b"\n",
    "no UTF-8": NOW + b" \xff\xfe " + KEY + b"\n",
    "NULs": b"\0" * 5000,
    "three NULs": b"\0 \0 \0\n",
    "cut off": NOW + b" " + KEY,
    "a hash that is not ASCII": NOW + b" " + KEY + " é\n".encode(),
    "huge, one line": b"x" * (16 << 20),
    "huge, many lines": b"x y\n" * (4 << 20),
}
ATTACKS: dict[str, Callable[[Path], None]] = {
    "the directory is a link": is_link,
    "the directory is a link to nothing": is_link_to_nothing,
    "the directory is a file": is_file,
    "the directory is a FIFO": is_fifo,
    "the directory is open to all": is_open_to_all,
    "the directory is open to all, and a FIFO is in it": is_open_and_has_fifo,
    "the directory is another's": is_anothers,
    "the directory is another's, and a FIFO is in it": is_anothers_and_has_fifo,
    "the record is a FIFO": with_fifo,
    "the record is a directory": with_directory,
    "the record is a directory with a file": with_full_directory,
    "the record is a link": with_link,
    "the record is a link to itself": with_link_to_itself,
    "the record is another's": with_anothers_file,
    **{f"the record is garbage: {name}": with_bytes(data) for name, data in GARBAGE.items()},
}


def attacks(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=AS_ROOT if "another's" in name else ()) for name in names]


@pytest.mark.parametrize("name", attacks([*ATTACKS]))
def test_runtime_directory_is_not_trusted(name: str, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is found where our record should be: `get` answers, `erase` tells; no hang, no link followed."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    ATTACKS[name](records)
    elsewhere = records.parent / "elsewhere"
    before = tree(elsewhere) if elsewhere.exists() else None
    for environment in ({}, {"GIT_CREDENTIAL_HF_TRACE": "1"}):
        status, stdout, stderr = helper("get", HUB, **environment)
        assert (status, stdout) == (0, ANSWER)
        assert stderr == "" or environment
    status, stdout, stderr = helper("erase", ERASE)
    assert (status, stdout) == (0, "")
    assert stderr.startswith("git-credential-hf: error: the Hub refused the token hf_****wxyz from")
    assert helper("get", HUB)[:2] in ((0, ANSWER), (0, QUIT))
    assert (tree(elsewhere) if elsewhere.exists() else None) == before


@pytest.mark.parametrize("name", [name for name in ATTACKS if "garbage" in name])
def test_garbage_is_replaced(name: str, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of ours that was spoilt does not end the protection: the next refusal is remembered."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    ATTACKS[name](records)
    helper("erase", ERASE)
    assert helper("get", HUB)[:2] == (0, QUIT)


@pytest.mark.parametrize("name", attacks([name for name in ATTACKS if "garbage" not in name]))
def test_runtime_directory_in_tmp_is_not_trusted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same one level up and in a shared directory, where anybody can be first: runtime-UID in TMPDIR."""
    if Path(f"/run/user/{os.geteuid()}").exists():
        pytest.skip("this user has /run/user/UID, which comes first")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    base = tmp_path / "tmp" / f"runtime-{os.geteuid()}"
    if "record" in name:
        base.mkdir(0o700)
        ATTACKS[name](base / "git-credential-hf")
    else:
        ATTACKS[name](base)
    assert helper("get", HUB) == (0, ANSWER, "")
    assert helper("erase", ERASE)[:2] == (0, "")
    assert helper("get", HUB)[:2] in ((0, ANSWER), (0, QUIT))
    if "record" not in name:
        assert not list(tmp_path.rglob("refused*")) or "FIFO" in name


@AS_ROOT
def test_fifo_of_another_user_in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user who made /tmp/runtime-UID first, with a FIFO for a record, does not make git hang."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    theirs = tmp_path / f"runtime-{os.geteuid()}" / "git-credential-hf"
    theirs.mkdir(parents=True)
    os.mkfifo(theirs / "refused")
    for path in (theirs / "refused", theirs, theirs.parent):
        os.chown(path, NOBODY, NOBODY)
    assert helper("get", HUB) == (0, ANSWER, "")


@pytest.mark.parametrize("runtime", ["/nowhere", "", "runtime", "/etc/passwd"])
def test_no_runtime_directory(runtime: str, home: Path, tmp_path: Path) -> None:
    """Where nothing can be kept, the token is served all the same, and `erase` still tells."""
    (tmp_path / f"runtime-{os.geteuid()}").touch()  # a file where the directory would be
    environment = {"XDG_RUNTIME_DIR": runtime, "TMPDIR": str(tmp_path), "HF_TOKEN": TOKEN}
    before = tree(home)
    assert helper("get", HUB, **environment) == (0, ANSWER, "")
    status, stdout, stderr = helper("erase", ERASE, **environment)
    assert (status, stdout) == (0, "")
    assert SHOWN in stderr
    assert helper("get", HUB, **environment)[:2] in ((0, ANSWER), (0, QUIT))
    assert tree(home) == before


def test_relative_tmpdir_is_not_the_repository(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept in, or read from, the current directory, which is the repository that git works in."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    helper("erase", ERASE, XDG_RUNTIME_DIR="", TMPDIR=".")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    "data", [b"\n\n\n\n\n", b"a\nb\nc\nd\ne\nf", b"\xff", b"x" * 100_000, b"ab\nab\n1\n2\n3\n" + TOKEN.encode()]
)
def test_garbage_for_a_kept_exchange(data: bytes, records: Path) -> None:
    """A spoilt record of an exchanged token is as good as none: the exchange is made anew (and fails here)."""
    records.mkdir(0o700)
    (records / "oidc").write_bytes(data)
    (records / "oidc").chmod(0o600)
    environment = {"HF_OIDC_RESOURCE": "acme/model", "HF_OIDC_ID_TOKEN": "x", "HF_ENDPOINT": "http://127.0.0.1:9"}
    status, stdout, stderr = helper("get", HUB, **environment)
    assert (status, stdout) == (1, "")
    assert stderr.startswith("git-credential-hf: error: no token for HF_OIDC_RESOURCE=acme/model: ")


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff", b"1.5.5\n", b"\0", b"inf", b"nan"])
def test_garbage_for_a_failed_refresh(data: bytes, home: Path, records: Path) -> None:
    """A spoilt record of a refresh that failed costs no answer: the token is served, and the failure told."""
    write(home / ".cache/huggingface/token", TOKEN)
    fields = f"refresh_token = hf_oauth__refresh_x\nexpires_at = {time.time() + 60:.0f}\n"
    write(home / ".cache/huggingface/stored_tokens", f"[work]\nhf_token = {TOKEN}\n{fields}\n")
    records.mkdir(0o700)
    (records / "refresh-failed").write_bytes(data)
    (records / "refresh-failed").chmod(0o600)
    status, stdout, stderr = helper("get", HUB, HF_ENDPOINT="http://127.0.0.1:9")
    assert (status, without_expiry(stdout)) == (0, ANSWER)
    assert stderr.startswith("git-credential-hf: warning: ")


# --- nothing shows the token ---

# Runs in each Python that is started below: notes what it starts and which files it opens to write.
WATCHER = """
import os, sys
def watch(event, arguments, log=os.environ["WATCHED"]):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.putenv"):
        watched.append(f"{event} {arguments!r}")
    elif event.startswith("socket.") and event != "socket.gethostname":
        watched.append(f"{event} {arguments[1:]!r}")
    else:
        return
    if log:
        os.write(descriptor, (watched.pop() + "\\n").encode())
watched = []
descriptor = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
sys.addaudithook(watch)
"""

KINDS = {
    "user": TOKEN,
    "OAuth": "hf_oauth_" + "Canary" * 5 + "wxyz",
    "OAuth, a JWT": "hf_oauth_eyJ" + "Canary" * 3 + ".eyJCanaryCanary.Canary-_wxyz",
    "Trusted Publisher": "hf_jwt_eyJ" + "Canary" * 3 + ".eyJCanaryCanary.Canary-_wxyz",
    "organisation": "api_org_" + "Canary" * 5 + "wxyz",
    "JWT": "eyJ" + "Canary" * 3 + ".eyJCanaryCanary.Canarywxyz",
    "of no known kind": "Canary-Canary/Canary+Canary==",
    "short": "CanaryCa",
    "blanks within": "hf_Canary  Canary\tCanary",
    "not ASCII": "hf_Cänary" + "Canary" * 4,
    "unexpanded": "${CANARY_CANARY_SECRET}",
    "quoted": "'hf_CanaryCanaryCanaryCanaryCanary'",
    "escape sequences": "hf_Canary\x1b[31mCanary\x07Canary",
}


@pytest.mark.parametrize("trace", ["", "1", "file"])
@pytest.mark.parametrize("kind", KINDS)
def test_token_is_in_the_answer_alone(
    kind: str, trace: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message, no trace, no file and no other program ever gets the token: only git does, as the password."""
    token = KINDS[kind]
    canary = re.search("(?i)canary", token)[0]  # type: ignore[index]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCHER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("WATCHED", str(tmp_path / "watched"))
    monkeypatch.setenv("GIT_CREDENTIAL_HF_TRACE", str(tmp_path / "trace") if trace == "file" else trace)
    write(home / ".cache/huggingface/token", token)
    said = []

    def ask(operation: str, message: str) -> tuple[int, str]:
        status, stdout, stderr = helper(operation, message)
        said.append(stderr)
        return status, stdout

    erase = HUB + f"username={token}\npath={token}\npassword={token}\n"
    assert ask("get", HUB + f"username={token}\npath={token}\n") == (0, f"username=git\npassword={token}\n")
    assert ask("store", erase) == ask("erase", erase) == (0, "")
    assert ask("get", HUB) == (0, QUIT)
    assert ask("get", HUB + token.replace("=", "") + "\n") == (1, "")  # malformed: no `=` in that line
    assert ask("get", HUB + f"{token}=x\rpath=x\n") == (1, "")
    monkeypatch.setenv("HF_TOKEN_PATH", f"{home}/{token.replace('/', '')}")
    (home / token.replace("/", "")).mkdir()
    ask("get", HUB)

    stderr = "".join(said).replace(str(home), "")
    # A path that is the token itself is shown as the path it is, where the token was not read from anywhere.
    stderr = "\n".join(line for line in stderr.splitlines() if "cannot read the token file" not in line)
    assert canary.lower() not in stderr.lower().replace(f"****{token[-4:]}".lower(), "")
    # `store` and `erase` look at git's configuration, and `erase` asks the Hub; nothing else is started.
    watched = (tmp_path / "watched").read_text()
    assert canary.lower() not in watched.lower().replace(f"****{token[-4:]}".lower(), "")
    assert all("'config', '--get-regexp'" in line for line in watched.splitlines() if "spawn" in line or "exec" in line)
    assert "subprocess" not in watched
    for file in [*tmp_path.rglob("*"), *Path(os.environ["XDG_RUNTIME_DIR"]).rglob("*")]:
        if file.is_file() and file.name != "sitecustomize.py":
            text = file.read_bytes().decode("utf-8", "replace")
            text = "\n".join(line for line in text.splitlines() if "cannot read the token file" not in line)
            assert canary.lower() not in text.lower(), file
    if trace == "file":
        assert (tmp_path / "trace").read_text()


def test_trace_file_is_private(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace is written to a new file with 0600, whatever the umask, and is appended to."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("GIT_CREDENTIAL_HF_TRACE", str(tmp_path / "trace"))
    for count in (1, 2):
        assert run(["/bin/sh", "-c", "umask 0; git-credential-hf get"], HUB) == (0, ANSWER, "")
        assert (tmp_path / "trace").read_text().count("get https://huggingface.co") == count
    assert stat.filemode((tmp_path / "trace").stat().st_mode) == "-rw-------"


def test_trace_follows_no_link(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link where the trace should be is not followed; the answer is the same, and the user is told."""
    (home / "victim").write_text("untouched\n")
    (tmp_path / "trace").symlink_to(home / "victim")
    (tmp_path / "dangling").symlink_to(home / "new")
    for name in ("trace", "dangling"):
        environment = {"HF_TOKEN": TOKEN, "GIT_CREDENTIAL_HF_TRACE": str(tmp_path / name)}
        status, stdout, stderr = helper("get", HUB, **environment)
        assert (status, stdout) == (0, ANSWER)
        assert re.fullmatch(r"git-credential-hf: warning: cannot trace to [^\n]*\n", stderr)
    assert (home / "victim").read_text() == "untouched\n"
    assert not (home / "new").exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["FIFO", "directory"])
def test_trace_to_what_is_no_file(make: Callable[[str], None], tmp_path: Path) -> None:
    """A FIFO or a directory where the trace should be costs the trace, not the answer."""
    make(str(tmp_path / "trace"))
    environment = {"HF_TOKEN": TOKEN, "GIT_CREDENTIAL_HF_TRACE": str(tmp_path / "trace")}
    assert helper("get", HUB, **environment)[:2] == (0, ANSWER)


# --- the form of messages ---


def logged_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pass


def directory_for_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".cache/huggingface/token").mkdir(parents=True)


def no_text(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_file(home, monkeypatch)
    (home / ".cache/huggingface/token").write_bytes(b"hf_\xff\xfe")


def nul_in_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".cache/huggingface/token", "hf_Canary\0Canary")


def stored_tokens_that_are_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_file(home, monkeypatch)
    write(home / ".cache/huggingface/stored_tokens", "hf_token = " + TOKEN)


def exchange_that_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")


SITUATIONS = {
    "logged out": (logged_out, 0, ""),
    "a directory": (directory_for_a_file, 1, ""),
    "no text": (no_text, 1, ""),
    "a NUL": (nul_in_it, 1, ""),
    "broken stored tokens": (stored_tokens_that_are_none, 0, ANSWER),
    "a failing exchange": (exchange_that_fails, 1, ""),
}
MESSAGE = re.compile(r"git-credential-hf: (error|warning|hint|trace): [^A-Z\s](.*[^.\s])?")


@pytest.mark.parametrize("trace", ["", "1"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_form_of_messages(name: str, trace: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line names us and its kind, begins small, ends without a full stop, and shows no token; no tracebacks."""
    make, status, answer = SITUATIONS[name]
    make(home, monkeypatch)
    code, stdout, stderr = helper("get", HUB, GIT_CREDENTIAL_HF_TRACE=trace)
    assert (code, stdout) == (status, answer)
    assert stderr
    for line in stderr.splitlines():
        assert MESSAGE.fullmatch(line)
        assert "internal error" not in line
        assert "canary" not in line.lower()
    if code:
        assert len(re.findall("(?m)^git-credential-hf: error: ", stderr)) == 1


UNPRINTABLE = "a\x1b]0;evil\x07b\x1b[2J\r\n\tc\x9b31m\u202ed\u200be\x7ff\x08"


def test_terminal_gets_text_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escape sequences and control characters out of paths, names, variables and errors never reach the terminal."""
    folder = home / UNPRINTABLE
    write(folder / "token", TOKEN)
    write(folder / "stored_tokens", f"[{UNPRINTABLE.replace(chr(10), '').replace(chr(13), '')}]\nhf_token = {TOKEN}\n")
    (folder / "directory").mkdir()
    said = []
    for operation, message, environment in (
        ("erase", ERASE, {"HF_TOKEN_PATH": str(folder / "token")}),
        ("get", HUB, {"HF_TOKEN_PATH": str(folder / "token"), "GIT_CREDENTIAL_HF_TRACE": "1"}),
        ("get", HUB, {"HF_TOKEN_PATH": str(folder / "directory")}),
        ("get", HUB, {"HF_TOKEN": TOKEN, "GIT_CREDENTIAL_HF_TRACE": str(folder / "no" / "trace")}),
        ("get", HUB + UNPRINTABLE + "\n", {}),
        ("get", HUB, {"HF_OIDC_RESOURCE": UNPRINTABLE, "HF_OIDC_ID_TOKEN": "x", "HF_ENDPOINT": "http://127.0.0.1:9"}),
    ):
        said.append(helper(operation, message, **environment)[2])
        assert said[-1]
    for line in "".join(said).split("\n")[:-1]:
        assert line.isprintable(), ascii(line)
        assert line.startswith("git-credential-hf: ")


def test_no_file_but_ours(home: Path, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All operations together leave one record in the runtime directory, and no other file anywhere."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    temporary = Path(tempfile.mkdtemp(dir=home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    for operation in ("get", "store", "erase", "get", "capability", "unknown"):
        helper(operation, ERASE)
    assert list(home.iterdir()) == [temporary]
    assert not list(temporary.iterdir())
    assert [path.name for path in records.rglob("*")] == ["refused"]
    assert sys.executable  # of this very environment: it was the installed wheel that ran
