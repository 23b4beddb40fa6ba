"""HTTPS: connections, requests and answers, and which route answers what."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import secrets
import socket
import socketserver
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from . import api, git, lfs, oauth
from .accounts import Refusal, Token, unauthorized
from .log import Request

if TYPE_CHECKING:
    from . import Hub

PIECE = 1 << 16  # bytes
LARGEST_READ = 16 << 20  # bytes of a request that may be read into memory: JSON and forms, nothing else
REALM = ' realm="Authentication required", charset="UTF-8"'

TYPE = r"(models|datasets|spaces|kernels)"
REVISION = re.compile(rf"/api/{TYPE}/([^/]+(?:/[^/]+)?)/(revision|preupload)/(.+)")
AUTH_CHECK = re.compile(rf"/api/{TYPE}/([^/]+(?:/[^/]+)?)/auth-check(/write)?")
GIT = re.compile(rf"/(?:{TYPE}/)?([^/]+(?:/[^/]+)?)/(info/refs|git-upload-pack|git-receive-pack|info/lfs/.+)")
API = {"/api/whoami-v2": api.whoami, "/api/agent-harnesses": api.agent_harnesses}
OAUTH = {"/oauth/token": oauth.token, "/oauth/device": oauth.device}
LFS = {"info/lfs/objects/batch": lfs.batch, "info/lfs/verify": lfs.verify}


class Gone(Exception):
    """The connection is to be cut without an answer."""


class Body:
    """A request's body, however it is framed; read once, in pieces."""

    def __init__(self, stream: BufferedIOBase, headers: Message, record: Request) -> None:
        self.stream, self.record = stream, record
        self.left = int(headers.get("Content-Length") or 0)
        self.chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()

    def __iter__(self) -> Iterator[bytes]:
        while self.left or self.chunked:
            if not self.left:  # between two chunks
                size = int(self.stream.readline(1 << 10).split(b";")[0], 16)
                if not size:
                    while self.stream.readline(1 << 14).strip():
                        pass  # trailers
                    self.chunked = False
                    return
                self.left = size
            piece = self.stream.read(min(self.left, PIECE))
            if not piece:
                raise ConnectionError("the request ends too early")
            self.left -= len(piece)
            self.record.bytes_in += len(piece)
            if self.chunked and not self.left:
                self.stream.readline(4)
            yield piece

    def read(self) -> bytes:
        """All of it."""
        content = b""
        for piece in self:
            content += piece
            if len(content) > LARGEST_READ:
                raise Refusal(413, "Payload too large")
        return content

    def drain(self) -> None:
        """Whatever was not read: the next request begins behind it."""
        for _ in self:
            pass


