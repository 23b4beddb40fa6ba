"""The commands for users, and their options."""

import os
import sys

import click

from git_credential_hf import __version__
from git_credential_hf.cli.configure import configure, unconfigure
from git_credential_hf.cli.doctor import doctor
from git_credential_hf.cli.hooks import hook, hooks
from git_credential_hf.cli.options import Group, WrongUsage, answers_json, nearest_usage, repository_argument
from git_credential_hf.cli.purge import purge
from git_credential_hf.hints import typed_name
from git_credential_hf.output import (
    OutputError,
    flush_stdout,
    open_stdout,
    painter,
    print_json,
    print_line,
    print_status,
)
from git_credential_hf.problem import Problem
from git_credential_hf.protocol import OPERATION_OPTIONS, OPERATIONS
from git_credential_hf.report import report, report_problem
from git_credential_hf.repository import without_credentials

REQUEST_TIMEOUT = 1  # seconds to wait for git to send the request that follows an operation


def main(arguments: list[str]) -> int:
    """Run a command; return its exit status."""
    if _is_unknown_operation(arguments):
        return 0
    open_stdout()
    try:
        status = commands.main(arguments, prog_name=typed_name(), standalone_mode=False)
        flush_stdout()
    except OutputError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes again when it ends
        if not isinstance(error.reason, BrokenPipeError):
            report("error", f"cannot write the output: {error.reason.strerror}")
        return 1
    except click.ClickException as error:
        # The hint suggests the nearest option; click's own suggestion differs between its versions.
        message = error.message if isinstance(error, click.NoSuchOption) else error.format_message()
        report("error", message[:1].lower() + message[1:].rstrip("."))
        report("hint", _usage_hint(error, arguments))
        return 2
    except click.Abort:
        return 130
    return int(status or 0)


def _usage_hint(error: click.ClickException, arguments: list[str]) -> str:
    """Return a hint with the command that was probably meant, or with the command for the help."""
    if isinstance(error, WrongUsage) and error.hint:
        return error.hint
    command = typed_name()
    if isinstance(error, click.UsageError) and error.ctx:
        of_git = () if error.ctx.parent else (*OPERATIONS, *OPERATION_OPTIONS)
        if meant := nearest_usage(error, arguments, of_git):
            return f"did you mean `{meant}`?"
        command = error.ctx.command_path
    return f"run `{command} --help`"


def _is_unknown_operation(arguments: list[str]) -> bool:
    """Whether this is an operation that this version does not know: helpers must ignore those (gitcredentials(7)).

    At a terminal, it is a mistyped command instead, and an error. So is a word that resembles one of our commands, if
    no request follows on stdin, as in a script or a Dockerfile: git always sends one with an operation.
    """
    if len(arguments) != 1 or arguments[0].startswith("-") or arguments[0] in commands.commands:
        return False
    if sys.stdin is not None and sys.stdin.isatty():
        return False
    from difflib import get_close_matches

    return not get_close_matches(arguments[0], commands.commands) or _has_request()


def _has_request() -> bool:
    """Whether anything arrives on stdin: git sends its request at once, other programs may leave a pipe open."""
    from git_credential_hf.system import start_thread

    received: list[bytes] = []
    start_thread(lambda: received.append(os.read(0, 1))).join(REQUEST_TIMEOUT)
    return any(received)


@click.group(
    cls=Group,
    epilog="git itself runs `get`, `store`, `erase` and `capability`; see gitcredentials(7). With install.sh or pipx, "
    "`git help credential-hf` shows the manual.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
    invoke_without_command=True,
)
@click.version_option(__version__, message="git-credential-hf %(version)s")
@click.pass_context
def commands(context: click.Context) -> int:
    """Log git in to the Hugging Face Hub with the token of `hf auth login`.

    The token stays where huggingface_hub stores it. git gets the current token each
    time it asks; no copy is made, so none can go stale.

    Without a command, show whether git is logged in, and what to run next.
    """
    if context.invoked_subcommand is not None:
        return 0
    from git_credential_hf.overview import overview_lines
    from git_credential_hf.status import Status

    current = Status()
    for line in overview_lines(current, painter()):
        click.echo(line)
    return 1 if current.problems else 0


for command in (configure, doctor, hook, hooks, purge, unconfigure):
    commands.add_command(command)


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> int:
    """Show the current token, its account, and whether git uses it.

    Exits with 1 if there is a problem.
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


@commands.command()
def login() -> int:
    """Log in to Hugging Face, as `hf auth login` does.

    Runs huggingface_hub's own login on the terminal, for machines without `hf` on
    PATH. An existing login is replaced. The token is stored in huggingface_hub's
    files, and is not copied into git's credential helpers.
    """
    from git_credential_hf.login import log_in

    log_in()
    return 0


@commands.command()
@click.option("--write", is_flag=True, help="Check for permission to push, not just to read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("repo", required=False)
@answers_json(
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
    """Check whether git can read REPO, or push to it.

    Asks the Hub, with the token that git sends, even from a URL or .netrc.

    REPO is acme/model, datasets/acme/data, a Hub URL, an hf:// URI or
    git@hf.co:acme/model. The default is the repository that this one pushes to.

    Exits with 1 if the answer is no, and with 3 if the Hub did not answer.
    """
    from git_credential_hf.api.access import check_access
    from git_credential_hf.api.client import try_hub_again
    from git_credential_hf.git.config import push_url, read_config
    from git_credential_hf.git.credentials import falls_through, sent_first
    from git_credential_hf.git.helper_chain import HelperChains, configure_hint, configured_hubs
    from git_credential_hf.helper import token_for
    from git_credential_hf.hub import origins_of
    from git_credential_hf.repository import parse_remote

    try_hub_again()
    entries = read_config()
    url = push_url(configured_hubs(entries)) if repo is None else repo
    repository = repository_argument(url, entries)
    remote = parse_remote(url, configured_hubs(entries))
    is_ssh = remote is not None and remote.transport == "ssh"  # over which git sends no token
    token = None if is_ssh else sent_first(url if url.startswith("https:") else repository.page, entries)
    answer = check_access(token, repository, write=write, seconds=10) if token else None
    if token and not as_json:
        report_problem(Problem(f"git sends the token {token.describe()} first", token.remedy()), "warning")
    if answer is None or (answer.reason in ("token-invalid", "token-expired") and token and falls_through(token)):
        chains = HelperChains(origins_of(repository.hub), entries)
        if chains.unused_for and not as_json:
            report_problem(Problem(chains.unused_message(), configure_hint()), "warning")
        answer = check_access(token_for(url, repository, entries), repository, write=write, seconds=10)
    if as_json:
        print_json(answer.as_json())
    elif answer.answer == "yes":
        print_line("yes       ", answer.message)
    if answer.answer != "yes":
        report_problem(Problem(answer.message, answer.fix), "error" if answer.answer == "no" else "warning")
    return {"yes": 0, "no": 1}.get(answer.answer, 3)
