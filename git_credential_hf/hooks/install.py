"""Install the hooks so that they run before git-lfs, and every existing hook still runs.

`plan_install` is the single truth, as in `configure`. There are two arrangements:

- In the hooks directory that git uses (`local`): our hook takes the name, and runs the existing one, which is renamed
  to `NAME.before-hf`.
- In a directory of our own that `core.hooksPath` leads to (`local`, if that is set already, or if a hook has to keep
  its name): each hook runs the one that git would have run. No other directory is written to.

The hooks for all repositories (`global`) are of the second kind, and git reads their setting only in a repository with
a remote on a Hub (git-config(1), hasconfig): the others do not start one process more.

At any moment either the old or the new arrangement works: files are replaced by renaming, and our directory is
complete before git's configuration names it, and removed only after that.
"""

import os
import re
from typing import NamedTuple

from git_credential_hf.configure import HOOKS_SETTINGS, Settings, path_in_home, plan_configure, user_directory
from git_credential_hf.files import Change, FileChange, OwnFileChange, read_file
from git_credential_hf.git import lfs
from git_credential_hf.git.config import (
    ConfigEntry,
    config_path,
    git_directory,
    read_config,
    read_user_config,
    removal_command,
)
from git_credential_hf.git.helpers import helper_command
from git_credential_hf.git.run import find_program, git_line, git_version
from git_credential_hf.hooks.hooks_path import (
    HOOKS_DIRECTORY,
    MARK,
    OWN_DIRECTORY,
    checked_change,
    expanded_path,
    hooks_path_setting,
    included_block,
    is_our_hooks_path,
    sets_hooks_path,
    with_included_block,
    without_included_block,
)
from git_credential_hf.hooks.steps import (
    BEFORE_SUFFIX,
    InstallLfsHooks,
    RestoreHook,
    WriteDirectory,
    WriteHook,
    is_directory,
    is_runnable,
    list_names,
    path_exists,
    path_states,
    read_hook,
)
from git_credential_hf.problem import Problem, shell_word

HOOK_SCOPES = ("global", "local")
CHECKING_HOOKS = ("pre-push", "pre-commit")

# All others that git runs from its hooks directory (githooks(5)), without `fsmonitor-watchman`, which `core.fsmonitor`
# names by its path.
FORWARDED_HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-merge-commit", "prepare-commit-msg", "commit-msg"),
    *("post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-receive", "update", "proc-receive"),
    *("post-receive", "post-update", "pre-auto-gc", "post-rewrite", "sendemail-validate"),
    *("p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit"),
)
# Our directory has these only if the previous one does. The mere existence of the first changes what a push into this
# repository does; git runs the others for each reference that it fetches, and whenever it writes the index: a script
# that finds nothing to do makes a fetch or a rebase take several times as long. A global directory cannot know.
MIRRORED_HOOKS = ("push-to-checkout", "reference-transaction", "post-index-change")

_LFS_VERSION = "lfs.repositoryformatversion"  # git-lfs sets it wherever it is used
MIN_GIT_VERSION = (2, 36)  # for `hasconfig` in an `includeIf`


class InstalledHook(NamedTuple):
    """One of our hooks: its state is one of `STATES`; `before` is the path of the hook that it runs."""

    name: str
    state: str
    path: str
    before: str | None


