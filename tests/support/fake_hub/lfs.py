"""git-lfs: the batch API with basic transfers, on the Hub; the objects themselves, on the storage host.

The storage is another host, as on the real Hub: its URLs are signed, it takes no credential of the Hub, and a
credential that reaches it has leaked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .accounts import Refusal, Token
from .repositories import PIECE, Repository

if TYPE_CHECKING:
    from . import Hub
    from .server import Exchange

MEDIA_TYPE = "application/vnd.git-lfs+json"
LIFETIME = 900  # seconds that a signed URL works
TOO_LARGE = """
You need to configure your repository to enable upload of files > 5GB.
Run "hf lfs-enable-largefiles ./path/to/your/repo" and try again.
"""
TWO_CREDENTIALS = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter "
    "or the Authorization header should be specified"
)
MULTIPART_FROM = 5_000_000_000  # bytes; larger objects need the transfer agent `hf lfs-multipart-upload`


def batch(hub: Hub, exchange: Exchange, repository: Repository, token: Token | None) -> None:
    """`POST …/info/lfs/objects/batch`."""
    request = demand(exchange, "operation", "objects")
    operation = request["operation"]
    if operation not in ("download", "upload"):
        raise Refusal(422, "Unknown operation")
    if request.get("hash_algo", "sha256") != "sha256":
        raise Refusal(409, "Unsupported hash algorithm")
    if "basic" not in request.get("transfers", ["basic"]):
        raise Refusal(422, "This Hub knows basic transfers only")
    if operation == "upload":
        check_upload(hub, token, repository, (request.get("ref") or {}).get("name", ""))
        if any(item["size"] > MULTIPART_FROM for item in request["objects"]):
            # The status: not found.
            raise Refusal(400, TOO_LARGE)
    exchange.json(
        200,
        {
            "transfer": "basic",
            "objects": [action(hub, exchange, repository, operation, item) for item in request["objects"]],
            "hash_algo": "sha256",
        },
        {"Content-Type": MEDIA_TYPE},
    )


def check_upload(hub: Hub, token: Token | None, repository: Repository, ref: str) -> None:
    """An upload for refs/pr/N needs what a pull request needs; every other one needs write."""
    try:
        hub.accounts.check(token, repository, "discuss" if re.fullmatch(r"refs/pr/\d+", ref) else "write")
    except Refusal as refusal:
        raise refusal if refusal.status == 401 else Refusal(403, "Authorization error.") from None


def action(
    hub: Hub, exchange: Exchange, repository: Repository, operation: str, item: dict[str, Any]
) -> dict[str, Any]:
    oid, size = item["oid"], item["size"]
    answer: dict[str, Any] = {"oid": oid, "size": size}
    if not re.fullmatch(r"[0-9a-f]{64}", oid):
        return {**answer, "error": {"code": 422, "message": "Invalid object id"}}
    there = repository.object(oid).is_file()
    if operation == "download":
        if not there:
            return {**answer, "error": {"code": 404, "message": "Object does not exist on the server"}}
        return {**answer, "actions": {"download": signed(hub, "GET", repository, oid)}}
    if there:
        return answer
    verify = f"https://{exchange.headers['Host']}/{repository.name}.git/info/lfs/verify"
    # No credential in the verify action, and no "authenticated", with which git-lfs would not show its own.
    return {**answer, "actions": {"upload": signed(hub, "PUT", repository, oid), "verify": {"href": verify}}}


def verify(hub: Hub, exchange: Exchange, repository: Repository, token: Token | None) -> None:
    """`POST …/info/lfs/verify`: git-lfs asks whether the upload arrived."""
    request = demand(exchange, "oid", "size")
    if token is None:
        raise Refusal(401, "Invalid username or password.")
    place = repository.object(request["oid"])
    if not place.is_file() or place.stat().st_size != request["size"]:
        raise Refusal(404, "Object does not exist on the server")
    exchange.json(200, {}, {"Content-Type": MEDIA_TYPE})


def locks(hub: Hub) -> None:
    """The locks API, which the Hub has not got: git-lfs says so at each push (docs/facts.md#l2)."""
    raise Refusal(hub.locks_status, "Locking is not supported")


def demand(exchange: Exchange, *names: str) -> dict[str, Any]:
    try:
        request: dict[str, Any] = json.loads(exchange.body.read())
        for name in names:
            request[name]
        if not re.fullmatch(r"[0-9a-f]{64}", request.get("oid", "0" * 64)):
            raise ValueError("oid")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refusal(422, "Invalid request") from None
    return request


# -- the storage host


def signed(hub: Hub, method: str, repository: Repository, oid: str) -> dict[str, Any]:
    path, expires = f"/repos/{repository.type}s/{repository.id}/{oid}", int(time.time()) + LIFETIME
    query = urlencode({"X-Expires": expires, "X-Signature": signature(hub, method, path, str(expires))})
    return {"href": f"{hub.storage_url}{path}?{query}", "expires_in": LIFETIME}


def signature(hub: Hub, *parts: str) -> str:
    return hmac.new(hub.secret, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def storage(hub: Hub, exchange: Exchange) -> None:
    """`GET` and `PUT` of one object, by a signed URL."""
    shown = exchange.headers.get("Authorization")
    if hub.storage_401:
        if not shown:
            raise Refusal(401, "Unauthorized", headers={"WWW-Authenticate": 'Basic realm="storage"'})
        # Whatever was sent stands in the log, and is good enough: a thief would not complain either.
    elif shown:
        # What S3 does when a client forwards the Hub's credential to it.
        raise Refusal(400, TWO_CREDENTIALS)
    method = "GET" if exchange.method == "HEAD" else exchange.method
    expires = exchange.parameters.get("X-Expires", "0")
    good = signature(hub, method, exchange.path, expires)
    place = re.fullmatch(r"/repos/(\w+)s/(.+)/([0-9a-f]{64})", exchange.path)
    if place is None or good != exchange.parameters.get("X-Signature") or int(expires) < time.time():
        raise Refusal(403, "Request has expired or is not signed")
    type, id, oid = place.groups()
    repository, _ = hub.repositories.find(type, id)
    if repository is None:
        raise Refusal(404, "Not found")
    if method == "PUT":
        receive(exchange, repository, oid)
    else:
        send(exchange, repository.object(oid))


def receive(exchange: Exchange, repository: Repository, oid: str) -> None:
    repository.objects.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=repository.objects, delete=False) as file:
        for piece in exchange.body:
            digest.update(piece)
            file.write(piece)
    if digest.hexdigest() != oid:
        Path(file.name).unlink()
        raise Refusal(400, "The content does not match its SHA-256")
    place = repository.object(oid)
    place.parent.mkdir(exist_ok=True)
    Path(file.name).replace(place)
    exchange.reply(200, b"")


def send(exchange: Exchange, place: Path) -> None:
    """The object, or from some byte on: git-lfs resumes an interrupted download."""
    if not place.is_file():
        raise Refusal(404, "Not found")
    size = place.stat().st_size
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", exchange.headers.get("Range", ""))
    start, end = (int(asked[1]), min(int(asked[2] or size), size - 1)) if asked else (0, size - 1)
    if asked and start > end:
        raise Refusal(416, "Range not satisfiable", headers={"Content-Range": f"bytes */{size}"})
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(end - start + 1),
        "Accept-Ranges": "bytes",
    }
    if asked:
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    with place.open("rb") as file:
        file.seek(start)
        left = end - start + 1

        def rest() -> Iterator[bytes]:
            nonlocal left
            while left and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece

        exchange.stream(206 if asked else 200, headers, rest())
