"""Check the netrc files: git prefers a password in one to the login, and it goes stale."""

import os
from collections.abc import Callable, Iterator

from git_credential_hf.doctor.finding import Finding, fix_unless, why_one_kept
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.files import Change, FileChange, read_file
from git_credential_hf.git.netrc import NetrcEntry, mentions_host, netrc_paths, parse_netrc, without_machines
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word


def check_netrc(machine: Machine) -> Iterator[Finding]:
    """Check the netrc files, which git and git-lfs read before they ask a helper (docs/facts.md#g2)."""
    hosts = _host_names(machine.origins)
    for path in netrc_paths():
        content = b""
        try:
            content = read_file(os.path.realpath(path)) or b""
            entries = parse_netrc(content)
        except Problem as problem:
            if not content or mentions_host(content, hosts):
                yield Finding(
                    "netrc-unreadable",
                    "error" if content else "warning",  # git may fail, or send a password from it
                    f"{path} cannot be checked, or edited automatically",
                    problem.message,
                    f"fix {shell_word(path)} by hand" + (f": {problem.fix}" if problem.fix else ""),
                )
            continue
        yield from _check_netrc_entries(path, entries, hosts, machine)


def _check_netrc_entries(path: str, entries: list[NetrcEntry], hosts: list[str], machine: Machine) -> Iterator[Finding]:
    # netrc entries have no port: if the Hub's origin has one, an entry may be for another server on the same host.
    exclusive = _host_names([origin for origin in machine.origins if _host_name(origin) == _authority(origin)])
    found = [entry for entry in entries if entry.machine is not None and entry.machine.lower() in hosts]
    is_exclusive = any((entry.machine or "").lower() in exclusive for entry in found)
    pairs = [
        (entry.password, origin)
        for entry in found
        for origin in machine.origins
        if _host_name(origin) == (entry.machine or "").lower()
    ]
    reason = why_one_kept(machine.other_tokens.why_kept(*pair) for pair in pairs)
    if found:
        is_used = not all(machine.other_tokens.is_refused(*pair) for pair in pairs)
        yield Finding(
            "netrc-entry",
            "error" if is_used else "warning",
            f"{path} contains a password for the Hub, which git and git-lfs use first"
            if is_used
            else f"{path} contains a password that git and git-lfs try first, and that the Hub rejects",
            ", ".join(f"line {entry.line}: {entry.machine}, {mask_token(entry.password)}" for entry in found),
            fix_unless(reason) if is_exclusive else f"remove the Hub's entries from {shell_word(path)}",
            _plan_without_machines(path, exclusive) if is_exclusive and not reason else None,
        )
    for entry in entries:
        if entry.machine is None:
            yield Finding(
                "netrc-default",
                "warning",
                f"the `default` entry in {path} applies to the Hub, too",
                f"line {entry.line}: default",
                f"replace `default` in {shell_word(path)} with a `machine` entry for each host",
            )


def _host_names(origins: list[str]) -> list[str]:
    return [name for origin in origins if (name := _host_name(origin)) not in ("localhost", "127.0.0.1")]


def _host_name(origin: str) -> str:
    """Return the host of an origin in the form used by netrc files."""
    host = _authority(origin)
    return host[1 : host.index("]")] if host.startswith("[") else host.partition(":")[0]


def _authority(origin: str) -> str:
    return origin.partition("://")[2]


def _plan_without_machines(path: str, hosts: list[str]) -> Callable[[], list[Change]]:
    real = os.path.realpath(path)

    def plan() -> list[Change]:
        content = read_file(real)
        after = without_machines(content or b"", hosts)
        if after == content:
            return []
        removed = [entry for entry in parse_netrc(content or b"") if (entry.machine or "").lower() in hosts]
        summary = [f"remove the entry for {entry.machine} (line {entry.line}) from {real}" for entry in removed]
        return [FileChange(real, content, after, summary=summary)]

    return plan
