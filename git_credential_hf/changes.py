"""What may be written: a change to a file shows itself first, and then happens whole or not at all."""

import difflib
import os
import stat

from git_credential_hf.problem import Problem


class Change:
    """`path` goes from `before` to `after`; `None` stands for no file."""

    def __init__(self, path: str, before: bytes | None, after: bytes | None) -> None:
        self.path = path
        self.before = before
        self.after = after

    def describe(self) -> str:
        """A unified diff, as `--dry-run` prints it."""
        old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (self.before, self.after))
        was, will_be = (self.path if data is not None else os.devnull for data in (self.before, self.after))
        return "".join(line + "\n" for line in difflib.unified_diff(old, new, was, will_be, lineterm=""))

    def apply(self) -> None:
        """Write it: under git's own lock (`PATH.lock`), by a rename, with the owner and mode of the file before.

        Raises `Problem` where that is not possible, or where somebody else has changed the file meanwhile; then it
        is as it was.
        """
        lock = self.path + ".lock"
        try:
            mode = stat.S_IMODE(os.stat(self.path).st_mode) if self.before is not None else None
            if mode is not None and not mode & 0o222:
                raise Problem(f"{self.path} is read-only")
            descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            raise Problem(
                f"{self.path} is being changed by another program", f"if none is running: rm '{lock}'"
            ) from None
        except OSError as error:
            raise Problem(f"cannot write {self.path}: {error.strerror}") from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                if read(self.path) != self.before:
                    raise Problem(f"{self.path} has just been changed by another program", "run the command again")
                file.write(self.after or b"")
                file.flush()
                os.fsync(file.fileno())
            if mode is not None:
                os.chmod(lock, mode)
                _give_back(self.path, lock)
            if self.after is None:
                os.unlink(self.path)
                os.unlink(lock)
            else:
                os.replace(lock, self.path)
        except OSError as error:
            _remove(lock)
            raise Problem(f"cannot write {self.path}: {error.strerror}") from None
        except BaseException:
            _remove(lock)
            raise


def read(path: str) -> bytes | None:
    """The bytes of a file, `None` where there is none; raises `Problem` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None


def _give_back(path: str, lock: str) -> None:
    """Let the new file belong to the owner of the old one: under sudo it is somebody else's."""
    owner = os.stat(path)
    if os.name == "posix" and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(lock, owner.st_uid, owner.st_gid)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
