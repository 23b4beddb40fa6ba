"""Where our hooks stand in git's way: before git-lfs, and beside everybody else's hooks.

`plan()` is the single truth, as in `configure`. Two arrangements, both described in the files in `hooks/`:

- In the hooks directory that git uses anyway (`local`): our hook takes the name, and the one that had it goes on as
  `NAME.before-hf` beside it, run by ours.
- In a directory of ours that `core.hooksPath` leads to (`global`; `local` where it is set already, or where a hook has
  to keep its own name): each hook there runs the one that git would have run. Nobody else's directory is written to.

At any moment either the old arrangement works or the new one: files come and go by renaming, and a directory of ours
is whole before git's configuration names it, and goes after that.
"""

import os
import re
import shlex
import sys

from git_credential_hf.configure import helper_command, removal_command
from git_credential_hf.files import Change, FileChange, read_file
from git_credential_hf.git.config import ConfigEntry, config_path, parse_config, read_config
from git_credential_hf.git.run import git_line, run_git
from git_credential_hf.hooks.hooks_path import (
    HOOKS_DIRECTORY,
    checked_change,
    expanded_path,
    is_our_hooks_path,
    sets_hooks_path,
    with_hooks_path,
    without_hooks_path,
)
from git_credential_hf.hooks.steps import (
    BEFORE_SUFFIX,
    RestoreHook,
    WriteDirectory,
    WriteHook,
    is_directory,
    is_runnable,
    list_names,
    path_exists,
    path_state,
    read_hook,
)
from git_credential_hf.problem import Problem

HOOK_SCOPES = ("global", "local")
CHECKING_HOOKS = ("pre-push", "pre-commit")

# All others that git runs from its hooks directory (githooks(5)), but `fsmonitor-watchman`, which `core.fsmonitor`
# names by its path.
FORWARDED_HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-merge-commit", "prepare-commit-msg", "commit-msg"),
    *("post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-receive", "update", "proc-receive"),
    *("post-receive", "post-update", "pre-auto-gc", "post-rewrite", "sendemail-validate"),
    *("p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit", "post-index-change"),
)
# Two that are in a directory of ours only if they are in the one before: the mere existence of the first changes what
# a push into this repository does; git runs the second two or three times for each reference that it fetches. For all
# repositories together nobody can know: there the first is left out, and the second is not.
MIRRORED_HOOKS = ("push-to-checkout", "reference-transaction")

_MARK = b"# A hook of git-credential-hf"


class InstalledHooks:
    """What is there in a scope: `state` and that of each hook is one of `STATES`.

    `replaced`: another program has put its own hook in the place of ours. `displaced`: ours is there, but
    `core.hooksPath` has been set to something else since. `by` names what did that, or what keeps the global hooks
    from the repository that this is run in.
    """

    STATES = ("replaced", "displaced", "absent", "installed")  # the first that a hook is in is that of the scope

    def __init__(
        self, scope: str, directory: str, hooks: list[tuple[str, str, str, str | None]], by: str | None
    ) -> None:
        self.scope = scope
        self.directory = directory
        self.hooks = hooks  # name, state, path, the path of the hook before
        self.by = by
        self.state = next(state for state in self.STATES if any(hook[1] == state for hook in hooks))

    def problem(self) -> Problem | None:
        """What keeps git from calling our hooks, and what mends it; `None` where nothing does."""
        again = f"git-credential-hf hooks install --{self.scope}"
        if self.state == "installed":
            if self.by is None:
                return None
            return Problem(f"the hooks of --global are not called here: {self.by}", "git-credential-hf hooks install")
        if self.state == "absent":
            return Problem("git does not call the hooks", again)
        if self.state == "displaced":
            return Problem(f"git does not call the hooks any more: {self.by}", again)
        path = next(path for _, state, path, _ in self.hooks if state == "replaced")
        return Problem(f"{path} is not our hook any more", again)

    def as_json(self) -> dict[str, object]:
        """The public form."""
        return {
            "scope": self.scope,
            "state": self.state,
            "directory": self.directory,
            "by": self.by,
            "hooks": [
                {"name": name, "state": state, "path": path, "before": before}
                for name, state, path, before in self.hooks
            ],
        }


