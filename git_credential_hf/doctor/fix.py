"""`doctor --fix`: make the changes of each finding, examine again, and report what is fixed."""

from collections.abc import Callable, Sequence

from git_credential_hf.doctor import Examination
from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.undo import UndoLog
from git_credential_hf.files import Change
from git_credential_hf.problem import Problem
from git_credential_hf.report import report_problem

ROUNDS = 2  # a fix may reveal another finding


class Fixed:
    """The result of `--fix`: the `examination` after it, the findings that are `gone`, whether a change `has_failed`.

    `can_undo`: whether any file was changed.
    """

    def __init__(self, examination: Examination, gone: list[Finding], *, has_failed: bool, can_undo: bool) -> None:
        self.examination = examination
        self.gone = gone
        self.has_failed = has_failed
        self.can_undo = can_undo


def fix_findings(examine: Callable[[], Examination], confirm: Callable[[Finding, Sequence[Change]], bool]) -> Fixed:
    """Fix what can be fixed safely.

    `confirm` shows a finding with its changes, and returns whether to make them. No finding is offered twice.
    """
    examination = examine()
    offered: list[Finding] = []
    log = UndoLog()
    has_failed = False
    for _ in range(ROUNDS):
        known = [finding.key for finding in offered if finding.changes]  # those without changes may have some now
        new = [finding for finding in examination.findings if finding.key not in known]
        if not any(finding.changes for finding in new):
            break
        for finding in new:
            has_failed |= not _fix(finding, confirm, log)
        offered += new
        examination = examine()
    left = [finding.key for finding in examination.findings]
    for finding in offered:
        finding.fixed = finding.key not in left
    gone = [finding for finding in offered if finding.fixed]
    return Fixed(examination, gone, has_failed=has_failed, can_undo=not log.is_empty)


def _fix(finding: Finding, confirm: Callable[[Finding, Sequence[Change]], bool], log: UndoLog) -> bool:
    """Make the changes of one finding; returns whether none failed."""
    try:
        changes = finding.changes() if finding.changes else []
        if changes and confirm(finding, changes):  # empty if the changes of another finding fixed this one, too
            log.apply(changes)
    except Problem as problem:
        report_problem(problem)
        return False
    return True
