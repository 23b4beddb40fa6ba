"""Offer to log in when git asks for a token and none works: on the terminal, never on git's pipes.

huggingface_hub's own login runs in a separate process (`git-credential-hf login`), because it prints to stdout, which
belongs to git here. There is no offer if nobody could answer it: see `may_offer`. Until that is decided, nothing is
imported that `get` has not imported already.
"""

import os
import sys

from git_credential_hf.hub import environment_hub, hub_name, is_false, offline_variable
from git_credential_hf.lock import Lock
from git_credential_hf.login_hints import NOT_LOGGED_IN, is_colab, mounted_secret_hint
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.report import trace
from git_credential_hf.state import CONFIRMED, CONFIRMED_FOR, discard_record, is_recorded, record
from git_credential_hf.tokens import Token, current_token, find_token, renew_token

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from git_credential_hf.git.config import ConfigEntry
    from git_credential_hf.terminal import Terminal

DECLINED_FOR = 600  # seconds in which nobody is asked again
LOGIN_TIMEOUT = 900  # seconds to wait for the login that another process of this terminal has begun

_DECLINED = "declined"  # the state that names the Hubs at which somebody did not log in


def offer_login(hub: str, url: str, user: str | None, token: Token | None, *, goes_on: bool = True) -> bool | None:
    """Offer to log in at the terminal, once for all processes there; return whether there is a new token.

    `token`: the current token, which may not work; the Hub is asked about it. `url` and `user` are those of git's
    request. `goes_on`: whether git uses the new token in the same command. `None` if there was no offer.
    """
    if not _may_ask(hub):
        return None
    from git_credential_hf.terminal import Terminal

    terminal = Terminal.open()
    if terminal is None:
        return None
    was_declined = is_recorded(_DECLINED, hub)
    try:
        lock = Lock(f"login.{terminal.group}", seconds=LOGIN_TIMEOUT, is_removed=True)
        with lock:
            if _is_replaced(token, hub):
                return True  # another process has just logged in
            if is_recorded(_DECLINED, hub):
                return False if lock.has_waited and not was_declined else None
            if not lock.is_held or not terminal.is_in_foreground():
                return None
            return _log_in(terminal, hub, url, user, token, goes_on)
    finally:
        terminal.close()


def _log_in(
    terminal: "Terminal", hub: str, url: str, user: str | None, token: Token | None, goes_on: bool
) -> bool | None:
    from git_credential_hf.git.helper_chain import helper_chain, program_path, read_helper_entries

    entries = read_helper_entries(_SETTINGS)
    if not _is_allowed(entries, url):
        return None
    if token is not None:
        from git_credential_hf.api.access import explain_refusal

        # A single refusal does not mean that the token is bad, nor does an expiry by this machine's clock.
        if is_recorded(CONFIRMED, token.key) and not token.is_expired():
            return None
        refusal = explain_refusal(token, None)
        if refusal.is_good:
            record(CONFIRMED, token.key, CONFIRMED_FOR)
        if refusal.is_good is not False:
            return None
        if renew_token(token):
            return True
    if _may_be_held_after(helper_chain(url, entries), url, user):
        return None
    if token is None and not _is_reachable(hub):
        return None
    token = token and (find_token(token.value, None, hub) or token)  # with its name
    where = "" if hub_name(hub) == "the Hub" else f" at {hub_name(hub)}"
    reason = f"the Hub refuses the token {token.describe()}" if token else f"{NOT_LOGGED_IN}{where}"
    then = "git continues" if goes_on else "run the command again"
    terminal.write(mask_line(f"{reason}: log in now, and {then}; press Ctrl-C to let git ask instead"))
    record(_DECLINED, hub, DECLINED_FOR)  # in advance: Ctrl-C or a closed terminal may end this process, too
    terminal.run([program_path(), "login"])
    if not _is_replaced(token, hub):
        return False
    discard_record(_DECLINED)
    return True


def _is_replaced(token: Token | None, hub: str) -> bool:
    """Whether there is another token now; the login has checked it with the Hub."""
    try:
        current = current_token(hub, act=False)
    except Problem:
        return False
    if current is None or (token is not None and current.value == token.value):
        return False
    record(CONFIRMED, current.key, CONFIRMED_FOR)
    return True


# --- when there is no offer ---

_SETTINGS = r"credential\.(.*\.)?interactive|hf\.login"


def may_offer(hub: str) -> bool:
    """Whether the environment and git's settings allow an offer to log in, if there is a terminal."""
    from git_credential_hf.git.helper_chain import read_helper_entries

    return _may_ask(hub) and _is_allowed(read_helper_entries(_SETTINGS), hub)


def _may_ask(hub: str) -> bool:
    """Whether the environment allows an offer, and a login would be for this Hub: huggingface_hub stores only one."""
    # VS Code sets VSCODE_GIT_COMMAND for git commands that it runs itself, but not in its terminal. A notebook sets
    # JPY_PARENT_PID, and `!git` has a terminal there that accepts no input.
    names = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE", "VSCODE_GIT_COMMAND", "JPY_PARENT_PID")
    if any(map(os.environ.get, ("CI", *_AGENTS))) or any(name in os.environ for name in names):
        return False
    if os.environ.get("GIT_ASKPASS") and not os.isatty(2):
        return False  # a program that shows git's questions itself, such as git gui
    if is_false(os.environ.get("GIT_TERMINAL_PROMPT", "1")) or os.environ.get("TERM", "").lower() in _NO_SCREEN:
        return False
    if hub != environment_hub() or hub.startswith("http:"):
        return False
    return not (is_colab() or offline_variable() or mounted_secret_hint())


# Set by coding agents, which cannot log in, and whose users would not see the offer.
_AGENTS = ("AI_AGENT", "AGENT", "CLAUDECODE", "GEMINI_CLI", "CURSOR_AGENT", "CODEX_THREAD_ID")

# An editor's shell; on Windows, a terminal that is not a console, so that reading from the console would hang.
_NO_SCREEN = ("xterm", "xterm-256color", "dumb") if sys.platform == "win32" else ("", "dumb")


def _is_allowed(entries: "list[ConfigEntry]", origin: str) -> bool:
    """Whether neither `hf.login` nor `credential.interactive` forbids an offer."""
    from git_credential_hf.git.urlmatch import section_applies

    interactive, login = "true", "ask"
    for entry in entries:
        value = "true" if entry.value is None else entry.value
        if entry.section == "credential" and entry.name == "interactive" and section_applies(entry.subsection, origin):
            interactive = value
        elif entry.key == "hf.login":
            login = value
    return not (is_false(interactive) or is_false(login))


def _may_be_held_after(chain: "list[ConfigEntry]", url: str, user: str | None) -> bool:
    """Whether a helper that git runs after this one has a credential, or may have one."""
    from git_credential_hf.git.helper_chain import is_our_helper
    from git_credential_hf.git.other_helpers import HelperError, request_copy
    from git_credential_hf.git.urlmatch import section_origin

    origin, path = section_origin(url) or url, url.split("/", 3)[3]
    ours = [i for i, entry in enumerate(chain) if is_our_helper(entry.value or "")]
    for entry in chain[ours[-1] + 1 :] if ours else []:
        try:
            if request_copy(entry.value or "", origin, user, path):
                return True
        except HelperError:
            return True
    return False


def _is_reachable(hub: str) -> bool:
    from git_credential_hf.api.client import ask_hub

    try:
        ask_hub(hub, "/api/whoami-v2", None)
    except Problem as problem:
        trace(f"no login: {problem.message}")
        return False
    return True
