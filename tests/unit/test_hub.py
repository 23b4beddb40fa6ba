"""Which origins are the Hub's: tables, urlsplit, and huggingface_hub itself."""

# ruff: noqa: RUF001 - letters that look like others are what is tested here

import ipaddress
import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from amount import tenth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_credential_hf.hub import (
    PUBLIC_HUB,
    environment_hub,
    hub_option,
    hub_origins,
    parse_origin,
    requested_hub,
    token_settings_url,
    write_token_url,
)
from git_credential_hf.problem import Problem

PUBLIC = ["https://huggingface.co", "https://hf.co"]


def owns(protocol: str | bytes | None, host: str | bytes | None, other: str | None = None) -> str | None:
    asked = [text.encode() if isinstance(text, str) else text for text in (protocol, host)]
    return requested_hub(asked[0], asked[1], other)


@pytest.mark.parametrize("host", ["huggingface.co", "HUGGINGFACE.CO", "HuggingFace.co:443", "hf.co", "Hf.Co:443"])
def test_public_hub_is_owned(host: str) -> None:
    """The Hub's two names over https, in any letter case, port absent or 443, are one Hub."""
    assert owns("https", host) == owns("HTTPS", host) == PUBLIC_HUB


HUB_HOSTS = ("huggingface.co", "hf.co")
FOREIGN_HOSTS = [
    *("", ".", ":", ":443", "co", "evil.example", "*", "*.huggingface.co", "localhost", "127.0.0.1", "[::1]"),
    *("huggingface.co.evil.example", "evilhuggingface.co", "sub.huggingface.co", "huggingface.com", "huggingface-co"),
    *("huggingface.coo", "uggingface.co", "huggingfacexco", "hub-ci.huggingface.co", "cdn-lfs.hf.co", "xn--hf-.co"),
    *("huggingface%2eco", "huggingface%2Eco", "%68f.co", "[huggingface.co]", "[hf.co]:443", "[::1]hf.co", "hf.co]"),
    *(
        "huggingfacе.co",
        "huggingface。co",
        "ｈf.co",
        "hf.ⅽo",
        "hſ.co",
        "huggingﬀace.co",
        "huggıngface.co",
        "hf\u200b.co",
    ),
    *(before + host for host in HUB_HOSTS for before in (".", " ", "@", "a@", "a:b@", "%68", "//", "https://", "[")),
    *(
        host + after
        for host in HUB_HOSTS
        for after in [
            *(".", "..", ".:443", "/", "/x", "\\", "?", "#", ";", ",", "%00", " ", "\t", "\x0b", "\0"),
            *(":", ":80", ":8443", ":0443", ":+443", ":443 ", ": 443", ":4_43", ":443:443", ":-443", ":0x1bb"),
            *(":٤٤٣", ":４４３", ":443@evil.example", "@evil.example", ":x@evil.example"),
        ]
    ),
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_other_hosts_are_not_owned(host: str) -> None:
    """Lookalikes, other ports, and anything that two parsers could read differently are not the Hub."""
    for protocol in ("https", "http"):
        assert owns(protocol, host) is None
    assert owns("https", host.encode() + b"\xff") is None


@pytest.mark.parametrize(
    "protocol", ["http", "ssh", "ftp", "file", "cert", "", "https:", "https://", " https", "httpѕ", "httpſ", "*", None]
)
@pytest.mark.parametrize("host", HUB_HOSTS)
def test_other_protocols_are_not_owned(protocol: str | None, host: str) -> None:
    """Only https is safe for a token."""
    assert owns(protocol, host) is None


def test_absent_is_not_owned() -> None:
    """A request without a host or a protocol does not name the Hub."""
    assert owns("https", None) is owns(None, "hf.co") is owns(None, None) is None


# What `--hub` names, or HF_ENDPOINT, and the Hub that this is beside huggingface.co.
ENDPOINTS: dict[str, str | None] = {
    "": None,
    "https://huggingface.co": None,
    "https://hf.co/": None,
    "https://HuggingFace.co:443/": None,
    "https://hub.example": "https://hub.example",
    "https://Hub.Example/": "https://hub.example",
    "HTTPS://hub.example": "https://hub.example",
    "https://hub.example:443": "https://hub.example",
    "https://hub.example:8443//": "https://hub.example:8443",
    "https://hub.example/under/a/path": None,
    "https://hub.example/to/https://evil.example": None,
    "https://huggingface.co:8443": "https://huggingface.co:8443",
    "https://192.0.2.7:8443": "https://192.0.2.7:8443",
    "https://[2001:db8::1]": "https://[2001:db8::1]",
    "https://[2001:DB8::1]:8443/": "https://[2001:db8::1]:8443",
    # Plain http: on this machine alone.
    "http://localhost": "http://localhost",
    "http://LOCALHOST:5000": "http://localhost:5000",
    "http://localhost:80/": "http://localhost",
    "http://localhost:443": "http://localhost:443",
    "http://127.0.0.1:5000": "http://127.0.0.1:5000",
    "http://127.1.2.255": "http://127.1.2.255",
    "http://[::1]:5000": "http://[::1]:5000",
    "http://[::1]": "http://[::1]",
    "http://huggingface.co": None,
    "http://hub.example": None,
    "http://127.0.0.1.evil.example": None,
    "http://127.evil.example": None,
    "http://127.0.0.evil": None,
    "http://127.0.0.256": None,
    "http://127.0.0." + "1" * 5000: None,  # more digits than Python turns into a number
    "http://127.0.0.0001": None,  # no address is written so
    "http://1270.0.0.1": None,
    "http://128.0.0.1": None,
    "http://0.0.0.0": None,
    "http://localhost.evil.example": None,
    "http://evil-localhost": None,
    "http://10.0.0.1": None,
    "http://[::2]": None,
    "http://[::]": None,
    "http://[::1].evil.example": None,
    "http://[2001:db8::1]": None,
    "http://[::1": None,
    # Not an origin, or one that two parsers read differently.
    "https://": None,
    "https:///x": None,
    "https://:8443": None,
    "https://*": None,
    "https://*.hub.example": None,
    "hub.example": None,
    "//hub.example": None,
    "ftp://hub.example": None,
    " https://hub.example": None,
    "https://hub.example ": None,
    "https://hub.example:": None,
    "https://hub.example:http": None,
    "https://hub.example:+443": None,
    "https://hub.example:٤": None,
    "https://alice@hub.example": None,
    "https://alice:secret@hub.example": None,
    "https://hub.example@evil.example": None,
    "https://hub.example\\@evil.example": None,
    "https://hub.example?x": None,
    "https://hub.example#x": None,
    "https://hub%2eexample": None,
    "https://hüb.example": None,
    "https://hub.exam\nple": None,
}


@pytest.mark.parametrize("text", ENDPOINTS)
def test_another_hub(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--hub` adds one host and port and removes nothing; a malformed one is refused, and HF_ENDPOINT adds nothing."""
    monkeypatch.setenv("HF_ENDPOINT", text)
    added = ENDPOINTS[text]
    if added:
        assert hub_option(text) == environment_hub() == added
        scheme, _, host = added.partition("://")
        other = {"http": "https", "https": "http"}[scheme]
        assert owns(scheme, host) is None
        assert owns(scheme, host, added) == owns(scheme, host.upper(), added) == added
        assert owns(other, host, added) is None
        assert owns(scheme, "sub." + host, added) is owns(scheme, host + "0", added) is None
    elif parse_origin(text) is None:
        assert environment_hub() is None
        with pytest.raises(Problem, match="--hub takes the origin of a Hub"):
            hub_option(text)
    else:
        assert hub_option(text) in PUBLIC and environment_hub() == PUBLIC_HUB
    assert [owns("https", host, added) for host in HUB_HOSTS] == [PUBLIC_HUB, PUBLIC_HUB]
    for host in ("evil.example", "sub.hub.example", "hub.example.evil.example", "127.0.0.1:5001", "[::1]:1"):
        assert owns("https", host, added) is owns("http", host, added) is None


def test_the_public_hub() -> None:
    """Without `--hub` there are two origins, and this machine is not one of them."""
    assert hub_origins() == PUBLIC
    assert environment_hub() == PUBLIC_HUB
    assert owns("http", "localhost") is owns("http", "127.0.0.1") is owns("https", "hub-ci.huggingface.co") is None


@pytest.mark.parametrize("value", ["1", "ON", "on", "Yes", "TRUE", "true"])
def test_staging(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staging is huggingface_hub's Hub if that takes it for one, and then HF_ENDPOINT is not; git gets neither."""
    monkeypatch.setenv("HUGGINGFACE_CO_STAGING", value)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    assert environment_hub() == "https://hub-ci.huggingface.co"
    assert owns("https", "HUB-CI.huggingface.co") is owns("https", "hub.example") is None


@pytest.mark.parametrize("value", ["", "0", "no", "false", "2", "truee", " 1"])
def test_no_staging(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other value means no, as it does to huggingface_hub."""
    monkeypatch.setenv("HUGGINGFACE_CO_STAGING", value)
    assert environment_hub() == PUBLIC_HUB


def test_pages_of_tokens() -> None:
    """Tokens are created on a page of the Hub that they are for."""
    hub = "https://hub.example"
    assert token_settings_url(hub) == "https://hub.example/settings/tokens"
    assert token_settings_url() == "https://huggingface.co/settings/tokens"
    assert write_token_url(hub) == "https://hub.example/settings/tokens/new?tokenType=write"


# --- against an independent reader ---

Origin = tuple[str, str, int]


def read(url: str) -> Origin | None:
    """The origin of a URL as urlsplit reads it; None if it is not a URL, or more than an origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        named = parts.hostname or ""
    except ValueError:
        return None
    if parts.username is not None or parts.password is not None or not named:
        return None
    return parts.scheme, named, port


def allowed(endpoint: str | None) -> set[Origin]:
    origins = {("https", "huggingface.co", 443), ("https", "hf.co", 443)}
    own = read(endpoint) if endpoint else None
    if own:
        scheme, host, _ = own
        try:
            is_here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_here = host == "localhost"
        if scheme == "https" or (scheme == "http" and is_here):
            origins.add(own)
    return origins


names = st.one_of(
    st.sampled_from(["huggingface.co", "hf.co", "hub.example", "127.0.0.1", "localhost", "[::1]", "evil.example"]),
    st.text("abchfuging.co-:@/[]%\\?#127 0_*é\t", max_size=12),
)
ports = st.sampled_from(["", "", "", ":443", ":80", ":8443", ":", ":0443", ":x", ":443:443", "@hf.co", "/", "."])
hosts = st.builds(lambda *parts: "".join(parts), st.sampled_from(["", "", "", "a@", "sub.", ".", " "]), names, ports)
cased = hosts.flatmap(lambda host: st.sampled_from([host, host.upper(), host.title()]))
schemes = st.sampled_from(["https", "https", "http", "HTTPS", "ssh", "", "http:"])
separators = st.sampled_from(["://", "://", ":", "//"])
ends = st.sampled_from(["", "/", "/x", "?x", "#x", "\\x"])
endpoints = st.one_of(st.none(), st.builds("{}{}{}{}".format, schemes, separators, cased, ends))


@settings(max_examples=tenth(1500), deadline=None, suppress_health_check=list(HealthCheck))
@given(schemes, cased, endpoints)
def test_owned_is_allowed(protocol: str, host: str, named: str | None) -> None:
    """A Hub is found only if urlsplit, too, reads exactly one of the allowed origins, and nothing else."""
    other = parse_origin(named) if named else None
    hub = owns(protocol, host, other)
    if hub is not None:
        asked = read(f"{protocol}://{host}")
        assert asked in allowed(named)
        assert hub == PUBLIC_HUB or (read(hub) == asked and hub == other)
        assert hub.isascii() and hub == hub.lower()


@settings(max_examples=tenth(500), deadline=None, suppress_health_check=list(HealthCheck))
@given(endpoints)
def test_origins_are_allowed(named: str | None) -> None:
    """Each origin is one that urlsplit reads from what `--hub` names as well, and each is matched."""
    other = parse_origin(named) if named else None
    for origin in hub_origins([other] if other else []):
        assert read(origin) in allowed(named)
        scheme, _, host = origin.partition("://")
        assert owns(scheme, host, other) in (origin, PUBLIC_HUB)


# --- against huggingface_hub ---

ENVIRONMENTS: list[dict[str, str]] = [
    {},
    *({"HF_ENDPOINT": endpoint} for endpoint in ("", "/", "https://hub.example", "https://hub.example///", "x", " / ")),
    {"HF_ENDPOINT": "http://localhost:5000/path/"},
    {"HF_ENDPOINT": "https://hub.example/X/"},
    *({"HUGGINGFACE_CO_STAGING": value, "HF_ENDPOINT": "https://hub.example"} for value in ("1", "true", "On", "yEs")),
    *({"HUGGINGFACE_CO_STAGING": value, "HF_ENDPOINT": "https://hub.example"} for value in ("", "0", "no", "y", "2")),
    {"HUGGINGFACE_CO_STAGING": "1"},
]

COMPARE = """
import json
from huggingface_hub import constants
from git_credential_hf import hub
print(json.dumps([constants.ENDPOINT, hub.environment_endpoint()]))
"""


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=str)
def test_endpoint_is_huggingface_hubs(environment: dict[str, str]) -> None:
    """environment_endpoint() is the URL that huggingface_hub itself would talk to."""
    done = subprocess.run(
        [sys.executable, "-c", COMPARE], env={**os.environ, **environment}, capture_output=True, check=True, timeout=60
    )
    theirs, ours = json.loads(done.stdout)
    assert ours == theirs


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("hub.corp.example", "that has no scheme"),
        ("http://hub.corp.example", "plain http is for this machine alone"),
        ("ssh://hub.corp.example", "that is ssh, and not https"),
        ("https://alice@hub.corp.example", "there is a user name in that"),
        ("https://hub.corp.example/api/hf", "there is a path in that"),
        ("https://hub%2ecorp.example", "that is not one"),
    ],
)
def test_what_is_wrong_with_a_hub(text: str, wrong: str) -> None:
    """The error about a value of `--hub` says what is wrong with this one."""
    with pytest.raises(Problem) as problem:
        hub_option(text)
    assert problem.value.message.endswith(f", not '{text}': {wrong}")