class Exchange(BaseHTTPRequestHandler):
    """A connection, and on it one request and its answer after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = PIECE
    server: Server
    connection: ssl.SSLSocket

    # -- the connection

    def setup(self) -> None:
        # In this connection's own thread: a client that dawdles in the handshake holds nobody up.
        self.request = self.server.context.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        self.server.connections.add(self.request)
        try:
            self.request.do_handshake()
        except BaseException:
            self.hang_up()
            raise
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.hang_up()

    def hang_up(self) -> None:
        self.server.connections.discard(self.request)
        self.request.close()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr: `Hub.log` has it all."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # every method, the unknown ones too
            return self.serve
        raise AttributeError(name)

    # -- the request

    @property
    def method(self) -> str:
        return self.command

    @property
    def client(self) -> str:
        return str(self.client_address[0])

    @property
    def hub(self) -> Hub:
        return self.server.hub

    def serve(self) -> None:
        target, _, self.query = self.path.partition("?")
        self.path = unquote(target)
        self.parameters = dict(parse_qsl(self.query))
        self.style = "page"
        self.started = False
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.record = Request(self.command, headers.get("host", ""), self.path, self.query, headers=headers)
        self.hub.log.add(self.record)
        self.read_credential()
        self.body = Body(self.rfile, self.headers, self.record)
        try:
            if not self.misbehave():
                self.server.route(self)
        except Refusal as refusal:
            self.refuse(refusal)
        except (Gone, OSError):
            self.close_connection = True
            return
        except Exception:
            # A mistake of this Hub; it is raised again when the Hub closes, so that no test passes over it.
            self.hub.bugs.append(traceback.format_exc())
            if self.started:
                self.close_connection = True
                return
            self.refuse(Refusal(500, "The stand-in Hub has a bug"))
        try:
            self.body.drain()
        except (OSError, ValueError):
            self.close_connection = True

    def read_credential(self) -> None:
        record, (scheme, _, secret) = self.record, self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return
        record.scheme, record.token = scheme.lower(), secret.strip()
        if record.scheme == "basic":
            with contextlib.suppress(ValueError):
                # The user name is ignored, as the Hub does: hf_user, oauth2, an e-mail, anything.
                record.username, _, record.token = base64.b64decode(secret).decode().partition(":")

    def authenticate(self) -> Token | None:
        token = self.hub.accounts.authenticate(
            self.record.scheme, self.record.token or "", git=self.style in ("git", "lfs")
        )
        if token and token.kind != "access_token" and self.record.scheme == "basic" and not self.hub.oauth_as_password:
            raise unauthorized()
        self.record.account = token.account if token else None
        return token

    def misbehave(self) -> bool:
        """Whether a fault answered instead of the Hub."""
        for fault in self.hub.faults.meant_for(self.record.line):
            if fault.delay and self.hub.closing.wait(fault.delay):
                raise Gone
            if fault.reset:
                self.body.drain()
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Gone
            if fault.status is not None:
                self.body.drain()
                reason = HTTPStatus(fault.status).phrase
                headers = {"Content-Type": "application/json; charset=utf-8", **fault.headers}
                body = fault.body or json.dumps({"error": reason}).encode()
                if not fault.body and not self.path.startswith(("/api/", "/oauth/")):
                    headers, body = {**headers, "Content-Type": "text/plain; charset=utf-8"}, reason.encode()
                self.reply(fault.status, body, headers)
                return True
        return False

    # -- the answer

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.stream(status, {"Content-Length": str(len(body)), **(headers or {})}, [body])

    def json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        self.reply(
            status,
            json.dumps(value).encode(),
            {"Content-Type": "application/json; charset=utf-8", **(headers or {})},
        )

    def stream(self, status: int, headers: Mapping[str, str], pieces: Iterable[bytes]) -> None:
        """Sends an answer of any length; the log is complete before the client has it."""
        self.record.status, self.started = status, True
        chunked = "Content-Length" not in headers
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.style == "api" and "RateLimit" not in headers:
            asked, seconds = self.hub.windows.count("api", self.record.token or self.client)
            self.send_header("RateLimit", f'"api";r={max(api.QUOTA - asked, 0)};t={seconds}')
            self.send_header("RateLimit-Policy", f'"fixed window";"api";q={api.QUOTA};w={api.WINDOW}')
        self.send_header("X-Powered-By", "huggingface-moon")
        self.send_header("X-Request-Id", f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        for piece in pieces:
            self.record.bytes_out += len(piece)
            if piece:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def refuse(self, refusal: Refusal) -> None:
        """Writes a refusal down as the route does: git shows text/plain, git-lfs and the API read JSON."""
        headers = {"X-Error-Message": refusal.message.strip().replace("\n", " ")}
        if refusal.code:
            headers["X-Error-Code"] = refusal.code
        if refusal.status == 401:
            # The challenge of git's routes: not found; it must offer Basic, or git would not ask for a password.
            headers["WWW-Authenticate"] = ("Bearer" if self.style == "api" else "Basic") + self.hub.realm
        headers |= refusal.headers
        if self.style == "api":
            self.json(refusal.status, {"error": refusal.message}, headers)
        elif self.style == "lfs":
            # JSON for 401 as well: git-lfs shows the Hub's own words ("Password authentication in git is no
            # longer supported…", seen in public threads), and it takes them from nothing but JSON.
            self.json(refusal.status, {"message": refusal.message}, {**headers, "Content-Type": lfs.MEDIA_TYPE})
        else:
            self.reply(
                refusal.status,
                refusal.message.encode(),
                {"Content-Type": "text/plain; charset=utf-8", **headers},
            )

    def redirect(self, location: str) -> None:
        self.reply(
            307,
            f"Temporary Redirect. Redirecting to {location}".encode(),
            {
                "Location": location + (f"?{self.query}" if self.query else ""),
                "Content-Type": "text/plain; charset=utf-8",
            },
        )

    def allow(self, *methods: str) -> None:
        if ("GET" if self.command == "HEAD" else self.command) not in methods:
            raise Refusal(405, "Method not allowed", headers={"Allow": ", ".join(methods)})


# -- routes


def hub_routes(exchange: Exchange) -> None:
    """Everything on the Hub's own host. The order of the decisions: a bad credential is refused before anything
    is looked up, then a repository may have moved, then its access is judged (docs/facts.md#h5).
    """
    hub, path = exchange.hub, exchange.path
    if path in OAUTH:
        exchange.style = "api"
        exchange.allow("POST")
        OAUTH[path](hub, exchange)
    elif path.startswith("/api/"):
        exchange.style = "api"
        token = exchange.authenticate()
        if path == "/api/validate-yaml":
            exchange.allow("POST")
            api.validate_yaml(hub, exchange, token)
            return
        if (match := REVISION.fullmatch(path)) and match[3] == "preupload":
            exchange.allow("POST")
            api.preupload(hub, exchange, token, match[1], match[2], match[4])
            return
        exchange.allow("GET")
        if path in API:
            API[path](hub, exchange, token)
        elif match := AUTH_CHECK.fullmatch(path):
            api.auth_check(hub, exchange, token, *match.groups())
        elif match := REVISION.fullmatch(path):
            api.revision(hub, exchange, token, match[1], match[2], match[4])
        else:
            raise Refusal(404, "Sorry, we can't find the page you are looking for.")
    elif match := GIT.fullmatch(path):
        git_routes(exchange, *match.groups())
    elif path == "/":
        exchange.reply(200, b"A Hub to test against.\n", {"Content-Type": "text/plain; charset=utf-8"})
    else:
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")


def git_routes(exchange: Exchange, type: str | None, id: str, route: str) -> None:
    """`/{repository}[.git]/…` of git and git-lfs."""
    hub = exchange.hub
    exchange.style = "lfs" if route.startswith("info/lfs/") else "git"
    token = exchange.authenticate()
    repository, moved = hub.repositories.find((type or "models").removesuffix("s"), id.removesuffix(".git"))
    if repository and moved:
        # The status on git's routes: not found; 307 as on the API, which git and git-lfs both follow. Before access
        # is judged: git 2.39 follows an answer to its very first, anonymous request, and no later one.
        suffix = ".git" if id.endswith(".git") else ""
        return exchange.redirect(f"/{repository.name}{suffix}/{route}")
    repository = hub.accounts.check(token, repository)
    if route.startswith("info/lfs/locks"):
        lfs.locks(hub)
    if route == "info/refs":
        exchange.allow("GET")
        git.info_refs(hub, exchange, repository, token)
    elif route in git.SERVICES:
        exchange.allow("POST")
        git.rpc(hub, exchange, repository, token, route)
    elif route in LFS:
        exchange.allow("POST")
        LFS[route](hub, exchange, repository, token)
    else:
        raise Refusal(404, "Not found")
    return None


def storage_routes(exchange: Exchange) -> None:
    """Everything on the storage host."""
    exchange.style = "storage"
    exchange.allow("GET", "PUT")
    lfs.storage(exchange.hub, exchange)


# -- the listener


class Server(socketserver.ThreadingTCPServer):
    """One listening address; a thread for each connection, all of them gone when it is closed."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, hub: Hub, address: tuple[str, int], context: ssl.SSLContext, route: Callable[[Exchange], None]
    ) -> None:
        self.hub, self.context, self.route = hub, context, route
        self.connections: set[ssl.SSLSocket] = set()
        self.threads: list[threading.Thread] = []
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, Exchange)
        self.address = str(self.server_address[0]), int(self.server_address[1])
        self.is_closing = False
        self.listener = threading.Thread(target=self.accept, name="hub", daemon=True)
        self.listener.start()

    def accept(self) -> None:
        """Serve until `close`; `serve_forever` notices an end by looking again and again."""
        while True:
            with contextlib.suppress(OSError):
                request, address = self.get_request()
                if self.is_closing:
                    request.close()
                    return
                self.process_request(request, address)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        self.threads.append(thread)
        thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: handshakes that fail and clients that leave. `Exchange.serve` keeps our own mistakes."""

    def close(self) -> None:
        self.is_closing = True
        with contextlib.suppress(OSError):
            socket.create_connection(self.address, 5).close()  # wakes the listener
        self.listener.join(5)
        self.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
