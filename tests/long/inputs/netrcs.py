"""Files of netrc, plain or not: what is accepted is what Python, and curl itself, read in the same way."""

from __future__ import annotations

import base64
import http.server
import io
import netrc as of_python
import random
import subprocess
import threading
from pathlib import Path

from git_credential_hf.git.netrc import parse_netrc, used_entry, without_machines
from git_credential_hf.problem import Problem

HUB = ("huggingface.co", "hf.co")

Login = tuple[str, str]
Who = tuple["str | None", str]  # a user in the URL, and a host


class Proxy:
    """An HTTP proxy that is every host: it asks each request for a password, and records which one it was given."""

    def __init__(self) -> None:
        self.given: dict[str, Login | None] = {}
        given = self.given

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization")
                login, _, password = base64.b64decode((authorization or " ").split(" ")[1]).decode().partition(":")
                given[self.path] = (login, password) if authorization else None
                self.send_response(200 if authorization else 401)
                self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.shutdown()
        self.http.server_close()


def by_curl(files: list[bytes], directory: Path) -> list[dict[Who, Login | None]]:
    """What curl sends for each of the files to each of its hosts; nothing at all from one that gives up at a file."""
    directory.mkdir()
    with Proxy() as proxy:
        configuration = []
        for number, content in enumerate(files):
            (directory / str(number)).write_bytes(content)
            for user, host in who_is_in(content):
                url = f"http://{f'{user}@' if user else ''}{host}/{number}/{user}"
                configuration.append(
                    f'netrc-file="{directory / str(number)}"\nproxy="{proxy.url}"\nurl="{url}"\nsilent\n'
                )
        subprocess.run(["curl", "-q", "-K", "-"], input="next\n".join(configuration).encode(), capture_output=True)
    return [
        {
            (user, host): proxy.given[f"http://{host}/{number}/{user}"]
            for user, host in who_is_in(content)
            if f"http://{host}/{number}/{user}" in proxy.given
        }
        for number, content in enumerate(files)
    ]


def who_is_in(content: bytes) -> list[Who]:
    """The hosts of a file, with the users that it has for them, and some other hosts.

    With a user in the URL and a `default`, some versions of curl read something else than others.
    """
    found = parse_netrc(content)
    hosts = {(entry.machine or "").lower() for entry in found} | {"none.example", *HUB}
    users: set[Who] = {(entry.login, (entry.machine or "").lower()) for entry in found}
    if any(entry.machine is None for entry in found):
        users = set()
    return [who for who in [*((None, host) for host in sorted(hosts)), *sorted(users)] if who[1] and ":" not in who[1]]


def judge_by_curl(content: bytes, sent: dict[Who, Login | None]) -> None:
    """It sends the entry that is said to be used."""
    assert sent or b"\r" in content, content  # from 8.11 to 8.20 it gives up at a blank line with a carriage return
    for (user, host), login in sent.items():
        try:
            entry = used_entry(content, host, user)
        except Problem:
            continue  # it depends on the version of curl
        assert login == ((entry.login, entry.password) if entry else None), (content, user, host)


def by_python(content: bytes) -> dict[str, Login] | None:
    """The machines, and `default`, of the `netrc` of the Python that runs the tests; `None` if it gives up."""
    found = of_python.netrc.__new__(of_python.netrc)  # without a file, which takes most of the time
    found.hosts, found.macros = {}, {}
    try:
        found._parse("", io.TextIOWrapper(io.BytesIO(content), "utf-8", "surrogateescape"), False)  # type: ignore[attr-defined]
    except of_python.NetrcParseError:
        return None
    return {host: (login, password or "") for host, (login, _, password) in found.hosts.items()}


def judge(content: bytes) -> str:
    """An answer or a `Problem` with its line; Python finds the same, and without the Hub all others as before."""
    try:
        found = parse_netrc(content)
    except Problem as problem:
        assert (
            "programs do not agree on how to read this netrc file: " in problem.message and "(line " in problem.message
        )
        return "refused"
    of_all = by_python(content)
    assert of_all in (None, {entry.machine or "default": (entry.login, entry.password) for entry in found}), content
    others = [entry for entry in found if (entry.machine or "").lower() not in HUB]
    try:
        after = without_machines(content, HUB)
    except Problem as problem:
        assert "cannot be edited automatically" in problem.message, (content, problem)
        return "not to be changed"
    assert [entry.values() for entry in parse_netrc(after)] == [entry.values() for entry in others], (content, after)
    if others == found:
        assert after == content
        return "without the Hub"
    assert without_machines(after, HUB) == after, (content, after)
    rest, at = [], 0
    for entry in found:
        if entry not in others:
            rest.append(content[at : entry.start])
            at = entry.end
    assert lines(b"".join([*rest, content[at:]])) == lines(after), (content, after)
    if of_all is not None:
        left = {host: login for host, login in of_all.items() if host.lower() not in HUB}
        assert by_python(after) == left, (content, after)
    return "changed"


