"""Recognize repositories on the Hub: their names, their URLs, and the URLs of remotes."""

from git_credential_hf.hub import PUBLIC_HUB, hub_at, normalized_origin

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay every push
    from collections.abc import Iterable

REPOSITORY_KINDS = ("models", "datasets", "spaces", "kernels")  # as in the API


class Repository:
    """A repository: its `kind`, one of `REPOSITORY_KINDS`, its `name`, `NAMESPACE/NAME` or `gpt2`, and its `hub`."""

    def __init__(self, kind: str, name: str, hub: str = PUBLIC_HUB) -> None:
        self.kind = kind
        self.name = name
        self.hub = hub

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repository) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Repository{self._key!r}"

    @property
    def _key(self) -> tuple[str, str, str]:
        return self.kind, self.name, self.hub

    @property
    def namespace(self) -> str:
        """The user or organization that owns the repository; the repository's name for a model such as `gpt2`."""
        return self.name.partition("/")[0]

    @property
    def type(self) -> str:
        """The kind in the singular, as in whoami-v2, in JSON and on the command line: `model` for `models`."""
        return self.kind.removesuffix("s")

    @property
    def path(self) -> str:
        """The path of its page and of its git URL, without a leading slash."""
        return self.name if self.kind == "models" else f"{self.kind}/{self.name}"

    @property
    def page(self) -> str:
        """The URL of its page, which is also its git URL."""
        return f"{self.hub}/{self.path}"


class Remote:
    """A remote's URL on a Hub: its `transport` (`https` or `ssh`), the `hub`, and the `path`."""

    def __init__(self, transport: str, hub: str, path: str) -> None:
        self.transport = transport
        self.hub = hub
        self.path = path

    @property
    def repository(self) -> Repository | None:
        """The repository at the path, if one can be there."""
        return repository_at(self.path, self.hub)


def parse_remote(url: str, others: "Iterable[str]" = ()) -> Remote | None:
    """Parse the URL of a remote on huggingface.co or one of `others`; `None` for any other URL.

    SSH is `git@hf.co:acme/model` or `ssh://git@hf.co/acme/model` (docs/facts.md#h1).
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        login, colon, path = url.partition(":")  # scp's syntax; a slash before the colon makes it a path (git-fetch(1))
        hub = hub_at(f"https://{login.rpartition('@')[2].lower()}", others)
        return Remote("ssh", hub, path) if colon and "/" not in login and hub else None
    login, _, path = rest.partition("/")
    if any(c in login for c in "?#\\"):
        return None  # git and curl end the host there: https://evil.example?@huggingface.co/
    host = login.rpartition("@")[2]
    if scheme.lower() in ("ssh", "git+ssh", "ssh+git"):
        hub = hub_at(f"https://{host.lower().removesuffix(':22').removesuffix(':')}", others)
        return Remote("ssh", hub, path) if hub else None
    hub = hub_at(normalized_origin(scheme, host), others)
    return Remote("https", hub, path) if hub else None


def parse_repository(text: str, hub: str = PUBLIC_HUB, others: "Iterable[str]" = ()) -> Repository | None:
    """Parse a repository given by the user: `acme/model`, `datasets/acme/data`, an `hf://` URI, or a Hub URL.

    `hub` is the default, if the text names no Hub.
    """
    if text.lower().startswith("hf://"):
        parts = text[5:].split("@")[0].strip("/").split("/")
        return repository_at("/".join(parts[: 3 if parts[0] in REPOSITORY_KINDS else 2]), hub)
    if ":" not in text:
        if "/" not in text or hub_at(f"https://{text.partition('/')[0]}", others) is None:
            return repository_at(text, hub)
        text = f"https://{text}"  # as copied from where browsers leave the scheme out
    remote = parse_remote(text, others)
    if remote is None:
        return None
    parts = remote.path.partition("?")[0].partition("#")[0].strip("/").split("/")
    # The earliest part that can name a page: `gpt2/tree/main` is a page, but `acme/tree` a repository.
    first = 2 if parts[0] in REPOSITORY_KINDS else 1
    last = len(parts) if len(parts) > first + 1 else 0
    page = min((at for at in range(first, last) if parts[at] in _PAGES), default=len(parts))
    return repository_at("/".join(parts[:page]), remote.hub)


def without_credentials(url: str) -> str:
    """Return a URL without its user name and password."""
    scheme, separator, rest = url.partition("://")
    login, at, _ = rest.partition("/")[0].rpartition("@")
    return f"{scheme}://{rest[len(login) + 1 :]}" if separator and at else url


# Path components that may follow a repository in a browser's address bar.
_PAGES = ("tree", "blob", "raw", "resolve", "commit", "commits", "discussions", "settings")


def repository_at(path: str, hub: str = PUBLIC_HUB) -> Repository | None:
    """Return the repository at a path of a Hub, with or without `.git` (docs/facts.md#h1)."""
    parts = path.strip("/").removesuffix(".git").split("/")
    if parts[0] == "buckets":
        return None  # git cannot use them (docs/facts.md#h1)
    kind = parts.pop(0) if parts[0] in REPOSITORY_KINDS else "models"
    return Repository(kind, "/".join(parts), hub) if 1 <= len(parts) <= 2 and all(map(is_valid_name, parts)) else None


def is_valid_name(text: str) -> bool:
    """Whether this is a valid account or repository name, which cannot lead to another path of the API."""
    return text.isascii() and text[:1] not in ("", "-", ".") and all(c.isalnum() or c in "-_." for c in text)
