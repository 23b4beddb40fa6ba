"""Several git processes at once, one fed with what another prints, and none waits for ever."""

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO

from git_credential_hf.git.run import child_environment, git_failure, git_program
from git_credential_hf.problem import Problem
from git_credential_hf.system import start_thread

CHUNK_BYTES = 1 << 16  # bytes, and what a pipe of Linux holds

# Both matter to a partial clone: git 2.39 knows the first only as Debian ships it, and fails if it may not fetch.
# A push sends the objects themselves, whatever stands in for them here.
NO_FETCH_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_NO_REPLACE_OBJECTS": "1"}


class _Git:
    """A git that runs, with what it says on stderr, and what went wrong while it was fed."""

    def __init__(self, *arguments: str) -> None:
        # Not a pipe: it could fill up, and nothing reads it meanwhile.
        try:
            self.stderr = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
            self.process = subprocess.Popen(  # noqa: S603 - an absolute path, a list of arguments, no shell
                [git_program(), *arguments],
                bufsize=4 * CHUNK_BYTES,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                env=child_environment(LC_ALL="C", **NO_FETCH_ENVIRONMENT),
            )
        except OSError as error:
            raise Problem(f"git cannot be started: {error.strerror}") from None
        assert self.process.stdin and self.process.stdout  # noqa: S101 - for mypy: both are pipes
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.failure: BaseException | None = None
        self.is_deaf = False
        self.feeder: threading.Thread | None = None

    def feed(self, given: Iterable[bytes]) -> None:
        """Write `given` to its stdin, until it reads no more."""
        try:
            for piece in given:
                try:
                    self.stdin.write(piece)
                    self.stdin.flush()
                except OSError:
                    self.is_deaf = True
                    break
        except BaseException as error:  # raised when this git ends
            self.failure = error
        finally:
            try:
                self.stdin.close()
            except OSError:
                self.is_deaf = True

    def end(self) -> BaseException | None:
        """Wait for it and let go of it; what went wrong."""
        status = self.process.wait()
        try:
            with self.stderr:
                self.stderr.seek(0)
                errors = self.stderr.read()
        except OSError as error:  # of a temporary file
            errors = f"unknown error: {error.strerror}".encode()
        if status:
            return self.failure or git_failure(errors, status)
        return self.failure or (Problem("git did not read all that it was given") if self.is_deaf else None)


class Pipeline:
    """Some gits that run at once. A thread feeds each, perhaps with what another prints, so none waits for ever.

    At the end of `with` the last one has printed all. If one failed, the others are killed, and its failure is
    raised: a `Problem` in git's words, or what its feeder raised.
    """

    def __init__(self) -> None:
        self._running: list[_Git] = []
        self._is_stopped = False

    def start(self, *arguments: str, given: Iterable[bytes]) -> IO[bytes]:
        """Start `git ARGUMENTS`; its stdout."""
        git = _Git(*arguments)
        self._running.append(git)
        try:
            git.feeder = start_thread(git.feed, given)
        except RuntimeError as error:  # no more threads
            raise Problem(f"git cannot be fed: {error}") from None
        return git.stdout

    def stop(self) -> None:
        """End all of them: no more output is wanted, and failures no longer matter."""
        self._is_stopped = True
        for git in self._running:
            git.process.kill()

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self.stop()
        first: BaseException | None = None
        for git in reversed(self._running):  # the last is at its end; those before it, when their readers are
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
    """The lines that a git prints, as many at a time as there are."""
    rest = b""
    while chunk := stdout.read1(CHUNK_BYTES):  # type: ignore[attr-defined] # it is a BufferedReader
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if lines:
            yield lines
