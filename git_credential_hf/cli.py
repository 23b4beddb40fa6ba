"""The commands that people run, and their options."""

import functools
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

import click

from git_credential_hf import __version__
from git_credential_hf.hub import without_credentials
from git_credential_hf.output import (
    OutputError,
    flush_stdout,
    open_stdout,
    print_change,
    print_json,
    print_line,
    print_purge,
    print_status,
)
from git_credential_hf.problem import Problem, report, report_problem, report_unexpected_error, shell_word

if TYPE_CHECKING:
    from git_credential_hf.configure import Settings
    from git_credential_hf.doctor.finding import Finding
    from git_credential_hf.files import Change
    from git_credential_hf.git.config import ConfigEntry
    from git_credential_hf.hub import Repository

REQUEST_TIMEOUT = 1  # seconds for git to send the request of an operation


def main(arguments: list[str]) -> int:
    """Run a command; return its exit status."""
    if _is_unknown_operation(arguments):
        return 0
    open_stdout()
    try:
        status = commands.main(arguments, prog_name="git-credential-hf", standalone_mode=False)
        flush_stdout()
    except OutputError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes again when it ends
        if not isinstance(error.reason, BrokenPipeError):
            report("error", f"cannot write the output: {error.reason.strerror}")
        return 1
    except click.ClickException as error:
        message = error.format_message()
        report("error", message[:1].lower() + message[1:].rstrip("."))
        command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "git-credential-hf"
        report("hint", (isinstance(error, _WrongUsage) and error.hint) or f"run `{command} --help`")
        return 2
    except click.Abort:
        return 130
    return int(status or 0)


class _WrongUsage(click.UsageError):
    """Wrong usage with a hint of its own, instead of the command for the help."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


def _is_unknown_operation(arguments: list[str]) -> bool:
    """Whether this is an operation that git may add one day: helpers ignore those silently (gitcredentials(7)).

    At a terminal it is a mistyped command instead, and an error; so is a word like one of our commands without the
    request that git would send with an operation, as in a script or a Dockerfile.
    """
    if len(arguments) != 1 or arguments[0].startswith("-") or arguments[0] in commands.commands:
        return False
    if sys.stdin is not None and sys.stdin.isatty():
        return False
    from difflib import get_close_matches

    return not get_close_matches(arguments[0], commands.commands) or _has_request()


def _has_request() -> bool:
    """Whether there is anything on stdin; git sends its request at once, and others may leave a pipe open."""
    from git_credential_hf.system import start_thread

    received: list[bytes] = []
    start_thread(lambda: received.append(os.read(0, 1))).join(REQUEST_TIMEOUT)
    return any(received)


@click.group(
    epilog="git itself runs `get`, `store`, `erase` and `capability`, see gitcredentials(7). The manual, after "
    "install.sh or pipx: `git help credential-hf`.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    invoke_without_command=True,
)
@click.version_option(__version__, message="git-credential-hf %(version)s")
@click.pass_context
def commands(context: click.Context) -> None:
    """Log git in to the Hugging Face Hub with the token of `hf auth login`.

    The token stays where huggingface_hub stores it. git gets the current one each
    time it asks; nothing is copied, so nothing goes stale.
    """
    _require_command(context)


def _require_command(context: click.Context) -> None:
    """Show the help if there is no command; click itself does so in another way before 8.2."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> int:
    """Show the current token, its account, and whether git uses it.

    Exits with 1 if something is wrong.
    """
    from git_credential_hf.status import Status

    current = Status()
    if as_json:
        print_json(current.as_json())
    else:
        print_status(current)
    for problem in current.warnings:
        report_problem(problem, "warning")
    for problem in current.problems:
        report_problem(problem)
    return 1 if current.problems else 0


Command = TypeVar("Command", bound=Callable[..., int])


