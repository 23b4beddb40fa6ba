"""`doctor --undo`: restore the files that the last `doctor --fix` changed, from the copies that it made."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

from git_credential_hf.backups import backup_directory, backup_place
from git_credential_hf.files import (
    Change,
    FileChange,
    ModeChange,
    OwnFileChange,
    apply_changes,
    back_up,
    create_file,
    read_file,
)
from git_credential_hf.problem import Problem
from git_credential_hf.system import hold_signals

_LOG = "last-fix.json"


class UndoLog:
    """The log of one `doctor --fix`: for each file, its copy, if it existed, and the hash of the new content."""

    def __init__(self) -> None:
        self._entries: list[dict[str, str | None]] = []

    @property
    def is_empty(self) -> bool:
        """Whether no file has changed."""
        return not self._entries

    def apply(self, changes: Sequence[Change]) -> None:
        """Copy the files, then make the changes of one fix; raises `Problem` if copying or changing fails."""
        copies = {path: self._copy(path) for change in changes for path in _files_of(change)}
        try:
            apply_changes(changes, lambda change: None)
        finally:
            for path, copy in copies.items():
                self._record(path, copy)

    def _copy(self, path: str) -> str | None:
        try:
            return back_up(path, backup_directory()) if os.path.exists(path) else None
        except Problem as problem:
            raise Problem(f"{path} stays as it is: {problem.message}", problem.fix) from None

    def _record(self, path: str, copy: str | None) -> None:
        if os.path.isdir(path):
            return  # a hooks directory, which `hooks uninstall` undoes
        before, after = read_file(copy) if copy else None, read_file(path)
        if before != after:
            self._entries.append({"path": os.path.realpath(path), "copy": copy, "after": _digest(after)})
            _write_log(self._entries)
        elif copy:
            os.unlink(copy)


def undo_last_fix() -> Iterator[str | Problem]:
    """Restore each file that is still as the last fix left it; yield its path, or why it is not restored.

    Raises `Problem` if there is nothing to undo.
    """
    entries = _read_log()
    if not entries:
        raise Problem("there is no fix to undo", "run `git-credential-hf doctor` to see what is wrong")
    left = [*entries]
    for entry in reversed(entries):
        try:
            with hold_signals():  # once its copy is gone, the log must not name it
                path = _put_back(entry)
                left.remove(entry)
                _write_log(left)
            yield path
        except Problem as problem:
            yield problem


def _put_back(entry: dict[str, str | None]) -> str:
    path, copy = entry["path"] or "", entry["copy"]
    now = read_file(path)
    if _digest(now) != entry["after"]:
        there = f"its old content is in {copy}" if copy else "it did not exist before"
        raise Problem(f"{path} has changed since it was fixed; {there}", "compare the two, and edit it")
    old = read_file(copy) if copy else None
    if copy and old is None:
        raise Problem(f"cannot put back {path}: its copy is gone")
    change = FileChange(path, now, old, mode=0o600) if copy else OwnFileChange(path, now, None)
    change.apply()
    if copy:
        os.unlink(copy)
    return path


def _files_of(change: Change) -> list[str]:
    """Return the files that a change may alter; permissions and hooks are not restored."""
    if isinstance(change, ModeChange):
        return []
    paths = getattr(change, "files", [change.path])
    return [path for path in paths if os.path.isabs(path) and not os.path.isdir(path)]


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _remove_if_empty(directory: str) -> None:
    with suppress(OSError):  # not empty if there are copies of earlier fixes
        os.rmdir(directory)
        os.rmdir(os.path.dirname(directory))


def _read_log() -> list[dict[str, str | None]]:
    directory = backup_place()
    content = read_file(os.path.join(directory, _LOG)) if directory else None
    try:
        return list(json.loads(content)) if content else []
    except ValueError:
        raise Problem(f"{directory}: {_LOG} is damaged", "the copies of files are in that directory") from None


def _write_log(entries: list[dict[str, str | None]]) -> None:
    path = os.path.join(backup_directory(), _LOG)
    new = f"{path}.new"
    try:
        with hold_signals():
            if os.path.lexists(new):
                os.unlink(new)
            if entries:
                create_file(new, json.dumps(entries).encode(), mode=0o600)
                os.replace(new, path)
            elif os.path.lexists(path):
                os.unlink(path)
                _remove_if_empty(os.path.dirname(path))
    except OSError as error:
        raise Problem(f"cannot write {path}: {error.strerror}") from None
