"""Every reason for which a token may not write: how to set the Hub up for it, and what we report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_hub import Hub

WEIGHTS = bytes(range(256)) * 256
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


SETTINGS = "https://huggingface.co/settings/tokens"
INVALID = "the Hub rejects the token {token} from the environment variable HF_TOKEN: "
ANOTHER = f"run `unset HF_TOKEN` to use your login, or set it to a token from {SETTINGS}"
LACKS = "the fine-grained token {token} lacks `repo.write` for alice/model"
ADD_WRITE = f"add 'Write access to contents' for alice/model or alice at {SETTINGS}"
LOW = "alice may not write to acme/model: "
PULL = (
    "open a pull request at https://huggingface.co/acme/model/discussions, then run "
    "`git push origin HEAD:refs/pr/N`, where N is its number"
)
GATED = "open https://huggingface.co/bob/gated"
CONDITIONS = f"{GATED} and accept its conditions; access can take a few minutes to take effect"
NOT_REQUESTED = "bob/gated is gated, and you have not requested access"
MISSING = "https://huggingface.co/{} does not exist, or it is private and this token has no access"
CREATE = "run `git-credential-hf status` to check the account, or create {} at https://huggingface.co/{}"
READS = {"alice/model": ["repo.content.read"], "alice/other": ["repo.write"]}

# What sets the Hub up and returns the token; the repository; then what a check of writing to it with this HF_TOKEN
# reports: the reason, the message with `{token}` for the masked token, and the fix.
Row = tuple[Callable[["Hub"], "str | None"], str, str, str, str]
REASONS: dict[str, Row] = {
    "no token": (
        *(_no_token, "alice/model", "no-token"),
        *("writing to alice/model requires a token", "run `hf auth login`"),
    ),
    "revoked": (_revoked, "alice/model", "token-invalid", f"{INVALID}it is invalid or was revoked", ANOTHER),
    "expired": (
        *(_expired, "alice/model", "token-expired"),
        *(f'{INVALID}User Access Token "a token" is expired', ANOTHER),
    ),
    "revoked by the organisation": (
        *(lambda hub: _policy(hub, "revoked"), "acme/model", "token-revoked-by-org"),
        "an administrator of acme has revoked the token {token}",
        f"ask an administrator of acme, or create another token at {SETTINGS}",
    ),
    "not approved by the organisation": (
        *(lambda hub: _policy(hub, "pending"), "acme/model", "token-needs-approval"),
        *("the token {token} needs the approval of acme", "ask an administrator of acme to approve it"),
    ),
    "read-only": (
        *(lambda hub: _alice(hub, "read"), "alice/model", "read-only-token"),
        "the token {token} from the environment variable HF_TOKEN can only read",
        f"create one with the role 'write' at {SETTINGS}/new?tokenType=write, and set HF_TOKEN to it",
    ),
    "fine-grained, for another repository": (
        *(lambda hub: _alice(hub, "fineGrained", scoped=READS), "alice/model", "token-not-scoped"),
        *(LACKS, ADD_WRITE),
    ),
    "fine-grained, to read the account": (
        lambda hub: _alice(hub, "fineGrained", scoped={"alice": ["repo.content.read"]}),
        *("alice/model", "token-not-scoped", LACKS, ADD_WRITE),
    ),
    "not a member": (
        *(lambda hub: _acme(hub, None), "acme/model", "role-too-low"),
        *(f"{LOW}not a member of acme", PULL),
    ),
    "a reader": (
        *(lambda hub: _acme(hub, "read"), "acme/model", "role-too-low"),
        *(f"{LOW}the role in acme is 'read'", PULL),
    ),
    "a contributor": (
        *(lambda hub: _acme(hub, "contributor"), "acme/model", "role-too-low"),
        *(f"{LOW}the role in acme is 'contributor'", PULL),
    ),
    "gated, not requested": (
        *(lambda hub: _gated(hub, None), "bob/gated", "gated-not-requested"),
        *(NOT_REQUESTED, CONDITIONS),
    ),
    "gated, pending": (
        *(lambda hub: _gated(hub, "pending"), "bob/gated", "gated-pending"),
        *("bob/gated is gated, and your access request is awaiting review", GATED),
    ),
    "gated, rejected": (
        *(lambda hub: _gated(hub, "rejected"), "bob/gated", "gated-rejected"),
        *("bob/gated is gated, and your access request was rejected", GATED),
    ),
    "gated, reset": (
        *(lambda hub: _gated(hub, "reset"), "bob/gated", "gated-not-requested"),
        *(f"{NOT_REQUESTED} since your last request was reset", CONDITIONS),
    ),
    "gated, not in the scope": (
        lambda hub: _gated(hub, "accepted", "fineGrained", scoped={"alice": ["repo.write"]}),
        *("bob/gated", "gated-not-in-scope"),
        "bob/gated is gated, and the fine-grained token {token} may not read gated repositories",
        f"tick 'Read access to contents of all public gated repos you can access' at {SETTINGS}",
    ),
    "no such repository": (
        *(_alice, "alice/missing", "no-such-repo"),
        *(MISSING.format("alice/missing"), CREATE.format("alice/missing", "new")),
    ),
    "somebody else's private repository": (
        *(lambda hub: _acme(hub, None, private=True), "acme/model", "no-such-repo"),
        *(MISSING.format("acme/model"), CREATE.format("acme/model", "new")),
    ),
    "disabled": (
        *(_disabled, "alice/model", "repo-disabled"),
        *("alice/model is disabled on the Hub", "open https://huggingface.co/alice/model"),
    ),
}