def _answers_json(make_answer: Callable[..., object]) -> Callable[[Command], Command]:
    """Let a command with `--json` print one document if it fails, too: what `make_answer` makes of the problem."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def run(as_json: bool, **options: object) -> int:
            try:
                return command(as_json=as_json, **options)
            except Problem as problem:
                if as_json:
                    print_json(make_answer(problem, **options))
                report_problem(problem)
                return 1

        return cast("Command", run)

    return add


_SCOPES = {"system": "For all users of this machine.", "local": "For this repository.", "global": "For your account."}


def _with_scopes(default: str | None, texts: dict[str, str]) -> Callable[[Command], Command]:
    """Add an option for each scope; the command gets the one that was named, or the default. Two are wrong usage."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def with_scope(**options: object) -> int:
            named = [name for name in texts if options.pop(f"is_{name}")]
            if len(named) > 1:
                raise click.UsageError(f"{' and '.join(f'--{name}' for name in named)} exclude each other")
            return command(scope=named[0] if named else default, **options)

        decorated: Callable[..., int] = with_scope
        for name, text in texts.items():
            text = text.removesuffix(".") + (" (the default)." if name == default else ".")
            decorated = click.option(f"--{name}", f"is_{name}", is_flag=True, help=text)(decorated)
        return decorated  # type: ignore[return-value] # a command, too

    return add


def _changes_scope(default: str, *scopes: str) -> Callable[[Command], Command]:
    """Add the options that are shared by the commands which change git's configuration."""

    def add(command: Command) -> Command:
        command = _with_scopes(default, {name: _SCOPES[name] for name in scopes})(command)
        return click.option("--dry-run", is_flag=True, help="Show the changes without making them.")(command)

    return add


