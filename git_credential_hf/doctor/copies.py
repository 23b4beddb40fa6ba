"""Checks for copies of a token outside of huggingface_hub's files: stale, unprotected, and used first."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from functools import partial

from git_credential_hf.configure import removal_command
from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.files import Change, FileChange, read_file
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.netrc import mentions_host, netrc_paths, parse_netrc, without_machines
from git_credential_hf.git.run import NothingFound, run_git
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.hub import exclusive_origins, hub_origins, without_credentials
from git_credential_hf.masking import mask_line, mask_token, register_secret
from git_credential_hf.problem import Problem
from git_credential_hf.purge import other_helpers, purge_helpers

COPIES_TIMEOUT = 1.5  # seconds for all other helpers
AGAIN = "run `git-credential-hf doctor --fix`"


def _hosts(origins: list[str]) -> list[str]:
    """Return the names of the Hub's hosts, as a netrc file has them."""
    return [name for origin in origins if (name := _host(origin)) not in ("localhost", "127.0.0.1")]


def _host(origin: str) -> str:
    host = origin.partition("://")[2]
    return host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]


def check_netrc(machine: Machine) -> Iterator[Finding]:
    """Check `.netrc`, which git and git-lfs use before any helper (docs/facts.md#g2)."""
    for path in netrc_paths():
        real = os.path.realpath(path)
        hosts = _hosts(hub_origins())
        content = b""
        try:
            content = read_file(real) or b""
            found = parse_netrc(content)
        except Problem as problem:
            if content and not mentions_host(content, hosts):
                continue  # nothing in it is for the Hub
            yield Finding(
                "netrc-unreadable",
                "warning",
                f"{path} cannot be checked, or edited automatically",
                problem.message,
                f"fix {path} by hand" + (f": {problem.fix}" if problem.fix else ""),
            )
            continue
        # A netrc file knows neither ports nor paths: with one, the entry may be for another server.
        ours = _hosts([origin for origin in exclusive_origins() if _host(origin) == origin.partition("://")[2]])
        mine = [entry for entry in found if entry.machine is not None and entry.machine.lower() in hosts]
        for entry in found:
            register_secret(entry.password)
        is_ours = any((entry.machine or "").lower() in ours for entry in mine)
        if mine:
            lines = ", ".join(f"line {entry.line}: {entry.machine}, {mask_token(entry.password)}" for entry in mine)
            yield Finding(
                "netrc-entry",
                "error",
                f"{path} has a password for the Hub, which git and git-lfs use first",
                lines,
                AGAIN if is_ours else f"remove the entry for the Hub from {path}",
                _without(real, ours) if is_ours else None,
            )
        for entry in found:
            if entry.machine is None:
                yield Finding(
                    "netrc-default",
                    "warning",
                    f"{path} has a password for every host, including the Hub",
                    f"line {entry.line}: default",
                    f"remove `default` from {path}, or name the hosts that it is for",
                )


def _without(path: str, hosts: list[str]) -> Callable[[], list[Change]]:
    def plan() -> list[Change]:
        content = read_file(path)
        after = without_machines(content or b"", hosts)
        return [FileChange(path, content, after, has_backup=True)] if after != content else []

    return plan


class PurgeHelpers:
    """Remove what other helpers hold for the Hub."""

    def __init__(self, helpers: list[ConfigEntry]) -> None:
        self.path = ", ".join(mask_line(entry.value or "") for entry in helpers)
        self._helpers = helpers

    def describe(self) -> str:
        """The command that does the same."""
        return f"git-credential-hf purge  ({self.path})\n"

    def apply(self) -> None:
        """Remove it; raises `Problem` if one of them still holds something."""
        for holder in purge_helpers(self._helpers):
            if holder.state in ("held", "unknown"):
                why = holder.why or "it does not erase it"
                fix = holder.remedy() or "run `git-credential-hf purge`"
                raise Problem(f"'{holder.helper}' still holds a Hub token: {why}", fix)


def _plan_purge(helpers: list[ConfigEntry]) -> list[Change]:
    return [PurgeHelpers(helpers)]


def check_copies(machine: Machine) -> Iterator[Finding]:
    """Check what other helpers hold for the Hub: copies of a login that may be over."""
    helpers = other_helpers(machine.entries)
    for holder in purge_helpers(helpers, dry_run=True, seconds=COPIES_TIMEOUT) if helpers else ():
        if holder.copies:
            copies = [
                f"{mask_token(copy.secret)} for {copy.origin}" + (f", user {copy.username}" if copy.username else "")
                for copy in holder.copies
            ]
            mine = [entry for entry in helpers if entry.value == holder.helper]
            yield Finding(
                "stale-copy",
                "error",
                f"the helper '{mask_line(holder.helper)}' has a copy of a Hub token",
                "\n".join(dict.fromkeys(copies)),
                "run `git-credential-hf purge`",
                partial(_plan_purge, mine),
            )
        elif holder.has_no_answer:
            yield Finding(
                "stale-copy",
                "warning",
                f"the helper '{mask_line(holder.helper)}' may have a copy of a Hub token",
                f"{holder.why}, and git would wait for it",
                "run `git-credential-hf purge` when it answers",
            )


