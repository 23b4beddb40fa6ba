"""The story of this project, played with real programs on a machine where the Hub is a stand-in: `tests/demo`.

`alice.story` is what is told and typed, line by line:

    = a chapter
    # what the viewer is told
    * what happens elsewhere, or is looked up there: a function in offstage.py makes it so, or sees to it that it is so
    $ a command, typed into a shell of Alice's
    ? a question of this command's <- what she types
    > what the command must print, in a line of it
    ! its exit status, where that is not 0
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from transcript import played, running, seen

from .offstage import DEEDS, Stage

STORY = Path(__file__).with_name("alice.story")


class Astray(Exception):
    """The story goes another way than it is told."""


@dataclass
class Step:
    """A line of the story, and for a command what belongs to it."""

    kind: str
    text: str
    answers: list[tuple[str, str]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    status: int = 0


def steps(lines: Iterable[str]) -> Iterator[Step]:
    step = None
    for line in filter(str.strip, lines):
        kind, text = line[0], line[2:].rstrip("\n")
        if kind in "=#*$" and line[1] == " ":
            if step:
                yield step
            step = Step(kind, text)
        elif step is None or step.kind != "$" or kind not in "?>!":
            raise ValueError(f"not a line of a story: {line}")
        elif kind == "?":
            question, _, answer = text.partition(" <- ")
            step.answers.append((question, answer))
        elif kind == ">":
            step.printed.append(text)
        else:
            step.status = int(text)
    if step:
        yield step


class Player:
    """Plays to a terminal as it would be typed there; to a pipe without pauses, colours, progress and speeds."""

    def __init__(self, stage: Stage, fast: bool) -> None:
        self.stage, self.fast, self.terminal = stage, fast, sys.stdout.isatty()

    def play(self, story: Iterable[Step]) -> None:
        for step in story:
            if step.kind == "=":
                self.say(f"\n# --- {step.text} ---", "1;36", 1)
            elif step.kind == "#":
                self.say(f"# {step.text}", "36", len(step.text) / 60)
            elif step.kind == "*":
                if said := DEEDS[step.text](self.stage):
                    raise Astray(f"{step.text}: {said}")
                self.say(f"# ({step.text})", "35", len(step.text) / 60)
            else:
                self.type(step.text)
                said, status = self.run(step)
                said = self.stage.told(said)
                print(said if self.terminal else seen(said), end="", flush=True)
                lines = seen(said).split("\n")
                missing = [text for text in step.printed if not any(text in line for line in lines)]
                if status != step.status or missing:
                    raise Astray(f"`{step.text}`: status {status} and not {step.status}, or not printed: {missing}")
                self.wait(1)

    def run(self, step: Step) -> tuple[str, int]:
        """What the shell prints, and the exit status; it has no memory, so these two are done here."""
        stage = self.stage
        name, _, rest = step.text.partition(" ")
        if name == "cd":
            stage.where = stage.where / rest if rest else stage.home
            return "", 0
        if name == "unset":
            del stage.environment[rest]
            return "", 0
        shell = ["bash", "-c", step.text]
        if self.terminal or step.answers:
            answers = [(question, stage.pasted(answer)) for question, answer in step.answers]
            return played(shell, stage.where, stage.environment, answers)
        with running(
            shell,
            cwd=stage.where,
            env=stage.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            return process.communicate()[0].decode(), process.returncode

    def say(self, text: str, colour: str, pause: float) -> None:
        print(f"\x1b[{colour}m{text}\x1b[0m" if self.terminal else text, flush=True)
        self.wait(pause)

    def type(self, command: str) -> None:
        print("\x1b[1m$ " if self.terminal else "$ ", end="", flush=True)
        for letter in command:
            print(letter, end="", flush=True)
            self.wait(0.03)
        print("\x1b[0m" if self.terminal else "", flush=True)

    def wait(self, seconds: float) -> None:
        if self.terminal and not self.fast:
            time.sleep(seconds)
