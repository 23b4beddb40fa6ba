"""Find the credential that git will use for a URL, and its source, which is not always this helper.

git (libcurl) first uses a password in the URL, a header in its configuration, or a `.netrc` entry, and asks the helpers
only after a 401. git-lfs does the same (docs/facts.md#g1, #g2).
"""

import os
from collections.abc import Callable, Iterator, Sequence

from git_credential_hf.git.config import ConfigEntry, is_plain
from git_credential_hf.git.helper_chain import (
    HelperChains,
    configure_hint,
    configured_hubs,
    helper_chain,
    helper_command,
    helper_options,
    is_our_helper,
    quoted_helpers,
    split_command,
)
from git_credential_hf.git.netrc import git_netrc_path, mentions_host, used_entry
from git_credential_hf.git.run import NO_PROMPTS, NoAnswer, run_git
from git_credential_hf.git.urlmatch import percent_decoded, section_applies, section_origin
from git_credential_hf.hub import PUBLIC_HUB, hub_at, url_origin
from git_credential_hf.problem import Problem
from git_credential_hf.protocol import format_message
from git_credential_hf.secrets import register_secret
from git_credential_hf.shell import shell_command, shell_word
from git_credential_hf.tokens import Token, current_token, find_token

HELPERS_TIMEOUT = 10  # seconds for all helpers; git itself would wait forever


class NotAsked(NoAnswer):
    """Git would run a helper that might prompt the user."""


def git_credentials(
    url: str,
    entries: list[ConfigEntry],
    *,
    headers: bool = True,
    persons: bool = True,
    helpers: bool = True,
    own_answer: Callable[[], Token | None] | None = None,
    offline: bool = False,
) -> Iterator[Token]:
    """Yield the credentials for `url` (https), in the order in which git tries them; none if git would prompt.

    git uses the next credential only if the Hub refuses the previous one. `entries`: git's configuration; `headers`:
    include http.extraHeader; `persons`: run helpers that might prompt; `helpers`: run helpers at all; `own_answer`:
    returns this program's answer, to be used without running git if there is no other helper; `offline`: this program's
    helper contacts no Hub, as it does to renew a login. Raises `NoAnswer` if a helper hangs.
    """
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    login, at, host = authority.rpartition("@")
    user, colon, password = (percent_decoded(part) for part in login.partition(":"))
    hub = hub_at(section_origin(url), configured_hubs(entries)) or ""  # a token without a Hub is never sent
    plain = f"{scheme}://{host}{slash}{path}"
    if at and colon and password:
        yield _elsewhere(
            hub, "url", password, "the URL of the remote", f"run `{_without_password(url, plain, entries)}`"
        )
        return
    header = _header(plain, entries) if headers else None
    if header:
        yield _elsewhere(
            hub,
            "header",
            header,
            "http.extraHeader in git's configuration",
            "run `git config --show-origin --get-all http.extraHeader`, and remove it there",
        )
    yield from _of_netrc(hub, host, user or None)
    if not helpers:
        return
    if not persons and may_need_person(url, entries):
        raise NotAsked("a credential helper might prompt")
    if own_answer and [entry.value for entry in helper_chain(url, entries)] == [helper_command()]:
        token = own_answer()
        if token is not None:
            yield token
        return
    yield from _of_helpers(hub, url, plain, entries, offline=offline)


def sent_first(url: str, entries: list[ConfigEntry]) -> Token | None:
    """Return the token that git sends for `url` (https) before it asks any helper, unless it is the current one."""
    try:
        token = next(git_credentials(url, entries, helpers=False), None)
    except NoAnswer:
        return None  # git cannot read it either
    return None if token is None or is_current_token(token) else token


# Helpers that answer at once: a file, a daemon, a keychain that git itself has just unlocked.
_QUICK_HELPERS = (
    *("store", "cache", "osxkeychain", "wincred", "libsecret", "gnome-keyring"),
    *("manager", "manager-core", "gh"),
)


def might_prompt(helper: str) -> bool:
    """Whether a helper might prompt the user, or take as long: a security key, a vault, an unknown program."""
    words = split_command(helper)
    program = os.path.basename(words[0]) if words else ""
    name = program.removesuffix(".exe").removeprefix("git-credential-")
    return name not in _QUICK_HELPERS or (helper.startswith("!") and not is_plain("".join(words)))


def may_need_person(url: str, entries: Sequence[ConfigEntry]) -> bool:
    """Whether git's helpers for a URL might prompt the user; git runs the next helper if one has no answer."""
    for entry in helper_chain(url, [*entries]):
        if is_our_helper(entry.value or ""):
            if is_cut_off(url, [*entries]):
                return False  # it has a token
        elif might_prompt(entry.value or ""):
            return True
    return False


def is_given_elsewhere(url: str, entries: list[ConfigEntry]) -> bool:
    """Whether git may have a credential although no helper has one now: typed in, or given only once."""
    if any(os.environ.get(name) for name in ("GIT_ASKPASS", "SSH_ASKPASS")):
        return True
    if any(entry.section == "core" and entry.name == "askpass" and entry.value for entry in entries):
        return True
    if os.environ.get("GIT_TERMINAL_PROMPT", "1").lower() not in ("0", "false", "no", "off", ""):
        return True
    return bool(HelperChains([url], entries).others)


def is_cut_off(url: str, entries: list[ConfigEntry]) -> bool:
    """Whether git should have got our token although no helper answered: then something has failed."""
    try:
        hub = hub_at(section_origin(url), configured_hubs(entries)) or PUBLIC_HUB
        return bool(HelperChains([url], entries).ours) and current_token(hub, act=False) is not None
    except Problem:
        return False  # there is no token


