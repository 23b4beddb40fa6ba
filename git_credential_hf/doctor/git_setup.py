"""Check git's setup: the credential helpers that it runs, its settings for the Hub, git-lfs and the hooks."""

import os
from collections.abc import Iterator
from functools import partial

from git_credential_hf.api.account import Account
from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.contents import find_commit
from git_credential_hf.configure import plan_configure
from git_credential_hf.doctor.changes import GitCommand, plan_unset
from git_credential_hf.doctor.config_secrets import entry_file
from git_credential_hf.doctor.finding import Finding, fix_first
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.git.config import SCOPES, ConfigEntry, config_path, git_directory, removal_command
from git_credential_hf.git.helper_chain import HelperChains, bypassing_variables, configure_hint, shown_helper
from git_credential_hf.git.lfs import MISSING, files_in_lfs, pointers_problem, setup_problem
from git_credential_hf.git.lfs_endpoint import LfsEndpoint
from git_credential_hf.git.run import find_program
from git_credential_hf.git.urlmatch import section_applies, section_origin, url_username
from git_credential_hf.hooks.install import plan_install
from git_credential_hf.hooks.installed import hooks_in_effect
from git_credential_hf.hub import hub_at, hub_name
from git_credential_hf.masking import mask_line, shown_user
from git_credential_hf.owners import PLACEHOLDER_USERNAMES, selects_token
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Repository, is_valid_name, parse_remote, without_credentials
from git_credential_hf.shell import shell_word
from git_credential_hf.tokens import stored_token_names


def check_git(machine: Machine) -> Iterator[Finding]:
    """Check that git works in this directory; raises `Problem` if it does not."""
    machine.entries  # noqa: B018 - raises
    try:
        path = config_path("global")
    except Problem:
        path = ""  # there is no home directory
    if os.path.exists(path) and not os.access(path, os.R_OK):  # git silently ignores the file
        yield Finding(
            "git-broken",
            "error",
            f"git ignores {path} because it cannot read it",
            "",
            f"run `ls -l {shell_word(path)}` to see its permissions",
        )
    git_directory()


def check_helpers(machine: Machine) -> Iterator[Finding]:
    """Check that git runs this helper for the Hub, and no other before or after it.

    No fix is offered if git would lose a credential that only another helper has.
    """
    for finding in _check_chains(machine):
        if finding.changes is not None and (reason := machine.other_tokens.why_needed):
            finding.changes, finding.fix = None, fix_first(reason)
        yield finding


def _check_chains(machine: Machine) -> Iterator[Finding]:
    chains = HelperChains(machine.origins, machine.entries)
    if chains.unused_for:
        yield _not_configured(machine, chains)
    for entry in {entry.value: entry for entry in chains.missing}.values():
        scope = entry.scope if entry.scope in SCOPES else "global"
        yield Finding(
            "helper-not-found",
            "error",
            f"git cannot run the helper '{shown_helper(entry.value or '')}'",
            f"it is set in {entry_file(entry) or 'the environment'}, but does not exist or is not on PATH",
            configure_hint(scope),
            partial(plan_configure, scope),
        )
    if chains.before:
        yield _others("helper-shadowed", "error", chains.before, chains.before_message())
    if chains.after:
        yield _others("helper-behind", "warning", chains.after, chains.after_message())


def _not_configured(machine: Machine, chains: HelperChains) -> Finding:
    # An empty `helper` that resets the global helpers comes after them: in a repository, or in the environment.
    resets = {
        entry.scope: entry
        for entry in machine.entries
        if entry.is_helper()
        and not entry.value
        and any(section_applies(entry.subsection, origin) for origin in chains.unused_for)
    }
    title, detail = "git does not use this helper for the Hub", ", ".join(chains.unused_for)
    if variables := bypassing_variables(chains.unused_for):
        settings = [f"{name} is set in the environment" for name in variables]
        return Finding("helper-bypassed", "error", title, [*settings, detail], f"run `unset {' '.join(variables)}`")
    if "command" in resets:
        return Finding("helper-bypassed", "error", title, detail, removal_command(resets["command"]))
    scope = "local" if "local" in resets else "global"
    return Finding(
        "helper-not-configured", "error", title, detail, configure_hint(scope), partial(plan_configure, scope)
    )


