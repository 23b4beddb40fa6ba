"""`hooks`, for people, and `hook`, which the hook scripts call."""

import os

import click

from git_credential_hf.cli.options import Group, answers_json, changes_scope, make_changes, require_command, with_scopes
from git_credential_hf.output import print_json, print_line
from git_credential_hf.problem import Problem
from git_credential_hf.report import report, report_problem
from git_credential_hf.shell import shell_word


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", type=click.Choice(["pre-push", "pre-commit"]))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def hook(name: str, arguments: tuple[str, ...]) -> int:
    """Check a push or a commit; the hook scripts call this.

    Exits with 1 if the Hub would refuse the push or commit. To skip the check, set
    GIT_CREDENTIAL_HF_HOOKS=off, or run `git push --no-verify`.
    """
    from git_credential_hf.hooks.judge import run_hook

    return run_hook(name, arguments)


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def hooks(context: click.Context) -> None:
    """Install, uninstall or show the hooks of this repository.

    The hooks run before git-lfs, and before existing hooks, which still run.
    """
    require_command(context)


@hooks.command()
@changes_scope("local", "global", "local")
def install(scope: str, dry_run: bool) -> int:
    """Install the hooks here, or for all Hub repositories.

    With --global, git runs them in each repository that has a Hub remote.
    """
    install_hooks(scope, dry_run)
    return 0


def install_hooks(scope: str, dry_run: bool) -> None:
    """Install the hooks, or show the changes; raises `Problem`."""
    from git_credential_hf.hooks.install import plan_install

    make_changes(plan_install(scope), dry_run, "the hooks are already installed")
    if scope == "local" and not dry_run:
        _offer_to_end_locks()


def _offer_to_end_locks() -> None:
    """Print the command that stops git-lfs from asking the Hub for locks, and complaining, at each push."""
    from git_credential_hf.git.config import push_url, read_config
    from git_credential_hf.git.helper_chain import configured_hubs
    from git_credential_hf.git.lfs_endpoint import locks_variable
    from git_credential_hf.git.run import git_line

    try:
        entries = read_config()
        uses_lfs = os.path.isdir(os.path.join(git_line("rev-parse", "--git-common-dir"), "lfs"))
        variable = locks_variable(push_url(configured_hubs(entries)), entries) if uses_lfs else None
    except Problem:
        return  # no remote yet
    if variable:
        command = f"git config {shell_word(variable)} false"
        report(
            "hint", f"git-lfs asks for locks at each push, which the Hub does not support: run `{command}` to stop it"
        )


@hooks.command()
@changes_scope("local", "global", "local")
def uninstall(scope: str, dry_run: bool) -> int:
    """Uninstall the hooks, and restore the previous ones."""
    from git_credential_hf.hooks.install import plan_uninstall

    make_changes(plan_uninstall(scope), dry_run, "the hooks are not installed")
    return 0


@hooks.command(name="status")
@with_scopes(
    None, {"global": "Show the hooks for all Hub repositories.", "local": "Show the hooks in this repository."}
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@answers_json(lambda problem, **options: {"hooks": [], "problem": {"message": problem.message, "fix": problem.fix}})
def hooks_status(scope: str | None, as_json: bool) -> int:
    """Show whether git runs the hooks in this repository.

    Exits with 1 if it does not.
    """
    from git_credential_hf.hooks.installed import hooks_in_effect, inspect_hooks

    inspection = hooks_in_effect() if scope is None else inspect_hooks(scope)
    if as_json:
        print_json(inspection.as_json())
    else:
        for name, state, path, before in inspection.hooks:
            print_line(f"{name:10} {state:10} ", path + (f", then {before}" if before else ""))
    problem = inspection.problem()
    if problem:
        report_problem(Problem(problem.message, f"run `{problem.fix}`"))
    return 1 if problem else 0
