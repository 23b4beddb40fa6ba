"""What other helpers hold for the Hub, and its rejection.

What is stale is decided here: every secret for the Hub that is not in huggingface_hub's own hands. It is old, or will
be after the next login.
"""

import os
import select
import shlex
import signal
import subprocess
import time

from git_credential_hf import gitconfig, hub
from git_credential_hf.gitconfig import Entry
from git_credential_hf.problem import keep_secret, masked, shown

PATIENCE = 8  # seconds for one answer of a helper: Git Credential Manager takes five to start
MOST_BYTES = 64 * 1024  # of an answer; a credential has a few hundred
MOST_COPIES = 16  # of one host and user name in one helper
USERNAMES = (None, "git", "hf_user")  # whichever it has; ours; huggingface_hub's (hub-facts 3.5)


class Unknown(Exception):
    """The helper failed, was locked, or took too long: it may hold something or not.

    `is_final`: whether asking it something else would only take as long.
    """

    def __init__(self, why: str, *, is_final: bool = False) -> None:
        super().__init__(why)
        self.is_final = is_final


class Silent(Unknown):
    """The helper took too long for one answer."""


class Copy:
    """A secret that a helper holds: for which `origin` of the Hub, and under which user name."""

    def __init__(self, origin: str, username: str, secret: str) -> None:
        self.origin = origin
        self.username = username
        self.secret = keep_secret(secret)


