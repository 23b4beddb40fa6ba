"""What other helpers hold for the Hub, and its rejection.

What is stale is decided here: every secret for the Hub that is not in huggingface_hub's own hands. It is old, or will
be after the next login.
"""

import os
import queue
import shlex
import sys
import time
from typing import IO, TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helpers import is_our_helper, is_program_path, split_command
from git_credential_hf.git.run import child_environment, git_program, path_directories, run_git
from git_credential_hf.git.urlmatch import section_applies, section_origin
from git_credential_hf.hub import exclusive_origins, hub_origins
from git_credential_hf.masking import mask_token, register_secret
from git_credential_hf.problem import Problem
from git_credential_hf.system import TimeoutExpired, end_process, run_each, start_process, start_thread

if TYPE_CHECKING:
    import subprocess

HELPER_TIMEOUT = 8  # seconds for one answer of a helper: Git Credential Manager takes five to start
READ_GRACE = 2  # seconds after its end in which the threads that read it have got all of it, on a busy machine, too
MAX_ANSWER_BYTES = 64 * 1024  # of an answer; a credential has a few hundred
MAX_COPIES = 16  # of one host and user name in one helper
REJECTED = "rejected"  # the state that names an origin whose stale token another helper has just given to git
USUAL_USERNAMES = (None, "git", "hf_user")  # whichever it has; ours; huggingface_hub's (docs/facts.md#t3)


class HelperFailed(Exception):
    """The helper failed, was locked, or took too long: it may hold something or not.

    `is_final`: whether asking it something else would only take as long.
    """

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class HelperTimeout(HelperFailed):
    """The helper took too long for one answer."""


class HeldToken:
    """A secret that a helper holds: for which `origin` of the Hub, and under which user name."""

    def __init__(self, origin: str, username: str, secret: str) -> None:
        self.origin = origin
        self.username = username
        self.secret = register_secret(secret)


