"""The changes that install and remove hooks. At any moment, either the old or the new hook works.

Files are replaced by renaming; a killed process leaves nothing that git would run as a hook.
"""

import contextlib
import os

from git_credential_hf.files import make_directory
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.hook_files import (
    State,
    cannot_write,
    give_second_name,
    is_directory,
    is_hook,
    list_names,
    mode_in,
    only_process_in,
    path_state,
    remove_if_empty,
    unlink,
    write_hook,
)
from git_credential_hf.problem import Problem
from git_credential_hf.system import hold_signals

BEFORE_SUFFIX = ".before-hf"  # of the name of a hook that ours replaced


class _HookChange:
    """A change of the hook at `path`, which is made only if all paths that it depends on are in their `planned` state.

    So files that another process has written in the meantime are neither replaced nor removed.
    """

    def __init__(self, path: str, planned: dict[str, State]) -> None:
        self.path = path
        self._planned = planned

    @hold_signals()
    def apply(self) -> None:
        """Make the change; raises `Problem` if it cannot be made."""
        try:
            with only_process_in(os.path.dirname(self.path)):
                for path, state in self._planned.items():
                    if path_state(path) != state:
                        raise Problem(f"{path} was changed by another program", "run the command again")
                self._make()
        except OSError as error:
            raise cannot_write(self.path, error) from None

    def _make(self) -> None:
        raise NotImplementedError


class WriteHook(_HookChange):
    """Write our hook at `path`; if `preserves`, the existing one is renamed to `PATH.before-hf`."""

    def __init__(self, path: str, content: bytes, planned: dict[str, State], *, preserves: bool) -> None:
        super().__init__(path, planned)
        self.content = content
        self.preserves = preserves

    def describe(self) -> list[str]:
        """Describe the change."""
        renamed = [f"rename {self.path} to {os.path.basename(self.path)}{BEFORE_SUFFIX}"] if self.preserves else []
        return [*renamed, f"write {self.path}"]

    def _make(self) -> None:
        """Give the old hook its second name first, then replace it, so that there always is a hook."""
        directory = os.path.dirname(self.path)
        if not is_directory(directory):
            make_directory(directory, mode_in(os.path.dirname(directory)))
        if self.preserves:
            give_second_name(self.path, self.path + BEFORE_SUFFIX)
        write_hook(self.path, self.content)


class RestoreHook(_HookChange):
    """Replace our hook at `path` with the one at `before`, if any; remove it and the `leftovers`."""

    def __init__(
        self, path: str, before: str | None, planned: dict[str, State], *, leftovers: tuple[str, ...] = ()
    ) -> None:
        super().__init__(path, planned)
        self.before = before
        self.leftovers = leftovers

    def describe(self) -> list[str]:
        """Describe the change."""
        what = f"rename {self.before} to {os.path.basename(self.path)}" if self.before else f"remove {self.path}"
        return [what, *(f"remove {path}" for path in self.leftovers)]

    def _make(self) -> None:
        """Replace the hook in one step, then remove the leftovers."""
        if self.before:
            os.replace(self.before, self.path)
        else:
            os.unlink(self.path)
        for path in self.leftovers:
            os.unlink(path)


class WriteDirectory(_HookChange):
    """Write exactly these hooks to our directory at `path`; `None`: remove the directory."""

    def __init__(self, path: str, hooks: dict[str, bytes] | None, planned: dict[str, State]) -> None:
        super().__init__(path, planned)
        self.hooks = hooks

    def is_made(self) -> bool:
        """Whether the directory is already as planned."""
        names = set(list_names(self.path)) if is_directory(self.path) else None
        hooks = self.hooks
        if hooks is None:
            return names is None
        return names == set(hooks) and all(is_hook(os.path.join(self.path, name), hooks[name]) for name in hooks)

    def describe(self) -> list[str]:
        """Describe the change."""
        if self.hooks is None:
            return [f"remove {self.path}"]
        import textwrap

        names = textwrap.wrap(", ".join(self.hooks), 72, break_on_hyphens=False)
        return [f"write {self.path}:", *(f"\t{line}" for line in names)]

    def _make(self) -> None:
        """Write one file at a time, each atomically."""
        try:
            if self.hooks is not None:
                make_directory(self.path, 0o755)  # readable by all users of the configuration, writable by none
                for name, content in self.hooks.items():
                    if not is_hook(path := os.path.join(self.path, name), content):
                        write_hook(path, content)
                    os.chmod(path, 0o755)  # noqa: S103 - git warns users who may not run a hook
            for path in self._planned:
                if os.path.basename(path) not in (self.hooks or {}):
                    unlink(path)
            if self.hooks is None and is_directory(self.path):
                os.rmdir(self.path)
        finally:
            remove_if_empty(self.path)
            if os.path.basename(os.path.dirname(self.path)) == "git-credential-hf":
                remove_if_empty(os.path.dirname(self.path))


class InstallLfsHooks:
    """Let git-lfs install its own hooks in a directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path = os.path.join(directory, "pre-push")

    def describe(self) -> list[str]:
        """Describe the change."""
        return [f"run `git lfs update`, which writes its hooks to {self.directory}"]

    def apply(self) -> None:
        """Run git-lfs, which stops at a hook that it did not write, as it does when it installs hooks by itself."""
        with contextlib.suppress(Problem):
            run_git("-c", f"core.hooksPath={self.directory}", "lfs", "update")