def _without_password(url: str, plain: str, entries: list[ConfigEntry]) -> str:
    """Return the command that replaces a URL: in the remote's settings, or on the command line."""
    for entry in entries:
        if entry.section == "remote" and entry.name in ("url", "pushurl") and entry.value == url:
            which = ["--push"] if entry.name == "pushurl" else []
            return shell_command(["git", "remote", "set-url", *which, entry.subsection, plain])
    return f"git push {shell_word(plain)}"


def _header(url: str, entries: list[ConfigEntry]) -> str | None:
    """Return the token in an `Authorization` header that git adds to its requests (git-config(1), http.extraHeader)."""
    token, length = None, 0
    for entry in entries:
        pattern = entry.subsection
        is_header = (entry.section, entry.name) == ("http", "extraheader") and (not pattern or url_origin(pattern))
        # git ignores a less specific section after a more specific one (urlmatch.c); an empty value resets the list.
        if is_header and len(pattern) >= length and section_applies(pattern, url):
            length = len(pattern)
            token = (header_token(entry.value) or token) if entry.value else None
    return token


def header_token(header: str) -> str | None:
    """Return the token in an HTTP header, if it is an `Authorization` header in a form that the Hub accepts."""
    name, _, value = header.partition(":")
    scheme, _, credentials = value.strip().partition(" ")
    if name.strip().lower() != "authorization":
        return None
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() != "basic":
        return None
    import base64

    try:
        return base64.b64decode(credentials).decode("utf-8", "surrogateescape").partition(":")[2] or None
    except ValueError:
        return None


def _of_netrc(hub: str, host: str, user: str | None) -> Iterator[Token]:
    name = host.partition(":")[0] if not host.startswith("[") else host.partition("]")[0][1:]
    path = git_netrc_path()
    if path is None or not os.path.isfile(path):
        return  # reading a pipe would block
    try:
        with open(path, "rb") as file:
            content = file.read(1 << 20)
    except OSError:
        return  # git cannot read it either
    try:
        entry = used_entry(content, name, user)
    except Problem as problem:
        if not mentions_host(content, [name]):
            return
        raise NoAnswer(f"{path}: {problem.message}") from None  # git may read it differently
    if entry is not None:
        place = f"{path} (line {entry.line})"
        yield _elsewhere(
            hub,
            "netrc",
            entry.password,
            place,
            f"run `git-credential-hf doctor --fix`, or remove the entry for {shell_word(name)} from {shell_word(path)}",
        )


def _of_helpers(hub: str, url: str, plain: str, entries: list[ConfigEntry], *, offline: bool) -> Iterator[Token]:
    """Yield the answer of `git credential fill`, which runs the helpers as git does, but without prompts."""
    try:
        request = format_message([("url", url if _needs_path(entries) else _without_path(url))]) + b"\n"
    except Problem:
        return  # git does not accept such a URL either
    try:
        answer = run_git(
            *("credential", "fill"),
            given=request,
            environment={**NO_PROMPTS, **({"HF_HUB_OFFLINE": "1"} if offline else {})},
            seconds=HELPERS_TIMEOUT,
            may_connect=True,  # helpers ask servers, perhaps with git
        )
    except NoAnswer:
        raise  # a helper hangs, so git never asks the helpers after it
    except Problem as problem:
        if any(message in problem.message for message in _NO_CREDENTIAL):
            return
        raise NoAnswer(problem.message, problem.fix) from None  # git failed before it ran any helper
    fields = dict(line.partition("=")[::2] for line in answer.decode("utf-8", "surrogateescape").split("\n"))
    value = fields.get("password") or fields.get("credential")
    if not value:
        return
    chains = HelperChains([plain], entries)
    names = {(helper_options(entry.value or "") or {}).get("token") for entry in chains.ours} | {None}
    ours = next((token for name in names if (token := find_token(value, name, hub))), None)
    if ours is not None and chains.ours:
        yield ours
        return
    register_secret(value)  # a helper's command may contain it
    fix = f"{configure_hint()}, and `git-credential-hf purge`"
    yield _elsewhere(hub, "helper", value, f"git's helper {quoted_helpers(chains.others)}", fix)


def _needs_path(entries: list[ConfigEntry]) -> bool:
    """Whether the path may affect which helper git runs, or its request: usually only the host does."""
    of_credentials = [entry for entry in entries if entry.section == "credential"]
    return any(e.name == "usehttppath" or e.subsection.partition("://")[2].partition("/")[2] for e in of_credentials)


def _without_path(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"


# The last line of `git credential fill` if git would prompt, or if a helper has told it not to.
_NO_CREDENTIAL = ("could not read Username", "could not read Password", "told us to quit")


def _elsewhere(hub: str, kind: str, value: str, place: str, fix: str) -> Token:
    token = Token(register_secret(value), kind, place, hub=hub)
    token.fix = fix
    return token


def falls_through(token: Token) -> bool:
    """Whether git and git-lfs ask the helpers if the Hub refuses this token: only after `.netrc`."""
    return token.kind == "netrc"


def is_current_token(token: Token) -> bool:
    """Whether this is the token that this helper returns, even if git has it from another source."""
    if token.fix is None:
        return True  # not from `_elsewhere`
    try:
        current = current_token(token.hub, act=False)
    except Problem:
        return False
    return current is not None and current.value == token.value