class InstalledHooks:
    """The hooks of a scope; `state` is one of `STATES`.

    `replaced`: another program has overwritten our hook. `displaced`: our hook exists, but `core.hooksPath` leads
    elsewhere. `by` says what displaced them, or what keeps git from using the global hooks in this repository.
    """

    STATES = ("replaced", "displaced", "absent", "installed")  # the first that any hook has is that of the scope

    def __init__(self, scope: str, directory: str, hooks: list[InstalledHook], by: str | None) -> None:
        self.scope = scope
        self.directory = directory
        self.hooks = hooks
        self.by = by
        self.is_changed = False  # another program has written to our directory, for all repositories
        self.unused: list[str] = []  # this repository's own hooks that git does not run because of the global ones
        self.state = next(state for state in self.STATES if any(hook.state == state for hook in hooks))

    def problem(self) -> Problem | None:
        """Return why git does not run our hooks, and the fix; `None` if it does."""
        install = f"git-credential-hf hooks install --{self.scope}"
        if self.state == "installed":
            if self.is_changed:
                return Problem(f"another program has changed the hooks in {self.directory}", install)
            if self.unused:
                message = f"with the global hooks, git does not run this repository's own {' and '.join(self.unused)}"
                return Problem(message, "git-credential-hf hooks install")
            if self.by is None:
                return None
            message = f"git does not run the global hooks in this repository: {self.by}"
            return Problem(message, "git-credential-hf hooks install")
        if self.state == "absent":
            return Problem("the hooks are not installed", install)
        if self.state == "displaced":
            return Problem(f"git no longer runs the hooks: {self.by}", install)
        path = next(hook.path for hook in self.hooks if hook.state == "replaced")
        return Problem(f"{path} was replaced by another hook", install)

    def as_json(self) -> dict[str, object]:
        """Return what `hooks status --json` prints."""
        problem = self.problem()
        return {
            "hooks": [hook._asdict() for hook in self.hooks],
            "problem": problem and {"message": problem.message, "fix": problem.fix},
        }


# --- plans ---


def plan_install(scope: str, new: Settings | None = None) -> list[Change]:
    """Return the changes that make git run our hooks in `scope` (of `HOOK_SCOPES`); none if it does already.

    With `new` settings, which go with `global`, git also uses this helper, as with `plan_configure`.
    """
    place = _Place(scope)
    if scope == "global":
        return _plan_global(place, new)
    previous = place.previous()
    if previous is None and not place.needs_directory():
        hooks: list[Change] = []
        for name in CHECKING_HOOKS:
            hooks += _take_over(os.path.join(place.default, name), _script(name, None))
        return hooks + place.removal()
    directory = place.planned_directory(_scripts(previous, place))
    changes: list[Change] = [] if directory.is_made() else [directory]
    changes += place.setting(place.directory.replace(os.sep, "/"))
    value, _ = place.effective()
    is_in_effect = value is not None and place.resolved(value) == place.directory
    if not (is_in_effect and included_block(place.common).encode("utf-8", "surrogateescape") in (place.content or b"")):
        after = with_included_block(place.base, place.common)
        changes.append(checked_change(FileChange(place.config, place.content, after)))
    return changes


def plan_uninstall(scope: str) -> list[Change]:
    """Return the inverse of `plan_install`, for either arrangement."""
    place = _Place(scope)
    if scope == "global":
        return [*plan_configure(scope, helper=None, hooks=False), *place.removal()]
    changes = place.removal()
    for name in CHECKING_HOOKS:
        changes += _give_back(os.path.join(place.default, name))
    return [*changes, *_lfs_hooks(place)] if changes else []


def _lfs_hooks(place: "_Place") -> list[Change]:
    """Return the change that installs git-lfs's hooks, if it would have done so by itself but for ours."""
    entries = read_config()
    uses_lfs = is_directory(os.path.join(place.common, "lfs")) or any(e.key == _LFS_VERSION for e in entries)
    if not uses_lfs or not lfs.is_used(entries) or find_program("git-lfs") is None:
        return []
    previous = place.previous()
    directory = place.default if previous is None else place.resolved(previous)
    path = os.path.join(directory, "pre-push")
    is_there = path_exists(path) and not _is_our_script(read_hook(path))
    return [] if is_there or path_exists(path + BEFORE_SUFFIX) else [InstallLfsHooks(directory)]


def _plan_global(place: "_Place", new: Settings | None) -> list[Change]:
    """Return the changes that make git run our hooks in all repositories with a Hub remote."""
    if git_version() < MIN_GIT_VERSION:
        needed, found = (".".join(map(str, version)) for version in (MIN_GIT_VERSION, git_version()))
        message = f"git {needed} can limit hooks to repositories with a Hub remote, and this is {found}"
        raise Problem(message, "run `git-credential-hf hooks install` in each of them")
    directory = place.planned_directory(_scripts(place.previous(), place))
    changes: list[Change] = [] if directory.is_made() else [directory]
    changes += place.setting(path_in_home(place.directory))
    return [*changes, *plan_configure("global", new, helper=None if new is None else True, hooks=True)]


