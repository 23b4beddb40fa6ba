"""What strace saw of a run of tests, searched for secrets: `strace OPTIONS -o '|python -m leaks.trace FILE' COMMAND`.

FILE is what was found: of each place where a secret was, who put it there, how often, and in which test first.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

# A `?` before a call says that not every machine has it.
CALLS = (
    *("execve", "execveat", "clone", "?clone3", "?fork", "?vfork"),
    *("write", "writev", "pwrite64", "pwritev", "?pwritev2", "sendto", "sendmsg", "sendmmsg"),
    *("copy_file_range", "?sendfile", "splice"),  # these move bytes that nobody writes
    *("?rename", "?renameat", "renameat2", "?link", "linkat", "?symlink", "symlinkat", "?mkdir", "mkdirat"),
)
OPTIONS = (
    *("--follow-forks", "--seccomp-bpf", "--quiet=attach,personality,path-resolution", "--signal=none"),
    *("--decode-fds=all", "--decode-pids=pidns", "--no-abbrev", f"--string-limit={1 << 26}"),
    f"--trace={','.join(CALLS)}",
)

STRING = rb'"((?:[^"\\]|\\.)*)"'
STRINGS = re.compile(STRING, re.DOTALL)
SEAMS = re.compile(rb'"(?:\.\.\.)?, iov_len=\d+\}, \{iov_base="')  # of what one call writes in several pieces
LINE = re.compile(rb"(\d+) +(?:(\w+|\?{3})\(|<\.\.\. (\w+|\?{3}) resumed>|\+\+\+ )(.*)\n", re.DOTALL)
EXEC = re.compile(rb"(?:\d+<[^>]*>, )?" + STRING + rb", \[((?:" + STRING + rb"(?:, )?)*)\], \[")
CUT = re.compile(rb'(?<!\\)"\.\.\.')  # a string that was too long for strace
FAILED = re.compile(rb"\) += (?:-1 \w+|\?)[^\"]*$")
CHILD = re.compile(rb"\) += (\d+)(?: /\* (\d+) in strace's PID NS)?")
SINK = re.compile(rb"(\d+)<(.*?)>, (?=[\"{\[])", re.DOTALL)
MOVED = re.compile(rb"\d+<(.*?)>, .*?\d+<(.*?)>,", re.DOTALL)

# A token of the Hub, whoever made it; names in programs, such as hf_hub_download, are none.
SHAPE = re.compile(rb"hf_(?:oauth__refresh_|oauth_|jwt_)[\w.-]{8,}|hf_[A-Za-z0-9]{12}[\w.-]*")
# `hf_` as URLs and JSON may write it, and the three ways in which its letters can fall in base64, each with how far the
# next whole group of four is, and what came before that.
ODD = re.compile(rb"hf(?:%5f|\\\\u005f)", re.IGNORECASE)
IN_BASE64 = ((b"aGZf", 0, b""), (b"hmX", 2, b"hf"), (b"oZl", 1, b"h"))
RUN = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
LONGEST = 1024  # characters of a secret, as strace writes it: so much of the last write is looked at with the next
SHORTEST = 8  # of one without that shape; what is shorter stands in many texts


def in_base64(text: bytes) -> Iterator[bytes]:
    """The tokens that stand in `text` in base64, alone or behind something like `git:`."""
    for letters, ahead, before in IN_BASE64:
        at = text.find(letters)
        while at >= 0:
            if run := RUN.match(text, at + ahead):
                whole = run[0][: len(run[0]) // 4 * 4]
                if found := SHAPE.match(before + base64.b64decode(whole, b"-_" if {*b"-_"} & {*whole} else None)):
                    yield found[0]
            at = text.find(letters, at + 1)


def forms(secret: bytes) -> set[bytes]:
    """How a secret of another shape may be written, in strace's words: as it is, in a URL, in JSON, in base64."""
    plain = secret.decode("unicode_escape").encode("latin-1")  # strace has written it once
    found = {secret, quote(plain, safe="").encode()}
    found.add(json.dumps(plain.decode(errors="replace"))[1:-1].replace("\\", "\\\\").replace('"', '\\"').encode())
    for before, first in enumerate((0, 2, 3)):  # letters that have bits of what stands before
        encoded = base64.b64encode(b"\0" * before + plain).rstrip(b"=")
        found.add(encoded[first:-1])
    return found


