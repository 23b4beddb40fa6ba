"""Find the places of a scope's hooks: its configuration file and directories."""

import os
import re

from git_credential_hf.configure.include import HOOKS_SETTINGS, user_directory
from git_credential_hf.files import Change, FileChange, OwnFileChange, read_file
from git_credential_hf.git.config import ConfigEntry, config_path, read_config, read_user_config, removal_command
from git_credential_hf.git.run import git_line
from git_credential_hf.hooks.githooks import CHECKING_HOOKS, FORWARDED_HOOKS, MIRRORED_HOOKS
from git_credential_hf.hooks.hook_files import (
    is_directory,
    is_runnable,
    list_names,
    path_exists,
    path_states,
    read_hook,
)
from git_credential_hf.hooks.hook_script import (
    LOOKED_UP,
    hook_script,
    is_of_git_lfs,
    is_our_script,
    knows_its_name,
    lines_of_others,
    refuse_lines_of_others,
)
from git_credential_hf.hooks.hooks_path import (
    HOOKS_DIRECTORY,
    OWN_DIRECTORY,
    checked_change,
    expanded_path,
    hooks_path_setting,
    is_our_hooks_path,
    sets_hooks_path,
    without_included_block,
)
from git_credential_hf.hooks.steps import BEFORE_SUFFIX, WriteDirectory
from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word

HOOK_SCOPES = ("global", "local")