# --- what is to be done ---


def plan_install(scope: str) -> list[Change]:
    """What lets git run our hooks in `scope` (of `SCOPES`); nothing where it does already."""
    place = _Place(scope)
    previous = place.previous()
    if scope == "local" and previous is None and not place.needs_directory():
        hooks: list[Change] = []
        for name in CHECKING_HOOKS:
            hooks += _taken_over(os.path.join(place.default, name), _content(name, None))
        return hooks + place.removal()
    wanted = _hooks(previous, place)
    changes: list[Change] = []
    place.refuse_foreign()
    if any(
        read_hook(path := os.path.join(place.directory, name)) != content or not is_runnable(path)
        for name, content in wanted.items()
    ) or set(list_names(place.directory)) - set(wanted):
        changes.append(WriteDirectory(place.directory, wanted))
    in_place, at_end = (with_hooks_path(place.base, place.directory, at_end=last) for last in (False, True))
    # At the end where an included file would have the last word otherwise; and there it stays, where it has it by now.
    after = in_place if place.has_last_word() and place.content != at_end else at_end
    if after != place.content:
        changes.append(checked_change(FileChange(place.config, place.content, after), place.directory))
    return changes


def plan_uninstall(scope: str) -> list[Change]:
    """The inverse of `plan`, whichever arrangement it was."""
    place = _Place(scope)
    changes = place.removal()
    if scope == "local":
        for name in CHECKING_HOOKS:
            changes += _given_back(os.path.join(place.default, name))
    return changes


def inspect_hooks(scope: str) -> InstalledHooks:
    """What is there now, for the repository of the current directory, or for the user."""
    place = _Place(scope)
    value, by = place.effective()
    in_use = place.resolved(value) if value is not None else place.default
    hooks = []
    for name in CHECKING_HOOKS:
        path = os.path.join(place.directory, name)
        before: str | None = None
        standing = os.path.join(place.default, name)
        if scope == "local" and in_use != place.directory:
            called = standing + ".legacy" if _is_of_pre_commit(read_hook(standing)) else standing
            is_there = _is_ours(called)
            path = called if is_there else standing
            before = standing + BEFORE_SUFFIX if path_exists(standing + BEFORE_SUFFIX) else None
            if in_use == place.default or (is_our_hooks_path(value or "") and place.previous() is None):
                state = "installed" if is_there else "replaced" if before else "absent"
            else:
                state = "displaced" if is_there or is_directory(place.directory) else "absent"
        elif in_use == place.directory:
            state = "installed" if _is_ours(path) else "replaced"
        else:
            state = "displaced" if _is_ours(path) else "absent"
        hooks.append((name, state, path, before))
    found = InstalledHooks(
        scope, place.directory if in_use == place.directory else os.path.dirname(hooks[0][2]), hooks, None
    )
    if found.state == "displaced":
        found.by = f"core.hooksPath is {value} ({by})" if value is not None else "core.hooksPath is no longer set"
    elif scope == "global" and found.state == "installed":
        found.by = place.kept_off()
    return found


def hooks_in_effect() -> InstalledHooks:
    """What counts in the current directory: this repository's own installation, or the one for all of them."""
    everywhere = inspect_hooks("global")
    try:
        run_git("rev-parse", "--git-dir")
    except Problem:
        return everywhere
    local = inspect_hooks("local")
    if local.state == "installed":
        return local
    place = _Place("local")
    value, _ = place.effective()
    if value is not None and place.resolved(value) == everywhere.directory:
        return everywhere
    return everywhere if local.state == "absent" and everywhere.state != "absent" else local


