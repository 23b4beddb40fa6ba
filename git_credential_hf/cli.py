"""The commands that people type: their options, and what they do."""

import functools
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, TypeVar

import click

from git_credential_hf import __version__
from git_credential_hf.output import (
    flush_output,
    has_raised,
    print_change,
    print_holders,
    print_json,
    print_line,
    print_status,
)
from git_credential_hf.problem import Problem, report, report_problem, trace_bug

if TYPE_CHECKING:
    from git_credential_hf.doctor import Examination
    from git_credential_hf.doctor.finding import Finding
    from git_credential_hf.files import Change
    from git_credential_hf.hub import Repository


def main(arguments: list[str]) -> int:
    """Run a command; returns its exit status."""
    if _is_for_helpers_alone(arguments):
        return 0
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's encoding lacks is no reason to fail; a CR from Windows would be one for `eval`.
        sys.stdout.reconfigure(errors="replace", newline="\n")
    try:
        status = commands.main(arguments, prog_name="git-credential-hf", standalone_mode=False)
        flush_output()
    except OSError as error:
        if not has_raised(error):
            raise
        # Nobody reads (`| head`), or the disk is full; the interpreter must not try once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(error, BrokenPipeError):
            report("error", f"cannot write the answer: {error.strerror}")
        return 1
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        said = error.format_message()
        report("error", said[:1].lower() + said[1:].rstrip("."))
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "git-credential-hf"
        report("hint", f"run `{where} --help`")
        return 2
    except click.Abort:
        return 130
    return int(status or 0)


def _is_for_helpers_alone(arguments: list[str]) -> bool:
    """Whether this is an operation that git may add one day: helpers ignore those silently (gitcredentials(7)).

    A person at a terminal has mistyped a command instead, and is told.
    """
    if len(arguments) != 1 or arguments[0].startswith("-") or arguments[0] in commands.commands:
        return False
    return sys.stdin is None or not sys.stdin.isatty()


