"""Check what the Hub would refuse of a push or a commit, before anything is uploaded.

The scripts in `hooks/` run this. `scan` finds what is added, `rules` what is wrong with it, and `api.access` what the
token may do. How severe that is, git's configuration decides (`hf.*`).
"""

import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import BinaryIO

from git_credential_hf.api.access import are_valid, check_access
from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.contents import find_commit
from git_credential_hf.api.refusals import Answer
from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.credentials import (
    NotAsked,
    falls_through,
    git_credentials,
    is_current_token,
    is_cut_off,
    is_given_elsewhere,
    may_need_person,
)
from git_credential_hf.git.helpers import configured_hubs
from git_credential_hf.git.lfs_endpoint import upload_endpoint
from git_credential_hf.git.run import NO_PROMPTS, NoAnswer, git_line, run_git
from git_credential_hf.hooks.cards import changed_cards
from git_credential_hf.hooks.fixes import Fixes
from git_credential_hf.hooks.history import cut_off_commit
from git_credential_hf.hooks.leaks import Leak
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES
from git_credential_hf.hooks.rules import MAX_FILE_SIZE, card_problems, find_problems
from git_credential_hf.hooks.scan import (
    Additions,
    RefUpdate,
    announced_ids,
    are_present,
    parse_updates,
    scan_index,
    scan_push,
    without_known,
)
from git_credential_hf.hooks.uploads import Uploads
from git_credential_hf.hub import PUBLIC_HUB, Remote, Repository, environment_hub, parse_remote, without_credentials
from git_credential_hf.masking import mask_line, mask_token
from git_credential_hf.problem import Problem, shell_word
from git_credential_hf.state import REJECTED, discard_record, is_recorded
from git_credential_hf.tokens import Token, current_token, stored_token, stored_token_names

# Each check has a key in git's configuration (`hf.KEY`), a default, and a description.
CHECKS = {
    "writeCheck": (
        "block",
        "no write access to the repository (`refs/pr/N` does not need it), or a shallow clone of what the Hub lacks",
    ),
    "largeFiles": (
        "block",
        f"a file over {MAX_FILE_SIZE} outside LFS, or over {MAX_DIRECTORY_FILES:,} files in a directory",
    ),
    # By a rule that changes: refused if the Hub itself says so, and nothing is configured.
    "binaryFiles": ("warn", "a binary file outside LFS; `block` if the Hub says that it is for LFS"),
    "leakedTokens": (
        "block",
        "your Hub token, or a valid one, in an added line, message or name; others are a warning",
    ),
    "lfsObjects": ("block", "an LFS object that is not on this machine, or too large for this git-lfs setup"),
    "metadata": ("block", "model card metadata that the Hub rejects"),
}
SEVERITIES = ("block", "warn", "off")

MAX_SHOWN = 5  # problems of one kind


class Verdict:
    """What is wrong with a push or a commit: `refusals` stop it, `warnings` do not."""

    def __init__(self) -> None:
        self.refusals: list[Problem] = []
        self.warnings: list[Problem] = []

    def add(self, severity: str, problems: Iterable[Problem]) -> None:
        """Add the first few problems of one kind; with `off` they are not even looked for."""
        if severity == "off":
            return
        found = list(problems)
        if len(found) > MAX_SHOWN:
            last = found[MAX_SHOWN - 1]
            found[MAX_SHOWN - 1 :] = [Problem(f"{last.message}; and {len(found) - MAX_SHOWN} more like this", last.fix)]
        (self.refusals if severity == "block" else self.warnings).extend(found)

    def add_all(self, severity: dict[str, str], found: Iterable[tuple[str, Iterable[Problem]]]) -> None:
        """Add the problems of each check, with the severity of that check."""
        for check, problems in found:
            self.add(severity[check], problems)

    def warn(self, message: str, fix: str | None = None) -> None:
        """Add one warning."""
        self.warnings.append(Problem(message, fix))


def hooks_are_off() -> bool:
    """Whether `GIT_CREDENTIAL_HF_HOOKS` turns the hooks off, for one command or one job."""
    return os.environ.get("GIT_CREDENTIAL_HF_HOOKS", "on").lower() in ("off", "0", "false", "no")


