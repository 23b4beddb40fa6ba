"""Find the commands that fix a push; they depend on the branch, the remote, and the contents of other remotes."""

import os
import re
from functools import cached_property

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import git_line, run_git
from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.updates import RefUpdate
from git_credential_hf.masking import is_visible
from git_credential_hf.problem import Problem
from git_credential_hf.repository import parse_remote, without_credentials
from git_credential_hf.shell import shell_word

_NEW_BRANCH = "lfs-import"  # for commits that are on no branch
_MAX_PATTERNS = 30  # for single files in one command; more are replaced by patterns of extensions
_MAX_LOOKUPS = 20  # files to look up, each of which starts several git processes; five problems of a kind are shown


def lfs_pattern(path: str) -> str:
    """Return a gitignore(5) pattern for a path: printable, not an option, no commas (they separate patterns)."""
    return "".join(c if is_visible(c) else "*" for c in re.sub(r'[][*?,!#\\"`]|^[- ]| $', "?", path))


class Fixes:
    """The commands for a push of `updates` to `url`; `remote` is the remote's name, or the URL again."""

    def __init__(self, remote: str, url: str, updates: list[RefUpdate], entries: list[ConfigEntry]) -> None:
        self._remote = remote
        self._url = url
        self._updates = [update for update in updates if not update.is_deletion]
        self._entries = entries
        self._refused: set[str] = set()  # files
        self._paths: list[str] = []  # theirs
        self._lookups = 0
        self._files: dict[str, dict[str, list[str]]] = {}  # by commit: the paths of each file

    def set_refused(self, added: Additions) -> None:
        """Set the files that a push without history must not contain either."""
        blobs = [*added.large, *added.for_lfs, *added.binary]
        self._refused = {blob.oid for blob in blobs}
        self._paths = [blob.path for blob in blobs]

    def import_to_lfs(self, commit: str, path: str) -> str:
        """Return how to rewrite history from `commit` on, so that this and all other refused files are in LFS."""
        command = f"git lfs migrate import --include={shell_word(self._include(path))}"
        self._lookups += 1
        if self._lookups > _MAX_LOOKUPS:
            return f"run `{command}`"
        update = self._update_of(commit)
        ref = self._branch_of(update)
        if ref is None:  # git-lfs cannot rewrite a detached HEAD
            ref = self._new_branch()
            start = "" if update.local_ref == "HEAD" else f" {update.local_oid[:10]}"
            command = f"git checkout -b {ref.removeprefix('refs/heads/')}{start} && {command}"
        if not self._is_bare and not self._is_on_remotes(commit):
            if ref == self._checked_out or command.startswith("git checkout"):
                return f"{self._first}run `{command} && git lfs checkout`"
            return f"run `{command} {shell_word(ref.removeprefix('refs/heads/'))}`"
        # git-lfs does not rewrite commits that any remote has, unless references are named.
        command += f" --include-ref={shell_word(ref)}"
        if update.remote_oid.strip("0") and self._exists(update.remote_oid):
            command += f" --exclude-ref={update.remote_oid}"
        if not self._is_bare and (ref == self._checked_out or command.startswith("git checkout")):
            command += " && git lfs checkout"  # git-lfs leaves pointers in the working tree
        fix = f"{self._first}run `{command}`, which rewrites history that another remote may have"
        if not self._refused & self._files_at(update.local_oid).keys():
            fix += f"; or push the files without their history: `{self.push_without_history(update)}`"
        return fix

    def push_without_history(self, update: RefUpdate | None = None) -> str:
        """Return the command that replaces the remote reference by a single commit with the same files."""
        update = update or self._updates[0]
        tree = shell_word((self._branch_of(update) or update.local_oid).removeprefix("refs/heads/") + "^{tree}")
        target = update.remote_ref
        return f'git push --force {self._target} "$(git commit-tree -m "no history" {tree})":{shell_word(target)}'

    def deepen(self) -> str:
        """Return how to push from a shallow clone."""
        source = self._source
        if source is None:
            return f"run `{self.push_without_history()}` to push the files without their history"
        return f"run `git fetch --unshallow {shell_word(source)}`"

    def fetch_lfs_objects(self, pathspec: str) -> str:
        """Return how to get the LFS objects that are missing on this machine."""
        if self._source is None:
            return f"copy the original file there, and run `git add --renormalize {pathspec}`"
        return f"run `git lfs fetch --all {shell_word(self._source)}`, or add the original file again"

    def amend(self, commit: str, pathspec: str) -> str:
        """Return how to edit a file and amend the last commit with it."""
        ref = self._branch_of(self._update_of(commit))
        is_current = ref is None or ref == self._checked_out
        checkout = "" if is_current else f"run `git checkout {shell_word(ref.removeprefix('refs/heads/'))}`, "  # type: ignore[union-attr]
        return f"{checkout}fix the lines between `---` in it, then run `git commit --amend --no-edit -- {pathspec}`"

    def _include(self, path: str) -> str:
        """Return the patterns of all refused files, so that history is rewritten only once."""
        paths = [path]
        if len(self._updates) == 1:
            files = self._files_at(self._updates[0].local_oid)
            paths += self._paths + [same for oid in self._refused for same in files.get(oid, [])]
        patterns = [*dict.fromkeys(map(lfs_pattern, paths))]
        if len(patterns) > _MAX_PATTERNS:
            ends = dict.fromkeys(os.path.splitext(pattern)[1] for pattern in patterns)
            patterns = [f"*{end}" for end in ends if end] if "" not in ends else patterns[:1]
        return ",".join(patterns)

    @cached_property
    def _first(self) -> str:
        """What has to be done before history is rewritten: git-lfs asks whether to discard what is not committed."""
        if self._is_bare:
            return ""
        others = ("-c", "core.fsmonitor=false", "ls-files", "--others", "--exclude-standard", ":/")
        try:
            run_git("diff-index", "--quiet", "HEAD")
            is_clean = not run_git(*others)
        except Problem:
            is_clean = False
        return "" if is_clean else "commit your changes, or run `git stash -u`, then "

    # --- what is pushed ---

    def _update_of(self, commit: str) -> RefUpdate:
        """Return the first update that pushes a commit."""
        for update in self._updates[:-1]:
            try:
                run_git("merge-base", "--is-ancestor", commit, update.local_oid)
            except Problem:
                continue
            return update
        return self._updates[-1]

    def _branch_of(self, update: RefUpdate) -> str | None:
        """Return the branch that is pushed; `None` if it is not a branch, but a detached HEAD, for example."""
        if update.local_ref.startswith("refs/heads/"):
            return update.local_ref
        return self._checked_out if update.local_ref in ("HEAD", "@") else None

    @cached_property
    def _checked_out(self) -> str | None:
        try:
            return git_line("symbolic-ref", "--quiet", "HEAD")
        except Problem:
            return None  # HEAD is detached

    @cached_property
    def _is_bare(self) -> bool:
        return any((entry.section, entry.name, entry.value) == ("core", "bare", "true") for entry in self._entries)

    def _new_branch(self) -> str:
        taken = run_git("for-each-ref", "--format=%(refname)", "refs/heads/").decode("utf-8", "replace").split()
        names = (f"refs/heads/{_NEW_BRANCH}{f'-{number}' if number else ''}" for number in range(len(taken) + 1))
        return next(name for name in names if name not in taken)

    def _exists(self, oid: str) -> bool:
        try:
            run_git("cat-file", "-e", oid)
        except Problem:
            return False
        return True

    def _files_at(self, commit: str) -> dict[str, list[str]]:
        if commit not in self._files:
            self._files[commit] = self._list_files(commit)
        return self._files[commit]

    def _list_files(self, commit: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        try:
            listed = run_git("ls-tree", "-r", "-z", "--full-tree", commit)
        except Problem:
            return {oid: [] for oid in self._refused}
        for entry in listed.split(b"\0")[:-1]:
            kind, _, path = entry.partition(b"\t")
            found.setdefault(kind.split(b" ")[-1].decode(), []).append(os.fsdecode(path))
        return found

    # --- remotes ---

    def _is_on_remotes(self, commit: str) -> bool:
        try:
            return bool(run_git("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes/"))
        except Problem:
            return False

    @cached_property
    def _target(self) -> str:
        """The remote, quoted for a shell: its name, unless the name has several push URLs."""
        own = [entry.name for entry in self._entries if (entry.section, entry.subsection) == ("remote", self._remote)]
        is_only = max(own.count("pushurl"), own.count("url") if "pushurl" not in own else 0) == 1
        return shell_word(self._remote if is_only else without_credentials(self._url))

    @cached_property
    def _source(self) -> str | None:
        """A remote with another fetch URL than the push: the current branch's, `origin`, or the first one."""
        pushed = parse_remote(self._url)
        found = {}
        for entry in self._entries:
            if (entry.section, entry.name) == ("remote", "url") and entry.value and entry.subsection not in found:
                fetched = parse_remote(entry.value)
                same = fetched.repository == pushed.repository if fetched and pushed else entry.value == self._url
                found[entry.subsection] = not same
        others = [name for name, is_other in found.items() if is_other]
        branch = (self._checked_out or "").removeprefix("refs/heads/")
        keys = (("branch", branch, "remote"),)
        first = [e.value for e in self._entries if (e.section, e.subsection, e.name) in keys]
        return next((name for name in [*first[-1:], "origin", *others] if name in others), None)
