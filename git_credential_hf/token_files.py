"""Read the files in which huggingface_hub stores tokens; never write them.

They are read as in huggingface_hub 2.4 (`utils/_auth.py`, `constants.py`), whose import takes ten times as long.
"""

import os
import sys
import time

from git_credential_hf.hub import PUBLIC_HUB, STAGING_HUB, is_true
from git_credential_hf.problem import Problem
from git_credential_hf.secrets import register_secret

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from typing import TextIO

_SETTLED = 0.1  # seconds without a write after which a token file is complete
_PIPED = 1.0  # seconds to wait for data from a pipe in the place of a token file
_USUAL, _MOST = 4096, 1 << 20  # characters of a file that are read
_EMPTIED = 3.0  # seconds to wait for a writer to fill a file that it has truncated


def clean_token(text: str) -> str:
    """Strip white space around a token, and line breaks."""
    return text.replace("\r", "").replace("\n", "").strip()


def token_path(hub: str = PUBLIC_HUB) -> str:
    """Return the path of the active token's file for a Hub: huggingface_hub's `HF_TOKEN_PATH`.

    A staging login is only for the staging Hub.
    """
    if hub == STAGING_HUB and is_true(os.environ.get("HUGGINGFACE_CO_STAGING")):
        return os.path.join(os.path.expanduser("~"), ".cache", "huggingface_staging", "token")
    return _configured_token_path()


def stored_tokens_path() -> str:
    """Return the path of the file with all tokens by name: `HF_STORED_TOKENS_PATH`, the same on staging."""
    return os.path.join(os.path.dirname(_configured_token_path()), "stored_tokens")


def _configured_token_path() -> str:
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join(os.path.expanduser("~"), ".cache"))
    home = _expand(os.environ.get("HF_HOME", os.path.join(cache, "huggingface")))
    return _expand(os.environ.get("HF_TOKEN_PATH", os.path.join(home, "token")))


def _relative_path_problem(path: str) -> Problem | None:
    """Return the problem of a relative path: it is below the current directory, perhaps in a hostile repository."""
    if os.path.isabs(path):
        return None
    names = [name for name in ("HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME") if name in os.environ]
    if not names:
        return Problem(
            f"there is no home directory, so the token file would be {path}", "set HOME to a directory of yours"
        )
    how = "a relative path" if os.environ[names[0]] else "empty"
    message = f"{names[0]} is {how}, so the token file would be {path} in the current directory"
    return Problem(message, f"run `unset {names[0]}`, or set it to an absolute path")


def _expand(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))


def _as_pathlib(path: str) -> str:
    """Return `str(Path(path))`: huggingface_hub opens `token/` as `token`, and an empty path as the directory `.`."""
    if sys.platform == "win32":
        return path or "."  # Windows itself treats slashes, `C:` and `//server` as pathlib does
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ("/" if path.startswith("/") else "") + "/".join(parts) or "."


NOBODY = 65534  # the owner that network disks and containers show for an unknown user


def foreign_owner(hub: str = PUBLIC_HUB, path: str | None = None) -> int | None:
    """Return the owner of the token file (or of `path`) if that is another user, as in a shared `HF_HOME`.

    A file in `HF_TOKEN_PATH` was chosen by the user, and root's is a mounted secret. A file in this user's own home was
    put there for them: in a container, its owner may have another number.
    """
    if sys.platform == "win32" or "HF_TOKEN_PATH" in os.environ or os.geteuid() == 0:
        return None
    path = path or token_path(hub)
    while True:
        try:
            owner = os.stat(path).st_uid
            break
        except PermissionError:
            path = os.path.dirname(path)  # a directory that only its owner may enter
        except OSError:
            return None
    if owner in (0, os.geteuid(), NOBODY):
        return None
    home = os.path.realpath(os.path.expanduser("~"))
    return None if is_own(home) and os.path.realpath(path).startswith(os.path.join(home, "")) else owner


def is_own(path: str) -> bool:
    """Whether a file belongs to this user."""
    try:
        return sys.platform == "win32" or os.stat(path).st_uid == os.geteuid()
    except OSError:
        return False


