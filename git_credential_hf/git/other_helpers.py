"""How another helper (a keychain, `store`, a manager) is asked what it holds: without prompts, with a time limit."""

import os
import queue
import shlex
import sys
import time
from typing import IO, TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helpers import is_program_path, split_command
from git_credential_hf.git.run import NON_INTERACTIVE, child_environment, git_program, path_directories, run_git
from git_credential_hf.masking import mask_token, register_secret
from git_credential_hf.system import TimeoutExpired, end_process, start_process, start_thread

if TYPE_CHECKING:
    import subprocess

HELPER_TIMEOUT = 8  # seconds for one answer of a helper: Git Credential Manager takes five to start
READ_GRACE = 2  # seconds after a helper has ended for its output to be read, on a busy machine, too
MAX_ANSWER_BYTES = 64 * 1024  # of an answer; a credential has a few hundred


class HelperFailed(Exception):
    """The helper failed, was locked, or took too long: what it holds is unknown.

    `is_final`: another question would take as long.
    """

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class HelperTimeout(HelperFailed):
    """The helper took too long to answer."""


class HeldToken:
    """A secret that a helper holds for an `origin` of the Hub, under a user name."""

    def __init__(self, origin: str, username: str, secret: str) -> None:
        self.origin = origin
        self.username = username
        self.secret = register_secret(secret)


