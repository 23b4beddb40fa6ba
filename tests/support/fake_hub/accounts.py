"""Who there is, what their tokens may do, and why not: the one place that decides access.

The order of the decisions, the statuses and the texts are the Hub's (docs/facts.md#h2, #h4, #h5); a comment says
where nobody wrote down what the Hub does.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .repositories import Repository

ROLES = ("admin", "write", "contributor", "read", "no_access")


class Refusal(Exception):
    """The Hub says no. How it is written down depends on the route: JSON, text, or git-lfs's JSON."""

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status, self.message, self.code, self.headers = status, message, code, dict(headers or {})


# The Hub's own words (docs/facts.md#h4, #h7).
INVALID = "Invalid username or password."
NO_PASSWORDS = (
    "Password authentication in git is no longer supported. You must use a user access token or an SSH key "
    "instead. See https://huggingface.co/blog/password-git-deprecation"
)
READ_ONLY = "You have read access but not the required permissions for this operation"
POLICIES = {
    "pending": "Due to the organization token policy, your token needs to be approved by the organization "
    "before you can access this resource.",
    "revoked": "Your token has been revoked by the organization administrator, you can no longer access "
    "organization resources. Please contact them for more information.",
}
GATE_ANONYMOUS = (
    "Access to {what} is restricted. You must have access to it and be authenticated to access it. Please log in."
)
GATE_NOT_IN_SCOPE = (
    "Please enable access to public gated repositories in your fine-grained token settings to view this repository."
)
GATES = {
    None: "Access to {what} is restricted and you are not in the authorized list. Visit {page} to ask for access.",
    "pending": "Your request to access {what} is awaiting a review from the repo authors.",
    "rejected": "Your request to access {what} has been rejected by the repo's authors.",
    "reset": "Your request to access {what} has been reset by the repo's authors. Visit {page} to submit a new "
    "request.",
}


def unauthorized(message: str = INVALID) -> Refusal:
    """Not logged in, or not so that it counts."""
    return Refusal(401, message)


@dataclass
class Token:
    """What a client shows; `role` is the documented one, or "gated" for an OAuth token that only opens gates."""

    value: str = field(repr=False)
    account: str
    role: str
    kind: str = "access_token"  # or "oauth", "oidc"
    name: str = ""
    scoped: list[dict[str, Any]] = field(default_factory=list)
    global_: list[str] = field(default_factory=list)
    gated: bool = False
    resource: str | None = None  # the one repository of an OIDC token
    created_at: float = field(default_factory=time.time)
    expires_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)

    def grants(self, permission: str, repository: Repository) -> bool:
        """Whether the token itself allows this, whoever its account is."""
        if self.resource is not None and self.resource != repository.name:
            return False
        if self.role in ("write", "god"):
            return True
        if self.role == "read":
            return permission in ("repo.content.read", "discussion.write")
        if self.role != "fineGrained":
            return False
        # Whether `repo.write` alone includes reading: not found. Here it does, and opening pull requests too.
        accepted = {permission, "repo.write"}
        return permission in self.global_ or any(
            accepted & set(scope["permissions"]) for scope in self.scoped if covers(scope["entity"], repository)
        )


def covers(entity: Mapping[str, str], repository: Repository) -> bool:
    if entity["type"] in ("user", "org"):
        return entity.get("name") == repository.namespace
    return entity["type"] == repository.type and entity.get("name") == repository.id