def read_token_file(hub: str = PUBLIC_HUB) -> str | None:
    """Return the token in the token file for a Hub; `None` if the file is empty or missing.

    Raises `OSError` or `UnicodeDecodeError` if it cannot be read, and `Problem` if its path is relative, although
    huggingface_hub would read it.
    """
    path = token_path(hub)
    if problem := _relative_path_problem(path):
        raise problem
    text = _read_settled(path)
    return clean_token(text) or None if text is not None else None


def _read_settled(path: str, encoding: str | None = None) -> str | None:
    """Return the text of a file that another process may be rewriting; `None` if it does not exist.

    huggingface_hub truncates a token file and then writes it. In between, it is empty, which does not mean "logged
    out", or incomplete. So a file that was written a moment ago is read again once it has settled.
    """
    deadline = time.monotonic() + _EMPTIED
    seen: dict[str, float] = {}  # each content so far, and its modification time
    misses = 0
    doubts = 3  # reads of an empty file that looks old: its modification time changes a moment later (ext4)
    while True:
        now = time.time()
        try:
            with open(_as_pathlib(path), encoding=encoding, opener=_open_without_waiting) as file:
                text = _read_most(file)
                status = os.fstat(file.fileno())
                last = time.monotonic() + _PIPED
                while not text and status.st_mode & 0o170000 == 0o010000 and time.monotonic() < last:
                    time.sleep(0.02)  # nobody may ever write to this pipe
                    text = _read_most(file)
        except FileNotFoundError:
            # Kubernetes replaces a mounted Secret by moving a link and removing its old target; try again.
            misses += 1
            if misses < 4 and os.path.islink(_as_pathlib(path)):
                continue
            return None
        age = now - status.st_mtime
        is_settled = age > (_SETTLED if clean_token(text) else _EMPTIED) or age < -_EMPTIED
        if status.st_mode & 0o170000 != 0o100000 or (is_settled and (clean_token(text) or not doubts)):
            return text
        doubts -= is_settled
        if clean_token(text) and seen.setdefault(text, status.st_mtime) != status.st_mtime:
            return text  # another process keeps rewriting it, and this text was already there before, so it is complete
        if time.monotonic() > deadline:
            return text if clean_token(text) else next(reversed(seen), text)
        time.sleep(0.02)


def _read_most(file: "TextIO") -> str:
    """Read at most a million characters, without memory for as many: a token has fewer than a hundred."""
    text = file.read(_USUAL)
    return text + file.read(_MOST - _USUAL) if len(text) == _USUAL else text


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # for a pipe to which nobody writes


def read_stored_tokens() -> dict[str, dict[str, str]]:
    """Return the fields of each stored token by its name; none if the file cannot be read."""
    path = stored_tokens_path()
    if _relative_path_problem(path):
        return {}  # `read_token_file` reports it
    try:
        text = _read_settled(path, "utf-8")
    except (OSError, UnicodeDecodeError):
        return {}  # as in huggingface_hub: a file that cannot be read is ignored, and the next login rewrites it
    if not text:
        return {}
    tokens = _parse_plain(text)
    if tokens is None:
        tokens = _parse_any(text, path)
    for fields in tokens.values():
        register_secret(fields.get("hf_token", ""))
        register_secret(fields.get("refresh_token", ""))
    return tokens


def _parse_plain(text: str) -> dict[str, dict[str, str]] | None:
    """Parse stored tokens as huggingface_hub writes them; `None` if the file was edited by hand.

    `configparser`, which it uses, takes longer to import than the rest of `get` takes to run.
    """
    tokens: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    if not text.isascii():
        return None
    for line in text.split("\n"):
        key, _, value = line.partition(" = ")
        if line[:1] == "[" and line[-1:] == "]" and len(line) > 2:
            name = line[1:-1]
            if name in tokens or name == "DEFAULT":
                return None
            fields = tokens[name] = {}
        elif key in ("hf_token", "refresh_token", "expires_at") and tokens and value and key not in fields:
            if value != value.strip():
                return None
            fields[key] = value
        elif line:
            return None
    return tokens


def _parse_any(text: str, path: str) -> dict[str, dict[str, str]]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, path)
        return {name: dict(parser.items(name)) for name in parser.sections()}
    except (configparser.Error, UnicodeDecodeError):
        from git_credential_hf.report import report

        report("warning", f"cannot parse {path}; tokens are not renewed until `git-credential-hf login` rewrites it")
        return {}
