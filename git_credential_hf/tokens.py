"""What is the current token, where does it come from, and until when is it good.

The truth is huggingface_hub's: `current()` is whatever `huggingface_hub.get_token()` returns. Importing that costs ten
times what `get` does, so the sources that need no network are read here and in `tokenfiles` as it reads them (a
property test holds the two together), and it is imported where it has to act.
"""

import os
import time

from git_credential_hf.hub import hub_endpoint
from git_credential_hf.masking import mask_line, mask_token, register_secret
from git_credential_hf.problem import Problem, report, trace
from git_credential_hf.state import Lock, fingerprint, is_recorded, new_key, read_state, record, write_state
from git_credential_hf.token_files import (
    clean_token,
    login_hint,
    read_stored_tokens,
    read_token_file,
    stored_tokens_path,
    token_path,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all of this
    from collections.abc import Callable

REFRESH_MARGIN = 24 * 3600  # seconds before its expiry at which huggingface_hub renews an OAuth token
_HUGGINGFACE_HUB_TIMEOUT = 20  # seconds for all that huggingface_hub does, or git waits for a server that trickles
_OIDC_MARGIN = 60  # seconds before its expiry at which a token of a Trusted Publisher is exchanged anew


class Token:
    """A token: `value`; `source` as in `status --json`; `name` in `hf auth list`; `expires_at` in POSIX seconds."""

    def __init__(self, value: str, source: str, name: str | None = None, expires_at: int | None = None) -> None:
        self.value = register_secret(value)
        self.source = source
        self.name = name
        self.expires_at = expires_at
        self.is_renewable = False  # whether it came with an OAuth refresh token
        self.fix: str | None = None  # the remedy of one that git has from elsewhere (source `url:WHERE`, say)

    def where(self) -> str:
        """Where it comes from, for people."""
        kind, _, where = self.source.partition(":")
        return {
            "env": f"the environment variable {where}",
            "file": f"the file {where}",
            "oidc": "a Trusted Publisher (HF_OIDC_RESOURCE)",
            "colab": "the secrets of this Colab notebook",
        }.get(kind, where)

    def describe(self) -> str:
        """Which token, masked, and where it comes from."""
        return f"{mask_token(self.value)} from {self.where()}" + (f", stored as '{self.name}'" if self.name else "")

    def remedy(self) -> str:
        """The one thing to do when the Hub refuses it, which depends on where it comes from."""
        kind, _, where = self.source.partition(":")
        return (
            self.fix
            or {
                "env": f"run `unset {where}` to use your login, or set it to a token of https://huggingface.co/settings/tokens",
                "file": login_hint(),
                "oidc": "check the Trusted Publisher of the repository, then run the job again",
                "colab": "put a new token into the secret HF_TOKEN of the notebook",
            }[kind]
        )

    def is_expired(self) -> bool:
        """Whether its time is over by this machine's clock."""
        return self.expires_at is not None and self.expires_at <= time.time()


def current_token(*, act: bool = True) -> Token | None:
    """The token that huggingface_hub would use now; `None` where nobody is logged in.

    `act`: whether a due refresh or exchange may be made (network). Raises `Problem` where there is a source, but
    broken: it never falls back to another one silently.
    """
    if os.environ.get("HF_OIDC_RESOURCE"):
        return _kept_oidc() or (_exchange() if act else None)
    return _from_environment() or _from_file(act) or (_from_colab() if act else None)


def stored_token_names() -> list[str]:
    """The names of the stored tokens, as in `hf auth list`."""
    return list(read_stored_tokens())


def stored_token(name: str, *, act: bool = True) -> Token:
    """The stored token of that name; raises `Problem` where there is none: never another account's instead."""
    token = _stored(name)
    if token is None:
        known = ", ".join(f"'{known}'" for known in stored_token_names())
        raise Problem(
            f"no stored token is named '{name}'; " + (f"there are {known}" if known else "there are none"),
            "run `hf auth login`",
        )
    return (_refreshed(token) or token) if act and _is_due(token) else token


def find_token(value: str, name: str | None) -> Token | None:
    """Which of our tokens has this value: the named one, else the current one, else any that is stored."""
    try:
        token = current_token(act=False) if name is None else stored_token(name, act=False)
    except Problem:
        return None
    if token is not None and token.value == value:
        return token
    stored = (_stored(known) for known in stored_token_names()) if name is None else ()
    return next((token for token in stored if token and token.value == value), None)


def _from_environment() -> Token | None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        value = os.environ.get(name)
        if value:  # even blanks: huggingface_hub then looks at no other variable
            return Token(clean_token(value), f"env:{name}") if clean_token(value) else None
    return None


# --- the token file ---


def _from_file(act: bool) -> Token | None:
    token = _active_token()
    if token is not None and token.name is None:
        # Perhaps another process is just renewing it, the stored tokens first: by now the file may have the new one.
        token = _active_token() or token
    return _refreshed(token) if token is not None and act and _is_due(token) else token


def login_token() -> Token | None:
    """The login, whatever the environment says: the token file's token, as it stands there."""
    return _active_token()


def _active_token() -> Token | None:
    """What the token file holds, with what the stored tokens know of it."""
    value = read_token_file()
    if value is None:
        return None
    source = f"file:{token_path()}"
    for name, fields in read_stored_tokens().items():
        if fields.get("hf_token") == value:
            return _token(value, source, name, fields)
    return Token(value, source)


def _stored(name: str) -> Token | None:
    fields = read_stored_tokens().get(name, {})
    value = clean_token(fields.get("hf_token", ""))
    return _token(value, f"file:{stored_tokens_path()}", name, fields) if value else None


def _token(value: str, source: str, name: str, fields: dict[str, str]) -> Token:
    token = Token(value, source, name, _as_integer(fields.get("expires_at")))
    token.is_renewable = "refresh_token" in fields
    register_secret(fields.get("refresh_token", ""))
    return token


def _as_integer(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


# --- where huggingface_hub acts ---


def _is_due(token: Token) -> bool:
    return token.is_renewable and token.expires_at is not None and token.expires_at - REFRESH_MARGIN <= time.time()


def _refreshed(token: Token) -> Token | None:
    """Let huggingface_hub renew an OAuth token; the token as it is after that, new or old.

    Of many processes one does, and the others wait for its result, good or bad, without importing huggingface_hub.
    """
    began = time.time_ns()
    with Lock("refresh"):
        now = _reread(token)
        if now is None or now.value != token.value or _has_failed_since(began, token):
            return now
        renewed, said = _renewed(token, insist=False)
        if renewed is not None and renewed.value == token.value:
            key = new_key()
            write_state("refresh-failed", f"{time.time_ns()} {key} {fingerprint(token.value, key)}")
            report("warning", said[0] if said else f"huggingface_hub did not renew the token {mask_token(token.value)}")
        return renewed


def renew_token(token: Token) -> bool:
    """Whether a token that the Hub has refused is another one by now: it is renewed at once, but only once tried."""
    if not token.is_renewable or token.expires_at is None:
        return False
    with Lock("refresh"):
        now = _reread(token)
        if now is None or now.value != token.value:
            return now is not None
        if is_recorded("renewed", token.value):
            return False
        record("renewed", token.value, REFRESH_MARGIN)
        renewed, _ = _renewed(token, insist=True)
        return renewed is not None and renewed.value != token.value


def _reread(token: Token) -> Token | None:
    """The token that now stands where this one stood."""
    return _from_file(act=False) if _is_active(token) else _stored(token.name or "")


def _is_active(token: Token) -> bool:
    return token.source != f"file:{stored_tokens_path()}"


def _renewed(token: Token, *, insist: bool) -> tuple[Token | None, list[str]]:
    """Let huggingface_hub renew a token that is due, or any that has a refresh token; and what it had to say."""

    def ask() -> str:
        from huggingface_hub.utils import _auth

        # What get_token() does, which cannot be told to take another token than the active one, or to insist.
        if insist:
            _auth._OAUTH_REFRESH_MARGIN = float("inf")  # type: ignore[assignment]
        return _auth._refresh_oauth_token_if_needed(token.value)

    from git_credential_hf.system import hold_signals

    try:
        with hold_signals():  # the Hub renews a token once: cut off before the answer is kept, the login is lost
            _, said = _ask_huggingface_hub(ask if insist or not _is_active(token) else None)
    except Exception as error:
        said = [_in_one_line(error)]
    # Its answer may be from a moment at which `hf` was writing; what stands in the files now is the truth.
    return _reread(token), said


def _has_failed_since(began: int, token: Token) -> bool:
    try:
        at, key, mark = read_state("refresh-failed").split()
        return began < int(at[:20]) <= time.time_ns() and fingerprint(token.value, key) == mark
    except ValueError:
        return False  # nothing there, or not what we wrote


def _from_colab() -> Token | None:
    if not any(name.startswith("COLAB_") for name in os.environ):
        return None
    try:
        value, _ = _ask_huggingface_hub()
    except Exception as error:
        raise Problem(f"cannot read the secrets of this Colab notebook: {_in_one_line(error)}") from None
    return Token(value, "colab") if value else None


def _exchange() -> Token | None:
    """Exchange the identity of a CI job for a token (Trusted Publishers): once per job, then it is kept."""
    with Lock("oidc"):
        return _kept_oidc() or _exchange_now()


def _exchange_now() -> Token | None:
    resource = os.environ["HF_OIDC_RESOURCE"]
    register_secret(os.environ.get("HF_OIDC_ID_TOKEN", ""))
    register_secret(os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""))
    try:
        value, _ = _ask_huggingface_hub()
    except Exception as error:
        raise Problem(
            f"no token for HF_OIDC_RESOURCE={resource}: {_in_one_line(error)}",
            "check the Trusted Publisher of that repository, or unset HF_OIDC_RESOURCE",
        ) from None
    if not value:
        return None
    from huggingface_hub.utils import _auth

    # The expiry is in no public answer; huggingface_hub keeps it on a clock that starts with the process.
    cache = getattr(_auth, "_OIDC_TOKEN_CACHE", None) or {}
    left = cache.get("expires_at", 0) - time.monotonic()
    expires_at = int(time.time() + left) if left > 0 else None
    if expires_at is not None:
        _keep_oidc(value, expires_at - _OIDC_MARGIN, expires_at)
    return Token(value, "oidc", expires_at=expires_at)


def _job() -> str:
    """What makes a CI job this job: another one on the same runner must not get its token."""
    names = ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return "\n".join([hub_endpoint(), *(os.environ.get(name, "") for name in names)])


def _keep_oidc(value: str, until: int, expires_at: int) -> None:
    key = new_key()
    record = [key, fingerprint(_job(), key), f"{int(time.time())}", str(until), str(expires_at), value]
    write_state("oidc", "\n".join(record))


def _kept_oidc() -> Token | None:
    record = read_state("oidc").split("\n")
    try:
        key, job, since, until, expires_at, value = record
        # A clock that was put back must not make a token immortal.
        is_good = int(since) - _OIDC_MARGIN <= time.time() < int(until) and fingerprint(_job(), key) == job
        return Token(value, "oidc", expires_at=int(expires_at)) if is_good and value else None
    except ValueError:
        return None  # nothing there, or not what we wrote


def delay_exchange(token: Token, again_in: int) -> None:
    """The Hub has refused this token: one that is kept here is exchanged anew in `again_in` seconds, not before."""
    if token.source == "oidc" and token.expires_at is not None:
        _keep_oidc(token.value, int(time.time()) + again_in, token.expires_at)


def _ask_huggingface_hub(ask: "Callable[[], str | None] | None" = None) -> tuple[str | None, list[str]]:
    """What `get_token()`, or `ask`, returns, and what it had to say (one line each); raises what it raises.

    Its log, warnings and prints are caught: stdout is git's, and a log line may quote a file with tokens in it.
    """
    import logging
    import warnings

    said: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(_in_one_line(record.getMessage()))

    from git_credential_hf.api.client import http_session, run_within

    http_session()
    log = logging.getLogger("huggingface_hub")
    log.handlers, log.propagate = [Listener(logging.WARNING)], False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huggingface_hub import get_token

        trace("asking huggingface_hub")
        value = run_within(_HUGGINGFACE_HUB_TIMEOUT, ask or get_token)
    if not (value is None or (isinstance(value, str) and value.isprintable())):
        raise ValueError("what the Hub gave is no token")
    return (register_secret(value) if value else value), said


def _in_one_line(said: object) -> str:
    return mask_line(" ".join(str(said).split()))[:400] or type(said).__name__  # half of a secret is one, too
