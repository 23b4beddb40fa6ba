"""Messages of git's credential protocol, to the program as git starts it, but within this process."""

from __future__ import annotations

import contextlib
import os
import random
import re
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from huggingface_hub import constants

from git_credential_hf import __main__ as program

KIB, MIB = 1024, 1024 * 1024


def token(letter: str) -> str:
    return "hf_" + letter * 34


def of_browser(letter: str) -> str:
    return "hf_oauth_" + letter * 34


# --- who is logged in ---

SOON = int(time.time()) + 30 * 24 * 3600


class Login(NamedTuple):
    """What there is of tokens: the variable, the token file, and the stored ones, each with its expiry or without."""

    variable: str | None = None
    file: str | None = None
    stored: Mapping[str, tuple[str, int | None]] = {}


LOGINS = {
    "variable": Login(token("a")),
    "file": Login(file=token("b")),
    "stored": Login(file=of_browser("c"), stored={"work": (token("d"), None), "git": (of_browser("c"), SOON)}),
    "both": Login(token("e"), token("f"), {"work": (token("f"), SOON), "alice": (token("g"), 1_000_000_000)}),
    "expired": Login(file=of_browser("h"), stored={"old": (of_browser("h"), 1_000_000_000)}),
    "nobody": Login(),
    "stored only": Login(stored={"work": (token("i"), SOON)}),
    "blank": Login(" \n", token("j")),
    "a company's": Login("of-a-company-and-of-no-form", token("k")),
}
TOKENS = [*map(token, "abcdefghijk"), "of-a-company-and-of-no-form"]

PUBLIC = {(b"https", host + port) for host in (b"huggingface.co", b"hf.co") for port in (b"", b":443")}
# `--hub`, and what it makes a Hub beside the public one (docs/how-it-works.md, "The Hub alone"): spelt out, in small
# letters. `None`: it is refused.
HUBS: dict[str, set[tuple[bytes, bytes]] | None] = {
    "": set(),
    "https://huggingface.co": set(),
    "https://hub.example:8443/": {(b"https", b"hub.example:8443")},
    "http://127.0.0.1:5000": {(b"http", b"127.0.0.1:5000")},
    "http://localhost": {(b"http", b"localhost"), (b"http", b"localhost:80")},
    "https://[::1]:5000": {(b"https", b"[::1]:5000")},
    "http://hub.example": None,
    "https://hub.example:8443/a/path": None,
    "https://evil.example@huggingface.co": None,
    "https://evil.example?huggingface.co": None,
}
# HF_ENDPOINT, and whether a token that is of no known form is for the public Hub with it, and for which host else.
ENDPOINTS: dict[str | None, tuple[bool, bytes]] = {
    None: (True, b""),
    "https://huggingface.co": (True, b""),
    "https://hf.co/": (True, b""),
    "": (False, b""),
    "https://hub.example:8443/": (False, b"hub.example:8443"),
    "http://127.0.0.1:5000": (False, b"127.0.0.1:5000"),
    "https://hub.example:8443/a/path": (False, b""),
    "https://evil.example?huggingface.co": (False, b""),
}


class Asked(NamedTuple):
    """A message, and all that its answer depends on."""

    operation: str
    message: bytes
    login: str = "file"
    hub: str = ""  # of `--hub`
    endpoint: str | None = None  # HF_ENDPOINT
    name: str | None = None  # of `--token`

    @property
    def served(self) -> set[tuple[bytes, bytes]]:
        return PUBLIC | (HUBS[self.hub] or set())


# --- what the answer has to be, by the contract and gitcredentials(7) alone ---

REFUSED, NOT_OURS = "refused", "not ours"


