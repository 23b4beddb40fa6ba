"""`doctor`: its options, and the questions it asks."""

import functools
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from git_credential_hf.cli.options import (
    WrongUsage,
    answers_json,
    readable_entries,
    repository_argument,
)
from git_credential_hf.output import painter, print_change, print_json, print_line
from git_credential_hf.problem import Problem
from git_credential_hf.report import report_problem

if TYPE_CHECKING:
    from git_credential_hf.doctor import Examination
    from git_credential_hf.doctor.finding import Finding
    from git_credential_hf.files import Change
    from git_credential_hf.repository import Repository


@click.command()
@click.option("--fix", is_flag=True, help="Fix what can be fixed safely, one finding at a time.")
@click.option("--yes", is_flag=True, help="With --fix, do not ask before each change.")
@click.option("--dry-run", is_flag=True, help="Show the changes without making them.")
@click.option("--undo", is_flag=True, help="Restore the files that the last --fix changed.")
@click.option("--offline", is_flag=True, help="Do not contact the Hub.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report", "as_report", is_flag=True, help="Print Markdown without secrets, for an issue or a chat.")
@click.argument("repo", required=False)
@answers_json(lambda problem, **options: {"resolvers": [], "findings": [], "healthy": False})
def doctor(
    fix: bool, yes: bool, dry_run: bool, undo: bool, offline: bool, as_json: bool, as_report: bool, repo: str | None
) -> int:
    """Find out why the Hub answers 401 or 403, and fix it.

    Shows which token git, git-lfs, git-xet and huggingface_hub would each send,
    and checks the token, .netrc, git's helpers, URLs, LFS, the hooks, and access
    to REPO. The default is the repository that this one pushes to.

    To silence a warning, run `git config --add hf.ignore ID`; --json shows the ids.

    Exits with 1 if an error was found; warnings do not count.
    """
    from git_credential_hf.doctor.fix import fix_findings
    from git_credential_hf.doctor.markdown import markdown_lines
    from git_credential_hf.doctor.report import fix_lines, report_lines

    if fix + dry_run + undo > 1:
        raise click.UsageError("--fix, --dry-run and --undo cannot be used together")
    if as_json + as_report > 1:
        raise click.UsageError("--json and --report cannot be used together")
    if yes and not fix:
        raise click.UsageError("--yes requires --fix")
    if fix and not yes and (as_json or sys.stdin is None or not sys.stdin.isatty()):
        again = f"git-credential-hf doctor --fix --yes{' --json' if as_json else ''}"
        raise WrongUsage("--fix asks before each change, and there is no terminal: add --yes", f"run `{again}`")
    repository = None if repo is None else repository_argument(repo, readable_entries())
    examine = functools.partial(_examine, repository, offline)
    is_undone = _undo_fix(quiet=as_json or as_report) if undo else True
    if undo and not (as_json or as_report):
        return 0 if is_undone else 1
    fixed = fix_findings(examine, functools.partial(_confirm_fix, yes=yes, quiet=as_json or as_report)) if fix else None
    examination = fixed.examination if fixed else examine()
    if as_json:
        print_json(examination.as_json(fixed.gone if fixed else ()))
    elif as_report:
        for line in markdown_lines(examination):
            click.echo(line)
    else:
        for line in report_lines(examination, painter()):
            click.echo(line)
        for line in fix_lines(fixed) if fixed else ():
            click.echo(line)
    if dry_run:
        for finding in examination.findings:
            for change in finding.changes() if finding.changes else ():
                print_change(change)
    return 0 if examination.is_healthy and is_undone and not (fixed and fixed.has_failed) else 1


def _examine(repository: "Repository | None", offline: bool) -> "Examination":
    from git_credential_hf.doctor import examine_machine
    from git_credential_hf.progress import Wait

    with Wait("checking git and its helpers" if offline else "checking git, its helpers and the Hub"):
        return examine_machine(repository, offline=offline)


def _undo_fix(*, quiet: bool) -> bool:
    """Undo the last fix; returns whether each file is as it was before."""
    from git_credential_hf.doctor.undo import undo_last_fix

    is_undone = True
    restored = []  # a file is named once, also if it was changed for several findings
    for result in undo_last_fix():
        if isinstance(result, Problem):
            report_problem(result)
            is_undone = False
        else:
            restored.append(result)
    for path in dict.fromkeys(restored) if not quiet else ():
        print_line("restored ", path)
    return is_undone


def _confirm_fix(finding: "Finding", changes: "Sequence[Change]", *, yes: bool, quiet: bool) -> bool:
    from git_credential_hf.doctor.report import wrap

    if not quiet:
        for line in wrap("", finding.title):
            click.echo(line)
        for change in changes:
            print_change(change)
    is_wanted = yes or click.confirm("Fix it?", True, err=True)
    if not quiet:
        click.echo()
    return is_wanted