def inspect_hooks(scope: str) -> InstalledHooks:
    """Return the hooks of a scope: of the repository of the current directory, or of the user."""
    place = _Place(scope)
    if scope == "global":
        read_config()  # raises git's own problem, if it has one
        is_configured = not plan_configure(scope, helper=None, hooks=True)
        hooks = [_inspect_in_directory(place, name, is_configured) for name in CHECKING_HOOKS]
        found = InstalledHooks(scope, place.directory, hooks, None)
        if found.state == "displaced":
            found.by = "the configuration does not include them"
        elif found.state == "installed":
            found.by = place.overridden_by()
            found.is_changed = not place.planned_directory(_scripts(place.previous(), place)).is_made()
            in_use = next((entry.value or "" for entry in reversed(read_config()) if sets_hooks_path(entry)), "")
            found.unused = place.hooks_not_run() if place.resolved(in_use) == place.directory else []
        return found
    value, origin = place.effective()
    in_use = place.resolved(value) if value is not None else place.default
    if in_use == place.directory:
        hooks = [_inspect_in_directory(place, name, True) for name in CHECKING_HOOKS]
    else:
        is_used = in_use == place.default or (is_our_hooks_path(value or "") and place.previous() is None)
        is_used = is_used and not is_directory(place.directory)
        hooks = [_inspect_in_repository(place, name, is_used) for name in CHECKING_HOOKS]
    directory = place.directory if in_use == place.directory else os.path.dirname(hooks[0].path)
    found = InstalledHooks(scope, directory, hooks, None)
    if found.state == "displaced":
        found.by = f"core.hooksPath is {value} ({origin})" if value is not None else "core.hooksPath is no longer set"
    return found


def _inspect_in_directory(place: "_Place", name: str, is_used: bool) -> InstalledHook:
    """Inspect a hook in our own directory; `is_used`: `core.hooksPath` leads there."""
    path = os.path.join(place.directory, name)
    ours, not_ours = ("installed", "replaced") if is_used else ("displaced", "absent")
    return InstalledHook(name, ours if _is_our_hook(path) else not_ours, path, None)


def _inspect_in_repository(place: "_Place", name: str, is_used: bool) -> InstalledHook:
    """Inspect a hook in the repository's hooks directory; `is_used`: git looks there."""
    path = os.path.join(place.default, name)
    before = path + BEFORE_SUFFIX if path_exists(path + BEFORE_SUFFIX) else None
    called = path + ".legacy" if _is_of_pre_commit(read_hook(path)) else path
    is_ours = _is_our_hook(called)
    if is_used:
        state = "installed" if is_ours else "replaced" if before else "absent"
    else:
        state = "displaced" if is_ours or is_directory(place.directory) else "absent"
    return InstalledHook(name, state, called if is_ours else path, before)


def hooks_in_effect() -> InstalledHooks:
    """Return the hooks that count in the current directory: this repository's own, or the global ones."""
    global_hooks = inspect_hooks("global")
    if git_directory() is None:
        return global_hooks
    local = inspect_hooks("local")
    if local.state == "installed":
        return local
    place = _Place("local")
    value, _ = place.effective()
    if value is not None and place.resolved(value) == global_hooks.directory:
        return global_hooks
    return global_hooks if local.state == "absent" and global_hooks.state != "absent" else local


