"""Check git's configuration for tokens: in URLs of remotes, in `insteadOf`, in headers, in endpoints of git-lfs."""

import os
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote

from git_credential_hf.doctor.changes import plan_unset
from git_credential_hf.doctor.finding import RUN_FIX, Finding, fix_first, fix_unless, why_one_kept
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.files import Change, FileChange, read_file
from git_credential_hf.git.config import ConfigEntry, removal_command
from git_credential_hf.git.credentials import header_token
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.hub import PUBLIC_HUB, origins_of
from git_credential_hf.masking import mask_token
from git_credential_hf.repository import without_credentials
from git_credential_hf.tokens import stored_tokens


def check_urls(machine: Machine) -> Iterator[Finding]:
    """Check for tokens in remote URLs: git uses them first, and the configuration file may be copied and shared."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for entry in machine.entries:
        secret = _url_secret(entry.value or "", machine.origins)
        if entry.section == "remote" and entry.name in ("url", "pushurl") and secret:
            found.setdefault(entry_file(entry), []).append(
                (entry.subsection, secret, section_origin(entry.value or "") or "")
            )
    for path, secrets in found.items():
        lines = [
            f"remote '{remote}': {mask_token(secret)}"
            + (", which the Hub rejects" if machine.other_tokens.is_refused(secret, origin) else "")
            for remote, secret, origin in secrets
        ]
        reason = why_one_kept(machine.other_tokens.why_kept(secret, origin) for _, secret, origin in secrets)
        yield Finding(
            "token-in-remote-url",
            "error",
            "a remote's URL contains a token, which git uses first",
            [path or _ENVIRONMENT, *lines],
            fix_unless(reason) if path else "remove the token from GIT_CONFIG_*",
            _plan_without_secrets(path, machine) if path and not reason else None,
        )


def check_configuration(machine: Machine) -> Iterator[Finding]:
    """Check for tokens in `http.extraHeader`, in `url.<base>.insteadOf` and in git-lfs endpoints."""
    for entry in machine.lfs.urls:
        if secret := _url_secret(entry.value or "", machine.origins):
            yield _url_finding(
                entry, secret, f"{entry.key}, with {mask_token(secret)}", "gives git-lfs a token in a URL", machine
            )
    for entry in machine.entries:
        if entry.section == "http" and entry.name == "extraheader" and _authorizes_to_hub(entry, machine.origins):
            yield _header_finding(entry, machine)
        elif entry.section == "url" and (secret := _url_secret(entry.subsection, machine.origins)):
            shown = f"url.{without_credentials(entry.subsection)}.insteadOf, with {mask_token(secret)}"
            yield _url_finding(entry, secret, shown, "inserts a token into the Hub's URLs", machine)


def _url_finding(entry: ConfigEntry, secret: str, shown: str, act: str, machine: Machine) -> Finding:
    path = entry_file(entry)
    url = entry.subsection if entry.section == "url" else entry.value or ""
    reason = machine.other_tokens.why_kept(secret, section_origin(url) or "")
    return Finding(
        "token-in-git-config",
        "error",
        f"git's configuration {act}",
        f"{path or _ENVIRONMENT}: {shown}",
        fix_unless(reason) if path else "remove the token from GIT_CONFIG_*",
        _plan_without_secrets(path, machine) if path and not reason else None,
    )


def _header_finding(entry: ConfigEntry, machine: Machine) -> Finding:
    path = entry_file(entry)
    key = ".".join(part for part in ("http", entry.subsection, "extraHeader") if part)
    origin = section_origin(entry.subsection) if entry.subsection else None
    # Unsetting removes all headers of this key in the file.
    secrets = [
        header_token(other.value or "")
        for other in machine.entries
        if other.key == entry.key and entry_file(other) == path and _is_authorization(other)
    ]
    reason, changes = None, None
    if path and origin and all(secrets):  # a header without an origin may be meant for another host
        reason = why_one_kept(machine.other_tokens.why_kept(secret or "", origin) for secret in secrets)
        changes = None if reason else plan_unset(path, key, _AUTHORIZATION)
    return Finding(
        "token-in-git-config",
        "error",
        f"git's configuration sends an Authorization header to {'the Hub' if entry.subsection else 'every host'}",
        f"{path or _ENVIRONMENT}: {key}",
        fix_first(reason) if reason else RUN_FIX if changes else removal_command(entry),
        changes,
        is_lasting=not entry.subsection,  # the storage of LFS files refuses it
    )


_ENVIRONMENT = "the environment, GIT_CONFIG_*"
_AUTHORIZATION = "^[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]:"  # keep other headers of the same key


def _authorizes_to_hub(entry: ConfigEntry, origins: list[str]) -> bool:
    return _is_authorization(entry) and (not entry.subsection or section_origin(entry.subsection) in origins)


def _is_authorization(entry: ConfigEntry) -> bool:
    return (entry.value or "").lower().startswith("authorization:")


def _url_secret(url: str, origins: list[str]) -> str | None:
    """Return the password in a URL of the Hub, or the token that is its user name."""
    login, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    return _login_secret(login) if at and section_origin(url) in origins else None


def _login_secret(login: str) -> str | None:
    user, _, password = login.partition(":")
    return password or (user if user.startswith(("hf_", "api_")) else None)


def entry_file(entry: ConfigEntry) -> str:
    """Return the path of the file in which a variable is set; empty if it is set in the environment."""
    return os.path.realpath(entry.origin.removeprefix("file:")) if entry.origin.startswith("file:") else ""


def _plan_without_secrets(path: str, machine: Machine) -> Callable[[], list[Change]]:
    """Return a function that plans to remove the secrets from the Hub URLs in a file.

    The file is edited directly, because the arguments of `git config` are visible to all users. A user name without a
    password is kept: it selects a stored token and a `credential` section. A stored token other than the current one
    is replaced by its name.
    """

    def remaining_login(login: str, origin: str) -> str:
        secret = _login_secret(login)
        if secret is None or machine.other_tokens.why_kept(secret, origin):
            return f"{login}@"
        if machine.token is None or secret == machine.token.value or origin not in origins_of(PUBLIC_HUB):
            return ""  # for another Hub, a name selects nothing
        name = next((token.name for token in stored_tokens() if token.value == secret and token.name), None)
        return f"{quote(name, safe='')}@" if name else ""

    def without_secrets(content: bytes, origin: str) -> bytes:
        host = re.escape(origin.partition("://")[2]).encode()
        url = rb"(?i)(https?://)([^\s/\"]+)@(?=" + host + rb"(?:[/\"\s]|:443(?!\d)|$))"
        return re.sub(
            url, lambda found: found[1] + os.fsencode(remaining_login(os.fsdecode(found[2]), origin)), content
        )

    def plan() -> list[Change]:
        content = read_file(path) or b""
        after = content
        for origin in machine.origins:
            after = without_secrets(after, origin)
        if after == content:
            return []
        lines = zip(content.split(b"\n"), after.split(b"\n"), strict=True)
        summary = [
            f"remove the password from the URL of the Hub in line {number} of {path}"
            for number, (old, new) in enumerate(lines, 1)
            if old != new
        ]
        return [FileChange(path, content, after, summary=summary)]

    return plan
