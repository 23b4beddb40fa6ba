"""Answer `get` (gitcredentials(7)): the current token, for the Hub only."""

import os
import sys

from git_credential_hf.hub import PUBLIC_HUB, is_false, requested_hub, requested_origin
from git_credential_hf.problem import TRACE_VARIABLE, Problem
from git_credential_hf.protocol import ASKED_BEFORE, AUTHTYPE, REFUSED_BEFORE, STATE, Request
from git_credential_hf.state_directory import BEARER, cache_directory, is_stored
from git_credential_hf.token_files import token_path
from git_credential_hf.tokens import (
    FROM_EXCHANGE,
    Token,
    choose_publisher,
    current_token,
    find_token,
    is_held_back,
    stored_token,
    stored_tokens,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from collections.abc import Iterable

    from git_credential_hf.git.config import ConfigEntry
    from git_credential_hf.repository import Repository

USERNAME = "git"  # the Hub checks the token only (docs/facts.md#h7)

# git sends no header if its value is empty, and asks us again if the Hub requires a token (docs/facts.md#g9).
_ANONYMOUS = (
    *(("capability[]", AUTHTYPE.decode()), ("capability[]", STATE.decode())),
    *(("authtype", ""), ("credential", ""), ("ephemeral", "1")),
    *(("continue", "1"), ("state[]", ASKED_BEFORE.decode())),
)


def get(request: Request, name: str | None = None, other_hub: str | None = None) -> "Iterable[tuple[str, str]] | None":
    """Return the credential for the Hub, `quit` for a token that is held back, or `None` for other hosts.

    Also `None` if the token is held back and git asks another helper after this one. At a terminal, offer to log in
    first.

    `name`: the stored token to serve instead of the current one; `other_hub`: a Hub to serve besides huggingface.co.
    """
    hub = requested_hub(request.protocol, request.host, other_hub)
    if hub is None:
        return None
    if name is None:
        choose_publisher(request.path_text, hub, act=not request.is_proactive)
    if request.is_proactive and not _is_confirmed(name, hub):
        return _ANONYMOUS
    token = requested_token(request.user, name, hub)
    can_log_in = is_replaceable(token, name)
    is_declined = False
    if can_log_in and _may_need_login(token, request):
        has_logged_in = offer_requested_login(token, request, hub)
        is_declined = has_logged_in is False
        token = requested_token(request.user, name, hub) if has_logged_in else token
    if token is None:
        if not is_declined and not _is_followed(request, hub):
            from git_credential_hf.login_hints import not_logged_in
            from git_credential_hf.report import report_problem

            report_problem(not_logged_in())
        return None
    if is_declined:
        return [("quit", "1")]  # the reason is on the terminal
    if is_held_back(token):
        if _is_followed(request, hub):
            return None  # another helper may have one that works
        # git-lfs before 3.8 requests it again after each refusal, 85 times a second (docs/facts.md#l1).
        token = find_token(token.value, name, hub) or token  # with its name
        from git_credential_hf.report import report

        report("error", f"the Hub has just refused the token {token.describe()}")
        report("hint", token.remedy())
        return [("quit", "1")]
    if TRACE_VARIABLE in os.environ:
        from git_credential_hf.report import trace

        trace(f"get {hub}: {token.describe()}")
    is_bearer = False
    can_be_bearer = AUTHTYPE in request.capabilities and token.value.startswith(FROM_EXCHANGE)
    if can_be_bearer and (REFUSED_BEFORE in request.states or is_stored(BEARER, cache_directory())):
        from git_credential_hf.bearer import change_authtype, needs_bearer

        if REFUSED_BEFORE in request.states:
            change_authtype(token, request)
        is_bearer = needs_bearer(token)
    if is_bearer:
        answer = [("capability[]", AUTHTYPE.decode()), ("authtype", "Bearer"), ("credential", token.value)]
        answer.append(("ephemeral", "1"))  # no other helper must store it
    else:
        answer = [("username", USERNAME), ("password", token.value)]
    if can_log_in and STATE in request.capabilities and REFUSED_BEFORE not in request.states:
        # If the Hub refuses it, git asks again instead of failing (docs/facts.md#g10), so that the user can log in.
        answer += [("capability[]", STATE.decode()), ("continue", "1"), ("state[]", REFUSED_BEFORE.decode())]
    # git would discard a token with an expiry in the past; the Hub's clock decides, not this machine's.
    if token.expires_at is not None and not token.is_expired():
        answer.append(("password_expiry_utc", str(token.expires_at)))
    return answer


def is_replaceable(token: Token | None, name: str | None) -> bool:
    """Whether a login would replace this token, and there is a terminal to log in at."""
    is_login = token is None or (token.kind == "file" and token.place == token_path(token.hub))
    return is_login and name is None and _is_at_terminal()


def _may_need_login(token: Token | None, request: Request) -> bool:
    """Whether this token may not work, so that the Hub should be asked before it is served.

    git before 2.46 fails as soon as a token is refused, so a token that was not confirmed within a day is checked.
    """
    if token is None or token.is_expired() or is_held_back(token):
        return True
    if STATE in request.capabilities:
        return REFUSED_BEFORE in request.states
    from git_credential_hf.state import CONFIRMED, CONFIRMED_FOR, is_recorded_after

    return not is_recorded_after(token.place, CONFIRMED, CONFIRMED_FOR)


def offer_requested_login(token: Token | None, request: Request, hub: str) -> bool | None:
    """Return whether there is another token now; `None` if there was no offer, `False` if it was declined."""
    from git_credential_hf.login_offer import offer_login

    if REFUSED_BEFORE in request.states:
        from git_credential_hf.state import CONFIRMED, discard_record

        discard_record(CONFIRMED)
    return offer_login(hub, _asked_url(request, hub), request.user, token, goes_on=not request.secret)


def _is_at_terminal() -> bool:
    """Whether git was started at a terminal, and may prompt there; `login_offer` decides whether to offer a login."""
    if is_false(os.environ.get("GIT_TERMINAL_PROMPT", "1")) or os.environ.get("CI"):
        return False
    try:
        os.close(os.open("CONIN$" if sys.platform == "win32" else "/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _is_confirmed(name: str | None, hub: str) -> bool:
    """Whether the Hub has confirmed this token: with a bad one, even a public repository is refused."""
    try:
        token = current_token(hub, act=False) if name is None else stored_token(name, hub, act=False)
    except Problem:
        return False  # reported if the Hub asks for a token
    if token is None or token.is_expired():
        return False
    from git_credential_hf.state import CONFIRMED, is_recorded

    return is_recorded(CONFIRMED, token.key) and not is_held_back(token)


def requested_token(user: str | None, name: str | None, hub: str, *, act: bool = True) -> Token | None:
    """Return the named token, the one that the URL's user name selects, or the current one.

    At another Hub, a user name selects no token: a redirect of that Hub, or a submodule, could choose the name. Without
    `act`, nothing is requested, renewed or reported.
    """
    if name is not None:
        return stored_token(name, hub, act=act)
    if not user or user == USERNAME or hub != PUBLIC_HUB:
        return current_token(hub, act=act, needs_name=False)
    if any(token.name == user for token in stored_tokens(hub)):
        return stored_token(user, hub, act=act)
    from git_credential_hf.accounts import token_of_account

    return token_of_account(user, hub, act)


def token_for(url: str, repository: "Repository", entries: "list[ConfigEntry]", *, act: bool = True) -> Token | None:
    """Return the token of `get` for a repository at a URL, with git's configuration; `act` as in `requested_token`.

    A namespace may have its own token, and git's configuration may have a user name for URLs without one.
    """
    from git_credential_hf.configure.settings import mapped_tokens
    from git_credential_hf.git.helper_chain import sends_path
    from git_credential_hf.git.urlmatch import section_applies, url_username

    if not url.lower().startswith(("https:", "http:")):
        url = repository.page
    names = (entry for entry in entries if entry.section == "credential" and entry.name == "username")
    configured = [entry.value for entry in names if section_applies(entry.subsection, url)]
    user = url_username(url) or (configured[-1] if configured else None)
    name = mapped_tokens(entries).get((repository.hub, repository.namespace))
    if name is None and sends_path(url, entries):
        choose_publisher(repository.path, repository.hub, act=act)
    return requested_token(user, name, repository.hub, act=act)


def _asked_url(request: Request, hub: str) -> str:
    """Return the URL of git's request with its user name, which git's settings may depend on (gitcredentials(7))."""
    scheme, _, host = (requested_origin(request.protocol, request.host) or hub).partition("://")
    user = ""
    if request.user:
        from urllib.parse import quote

        user = quote(request.user, safe="", errors="surrogateescape") + "@"
    return f"{scheme}://{user}{host}/{request.path_text}"


def _is_followed(request: Request, hub: str) -> bool:
    """Whether git asks another helper after this one, which may have a credential."""
    from git_credential_hf.git.helper_chain import helper_chain, is_our_helper, read_helper_entries

    chain = helper_chain(_asked_url(request, hub), read_helper_entries())
    are_ours = [is_our_helper(entry.value or "") for entry in chain]
    return True in are_ours and not are_ours[-1]
