"""Which credential git will really use for a URL, and where it comes from: it may not be the one from this helper.

git, through libcurl, takes the URL's own password, a header of its configuration or a `.netrc` entry, and asks the
chain of helpers only after a 401; git-lfs goes the same way (docs/facts.md#g1, #g2).
"""

import os
import shlex
from collections.abc import Iterator

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helpers import helper_chain, is_our_helper
from git_credential_hf.git.netrc import git_netrc_path, mentions_host, used_entry
from git_credential_hf.git.run import NO_PROMPTS, NoAnswer, run_git
from git_credential_hf.git.urlmatch import percent_decoded, section_applies
from git_credential_hf.masking import register_secret
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import Token, current_token, find_token

HELPERS_TIMEOUT = 10  # seconds for the chain of helpers, which git itself would wait for without end


def git_credentials(url: str, entries: list[ConfigEntry], *, headers: bool = True) -> Iterator[Token]:
    """Yield the credentials for `url` (https), in the order in which git tries them; none if it would prompt.

    The next one counts only if the Hub refuses the one before. `entries`: git's configuration; `headers`: whether
    http.extraHeader counts, too. Raises `NoAnswer` if a helper hangs.
    """
    scheme, _, rest = url.partition("://")
    where, slash, path = rest.partition("/")
    login, at, host = where.rpartition("@")
    user, colon, password = (percent_decoded(part) for part in login.partition(":"))
    plain = f"{scheme}://{host}{slash}{path}"
    if at and colon and password:
        yield _elsewhere("url", password, "the URL of the remote", f"run `{_without_password(url, plain, entries)}`")
        return
    header = _header(plain, entries) if headers else None
    if header:
        yield _elsewhere(
            "header",
            header,
            "http.extraHeader in git's configuration",
            "run `git config --show-origin --get-all http.extraHeader`, and remove it there",
        )
    yield from _of_netrc(host, user or None)
    yield from _of_helpers(url, plain, entries)


def is_given_elsewhere(url: str, entries: list[ConfigEntry]) -> bool:
    """Whether git, although no helper has a credential now, may have had one: typed in, or given only once."""
    if any(os.environ.get(name) for name in ("GIT_ASKPASS", "SSH_ASKPASS")):
        return True
    if any(entry.section == "core" and entry.name == "askpass" and entry.value for entry in entries):
        return True
    if os.environ.get("GIT_TERMINAL_PROMPT", "1").lower() not in ("0", "false", "no", "off", ""):
        return True
    return not all(is_our_helper(entry.value or "") for entry in helper_chain(url, entries))


def is_cut_off(url: str, entries: list[ConfigEntry]) -> bool:
    """Whether git, although no helper has answered, should have had our token: then something has failed."""
    try:
        is_asked = any(is_our_helper(entry.value or "") for entry in helper_chain(url, entries))
        return is_asked and current_token(act=False) is not None
    except Problem:
        return False  # there is nothing to give


def _without_password(url: str, plain: str, entries: list[ConfigEntry]) -> str:
    """Return the command that replaces a URL: in the remote's settings, or on the command line."""
    for entry in entries:
        if entry.section == "remote" and entry.name in ("url", "pushurl") and entry.value == url:
            which = ["--push"] if entry.name == "pushurl" else []
            return shlex.join(["git", "remote", "set-url", *which, entry.subsection, plain])
    return f"git push {shlex.quote(plain)}"


def _header(url: str, entries: list[ConfigEntry]) -> str | None:
    """The token in an `Authorization` header that git adds to its requests (git-config(1), http.extraHeader)."""
    token, length = None, 0
    for entry in entries:
        where = entry.subsection
        is_one = (entry.section, entry.name) == ("http", "extraheader") and ("://" in where or not where)
        # What is less specific than one before it, git passes over (urlmatch.c); an empty one forgets those before it.
        if is_one and len(where) >= length and section_applies(where, url):
            length = len(where)
            token = (_token_of(entry.value) or token) if entry.value else None
    return token


def _token_of(header: str) -> str | None:
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


def _of_netrc(host: str, user: str | None) -> Iterator[Token]:
    name = host.partition(":")[0] if not host.startswith("[") else host.partition("]")[0][1:]
    path = git_netrc_path()
    if path is None or not os.path.isfile(path):
        return  # a pipe would keep us waiting
    try:
        with open(path, "rb") as file:
            content = file.read(1 << 20)
    except OSError:
        return  # nor can git
    try:
        entry = used_entry(content, name, user)
    except Problem as problem:
        if not mentions_host(content, [name]):
            return
        raise NoAnswer(f"{path}: {problem.message}") from None  # git may find in it what we do not
    if entry is not None:
        where = f"{path} (line {entry.line})"
        yield _elsewhere("netrc", entry.password, where, f"remove the entry for {name} from {path}")


def _of_helpers(url: str, plain: str, entries: list[ConfigEntry]) -> Iterator[Token]:
    """Yield what `git credential fill` answers, which asks the helpers as git does, but no person."""
    if "\n" in url or "\0" in url:
        return
    try:
        answer = run_git(
            *("credential", "fill"),
            given=f"url={url}\n\n".encode("utf-8", "surrogateescape"),
            environment=NO_PROMPTS,
            seconds=HELPERS_TIMEOUT,
        )
    except NoAnswer:
        raise  # a helper has not answered, and git does not get to those after it
    except Problem as problem:
        if any(words in problem.message for words in _NOBODY_HAS_ONE):
            return
        raise NoAnswer(problem.message, problem.fix) from None  # it has not come so far as to know
    fields = dict(line.partition("=")[::2] for line in answer.decode("utf-8", "surrogateescape").split("\n"))
    value = fields.get("password") or fields.get("credential")
    if not value:
        return
    ours = find_token(value, None)
    chain = helper_chain(plain, entries)
    if ours is not None and any(is_our_helper(entry.value or "") for entry in chain):
        yield ours
        return
    names = ", ".join(f"'{entry.value}'" for entry in chain if not is_our_helper(entry.value or ""))
    fix = "run `git-credential-hf configure`, and `git-credential-hf purge`"
    yield _elsewhere("helper", value, f"git's helper {names}", fix)


# How `git credential fill` ends when git would prompt now, or when a helper has told it not to.
_NOBODY_HAS_ONE = ("could not read Username", "could not read Password", "told us to quit")


def _elsewhere(kind: str, value: str, where: str, fix: str) -> Token:
    token = Token(register_secret(value), kind, where)
    token.fix = fix
    return token


def falls_through(token: Token) -> bool:
    """Whether git and git-lfs go on to the helpers if the Hub refuses this: only for `.netrc`."""
    return token.kind == "netrc"


def is_current_token(token: Token) -> bool:
    """Whether this is a token of ours, and none that another source has put in its place."""
    return token.fix is None or _is_the_same(token)  # those of ours know their remedy themselves


def _is_the_same(token: Token) -> bool:
    try:
        current = current_token(act=False)
    except Problem:
        return False
    return current is not None and current.value == token.value
