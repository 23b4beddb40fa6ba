"""Find the current token for a Hub: its sources in their order, its expiry, and the fix if it is refused.

`current_token()` returns the same token as `huggingface_hub.get_token()`, whose import takes ten times as long as
`get`. So the sources that need no network are read here and in `token_files` in the same way (a property test compares
the two); `refresh` calls huggingface_hub when a token has to be renewed.

A token does not say which Hub it is for, so the Hub in git's request gets it. A token that does not look like the Hub's
is sent only to `HF_ENDPOINT`, unless git's configuration names it.
"""

import os
import time

from git_credential_hf.hub import PUBLIC_HUB, environment_hub, token_settings_url
from git_credential_hf.problem import Problem
from git_credential_hf.secrets import register_secret, register_token
from git_credential_hf.state_directory import REFUSED, is_stored
from git_credential_hf.token_files import (
    clean_token,
    foreign_owner,
    read_stored_tokens,
    read_token_file,
    stored_tokens_path,
    token_path,
)

# The variables that hold a token, or a secret that is exchanged for one.
SECRET_VARIABLES = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
REFRESH_MARGIN = 24 * 3600  # seconds before its expiry at which huggingface_hub renews an OAuth token

FROM_EXCHANGE = ("hf_oauth_", "hf_jwt_")  # tokens of a login in the browser, and of a CI job


class Token:
    """A token: its `value`, where it comes from, its `name` in `hf auth list`, and `expires_at` in POSIX seconds.

    Its source has a `kind` (`env`, `file`, `oidc`, `colab`; for git's other sources `url`, `header`, `netrc`, `helper`)
    and, if there can be several of that kind, a `place`: a variable, a path, or a description. `hub` is the only Hub
    that it may be sent to.
    """

    def __init__(
        self,
        value: str,
        kind: str,
        place: str = "",
        name: str | None = None,
        expires_at: int | None = None,
        *,
        hub: str = PUBLIC_HUB,
    ) -> None:
        self.value = register_token(value)
        self.kind = kind
        self.place = place
        self.name = name
        self.expires_at = expires_at
        self.hub = hub
        self.is_renewable = False  # whether it came with an OAuth refresh token
        self.fix: str | None = None  # the hint, for a token from another source of git

    @property
    def source(self) -> str:
        """The source as `status --json` has it: `env:HF_TOKEN`, `file:PATH`, `oidc`."""
        return f"{self.kind}:{self.place}" if self.place else self.kind

    @property
    def key(self) -> str:
        """The key of the Hub's stored answers (hashed); it includes the Hub, as another one may answer differently.

        For a CI job, it is the job's resource, because each exchange gives another token.
        """
        return f"{self.hub} {os.environ.get('HF_OIDC_RESOURCE') if self.kind == 'oidc' else self.value}"

    @property
    def settings_url(self) -> str:
        """The URL of the page on which tokens like this are created."""
        return token_settings_url(self.hub)

    def where(self) -> str:
        """Describe its source."""
        return {
            "env": f"the environment variable {self.place}",
            "file": f"the file {self.place}",
            "oidc": "a Trusted Publisher (HF_OIDC_RESOURCE)",
            "colab": "the secrets of this Colab notebook",
        }.get(self.kind, self.place)

    def describe(self) -> str:
        """Describe the token, masked, and its source."""
        from git_credential_hf.masking import mask_token

        return f"{mask_token(self.value)} from {self.where()}" + (f", stored as '{self.name}'" if self.name else "")

    def remedy(self) -> str:
        """Return the hint for a token that the Hub refuses, which depends on its source."""
        if self.fix:
            return self.fix
        from git_credential_hf.login_hints import login_hint

        return {
            "env": f"run `unset {self.place}` to use your login, or set it to a token from {self.settings_url}",
            "file": login_hint(again=True),
            "oidc": "check the Trusted Publisher of the repository, then run the job again",
            "colab": "put a new token into the secret HF_TOKEN of the notebook",
        }.get(self.kind, login_hint(again=True))

    def is_expired(self) -> bool:
        """Whether it has expired, by this machine's clock."""
        return self.expires_at is not None and self.expires_at <= time.time()

    def is_due(self) -> bool:
        """Whether huggingface_hub would renew it now; refresh tokens are never sent over plain http."""
        if self.hub.startswith("http:"):
            return False
        return self.is_renewable and self.expires_at is not None and self.expires_at - REFRESH_MARGIN <= time.time()