class Holder:
    """Another helper and what it holds, as it was found."""

    def __init__(self, helper: Entry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.copies: list[Copy] = []
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
        entries = [{"host": c.origin, "username": c.username, "shown": shown(c.secret)} for c in self.copies]
        return {"helper": masked(self.helper), "origin": masked(self.origin), "state": self.state, "entries": entries}


def configured(entries: list[Entry]) -> list[Entry]:
    """The other helpers that git may ask about the Hub, each once; also those that an empty value hides for now."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.is_helper() and entry.value and not gitconfig.is_ours(entry.value) and _concerns_the_hub(entry):
            found.setdefault(entry.value, entry)
    return list(found.values())


def _concerns_the_hub(entry: Entry) -> bool:
    # A section for one user, or a part of a host, counts: git asks the helper about those.
    is_the_hubs = gitconfig.origin_of(entry.subsection) in hub.origins()
    return is_the_hubs or any(gitconfig.applies(entry.subsection, origin) for origin in hub.origins())


def reject(
    helpers: list[Entry],
    usernames: tuple[str | None, ...] = USERNAMES,
    *,
    dry_run: bool = False,
    seconds: float = 60,
) -> list[Holder]:
    """Let these helpers forget every secret for a Hub host, and ask again; with `dry_run`, only look.

    All at once, and each about all hosts at once: some take seconds to start. After `seconds` no more is asked.
    """
    from concurrent.futures import ThreadPoolExecutor

    deadline = time.monotonic() + seconds
    holders = [Holder(helper) for helper in helpers]
    questions = [(holder, origin) for holder in holders if _exists(holder.helper) for origin in hub.origins()]
    if questions:
        with ThreadPoolExecutor(min(len(questions), 16)) as pool:
            list(pool.map(lambda asked: _reject(asked[0], asked[1], usernames, dry_run, deadline), questions))
    return holders


def _reject(holder: Holder, origin: str, usernames: tuple[str | None, ...], dry_run: bool, deadline: float) -> None:
    for username in dict.fromkeys(usernames):
        try:
            _reject_all(holder, origin, username, dry_run, deadline)
        except Unknown as unknown:
            holder.why = str(unknown)
            holder.has_no_answer = holder.has_no_answer or isinstance(unknown, Silent)
            if unknown.is_final:
                return


def _reject_all(holder: Holder, origin: str, username: str | None, dry_run: bool, deadline: float) -> None:
    erased: set[tuple[str, str]] = set()
    for _ in range(MOST_COPIES):
        if time.monotonic() > deadline:
            raise Unknown("there was no time to ask it for more", is_final=True)
        copy = _ask(holder.helper, origin, username)
        if copy is None:
            return
        if not any((origin, copy.username, copy.secret) == (c.origin, c.username, c.secret) for c in holder.copies):
            holder.copies.append(copy)
        if dry_run or (copy.username, copy.secret) in erased:
            holder.holds_still = True  # though it was told to erase it: an `!echo password=...`, say
            return
        _erase(holder.helper, copy)
        erased.add((copy.username, copy.secret))
        holder.has_erased = True


def _ask(helper: str, origin: str, username: str | None) -> Copy | None:
    answer = _run(helper, "get", _attributes(origin, username))
    fields = {}
    for line in answer.decode("utf-8", "surrogateescape").split("\n"):
        key, equals, value = line.partition("=")
        if line and not equals:
            raise Unknown("it does not speak git's protocol")
        fields[key] = value
    if not fields.get("password"):
        return None
    return Copy(origin, fields.get("username", username or ""), fields["password"])


def _erase(helper: str, copy: Copy) -> None:
    message = _attributes(copy.origin, copy.username or None) + f"password={copy.secret}\n"
    try:
        _run(helper, "erase", message)
    except Unknown:
        pass  # some fail when they are told to erase; asking again tells


def _attributes(origin: str, username: str | None) -> str:
    protocol, _, host = origin.partition("://")
    return f"protocol={protocol}\nhost={host}\n" + (f"username={username}\n" if username else "")


def _command(helper: str, operation: str) -> str:
    """The shell's command line that git makes of a helper's value (credential.c, run_credential_helper)."""
    if helper.startswith("!"):
        return f"{helper[1:]} {operation}"
    if os.path.isabs(helper):
        return f"{helper} {operation}"
    return f"{shlex.quote(gitconfig.git())} credential-{helper} {operation}"


def _exists(helper: str) -> bool:
    if helper.startswith("!"):
        return True
    name = helper.split()[0]
    if os.path.isabs(helper):
        return os.path.exists(name.strip("'\"")) or "\\" in helper or "'" in helper or '"' in helper
    program = f"git-credential-{name}"
    exec_path = gitconfig.run("--exec-path").decode("utf-8", "surrogateescape").strip()
    return gitconfig.find(program) is not None or os.path.exists(os.path.join(exec_path, program))


# The environment in which neither git nor a helper asks a person: no terminal, no askpass, no window.
QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GCM_GUI_PROMPT": "false",
    "SSH_ASKPASS_REQUIRE": "never",
}


def _environment() -> dict[str, str]:
    asking = ("GIT_ASKPASS", "SSH_ASKPASS")
    return {**{name: value for name, value in os.environ.items() if name not in asking}, **QUIET}


def _run(helper: str, operation: str, message: str) -> bytes:
    """Run a helper as git does, but alone, without a terminal, and not for longer than `PATIENCE`."""
    process = subprocess.Popen(  # noqa: S602 - git gives the same words to the same shell
        _command(helper, operation),
        shell=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    )
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - for mypy: they are pipes
    try:
        try:
            process.stdin.write((message + "\n").encode("utf-8", "surrogateescape"))
            process.stdin.close()
        except OSError:
            pass  # it did not want to hear the question; it may answer all the same
        answer, said = _read(process, process.stdout.fileno(), process.stderr.fileno())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
    if process.returncode and any(words in said for words in _HAS_NOTHING):
        return b""
    if process.returncode:
        raise Unknown(f"it failed with status {process.returncode}")
    return answer


# Git Credential Manager, where it has nothing and would have to ask the user, who cannot be asked.
_HAS_NOTHING = (
    b"Cannot prompt because user interactivity has been disabled",
    b"Cannot prompt because terminal prompts",
)


def _read(process: "subprocess.Popen[bytes]", stdout: int, stderr: int) -> tuple[bytes, bytes]:
    heard = {stdout: b"", stderr: b""}
    still_open = [stdout, stderr]
    deadline = time.monotonic() + PATIENCE
    while still_open and time.monotonic() < deadline:
        ready = select.select(still_open, [], [], 0.05)[0]
        for pipe in ready:
            chunk = os.read(pipe, 65536)
            heard[pipe] += chunk
            if len(heard[pipe]) > MOST_BYTES:
                raise Unknown("its answer does not end", is_final=True)
            if not chunk:
                still_open.remove(pipe)
        if not ready and process.poll() is not None:
            break  # a child of its own keeps a pipe open
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise Silent(f"it did not answer within {PATIENCE} seconds", is_final=True) from None
    return heard[stdout], heard[stderr]
