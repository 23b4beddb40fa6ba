"""A hostile server: the Hub through a bad proxy, another Hub that is somebody's, or where a redirect leads."""

from __future__ import annotations

import contextlib
import json as json_
import os
import re
import socket
import ssl
import time
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from operations import serve_hub
from servers import Answer, Server, for_ever, http, json

from git_credential_hf import cli
from git_credential_hf.api.access import check_access, whoami
from git_credential_hf.api.client import Unreachable
from git_credential_hf.huggingface_library import one_line
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Repository
from git_credential_hf.secrets import register_secret
from git_credential_hf.tokens import Token

from . import TERMINAL, ended, is_clean, new_token, request_to, run, start

OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ACCOUNT = b'{"name": "alice", "auth": {"accessToken": {"role": "write"}}}'


def bomb() -> bytes:
    """Gigabytes of gzip in some megabytes: a flush makes each piece independent of those before."""
    packed = zlib.compressobj(9, wbits=31)
    start = packed.flush(zlib.Z_FULL_FLUSH)
    piece = packed.compress(bytes(1 << 20)) + packed.flush(zlib.Z_FULL_FLUSH)
    return http("200 OK", "Content-Encoding: gzip", "Content-Type: application/json", body=start + piece * 4096)


def drip(first: bytes, then: bytes = b"x") -> Answer:
    """A byte each second, for ever."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            time.sleep(1)
            connection.sendall(then)

    return answer


def cut(data: bytes) -> Answer:
    """These bytes, and the end of the connection."""
    return lambda connection: connection.sendall(data)


MANY = [f"WWW-Authenticate: {scheme}" for scheme in ("NTLM", "Negotiate", 'Digest realm="x", nonce="\x1b]0;x\x07"')]
SENSELESS: dict[str, bytes | Answer] = {
    "a redirect to itself": http("302 Found", "Location: /api/whoami-v2"),
    "a redirect to nowhere": http("302 Found", "Location: //"),
    "a redirect to a file": http("302 Found", "Location: file:///etc/passwd"),
    "a redirect with control bytes": http("302 Found", b"Location: http://127.0.0.1:1/\x1b[31m\xff"),
    "many challenges, and no words": http("407 No", *MANY * 20),
    "a huge challenge": http("407 No", "WWW-Authenticate: Basic realm=" + "x" * 90_000),
    "too many headers": http("200 OK", *[f"X-{n}: y" for n in range(20_000)], body=ACCOUNT),
    "many cookies": http("500 No", *[f"Set-Cookie: a{n}=b; Domain=.co" for n in range(2000)]),
    "headers without end": for_ever(OPEN, b"X: " + b"y" * 65536),
    "interim answers without end": for_ever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "a body without end": for_ever(OPEN + b"\r\n", b" " * 65536),
    "chunks without end": for_ever(OPEN + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"),
    "a chunk that is too long": cut(OPEN + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nx"),
    "a body that is cut off": cut(OPEN + b"Content-Length: 1000\r\n\r\n" + ACCOUNT),
    "two lengths": cut(OPEN + b"Content-Length: 1\r\nContent-Length: 60\r\n\r\n" + ACCOUNT),
    "a length below zero": cut(OPEN + b"Content-Length: -1\r\n\r\n" + ACCOUNT),
    "HTTP/0.9": cut(ACCOUNT),
    "another protocol": cut(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "a status of its own": cut(b"HTTP/1.1 99999 \x1b[31m\r\n\r\n"),
    "nothing": cut(b""),
    "a page for logging in": http("200 OK", "Content-Type: text/html", body=b"<title>Welcome to the hotel</title>"),
    "no JSON": json(b"{"),
    "JSON of no charset": json(b'{"name": "\xff\xfe"'),
    "deep JSON": json(b"[" * 100_000),
    "deep JSON in a name": json(b'{"name": ' + b'{"name": ' * 100_000),
    "a huge number": json(b'{"name": ' + b"9" * 100_000 + b"}"),
    "a list": json(b"[1]"),
    "a name that is none": json(b'{"name": ["alice"]}'),
    "compressed, and not": http("200 OK", "Content-Encoding: gzip", "Content-Type: application/json", body=ACCOUNT),
    "gzip that holds gigabytes": bomb(),
    "brotli that is none": http("200 OK", "Content-Encoding: br", body=b"\x5b\xff\xff" * 1000),
    "more codings than anybody needs": http("200 OK", "Content-Encoding: " + ", ".join(["gzip"] * 500), body=b"x"),
}
# Of these, what takes memory or time, for programs that have little of it.
HEAVY = ["a body without end", "headers without end", "gzip that holds gigabytes", "interim answers without end"]


@pytest.mark.parametrize("name", [name for name in SENSELESS if name not in HEAVY])
def test_senseless_answers_are_no_answer(name: str, home: Path) -> None:
    """Whatever a server says that is not the Hub's own yes or no, is neither: nobody is, and no push is refused."""
    with Server(SENSELESS[name]) as server:
        token = Token(new_token(), "env", "HF_TOKEN", hub=server.url)
        with pytest.raises(Unreachable):
            whoami(token)
        for write in (False, True):
            answer = check_access(token, Repository("models", "acme/model", server.url), write=write)
            # An empty 200 is all that the Hub itself says for a yes, so those with such a status are one.
            assert answer.answer in ("unknown", "yes")
        assert server.heard


