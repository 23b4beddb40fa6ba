"""Find out why the Hub answers 401: the tokens that four programs would send, this machine's problems, and their fixes.

Each `check_*` function checks one thing and yields findings, with the changes that fix them if that is safe.
"""

from collections.abc import Callable, Iterable, Sequence

from git_credential_hf.api.account import Account
from git_credential_hf.api.client import try_hub_again
from git_credential_hf.doctor.config_secrets import check_configuration, check_urls
from git_credential_hf.doctor.copies import check_copies
from git_credential_hf.doctor.environment import check_editor, check_endpoint, check_home, check_job, check_program
from git_credential_hf.doctor.finding import IDS, OF_OTHER_TOKENS, OF_THE_URL, Finding, NotChecked, Row
from git_credential_hf.doctor.git_setup import (
    check_account,
    check_git,
    check_helpers,
    check_hooks,
    check_lfs,
    check_settings,
    check_transport,
)
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.doctor.netrc import check_netrc
from git_credential_hf.doctor.observation import NotObserved
from git_credential_hf.doctor.repository import check_observed, check_repository
from git_credential_hf.doctor.token import (
    check_hub,
    check_legacy_file,
    check_resolvers,
    check_token,
    check_token_files,
    check_variables,
)
from git_credential_hf.git.config import git_directory
from git_credential_hf.git.run import OneLook
from git_credential_hf.problem import Problem, runnable
from git_credential_hf.purge.stale import why_not_included
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token

GIT_AREA = "git"
TOKEN_AREA = "token"  # noqa: S105 - a heading
REPOSITORY_AREA = "repository"
SOURCE_AREAS = (".netrc", "credential helpers", "URLs and git configuration")  # other places where git finds tokens
AREAS: dict[str, tuple[Callable[[Machine], Iterable[Finding]], ...]] = {
    GIT_AREA: (check_git,),
    TOKEN_AREA: (check_token, check_hub, check_variables, check_token_files, check_legacy_file),
    ".netrc": (check_netrc,),
    "credential helpers": (check_helpers, check_editor, check_copies, check_settings),
    "URLs and git configuration": (check_urls, check_configuration, check_transport, check_account),
    "git-lfs and hooks": (check_lfs, check_hooks),
    "environment": (check_program, check_home, check_job, check_endpoint),
    REPOSITORY_AREA: (check_repository,),
}


