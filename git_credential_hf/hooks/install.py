"""Install the hooks so that they run before git-lfs, and every existing hook still runs.

`plan_install` makes the only plan, as in `configure`. There are two layouts:

- In the hooks directory that git uses (`local`): our hook takes the name of an existing hook, which is renamed to
  `NAME.before-hf`, and runs it.
- In a directory of our own that `core.hooksPath` names (`local`, if that is set already, or if a hook has to keep its
  name): each hook runs the one that git would have run. We write to no other directory.

The hooks for all repositories (`global`) have the second layout. git reads their setting only in a repository with a
remote on a Hub (git-config(1), hasconfig), so other repositories start no additional process.

At any moment, either the old or the new layout works: files are replaced by renaming, our directory is complete before
git's configuration names it, and it is removed only after git's configuration no longer does.
"""

import os

from git_credential_hf.configure import plan_configure
from git_credential_hf.configure.include import path_in_home
from git_credential_hf.configure.settings import Settings
from git_credential_hf.files import Change, FileChange
from git_credential_hf.git import lfs
from git_credential_hf.git.config import read_config
from git_credential_hf.git.run import find_program, git_version
from git_credential_hf.hooks.githooks import CHECKING_HOOKS
from git_credential_hf.hooks.hook_files import is_directory, is_runnable, path_exists, path_states, read_hook
from git_credential_hf.hooks.hook_place import HookPlace
from git_credential_hf.hooks.hook_script import (
    hook_script,
    is_of_git_lfs,
    is_of_pre_commit,
    is_our_script,
    lines_of_others,
    refuse_lines_of_others,
)
from git_credential_hf.hooks.hooks_path import checked_change, included_block, with_included_block
from git_credential_hf.hooks.steps import BEFORE_SUFFIX, InstallLfsHooks, RestoreHook, WriteHook
from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word

_LFS_VERSION = "lfs.repositoryformatversion"  # git-lfs sets it wherever it is used
MIN_GIT_VERSION = (2, 36)  # for `hasconfig` in an `includeIf`


def plan_install(scope: str, new: Settings | None = None) -> list[Change]:
    """Return the changes that make git run our hooks in `scope` (of `HOOK_SCOPES`); none if it already does.

    With `new` settings (for `global` only), git also uses this helper, as with `plan_configure`.
    """
    place = HookPlace(scope)
    if scope == "global":
        return _plan_global(place, new)
    previous = place.previous()
    if previous is None and not place.needs_directory():
        hooks: list[Change] = []
        for name in CHECKING_HOOKS:
            hooks += _take_over(os.path.join(place.default, name), hook_script(name, None))
        return hooks + place.removal()
    directory = place.planned_directory()
    changes: list[Change] = [] if directory.is_made() else [directory]
    changes += place.setting(place.directory.replace(os.sep, "/"))
    value, _ = place.effective()
    is_in_effect = value is not None and place.resolved(value) == place.directory
    if not (is_in_effect and included_block(place.common).encode("utf-8", "surrogateescape") in (place.content or b"")):
        after = with_included_block(place.base, place.common)
        changes.append(checked_change(FileChange(place.config, place.content, after)))
    return changes


def plan_uninstall(scope: str) -> list[Change]:
    """Return the inverse of `plan_install`, for either layout."""
    place = HookPlace(scope)
    if scope == "global":
        return [*plan_configure(scope, helper=None, hooks=False), *place.removal()]
    changes = place.removal()
    for name in CHECKING_HOOKS:
        changes += _give_back(os.path.join(place.default, name))
    return [*changes, *_lfs_hooks(place)] if changes else []


def _lfs_hooks(place: HookPlace) -> list[Change]:
    """Return the change that installs git-lfs's hooks, if git-lfs would have installed them without ours."""
    entries = read_config()
    uses_lfs = is_directory(os.path.join(place.common, "lfs")) or any(e.key == _LFS_VERSION for e in entries)
    if not uses_lfs or not lfs.is_used(entries) or find_program("git-lfs") is None:
        return []
    previous = place.previous()
    directory = place.default if previous is None else place.resolved(previous)
    path = os.path.join(directory, "pre-push")
    is_there = path_exists(path) and not is_our_script(read_hook(path))
    return [] if is_there or path_exists(path + BEFORE_SUFFIX) else [InstallLfsHooks(directory)]