class _Place:
    """A scope: its configuration file, and the directories that hooks are or may be in."""

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
        """Return the directory that a value of `core.hooksPath` means."""
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
        """Return the change that makes the file that git's configuration includes set `core.hooksPath`."""
        before, after = read_file(self.settings), hooks_path_setting(value)
        return [] if before == after else [OwnFileChange(self.settings, before, after)]

    def previous(self) -> str | None:
        """Return the directory that git would use without our setting; `None` for the repository's own."""
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
        """Whether the repository's hooks have to keep their names, so that ours need a directory of their own."""
        if os.path.islink(self.default):
            return True  # the directory may be tracked
        if self.hooks_not_run():
            return True
        for name in CHECKING_HOOKS:
            path = os.path.join(self.default, name)
            if _is_our_script(read_hook(path)) or path_exists(path + BEFORE_SUFFIX):
                continue
            if _knows_its_name(read_hook(path)):
                return True
        return False

    def planned_directory(self, scripts: dict[str, bytes]) -> WriteDirectory:
        """Return the change that makes our directory have these; what others have added to one stays."""
        self.refuse_foreign_files()
        kept = {name: _lines_of_others(read_hook(os.path.join(self.directory, name))) for name in scripts}
        return WriteDirectory(
            self.directory, {name: script + kept[name] for name, script in scripts.items()}, self.planned
        )

    def removal(self) -> list[Change]:
        """Return the changes that remove our directory, git's configuration first."""
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
                _refuse_lines_of_others(os.path.join(self.directory, name))
            changes.append(WriteDirectory(self.directory, None, self.planned))
        return changes

    def refuse_foreign_files(self) -> None:
        """Raise `Problem` if our directory holds anything that another program put there."""
        directory = self.directory
        in_repository = [os.path.dirname(directory), self.settings] if self.scope == "local" else []
        for place in (directory, *in_repository):
            if os.path.islink(place):  # from an unpacked archive, it may lead anywhere
                raise Problem(f"{place} is a symbolic link", f"rm {shell_word(place)}")
        for name in list_names(directory):
            path = os.path.join(directory, name)
            content = read_hook(path)
            is_temporary = re.fullmatch(r".*\.hf-[0-9]+", name)
            if not (is_temporary or _is_our_script(content) or _is_of_git_lfs(content, name) or content == b""):
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


def _take_over(path: str, content: bytes) -> list[Change]:
    """Return the changes that put our hook at `path`, and preserve the one that is there."""
    before, legacy = path + BEFORE_SUFFIX, path + ".legacy"
    planned = path_states(path, before, legacy)
    for place in (path, before):
        if is_directory(place):
            raise Problem(
                f"{place} is a directory, but git expects a hook there",
                f"mv {shell_word(place)} {shell_word(place)}.old",
            )
    current = read_hook(path)
    if _is_our_script(current):
        content += _lines_of_others(current)
        return (
            [WriteHook(path, content, planned, preserves=False)] if current != content or not is_runnable(path) else []
        )
    if not path_exists(path):
        return [WriteHook(path, content, planned, preserves=False)]
    if _is_of_pre_commit(current) and _is_our_script(read_hook(legacy)):  # installed after ours, which it runs first
        return (
            [WriteHook(legacy, content, planned, preserves=False)]
            if read_hook(legacy) != content or not is_runnable(legacy)
            else []
        )
    if not path_exists(before):
        return [WriteHook(path, content, planned, preserves=True)]
    if planned[path] == planned[before] or _is_of_git_lfs(current, os.path.basename(path)):
        return [
            WriteHook(path, content, planned, preserves=False)
        ]  # after a `kill -9`; or our hook runs git-lfs anyway
    if _is_of_pre_commit(current) and _is_of_pre_commit(read_hook(before)):
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
    if _is_our_script(current):
        _refuse_lines_of_others(path)
        return [RestoreHook(path, before, planned)]
    if _is_of_pre_commit(current) and _is_our_script(read_hook(legacy)):
        if before and _is_of_pre_commit(read_hook(before)):
            return [RestoreHook(legacy, None, planned, leftovers=(before,))]
        return [RestoreHook(legacy, before, planned)]
    if before is None:
        return []
    if not path_exists(path):
        return [RestoreHook(path, before, planned)]
    if planned[path] == planned[before]:
        return [RestoreHook(before, None, planned)]
    if _is_of_git_lfs(current, os.path.basename(path)) and b"lfs pre-push" in (read_hook(before) or b""):
        return [RestoreHook(path, before, planned)]
    raise Problem(
        f"{path} was replaced by another hook, and {before} is the original one",
        f"if it is to come back: mv {shell_word(path)} {shell_word(path)}.old && "
        f"mv {shell_word(before)} {shell_word(path)}",
    )


# --- contents ---


