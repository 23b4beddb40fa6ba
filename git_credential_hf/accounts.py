"""Find the token of the account that a URL names."""

from git_credential_hf.masking import shown_user
from git_credential_hf.owners import PLACEHOLDER_USERNAMES, known_names
from git_credential_hf.report import report
from git_credential_hf.repository import is_valid_name
from git_credential_hf.state import WARNED_FOR, is_recorded, record
from git_credential_hf.tokens import Token, current_token, is_held_back, stored_token, stored_tokens

_WARNED = "warned"  # state: user names that a warning was printed for


def token_of_account(user: str, hub: str, act: bool) -> Token | None:
    """Return the token of this account, or else the current token, with a warning if it belongs to another account."""
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
    if current is not None and known_names(current)[:1] == [user.lower()]:
        return current
    owned = [token for token in stored if known_names(token)[:1] == [user.lower()]]
    return next((token for token in owned if not is_held_back(token)), owned[0] if owned else None)
