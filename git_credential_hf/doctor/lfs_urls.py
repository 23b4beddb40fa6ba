"""Find the URLs that git-lfs uses for a repository: its own settings, and the download and upload endpoints."""

from functools import cached_property
from typing import TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.lfs_endpoint import LfsEndpoint, read_lfsconfig, upload_endpoint
from git_credential_hf.git.run import find_program, git_line, run_git
from git_credential_hf.problem import Problem
from git_credential_hf.repository import parse_remote

if TYPE_CHECKING:
    from git_credential_hf.doctor.machine import Machine


class LfsUrls:
    """The URLs that git-lfs uses in the current directory, from its own and git's configuration."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    @cached_property
    def urls(self) -> list[ConfigEntry]:
        """The settings that name a git-lfs endpoint, in git's configuration and in `.lfsconfig`."""
        names = (
            *(("lfs", name) for name in ("url", "pushurl")),
            *(("remote", f"lfs{name}") for name in ("url", "pushurl")),
        )
        try:
            top = git_line("rev-parse", "--show-toplevel")
        except Problem:
            return []  # not in a work tree
        entries = [*read_lfsconfig(self._machine.entries, top), *self._machine.entries]
        return [entry for entry in entries if (entry.section, entry.name) in names and entry.value]

    @cached_property
    def endpoint(self) -> str | None:
        """The URL that git-lfs reports for the remote; `None` without git-lfs, or if no URL is on a Hub."""
        machine = self._machine
        if machine.git_problem or find_program("git-lfs") is None:
            return None
        if machine.remote is None and not any(parse_remote(e.value or "", machine.other_hubs) for e in self.urls):
            return None
        try:
            output = run_git("-c", "core.fsmonitor=false", "lfs", "env", seconds=5).decode("utf-8", "replace")
        except Problem:
            return None
        for line in output.splitlines():
            if line.startswith("Endpoint"):
                return line.partition("=")[2].rpartition(" (")[0]
        return None

    @property
    def url(self) -> str | None:
        """The URL from which git-lfs requests files of the repository to check."""
        machine = self._machine
        named = machine.named_repository
        if named and (machine.remote is None or machine.parse(machine.remote) != named):
            return f"{named.page}.git/info/lfs" if find_program("git-lfs") else None
        return None if machine.is_ssh else self.endpoint

    @cached_property
    def upload_endpoint(self) -> LfsEndpoint | None:
        """The endpoint that git-lfs uploads to; `None` without git-lfs, or without a remote."""
        machine = self._machine
        if machine.remote is None or find_program("git-lfs") is None:
            return None
        try:
            top = git_line("rev-parse", "--show-toplevel")
        except Problem:
            top = ""  # a bare repository
        return upload_endpoint(machine.remote_name, machine.remote, machine.entries, top)
