"""What is the Hub: its origins, which may be given its token, its repositories and their URLs."""

import os

REPOSITORY_KINDS = ("models", "datasets", "spaces", "kernels")  # as the API names them
_PUBLIC = ("https://huggingface.co", "https://hf.co")
_STAGING = "https://hub-ci.huggingface.co"
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def is_true(value: str | None) -> bool:
    """Whether huggingface_hub takes an environment variable's value for a yes (its `constants.py`)."""
    return value is not None and value.upper() in ("1", "ON", "YES", "TRUE")


def hub_endpoint() -> str:
    """The URL of the Hub that huggingface_hub talks to: its `constants.ENDPOINT`, staging included."""
    if is_true(os.environ.get("HUGGINGFACE_CO_STAGING")):
        return _STAGING
    return os.environ.get("HF_ENDPOINT", _PUBLIC[0]).rstrip("/")


def hub_origins() -> list[str]:
    """The origins (`scheme://host[:port]`, normalised) that are the Hub; a list, never a pattern."""
    own = url_origin(hub_endpoint())
    return [*_PUBLIC, own] if own and own not in _PUBLIC else [*_PUBLIC]


def exclusive_origins() -> list[str]:
    """Return the origins that are the Hub and nothing else: an `HF_ENDPOINT` with a path shares its host."""
    path = hub_endpoint().partition("://")[2].partition("/")[2]
    return [*_PUBLIC] if path else hub_origins()


def url_origin(url: str) -> str | None:
    """Return the normalised origin of a URL; `None` if it can never be given a token."""
    scheme, separator, rest = url.partition("://")
    return normalized_origin(scheme, rest.partition("/")[0]) if separator else None


def normalized_origin(protocol: str, host: str) -> str | None:
    """Return the normalised origin of git's `protocol` and `host`; `None` if it can never be given a token.

    `host` may hold a port, as git's does. https only, but for plain http on this very machine.
    """
    protocol, host = protocol.lower(), host.lower()
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789.-_"
    if host.startswith("["):  # an IPv6 address
        name, bracket, port = host[1:].partition("]")
        allowed = "abcdef0123456789.:" if bracket else ""
    else:
        bracket = ""
        name, colon, port = host.partition(":")
        port = colon + port
    if not name or not all(c in allowed for c in name) or port[:1] not in ("", ":"):
        return None  # `@`, `\\`, `%`, blanks: what one parser takes for the host, another does not
    if bracket:
        name = f"[{name}]"
    if port and not (port[1:].isascii() and port[1:].isdigit()):
        return None
    if protocol != "https" and not (protocol == "http" and _is_loopback(name)):
        return None
    return f"{protocol}://{name}{port if port[1:] != _DEFAULT_PORTS[protocol] else ''}"


def matching_origin(protocol: bytes | None, host: bytes | None) -> str | None:
    """The Hub's origin that git asks about, or `None`: another host, a lookalike, plain http, another port."""
    if protocol is None or host is None or not (protocol.isascii() and host.isascii()):
        return None
    origin = normalized_origin(protocol.decode(), host.decode())
    return origin if origin in hub_origins() else None


def is_at_endpoint(url: str) -> bool:
    """Whether an https URL leads to the Hub at `hub_endpoint()`, which then can be asked about it."""
    scheme, _, rest = url.partition("://")
    where, own = normalized_origin(scheme, rest.partition("/")[0].rpartition("@")[2]), url_origin(hub_endpoint())
    return where == own or {where, own} <= {*_PUBLIC}


