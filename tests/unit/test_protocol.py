"""git's credential format, read by the parser and by the installed executable, byte for byte."""

# ruff: noqa: RUF001 - letters that look like others are what is tested here

import os
import subprocess
import time
from pathlib import Path

import pytest
from operations import HUB, Answer, ask

from git_credential_hf.problem import Problem
from git_credential_hf.protocol import format_message, parse_request, read_message

TOKEN = "hf_" + "Protocol" * 4 + "wxyz"
SERVED: Answer = (0, f"username=git\npassword={TOKEN}\n", "")
SILENT: Answer = (0, "", "")
ASK = HUB.encode()

KIB, MIB = 1024, 1024 * 1024


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def refusal(why: str) -> Answer:
    return 1, "", f"git-credential-hf: error: refused a malformed credential request: {why}\n"


# --- malformed requests ---

CR, NUL = "a line contains a carriage return", "a line contains a NUL"
REFUSED = {
    "CRLF": (ASK.replace(b"\n", b"\r\n") + b"\r\n", CR),
    "CR as the end of a line": (b"protocol=https\nhost=evil.example\rhost=huggingface.co\n\n", CR),
    "CR at the end of the host": (b"protocol=https\nhost=huggingface.co\r\n\n", CR),
    "CR at the start of a line": (ASK + b"\rpath=a\n\n", CR),
    "CR in a key": (ASK + b"pa\rth=a\n\n", CR),
    "CR in an unknown value": (ASK + b"unknown=a\rb\n\n", CR),
    "CR in one of several values": (ASK + b"wwwauth[]=Basic\r\n\n", CR),
    "CR alone on the last line": (ASK + b"\r", CR),
    "NUL in the host": (b"protocol=https\nhost=huggingface.co\0.evil.example\n\n", NUL),
    "NUL in a key": (ASK + b"un\0known=a\n\n", NUL),
    "NUL alone": (b"\0", NUL),
    "a line without =": (ASK + b"username\n\n", "a line has no '='"),
    "a blank for a line": (ASK + b" \n\n", "a line has no '='"),
    "a URL for a line": (b"https://huggingface.co/\n\n", "a line has no '='"),
    "no = on the last line, no LF": (ASK + b"x", "a line has no '='"),
    "two protocols": (b"protocol=http\n" + ASK + b"\n", "it names protocol twice"),
    "two hosts": (ASK + b"host=evil.example\n\n", "it names host twice"),
    "the same host twice": (ASK + b"host=huggingface.co\n\n", "it names host twice"),
    "a blank host, then another": (b"protocol=https\nhost=\nhost=huggingface.co\n\n", "it names host twice"),
    "two usernames": (ASK + b"username=a\nusername=b\n\n", "it names username twice"),
    "two paths": (ASK + b"path=a\npath=b\n\n", "it names path twice"),
    "two passwords": (ASK + b"password=a\npassword=b\n\n", "it names password twice"),
    "a blank host": (b"protocol=https\nhost=\n\n", "its host is blank"),
    "a blank host over http": (b"protocol=HTTP\nhost=\n", "its host is blank"),
    "a blank host and nothing else": (b"host=\n\n", "its host is blank"),
    "a blank host, no LF": (b"host=", "its host is blank"),
    "a line of 64 KiB and a byte": (ASK + b"x=" + b"a" * (64 * KIB - 1) + b"\n\n", "a line is longer than 65536 bytes"),
    "the same, no LF": (ASK + b"x=" + b"a" * (64 * KIB - 1), "a line is longer than 65536 bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_requests_are_refused(name: str) -> None:
    """A malformed request is refused in one line that gives the reason and nothing of the message; stdout is empty."""
    message, why = REFUSED[name]
    with pytest.raises(Problem) as raised:
        parse_request(message)
    assert (raised.value.message, raised.value.fix) == (f"refused a malformed credential request: {why}", None)
    assert ask("get", message) == refusal(why)


@pytest.mark.parametrize("operation", ["store", "erase"])
def test_each_operation_refuses_malformed_requests(operation: str) -> None:
    """`store` and `erase` read requests as `get` does."""
    assert ask(operation, REFUSED["two hosts"][0]) == refusal("it names host twice")


@pytest.mark.parametrize("operation", ["get", "store", "erase"])
def test_what_is_odd_about_other_hosts_is_not_ours(operation: str) -> None:
    """Git takes what we would refuse, so with the plain `helper = hf` we are silent about another host's credential."""
    other = b"protocol=https\nhost=github.com\n"
    long_lines = filled(2 * MIB).removeprefix(ASK)
    for message in (b"password=a\rb\n", b"wwwauth[]=" + b"a" * 65 * KIB + b"\n", long_lines, b"x\n", b"host=a\n"):
        assert ask(operation, other + message + b"\n") == SILENT
    for host in (b"", b"host=\n", b"host=github.com\r\n"):
        assert ask(operation, b"protocol=https\n" + host + b"password=a\rb\n\n")[0] == 1


# --- limits ---


def filled(size: int) -> bytes:
    """A message of `size` bytes in lines of valid lengths, without the blank line at its end."""
    lines = [ASK]
    left = size - len(ASK)
    while left > 0:
        length = left if left <= 64 * KIB else min(64 * KIB, left - 8)  # with its LF; leave room for a last line
        lines.append(b"x=" + b"a" * (length - 3) + b"\n")
        left -= length
    return b"".join(lines)


def test_longest_line() -> None:
    """A line may have 65536 bytes without its LF, before an LF or at the end of the input."""
    line = b"x=" + b"a" * (64 * KIB - 2)
    assert len(line) == 65536
    assert ask("get", ASK + line + b"\n\n") == SERVED
    assert ask("get", ASK + line) == SERVED


TOO_LONG = "it is longer than 1048576 bytes"


def test_longest_message(tmp_path: Path) -> None:
    """A message may have 1048576 bytes with its blank line; what follows that line does not count."""
    longest = filled(MIB)
    assert ask("get", filled(MIB - 1) + b"\n") == ask("get", longest) == SERVED
    assert ask("get", filled(MIB + 1)) == refusal(TOO_LONG)
    assert ask("get", b"\xff" * 3 * MIB) == refusal("a line is longer than 65536 bytes")
    for message, reason in ((longest + b"\n", TOO_LONG), (longest + b"x", "a line has no '='")):
        with pytest.raises(Problem, match=reason):
            parse_request(message)
    (tmp_path / "longer").write_bytes(longest + b"x=1\n")
    with (tmp_path / "longer").open("rb") as file:
        assert len(read_message(file.fileno())) > MIB  # or a message that is too long would pass for a complete one
    message = filled(MIB - 100) + b"\n" + b"x" * 200
    assert parse_request(message).host == b"huggingface.co"
    # The first bytes alone, so that the last read crosses the limit.
    assert in_pieces([message[:10], message[10:]]) == SERVED


# --- where a message ends ---


def in_pieces(pieces: list[bytes], *, keep_open: bool = False, wait: float = 0.1) -> Answer:
    """Return what `get` answers to a caller that writes piece after piece, and may never close its pipe."""
    process = subprocess.Popen(["git-credential-hf", "get"], stdin=-1, stdout=-1, stderr=-1)
    assert process.stdin and process.stdout and process.stderr
    with process:
        try:
            for piece in pieces:
                os.write(process.stdin.fileno(), piece)
                time.sleep(wait)
            if not keep_open:
                process.stdin.close()
            status = process.wait(5)
            return status, process.stdout.read().decode(), process.stderr.read().decode()
        finally:
            process.kill()


def test_message_may_come_in_pieces() -> None:
    """It makes no difference where the blocks of a pipe begin and end."""
    message = ASK + b"wwwauth[]=Basic\n\n"
    assert in_pieces([message[i : i + 1] for i in range(len(message))], wait=0.001) == SERVED
    assert in_pieces([ASK[:-1], b"\n", b"\n"]) == SERVED


@pytest.mark.parametrize("rest", [b"", b"junk\n", b"\0\r\n", b"host=evil.example\n\n", ASK + b"\n"])
def test_blank_line_ends_the_message(rest: bytes) -> None:
    """Nothing is read after the blank line, and the end of the input is not waited for."""
    assert ask("get", b"\n" + rest + ASK) == SILENT
    assert in_pieces([ASK + b"\n" + rest], keep_open=True) == SERVED


@pytest.mark.parametrize("name", ["CRLF", "NUL in the host", "a line without ="])
def test_refusal_does_not_wait_for_the_end_of_the_input(name: str) -> None:
    """A caller that has sent a malformed message and keeps its pipe open gets its refusal."""
    message, why = REFUSED[name]
    assert in_pieces([message], keep_open=True) == refusal(why)


@pytest.mark.parametrize("message", [ASK + b"\n", b"\n", ASK + b"\r", b"\0", ASK[:-1]])
def test_reading_ends(message: bytes) -> None:
    """A blank line, or a byte that makes a message malformed, ends it in an open pipe; so does the end of the input."""
    source, sink = os.pipe()
    os.write(sink, message)
    if message == ASK[:-1]:
        os.close(sink)
    assert read_message(source) == message
    if message != ASK[:-1]:
        os.write(sink, b"more")
        assert os.read(source, 9) == b"more"
        os.close(sink)
    os.close(source)


# --- well-formed requests ---

WELL_FORMED = {
    "no LF at the end": ASK[:-1],
    "no blank line at the end": ASK,
    "several blank lines": ASK + b"\n\n\n",
    "host first": b"host=huggingface.co\nprotocol=https\n\n",
    "unknown keys": ASK + b"unknown=1\nunknown=2\nurl=https://evil.example\n=\n==\n password=x\nHost=evil.example\n\n",
    "several values": ASK + b'capability[]=authtype\ncapability[]=state\nwwwauth[]=Basic realm="x=y"\nstate[]=\n\n',
    "unknown several values": ASK + b"more[]=1\nmore[]=2\nmore[]=\n\n",
    "all single keys, blank": ASK + b"username=\npath=\npassword=\n\n",
    "an = in a value": ASK + b"path=a=b=c\n\n",
    "a username": ASK + b"username=alice\n\n",
    "bytes that are not UTF-8": ASK + b"username=\xff\npath=\xc3(\n\xfe=\x80\nwwwauth[]=\xa0\n\n",
    "control characters": ASK + b"path=\x1b[31m\t\x0b\x0c\x1c\x85\n\n",  # str.splitlines ends lines at some of them
    "another letter case": b"protocol=HTTPS\nhost=HuggingFace.CO\n\n",
    "its short name, and a port": b"protocol=https\nhost=hf.co:443\n\n",
}


@pytest.mark.parametrize("name", WELL_FORMED)
def test_well_formed_requests_are_answered(name: str) -> None:
    """Only LF ends a line, keys come in any order, and unknown keys are ignored."""
    assert ask("get", WELL_FORMED[name]) == SERVED
    assert ask("store", WELL_FORMED[name]) == ask("erase", WELL_FORMED[name]) == SILENT


# Hosts are the subject of test_hub.py: these show that they arrive there unchanged.
HOSTS = ["github.com", "huggingface.co:8443", "hf.co.", "git@huggingface.co", " huggingface.co", "huggingfacе.co", "*"]
NOT_THE_HUB = [
    *(f"protocol=https\nhost={host}\n\n".encode() for host in HOSTS),
    *(f"protocol={protocol}\nhost=huggingface.co\n\n".encode() for protocol in ("http", "ssh", "", "https:", " https")),
    *(b"", b"\n", b"host=huggingface.co\n\n", b"protocol=https\n\n", b"url=https://huggingface.co\n\n"),
    b"protocol=cert\nhost=\npath=/home/alice/key.pem\n\n",
    b"protocol=https\nhost=evil.example\npath=huggingface.co\n\n",
    b"PROTOCOL=https\nHOST=huggingface.co\n\n",
    b"protocol=\xff\nhost=huggingface.co\xff\n\n",
]


@pytest.mark.parametrize("message", NOT_THE_HUB, ids=ascii)
def test_other_hosts_get_no_answer(message: bytes) -> None:
    """A request for anything but the Hub gets no answer, no message and no failure."""
    assert ask("get", message) == SILENT
    if message and not message.startswith(b"\n"):
        message = message[:-1] + b"username=git\npassword=" + TOKEN.encode() + b"\n\n"
    assert ask("store", message) == ask("erase", message) == SILENT


def test_capabilities_keep_their_order() -> None:
    """A `[]` key is a list, in order; an empty value clears it."""
    request = parse_request(b"wwwauth[]=a\ncapability[]=x\ncapability[]=\ncapability[]=y\nstate[]=1\ncapability[]=z\n")
    assert request.capabilities == [b"y", b"z"]


@pytest.mark.parametrize(
    ("challenge", "more", "expected"),
    [
        (b"wwwauth[]=Basic\n", b"", True),
        (b'wwwauth[]=Basic realm="x"\n', b"", False),
        (b"wwwauth[]=Basic\nwwwauth[]=Bearer\n", b"", False),
        (b"", b"", False),
        (b"wwwauth[]=Basic\n", b"state[]=git-credential-hf.anonymous\n", False),
        (b"wwwauth[]=Basic\n", b"state[]=other:1\n", True),
        (b"wwwauth[]=Basic\n", b"capability[]=\ncapability[]=authtype\n", False),
    ],
)
def test_proactive_requests(challenge: bytes, more: bytes, expected: bool) -> None:
    """No server was asked yet if the challenge is of git itself, which has not asked us before about it."""
    capable = ASK + b"capability[]=authtype\ncapability[]=state\n"
    assert parse_request(capable + challenge + more).is_proactive is expected


def test_single_values_are_bytes() -> None:
    """A value is what follows the first `=`, byte for byte; a missing attribute is None, not empty."""
    request = parse_request(b"protocol=https\nhost=hf.co\nusername=\npath=a=\xff \nnot=known\n\npassword=x\n")
    assert (request.protocol, request.host, request.username) == (b"https", b"hf.co", b"")
    assert (request.path, request.password) == (b"a=\xff ", None)
    assert parse_request(b"protocol=cert\nhost=\n").host == b""


# --- answers ---


def test_answers_are_lines() -> None:
    """Each value is a line, byte for byte as the environment gave it; none can end its line or start another."""
    assert format_message([]) == b""
    answer = [("username", "git"), ("password", "hf_é\udcff")]
    assert format_message(answer) == b"username=git\npassword=hf_\xc3\xa9\xff\n"
    message = "the password contains a line break or a NUL, which git's credential format cannot carry"
    for end in "\n\r\0":
        with pytest.raises(Problem, match=message):
            format_message([("username", "git"), ("password", f"hf_{end}x")])
