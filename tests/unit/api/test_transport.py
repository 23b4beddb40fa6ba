"""One request to a Hub: on git's way to it, verified, within limits, and named by its cause if it fails."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from fake_hub import Hub
from programs import git
from servers import Proxy, Server, dropping, http

from git_credential_hf.api.access import check_access, whoami
from git_credential_hf.api.client import Unreachable, ask_hub, is_out_of_reach, try_hub_again
from git_credential_hf.api.contents import find_lfs_objects
from git_credential_hf.repository import Repository
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.tokens import Token

# urllib3 1.26 leaves sockets open when a proxy or TLS fails.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A Hub whose certificate git knows, at an address of its own; nothing else does."""
    with Hub(tmp_path, name="localhost") as hub:
        hub.user("alice")
        git("config", "--global", "http.sslCAInfo", str(hub.ca))
        yield hub


def address(hub: Hub) -> tuple[str, int]:
    return "127.0.0.1", int(hub.url.rpartition(":")[2])


def who(hub: Hub, url: str | None = None) -> str:
    """Whose token it is, or the cause why the Hub at this URL does not tell."""
    try_hub_again()
    try:
        return whoami(Token(hub.token("alice"), "env", "HF_TOKEN", hub=url or hub.url)).name
    except Unreachable as unreachable:
        return unreachable.message


ELSEWHERE = "https://hub.corp.example"  # which no name server knows


