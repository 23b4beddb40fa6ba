"""The tokens that git has from elsewhere than this program, what other helpers hold, and which of these must stay."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from git_credential_hf.api.account import Account
from git_credential_hf.api.refusals import Refused
from git_credential_hf.files import read_file
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helpers import HelperChains, bypassing_variables, overriding_variables
from git_credential_hf.git.netrc import mentions_host, netrc_paths, parse_netrc
from git_credential_hf.git.other_helpers import TokenCopy, origins_asked_for, other_helpers
from git_credential_hf.hub import hub_at
from git_credential_hf.problem import Problem, shell_word
from git_credential_hf.purge import purge_helpers
from git_credential_hf.purge.result import PurgeResult
from git_credential_hf.purge.stale import Decider, why_path_kept
from git_credential_hf.tokens import Token, current_token

if TYPE_CHECKING:
    from git_credential_hf.doctor.machine import Machine

COPIES_TIMEOUT = 1.5  # seconds for the answers of all other helpers


class OtherTokens:
    """What git can do without, and what it cannot: in other helpers, netrc files and URLs."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    @cached_property
    def copies(self) -> list[PurgeResult]:
        """What other helpers hold for the Hubs that git asks them for.

        The others are left in peace: in a container, one that an editor forwards would open a dialog elsewhere.
        """
        asked: dict[tuple[str, ...], list[ConfigEntry]] = {}
        for helper in other_helpers(self._machine.entries):
            if origins := origins_asked_for(helper, self._machine.entries):
                asked.setdefault(tuple(origins), []).append(helper)
        return [
            result
            for origins, helpers in asked.items()
            for result in purge_helpers(helpers, list(origins), seconds=COPIES_TIMEOUT)
        ]

    @property
    def why_needed(self) -> Problem | None:
        """Why git cannot do without the other helpers: what one of them holds may be all that works."""
        copies = (copy for result in self.copies for copy in result.copies)
        return next((reason for copy in copies if (reason := self.why_copy_kept(copy))), None)

    def is_refused(self, secret: str, origin: str) -> bool:
        """Whether the Hub rejects a secret that git has from elsewhere for this origin; `False` if it does not say."""
        hub = hub_at(origin, self._machine.other_hubs) or self._machine.hub
        return isinstance(self._machine.whose(Token(secret, "helper", "another helper", hub=hub)), Refused)

    def why_copy_kept(self, copy: TokenCopy) -> Problem | None:
        """Return why what another helper holds stays."""
        return why_path_kept(copy, self._machine.entries) or self.why_kept(copy.secret, copy.origin)

    def why_kept(self, secret: str, origin: str) -> Problem | None:
        """Return why a secret that git has from elsewhere for this origin stays, `None` if it is stale (`Decider`)."""
        if self.unreadable_netrc:  # git may not get past it to this program
            return Problem(
                f"{self.unreadable_netrc} is not in order", f"fix {shell_word(self.unreadable_netrc)} by hand"
            )
        if self._bypassing:
            return Problem("git does not ask this helper", f"run `unset {' '.join(self._bypassing)}`")
        return self._decider.why_kept(secret, hub_at(origin, self._machine.other_hubs) or self._machine.hub)

    @cached_property
    def unreadable_netrc(self) -> str | None:
        """The netrc file that names a Hub, but is not written as all programs read it alike."""
        machine = self._machine
        for path in netrc_paths():
            content = b""
            try:
                content = read_file(os.path.realpath(path)) or b""
                parse_netrc(content)
            except Problem:
                if mentions_host(content, [origin.partition("://")[2].partition(":")[0] for origin in machine.origins]):
                    return path
        return None

    @cached_property
    def _bypassing(self) -> tuple[str, ...]:
        """The variables because of which git does not ask this program."""
        machine = self._machine
        if machine.git_problem:
            return ()
        unused_for = HelperChains(machine.origins, machine.entries).unused_for
        if not unused_for:
            return ()
        # Nor after `configure`, if the files have nothing for it.
        return bypassing_variables(unused_for) or overriding_variables(machine.entries, unused_for)

    @cached_property
    def _decider(self) -> Decider:
        machine = self._machine

        def find_current(hub: str) -> Token | None:
            return machine.token if hub == machine.hub else current_token(hub, act=not machine.offline)

        return Decider(is_asked=True, find_current=find_current, whose=self._account)

    def _account(self, token: Token) -> Account:
        answer = self._machine.whose(token)
        if isinstance(answer, Account):
            return answer
        raise answer or Problem("the Hub is not asked with --offline", "run `git-credential-hf doctor`")
