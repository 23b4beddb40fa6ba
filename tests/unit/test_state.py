"""State: nothing that others put in its directory is believed, followed or waited for."""

import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from login import log_in
from operations import HUB, QUIT, answer, ask, refuse_repeatedly
from programs import IS_ROOT

from git_credential_hf.backups import backup_directory
from git_credential_hf.problem import Problem
from git_credential_hf.state import is_recorded, record, remove_state, write_state
from git_credential_hf.state_directory import cache_directory

pytest.importorskip("pwd", reason="the permissions of POSIX")

TOKEN = "hf_" + "Canary" * 5 + "wxyz"
ANSWER = f"username=git\npassword={TOKEN}\n"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"
NOBODY = 65534

as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can make files of another owner")
linux = pytest.mark.skipif(sys.platform != "linux", reason="the rules of Linux")
needs_tmp = pytest.mark.skipif(
    Path(f"/run/user/{os.geteuid()}").exists(), reason="this user has /run/user/UID, which comes first"
)


@pytest.fixture
def records() -> Path:
    """The runtime directory of this program, which does not exist yet."""
    return Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf")


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token, and no Hub that `erase` could ask for the reason."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_record_is_private(records: Path, token: None) -> None:
    """The directory is the user's alone (0700), the record too (0600), with any umask."""
    assert answer("/bin/sh", "-c", "umask 0; git-credential-hf erase", message=ERASE)[0] == 0
    assert stat.filemode(records.stat().st_mode) == "drwx------"
    assert stat.filemode((records / "suspect").stat().st_mode) == "-rw-------"


# --- what others may have put there ---


def is_link(directory: Path) -> None:
    (directory.parent / "elsewhere").mkdir(0o700)
    directory.symlink_to("elsewhere")


def is_dangling_link(directory: Path) -> None:
    directory.symlink_to("elsewhere")


def is_file(directory: Path) -> None:
    directory.write_text("x")


def is_open_to_all(directory: Path) -> None:
    directory.mkdir()
    directory.chmod(0o777)


def is_anothers(directory: Path) -> None:
    is_open_to_all(directory)
    os.chown(directory, NOBODY, NOBODY)


def is_open_and_has_fifo(directory: Path) -> None:
    is_open_to_all(directory)
    with_fifo(directory)


def is_anothers_and_has_fifo(directory: Path) -> None:
    is_anothers(directory)
    with_fifo(directory)
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


def with_bytes(data: bytes, name: str = "refused") -> Callable[[Path], None]:
    def make(directory: Path) -> None:
        directory.mkdir(0o700)
        (directory / name).write_bytes(data.replace(NOW, b"%d" % time.time()))
        (directory / name).chmod(0o600)

    return make


