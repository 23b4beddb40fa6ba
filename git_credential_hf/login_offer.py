"""Offer to log in when git asks for a token and none works: on the terminal, never on git's pipes.

huggingface_hub's own login runs in a separate process (`git-credential-hf login`), because it prints to stdout, which
belongs to git here. There is no offer if nobody could answer it: see `may_offer`. Until that is decided, nothing is
imported that `get` has not imported already.
"""

import os
import sys

from git_credential_hf.hub import environment_hub, hub_name, is_false, offline_variable
from git_credential_hf.lock import Lock
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import NOT_LOGGED_IN, PREFIX, Problem, trace
from git_credential_hf.state import CONFIRMED, CONFIRMED_FOR, discard_record, is_recorded, record
from git_credential_hf.token_files import is_colab, mounted_secret_hint
from git_credential_hf.tokens import Token, current_token, find_token, renew_token

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    import subprocess
    from collections.abc import Callable

    from git_credential_hf.git.config import ConfigEntry

DECLINED_FOR = 600  # seconds without another offer after one was declined
LOGIN_TIMEOUT = 900  # seconds to wait for the login that another process at this terminal has started
_WATCHED = 0.2  # seconds between checks that git is still running

_DECLINED = "declined"  # state: Hubs for which the offer was declined


def offer_login(hub: str, url: str, user: str | None, token: Token | None, *, goes_on: bool = True) -> bool | None:
    """Offer to log in at the terminal, once for all processes there; return whether there is a new token.

    `token`: the current token, which may not work; the Hub is asked about it. `url` and `user` are those of git's
    request. `goes_on`: whether git uses the new token in the same command. `None` if there was no offer.
    """
    if not _may_ask(hub):
        return None
    terminal = Terminal.open()
    if terminal is None:
        return None
    was_declined = is_recorded(_DECLINED, hub)
    try:
        lock = Lock(f"login.{terminal.group}", seconds=LOGIN_TIMEOUT, is_removed=True)
        with lock:
            if _is_replaced(token, hub):
                return True  # another process has just logged in
            if is_recorded(_DECLINED, hub):
                return False if lock.has_waited and not was_declined else None
            if not lock.is_held or not terminal.is_in_foreground():
                return None
            return _log_in(terminal, hub, url, user, token, goes_on)
    finally:
        terminal.close()


def _log_in(
    terminal: "Terminal", hub: str, url: str, user: str | None, token: Token | None, goes_on: bool
) -> bool | None:
    from git_credential_hf.git.helpers import helper_chain, program_path, read_helper_entries

    entries = read_helper_entries(_SETTINGS)
    if not _is_allowed(entries, url):
        return None
    if token is not None:
        from git_credential_hf.api.access import explain_refusal

        # A single refusal does not mean that the token is bad, nor does an expiry by this machine's clock.
        if is_recorded(CONFIRMED, token.key) and not token.is_expired():
            return None
        refusal = explain_refusal(token, None)
        if refusal.is_good:
            record(CONFIRMED, token.key, CONFIRMED_FOR)
        if refusal.is_good is not False:
            return None
        if renew_token(token):
            return True
    if _may_be_held_after(helper_chain(url, entries), url, user):
        return None
    if token is None and not _is_reachable(hub):
        return None
    token = token and (find_token(token.value, None, hub) or token)  # with its name
    where = "" if hub_name(hub) == "the Hub" else f" at {hub_name(hub)}"
    reason = f"the Hub refuses the token {token.describe()}" if token else f"{NOT_LOGGED_IN}{where}"
    then = "git continues" if goes_on else "run the command again"
    terminal.write(mask_line(f"{reason}: log in now, and {then}; press Ctrl-C to skip"))
    record(_DECLINED, hub, DECLINED_FOR)  # in advance: Ctrl-C or a closed terminal may end this process, too
    terminal.run([program_path(), "login"])
    if not _is_replaced(token, hub):
        return False
    discard_record(_DECLINED)
    return True