class Holder:
    """Another helper, and what it holds for the Hub."""

    def __init__(self, helper: ConfigEntry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.copies: list[HeldToken] = []
        self.has_erased = False
        self.holds_still = False
        self.why = ""  # why it is unknown whether it holds more
        self.has_no_answer = False  # it hangs

    @property
    def state(self) -> str:
        """`clean`, `purged`, `held` or `unknown`, as in `purge --json`."""
        if self.holds_still:
            return "held"
        return "unknown" if self.why else "purged" if self.has_erased else "clean"

    def as_json(self) -> dict[str, object]:
        """As `purge --json` prints it."""
        entries = [{"host": c.origin, "username": c.username, "shown": mask_token(c.secret)} for c in self.copies]
        return {"helper": self.helper, "origin": self.origin, "state": self.state, "entries": entries}

    def remedy(self) -> str | None:
        """Return where a person can delete what it holds, if that is a program with a window."""
        where = "win32" if ".exe" in self.helper else sys.platform  # from WSL, too
        return _PLACES.get((_name(self.helper), where)) if self.state in ("held", "unknown") else None


_KEYCHAIN = "open Keychain Access, and delete the entries for huggingface.co"
_WINDOWS = "open Windows Credential Manager (`control keymgr.dll`), and remove the entries git:https://huggingface.co"
_KEYRING = "open your keyring (Passwords and Keys, or KWallet), and delete the entries for huggingface.co"
# Git Credential Manager stores what it holds in the system's store, as the other two do.
_PLACES = {
    **dict.fromkeys([(name, "darwin") for name in ("osxkeychain", "manager", "manager-core")], _KEYCHAIN),
    **dict.fromkeys([(name, "win32") for name in ("wincred", "manager", "manager-core")], _WINDOWS),
    ("libsecret", "linux"): _KEYRING,
}


def _name(helper: str) -> str:
    """Return the short name of a helper: `manager` for `/usr/local/bin/git-credential-manager`."""
    program = (split_command(helper) or [""])[0].rpartition("/")[2]
    return program.removeprefix("git-credential-").removesuffix(".exe")


def ask_helper(helper: str, origin: str, username: str | None) -> HeldToken | None:
    """Return what a helper holds for an origin; raises `HelperFailed` if that is unknown."""
    answer = _run(helper, "get", _attributes(origin, username))
    fields = {}
    for line in answer.decode("utf-8", "surrogateescape").split("\n"):
        key, equals, value = line.partition("=")
        if line and not equals:
            raise HelperFailed("it does not use git's credential format")
        fields[key] = value
    if not fields.get("password"):
        return None
    return HeldToken(origin, fields.get("username", username or ""), fields["password"])


def erase_from_helper(helper: str, copy: HeldToken) -> str:
    """Tell a helper to erase a token; returns why that may have failed, if it did."""
    message = _attributes(copy.origin, copy.username or None) + f"password={copy.secret}\n"
    try:
        _run(helper, "erase", message)
    except HelperFailed as unknown:
        return f"when told to erase a token, {unknown}"
    return ""


def _attributes(origin: str, username: str | None) -> str:
    protocol, _, host = origin.partition("://")
    return f"protocol={protocol}\nhost={host}\n" + (f"username={username}\n" if username else "")


def _command(helper: str, operation: str) -> str | list[str]:
    """Return the command line that git makes of a helper's value (credential.c, run_credential_helper)."""
    if helper.startswith("!"):
        line = f"{helper[1:]} {operation}"
    elif is_program_path(helper):
        line = f"{helper} {operation}"
    else:
        line = f"{shlex.quote(git_program())} credential-{helper} {operation}"
    if sys.platform != "win32":
        return line
    # There the shell is git's own, which only git can find and set up: it runs an alias in it.
    return [git_program(), "-c", f"alias.{_ALIAS}=!{line}", _ALIAS]


_ALIAS = "ask-one-helper"


def helper_exists(helper: str) -> bool:
    """Whether git would find the program of a helper's value."""
    if helper.startswith("!"):
        return True
    if is_program_path(helper):
        program = (split_command(helper) or [""])[0]
        if sys.platform == "win32" and program.startswith("/"):
            return True  # `/mingw64/...` is a path for git's own shell only
        places = [program]
    else:
        name = f"git-credential-{(helper.split() or [''])[0]}"
        exec_path = run_git("--exec-path").decode("utf-8", "surrogateescape").strip()
        places = [os.path.join(directory, name) for directory in (exec_path, *path_directories())]
    if sys.platform == "win32":
        places += [f"{place}.exe" for place in places]
    return any(map(os.path.exists, places))


def _environment() -> dict[str, str]:
    return child_environment("GIT_ASKPASS", "SSH_ASKPASS", **NON_INTERACTIVE)


def _run(helper: str, operation: str, message: str) -> bytes:
    """Run a helper as git does, without a terminal, and not for longer than `HELPER_TIMEOUT`."""
    try:
        process = start_process(_command(helper, operation), _environment())
    except OSError as error:
        raise HelperFailed(f"it cannot be started: {error.strerror}") from None
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - for mypy: they are pipes
    try:
        try:
            process.stdin.write((message + "\n").encode("utf-8", "surrogateescape"))
            process.stdin.close()
        except OSError:
            pass  # it did not read the request; it may answer all the same
        answer, errors = _read(process, process.stdout, process.stderr)
    except RuntimeError as error:  # no more threads
        raise HelperFailed(f"its answer cannot be read: {error}") from None
    finally:
        if process.poll() is None:
            end_process(process)
        process.wait()
    if process.returncode and any(words in errors for words in _HAS_NOTHING):
        return b""
    if process.returncode:
        why = errors.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise HelperFailed(f"it failed with status {process.returncode}" + (f": {why}" if why else ""))
    return answer


# Git Credential Manager, when it has nothing and may not prompt.
_HAS_NOTHING = (
    b"Cannot prompt because user interactivity has been disabled",
    b"Cannot prompt because terminal prompts",
)


def _read(process: "subprocess.Popen[bytes]", stdout: IO[bytes], stderr: IO[bytes]) -> tuple[bytes, bytes]:
    """Return what it prints on both, until it ends. A thread reads each: Windows cannot wait for two pipes at once."""
    heard = {stdout: b"", stderr: b""}
    chunks: queue.SimpleQueue[tuple[IO[bytes], bytes]] = queue.SimpleQueue()
    for pipe in heard:
        start_thread(_listen, pipe, chunks)
    closed = 0
    deadline = time.monotonic() + HELPER_TIMEOUT
    rest = deadline  # a child of its own may keep a pipe open
    while closed < len(heard) and time.monotonic() < rest:
        try:
            pipe, chunk = chunks.get(timeout=0.05)
        except queue.Empty:
            if rest == deadline and process.poll() is not None:
                rest = min(deadline, time.monotonic() + READ_GRACE)
            continue
        heard[pipe] += chunk
        closed += not chunk
        if len(heard[pipe]) > MAX_ANSWER_BYTES:
            raise HelperFailed("its answer is too long", is_final=True)
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except TimeoutExpired:
        raise HelperTimeout(f"it did not answer within {HELPER_TIMEOUT} seconds", is_final=True) from None
    return heard[stdout], heard[stderr]


def _listen(pipe: IO[bytes], chunks: "queue.SimpleQueue[tuple[IO[bytes], bytes]]") -> None:
    """Pass on what is read, up to the limit, and an empty chunk at its end; closes the pipe."""
    rest = MAX_ANSWER_BYTES + 1
    with pipe:
        while chunk := os.read(pipe.fileno(), rest):
            chunks.put((pipe, chunk))
            rest -= len(chunk)
            if not rest:
                return
    chunks.put((pipe, b""))
