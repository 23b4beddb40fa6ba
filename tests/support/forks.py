"""Run the installed program in a fork of a Python that has imported it: a tenth of the time of a new interpreter.

What is tested is the same: the installed package, a process with its own streams, environment and directory, the same
`main()`, the same exit status. What is left out is Python's start and `launcher.py`, which unit/test_launcher.py tests,
and all that git starts. With GIT_CREDENTIAL_HF_TESTS_LONG every command is a process from its beginning.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import re
import select
import shutil
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

PROGRAM = os.path.join(sysconfig.get_path("scripts"), "git-credential-hf")
FOR_THE_INTERPRETER = ("PYTHON", "LD_")  # what these variables say is read when a program starts

_starting = threading.Lock()
_server: socket.socket | None = None


def forked_arguments(command: Sequence[object], environment: Mapping[str, Any]) -> list[str] | None:
    """Return the arguments if this is the installed program, and its interpreter would not notice the environment."""
    name, *arguments = command
    is_forked = (
        isinstance(name, str)
        and name.endswith("git-credential-hf")
        and hasattr(os, "pidfd_open")
        and "GIT_CREDENTIAL_HF_TESTS_LONG" not in os.environ
        and environment.get("LC_ALL") == "C.UTF-8"
        and not any(variable.startswith(FOR_THE_INTERPRETER) for variable in environment)
        and shutil.which(name, path=os.fspath(environment.get("PATH", ""))) == PROGRAM
    )
    return [os.fspath(argument) for argument in arguments if isinstance(argument, str | Path)] if is_forked else None


class Forked:
    """A started program, with what `ended` and `run` need of a `subprocess.Popen`."""

    def __init__(
        self, arguments: Sequence[str], child: int, answer: socket.socket, output: IO[bytes], errors: IO[bytes]
    ):
        self.args = [PROGRAM, *arguments]
        self.pid = child
        self.returncode: int | None = None
        self._answer, self._output, self._errors = answer, output, errors

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Wait for its end; return what was written to stdout and stderr."""
        if self.returncode is None:
            self._answer.settimeout(timeout)
            try:
                self.returncode = int(self._answer.recv(16))
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
            self._answer.close()
        for file in (self._output, self._errors):
            file.seek(0)
        return self._output.read(), self._errors.read()

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, 9)

    def close(self) -> None:
        for file in (self._answer, self._output, self._errors):
            file.close()


def start_forked(
    arguments: Sequence[str], cwd: Path | str | None, stdin: bytes, environment: Mapping[str, Any], memory: int = 0
) -> Forked:
    """Start the program with this input; `memory`: the most bytes of address space, or 0."""
    with contextlib.ExitStack() as stack:
        given, request = (stack.enter_context(open(os.memfd_create("fork"), "w+b")) for _ in range(2))
        given.write(stdin)
        given.seek(0)
        directory = os.open(cwd or ".", os.O_PATH | os.O_DIRECTORY)
        stack.callback(os.close, directory)
        umask = re.search(r"Umask:\s*(\d+)", Path("/proc/self/status").read_text())
        assert umask
        variables = {name: os.fsdecode(value) for name, value in environment.items()}
        pickle.dump((list(arguments), variables, int(umask[1], 8), memory), request)
        request.flush()
        output, errors = (open(os.memfd_create("fork"), "w+b") for _ in range(2))  # noqa: SIM115 - see `Forked.close`
        answer, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        files = [given.fileno(), output.fileno(), errors.fileno(), directory, request.fileno(), theirs.fileno()]
        with theirs:
            socket.send_fds(_connected(), [b"run"], files)
        return Forked(arguments, int(answer.recv(16)), answer, output, errors)


def run_forked(
    arguments: Sequence[str], cwd: Path | str | None, stdin: bytes, environment: Mapping[str, Any], timeout: float
) -> tuple[int, bytes, bytes]:
    """Return the exit status, and what was written to stdout and stderr."""
    with contextlib.closing(start_forked(arguments, cwd, stdin, environment)) as process:
        try:
            output, errors = process.communicate(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode is not None
        return process.returncode, output, errors


def _connected() -> socket.socket:
    """Return the connection to the process that forks: this one has threads, which a fork would lose in mid-air."""
    global _server
    with _starting:
        if _server is None:
            _server, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            python = os.path.join(os.path.dirname(PROGRAM), "python")
            with theirs:
                process = subprocess.Popen(
                    [python, "-I", __file__, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    cwd="/",
                    env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
                )
            atexit.register(_stop, _server, process)
        return _server


def _stop(server: socket.socket, process: subprocess.Popen[bytes]) -> None:
    server.close()
    process.wait()


# --- the process that forks ---


def _serve(connection: socket.socket) -> None:
    import gc
    import importlib
    import pkgutil

    import git_credential_hf

    for module in pkgutil.walk_packages(git_credential_hf.__path__, "git_credential_hf."):
        if not module.name.endswith(".launcher"):  # it runs the program
            importlib.import_module(module.name)
    # Which the program imports when it needs them.
    for library in ("dulwich.lfs", "encodings.idna", "http.client", "importlib.metadata", "platformdirs", "urllib3"):
        importlib.import_module(library)
    assert "huggingface_hub.constants" not in sys.modules  # it reads the environment once, when it is imported

    gc.collect()
    gc.freeze()
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    children: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != connection.fileno():
                child, answer = children.pop(descriptor)
                poll.unregister(descriptor)
                os.close(descriptor)
                status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                with answer, contextlib.suppress(OSError):
                    answer.send(str(status).encode())
                continue
            message, files, _, _ = socket.recv_fds(connection, 16, 6)
            if not message:
                return
            child = os.fork()
            if child == 0:
                _be_the_program(*files)
            for file in files[:-1]:
                os.close(file)
            answer = socket.socket(fileno=files[-1])
            watch = os.pidfd_open(child)
            children[watch] = child, answer
            poll.register(watch, select.POLLIN)
            answer.send(str(child).encode())


def _be_the_program(given: int, output: int, errors: int, directory: int, request: int, answer: int) -> None:
    """Become the program, as the launcher would start it, and end as it does."""
    import traceback

    status = 1
    try:
        for number, file in enumerate((given, output, errors)):
            os.dup2(file, number)
        with open(request, "rb", closefd=False) as message:
            message.seek(0)
            arguments, environment, umask, memory = pickle.load(message)
        os.fchdir(directory)
        os.closerange(3, 1024)
        os.umask(umask)
        if memory:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [PROGRAM, *arguments]
        from git_credential_hf.__main__ import main

        status = main()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            status = 120
        os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