def current_token(hub: str = PUBLIC_HUB, *, act: bool = True, needs_name: bool = True) -> Token | None:
    """Return the token that huggingface_hub would use for this Hub now; `None` without a login.

    `act`: allow a due refresh or exchange (network). Without `needs_name`, the file of stored tokens is not read for a
    token that cannot be renewed. Raises `Problem` if a source is broken, instead of silently using another one.
    """
    if os.environ.get("HF_OIDC_RESOURCE"):
        return _from_oidc(hub, act)
    found = _from_environment(hub)
    if found is None and (value := _read_login(hub)) is not None and _may_be_stored_for(hub, value):
        if not needs_name and _is_user_access_token(value):
            return Token(value, "file", token_path(hub), hub=hub)
        found = _from_file(hub, act, value)
    return found or (_from_colab(hub) if act else None)


def choose_publisher(path: str, hub: str, *, act: bool = True) -> None:
    """Exchange the identity of this CI job for the repository at `path`, which git sends with `useHttpPath`.

    A job may be the Trusted Publisher of several repositories, and HF_OIDC_RESOURCE names one of them. If the Hub does
    not accept the job's identity for `path`, or does not answer, the token of HF_OIDC_RESOURCE is served.
    """
    declared = os.environ.get("HF_OIDC_RESOURCE")
    if not declared or hub.startswith("http:"):
        return
    from git_credential_hf.repository import repository_at
    from git_credential_hf.trusted_publishers import is_publisher

    repository = repository_at(path.partition("/info/lfs")[0], hub)
    if repository is None or repository.path == declared:
        return

    os.environ["HF_OIDC_RESOURCE"] = repository.path  # where huggingface_hub reads it
    is_ours = False
    try:
        is_ours = is_publisher(hub, act=act)
    except Problem as problem:
        from git_credential_hf.report import trace

        trace(f"{repository.path}: {problem.message}")  # the token of HF_OIDC_RESOURCE may work
    finally:
        if not is_ours:
            os.environ["HF_OIDC_RESOURCE"] = declared


def _is_user_access_token(value: str) -> bool:
    """Whether it was made on the settings page: those of a browser login have a longer prefix (docs/facts.md#h2)."""
    return len(value) == 37 and value.startswith("hf_") and value[3:].isalnum()


def login_token(hub: str = PUBLIC_HUB, value: str | None = None) -> Token | None:
    """Return the token in the token file, with its name and expiry in the stored tokens; ignore the environment.

    `value`: the token that has just been read from that file.
    """
    value = value or _read_login(hub)
    if value is None:
        return None
    path = token_path(hub)
    for name, fields in read_stored_tokens().items():
        if fields.get("hf_token") == value:
            return _token(hub, value, path, name, fields)
    return Token(value, "file", path, hub=hub)


def overridden_login(token: Token) -> Token | None:
    """Return this user's login, if a token from the environment overrides it and differs from it."""
    if token.kind != "env" or foreign_owner(token.hub) is not None:
        return None
    try:
        login = login_token(token.hub)
    except Problem:
        return None
    return login if login and login.value != token.value else None


def stored_token_names() -> list[str]:
    """Return the names of the stored tokens, as in `hf auth list`."""
    return list(read_stored_tokens())


def stored_token(name: str, hub: str = PUBLIC_HUB, *, act: bool = True) -> Token:
    """Return the stored token of that name; raises `Problem` if there is none, rather than return another account's."""
    token = _stored(hub, name)
    if token is None:
        from git_credential_hf.login_hints import login_hint

        known = ", ".join(f"'{known}'" for known in stored_token_names())
        raise Problem(
            f"no stored token is named '{name}'; " + (f"there are {known}" if known else "there are none"),
            login_hint(again=True),
        )
    return (_refreshed(token) or token) if act and token.is_due() else token


def stored_tokens(hub: str = PUBLIC_HUB) -> list[Token]:
    """Return all stored tokens that may be for this Hub; a URL's user name can select one of them.

    Another user's file is ignored: a push would be made under that user's account.
    """
    if foreign_owner(path=stored_tokens_path()) is not None:
        return []
    stored = (_from_fields(hub, name, fields) for name, fields in read_stored_tokens().items())
    return [token for token in stored if token and _may_be_stored_for(hub, token.value)]


