"""Check the token: whether there is one, whether it is valid, what overrides it, and who can read it."""

import os
import re
import stat
import sys
import time
from collections.abc import Iterator

from git_credential_hf.api.account import Account
from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.refusals import Refused, write_token_hint
from git_credential_hf.configure.settings import missing_tokens
from git_credential_hf.doctor.environment import CONTAINER, detect_environment, token_hint
from git_credential_hf.doctor.finding import Finding, Row, first_fix
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.files import Change, FileChange, ModeChange, read_file
from git_credential_hf.hub import token_settings_url
from git_credential_hf.login_hints import NOT_LOGGED_IN, login_hint
from git_credential_hf.masking import is_placeholder, mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.program import user_name
from git_credential_hf.refresh import old_library_problem, storage_problem
from git_credential_hf.secrets import register_secret
from git_credential_hf.shell import shell_word
from git_credential_hf.token_files import foreign_owner, stored_tokens_path, token_path
from git_credential_hf.tokens import Token, login_token, overridden_login

EXPIRING = 3 * 24 * 3600  # seconds before expiry at which a token that cannot be renewed is reported
_EXAMPLE = "is the placeholder of an example, not a token"
_PLACEHOLDER = re.compile(r"\$\{?\w+\}?|\$\{\{.*\}\}|\{\{.*\}\}|%\w+%|<.*>")  # of shells, CI systems, templates


def check_resolvers(machine: Machine, rows: list[Row], causes: list[Finding]) -> Iterator[Finding]:
    """Check whether the programs would send different tokens; `causes`: findings that may explain it."""
    chosen = machine.resolvers.namespace_token  # different on purpose; git-xet and huggingface_hub do not use it
    sent = [(row, row.token) for row in rows if row.token and not (chosen and row.token.value == chosen.value)]
    # Each exchange of a job's identity gives a new token, so any two of them count as the same.
    other = next((row for row, token in sent if _identity(token) != _identity(sent[0][1])), None)
    if other is None:
        return
    yield Finding(
        "resolvers-disagree",
        "error",
        f"{sent[0][0].program} and {other.program} use different tokens",
        [f"{row.program}: {mask_token(row.token.value) if row.token else 'nothing'} from {row.source}" for row in rows],
        first_fix(causes) or "run `git-credential-hf status` to see which token git uses",
    )


def _identity(token: Token) -> str:
    return token.kind if token.kind == "oidc" else token.value


def check_token(machine: Machine) -> Iterator[Finding]:
    """Check that there is a token, that it is this user's, and that it does not expire soon."""
    token = machine.token
    path = token_path(machine.hub)
    owner = foreign_owner(machine.hub) if machine.token_problem or (token and token.place == path) else None
    if owner is not None:
        yield Finding(
            "token-file-foreign",
            "error",
            f"the token file belongs to {user_name(owner)}",
            f"git logs in with {token.describe()}" if token else f"{machine.token_problem}",
            login_hint(),
        )
    elif (other := foreign_owner(machine.hub, stored_tokens_path())) is not None:
        yield Finding(
            "token-file-foreign",
            "warning",
            f"the file of stored tokens belongs to {user_name(other)}",
            f"user names in URLs do not select tokens in {stored_tokens_path()}",
            login_hint(),
        )
    if owner is None and machine.token_problem is not None:
        problem = machine.token_problem
        id = "hub-unreachable" if isinstance(problem, Unreachable) else "no-token"
        yield Finding(id, "error", problem.message, "", problem.fix or token_hint())
    elif owner is None and token is None:
        state = "empty" if "HF_TOKEN" in os.environ else "not set"
        yield Finding(
            "no-token",
            "error",
            NOT_LOGGED_IN,
            f"HF_TOKEN is {state}, and there is no token for {machine.hub} in {path}",
            token_hint(),
        )
    for missing in missing_tokens(machine.entries) if machine.git_problem is None else ():
        detail = "git gets no token for these repositories"
        yield Finding("no-token", "error", missing.message, detail, missing.fix or "")
    if token and _has_lost_renewal(token):
        yield Finding(
            "login-not-renewable",
            "warning",
            "the browser login cannot be renewed, and will expire",
            f"{stored_tokens_path()} has no refresh token for {token.describe()}: huggingface_hub before 1.20 drops it "
            "when it stores another token",
            f"{login_hint()}, and upgrade huggingface_hub wherever it is older",
        )
    if token and token.is_renewable and (storage := storage_problem(token.hub)) and storage.fix:
        yield Finding(
            "login-not-renewable",
            "warning",
            "the login cannot be renewed",
            f"{storage.message}: a new token could not be stored",
            storage.fix,
        )
    if token and token.is_renewable and (old := old_library_problem()):
        yield Finding("login-not-renewable", "warning", old.message, token.describe(), old.fix or "")
    if token is None or token.kind == "oidc" or token.is_renewable or token.is_expired():
        return
    if token.expires_at is not None:
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
    """Check with the Hub whether the current token, and the one chosen for this namespace, are valid and can write."""
    for token in filter(None, (machine.token, machine.resolvers.namespace_token)):
        answer = machine.whose(token)
        if answer is None:
            if token.is_expired() and not token.is_renewable:
                yield Finding("token-expired", "error", "the token has expired", token.describe(), token.remedy())
        elif isinstance(answer, Account):
            if answer.role == "read":
                yield Finding(
                    "read-only-token",
                    "warning",
                    "the token is read-only: the Hub will refuse to push with it",
                    f"{token.describe()}, of {answer.name}",
                    write_token_hint(token),
                )
        elif isinstance(answer, Refused):
            title = "the token has expired" if answer.code == "token-expired" else "the Hub rejects the token"
            yield Finding(answer.code, "error", title, answer.message, answer.fix or token.remedy())
        else:
            yield Finding(
                "hub-unreachable",
                "warning",
                "the token could not be checked",
                answer.message,
                answer.fix or "try again, or run `git-credential-hf doctor --offline`",
            )
            return