def parse_push(arguments: Sequence[str], source: BinaryIO) -> tuple[str, str, bytes]:
    """Return the remote's name, its URL, and the lines of references, as git gives them to a hook (githooks(5)).

    The pre-commit framework gives them in its environment, for the first reference that adds something. Raises
    `Problem` if neither did.
    """
    if len(arguments) == 2:
        return arguments[0], arguments[1], source.read()
    given = {name: os.environ.get(f"PRE_COMMIT_{name}", "") for name in _PRE_COMMIT_VARIABLES}
    if arguments or not given["REMOTE_URL"]:
        raise Problem("a pre-push hook takes the name and the URL of the remote", "run `git help githooks`")
    # TO_REF is not set if a root commit is pushed, and FROM_REF may be a commit that the remote does not have.
    tip = (
        given["TO_REF"] or run_git("rev-parse", "--verify", "--end-of-options", given["LOCAL_BRANCH"]).decode().strip()
    )
    line = f"{given['LOCAL_BRANCH']} {tip} {given['REMOTE_BRANCH']} {'0' * len(tip)}\n"
    return given["REMOTE_NAME"], given["REMOTE_URL"], line.encode("utf-8", "surrogateescape")


_PRE_COMMIT_VARIABLES = ("REMOTE_NAME", "REMOTE_URL", "LOCAL_BRANCH", "REMOTE_BRANCH", "TO_REF")


def check_push(remote: str, url: str, lines: bytes) -> Verdict:
    """Check a push to `url` of the references in `lines`; `remote` is its name, or the URL again (githooks(5))."""
    verdict = Verdict()
    if hooks_are_off():
        return verdict
    entries = read_config()
    parsed = parse_remote(url, configured_hubs(entries))
    if parsed is None:
        _check_lfs_of_forge(remote, url, lines, verdict, entries)
        return verdict
    updates = parse_updates(lines)
    if updates:
        push = _Push(remote, url, parsed, updates, verdict, entries)
        push.check_credential()
        if not verdict.refusals:
            push.check_history()
        if not verdict.refusals:  # the contents take longer
            push.check_contents()
    return verdict


def _check_lfs_of_forge(remote: str, url: str, lines: bytes, verdict: Verdict, entries: list[ConfigEntry]) -> None:
    """Check what git-lfs uploads to the Hub when git pushes to another host."""
    endpoint = upload_endpoint(remote, url, entries)
    place = endpoint.on_hub(configured_hubs(entries))
    updates = parse_updates(lines) if place and place.repository else []
    if place and updates:
        push = _Push(remote, url, place, updates, verdict, entries)
        push.credential_url = endpoint.url
        push.check_lfs_alone()


def check_commit() -> Verdict:
    """Check what is staged: for tokens, and if a remote is on the Hub, for what the Hub would refuse."""
    verdict = Verdict()
    if hooks_are_off():
        return verdict
    entries = read_config()
    severity = _severities(entries, verdict)
    remotes = [entry for entry in entries if entry.section == "remote" and entry.name in ("url", "pushurl")]
    hubs = configured_hubs(entries)
    if not any(parse_remote(entry.value or "", hubs) for entry in remotes):
        severity = {check: level if check.endswith("Tokens") else "off" for check, level in severity.items()}
    if any(severity[check] != "off" for check in ("largeFiles", "binaryFiles", "leakedTokens", "lfsObjects")):
        added = scan_index(secrets=_stored_secrets(), read_contents=_needs_contents(severity))
        added.leaks = _ask_about(added.leaks, _only_hub(remotes, hubs) if severity["leakedTokens"] != "off" else None)
        verdict.add_all(severity, find_problems(added, entries))
    return verdict


def _severities(entries: list[ConfigEntry], verdict: Verdict) -> dict[str, str]:
    """Return the severity of each check as configured; an invalid value is a warning."""
    found = {check: default for check, (default, _) in CHECKS.items()}
    found["filesForLfs"] = "block"
    for entry in entries:
        for check, (default, _) in CHECKS.items():
            if entry.section == "hf" and entry.name == check.lower() and not entry.subsection:
                value = (entry.value or "block").lower()
                if value in SEVERITIES:
                    found[check] = value
                    if check == "binaryFiles":
                        found["filesForLfs"] = value
                else:
                    verdict.warn(
                        f"hf.{check} is '{value}'; it must be block, warn or off",
                        f"run `git config hf.{check} {default}`",
                    )
    found["unknownTokens"] = "off" if found["leakedTokens"] == "off" else "warn"
    found["unconfirmedObjects"] = "off" if found["lfsObjects"] == "off" else "warn"
    return found


def _needs_contents(severity: dict[str, str]) -> bool:
    """Whether a check is on that has to read files; sizes alone are cheap."""
    return any(severity[check] != "off" for check in CHECKS if check not in ("writeCheck", "largeFiles"))