def meaning(message: bytes, hub: set[tuple[bytes, bytes]]) -> tuple[str, dict[bytes, bytes]]:
    """`REFUSED`, `NOT_OURS`, or the host; and the attributes. Written as patterns, which protocol.py is not."""
    end = re.search(rb"(?:\A|\n)\n", message)
    body = message[: end.start()] if end else message
    values: dict[bytes, bytes] = {}
    if end and end.start() == 0 and message.startswith(b"\n"):
        return NOT_OURS, values  # nothing before the blank line
    for line in re.findall(rb"[^\n]+", body):
        pair = re.fullmatch(rb"([^=\r\0]*)=([^\r\0]*)", line)
        if pair is None or len(line) > 64 * KIB:
            return REFUSED, values
        key, value = pair.groups()
        if key in values and key in (b"protocol", b"host", b"username", b"path", b"password", b"credential"):
            return REFUSED, values
        values[key] = value
    if (end.end() if end else len(message)) > MIB:
        return REFUSED, values
    asked = values.get(b"protocol", b"").lower(), values.get(b"host", b"").lower()
    if values.get(b"host") == b"" and values.get(b"protocol", b"").lower() in (b"", b"http", b"https"):
        return REFUSED, values
    return (f"{asked[0].decode()}://{asked[1].decode()}" if asked in hub else NOT_OURS), values


def credential(asked: Asked, values: dict[bytes, bytes]) -> tuple[str, int | None] | str | None:
    """The token and its expiry; `None` where nobody is logged in; a text where the named one is not there."""
    login = LOGINS[asked.login]
    name = asked.name
    if name is None:
        user = values.get(b"username", b"").decode("utf-8", "surrogateescape")
        is_selected = user in login.stored and user != "git" and is_public(values)  # another Hub may choose the name
        name = user if is_selected else None
    if name is not None:
        return login.stored.get(name, "no such token")
    if login.variable and login.variable.strip() and is_for(asked, login.variable, values):
        return login.variable, None  # one of blanks is none (huggingface_hub.get_token)
    if login.file is None:
        return None
    return login.file, next((expiry for value, expiry in login.stored.values() if value == login.file), None)


def is_public(values: dict[bytes, bytes]) -> bool:
    return (values[b"protocol"].lower(), values[b"host"].lower()) in PUBLIC


def is_for(asked: Asked, value: str, values: dict[bytes, bytes]) -> bool:
    """Whether a token from the environment may go to the Hub that is asked about."""
    public, host = ENDPOINTS[asked.endpoint]
    where = values[b"protocol"].lower(), values[b"host"].lower()
    return value.startswith("hf_") or (public if where in PUBLIC else where[1] == host)


def secret(values: dict[bytes, bytes]) -> bytes | None:
    return values.get(b"password") or values.get(b"credential")


def expected(asked: Asked) -> tuple[str, int, bytes, str]:
    """The kind of message, the exit status, stdout, and a pattern for stderr."""
    if asked.operation == "capability":
        return "capability", 0, b"version 0\ncapability authtype\ncapability state\n", ""
    where, values = meaning(asked.message, asked.served)
    read = values.get(b"protocol", b"").lower(), values.get(b"host", b"").lower()
    if where == REFUSED and all(read) and read not in asked.served:
        return NOT_OURS, 0, b"", ""  # git may take what another host's credential has in it
    if where == REFUSED:
        return where, 1, b"", "error: refused a malformed credential request: [ -~]*\n"
    if HUBS[asked.hub] is None:
        return "no such Hub", 1, b"", "error: --hub takes the origin of a Hub, [ -~]*\n(?:hint: .*\n)?"
    if where == NOT_OURS or asked.operation == "store":
        return where if where == NOT_OURS else "store", 0, b"", ""
    if asked.operation == "erase":
        is_ours = secret(values) in [password.encode() for password in erasable(asked, values)]
        # Why it was refused is access.py's to say: one error or two, and one hint.
        return "erase", 0, b"", "(error: .*\n){1,2}hint: .*\n" if is_ours else ""
    found = credential(asked, values)
    if isinstance(found, str):
        return "no such token", 1, b"", "error: no stored token is named .*\nhint: .*\n"
    if found is None:
        return "nobody", 0, b"", "error: .*\nhint: .*\n"
    value, expiry = found
    lines = f"username=git\npassword={value}\n"
    if expiry is not None and expiry > time.time():
        lines += f"password_expiry_utc={expiry}\n"
    return "answered", 0, lines.encode(), ""


