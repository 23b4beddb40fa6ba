"""What the Hub would refuse of a push or a commit: judged here, before a byte goes up.

`pre_push` and `pre_commit` are githooks(5) of the same names; the files in `hooks/` call them. What is about to be
added is found by `scan`, and what is wrong with it by `rules`; what the token may do, by `api.access`. How bad that
is stands in git's configuration (`hf.*`).
"""

import os
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from typing import BinaryIO

from git_credential_hf.api.access import check_access, stored_lfs_objects
from git_credential_hf.api.refusals import Answer
from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.credentials import (
    falls_through,
    git_credentials,
    is_current_token,
    is_cut_off,
    is_given_elsewhere,
)
from git_credential_hf.git.run import NO_PROMPTS, NoAnswer, git_line, run_git
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.hooks.rules import find_problems
from git_credential_hf.hooks.scan import (
    Additions,
    LfsPointer,
    RefUpdate,
    known_objects,
    parse_updates,
    scan_index,
    scan_push,
)
from git_credential_hf.hub import Repository, is_at_endpoint, parse_remote, repository_at, without_credentials
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.purge import REJECTED
from git_credential_hf.state import discard_record, is_recorded
from git_credential_hf.tokens import Token, current_token, stored_token, stored_token_names

# The checks, each with a key of its own in git's configuration; what happens where that says nothing; what it is about.
CHECKS = {
    "writeCheck": ("block", "the token may not write there; `refs/pr/N` needs no right to write"),
    "largeFiles": ("block", "a file over 10 MiB outside LFS; over 10,000 files in a directory"),
    "binaryFiles": ("warn", "a binary file outside LFS: the Hub takes some of them"),  # by a rule that moves
    "leakedTokens": ("block", "a token of the Hub in a file"),
    "lfsObjects": ("block", "an LFS object that is not on this machine, or too large for how git-lfs is set up"),
    "metadata": ("block", "metadata of the model card that the Hub, asked, refuses"),
}
SEVERITIES = ("block", "warn", "off")

MAX_SHOWN = 5  # problems of one kind


class Verdict:
    """What is wrong with a push or a commit: `refusals` stop it, `warnings` do not."""

    def __init__(self) -> None:
        self.refusals: list[Problem] = []
        self.warnings: list[Problem] = []

    def add(self, severity: str, problems: Iterable[Problem]) -> None:
        """File problems of one kind, the first few of them; `off` looks at none."""
        if severity == "off":
            return
        found = list(problems)
        if len(found) > MAX_SHOWN:
            last = found[MAX_SHOWN - 1]
            found[MAX_SHOWN - 1 :] = [Problem(f"{last.message}; and {len(found) - MAX_SHOWN} more like this", last.fix)]
        (self.refusals if severity == "block" else self.warnings).extend(found)

    def add_all(self, severity: dict[str, str], found: Iterable[tuple[str, Iterable[Problem]]]) -> None:
        """File what each check has found, as bad as each is."""
        for check, problems in found:
            self.add(severity[check], problems)


def hooks_are_off() -> bool:
    """Whether `GIT_CREDENTIAL_HF_HOOKS` turns the hooks off, for one command or one job."""
    return os.environ.get("GIT_CREDENTIAL_HF_HOOKS", "on").lower() in ("off", "0", "false", "no")


def parse_push(arguments: Sequence[str], source: BinaryIO) -> tuple[str, str, bytes]:
    """The remote's name, its URL, and the lines of references: as git tells a pre-push hook (githooks(5)).

    The pre-commit framework tells the same in its environment, of the first reference that has something new. Raises
    `Problem` where neither has told anything.
    """
    if len(arguments) == 2:
        return arguments[0], arguments[1], source.read()
    told = {name: os.environ.get(f"PRE_COMMIT_{name}", "") for name in _OF_PRE_COMMIT}
    if arguments or not told["REMOTE_URL"]:
        raise Problem("a pre-push hook is started with the name and the URL of a remote", "see githooks(5)")
    # The tip is not named where a root commit is pushed, and FROM_REF may be a commit that the remote has not got.
    tip = told["TO_REF"] or run_git("rev-parse", "--verify", "--end-of-options", told["LOCAL_BRANCH"]).decode().strip()
    line = f"{told['LOCAL_BRANCH']} {tip} {told['REMOTE_BRANCH']} {'0' * len(tip)}\n"
    return told["REMOTE_NAME"], told["REMOTE_URL"], line.encode("utf-8", "surrogateescape")


_OF_PRE_COMMIT = ("REMOTE_NAME", "REMOTE_URL", "LOCAL_BRANCH", "REMOTE_BRANCH", "TO_REF")


