"""A login as `hf auth login` leaves it: huggingface_hub's token files, an hour old, so that no reader waits."""

import os
import time
from pathlib import Path

FOLDER = ".cache/huggingface"


def write_aged(path: Path, content: str | bytes) -> None:
    """Write a file that nobody has changed for an hour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    an_hour_ago = time.time() - 3600
    os.utime(path, (an_hour_ago, an_hour_ago))


def log_in(home: Path, token: str, name: str | None = None, **fields: object) -> None:
    """Make `token` the active one; with `name`, also add it to the stored tokens, with these fields."""
    write_aged(home / FOLDER / "token", token)
    if name is not None:
        store_token(home, name, token, **fields)


def store_token(home: Path, name: str, token: str, **fields: object) -> None:
    """Add a token to the stored ones."""
    path = home / FOLDER / "stored_tokens"
    before = path.read_text() if path.exists() else ""
    lines = [f"{key} = {value}\n" for key, value in {"hf_token": token, **fields}.items()]
    write_aged(path, f"{before}[{name}]\n{''.join(lines)}\n")
