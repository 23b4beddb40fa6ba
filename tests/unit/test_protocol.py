"""git's credential protocol as the installed executable speaks it: exact bytes in, exact bytes out."""

# ruff: noqa: RUF001 - letters that look like others are what is tested here

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from git_credential_hf.problem import Problem
from git_credential_hf.protocol import format_answer, parse_request, read_message

TOKEN = "hf_" + "Protocol" * 4 + "wxyz"
ANSWER = f"username=git\npassword={TOKEN}\n".encode()
HUB = b"protocol=https\nhost=huggingface.co\n"
SERVED, SILENT = (0, ANSWER, b""), (0, b"", b"")

KIB, MIB = 1024, 1024 * 1024


@pytest.fixture(autouse=True)
def token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def helper(operation: str, message: bytes, **options: Any) -> tuple[int, bytes, bytes]:
    return run(["git-credential-hf", operation], message, **options)


def run(command: list[str], message: bytes, **options: Any) -> tuple[int, bytes, bytes]:
    done = subprocess.run(command, input=message, capture_output=True, timeout=60, **options)
    return done.returncode, done.stdout, done.stderr


def refusal(why: str) -> tuple[int, bytes, bytes]:
    return 1, b"", f"git-credential-hf: error: refused a malformed credential request: {why}\n".encode()


