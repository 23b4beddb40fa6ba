"""Read git's network settings for a Hub: the proxy and certificates that the user has configured (docs/facts.md#g8).

The repository's own configuration is ignored: a hostile repository must not redirect our requests.
"""

import os

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.run import git_home, run_git
from git_credential_hf.masking import register_proxy
from git_credential_hf.problem import Problem
from git_credential_hf.report import trace

_OF_THE_USER = ("system", "global", "command")  # scopes; the last are `git -c` and GIT_CONFIG_*
_VARIABLES = ("proxy", "sslverify", "sslcainfo", "sslcapath", "sslcert", "sslkey")


class Network:
    """The network settings for a Hub: a `proxy` (a URL, or empty), and certificate files as for the `ssl` module.

    `is_verified` is false if git is configured not to verify certificates. We always verify them.
    """

    def __init__(self, proxy: str, settings: dict[str, str]) -> None:
        self.proxy = proxy
        self.ca_file = _path("GIT_SSL_CAINFO", settings.get("sslcainfo"))
        self.ca_path = _path("GIT_SSL_CAPATH", settings.get("sslcapath"))
        self.certificate = _path("GIT_SSL_CERT", settings.get("sslcert"))
        self.key = _path("GIT_SSL_KEY", settings.get("sslkey"))
        is_off = settings.get("sslverify", "true").lower() in ("false", "no", "off", "0", "")
        self.is_verified = not is_off and "GIT_SSL_NO_VERIFY" not in os.environ

    @property
    def shown_proxy(self) -> str:
        """The proxy without its user name and password."""
        scheme, _, rest = self.proxy.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}" if self.proxy else ""

    @property
    def key_text(self) -> str:
        """A text that identifies these settings."""
        return "\n".join((self.proxy, *(path or "" for path in (self.ca_file, self.ca_path, self.certificate))))


def read_network(hub: str) -> Network:
    """Return the network settings that git uses for a Hub; the defaults if git cannot read its configuration."""
    try:
        settings = _settings(hub)
    except Problem as problem:
        trace(f"git's settings of the network: {problem.message}")
        settings = {}
    return Network(_proxy(hub, settings), settings)


def _settings(hub: str) -> dict[str, str]:
    """Return the user's `http.*` and `http.<url>.*` settings for a Hub, by name; git itself matches the URLs."""
    entries = [
        entry
        for entry in read_config()
        if entry.section == "http" and entry.name in _VARIABLES and entry.scope in _OF_THE_USER
    ]
    if not entries:
        return {}
    # Through a pipe: the password of a proxy may be in it.
    listed = run_git(
        *("config", "-z", "--file", "-", "--no-includes", "--get-urlmatch", "http", f"{hub}/"),
        given="".join(map(_as_file, entries)).encode("utf-8", "surrogateescape"),
    )
    found = {}
    for variable in listed.decode("utf-8", "surrogateescape").split("\0"):
        name, newline, value = variable.partition("\n")
        found[name.removeprefix("http.")] = value if newline else "true"
    return found


def _as_file(entry: ConfigEntry) -> str:
    section = f'[http "{_escaped(entry.subsection)}"]' if entry.subsection else "[http]"
    return f"{section}\n\t{entry.name}" + ("\n" if entry.value is None else f' = "{_escaped(entry.value)}"\n')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _proxy(hub: str, settings: dict[str, str]) -> str:
    """Return the proxy that git uses (http.c, get_curl_handle), as a URL; empty for none.

    Plain http, which is allowed for this machine only, uses no proxy: the proxy would see the token.
    """
    if not hub.startswith("https:"):
        return ""
    names = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    proxy = settings.get("proxy", next((value for name in names if (value := os.environ.get(name)) is not None), ""))
    if not proxy or _is_exempt(hub):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    register_proxy(proxy)
    return proxy


def _is_exempt(hub: str) -> bool:
    """Whether no proxy is used for a host, as curl reads `no_proxy`."""
    exempt = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    host = hub.partition("://")[2]
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    for pattern in exempt.lower().replace(",", " ").split():
        pattern = pattern.removeprefix(".")
        if pattern in ("*", host, name) or name.endswith(f".{pattern}"):
            return True
    return False


def _path(variable: str, setting: str | None) -> str | None:
    path = os.environ.get(variable, setting)
    if path and path.startswith("~/"):
        path = git_home() + path[1:]
    return path or None
