"""`/api/…`: who am I, and what may I do (docs/facts.md#h2, #h4)."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from . import cards
from .accounts import Refusal, Token, unauthorized

if TYPE_CHECKING:
    from . import Hub
    from .server import Exchange

WINDOW = 300  # seconds
QUOTA = 500  # requests in a window


class Windows:
    """The fixed windows of the rate limits: who asked how often in the present one."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, what: str, who: str) -> tuple[int, int]:
        """How often it was asked, this time included, and the seconds until the window ends."""
        start, count = self.counts.get((what, who), (time.time(), 0))
        if time.time() - start >= WINDOW:
            start, count = time.time(), 0
        self.counts[what, who] = start, count + 1
        return count + 1, int(start + WINDOW - time.time())


def whoami(hub: Hub, exchange: Exchange, token: Token | None) -> None:
    """`GET /api/whoami-v2`."""
    if hub.whoami_limit is not None:
        asked, seconds = hub.windows.count("whoami", exchange.record.token or exchange.client)
        if asked > hub.whoami_limit:
            # Its text: not found; huggingface_hub replaces it by its own.
            headers = {"Retry-After": str(seconds), "RateLimit": f'"api";r=0;t={seconds}'}
            raise Refusal(429, "Too Many Requests", headers=headers)
    if token is None or (token.kind == "oidc" and not hub.oidc_whoami):
        raise unauthorized()
    exchange.json(200, hub.accounts.whoami(token))


def auth_check(hub: Hub, exchange: Exchange, token: Token | None, type: str, id: str, write: str | None) -> None:
    """`GET /api/{type}s/{id}/auth-check` and `/auth-check/write`. For kernels: not found, so as for the others."""
    repository, moved = hub.repositories.find(type.removesuffix("s"), id)
    if repository and moved:
        exchange.redirect(f"/api/{type}/{repository.id}/auth-check{write or ''}")
    else:
        hub.accounts.check(token, repository, "write" if write else "read")
        exchange.reply(200, b"OK", {"Content-Type": "text/plain; charset=utf-8"})


def agent_harnesses(hub: Hub, exchange: Exchange, token: Token | None) -> None:
    """`GET /api/agent-harnesses`: huggingface_hub asks before anything else. No agent is ever recognised here."""
    exchange.json(200, {"standardEnvVars": [], "harnesses": {}})


def validate_yaml(hub: Hub, exchange: Exchange, token: Token | None) -> None:
    """`POST /api/validate-yaml`: the metadata of a card. The shape of an error: not found but in huggingface_hub."""
    asked = json.loads(exchange.body.read())
    errors = [{"message": error} for error in cards.errors(asked["content"])]
    exchange.json(400 if errors else 200, {"errors": errors, "warnings": []})
