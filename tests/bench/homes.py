"""Homes to measure in: somebody has logged in an hour ago, and nothing else of this machine is seen."""

import os
import shutil
import time
from pathlib import Path
from typing import Any


def make(home: Path, token: str, settings: str = "", hub: Any = None, **more: object) -> dict[str, str]:
    """Make a home with this token for huggingface_hub, and for git's `store`; the environment in which it is one.

    `settings` of git; `more`: what huggingface_hub stores with the token; `hub`: the stand-in Hub, to be trusted.
    """
    folder = home / ".cache" / "huggingface"
    folder.mkdir(parents=True)
    (folder / "token").write_text(token)
    fields = {"hf_token": token, **more}
    (folder / "stored_tokens").write_text("[name]\n" + "".join(f"{k} = {v}\n" for k, v in fields.items()) + "\n")
    for file in folder.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)
    (home / "run").mkdir(mode=0o700)
    (home / ".git-credentials").write_text(f"https://git:{token}@huggingface.co\n")
    (home / ".gitconfig").write_text("[user]\n\tname = a\n\temail = a@example.org\n" + settings)
    return {
        # Clients are to find the Hub by its name.
        **({name: value for name, value in hub.environment.items() if name != "HF_ENDPOINT"} if hub else {}),
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "XDG_RUNTIME_DIR": str(home / "run"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def program() -> str:
    """Return the path of the tested program, which `configure` gives git."""
    return shutil.which("git-credential-hf") or "hf"


def asks(helper: str) -> str:
    """The lines with which git asks this helper for the Hub, and no other."""
    return f'[credential "https://huggingface.co"]\n\thelper =\n\thelper = {helper}\n'