def _stored_secrets() -> list[str]:
    """Return this user's tokens, which are found in a file whatever they look like."""
    tokens = []
    for hub in dict.fromkeys((PUBLIC_HUB, environment_hub() or PUBLIC_HUB)):  # HF_TOKEN may be for one of them alone
        with suppress(Problem):
            tokens.append(current_token(hub, act=False))
    for name in stored_token_names():
        with suppress(Problem):
            tokens.append(stored_token(name, act=False))
    return [token.value for token in tokens if token is not None]


def _only_hub(remotes: list[ConfigEntry], hubs: Sequence[str]) -> str | None:
    """Return the Hub to which tokens in this repository may belong; `None` if there are several."""
    found = {parsed.hub for entry in remotes if (parsed := parse_remote(entry.value or "", hubs))}
    if not found and not hubs and environment_hub() in (None, PUBLIC_HUB):
        return PUBLIC_HUB
    return found.pop() if len(found) == 1 else None


def _ask_about(leaks: list[Leak], hub: str | None) -> list[Leak]:
    """Return the leaks with what the Hub says of tokens that are not this user's, without those that are not valid."""
    others = [leak.token for leak in leaks if not leak.is_own]
    answers = are_valid(others, hub) if others and hub else {}
    return [
        leak._replace(is_valid=answers.get(leak.token))
        for leak in leaks
        if leak.is_own or answers.get(leak.token) is not False
    ]


