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
    """The helper failed, was locked, or took too long: it may hold something or not."""


class Copy:
    """A secret that a helper holds: for which `origin` of the Hub, and under which user name."""

    def __init__(self, origin: str, username: str, secret: str) -> None:
        self.origin = origin
        self.username = username
        self.secret = keep_secret(secret)


class Holder:
    """Another helper and what it holds: `state` is `clean`, `purged`, `held` or `unknown`, as in `purge --json`."""

    def __init__(self, helper: Entry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.state = "clean"
        self.copies: list[Copy] = []
        self.why = ""  # of `unknown`

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
    # A section for a part of a host counts: git asks it about that part.
    return any(
        gitconfig.applies(entry.subsection, origin) or entry.subsection.startswith(origin + "/")
        for origin in hub.origins()
    )


def reject(
    helpers: list[Entry], usernames: tuple[str | None, ...] = USERNAMES, *, dry_run: bool = False
) -> list[Holder]:
    """Let these helpers forget every secret for a Hub host, and ask again; with `dry_run`, only look.

    All at once: the slowest of them decides how long it takes.
    """
    from concurrent.futures import ThreadPoolExecutor

    if not helpers:
        return []
    with ThreadPoolExecutor(min(len(helpers), 8)) as pool:
        return list(pool.map(lambda helper: _reject(helper, usernames, dry_run), helpers))


def _reject(helper: Entry, usernames: tuple[str | None, ...], dry_run: bool) -> Holder:
    holder = Holder(helper)
    if not _exists(holder.helper):
        return holder  # git cannot start it, and it has never been told anything
    try:
        for origin in hub.origins():
            for username in dict.fromkeys(usernames):
                _reject_all(holder, origin, username, dry_run)
    except Unknown as unknown:
        holder.state, holder.why = "unknown", str(unknown)
    return holder


def _reject_all(holder: Holder, origin: str, username: str | None, dry_run: bool) -> None:
    for _ in range(MOST_COPIES):
        copy = _ask(holder.helper, origin, username)
        if copy is None:
            return
        is_known = any((c.origin, c.username, c.secret) == (origin, copy.username, copy.secret) for c in holder.copies)
        if not is_known:
            holder.copies.append(copy)
        if dry_run or (is_known and holder.state != "held"):
            holder.state = "held"  # after it was erased, it is there still: an `!echo password=...`, say
        if dry_run or is_known:
            return
        _erase(holder.helper, copy)
        if holder.state == "clean":
            holder.state = "purged"


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


def _environment() -> dict[str, str]:
    """Nothing in which a helper could ask a person: no terminal, no askpass, no window."""
    asking = ("GIT_ASKPASS", "SSH_ASKPASS")
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GCM_INTERACTIVE": "never",
        "GCM_GUI_PROMPT": "false",
        "SSH_ASKPASS_REQUIRE": "never",
    }
    return {**{name: value for name, value in os.environ.items() if name not in asking}, **quiet}


def _run(helper: str, operation: str, message: str) -> bytes:
    """Run a helper as git does, but alone, without a terminal, and not for longer than `PATIENCE`."""
    process = subprocess.Popen(  # noqa: S602 - git gives the same words to the same shell
        _command(helper, operation),
        shell=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    assert process.stdin and process.stdout  # noqa: S101 - for mypy: both are pipes
    try:
        try:
            process.stdin.write((message + "\n").encode("utf-8", "surrogateescape"))
            process.stdin.close()
        except OSError:
            pass  # it did not want to hear the question; it may answer all the same
        answer = _read(process, process.stdout.fileno())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    if process.returncode:
        raise Unknown(f"it failed with status {process.returncode}")
    return answer


def _read(process: "subprocess.Popen[bytes]", pipe: int) -> bytes:
    answer = b""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([pipe], [], [], 0.05)[0]:
            chunk = os.read(pipe, 65536)
            answer += chunk
            if len(answer) > MOST_BYTES:
                raise Unknown("its answer does not end")
            if not chunk:
                break
        elif process.poll() is not None:
            return answer  # a child of its own keeps the pipe open
    try:
        process.wait(max(deadline - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        raise Unknown(f"it did not answer within {PATIENCE} seconds") from None
    return answer