def _plan_global(place: HookPlace, new: Settings | None) -> list[Change]:
    """Return the changes that make git run our hooks in all repositories with a Hub remote."""
    if git_version() < MIN_GIT_VERSION:
        needed, found = (".".join(map(str, version)) for version in (MIN_GIT_VERSION, git_version()))
        message = f"global hooks require git {needed}, and this is git {found}"
        raise Problem(message, "run `git-credential-hf hooks install` in each repository")
    directory = place.planned_directory()
    changes: list[Change] = [] if directory.is_made() else [directory]
    changes += place.setting(path_in_home(place.directory))
    return [*changes, *plan_configure("global", new, helper=None if new is None else True, hooks=True)]


def _take_over(path: str, content: bytes) -> list[Change]:
    """Return the changes that install our hook at `path`, and preserve the existing hook."""
    before, legacy = path + BEFORE_SUFFIX, path + ".legacy"
    planned = path_states(path, before, legacy)
    for place in (path, before):
        if is_directory(place):
            raise Problem(
                f"{place} is a directory, but git expects a hook there",
                f"mv {shell_word(place)} {shell_word(place)}.old",
            )
    current = read_hook(path)
    if is_our_script(current):
        content += lines_of_others(current)
        return (
            [WriteHook(path, content, planned, preserves=False)] if current != content or not is_runnable(path) else []
        )
    if not path_exists(path):
        return [WriteHook(path, content, planned, preserves=False)]
    if is_of_pre_commit(current) and is_our_script(read_hook(legacy)):  # installed after ours, which it runs first
        return (
            [WriteHook(legacy, content, planned, preserves=False)]
            if read_hook(legacy) != content or not is_runnable(legacy)
            else []
        )
    if not path_exists(before):
        return [WriteHook(path, content, planned, preserves=True)]
    if planned[path] == planned[before] or is_of_git_lfs(current, os.path.basename(path)):
        return [
            WriteHook(path, content, planned, preserves=False)
        ]  # after a `kill -9`; or our hook runs git-lfs anyway
    if is_of_pre_commit(current) and is_of_pre_commit(read_hook(before)):
        return [WriteHook(path, content, planned, preserves=True)]  # it was installed again
    raise Problem(
        f"{path} was replaced by another hook, and {before} exists as well",
        f"if the second is no longer needed: mv {shell_word(before)} {shell_word(path)}.old",
    )


def _give_back(path: str) -> list[Change]:
    """Return the inverse of `_take_over`."""
    legacy = path + ".legacy"
    planned = path_states(path, path + BEFORE_SUFFIX, legacy)
    before: str | None = path + BEFORE_SUFFIX if planned[path + BEFORE_SUFFIX] else None
    current = read_hook(path)
    if is_our_script(current):
        refuse_lines_of_others(path)
        return [RestoreHook(path, before, planned)]
    if is_of_pre_commit(current) and is_our_script(read_hook(legacy)):
        if before and is_of_pre_commit(read_hook(before)):
            return [RestoreHook(legacy, None, planned, leftovers=(before,))]
        return [RestoreHook(legacy, before, planned)]
    if before is None:
        return []
    if not path_exists(path):
        return [RestoreHook(path, before, planned)]
    if planned[path] == planned[before]:
        return [RestoreHook(before, None, planned)]
    if is_of_git_lfs(current, os.path.basename(path)) and b"lfs pre-push" in (read_hook(before) or b""):
        return [RestoreHook(path, before, planned)]
    raise Problem(
        f"{path} was replaced by another hook, and {before} is the original one",
        f"to restore the original hook: mv {shell_word(path)} {shell_word(path)}.old && "
        f"mv {shell_word(before)} {shell_word(path)}",
    )