def erasable(asked: Asked, values: dict[bytes, bytes]) -> list[str]:
    """The tokens that an `erase` may be about: the named one, else the current one and all that are stored."""
    login = LOGINS[asked.login]
    if asked.name is not None:
        return [login.stored[asked.name][0]] if asked.name in login.stored else []
    current = credential(asked, {**values, b"username": b""})
    stored = [value for value, _ in login.stored.values()] if is_public(values) else []
    return [*stored, current[0]] if isinstance(current, tuple) else stored


# --- the program ---


class Program:
    """What git starts, in this process: its arguments, three descriptors, and files of tokens."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name, login in LOGINS.items():
            folder = home / name
            folder.mkdir()
            if login.file is not None:
                (folder / "token").write_text(login.file)
            if login.stored:
                (folder / "stored_tokens").write_text("\n".join(map(_section, login.stored, login.stored.values())))
            for file in folder.iterdir():
                os.utime(file, (1_700_000_000,) * 2)  # what was written a moment ago is read twice
        self.files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        self.own = [os.dup(number) for number in (0, 1, 2)]
        self.was_offline, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True  # nobody is asked
        state = Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf")
        self.suspect, self.refused = state / "suspect", state / "refused"

    def close(self) -> None:
        constants.HF_HUB_OFFLINE = self.was_offline
        for number in (*self.files, *self.own):
            os.close(number)

    def forget(self) -> None:
        """Forget what has been refused."""
        for file in (self.suspect, self.refused):
            file.unlink(missing_ok=True)

    def variables(self, asked: Asked) -> dict[str, str | None]:
        return {
            "HF_HOME": str(self.home / asked.login),
            "HF_ENDPOINT": asked.endpoint,
            "HF_TOKEN": LOGINS[asked.login].variable,
            "HF_HUB_OFFLINE": "1",  # for the executable: what an `erase` would ask the Hub is not the matter here
        }

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Whatever is said meanwhile, is not heard."""
        os.ftruncate(self.files[2], 0)
        os.dup2(self.files[2], 2)
        try:
            yield
        finally:
            os.dup2(self.own[2], 2)

    def __call__(self, asked: Asked) -> tuple[int, bytes, str]:
        for name, value in self.variables(asked).items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for number in self.files:
            os.ftruncate(number, 0)
            os.lseek(number, 0, os.SEEK_SET)
        os.pwrite(self.files[0], asked.message, 0)
        for number in (0, 1, 2):
            os.dup2(self.files[number], number)
        left = os.dup(0)
        os.close(left)  # what `main` opens first, and leaves to the end of the process
        arguments, mask = sys.argv, os.umask(0o022)
        sys.argv = arguments_of(asked)
        try:
            status = program.main()
        finally:
            sys.argv = arguments
            os.umask(mask)
            for number in (0, 1, 2):
                os.dup2(self.own[number], number)
            try:
                os.close(left)
            except OSError:
                pass
        stdout, stderr = (os.pread(number, 2 * MIB, 0) for number in self.files[1:])
        return status, stdout, stderr.decode("utf-8", "surrogateescape")


def arguments_of(asked: Asked) -> list[str]:
    options = [] if asked.name is None else ["--token", asked.name]
    options += ["--hub", asked.hub] if asked.hub else []
    return ["git-credential-hf", *options, asked.operation]


def _section(name: str, stored: tuple[str, int | None]) -> str:
    value, expiry = stored
    return f"[{name}]\nhf_token = {value}\n" + (f"expires_at = {expiry}\n" if expiry else "")


def judge(asked: Asked, program: Program) -> str:
    """Let the program answer, and hold that to what it has to be."""
    what = expected(asked)
    kind = _judge_one(asked, program, *what)
    is_refused = kind == "erase" and what[3] != ""
    assert (program.suspect.exists(), program.refused.exists()) == (is_refused, False), asked
    if is_refused:
        # Nobody says whether it is good. Refused again and again, it is not given to whoever asks about the same Hub.
        for _ in range(2):
            _judge_one(asked, program, *what)
        assert program.refused.exists(), asked
        again = asked._replace(operation="get")
        _, values = meaning(asked.message, asked.served)
        found = credential(again, values)
        if isinstance(found, tuple) and found[0].encode() == secret(values):
            _judge_one(again, program, "quit", 0, b"quit=1\n", "error: .*\nhint: .*\n")
        program.forget()
    return kind


