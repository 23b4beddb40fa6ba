"""Answer `get`, `store` and `erase` (gitcredentials(7)): the current token, for the Hub only."""

import os
import sys

from git_credential_hf.hub import PUBLIC_HUB, is_false, normalized_origin, requested_hub
from git_credential_hf.masking import shown_user
from git_credential_hf.problem import Problem, report, report_problem, trace
from git_credential_hf.protocol import ASKED_BEFORE, AUTHTYPE, REFUSED_BEFORE, STATE, Request
from git_credential_hf.state import (
    BEARER,
    BEARER_FOR,
    CONFIRMED,
    CONFIRMED_FOR,
    REFUSED_AGAIN_WITHIN,
    REFUSED_FOR,
    REJECTED,
    WARNED_FOR,
    cache_directory,
    discard_record,
    is_recorded,
    is_recorded_after,
    record,
)
from git_credential_hf.token_files import not_logged_in, token_path
from git_credential_hf.tokens import (
    FROM_EXCHANGE,
    Token,
    choose_publisher,
    current_token,
    find_token,
    renew_token,
    stored_token,
    stored_tokens,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from collections.abc import Iterable

    from git_credential_hf.git.config import ConfigEntry
    from git_credential_hf.repository import Repository

USERNAME = "git"  # the Hub checks the token only (docs/facts.md#h7)

MAX_REFUSALS_OF_A_GOOD_ONE = 5  # in as many different seconds of half a minute, before it is held back for a moment
MAX_REFUSALS_WITHOUT_REASON = 3  # within seconds, if the Hub does not report whether the token is good

# git sends no header if its value is empty, and asks us again if the Hub requires a token (docs/facts.md#g9).
_ANONYMOUS = (
    *(("capability[]", AUTHTYPE.decode()), ("capability[]", STATE.decode())),
    *(("authtype", ""), ("credential", ""), ("ephemeral", "1")),
    *(("continue", "1"), ("state[]", ASKED_BEFORE.decode())),
)
_REFUSED = "refused"  # state: tokens that are held back
_WARNED = "warned"  # state: user names that a warning was printed for
_SUSPECT = "suspect"  # state: tokens that were refused a moment ago, but may be good


def get(request: Request, name: str | None = None, other_hub: str | None = None) -> "Iterable[tuple[str, str]] | None":
    """Return the credential for the Hub, `quit` for a token that is held back, or `None` for other hosts.

    Also `None` if the token is held back and git asks another helper after this one. At a terminal, offer to log in
    first.

    `name`: the stored token to serve instead of the current one; `other_hub`: a Hub to serve besides huggingface.co.
    """
    hub = requested_hub(request.protocol, request.host, other_hub)
    if hub is None:
        return None
    _choose_publisher(request, name, hub, act=not request.is_proactive)
    if request.is_proactive and not _is_confirmed(name, hub):
        return _ANONYMOUS
    token = requested_token(request.user, name, hub)
    is_replaceable = _is_replaceable(token, name)
    is_declined = False
    if is_replaceable and _may_need_login(token, request):
        has_logged_in = _offer_login(token, request, hub)
        is_declined = has_logged_in is False
        token = requested_token(request.user, name, hub) if has_logged_in else token
    if token is None:
        if not is_declined and not _is_followed(request, hub):
            report_problem(not_logged_in())
        return None
    if is_declined:
        return [("quit", "1")]  # the reason is on the terminal
    if is_held_back(token):
        if _is_followed(request, hub):
            return None  # another helper may have one that works
        # git-lfs before 3.8 requests it again after each refusal, 85 times a second (docs/facts.md#l1).
        token = find_token(token.value, name, hub) or token  # with its name
        report("error", f"the Hub has just refused the token {token.describe()}")
        report("hint", token.remedy())
        return [("quit", "1")]
    trace(f"get {hub}: {token.describe()}")
    if REFUSED_BEFORE in request.states and AUTHTYPE in request.capabilities and token.value.startswith(FROM_EXCHANGE):
        _change_authtype(token, request)
    if AUTHTYPE in request.capabilities and _needs_bearer(token):
        answer = [("capability[]", AUTHTYPE.decode()), ("authtype", "Bearer"), ("credential", token.value)]
        answer.append(("ephemeral", "1"))  # no other helper must store it
    else:
        answer = [("username", USERNAME), ("password", token.value)]
    if is_replaceable and STATE in request.capabilities and REFUSED_BEFORE not in request.states:
        # If the Hub refuses it, git asks again instead of failing (docs/facts.md#g10), so that the user can log in.
        answer += [("capability[]", STATE.decode()), ("continue", "1"), ("state[]", REFUSED_BEFORE.decode())]
    # git would discard a token with an expiry in the past; the Hub's clock decides, not this machine's.
    if token.expires_at is not None and not token.is_expired():
        answer.append(("password_expiry_utc", str(token.expires_at)))
    return answer


def _is_replaceable(token: Token | None, name: str | None) -> bool:
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
    return not is_recorded_after(token.place, CONFIRMED, CONFIRMED_FOR)


def _offer_login(token: Token | None, request: Request, hub: str) -> bool | None:
    """Return whether there is another token now; `None` if there was no offer, `False` if it was declined."""
    from git_credential_hf.login_offer import offer_login

    if REFUSED_BEFORE in request.states:
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
    return is_recorded(CONFIRMED, token.key) and not is_held_back(token)


def store(request: Request, name: str | None = None, other_hub: str | None = None) -> None:
    """Store nothing, and remove the token that git has just given other helpers to store.

    A credential of another helper that has just worked is kept unless huggingface_hub has stored it, too: it may be the
    only one that works.
    """
    hub = requested_hub(request.protocol, request.host, other_hub)
    if hub is not None and request.secret:
        _choose_publisher(request, name, hub, act=False)
        _purge_chain(hub, request, name, was_stored=True)


def erase(request: Request, name: str | None = None, other_hub: str | None = None) -> None:
    """Find out why the Hub refused a token, renew it if possible, and report a fix; never delete it."""
    hub = requested_hub(request.protocol, request.host, other_hub)
    if hub is None or not request.secret:
        return  # `hf auth logout` sends no secret
    _choose_publisher(request, name, hub, act=False)
    _purge_chain(hub, request, name, was_stored=False)  # git itself makes them erase this one, for one user name
    token = find_token(request.secret, name, hub)
    if token is None:
        return
    discard_record(CONFIRMED)
    refused = f"the Hub refused the {'expired ' if token.is_expired() else ''}token {token.describe()}"
    from git_credential_hf.api.access import explain_refusal

    refusal = explain_refusal(token, request.path)
    problem = refusal.problem
    if not refusal.is_good and renew_token(token):
        report("error", refused)
        report("hint", "the token has been renewed: run the command again")
        return
    _hold_back(token, refusal.is_good)
    if refusal.is_good is False and _is_replaceable(token, name):
        has_logged_in = _offer_login(token, request, hub)
        if has_logged_in:
            report("hint", "you are logged in: if git has failed, run the command again")
        if has_logged_in is not None:
            return  # the reason is on the terminal
    if refusal.is_good and refusal.has_access is not False and token.value.startswith(FROM_EXCHANGE):
        problem = _change_authtype(token, request) or problem
    if problem is None or token.describe() not in problem.message:
        report("error", refused)  # otherwise, the reason already names the token
    if problem:
        report("error", problem.message)
    report("hint", problem.fix if problem and problem.fix else token.remedy())


def _choose_publisher(request: Request, name: str | None, hub: str, *, act: bool) -> None:
    if name is None and request.path:
        choose_publisher(request.path.decode("utf-8", "surrogateescape"), hub, act=act)


def is_held_back(token: Token) -> bool:
    """Whether git gets `quit` instead of this token, because the Hub has just refused it."""
    return is_recorded(_REFUSED, token.key)


def _hold_back(token: Token, is_good: bool | None) -> None:
    """Hold back a token that the Hub reports as bad, or that is refused repeatedly within seconds.

    `is_good`: the Hub's answer, `None` if unknown. A good token may have been refused by a proxy, or by mistake.
    """
    key = token.key
    if is_good is False:
        _refuse(token)
        return
    import time

    # git-lfs before 3.8 would retry forever if one route of the Hub refused a good token. But its transfers are
    # parallel: all refusals within the same second count as one mistake of the Hub.
    now = int(time.time())
    limit, marks = MAX_REFUSALS_OF_A_GOOD_ONE, range(now - REFUSED_FOR, now + 1)
    if is_good is None:
        limit, marks = MAX_REFUSALS_WITHOUT_REASON, range(MAX_REFUSALS_WITHOUT_REASON - 1)
    seen = [mark for mark in marks if is_recorded(_SUSPECT, f"{key} {mark}")]
    new = now if is_good else len(seen)
    if len({*seen, new}) >= limit and is_good:
        record(_REFUSED, key, REFUSED_AGAIN_WITHIN)
    elif len({*seen, new}) >= limit:
        _refuse(token)
    elif not record(_SUSPECT, f"{key} {new}", REFUSED_FOR if is_good else REFUSED_AGAIN_WITHIN) or (is_good and seen):
        time.sleep(1)  # slow down a program that would otherwise retry 85 times a second


def _refuse(token: Token) -> None:
    from git_credential_hf.trusted_publishers import delay_exchange

    record(_REFUSED, token.key, REFUSED_FOR)
    delay_exchange(token, REFUSED_FOR)


def _needs_bearer(token: Token) -> bool:
    return token.value.startswith(FROM_EXCHANGE) and is_recorded(BEARER, token.key, cache_directory())


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
    return _token_of_account(user, hub, act)


def token_for(url: str, repository: "Repository", entries: "list[ConfigEntry]", *, act: bool = True) -> Token | None:
    """Return the token of `get` for a repository at a URL, with git's configuration; `act` as in `requested_token`.

    A namespace may have its own token, and git's configuration may have a user name for URLs without one.
    """
    from git_credential_hf.configure.settings import mapped_tokens
    from git_credential_hf.git.helpers import sends_path
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


def _token_of_account(user: str, hub: str, act: bool) -> Token | None:
    """Return the token of this account, or else the current token, with a warning if it belongs to another account."""
    from git_credential_hf.owners import PLACEHOLDER_USERNAMES, known_names
    from git_credential_hf.repository import is_valid_name

    current = current_token(hub, act=act)
    if user.lower() in PLACEHOLDER_USERNAMES or not is_valid_name(user):
        return current
    stored = stored_tokens(hub)
    owned = _owned_by(user, current, stored)
    # A new login takes precedence over an older token of its account, so first ask the Hub for the login's account.
    tokens = [*([current] if current else []), *stored]
    unknown = [token for token in tokens if (owned is None or token is current) and not known_names(token)]
    if act and unknown and len({token.value for token in tokens}) > 1:
        from git_credential_hf.api.access import learn_owners

        learn_owners(unknown)  # once for each token
        owned = _owned_by(user, current, stored)
    if owned is not None:
        return owned if owned is current else stored_token(owned.name or "", hub, act=act)
    names = known_names(current) if current else []
    is_doubtful = names[:1] != ["-"] or len({token.value for token in tokens}) > 1  # else the Hub's refusal explains it
    if act and names and user.lower() not in names and is_doubtful and not is_recorded(_WARNED, f"{hub} {user}"):
        record(_WARNED, f"{hub} {user}", WARNED_FOR)
        used = "the current token" if names[0] == "-" else f"{names[0]}'s"
        report(
            "warning",
            f"the URL names {shown_user(user)}, but no stored token is known to belong to that account; using {used}",
        )
        report("hint", "run `git-credential-hf login` with a token of that account, or remove the name from the URL")
    return current


def _owned_by(user: str, current: Token | None, stored: list[Token]) -> Token | None:
    """Return the token of this account: the current one, or a stored one, preferably not held back."""
    from git_credential_hf.owners import known_names

    if current is not None and known_names(current)[:1] == [user.lower()]:
        return current
    owned = [token for token in stored if known_names(token)[:1] == [user.lower()]]
    return next((token for token in owned if not is_recorded(_REFUSED, token.key)), owned[0] if owned else None)


def _change_authtype(token: Token, request: Request) -> Problem | None:
    """Switch a good token from password to Bearer token for the next request, or back, because the Hub refused it.

    Whether the Hub accepts a browser login's token as a password is not documented (docs/facts.md#u3).
    """
    if request.credential:
        discard_record(BEARER, cache_directory())
        return None
    from git_credential_hf.git.run import git_version

    record(BEARER, token.key, BEARER_FOR, cache_directory())
    if git_version() >= (2, 46):  # git does not repeat its capabilities here
        how = "run the command again: git will send it in another way"
    else:
        how = f"upgrade git to 2.46 and git-lfs to 3.6, or log in with a token from {token.settings_url}"
    return Problem(f"the Hub does not accept the token {token.describe()} as a password, although it is valid", how)


def _origin(request: Request, hub: str) -> str:
    return normalized_origin((request.protocol or b"").decode(), (request.host or b"").decode()) or hub


def _asked_url(request: Request, hub: str) -> str:
    """Return the URL of git's request with its user name, which git's settings may depend on (gitcredentials(7))."""
    scheme, _, host = _origin(request, hub).partition("://")
    user = ""
    if request.user:
        from urllib.parse import quote

        user = quote(request.user, safe="", errors="surrogateescape") + "@"
    return f"{scheme}://{user}{host}/{(request.path or b'').decode('utf-8', 'surrogateescape')}"


def _is_followed(request: Request, hub: str) -> bool:
    """Whether git asks another helper after this one, which may have a credential."""
    from git_credential_hf.git.helpers import helper_chain, is_our_helper, read_helper_entries

    chain = helper_chain(_asked_url(request, hub), read_helper_entries())
    are_ours = [is_our_helper(entry.value or "") for entry in chain]
    return True in are_ours and not are_ours[-1]


def _purge_chain(hub: str, request: Request, name: str | None, *, was_stored: bool) -> None:
    """Remove stale copies from the other helpers in git's chain, if there is a current token."""
    from git_credential_hf.git.helpers import helper_chain, is_our_helper, read_helper_entries

    origin = _origin(request, hub)
    chain = helper_chain(origin, read_helper_entries())
    if all(is_our_helper(entry.value or "") for entry in chain):
        return  # the usual case, which costs only one look at the configuration
    if not was_stored and all(find_token(request.secret, known, hub) is None for known in {None, name}):
        record(
            REJECTED, hub, REFUSED_FOR
        )  # this git command goes on with another credential, unknown to its pre-push hook
    try:
        current = current_token(hub, act=False)
    except Problem:
        return
    if current is None:
        return  # there is no token that could replace theirs
    from git_credential_hf.git.other_helpers import TokenCopy
    from git_credential_hf.purge.chain import purge_chain

    path = (request.path or b"").decode("utf-8", "surrogateescape")
    used = TokenCopy(origin, request.user or "", request.secret, path)
    purge_chain(chain, origin, hub, current, used, was_stored=was_stored)
