"""Every reason for which a token may not write: how the Hub is to be for it, and what names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_hub import Hub

WEIGHTS = bytes(range(256)) * 4096
LFS = {"model.bin": WEIGHTS}
FILES = {"README.md": b"hello\n"}


def _alice(hub: Hub, role: str = "write", **more: object) -> str:
    hub.user("alice")
    hub.repository("alice/model", private=True, files=FILES, lfs=LFS)
    return hub.token("alice", role, **more)  # type: ignore[arg-type]


def _acme(hub: Hub, member: str | None, role: str = "write", *, private: bool = False, **more: object) -> str:
    hub.user("alice")
    hub.user("bob")
    hub.org("acme", bob="admin", **({"alice": member} if member else {}))
    hub.repository("acme/model", private=private, creator="bob", files=FILES, lfs=LFS)
    return hub.token("alice", role, **more)  # type: ignore[arg-type]


def _gated(hub: Hub, state: str | None, role: str = "write", **more: object) -> str:
    hub.user("alice")
    hub.user("bob")
    hub.repository("bob/gated", gated="manual", files=FILES, lfs=LFS)
    if state:
        hub.request_access("bob/gated", "alice", state)
    return hub.token("alice", role, **more)  # type: ignore[arg-type]


def _revoked(hub: Hub) -> str:
    token = _alice(hub)
    hub.revoke(token)
    return token


def _expired(hub: Hub) -> str:
    token = _alice(hub)
    hub.expire(token)
    return token


def _policy(hub: Hub, state: str) -> str:
    token = _acme(hub, "write", private=True)
    hub.policy("acme", token, state)
    return token


def _no_token(hub: Hub) -> None:
    _alice(hub)


def _disabled(hub: Hub) -> str:
    hub.user("alice")
    hub.repository("alice/model", disabled=True, files=FILES, lfs=LFS)
    return hub.token("alice")


# What makes the Hub so and returns the token; the repository; the reason; what the message says; what fixes it.
Row = tuple[Callable[["Hub"], "str | None"], str, str, str, str]
REASONS: dict[str, Row] = {
    "no token": (_no_token, "alice/model", "no-token", "requires a token", "hf auth login"),
    "revoked": (_revoked, "alice/model", "token-invalid", "invalid or was revoked", "hf auth login"),
    "expired": (_expired, "alice/model", "token-expired", "is expired", "hf auth login"),
    "revoked by the organisation": (
        lambda hub: _policy(hub, "revoked"),
        *("acme/model", "token-revoked-by-org", "an administrator of acme has revoked", "settings/tokens"),
    ),
    "not approved by the organisation": (
        lambda hub: _policy(hub, "pending"),
        *("acme/model", "token-needs-approval", "needs the approval of acme", "ask an administrator of acme"),
    ),
    "read-only": (
        lambda hub: _alice(hub, "read"),
        *("alice/model", "read-only-token", "can only read", "with the role 'write'"),
    ),
    "fine-grained, for another repository": (
        lambda hub: _alice(
            hub, "fineGrained", scoped={"alice/model": ["repo.content.read"], "alice/other": ["repo.write"]}
        ),
        *("alice/model", "token-not-scoped", "lacks `repo.write` for alice/model", "add 'Write access"),
    ),
    "fine-grained, to read the account": (
        lambda hub: _alice(hub, "fineGrained", scoped={"alice": ["repo.content.read"]}),
        *("alice/model", "token-not-scoped", "lacks `repo.write` for alice/model", "settings/tokens"),
    ),
    "not a member": (
        lambda hub: _acme(hub, None),
        *("acme/model", "role-too-low", "not a member of acme", "refs/pr/N"),
    ),
    "a reader": (
        lambda hub: _acme(hub, "read"),
        *(
            "acme/model",
            "role-too-low",
            "its role in acme is 'read'",
            "hf discussions create acme/model --pull-request",
        ),
    ),
    "a contributor": (
        lambda hub: _acme(hub, "contributor"),
        *("acme/model", "role-too-low", "its role in acme is 'contributor'", "refs/pr/N"),
    ),
    "gated, not requested": (
        lambda hub: _gated(hub, None),
        *("bob/gated", "gated-not-requested", "you have not requested access", "open https://huggingface.co/bob/gated"),
    ),
    "gated, pending": (
        lambda hub: _gated(hub, "pending"),
        *("bob/gated", "gated-pending", "is awaiting review", "open https://huggingface.co/bob/gated"),
    ),
    "gated, rejected": (
        lambda hub: _gated(hub, "rejected"),
        *("bob/gated", "gated-rejected", "was rejected", "open https://huggingface.co/bob/gated"),
    ),
    "gated, reset": (
        lambda hub: _gated(hub, "reset"),
        *("bob/gated", "gated-not-requested", "was reset", "open https://huggingface.co/bob/gated"),
    ),
    "gated, not in the scope": (
        lambda hub: _gated(hub, "accepted", "fineGrained", scoped={"alice": ["repo.write"]}),
        *("bob/gated", "gated-not-in-scope", "may not read gated", "tick 'Read access"),
    ),
    "no such repository": (
        lambda hub: _alice(hub),
        *("alice/missing", "no-such-repo", "or it is private", "hf repos create alice/missing"),
    ),
    "somebody else's private repository": (
        lambda hub: _acme(hub, None, private=True),
        *("acme/model", "no-such-repo", "or it is private", "hf repos create acme/model"),
    ),
    "disabled": (_disabled, "alice/model", "repo-disabled", "is disabled", "open https://huggingface.co/alice/model"),
}
