"""Why does the Hub say 401: what four programs would send, what is wrong on this machine, and what mends it.

Each `check_*` looks at one thing and yields what it found, with the changes that mend it where that can be done
safely. `examine` runs them in this order: the token, legacy files, .netrc, helpers, the environment, LFS,
the repository.
"""

from collections.abc import Callable, Iterable

from git_credential_hf.doctor import copies, login, place, repository, setup
from git_credential_hf.doctor.machine import Finding, Machine, Row
from git_credential_hf.problem import Problem

# All that can be found, in the order in which it is shown.
IDS = (
    *("resolvers-disagree", "no-token", "token-invalid", "token-expired", "token-expiring", "token-malformed"),
    *("env-overrides-login", "legacy-token-file", "token-file-readable", "read-only-token"),
    *("netrc-entry", "netrc-default", "netrc-unreadable"),
    *(
        "helper-not-configured",
        "helper-not-found",
        "helper-shadowed",
        "helper-behind",
        "stale-copy",
        "username-set",
        "gcm-residue",
    ),
    *("token-in-remote-url", "token-in-git-config", "lfs-missing", "lfs-not-hooked", "lfs-url-elsewhere"),
    *("hooks-broken", "wrong-home", "ci-long-lived-token", "endpoint-elsewhere", "hub-unreachable"),
    *("repo-no-access", "repo-read-only", "repo-gated", "git-broken"),
)

# What is looked at, in words, and by what.
AREAS: tuple[tuple[str, tuple[Callable[[Machine], Iterable[Finding]], ...]], ...] = (
    ("the token", (login.check_token, login.check_hub, login.check_environment, login.check_files)),
    (".netrc", (copies.check_netrc,)),
    ("git's helpers", (setup.check_helpers, copies.check_copies, setup.check_settings)),
    ("URLs and git's configuration", (copies.check_urls, copies.check_configuration)),
    ("git-lfs and the hooks", (setup.check_lfs, setup.check_hooks)),
    ("where this runs", (place.check_home, place.check_job, place.check_endpoint)),
    ("the repository", (repository.check_access,)),
)


class Examination:
    """`resolvers`: what each program would send; `findings` in the order of `IDS`; `areas`: what was found in which."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.areas: dict[str, list[Finding]] = {}
        broken: set[str] = set()  # why git did not answer, each told once
        for area, checks in AREAS:
            if area == "the repository" and (machine.offline or machine.repository is None):
                continue  # then nothing was looked at
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
                        self.areas.pop(area, None)  # nothing was looked at
                    broken.add(problem.message)
        self.resolvers: list[Row] = machine.resolvers()
        disagreement = list(login.check_resolvers(machine, self.resolvers))
        self.areas["the token"] = disagreement + self.areas["the token"]
        every = [finding for found in self.areas.values() for finding in found]
        self.findings = sorted(every, key=lambda finding: IDS.index(finding.id))

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; a warning is no illness."""
        return not any(finding.severity == "error" and not finding.fixed for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """As `doctor --json` prints it."""
        return {
            "resolvers": [row.as_json() for row in self.resolvers],
            "findings": [finding.as_json() for finding in self.findings],
            "healthy": self.is_healthy,
        }


def examine(repository: tuple[str, str] | None, *, offline: bool) -> Examination:
    """Look at everything; `repository`: its type and name, instead of the one that this directory is pushed to."""
    return Examination(Machine(repository, offline=offline))