@pytest.mark.parametrize("setting", ["sslCAInfo", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "none"])
def test_certificates(setting: str, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The company's certificate that git or Python has been told of is trusted, and no other."""
    if setting != "sslCAInfo":
        git("config", "--global", "--unset", "http.sslCAInfo")
        if setting != "none":
            monkeypatch.setenv(setting, str(hub.ca))
    cause = "its certificate is not trusted: unable to get local issuer certificate"
    assert who(hub) == ("alice" if setting != "none" else f"cannot reach the Hub ({cause})")


def test_no_certificates_are_read_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub without TLS, as a test may have it, has no certificate: those that git trusts are not even read."""
    monkeypatch.setenv("GIT_SSL_CAINFO", "/there/is/no/such/file")
    with Server(http("200 OK", body=b"{}")) as server:
        try_hub_again()
        assert ask_hub(server.url, "/api/whoami-v2", None).status_code == 200


def test_verification_is_never_off(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `http.sslVerify` off no token is sent to an unknown server either; hooks do not go on about it."""
    git("config", "--global", "http.sslCAInfo", str(hub.ca.with_name("other.pem")))
    trustme.CA().cert_pem.write_to_path(str(hub.ca.with_name("other.pem")))
    for is_news in (True, False):
        try_hub_again()
        with pytest.raises(Unreachable, match="certificate is not trusted") as raised:
            ask_hub(hub.url, "/api/whoami-v2", None)
        assert raised.value.is_news is is_news
        assert "http.sslCAInfo" in (raised.value.fix or "")
        git("config", "--global", "http.sslVerify", "false")
    assert not hub.log.of("/api/")


def test_a_client_certificate(hub: Hub, tmp_path: Path) -> None:
    """A Hub that asks for a certificate gets the one of git's configuration."""
    authority, company = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mine = company.issue_cert("alice@example.org")
    mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    company.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    git("config", "--global", "http.sslCAInfo", str(tmp_path / "ca.pem"))
    git("config", "--global", "http.sslCert", str(tmp_path / "cert.pem"))
    git("config", "--global", "http.sslKey", str(tmp_path / "key.pem"))
    with Proxy(address(hub)) as plain:  # which answers, whatever it is asked
        import threading

        listening = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        assert not plain.asked
        assert ask_hub(f"https://localhost:{listening.getsockname()[1]}", "/api/x", None).status_code == 204
        thread.join(10)
        listening.close()


@pytest.mark.parametrize("scheme", ["http", "socks5h", "socks5"])
def test_proxies(scheme: str, hub: Hub) -> None:
    """The Hub is reached through the proxy that git has, which sees TLS."""
    with Proxy(address(hub)) as proxy:
        git("config", "--global", "http.proxy", f"{scheme}://{proxy.address}")
        assert who(hub) == "alice"
        host = "127.0.0.1" if scheme == "socks5" else "localhost"  # who resolves it
        assert proxy.asked == [f"{host}:{address(hub)[1]}"]
        assert all(b"uthorization" not in head for head in proxy.heads)


def test_the_password_of_a_proxy(hub: Hub) -> None:
    """It is sent to the proxy, decoded, and is not shown."""
    with Proxy(address(hub), "407 Proxy Authentication Required") as proxy:
        git("config", "--global", "http.proxy", f"http://user:p%40ss-Zq8@{proxy.address}")
        said = who(hub)
        assert said == f"cannot reach the Hub through the proxy http://{proxy.address} (the proxy answered 407)"
        assert b"Basic dXNlcjpwQHNzLVpxOA==" in proxy.heads[0]  # user:p@ss-Zq8


def test_a_repository_with_another_name(hub: Hub) -> None:
    """Redirects within the Hub are followed, of a GET and of a POST."""
    stored = b"weights"
    hub.repository("alice/old", files={}, lfs={"a.bin": stored})
    hub.rename("alice/old", "alice/new")
    token = Token(hub.token("alice", role="write"), "env", "HF_TOKEN", hub=hub.url)
    old = Repository("models", "alice/old", hub.url)
    assert check_access(token, old, write=True).answer == "yes"
    oid = hashlib.sha256(stored).hexdigest()
    assert find_lfs_objects(token, old, [(oid, len(stored)), ("0" * 64, 1)]) == {oid: True, "0" * 64: False}
    assert [request.status for request in hub.log] == [307, 200, 307, 200]


def test_causes(hub: Hub, tmp_path: Path) -> None:
    """What cannot be reached is named by its cause."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        free = listening.getsockname()[1]
    assert who(hub, ELSEWHERE) == "cannot reach the Hub (its name cannot be resolved)"
    assert who(hub, f"https://127.0.0.1:{free}") == "cannot reach the Hub (connection refused)"
    with dropping(free):
        assert who(hub, f"https://127.0.0.1:{free}") == "cannot reach the Hub (no connection within 2 seconds)"
    for proxy, cause in {
        f"http://127.0.0.1:{free}": "connection refused",
        f"socks5h://127.0.0.1:{free}": "connection refused",
        "http://proxy.corp.example:1": "its name cannot be resolved",
        "nowhere://127.0.0.1:1": "this is not a proxy URL",
        "http://127.0.0.1:port": "this is not a proxy URL",
    }.items():
        git("config", "--global", "http.proxy", proxy)
        assert who(hub) == f"cannot reach the Hub through the proxy {proxy} ({cause})"
    git("config", "--global", "http.proxy", "")
    missing = tmp_path / "missing"
    for setting, cause in {
        "sslCert": f"cannot use the client certificate {missing}: no such file or directory",
        "sslCAInfo": f"cannot read {missing}: no such file or directory",
    }.items():
        git("config", "--global", f"http.{setting}", str(missing))
        assert who(hub) == f"cannot reach the Hub ({cause})"


def test_without_pysocks(hub: Hub, tmp_path: Path) -> None:
    """A SOCKS proxy needs a package that may be missing; then that is the cause."""
    program = """
        import sys
        sys.modules["socks"] = None
        from git_credential_hf.api.client import Unreachable, ask_hub
        try:
            ask_hub("https://huggingface.co", "/api/whoami-v2", None)
        except Unreachable as unreachable:
            print(unreachable.message, unreachable.fix, sep="\\n")
    """
    git("config", "--global", "http.proxy", "socks5://127.0.0.1:1")
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    message = (
        "cannot reach the Hub through the proxy socks5://127.0.0.1:1 (a SOCKS proxy needs the Python package PySocks)"
    )
    assert lines[0] == message
    assert lines[1] == f"run `{sys.executable} -m pip install PySocks`"


def test_a_token_that_is_no_header(hub: Hub) -> None:
    """A token that cannot be in a header is an error without it."""
    for value in ("hf_\n", "hf_\u20ac"):
        try_hub_again()
        with pytest.raises(Unreachable) as raised:
            whoami(Token(value, "env", "HF_TOKEN", hub=hub.url))
        assert raised.value.message == "cannot reach the Hub (the token cannot be sent in a header)"


def test_a_hub_out_of_reach_is_not_tried_again(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """For five minutes, unless somebody asks or the way to it changes; what was recorded names nothing."""
    proxy = Proxy(address(hub), "502 Bad Gateway")
    git("config", "--global", "http.proxy", f"http://{proxy.address}")
    for is_news in (True, False, False):
        with pytest.raises(Unreachable) as raised:
            ask_hub(hub.url, "/api/whoami-v2", None)
        assert raised.value.is_news is is_news
    assert len(proxy.asked) == 1
    file = Path(cache_directory() or "", "unreachable")
    assert file.read_text().split()[1] == "300"
    assert "127.0.0.1" not in file.read_text()
    assert is_out_of_reach(hub.url)
    assert not is_out_of_reach(ELSEWHERE)
    try_hub_again()
    with pytest.raises(Unreachable):
        ask_hub(hub.url, "/api/whoami-v2", None)
    assert len(proxy.asked) == 2
    monkeypatch.setenv("no_proxy", "localhost")
    assert ask_hub(hub.url, "/api/whoami-v2", None).status_code == 401
    with proxy:
        pass


@pytest.mark.parametrize(
    ("variables", "is_offline"),
    [
        ({"HF_HUB_OFFLINE": "1"}, True),
        ({"TRANSFORMERS_OFFLINE": "yes"}, True),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, False),  # as huggingface_hub has it
    ],
)
def test_offline_mode(variables: dict[str, str], is_offline: bool, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """In offline mode, which is huggingface_hub's, no request is sent, and the cause is the variable."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if not is_offline:
        assert who(hub) == "alice"
        return
    with pytest.raises(Unreachable) as raised:
        ask_hub(hub.url, "/api/whoami-v2", None)
    (name,) = variables
    assert (raised.value.message, raised.value.code) == (f"offline mode ({name})", "offline")
    assert (raised.value.fix, raised.value.is_news) == (f"run `unset {name}`", False)
    assert not hub.log
    assert os.environ[name]