class HookPlace:
    """A scope's configuration file, and the directories that may contain hooks."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.top = _current_directory()
        self.config = config_path(scope)
        self.content = read_file(self.config)
        self.base = without_included_block(self.content)
        if scope == "global":
            self.common = ""  # each repository's own
            own = user_directory()
            self.default = ""
        else:
            self.common = os.path.normpath(os.path.join(self.top, git_line("rev-parse", "--git-common-dir")))
            own = os.path.join(self.common, OWN_DIRECTORY)
            self.default = os.path.join(self.common, "hooks")
            self.top = _hook_directory()
        self.settings = os.path.join(own, HOOKS_SETTINGS)
        self.directory = os.path.join(own, HOOKS_DIRECTORY)
        self.planned = path_states(*(os.path.join(self.directory, name) for name in list_names(self.directory)))

    def resolved(self, value: str) -> str:
        """Return the directory that a value of `core.hooksPath` refers to."""
        return os.path.normpath(os.path.join(self.top, expanded_path(value)))

    def effective(self) -> tuple[str | None, str]:
        """Return the value of `core.hooksPath` that git uses, and its file; `None` if it is not set."""
        scopes = (
            ("system", "global") if self.scope == "global" else ("system", "global", "local", "worktree", "command")
        )
        for entry in reversed(read_config()):
            if entry.scope in scopes and sets_hooks_path(entry):
                return entry.value or "", entry.origin.removeprefix("file:")
        return None, ""

    def setting(self, value: str) -> list[Change]:
        """Return the change of our included file that sets `core.hooksPath`; none if it is already set."""
        before, after = read_file(self.settings), hooks_path_setting(value)
        return [] if before == after else [OwnFileChange(self.settings, before, after)]

    def previous(self) -> str | None:
        """Return the value of `core.hooksPath` without our setting; `None` for the repository's own directory."""
        found: ConfigEntry | None = None
        scopes = ("system", "global") if self.scope == "global" else ("system", "global", "local", "worktree")
        for entry in read_user_config() if self.scope == "global" else read_config():
            if entry.scope in scopes and sets_hooks_path(entry) and not is_our_hooks_path(entry.value or ""):
                found = entry
        if found is None:
            return None
        value = expanded_path(found.value or "")
        directory = self.resolved(value)
        if not value or (os.path.exists(directory) and not is_directory(directory)):
            raise Problem(f"core.hooksPath is '{value}', which disables all hooks", removal_command(found))
        if found.scope == "worktree":
            raise Problem(
                "core.hooksPath is set for this worktree only", "git config --worktree --unset core.hooksPath"
            )
        if self.default and os.path.realpath(directory) == os.path.realpath(self.default):
            return None
        return value

    def needs_directory(self) -> bool:
        """Whether the repository's hooks have to keep their names, so that ours need a separate directory."""
        if os.path.islink(self.default):
            return True  # the directory may be tracked
        if self.hooks_not_run():
            return True
        for name in CHECKING_HOOKS:
            path = os.path.join(self.default, name)
            if is_our_script(read_hook(path)) or path_exists(path + BEFORE_SUFFIX):
                continue
            if knows_its_name(read_hook(path)):
                return True
        return False

    def scripts(self) -> dict[str, bytes]:
        """Return the scripts for our directory, which run the hooks of the previous directory or the repository."""
        previous = self.previous()
        directory = self.default if previous is None else self.resolved(previous)
        mirrored = [name for name in MIRRORED_HOOKS if directory and is_runnable(os.path.join(directory, name))]
        hooks: dict[str, bytes] = {}
        for name in (*CHECKING_HOOKS, *FORWARDED_HOOKS, *mirrored):
            is_checking = name in CHECKING_HOOKS
            variable, common = (name, "$(git rev-parse --git-common-dir)") if is_checking else ("$name", "$common")
            hooks[name] = hook_script(name, LOOKED_UP.format(own=f"{common}/hooks", name=variable))
        return hooks

    def planned_directory(self) -> WriteDirectory:
        """Return the change that writes the scripts to our directory; lines that others added to a script are kept."""
        self.refuse_foreign_files()
        scripts = self.scripts()
        kept = {name: lines_of_others(read_hook(os.path.join(self.directory, name))) for name in scripts}
        return WriteDirectory(
            self.directory, {name: script + kept[name] for name, script in scripts.items()}, self.planned
        )

    def removal(self) -> list[Change]:
        """Return the changes that remove our directory, after its line in git's configuration."""
        changes: list[Change] = []
        if self.scope != "global" and self.base != self.content:
            changes.append(checked_change(FileChange(self.config, self.content, self.base)))
        if is_directory(os.path.dirname(self.settings)):
            self.refuse_foreign_files()
        if (before := read_file(self.settings)) is not None:
            changes.append(OwnFileChange(self.settings, before, None))
        parent = os.path.dirname(self.directory)  # in the global scope ours as well; `kill -9` may leave it empty
        is_left = self.scope == "global" and is_directory(parent) and not list_names(parent)
        if is_directory(self.directory) or is_left:
            for name in list_names(self.directory):
                refuse_lines_of_others(os.path.join(self.directory, name))
            changes.append(WriteDirectory(self.directory, None, self.planned))
        return changes

    def refuse_foreign_files(self) -> None:
        """Raise `Problem` if our directory contains files of another program."""
        directory = self.directory
        in_repository = [os.path.dirname(directory), self.settings] if self.scope == "local" else []
        for place in (directory, *in_repository):
            if os.path.islink(place):  # from an unpacked archive, it may lead anywhere
                raise Problem(f"{place} is a symbolic link", f"rm {shell_word(place)}")
        for name in list_names(directory):
            path = os.path.join(directory, name)
            content = read_hook(path)
            is_temporary = re.fullmatch(r".*\.hf-[0-9]+", name)
            if not (is_temporary or is_our_script(content) or is_of_git_lfs(content, name) or content == b""):
                away = os.path.join(os.path.dirname(directory), name + ".old")
                raise Problem(f"{path} is not a hook of git-credential-hf", f"mv {shell_word(path)} {shell_word(away)}")

    def hooks_not_run(self) -> list[str]:
        """Return the names of this repository's hooks that git does not run because of the global ones."""
        in_use = next(
            (e.value or "" for e in reversed(read_config()) if sets_hooks_path(e) and e.scope == "global"), ""
        )
        if not is_our_hooks_path(in_use):
            return []
        own = os.path.join(git_line("rev-parse", "--git-common-dir"), "hooks")
        ours = list_names(self.resolved(in_use))
        return [name for name in MIRRORED_HOOKS if name not in ours and is_runnable(os.path.join(own, name))]

    def overridden_by(self) -> str | None:
        """Return the setting that overrides the global hooks in this repository, if there is one."""
        settings = [entry for entry in read_config() if sets_hooks_path(entry)]
        if not settings or is_our_hooks_path(settings[-1].value or ""):
            return None
        is_global = settings[-1].scope in ("system", "global")
        if is_global and not any(is_our_hooks_path(entry.value or "") for entry in settings):
            return None  # this repository has no Hub remote
        return f"core.hooksPath is {settings[-1].value} ({settings[-1].origin.removeprefix('file:')})"


def _hook_directory() -> str:
    """Return the directory in which git runs the hooks of a push and of a commit."""
    if git_line("rev-parse", "--is-bare-repository") == "true":
        return os.path.normpath(os.path.join(_current_directory(), git_line("rev-parse", "--git-dir")))
    try:
        return git_line("rev-parse", "--show-toplevel")
    except Problem:
        return _current_directory()  # in .git


def _current_directory() -> str:
    try:
        return os.getcwd()
    except OSError as error:  # it was removed
        raise Problem(f"cannot read the current directory: {error.strerror}", "cd") from None
