"""Print the output of commands, as text or JSON, without secrets."""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from git_credential_hf.masking import mask_line, mask_secrets, mask_token

if TYPE_CHECKING:
    from git_credential_hf.files import Change
    from git_credential_hf.purge.result import PurgeResult
    from git_credential_hf.status import Status


Paint = Callable[..., str]  # click's `style`: (text, fg=COLOR)


class OutputError(Exception):
    """stdout cannot be written: its reader is gone (`| head`), or the disk is full."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Stdout(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputError(error) from None


def open_stdout() -> None:
    """Make stdout raise `OutputError`, so that its errors differ from those of other files; not for terminals."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if not sys.stdout.isatty():
        file = io.BufferedWriter(_Stdout(1, "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(file, encoding=sys.stdout.encoding)
    # A character that the encoding lacks must not be an error; a CR on Windows would break `eval`.
    sys.stdout.reconfigure(errors="replace", newline="\n")


def flush_stdout() -> None:
    """Write what is buffered; raises `OutputError`."""
    if sys.stdout is not None:
        sys.stdout.flush()


def painter() -> Paint:
    """Return a function that colors text, if stdout is a terminal with colors and NO_COLOR is not set."""
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    if is_plain or sys.stdout is None or not sys.stdout.isatty():
        return lambda text, fg: text
    return click.style


def print_line(label: str, text: str) -> None:
    """Print a line: a label, and a text, which is masked because others may control its content."""
    click.echo(label + mask_line(text))


def print_change(change: "Change") -> None:
    """Print the description of a change, keeping tabs."""
    for line in change.describe():
        click.echo("\t".join(map(mask_line, mask_secrets(line).split("\t"))))


def print_status(status: "Status") -> None:
    """Print the current token, its account, and whether git uses this helper."""
    if status.token is None:
        print_line("token     ", "none")
    else:
        print_line("token     ", f"{status.token.describe()}")
        if status.token.expires_at is not None:
            print_line("expires   ", f"{_date(status.token.expires_at)}")
        if status.account is not None:
            role = f", {status.account.shown_role} token" if status.account.role else ""
            print_line("account   ", status.account.name + role)
        else:
            print_line(
                "account   ", f"unknown, the Hub {'did not answer' if status.is_unreachable else 'refuses the token'}"
            )
    if status.token_here is not None:
        print_line("here      ", f"{status.token_here.describe()}")
    print_line("endpoint  ", status.hub)
    first = f", after {', '.join(status.asked_first)}" if status.asked_first else ""
    print_line("git       ", f"{'uses this helper' + first if status.asks_us else 'does not use this helper'}")
    for hub in status.other_hubs:
        print_line("hub       ", f"{hub} is also served")
    for namespace, name in status.mapped_names():
        print_line("for       ", f"{namespace}: the stored token '{name}'")


def print_purge(results: "list[PurgeResult]") -> None:
    """Print the tokens that each helper held, and whether it still holds them."""
    for result in results:
        print_line(f"{result.state:8} ", f"{result.shown} ({result.origin.removeprefix('file:')})")
        for copy in result.copies:
            user = f", user {copy.shown_username}" if copy.username else ""
            print_line("         ", f"{mask_token(copy.secret)} for {copy.origin}{user}")


def print_json(answer: object) -> None:
    """Print JSON for programs, without secrets."""

    def safe(value: object) -> object:
        if isinstance(value, dict):
            return {key: safe(item) for key, item in value.items()}
        if isinstance(value, list):
            return [safe(item) for item in value]
        return mask_secrets(value) if isinstance(value, str) else value

    click.echo(json.dumps(safe(answer), indent=2))


def _date(posix: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(posix))
    except (OverflowError, ValueError, OSError):
        return f"{posix} seconds after 1970"