class _Place:
    """A scope: its configuration, and the directories that hooks are in or may be in."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        if scope == "local":
            try:
                common = os.path.normpath(os.path.join(_here(), git_line("rev-parse", "--git-common-dir")))
            except Problem as problem:
                if "not a git repository" in problem.message or "filesystem boundary" in problem.message:
                    raise Problem("there is no git repository here", "cd into one, or use --global") from None
                raise
        self.config = config_path(scope)
        self.content = read_file(self.config)
        self.base = without_hooks_path(self.content)  # as it would be without us
        self.top = _here()
        if scope == "global":
            self.directory = os.path.join(_own_directory(), HOOKS_DIRECTORY)
            self.default = ""  # each repository's own
        else:
            self.directory = os.path.join(common, HOOKS_DIRECTORY)
            self.default = os.path.join(common, "hooks")
            self.top = _top()

    def resolved(self, value: str) -> str:
        """The directory that a value of `core.hooksPath` means here."""
        return os.path.normpath(os.path.join(self.top, expanded_path(value)))

    def effective(self) -> tuple[str | None, str]:
        """The value of `core.hooksPath` that git goes by, and where it comes from; `None` where there is none."""
        scopes = (
            ("system", "global") if self.scope == "global" else ("system", "global", "local", "worktree", "command")
        )
        for entry in reversed(read_config()):
            if entry.scope in scopes and sets_hooks_path(entry):
                return entry.value or "", entry.origin.removeprefix("file:")
        return None, ""

    def has_last_word(self) -> bool:
        """Whether no file that ours includes sets `core.hooksPath` further down."""
        set_here = [e for e in read_config() if e.scope == self.scope and sets_hooks_path(e)]
        return not set_here or os.path.realpath(set_here[-1].origin.removeprefix("file:")) == self.config

    def previous(self) -> str | None:
        """The directory that git would look in without us, as it is configured; `None` for the repository's own."""
        found: ConfigEntry | None = None
        scopes = ("system", "global") if self.scope == "global" else ("system", "global", "local", "worktree")
        for entry in read_config():
            if entry.scope in scopes and sets_hooks_path(entry):
                if not is_our_hooks_path(entry.value or ""):
                    found = entry
                elif entry.scope in ("global", "local"):  # ours stands for the line that is kept beside it, if one is
                    path = config_path(entry.scope)
                    now = read_file(path)
                    standing, kept = (
                        [e for e in parse_config(content or b"") if sets_hooks_path(e)]
                        for content in (now, without_hooks_path(now))
                    )
                    shown = sum(not is_our_hooks_path(e.value or "") for e in standing)
                    for one in kept[shown:][-1:]:
                        found = ConfigEntry(entry.scope, f"file:{path}", "core.hookspath", one.value)
        if found is None:
            return None
        value = expanded_path(found.value or "")
        directory = self.resolved(value)
        if not value or (os.path.exists(directory) and not is_directory(directory)):
            raise Problem(f"core.hooksPath is '{value}', which turns all hooks off", removal_command(found))
        if found.scope == "worktree":
            raise Problem(
                "core.hooksPath is set for this worktree alone", "git config --worktree --unset core.hooksPath"
            )
        if self.default and os.path.realpath(directory) == os.path.realpath(self.default):
            return None
        return value

    def needs_directory(self) -> bool:
        """Whether the repository's own hooks have to stay where they are, and under their own names."""
        if os.path.islink(self.default):
            return True  # perhaps to a directory that is tracked
        for name in CHECKING_HOOKS:
            path = os.path.join(self.default, name)
            if _is_our_bytes(read_hook(path)) or path_exists(path + BEFORE_SUFFIX):
                continue
            if _knows_its_name(read_hook(path)):
                return True
        return False

    def removal(self) -> list[Change]:
        """What takes the directory of ours away, git's configuration first."""
        changes: list[Change] = []
        if self.base != self.content:
            changes.append(checked_change(FileChange(self.config, self.content, self.base), None))
        above = os.path.dirname(self.directory)  # ours, where it is for all repositories; a `kill -9` has left it
        is_left = self.scope == "global" and is_directory(above) and not list_names(above)
        if is_directory(self.directory) or is_left:
            self.refuse_foreign()
            changes.append(WriteDirectory(self.directory, None))
        return changes

    def refuse_foreign(self) -> None:
        """Raise `Problem` where somebody else has put something into our directory that is not ours to remove."""
        if os.path.islink(self.directory):  # into somebody's home, say, from an archive that was unpacked
            raise Problem(f"{self.directory} is a link, and no directory of ours", f"rm {shlex.quote(self.directory)}")
        for name in list_names(self.directory):
            path = os.path.join(self.directory, name)
            content = read_hook(path)
            is_temporary = re.fullmatch(r".*\.hf-[0-9]+", name)
            if not (is_temporary or _is_our_bytes(content) or _is_of_git_lfs(content, name) or content == b""):
                away = os.path.join(os.path.dirname(self.directory), name + ".old")
                raise Problem(f"{path} is not a hook of ours", f"mv {shlex.quote(path)} {shlex.quote(away)}")

    def kept_off(self) -> str | None:
        """What keeps the global hooks from the repository of the current directory; `None` where nothing does."""
        for entry in reversed(read_config()):
            if sets_hooks_path(entry):
                is_global = entry.scope in ("system", "global") or is_our_hooks_path(entry.value or "")
                where = entry.origin.removeprefix("file:")
                return None if is_global else f"core.hooksPath is {entry.value} here ({where})"
        return None


