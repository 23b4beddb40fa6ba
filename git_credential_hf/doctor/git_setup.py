"""Checks of git's set-up: is this helper used and found; git-lfs and the hooks."""

import os
import shlex
from collections.abc import Iterator
from functools import partial

from git_credential_hf.configure import plan_configure, removal_command
from git_credential_hf.doctor.copies import entry_file, plan_unset
from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.git.config import SCOPES, ConfigEntry
from git_credential_hf.git.helpers import CONFIGURE_HINT, HelperChains
from git_credential_hf.git.run import find_program, run_git
from git_credential_hf.git.urlmatch import section_applies, section_origin
from git_credential_hf.hooks.install import hooks_in_effect, plan_install
from git_credential_hf.hub import hub_origins, parse_remote, without_credentials
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem


def check_helpers(machine: Machine) -> Iterator[Finding]:
    """Check the helpers that git asks: this one has to be among them, first, and to be found."""
    chains = HelperChains(hub_origins(), machine.entries)
    if chains.unused_for:
        yield _not_configured(machine, chains)
    for entry in {entry.value: entry for entry in chains.ours if not _is_found(entry.value or "")}.values():
        yield Finding(
            "helper-not-found",
            "error",
            f"git cannot start the helper '{mask_line(entry.value or '')}'",
            f"{entry_file(entry) or 'the environment'} names it, but it does not exist, or is not on PATH",
            f"install it again, then {CONFIGURE_HINT}",
            partial(plan_configure, entry.scope if entry.scope in SCOPES else "global"),
        )
    if chains.before:
        yield _others("helper-shadowed", "error", chains.before, chains.before_message())
    if chains.after:
        yield _others("helper-behind", "warning", chains.after, chains.after_message())


def _not_configured(machine: Machine, chains: HelperChains) -> Finding:
    # What resets the helpers of `--global` comes after them: in a repository, or in the environment.
    resets = {
        entry.scope: entry
        for entry in machine.entries
        if entry.is_helper()
        and not entry.value
        and any(section_applies(entry.subsection, origin) for origin in chains.unused_for)
    }
    title, detail = "git does not use this helper for the Hub", ", ".join(chains.unused_for)
    if "command" in resets:
        return Finding("helper-not-configured", "error", title, detail, removal_command(resets["command"]))
    scope = "local" if "local" in resets else "global"
    return Finding("helper-not-configured", "error", title, detail, _fix(scope), partial(plan_configure, scope))


def _others(id: str, severity: str, helpers: list[ConfigEntry], title: str) -> Finding:
    files = ", ".join(dict.fromkeys(entry_file(entry) or "the environment" for entry in helpers))
    scope = "local" if any(entry.scope == "local" for entry in helpers) else "global"
    return Finding(id, severity, title, files, _fix(scope), partial(plan_configure, scope))


def _fix(scope: str) -> str:
    return f"{CONFIGURE_HINT[:-1]} --local`" if scope == "local" else CONFIGURE_HINT


def _is_found(value: str) -> bool:
    try:
        words = shlex.split(value.removeprefix("!"))
    except ValueError:
        return True
    while words and value.startswith("!") and "=" in words[0] and words[0].partition("=")[0].isidentifier():
        words.pop(0)
    program = words[0] if words else ""
    if os.path.isabs(program):
        return os.access(program, os.X_OK)
    return find_program("git-credential-hf") is not None


def check_settings(machine: Machine) -> Iterator[Finding]:
    """Check for a user name that git insists on, and for a setting that Git Credential Manager leaves behind."""
    for entry in machine.entries:
        if entry.section != "credential" or section_origin(entry.subsection) not in hub_origins():
            continue
        key = f"credential.{entry.subsection}.{entry.name}"
        path = entry_file(entry)
        if entry.name == "username":
            yield Finding(
                "username-set",
                "warning",
                f"git requests tokens for the user name '{mask_line(entry.value or '')}' only",
                f"{path or 'the environment'}: {key}",
                removal_command(entry),
                plan_unset(path, key) if path else None,
            )
        elif entry.name == "provider":
            yield Finding(
                "gcm-residue",
                "warning",
                "Git Credential Manager has left a setting for the Hub",
                f"{path or 'the environment'}: {key} = {mask_line(entry.value or '')}",
                removal_command(entry),
                plan_unset(path, key) if path else None,
            )


class GitCommand:
    """Let a command of git's change its own settings."""

    def __init__(self, *arguments: str) -> None:
        self.path = "git " + " ".join(arguments)
        self._arguments = arguments

    def describe(self) -> str:
        """The command."""
        return f"{self.path}\n"

    def apply(self) -> None:
        """Run it; raises `Problem` if it fails."""
        try:
            run_git(*self._arguments)
        except Problem as problem:  # git-lfs says why on stdout, in several lines
            raise Problem(f"`{self.path}` failed ({problem.message})", f"run `{self.path}` to see why") from None


def check_lfs(machine: Machine) -> Iterator[Finding]:
    """Check git-lfs, which most repositories of the Hub need."""
    is_there = find_program("git-lfs") is not None
    if not is_there:
        yield Finding(
            "lfs-missing",
            "warning",
            "git-lfs is not installed: clones get pointers instead of files",
            "git-lfs is not on PATH",
            "install git-lfs (apt-get install git-lfs, brew install git-lfs)",
        )
    elif not any(
        entry.section == "filter" and entry.subsection == "lfs" and entry.name in ("process", "smudge")
        for entry in machine.entries
    ):
        yield Finding(
            "lfs-not-hooked",
            "warning",
            "git-lfs is installed, but not set up in git",
            "filter.lfs is not in git's configuration",
            "run `git lfs install --skip-repo`",
            lambda: [GitCommand("lfs", "install", "--skip-repo")],
        )
    url = machine.lfs_endpoint
    if url and not parse_remote(url):
        yield Finding(
            "lfs-url-elsewhere",
            "warning",
            "git-lfs sends the files of this repository to another host",
            f"`git lfs env` shows {mask_line(without_credentials(url))}",
            "run `git config --unset lfs.url`, or remove it from .lfsconfig, unless this is intended",
        )


def check_hooks(machine: Machine) -> Iterator[Finding]:
    """Check whether git still calls the hooks that were installed."""
    machine.entries  # noqa: B018 - where git does not answer, that is told already, and it is not asked again
    try:
        seen = hooks_in_effect()
    except Problem:
        return  # no home, no repository
    problem = seen.problem()
    if problem and any(state != "absent" for _, state, _, _ in seen.hooks):
        missing = [f"\nthere is no hook of ours at {path}" for _, state, path, _ in seen.hooks if state == "absent"]
        yield Finding(
            "hooks-broken",
            "warning",
            "git does not call the hooks that were installed",
            problem.message + "".join(missing),
            f"run `{problem.fix}`" if problem.fix else "run `git-credential-hf hooks install`",
            partial(plan_install, "local" if seen.state == "installed" else seen.scope),
        )
