"""The private directory with copies of the files that `doctor --fix` has changed."""

import os

from git_credential_hf.problem import Problem
from git_credential_hf.state_directory import is_usable, make_private

_NAME = "git-credential-hf"


def backup_place() -> str | None:
    """Return the directory of copies, which may not exist; `None` without a home directory."""
    import platformdirs

    try:
        path = os.path.join(platformdirs.user_state_dir(_NAME, appauthor=False), "backups")
    except RuntimeError:
        return None
    return path if os.path.isabs(path) else None


def backup_directory() -> str:
    """Return `backup_place`, created if needed; raises `Problem` if it is not private to this user."""
    path = backup_place()
    try:
        if path is None or not (is_usable(path) and make_private(path)):
            raise Problem(f"cannot keep a copy: {path or 'a home'} cannot be a private directory of this user")
    except OSError as error:
        raise Problem(f"cannot keep a copy in {path}: {error.strerror}") from None
    return path