def find_token(value: str, name: str | None, hub: str = PUBLIC_HUB) -> Token | None:
    """Return the token with this value: the named one, or else the current one, or a stored one.

    At another Hub, stored tokens count only by name: that Hub must not be asked about them.
    """
    try:
        token = current_token(hub, act=False) if name is None else stored_token(name, hub, act=False)
    except Problem:
        token = None  # a stored one may have been selected by the URL
    if token is not None and token.value == value:
        return token
    if name is None and os.environ.get("HF_OIDC_RESOURCE"):
        from git_credential_hf.trusted_publishers import was_exchanged

        if was_exchanged(value, hub):
            return Token(value, "oidc", hub=hub)
    stored = stored_tokens(hub) if name is None and hub == PUBLIC_HUB else []
    return next((token for token in stored if token.value == value), None)


def is_held_back(token: Token) -> bool:
    """Whether git gets `quit` instead of this token, because the Hub has just refused it."""
    if not is_stored(REFUSED):
        return False
    from git_credential_hf.state import is_recorded

    return is_recorded(REFUSED, token.key)


def renew_token(token: Token) -> bool:
    """Renew a token that the Hub refused, once; return whether there is a new token in its place."""
    if not token.is_renewable or token.expires_at is None or token.hub.startswith("http:"):
        return False
    if token.hub not in (PUBLIC_HUB, environment_hub()):
        return False  # a Hub that refuses every token would get all refresh tokens
    from git_credential_hf.refresh import renew_refused

    return renew_refused(token, lambda: _reread(token))


# --- the sources, in their order ---


def _from_oidc(hub: str, act: bool) -> Token | None:
    from git_credential_hf.trusted_publishers import cached_exchange, exchange

    if hub.startswith("http:"):
        raise Problem(
            f"the identity of this CI job (HF_OIDC_RESOURCE) is not sent over plain http, to {hub}",
            "unset HF_OIDC_RESOURCE",
        )
    exchanged = cached_exchange(hub) or (exchange(hub) if act else None)
    return Token(exchanged[0], "oidc", expires_at=exchanged[1], hub=hub) if exchanged else None


def _from_environment(hub: str) -> Token | None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        value = os.environ.get(name)
        if value:  # even if it is blank: huggingface_hub then ignores the other variable
            token = Token(clean_token(value), "env", name, hub=hub)
            return token if token.value and may_be_for(hub, token.value) else None
    return None


def may_be_for(hub: str, value: str) -> bool:
    """Whether a token may be for this Hub: one that does not look like a Hub token is for `HF_ENDPOINT`."""
    return value.startswith(("hf_", "api_org_")) or environment_hub() == hub


def _may_be_stored_for(hub: str, value: str) -> bool:
    """Whether a token in a file may be for this Hub; unlike in `HF_TOKEN`, any token may be for another Hub."""
    return hub != PUBLIC_HUB or may_be_for(hub, value)


def _from_file(hub: str, act: bool, value: str | None = None) -> Token | None:
    token = login_token(hub, value)
    if token is not None and token.name is None:
        # Another process may be renewing it, in the stored tokens first: the file may contain the new one by now.
        token = login_token(hub) or token
    return _refreshed(token) if token is not None and act and token.is_due() else token


def _from_colab(hub: str) -> Token | None:
    from git_credential_hf.login_hints import is_colab

    if not is_colab():
        return None
    from git_credential_hf.colab import colab_secret

    value = colab_secret(hub)
    return Token(value, "colab", hub=hub) if value and may_be_for(hub, value) else None


def _stored(hub: str, name: str) -> Token | None:
    return _from_fields(hub, name, read_stored_tokens().get(name, {}))


def _from_fields(hub: str, name: str, fields: dict[str, str]) -> Token | None:
    value = clean_token(fields.get("hf_token", ""))
    return _token(hub, value, stored_tokens_path(), name, fields) if value else None


def _token(hub: str, value: str, path: str, name: str, fields: dict[str, str]) -> Token:
    token = Token(value, "file", path, name, _as_integer(fields.get("expires_at")), hub=hub)
    token.is_renewable = "refresh_token" in fields
    register_secret(fields.get("refresh_token", ""))
    return token


def _read_login(hub: str) -> str | None:
    """Return the token in the token file; raises `Problem` if it cannot be read."""
    try:
        return read_token_file(hub)
    except (OSError, UnicodeDecodeError) as error:
        from git_credential_hf.login_hints import unreadable_token_file

        raise unreadable_token_file(token_path(hub), error) from None


def _as_integer(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None


def _refreshed(token: Token) -> Token | None:
    from git_credential_hf.refresh import refresh_due

    return refresh_due(token, lambda: _reread(token))


def _reread(token: Token) -> Token | None:
    """Return the token that is now in the place of this one."""
    return _from_file(token.hub, act=False) if _is_active(token) else _stored(token.hub, token.name or "")


def _is_active(token: Token) -> bool:
    return token.place != stored_tokens_path()
