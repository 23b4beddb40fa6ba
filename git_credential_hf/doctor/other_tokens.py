"""Find the tokens that git has from other sources (helpers, netrc files, URLs), and decide which of them to keep."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from git_credential_hf.api.account import Account
from git_credential_hf.api.refusals import Refused
from git_credential_hf.files import read_file
from git_credential_hf.git.helper_chain import HelperChains, bypassing_variables, overriding_variables
from git_credential_hf.git.netrc import mentions_host, netrc_paths, parse_netrc
from git_credential_hf.git.other_helpers import TokenCopy, origins_asked_for, other_helpers
from git_credential_hf.hub import hub_at
from git_credential_hf.problem import Problem
from git_credential_hf.purge import purge_helpers
from git_credential_hf.purge.result import PurgeResult
from git_credential_hf.purge.stale import Decider, why_path_kept
from git_credential_hf.shell import shell_word
from git_credential_hf.tokens import Token, current_token

if TYPE_CHECKING:
    from git_credential_hf.doctor.machine import Machine

COPIES_TIMEOUT = 1.5  # seconds for all other helpers to answer


class OtherTokens:
    """The tokens in other helpers, netrc files and URLs, and whether git can do without them."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    @cached_property
    def copies(self) -> list[PurgeResult]:
        """The tokens that other helpers hold for the Hubs for which git queries them.

        Helpers that git does not query for a Hub are not run: in a container, one that an editor forwards would open
        a dialog on another machine.
        """
        entries = self._machine.entries
        helpers = [(helper, origins_asked_for(helper, entries)) for helper in other_helpers(entries)]
        return purge_helpers([asked for asked in helpers if asked[1]], seconds=COPIES_TIMEOUT)

    @property
    def why_needed(self) -> Problem | None:
        """Why git cannot do without the other helpers: one of them may hold the only token that works."""
        copies = (copy for result in self.copies for copy in result.copies)
        return next((reason for copy in copies if (reason := self.why_copy_kept(copy))), None)

    def is_refused(self, secret: str, origin: str) -> bool:
        """Whether the Hub rejects a secret that git has from another source; `False` if that is unknown."""
        hub = hub_at(origin, self._machine.other_hubs) or self._machine.hub
        return isinstance(self._machine.whose(Token(secret, "helper", "another helper", hub=hub)), Refused)

    def why_copy_kept(self, copy: TokenCopy) -> Problem | None:
        """Return why a copy in another helper is kept; `None` if it can go."""
        return why_path_kept(copy, self._machine.entries) or self.why_kept(copy.secret, copy.origin)

    def why_kept(self, secret: str, origin: str) -> Problem | None:
        """Return why a secret that git has from another source is kept; `None` if it is stale (`Decider`)."""
        if self.unreadable_netrc:  # git may not get past it to this program
            return Problem(f"{self.unreadable_netrc} is ambiguous", f"fix {shell_word(self.unreadable_netrc)} by hand")
        if self._bypassing:
            return Problem("git does not ask this helper", f"run `unset {' '.join(self._bypassing)}`")
        return self._decider.why_kept(secret, hub_at(origin, self._machine.other_hubs) or self._machine.hub)

    @cached_property
    def unreadable_netrc(self) -> str | None:
        """The netrc file that mentions a Hub, but that programs read in different ways."""
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
        """The environment variables that keep git from asking this program."""
        machine = self._machine
        if machine.git_problem:
            return ()
        unused_for = HelperChains(machine.origins, machine.entries).unused_for
        if not unused_for:
            return ()
        # Even after `configure`, git would not ask this program while these override the files.
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
        raise answer or Problem("the Hub is not contacted with --offline", "run `git-credential-hf doctor`")