ELSEWHERE = {
    **{f"{status}, another port": (status, "{other}/api/whoami-v2") for status in (301, 302, 303, 307, 308)},
    "another name": (302, "{named}/api/whoami-v2"),
    "its own name in front": (307, "http://{authority}@{other_authority}/"),
    "without a scheme": (302, "//{other_authority}/"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_no_redirect_is_followed_elsewhere(name: str, home: Path) -> None:
    """Another host, port or scheme gets no request at all: no token, and no say in whether that is a good one."""
    status, location = ELSEWHERE[name]
    with Server(http("401 No", "X-Error-Message: Invalid user token.")) as other:
        places = {
            "other": other.url,
            "other_authority": other.url[7:],
            "named": other.url.replace("127.0.0.1", "localhost"),
        }
        with Server(lambda connection: connection.sendall(redirect)) as hub:
            location = location.format(**places, authority=hub.url[7:])
            redirect = http(f"{status} Moved", f"Location: {location}")
            token = Token(new_token(), "env", "HF_TOKEN", hub=hub.url)
            with pytest.raises(Unreachable):
                whoami(token)
            repository = Repository("models", "acme/model", hub.url)
            assert check_access(token, repository, write=True).answer == "unknown"
            assert hub.heard
            assert not other.heard


def a_login(home: Path, **more: object) -> str:
    """A login in the browser whose token is due to be renewed."""
    token = f"hf_oauth_{new_token()[3:]}"
    folder = home / ".cache/huggingface"
    folder.mkdir(parents=True)
    lines = {"hf_token": token, "refresh_token": f"hf_oauth__refresh_{new_token()[3:]}", "expires_at": 2_000}
    (folder / "token").write_text(token)
    (folder / "stored_tokens").write_text("[alice]\n" + "".join(f"{k} = {v}\n" for k, v in {**lines, **more}.items()))
    for name in ("token", "stored_tokens"):
        os.utime(folder / name, (1_000, 1_000))
    return token


PUBLISHER: dict[str, Any] = {"HF_OIDC_RESOURCE": "acme/model", "HF_OIDC_ID_TOKEN": "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"}


@pytest.mark.parametrize(("way", "status"), [("renewal", 307), ("exchange", 308)])
def test_secrets_in_a_body_are_not_sent_elsewhere(way: str, status: int, home: Path, tmp_path: Path) -> None:
    """A refresh token and a job's identity go to the Hub in a body, which a 307 would carry to another host."""
    context, trusted = tls(tmp_path, "good")
    a_login(home)
    other = Server(json(b'{"access_token": "hf_theirs"}'), tls=context)
    with other, Server(http(f"{status} Moved", f"Location: {other.url}/oauth/token"), tls=context) as hub:
        asked = (["--hub", hub.url, "get"], request_to(hub.url) + b"\n")
        more: dict[str, Any] = {"SSL_CERT_FILE": str(trusted), **(PUBLISHER if way == "exchange" else {})}
        _, answer, _ = run(*asked[0], stdin=asked[1], **more)
        assert hub.heard
        assert not other.heard
        assert "hf_theirs" not in answer


def all_that_ask(home: Path, url: str) -> dict[str, tuple[list[str], bytes, dict[str, Any]]]:
    """The commands that ask the Hub at `url` something: arguments, input, environment."""
    push = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n".encode()
    (home / ".gitconfig").write_text("[credential]\n\thelper = hf\n")
    serve_hub(home, url)
    a_login(home)
    token = new_token()
    fixed = {"HF_ENDPOINT": url, "HF_TOKEN": token}
    request = request_to(url)
    return {
        "check": (["check", "--json", "--write", "acme/model"], b"", fixed),
        "renewal": (["--hub", url, "get"], request + b"\n", {}),
        "exchange": (["--hub", url, "get"], request + b"\n", PUBLISHER),
        "status": (["status"], b"", fixed),
        "doctor": (["doctor", "acme/model"], b"", fixed),
        "pre-push": (["hook", "pre-push", "origin", f"{url}/acme/model"], push, fixed),
        "erase": (["--hub", url, "erase"], request + f"password={token}\n\n".encode(), fixed),
    }


# Of each, the status, and what stands in its answer or in what it says: nobody has said no, so nothing is refused, and
# a login goes on with the token that it has.
UNANSWERED = {
    "check": ({3}, '"answer": "unknown"'),
    "renewal": ({0}, "username=git\npassword=hf_"),
    "exchange": ({1}, "no token for HF_OIDC_RESOURCE"),
    "status": ({0}, "account   unknown"),
    "doctor": ({0, 1}, "the token could not be checked"),  # 1: git fails there, too
    "pre-push": ({0}, "git-credential-hf: warning: "),
    "erase": ({0}, "the Hub refused the token"),
}


def judge(home: Path, tmp_path: Path, server_answer: bytes | Answer, *, most: int = 7) -> None:
    """Run these commands at once, with little memory each, against a server that answers this."""
    context, trusted = tls(tmp_path, "good")
    with Server(server_answer, tls=context) as server:
        commands = list(all_that_ask(home, server.url).items())[:most]
        started = {
            name: start(*words, stdin=given, SSL_CERT_FILE=str(trusted), **variables)
            for name, (words, given, variables) in commands
        }
        for name, process in started.items():
            status, answer, said = ended(process)
            assert status in UNANSWERED[name][0], (name, said)
            assert UNANSWERED[name][1] in answer + said
        assert len(server.heard) >= most


@pytest.mark.parametrize(
    ("name", "most"), [(HEAVY[0], 7), (HEAVY[1], 3), (HEAVY[2], 3), pytest.param(HEAVY[3], 7, marks=pytest.mark.long)]
)
def test_heavy_answers_cost_neither_memory_nor_a_push(name: str, most: int, home: Path, tmp_path: Path) -> None:
    """Gigabytes of an answer, however they are packed, are not taken in by any command that asks the Hub."""
    judge(home, tmp_path, SENSELESS[name], most=most)


@pytest.mark.long
@pytest.mark.parametrize("first", [b"", OPEN, OPEN + b"\r\n", OPEN + b"Transfer-Encoding: chunked\r\n\r\n1;"])
def test_slow_answers_end(first: bytes, home: Path, tmp_path: Path) -> None:
    """A byte each second, in the headers or in the body, keeps no command, and git with none of them, for ever."""
    judge(home, tmp_path, drip(first))


REFLECTED = ["status", "status --json", "check --json acme/model", "check --write acme/model", "doctor acme/model"]


@pytest.mark.parametrize("status", ["200 OK", "401 No", "403 No", "500 No"])
def test_a_token_that_comes_back_is_not_shown(
    status: str, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that says our token, in a header, a name or a role, and control bytes with it, gets neither shown."""
    token = new_token()
    words = f"{token} \x1b]0;owned\x07 {token}"
    account = {
        "name": words,
        "auth": {"type": "oauth", "accessToken": {"role": words}},
        "orgs": [{"name": "acme", "roleInOrg": words}],
    }
    headers = [f"X-Error-Message: {token}", "X-Error-Code: GatedRepo", "Content-Type: application/json"]
    monkeypatch.setenv("HF_TOKEN", token)
    with Server(http(status, *headers, body=json_.dumps(account).encode())) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        serve_hub(home, server.url)
        for command in [*REFLECTED, "doctor --json acme/model"]:
            with contextlib.suppress(Problem):
                cli.main(command.split())
            shown = "".join(capfd.readouterr())
            assert shown
            assert is_clean(shown, [token]), (command, shown)
        assert server.heard


@pytest.mark.parametrize("before", [400 - 69 + n for n in range(0, 40, 4)])
def test_what_is_cut_off_is_masked_first(before: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long error of huggingface_hub's is shown in part: the end of that part is no half of a secret."""
    secret = f"the-identity-of-{new_token()[3:]}"
    said = one_line(ValueError("x" * before + register_secret(secret)))
    assert secret[:24] not in said


SENSELESS_TOKENS = {
    "a list": b'{"access_token": [1, 2, 3, 4, 5], "expires_in": 3600}',
    "lines of its own": b'{"access_token": "hf_x\\nhost=evil.example\\nquit=1", "expires_in": 3600}',
    "half of a character": b'{"access_token": "hf_\\ud800", "expires_in": 3600}',
    "an expiry without end": b'{"access_token": "hf_x", "expires_in": 1e400}',
}


def test_an_exchange_gives_a_token_or_nothing(home: Path, tmp_path: Path) -> None:
    """What a server gives for a token is one, or is refused: it adds no line to the answer that git reads."""
    context, trusted = tls(tmp_path, "good")
    asked: dict[str, Any] = {"SSL_CERT_FILE": str(trusted), **PUBLISHER}
    with contextlib.ExitStack() as servers:
        urls = [servers.enter_context(Server(json(body), tls=context)).url for body in SENSELESS_TOKENS.values()]
        started = [start("--hub", url, "get", stdin=request_to(url) + b"\n", **asked) for url in urls]
        found = dict(zip(SENSELESS_TOKENS, map(ended, started), strict=True))
    for body, (status, answer, said) in found.items():
        assert (status, answer) == (1, ""), (body, answer)
        assert re.fullmatch(r"(git-credential-hf: (error|hint): [^\n]+\n)+", said), said
        assert not set(said) & TERMINAL


def tls(tmp_path: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's certificate that is no good for `localhost`, and the authorities that the client trusts."""
    authority, trusted = trustme.CA(), tmp_path / "trusted.pem"
    now = datetime.now(timezone.utc)
    certificate = {
        "another name": lambda: authority.issue_cert("evil.example"),
        "expired": lambda: authority.issue_cert("localhost", not_after=now - timedelta(days=1)),
        "of an unknown authority": lambda: trustme.CA().issue_cert("localhost"),
        "good": lambda: authority.issue_cert("localhost"),
    }[name]()
    authority.cert_pem.write_to_path(str(trusted))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context, trusted


BAD_TLS = ["another name", "expired", "of an unknown authority"]


@pytest.mark.parametrize("name", BAD_TLS)
def test_a_bad_certificate_gets_no_token(
    name: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is made, and so nothing is sent, where the certificate is another's, expired, or anybody's."""
    context, trusted = tls(tmp_path, name)
    a_login(home)
    home.joinpath(".gitconfig").write_text("[http]\n\tsslVerify = false\n")
    with Server(json(ACCOUNT), tls=context) as server:
        asked: dict[str, Any] = {"HF_ENDPOINT": server.url, "SSL_CERT_FILE": str(trusted), "GIT_SSL_NO_VERIFY": "1"}
        serve_hub(home, server.url)
        request = request_to(server.url) + b"\n"
        started = [start("status", **asked), start("--hub", server.url, "get", stdin=request, **asked, **PUBLISHER)]
        assert "account   unknown" in ended(started[0])[1]
        assert ended(started[1])[:2] == (1, "")
        assert not server.heard


def test_a_downgrade_gets_no_token(tmp_path: Path, home: Path) -> None:
    """From https no redirect leads to plain http, not even on the same host."""
    context, trusted = tls(tmp_path, "good")
    a_login(home)
    with Server(json(ACCOUNT)) as plain:
        location = f"Location: {plain.url.replace('127.0.0.1', 'localhost')}/oauth/token"
        with Server(http("307 Moved", location), tls=context) as server:
            asked: dict[str, Any] = {"HF_ENDPOINT": server.url, "SSL_CERT_FILE": str(trusted)}
            serve_hub(home, server.url)
            assert "account   unknown" in run("status", **asked)[1]
            run("--hub", server.url, "get", stdin=request_to(server.url) + b"\n", **asked, **PUBLISHER)
            assert len(server.heard) >= 2
            assert not plain.heard


@pytest.mark.parametrize("piece", ["eyJ", "eyJ.", "hf_", "hf_jwt_", "://a:", "https://", "authorization ", "password="])
def test_what_looks_like_tokens_without_end_is_masked_at_once(piece: str, home: Path) -> None:
    """A megabyte that begins like a token over and over takes seconds to look through, not the square of them."""
    many = piece * (900_000 // len(piece))
    with Server(json(b'{"name": "' + many.encode() + b'@"}')) as server:
        serve_hub(home, server.url)
        assert "account" in run("status", HF_TOKEN=new_token(), HF_ENDPOINT=server.url)[1]
        assert server.heard