def _script(name: str, before: str | None) -> bytes:
    """Return one of the scripts in `hooks/`, adapted; `before`: the lines that set this variable."""
    source = name if name in CHECKING_HOOKS else "other"
    package = os.path.dirname(__file__)
    for directory in (os.path.join(package, "scripts"), os.path.join(package, "..", "..", "hooks")):  # or a checkout
        text = read_hook(os.path.join(directory, source))
        if text is not None:
            break
    else:
        raise Problem("the hook scripts are missing from this installation", "reinstall git-credential-hf")
    lines = text.decode().splitlines(keepends=True)
    program = helper_command()
    for number, line in enumerate(lines):
        if line.startswith("hf=") and program != "hf":
            lines[number] = f"hf={program.removeprefix('!')}\n"
        if line.startswith("before=") and before is not None:
            lines[number] = before
    return "".join(lines).encode("utf-8", "surrogateescape")


def _scripts(previous: str | None, place: _Place) -> dict[str, bytes]:
    """Return the scripts for our directory, which run the hooks in `previous`, or in the repository."""
    hooks: dict[str, bytes] = {}
    others = list(FORWARDED_HOOKS)
    directory = place.default if previous is None else place.resolved(previous)
    others += [name for name in MIRRORED_HOOKS if directory and is_runnable(os.path.join(directory, name))]
    for name in (*CHECKING_HOOKS, *others):
        is_checking = name in CHECKING_HOOKS
        variable, common = (name, "$(git rev-parse --git-common-dir)") if is_checking else ("$name", "$common")
        hooks[name] = _script(name, _LOOKED_UP.format(own=f"{common}/hooks", name=variable))
    return hooks


# The hook that git would run without ours, in each repository and at each moment: a condition (includeIf) or another
# program may set `core.hooksPath`, now or later.
_LOOKED_UP = """\
directory={own}
while IFS= read -r value; do
    case $value in */git-credential-hf/hf-hooks) ;; *) directory=$value ;; esac
done << VALUES
$(git config --type=path --get-all core.hooksPath || echo /git-credential-hf/hf-hooks)
VALUES
case $directory in '' | /dev/null) exit 0 ;; esac # this disables all hooks
before=${{directory%/}}/{name}
"""


def _is_our_script(content: bytes | None) -> bool:
    return content is not None and content.startswith(b"#!") and MARK in content[:300]


_END = b"# The end of this hook of git-credential-hf; what is below is somebody else's.\n"


def _lines_of_others(content: bytes | None) -> bytes:
    """Return what another program, or a person, has added at the end of our hook."""
    return (content or b"").partition(_END)[2] if _is_our_script(content) else b""


def _refuse_lines_of_others(path: str) -> None:
    if _lines_of_others(read_hook(path)).strip():
        show = f"sed '1,/^# The end of/d' {shell_word(path)}"
        raise Problem(f"{path} has lines at its end that are not ours", f"move them; `{show}` shows them")


def _is_our_hook(path: str) -> bool:
    """Whether git would run our hook there, of whatever version."""
    return _is_our_script(read_hook(path)) and is_runnable(path)


def _is_of_pre_commit(content: bytes | None) -> bool:
    return content is not None and b"\n# File generated by pre-commit" in content[:300]


def _is_of_git_lfs(content: bytes | None, name: str) -> bool:
    """Whether it is the hook that git-lfs installs, unchanged; its versions differ only in the message."""
    lines = (content or b"").decode("utf-8", "replace").split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    return (
        len(lines) == 3
        and lines[0] == "#!/bin/sh"
        and lines[1].startswith("command -v git-lfs >/dev/null 2>&1 || {")
        and lines[1].endswith("exit 2; }")
        and lines[2] == f'git lfs {name} "$@"'
    )


def _knows_its_name(content: bytes | None) -> bool:
    """Whether a hook may behave differently under another name in the same directory."""
    if content is None or _is_of_pre_commit(content):
        return False
    if not content.startswith(b"#!") or b"\0" in content:
        return True
    content = re.sub(rb"""dirname (?:-- )?["']?\$\{?0\}?|\$\{0%/\*\}""", b"", content)
    return re.search(rb"\$\{?0|BASH_SOURCE|PROGRAM_NAME|__[Ff][Ii][Ll][Ee]|argv|\bargs\b", content) is not None


# --- directories ---


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