@click.group(
    epilog="git itself runs `get`, `store`, `erase` and `capability`, see gitcredentials(7). The manual: "
    "`git help credential-hf`.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(__version__, message="git-credential-hf %(version)s")
def commands() -> None:
    """Log git in to the Hugging Face Hub with the token of `hf auth login`.

    The token stays where huggingface_hub keeps it. git is given the current one
    each time it asks; nothing is copied, so nothing goes stale.
    """


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> int:
    """Show who you are to git now.

    Exits with 1 where something has to be mended.
    """
    from git_credential_hf.status import Status

    seen = Status()
    if as_json:
        print_json(seen.as_json())
    else:
        print_status(seen)
    for problem in seen.warnings:
        report_problem(problem, "warning")
    for problem in seen.problems:
        report_problem(problem)
    return 1 if seen.problems else 0


Command = TypeVar("Command", bound=Callable[..., int])


_SCOPES = {"system": "For everybody on this machine.", "local": "For this repository.", "global": "For you."}


def _with_scopes(default: str, *scopes: str) -> Callable[[Command], Command]:
    """The options that commands share which change something of git's."""

    def add(command: Command) -> Command:
        for name in scopes:
            text = _SCOPES[name].removesuffix(".") + (" (the default)." if name == default else ".")
            command = click.option(f"--{name}", "scope", flag_value=name, default=default, help=text)(command)
        return click.option("--dry-run", is_flag=True, help="Show the change, and make none.")(command)

    return add


def _names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The names of stored tokens that complete what has been typed."""
    from git_credential_hf.tokens import stored_token_names

    try:
        return [name for name in stored_token_names() if name.startswith(begun)]
    except Problem:
        return []


@commands.command()
@_with_scopes("global", "system", "local", "global")
@click.option(
    "--token",
    "name",
    metavar="NAME",
    shell_complete=_names,
    help="A stored token, of `hf auth list`, for the namespace.",
)
@click.option("--for", "namespace", metavar="NAMESPACE", help="The user or organisation whose repositories get it.")
@click.option("--hooks", "with_hooks", is_flag=True, help="Let git call the hooks, too: `hooks install`.")
@click.option("--purge/--no-purge", default=None, help="Reject other helpers' copies first, or not; else it asks.")
@click.option("--print", "print_lines", is_flag=True, help="Print the lines for your git configuration instead.")
@click.option("--env", "print_environment", is_flag=True, help="Print them as environment variables, for `eval`.")
def configure(
    scope: str,
    dry_run: bool,
    name: str | None,
    namespace: str | None,
    with_hooks: bool,
    purge: bool | None,
    print_lines: bool,
    print_environment: bool,
) -> int:
    """Let git ask this helper, and no other, for the Hub.

    For each host of the Hub an empty `helper` forgets all other helpers, so none
    of them is asked for a Hub token or is given one to keep. Other hosts keep
    theirs.

    With --token and --for, the repositories of one namespace get another token
    than the current one. (git-xet asks for the host alone: it gets the current.)
    """
    from git_credential_hf.configure import config_environment, config_lines, helpers_in_the_way, plan_configure

    if print_lines + print_environment + dry_run > 1:
        raise click.UsageError("--print, --env and --dry-run exclude each other")
    if with_hooks and (print_lines or print_environment or scope == "system"):
        raise click.UsageError("--hooks goes with --global and --local")
    new = _namespace(name, namespace)
    if print_lines:
        click.echo(config_lines(new), nl=False)
        return 0
    if print_environment:
        for variable, value in config_environment(new):
            click.echo(f"export {variable}={shlex.quote(value)}")
        return 0
    try:
        plan = plan_configure(scope, new)
        if not dry_run:
            _purge_first(purge)
        status = _carry_out(plan, dry_run, "git asks this helper for the Hub already")
        if with_hooks:
            _install_hooks(scope, dry_run)
    except Problem as problem:
        report_problem(problem)
        if problem.fix is None:
            report("hint", "put these lines into a git configuration file that you can write")
            click.echo(config_lines(new), nl=False)
        return 1
    if not dry_run:
        for warning in helpers_in_the_way():
            report("warning", warning.message)
            report("hint", warning.fix or "")
    return status


def _namespace(name: str | None, namespace: str | None) -> dict[str, str]:
    from git_credential_hf.hub import is_valid_name
    from git_credential_hf.tokens import stored_token

    if (name is None) != (namespace is None):
        raise click.UsageError("--token and --for go together")
    if name is None or namespace is None:
        return {}
    if not is_valid_name(namespace):
        raise click.UsageError(f"'{namespace}' is not the name of a user or an organisation")
    stored_token(name, act=False)  # or says which there are
    return {namespace: name}


def _purge_first(wanted: bool | None) -> None:
    """What other helpers hold would come back with `unconfigure`: it is rejected first, with the user's consent."""
    from git_credential_hf.git.config import read_config
    from git_credential_hf.purge import other_helpers, purge_helpers

    helpers = other_helpers(read_config())
    if not helpers or wanted is False:
        return
    if wanted is None and not (sys.stdin is not None and sys.stdin.isatty()):
        report("hint", "other helpers may hold old tokens for the Hub: run `git-credential-hf purge`")
        return
    if wanted is None and not click.confirm("Let other helpers forget what they hold for the Hub?", True, err=True):
        return
    print_holders(purge_helpers(helpers, _usernames()))


@commands.command()
@click.option("--dry-run", is_flag=True, help="Only report what would be rejected.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def purge(dry_run: bool, as_json: bool) -> int:
    """Reject every copy of a Hub token that another helper holds.

    Each helper that git could ask about the Hub is asked what it holds, told to
    forget it, and asked again. What it holds for other hosts is not touched.

    Exits with 1 where something is held still, or a helper gave no answer.
    """
    from git_credential_hf.git.config import read_config
    from git_credential_hf.purge import other_helpers, purge_helpers

    holders = purge_helpers(other_helpers(read_config()), _usernames(), dry_run=dry_run)
    if as_json:
        print_json({"helpers": [holder.as_json() for holder in holders]})
    else:
        print_holders(holders)
        if not holders:
            report("hint", "git has no other helper for the Hub")
    for holder in holders:
        if holder.why:
            report("warning", f"{holder.helper}: {holder.why}")
        if remedy := holder.remedy():
            report("hint", remedy)
    return 1 if any(holder.state in ("held", "unknown") for holder in holders) else 0


def _usernames() -> tuple[str | None, ...]:
    """The user names under which a copy may be held: the usual ones, those in git's settings, and the account's."""
    from git_credential_hf.api.access import whoami
    from git_credential_hf.git.config import read_config
    from git_credential_hf.git.urlmatch import url_username
    from git_credential_hf.purge import USUAL_USERNAMES
    from git_credential_hf.tokens import current_token

    settings = [entry for entry in read_config() if entry.value and entry.section in ("credential", "remote")]
    configured = [entry.value for entry in settings if entry.section == "credential" and entry.name == "username"]
    urls = [entry.value or "" for entry in settings if entry.name in ("url", "pushurl")]
    found = [*configured, *(url_username(url) for url in urls)]
    try:
        token = current_token()
        found.append(whoami(token).name if token else None)
    except Problem:
        pass  # then its name is not known
    return (*USUAL_USERNAMES, *(name for name in found if name))


@commands.command()
@click.option("--write", is_flag=True, help="Ask for pushing to it, and not for reading alone.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("repo", required=False)
def check(write: bool, as_json: bool, repo: str | None) -> int:
    """Ask the Hub whether your token may read REPO, or push to it.

    REPO is acme/model, datasets/acme/data, a URL of the Hub, an hf:// URI or
    git@hf.co:acme/model; without it, where this repository is pushed to.

    Exits with 1 for a no, and with 3 where the Hub gave no answer.
    """
    from git_credential_hf.api.access import check_access
    from git_credential_hf.api.refusals import Answer
    from git_credential_hf.configure import token_for_repository
    from git_credential_hf.git.config import push_url
    from git_credential_hf.hub import is_at_endpoint

    if repo is None:
        repo = push_url()
    repository = _named(repo)
    if repo.lower().startswith("https:") and not is_at_endpoint(repo):
        said = f"what a token may do to {repository.name} is not known: HF_ENDPOINT is another Hub"
        answer = Answer(repository, write, "unknown", "unreachable", said, "unset HF_ENDPOINT")
    else:
        answer = check_access(token_for_repository(repository), repository, write=write, seconds=10)
    if as_json:
        print_json(answer.as_json())
    elif answer.answer == "yes":
        print_line(f"yes       {answer.message}")
    if answer.answer != "yes":
        report_problem(Problem(answer.message, answer.fix), "error" if answer.answer == "no" else "warning")
    return {"yes": 0, "no": 1}.get(answer.answer, 3)


def _named(repo: str) -> "Repository":
    """The repository that an argument names, in any of the ways that `hub.named` knows."""
    from git_credential_hf.hub import parse_repository, without_credentials

    repository = parse_repository(repo)
    if repository is None:
        said = f"'{without_credentials(repo)}' is no repository of the Hub"
        raise Problem(said, "name one, such as acme/model or datasets/acme/data")
    return repository


@commands.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, one after the other.")
@click.option("--yes", is_flag=True, help="With --fix: do not ask before each change.")
@click.option("--dry-run", is_flag=True, help="Show the changes, and make none.")
@click.option("--offline", is_flag=True, help="Do not ask the Hub.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("repo", required=False)
def doctor(fix: bool, yes: bool, dry_run: bool, offline: bool, as_json: bool, repo: str | None) -> int:
    """Find out why the Hub says 401 or 403, and mend it.

    Shows what git, git-lfs, git-xet and huggingface_hub would each send, and
    what is wrong: with the token, .netrc, git's helpers, URLs, LFS, the hooks,
    and with REPO, which is the one that this directory is pushed to.

    Exits with 1 where something is wrong.
    """
    from git_credential_hf import doctor as doctors

    if (fix and dry_run) or (yes and not fix):
        raise click.UsageError("--yes goes with --fix, and --dry-run without it")
    if fix and not yes and (as_json or sys.stdin is None or not sys.stdin.isatty()):
        raise click.UsageError("--fix asks at a terminal; elsewhere say --yes")
    repository = None if repo is None else _named(repo)
    examine = functools.partial(doctors.examine, repository, offline=offline)
    seen, has_failed = examine(), False
    if fix:
        seen, has_failed = _mended(seen, examine, yes, quiet=as_json)
    if as_json:
        print_json(seen.as_json())
        return 0 if seen.is_healthy and not has_failed else 1
    from git_credential_hf.doctor.report import report_lines

    is_plain = bool(os.environ.get("NO_COLOR")) or sys.stdout is None or not sys.stdout.isatty()
    for line in report_lines(seen, (lambda text, fg: text) if is_plain else click.style):
        click.echo(line)
    if dry_run:
        for finding in seen.findings:
            for change in finding.changes() if finding.changes else ():
                print_change(change)
    return 0 if seen.is_healthy and not has_failed else 1


def _mended(
    seen: "Examination", examine: "Callable[[], Examination]", yes: bool, *, quiet: bool
) -> "tuple[Examination, bool]":
    """What is seen after all that can be mended has been, and whether something of that failed.

    What has been mended may bring something else to light: that is mended, too, but nothing twice. `quiet`: for JSON,
    which also has what is there no more.
    """
    from git_credential_hf.doctor.finding import IDS

    offered: list[Finding] = []
    has_failed = False
    for _ in range(2):
        known = [finding.key for finding in offered]
        new = [finding for finding in seen.findings if finding.key not in known]
        if not any(finding.changes for finding in new):
            break
        has_failed |= not _mend(new, yes, quiet=quiet)
        offered += new
        seen = examine()
    left = [finding.key for finding in seen.findings]
    for finding in offered:
        finding.fixed = finding.key not in left
    if quiet:
        seen.findings += [finding for finding in offered if finding.fixed]
        seen.findings.sort(key=lambda finding: IDS.index(finding.id))
    return seen, has_failed


def _mend(findings: "list[Finding]", yes: bool, *, quiet: bool) -> bool:
    """Make the changes, one finding after the other; whether all of them could be made."""
    from git_credential_hf.doctor.report import wrap

    has_failed = False
    for finding in findings:
        if finding.changes is None:
            continue
        try:
            changes = finding.changes()
            if not changes:
                continue  # mended with something else
            if not quiet:
                for line in wrap("", finding.title):
                    click.echo(line)
                for change in changes:
                    print_change(change)
            if yes or click.confirm("Mend it?", True, err=True):
                for change in changes:
                    change.apply()
        except Problem as problem:
            report_problem(problem)
            has_failed = True
        if not quiet:
            click.echo()
    return not has_failed


@commands.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", type=click.Choice(["pre-push", "pre-commit"]))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def hook(name: str, arguments: tuple[str, ...]) -> int:
    """Check a push or a commit: the scripts in `hooks/` run this.

    Exits with 1 where the Hub would refuse it. Off with
    GIT_CREDENTIAL_HF_HOOKS=off, or `git push --no-verify`.
    """
    from git_credential_hf.hooks.judge import check_commit, check_push, parse_push

    try:
        if name == "pre-commit":
            verdict = check_commit()
        else:
            remote, url, given = parse_push(arguments, sys.stdin.buffer)
            verdict = check_push(remote, url, given)
    except Problem as unjudged:
        report_problem(unjudged, "warning")
        return 0  # what cannot be judged is not refused
    except Exception:
        trace_bug()
        return 0
    for problem in verdict.warnings:
        report_problem(problem, "warning")
    refused = "push refused before any upload" if name == "pre-push" else "commit refused"
    for problem in verdict.refusals:
        report_problem(Problem(f"{refused}: {problem.message}", problem.fix))
    return 1 if verdict.refusals else 0


@commands.command()
@_with_scopes("global", "system", "local", "global")
def unconfigure(scope: str, dry_run: bool) -> int:
    """Take out what `configure` and `hooks` have put in.

    What was kept goes too: the hash of a refused token, the token of a CI job,
    and what the Hub allows.
    """
    from git_credential_hf.configure import handwritten_helpers, plan_unconfigure
    from git_credential_hf.hooks.install import HOOK_SCOPES, plan_uninstall
    from git_credential_hf.state import cache_directory, remove_state

    hooks = plan_uninstall(scope) if scope in HOOK_SCOPES else []
    if hooks:
        _carry_out(hooks, dry_run, "")
    status = _carry_out(plan_unconfigure(scope), dry_run, "git's configuration has nothing of ours")
    if not dry_run:
        remove_state()
        remove_state(cache_directory())
    for entry in handwritten_helpers(scope) if not dry_run else ():
        report("warning", f"somebody else has put `helper = {entry.value}` into {entry.origin.removeprefix('file:')}")
        key = ".".join(part for part in ("credential", entry.subsection, "helper") if part)
        report("hint", f"run `git config --{scope} --unset-all {shlex.quote(key)}`")
    return status


@commands.group(name="hooks")
def hook_files() -> None:
    """Install, uninstall or show the hooks of this repository.

    They run before git-lfs and beside the hooks that are there already, which go
    on as before.
    """


@hook_files.command()
@_with_scopes("local", "global", "local")
def install(scope: str, dry_run: bool) -> int:
    """Let git call the hooks in this repository, or in all of yours."""
    return _install_hooks(scope, dry_run)


def _install_hooks(scope: str, dry_run: bool) -> int:
    from git_credential_hf.hooks.install import plan_install

    return _carry_out(plan_install(scope), dry_run, "git calls the hooks already")


@hook_files.command()
@_with_scopes("local", "global", "local")
def uninstall(scope: str, dry_run: bool) -> int:
    """Take the hooks out: what was there before comes back."""
    from git_credential_hf.hooks.install import plan_uninstall

    return _carry_out(plan_uninstall(scope), dry_run, "there are no hooks of ours")


@hook_files.command(name="status")
@click.option("--local", "scope", flag_value="local", default=None, help="Those of this repository.")
@click.option("--global", "scope", flag_value="global", help="Those of all of yours.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def hooks_status(scope: str | None, as_json: bool) -> int:
    """Show whether git calls the hooks, here.

    Exits with 1 where it does not.
    """
    from git_credential_hf.hooks.install import hooks_in_effect, inspect_hooks

    seen = hooks_in_effect() if scope is None else inspect_hooks(scope)
    if as_json:
        print_json(seen.as_json())
    else:
        for name, state, path, before in seen.hooks:
            print_line(f"{name:10} {state:10} {path}" + (f", then {before}" if before else ""))
    problem = seen.problem()
    if problem:
        report_problem(problem)
    return 1 if problem else 0


def _carry_out(plan: "Sequence[Change]", dry_run: bool, otherwise: str) -> int:
    if not plan:
        report("hint", otherwise)
    for change in plan:
        if dry_run:
            print_change(change)
        else:
            change.apply()
            print_line(f"changed {change.path}")
    return 0