def check_variables(machine: Machine) -> Iterator[Finding]:
    """Check the form of the tokens in the environment, and whether one overrides the login."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        value = os.environ.get(name)
        fault = None if value is None else _fault(machine, register_secret(value))
        if value is not None and fault:
            new = f"set it to a token from {token_settings_url(machine.hub)}"
            instead = f", or {token_hint() if detect_environment() else new}"
            if not value.strip() and detect_environment() in (None, CONTAINER):
                instead = ""  # not a CI job that lacks its secret, and there may be a login
            yield Finding(
                _fault_id(fault),
                "error" if value.strip() else "warning",
                f"{name} {fault}",
                f"{name} is set in the environment",
                f"run `unset {name}`{instead}",
            )
    token = machine.token
    login = token and overridden_login(token)
    if token and login:
        yield Finding(
            "env-overrides-login",
            "warning",
            f"{token.place} overrides your login",
            f"{mask_token(token.value)} is used instead of {login.describe()}",
            f"run `unset {token.place}` to use the login",
        )


def check_token_files(machine: Machine) -> Iterator[Finding]:
    """Check who can read the token files, and the form of the login's token."""
    for path in (token_path(), stored_tokens_path()):
        try:
            status = os.stat(path)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077 and _may_change_mode(path, status):
            yield Finding(
                "token-file-readable",
                "warning",
                f"other users of this machine can read the file {os.path.basename(path)}",
                f"{path} has the permissions {stat.S_IMODE(status.st_mode):o}",
                f"run `chmod 600 {shell_word(path)}`",
                lambda path=path: [ModeChange(path, 0o600)],  # type: ignore[misc] # mypy cannot infer it
            )
    login = _login()
    fault = _fault(machine, login.value) if login else None
    if login and fault:
        yield Finding(_fault_id(fault), "error", f"the stored token {fault}", login.where(), token_hint(again=True))


def check_legacy_file(machine: Machine) -> Iterator[Finding]:
    """Check for the token file of huggingface_hub before 0.12."""
    path = os.path.join(os.path.expanduser("~"), ".huggingface", "token")
    try:
        exists = stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    if not exists or os.path.realpath(path) == os.path.realpath(token_path()):
        return

    def remove() -> list[Change]:
        content = read_file(path)
        register_secret((content or b"").decode("utf-8", "surrogateescape").strip())
        return [FileChange(path, content, None, summary=[f"remove {path}"])]

    yield Finding(
        "legacy-token-file",
        "warning",
        "there is an old token file, of huggingface_hub before 0.12",
        f"{path}: newer versions read {token_path()} instead",
        f"run `rm {shell_word(path)}`",
        remove,
    )


def _login() -> Token | None:
    try:
        return login_token()
    except Problem:
        return None


def _fault(machine: Machine, value: str) -> str | None:
    """Return what is wrong with the form of a token; conservative, because only the Hub knows all valid forms."""
    text = value.strip()
    if machine.token and text == machine.token.value and isinstance(machine.whose(machine.token), Account):
        return None
    if not text:
        return "is empty"
    if _PLACEHOLDER.fullmatch(text):
        return "is an unexpanded placeholder"
    if text[0] in "\"'" or text[-1] in "\"'":
        return "contains quotes"
    if re.search(r"\s", text):
        return "contains a space or a line break"
    return _EXAMPLE if is_placeholder(text) else None


def _fault_id(fault: str) -> str:
    return "token-placeholder" if fault == _EXAMPLE else "token-malformed"


def _has_lost_renewal(token: Token) -> bool:
    """Whether a browser login is stored without its refresh token (docs/facts.md#t2)."""
    return token.kind == "file" and token.value.startswith("hf_oauth_") and not token.is_renewable


def _may_change_mode(path: str, status: os.stat_result) -> bool:
    """Whether this user can change the permissions of a file: a mounted secret's are set by the mount."""
    if sys.platform == "win32":
        return False  # files have no such permissions
    return os.geteuid() in (0, status.st_uid) and not os.statvfs(path).f_flag & os.ST_RDONLY
