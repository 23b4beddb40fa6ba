"""`configure` and `unconfigure`: make git use this program, or stop using it."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from git_credential_hf.cli.hooks import install_hooks
from git_credential_hf.cli.options import WrongUsage, changes_scope, make_changes, readable_entries
from git_credential_hf.output import print_purge
from git_credential_hf.problem import Problem
from git_credential_hf.report import report, report_problem
from git_credential_hf.shell import shell_word

if TYPE_CHECKING:
    from git_credential_hf.configure.settings import Settings
    from git_credential_hf.files import Change
    from git_credential_hf.git.config import ConfigEntry


def _complete_token_name(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from git_credential_hf.tokens import stored_token_names

    try:
        return [name for name in stored_token_names() if name.startswith(incomplete)]
    except Problem:
        return []


@click.command()
@changes_scope("global", "system", "local", "global")
@click.option(
    "--token",
    "name",
    metavar="NAME",
    shell_complete=_complete_token_name,
    help="The name of a stored token (see `hf auth list`) for the namespace.",
)
@click.option("--no-token", is_flag=True, help="Use the current token for the namespace again.")
@click.option(
    "--for", "namespace", metavar="NAMESPACE", help="The user or organization whose repositories use that token."
)
@click.option("--hub", metavar="ORIGIN", help="Also log in to another Hub, such as https://hub.example.com.")
@click.option(
    "--hooks/--no-hooks",
    "with_hooks",
    default=None,
    help="Also install the hooks, as `hooks install` does, or uninstall them.",
)
@click.option("--purge/--no-purge", default=None, help="Run `purge` first, or skip it; the default is to ask.")
@click.option("--print", "print_lines", is_flag=True, help="Print the settings as lines for a configuration file.")
@click.option(
    "--env", "print_environment", is_flag=True, help="Print the settings as environment variables, for `eval`."
)
def configure(
    scope: str,
    dry_run: bool,
    name: str | None,
    no_token: bool,
    namespace: str | None,
    hub: str | None,
    with_hooks: bool | None,
    purge: bool | None,
    print_lines: bool,
    print_environment: bool,
) -> int:
    """Use this helper, and only this one, for Hugging Face hosts.

    For these hosts, an empty `helper` resets the list of helpers: git asks no other
    helper for a token, and passes no token on to be stored. Other hosts are not
    affected. If you are not logged in, `configure` then offers to log in.

    The settings are in git-credential-hf/gitconfig, which git's configuration
    includes.

    With --token and --for, the repositories of one namespace use a stored token
    instead of the current one. (git-xet asks per host: it gets the current token.)

    With --hub, git also logs in to another Hub. HF_ENDPOINT alone changes nothing
    for git; if it is set, `configure` asks on a terminal whether to add that Hub.

    With --env, if the Hub confirms the token, git 2.46 and newer sends it without
    being asked, so that public clones, too, have the rate limits of your account.
    """
    from git_credential_hf.configure import helpers_in_the_way, plan_configure
    from git_credential_hf.configure.env import config_environment
    from git_credential_hf.configure.settings import config_lines
    from git_credential_hf.git.lfs import setup_problem
    from git_credential_hf.git.run import old_git_problem
    from git_credential_hf.hooks.install import plan_install, plan_uninstall

    if print_lines + print_environment + dry_run > 1:
        raise click.UsageError("--print, --env and --dry-run cannot be used together")
    if with_hooks is not None and (print_lines or print_environment or scope == "system"):
        raise click.UsageError("--hooks and --no-hooks cannot be used with --system, --print or --env")
    if name is not None and no_token:
        raise click.UsageError("--token and --no-token cannot be used together")
    only_prints = print_lines or print_environment or dry_run
    new = _parse_settings("" if no_token else name, namespace, hub, scope, may_log_in=not only_prints)
    if print_lines:
        click.echo(config_lines(new), nl=False)
        return 0
    if print_environment:
        for variable, value in config_environment(new):
            click.echo(f"export {variable}={shlex.quote(value)}")
        if old := old_git_problem():
            report_problem(old, "warning")
        return 0
    try:
        new = _ask_for_endpoint(new)
        plan = plan_install(scope, new) if with_hooks and scope == "global" else plan_configure(scope, new)
        if not dry_run:
            _purge_first(purge)
        make_changes(plan, dry_run, "git already uses this helper for Hugging Face hosts")
        if with_hooks and scope == "local":
            install_hooks(scope, dry_run)
        elif with_hooks is False:
            make_changes(plan_uninstall(scope), dry_run, "the hooks are not installed")
    except Problem as problem:
        report_problem(problem)
        if problem.fix is None:
            report("hint", "add these lines to a git configuration file that you can write")
            click.echo(config_lines(new), nl=False)
        return 1
    if not dry_run:
        for warning in helpers_in_the_way():
            report_problem(warning, "warning")
        is_read = sys.stderr is not None and sys.stderr.isatty()  # a CI job or an image may leave LFS out on purpose
        if is_read and (without_lfs := setup_problem(readable_entries())):
            report_problem(without_lfs, "warning")
        _offer_first_login(scope)
    return 0


def _offer_first_login(scope: str) -> None:
    """Offer to log in, or print the command: git now asks no other helper for a Hub token."""
    from git_credential_hf.hub import PUBLIC_HUB
    from git_credential_hf.login import log_in
    from git_credential_hf.login_hints import login_hint
    from git_credential_hf.login_offer import may_offer
    from git_credential_hf.tokens import current_token

    try:
        token = current_token(act=False)
    except Problem as problem:
        report_problem(problem, "warning")
        return
    if token is not None or os.environ.get("HF_OIDC_RESOURCE"):
        return
    is_there = sys.stdin is not None and sys.stdin.isatty() and scope != "system"  # root's login helps no other user
    is_wanted = False
    if is_there and may_offer(PUBLIC_HUB):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # install.sh ignores it: the settings are in place now
        try:
            is_wanted = click.confirm("Log in to Hugging Face now?", True, err=True)
        except click.Abort:
            click.echo(err=True)  # end the line of the question
    if not is_wanted:
        report("hint", f"to log in, {login_hint()}")
        return
    try:
        log_in()
    except Problem as problem:  # the settings are in place all the same
        report_problem(problem)


def _parse_settings(
    name: str | None, namespace: str | None, hub: str | None, scope: str, *, may_log_in: bool
) -> "Settings":
    """Return the settings for these options; raises `Problem` if the token does not exist, or `--hub` is not a Hub.

    With `may_log_in`, first offer at the terminal to log in with a token that does not exist.
    """
    from git_credential_hf.configure.settings import Settings, mapping_hint
    from git_credential_hf.hub import PUBLIC_HUB, environment_hub, hub_at, hub_option
    from git_credential_hf.repository import is_valid_name
    from git_credential_hf.tokens import stored_token, stored_token_names

    if (name is None) != (namespace is None):
        raise click.UsageError(f"{'--no-token' if name == '' else '--token'} and --for must be used together")
    try:
        origin = PUBLIC_HUB if hub is None else hub_option(hub)
    except Problem as problem:
        raise WrongUsage(problem.message, problem.fix) from None
    origin = hub_at(origin) or origin
    hubs = [] if origin == PUBLIC_HUB else [origin]
    if name is None or namespace is None:
        return Settings(hubs)
    if not is_valid_name(namespace):
        raise click.UsageError(f"'{namespace}' is not a valid user or organization name")
    try:
        _ = name and stored_token(name, act=False)
    except Problem as problem:  # its message lists the tokens that exist
        from difflib import get_close_matches

        for near in get_close_matches(name, stored_token_names(), 1):
            problem.fix = mapping_hint(near, namespace, origin, scope)
            raise
        if not may_log_in:
            raise
        if not origin == environment_hub() == PUBLIC_HUB:
            raise  # the login would be at another Hub
        _add_login(problem, name, lambda added: mapping_hint(added, namespace, origin, scope))
    return Settings(hubs, {(origin, namespace): name})


def _add_login(problem: Problem, name: str, hint: Callable[[str], str]) -> None:
    """Offer at the terminal to log in with the token of that name, too; raises `problem` without one.

    `hint` returns the hint for a token of another name.
    """
    from git_credential_hf.login import add_login, can_add_login
    from git_credential_hf.tokens import current_token, stored_token

    if sys.stdin is None or not sys.stdin.isatty() or not can_add_login():
        raise problem
    report_problem(Problem(problem.message), "warning")
    stays = "; the current login stays the current one" if current_token(act=False) else ""
    report("hint", f"on the Hub, the token has to be named {shell_word(name)}{stays}")
    if not click.confirm("Log in with another token now?", True, err=True):
        raise problem
    added = add_login()
    try:
        stored_token(name, act=False)
    except Problem:
        if not added:
            raise
        message = f"the token that you logged in with is named '{added}', not '{name}'"
        raise Problem(message, hint(added)) from None


def _ask_for_endpoint(new: "Settings") -> "Settings":
    """Add the Hub at HF_ENDPOINT if the user agrees: it will receive their token."""
    from git_credential_hf.configure.settings import Settings
    from git_credential_hf.git.helper_chain import configured_hubs
    from git_credential_hf.hub import environment_hub, hub_at

    hub = environment_hub()
    if hub is None or hub_at(hub, [*new.hubs, *configured_hubs(readable_entries())]):
        return new
    if sys.stdin is None or not sys.stdin.isatty():
        report("hint", f"to also log git in to HF_ENDPOINT, run `git-credential-hf configure --hub {shell_word(hub)}`")
        return new
    question = f"Also log git in to {hub} (HF_ENDPOINT)? It will receive your token"
    return new + Settings([hub]) if click.confirm(question, False, err=True) else new


def _purge_first(wanted: bool | None) -> None:
    """Remove other helpers' Hub tokens if the user agrees: after `unconfigure`, git would use them again."""
    from git_credential_hf.git.config import read_config
    from git_credential_hf.git.credentials import might_prompt
    from git_credential_hf.git.helper_chain import default_hub
    from git_credential_hf.git.other_helpers import other_helpers
    from git_credential_hf.purge import purge_others
    from git_credential_hf.purge.result import report_kept
    from git_credential_hf.purge.stale import refuse_without_token

    entries = read_config()
    if not other_helpers(entries) or wanted is False:
        return
    if wanted is None and not (sys.stdin is not None and sys.stdin.isatty()):
        report("hint", "other helpers may hold old tokens for the Hub: run `git-credential-hf purge`")
        return
    try:
        refuse_without_token(default_hub(entries))
    except Problem as problem:
        if wanted:
            report_problem(problem, "warning")
        else:
            report("hint", "after logging in, run `git-credential-hf purge` to remove other helpers' old tokens")
        return
    # A helper for which a person may have to act is not asked before they agree.
    needs_person = any(might_prompt(entry.value or "") for entry in other_helpers(entries))
    if wanted is None and not needs_person and not _hold_any(entries):
        return
    if wanted is None and not click.confirm("Remove the Hub tokens that other helpers have stored?", True, err=True):
        return
    results = purge_others(entries)
    print_purge(results)
    report_kept(results)


