"""The demo of this project (`tests/demo`), played with real programs and a stand-in for the Hub.

`alice.story` is the script, line by line:

    = a chapter
    # an explanation
    * something that happens elsewhere, or is checked there, by a function in offstage.py
    $ a command, typed into Alice's shell
    ? a question of this command <- what she types
    > a text that a line of its output must contain
    ! its exit status, if it is not 0
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from transcript import run_on_terminal, running, screen_text

from .offstage import DEEDS, Stage

STORY = Path(__file__).with_name("alice.story")


class Astray(Exception):
    """The story did not happen as it is written."""


@dataclass
class Step:
    """A line of the story, and the lines that belong to a command."""

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
    """Play a story on a terminal as if it were typed; to a pipe, without pauses, colors and progress bars."""

    def __init__(self, stage: Stage, fast: bool) -> None:
        self.stage, self.fast, self.terminal = stage, fast, sys.stdout.isatty()

    def play(self, story: Iterable[Step]) -> None:
        for step in story:
            if step.kind == "=":
                self.say(f"\n# --- {step.text} ---", "1;36", 1)
            elif step.kind == "#":
                self.say(f"# {step.text}", "36", len(step.text) / 60)
            elif step.kind == "*":
                if wrong := DEEDS[step.text](self.stage):
                    raise Astray(f"{step.text}: {wrong}")
                self.say(f"# ({step.text})", "35", len(step.text) / 60)
            else:
                self.type(step.text)
                output, status = self.run(step)
                output = self.stage.with_story_paths(output)
                text = screen_text(output)
                print(output if self.terminal else text, end="", flush=True)
                missing = [expected for expected in step.printed if not any(expected in x for x in text.split("\n"))]
                if status != step.status:
                    raise Astray(f"`{step.text}`: status {status} instead of {step.status}")
                if missing:
                    raise Astray(f"`{step.text}`: not printed: {missing}")
                self.wait(1)

    def run(self, step: Step) -> tuple[str, int]:
        """Return what a command prints, and its status; each has a shell of its own, so `cd` and `unset` are ours."""
        stage = self.stage
        name, _, rest = step.text.partition(" ")
        if name == "cd":
            stage.directory = stage.directory / rest if rest else stage.home
            return "", 0
        if name == "unset":
            del stage.environment[rest]
            return "", 0
        shell = ["bash", "-c", step.text]
        if self.terminal or step.answers:
            answers = [(question, stage.pasted(answer)) for question, answer in step.answers]
            return run_on_terminal(shell, stage.directory, stage.environment, answers)
        with running(
            shell,
            cwd=stage.directory,
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