def _judge_one(asked: Asked, program: Program, kind: str, status: int, stdout: bytes, said: str) -> str:
    got = program(asked)
    # Not where it hangs: an answer of several MiB in a report helps nobody.
    where = f"{asked._replace(message=asked.message[:1500])} is {kind}: {got}"
    assert got[:2] == (status, stdout), where
    pattern = re.sub(r"(error|warning|hint): ", r"git-credential-hf: \1: ", said)
    assert re.fullmatch(pattern, got[2]), where
    assert not any(value in got[2] for value in TOKENS), where
    return kind


# --- messages ---

HUB_LIKE = [b"huggingface.co", b"huggingface.co", b"huggingface.co", b"hf.co", b"hf.co", b"hub.example:8443"]
HUB_LIKE += [b"127.0.0.1:5000", b"localhost", b"[::1]:5000", b"hub.example", b"evil.example"]
BESIDE = [
    *(b".evil.example", b"-evil.example", b".", b"..", b":", b":443", b":443", b":0443", b":80", b":8443"),
    *(b":443:443", b"@evil.example", b"/", b"/x", b"?", b"#", b"\\", b"\\@evil.example", b"%00", b"%2e", b" ", b"\t"),
    *(b"\x0b", b"\xff", b"\xe2\x80\x8b", b"\xe3\x80\x82", b"\xc2\xa0", b"_", b"m", b":https", b",evil.example", b";"),
    *(b"*",),
]
BEFORE = [
    *(b"sub.", b"evil", b"www.", b".", b"git@", b"evil.example@", b"evil.example:x@", b"xn--", b" ", b"//"),
    *(b"https://", b"\xef\xbb\xbf", b"[", b"*.", b"-", b"evil.example/", b"evil.example\\", b"evil.example%2f", b"0"),
]
LETTERS = {
    b"o": b"\xd0\xbe",
    b"g": b"\xc9\xa1",
    b"f": b"\xef\xbd\x86",
    b".": b"\xe3\x80\x82",
    b"c": b"\xd1\x81",
    b"i": b"\xc4\xb1",
}
PROTOCOLS = [b"https"] * 60 + [b"http", b"http", b"HTTPS", b"Https", b"", b"ssh", b"https:", b"https://", b"cert"]
PROTOCOLS += [b" https", b"http\xc5\xbf", b"git"]


def host(chance: random.Random) -> bytes:
    """The Hub's, or one that looks like it."""
    name = chance.choice(HUB_LIKE)
    for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2))):
        match chance.randrange(8):
            case 0:
                name += chance.choice(BESIDE)
            case 1:
                name = chance.choice(BEFORE) + name
            case 2:
                name = name.swapcase() if chance.random() < 0.5 else name.title()
            case 3:
                letter = chance.choice([*LETTERS])
                name = name.replace(letter, LETTERS[letter], 1)
            case 4:
                at = chance.randrange(len(name) + 1)
                name = name[:at] + b"%%%02x" % name[at] + name[at + 1 :] if at < len(name) else name + b"%"
            case 5:
                at = chance.randrange(len(name) + 1)
                name = name[:at] + chance.randbytes(1).replace(b"\n", b"") + name[at + chance.randrange(2) :]
            case 6:
                name = chance.choice((b"[%s]", b"[::ffff:%s]", b"%s.huggingface.co", b"huggingface.co.%s")) % name
            case 7:
                name += chance.choice((b":443", b":443", b":80"))
    return name


def lines(chance: random.Random) -> list[bytes]:
    """One attribute of gitcredentials(7) and git-credential(1), or none of them."""
    pick = chance.choice
    key = pick(ATTRIBUTES)
    if key == b"password":
        return [b"password=" + pick(SECRETS)]
    if key in (b"capability[]", b"wwwauth[]", b"state[]", b"other[]"):
        # An empty value forgets the ones before it.
        return [
            key + b"=" + pick((b"authtype", b"state", b"", b'Basic realm="x"', b"Bearer", b"hf.x=1")) for _ in "123"
        ]
    return [key + b"=" + pick(VALUES)]


