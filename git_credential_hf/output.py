"""What the commands print: for people, without the tokens that may stand in it; or for programs, as JSON."""

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from git_credential_hf.masking import mask_line, mask_secrets, mask_token

if TYPE_CHECKING:
    from git_credential_hf.files import Change
    from git_credential_hf.purge import Holder
    from git_credential_hf.status import Status


def print_line(line: str) -> None:
    """A line of the answer for people: what stands in it may have been chosen by a server, or by a hostile path."""
    click.echo(mask_line(line))


def print_change(change: "Change") -> None:
    """What a change would do; its lines keep their tabs."""
    for line in change.describe().splitlines():
        click.echo("\t".join(map(mask_line, line.split("\t"))))


def print_status(seen: "Status") -> None:
    """Who somebody is to git now."""
    from git_credential_hf.hub import hub_endpoint

    if seen.token is None:
        print_line("token     none")
    else:
        print_line(f"token     {seen.token.describe()}")
        if seen.token.expires_at is not None:
            print_line(f"expires   {_date(seen.token.expires_at)}")
        if seen.account is not None:
            print_line(f"account   {seen.account.name}" + (f", {seen.account.role} token" if seen.account.role else ""))
        else:
            print_line(f"account   unknown, the Hub {'could not be asked' if seen.warnings else 'refuses the token'}")
    print_line(f"endpoint  {hub_endpoint()}")
    first = f", after {', '.join(seen.asked_first)}" if seen.asked_first else ""
    print_line(f"git       {'asks this helper' + first if seen.asks_us else 'does not ask this helper'}")
    for namespace, name in seen.mapped.items():
        print_line(f"for       {namespace}: the stored token '{name}'")


def print_holders(holders: "list[Holder]") -> None:
    """What each helper held, and whether it still does."""
    for holder in holders:
        print_line(f"{holder.state:8} {holder.helper}  ({holder.origin.removeprefix('file:')})")
        for copy in holder.copies:
            user = f", user {copy.username}" if copy.username else ""
            print_line(f"         {mask_token(copy.secret)} for {copy.origin}{user}")


def print_json(answer: object) -> None:
    """The answer for programs, whoever has chosen what stands in it."""

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
    """Let all of it go; raises `OSError` where nobody reads, or the disk is full."""
    if sys.stdout is not None:
        sys.stdout.flush()


def has_raised(error: OSError) -> bool:
    """Whether it was raised where something is printed: the error itself does not say what it is about."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    return at is not None and (at.tb_frame.f_globals["__name__"], at.tb_frame.f_code.co_name) in (
        (__name__, "flush"),
        ("click.utils", "echo"),
    )
