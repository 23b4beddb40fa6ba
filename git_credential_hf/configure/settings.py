"""The settings that `configure` writes: sections for each Hub and namespace, and for the hooks."""

import shlex
from collections.abc import Iterable, Iterator

from git_credential_hf.configure.include import HOOKS_SETTINGS
from git_credential_hf.git.config import ConfigEntry, quote_value
from git_credential_hf.git.helper_chain import configured_hubs, helper_command, helper_options, sends_path
from git_credential_hf.git.urlmatch import section_applies, section_origin
from git_credential_hf.hub import PUBLIC_HUB, hub_at, origins_of
from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_command
from git_credential_hf.tokens import stored_token


class Settings:
    """Our settings in git's configuration: the `hubs` besides huggingface.co, and the tokens `mapped` to namespaces.

    `mapped` has the name of the stored token for each Hub and namespace; an empty name removes the mapping.
    """

    def __init__(self, hubs: Iterable[str] = (), mapped: dict[tuple[str, str], str] | None = None) -> None:
        self.hubs = [*hubs]
        self.mapped = mapped or {}

    @classmethod
    def read(cls, configured: list[ConfigEntry]) -> "Settings":
        """Return the settings in these entries."""
        return cls(configured_hubs(configured), mapped_tokens(configured))

    def __add__(self, more: "Settings") -> "Settings":
        return Settings(dict.fromkeys([*self.hubs, *more.hubs]), {**self.mapped, **more.mapped})


def credential_sections(settings: Settings) -> dict[str, list[tuple[str, str]]]:
    """Return the `credential` sections, each with its variables in order: an empty helper, then this program.

    git-lfs sends the path, which contains the namespace, only with `useHttpPath` (docs/facts.md#g4).
    """
    command = helper_command()
    sections: dict[str, list[tuple[str, str]]] = {}
    for hub in (PUBLIC_HUB, *settings.hubs):
        value = command if hub == PUBLIC_HUB else f"{command} --hub {shlex.quote(hub)}"
        namespaces = {namespace: token for (of, namespace), token in settings.mapped.items() if of == hub and token}
        with_path = [("useHttpPath", "true")] if namespaces else []
        sections |= {origin: [("helper", ""), ("helper", value), *with_path] for origin in origins_of(hub)}
        for namespace, token in namespaces.items():
            variables = [("helper", ""), ("helper", f"{value} --token {shlex.quote(token)}")]
            sections |= {f"{o}/{prefix}{namespace}": variables for o in origins_of(hub) for prefix in _PATH_PREFIXES}
    return sections


_PATH_PREFIXES = ("", "datasets/", "spaces/", "kernels/")  # of models and the other kinds (docs/facts.md#h1)


def mapped_tokens(configured: list[ConfigEntry]) -> dict[tuple[str, str], str]:
    """Return the name of the stored token for each Hub and namespace with a token of its own."""
    found = {}
    hubs = configured_hubs(configured)
    for entry in configured:
        options = helper_options(entry.value or "") if entry.is_helper() else None
        hub = hub_at(section_origin(entry.subsection), hubs)
        namespace = entry.subsection.partition("://")[2].partition("/")[2]
        if options and "token" in options and hub and namespace and "/" not in namespace:
            found[hub, namespace] = options["token"]
    return found


def missing_tokens(configured: list[ConfigEntry]) -> Iterator[Problem]:
    """Yield a problem for each namespace whose own token is not stored: git has none for its repositories."""
    for (hub, namespace), name in mapped_tokens(configured).items():
        try:
            stored_token(name, hub, act=False)
        except Problem as problem:
            yield Problem(f"for {namespace}, {problem.message}", mapping_hint(name, namespace, hub))


def mapping_hint(name: str, namespace: str, hub: str, scope: str = "global") -> str:
    """Return the hint that makes the repositories of a namespace use the stored token of this name."""
    options = ["--token", name, "--for", namespace]
    options += [] if hub == PUBLIC_HUB else ["--hub", hub]
    options += [] if scope == "global" else [f"--{scope}"]
    return f"run `git-credential-hf configure {shell_command(options)}`"


def format_section(section: str, variables: list[tuple[str, str]]) -> str:
    """Format the lines of one section."""
    return f'[credential "{section}"]\n' + "".join(
        f"\t{name} = {quote_value(v)}".rstrip() + "\n" for name, v in variables
    )


def config_lines(settings: Settings) -> str:
    """Return the lines that `configure` writes."""
    return "".join(format_section(section, variables) for section, variables in credential_sections(settings).items())


def hooks_lines(hubs: list[str]) -> str:
    """Return the sections that set `core.hooksPath` if the repository has a remote on a Hub (git 2.36)."""
    condition = "hasconfig:remote.*.url:"
    return "".join(
        f'[includeIf "{condition}{pattern}"]\n\tpath = {HOOKS_SETTINGS}\n'
        for hub in (PUBLIC_HUB, *hubs)
        for pattern in _remote_patterns(hub)
    )


def _remote_patterns(hub: str) -> Iterable[str]:
    """Yield the patterns of the URLs that `parse_remote` accepts for a Hub: HTTPS, with and without a user, and SSH."""
    for origin in origins_of(hub):
        scheme, _, host = origin.partition("://")
        name = host.partition(":")[0]
        yield from (f"{scheme}://{host}/**", f"{scheme}://*@{host}/**", f"ssh://git@{name}/**")
        yield from (f"git@{name}:*", f"git@{name}:*/**")  # `**` is any number of directories, and `*` one


def includes_hooks(entry: ConfigEntry) -> bool:
    """Whether an entry is one of `hooks_lines`."""
    return entry.section == "includeif" and entry.value == HOOKS_SETTINGS


def results_in(configured: list[ConfigEntry], section: str, variables: list[tuple[str, str]]) -> bool:
    """Whether these entries result in `variables` for the URL `section`, whatever other settings come before them."""
    wanted = [value for name, value in variables if name == "helper"]
    applying = [
        entry for entry in configured if entry.section == "credential" and section_applies(entry.subsection, section)
    ]
    helpers = [entry.value for entry in applying if entry.is_helper()]
    return helpers[-2:] == wanted and (("useHttpPath", "true") not in variables or sends_path(section, configured))