def _others(id: str, severity: str, helpers: list[ConfigEntry], title: str) -> Finding:
    files = ", ".join(dict.fromkeys(entry_file(entry) or "the environment" for entry in helpers))
    if command := next((entry for entry in helpers if entry.scope == "command"), None):
        return Finding(id, severity, title, files, removal_command(command))  # it comes after all files
    local = [entry for entry in helpers if entry.scope == "local"]
    scope = "local" if local else "global"
    detail = [files]
    if any((entry.value or "").partition(" ")[0] == "cache" for entry in local):
        detail.append("JupyterLab's git extension adds this helper when you let it save a login")
    return Finding(id, severity, title, detail, configure_hint(scope), partial(plan_configure, scope))


def check_settings(machine: Machine) -> Iterator[Finding]:
    """Check for a configured user name, and for settings that Git Credential Manager left behind."""
    for entry in machine.entries:
        if entry.section != "credential" or section_origin(entry.subsection) not in machine.origins:
            continue
        key = f"credential.{entry.subsection}.{entry.name}"
        path = entry_file(entry)
        place = f"{path or 'the environment'}: {key}"
        value = mask_line(entry.value or "")
        if entry.name == "username":
            if hub_at(section_origin(entry.subsection)) and selects_token(entry.value or ""):
                continue  # at another Hub, it selects nothing
            user = shown_user(entry.value or "")
            id, title = "username-set", f"git requests credentials for the user name '{user}' only"
        elif entry.name == "provider":
            id, title = "gcm-residue", "Git Credential Manager left a setting for the Hub"
            place += f" = {value}"
        else:
            continue
        yield Finding(id, "warning", title, place, removal_command(entry), plan_unset(path, key) if path else None)


def check_transport(machine: Machine) -> Iterator[Finding]:
    """Check that git uses HTTPS for the Hub's HTTPS URLs: over SSH, tokens are not used."""
    for entry in machine.entries:
        if entry.section != "url" or entry.name not in ("insteadof", "pushinsteadof") or not entry.value:
            continue
        named = next((origin for origin in machine.origins if _overlaps(f"{origin}/", entry.value)), None)
        base = parse_remote(entry.subsection + "x/x", machine.other_hubs)
        if named and base and base.transport == "ssh":
            act = "pushes" if entry.name == "pushinsteadof" else "goes"
            path, key = entry_file(entry), f"url.{entry.subsection}.{entry.name}"
            yield Finding(
                "uses-ssh",
                "warning",
                f"git {act} to {hub_name(named)} over SSH, which uses no token, although a URL says https",
                f"{path or 'the environment'}: {key} = {mask_line(entry.value)}",
                removal_command(entry),
            )