def _is_replaced(token: Token | None, hub: str) -> bool:
    """Whether there is another token now; the login has checked it with the Hub."""
    try:
        current = current_token(hub, act=False)
    except Problem:
        return False
    if current is None or (token is not None and current.value == token.value):
        return False
    record(CONFIRMED, current.key, CONFIRMED_FOR)
    return True


# --- when there is no offer ---

_SETTINGS = r"credential\.(.*\.)?interactive|hf\.login"


def may_offer(hub: str) -> bool:
    """Whether the environment and git's settings allow an offer to log in, if there is a terminal."""
    from git_credential_hf.git.helpers import read_helper_entries

    return _may_ask(hub) and _is_allowed(read_helper_entries(_SETTINGS), hub)


def _may_ask(hub: str) -> bool:
    """Whether the environment allows an offer, and a login would be for this Hub: huggingface_hub stores only one."""
    # VS Code sets VSCODE_GIT_COMMAND for git commands that it runs itself, but not in its terminal. A notebook sets
    # JPY_PARENT_PID, and `!git` has a terminal there that accepts no input.
    names = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE", "VSCODE_GIT_COMMAND", "JPY_PARENT_PID")
    if any(map(os.environ.get, ("CI", *_AGENTS))) or any(name in os.environ for name in names):
        return False
    if os.environ.get("GIT_ASKPASS") and not os.isatty(2):
        return False  # a program that shows git's questions itself, such as git gui
    if is_false(os.environ.get("GIT_TERMINAL_PROMPT", "1")) or os.environ.get("TERM", "").lower() in _NO_SCREEN:
        return False
    if hub != environment_hub() or hub.startswith("http:"):
        return False
    return not (is_colab() or offline_variable() or mounted_secret_hint())


# Set by coding agents, which cannot log in, and whose users would not see the offer.
_AGENTS = ("AI_AGENT", "AGENT", "CLAUDECODE", "GEMINI_CLI", "CURSOR_AGENT", "CODEX_THREAD_ID")

# An editor's shell; on Windows, a terminal that is not a console, so that reading from the console would hang.
_NO_SCREEN = ("xterm", "xterm-256color", "dumb") if sys.platform == "win32" else ("", "dumb")


def _is_allowed(entries: "list[ConfigEntry]", origin: str) -> bool:
    """Whether neither `hf.login` nor `credential.interactive` forbids an offer."""
    from git_credential_hf.git.urlmatch import section_applies

    interactive, login = "true", "ask"
    for entry in entries:
        value = "true" if entry.value is None else entry.value
        if entry.section == "credential" and entry.name == "interactive" and section_applies(entry.subsection, origin):
            interactive = value
        elif entry.key == "hf.login":
            login = value
    return not (is_false(interactive) or is_false(login))


def _may_be_held_after(chain: "list[ConfigEntry]", url: str, user: str | None) -> bool:
    """Whether a helper that git runs after this one has a credential, or may have one."""
    from git_credential_hf.git.helpers import is_our_helper
    from git_credential_hf.git.other_helpers import HelperError, request_copy
    from git_credential_hf.git.urlmatch import section_origin

    origin, path = section_origin(url) or url, url.split("/", 3)[3]
    ours = [i for i, entry in enumerate(chain) if is_our_helper(entry.value or "")]
    for entry in chain[ours[-1] + 1 :] if ours else []:
        try:
            if request_copy(entry.value or "", origin, user, path):
                return True
        except HelperError:
            return True
    return False


def _is_reachable(hub: str) -> bool:
    from git_credential_hf.api.client import ask_hub

    try:
        ask_hub(hub, "/api/whoami-v2", None)
    except Problem as problem:
        trace(f"no login: {problem.message}")
        return False
    return True


# --- the terminal ---


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
            process = subprocess.Popen(  # noqa: S603 - our own, with no arguments from anybody
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
