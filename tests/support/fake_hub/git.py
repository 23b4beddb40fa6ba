"""git's own routes: the Hub decides who may, `git http-backend` does the rest."""

from __future__ import annotations

import subprocess
import tempfile
from functools import partial
from http.client import parse_headers
from io import BufferedReader
from typing import TYPE_CHECKING, cast

from .accounts import Refusal, Token, unauthorized
from .repositories import Repository

if TYPE_CHECKING:
    from . import Hub
    from .server import Exchange

PIECE = 1 << 16  # bytes
SERVICES = ("git-upload-pack", "git-receive-pack")


def info_refs(hub: Hub, exchange: Exchange, repository: Repository, token: Token | None) -> None:
    """The advertisement. For a push any authenticated reader gets it: pre-receive judges each reference."""
    service = exchange.parameters.get("service")
    if service not in SERVICES:
        # The dumb protocol; what the Hub says to it: not found, and no git of this century asks.
        raise Refusal(403, "Please upgrade your git client.")
    backend(hub, exchange, repository, token, service, "info/refs")


def rpc(hub: Hub, exchange: Exchange, repository: Repository, token: Token | None, service: str) -> None:
    """`POST /…/git-upload-pack` and `…/git-receive-pack`."""
    backend(hub, exchange, repository, token, service, service)


def permission(hub: Hub, token: Token, repository: Repository) -> str:
    """What pre-receive is told."""
    return next((act for act in ("write", "discuss") if allowed(hub, token, repository, act)), "none")


def allowed(hub: Hub, token: Token, repository: Repository, act: str) -> bool:
    try:
        hub.accounts.check(token, repository, act)
    except Refusal:
        return False
    return True


def backend(
    hub: Hub, exchange: Exchange, repository: Repository, token: Token | None, service: str, route: str
) -> None:
    push = "none"
    if service == "git-receive-pack":
        if token is None:
            raise unauthorized()
        push = permission(hub, token, repository)
        if push != "write" and hub.push_denial:
            raise Refusal(hub.push_denial, "You are not authorized to push to this repo.")
    environment = {
        **repository.environment,
        "GIT_PROJECT_ROOT": str(repository.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{route}",
        "REQUEST_METHOD": exchange.method,
        "QUERY_STRING": exchange.query,
        "CONTENT_TYPE": exchange.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": exchange.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": exchange.headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": exchange.client,
        "REMOTE_USER": token.account if token else "",
        "HUB_PUSH": push,
        "HUB_OBJECTS": str(repository.objects),
        "HUB_BLOB_LIMIT": str(hub.blob_limit),
        "HUB_FILES_PER_DIRECTORY": str(hub.files_per_directory),
        "HUB_ACCEPTED_BINARIES": " ".join(hub.accepted_binaries),
    }
    # The body goes through a file: it has to end before http-backend answers anyway, its length is then known
    # (chunked requests do not say), and no two pipes can wait for each other.
    with tempfile.TemporaryFile(dir=hub.directory) as body:
        for piece in exchange.body:
            body.write(piece)
        environment["CONTENT_LENGTH"] = str(body.tell())
        body.seek(0)
        process = subprocess.Popen(
            ["git", "http-backend"],
            env=environment,
            cwd=repository.path,
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=-1,
        )
    with process:
        try:
            output = cast(BufferedReader, process.stdout)
            headers = dict(parse_headers(output).items())
            if not headers:
                raise RuntimeError("git http-backend did not answer")
            status = int(headers.pop("Status", "200").split()[0])
            exchange.stream(status, headers, iter(partial(output.read1, PIECE), b""))
        except BaseException:
            process.kill()  # the client went away, or the Hub closes
            raise