def pre_push(remote: str, url: str, given: bytes) -> Verdict:
    """Judge a push to `url` of the references in `given`; `remote` is its name, or the URL once more (githooks(5))."""
    verdict = Verdict()
    where = parse_remote(url)
    if where is None or hooks_are_off():
        return verdict
    updates = parse_updates(given)
    if not updates:
        return verdict
    entries = read_config()
    severity = _severities(entries, verdict)
    transport, path = where
    repository = repository_at(path)
    if transport == "https" and repository is not None and severity["writeCheck"] != "off":
        write = not all(update.remote_ref.startswith("refs/pr/") for update in updates)
        _judge_access(verdict, severity["writeCheck"], url, repository, entries, write)
        if verdict.refusals:
            return verdict  # the rest takes longer, and would not be read
    if not is_at_endpoint(url if transport == "https" else "https://hf.co"):
        severity = {**severity, "metadata": "off"}  # another Hub does not judge the card, nor is it shown it
    if any(severity[check] != "off" for check in CHECKS if check != "writeCheck"):
        tracked = remote if _tells(remote, url, entries) else url
        with _Progress("looking at what this push adds") as progress:

            def look(has: Iterable[str]) -> Additions:
                return scan_push(
                    updates,
                    tracked,
                    has=has,
                    secrets=_our_secrets(),
                    progress=progress.show,
                    read_contents=_needs_contents(severity),
                )

            added, doubtful = look(()), Verdict()
            doubtful.add_all(severity, find_problems(added, entries, None))
            branch = _elsewhere(updates) if doubtful.refusals or doubtful.warnings else ""
            if doubtful.refusals:
                # A push to a URL, a bare clone, or a pull request that was fetched and merged here: what the Hub has
                # already, no tracking reference tells.
                listed = _advertised(url)
                is_kept_from_it = listed is None and transport == "https" and without_credentials(url) != url
                if is_kept_from_it and not known_objects(updates, tracked, entries):
                    # All of its history has been judged, and the Hub may have it: no definite no.
                    message = "what the Hub has already is not known: git has no credential but the one in the URL"
                    verdict.warnings.append(Problem(message, "git-credential-hf doctor --fix"))
                    severity = {check: "warn" if level == "block" else level for check, level in severity.items()}
                added = look(listed or ())
                if transport == "https" and repository is not None:
                    added.pointers = _lacking(added.pointers, url, repository, entries)
        verdict.add_all(severity, find_problems(added, entries, repository, branch))
    return verdict


def _lacking(
    pointers: Sequence[LfsPointer], url: str, repository: Repository, entries: list[ConfigEntry]
) -> list[LfsPointer]:
    """Those without what the Hub has, where neither this machine nor a commit here that the Hub has knows of it."""
    missing = [(pointer.oid, pointer.size) for pointer in pointers if pointer.is_missing]
    if not missing or not is_at_endpoint(url):
        return list(pointers)
    try:
        token = next(git_credentials(url, entries), None)
        there = stored_lfs_objects(token, repository, missing) if token else set()
    except Problem:
        there = set()
    return [pointer for pointer in pointers if pointer.oid not in there]


def _elsewhere(updates: Sequence[RefUpdate]) -> str:
    """The branch that is pushed, for a shell, where another one is checked out: what mends history goes by that."""
    refs = {update.local_ref for update in updates if not update.is_deletion}
    (ref,) = refs if len(refs) == 1 else ("",)
    try:
        is_here = git_line("symbolic-ref", "--quiet", "HEAD") == ref
    except Problem:
        is_here = False  # no branch is checked out
    return "" if is_here or not ref.startswith("refs/heads/") else " " + shlex.quote(ref.removeprefix("refs/heads/"))


def _tells(remote: str, url: str, entries: list[ConfigEntry]) -> bool:
    """Whether the tracking references of a remote tell what is at `url`, and not what another of its URLs has."""
    own = [entry for entry in entries if (entry.section, entry.subsection) == ("remote", remote)]
    if sum(entry.name in ("url", "pushurl") for entry in own) < 2 and not any(
        (entry.section, entry.name) == ("url", "pushinsteadof") for entry in entries
    ):
        return True
    try:
        urls = [
            *git_line("remote", "get-url", "--all", "--", remote).split("\n"),
            *git_line("remote", "get-url", "--push", "--all", "--", remote).split("\n"),
        ]
    except Problem:
        return False  # it is no name
    return len({_place_of(one) for one in [*urls, url]}) == 1


def _place_of(url: str) -> object:
    where = parse_remote(url)
    return (where and repository_at(where[1])) or url  # of the Hub, it is the same by HTTPS and by SSH


def _advertised(url: str) -> list[str] | None:
    """The ids to which the references of a remote lead, as it says itself; `None` where it does not say.

    It is asked without the password that the URL may hold, which others could read among the arguments: git's helpers
    have one, or it does not say.
    """
    scheme, separator, rest = without_credentials(url).partition("://")
    if separator and not scheme.lower().startswith("http"):
        rest = f"git@{rest}"  # the Hub's one user of SSH
    try:
        listed = run_git("ls-remote", "--", scheme + separator + rest, environment=NO_PROMPTS)
    except Problem:
        return None
    return [line.partition(b"\t")[0].decode() for line in listed.splitlines()]


