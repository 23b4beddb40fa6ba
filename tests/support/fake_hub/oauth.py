"""`/oauth/token` and `/oauth/device`: refresh, exchange of an id token, login by device code (docs/facts.md#h15)."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .accounts import OAuth, Token, jwt, refresh_token
from .repositories import Repository

if TYPE_CHECKING:
    from . import Hub
    from .server import Exchange

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE_LIFETIME = 300  # seconds to enter the code


@dataclass
class Publisher:
    """A trusted publisher: this id token may be exchanged for a token of that resource."""

    issuer: str
    resource: str
    id_token: str = field(repr=False)
    expires_in: int


class Grants:
    """What was promised to whom: trusted publishers and device codes."""

    def __init__(self) -> None:
        self.publishers: list[Publisher] = []
        self.devices: dict[str, float] = {}  # device code: when it expires, POSIX time


class Denied(Exception):
    """An OAuth error: 400 and JSON (RFC 6749 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.error, self.description = error, description


def token(hub: Hub, exchange: Exchange) -> None:
    """`POST /oauth/token`."""
    try:
        request = parameters(exchange)
        grants = {"refresh_token": refresh, EXCHANGE: trade, DEVICE: login}
        grant = grants.get(request.get("grant_type", ""))
        if grant is None:
            raise Denied("unsupported_grant_type", "Unknown grant type")
        exchange.json(200, grant(hub, exchange, request), {"Cache-Control": "no-store"})
    except Denied as denied:
        exchange.json(400, {"error": denied.error, "error_description": denied.description})


def parameters(exchange: Exchange) -> dict[str, str]:
    """Form or JSON: huggingface_hub sends both kinds."""
    body = exchange.body.read().decode(errors="replace")
    if "json" not in exchange.headers.get("Content-Type", ""):
        return dict(parse_qsl(body))
    try:
        return {str(name): str(value) for name, value in json.loads(body).items()}
    except (ValueError, AttributeError):
        raise Denied("invalid_request", "Not a JSON object") from None


def demand(request: dict[str, str], *names: str) -> None:
    for name in names:
        if not request.get(name):
            raise Denied("invalid_request", f"{name} is missing")


def issue(hub: Hub, account: str, role: str, expires_in: int) -> OAuth:
    """A new pair of tokens."""
    now = time.time()
    value = jwt("hf_oauth_", sub=account, iat=int(now), exp=int(now) + expires_in)
    granted = Token(value, account, role, kind="oauth", expires_at=now + expires_in, refresh_token=refresh_token())
    hub.accounts.add(granted)
    return OAuth(value, granted.refresh_token or "", expires_in, now + expires_in)


def refresh(hub: Hub, exchange: Exchange, request: dict[str, str]) -> dict[str, Any]:
    """A new access token, and by default a new refresh token: the old one is spent."""
    demand(request, "refresh_token", "client_id")
    accounts, spent = hub.accounts, request["refresh_token"]
    with accounts.lock:
        old = accounts.refresh_tokens.get(spent)
        if old is None:
            raise Denied("invalid_grant", "Invalid or expired refresh token")
        if hub.oauth_revokes:
            accounts.forget(old.value)
        new = issue(hub, old.account, old.role, hub.oauth_lifetime)
        answer = {"access_token": new.access_token, "token_type": "bearer", "expires_in": new.expires_in}
        if hub.oauth_rotates:
            del accounts.refresh_tokens[spent]
            answer["refresh_token"] = new.refresh_token
        else:
            # The one refresh token goes on to work, now for the new access token.
            del accounts.refresh_tokens[new.refresh_token]
            accounts.refresh_tokens[spent] = accounts.tokens[new.access_token]
    exchange.record.account = old.account
    return answer


def trade(hub: Hub, exchange: Exchange, request: dict[str, str]) -> dict[str, Any]:
    """RFC 8693, for trusted publishers: an id token of a CI for a short-lived token of one repository or user."""
    demand(request, "subject_token", "subject_token_type", "resource")
    if request["subject_token_type"] != ID_TOKEN:
        raise Denied("invalid_request", "subject_token_type is not supported")
    resource = request["resource"].removeprefix("models/")
    publisher = next(
        (
            p
            for p in hub.grants.publishers
            if p.resource == resource and secrets.compare_digest(p.id_token.encode(), request["subject_token"].encode())
        ),
        None,
    )
    if publisher is None:
        raise Denied("invalid_grant", "No trusted publisher matches this id token and resource")
    now = time.time()
    claims = {
        "iss": publisher.issuer,
        "sub": resource,
        "iat": int(now),
        "exp": int(now) + publisher.expires_in,
    }
    if resource in hub.accounts.users:  # a user: opens gates, nothing else
        granted = Token(
            jwt("hf_oauth_", **claims), resource, "gated", kind="oauth", expires_at=now + publisher.expires_in
        )
    else:
        namespace = Repository.parse(resource)[1].partition("/")[0]
        granted = Token(
            jwt("hf_jwt_", **claims),
            namespace,
            "write",
            kind="oidc",
            resource=resource,
            expires_at=now + publisher.expires_in,
        )
    hub.accounts.add(granted)
    exchange.record.account = granted.account
    return {
        "access_token": granted.value,
        "token_type": "bearer",
        "expires_in": publisher.expires_in,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }


def device(hub: Hub, exchange: Exchange) -> None:
    """`POST /oauth/device`: a code for the user to enter; `Hub.device_login` is who enters it."""
    code, shown = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
    hub.grants.devices[code] = time.time() + DEVICE_LIFETIME
    exchange.json(
        200,
        {
            "device_code": code,
            "user_code": f"{shown[:4]}-{shown[4:]}",
            "verification_uri": f"{hub.url}/device",
            "expires_in": DEVICE_LIFETIME,
            "interval": hub.device_interval,
        },
    )


def login(hub: Hub, exchange: Exchange, request: dict[str, str]) -> dict[str, Any]:
    demand(request, "device_code", "client_id")
    expires_at = hub.grants.devices.get(request["device_code"])
    if expires_at is None:
        raise Denied("invalid_grant", "Unknown device code")
    if expires_at <= time.time():
        raise Denied("expired_token", "The device code is expired")
    if hub.device_denied:
        raise Denied("access_denied", "The user has denied the request")
    if hub.device_login is None:
        raise Denied("authorization_pending", "The user has not entered the code yet")
    del hub.grants.devices[request["device_code"]]
    new = issue(hub, hub.device_login, "write", hub.oauth_lifetime)
    exchange.record.account = hub.device_login
    return {
        "access_token": new.access_token,
        "refresh_token": new.refresh_token,
        "token_type": "bearer",
        "expires_in": new.expires_in,
    }