class _Push:
    """A push to the Hub, and the checks that add to its verdict."""

    def __init__(
        self,
        remote: str,
        url: str,
        parsed: Remote,
        updates: list[RefUpdate],
        verdict: Verdict,
        entries: list[ConfigEntry],
    ) -> None:
        self.remote = remote
        self.url = url
        self.hub = parsed.hub
        self.is_https = parsed.transport == "https"
        self.repository = parsed.repository
        self.updates = updates
        self.verdict = verdict
        self.entries = entries
        self.severity = _severities(self.entries, verdict)
        self.fixes = Fixes(remote, url, updates, entries)
        self.credential_url = url  # git-lfs's may be another one
        self._token: Token | None = None  # the one that was checked

    # --- the credential ---

    def check_credential(self) -> None:
        """Check that the credential that git uses may push; over SSH git uses none that could be checked."""
        if not self.is_https or self.repository is None or self.severity["writeCheck"] == "off":
            return
        if is_recorded(REJECTED, self.hub):
            discard_record(REJECTED)
            self.verdict.warn(
                "git started this push with a stale token from another helper; it has since been removed",
                "if the push fails, run it again",
            )
        unknown = f"cannot check access to {self.repository.name}"
        try:
            answer = self._ask_for_tokens(self.repository)
        except NotAsked:
            return
        except NoAnswer as problem:
            self.verdict.warn(f"{unknown}: {problem.message}")
            return
        if answer is None:
            if is_given_elsewhere(without_credentials(self.credential_url), self.entries):
                return  # git has a credential that cannot be seen from here
            if is_cut_off(self.credential_url, self.entries):
                self.verdict.warn(f"{unknown}: git credential does not return the token of this helper")
                return
            answer = check_access(None, self.repository, write=True)
        if answer.answer == "no":
            self.verdict.add(self.severity["writeCheck"], [Problem(answer.message, answer.fix)])
        elif answer.answer == "unknown" and answer.is_news:
            self.verdict.warn(f"{unknown}: {answer.message}", answer.fix)

    def _ask_for_tokens(self, repository: Repository) -> Answer | None:
        """Return the Hub's answer for the token that git will use; `None` if git has none.

        git sends its tokens in order, and goes on to the next if the Hub rejects one that came from `.netrc`, say.
        """
        write = not all(update.remote_ref.startswith("refs/pr/") for update in self.updates)
        answer: Answer | None = None
        for token in git_credentials(self.credential_url, self.entries, persons=False):
            answer = check_access(token, repository, write=write, use_cache=True)
            self._token = token
            if not is_current_token(token):
                self._warn_of_other_token(token)
            if answer.reason not in ("token-invalid", "token-expired") or not falls_through(token):
                break
        return answer

    def _warn_of_other_token(self, token: Token) -> None:
        try:
            current = current_token(self.hub, act=False)
        except Problem:
            current = None
        instead = f" instead of the current {mask_token(current.value)}" if current else ""
        self.verdict.warn(f"git uses the token {token.describe()} for this push{instead}", token.remedy())

    # --- the contents ---

    def check_contents(self) -> None:
        """Check the files that the push adds to what the Hub has, as the Hub itself says."""
        if all(self.severity[check] == "off" for check in CHECKS if check != "writeCheck"):
            return
        uploads = Uploads(self.repository, self.updates, self._find_token) if self.repository else None
        added = self._scan()
        self._resolve(added, uploads)
        found = Verdict()
        found.add_all(self.severity, find_problems(added, self.entries))
        branch = self._other_branch() if found.refusals or found.warnings else ""
        if found.refusals or added.leaks:
            if has := self._has_beside(added, uploads):
                added = without_known(added, self.updates, has)
            if not self._knows_remote:
                self._do_not_refuse()
            if self.severity["leakedTokens"] != "off":
                added.leaks = _ask_about(added.leaks, self.hub)
        self.fixes.set_refused(added)
        self.verdict.add_all(self.severity, find_problems(added, self.entries, branch, self.fixes))
        if uploads and added.pointers:
            self._check_lfs_endpoint(added, uploads)
        if self.repository and self.severity["metadata"] != "off":
            cards = changed_cards(self.updates)
            self.verdict.add(self.severity["metadata"], card_problems(cards, self.repository, self.fixes))
        if self.verdict.refusals:
            self._name_other_references()

    def _scan(self) -> Additions:
        """Scan what the push adds to what the remote has, as it says itself: git has announced that, or is asked."""
        has = (self._listed or ()) if self._has_new else ()
        with _Progress("scanning this push") as progress:
            return scan_push(
                self.updates,
                has=has,
                secrets=_stored_secrets(),
                progress=progress.show,
                read_contents=_needs_contents(self.severity),
                entries=self.entries,
            )

    def _has_beside(self, added: Additions, uploads: Uploads | None) -> list[str]:
        """Return what the remote has that the scan did not know of, as it may have what was found.

        That is on other branches, or below a commit that is not in this repository.
        """
        has = [] if self._has_new else [*(self._listed or ())]
        if uploads and not are_present(announced_ids(self.updates).union(self._listed or ())):
            has += uploads.find_commits(added)
        return has

    @property
    def _has_new(self) -> bool:
        return any(update.is_new for update in self.updates)

    @cached_property
    def _listed(self) -> list[str] | None:
        return _remote_oids(self.url, self.entries)

    @property
    def _knows_remote(self) -> bool:
        """Whether the scan knew anything of what the remote has, if that may have something."""
        return not self._has_new or self._listed is not None or bool(announced_ids(self.updates))

    def _resolve(self, added: Additions, uploads: Uploads | None) -> None:
        """Ask the Hub about what is in doubt, but for what is turned off."""
        for check, name in (("largeFiles", "large"), ("binaryFiles", "binary"), ("lfsObjects", "pointers")):
            if self.severity[check] == "off":
                setattr(added, name, [])
        if uploads:
            uploads.resolve(added)

    def check_lfs_alone(self) -> None:
        """Check the LFS files of a push to another host; nothing else of it goes to the Hub."""
        if self.repository is None or all(self.severity[check] == "off" for check in ("writeCheck", "lfsObjects")):
            return
        added = Additions()
        added.pointers = self._scan().pointers
        if not added.pointers:
            return
        self.check_credential()
        if not self.verdict.refusals:
            if not self._knows_remote:
                self._do_not_refuse()
            Uploads(self.repository, self.updates, self._find_token).resolve(added)
            self.verdict.add_all(self.severity, find_problems(added, self.entries, fixes=self.fixes))

    def _check_lfs_endpoint(self, added: Additions, uploads: Uploads) -> None:
        """Check that git-lfs uploads to the repository that git pushes to, which refuses pointers to nothing.

        Refused if the files of the repository, and not the user, have it so, and the Hub has said that it is another
        repository, and lacks the objects; another host may be a way to the Hub.
        """
        endpoint = upload_endpoint(self.remote, self.url, self.entries)
        place = endpoint.on_hub(configured_hubs(self.entries))
        elsewhere = place.repository if place else None
        if self.repository is None or elsewhere == self.repository:
            return
        severity = "off" if self.severity["lfsObjects"] == "off" else "warn"
        if elsewhere is not None and elsewhere.hub == self.hub:
            with suppress(Unreachable):
                found = find_commit(self._find_token(), elsewhere, "main")
                if found and found[0] == self.repository.name:
                    return  # its old name
                is_lacking = found and False in [uploads.stored(added.pointers).get(p.oid) for p in added.pointers]
                if is_lacking and endpoint.is_of_files:
                    severity = self.severity["lfsObjects"]
        shown = mask_line(without_credentials(endpoint.url).partition("?")[0])
        message = f"git-lfs uploads the LFS files of this push to {shown}, and not to {self.repository.page}"
        refs = " ".join(shell_word(f"{update.local_ref}:{update.remote_ref}") for update in self.updates)
        self.verdict.add(
            severity,
            [Problem(message, endpoint.fix or f"run `git push {shell_word(without_credentials(self.url))} {refs}`")],
        )

    def _name_other_references(self) -> None:
        """Name what a mirror of another forge has beside branches and tags: what is refused may be in that alone."""
        names = [update.remote_ref for update in self.updates if not update.is_deletion]
        others = [name for name in names if not name.startswith(("refs/heads/", "refs/tags/", "refs/pr/"))]
        if others:
            more = f" and {len(others) - 1:,} more references" if len(others) > 1 else ""
            url = shell_word(without_credentials(self.url))  # its name may have `mirror` configured
            self.verdict.warn(
                f"this push has {others[0]}{more} beside branches and tags, and what is refused may be in those alone",
                f"run `git push {url} 'refs/heads/*:refs/heads/*' 'refs/tags/*:refs/tags/*'`",
            )

    def _do_not_refuse(self) -> None:
        """Turn refusals into warnings: all of the history was scanned, and the Hub may have it already."""
        if self.is_https and without_credentials(self.url) != self.url:
            reason, fix = "git has no credential but the one in the URL", "git-credential-hf doctor --fix"
        else:
            reason, fix = "git cannot list its references without a prompt", None
        self.verdict.warn(f"cannot tell what the Hub has already: {reason}", fix)
        self.severity = {check: "warn" if level == "block" else level for check, level in self.severity.items()}

    def _find_token(self) -> Token | None:
        """Return the credential that git uses; `None` if it has none, and over SSH."""
        if self._token is None and self.is_https:
            with suppress(Problem):
                self._token = next(git_credentials(self.credential_url, self.entries, persons=False), None)
        return self._token

    def check_history(self) -> None:
        """Check that a shallow clone has all that the Hub lacks."""
        if self.repository is None or self.severity["writeCheck"] == "off":
            return
        commit = cut_off_commit(self.updates, self.repository, self._find_token)
        if commit is not None:
            message = f"this clone is shallow: the parents of commit {commit[:10]} are not in it, and the Hub lacks it"
            self.verdict.add(self.severity["writeCheck"], [Problem(message, self.fixes.deepen())])

    def _other_branch(self) -> str:
        """Return the branch that is pushed, for a shell, if it is not checked out: a fix has to name it then."""
        refs = {update.local_ref for update in self.updates if not update.is_deletion}
        (ref,) = refs if len(refs) == 1 else ("",)
        try:
            is_checked_out = git_line("symbolic-ref", "--quiet", "HEAD") == ref
        except Problem:
            is_checked_out = False  # HEAD is detached
        if is_checked_out or not ref.startswith("refs/heads/"):
            return ""
        return " " + shell_word(ref.removeprefix("refs/heads/"))