_ASK_AFTER = 3  # seconds for other helpers to answer that they hold nothing; after that, the user is asked


def _hold_any(entries: "list[ConfigEntry]") -> bool:
    """Whether another helper holds anything for the Hub that may be removed, or does not say."""
    from git_credential_hf.progress import Wait
    from git_credential_hf.purge import purge_others

    with Wait("asking git's other helpers"):
        found = purge_others(entries, dry_run=True, seconds=_ASK_AFTER)
    return any(result.failure or any(copy.kept is None for copy in result.copies) for result in found)


@click.command()
@changes_scope("global", "system", "local", "global")
def unconfigure(scope: str, dry_run: bool) -> int:
    """Undo `configure`, and `hooks install` in the same scope.

    Hooks installed in a repository stay, unless this runs there with --local.

    Cached data is also removed: the hash of a refused token, the token of a CI
    job, and the Hub's answers about access.
    """
    from git_credential_hf.backups import backup_place
    from git_credential_hf.configure import handwritten_helpers, plan_unconfigure
    from git_credential_hf.git.helper_chain import shown_helper
    from git_credential_hf.hooks.hook_place import HOOK_SCOPES
    from git_credential_hf.hooks.install import plan_uninstall
    from git_credential_hf.state import remove_state
    from git_credential_hf.state_directory import cache_directory
    from git_credential_hf.trusted_publishers import job_directory

    plan = plan_unconfigure(scope)
    make_changes(plan, dry_run)
    of_hooks: Sequence[Change] = []
    if scope in HOOK_SCOPES:
        done = {change.path for change in plan} if dry_run and scope == "global" else {}  # both plans have these
        of_hooks = [change for change in plan_uninstall(scope) if change.path not in done]
    make_changes(of_hooks, dry_run, "" if plan else "there is nothing to undo in git's configuration")
    if scope != "local":
        _name_remaining_hooks()
    if dry_run:
        return 0
    remove_state()
    remove_state(cache_directory())
    if (of_job := job_directory()) is not None:
        remove_state(of_job)
    copies = backup_place()
    if copies is not None and os.path.isdir(copies):  # there may be no other copy of the old contents
        report("warning", f"copies of files that `doctor --fix` changed are in {copies}")
        report("hint", f"run `rm -r {shell_word(os.path.dirname(copies))}` if you no longer need them")
    for entry in handwritten_helpers(scope):
        file = entry.origin.removeprefix("file:")
        report("warning", f"`helper = {shown_helper(entry.value or '')}` in {file} was not written by `configure`")
        report("hint", f"run `git config --{scope} --unset-all {shell_word(entry.key)}`")
    return 0


def _name_remaining_hooks() -> None:
    """Print the command that removes this repository's hooks, which the other scopes leave alone."""
    from git_credential_hf.git.config import git_directory
    from git_credential_hf.hooks.installed import inspect_hooks

    try:
        has_hooks = git_directory() is not None and inspect_hooks("local").state != "absent"
    except Problem:
        return  # git does not work here
    if has_hooks:
        report("hint", "the hooks of this repository are still installed: run `git-credential-hf hooks uninstall`")