class Holder:
    """Another helper and what it holds, as it was found."""

    def __init__(self, helper: ConfigEntry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.copies: list[HeldToken] = []
        self.has_erased = False
        self.holds_still = False
        self.why = ""  # it is unknown whether it holds more
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
        """Where a person can take out what it holds, if that is a place with a window."""
        where = "win32" if ".exe" in self.helper else sys.platform  # from WSL, too
        return _PLACES.get((_name(self.helper), where)) if self.state in ("held", "unknown") else None


_KEYCHAIN = "open Keychain Access (the macOS keychain), and delete what is there for huggingface.co"
_WINDOWS = (
    "open Windows Credential Manager (`control keymgr.dll`), and remove what begins with git:https://huggingface.co"
)
_KEYRING = "open your keyring (Passwords and Keys, or KWallet), and delete what is there for huggingface.co"
# Git Credential Manager keeps what it holds with the system, as the other two do.
_PLACES = {
    **dict.fromkeys([(name, "darwin") for name in ("osxkeychain", "manager", "manager-core")], _KEYCHAIN),
    **dict.fromkeys([(name, "win32") for name in ("wincred", "manager", "manager-core")], _WINDOWS),
    ("libsecret", "linux"): _KEYRING,
}


def _name(helper: str) -> str:
    """What git would call it if it were on PATH: `manager` for `/usr/local/bin/git-credential-manager`."""
    program = (split_command(helper) or [""])[0].rpartition("/")[2]
    return program.removeprefix("git-credential-").removesuffix(".exe")


def other_helpers(entries: list[ConfigEntry]) -> list[ConfigEntry]:
    """The other helpers that git may ask about the Hub, each once; also those that an empty value hides for now."""
    found: dict[str, ConfigEntry] = {}
    for entry in entries:
        if entry.is_helper() and entry.value and not is_our_helper(entry.value) and _concerns_the_hub(entry):
            found.setdefault(entry.value, entry)
    return list(found.values())


def _concerns_the_hub(entry: ConfigEntry) -> bool:
    # A section for one user, or a part of a host, counts: git asks the helper about those.
    is_the_hubs = section_origin(entry.subsection) in hub_origins()
    return is_the_hubs or any(section_applies(entry.subsection, origin) for origin in hub_origins())


def purge_helpers(
    helpers: list[ConfigEntry],
    usernames: tuple[str | None, ...] = USUAL_USERNAMES,
    *,
    dry_run: bool = False,
    seconds: float = 60,
) -> list[Holder]:
    """Let these helpers forget every secret for a Hub host, and ask again; with `dry_run`, only look.

    All at once, and each about all hosts at once: some take seconds to start. After `seconds` no more is asked.
    """
    deadline = time.monotonic() + seconds
    holders = [Holder(helper) for helper in helpers]
    origins = exclusive_origins()  # what it holds for another's host is not ours to take
    questions = [(holder, origin) for holder in holders if _exists(holder.helper) for origin in origins]
    if questions:
        try:
            run_each(lambda asked: _reject(*asked, usernames, dry_run, deadline), questions)
        except RuntimeError as error:  # no more threads
            raise Problem(f"cannot ask git's other helpers: {error}") from None
    return holders


def _reject(holder: Holder, origin: str, usernames: tuple[str | None, ...], dry_run: bool, deadline: float) -> None:
    for username in dict.fromkeys(usernames):
        try:
            _reject_all(holder, origin, username, dry_run, deadline)
        except HelperFailed as unknown:
            holder.why = str(unknown)
            holder.has_no_answer = holder.has_no_answer or isinstance(unknown, HelperTimeout)
            if unknown.is_final:
                return


def _reject_all(holder: Holder, origin: str, username: str | None, dry_run: bool, deadline: float) -> None:
    erased: set[tuple[str, str]] = set()
    failure = ""
    for _ in range(MAX_COPIES):
        if time.monotonic() > deadline:
            raise HelperFailed("there was no time to ask it for more", is_final=True)
        copy = _ask(holder.helper, origin, username)
        if copy is None:
            return
        if not any((origin, copy.username, copy.secret) == (c.origin, c.username, c.secret) for c in holder.copies):
            holder.copies.append(copy)
        if dry_run or (copy.username, copy.secret) in erased:
            holder.holds_still = True  # though it was told to erase it: an `!echo password=...`, say
            holder.why = holder.why or failure
            return
        failure = _erase(holder.helper, copy)
        erased.add((copy.username, copy.secret))
        holder.has_erased = True


def _ask(helper: str, origin: str, username: str | None) -> HeldToken | None:
    answer = _run(helper, "get", _attributes(origin, username))
    fields = {}
    for line in answer.decode("utf-8", "surrogateescape").split("\n"):
        key, equals, value = line.partition("=")
        if line and not equals:
            raise HelperFailed("it does not speak git's protocol")
        fields[key] = value
    if not fields.get("password"):
        return None
    return HeldToken(origin, fields.get("username", username or ""), fields["password"])


def _erase(helper: str, copy: HeldToken) -> str:
    """Why it may not have been erased, or nothing; asking again tells."""
    message = _attributes(copy.origin, copy.username or None) + f"password={copy.secret}\n"
    try:
        _run(helper, "erase", message)
    except HelperFailed as unknown:
        return f"told to forget a token, {unknown}"
    return ""


def _attributes(origin: str, username: str | None) -> str:
    protocol, _, host = origin.partition("://")
    return f"protocol={protocol}\nhost={host}\n" + (f"username={username}\n" if username else "")


def _command(helper: str, operation: str) -> str | list[str]:
    """The shell's command line that git makes of a helper's value (credential.c, run_credential_helper)."""
    if helper.startswith("!"):
        line = f"{helper[1:]} {operation}"
    elif is_program_path(helper):
        line = f"{helper} {operation}"
    else:
        line = f"{shlex.quote(git_program())} credential-{helper} {operation}"
    if sys.platform != "win32":
        return line
    # The shell is git's own there, which git alone knows how to find and to set up: it runs an alias in it.
    return [git_program(), "-c", f"alias.{_ALIAS}=!{line}", _ALIAS]


_ALIAS = "ask-one-helper"


def _exists(helper: str) -> bool:
    if helper.startswith("!"):
        return True
    if is_program_path(helper):
        program = (split_command(helper) or [""])[0]
        if sys.platform == "win32" and program.startswith("/"):
            return True  # `/mingw64/...` is a path to git's own shell, and to nobody else
        places = [program]
    else:
        name = f"git-credential-{(helper.split() or [''])[0]}"
        exec_path = run_git("--exec-path").decode("utf-8", "surrogateescape").strip()
        places = [os.path.join(directory, name) for directory in (exec_path, *path_directories())]
    if sys.platform == "win32":
        places += [f"{place}.exe" for place in places]
    return any(map(os.path.exists, places))


# The environment in which neither git nor a helper asks a person: no terminal, no askpass, no window.
NON_INTERACTIVE = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GCM_GUI_PROMPT": "false",
    "SSH_ASKPASS_REQUIRE": "never",
}
NO_PROMPTS = {
    **NON_INTERACTIVE,
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
}  # for git itself: then core.askPass does not count either


