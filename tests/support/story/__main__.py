"""`python -m story [--fast | --shell]`, in tests/support/namespace: play the story, or let somebody else play.

The exit status is 1 if the story does not come true.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from fake_hub import Hub

from . import STORY, Astray, Player, steps
from .offstage import Stage


def play_in_shell(stage: Stage) -> int:
    """Start a shell on Alice's new machine, on which she is not logged in; return its exit status."""
    print(f"Alice's machine. A token of hers, to paste: {stage.hub.token('alice', 'write', name='laptop')}")
    print(
        "On this Hub: alice/private-model, alice/model, acme/model (to read), datasets/acme/data. `exit` ends it all."
    )
    environment = {name: value for name, value in os.environ.items() if name in ("TERM", "COLUMNS", "LINES")}
    environment |= stage.environment
    for name in ("GIT_TERMINAL_PROMPT", "GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):  # for a story, not for a person
        del environment[name]
    return subprocess.run(["bash", "--norc"], cwd=stage.home, env=environment).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests/demo", description="Play the whole story, against a Hub on this machine."
    )
    parser.add_argument("--fast", action="store_true", help="type without pauses")
    parser.add_argument("--shell", action="store_true", help="start a shell before the story, to play oneself")
    arguments = parser.parse_args()
    story = list(steps(STORY.read_text().splitlines()))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        socket.create_server(("127.0.0.1", 443)).close()
    except OSError as error:
        print(f"tests/demo: cannot listen as https://huggingface.co: {error}", file=sys.stderr)
        return 77
    try:
        with (
            tempfile.TemporaryDirectory(prefix="git-credential-hf-demo-") as directory,
            Hub(Path(directory), ("127.0.0.1", 443), "huggingface.co") as hub,
        ):
            stage = Stage(hub, Path(directory))
            if arguments.shell:
                return play_in_shell(stage)
            Player(stage, arguments.fast).play(story)
    except Astray as error:
        print(f"\ntests/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\x1b[0m" if sys.stdout.isatty() else "")
        return 130
    return 0


sys.exit(main())
