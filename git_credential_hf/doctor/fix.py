"""`doctor --fix`: make the changes of each finding, look again, and tell what is fixed."""

from collections.abc import Callable, Sequence

from git_credential_hf.doctor import Examination
from git_credential_hf.doctor.changes import UnsetVariable
from git_credential_hf.doctor.finding import IDS, Finding
from git_credential_hf.files import Change, FileChange, apply_changes
from git_credential_hf.problem import Problem, report, report_problem, shell_command

ROUNDS = 2  # a fix may bring another finding to light


def fix_findings(
    examine: Callable[[], Examination],
    confirm: Callable[[Finding, Sequence[Change]], bool],
    *,
    with_fixed: bool,
) -> tuple[Examination, bool]:
    """Fix what can be fixed safely; return the examination after that, and whether a change failed.

    `confirm` shows a finding with its changes, and says whether they are wanted; none is offered twice. `with_fixed`:
    the findings that are fixed stay in the examination, for JSON.
    """
    examination = examine()
    offered: list[Finding] = []
    has_failed = False
    for _ in range(ROUNDS):
        known = [finding.key for finding in offered]
        new = [finding for finding in examination.findings if finding.key not in known]
        if not any(finding.changes for finding in new):
            break
        for finding in new:
            has_failed |= not _fix(finding, confirm)
        offered += new
        examination = examine()
    left = [finding.key for finding in examination.findings]
    for finding in offered:
        finding.fixed = finding.key not in left
    if with_fixed:
        examination.findings += [finding for finding in offered if finding.fixed]
        examination.findings.sort(key=lambda finding: IDS.index(finding.id))
    return examination, has_failed


def _fix(finding: Finding, confirm: Callable[[Finding, Sequence[Change]], bool]) -> bool:
    """Make the changes of one finding; returns whether none failed."""
    try:
        changes = finding.changes() if finding.changes else []
        if changes and confirm(finding, changes):  # there are none if another finding's changes fixed this, too
            apply_changes(changes, _tell_how_to_undo)
    except Problem as problem:
        report_problem(problem)
        return False
    return True


def _tell_how_to_undo(change: Change) -> None:
    if isinstance(change, (FileChange, UnsetVariable)) and change.backup:
        report("hint", f"to undo it, run `{shell_command(['cp', change.backup, change.path])}`")
