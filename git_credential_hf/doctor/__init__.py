"""Why the Hub says 401: what four programs would send, what is wrong on this machine, and how to fix it.

Each `check_*` checks one thing and yields findings, with the changes that fix them if that can be done safely.
`examine_machine` runs them in the order of `AREAS`.
"""

from collections.abc import Callable, Iterable

from git_credential_hf.doctor.copies import check_configuration, check_copies, check_netrc, check_urls
from git_credential_hf.doctor.environment import check_endpoint, check_home, check_job
from git_credential_hf.doctor.finding import IDS, Finding, Row
from git_credential_hf.doctor.git_setup import check_helpers, check_hooks, check_lfs, check_settings
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.doctor.repository import check_repository
from git_credential_hf.doctor.token import check_environment, check_files, check_hub, check_resolvers, check_token
from git_credential_hf.hub import Repository
from git_credential_hf.problem import Problem

# What is checked, in words, and by which functions.
AREAS: tuple[tuple[str, tuple[Callable[[Machine], Iterable[Finding]], ...]], ...] = (
    ("the token", (check_token, check_hub, check_environment, check_files)),
    (".netrc", (check_netrc,)),
    ("git's helpers", (check_helpers, check_copies, check_settings)),
    ("URLs and git's configuration", (check_urls, check_configuration)),
    ("git-lfs and the hooks", (check_lfs, check_hooks)),
    ("where this runs", (check_home, check_job, check_endpoint)),
    ("the repository", (check_repository,)),
)


class Examination:
    """The result: `resolvers` is what each program would send; `findings` are in the order of `IDS`, or by `areas`."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.areas: dict[str, list[Finding]] = {}
        broken: set[str] = set()  # why git did not answer, each reported once
        for area, checks in AREAS:
            if area == "the repository" and (machine.offline or machine.repository is None):
                continue  # there is nothing to check
            found = self.areas[area] = []
            for check in checks:
                try:
                    found.extend(check(machine))
                except Problem as problem:
                    if problem.message not in broken:
                        found.append(
                            Finding("git-broken", "error", problem.message, "", problem.fix or "see git-config(1)")
                        )
                    elif not found:
                        self.areas.pop(area, None)  # nothing was checked
                    broken.add(problem.message)
        self.resolvers: list[Row] = machine.resolvers()
        found = [finding for area in self.areas.values() for finding in area]
        disagreement = list(check_resolvers(machine, self.resolvers, found))
        self.areas["the token"] = disagreement + self.areas["the token"]
        every = [finding for found in self.areas.values() for finding in found]
        self.findings = sorted(every, key=lambda finding: IDS.index(finding.id))

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; warnings do not count."""
        return not any(finding.severity == "error" and not finding.fixed for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """As `doctor --json` prints it."""
        return {
            "resolvers": [row.as_json() for row in self.resolvers],
            "findings": [finding.as_json() for finding in self.findings],
            "healthy": self.is_healthy,
        }


def examine_machine(repository: Repository | None, *, offline: bool) -> Examination:
    """Check everything; `repository`: instead of the one that this directory is pushed to."""
    return Examination(Machine(repository, offline=offline))