def _complete_token_name(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from git_credential_hf.tokens import stored_token_names

    try:
        return [name for name in stored_token_names() if name.startswith(incomplete)]
    except Problem:
        return []


@commands.command()
def login() -> int:
    """Log in to Hugging Face, as `hf auth login` does.

    This is huggingface_hub's own login, on the terminal, for machines on which `hf`
    is not on PATH; also if there is a login already, which is replaced. The token
    is stored where huggingface_hub has it, and not copied into git's helpers.
    """
    from git_credential_hf.login import log_in

    log_in()
    return 0


@commands.command()
@_changes_scope("global", "system", "local", "global")
@click.option(
    "--token",
    "name",
    metavar="NAME",
    shell_complete=_complete_token_name,
    help="A stored token, as in `hf auth list`, for the namespace.",
)
@click.option("--for", "namespace", metavar="NAMESPACE", help="The user or organization whose repositories use it.")
@click.option("--hub", metavar="ORIGIN", help="Another Hub, such as https://hub.example.com, beside huggingface.co.")
@click.option(
    "--hooks/--no-hooks",
    "with_hooks",
    default=None,
    help="Install the hooks, too, as `hooks install` does; or remove them.",
)
@click.option("--purge/--no-purge", default=None, help="Remove other helpers' copies first, or not; by default, ask.")
@click.option("--print", "print_lines", is_flag=True, help="Print the settings, as lines for a configuration file.")
@click.option(
    "--env", "print_environment", is_flag=True, help="Print the settings, as environment variables for `eval`."
)
def configure(
    scope: str,
    dry_run: bool,
    name: str | None,
    namespace: str | None,
    hub: str | None,
    with_hooks: bool | None,
    purge: bool | None,
    print_lines: bool,
    print_environment: bool,
) -> int:
    """Use this helper, and only this one, for Hugging Face hosts.

    For each of these hosts, an empty `helper` resets the list of helpers, so that
    no other helper is asked for a token, or gets one to store. Other hosts are not
    affected. The settings are in a file of this program, git-credential-hf/gitconfig,
    and the configuration of git includes it.

    With --token and --for, the repositories of one namespace use another token
    than the current one. (git-xet asks for the host only: it gets the current one.)

    With --hub, another Hub is served, too. HF_ENDPOINT alone changes nothing for
    git; on a terminal, you are asked whether it shall be that Hub.

    With --env, if the Hub confirms the token, git 2.46 and newer sends it before it
    is asked to: rate limits are then those of the account, for public clones, too.
    """
    from git_credential_hf.configure import config_lines, helpers_in_the_way, plan_configure
    from git_credential_hf.configure_env import config_environment
    from git_credential_hf.git.lfs import setup_problem
    from git_credential_hf.git.run import old_git_problem
    from git_credential_hf.hooks.install import plan_install, plan_uninstall

    if print_lines + print_environment + dry_run > 1:
        raise click.UsageError("--print, --env and --dry-run exclude each other")
    if with_hooks is not None and (print_lines or print_environment or scope == "system"):
        raise click.UsageError("--hooks and --no-hooks go with --global and --local")
    new = _parse_settings(name, namespace, hub)
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
        _apply_changes(plan, dry_run, "git already uses this helper for Hugging Face hosts")
        if with_hooks and scope == "local":
            _install_hooks(scope, dry_run)
        elif with_hooks is False:
            _apply_changes(plan_uninstall(scope), dry_run, "the hooks are not installed")
    except Problem as problem:
        report_problem(problem)
        if problem.fix is None:
            report("hint", "add these lines to a git configuration file that you can write")
            click.echo(config_lines(new), nl=False)
        return 1
    if not dry_run:
        for warning in helpers_in_the_way():
            report_problem(warning, "warning")
        is_read = sys.stderr is not None and sys.stderr.isatty()  # a job or an image may do without LFS on purpose
        if is_read and (without_lfs := setup_problem(_readable_entries())):
            report_problem(without_lfs, "warning")
        _offer_first_login()
    return 0


def _offer_first_login() -> None:
    """Let whoever is at the terminal log in, or name the command: git now asks no other helper for the Hub."""
    from git_credential_hf.hub import PUBLIC_HUB
    from git_credential_hf.login import log_in
    from git_credential_hf.login_offer import may_offer
    from git_credential_hf.token_files import login_hint
    from git_credential_hf.tokens import current_token

    try:
        token = current_token(act=False)
    except Problem as problem:
        report_problem(problem, "warning")
        return
    if token is not None or os.environ.get("HF_OIDC_RESOURCE"):
        return
    is_asked = sys.stdin is not None and sys.stdin.isatty() and may_offer(PUBLIC_HUB)
    if not is_asked or not click.confirm("Log in to Hugging Face now?", True, err=True):
        report("hint", f"to log in, {login_hint()}")
        return
    try:
        log_in()
    except Problem as problem:  # which is not one of the settings
        report_problem(problem)


def _parse_settings(name: str | None, namespace: str | None, hub: str | None) -> "Settings":
    """Return the settings that the options stand for; raises `Problem` if there is no such token, or no such Hub."""
    from git_credential_hf.configure import Settings
    from git_credential_hf.hub import PUBLIC_HUB, hub_at, hub_option, is_valid_name
    from git_credential_hf.tokens import stored_token, stored_token_names

    if (name is None) != (namespace is None):
        raise click.UsageError("--token and --for go together")
    try:
        origin = PUBLIC_HUB if hub is None else hub_option(hub)
    except Problem as problem:
        raise _WrongUsage(problem.message, problem.fix) from None
    origin = hub_at(origin) or origin
    hubs = [] if origin == PUBLIC_HUB else [origin]
    if name is None or namespace is None:
        return Settings(hubs)
    if not is_valid_name(namespace):
        raise click.UsageError(f"'{namespace}' is not a valid name of a user or organization")
    try:
        stored_token(name, act=False)
    except Problem as problem:  # which names those that exist
        from difflib import get_close_matches

        for near in get_close_matches(name, stored_token_names(), 1):
            problem.fix = f"run `git-credential-hf configure --token {shell_word(near)} --for {shell_word(namespace)}`"
        raise
    return Settings(hubs, {(origin, namespace): name})


def _ask_for_endpoint(new: "Settings") -> "Settings":
    """Add the Hub at HF_ENDPOINT, with the user's consent: it gets the token of whoever is logged in."""
    from git_credential_hf.configure import Settings
    from git_credential_hf.git.helpers import configured_hubs
    from git_credential_hf.hub import environment_hub, hub_at

    hub = environment_hub()
    if hub is None or hub_at(hub, [*new.hubs, *configured_hubs(_readable_entries())]):
        return new
    if sys.stdin is None or not sys.stdin.isatty():
        report("hint", f"to log git in to HF_ENDPOINT, too, run `git-credential-hf configure --hub {shell_word(hub)}`")
        return new
    question = f"Log git in to {hub} (HF_ENDPOINT), too? It will get your token"
    return new + Settings([hub]) if click.confirm(question, False, err=True) else new


def _purge_first(wanted: bool | None) -> None:
    """Remove what other helpers hold, with the user's consent: `unconfigure` would bring it back."""
    from git_credential_hf.git.config import read_config
    from git_credential_hf.git.helpers import configured_hubs, default_hub
    from git_credential_hf.hub import hub_origins
    from git_credential_hf.purge import (
        account_usernames,
        copies_decider,
        other_helpers,
        purge_helpers,
        refuse_without_token,
        report_kept,
    )

    entries = read_config()
    helpers = other_helpers(entries)
    if not helpers or wanted is False:
        return
    if wanted is None and not (sys.stdin is not None and sys.stdin.isatty()):
        report("hint", "other helpers may hold old tokens for the Hub: run `git-credential-hf purge`")
        return
    if wanted is None and not click.confirm("Remove the Hub tokens that other helpers have stored?", True, err=True):
        return
    try:
        refuse_without_token(default_hub(entries))
    except Problem as problem:
        report_problem(problem, "warning")
        return
    hubs = configured_hubs(entries)
    results = purge_helpers(helpers, hub_origins(hubs), account_usernames(), why_kept=copies_decider(hubs))
    print_purge(results)
    report_kept(results)


@commands.command()
@click.option("--dry-run", is_flag=True, help="Show what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_answers_json(lambda problem, **options: {"helpers": []})
def purge(dry_run: bool, as_json: bool) -> int:
    """Remove stale copies of Hub tokens from other helpers.

    Each helper that git could ask for a Hub token is asked what it has, told to
    erase it, and asked again. What may do more than your current token, or is
    another account's, stays, as it may be all that works; it is named. What a
    helper has for other hosts is not touched.

    Exits with 1 if a helper still has a token, or did not answer.
    """
    from git_credential_hf.git.config import read_config
    from git_credential_hf.git.helpers import configured_hubs, default_hub
    from git_credential_hf.hub import hub_origins
    from git_credential_hf.purge import (
        account_usernames,
        copies_decider,
        other_helpers,
        purge_helpers,
        refuse_without_token,
        report_kept,
    )

    entries = read_config()
    hubs = configured_hubs(entries)
    origins = hub_origins(hubs)
    helpers = other_helpers(entries)
    if helpers and not dry_run:
        refuse_without_token(default_hub(entries))
    why_kept = copies_decider(hubs)
    results = purge_helpers(helpers, origins, account_usernames(), why_kept=None if dry_run else why_kept)
    if dry_run:
        for copy in (copy for result in results for copy in result.copies):
            copy.kept = why_kept(copy)
    if as_json:
        print_json({"helpers": [result.as_json() for result in results]})
    else:
        print_purge(results)
        if not results:
            report("hint", "git has no other helper for Hugging Face hosts")
    for result in results:
        if result.failure:
            report("warning", f"{result.shown}: {result.failure}")
        if (remedy := result.remedy()) and not any(copy.kept for copy in result.copies):
            report("hint", remedy)
    report_kept(results)
    return 1 if any(result.state in ("held", "unknown") for result in results) else 0


@commands.command()
@click.option("--write", is_flag=True, help="Check for permission to push, not just to read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("repo", required=False)
@_answers_json(
    lambda problem, write, repo: {
        "repo": repo and without_credentials(repo),
        "type": None,
        "access": "write" if write else "read",
        "answer": "unknown",
        "reason": None,
        "message": problem.message,
        "fix": problem.fix,
    }
)
def check(write: bool, as_json: bool, repo: str | None) -> int:
    """Ask the Hub whether your token may read REPO, or push to it.

    REPO is acme/model, datasets/acme/data, a URL of the Hub, an hf:// URI or
    git@hf.co:acme/model; by default, the repository that this one is pushed to.

    Exits with 1 for no, and with 3 if the Hub did not answer.
    """
    from git_credential_hf.api.access import check_access
    from git_credential_hf.api.client import try_hub_again
    from git_credential_hf.git.config import push_url, read_config
    from git_credential_hf.git.helpers import configured_hubs
    from git_credential_hf.helper import token_for

    try_hub_again()
    entries = read_config()
    url = push_url(configured_hubs(entries)) if repo is None else repo
    repository = _parse_repository(url, entries)
    answer = check_access(token_for(url, repository, entries), repository, write=write, seconds=10)
    if as_json:
        print_json(answer.as_json())
    elif answer.answer == "yes":
        print_line("yes       ", answer.message)
    if answer.answer != "yes":
        report_problem(Problem(answer.message, answer.fix), "error" if answer.answer == "no" else "warning")
    return {"yes": 0, "no": 1}.get(answer.answer, 3)


def _readable_entries() -> "list[ConfigEntry]":
    """Return git's configuration; empty if git cannot read it, which `doctor` then reports."""
    from git_credential_hf.git.config import read_config

    try:
        return read_config()
    except Problem:
        return []


def _parse_repository(repo: str, entries: "list[ConfigEntry]") -> "Repository":
    """Parse the REPO argument; raises `Problem` if it is not a repository of a Hub that git is configured for."""
    from git_credential_hf.git.helpers import configured_hubs, default_hub
    from git_credential_hf.hub import parse_repository

    repository = parse_repository(repo, default_hub(entries), configured_hubs(entries))
    if repository is None:
        message = f"'{without_credentials(repo)}' is not a repository of the Hub"
        raise Problem(message, "name one, such as acme/model or datasets/acme/data")
    return repository


@commands.command()
@click.option("--fix", is_flag=True, help="Fix what can be fixed safely, one finding at a time.")
@click.option("--yes", is_flag=True, help="With --fix, do not ask before each change.")
@click.option("--dry-run", is_flag=True, help="Show the changes without making them.")
@click.option("--undo", is_flag=True, help="Put back the files that the last --fix changed.")
@click.option("--offline", is_flag=True, help="Do not contact the Hub.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--report", "as_report", is_flag=True, help="Print Markdown without secrets, for an issue or a chat.")
@click.argument("repo", required=False)
@_answers_json(lambda problem, **options: {"resolvers": [], "findings": [], "healthy": False})
def doctor(
    fix: bool, yes: bool, dry_run: bool, undo: bool, offline: bool, as_json: bool, as_report: bool, repo: str | None
) -> int:
    """Find out why the Hub says 401 or 403, and fix it.

    Shows which token git, git-lfs, git-xet and huggingface_hub would each send,
    and checks the token, .netrc, git's helpers, URLs, LFS, the hooks, and access
    to REPO, by default the repository that this directory is pushed to.

    `git config --add hf.ignore ID` silences a warning; --json has the ids.

    Exits with 1 if something is wrong.
    """
    from git_credential_hf.doctor import examine_machine
    from git_credential_hf.doctor.fix import fix_findings
    from git_credential_hf.doctor.markdown import markdown_lines
    from git_credential_hf.doctor.report import fix_lines, report_lines

    if fix + dry_run + undo > 1 or as_json + as_report > 1:
        raise click.UsageError("--fix, --dry-run and --undo exclude each other, and so do --json and --report")
    if yes and not fix:
        raise click.UsageError("--yes requires --fix")
    if fix and not yes and (as_json or sys.stdin is None or not sys.stdin.isatty()):
        again = f"git-credential-hf doctor --fix --yes{' --json' if as_json else ''}"
        raise _WrongUsage("--fix asks on a terminal; elsewhere, add --yes", f"run `{again}`")
    repository = None if repo is None else _parse_repository(repo, _readable_entries())
    examine = functools.partial(examine_machine, repository, offline=offline)
    if undo:
        is_undone = _undo_fix(quiet=as_json or as_report)
        if not (as_json or as_report):
            return 0 if is_undone else 1
    fixed = fix_findings(examine, functools.partial(_confirm_fix, yes=yes, quiet=as_json or as_report)) if fix else None
    examination = fixed.examination if fixed else examine()
    if as_json:
        print_json(examination.as_json(fixed.gone if fixed else ()))
    elif as_report:
        for line in markdown_lines(examination):
            click.echo(line)
    else:
        is_plain = bool(os.environ.get("NO_COLOR")) or sys.stdout is None or not sys.stdout.isatty()
        for line in report_lines(examination, (lambda text, fg: text) if is_plain else click.style):
            click.echo(line)
        for line in fix_lines(fixed) if fixed else ():
            click.echo(line)
    if dry_run:
        for finding in examination.findings:
            for change in finding.changes() if finding.changes else ():
                print_change(change)
    return 0 if examination.is_healthy and not (fixed and fixed.has_failed) else 1


def _undo_fix(*, quiet: bool) -> bool:
    """Undo the last fix; returns whether each file is as it was before."""
    from git_credential_hf.doctor.undo import undo_last_fix

    is_undone = True
    for result in undo_last_fix():
        if isinstance(result, Problem):
            report_problem(result)
            is_undone = False
        elif not quiet:
            print_line("restored ", result)
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


@commands.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", type=click.Choice(["pre-push", "pre-commit"]))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def hook(name: str, arguments: tuple[str, ...]) -> int:
    """Check a push or a commit; the hook scripts call this.

    Exits with 1 if the Hub would refuse it. Turned off by
    GIT_CREDENTIAL_HF_HOOKS=off, or `git push --no-verify`.
    """
    from git_credential_hf.hooks.judge import check_commit, check_push, parse_push

    try:
        if name == "pre-commit":
            verdict = check_commit()
        else:
            remote, url, given = parse_push(arguments, sys.stdin.buffer)
            verdict = check_push(remote, url, given)
    except Problem as unchecked:
        report_problem(unchecked, "warning")
        return 0  # what cannot be checked is not refused
    except Exception:
        report_unexpected_error()
        return 0
    for problem in verdict.warnings:
        report_problem(problem, "warning")
    refused = "push refused before any upload" if name == "pre-push" else "commit refused"
    for problem in verdict.refusals:
        report_problem(Problem(f"{refused}: {problem.message}", problem.fix))
    return 1 if verdict.refusals else 0


@commands.command()
@_changes_scope("global", "system", "local", "global")
def unconfigure(scope: str, dry_run: bool) -> int:
    """Undo `configure`, and `hooks install` of the same scope.

    The hooks of a repository stay, unless this is run in it with --local.

    Cached data is removed, too: the hash of a refused token, the token of a CI
    job, and the Hub's answers about access.
    """
    from git_credential_hf.configure import handwritten_helpers, plan_unconfigure
    from git_credential_hf.git.helpers import shown_helper
    from git_credential_hf.hooks.install import HOOK_SCOPES, plan_uninstall
    from git_credential_hf.state import backup_place, cache_directory, job_directory, remove_state

    plan = plan_unconfigure(scope)
    _apply_changes(plan, dry_run)
    of_hooks: Sequence[Change] = []
    if scope in HOOK_SCOPES:
        done = {change.path for change in plan} if dry_run and scope == "global" else {}  # one plan has it all
        of_hooks = [change for change in plan_uninstall(scope) if change.path not in done]
    _apply_changes(of_hooks, dry_run, "" if plan else "there is nothing to undo in git's configuration")
    if scope != "local":
        _name_remaining_hooks()
    if dry_run:
        return 0
    remove_state()
    remove_state(cache_directory())
    if (of_job := job_directory()) is not None:
        remove_state(of_job)
    copies = backup_place()
    if copies is not None and os.path.isdir(copies):  # nobody else has what was in these files
        report("warning", f"copies of files that `doctor --fix` changed are in {copies}")
        report("hint", f"run `rm -r {shell_word(copies)}` if you no longer need them")
    for entry in handwritten_helpers(scope):
        file = entry.origin.removeprefix("file:")
        report("warning", f"`helper = {shown_helper(entry.value or '')}` in {file} was not written by `configure`")
        report("hint", f"run `git config --{scope} --unset-all {shell_word(entry.key)}`")
    return 0


def _name_remaining_hooks() -> None:
    """Name the command for the hooks of this repository, which the other scopes do not know."""
    from git_credential_hf.git.config import git_directory
    from git_credential_hf.hooks.install import inspect_hooks

    try:
        has_hooks = git_directory() is not None and inspect_hooks("local").state != "absent"
    except Problem:
        return  # git does not work here
    if has_hooks:
        report("hint", "the hooks of this repository stay: run `git-credential-hf hooks uninstall` to remove them")


@commands.group(invoke_without_command=True)
@click.pass_context
def hooks(context: click.Context) -> None:
    """Install, uninstall or show the hooks of this repository.

    They run before git-lfs, and before existing hooks, which work as before.
    """
    _require_command(context)


@hooks.command()
@_changes_scope("local", "global", "local")
def install(scope: str, dry_run: bool) -> int:
    """Install the hooks in this repository, or in all with a remote on the Hub."""
    _install_hooks(scope, dry_run)
    return 0


def _install_hooks(scope: str, dry_run: bool) -> None:
    from git_credential_hf.hooks.install import plan_install

    _apply_changes(plan_install(scope), dry_run, "the hooks are already installed")
    if scope == "local" and not dry_run:
        _offer_to_end_locks()


def _offer_to_end_locks() -> None:
    """Name the setting without which git-lfs asks the Hub for locks at each push, and complains."""
    from git_credential_hf.git.config import push_url, read_config
    from git_credential_hf.git.helpers import configured_hubs
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
        report("hint", f"git-lfs asks for locks at each push, which the Hub does not support: `{command}` ends that")


@hooks.command()
@_changes_scope("local", "global", "local")
def uninstall(scope: str, dry_run: bool) -> int:
    """Uninstall the hooks, and restore the previous ones."""
    from git_credential_hf.hooks.install import plan_uninstall

    _apply_changes(plan_uninstall(scope), dry_run, "the hooks are not installed")
    return 0


@hooks.command(name="status")
@_with_scopes(
    None, {"global": "The hooks of all repositories with a Hub remote.", "local": "The hooks of this repository."}
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_answers_json(lambda problem, **options: {"hooks": [], "problem": {"message": problem.message, "fix": problem.fix}})
def hooks_status(scope: str | None, as_json: bool) -> int:
    """Show whether the hooks are called in this repository.

    Exits with 1 if they are not.
    """
    from git_credential_hf.hooks.install import hooks_in_effect, inspect_hooks

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


def _apply_changes(changes: "Sequence[Change]", dry_run: bool, without: str = "") -> None:
    """Make changes, or show them; `without`: what to report if there are none."""
    from git_credential_hf.files import apply_changes

    if not changes and without:
        report("hint", without)
    if dry_run:
        for change in changes:
            print_change(change)
    else:
        apply_changes(changes, lambda change: print_line("changed ", change.path))
