"""How git is set up: does it ask this helper, and is that found; git-lfs and the hooks."""

import os
import shlex
from collections.abc import Iterator
from functools import partial

from git_credential_hf.configure import plan_configure, removal_command
from git_credential_hf.doctor.copies import entry_file, plan_unset
from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.git.config import SCOPES, ConfigEntry
from git_credential_hf.git.helpers import helper_chain, is_our_helper
from git_credential_hf.git.run import find_program, run_git
from git_credential_hf.git.urlmatch import section_applies, section_origin
from git_credential_hf.hooks.install import hooks_in_effect, plan_install
from git_credential_hf.hub import hub_origins, parse_remote, without_credentials
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem


def check_helpers(machine: Machine) -> Iterator[Finding]:
    """The chain of helpers that git asks: ours has to be in it, first, and to be found."""
    silent: list[str] = []
    shadowed: list[ConfigEntry] = []
    behind: list[ConfigEntry] = []
    lost: dict[str, ConfigEntry] = {}
    for origin in hub_origins():
        chain = helper_chain(origin, machine.entries)
        ours = [at for at, entry in enumerate(chain) if is_our_helper(entry.value or "")]
        if not ours:
            silent.append(origin)
        else:
            shadowed += [entry for entry in chain[: ours[0]] if entry not in shadowed]
            rest = [entry for at, entry in enumerate(chain) if at > ours[0] and at not in ours]
            behind += [entry for entry in rest if entry not in behind]
        lost.update(
            {
                entry.value or "": entry
                for at, entry in enumerate(chain)
                if at in ours and not _is_found(entry.value or "")
            }
        )
    if silent:
        # What forgets the helpers of `--global` stands behind them: in a repository, or in the environment.
        undoing = {
            entry.scope: entry
            for entry in machine.entries
            if entry.is_helper() and not entry.value and any(section_applies(entry.subsection, o) for o in silent)
        }
        is_local = "local" in undoing
        yield Finding(
            "helper-not-configured",
            "error",
            "git does not ask this helper for the Hub",
            ", ".join(silent),
            removal_command(undoing["command"])
            if "command" in undoing
            else f"run `git-credential-hf configure{' --local' if is_local else ''}`",
            None if "command" in undoing else partial(plan_configure, "local" if is_local else "global"),
        )
    for entry in lost.values():
        yield Finding(
            "helper-not-found",
            "error",
            f"git cannot start the helper '{mask_line(entry.value or '')}'",
            f"{entry_file(entry) or 'the environment'} names it, and it is not there, or not on PATH",
            "install it again, then run `git-credential-hf configure`",
            partial(plan_configure, entry.scope if entry.scope in SCOPES else "global"),
        )
    if shadowed:
        yield _among("helper-shadowed", "error", shadowed, "git asks {} first, and what that holds may be old")
    if behind:
        yield _among("helper-behind", "warning", behind, "git gives {} a copy of the token that it has just used")


def _among(id: str, severity: str, helpers: list[ConfigEntry], title: str) -> Finding:
    names = ", ".join(dict.fromkeys(f"'{mask_line(entry.value or '')}'" for entry in helpers))
    where = ", ".join(dict.fromkeys(entry_file(entry) or "the environment" for entry in helpers))
    is_local = any(entry.scope == "local" for entry in helpers)
    fix = f"run `git-credential-hf configure{' --local' if is_local else ''}`"
    return Finding(
        id, severity, title.format(names), where, fix, partial(plan_configure, "local" if is_local else "global")
    )


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
    """A user name that git insists on, and what Git Credential Manager leaves where it looked for a provider."""
    for entry in machine.entries:
        if entry.section != "credential" or section_origin(entry.subsection) not in hub_origins():
            continue
        key = f"credential.{entry.subsection}.{entry.name}"
        path = entry_file(entry)
        if entry.name == "username":
            yield Finding(
                "username-set",
                "warning",
                f"git asks for the user name '{mask_line(entry.value or '')}' alone",
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
    """A program of git's changes its own settings."""

    def __init__(self, *arguments: str) -> None:
        self.path = "git " + " ".join(arguments)
        self._arguments = arguments

    def describe(self) -> str:
        """The command."""
        return f"{self.path}\n"

    def apply(self) -> None:
        """Raises `Problem` where it fails."""
        try:
            run_git(*self._arguments)
        except Problem as problem:  # git-lfs says why on stdout, in several lines
            raise Problem(f"`{self.path}` failed ({problem.message})", f"run `{self.path}`, which says why") from None


def check_lfs(machine: Machine) -> Iterator[Finding]:
    """The files of most repositories of the Hub are in LFS."""
    is_there = find_program("git-lfs") is not None
    if not is_there:
        yield Finding(
            "lfs-missing",
            "warning",
            "git-lfs is not installed: clones get pointers in the place of files",
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
            "git-lfs is installed, and git does not know of it",
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
            f"`git lfs env` says: {mask_line(without_credentials(url))}",
            "run `git config --unset lfs.url`, or take it out of .lfsconfig, if that is not meant",
        )


def check_hooks(machine: Machine) -> Iterator[Finding]:
    """Hooks that were installed, and that git does not call any more."""
    machine.entries  # noqa: B018 - where git does not answer, that is told already, and it is not asked again
    try:
        seen = hooks_in_effect()
    except Problem:
        return  # no home, no repository
    problem = seen.problem()
    if problem and any(state != "absent" for _, state, _, _ in seen.hooks):
        missing = [f"\nthere is none of ours at {path}" for _, state, path, _ in seen.hooks if state == "absent"]
        yield Finding(
            "hooks-broken",
            "warning",
            "git does not call the hooks that were installed",
            problem.message + "".join(missing),
            f"run `{problem.fix}`" if problem.fix else "run `git-credential-hf hooks install`",
            partial(plan_install, "local" if seen.state == "installed" else seen.scope),
        )
