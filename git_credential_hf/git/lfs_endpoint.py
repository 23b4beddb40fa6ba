"""Find the endpoint that git-lfs uploads to, not always the repository that git pushes to (docs/facts.md#l3)."""

import os
from collections.abc import Iterable

from git_credential_hf.git.config import ConfigEntry, parse_config, removal_command
from git_credential_hf.git.helper_chain import configured_hubs
from git_credential_hf.git.run import run_git
from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Remote, parse_remote

# The variables that `upload_endpoint` looks at.
LFS_VARIABLES = r"lfs\.(push)?url|remote\..*url|url\..*\.insteadof|core\.(bare|sparsecheckout)"

_MAX_CONFIG_BYTES = 1 << 16  # of .lfsconfig


class LfsEndpoint:
    """The `url` that git-lfs uploads to, and the variable that sets it, unless it is a URL of the remote."""

    def __init__(self, url: str, entry: ConfigEntry | None = None) -> None:
        self.url = url
        self.entry = entry

    def on_hub(self, others: Iterable[str]) -> Remote | None:
        """Return the endpoint as a remote on a Hub (or on one of `others`); `None` if it is on another host."""
        remote = parse_remote(self.url, others)
        if remote is not None:
            remote.path = remote.path.rstrip("/").removesuffix("/info/lfs")
        return remote

    @property
    def is_of_files(self) -> bool:
        """Whether it is set in a file of the repository, which others may have written, not in the configuration."""
        return self.entry is not None and self.entry.origin.endswith(".lfsconfig")

    @property
    def fix(self) -> str | None:
        """The command that removes the variable."""
        return removal_command(self.entry) if self.entry else None


def upload_endpoint(remote: str, url: str, entries: list[ConfigEntry], top: str = "") -> LfsEndpoint:
    """Return the endpoint that git-lfs uploads to when git pushes to `url`; `remote` is its name, or the URL again.

    `top`: the directory of the work tree. git's configuration overrides `.lfsconfig`, in which git-lfs reads only a few
    variables.
    """
    settings = {}
    for entry in [*read_lfsconfig(entries, top), *entries]:
        settings[entry.section, entry.subsection, entry.name] = entry
    keys = [
        *(("lfs", "", "pushurl"), ("lfs", "", "url")),
        *(("remote", remote, "lfspushurl"), ("remote", remote, "lfsurl")),
    ]
    for key in keys:
        if key in settings and settings[key].value:
            return LfsEndpoint(_replaced(settings[key].value or "", entries), settings[key])
    # If a remote has several URLs, git-lfs uses the last one, whichever git pushes to.
    for name in ("pushurl", "url"):
        urls = [e.value for e in entries if (e.section, e.subsection, e.name) == ("remote", remote, name) and e.value]
        if urls:
            return LfsEndpoint(url if len(urls) == 1 else _replaced(urls[-1] or "", entries))
    return LfsEndpoint(url)


def locks_variable(url: str, entries: list[ConfigEntry]) -> str | None:
    """Return the variable, as git-lfs itself suggests it, that keeps git-lfs from asking for locks at a push to `url`.

    `None` if it is set already, or if the URL is not on a Hub (docs/facts.md#l2).
    """
    remote = parse_remote(url, configured_hubs(entries))
    if remote is None or remote.repository is None:
        return None
    origin = "https://hf.co" if (remote.transport, remote.hub) == ("ssh", PUBLIC_HUB) else remote.hub
    endpoint = f"{origin}/{remote.path.strip('/').removesuffix('.git')}.git/info/lfs"
    is_set = any(
        (e.section, e.name) == ("lfs", "locksverify")
        and f"{endpoint}/".startswith(e.subsection and f"{e.subsection.rstrip('/')}/")
        for e in entries
    )
    return None if is_set else f"lfs.{endpoint}.locksverify"


def read_lfsconfig(entries: list[ConfigEntry], top: str) -> list[ConfigEntry]:
    """Return the variables that git-lfs reads in `.lfsconfig`: in the work tree, or else in the index, or in HEAD."""
    path = os.path.abspath(os.path.join(top, ".lfsconfig"))
    content = b""
    try:
        if os.path.isfile(path) and not os.path.islink(path):
            with open(path, "rb") as file:
                content = file.read(_MAX_CONFIG_BYTES)
        elif any((e.section, e.name, e.value) in _WITHOUT_FILE for e in entries):
            content = run_git("cat-file", "blob", "HEAD:.lfsconfig")
        found = parse_config(content) if content else []
    except (OSError, Problem):
        return []
    for entry in found:
        entry.scope, entry.origin = "local", f"file:{path}"
    return [e for e in found if (e.section, e.subsection) == ("lfs", "") or (e.section, e.name) == ("remote", "lfsurl")]


_WITHOUT_FILE = (("core", "bare", "true"), ("core", "sparsecheckout", "true"))


def _replaced(url: str, entries: list[ConfigEntry]) -> str:
    """Return a URL after `url.<base>.insteadOf`."""
    aliases = {
        e.value: e.subsection
        for e in entries
        if (e.section, e.name) == ("url", "insteadof") and e.value and url.startswith(e.value)
    }
    longest = max(aliases, key=len, default="")
    return aliases[longest] + url[len(longest) :] if longest else url