CR, NUL = "a line contains a carriage return", "a line contains a NUL"
REFUSED = {
    "CRLF": (HUB.replace(b"\n", b"\r\n") + b"\r\n", CR),
    "CR as the end of a line": (b"protocol=https\nhost=evil.example\rhost=huggingface.co\n\n", CR),
    "CR at the end of the host": (b"protocol=https\nhost=huggingface.co\r\n\n", CR),
    "CR at the start of a line": (HUB + b"\rpath=a\n\n", CR),
    "CR in a key": (HUB + b"pa\rth=a\n\n", CR),
    "CR in a value nobody reads": (HUB + b"unknown=a\rb\n\n", CR),
    "CR in one of several values": (HUB + b"wwwauth[]=Basic\r\n\n", CR),
    "CR alone on the last line": (HUB + b"\r", CR),
    "NUL in the host": (b"protocol=https\nhost=huggingface.co\0.evil.example\n\n", NUL),
    "NUL in a key": (HUB + b"un\0known=a\n\n", NUL),
    "NUL alone": (b"\0", NUL),
    "a line without =": (HUB + b"username\n\n", "a line has no '='"),
    "a blank for a line": (HUB + b" \n\n", "a line has no '='"),
    "a URL for a line": (b"https://huggingface.co/\n\n", "a line has no '='"),
    "no = on the last line, no LF": (HUB + b"x", "a line has no '='"),
    "two protocols": (b"protocol=http\n" + HUB + b"\n", "it names protocol twice"),
    "two hosts": (HUB + b"host=evil.example\n\n", "it names host twice"),
    "the same host twice": (HUB + b"host=huggingface.co\n\n", "it names host twice"),
    "a blank host, then another": (b"protocol=https\nhost=\nhost=huggingface.co\n\n", "it names host twice"),
    "two usernames": (HUB + b"username=a\nusername=b\n\n", "it names username twice"),
    "two paths": (HUB + b"path=a\npath=b\n\n", "it names path twice"),
    "two passwords": (HUB + b"password=a\npassword=b\n\n", "it names password twice"),
    "a blank host": (b"protocol=https\nhost=\n\n", "its host is blank"),
    "a blank host and nothing else": (b"host=\n\n", "its host is blank"),
    "a blank host, no LF": (b"host=", "its host is blank"),
    "a line of 64 KiB and a byte": (HUB + b"x=" + b"a" * (64 * KIB - 1) + b"\n\n", "a line is longer than 65536 bytes"),
    "the same, no LF": (HUB + b"x=" + b"a" * (64 * KIB - 1), "a line is longer than 65536 bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_requests_are_refused(name: str) -> None:
    """What is malformed gets nothing on stdout, one clear line on stderr, and 1; whatever the operation."""
    message, why = REFUSED[name]
    for operation in ("get", "store", "erase"):
        assert helper(operation, message) == refusal(why), operation


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_problems(name: str) -> None:
    """The reader alone, too, refuses each of them, in one line that says why and holds nothing of the message."""
    message, why = REFUSED[name]
    with pytest.raises(Problem) as raised:
        parse_request(message)
    assert (raised.value.message, raised.value.fix) == (f"refused a malformed credential request: {why}", None)


def filled(size: int, start: bytes = HUB) -> bytes:
    """A message of `size` bytes, in lines that are allowed, and without the blank line at its end."""
    lines = [start]
    left = size - len(start)
    while left > 0:
        length = left if left <= 64 * KIB else min(64 * KIB, left - 8)  # LF included; leave room for a last line
        lines.append(b"x=" + b"a" * (length - 3) + b"\n")
        left -= length
    return b"".join(lines)


def test_line_of_exactly_64_kib_is_read() -> None:
    """A line may have 65536 bytes without its LF, with an LF or at the end of the input."""
    line = b"x=" + b"a" * (64 * KIB - 2)
    assert len(line) == 65536
    assert helper("get", HUB + line + b"\n\n") == SERVED
    assert helper("get", HUB + line) == SERVED


def test_message_of_exactly_1_mib_is_read() -> None:
    """All lines together may have 1048576 bytes, the blank one included; one more is refused."""
    message = filled(MIB - 1) + b"\n"
    assert len(message) == MIB
    assert helper("get", message) == SERVED
    assert helper("get", filled(MIB)) == SERVED
    assert helper("get", filled(MIB + 1)) == refusal("it is longer than 1048576 bytes")
    assert helper("get", b"\xff" * 3 * MIB) == refusal("it is longer than 1048576 bytes")


def test_what_follows_the_blank_line_does_not_count() -> None:
    """The limit is one of the message: bytes behind the blank line, which nobody reads, make it no longer."""
    message = filled(MIB - 100) + b"\n"
    assert parse_request(message + b"x" * 200).host == b"huggingface.co"
    # The first bytes alone, so that the last block that is read reaches over the limit.
    assert helper_in_pieces([message[:10], message[10:] + b"x" * 200]) == SERVED


def helper_in_pieces(pieces: list[bytes], *, keep_open: bool = False, wait: float = 0.1) -> tuple[int, bytes, bytes]:
    """What `get` answers to a caller who writes piece after piece, and perhaps never closes its pipe."""
    process = subprocess.Popen(
        ["git-credential-hf", "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin and process.stdout and process.stderr
    with process:
        try:
            for piece in pieces:
                os.write(process.stdin.fileno(), piece)
                time.sleep(wait)
            if not keep_open:
                process.stdin.close()
            status = process.wait(5)
            return status, process.stdout.read(), process.stderr.read()
        finally:
            process.kill()


def test_message_may_come_in_pieces() -> None:
    """Where the blocks of a pipe begin and end makes no difference."""
    message = HUB + b"wwwauth[]=Basic\n\n"
    assert helper_in_pieces([message[i : i + 1] for i in range(len(message))], wait=0.001) == SERVED
    assert helper_in_pieces([HUB[:-1], b"\n", b"\n"]) == SERVED


BEHIND_THE_END = {
    "nothing": b"",
    "a line without =": b"junk\n",
    "a NUL and a CR": b"\0\r\n",
    "another host": b"host=evil.example\n\n",
    "another message": HUB + b"\n",
}


@pytest.mark.parametrize("name", BEHIND_THE_END)
def test_blank_line_ends_the_message(name: str) -> None:
    """Behind the blank line nothing is read, and the end of the input is not waited for."""
    assert helper("get", HUB + b"\n" + BEHIND_THE_END[name]) == SERVED
    assert helper("get", b"\n" + BEHIND_THE_END[name] + HUB) == SILENT
    assert helper_in_pieces([HUB + b"\n" + BEHIND_THE_END[name]], keep_open=True) == SERVED
    assert helper_in_pieces([b"\n" + BEHIND_THE_END[name]], keep_open=True) == SILENT


@pytest.mark.parametrize("name", ["CRLF", "NUL in the host", "a line without ="])
def test_refusal_does_not_wait_for_the_end_of_the_input(name: str) -> None:
    """A caller who has sent a whole malformed message and waits for the answer, pipe open, does not wait for ever."""
    message, why = REFUSED[name]
    assert helper_in_pieces([message], keep_open=True) == refusal(why)


ENDS = {
    "no LF at the end": HUB[:-1],
    "no blank line at the end": HUB,
    "several blank lines": HUB + b"\n\n\n",
    "host first": b"host=huggingface.co\nprotocol=https\n\n",
    "unknown keys": HUB + b"unknown=1\nunknown=2\nurl=https://evil.example\n=\n==\n password=x\nHost=evil.example\n\n",
    "several values": HUB + b'capability[]=authtype\ncapability[]=state\nwwwauth[]=Basic realm="x=y"\nstate[]=\n\n',
    "unknown several values": HUB + b"more[]=1\nmore[]=2\nmore[]=\n\n",
    "all single keys, blank": HUB + b"username=\npath=\npassword=\n\n",
    "an = in a value": HUB + b"path=a=b=c\n\n",
    "a username": HUB + b"username=alice\n\n",
    "bytes that are no UTF-8": HUB + b"username=\xff\npath=\xc3(\n\xfe=\x80\nwwwauth[]=\xa0\n\n",
    "control characters": HUB + b"path=\x1b[31m\t\x0b\x0c\x1c\x85\n\n",  # some are ends of a line to str.splitlines
}


@pytest.mark.parametrize("name", ENDS)
def test_well_formed_requests_are_answered(name: str) -> None:
    """LF alone ends lines, order is free, and what we do not know is ignored."""
    assert helper("get", ENDS[name]) == SERVED
    assert helper("store", ENDS[name]) == SILENT
    assert helper("erase", ENDS[name]) == SILENT


HOSTS = {
    "Hub": (b"https", b"huggingface.co"),
    "its short name": (b"https", b"hf.co"),
    "letter case": (b"https", b"HuggingFace.CO"),
    "letter case of the protocol": (b"HTTPS", b"HF.co"),
    "port": (b"https", b"huggingface.co:443"),
    "port of the short name": (b"https", b"hf.co:443"),
}


@pytest.mark.parametrize("name", HOSTS)
def test_hub_is_answered(name: str) -> None:
    """The Hub's two hosts are served over https, in any letter case, with or without the port."""
    protocol, host = HOSTS[name]
    assert helper("get", b"protocol=%s\nhost=%s\n\n" % (protocol, host)) == SERVED


NOT_OURS = {
    "empty input": b"",
    "a blank line": b"\n",
    "another host": b"protocol=https\nhost=github.com\n\n",
    "http": b"protocol=http\nhost=huggingface.co\n\n",
    "ssh": b"protocol=ssh\nhost=huggingface.co\n\n",
    "a blank protocol": b"protocol=\nhost=huggingface.co\n\n",
    "a protocol that is none": b"protocol=https:\nhost=huggingface.co\n\n",
    "a protocol with a blank": b"protocol= https\nhost=huggingface.co\n\n",
    "no protocol": b"host=huggingface.co\n\n",
    "no host": b"protocol=https\n\n",
    "a blank host of another protocol": b"protocol=cert\nhost=\npath=/home/alice/key.pem\n\n",
    "a URL instead": b"url=https://huggingface.co\n\n",
    "the host in a path": b"protocol=https\nhost=evil.example\npath=huggingface.co\n\n",
    "keys in capitals": b"PROTOCOL=https\nHOST=huggingface.co\n\n",
    "bytes that are no UTF-8": b"protocol=\xff\nhost=huggingface.co\xff\n\n",
    **{
        host: f"protocol=https\nhost={host}\n\n".encode()
        for host in (
            *("huggingface.co.evil.example", "evilhuggingface.co", "sub.huggingface.co", "huggingface.co:8443"),
            *("huggingface.co:80", "huggingface.co:0443", "huggingface.co:", "huggingface.co:443:443", "hf.co:8443"),
            *("huggingface.co.", ".huggingface.co", "hf.co.", "huggingface.com", "huggingface", "hf.com", "co"),
            *("git@huggingface.co", "huggingface.co@evil.example", "evil.example@huggingface.co", "huggingface.co/"),
            *("huggingface.co%00.evil.example", "huggingface%2eco", "huggingface.co#", "huggingface.co?", "hf.co\\x"),
            *(" huggingface.co", "huggingface.co ", "huggingface.co\t", "huggingfacе.co", "ｈf.co", "huggingﬀace.co"),
            *(
                "127.0.0.1",
                "localhost",
                "[::1]",
                "*.huggingface.co",
                "*",
                "cdn-lfs.huggingface.co",
                "hub-ci.huggingface.co",
            ),
        )
    },
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_others_get_silence(name: str) -> None:
    """What is not the Hub's, however it is spelt, gets nothing: no answer, no message, no failure."""
    message = NOT_OURS[name]
    assert helper("get", message) == SILENT
    if message and not message.startswith(b"\n"):
        message = message[:-1] + b"username=git\npassword=" + TOKEN.encode() + b"\n\n"
    assert helper("store", message) == SILENT
    assert helper("erase", message) == SILENT


@pytest.mark.parametrize("operation", ["approve", "frobnicate", "GET", "get ", "list", "", "a\x1b[31m", "\udcff"])
def test_unknown_operations_are_ignored(operation: str) -> None:
    """Operations that git may add are ignored in silence, as gitcredentials(7) asks, whatever their input is."""
    for message in (HUB + b"\n", b"", REFUSED["CRLF"][0], b"\0\r\xff" * 100_000):
        assert helper(operation, message) == SILENT


@pytest.mark.parametrize("message", [b"", HUB + b"\n", REFUSED["NUL in the host"][0]])
def test_capability(message: bytes) -> None:
    """`capability` names the version of the format and nothing that we do not do; it needs no input."""
    assert helper("capability", message) == (0, b"version 0\n", b"")


def test_several_values_keep_their_order() -> None:
    """Each value of a `[]` key is kept in order, each list for itself, and an empty one forgets those before it."""
    request = parse_request(
        b"wwwauth[]=a\ncapability[]=x\nwwwauth[]=b=c\nstate[]=1\nstate[]=\nwwwauth[]=a\ncapability[]=\ncapability[]=y\n"
    )
    assert request.multiple == {b"wwwauth[]": [b"a", b"b=c", b"a"], b"capability[]": [b"y"], b"state[]": []}


def test_single_values_are_kept_as_bytes() -> None:
    """A value is what stands behind the first `=`, byte for byte; what was not named is None, and not blank."""
    request = parse_request(b"protocol=https\nhost=hf.co\nusername=\npath=a=\xff \nnot=known\n\npassword=x\n")
    assert (request.protocol, request.host, request.username) == (b"https", b"hf.co", b"")
    assert (request.path, request.password) == (b"a=\xff ", None)


@pytest.mark.parametrize("where", ["", "http", "HTTP", "Https"])
def test_a_blank_host_is_refused_in_any_letter_case(where: str) -> None:
    """Without a host, the protocols of the web name nobody; that of a file needs none."""
    with pytest.raises(Problem, match="its host is blank"):
        parse_request(b"protocol=" + where.encode() + b"\nhost=\n")
    assert parse_request(b"protocol=cert\nhost=\n").host == b""
    assert parse_request(b"protocol=https\n").host is None


def test_the_longest_are_read_by_the_reader(tmp_path: Path) -> None:
    """The limits are what a line and a message may have, and the blank line is one of its lines."""
    line = b"x=" + b"a" * (64 * KIB - 2)
    assert parse_request(HUB + line).host == b"huggingface.co"
    longest = filled(MIB)
    assert parse_request(longest).host == b"huggingface.co"
    for message in (longest + b"\n", longest + b"x"):
        with pytest.raises(Problem, match="it is longer than 1048576 bytes"):
            parse_request(message)
    assert parse_request(filled(MIB - 1) + b"\n" + b"x" * 99).host == b"huggingface.co"
    (tmp_path / "longer").write_bytes(longest + b"x=1\n")
    with (tmp_path / "longer").open("rb") as file:
        assert len(read_message(file.fileno())) > MIB  # or a message that is too long would pass for a whole one


@pytest.mark.parametrize("message", [HUB + b"\n", b"\n", HUB + b"\r", b"\0", HUB[:-1]])
def test_reading_ends(message: bytes) -> None:
    """A blank line, or what makes a message none, ends it while the pipe is open; so does the end of the input."""
    source, sink = os.pipe()
    os.write(sink, message)
    if message == HUB[:-1]:
        os.close(sink)
    assert read_message(source) == message
    if message != HUB[:-1]:
        os.write(sink, b"more")
        assert os.read(source, 9) == b"more"
        os.close(sink)
    os.close(source)


def test_answers_are_lines_as_given() -> None:
    """Each value is a line, byte for byte as the environment gave it; none can start another line or end its own."""
    assert format_answer({}) == b""
    assert format_answer({"username": "git", "password": "hf_é\udcff"}) == b"username=git\npassword=hf_\xc3\xa9\xff\n"
    for end in "\n\r\0":
        with pytest.raises(Problem) as raised:
            format_answer({"username": "git", "password": f"hf_{end}x"})
        assert (
            raised.value.message
            == "the password contains a line break or a NUL, which git's credential format cannot carry"
        )
        assert raised.value.fix == "run `hf auth login`"


# --- descriptors ---


def shell(command: str, message: bytes = HUB + b"\n") -> tuple[int, bytes, bytes]:
    return run(["/bin/sh", "-c", command], message)


def test_closed_stdin_is_not_a_bug_of_ours() -> None:
    """Without a stdin nothing is asked: no answer, and no internal error to report."""
    for operation in ("get", "store", "erase"):
        status, stdout, stderr = shell(f"exec git-credential-hf {operation} <&-")
        assert stdout == b""
        assert b"internal error" not in stderr
        assert status in (0, 1)
        assert stderr.count(b"\n") <= 1


def test_closed_stdin_does_not_read_stdout(home: Path) -> None:
    """Without a stdin, stdout is not read in its place, where it can be (a terminal, a socket, a file)."""
    (home / "file").write_bytes(HUB + b"\n")
    shell("exec git-credential-hf get <&- 1<>file")
    assert (home / "file").read_bytes() == HUB + b"\n"


def test_closed_stdout_is_no_failure() -> None:
    """Where nobody can be answered, nothing is said, and the answer goes nowhere else."""
    status, stdout, stderr = shell("exec git-credential-hf get >&-")
    assert (stdout, stderr) == (b"", b"")
    assert status in (0, 1)


NO_TOKEN = "unset HF_TOKEN; "


def test_closed_stderr_leaves_stdout_to_the_answer() -> None:
    """Without a stderr, messages are lost; none of them goes to git as a part of the answer."""
    assert shell("exec git-credential-hf get 2>&-") == SERVED
    assert shell(NO_TOKEN + "exec git-credential-hf get 2>&-") == SILENT
    assert shell("exec git-credential-hf get 2>&-", b"junk\n\n") == (1, b"", b"")
    assert shell("GIT_CREDENTIAL_HF_TRACE=1 exec git-credential-hf get 2>&-") == SERVED


def test_all_closed_ends() -> None:
    """Without any descriptor the program still ends by itself, and not by a signal."""
    assert shell("git-credential-hf get <&- >&- 2>&-; [ $? -lt 2 ]")[0] == 0


@pytest.mark.parametrize("operation", ["get", "capability"])
def test_reader_that_goes_away_is_no_failure(operation: str) -> None:
    """A caller who closes its end before the answer leaves no traceback, and no message."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        process = subprocess.run(
            ["git-credential-hf", operation], input=HUB + b"\n", stdout=writer, stderr=subprocess.PIPE, timeout=60
        )
    finally:
        os.close(writer)
    assert process.stderr == b""
    assert process.returncode in (0, 1)


def test_nobody_listens_on_stderr() -> None:
    """A stderr whose reader is gone changes neither the answer nor the exit status."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        for message, expected in ((HUB + b"\n", (0, ANSWER)), (b"junk\n\n", (1, b""))):
            process = subprocess.run(
                ["git-credential-hf", "get"], input=message, stdout=subprocess.PIPE, stderr=writer, timeout=60
            )
            assert (process.returncode, process.stdout) == expected
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    ("operation", "expected"), [("get", [ANSWER]), ("capability", [b"version 0\n"]), ("store", [])]
)
def test_answer_is_one_write(operation: str, expected: list[bytes]) -> None:
    """The answer comes in one write: git uses the half that it has got; this socket keeps writes apart."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        subprocess.run(
            ["git-credential-hf", operation], input=HUB + b"\n", stdout=theirs.fileno(), timeout=60, check=True
        )
        theirs.close()
        packets = []
        while packet := ours.recv(65536):
            packets.append(packet)
    assert packets == expected


# --- what else could reach stdout, or be run ---

NOISE = """
import os, subprocess, sys, warnings
print("printed")
print("printed to the first stdout", file=sys.__stdout__, flush=True)
os.write(1, b"written")
subprocess.run(["echo", "by a child"])
warnings.warn("warned")
"""

# Stands for a huggingface_hub (or what it imports) that prints, and answers the exchange without a Hub.
NOISY_HUGGINGFACE_HUB = {
    "__init__.py": NOISE
    + """
class Session:
    timeout, headers, event_hooks = None, {}, {"response": []}
def get_session():
    return Session()
def get_token():
    print("asked")
    return "hf_jwt_" + "Noisy" * 8
""",
    "utils/__init__.py": "",
    "utils/_auth.py": "_OIDC_TOKEN_CACHE = None",
}


@pytest.fixture
def noisy(tmp_path: Path) -> Path:
    for name, text in NOISY_HUGGINGFACE_HUB.items():
        file = tmp_path / "noisy" / "huggingface_hub" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "noisy"


def test_libraries_do_not_reach_stdout(noisy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library prints, in whichever way, goes to stderr; stdout has the answer alone."""
    monkeypatch.setenv("PYTHONPATH", str(noisy))
    monkeypatch.setenv("PYTHONWARNINGS", "always")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    answer = b"username=git\npassword=hf_jwt_" + b"Noisy" * 8 + b"\n"
    status, stdout, stderr = helper("get", HUB + b"\n")
    assert (status, stdout) == (0, answer)
    for noise in (b"printed\n", b"printed to the first stdout", b"written", b"by a child", b"asked"):
        assert noise in stderr
    assert shell("exec git-credential-hf get 2>&-") == (0, answer, b""), "with a closed stderr"


def test_library_that_fails_is_one_line(noisy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that cannot be imported costs the answer, and one error; git gets nothing to misread."""
    (noisy / "huggingface_hub" / "__init__.py").write_text("print('printed')\nraise ImportError('it is broken')\n")
    monkeypatch.setenv("PYTHONPATH", str(noisy))
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    status, stdout, stderr = helper("get", HUB + b"\n")
    assert (status, stdout) == (1, b"")
    assert stderr.count(b"git-credential-hf: error: ") == 1
    assert b"it is broken" in stderr
    assert b"Traceback" not in stderr


def test_python_that_prints_at_its_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sitecustomize that prints before we run and after is not in git's answer."""
    (tmp_path / "sitecustomize.py").write_text("import atexit\nprint('early')\natexit.register(print, 'late')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    status, stdout, stderr = helper("get", HUB + b"\n")
    assert (status, stdout) == (0, ANSWER)
    assert stderr == b"early\nlate\n"


MODULE = [sys.executable, "-m", "git_credential_hf"]


def test_module_is_the_same_program() -> None:
    """`python -m git_credential_hf` answers as the executable does."""
    assert run([*MODULE, "get"], HUB + b"\n") == SERVED
    assert run([*MODULE, "store"], HUB + b"\n") == SILENT
    assert run([*MODULE, "get"], REFUSED["CRLF"][0]) == refusal(CR)
    assert run([*MODULE, "frobnicate"], HUB) == SILENT
    assert run([*MODULE, "capability"], b"") == (0, b"version 0\n", b"")
    assert run([*MODULE, "--version"], b"") == run(["git-credential-hf", "--version"], b"")


# What we, click, huggingface_hub and the standard library import on the way, but Python itself does not.
SHADOWS = ("re", "time", "hashlib", "json", "click", "logging", "traceback", "configparser", "typing", "ssl", "httpx")


@pytest.fixture
def repository(home: Path) -> Path:
    """Somebody's repository: its modules have names that we import, and leave a mark where one is run."""
    (home / "repository").mkdir()
    for name in (*SHADOWS, "huggingface_hub"):
        (home / "repository" / f"{name}.py").write_text(f"open({str(home / 'mark')!r}, 'a').write(__name__)\n")
    return home / "repository"


WAYS = {"module": MODULE, "executable": ["git-credential-hf"]}
PYTHONPATHS = {"": None, "blank entry": ":", "dot": ".", "relative": "x/..", "trailing colon": "/nowhere:"}


@pytest.mark.parametrize("pythonpath", PYTHONPATHS)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_imported_from_the_current_directory(
    way: str, pythonpath: str, home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Helpers run in the repository that was just cloned: no module of it is ever run."""
    if path := PYTHONPATHS[pythonpath]:
        monkeypatch.setenv("PYTHONPATH", path)
        (repository / "x").mkdir()
    served = run([*WAYS[way], "get"], HUB + b"\n", cwd=repository)
    ignored = run([*WAYS[way], "frobnicate"], HUB, cwd=repository)
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "junk")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # where nobody listens
    failed = run([*WAYS[way], "get"], HUB + b"\n", cwd=repository)
    assert not (home / "mark").exists(), (home / "mark").read_text()
    assert (served, ignored) == (SERVED, SILENT)
    assert failed[:2] == (1, b"")


@pytest.mark.parametrize("pythonpath", PYTHONPATHS)
def test_executable_is_not_taken_from_the_current_directory(
    pythonpath: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository cannot bring its own `git_credential_hf`, not even where PYTHONPATH has a blank entry."""
    (home / "git_credential_hf").mkdir()
    for name in ("__init__", "__main__"):
        (home / "git_credential_hf" / f"{name}.py").write_text(f"open({str(home / 'mark')!r}, 'w')\ndef main(): pass\n")
    if path := PYTHONPATHS[pythonpath]:
        monkeypatch.setenv("PYTHONPATH", path)
        (home / "x").mkdir()
    answer = helper("get", HUB + b"\n")
    assert not (home / "mark").exists()
    assert answer == SERVED
