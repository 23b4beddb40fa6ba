"""Say that nobody is logged in, and choose the hint: how to log in depends on the machine."""

import os
import sys

from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word
from git_credential_hf.token_files import foreign_owner, is_own, token_path

NOT_LOGGED_IN = "not logged in to Hugging Face"


def login_hint(*, again: bool = False) -> str:
    """Return the hint for logging in, or another one if the token file cannot be written, or git cannot read it.

    `again`: if there is a login already. Then `hf auth login` does nothing, or needs `--force`, which older versions
    lack.
    """
    if is_colab():
        return COLAB_HINT
    if os.environ.get("CI"):
        return mounted_secret_hint() or "set HF_TOKEN to a secret of this job"
    return mounted_secret_hint() or ("run `git-credential-hf login`" if again else "run `hf auth login`")


def mounted_secret_hint() -> str | None:
    """Return how to replace the token if a login cannot: the file belongs to another user, or is mounted read-only."""
    path, own = token_path(), _own_token_path()
    folder = os.path.dirname(path)
    is_mounted = os.path.isdir(folder) and not os.access(folder, os.W_OK)
    if own not in ("", path) and (foreign_owner() is not None or (is_mounted and "HF_TOKEN_PATH" not in os.environ)):
        login = "" if os.access(own, os.R_OK) else " && hf auth login"
        return f"run `export HF_TOKEN_PATH={shell_word(own)}{login}`"
    if is_mounted:
        return f"replace the secret mounted at {shell_word(path)}; this user must be able to read it"
    return None


COLAB_HINT = (
    "run this in a cell, as git cannot read the notebook's secrets: "
    '`import os; from google.colab import userdata; os.environ["HF_TOKEN"] = userdata.get("HF_TOKEN")`'
)


def is_colab() -> bool:
    """Whether a Colab notebook has started this: only the notebook's own process can read its secrets."""
    return any(name.startswith("COLAB_") for name in os.environ)


def _own_token_path() -> str:
    """Return the path of this user's token file without `HF_HOME`, in this user's own home; empty without a home."""
    home = os.path.expanduser("~")
    if sys.platform != "win32" and not is_own(home):
        import pwd

        try:
            home = pwd.getpwuid(os.geteuid()).pw_dir
        except KeyError:
            return ""
    return os.path.join(home, ".cache", "huggingface", "token") if is_own(home) else ""


def unreadable_token_file(path: str, error: OSError | UnicodeDecodeError) -> Problem:
    """Return the problem that the token file cannot be read."""
    why = error.strerror if isinstance(error, OSError) else "it is not text"
    fix = _permission_hint(path) if isinstance(error, PermissionError) else login_hint(again=True)
    return Problem(f"cannot read the token file {path}: {why}", fix)


def _permission_hint(path: str) -> str:
    """Return how to make a token file readable; a login could not write it either."""
    if sys.platform != "win32" and is_own(path):
        return f"run `chmod 600 {shell_word(path)}`"
    return mounted_secret_hint() or "set HF_TOKEN_PATH to a file that you can read"


def not_logged_in() -> Problem:
    """Return the problem that there is no token, or that a variable is empty, as if a CI job's secret is missing."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if name in os.environ and not os.environ[name].strip():
            return Problem(f"{NOT_LOGGED_IN}: {name} is empty", f"set {name} to a token, or {login_hint()}")
    return Problem(NOT_LOGGED_IN, login_hint())
