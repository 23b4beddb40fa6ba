"""Read and write git's credential format (git-credential(1)).

A request that another program could read differently is refused: a second `host`, a CR that some programs treat as a
line end (CVE-2024-50338, CVE-2024-52006), a NUL, a blank host (CVE-2020-11008).
"""

from git_credential_hf.problem import Problem
from git_credential_hf.secrets import register_secret

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from collections.abc import Iterable

OPERATIONS = ("get", "store", "erase", "capability")
OPERATION_OPTIONS = ("--token", "--hub")  # before an operation, each with a value

MAX_LINE_BYTES = 64 * 1024  # without its LF
MAX_MESSAGE_BYTES = 1024 * 1024

_SINGLE = (b"protocol", b"host", b"username", b"path", b"password", b"credential")
AUTHTYPE = b"authtype"  # the capability to send another `Authorization` than Basic, since git 2.46

STATE = b"state"  # the capability to get our state back in the next request, since git 2.46 (docs/facts.md#g10)
ASKED_BEFORE = b"git-credential-hf.anonymous"  # state after an answer without a token
REFUSED_BEFORE = b"git-credential-hf.token"  # state after an answer with a token, which the Hub then refused

CAPABILITIES = b"version 0\ncapability authtype\ncapability state\n"  # git-credential(1), CAPABILITY

_LISTS = {b"capability[]": "capabilities", b"wwwauth[]": "challenges", b"state[]": "states"}


class Request:
    """A request: its attributes as bytes, `None` if missing."""

    def __init__(self) -> None:
        self.protocol: bytes | None = None
        self.host: bytes | None = None
        self.username: bytes | None = None
        self.path: bytes | None = None
        self.password: bytes | None = None
        self.credential: bytes | None = None  # sent with an `authtype`
        self.capabilities: list[bytes] = []
        self.challenges: list[bytes] = []  # the server's `WWW-Authenticate`
        self.states: list[bytes] = []

    @property
    def secret(self) -> str:
        """The password, or the credential of an `authtype`; empty if there is none."""
        return (self.password or self.credential or b"").decode("utf-8", "surrogateescape")

    @property
    def user(self) -> str | None:
        """The user name as text; `None` if there is none."""
        return self.username.decode("utf-8", "surrogateescape") if self.username else None

    @property
    def path_text(self) -> str:
        """The path as text; empty if there is none."""
        return (self.path or b"").decode("utf-8", "surrogateescape")

    @property
    def is_proactive(self) -> bool:
        """Whether git has not contacted the server yet, and can do so without a credential.

        With `http.proactiveAuth=basic`, git itself makes up the challenge, without the realm that RFC 7617 requires.
        """
        is_able = AUTHTYPE in self.capabilities and STATE in self.capabilities
        return is_able and self.challenges == [b"Basic"] and ASKED_BEFORE not in self.states


class Malformed(Problem):
    """A request that is refused; `request` has the attributes read so far."""

    request: Request


def read_message(source: int) -> bytes:
    """Read a message from a file descriptor, up to its blank line, or to a byte that makes it malformed.

    This does not wait for the end of the input: the caller may keep the pipe open.
    """
    import os

    message = b""
    while not (message.startswith(b"\n") or b"\n\n" in message or b"\r" in message or b"\0" in message):
        chunk = os.read(source, 65536)
        message += chunk
        if not chunk or len(message) > MAX_MESSAGE_BYTES:
            break
    return message


def parse_request(message: bytes) -> Request:
    """Parse a message into the attributes of a request; raises `Malformed`."""
    request = Request()
    try:
        _parse_lines(request, message)
    except Malformed as malformed:
        malformed.request = request
        raise
    return request


def _parse_lines(request: Request, message: bytes) -> None:
    lines, blank, _ = message.partition(b"\n\n")
    for line in lines.split(b"\n"):
        if not line:
            break  # the message starts with its blank line, or its last line ends with an LF
        _parse_line(request, line)
    if len(lines) + len(blank) > MAX_MESSAGE_BYTES:
        raise _malformed(f"it is longer than {MAX_MESSAGE_BYTES} bytes")
    if request.host == b"" and (request.protocol or b"https").lower() in (b"https", b"http"):
        raise _malformed("its host is blank")  # valid with `protocol=cert`: git asks for the password of a file


def _parse_line(request: Request, line: bytes) -> None:
    if len(line) > MAX_LINE_BYTES:
        raise _malformed(f"a line is longer than {MAX_LINE_BYTES} bytes")
    if b"\r" in line:
        raise _malformed("a line contains a carriage return")
    if b"\0" in line:
        raise _malformed("a line contains a NUL")
    key, equals, value = line.partition(b"=")
    if not equals:
        raise _malformed("a line has no '='")
    if key in _SINGLE:
        name = key.decode()
        if getattr(request, name) is not None:
            raise _malformed(f"it names {name} twice")
        setattr(request, name, value)
        if name in ("password", "credential"):
            register_secret(value.decode("utf-8", "surrogateescape"))
    elif key in _LISTS:
        # gitcredentials(7): the order counts, and an empty value clears the list.
        values: list[bytes] = getattr(request, _LISTS[key])
        if value:
            values.append(value)  # in place: there may be a hundred thousand
        else:
            values.clear()


def parse_options(words: list[str]) -> dict[str, str] | None:
    """Return the values of the options before an operation, `--token` and `--hub`; `None` if there is anything else."""
    words, options = [*words], dict[str, str]()
    while words:
        name, equals, value = words.pop(0).partition("=")
        if name not in OPERATION_OPTIONS or not (equals or words):
            return None
        options[name[2:]] = value if equals else words.pop(0)
    return options if all(options.values()) else None


def format_message(attributes: "Iterable[tuple[str, str]]") -> bytes:
    """Return the bytes of an answer to git, or of a request to another helper.

    The only writer of the format: raises `Problem` if a value does not fit on a line, where what follows the line break
    would be another attribute (CVE-2020-5260).
    """
    lines = []
    for key, value in attributes:
        data = value.encode("utf-8", "surrogateescape")  # as the environment gave it, byte for byte
        if b"\n" in data or b"\r" in data or b"\0" in data:
            raise Problem(f"the {key} contains a line break or a NUL, which git's credential format cannot carry")
        lines.append(key.encode() + b"=" + data + b"\n")
    return b"".join(lines)


def _malformed(why: str) -> Malformed:
    return Malformed(f"refused a malformed credential request: {why}")