@dataclass
class OAuth:
    """What a device login leaves behind: the pair that huggingface_hub stores."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    expires_at: float


class Accounts:
    """Users, organisations and tokens."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ids: dict[str, str] = {}
        self.users: set[str] = set()
        self.orgs: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, Token] = {}
        self.refresh_tokens: dict[str, Token] = {}
        self.policies: dict[tuple[str, str], str] = {}

    def id_of(self, name: str) -> str:
        """24 hex digits, the same for the same name."""
        with self.lock:
            return self.ids.setdefault(name, secrets.token_hex(12))

    def add(self, token: Token) -> Token:
        if token.account not in self.users and token.account not in self.orgs:
            raise ValueError(f"no such account: {token.account}")
        with self.lock:
            self.tokens[token.value] = token
            if token.refresh_token:
                self.refresh_tokens[token.refresh_token] = token
        return token

    def forget(self, value: str) -> None:
        with self.lock:
            self.tokens.pop(value, None)

    def scopes(self, scoped: Mapping[str, Iterable[str]] | Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """`{"alice/model": ["repo.write"], "acme": [...]}`, or entries as whoami shows them, with their `_id`."""
        if isinstance(scoped, Mapping):
            scoped = [{"entity": self.entity(name), "permissions": list(granted)} for name, granted in scoped.items()]
        return [
            {**scope, "entity": {"_id": self.id_of(scope["entity"].get("name", "")), **scope["entity"]}}
            for scope in scoped
        ]

    def entity(self, name: str) -> dict[str, str]:
        if name in self.users or name in self.orgs:
            return {"type": "org" if name in self.orgs else "user", "name": name}
        type, id = Repository.parse(name)
        return {"type": type, "name": id}

    # -- who is asking

    def authenticate(self, scheme: str | None, secret: str, *, git: bool) -> Token | None:
        """The token behind a credential; `None` for an anonymous request.

        A bad credential is refused everywhere, on public repositories too (docs/facts.md#h5).
        """
        if scheme is None:
            return None
        if scheme == "basic" and not git:
            # Whether the API takes Basic: not found. Clients send Bearer, so strict is safe.
            raise unauthorized()
        # An empty password is what `https://alice@…` sends first; its answer is never shown, so: plain 401.
        if scheme == "basic" and secret and not secret.startswith(("hf_", "api_")):
            raise unauthorized(NO_PASSWORDS)
        with self.lock:
            token = self.tokens.get(secret)
        if token is None:
            raise unauthorized()
        if token.expires_at is not None and token.expires_at <= time.time():
            # Seen for user tokens only; for OAuth and OIDC tokens the text was not found, so: the plain one.
            raise unauthorized(
                f'User Access Token "{token.name}" is expired'
                if token.kind == "access_token"
                else unauthorized().message
            )
        return token

    # -- what they may do

    def check(self, token: Token | None, repository: Repository | None, act: str = "read") -> Repository:
        """Raises the Hub's refusal of `act`, which is "read", "discuss" (push to refs/pr/N) or "write"."""
        if repository is None or not self.sees(token, repository):
            raise unauthorized() if token is None else Refusal(404, "Repository not found", "RepoNotFound")
        if token and (repository.private or act != "read"):
            self.check_policy(token, repository)
        if repository.disabled:
            # For its owner as well: not found, and the harder case.
            raise Refusal(403, "Access to this resource is disabled.")
        if repository.gated:
            self.check_gate(token, repository)
        if act != "read":
            if token is None:
                raise unauthorized()
            if not self.may(token, repository, act):
                # The body of a refused /auth-check/write: not found. This is the text of other such refusals.
                raise Refusal(403, READ_ONLY)
        return repository

    def may(self, token: Token, repository: Repository, act: str) -> bool:
        if act == "discuss":
            return token.grants("discussion.write", repository)
        role = self.role(token, repository)
        if role == "contributor":
            role = "write" if repository.creator == token.account else "read"
        return role in ("admin", "write") and token.grants("repo.write", repository)

    def role(self, token: Token, repository: Repository) -> str:
        if token.account == repository.namespace:
            return "admin"
        return self.orgs.get(repository.namespace, {}).get(token.account, "no_access")

    def inside(self, token: Token, repository: Repository) -> bool:
        return self.role(token, repository) != "no_access" and token.grants("repo.content.read", repository)

    def sees(self, token: Token | None, repository: Repository) -> bool:
        return not repository.private or (token is not None and self.inside(token, repository))

    def check_policy(self, token: Token, repository: Repository) -> None:
        # The X-Error-Code of these refusals: not found, so none.
        if text := POLICIES.get(self.policies.get((repository.namespace, token.value), "")):
            raise Refusal(403, text)

    def check_gate(self, token: Token | None, repository: Repository) -> None:
        names = {
            "what": f"{repository.type} {repository.id}",
            "page": f"https://huggingface.co/{repository.name}",
        }
        if token is None:
            raise Refusal(401, GATE_ANONYMOUS.format(**names), "GatedRepo")
        if self.inside(token, repository):
            return
        if token.role == "fineGrained" and not token.gated:
            # No X-Error-Code: public threads have this text from huggingface_hub, which for GatedRepo has another.
            raise Refusal(403, GATE_NOT_IN_SCOPE)
        state = repository.requests.get(token.account) if token.resource is None else None
        if state != "accepted":
            raise Refusal(403, GATES[state].format(**names), "GatedRepo")

    # -- what they are

    def whoami(self, token: Token) -> dict[str, Any]:
        """The body of /api/whoami-v2 (docs/facts.md#h2)."""
        name = token.account
        person: dict[str, Any] = {
            "type": "user",
            "id": self.id_of(name),
            "name": name,
            "fullname": name.title(),
        }
        if token.role != "fineGrained":
            person |= {"email": f"{name}@example.org", "emailVerified": True}
        person |= {
            "canPay": False,
            "billingMode": "postpaid",
            "periodEnd": None,
            "isPro": False,
            "avatarUrl": f"/avatars/{self.id_of(name)}.svg",
            "orgs": [self.org(org, members[name]) for org, members in sorted(self.orgs.items()) if name in members],
        }
        auth: dict[str, Any] = {"type": "access_token" if token.kind == "access_token" else "oauth"}
        if token.expires_at is not None:
            auth["expiresAt"] = iso(token.expires_at)
        if token.resource is not None:
            # The body for an hf_jwt_ token: not found; the schema has `auth.resource.sub`. See Hub.oidc_whoami.
            auth["resource"] = {"sub": token.resource}
        if token.kind == "access_token":
            auth["accessToken"] = {
                "displayName": token.name,
                "role": token.role,
                "createdAt": iso(token.created_at),
            }
            if token.role == "fineGrained":
                auth["accessToken"]["fineGrained"] = {
                    "canReadGatedRepos": token.gated,
                    "global": token.global_,
                    "scoped": token.scoped,
                }
        return person | {"auth": auth}

    def org(self, name: str, role: str) -> dict[str, Any]:
        return {
            "type": "org",
            "id": self.id_of(name),
            "name": name,
            "fullname": name.title(),
            "canPay": False,
            "billingMode": "postpaid",
            "periodEnd": None,
            "avatarUrl": f"/avatars/{self.id_of(name)}.svg",
            "roleInOrg": role,
        }


# -- the shapes of tokens (docs/facts.md#t1)


def letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_letters) for _ in range(count))


def user_token() -> str:
    return "hf_" + letters(34)


def refresh_token() -> str:
    return "hf_oauth__refresh_" + letters(34)


def jwt(prefix: str, **claims: Any) -> str:
    parts = (
        b'{"alg":"EdDSA","typ":"JWT"}',
        json.dumps({**claims, "jti": secrets.token_hex(8)}).encode(),
        secrets.token_bytes(64),
    )
    return prefix + ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def iso(posix: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(posix)) + f".{int(posix * 1000) % 1000:03d}Z"