def _taken_over(path: str, content: bytes) -> list[Change]:
    """What makes ours of the hook at `path`, and keeps what others have there."""
    before = path + BEFORE_SUFFIX
    for place in (path, before):
        if is_directory(place):
            raise Problem(
                f"{place} is a directory, where git looks for a hook",
                f"mv {shlex.quote(place)} {shlex.quote(place)}.old",
            )
    there = read_hook(path)
    if _is_our_bytes(there):
        return [WriteHook(path, content, keeps=False)] if there != content or not is_runnable(path) else []
    if not path_exists(path):
        return [WriteHook(path, content, keeps=False)]
    legacy = path + ".legacy"
    if _is_of_pre_commit(there) and _is_our_bytes(read_hook(legacy)):  # it came after us, and runs ours first
        return (
            [WriteHook(legacy, content, keeps=False)] if read_hook(legacy) != content or not is_runnable(legacy) else []
        )
    if not path_exists(before):
        return [WriteHook(path, content, keeps=True)]
    if path_state(path) == path_state(before) or _is_of_git_lfs(there, os.path.basename(path)):
        return [WriteHook(path, content, keeps=False)]  # we were killed half-way; or ours runs git-lfs as well
    if _is_of_pre_commit(there) and _is_of_pre_commit(read_hook(before)):
        return [WriteHook(path, content, keeps=True)]  # it has made itself anew
    raise Problem(
        f"{path} is not ours any more, and {before} is there, too",
        f"if the second is not needed any more: mv {shlex.quote(before)} {shlex.quote(path)}.old",
    )


def _given_back(path: str) -> list[Change]:
    """The inverse of `_taken_over`."""
    before: str | None = path + BEFORE_SUFFIX if path_exists(path + BEFORE_SUFFIX) else None
    there = read_hook(path)
    legacy = path + ".legacy"
    if _is_our_bytes(there):
        return [RestoreHook(path, before)]
    if _is_of_pre_commit(there) and _is_our_bytes(read_hook(legacy)):
        if before and _is_of_pre_commit(read_hook(before)):
            return [RestoreHook(legacy, None, (before,))]
        return [RestoreHook(legacy, before)]
    if before is None:
        return []
    if not path_exists(path):
        return [RestoreHook(path, before)]
    if path_state(path) == path_state(before):
        return [RestoreHook(before, None)]
    if _is_of_git_lfs(there, os.path.basename(path)) and b"lfs pre-push" in (read_hook(before) or b""):
        return [RestoreHook(path, before)]
    raise Problem(
        f"{path} is not ours any more, and {before} is what was there before",
        f"mv {shlex.quote(before)} {shlex.quote(path)}",
    )