class Repository:
    """A repository of the Hub: its `kind` (of `REPOSITORY_KINDS`), and its name: `NAMESPACE/NAME`, or `gpt2`."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repository) and (self.kind, self.name) == (other.kind, other.name)

    def __hash__(self) -> int:
        return hash((self.kind, self.name))

    def __repr__(self) -> str:
        return f"Repository({self.kind!r}, {self.name!r})"

    @property
    def namespace(self) -> str:
        """The user or the organisation; of a one-segment model such as `gpt2` its name."""
        return self.name.partition("/")[0]

    @property
    def type(self) -> str:
        """The kind as whoami-v2, JSON and the command line have it: `model` for `models`."""
        return self.kind.removesuffix("s")

    @property
    def path(self) -> str:
        """The path of its page and of its git URL, without a slash before it."""
        return self.name if self.kind == "models" else f"{self.kind}/{self.name}"

    @property
    def page(self) -> str:
        """Its page for people, which is also its git URL."""
        return f"{hub_endpoint()}/{self.path}"


def parse_remote(url: str) -> tuple[str, str] | None:
    """The transport (`https`, `ssh`) and the path of a git remote's URL that leads to the Hub; `None` for any other.

    SSH is `git@hf.co:acme/model` or `ssh://git@hf.co/acme/model` (docs/facts.md#h1).
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        where, colon, path = url.partition(":")  # scp's syntax; a slash before the colon makes it a path (git-fetch(1))
        host = where.rpartition("@")[2].lower()
        return ("ssh", path) if colon and "/" not in where and f"https://{host}" in hub_origins() else None
    where, _, path = rest.partition("/")
    if any(c in where for c in "?#\\"):
        return None  # what stands before it is the host, to git and curl: https://evil.example?@huggingface.co/
    host = where.rpartition("@")[2]
    if scheme.lower() in ("ssh", "git+ssh", "ssh+git"):
        name = host.lower().removesuffix(":22").removesuffix(":")
        return ("ssh", path) if f"https://{name}" in hub_origins() else None
    return ("https", path) if normalized_origin(scheme, host) in hub_origins() else None


def parse_repository(text: str) -> Repository | None:
    """Parse a repository as people name it: `acme/model`, `datasets/acme/data`, an `hf://` URI, or a URL of the Hub."""
    if text.lower().startswith("hf://"):
        parts = text[5:].split("@")[0].strip("/").split("/")
        return repository_at("/".join(parts[: 3 if parts[0] in REPOSITORY_KINDS else 2]))
    if ":" not in text:
        return repository_at(text)
    found = parse_remote(text)
    if found is None:
        return None
    parts = found[1].partition("?")[0].partition("#")[0].strip("/").split("/")
    first = (
        2 if parts[0] in REPOSITORY_KINDS else 1
    )  # where a page may begin: `gpt2/tree/main`, but `acme/tree` is a name
    last = len(parts) if len(parts) > first + 1 else 0
    page = min((at for at in range(first, last) if parts[at] in _PAGES), default=len(parts))
    return repository_at("/".join(parts[:page]))


def without_credentials(url: str) -> str:
    """A URL as people may see it: without the user and the password in it."""
    scheme, separator, rest = url.partition("://")
    login, at, _ = rest.partition("/")[0].rpartition("@")
    return f"{scheme}://{rest[len(login) + 1 :]}" if separator and at else url


# What may follow a repository in the address bar of a browser.
_PAGES = ("tree", "blob", "raw", "resolve", "commit", "commits", "discussions", "settings")


def repository_at(path: str) -> Repository | None:
    """The type and the name of the repository at a path of the Hub, with or without `.git` (docs/facts.md#h1)."""
    parts = path.strip("/").removesuffix(".git").split("/")
    if parts[0] == "buckets":
        return None  # git does not know them (docs/facts.md#h1)
    kind = parts.pop(0) if parts[0] in REPOSITORY_KINDS else "models"
    return Repository(kind, "/".join(parts)) if 1 <= len(parts) <= 2 and all(map(is_valid_name, parts)) else None


def is_valid_name(text: str) -> bool:
    """Whether this can be the name of an account or a repository: what else a path may hold would lead elsewhere."""
    return text.isascii() and text[:1] not in ("", "-", ".") and all(c.isalnum() or c in "-_." for c in text)


def token_settings_url() -> str:
    """Return the page on which people make tokens."""
    endpoint = hub_endpoint()
    return f"{endpoint if url_origin(endpoint) else _PUBLIC[0]}/settings/tokens"


def _is_loopback(name: str) -> bool:
    parts = name.split(".")
    return name in ("localhost", "[::1]") or (
        # Four numbers: 127.0.0.1.example is a host like any other.
        parts[0] == "127"
        and len(parts) == 4
        and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)
    )
