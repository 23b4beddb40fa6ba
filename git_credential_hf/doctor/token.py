"""Checks of the token: is there one, is it good, which one counts, and who can read it."""

import os
import re
import shlex
import stat
import sys
import time
from collections.abc import Callable, Iterator

from git_credential_hf.api.account import Account
from git_credential_hf.api.refusals import WRITE_ROLE, Refused, other_token_hint
from git_credential_hf.doctor.environment import is_without_login, token_hint
from git_credential_hf.doctor.finding import Finding, Row
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.files import Change, FileChange, ModeChange, read_file
from git_credential_hf.hub import token_settings_url
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.token_files import stored_tokens_path, token_path
from git_credential_hf.tokens import NOT_LOGGED_IN, Token, login_token

EXPIRING = 3 * 24 * 3600  # seconds before the expiry of a token that is not renewed


def check_resolvers(machine: Machine, rows: list[Row], causes: list[Finding]) -> Iterator[Finding]:
    """Check whether the four programs, which look in different places, find different tokens.

    `causes`: the other findings, whose fixes end this one, too.
    """
    own = machine.own  # another one on purpose, which git-xet and huggingface_hub do not know
    have = [(row, row.token) for row in rows if row.token and not (own and row.token.value == own.value)]
    if len({token.value for _, token in have}) < 2:
        return
    detail = "\n".join(
        f"{row.program}: {mask_token(row.token.value) if row.token else 'nothing'} from {row.source}" for row in rows
    )
    errors = [finding for finding in causes if finding.severity == "error"] or causes
    if any(finding.changes for finding in errors):
        fix = "run `git-credential-hf doctor --fix`"
    else:
        fix = errors[0].fix if errors else "run `git-credential-hf configure`"
    first = have[0][0]
    other = next(row for row, token in have if token.value != have[0][1].value)
    yield Finding(
        "resolvers-disagree",
        "error",
        f"{first.program} and {other.program} use different tokens",
        detail,
        fix,
    )


def check_token(machine: Machine) -> Iterator[Finding]:
    """Check whether there is a token."""
    token = machine.token
    if machine.broken is not None:
        yield Finding("no-token", "error", machine.broken.message, "", machine.broken.fix or token_hint())
    elif token is None:
        yield Finding(
            "no-token",
            "error",
            NOT_LOGGED_IN,
            f"HF_TOKEN is not set, and there is no token in {token_path()}",
            token_hint(),
        )
    elif token.kind != "oidc" and token.expires_at is not None and not token.is_renewable and not token.is_expired():
        left = token.expires_at - time.time()
        if left < EXPIRING:
            yield Finding(
                "token-expiring",
                "warning",
                f"the token expires in {int(left // 3600)} hours",
                token.describe(),
                token.remedy(),
            )


def check_hub(machine: Machine) -> Iterator[Finding]:
    """Ask the Hub about the current token, and about the one of this namespace."""
    for token in filter(None, (machine.token, machine.own)):
        answer = machine.ask(token)
        if answer is None:
            if token.is_expired() and not token.is_renewable:
                yield Finding("token-expired", "error", "the token has expired", token.describe(), token.remedy())
        elif isinstance(answer, Account):
            if answer.role == "read":
                yield Finding(
                    "read-only-token",
                    "warning",
                    "the token is read-only: the Hub will refuse a push",
                    f"{token.describe()}, of {answer.name}",
                    other_token_hint(token, WRITE_ROLE),
                )
        elif isinstance(answer, Refused):
            yield Finding(answer.code, "error", _short(answer.code), answer.message, answer.fix or token.remedy())
        else:
            yield Finding(
                "hub-unreachable",
                "warning",
                "the Hub cannot be reached",
                answer.message,
                "try again, or run `git-credential-hf doctor --offline`",
            )
            return


def _short(code: str) -> str:
    return {"token-expired": "the token has expired"}.get(code, "the Hub does not know this token")


def check_environment(machine: Machine) -> Iterator[Finding]:
    """Check the environment variables that override the login."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        value = os.environ.get(name)
        if value is None:
            continue
        fault = _fault(value)
        if fault:
            yield Finding(
                "token-malformed",
                "error" if value.strip() else "warning",
                f"{name} {fault}",
                f"{name} is set in the environment of this shell or job",
                f"run `unset {name}`, or {token_hint()}"
                if is_without_login()
                else f"run `unset {name}`, or set it to a token of {token_settings_url()}",
            )
    token = machine.token
    login = _login()
    if token and login and token.kind == "env" and token.value != login.value:
        name = token.place
        yield Finding(
            "env-overrides-login",
            "warning",
            f"{name} overrides your login",
            f"{mask_token(token.value)} is used instead of {login.describe()}",
            f"run `unset {name}` to use the login",
        )


def _login() -> Token | None:
    try:
        return login_token()
    except Problem:
        return None


def _fault(value: str) -> str | None:
    """Return what is wrong with the form of a token; only what can never be right."""
    text = value.strip()
    if not text:
        return "is empty"
    if re.fullmatch(r"\$\{?\w+\}?|\$\{\{.*\}\}|\{\{.*\}\}|%\w+%|<.*>", text):
        return "is an unexpanded placeholder"
    if text[0] in "\"'" or text[-1] in "\"'":
        return "contains quotes"
    if re.search(r"\s", text):
        return "contains a space or a line break"
    return None


def check_files(machine: Machine) -> Iterator[Finding]:
    """Check the token files: their form, who may read them, and the one of old versions."""
    for path in (token_path(), stored_tokens_path()):
        try:
            status = os.stat(path)
        except OSError:
            continue
        mode = status.st_mode
        if stat.S_ISREG(mode) and mode & 0o077 and _can_change_mode(path, status):
            yield Finding(
                "token-file-readable",
                "warning",
                f"other users of this machine can read {os.path.basename(path)}",
                f"{path} has mode {stat.S_IMODE(mode):o}",
                f"run `chmod 600 {shlex.quote(path)}`",
                _chmod(path),
            )
    login = _login()
    fault = _fault(login.value) if login else None
    if login and fault:
        yield Finding("token-malformed", "error", f"the token file {fault}", login.where(), token_hint())
    yield from _legacy()


def _can_change_mode(path: str, status: os.stat_result) -> bool:
    """Whether its permissions can be changed from here; a mounted secret gets them from its mount."""
    if sys.platform == "win32":
        return False  # it has none
    return os.geteuid() in (0, status.st_uid) and not os.statvfs(path).f_flag & os.ST_RDONLY


def _chmod(path: str) -> Callable[[], list[Change]]:
    return lambda: [ModeChange(path, 0o600)]


def _legacy() -> Iterator[Finding]:
    path = os.path.join(os.path.expanduser("~"), ".huggingface", "token")
    try:
        is_there = stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    if not is_there or os.path.realpath(path) == os.path.realpath(token_path()):
        return

    def remove() -> list[Change]:
        return [FileChange(path, read_file(path), None, has_backup=True)]

    yield Finding(
        "legacy-token-file",
        "warning",
        "there is an old token file, from before huggingface_hub 0.12",
        f"{path}: old programs still read it instead of {token_path()}",
        f"run `rm {shlex.quote(path)}`",
        remove,
    )