class Examination:
    """The result of all checks: the token each program would send (`resolvers`), and the findings.

    `findings` is in the order of `IDS`; `areas` has the same findings by area.
    """

    def __init__(self, machine: Machine) -> None:
        machine.resolvers.start_observing()
        self.areas: dict[str, list[Finding]] = {}
        self.not_checked: dict[str, str] = {}  # the reason for each area
        self.has_gaps = False  # whether git could not be observed
        self.ignored = 0  # warnings that `hf.ignore` silences
        reported: set[str] = set()  # each failure of git is reported once
        for area, checks in AREAS.items():
            if area == REPOSITORY_AREA and (machine.offline or machine.repository is None):
                continue  # not checked
            found = self.areas[area] = []
            for check in checks:
                try:
                    found.extend(check(machine))
                except NotChecked as reason:
                    self.not_checked[area] = str(reason)
                except Problem as problem:
                    if problem.message not in reported:
                        found.append(_git_broken(problem))
                    elif not found:
                        self.areas.pop(area, None)  # not checked
                    reported.add(problem.message)
        if not self.areas[GIT_AREA]:
            del self.areas[GIT_AREA]  # "git works" is not worth a line
        self.resolvers: list[Row] = machine.resolvers.rows()
        self.why_none_tried = _why_none_tried(machine, self.resolvers)
        causes = [finding for area in SOURCE_AREAS for finding in self.areas.get(area, ())]
        self.areas[TOKEN_AREA][:0] = check_resolvers(machine, self.resolvers, causes)
        self._add_observed(machine)
        self.has_gaps = REPOSITORY_AREA in self.areas and isinstance(machine.resolvers.observed_git, NotObserved)
        if self._git_works(machine):
            self._downgrade(machine)
        self._drop_ignored(machine)
        findings = [finding for found in self.areas.values() for finding in found]
        self.findings = sorted(findings, key=lambda finding: IDS.index(finding.id))

    def _add_observed(self, machine: Machine) -> None:
        """Add the failures observed with git and git-lfs, unless another error explains them."""
        if any(finding.severity == "error" for found in self.areas.values() for finding in found):
            return
        for found in check_observed(machine):
            same = [other for others in self.areas.values() for other in others if other.id == found.id]
            for other in same:
                other.severity = "error"  # now it is certain
            if not same:
                self.areas.setdefault(REPOSITORY_AREA, []).append(found)
            return

    def _git_works(self, machine: Machine) -> bool:
        """Whether the Hub accepts the tokens of git and git-lfs, and these allow all that the login does."""
        if (machine.remote or "").partition("://")[2].partition("/")[0].count("@") > 1:
            return False  # git ends the user name at the first @
        if any(check_observed(machine)):
            return False
        return self._accepts(machine, [row.token for row in self.resolvers if row.program in ("git", "git-lfs")])

    def _accepts(self, machine: Machine, tokens: Sequence[Token | None]) -> bool:
        """Whether the Hub accepts each of these tokens, and each allows all that the login (if any) does."""
        login = machine.whose(machine.token) if machine.token else None
        for token in tokens:
            account = machine.whose(token) if token else None
            if not isinstance(account, Account):
                return False
            is_login = machine.token is None or (token and token.value == machine.token.value)
            if not is_login and (not isinstance(login, Account) or why_not_included(login, account)):
                return False
        return True

    def _downgrade(self, machine: Machine) -> None:
        """Turn errors about other tokens into warnings: git works with these until the next login."""
        is_of_url = any(row.token and row.token.kind == "url" for row in self.resolvers)  # for this repository alone
        works_elsewhere = not is_of_url or self._accepts(machine, machine.resolvers.tokens_elsewhere[:1] or [None])
        for finding in (finding for found in self.areas.values() for finding in found):
            if finding.id in (OF_OTHER_TOKENS if works_elsewhere else OF_THE_URL) and not finding.is_lasting:
                finding.severity = "warning"

    def _drop_ignored(self, machine: Machine) -> None:
        """Drop the warnings listed in `hf.ignore`; errors stay, because git does not work."""
        ids = machine.ignored_ids
        for area, found in self.areas.items():
            kept = [finding for finding in found if finding.severity == "error" or finding.id not in ids]
            self.ignored += len(found) - len(kept)
            self.areas[area] = kept

    @property
    def is_healthy(self) -> bool:
        """Whether there are no errors left; warnings do not count."""
        return not any(finding.severity == "error" and not finding.fixed for finding in self.findings)

    def as_json(self, gone: Iterable[Finding] = ()) -> dict[str, object]:
        """Return the object that `doctor --json` prints; `gone` are the findings that `--fix` has fixed."""
        findings = sorted([*self.findings, *gone], key=lambda finding: IDS.index(finding.id))
        return {
            "resolvers": [row.as_json() for row in self.resolvers],
            "findings": [finding.as_json() for finding in findings],
            "healthy": self.is_healthy,
        }


def _why_none_tried(machine: Machine, resolvers: list[Row]) -> str:
    """Return why no program made a request; empty if one did, or if each has a reason of its own."""
    if machine.offline:
        return "the Hub was not contacted: --offline"
    if machine.repository is not None or any(isinstance(row.answer, int) for row in resolvers):
        return ""
    try:
        git_directory()
    except Problem:
        return "git was not tried: it does not work here"
    return runnable("git was not tried without a repository: run `git-credential-hf doctor OWNER/NAME`")


def _git_broken(problem: Problem) -> Finding:
    return Finding("git-broken", "error", problem.message, "", problem.fix or "see git-config(1)")


def examine_machine(repository: Repository | None, *, offline: bool) -> Examination:
    """Run all checks; `repository` replaces the push remote of this directory."""
    if not offline:
        try_hub_again()
    with OneLook():
        return Examination(Machine(repository, offline=offline))
