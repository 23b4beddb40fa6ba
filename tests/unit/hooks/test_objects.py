"""Large and binary files, full directories, any path: what is found in the objects that are added."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from scans import MEBIBYTE, TOKEN, Repository, binaries, push

from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.scan_index import scan_index
from git_credential_hf.problem import Problem


def test_the_order_is_that_of_history(repository: Repository) -> None:
    """What is found comes from the first commit to the last, although git reads the last ones first."""
    stream = []
    for number in range(5_000):
        if number % 100 == 0:
            stream.append(b"commit refs/heads/main\ncommitter a <a@example> %d +0000\ndata 1\nx\n" % (10**9 + number))
        stream.append(b"M 644 inline %05d\ndata 6\n\0%05d\n" % (number, number))
    repository.git("fast-import", "--quiet", given=b"".join(stream))
    found = push(repository.git("rev-parse", "main"))
    assert [blob.path for blob in found.binary] == [f"{number:05}" for number in range(5_000)]


PATHS = [
    b"with space",
    b"tab\there",
    b" \" leading'",
    b"\\",
    b"\xff\xfe",
    "ü".encode(),
    b"-x",
    b" ",
    b"d /e ",
    b":(top)x",
]


def test_any_path(repository: Repository) -> None:
    """A path is reported as it is, byte for byte."""
    for number, path in enumerate(PATHS):
        blob = repository.git("hash-object", "-w", "--stdin", given=b"\0%d" % number)
        repository.git("update-index", "-z", "--index-info", given=b"100644 %s\t%s\0" % (blob.encode(), path))
    assert {os.fsencode(blob.path) for blob in scan_index().binary} == set(PATHS)
    assert {os.fsencode(blob.path) for blob in push(repository.commit()).binary} == set(PATHS)


def test_a_path_with_a_newline_confuses_nothing(repository: Repository) -> None:
    """What follows the newline is taken neither for an object nor for the card."""
    blob = repository.git("hash-object", "-w", "--stdin", given=b"\0")
    path = b"README.md\n" + b"1" * 40 + b" x"
    repository.git("update-index", "-z", "--index-info", given=b"100644 %s\t%s\0" % (blob.encode(), path))
    assert [os.fsencode(blob.path) for blob in scan_index().binary] == [path]
    new = repository.commit()
    last = repository.add("other", b"\0other")
    assert binaries(push(last)) == {(new, "README.md"), (last, "other")}


def test_a_submodule_is_not_entered(repository: Repository) -> None:
    """The commit of a submodule is not an object of this repository."""
    repository.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",sub")
    assert vars(scan_index()) == vars(Additions())
    assert vars(push(repository.commit())) == vars(Additions())


def test_large(repository: Repository) -> None:
    """A file over 10 MiB is large, and not read, so it is not binary as well."""
    repository.write("at", b"a" * (10 * MEBIBYTE))
    over = repository.write("over", b"\0" * (10 * MEBIBYTE + 1))
    assert [(blob.path, blob.oid, blob.size) for blob in scan_index().large] == [("over", over, 10 * MEBIBYTE + 1)]
    new = repository.commit()
    found = push(new)
    assert found.large == [(new, "over", over, 10 * MEBIBYTE + 1)]
    assert found.binary == []


def test_memory_is_flat(repository: Repository) -> None:
    """A blob of 300 MB takes less memory than that."""
    with tempfile.TemporaryFile() as zeros:
        zeros.truncate(300 * MEBIBYTE)
        settings_ = ("-c", "core.compression=1", "-c", "core.bigFileThreshold=1m")
        command = ["git", *settings_, "hash-object", "-w", "--stdin"]
        blob = subprocess.run(command, stdin=zeros, capture_output=True, check=True).stdout.decode().strip()
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},zeros")
    new = repository.commit()
    code = (
        "import resource, sys, threading\n"
        "threading.stack_size(1 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (250 << 20, 250 << 20))\n"
        "from git_credential_hf.hooks.scan_push import scan_push\n"
        "from git_credential_hf.hooks.updates import RefUpdate\n"
        "update = RefUpdate('main', sys.argv[1], 'main', '0' * 40)\n"
        "print([blob.path for blob in scan_push([update]).large])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, new], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['zeros']\n", "")


def test_binary(repository: Repository) -> None:
    """A file with a NUL among the first 8000 bytes is binary, as for git."""
    repository.write("last", b"a" * 7999 + b"\0")
    repository.write("after", b"a" * 8000 + b"\0")
    repository.write("empty", b"")
    repository.write("latin", b"\xe4\n")
    assert binaries(scan_index()) == {(None, "last")}
    new = repository.commit()
    assert binaries(push(new)) == {(new, "last")}


def test_no_contents(repository: Repository) -> None:
    """Without contents, only sizes are checked."""
    repository.write("big", b"a" * (10 * MEBIBYTE + 1))
    repository.write("f", TOKEN + "\0")
    for found in (scan_index(read_contents=False), push(repository.commit(), read_contents=False)):
        assert [blob.path for blob in found.large] == ["big"]
        assert not (found.binary or found.leaks or found.pointers)


def test_full_directories(repository: Repository) -> None:
    """A directory with over 10,000 files at the tip is listed once, with the first commit in which it is full."""
    blob = repository.git("hash-object", "-w", "--stdin", given=b"x")
    short, many = f"100644 {blob}\t".encode(), 10_000
    files = [short + b"full/%d" % n for n in range(many + 1)] + [short + b"at/%d" % n for n in range(many)]
    files += [short + b"full/sub/x", short + b"at/sub/x"]
    repository.git("update-index", "-z", "--index-info", given=b"\0".join(files) + b"\0")
    assert scan_index().directories == [(None, "full", many + 1)]
    first = repository.commit()
    repository.write("full/more", "x")
    second = repository.commit()
    assert push(second).directories == [(first, "full", many + 2)]
    assert push(second, first).directories == [(second, "full", many + 2)]
    repository.write("other", "x")
    assert scan_index().directories == []
    third = repository.commit()
    assert push(third, second).directories == []
    repository.git("rm", "-q", "--cached", "full/more", "full/1")
    fourth = repository.commit()
    assert push(fourth).directories == []


def test_progress(repository: Repository) -> None:
    """The count only grows, and ends at the number of objects; an error in the callback is raised."""
    for number in range(3):
        repository.add(f"f{number}", str(number))
    seen: list[int] = []
    new = repository.git("rev-parse", "HEAD")
    push(new, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 9

    def fail(count: int) -> None:
        raise BrokenPipeError(count)

    with pytest.raises(BrokenPipeError):
        push(new, progress=fail)


def broken_tree(repository: Repository, objects: Path) -> None:
    tree = repository.git("rev-parse", "HEAD~1^{tree}")
    (objects / tree[:2] / tree[2:]).unlink()


def broken_blob(repository: Repository, objects: Path) -> None:
    blob = repository.git("rev-parse", "HEAD:f1")
    (objects / blob[:2] / blob[2:]).unlink()


def damaged_blob(repository: Repository, objects: Path) -> None:
    blob = repository.git("rev-parse", "HEAD:f1")
    file = objects / blob[:2] / blob[2:]
    file.chmod(0o644)
    with open(file, "r+b") as it:
        it.seek(40_000)
        it.write(b"\0" * 1000)


@pytest.mark.parametrize("damage", [broken_tree, broken_blob, damaged_blob])
def test_a_broken_repository_is_a_problem(repository: Repository, damage: Callable[[Repository, Path], None]) -> None:
    """Whichever git process fails, its message is raised in one line, and nothing hangs."""
    noise = random.Random(1)
    for number in range(3):
        repository.add(f"f{number}", noise.randbytes(100_000))
    for number in range(50):
        repository.write(f"g{number}", noise.randbytes(10_000))
    repository.commit()
    damage(repository, repository.path / ".git" / "objects")
    with pytest.raises(Problem) as caught:
        push(repository.git("rev-parse", "HEAD"))
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("git ")
