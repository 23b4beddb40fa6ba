"""What the long run sees: it would be worth nothing if it were blind in one eye."""

import base64
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leaks.table import ROWS, Row, judge
from leaks.trace import OPTIONS, Trace

TOKEN = "hf_TrAcEtRaCeTrAcEtRaCeTrAcEtRaCe1234"
PROGRAM = """
import base64, os, shutil, socket, subprocess, sys, threading
token = sys.stdin.read()
in_base64 = lambda text: base64.b64encode(text.encode())
def write(name, content):
    with open(name, "wb") as file:
        file.write(content)
subprocess.run(["true", "--token=" + token])
subprocess.run(["sh", "-c", "/bin/true; true"], env={**os.environ, "TOKEN": token})
os.write(2, token[:9].encode())
os.write(2, token[9:].encode() + b"\\n")
os.writev(1, [b"one ", token[:20].encode(), token[20:].encode()])
threading.Thread(target=write, args=("thread", token.encode())).start()
write("git", b"Basic " + in_base64("git:" + token))
write("me", b"Basic " + in_base64("me:" + token))
write("alone", b"Basic " + in_base64(token))
write("url", token.replace("_", "%5F").encode())
write("json", b'"' + token.replace("_", "\\\\u005f").encode() + b'"')
write("nothing", b"hf_hub_download hf_user hf_****1234 " + in_base64("git:hf_user"))
shutil.copyfile("git", "copy")
os.rename("copy", "moved")
os.mkdir(token)
one, other = socket.socketpair()
one.sendmsg([token.encode()])
subprocess.run(["sh", "-c", "exec 1>&2; cat thread"])
"""


def test_the_tracer_sees_it_everywhere(tmp_path: Path) -> None:
    """A token in an argument, a variable, a file, a name, a pipe or a socket is found, encoded or in two pieces."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    found = tmp_path / "found.json"
    sink = f"|{shlex.join([sys.executable, '-m', 'leaks.trace', str(found), str(tmp_path.parent)])}"
    done = subprocess.run(
        ["strace", *OPTIONS, "-o", sink, sys.executable, "-c", PROGRAM],
        input=TOKEN,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    if "PTRACE" in done.stderr:
        pytest.skip(f"strace cannot trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    seen = json.loads(found.read_text())
    assert {(how, where.rpartition("/")[2]) for _, _, how, where, *_ in seen["hits"]} == {
        *((how, "") for how in ("argument", "stdout", "stderr", "socket")),
        *((how, "TOKEN") for how in ("environment", "inherited")),
        *(("file", name) for name in ("thread", "git", "me", "alone", "url", "json")),
        *(("copied", "copy"), ("renamed", "moved"), ("name", TOKEN.replace("1234", "#"))),
    }
    assert seen["cut"] == 0


def test_other_secrets_are_found_too() -> None:
    """A password that looks like no token is looked for in every form that one may be written in."""
    trace = Trace("/base")
    trace.hear(b'leaks secret p@ss/w\\"rd!')
    for form in (b'p@ss/w\\"rd!', b"p%40ss%2Fw%22rd%21", b'p@ss/w\\\\\\"rd!', base64.b64encode(b'git:p@ss/w"rd!')):
        assert list(trace.find(b"what: " + form)) == [b'p@ss/w\\"rd!'], form
    assert not list(trace.find(b"p@ss"))


def test_what_is_in_no_row_is_a_leak() -> None:
    """Judged is by the table alone; and a row that nothing fits any more is named."""
    rows = [Row("an answer", "helper get", "stdout"), Row("a cache", "helper .*", "file", "~/cache")]
    hits = [["helper get", "", "stdout", "", 2, "a"], ["helper get", "", "stderr", "", 1, "b"]]
    assert judge(hits, rows) == ({rows[0]: 2, rows[1]: 0}, [["helper get", "", "stderr", "", 1, "b"]])


@pytest.mark.parametrize(
    "hit",
    [
        ("git-credential-hf get", "", "stderr", ""),
        ("git-credential-hf get", "", "stdout", ""),  # its answer goes out by another descriptor
        ("git-credential-hf get", "", "file", "~/.cache/git-credential-hf/may"),
        ("git-credential-hf doctor", "", "stdout", ""),
        ("git-credential-hf status", "", "pipe", ""),
        ("git config", "git-credential-hf doctor", "argument", ""),
        ("git credential", "git-credential-hf hook", "environment", "HF_TOKEN"),
        ("*", "", "inherited", "GIT_CREDENTIAL_HF_CHECKED"),
        ("git", "", "stderr", ""),
    ],
    ids=" ".join,
)
def test_the_table_is_narrow(hit: tuple[str, ...]) -> None:
    """What our program must never do is in no row."""
    assert judge([[*hit, 1, "a test"]], ROWS)[1]
