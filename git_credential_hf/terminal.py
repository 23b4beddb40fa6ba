"""Run a program on the terminal at which git was started, like a job of a shell, and restore the terminal."""

import os
import sys

from git_credential_hf.masking import PREFIX
from git_credential_hf.report import trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable


_WATCHED = 0.2  # seconds between checks that git is still running


class Terminal:
    """The terminal at which git was started; `group`: the process group."""

    def __init__(self, reading: int, writing: int, group: int) -> None:
        self.group = group
        self._reading = reading
        self._writing = writing

    @classmethod
    def open(cls) -> "Terminal | None":
        """Open the terminal; return `None` if there is none."""
        try:
            if sys.platform == "win32":
                return cls(os.open("CONIN$", os.O_RDWR), os.open("CONOUT$", os.O_RDWR), 0)
            descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return None
        return cls(descriptor, descriptor, os.getpgrp())

    def close(self) -> None:
        """Close the terminal."""
        for descriptor in {self._reading, self._writing}:
            os.close(descriptor)

    def is_in_foreground(self) -> bool:
        """Whether this process is in the foreground: nobody expects a prompt from a background job."""
        return sys.platform == "win32" or self.foreground() == os.getpgrp()

    def write(self, text: str) -> None:
        """Write a line, prefixed with the name of this program."""
        try:
            os.write(self._writing, f"{PREFIX}{text}\n".encode("utf-8", "replace"))
        except OSError:
            pass  # it is gone

    def run(self, command: list[str]) -> None:
        """Run a program on the terminal until it ends, or git does; restore the terminal.

        The program runs alone in the foreground, like a job of a shell: Ctrl-C ends it, and git continues. Windows has
        no job control, so git gets Ctrl-C, too.
        """
        import signal
        import subprocess

        from git_credential_hf.git.run import child_environment

        if sys.platform == "win32":
            handlers = {signal.SIGINT: signal.signal(signal.SIGINT, _ignore)}
        else:
            # Otherwise, the kernel would stop this process when it hands over the terminal or takes it back, Ctrl-Z
            # would leave git waiting, and a prompt of another process would stop all of git's processes.
            ignored = (signal.SIGTTOU, signal.SIGTTIN, signal.SIGTSTP)
            handlers = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) == signal.SIG_DFL:  # and is not ignored
                    handlers[number] = signal.signal(number, signal.default_int_handler)
        take_back = self._returner()
        process = None
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program, with fixed arguments
                command,
                stdin=self._reading,
                stdout=self._writing,
                stderr=self._writing,
                env=child_environment(),
                preexec_fn=None if sys.platform == "win32" else self._take,
            )
            _wait(process, self)
        except (OSError, subprocess.SubprocessError) as error:
            trace(f"{command[0]} cannot be started: {error}")
        finally:
            if process is not None:
                if process.poll() is None:
                    process.terminate()
                    if sys.platform != "win32":
                        process.send_signal(signal.SIGCONT)  # it may have been stopped
                    process.wait()
                take_back(process.pid)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _returner(self) -> "Callable[[int], None]":
        """Return a function that takes the terminal back from a process group, and restores its modes, such as echo."""
        if sys.platform == "win32":
            return lambda _group: None
        import signal
        import termios

        try:
            modes = termios.tcgetattr(self._reading)
        except termios.error:
            return lambda _group: None  # it is gone

        def take_back(group: int) -> None:
            if self.foreground() != group:
                return  # git has ended, and the shell has the terminal
            try:
                os.tcsetpgrp(self._reading, os.getpgrp())
                termios.tcsetattr(self._reading, termios.TCSANOW, modes)
            except (OSError, termios.error):
                pass  # it is gone
            os.killpg(os.getpgrp(), signal.SIGCONT)  # processes that used the terminal in the meantime were stopped

        return take_back

    def _take(self) -> None:
        """Move to the foreground, as a separate process group."""
        if sys.platform != "win32":
            os.setpgid(0, 0)
            os.tcsetpgrp(self._reading, os.getpgrp())

    def foreground(self) -> int:
        """Return the foreground process group; -1 if the terminal is gone, and on Windows."""
        if sys.platform == "win32":
            return -1
        try:
            return os.tcgetpgrp(self._reading)
        except OSError:
            return -1


def _ignore(*_: object) -> None:
    """Handle a signal by doing nothing; unlike SIG_IGN, it is not inherited by the login."""


def _wait(process: "subprocess.Popen[bytes]", terminal: Terminal) -> None:
    """Wait until the login ends, or git does, or a shell has taken the terminal, so that nobody can answer."""
    from git_credential_hf.system import TimeoutExpired

    parent = os.getppid()
    while sys.platform == "win32" or (os.getppid() == parent and terminal.foreground() == process.pid):
        try:
            process.wait(_WATCHED)
            return
        except TimeoutExpired:
            pass