def lines(content: bytes) -> list[bytes]:
    """All that are not blank, byte for byte."""
    return [line for line in content.splitlines(keepends=True) if line.strip()]


COMMENTS = [
    *("# c is", "# c is", "#", "#c", "#c is", "# ", "  # c", '#\t"x', "# # x", "## login x", "# \xe4", "#x login y"),
    *("# machine hf.co login x password y", "#machine hf.co login x password y", "#1 machine hf.co login x password y"),
]
WORDS = [
    *("machine", "default", "macdef", "login", "user", "password", "account", "port", "#", "# x", '"', "\\", "\xff"),
    *("huggingface.co", "hf.co", "a.example", "hf.co:443", "x", '"a b"', "''", "machine hf.co login x password y"),
    *("macdef init\nput x\n\n", "x" * 300, "", "Machine"),
]
GAPS = [" ", " ", "\n", "\n", "\t", "\r\n", "\n\n", "\n \n", "  ", "", "\r", "\0", "\x0b", "\xa0"]


def generated(number: int) -> bytes:
    """A plain file with many comments, one in which a few things are odd, or one of mere words."""
    chance = random.Random(number)
    oddness = chance.choice([0, 0, 0, 0.02, 0.1])
    newline = chance.choice(["\n"] * 5 + ["\r\n"])

    def one_of(plain: list[str], odd: list[str]) -> str:
        return chance.choice(odd if chance.random() < oddness else plain)

    def entry() -> str:
        words = ["machine", one_of(["a.example", "b.example", "B.example", "hf.co:443", *HUB, "HF.co"], WORDS)]
        if chance.random() < 0.02 + oddness:
            words = ["default"]
        end = one_of([" "] * 6 + ["  ", "\t", newline, newline + "  ", f"{newline}# c{newline}"], GAPS)
        text = one_of([" "], GAPS).join(words) + end
        text += one_of(["login"], WORDS) + one_of([" "], GAPS) + one_of(["x", "y", "zz"], WORDS) + end
        return text + one_of(["password"], WORDS) + one_of([" "], GAPS) + one_of(["p", "hf_abc", "p#q", 'p"q'], WORDS)

    parts = []
    for _ in range(chance.randint(1, 6)):
        kind = chance.random()
        if kind < 0.6:
            parts.append(entry() + one_of([""] * 9 + [" "], [" # c", " #", "\t"]) + newline)
        elif kind < 0.8:
            parts.append(chance.choice(COMMENTS) + newline)
        elif kind < 0.95:
            parts.append(chance.choice(["", "", " "]) + newline)
        else:
            body = one_of(["", f"cd /x{newline}", f"put a b{newline}quit{newline}"], [*COMMENTS, *WORDS, " "])
            parts.append(f"macdef init{newline}{body}{newline}")
    if chance.random() < 0.02:
        parts = [chance.choice(WORDS) + chance.choice(GAPS) for _ in range(chance.randrange(25))]
    text = "".join(parts)
    return (text.rstrip() if chance.random() < 0.15 else text).encode("latin-1")


# Of each kind a file that grows: time may grow with it, and no faster. The limit of the program is 64 KiB.
GROWING = {
    "machines": b"machine hf.co login l password x\n",
    "every other machine": b"machine hf.co login l password x\nmachine a.example login b password y\n",
    "with comments": b"machine hf.co login l password x\n# d\nmachine a.example login b password y\n# e\n",
    "comments": b"# c\n",
    "number signs": b"#\n",
    "macros": b"machine a.example login b password y\nmacdef x\n\n",
    "a macro": b"put x\n",
    "blank lines": b"\n",
    "blank lines between": b"machine hf.co login l password x\n" + b"\n" * 1000,
    "blanks": b" ",
    "words": b"machine a.example login b password y a a a a\n",
    "quotes": b'machine hf.co login "l" password "\\x\\y\\z"\n',
    "NUL": b"\0",
    "carriage returns": b"\r\n",
    "anything": b"\xff\n",
}
