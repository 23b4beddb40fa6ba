"""The Hub's API on a port of this machine, whose answers are those of the test."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from json import dumps, loads

from git_credential_hf.api.refusals import Answer
from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token

TOKEN = "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"  # not a placeholder, as repeats would be
DATASET = Repository("datasets", "acme/data")


def error(words: str, code: str | None = None) -> dict[str, str]:
    return {"X-Error-Message": words} | ({"X-Error-Code": code} if code else {})


SHOWN = "hf_****wxyz"
WHOAMI = {"name": "alice", "auth": {"accessToken": {"role": "write"}}, "orgs": []}


class Reply:
    """A response of the Hub, or with `raw` the bytes that are sent instead of one."""

    def __init__(
        self,
        status: int = 200,
        *,
        headers: dict[str, str] | None = None,
        json: object = None,
        text: str = "",
        html: str = "",
        raw: bytes | None = None,
    ) -> None:
        self.status = status
        self.headers = {"Content-Type": "text/html" if html else "application/json", **(headers or {})}
        self.text = html or text if json is None else dumps(json)
        self.raw = raw


class Api:
    """The Hub's API on a port of this machine: it sends `answers`, by the last part of the path, lists `requests`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str | None, object]] = []
        self.media_types: list[set[str | None]] = []
        self.answers: dict[str, Reply] = {}
        self.is_answering = threading.Event()
        self.is_answering.set()
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        self.requests.append(
            (request.command, request.path, request.headers.get("authorization"), loads(body) if body else None)
        )
        self.media_types.append({request.headers.get(name) for name in ("accept", "content-type")})
        self.is_answering.wait(60)
        reply = self.answers[request.path.removesuffix("/write").rpartition("/")[2]]
        if reply.raw is not None:
            request.wfile.write(reply.raw)
            return
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(reply.text.encode())


def mine(api: Api, value: str = TOKEN) -> Token:
    return Token(value, "env", "HF_TOKEN", hub=api.url)


def at(api: Api, repository: Repository) -> Repository:
    return Repository(repository.kind, repository.name, api.url)


def described(answer: Answer) -> tuple[str | None, ...]:
    """The answer, in the words for the public Hub."""
    hub = answer.repository.hub
    message, fix = (text and text.replace(hub, PUBLIC_HUB) for text in (answer.message, answer.fix))
    return answer.answer, answer.reason, message, fix