def _remote_oids(url: str, entries: Sequence[ConfigEntry] = ()) -> list[str] | None:
    """Return the ids of the references that a remote lists; `None` if it does not.

    The URL is passed without its password, which other users could read among the arguments; and no credential is
    asked for if a person may have to act.
    """
    scheme, separator, rest = without_credentials(url).partition("://")
    if separator and not scheme.lower().startswith("http"):
        rest = f"git@{rest}"  # the user that the Hub has for SSH
    elif separator:
        rest = f"{rest.rstrip('/')}/"  # which git takes off again: longer than an `insteadOf` of the whole URL
    try:
        # Not where `insteadOf` would lead, such as a mirror to read from: the longest match counts.
        plain = scheme + separator + rest
        alias = f"url.{plain}.insteadOf={plain}"
        helpers = ["-c", "credential.helper="] if may_need_person(url, entries) else []
        listed = run_git("-c", alias, *helpers, "ls-remote", "--", plain, environment=NO_PROMPTS, may_connect=True)
    except Problem:
        return None
    return [line.partition(b"\t")[0].decode() for line in listed.splitlines()]


class _Progress:
    """A line on the terminal, if there is one, for what takes longer than a second; it is cleared at the end."""

    def __init__(self, action: str) -> None:
        self._action = action
        self._is_visible = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + 1
        self._width = 0

    def __enter__(self) -> "_Progress":
        return self

    def show(self, objects: int) -> None:
        if not self._is_visible or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        line = f"git-credential-hf: {self._action}: {objects:,} objects"
        self._width = max(self._width, len(line))
        os.write(2, f"\r{line}".encode())

    def __exit__(self, *_: object) -> None:
        if self._width:
            os.write(2, f"\r{' ' * self._width}\r".encode())
