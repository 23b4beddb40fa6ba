"""git's own routes: the Hub decides who may; the rest is done as by `git http-backend`, without its two processes."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING

from . import pre_receive
from .accounts import Refusal, Token, unauthorized
from .repositories import Repository

if TYPE_CHECKING:
    from . import Hub
    from .server import Exchange

PIECE = 1 << 16  # bytes
SERVICES = ("git-upload-pack", "git-receive-pack")
NOT_CACHED = {
    "Expires": "Fri, 01 Jan 1980 00:00:00 GMT",
    "Pragma": "no-cache",
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
}


def info_refs(hub: Hub, exchange: Exchange, repository: Repository, token: Token | None) -> None:
    """The advertisement. For a push any authenticated reader gets it: pre-receive judges each reference."""
    service = exchange.parameters.get("service")
    if service not in SERVICES:
        # The dumb protocol; what the Hub says to it: not found, and no git of this century asks.
        raise Refusal(403, "Please upgrade your git client.")
    backend(hub, exchange, repository, token, service, is_advertised=True)


def rpc(hub: Hub, exchange: Exchange, repository: Repository, token: Token | None, service: str) -> None:
    """`POST /…/git-upload-pack` and `…/git-receive-pack`."""
    backend(hub, exchange, repository, token, service, is_advertised=False)


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
    hub: Hub, exchange: Exchange, repository: Repository, token: Token | None, service: str, *, is_advertised: bool
) -> None:
    push = "none"
    if service == "git-receive-pack":
        if token is None:
            raise unauthorized()
        push = permission(hub, token, repository)
        if push != "write" and hub.push_denial:
            raise Refusal(hub.push_denial, "You are not authorized to push to this repo.")
    protocol = exchange.headers.get("Git-Protocol", "")
    environment = {**repository.environment, "GIT_PROTOCOL": protocol}
    start = b""
    if is_advertised and "version=2" not in protocol.split(":"):
        line = f"# service={service}\n"
        start = f"{len(line) + 4:04x}{line}0000".encode()
    with ExitStack() as stack:
        hook: pre_receive.Asked | None = None
        if service == "git-receive-pack" and not is_advertised:
            hook = stack.enter_context(pre_receive.Asked(hub, repository, push))
            environment["HUB_PIPES"] = str(hook.pipes)
        # The body goes through a file: it has to end before git answers anyway, and no two pipes wait for each other.
        body = stack.enter_context(tempfile.TemporaryFile(dir=hub.directory))
        for piece in unzipped(exchange):
            body.write(piece)
        body.seek(0)
        options = ["--stateless-rpc", *(["--advertise-refs"] if is_advertised else [])]
        process = stack.enter_context(
            subprocess.Popen(
                ["git", service.removeprefix("git-"), *options, "."],
                env=environment,
                cwd=repository.path,
                stdin=body,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
            )
        )
        kind = f"application/x-{service}-{'advertisement' if is_advertised else 'result'}"
        try:
            exchange.stream(200, {"Content-Type": kind, **NOT_CACHED}, chain([start], output(process, hook)))
        except BaseException:
            process.kill()  # the client went away, or the Hub closes
            raise


def unzipped(exchange: Exchange) -> Iterator[bytes]:
    """The request's body, which git compresses if it is long."""
    if exchange.headers.get("Content-Encoding") not in ("gzip", "x-gzip"):
        yield from exchange.body
        return
    decoder = zlib.decompressobj(wbits=31)
    for piece in exchange.body:
        yield decoder.decompress(piece)
    yield decoder.flush()


def output(process: subprocess.Popen[bytes], hook: pre_receive.Asked | None) -> Iterator[bytes]:
    """What git answers; on the way to it the hook may ask, once."""
    assert process.stdout
    stdout = process.stdout.fileno()
    if hook:
        while hook.pushed not in select.select([stdout, hook.pushed], [], [])[0]:
            if not (piece := os.read(stdout, PIECE)):
                return
            yield piece
        hook.answer()
    while piece := os.read(stdout, PIECE):
        yield piece