# --- a token in git's own files ---


def check_urls(machine: Machine) -> Iterator[Finding]:
    """Check remotes' URLs: a token in one is used first, from a file that is copied and shared."""
    found: dict[str, list[str]] = {}
    for entry in machine.entries:
        if entry.section == "remote" and entry.name in ("url", "pushurl") and (secret := _secret_in(entry.value or "")):
            register_secret(secret)
            found.setdefault(entry_file(entry), []).append(f"remote '{entry.subsection}': {mask_token(secret)}")
    for path, lines in found.items():
        yield Finding(
            "token-in-remote-url",
            "error",
            "a remote's URL contains a token, which git uses first",
            f"{path}\n" + "\n".join(lines),
            AGAIN,
            _stripped(path) if path else None,
        )


def check_configuration(machine: Machine) -> Iterator[Finding]:
    """Check git's configuration for a token in a header, or in a URL that replaces another."""
    for entry in machine.entries:
        path = entry_file(entry)
        if entry.section == "http" and entry.name == "extraheader" and _is_for_the_hub(entry):
            register_secret((entry.value or "").rpartition(" ")[2])
            key = ".".join(part for part in ("http", entry.subsection, "extraHeader") if part)
            whom = "the Hub" if entry.subsection else "every host"
            # One for all hosts may be meant for another one.
            changes = plan_unset(path, key, _AUTHORIZATION) if path and entry.subsection else None
            yield Finding(
                "token-in-git-config",
                "error",
                f"git's configuration sends a header with a password to {whom}",
                f"{path or 'the environment, GIT_CONFIG_*'}: {key}",
                AGAIN if changes else removal_command(entry),
                changes,
            )
        elif entry.section == "url" and (secret := _secret_in(entry.subsection)):
            register_secret(secret)
            yield Finding(
                "token-in-git-config",
                "error",
                "git's configuration adds a token to the Hub's URLs",
                f"{path or 'the environment, GIT_CONFIG_*'}: "
                f"url.{without_credentials(entry.subsection)}.insteadOf, with {mask_token(secret)}",
                AGAIN if path else "remove url.*.insteadOf from GIT_CONFIG_*",
                _stripped(path) if path else None,
            )


def _is_for_the_hub(entry: ConfigEntry) -> bool:
    is_secret = (entry.value or "").lower().startswith("authorization:")
    return is_secret and (not entry.subsection or section_origin(entry.subsection) in exclusive_origins())


_AUTHORIZATION = "^[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]:"  # other headers of the same variable stay


def _secret_in(url: str) -> str | None:
    """Return the password, or the token instead of a user name, in a URL of the Hub."""
    login, at, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    return _secret_of(login) if at and section_origin(url) in exclusive_origins() else None


def _secret_of(login: str) -> str | None:
    user, _, password = login.partition(":")
    return password or (user if user.startswith(("hf_", "api_")) else None)


def entry_file(entry: ConfigEntry) -> str:
    """Return the path of the file that sets a variable; empty for the environment."""
    return os.path.realpath(entry.origin.removeprefix("file:")) if entry.origin.startswith("file:") else ""


def _stripped(path: str) -> Callable[[], list[Change]]:
    """Plan to remove the secrets from the Hub's URLs in a file; by its bytes, as git's arguments are visible.

    A user name alone stays: it selects a token, and a section of `credential`.
    """

    def stripped(url: re.Match[bytes]) -> bytes:
        return url[1] if _secret_of(url[2].decode("utf-8", "surrogateescape")) else url[0]

    def plan() -> list[Change]:
        content = read_file(path) or b""
        after = content
        for host in (re.escape(origin.partition("://")[2]).encode() for origin in exclusive_origins()):
            url = rb"(?i)(https?://)([^\s/\"]+)@(?=" + host + rb"(?:[/\"\s]|:443(?!\d)|$))"
            after = re.sub(url, stripped, after)
        return [FileChange(path, content, after)] if after != content else []

    return plan


class UnsetVariable:
    """Remove a variable from one of git's configuration files: all values, or those that match `pattern`."""

    def __init__(self, path: str, key: str, *pattern: str) -> None:
        self.path = path
        self._arguments = ("config", "--file", path, "--unset-all", key, *pattern)

    def describe(self) -> str:
        """The command that does the same."""
        return f"git {shlex.join(self._arguments)}\n"

    def apply(self) -> None:
        """Remove it; raises `Problem` with git's words if that fails."""
        try:
            run_git(*self._arguments)
        except Problem as problem:
            lock = self.path + ".lock"
            hint = f"if no git is running: rm {shlex.quote(lock)}" if os.path.lexists(lock) else problem.fix
            raise Problem(problem.message, hint) from None


def plan_unset(path: str, key: str, *pattern: str) -> Callable[[], list[Change]] | None:
    """Return the plan to remove a variable from a file; the plan is empty if it is gone by then.

    `None` if the key contains a secret: it would be an argument of git, which everybody can read.
    """
    if mask_line(key) != key:
        return None

    def plan() -> list[Change]:
        try:
            run_git("config", "--file", path, "--get-all", key, *pattern)
        except NothingFound:
            return []
        return [UnsetVariable(path, key, *pattern)]

    return plan
