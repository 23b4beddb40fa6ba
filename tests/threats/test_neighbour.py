"""A hostile user of the same machine: links, pipes, and files that are others by the time they are opened."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from operations import serve_hub

from git_credential_hf.files import FileChange, back_up
from git_credential_hf.problem import Problem
from git_credential_hf.state import is_recorded, read_state, record, write_state
from git_credential_hf.state_directory import cache_directory, private_directory
from git_credential_hf.tokens import Token

from . import ended, new_token, run, start

ASK = b"protocol=https\nhost=huggingface.co\n\n"
NOBODY = 65534
SECONDS = 1.5  # for which somebody tries

alone = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root, to be another user, too")


@contextlib.contextmanager
def somebody_else(script: str, where: Path) -> Iterator[None]:
    """Another user runs this over and over in a directory, as fast as he can."""
    lines = ["import contextlib, os", f"os.chdir({str(where)!r})", "os.setgroups([])"]
    lines += [
        f"os.setgid({NOBODY})",
        f"os.setuid({NOBODY})",
        "os.umask(0)",
        "while True:",
        "    with contextlib.suppress(OSError):",
    ]
    lines += [f"        {line}" for line in script.splitlines()]
    process = subprocess.Popen([sys.executable, "-c", "\n".join(lines)])
    try:
        yield
        assert process.poll() is None, "he has given up"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def shared(home: Path, tmp_path: Path) -> Path:
    """A directory that everybody may reach and write to, as /tmp, but without its sticky bit."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.name and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o011)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    return tmp_path / "shared"


def leaked(secret: str, below: Path) -> list[str]:
    """The files below a directory that hold the secret, and that others may read, or replace."""
    found = []
    for path in [Path(folder, name) for folder, _, names in os.walk(below) for name in names]:
        with contextlib.suppress(FileNotFoundError):
            of_file, of_folder = path.lstat(), path.parent.stat()
            if stat.S_ISREG(of_file.st_mode) and secret in path.read_text(errors="replace"):
                for status in (of_file, of_folder):
                    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                        found.append(str(path))
    return found


SQUAT = """
name = "runtime-0"
for make in (lambda: os.mkdir(name, 0o777), lambda: os.symlink("theirs", name), lambda: os.mkfifo(name)):
    with contextlib.suppress(OSError):
        make()
    with contextlib.suppress(OSError):
        os.mkdir(name + "/git-credential-hf", 0o777)
    with contextlib.suppress(OSError):
        os.rename(name, "away")
    for path in ("away/git-credential-hf", "away"):
        with contextlib.suppress(OSError):
            os.rmdir(path)
    with contextlib.suppress(OSError):
        os.unlink("away")
"""


