"""Ask the Hub about the contents of a push: LFS objects, files outside LFS, commits.

No answer means unknown, never no.
"""

import time
from collections.abc import Sequence
from functools import partial

from git_credential_hf.api.account import typed_field
from git_credential_hf.api.client import HUB_TIMEOUT, Unreachable, ask_hub, ask_within
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token

LFS_TIMEOUT = 10  # seconds for all batches of LFS objects
MAX_FILES = 256  # in one preupload request, as in huggingface_hub
SAMPLE_BYTES = 512  # of the start of each file in a preupload request

_MAX_LFS_OBJECTS = 100  # in one request, as in git-lfs


def find_lfs_objects(
    token: Token | None, repository: Repository, objects: Sequence[tuple[str, int]]
) -> dict[str, bool]:
    """Return for LFS objects (SHA-256, size in bytes) whether the Hub has them; objects without an answer are left out.

    Sends one request per hundred objects, as long as the Hub answers and there is time (docs/facts.md#h12).
    """
    found: dict[str, bool] = {}
    end = time.monotonic() + LFS_TIMEOUT
    for start in range(0, len(objects), _MAX_LFS_OBJECTS):
        batch = objects[start : start + _MAX_LFS_OBJECTS]
        ask = partial(_lfs_batch, token, repository, batch)
        try:
            found |= ask_within(HUB_TIMEOUT, repository.hub, ask)
        except Unreachable:
            break
        if time.monotonic() > end:
            break
    return found


def find_upload_modes(
    token: Token | None, repository: Repository, revision: str, files: Sequence[tuple[str, int, bytes]]
) -> dict[str, str]:
    """Return `lfs` or `regular` for files (path, size in bytes, first bytes), with one request (docs/facts.md#h9).

    An empty `revision` is a new pull request. Raises `Unreachable` if there is no usable response.
    """
    return ask_within(HUB_TIMEOUT, repository.hub, lambda: _preupload(token, repository, revision, files[:MAX_FILES]))


def find_commit(token: Token | None, repository: Repository, revision: str) -> tuple[str, str] | None:
    """Return the repository's current name and the id of a commit; `None` if the Hub does not have the commit.

    Raises `Unreachable` if there is no usable response (docs/facts.md#h16).
    """
    return ask_within(HUB_TIMEOUT, repository.hub, lambda: _revision(token, repository, revision))


def _lfs_batch(token: Token | None, repository: Repository, objects: Sequence[tuple[str, int]]) -> dict[str, bool]:
    path = f"/{repository.path}.git/info/lfs/objects/batch"
    listed = [{"oid": oid, "size": size} for oid, size in objects]
    batch = {"operation": "download", "transfers": ["basic"], "objects": listed}
    response = ask_hub(repository.hub, path, token, json=batch, media_type="application/vnd.git-lfs+json")
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    found: dict[str, bool] = {}
    try:
        for one in typed_field(response.json(), "objects", list):
            oid = typed_field(one, "oid", str, "")
            if typed_field(one, "actions", dict, {}).get("download"):
                found[oid] = True
            elif typed_field(typed_field(one, "error", dict, {}), "code", int, 0) in (404, 410):
                found[oid] = False
    except (ValueError, RecursionError):
        raise Unreachable("the Hub sent an invalid response") from None
    return found


def _preupload(
    token: Token | None, repository: Repository, revision: str, files: Sequence[tuple[str, int, bytes]]
) -> dict[str, str]:
    from base64 import b64encode

    path = f"/api/{repository.kind}/{repository.name}/preupload/"
    path += _quoted(revision) if revision else "main?create_pr=1"
    listed = [
        {"path": path, "sample": b64encode(sample[:SAMPLE_BYTES]).decode(), "size": size}
        for path, size, sample in files
    ]
    response = ask_hub(repository.hub, path, token, json={"files": listed})
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    found: dict[str, str] = {}
    try:
        for one in typed_field(response.json(), "files", list):
            mode = typed_field(one, "uploadMode", str, "")
            # huggingface_hub does not upload what the Hub's .gitignore names: the mode of that means nothing.
            if mode in ("lfs", "regular") and typed_field(one, "shouldIgnore", bool, False) is False:
                found[typed_field(one, "path", str, "")] = mode
    except (ValueError, RecursionError):
        raise Unreachable("the Hub sent an invalid response") from None
    return found


def _revision(token: Token | None, repository: Repository, revision: str) -> tuple[str, str] | None:
    path = f"/api/{repository.kind}/{repository.name}/revision/{_quoted(revision)}?expand=sha"
    response = ask_hub(repository.hub, path, token)
    if response.status_code == 404 and response.headers.get("x-error-code") == "RevisionNotFound":
        return None
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        answer = response.json()
        return typed_field(answer, "id", str), typed_field(answer, "sha", str, "")
    except (ValueError, RecursionError):
        raise Unreachable("the Hub sent an invalid response") from None


def _quoted(revision: str) -> str:
    from urllib.parse import quote  # slow to import, and needed by few pushes

    return quote(revision, safe="", errors="surrogateescape")  # a branch's name may be of any bytes