class Image:
    """What a process runs: `parent` is what it ran before, or what started it. Of a fork, that is all there is."""

    def __init__(self, parent: Image | None = None, arguments: list[str] | None = None) -> None:
        self.parent, self.arguments = parent, arguments
        self.environment: dict[str, str] = {}  # those variables that hold a secret

    @property
    def executed(self) -> Image:
        """What was executed last, by it or by whom it is a fork of."""
        return self.parent.executed if self.arguments is None and self.parent else self

    @property
    def program(self) -> str:
        return program(self.executed.arguments or ["?"])

    @property
    def by(self) -> Image:
        """What was executed before that."""
        before = self.executed.parent
        return before.executed if before else Image()


COMMANDS = {"git": 1, "git-lfs": 1, "git-credential-hf": 1, "hf": 2, "gh": 2}  # words that say what it does
INTERPRETERS = re.compile(r"python[\d.]*|node|perl|env|busybox|(?:ba|da|z|fi)?sh")


def program(arguments: list[str]) -> str:
    """A process in words: `git credential`, `git-credential-hf get`, `hf auth login`, `sh -c`."""
    name, rest = arguments[0].rpartition("/")[2], arguments[1:]
    if INTERPRETERS.fullmatch(name):
        while rest[:1] and rest[0].startswith("-") and rest[0] not in ("-c", "-ec", "-m"):
            rest = rest[1:]
        if rest[:1] and not rest[0].startswith("-"):
            return program(rest)
        return " ".join([name, *rest[: 2 if rest[:1] == ["-m"] else 1]])
    while rest[:1] and rest[0].startswith("-"):
        rest = rest[2 if rest[0] in ("-c", "-C", "--token") else 1 :]
    return " ".join([name, *rest[: COMMANDS.get(name, 0)]])


