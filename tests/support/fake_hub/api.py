"""`/api/…`: who am I, and what may I do (docs/facts.md#h2, #h4)."""

from __future__ import annotations

import base64
import fnmatch
import json
import re
import time
from typing import TYPE_CHECKING

from . import cards
from .accounts import Refusal, Token, unauthorized
from .repositories import Repository

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


def revision(hub: Hub, exchange: Exchange, token: Token | None, type: str, id: str, revision: str) -> None:
    """`GET /api/{type}s/{id}/revision/{revision}`: a branch, a tag, `refs/pr/1` or a commit."""
    repository, moved = hub.repositories.find(type.removesuffix("s"), id)
    if repository and moved:
        exchange.redirect(f"/api/{type}/{repository.id}/revision/{revision}")
        return
    repository = hub.accounts.check(token, repository)
    exchange.json(200, {"id": repository.id, "sha": commit_at(repository, revision)})


def preupload(hub: Hub, exchange: Exchange, token: Token | None, type: str, id: str, revision: str) -> None:
    """`POST /api/{type}s/{id}/preupload/{revision}`: which files are for LFS. By which rule: not found; here by path
    and `.gitattributes`, size, and NULs in the sample, but for `accepted_binaries`.
    """
    repository, moved = hub.repositories.find(type.removesuffix("s"), id)
    if repository and moved:
        exchange.redirect(f"/api/{type}/{repository.id}/preupload/{revision}")
        return
    is_pull_request = exchange.parameters.get("create_pr") == "1" or re.fullmatch(r"refs/pr/\d+", revision)
    try:
        repository = hub.accounts.check(token, repository, "discuss" if is_pull_request else "write")
    except Refusal as refusal:
        if refusal.status != 403 or is_pull_request:
            raise
        raise Refusal(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request") from None
    commit = commit_at(repository, revision)
    patterns = []
    if repository.git("ls-tree", commit, ".gitattributes"):
        for line in repository.read(".gitattributes", commit).splitlines():
            if "filter=lfs" in line:
                patterns.append(line.split()[0])
    files = []
    for file in json.loads(exchange.body.read())["files"]:
        path, size, sample = str(file["path"]), int(file["size"]), base64.b64decode(file["sample"])
        assert len(sample) == min(size, 512), f"the sample of {path} has {len(sample)} bytes"
        is_attribute = any(
            fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in (path, path.rpartition("/")[2])
        )
        is_binary = b"\0" in sample and not path.endswith(hub.accepted_binaries)
        mode = "lfs" if is_attribute or size > hub.blob_limit or is_binary else "regular"
        files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": None})
    exchange.json(200, {"files": files, "commitOid": commit})


def commit_at(repository: Repository, revision: str) -> str:
    """The id of the commit that a revision names; nothing but a whole id names one that no reference does."""
    names = (
        [revision]
        if re.fullmatch("[0-9a-f]{40}|refs/.+", revision)
        else [f"refs/{kind}/{revision}" for kind in ("heads", "tags")]
    )
    for name in names:
        try:
            return repository.git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
        except RuntimeError:
            pass
    raise Refusal(404, f"Invalid rev id: {revision}", code="RevisionNotFound")