def _overlaps(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def check_account(machine: Machine) -> Iterator[Finding]:
    """Check that the account in the remote's URL owns the token that git uses for it."""
    url, token = machine.url, next(iter(machine.resolvers.git_tokens), None)
    user = url_username(url) or "" if url == machine.remote and url.startswith("http") else ""
    answer = machine.whose(token) if token and is_valid_name(user) else None
    if not isinstance(answer, Account) or user.lower() in (*PLACEHOLDER_USERNAMES, answer.name.lower()):
        return
    if user in stored_token_names() or user.lower() in map(str.lower, answer.orgs):
        return
    plain = without_credentials(url)
    yield Finding(
        "account-mismatch",
        "warning",
        f"the URL of the remote is for {user}, and git logs in as {answer.name}",
        plain,
        f"log in as {user}, or run `git remote set-url {shell_word(machine.remote_name)} {shell_word(plain)}`",
    )


def check_lfs(machine: Machine) -> Iterator[Finding]:
    """Check that git-lfs works: most repositories of the Hub store files in LFS."""
    problem = setup_problem(machine.entries if find_program("git-lfs") else [])
    severity = "error" if problem and machine.remote and files_in_lfs() else "warning"
    if problem and problem.message == MISSING:
        yield Finding("lfs-missing", severity, problem.message, "git-lfs is not on PATH", problem.fix or "")
    elif problem:
        yield Finding(
            "lfs-not-hooked",
            severity,
            problem.message,
            "filter.lfs is not in git's configuration",
            problem.fix or "",
            lambda: [GitCommand("lfs", "install", "--skip-repo")],
        )
    problem = pointers_problem(machine.entries) if machine.remote else None
    if problem:
        yield Finding("lfs-pointers", "warning", problem.message, "", problem.fix or "")
    yield from _check_lfs_endpoint(machine)
    if not machine.resolvers.git_tokens:
        yield from _check_lfs_access(machine)


def _check_lfs_access(machine: Machine) -> Iterator[Finding]:
    """Check for the setting that git-lfs stores after a 401: it then requires a login for public files, too."""
    for entry in machine.entries:
        is_access = (entry.section, entry.name, (entry.value or "").lower()) == ("lfs", "access", "basic")
        if is_access and section_origin(entry.subsection) in machine.origins:
            path, key = entry_file(entry), f"lfs.{entry.subsection}.access"
            yield Finding(
                "lfs-access-sticky",
                "warning",
                "git-lfs requires a login here, even for public files",
                f"{path or 'the environment'}: {key} = basic",
                removal_command(entry),
                plan_unset(path, key) if path else None,
            )


def _check_lfs_endpoint(machine: Machine) -> Iterator[Finding]:
    """Check that git-lfs uses the same repository as git: the Hub refuses pointers to objects that it does not have."""
    upload, download = machine.lfs.upload_endpoint, machine.lfs.endpoint
    remote = parse_remote(machine.remote, machine.other_hubs) if machine.remote else None
    if upload is None or remote is None or remote.repository is None:
        return
    for endpoint, act in (
        (upload, "uploads to"),
        (LfsEndpoint(download or upload.url, upload.entry), "downloads from"),
    ):
        place = endpoint.on_hub(machine.other_hubs)
        elsewhere = place.repository if place else None
        if elsewhere == remote.repository or (elsewhere and _is_old_name(machine, elsewhere, remote.repository)):
            continue
        yield Finding(
            "lfs-url-elsewhere",
            "warning",
            f"git-lfs sends the files of this repository to another {'repository' if elsewhere else 'host'}",
            f"git-lfs {act} {mask_line(without_credentials(endpoint.url).partition('?')[0])}",
            endpoint.fix or "use a remote for each URL: git-lfs uses the last URL of a remote for all of them",
        )
        return


def _is_old_name(machine: Machine, old: Repository, new: Repository) -> bool:
    if machine.offline or old.hub != new.hub or old.kind != new.kind:
        return False
    try:
        found = find_commit(next(iter(machine.resolvers.git_tokens), None), old, "main")
    except Unreachable:
        return False
    return found is not None and found[0] == new.name


def check_hooks(machine: Machine) -> Iterator[Finding]:
    """Check that git still runs the hooks that were installed."""
    machine.entries  # noqa: B018 - raises if git does not work, which is reported once
    try:
        hooks = hooks_in_effect()
    except Problem:
        return  # no home directory, or no repository
    problem = hooks.problem()
    if problem and any(hook.state != "absent" for hook in hooks.hooks):
        missing = [f"our hook is not at {hook.path}" for hook in hooks.hooks if hook.state == "absent"]
        yield Finding(
            "hooks-broken",
            "warning",
            "git does not run all installed hooks",
            missing if hooks.state == "absent" else [problem.message, *missing],
            f"run `{problem.fix}`" if problem.fix else "run `git-credential-hf hooks install`",
            partial(plan_install, "local" if hooks.state == "installed" else hooks.scope),
        )
