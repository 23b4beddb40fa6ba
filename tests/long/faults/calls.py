"""Which system calls a command makes, and how each of them may fail: strace(1) lists them, and lets them fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from . import Trial

# What these calls really give, on a full, failing or read-only disk, over a quota, with too many open files, ...
ERRORS = {
    "write": ("ENOSPC", "EIO", "EDQUOT", "EINTR"),
    "pwrite64": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "fdatasync": ("EIO",),
    "ftruncate": ("EIO",),
    "rename": ("EACCES", "ENOSPC", "EROFS", "EIO"),
    "unlink": ("EACCES", "EROFS", "EIO"),
    "rmdir": ("EACCES", "EBUSY"),
    "mkdir": ("EACCES", "ENOSPC", "EROFS", "EDQUOT"),
    "link": ("EPERM", "EMLINK", "ENOSPC"),
    "linkat": ("EPERM", "EMLINK", "ENOSPC"),
    "symlink": ("EPERM", "ENOSPC"),
    "chmod": ("EPERM", "EIO", "EROFS"),
    "fchmod": ("EPERM", "EIO"),
    "fchown": ("EPERM",),
    "utimensat": ("EPERM",),
    "flock": ("ENOLCK", "EINTR", "EAGAIN"),
    "newfstatat": ("EACCES", "EIO", "ENOMEM"),
    "fstat": ("EIO",),
    "access": ("EACCES", "EIO"),
    "readlink": ("EACCES", "EIO"),
    "getdents64": ("EIO",),
    "getcwd": ("ENOENT", "EACCES"),
    "pipe2": ("EMFILE", "ENFILE"),
    "fcntl": ("EMFILE",),
    "dup": ("EMFILE",),
    "vfork": ("EAGAIN", "ENOMEM"),
    "fork": ("EAGAIN", "ENOMEM"),
    "clone": ("EAGAIN", "ENOMEM"),
    "clone3": ("EAGAIN", "ENOMEM"),
    "socket": ("EMFILE", "ENOBUFS"),
    "connect": ("ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "EINTR"),
    "sendto": ("ECONNRESET", "EPIPE"),
    "sendmmsg": ("ENETUNREACH",),
    "recvfrom": ("ECONNRESET", "ETIMEDOUT"),
    "poll": ("EINTR",),
    "wait4": ("EINTR",),
}
OF_NETWORK = ("socket", "connect", "sendto", "sendmmsg", "recvfrom")
CHANGES = (
    *("creat", "write", "pwrite64", "fsync", "fdatasync", "ftruncate", "rename", "unlink", "rmdir", "mkdir", "link"),
    *("linkat", "symlink", "chmod", "fchmod", "fchown", "utimensat", "flock"),
)
FORKS = ("vfork", "fork", "clone")
OF_PROCESSES = ("pipe2", "vfork", "fork", "clone", "clone3")
# An interpreter or a library that cannot be read is nothing that we can say anything about.
INSTALLED = re.compile(
    "|".join(
        re.escape(path + os.sep)
        for path in {sys.prefix, sys.base_prefix, *map(os.path.realpath, (sys.prefix, sys.base_prefix))}
    )
    + r"|[\"<]/(usr/)?lib|/etc/ld\.so|/usr/share|\.so\b"
)


class Point(NamedTuple):
    """The call of this name with this number, and what it is about: the line of strace."""

    call: str
    number: int
    line: str

    @property
    def kind(self) -> str:
        """Its name; `creat` for an `openat` that may write."""
        return "creat" if self.call == "openat" and re.search("O_WRONLY|O_RDWR|O_CREAT", self.line) else self.call

    @property
    def is_heard(self) -> bool:
        """Whether it is about what the command says."""
        return re.match(r"write\([12]<", self.line) is not None

    @property
    def is_look(self) -> bool:
        """Whether it only looks at something."""
        return self.call in ("newfstatat", "access", "readlink")

    def errors(self) -> tuple[str, ...]:
        """What this call may give."""
        if self.call == "openat":
            if self.kind == "creat":
                return ("EACCES", "ENOSPC", "EROFS", "EDQUOT", "EMFILE", "EIO")
            return ("EACCES", "EMFILE", "EIO", "ENOMEM")
        about = self.line.partition("(")[2]
        is_file = re.match(r"\d+</(?!dev/|proc/)", about) is not None
        if self.call == "read":
            return ("EIO", "EINTR") if is_file else ("EINTR",)
        if self.call == "close":
            return ("EIO", "EDQUOT") if is_file else ()
        if self.call == "write" and not is_file:
            return ("EPIPE", "EINTR") if about.startswith(("1<", "2<")) else ("EPIPE",)
        if self.call == "fcntl":
            return ERRORS["fcntl"] if "F_DUPFD" in self.line else ()
        if self.call == "newfstatat" and "AT_EMPTY_PATH" in self.line:
            return ("EIO",) if is_file else ()
        if self.call == "rmdir" and '/.config/git-credential-hf"' in self.line:
            return ()  # it may not be empty
        return ERRORS.get(self.call, ())


def chosen(points: list[Point], most: int) -> list[Point]:
    """Of the calls that are alike in all but numbers and the names of hooks at most so many, from all over the run."""
    alike: dict[str, list[Point]] = {}
    for point in points:
        shape = re.sub(r"(?<=hf-hooks/)[\w-]+", "HOOK", point.line.partition(" = ")[0])
        alike.setdefault(re.sub(r"\d+", "0", shape), []).append(point)
    picked = {same[i * len(same) // most] for same in alike.values() for i in range(most)}
    return [point for point in points if point in picked]


TRACED = ",".join(f"?{name}" for name in (*ERRORS, "openat", "read", "close", "dup3", "execve"))


def strace(*options: str) -> tuple[str, ...]:
    program = shutil.which("strace")
    if program is None:
        pytest.skip("no strace")
    return (program, "-qq", *options)


def can_trace() -> str | None:
    """Why strace cannot be used here, if it cannot."""
    program = shutil.which("strace")
    if program is None:
        return "no strace"
    tried = subprocess.run([program, "-qq", "-o", os.devnull, "true"], capture_output=True, text=True)
    return f"strace cannot trace here: {tried.stderr.strip()}" if tried.returncode else None


def listed(log: Path) -> Iterator[tuple[str, Point]]:
    """All calls in a log of strace, each with its process (of `-f`) and its number among those of its name there."""
    counts: dict[tuple[str, str], int] = {}
    for line in log.read_text(errors="replace").splitlines():
        if match := re.match(r"(?:(\d+) +)?(\w+)\((.*)", line):
            key = match[1] or "", match[2]
            counts[key] = counts.get(key, 0) + 1
            yield key[0], Point(match[2], counts[key], f"{match[2]}({match[3]}")


def own(trial: Trial) -> list[Point]:
    """The calls of the command's own process, from where our code begins to act; none about Python's own files."""
    log = trial.machine.top.with_name("log")
    trial.machine.reset()
    done = trial.run(*strace("-y", "-s", "0", "-o", str(log), "-e", f"trace={TRACED}"))
    assert done.returncode == 0, done.stderr
    points = [point for _, point in listed(log)]
    # The first thing that `main` does is a look at the three standard files.
    loaded = max(i for i, point in enumerate(points) if re.search("git_credential_hf/.*__main__", point.line))
    start = next(i for i in range(loaded, len(points)) if re.match(r"\w*fstat\w*\(0\b", points[i].line))
    return [
        point
        for point in points[start:]
        if point.errors() and (not INSTALLED.search(point.line) or "git_credential_hf/hooks/scripts/" in point.line)
    ]


def of_threads(trial: Trial) -> list[Point]:
    """The calls of all threads and processes that have to do with the network and with starting processes."""
    log = trial.machine.top.with_name("log")
    trial.machine.reset()
    only = ",".join(f"?{name}" for name in (*OF_NETWORK, *OF_PROCESSES))
    trial.run(*strace("-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={only}"))
    found = {(point.call, point.number): point for _, point in listed(log)}
    return [point for point in found.values() if point.errors()]


def failing(point: Point, error: str, *, again: bool = False, everywhere: bool = False) -> tuple[str, ...]:
    """What runs a command so that this call fails, or (`again`) all of its name from there on."""
    call = point.call
    if call in FORKS:  # Python tries the next one
        call, again = ",".join(f"?{name}" for name in FORKS), True
    when = f"{point.number}{'+' if again else ''}"
    options = ("-f",) if everywhere else ()
    return strace(*options, "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}")


# --- git, which our program starts ---

GIT = """\
#!/bin/sh
# The git with the number $WHICH runs under "$TRACER"; the others as always.
n=1
until mkdir "$COUNTED/$n" 2> /dev/null; do n=$((n + 1)); done
if [ "$n" = "$WHICH" ]; then exec $TRACER '{git}' "$@"; fi
exec '{git}' "$@"
"""


class Gits:
    """A PATH on which git is counted, so that one of those that a command starts can be let fail."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.folder = trial.machine.top.with_name("git")
        self.counted = trial.machine.top.with_name("counted")
        git = shutil.which("git", path=trial.machine.environment["PATH"])
        self.folder.mkdir()
        (self.folder / "git").write_text(GIT.format(git=git))
        (self.folder / "git").chmod(0o755)

    def environment(self, which: int, tracer: tuple[str, ...]) -> dict[str, Any]:
        shutil.rmtree(self.counted, ignore_errors=True)
        self.counted.mkdir()
        path = f"{self.folder}{os.pathsep}{self.trial.machine.environment['PATH']}"
        return {"PATH": path, "COUNTED": str(self.counted), "WHICH": str(which), "TRACER": " ".join(tracer)}

    def points(self, which: int) -> list[Point] | None:
        """What the git with this number does to files of ours, and starts; `None` where there is none."""
        log = self.trial.machine.top.with_name("log")
        log.unlink(missing_ok=True)
        tracer = strace("-f", "-y", "-s", "0", "-o", str(log), "-e", f"trace={TRACED}")
        self.trial.machine.reset()
        self.trial.run(**self.environment(which, tracer))
        if not log.exists():
            return None
        top = str(self.trial.machine.top)
        points = [point for _, point in listed(log) if point.errors()]
        points = [point for point in points if top in point.line or point.call in OF_PROCESSES]
        # git-credential-store takes a failure to read for the end of the file, and writes what it has until there.
        points = [point for point in points if not re.match(r"read\(.*credentials>", point.line)]
        return list({(point.call, point.number): point for point in points}.values())