NOW, KEY = b"<now>", b"ab" * 32
GARBAGE = {
    "empty": b"",
    "blank lines": b"\n\n \n\t\n",
    "three words": b"this is garbage\n",
    "four words, of which two are numbers": NOW + b" 30 not hexadecimal\n",
    "an odd key": NOW + b" 30 abc abc\n",
    "a key that is too long": NOW + b" 30 " + KEY * 4 + b" " + KEY + b"\n",
    "no key, no hash": NOW + b" 30\n",
    "a time of many digits": b"1" * 5000 + b" 30 " + KEY + b" " + KEY + b"\n",
    "a negative time": b"-1 30 " + KEY + b" " + KEY + b"\n",
    "a time with a fraction": NOW + b".5 30 " + KEY + b" " + KEY + b"\n",
    "not a number": b"nan 30 " + KEY + b" " + KEY + b"\n",
    "not UTF-8": NOW + b" 30 \xff\xfe " + KEY + b"\n",
    "NULs": b"\0" * 5000,
    "four NULs": b"\0 \0 \0 \0\n",
    "cut off": NOW + b" 30 " + KEY,
    "a hash that is not ASCII": NOW + b" 30 " + KEY + " é\n".encode(),
    "huge, one line": b"x" * (16 << 20),
    "huge, many lines": b"x y\n" * (4 << 20),
}
ATTACKS: dict[str, Callable[[Path], None]] = {
    "the directory is a link": is_link,
    "the directory is a dangling link": is_dangling_link,
    "the directory is a file": is_file,
    "the directory is a FIFO": lambda directory: os.mkfifo(directory),
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


def attacks(*, garbage: bool) -> list[object]:
    names = [name for name in ATTACKS if garbage or "garbage" not in name]
    return [pytest.param(name, marks=as_root if "another's" in name else ()) for name in names]


def content(path: Path) -> object:
    """What is at a path: nothing, the names in a directory, or the text of a file."""
    if path.is_dir():
        return sorted(path.iterdir())
    return path.read_text() if path.exists() else None


@pytest.mark.parametrize("name", attacks(garbage=True))
def test_runtime_directory_is_not_trusted(name: str, records: Path, token: None) -> None:
    """Whatever is in the place of the record, `get` answers and `erase` reports: no link is followed, nothing hangs.

    Garbage is replaced, and the cache directory takes the place of another's directory: the next refusals count.
    """
    ATTACKS[name](records)
    elsewhere = records.parent / "elsewhere"
    before = content(elsewhere)
    assert ask("get", timeout=20) == (0, ANSWER, "")
    assert ask("get", GIT_CREDENTIAL_HF_TRACE="1", timeout=20)[:2] == (0, ANSWER)
    status, stdout, stderr = ask("erase", ERASE, timeout=20)
    assert (status, stdout) == (0, "")
    assert stderr.startswith("git-credential-hf: error: the Hub refused the token hf_****wxyz from")
    refuse_repeatedly(ERASE, timeout=20)
    counts = "garbage" in name or "directory is" in name
    assert ask("get", timeout=20)[:2] in ((0, QUIT), (0, QUIT if counts else ANSWER))
    assert content(elsewhere) == before


@needs_tmp
@pytest.mark.parametrize("name", attacks(garbage=False))
def test_runtime_directory_in_tmp_is_not_trusted(
    name: str, tmp_path: Path, token: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same one level higher in a shared directory, where any user can be first: runtime-UID in TMPDIR."""
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", str(shared))
    base = shared / f"runtime-{os.geteuid()}"
    if "record" in name:
        base.mkdir(0o700)
        ATTACKS[name](base / "git-credential-hf")
    else:
        ATTACKS[name](base)
    assert ask("get", timeout=20) == (0, ANSWER, "")
    refuse_repeatedly(ERASE, timeout=20)
    if "record" not in name:
        assert ask("get", timeout=20)[:2] == (0, QUIT)  # recorded in the cache directory
        assert not list(tmp_path.rglob("refused*")) or "FIFO" in name


@as_root
@needs_tmp
def test_fifo_of_another_user_in_tmp(tmp_path: Path, token: None) -> None:
    """Another user who made /tmp/runtime-UID first, with a FIFO for a record, does not make git wait."""
    theirs = tmp_path / f"runtime-{os.geteuid()}" / "git-credential-hf"
    theirs.mkdir(parents=True)
    os.mkfifo(theirs / "refused")
    for path in (theirs / "refused", theirs, theirs.parent):
        os.chown(path, NOBODY, NOBODY)
    assert ask("get", XDG_RUNTIME_DIR=None, TMPDIR=tmp_path, timeout=20) == (0, ANSWER, "")


@pytest.mark.parametrize("runtime", ["/nowhere", "", "runtime", "/etc/passwd"])
def test_no_runtime_directory(runtime: str, home: Path, tmp_path: Path, token: None) -> None:
    """Without a runtime directory, what is refused is recorded in the cache directory, and nowhere else."""
    (tmp_path / f"runtime-{os.geteuid()}").touch()  # a file in the place of the directory
    environment: dict[str, Any] = {"XDG_RUNTIME_DIR": runtime, "TMPDIR": tmp_path}
    assert ask("get", **environment) == (0, ANSWER, "")
    status, stdout, stderr = ask("erase", ERASE, **environment)
    assert (status, stdout) == (0, "")
    assert "hf_****wxyz" in stderr
    refuse_repeatedly(ERASE, **environment)
    assert ask("get", **environment)[:2] == (0, QUIT)
    assert sorted(path.name for path in home.rglob("*") if path.is_file()) == ["refused", "suspect"]
    assert (home / ".cache/git-credential-hf/refused").is_file()


def test_relative_tmpdir_is_not_the_repository(home: Path, token: None) -> None:
    """Nothing is stored in the current directory, which is the repository that git works in."""
    ask("erase", ERASE, XDG_RUNTIME_DIR="", TMPDIR=".")
    assert not [path for path in home.iterdir() if path.name != ".cache"]


UNREACHABLE = {"https_proxy": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    "data", [b"\n\n\n\n\n", b"a\nb\nc\nd\ne\nf", b"\xff", b"x" * 100_000, b"ab\nab\n1\n2\n3\n" + TOKEN.encode()]
)
def test_garbage_for_an_exchange(data: bytes, records: Path) -> None:
    """A malformed record of an exchanged token is ignored: the exchange is repeated (and fails here)."""
    with_bytes(data, "oidc")(records)
    job = {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(records.parent)}
    status, stdout, stderr = ask("get", **UNREACHABLE, HF_OIDC_RESOURCE="acme/model", HF_OIDC_ID_TOKEN="x", **job)
    assert (status, stdout) == (1, "")
    assert stderr.startswith("git-credential-hf: error: no token for HF_OIDC_RESOURCE=acme/model: ")


@pytest.mark.parametrize("data", [b"", b"garbage", b"\xff", b"1.5.5\n", b"\0", b"inf", b"nan"])
def test_garbage_for_a_failed_refresh(data: bytes, home: Path, records: Path) -> None:
    """A malformed record of a failed refresh is ignored: the token is served, and the failure reported again."""
    login = "hf_oauth_" + TOKEN[3:]
    log_in(home, login, "work", refresh_token="hf_oauth__refresh_x", expires_at=int(time.time()) + 60)
    with_bytes(data, "refresh-failed")(records)
    status, stdout, stderr = ask("get", **UNREACHABLE)
    assert (status, stdout.startswith(ANSWER.replace(TOKEN, login))) == (0, True)
    assert stderr.startswith("git-credential-hf: warning: ")


def test_files_of_others_stay(tmp_path: Path) -> None:
    """In a directory of our name that is somebody's own, only what we have stored is removed."""
    directory = tmp_path / "git-credential-hf"
    directory.mkdir(0o700)
    (directory / "notes.txt").write_text("mine")
    assert write_state("refused", "x", str(directory))
    assert remove_state(str(directory)) == [str(directory / "refused")]
    assert [path.name for path in directory.iterdir()] == ["notes.txt"]


def with_cache_mode(mode: int) -> Callable[[Path], None]:
    def make(cache: Path) -> None:
        cache.mkdir()
        cache.chmod(mode)

    return make


def elsewhere(cache: Path) -> Path:
    """Where a link in the place of the cache directory leads."""
    return cache.with_name("disk") / "alice"


def is_own_link(cache: Path) -> None:
    elsewhere(cache).mkdir(parents=True, mode=0o755)
    cache.symlink_to("disk/alice")


def is_link_to_open_directory(cache: Path) -> None:
    is_own_link(cache)
    elsewhere(cache).chmod(0o777)


def is_anothers_link(cache: Path) -> None:
    is_own_link(cache)
    os.lchown(cache, NOBODY, NOBODY)


def is_own_dangling_link(cache: Path) -> None:
    cache.symlink_to("disk/alice")


# What is there in the place of ~/.cache, and where it is used; otherwise the runtime directory takes its place.
CACHES: dict[str, tuple[Callable[[Path], None], str | None]] = {
    "nothing": (lambda cache: None, ".cache"),
    "the usual": (with_cache_mode(0o755), ".cache"),
    "of umask 002": (with_cache_mode(0o775), ".cache"),
    "of umask 000": (with_cache_mode(0o777), None),
    "another user's": (is_anothers, None),
    "a link to a larger disk": (is_own_link, "disk/alice"),
    "a link to a disk that was emptied": (is_own_dangling_link, "disk/alice"),
    "a link to an open directory": (is_link_to_open_directory, None),
    "another user's link": (is_anothers_link, None),
    "a file": (lambda cache: cache.touch(), None),
}


@linux
@pytest.mark.parametrize("variable", [None, "XDG_CACHE_HOME"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=as_root if "another user" in n else ()) for n in CACHES])
def test_what_is_stored_can_be_read_again(
    name: str, variable: str | None, home: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache directory that only this user can change is used, also through their own link; or else the runtime's."""
    make, place = CACHES[name]
    base = home / "my" / ".cache"
    base.parent.mkdir()
    make(base)
    monkeypatch.setenv("HOME", str(base.parent))
    if variable:
        monkeypatch.setenv(variable, str(base))
    assert record("may", "x", 60, cache_directory())
    assert is_recorded("may", "x", cache_directory())
    assert [path.parent for path in tmp_files(home, records)] == [
        base.parent / place / "git-credential-hf" if place else records
    ]


def tmp_files(*roots: Path) -> list[Path]:
    return [path for root in roots for path in root.rglob("may")]


@as_root
def test_root_in_the_home_of_a_user(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under sudo, no directory is made for root where the user's own belong, such as `~/.cache`."""
    runtime, temporary = tmp_path / "runtime", tmp_path / "tmp"
    runtime.mkdir(0o700)
    temporary.mkdir()
    for path in (home, runtime):
        os.chown(path, 21001, 21001)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("TMPDIR", str(temporary))
    assert cache_directory() is None
    assert record("renewed", TOKEN, 60) and is_recorded("renewed", TOKEN)
    with pytest.raises(Problem, match="cannot keep a copy: "):
        backup_directory()
    assert [*home.iterdir(), *runtime.iterdir()] == []
