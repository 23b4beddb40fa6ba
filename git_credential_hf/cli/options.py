"""Options, arguments and output that several commands share."""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

import click

from git_credential_hf.git.run import find_program
from git_credential_hf.hints import typed_name
from git_credential_hf.output import print_change, print_json, print_line
from git_credential_hf.problem import Problem
from git_credential_hf.report import report, report_problem
from git_credential_hf.repository import without_credentials
from git_credential_hf.shell import shell_command

if TYPE_CHECKING:
    from git_credential_hf.files import Change
    from git_credential_hf.git.config import ConfigEntry
    from git_credential_hf.repository import Repository


class WrongUsage(click.UsageError):
    """Wrong usage that has its own hint instead of ``run `... --help` ``."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


class Group(click.Group):
    """A group that raises its own exception for an unknown command, as click itself does from 8.4 on."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; raises `NoSuchCommand`."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise NoSuchCommand(args[0], ctx)
        return super().resolve_command(ctx, args)


class NoSuchCommand(click.UsageError):
    """A word that is not a command of its group."""

    def __init__(self, word: str, ctx: click.Context) -> None:
        super().__init__(f"no such command '{word}'", ctx)
        self.word = word


_SAME_AS = {  # commands of `hf auth`, `gh auth` and installers, with our equivalents
    "logout": "hf auth logout",
    "auth": "git-credential-hf login",
    "whoami": "git-credential-hf status",
    "token": "git-credential-hf status",
    "install": "git-credential-hf configure",
    "setup": "git-credential-hf configure",
    "setup-git": "git-credential-hf configure",
    "uninstall": "git-credential-hf unconfigure",
    "remove": "git-credential-hf unconfigure",
    "init": "git-credential-hf configure",
    "fix": "git-credential-hf doctor --fix",
    "undo": "git-credential-hf doctor --undo",
    "switch": "hf auth switch",
    "clone": "git clone",
    "help": "git-credential-hf --help",
    "version": "git-credential-hf --version",
}


def nearest_usage(error: click.UsageError, arguments: list[str], more: Iterable[str] = ()) -> str | None:
    """Return the command line with the option or command that was probably meant; `more`: names that click lacks."""
    from difflib import get_close_matches

    if isinstance(error, NoSuchCommand) and error.ctx and isinstance(error.ctx.command, click.Group):
        wrong, names = error.word, list(error.ctx.command.commands)
    elif isinstance(error, click.NoSuchOption) and error.ctx:
        parameters = error.ctx.command.get_params(error.ctx)
        wrong, names = error.option_name, [name for each in parameters for name in (*each.opts, *each.secondary_opts)]
    else:
        return None
    nearest = get_close_matches(wrong.lower(), [*names, *more], n=1)
    same = _SAME_AS.get(wrong.lower(), "") if isinstance(error, NoSuchCommand) else ""
    if same and find_program(same.partition(" ")[0]):
        return same
    if nearest in ([], [wrong]):  # an operation, with arguments that git would not pass
        return None
    words = [nearest[0] + word.removeprefix(wrong) if word.split("=")[0] == wrong else word for word in arguments]
    return f"{typed_name()} {shell_command(words)}"


def require_command(context: click.Context) -> None:
    """Show the help if there is no command; click before 8.2 does so with another exit status."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(2)


Command = TypeVar("Command", bound=Callable[..., int])


def answers_json(make_answer: Callable[..., object]) -> Callable[[Command], Command]:
    """Let a command with `--json` print one document even if it fails: `make_answer` makes it from the problem."""

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


def with_scopes(default: str | None, texts: dict[str, str]) -> Callable[[Command], Command]:
    """Add an option for each scope; the command gets the chosen scope, or the default. Two are wrong usage."""

    def add(command: Command) -> Command:
        @functools.wraps(command)
        def with_scope(**options: object) -> int:
            named = [name for name in texts if options.pop(f"is_{name}")]
            if len(named) > 1:
                raise click.UsageError(f"{' and '.join(f'--{name}' for name in named)} cannot be used together")
            return command(scope=named[0] if named else default, **options)

        decorated: Callable[..., int] = with_scope
        for name, text in texts.items():
            text = text.removesuffix(".") + (" (the default)." if name == default else ".")
            decorated = click.option(f"--{name}", f"is_{name}", is_flag=True, help=text)(decorated)
        return decorated  # type: ignore[return-value] # a command, too

    return add


def changes_scope(default: str, *scopes: str) -> Callable[[Command], Command]:
    """Add the options that all commands which change git's configuration have."""

    def add(command: Command) -> Command:
        command = with_scopes(default, {name: _SCOPES[name] for name in scopes})(command)
        return click.option("--dry-run", is_flag=True, help="Show the changes without making them.")(command)

    return add


def readable_entries() -> "list[ConfigEntry]":
    """Return git's configuration; an empty list if git cannot read it, which `doctor` reports."""
    from git_credential_hf.git.config import read_config

    try:
        return read_config()
    except Problem:
        return []


def repository_argument(repo: str, entries: "list[ConfigEntry]") -> "Repository":
    """Parse the REPO argument; raises `Problem` if it is not a repository of a Hub that git is configured for."""
    from git_credential_hf.git.helper_chain import configured_hubs, default_hub
    from git_credential_hf.repository import parse_repository

    repository = parse_repository(repo, default_hub(entries), configured_hubs(entries))
    if repository is None:
        message = f"'{without_credentials(repo)}' is not a Hub repository"
        raise Problem(message, "use a name such as acme/model or datasets/acme/data")
    return repository


def make_changes(changes: "Sequence[Change]", dry_run: bool, without: str = "") -> None:
    """Make changes, or show them; `without`: what to report if there are none."""
    from git_credential_hf.files import apply_changes

    if not changes and without:
        report("hint", without)
    if dry_run:
        for change in changes:
            print_change(change)
    else:
        apply_changes(changes, _print_made)


def _print_made(change: "Change") -> None:
    is_removed = os.path.isabs(change.path) and not os.path.lexists(change.path)
    print_line("removed " if is_removed else "changed ", change.path)