# --- our hooks ---


def _content(name: str, before: str | None) -> bytes:
    """One of the files in `hooks/`, made for this place; `before`: what comes after `before=` in it."""
    source = name if name in CHECKING_HOOKS else "other"
    here = os.path.dirname(__file__)
    for directory in (os.path.join(here, "scripts"), os.path.join(here, "..", "..", "hooks")):  # installed; a checkout
        text = read_hook(os.path.join(directory, source))
        if text is not None:
            break
    else:
        raise Problem("the files of the hooks are missing from this installation", "install git-credential-hf again")
    lines = text.decode().splitlines(keepends=True)
    program = helper_command()
    for number, line in enumerate(lines):
        if line.startswith("hf=") and program != "hf":
            lines[number] = f"hf={program.removeprefix('!')}\n"
        if line.startswith("before=") and before is not None:
            lines[number] = f"before={before}\n"
    return "".join(lines).encode("utf-8", "surrogateescape")


def _hooks(previous: str | None, place: _Place) -> dict[str, bytes]:
    """The files of our directory, which run those of `previous`, or of the repository."""
    hooks = {}
    others = list(FORWARDED_HOOKS)
    where = place.default if previous is None else place.resolved(previous)
    others += [name for name in MIRRORED_HOOKS if where and is_runnable(os.path.join(where, name))]
    if place.scope == "global" and "reference-transaction" not in others:
        others.append("reference-transaction")
    for name in (*CHECKING_HOOKS, *others):
        variable = name if name in CHECKING_HOOKS else "$name"
        if previous is not None:
            directory = previous.rstrip("/") if previous.strip("/") else "/."
            hooks[name] = _content(name, f"{shlex.quote(directory)}/{variable}")
        elif name in CHECKING_HOOKS:
            hooks[name] = _content(name, f"$(git rev-parse --git-common-dir)/hooks/{variable}")
        else:
            hooks[name] = _content(name, None)
    return hooks


def _is_our_bytes(content: bytes | None) -> bool:
    return content is not None and content.startswith(b"#!") and _MARK in content[:300]


def _is_ours(path: str) -> bool:
    """Whether git would run it, and it is ours, of whatever version."""
    return _is_our_bytes(read_hook(path)) and is_runnable(path)


def _is_of_pre_commit(content: bytes | None) -> bool:
    return content is not None and b"\n# File generated by pre-commit" in content[:300]


def _is_of_git_lfs(content: bytes | None, name: str) -> bool:
    """Whether it is the hook that git-lfs installs, and nothing more (its versions differ in the message only)."""
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
    """Whether a hook may do something else under another name; its directory remains the same."""
    if content is None or _is_of_pre_commit(content):
        return False
    if not content.startswith(b"#!") or b"\0" in content:
        return True
    content = re.sub(rb"""dirname (?:-- )?["']?\$\{?0\}?|\$\{0%/\*\}""", b"", content)
    return re.search(rb"\$\{?0|BASH_SOURCE|PROGRAM_NAME|__[Ff][Ii][Ll][Ee]|argv|\bargs\b", content) is not None


# --- where we are ---


def _top() -> str:
    """Where git runs the hooks of a push and of a commit."""
    if git_line("rev-parse", "--is-bare-repository") == "true":
        return os.path.normpath(os.path.join(_here(), git_line("rev-parse", "--git-dir")))
    try:
        return git_line("rev-parse", "--show-toplevel")
    except Problem:
        return _here()  # in .git


def _here() -> str:
    try:
        return os.getcwd()
    except OSError as error:  # it is gone, say
        raise Problem(f"cannot tell the current directory: {error.strerror}", "cd") from None


def _own_directory() -> str:
    """Beside no other file of ours: in the data directory install.sh keeps the program."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~")
        return os.path.join(base, "git-credential-hf").replace("\\", "/")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Application Support/git-credential-hf")
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.config"), "git-credential-hf")
