"""Check what other helpers hold: git asks them, too, and what they have goes stale with the next login."""

from collections.abc import Callable, Iterator

from git_credential_hf.doctor.changes import PurgeHelpers
from git_credential_hf.doctor.finding import Finding, fix_first, why_one_kept
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.files import Change
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.other_helpers import other_helpers
from git_credential_hf.masking import mask_token


def check_copies(machine: Machine) -> Iterator[Finding]:
    """Check for Hub tokens in other helpers: the next login makes them stale."""
    helpers = other_helpers(machine.entries)
    for result in machine.other_tokens.copies:
        if result.copies:
            reason = why_one_kept(map(machine.other_tokens.why_copy_kept, result.copies))
            copies = [
                f"{mask_token(copy.secret)} for {copy.origin}"
                + (f", user {copy.shown_username}" if copy.username else "")
                + (", which the Hub rejects" if machine.other_tokens.is_refused(copy.secret, copy.origin) else "")
                for copy in result.copies
            ]
            yield Finding(
                "stale-copy",
                "error",
                f"the helper '{result.shown}' holds a copy of a Hub token",
                list(dict.fromkeys(copies)),
                fix_first(reason) if reason else "run `git-credential-hf purge`",
                _plan_purge(
                    [entry for entry in helpers if entry.value == result.helper],
                    list(dict.fromkeys(copy.origin for copy in result.copies)),
                    machine,
                )
                if not reason
                else None,
            )
        elif result.has_timed_out:
            yield Finding(
                "stale-copy",
                "warning",
                f"cannot tell whether the helper '{result.shown}' holds a copy of a Hub token",
                f"{result.failure}; git would have to wait for it, too",
                "run `git-credential-hf purge` when the helper answers again",
            )


def _plan_purge(helpers: list[ConfigEntry], origins: list[str], machine: Machine) -> Callable[[], list[Change]]:
    return lambda: [PurgeHelpers(helpers, origins, machine.other_tokens.why_copy_kept)]
