"""Send a request to a Hub with urllib3: with git's network settings, verified TLS, limits, and no other host."""

import json
import os
import ssl
import sys
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from git_credential_hf.git.network import Network
from git_credential_hf.hub import url_origin

CONNECT_TIMEOUT = 2  # seconds for a connection, which takes longer only if packets are dropped
_MAX_RESPONSE_BYTES = 1 << 20  # five times the whoami response of a member of a thousand organizations
_MAX_REDIRECTS = 5

# The system's CA certificates, which git trusts. A Python that is not the system's own may not know their path.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


class NoResponse(Exception):
    """There is no response, because of `cause`; `fix` is a hint or `None`.

    `is_lasting`: the next request would fail, too; `is_distrust`: a certificate is not trusted.
    """

    def __init__(
        self, cause: str, fix: str | None = None, *, is_lasting: bool = False, is_distrust: bool = False
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix
        self.is_lasting = is_lasting
        self.is_distrust = is_distrust


class Response:
    """A response; the names in `headers` are case-insensitive."""

    def __init__(self, status_code: int, headers: Any, content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content

    def json(self) -> Any:
        """Parse the body as JSON; raises `ValueError` or `RecursionError` if it is not valid."""
        return json.loads(self.content)


def send_request(
    method: str, hub: str, path: str, network: Network, *, headers: dict[str, str], body: bytes | None, seconds: float
) -> Response:
    """Send one request, with a timeout in `seconds` for each step; raises `NoResponse`."""
    headers = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "git-credential-hf", **headers}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _send(method, hub, path, network, headers, body, seconds)
    except NoResponse:
        raise
    except Exception as error:  # urllib3 raises its own exceptions and those of lower layers
        raise _no_response(error, network) from None


def _send(
    method: str, hub: str, path: str, network: Network, headers: dict[str, str], body: bytes | None, seconds: float
) -> Response:
    from urllib3 import Timeout

    timeout = Timeout(connect=min(CONNECT_TIMEOUT, seconds), read=seconds)
    with _manager(hub, network) as manager:
        pool = manager.connection_from_url(hub)  # connects only to this origin, whatever the path is
        for _ in range(_MAX_REDIRECTS):
            response = pool.urlopen(
                *(method, path, body, headers),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
            )
            try:
                location = response.headers.get("location")
                if response.status not in (301, 302, 303, 307, 308) or not location:
                    return Response(response.status, response.headers, _read(response))
            finally:
                response.close()
            if method != "GET" and response.status not in (307, 308):
                raise NoResponse("redirect of a POST")
            path = _redirected(hub, path, location)
    raise NoResponse("too many redirects")


def _redirected(hub: str, path: str, location: str) -> str:
    """Return the path of a redirect's target, such as a renamed repository; raises `NoResponse` for another host.

    Another host would get the token, and would decide about access.
    """
    target = urljoin(hub + path, location)
    if url_origin(target) != hub:
        raise NoResponse("redirect to another host")
    return urlsplit(target)._replace(scheme="", netloc="", fragment="").geturl() or "/"


def _read(response: Any) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NoResponse("unexpected compressed response")  # it may hold gigabytes
    if not response.headers.get("content-length", "0").isdecimal():
        raise NoResponse("this is not HTTP")
    content = b""
    for piece in response.stream(1 << 16, decode_content=False):
        content += piece
        if len(content) > _MAX_RESPONSE_BYTES:
            raise NoResponse("response too large")
    return content


# --- connections ---


def _manager(hub: str, network: Network) -> Any:
    from urllib3 import PoolManager, ProxyManager, make_headers
    from urllib3.util import parse_url

    options: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED}
    if hub.startswith("https:"):  # reading the system's certificates is slower than most requests
        options["ssl_context"] = _tls_context(network)
    if not network.proxy:
        return PoolManager(**options)
    if network.proxy.lower().startswith("socks"):
        return _socks_manager(network.proxy, options)
    login = parse_url(network.proxy).auth
    if network.proxy.lower().startswith("https:"):
        options["proxy_ssl_context"] = _tls_context(network, is_proxy=True)
    proxy_headers = make_headers(proxy_basic_auth=_decoded(login)) if login else None
    return ProxyManager(network.proxy, proxy_headers=proxy_headers, **options)


def _socks_manager(proxy: str, options: dict[str, Any]) -> Any:
    try:
        from urllib3.contrib.socks import SOCKSProxyManager
    except ImportError:
        from git_credential_hf.program import command_to_install

        raise NoResponse(
            "a SOCKS proxy needs the Python package PySocks",
            f"run `{command_to_install('PySocks')}`",
            is_lasting=True,
        ) from None
    scheme, _, rest = proxy.partition("://")
    scheme = scheme.lower()
    return SOCKSProxyManager(f"{'socks4' if scheme == 'socks' else scheme}://{rest}", **options)


