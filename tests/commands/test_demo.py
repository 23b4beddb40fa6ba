"""The story that `tests/demo` plays comes true, and the README shows it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from transcript import played, seen

if TYPE_CHECKING:
    from fake_hub import Hub

TESTS = Path(__file__).resolve().parents[1]
DEMO = [sys.executable, "-m", "story", "--fast"]


@pytest.fixture
def environment(world: Hub, tmp_path: Path) -> dict[str, str]:
    """Of a demo, in which nothing else listens as the Hub, and whose files are below `tmp_path`."""
    world.close()
    return {**os.environ, "PYTHONPATH": str(TESTS / "support"), "TMPDIR": str(tmp_path)}


def commands(transcript: str) -> list[tuple[str, str]]:
    """Each command that was typed, and what it printed up to the next one, or to the next remark."""
    return [
        (typed, said.strip("\n"))
        for typed, said in re.findall(r"^\$ (.*)\n((?:(?![$#] ).*\n)*)", transcript, re.MULTILINE)
    ]


def as_shown(shown: str, printed: str) -> bool:
    """Whether this is what was printed, but for lines that `…` stands for."""
    lines = (r"(?:.*\n)*" if line in ("…", "...") else re.escape(f"{line}\n") for line in shown.split("\n"))
    return bool(re.fullmatch("".join(lines), f"{printed}\n"))


def test_the_readme_shows_the_demo(environment: dict[str, str], home: Path) -> None:
    """The demo goes as it is told, and each transcript in the README was printed by it, in this order."""
    done = subprocess.run(DEMO, cwd=home, env=environment, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert not re.search(r"hf_[A-Za-z]", done.stdout), "a token"
    assert str(environment["TMPDIR"]) not in done.stdout
    played = commands(done.stdout)
    for block in re.findall(
        r"^```console\n(.*?)^```", (TESTS.parent / "README.md").read_text(), re.MULTILINE | re.DOTALL
    ):
        rest = iter(played)
        for typed, shown in commands(block):
            printed = [said for command, said in played if command == typed]
            assert any(command == typed and as_shown(shown, said) for command, said in rest), (
                f"the README shows\n$ {typed}\n{shown}\nbut the demo\n" + "\n-- or --\n".join(printed)
            )


@pytest.mark.long
def test_at_a_terminal(environment: dict[str, str], home: Path) -> None:
    """The demo goes as it is told at a terminal, too, where programs have colours and show their progress."""
    said, status = played(DEMO, home, environment)
    assert status == 0, seen(said)
    assert "\x1b[32m" in said


@pytest.mark.parametrize("where", ["$ hf auth login", pytest.param("$ git commit", marks=pytest.mark.long)])
def test_interrupted(environment: dict[str, str], home: Path, tmp_path: Path, where: str) -> None:
    """Ctrl-C ends the demo: no file is left, and no process."""
    before = set(tmp_path.iterdir())
    with subprocess.Popen(DEMO, cwd=home, env=environment, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        assert any(line.startswith(where) for line in demo.stdout)
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
        assert demo.wait(timeout=60) == 130
    assert set(tmp_path.iterdir()) == before
    assert left_behind(f"TMPDIR={tmp_path}".encode()) == []


def left_behind(variable: bytes) -> list[str]:
    """The processes that have this in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if variable in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            pass  # it has ended, or is somebody else's
    return found


@pytest.mark.parametrize(
    "told",
    [
        "$ true\n! 1",
        "$ git --version\n> git version 1.",
        "* the Hub has the new weights",
    ],
)
def test_astray(world: Hub, tmp_path: Path, told: str) -> None:
    """An exit status, a line that is not printed, and something that is not so at the Hub: each ends the demo."""
    from story import Astray, Player, steps
    from story.offstage import Stage

    with pytest.raises(Astray):
        Player(Stage(world, tmp_path), fast=True).play(steps(told.splitlines()))
