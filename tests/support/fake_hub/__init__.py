"""A Hub to test against: real TLS, real git, real git-lfs objects, and the answers that the Hugging Face Hub gives.

    with Hub(tmp_path) as hub:
        hub.user("alice")
        token = hub.token("alice", role="write")
        hub.repository("alice/private-model", private=True, files={"README.md": b"hello"})
        ...                                       # run real clients with hub.environment and hub.url
        assert hub.log.of("/info/refs", status=401)

What the Hub is known to do stands in docs/facts.md; where nothing is known the safest was chosen, with a comment.
"""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

import trustme

from . import oauth
from .accounts import ROLES, Accounts, OAuth, Token, user_token
from .api import Windows
from .faults import Faults
from .log import Log, Request
from .repositories import Repositories, Repository
from .server import REALM, Server, hub_routes, storage_routes

__all__ = ["Hub", "OAuth", "Repository", "Request"]

NAMES = ("127.0.0.1", "localhost", "::1", "huggingface.co", "hf.co", "hub-ci.huggingface.co")


@cache
def certified() -> tuple[trustme.CA, ssl.SSLContext]:
    """An authority, and the certificate of all Hubs of this process."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*NAMES).configure_cert(context)
    return authority, context


class Hub:
    """The Hub. Its switches are attributes; change them at any time."""

    def __init__(self, directory: Path, address: tuple[str, int] = ("127.0.0.1", 0), name: str | None = None) -> None:
        """Listens at once. `name` is the host that clients use, when it is not the address: "huggingface.co"."""
        self.directory = Path(directory).absolute() / "hub"
        self.directory.mkdir(parents=True)

        # Switches.
        self.storage_401 = False  # the LFS storage host asks for a password
        self.realm = REALM  # of the challenge; what the Hub sends: not found
        self.push_denial: int | None = None  # 403: refuse to advertise to who may not write, instead of pre-receive
        self.whoami_limit: int | None = None  # calls of whoami for each token in five minutes, then 429
        self.oidc_whoami = True  # whether whoami knows hf_jwt_ tokens; what the Hub does: not found
        self.oauth_as_password = True  # whether git's routes take an OAuth token as a Basic password; not found
        self.oauth_lifetime = 30 * 24 * 3600  # seconds, of a refreshed token
        self.oauth_rotates = True  # a refresh token works once
        self.oauth_revokes = True  # a refresh ends the old access token; whether it does: not found, the harder case
        self.device_login: str | None = None  # who enters the device code of `hf auth login`; None: nobody yet
        self.device_denied = False  # whether they say no
        self.device_interval = 5  # seconds between two questions of the client's
        self.blob_limit = 10 << 20  # bytes of a file outside LFS
        self.files_per_directory = 10_000
        self.locks_status = 405  # of the LFS locks API; after 404 or 501 git-lfs never asks again
        self.accepted_binaries: tuple[str, ...] = ()  # ends of paths of binary files that are accepted outside LFS

        self.log = Log()
        self.faults = Faults()
        self.accounts = Accounts()
        self.grants = oauth.Grants()
        self.windows = Windows()
        self.repositories = Repositories(self.directory)
        self.secret = secrets.token_bytes(32)
        self.closing = threading.Event()
        self.bugs: list[str] = []

        authority, context = certified()
        self.ca = self.directory / "ca.pem"
        # In the place of /etc/ssl/certs: to read all that is there is most of what git takes for a short request.
        self.other_authorities = self.directory / "no-authorities"
        self.other_authorities.mkdir()
        authority.cert_pem.write_to_path(str(self.ca))
        self._servers = [
            Server(self, address, context, hub_routes),
            # The storage is another host, as cdn-lfs is: credentials of the Hub have no business there.
            Server(self, (address[0], 0), context, storage_routes),
        ]
        self.url, self.storage_url = (
            url(host, server.server_address[1])
            for host, server in zip((name or address[0], address[0]), self._servers, strict=True)
        )

    def __enter__(self) -> Hub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self.bugs and error is None:
            raise RuntimeError("the stand-in Hub itself failed:\n" + "\n".join(self.bugs))

    def close(self) -> None:
        self.closing.set()
        for server in self._servers:
            server.close()

    @property
    def environment(self) -> dict[str, str]:
        """What clients need to find and trust this Hub: git, git-lfs and huggingface_hub, which is of requests in 0."""
        trusted = ("GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
        return {
            "HF_ENDPOINT": self.url,
            **dict.fromkeys(trusted, str(self.ca)),
            "GIT_SSL_CAPATH": str(self.other_authorities),
        }

    # -- population

    def user(self, name: str) -> str:
        self.accounts.users.add(name)
        return name

    def org(self, name: str, **members: str) -> str:
        """An organisation, with the role of each member: admin, write, contributor, read or no_access."""
        for member, role in members.items():
            if member not in self.accounts.users or role not in ROLES:
                raise ValueError(f"no such user or role: {member}={role}")
        self.accounts.orgs.setdefault(name, {}).update(members)
        return name

    def repository(
        self,
        name: str,
        *,
        type: str | None = None,
        private: bool = False,
        gated: str | None = None,
        disabled: bool = False,
        creator: str | None = None,
        files: Mapping[str, bytes] | None = None,
        lfs: Mapping[str, bytes | Path] | None = None,
    ) -> Repository:
        """`alice/model`, `datasets/acme/data`, … with a first commit, as the Hub makes one; `gated` is "auto" or
        "manual", `creator` the contributor of the organisation who may write to it.
        """
        return self.repositories.create(
            name,
            type=type,
            url=self.url,
            files={".gitattributes": b"", **(files or {})},
            lfs=lfs or {},
            private=private,
            gated=gated,
            disabled=disabled,
            creator=creator,
        )

    def rename(self, old: str, new: str) -> Repository:
        """Moves a repository; its old name redirects."""
        return self.repositories.rename(old, new)

    def request_access(self, repository: str, user: str, state: str = "pending") -> None:
        """The user's request for a gated repository is now pending, rejected, reset or accepted."""
        if state not in ("pending", "rejected", "reset", "accepted"):
            raise ValueError(state)
        self.repositories.named(repository).requests[user] = state

    # -- tokens

    def token(
        self,
        account: str,
        role: str = "write",
        *,
        name: str = "a token",
        scoped: Mapping[str, Iterable[str]] | Sequence[Mapping[str, Any]] = (),
        global_: Iterable[str] = (),
        gated: bool = False,
        expires_at: float | None = None,
        value: str | None = None,
    ) -> str:
        """A user's token: "read", "write", "god", or "fineGrained" with `scoped={"alice/model": ["repo.write"]}` (or
        entries as whoami shows them), `global_=["discussion.write"]` and `gated`; `expires_at` in POSIX time.
        """
        if role not in ("read", "write", "god", "fineGrained"):
            raise ValueError(role)
        token = Token(
            value or user_token(),
            account,
            role,
            name=name,
            scoped=self.accounts.scopes(scoped),
            global_=list(global_),
            gated=gated,
            expires_at=expires_at,
        )
        return self.accounts.add(token).value

    def oauth(self, account: str, *, expires_in: int = 3600, role: str = "write") -> OAuth:
        """The pair that a browser login gives; `role` is "read", "write", or "gated" (opens gates, nothing else)."""
        return oauth.issue(self, account, role, expires_in)

    def trust(self, issuer: str, *, resource: str, id_token: str, expires_in: int = 3600) -> None:
        """A trusted publisher: this id token may be exchanged for a token of the repository, or user."""
        self.grants.publishers.append(oauth.Publisher(issuer, resource.removeprefix("models/"), id_token, expires_in))

    def revoke(self, token: str) -> None:
        """The token is unknown from now on."""
        self.accounts.forget(token)

    def expire(self, token: str) -> None:
        """The token expired a second ago."""
        self.accounts.tokens[token].expires_at = time.time() - 1

    def policy(self, org: str, token: str, state: str | None) -> None:
        """What the organisation thinks of a token: "pending" its approval, "revoked", or nothing (None)."""
        if state not in ("pending", "revoked", None):
            raise ValueError(state)
        self.accounts.policies[org, token] = state or ""


def url(host: str, port: int) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}" if port == 443 else f"https://{host}:{port}"
