"""git's operations, as the installed executable answers them."""

from pathlib import Path
from typing import Any

from programs import run

from git_credential_hf.store_erase import MAX_REFUSALS_WITHOUT_REASON

HUB = "protocol=https\nhost=huggingface.co\n"
QUIT = "quit=1\n"

Answer = tuple[int, str, str]  # exit status, stdout, stderr


def ask(operation: str, message: str | bytes = HUB, **options: Any) -> Answer:
    """Ask the executable for one operation; `options` are those of `run`, and variables of the environment."""
    return answer("git-credential-hf", operation, message=message, **options)


def refuse_repeatedly(message: str, **options: Any) -> None:
    """Let the Hub refuse a token three times within seconds: if it cannot be asked, that is held against the token."""
    for _ in range(MAX_REFUSALS_WITHOUT_REASON):
        ask("erase", message, **options)


def serve_hub(home: Path, origin: str) -> None:
    """Configure git for the Hub at this origin, in the configuration of this home, as `configure --hub` does."""
    with (home / ".gitconfig").open("a") as file:
        file.write(f'[credential "{origin}"]\n\thelper =\n\thelper = hf --hub {origin}\n')


def answer(*command: str | Path, message: str | bytes = HUB, **options: Any) -> Answer:
    """Run a command with this message on stdin."""
    done = run(*command, stdin=message, check=False, **options)
    return done.returncode, done.stdout, done.stderr
