"""What is the Hub: its origins, which may be given its token, its repositories and their URLs."""

import os

REPOSITORY_KINDS = ("models", "datasets", "spaces", "kernels")  # as the API names them
_PUBLIC = ("https://huggingface.co", "https://hf.co")
_STAGING = "https://hub-ci.huggingface.co"
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def is_true(value: str | None) -> bool:
    """Whether huggingface_hub takes the value of an environment variable for true (its `constants.py`)."""
    return value is not None and value.upper() in ("1", "ON", "YES", "TRUE")


def hub_endpoint() -> str:
    """Return the URL of the Hub that huggingface_hub uses: its `constants.ENDPOINT`, staging included."""
    if is_true(os.environ.get("HUGGINGFACE_CO_STAGING")):
        return _STAGING
    return os.environ.get("HF_ENDPOINT", _PUBLIC[0]).rstrip("/")


def hub_origins() -> list[str]:
    """Return the origins (`scheme://host[:port]`, normalised) that are the Hub; a list, never a pattern."""
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

    `host` may contain a port, as git's does. Only https, except for plain http on this machine.
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
        return None  # `@`, `\\`, `%`, blanks: two parsers could find two different hosts
    if bracket:
        name = f"[{name}]"
    if port and not (port[1:].isascii() and port[1:].isdigit()):
        return None
    if protocol != "https" and not (protocol == "http" and _is_loopback(name)):
        return None
    return f"{protocol}://{name}{port if port[1:] != _DEFAULT_PORTS[protocol] else ''}"


def matching_origin(protocol: bytes | None, host: bytes | None) -> str | None:
    """Return the origin of the Hub that a request is about; `None` for other hosts, lookalikes, other ports, http."""
    if protocol is None or host is None or not (protocol.isascii() and host.isascii()):
        return None
    origin = normalized_origin(protocol.decode(), host.decode())
    return origin if origin in hub_origins() else None


def is_at_endpoint(url: str) -> bool:
    """Whether an https URL leads to the Hub at `hub_endpoint()`, which then can be asked about it."""
    scheme, _, rest = url.partition("://")
    origin, own = normalized_origin(scheme, rest.partition("/")[0].rpartition("@")[2]), url_origin(hub_endpoint())
    return origin == own or {origin, own} <= {*_PUBLIC}


class Repository:
    """A repository of the Hub: its `kind`, one of `REPOSITORY_KINDS`, and its `name`, `NAMESPACE/NAME` or `gpt2`."""

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
        """The user or organisation that owns it; the name itself for a model such as `gpt2`."""
        return self.name.partition("/")[0]

    @property
    def type(self) -> str:
        """The kind in whoami-v2, in JSON and on the command line: `model` for `models`."""
        return self.kind.removesuffix("s")

    @property
    def path(self) -> str:
        """The path of its page and of its git URL, without a leading slash."""
        return self.name if self.kind == "models" else f"{self.kind}/{self.name}"

    @property
    def page(self) -> str:
        """The URL of its page, which is also its git URL."""
        return f"{hub_endpoint()}/{self.path}"


def parse_remote(url: str) -> tuple[str, str] | None:
    """Parse the URL of a remote on the Hub into its transport (`https`, `ssh`) and path; `None` for any other URL.

    SSH is `git@hf.co:acme/model` or `ssh://git@hf.co/acme/model` (docs/facts.md#h1).
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        login, colon, path = url.partition(":")  # scp's syntax; a slash before the colon makes it a path (git-fetch(1))
        host = login.rpartition("@")[2].lower()
        return ("ssh", path) if colon and "/" not in login and f"https://{host}" in hub_origins() else None
    login, _, path = rest.partition("/")
    if any(c in login for c in "?#\\"):
        return None  # for git and curl the host ends there: https://evil.example?@huggingface.co/
    host = login.rpartition("@")[2]
    if scheme.lower() in ("ssh", "git+ssh", "ssh+git"):
        name = host.lower().removesuffix(":22").removesuffix(":")
        return ("ssh", path) if f"https://{name}" in hub_origins() else None
    return ("https", path) if normalized_origin(scheme, host) in hub_origins() else None


def parse_repository(text: str) -> Repository | None:
    """Parse a repository as users name it: `acme/model`, `datasets/acme/data`, an `hf://` URI, or a URL of the Hub."""
    if text.lower().startswith("hf://"):
        parts = text[5:].split("@")[0].strip("/").split("/")
        return repository_at("/".join(parts[: 3 if parts[0] in REPOSITORY_KINDS else 2]))
    if ":" not in text:
        return repository_at(text)
    found = parse_remote(text)
    if found is None:
        return None
    parts = found[1].partition("?")[0].partition("#")[0].strip("/").split("/")
    # The earliest part that can name a page: `gpt2/tree/main` is a page, but `acme/tree` a repository.
    first = 2 if parts[0] in REPOSITORY_KINDS else 1
    last = len(parts) if len(parts) > first + 1 else 0
    page = min((at for at in range(first, last) if parts[at] in _PAGES), default=len(parts))
    return repository_at("/".join(parts[:page]))


def without_credentials(url: str) -> str:
    """Return a URL without the user name and password in it."""
    scheme, separator, rest = url.partition("://")
    login, at, _ = rest.partition("/")[0].rpartition("@")
    return f"{scheme}://{rest[len(login) + 1 :]}" if separator and at else url


# What may follow a repository in the address bar of a browser.
_PAGES = ("tree", "blob", "raw", "resolve", "commit", "commits", "discussions", "settings")


def repository_at(path: str) -> Repository | None:
    """Return the repository at a path of the Hub, with or without `.git` (docs/facts.md#h1)."""
    parts = path.strip("/").removesuffix(".git").split("/")
    if parts[0] == "buckets":
        return None  # git cannot use them (docs/facts.md#h1)
    kind = parts.pop(0) if parts[0] in REPOSITORY_KINDS else "models"
    return Repository(kind, "/".join(parts)) if 1 <= len(parts) <= 2 and all(map(is_valid_name, parts)) else None


def is_valid_name(text: str) -> bool:
    """Whether this can be the name of an account or a repository, so that it cannot lead to another path of the API."""
    return text.isascii() and text[:1] not in ("", "-", ".") and all(c.isalnum() or c in "-_." for c in text)


def token_settings_url() -> str:
    """Return the URL of the page on which tokens are created."""
    endpoint = hub_endpoint()
    return f"{endpoint if url_origin(endpoint) else _PUBLIC[0]}/settings/tokens"


def _is_loopback(name: str) -> bool:
    parts = name.split(".")
    return name in ("localhost", "[::1]") or (
        # Four numbers: 127.0.0.1.evil.example is another host.
        parts[0] == "127"
        and len(parts) == 4
        and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)
    )
