"""The settings of `configure --env`: environment variables for one job, instead of a file."""

import os

from git_credential_hf.api.access import whoami
from git_credential_hf.api.refusals import Refused
from git_credential_hf.configure.settings import Settings, credential_sections, results_in
from git_credential_hf.files import read_file
from git_credential_hf.git.config import read_config
from git_credential_hf.git.netrc import mentions_host, netrc_paths
from git_credential_hf.git.run import git_version
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.hub import PUBLIC_HUB, hub_origins, origins_of
from git_credential_hf.problem import Problem
from git_credential_hf.report import report_problem
from git_credential_hf.state import CONFIRMED, CONFIRMED_FOR, record
from git_credential_hf.tokens import FROM_EXCHANGE, current_token


def config_environment(new: Settings) -> list[tuple[str, str]]:
    """Return the settings as environment variables (git-config(1), GIT_CONFIG_COUNT), without writing a file."""
    given = os.environ.get("GIT_CONFIG_COUNT") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 6):
        raise Problem(f"GIT_CONFIG_COUNT is '{given}', which is not a valid number", "unset GIT_CONFIG_COUNT")
    configured = [entry for entry in read_config() if entry.scope == "command"]
    count = int(given)
    settings: list[tuple[str, str]] = []
    for section, variables in credential_sections(Settings.read(configured) + new).items():
        if settings or not results_in(configured, section, variables):
            for name, value in variables:
                settings.append((f"GIT_CONFIG_KEY_{count}", f"credential.{section}.{name}"))
                settings.append((f"GIT_CONFIG_VALUE_{count}", value))
                count += 1
    for origin in _proactive_origins(new):
        settings += [
            (f"GIT_CONFIG_KEY_{count}", f"http.{origin}.proactiveAuth"),
            (f"GIT_CONFIG_VALUE_{count}", "basic"),
        ]
        count += 1
    return [("GIT_CONFIG_COUNT", str(count)), *settings]


def _proactive_origins(new: Settings) -> list[str]:
    """Return the origins to which git may send the token without being asked, for the account's rate limits.

    git would not fall back to an anonymous request for a public repository. So only a token that the Hub confirms is
    recorded to be sent at once; for any other, `get` makes git ask the Hub first, as without this setting.
    """
    if git_version() < (2, 46) or _may_use_netrc():
        return []
    origins = [origin for hub in (PUBLIC_HUB, *new.hubs) if _confirm_token(hub) for origin in origins_of(hub)]
    chosen = [entry for entry in read_config() if (entry.section, entry.name) == ("http", "proactiveauth")]
    return [o for o in origins if not any(section_applies(entry.subsection, o) for entry in chosen)]


def _may_use_netrc() -> bool:
    """Whether a netrc file may have an entry for the Hub, which git would not use with `http.proactiveAuth`."""
    hosts = [origin.partition("://")[2] for origin in hub_origins()]
    try:
        return any(mentions_host(read_file(path) or b"", hosts) for path in netrc_paths())
    except Problem:
        return True  # we cannot read it, but git may


def _confirm_token(hub: str) -> bool:
    """Record that the Hub confirms the current token; return whether it does."""
    try:
        token = current_token(hub, act=False)
        # Whether the Hub accepts a token from an exchange as a password is not documented (docs/facts.md#u1, #u3).
        if token is None or token.value.startswith(FROM_EXCHANGE):
            return False
        whoami(token)
    except Refused as refused:
        report_problem(refused, "warning")  # on stderr: the first clone of the job would fail
        return False
    except Problem:
        return False  # `status` reports the problem
    return record(CONFIRMED, token.key, CONFIRMED_FOR)