@alone
@pytest.mark.parametrize("mode", [0o1777, 0o777], ids=["sticky", "open"])
def test_the_token_of_a_job_in_a_shared_directory(mode: int, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes our directory in /tmp first, or puts another there meanwhile, never has a job's token in it."""
    secret = new_token()
    (shared / "theirs").mkdir(mode=0o777)
    shared.chmod(mode)
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert (place := private_directory()) is None or mode == 0o1777 or not Path(place).is_relative_to(shared)
    until = time.monotonic() + SECONDS
    with somebody_else(SQUAT, shared):
        while time.monotonic() < until:
            write_state("oidc", secret)
            record("refused", secret, 30)
            assert read_state("oidc") in ("", secret)
            assert not leaked(secret, shared)
    assert not leaked(secret, shared)


SWAP = """
for make in (
    lambda: open("config.new", "w").write("[theirs]\\n\\tx = y\\n"),
    lambda: os.symlink("../secret", "config.new"),
    lambda: os.mkfifo("config.new", 0o666),
):
    with contextlib.suppress(OSError):
        os.unlink("config.new")
    make()
    os.rename("config.new", "config")
"""

CHANGING = """
import sys, time
from git_credential_hf.files import FileChange, read_file
from git_credential_hf.problem import Problem
until = time.monotonic() + float(sys.argv[2])
done = 0
while time.monotonic() < until:
    try:
        for _ in range(50):
            before = read_file(sys.argv[1])
        FileChange(sys.argv[1], before, (before or b"") + b"# ours\\n").apply()
        done += 1
    except Problem:
        pass
print(done)
"""


@alone
def test_a_file_that_is_swapped_while_it_is_changed(shared: Path) -> None:
    """In a directory where others write, what is read, copied and replaced is one file: no other's content, no pipe.

    Root's secret is never in a file with the mode or the owner of somebody else's.
    """
    secret = new_token()
    (shared.parent / "secret").write_text(f"[a]\n\tb = {secret}\n")
    (shared.parent / "secret").chmod(0o600)
    with somebody_else(SWAP, shared):
        done = subprocess.run(
            [sys.executable, "-c", CHANGING, str(shared / "config"), str(SECONDS)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0, "nothing was changed, and so nothing was tried"
    assert (shared.parent / "secret").read_text() == f"[a]\n\tb = {secret}\n"
    for path in shared.iterdir():
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and secret in path.read_text():
            assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)


@alone
def test_a_cache_of_somebody_else_is_not_believed(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another user could put something, nothing is read or written: the runtime directory takes its place."""
    token = Token(new_token(), "env", "HF_TOKEN")
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared))
    for name in ("may", "retry-after"):
        record(name, token.value, 600, cache_directory())
        assert cache_directory() is None
        record(name, token.value, 600, str(shared / "git-credential-hf"))
        assert not is_recorded(name, token.value, str(shared / "git-credential-hf"))
    assert list(shared.iterdir()) == []
    shared.chmod(0o700)
    mine = shared / "git-credential-hf"
    mine.mkdir(mode=0o700)
    record("may", token.value, 600, str(mine))
    assert is_recorded("may", token.value, str(mine))
    os.chown(mine / "may", NOBODY, NOBODY)
    assert not is_recorded("may", token.value, str(mine))
    os.chown(mine, NOBODY, NOBODY)
    assert not is_recorded("may", token.value, str(mine))


PLACES = [".netrc", "_netrc", ".gitconfig.lock", ".huggingface/token", ".cache/git-credential-hf/may", "trace"]


def test_pipes_and_devices_in_the_place_of_files(home: Path) -> None:
    """Where a file of ours, or one that we look at, is a pipe, a directory or a device, nobody waits for it."""
    token = new_token()
    serve_hub(home, "http://127.0.0.1:9")
    (home / ".huggingface").mkdir()
    (home / ".cache/git-credential-hf").mkdir(parents=True, mode=0o700)
    for name in PLACES:
        os.mkfifo(home / name, 0o600)
    odd: dict[str, Any] = {
        "HF_TOKEN": token,
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "GIT_CREDENTIAL_HF_TRACE": str(home / "trace"),
    }
    commands = ["get", "status", "doctor --offline", "doctor", "check acme/model", "configure"]
    for process in [start(*command.split(), stdin=ASK, NETRC="/dev/zero", **odd) for command in commands]:
        _, answer, said = ended(process)
        assert answer.startswith("username=git\n") or token not in answer + said


def test_what_others_may_read_is_told(home: Path) -> None:
    """A token file with permissions for others is a finding, `doctor --fix` closes it, and `get` never opens one."""
    folder = home / ".cache/huggingface"
    folder.mkdir(parents=True)
    (folder / "token").write_text(new_token())
    (folder / "token").chmod(0o644)
    os.utime(folder / "token", (1000, 1000))
    assert run("get", stdin=ASK)[0] == 0
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o644
    assert "other users of this machine can read the file token" in run("doctor", "--offline")[1]
    run("doctor", "--offline", "--fix", "--yes")
    assert stat.S_IMODE((folder / "token").stat().st_mode) == 0o600


def test_a_backup_name_that_is_taken(home: Path) -> None:
    """Links that wait under the names of our lock and of our copy lead nothing of ours elsewhere."""
    (home / "theirs").write_text("theirs")
    (home / "file").write_text("old")
    date = time.time()
    for second in range(10):
        name = time.strftime("%Y%m%d-%H%M%S", time.localtime(date + second))
        (home / f"file.backup-{name}").symlink_to(home / "theirs")
    back_up(str(home / "file"), str(home))
    FileChange(str(home / "file"), b"old", b"new").apply()
    (home / "file.lock").symlink_to(home / "theirs")
    with pytest.raises(Problem, match="is being changed"):
        FileChange(str(home / "file"), b"new", b"newer").apply()
    assert ((home / "theirs").read_text(), (home / "file").read_text()) == ("theirs", "new")
