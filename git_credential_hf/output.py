"""What the commands print: lines for people, or JSON for programs, both without secrets."""

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from git_credential_hf.masking import mask_line, mask_secrets, mask_token

if TYPE_CHECKING:
    from git_credential_hf.files import Change
    from git_credential_hf.git.other_helpers import Holder
    from git_credential_hf.status import Status


def print_line(line: str) -> None:
    """Print a line for people; a server, or a hostile path, may have chosen what is in it."""
    click.echo(mask_line(line))


def print_change(change: "Change") -> None:
    """Print what a change would do; its lines keep their tabs."""
    for line in change.describe().splitlines():
        click.echo("\t".join(map(mask_line, line.split("\t"))))


def print_status(status: "Status") -> None:
    """Print who the user is to git now."""
    from git_credential_hf.hub import hub_endpoint

    if status.token is None:
        print_line("token     none")
    else:
        print_line(f"token     {status.token.describe()}")
        if status.token.expires_at is not None:
            print_line(f"expires   {_date(status.token.expires_at)}")
        if status.account is not None:
            print_line(
                f"account   {status.account.name}" + (f", {status.account.role} token" if status.account.role else "")
            )
        else:
            print_line(f"account   unknown, the Hub {'did not answer' if status.warnings else 'refuses the token'}")
    print_line(f"endpoint  {hub_endpoint()}")
    first = f", after {', '.join(status.asked_first)}" if status.asked_first else ""
    print_line(f"git       {'uses this helper' + first if status.asks_us else 'does not use this helper'}")
    for namespace, name in status.mapped.items():
        print_line(f"for       {namespace}: the stored token '{name}'")


def print_holders(holders: "list[Holder]") -> None:
    """Print what each helper held, and whether it still does."""
    for holder in holders:
        print_line(f"{holder.state:8} {holder.helper}  ({holder.origin.removeprefix('file:')})")
        for copy in holder.copies:
            user = f", user {copy.username}" if copy.username else ""
            print_line(f"         {mask_token(copy.secret)} for {copy.origin}{user}")


def print_json(answer: object) -> None:
    """Print JSON for programs, without secrets."""

    def safe(value: object) -> object:
        if isinstance(value, dict):
            return {key: safe(of_it) for key, of_it in value.items()}
        if isinstance(value, list):
            return [safe(entry) for entry in value]
        return mask_secrets(value) if isinstance(value, str) else value

    click.echo(json.dumps(safe(answer), indent=2))


def _date(posix: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(posix))
    except (OverflowError, ValueError, OSError):
        return f"{posix} seconds after 1970"


def flush_output() -> None:
    """Write what is buffered; raises `OSError` if the reader is gone, or the disk is full."""
    if sys.stdout is not None:
        sys.stdout.flush()