ATTRIBUTES = [
    *(b"username", b"username", b"path", b"path", b"password", b"password", b"password_expiry_utc", b"url"),
    *(b"oauth_refresh_token", b"authtype", b"credential", b"ephemeral", b"continue", b"quit", b"capability[]"),
    *(b"wwwauth[]", b"state[]", b"other[]", b"unknown", b"", b"Host", b"PROTOCOL", b"host ", b" host", b"\xff"),
    *(b"host[]",),
]
VALUES = [
    *(b"", b"1", b"git", b"work", b"alice", b"old", b"acme/model.git", b"a=b", b"https://evil.example", b"\xff\xfe"),
    *(b"true", b"https://huggingface.co/acme/model", b"huggingface.co", b"Basic", b"9" * 30, b"\x1b[31m"),
    *(b"\xc2\x85", b" ", b"x" * 300),
]
SECRETS = [*map(str.encode, TOKENS), b"", b"hf_other", b"\xff", b"x=y"]
ENDS = [b"\n\n"] * 20 + [
    *(b"\n", b"", b"\n\nhost=evil.example\r\0", b"\n\n\n", b"\n \n", b"\n\n\xff\0", b"\r\n\r\n", b"\0"),
]
BYTES = [b"\r", b"\0", b"\n", b"=", b"\r\n", b"\n\n", b"\xff", b" ", b".", b":", b"@", b"%00", b"\nhost=evil.example\n"]


def message(chance: random.Random) -> bytes:
    """A request, near enough to a good one that every rule is about to be broken, or just is not."""
    pick = chance.choice
    found = [b"protocol=" + pick(PROTOCOLS), b"host=" + host(chance)]
    for _ in range(pick((0, 0, 1, 2, 4))):
        found += lines(chance)
    if chance.random() < 0.3:
        chance.shuffle(found)
    if chance.random() < 0.03:
        found.append(pick(found))
    text = bytearray(b"\n".join(found) + pick(ENDS))
    for _ in range(pick((0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 5))):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(7):
            case 0:
                text[at:at] = pick(BYTES)
            case 1:
                del text[at : at + chance.randrange(1, 9)]
            case 2:
                text[at : at + 1] = chance.randbytes(1)
            case 3:
                text[at : at + 1] = text[at : at + 1].swapcase()
            case 4:
                text[at:at] = text[: chance.randrange(len(text) + 1)]
            case 5:
                text[at:at] = chance.randbytes(chance.randrange(20))
            case 6:
                del text[at:]
    if chance.random() < 0.001:  # a huge line, or many
        size = pick((64 * KIB, 64 * KIB + 1, MIB // 2, MIB - 60, MIB, MIB + 1, 3 * MIB))
        filler = pick(
            (
                b"x=" + b"a" * (size - 2) + b"\n",
                b"unknown=1\n" * (size // 10),
                b"=" * size,
                b"state[]=x\n" * (size // 10),
            )
        )
        return bytes(text).partition(b"\n\n")[0] + b"\n" + filler + pick((b"", b"\n"))
    return bytes(text)


def generated(number: int) -> Asked:
    chance = random.Random(number)
    # `store` and `erase` look into git's configuration, and that is a process of git's.
    operation = chance.choices(("get", "store", "erase", "capability"), (96, 1, 2, 1))[0]
    name = chance.choice(("work", "alice", "nobody", "\udcff")) if chance.random() < 0.08 else None
    is_malformed = chance.random() < 0.05
    hub = chance.choice([hub for hub, served in HUBS.items() if (served is None) == is_malformed])
    asked = Asked(operation, message(chance), chance.choice([*LOGINS]), hub, chance.choice([*ENDPOINTS]), name)
    if operation == "erase" and chance.random() < 0.3:  # as git does after a 401
        protocol, host = chance.choice(sorted(asked.served))
        if mine := erasable(asked, {b"protocol": protocol, b"host": host}):
            refused = b"protocol=%s\nhost=%s\nusername=git\npassword=%s\n"
            return asked._replace(message=refused % (protocol, host, chance.choice(mine).encode()))
    return asked