class Trace:
    """Reads strace's lines, and keeps where a secret was. `base`: the directory below which the tests' own are."""

    def __init__(self, base: str) -> None:
        self.base = re.compile(re.escape(base) + r"/(?:(home|runtime)\d+|[^/]*)")
        self.images: dict[bytes, Image] = {}
        self.orphans: dict[bytes, Image] = {}  # those of processes that strace has not yet told the parents of
        self.unfinished: dict[bytes, tuple[bytes, bytes]] = {}
        self.ends: dict[bytes, bytes] = {}  # of what was last written to a place
        self.holding: set[bytes] = set()  # files into which a secret was written
        self.errors: set[str] = set()  # pipes that are somebody's stderr
        self.secrets: set[bytes] = set()  # that were announced
        self.needles: dict[bytes, bytes] = {}  # those that have no shape, in all their forms
        self.test = "before the tests"
        self.hits: list[tuple[Image, str, str, str]] = []  # by whom, how, where, in which test
        self.tests = self.processes = self.bytes = self.cut = 0

    def read(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            match = LINE.fullmatch(line)
            if match is None:
                raise ValueError(f"not a line of strace's: {line[:200]!r}")
            process, call, resumed, rest = match.groups()
            if resumed:
                call, begun = self.unfinished.pop(process, (resumed, b""))
                self.see(process, call, begun + rest)
            elif call and rest.endswith(b"<unfinished ...>"):
                self.unfinished[process] = call, rest.removesuffix(b"<unfinished ...>")
            elif call:
                self.see(process, call, rest)
            else:  # its end: perhaps in the middle of a call, and what it wrote may have been heard
                if process in self.unfinished:
                    self.see(process, *self.unfinished.pop(process))
                self.images.pop(process, None)

    def see(self, process: bytes, call: bytes, rest: bytes) -> None:
        if process not in self.images:
            self.images[process] = self.orphans[process] = Image()
        image = self.images[process]
        if call in (b"clone", b"clone3", b"fork", b"vfork"):
            if child := CHILD.search(rest):
                number = child[2] or child[1]
                if number in self.orphans:
                    self.orphans.pop(number).parent = image
                else:
                    self.images[number] = image
        elif call.startswith(b"exec"):
            if not FAILED.search(rest):
                self.execute(process, image, rest)
        elif call.startswith((b"rename", b"link", b"symlink", b"mkdir")):
            self.name(image, rest)
        elif call in (b"copy_file_range", b"sendfile", b"splice"):
            if moved := MOVED.match(rest):
                source, sink = moved.groups()[:: -1 if call == b"sendfile" else 1]
                if source in self.holding:
                    self.holding.add(sink)
                    self.hit(image, "copied", sink)
        elif sink := SINK.match(rest):  # or the descriptor was closed
            self.write(image, sink[1], sink[2], rest[sink.end() :])

    def hit(self, image: Image, how: str, where: bytes) -> None:
        self.hits.append((image, how, where.decode(errors="replace"), self.test))

    def execute(self, process: bytes, before: Image, rest: bytes) -> None:
        self.processes += 1
        self.bytes += len(rest)
        match = EXEC.match(rest)
        assert match, rest[:500]
        path, *arguments = match[1], *STRINGS.findall(match[2])[1:]
        words = [word.decode(errors="replace") for word in (path, *arguments)]
        self.images[process] = image = Image(before, words)
        if not any(self.find(rest)):
            return
        for argument in arguments:
            if any(self.find(argument)):
                self.hit(image, "argument", argument)
        for variable in STRINGS.findall(rest, match.end()):
            if any(self.find(variable)):
                name, _, value = variable.decode(errors="replace").partition("=")
                image.environment[name] = value
                self.hit(image, "environment", name.encode())

    def name(self, image: Image, rest: bytes) -> None:
        """A file gets a name: that may be a secret, or the file have one in it."""
        self.bytes += len(rest)
        names = STRINGS.findall(rest)
        for name in names:
            if any(self.find(name)):
                self.hit(image, "name", name)
        for held in [*self.holding] if len(names) == 2 else ():
            if held == names[0] or held.endswith(b"/" + names[0]):
                self.holding.discard(held)  # what is written there from now on is another file
                self.holding.add(names[1] if names[1].startswith(b"/") else held.removesuffix(names[0]) + names[1])
                self.hit(image, "renamed", names[1])

    def write(self, image: Image, descriptor: bytes, place: bytes, content: bytes) -> None:
        if place.startswith(b"/dev/null") and content.startswith(b'"leaks ') and image.program == "pytest":
            self.hear(STRINGS.findall(content)[0])
            return
        kind = "file"
        if place.startswith(b"pipe:"):
            kind = {b"1": "stdout", b"2": "stderr"}.get(descriptor, "pipe")
        elif not place.startswith(b"/"):
            kind = "network" if place.startswith((b"TCP", b"UDP")) else "socket"
        elif place.startswith((b"/dev/pts", b"/dev/tty")):
            kind = "terminal"
        if kind == "stderr":
            self.errors.add(place.decode())
        self.bytes += len(content)
        self.cut += len(CUT.findall(content))
        text = SEAMS.sub(b"", content[content.find(b'"') + 1 : content.rfind(b'"')])
        # What is written in two goes is read as one.
        before = self.ends.get(place, b"")
        if kind != "network":
            self.ends[place] = (before + text)[-LONGEST:]
        if any(self.find(text)) or (before and self.count(before + text[:LONGEST]) > self.count(before)):
            if kind == "file":
                self.holding.add(place)
            self.hit(image, "stderr" if descriptor == b"2" else kind, place)

    def hear(self, said: bytes) -> None:
        _, what, value = said.split(b" ", 2)
        if what == b"test":
            self.tests += 1
            self.test = value.decode()
        elif value not in self.secrets:
            self.secrets.add(value)
            if not SHAPE.match(value) and len(value) >= SHORTEST:
                self.needles.update(dict.fromkeys(forms(value), value))

    def find(self, text: bytes) -> Iterator[bytes]:
        """The secrets in what strace shows of some bytes."""
        if b"hf%" in text or b"hf\\\\u" in text:
            text = ODD.sub(b"hf_", text)
        if b"hf_" in text:
            yield from SHAPE.findall(text)
        if any(letters in text for letters, _, _ in IN_BASE64):
            yield from in_base64(text)
        for needle, secret in self.needles.items():
            if needle in text:
                yield secret

    def count(self, text: bytes) -> int:
        return sum(len(secret) for secret in self.find(text))

    def found(self) -> dict[str, object]:
        """Each place once: who, started by whom, how, where, how often, and in which test first."""
        places: dict[tuple[str, str, str, str], list[object]] = {}
        for image, how, where, test in self.hits:
            who, by = image.program, image.by.program if how in ("argument", "environment") else ""
            if how == "environment" and image.by.environment.get(where) == image.environment[where]:
                who, by, how = "*", "", "inherited"
            elif where in self.errors:
                how = "stderr"
            if how in ("stdout", "pipe", "stderr", "socket", "argument"):
                where = ""
            where = self.base.sub(lambda match: {"home": "~", "runtime": "RUN"}.get(match[1], "TMP"), where)
            key = who, by, how, re.sub(r"\d+", "#", where)
            places.setdefault(key, [0, test])[0] += 1  # type: ignore[operator]
        return {
            **{name: getattr(self, name) for name in ("tests", "processes", "bytes", "cut")},
            "secrets": len(self.secrets),
            "hits": [[*key, *value] for key, value in sorted(places.items())],
        }


if __name__ == "__main__":
    trace = Trace(sys.argv[2])
    trace.read(sys.stdin.buffer)
    Path(sys.argv[1]).write_text(json.dumps(trace.found(), indent=1))