def _decoded(login: str) -> str:
    from urllib.parse import unquote

    return unquote(login)


def _tls_context(network: Network, *, is_proxy: bool = False) -> ssl.SSLContext:
    """Return the TLS context: it trusts the certificates configured for git, or else the system's."""
    try:
        if network.ca_file or network.ca_path:
            context = ssl.create_default_context(cafile=network.ca_file, capath=network.ca_path)
        else:
            context = _system_context()
    except OSError as error:  # ssl.SSLError is one
        where = network.ca_file or network.ca_path or "the system's certificates"
        raise NoResponse(f"cannot read {where}: {_words(error)}", is_lasting=True) from None
    if network.certificate and not is_proxy:
        try:
            # Without a password function, OpenSSL would prompt on the terminal.
            context.load_cert_chain(network.certificate, network.key, password=lambda: "")
        except OSError as error:
            raise NoResponse(
                f"cannot use the client certificate {network.certificate}: {_words(error)}", is_lasting=True
            ) from None
    return context


def _system_context() -> ssl.SSLContext:
    if sys.platform == "darwin":
        try:
            from truststore import SSLContext  # the keychain; huggingface_hub 2 brings it
        except ImportError:
            pass
        else:
            return SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    if not {"SSL_CERT_FILE", "SSL_CERT_DIR"} & os.environ.keys():
        bundle = next((path for path in _BUNDLES if os.path.exists(path)), None)
        if bundle is None and not context.cert_store_stats()["x509_ca"]:
            try:
                from certifi import where  # huggingface_hub 0 and 1 bring it
            except ImportError:
                pass
            else:
                bundle = where()
        own = ssl.get_default_verify_paths().cafile
        if bundle and not (own and os.path.samefile(bundle, own)):  # Python has already read its own
            context.load_verify_locations(bundle)
    return context


# --- causes ---


def _no_response(error: Exception, network: Network) -> NoResponse:
    """Return the cause of a urllib3 exception; its own text may quote a header, and so a token."""
    from urllib3 import exceptions

    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return NoResponse(
                f"its certificate is not trusted: {one.verify_message.rstrip('.')}",
                "if your company has its own CA, run `git config --global http.sslCAInfo FILE` with its certificate",
                is_lasting=True,
                is_distrust=True,
            )
        if isinstance(one, ssl.SSLError):
            return NoResponse(f"TLS failed: {_words(one)}", is_lasting=True)
        if isinstance(one, OSError) and one.errno is None and "unnel connection failed" in str(one):
            status = next((word for word in str(one).split() if word.isdecimal()), "an error")
            return NoResponse(f"the proxy answered {status}", is_lasting=True)
        if type(one).__name__ == "gaierror":
            return NoResponse("its name cannot be resolved", is_lasting=True)
        if isinstance(one, ConnectionRefusedError):
            return NoResponse("connection refused", is_lasting=True)
        if isinstance(one, exceptions.ConnectTimeoutError) and not isinstance(one, exceptions.NewConnectionError):
            return NoResponse(f"no connection within {CONNECT_TIMEOUT} seconds", is_lasting=True)
        if isinstance(one, exceptions.ReadTimeoutError):
            return NoResponse("it did not respond in time", is_lasting=True)
        if isinstance(one, (exceptions.ProxySchemeUnknown, exceptions.LocationValueError)) and network.proxy:
            return NoResponse("this is not a proxy URL", is_lasting=True)
    for one in _chain(error):
        if isinstance(one, OSError) and one.strerror:
            return NoResponse(one.strerror.lower(), is_lasting=not isinstance(one, ConnectionError))
    if "server_hostname" in str(error):
        return NoResponse("urllib3 1.26 cannot verify the certificate of an IP address", is_lasting=True)
    if isinstance(error, UnicodeError) or "header value" in str(error):
        return NoResponse("the token cannot be sent in a header")
    is_closed = any(type(one).__name__ in ("RemoteDisconnected", "IncompleteRead") for one in _chain(error))
    return NoResponse("the connection was closed" if is_closed else "this is not HTTP")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, its causes, and the exceptions that it wraps."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        linked = (one.__cause__, one.__context__, getattr(one, "original_error", None), *one.args)
        waiting += [other for other in linked if isinstance(other, BaseException)]


def _words(error: OSError) -> str:
    reason = getattr(error, "reason", None)  # of OpenSSL: CERTIFICATE_VERIFY_FAILED
    return str(reason).lower().replace("_", " ") if reason else (error.strerror or type(error).__name__).lower()
