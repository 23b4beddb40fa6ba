"""Recognize the Hub: the origins that may get its token."""

import os

from git_credential_hf.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from collections.abc import Iterable

PUBLIC_HUB = "https://huggingface.co"
_PUBLIC = (PUBLIC_HUB, "https://hf.co")
STAGING_HUB = "https://hub-ci.huggingface.co"
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def is_true(value: str | None) -> bool:
    """Whether huggingface_hub reads the value of an environment variable as true (its `constants.py`)."""
    return value is not None and value.upper() in ("1", "ON", "YES", "TRUE")


def is_false(value: str) -> bool:
    """Whether git, or Git Credential Manager, reads the value of a variable or setting as false."""
    return value.lower() in ("", "0", "no", "off", "false", "never")


def offline_variable() -> str | None:
    """Return the variable that sets huggingface_hub's offline mode (`constants.HF_HUB_OFFLINE`), or `None`."""
    name = "HF_HUB_OFFLINE" if os.environ.get("HF_HUB_OFFLINE") else "TRANSFORMERS_OFFLINE"
    return name if is_true(os.environ.get(name)) else None


def environment_endpoint() -> str:
    """Return the URL of the Hub that huggingface_hub uses: its `constants.ENDPOINT`, staging included."""
    if is_true(os.environ.get("HUGGINGFACE_CO_STAGING")):
        return STAGING_HUB
    return os.environ.get("HF_ENDPOINT", PUBLIC_HUB).rstrip("/")


def environment_hub() -> str | None:
    """Return the Hub at `environment_endpoint()`; `None` if that is not an origin, such as a URL with a path."""
    origin = parse_origin(environment_endpoint())
    return hub_at(origin, (origin,)) if origin else None


def hub_origins(others: "Iterable[str]" = ()) -> list[str]:
    """Return the origins (`scheme://host[:port]`, normalised) of all Hubs: a list, never a pattern.

    `others`: the Hubs that are configured with `--hub`, besides huggingface.co.
    """
    return [*dict.fromkeys((*_PUBLIC, *others))]


def hub_name(hub: str) -> str:
    """Return the name of a Hub in messages: `the Hub`, or the host of another Hub."""
    return "the Hub" if hub == PUBLIC_HUB else hub.partition("://")[2]


def hub_at(origin: str | None, others: "Iterable[str]" = ()) -> str | None:
    """Return the Hub with this origin: huggingface.co (for hf.co, too), or one of `others`; else `None`."""
    if origin in _PUBLIC:
        return PUBLIC_HUB
    return origin if origin in (*others,) else None


def origins_of(hub: str) -> list[str]:
    """Return all origins of a Hub."""
    return [*_PUBLIC] if hub == PUBLIC_HUB else [hub]


def parse_origin(text: str) -> str | None:
    """Return a normalised origin; `None` for a URL with anything after it, such as a path, or before its host."""
    return None if text.partition("://")[2].rstrip("/").count("/") else url_origin(text)


def hub_option(text: str) -> str:
    """Return the origin in the value of `--hub`; raises `Problem` if it is not valid."""
    origin = parse_origin(text)
    if origin is not None:
        return origin
    scheme, separator, rest = text.partition("://")
    host, _, path = rest.partition("/")
    wrong = "that is not one"
    if not separator:
        wrong = "that has no scheme"
    elif scheme.lower() == "http" and url_origin(f"https://{host}"):
        wrong = "plain http is for this machine alone"
    elif scheme.lower() not in ("https", "http"):
        wrong = f"that is {scheme}, and not https"
    elif "@" in host:
        wrong = "there is a user name in that"
    elif path.strip("/") and url_origin(text):
        wrong = "there is a path in that"
    message = f"--hub takes the origin of a Hub, such as https://hub.example.com, not '{text}': {wrong}"
    from git_credential_hf.shell import shell_word

    nearest = url_origin(f"https://{text}") if not separator else None
    raise Problem(message, nearest and f"run `git-credential-hf configure --hub {shell_word(nearest)}`")


def url_origin(url: str) -> str | None:
    """Return the normalised origin of a URL; `None` if it must never get a token."""
    scheme, separator, rest = url.partition("://")
    return normalized_origin(scheme, rest.partition("/")[0]) if separator else None


def normalized_origin(protocol: str, host: str) -> str | None:
    """Return the normalised origin of git's `protocol` and `host`; `None` if it must never get a token.

    `host` may contain a port, as in git's requests. Only https is allowed, and plain http on this machine.
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


def requested_origin(protocol: bytes | None, host: bytes | None) -> str | None:
    """Return the normalised origin of git's request; `None` if it must never get a token."""
    if protocol is None or host is None or not (protocol.isascii() and host.isascii()):
        return None
    return normalized_origin(protocol.decode(), host.decode())


def requested_hub(protocol: bytes | None, host: bytes | None, other: str | None = None) -> str | None:
    """Return the Hub of git's request; `None` for other hosts, lookalikes, other ports, http.

    `other`: the origin configured with `--hub`.
    """
    return hub_at(requested_origin(protocol, host), (other,) if other else ())


def token_settings_url(hub: str = PUBLIC_HUB) -> str:
    """Return the URL of the page on which tokens are created."""
    return f"{hub}/settings/tokens"


def write_token_url(hub: str = PUBLIC_HUB) -> str:
    """Return the URL of the form for a new token, with the role 'write' selected (docs/facts.md#h17)."""
    return f"{token_settings_url(hub)}/new?tokenType=write"


def _is_loopback(name: str) -> bool:
    parts = name.split(".")
    return name in ("localhost", "[::1]") or (
        # Four numbers: 127.0.0.1.evil.example is another host.
        parts[0] == "127"
        and len(parts) == 4
        and all(part.isdigit() and len(part) <= 3 and int(part) < 256 for part in parts)
    )
