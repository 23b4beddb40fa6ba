"""Run other helpers (a keychain, `store`, a manager) without prompts and with a timeout, and find which git runs."""

import os
import queue
import shlex
import sys
import time
from typing import IO, TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helper_chain import (
    configured_hubs,
    helper_chain,
    is_our_helper,
    is_program_path,
    split_command,
)
from git_credential_hf.git.run import NON_INTERACTIVE, child_environment, git_program, path_directories, run_git
from git_credential_hf.git.urlmatch import section_applies, section_origin
from git_credential_hf.hub import hub_origins
from git_credential_hf.masking import mask_secrets, mask_words
from git_credential_hf.problem import Problem
from git_credential_hf.protocol import format_message
from git_credential_hf.secrets import register_secret
from git_credential_hf.system import TimeoutExpired, end_process, start_process, start_thread
from git_credential_hf.tokens import SECRET_VARIABLES

if TYPE_CHECKING:
    import subprocess

HELPER_TIMEOUT = 8  # seconds for one answer of a helper; Git Credential Manager takes five to start
READ_GRACE = 2  # seconds to read the output of a helper after its end, also on a busy machine
MAX_ANSWER_BYTES = 64 * 1024  # a credential has a few hundred


class HelperError(Exception):
    """A helper failed, was locked, or took too long, so its contents are unknown.

    `is_final`: another request would take as long.
    """

    def __init__(self, message: str, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.is_final = is_final


class HelperTimeout(HelperError):
    """A helper took too long to answer."""


class TokenCopy:
    """A token, or another secret, that a helper holds for an `origin` of the Hub, a user name, and perhaps a `path`."""

    def __init__(self, origin: str, username: str, secret: str, path: str = "") -> None:
        self.origin = origin
        self.path = path  # part of git's request if `useHttpPath` is set
        self.username = username
        self.secret = register_secret(secret)
        self.is_held = False  # whether the helper still has it
        self.kept: Problem | None = None  # why it was not erased

    @property
    def shown_username(self) -> str:
        """The user name without secrets: some helpers have the token in its place, or in both."""
        return mask_words(self.username)

    def is_same(self, other: "TokenCopy") -> bool:
        """Whether both are the same credential."""
        return (self.origin, self.username, self.secret) == (other.origin, other.username, other.secret)


def other_helpers(entries: list[ConfigEntry]) -> list[ConfigEntry]:
    """Return the other helpers that git might run for a Hub token, each once, including those that are reset."""
    helpers: dict[str, ConfigEntry] = {}
    origins = hub_origins(configured_hubs(entries))
    for entry in entries:
        is_other = entry.is_helper() and entry.value and not is_our_helper(entry.value)
        if is_other and any(_is_set_for(entry, origin) for origin in origins):
            helpers.setdefault(entry.value or "", entry)
    return list(helpers.values())


def _is_set_for(entry: ConfigEntry, origin: str) -> bool:
    # A section for a user name or a path counts, too: git runs its helper for those.
    return section_origin(entry.subsection) == origin or section_applies(entry.subsection, origin)


def origins_set_for(helper: ConfigEntry, entries: list[ConfigEntry]) -> list[str]:
    """Return the Hub origins for which a helper is set, perhaps before an empty value that resets the list.

    It is not asked about other origins: many a helper has one answer for all hosts, which another Hub must not get.
    """
    named = [entry for entry in entries if entry.is_helper() and entry.value == helper.value]
    origins = hub_origins(configured_hubs(entries))
    return [origin for origin in origins if any(_is_set_for(entry, origin) for entry in named)]


def origins_asked_for(helper: ConfigEntry, entries: list[ConfigEntry]) -> list[str]:
    """Return the Hub origins for which git runs a helper: not those for which an empty value resets the list."""

    def is_asked(entry: ConfigEntry, origin: str) -> bool:
        url = origin if section_applies(entry.subsection, origin) else entry.subsection  # of a user name, or a path
        return section_origin(url) == origin and entry in helper_chain(url, entries)

    named = [entry for entry in entries if entry.is_helper() and entry.value == helper.value]
    return [o for o in origins_set_for(helper, entries) if any(is_asked(entry, o) for entry in named)]


def request_copy(helper: str, origin: str, username: str | None, path: str = "") -> TokenCopy | None:
    """Return the copy that a helper holds for an origin, or `None`; raises `HelperError` if that is unknown."""
    fields = _ask(helper, origin, username, path)
    password, name = fields.get("password"), fields.get("username")
    if not password or (not password.startswith(("hf_", "api_")) and _is_for_all(helper, password)):
        return None
    return TokenCopy(origin, name if name is not None else username or "", password, path)


def _is_for_all(helper: str, password: str) -> bool:
    """Whether a helper returns this password for every host: then it belongs to another service, and is not a token."""
    try:
        return _ask(helper, "https://git-credential-hf.invalid", None, "").get("password") == password
    except HelperError:
        return False


def _ask(helper: str, origin: str, username: str | None, path: str) -> dict[str, str | None]:
    """Return the fields of a helper's answer; raises `HelperError`."""
    fields = _parse_answer(_run(helper, "get", _attributes(origin, username, path)))
    if None in fields.values():
        raise HelperError("it does not use git's credential format")
    return fields


def _parse_answer(answer: bytes) -> dict[str, str | None]:
    """Return the fields of an answer, `None` for a line without a value; its secrets are registered."""
    fields: dict[str, str | None] = {}
    for line in answer.decode("utf-8", "surrogateescape").split("\n"):
        key, equals, value = line.partition("=")
        if line:
            fields[key] = value if equals else None
    for name in ("password", "credential", "oauth_refresh_token"):
        register_secret(fields.get(name) or "")
    return fields


def erase_copy(helper: str, copy: TokenCopy) -> str:
    """Make a helper erase a copy; return why that may have failed, or an empty text."""
    try:
        _run(helper, "erase", [*_attributes(copy.origin, copy.username or None, copy.path), ("password", copy.secret)])
    except HelperError as error:
        return f"when told to erase a token, {error}"
    return ""


def _attributes(origin: str, username: str | None, path: str) -> list[tuple[str, str]]:
    protocol, _, host = origin.partition("://")
    more = [("path", path), ("username", username or "")]
    return [("protocol", protocol), ("host", host), *((key, value) for key, value in more if value)]


def _command(helper: str, operation: str) -> str | list[str]:
    """Return the command line that git runs for a helper's value (credential.c, run_credential_helper)."""
    if helper.startswith("!"):
        line = f"{helper[1:]} {operation}"
    elif is_program_path(helper):
        line = f"{helper} {operation}"
    else:
        line = f"{shlex.quote(git_program())} credential-{helper} {operation}"
    if sys.platform != "win32":
        return line
    # On Windows, the shell is part of git, and only git can find it and set it up, so run an alias.
    return [git_program(), "-c", f"alias.{_ALIAS}=!{line}", _ALIAS]


_ALIAS = "run-one-helper"


def helper_exists(helper: str) -> bool:
    """Whether the program of a helper is installed, as far as that can be known."""
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
    # Other helpers do not need the variables that this program reads.
    return child_environment("GIT_ASKPASS", "SSH_ASKPASS", *SECRET_VARIABLES, **NON_INTERACTIVE)


def _run(helper: str, operation: str, attributes: list[tuple[str, str]]) -> bytes:
    """Run a helper as git does, but without a terminal, and for `HELPER_TIMEOUT` at most."""
    try:
        message = format_message(attributes) + b"\n"
    except Problem as problem:
        raise HelperError(problem.message) from None
    try:
        process = start_process(_command(helper, operation), _environment())
    except OSError as error:
        raise HelperError(f"it cannot be started: {error.strerror}") from None
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - for mypy: they are pipes
    try:
        try:
            process.stdin.write(message)
            process.stdin.close()
        except OSError:
            pass  # it did not read the request, but may answer
        answer, errors = _read(process, process.stdout, process.stderr)
    except RuntimeError as error:  # no more threads
        raise HelperError(f"its answer cannot be read: {error}") from None
    finally:
        if process.poll() is None:
            end_process(process)
        process.wait()
    is_silent = process.returncode == 1 and not (answer + errors).strip()
    if process.returncode and (is_silent or any(message in errors for message in _HAS_NOTHING)):
        return b""
    if process.returncode:
        _parse_answer(answer)  # it may have failed after its answer, with the password in its message
        words = mask_secrets(errors.decode("utf-8", "surrogateescape"), are_others_words=True)
        lines = words.strip().split("\n")
        reason = mask_words(next((line for line in lines if line.startswith("fatal: ")), lines[-1]), 200)
        raise HelperError(f"it failed with status {process.returncode}" + (f": {reason}" if reason else ""))
    return answer


# Errors of Git Credential Manager and pass-git-helper if they have no entry and must not prompt; gh prints nothing.
_HAS_NOTHING = (
    b"No mapping section in ",
    b"Cannot prompt because user interactivity has been disabled",
    b"Cannot prompt because terminal prompts",
)


def _read(process: "subprocess.Popen[bytes]", stdout: IO[bytes], stderr: IO[bytes]) -> tuple[bytes, bytes]:
    """Return a helper's output on both pipes. A thread reads each: Windows cannot wait for two pipes at once."""
    output = {stdout: b"", stderr: b""}
    chunks: queue.SimpleQueue[tuple[IO[bytes], bytes]] = queue.SimpleQueue()
    for pipe in output:
        start_thread(_forward, pipe, chunks)
    closed = 0
    deadline = time.monotonic() + HELPER_TIMEOUT
    end = deadline
    while closed < len(output) and time.monotonic() < end:
        try:
            pipe, chunk = chunks.get(timeout=0.05)
        except queue.Empty:
            if end == deadline and process.poll() is not None:  # a child of its own may keep a pipe open
                end = min(deadline, time.monotonic() + READ_GRACE)
            continue
        output[pipe] += chunk
        closed += not chunk
        if len(output[pipe]) > MAX_ANSWER_BYTES:
            raise HelperError("its answer is too long", is_final=True)
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except TimeoutExpired:
        raise HelperTimeout(f"it did not answer within {HELPER_TIMEOUT} seconds", is_final=True) from None
    return output[stdout], output[stderr]


def _forward(pipe: IO[bytes], chunks: "queue.SimpleQueue[tuple[IO[bytes], bytes]]") -> None:
    """Put the output of a pipe into `chunks`, up to the limit, then an empty chunk for its end; close the pipe."""
    limit = MAX_ANSWER_BYTES + 1
    with pipe:
        while chunk := os.read(pipe.fileno(), limit):
            chunks.put((pipe, chunk))
            limit -= len(chunk)
            if not limit:
                return
    chunks.put((pipe, b""))