def _environment() -> dict[str, str]:
    return child_environment("GIT_ASKPASS", "SSH_ASKPASS", **NON_INTERACTIVE)


def _run(helper: str, operation: str, message: str) -> bytes:
    """Run a helper as git does, but alone, without a terminal, and not for longer than `PATIENCE`."""
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
            pass  # it did not want to hear the question; it may answer all the same
        answer, said = _read(process, process.stdout, process.stderr)
    except RuntimeError as error:  # no more threads
        raise HelperFailed(f"it cannot be listened to: {error}") from None
    finally:
        if process.poll() is None:
            end_process(process)
        process.wait()
    if process.returncode and any(words in said for words in _HAS_NOTHING):
        return b""
    if process.returncode:
        why = said.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise HelperFailed(f"it failed with status {process.returncode}" + (f": {why}" if why else ""))
    return answer


# Git Credential Manager, where it has nothing and would have to ask the user, who cannot be asked.
_HAS_NOTHING = (
    b"Cannot prompt because user interactivity has been disabled",
    b"Cannot prompt because terminal prompts",
)


def _read(process: "subprocess.Popen[bytes]", stdout: IO[bytes], stderr: IO[bytes]) -> tuple[bytes, bytes]:
    """What it prints on both, until it ends. A thread reads each: Windows can wait for no two pipes at once."""
    heard = {stdout: b"", stderr: b""}
    chunks: queue.SimpleQueue[tuple[IO[bytes], bytes]] = queue.SimpleQueue()
    for pipe in heard:
        start_thread(_listen, pipe, chunks)
    closed = 0
    deadline = time.monotonic() + HELPER_TIMEOUT
    rest = deadline  # when to listen no more: a child of its own may keep a pipe open
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
            raise HelperFailed("its answer does not end", is_final=True)
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except TimeoutExpired:
        raise HelperTimeout(f"it did not answer within {HELPER_TIMEOUT} seconds", is_final=True) from None
    return heard[stdout], heard[stderr]


def _listen(pipe: IO[bytes], chunks: "queue.SimpleQueue[tuple[IO[bytes], bytes]]") -> None:
    """Pass on what is read, and nothing at its end; no more than is ever wanted, and it is this thread's to close."""
    rest = MAX_ANSWER_BYTES + 1
    with pipe:
        while chunk := os.read(pipe.fileno(), rest):
            chunks.put((pipe, chunk))
            rest -= len(chunk)
            if not rest:
                return
    chunks.put((pipe, b""))