def pre_commit() -> Verdict:
    """Judge what is staged: Hub tokens anywhere, and what the Hub refuses where a remote of the repository is there."""
    verdict = Verdict()
    if hooks_are_off():
        return verdict
    entries = read_config()
    severity = _severities(entries, verdict)
    remotes = [entry for entry in entries if entry.section == "remote" and entry.name in ("url", "pushurl")]
    if not any(parse_remote(entry.value or "") for entry in remotes):
        severity = {check: severity[check] if check == "leakedTokens" else "off" for check in CHECKS}
    if any(severity[check] != "off" for check in ("largeFiles", "binaryFiles", "leakedTokens", "lfsObjects")):
        found = scan_index(secrets=_our_secrets(), read_contents=_needs_contents(severity))
        verdict.add_all(severity, find_problems(found, entries, None))
    return verdict


def _severities(entries: list[ConfigEntry], verdict: Verdict) -> dict[str, str]:
    found = {check: usual for check, (usual, _) in CHECKS.items()}
    for entry in entries:
        for check in CHECKS:
            if entry.section == "hf" and entry.name == check.lower() and not entry.subsection:
                value = (entry.value or "block").lower()
                if value in SEVERITIES:
                    found[check] = value
                else:
                    fix = f"run `git config hf.{check} {CHECKS[check][0]}`"
                    verdict.add("warn", [Problem(f"hf.{check} is '{value}', and not block, warn or off", fix)])
    return found


def _needs_contents(severity: dict[str, str]) -> bool:
    """Whether a check is on that has to read files: for the size of one it is enough to ask git."""
    return any(severity[check] != "off" for check in CHECKS if check not in ("writeCheck", "largeFiles"))


def _our_secrets() -> list[str]:
    """The tokens of this user: they are found in a file whatever they look like."""
    secrets = []
    for name in [None, *stored_token_names()]:
        try:
            token = current_token(act=False) if name is None else stored_token(name, act=False)
        except Problem:
            continue
        if token is not None:
            secrets.append(token.value)
    return secrets


# --- the credential ---


def _judge_access(
    verdict: Verdict,
    severity: str,
    url: str,
    repository: Repository,
    entries: list[ConfigEntry],
    write: bool,
) -> None:
    if is_recorded(REJECTED, section_origin(url) or ""):
        discard_record(REJECTED)
        message = "git has begun this push with what another helper held, and which has been rejected since"
        verdict.warnings.append(Problem(message, "if the Hub refuses the push, run it again"))
    answer: Answer | None = None
    asked = f"whether this push may {'write to' if write else 'reach'} {repository.name}"
    if not is_at_endpoint(url):  # that one knows nothing of it, and is given nothing that is not its own
        verdict.warnings.append(Problem(f"{asked} is not known: HF_ENDPOINT is another Hub", "unset HF_ENDPOINT"))
        return
    try:
        for token in git_credentials(url, entries):
            answer = check_access(token, repository, write=write)
            if not is_current_token(token):
                verdict.warnings.append(_in_its_place(token))
            if answer.reason not in ("token-invalid", "token-expired") or not falls_through(token):
                break
    except NoAnswer as problem:
        verdict.warnings.append(Problem(f"{asked} is not known: {problem.message}"))
        return
    if answer is None:
        if is_given_elsewhere(url, entries):
            return  # git has been let in with what we cannot see
        if is_cut_off(url, entries):
            verdict.warnings.append(Problem(f"{asked} is not known: git did not get the token that this helper has"))
            return
        answer = check_access(None, repository, write=True)
    if answer.answer == "no":
        verdict.add(severity, [Problem(answer.message, answer.fix)])
    elif answer.answer == "unknown":
        verdict.warnings.append(Problem(f"{asked} is not known: {answer.message}"))


def _in_its_place(token: Token) -> Problem:
    try:
        current = current_token(act=False)
    except Problem:
        current = None
    instead = f", and not the current {mask_token(current.value)}" if current else ""
    return Problem(f"git uses the token {token.describe()} for this push{instead}", token.remedy())


# --- progress ---


class _Progress:
    """A line on the terminal, if there is one, for what takes longer than a second; it leaves nothing behind."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_seen = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + 1
        self._width = 0

    def __enter__(self) -> "_Progress":
        return self

    def show(self, objects: int) -> None:
        if not self._is_seen or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        line = f"git-credential-hf: {self._what}: {objects:,} objects"
        self._width = max(self._width, len(line))
        os.write(2, f"\r{line}".encode())

    def __exit__(self, *_: object) -> None:
        if self._width:
            os.write(2, f"\r{' ' * self._width}\r".encode())
