"""The current token, and what the Hub was asked for tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_credential_hf.tokens import Token, current_token

if TYPE_CHECKING:
    from fake_hub import Hub


def current(*, act: bool = True) -> Token:
    token = current_token(act=act)
    assert token is not None
    return token


def requests(hub: Hub) -> int:
    return len(hub.log.of("/oauth/token"))
