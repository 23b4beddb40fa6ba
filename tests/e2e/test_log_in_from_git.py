"""From `git clone` to logged in: when git asks, there is no token that works, and somebody is at the terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pexpect
import pytest
from account import WEIGHTS, Account, needs_huggingface_hub
from fake_hub import Hub

URL = "https://huggingface.co/alice/private-model"
REQUEST = "protocol=https\nhost=huggingface.co\n\n"
OFFER = "log in here, and git goes on"
MENU = "[Use arrows, Enter to confirm]"
PASTE = "Enter your token (input will not be visible): "


@pytest.fixture(autouse=True)
def quick_hub(hub: Hub) -> None:
    needs_huggingface_hub(1, 20)
    hub.device_interval = 1


class Terminal:
    """A terminal on which a command runs, in a directory; `screen` is all that it has shown."""

    def __init__(self, account: Account, *command: str, **environment: Any) -> None:
        given = {**os.environ, "TERM": "xterm", "GIT_TERMINAL_PROMPT": None, **environment}
        variables = {name: str(value) for name, value in given.items() if value is not None}
        self.screen = ""
        self.child = pexpect.spawn(
            command[0], [*command[1:]], cwd=str(account.where), env=variables, timeout=30, encoding="utf-8"
        )

    def sees(self, words: str) -> None:
        """Wait for words on the screen."""
        self.child.expect_exact(words)
        self.screen += self.child.before + words

    def types(self, text: str) -> None:
        """Type, when whoever shows the words has changed the modes of the terminal as well."""
        time.sleep(0.3)
        self.child.send(text)

    def ends(self) -> int:
        """Wait for the end of the command, and return its exit status."""
        self.child.expect(pexpect.EOF)
        self.screen += self.child.before
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)

    def logs_in(self, hub: Hub) -> None:
        """Choose the browser, and enter the code there."""
        self.sees(OFFER)
        self.sees(MENU)
        self.types("1")
        self.sees("enter the code")
        hub.device_login = "alice"

    def pastes(self, token: str) -> None:
        """Choose to paste a token."""
        self.sees(OFFER)
        self.sees(MENU)
        self.types("2")
        self.sees(PASTE)
        self.types(f"{token}\r")

    @property
    def offers(self) -> int:
        return self.screen.count(OFFER)


# --- what there may be before ---


def nothing(hub: Hub, account: Account) -> None:
    pass


def an_expired_browser_login(hub: Hub, account: Account) -> None:
    """Nobody has used it for so long that it cannot be renewed."""
    pair = hub.oauth("alice", expires_in=-60)
    account.store_oauth(pair)
    del hub.accounts.refresh_tokens[pair.refresh_token]


def a_revoked_browser_login(hub: Hub, account: Account) -> None:
    """On the Hub's page of connected applications."""
    pair = hub.oauth("alice", expires_in=20 * 24 * 3600)
    account.store_oauth(pair)
    hub.revoke(pair.access_token)
    hub.accounts.refresh_tokens.pop(pair.refresh_token, None)


def a_revoked_token(hub: Hub, account: Account) -> None:
    token = hub.token("alice")
    account.is_given(token, "laptop")
    hub.revoke(token)


BEFORE = [nothing, an_expired_browser_login, a_revoked_browser_login, a_revoked_token]


@pytest.mark.git_versions
@pytest.mark.parametrize("before", BEFORE)
def test_clone(before: Callable[[Hub, Account], None], hub: Hub, account: Account) -> None:
    """A clone asks once, and goes on to the end, LFS files and all: there is no second command."""
    before(hub, account)
    terminal = Terminal(account, "git", "clone", URL)
    terminal.logs_in(hub)
    assert terminal.ends() == 0, terminal.screen
    assert (account.where / "private-model/model.bin").read_bytes() == WEIGHTS
    assert terminal.offers == 1
    assert "git-credential-hf: error" not in terminal.screen and "hint" not in terminal.screen


def test_clone_with_a_login_that_can_be_renewed(hub: Hub, account: Account) -> None:
    """A refused browser login that can be renewed is, in the same command, and nobody is asked."""
    pair = hub.oauth("alice", expires_in=20 * 24 * 3600)
    account.store_oauth(pair)
    hub.revoke(pair.access_token)
    terminal = Terminal(account, "git", "clone", URL)
    assert terminal.ends() == 0, terminal.screen
    assert terminal.offers == 0 and "git-credential-hf: " not in terminal.screen


def test_clone_with_a_pasted_token(hub: Hub, account: Account) -> None:
    """A token may be pasted instead; it is not shown."""
    token = hub.token("alice")
    terminal = Terminal(account, "git", "clone", URL)
    terminal.pastes(token)
    assert terminal.ends() == 0, terminal.screen
    assert (account.where / "private-model/model.bin").read_bytes() == WEIGHTS
    assert terminal.offers == 1 and token not in terminal.screen
