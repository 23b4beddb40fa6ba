"""The story of `tests/demo` comes true, and the README and docs/ show its output."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pty", reason="no terminals as POSIX has them")
from documents import DOCUMENTS, blocks
from transcript import run_on_terminal, screen_text

if TYPE_CHECKING:
    from fake_hub import Hub

TESTS = Path(__file__).resolve().parents[1]
DEMO = [sys.executable, "-m", "story", "--fast"]


@pytest.fixture
def environment(world: Hub, tmp_path: Path) -> dict[str, str]:
    """The environment of a demo: nothing else listens as the Hub, and its files are below `tmp_path`."""
    world.close()
    return {**os.environ, "PYTHONPATH": str(TESTS / "support"), "TMPDIR": str(tmp_path)}


def commands(transcript: str) -> list[tuple[str, str]]:
    """Return each command with its output, up to the next command or explanation."""
    return [
        (typed, printed.strip("\n"))
        for typed, printed in re.findall(r"^\$ (.*)\n((?:(?![$#] ).*\n)*)", transcript, re.MULTILINE)
    ]


def is_shown(shown: str, printed: str) -> bool:
    """Whether this was printed, with any lines for `…`."""
    lines = (r"(?:.*\n)*" if line in ("…", "...") else re.escape(f"{line}\n") for line in shown.split("\n"))
    return bool(re.fullmatch("".join(lines), f"{printed}\n"))


def test_the_documents_show_the_demo(environment: dict[str, str], home: Path) -> None:
    """The demo succeeds, and has printed each transcript in the README and docs/, in the same order."""
    done = subprocess.run(DEMO, cwd=home, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert not re.search(r"hf_[A-Za-z]", done.stdout), "a token"
    assert str(environment["TMPDIR"]) not in done.stdout
    played = commands(done.stdout)
    transcripts = [(name, block) for name, text in DOCUMENTS.items() for block in blocks("console", text)]
    assert len(transcripts) > 3
    for name, block in transcripts:
        rest = iter(played)
        for typed, shown in commands(block):
            outputs = [output for command, output in played if command == typed]
            assert any(command == typed and is_shown(shown, output) for command, output in rest), (
                f"{name} shows\n$ {typed}\n{shown}\nbut the demo\n" + "\n-- or --\n".join(outputs)
            )


def test_a_shell_to_play_in(environment: dict[str, str], home: Path, tmp_path: Path) -> None:
    """`--shell` is a new machine, which reaches the Hub, and shows a token to log in with; nothing stays."""
    before = set(tmp_path.iterdir())
    typed = "git-credential-hf configure; git ls-remote https://huggingface.co/alice/model main\n"
    done = subprocess.run(
        [*DEMO[:-1], "--shell"], cwd=home, env=environment, input=typed, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "to paste: hf_" in done.stdout
    assert "refs/heads/main\n" in done.stdout
    assert set(tmp_path.iterdir()) == before


@pytest.mark.long
def test_on_a_terminal(environment: dict[str, str], home: Path) -> None:
    """The demo succeeds on a terminal, too, where programs print colors and progress bars."""
    output, status = run_on_terminal(DEMO, home, environment)
    assert status == 0, screen_text(output)
    assert "\x1b[32m" in output


@pytest.mark.parametrize("line", ["$ hf auth login", pytest.param("$ git commit", marks=pytest.mark.long)])
def test_interrupted(environment: dict[str, str], home: Path, tmp_path: Path, line: str) -> None:
    """Ctrl-C ends the demo and leaves no file and no process."""
    before = set(tmp_path.iterdir())
    with subprocess.Popen(DEMO, cwd=home, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        assert any(shown.startswith(line) for shown in demo.stdout)
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(timeout=60) == 130
    assert set(tmp_path.iterdir()) == before
    assert left_behind(f"TMPDIR={tmp_path}".encode()) == []


def left_behind(variable: bytes) -> list[str]:
    """Return the processes that have this in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if variable in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            pass  # it has ended, or belongs to another user
    return found


@pytest.mark.parametrize("story", ["$ true\n! 1", "$ git --version\n> git version 1.", "* the Hub has the new weights"])
def test_a_story_that_is_not_true(world: Hub, tmp_path: Path, story: str) -> None:
    """Another exit status, a line that is not printed, or another state of the Hub ends the demo."""
    from story import Astray, Player, steps
    from story.offstage import Stage

    with pytest.raises(Astray):
        Player(Stage(world, tmp_path), fast=True).play(steps(story.splitlines()))
