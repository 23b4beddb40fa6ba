"""`python -m story [--fast]`, in tests/support/namespace: play the story; exit status 1 if it does not come true."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import tempfile
from pathlib import Path

from fake_hub import Hub

from . import STORY, Astray, Player, steps
from .offstage import Stage


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests/demo", description="Play the whole story, against a Hub on this machine."
    )
    parser.add_argument("--fast", action="store_true", help="type without pauses")
    fast = parser.parse_args().fast
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
            Player(Stage(hub, Path(directory)), fast).play(story)
    except Astray as error:
        print(f"\ntests/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\x1b[0m" if sys.stdout.isatty() else "")
        return 130
    return 0


sys.exit(main())
