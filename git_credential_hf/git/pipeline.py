"""Run several git processes at once, feeding the output of one to another, without deadlocks."""

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO

from git_credential_hf.git.run import git_environment, git_failure, git_program, run_git
from git_credential_hf.problem import Problem
from git_credential_hf.system import start_thread

CHUNK_BYTES = 1 << 16  # the capacity of a pipe on Linux

# A push sends the original objects, not their replacements.
ORIGINAL_OBJECTS = {"GIT_NO_REPLACE_OBJECTS": "1"}


def run_on_originals(*arguments: str, given: bytes = b"") -> bytes:
    """Run one git on the original objects, as long as it takes, and return its output; raises `Problem` if it fails."""
    # Without core.fsmonitor: in an unpacked archive, it may name a program, which any git command that reads the index
    # runs.
    arguments = ("-c", "core.fsmonitor=false", *arguments)
    return run_git(*arguments, given=given, environment=ORIGINAL_OBJECTS, seconds=None)


class _Git:
    """A running git, its stderr, and the error that occurred while it was fed."""

    def __init__(self, *arguments: str) -> None:
        # Not a pipe, which could fill up while nothing reads it.
        try:
            self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
            self.process = subprocess.Popen(  # noqa: S603 - an absolute path, a list of arguments, no shell
                [git_program(), *arguments],
                bufsize=4 * CHUNK_BYTES,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                env={**git_environment(), **ORIGINAL_OBJECTS},
            )
        except OSError as error:
            raise Problem(f"git cannot be started: {error.strerror}") from None
        assert self.process.stdin and self.process.stdout  # noqa: S101 - for mypy: both are pipes
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.failure: BaseException | None = None
        self.has_closed_stdin = False
        self.feeder: threading.Thread | None = None

    def feed(self, given: Iterable[bytes]) -> None:
        """Write `given` to its stdin, until it stops reading."""
        try:
            for piece in given:
                try:
                    self.stdin.write(piece)
                    self.stdin.flush()
                except OSError:
                    self.has_closed_stdin = True
                    break
        except BaseException as error:  # raised when this git ends
            self.failure = error
        finally:
            try:
                self.stdin.close()
            except OSError:
                self.has_closed_stdin = True

    def end(self) -> BaseException | None:
        """Wait for its end; return its error, if any."""
        status = self.process.wait()
        try:
            with self.stderr:
                self.stderr.seek(0)
                errors = self.stderr.read()
        except OSError as error:  # of a temporary file
            errors = f"unknown error: {error.strerror}".encode()
        if status:
            return self.failure or git_failure(errors, status)
        return self.failure or (Problem("git did not read all of its input") if self.has_closed_stdin else None)


class Pipeline:
    """Several git processes at once. A thread feeds each, possibly with another's output, so that none blocks.

    The end of the `with` block waits for all of them. If one fails, the others are killed, and its error is raised: a
    `Problem` with git's message, or the exception of its input.
    """

    def __init__(self) -> None:
        self._running: list[_Git] = []
        self._is_stopped = False

    def start(self, *arguments: str, given: Iterable[bytes]) -> IO[bytes]:
        """Start `git ARGUMENTS` with `given` on its stdin; return its stdout."""
        git = _Git(*arguments)
        self._running.append(git)
        try:
            git.feeder = start_thread(git.feed, given)
        except RuntimeError as error:  # no more threads
            raise Problem(f"cannot start a thread for git: {error}") from None
        return git.stdout

    def stop(self) -> None:
        """Kill all of them: their output is no longer needed, and failures no longer matter."""
        self._is_stopped = True
        for git in self._running:
            git.process.kill()

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self.stop()
        first: BaseException | None = None
        for git in reversed(self._running):  # the last ends first: each one waits for its reader
            failure = git.end()
            if failure is not None and not self._is_stopped:
                first = failure
                self.stop()
        for git in self._running:
            if git.feeder is not None:
                git.feeder.join()
            git.stdout.close()
        if first is not None:
            raise first


def read_lines(stdout: IO[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines that a git prints, as many at a time as are available."""
    rest = b""
    while chunk := stdout.read1(CHUNK_BYTES):  # type: ignore[attr-defined] # a BufferedReader
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if lines:
            yield lines
