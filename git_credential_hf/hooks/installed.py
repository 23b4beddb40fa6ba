"""Inspect which hooks are installed, and whether git runs them."""

import os
from typing import NamedTuple

from git_credential_hf.configure import plan_configure
from git_credential_hf.git.config import git_directory, read_config
from git_credential_hf.hooks.githooks import CHECKING_HOOKS
from git_credential_hf.hooks.hook_files import is_directory, path_exists, read_hook
from git_credential_hf.hooks.hook_place import HookPlace
from git_credential_hf.hooks.hook_script import is_of_pre_commit, is_our_hook
from git_credential_hf.hooks.hooks_path import is_our_hooks_path, sets_hooks_path
from git_credential_hf.hooks.steps import BEFORE_SUFFIX
from git_credential_hf.problem import Problem, runnable


class InstalledHook(NamedTuple):
    """One of our hooks: its state is one of `STATES`; `before` is the path of the hook that it runs."""

    name: str
    state: str
    path: str
    before: str | None


class InstalledHooks:
    """The hooks of a scope; `state` is one of `STATES`.

    `replaced`: another program has overwritten our hook. `displaced`: our hook exists, but `core.hooksPath` names
    another directory. `by`: the setting that displaced them, or that overrides the global hooks in this repository.
    """

    STATES = ("replaced", "displaced", "absent", "installed")  # the scope has the first state that any of its hooks has

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
            "problem": problem and {"message": problem.message, "fix": problem.fix and runnable(problem.fix)},
        }


def inspect_hooks(scope: str) -> InstalledHooks:
    """Return the hooks of a scope: of the repository of the current directory, or of the user."""
    place = HookPlace(scope)
    if scope == "global":
        read_config()  # raises git's own problem, if it has one
        is_configured = not plan_configure(scope, helper=None, hooks=True)
        hooks = [_inspect_in_directory(place, name, is_configured) for name in CHECKING_HOOKS]
        found = InstalledHooks(scope, place.directory, hooks, None)
        if found.state == "displaced":
            found.by = "the configuration does not include them"
        elif found.state == "installed":
            found.by = place.overridden_by()
            found.is_changed = not place.planned_directory().is_made()
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


def _inspect_in_directory(place: HookPlace, name: str, is_used: bool) -> InstalledHook:
    """Inspect a hook in our own directory; `is_used`: `core.hooksPath` leads there."""
    path = os.path.join(place.directory, name)
    ours, not_ours = ("installed", "replaced") if is_used else ("displaced", "absent")
    return InstalledHook(name, ours if is_our_hook(path) else not_ours, path, None)


def _inspect_in_repository(place: HookPlace, name: str, is_used: bool) -> InstalledHook:
    """Inspect a hook in the repository's hooks directory; `is_used`: git looks there."""
    path = os.path.join(place.default, name)
    before = path + BEFORE_SUFFIX if path_exists(path + BEFORE_SUFFIX) else None
    called = path + ".legacy" if is_of_pre_commit(read_hook(path)) else path
    is_ours = is_our_hook(called)
    if is_used:
        state = "installed" if is_ours else "replaced" if before else "absent"
    else:
        state = "displaced" if is_ours or is_directory(place.directory) else "absent"
    return InstalledHook(name, state, called if is_ours else path, before)


def hooks_in_effect() -> InstalledHooks:
    """Return the hooks that apply in the current directory: this repository's own, or the global ones."""
    global_hooks = inspect_hooks("global")
    if git_directory() is None:
        return global_hooks
    local = inspect_hooks("local")
    if local.state == "installed":
        return local
    place = HookPlace("local")
    value, _ = place.effective()
    if value is not None and place.resolved(value) == global_hooks.directory:
        return global_hooks
    return global_hooks if local.state == "absent" and global_hooks.state != "absent" else local
