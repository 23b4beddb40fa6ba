"""A plugin of pytest: says into the trace which test runs, and each secret that the Hub mints or is shown.

What it says is written to /dev/null: strace sees it there, and nobody else does.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_hub import Hub
from fake_hub.accounts import Accounts, Token
from fake_hub.server import Exchange

_nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def announce(what: str, value: str | None) -> None:
    if value:
        os.write(_nowhere, f"leaks {what} {value}".encode(errors="replace"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    announce("test", item.nodeid)
    return (yield)


def _minted(self: Accounts, token: Token, add: Callable[..., Token] = Accounts.add) -> Token:
    announce("secret", token.value)
    announce("secret", token.refresh_token)
    return add(self, token)


def _trusted(self: Hub, issuer: str, trust: Callable[..., None] = Hub.trust, **publisher: Any) -> None:
    announce("secret", publisher["id_token"])
    trust(self, issuer, **publisher)


def _shown(self: Exchange, read: Callable[[Exchange], None] = Exchange.read_credential) -> None:
    read(self)
    announce("secret", self.record.token)


Accounts.add, Hub.trust, Exchange.read_credential = _minted, _trusted, _shown  # type: ignore[method-assign]
