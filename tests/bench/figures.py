"""What the benchmarks have in common: programs in turn, ratios of medians with an interval, goals, and a JSON file."""

import argparse
import datetime
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

RESAMPLES = 1000
CERTAINTY = 0.95


class Ratio(NamedTuple):
    """A ratio of medians, and between what it lies with this certainty: a bootstrap over the rounds."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:7.3f} {f'[{self.low:.3f} {self.high:.3f}]':>15}"


class Goal(NamedTuple):
    """The most that something may be, and what it is. Judged is the median: the interval tells how much to believe."""

    name: str
    ratio: Ratio
    most: float

    @property
    def is_missed(self) -> bool:
        return self.ratio.value > self.most

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "ratio": self.ratio._asdict(), "most": self.most, "missed": self.is_missed}


def options(description: str | None) -> argparse.Namespace:
    """`[ROUNDS] [--json FILE] [--largest]`."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=int, help="how often each program is run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the results to this file, too")
    parser.add_argument("--largest", action="store_true", help="scan a history of a million objects, too: half an hour")
    return parser.parse_args()


def in_turn(
    programs: Mapping[str, Callable[[], object]],
    rounds: int,
    before: Mapping[str, Callable[[], object]] | None = None,
    warm_up: int = 2,
) -> dict[str, list[float]]:
    """The seconds of each program in each round. A noisy machine is as noisy for each; so is what the one before left
    in the caches, as every other round goes backwards. `before` is not measured.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(-warm_up, rounds):
        for name in list(programs)[:: -1 if number % 2 else 1]:
            if before:
                before[name]()
            began = time.perf_counter()
            programs[name]()
            if number >= 0:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(these: Sequence[float], those: Sequence[float]) -> Ratio:
    """How much longer these took than those of the same rounds."""
    chance, rounds = random.Random(1), range(len(these))
    found = []
    for _ in range(RESAMPLES):
        drawn = chance.choices(rounds, k=len(rounds))
        found.append(statistics.median(these[i] for i in drawn) / statistics.median(those[i] for i in drawn))
    return Ratio(statistics.median(these) / statistics.median(those), *_middle(found))


def paired_ratio(these: Sequence[float], those: Sequence[float]) -> Ratio:
    """The same by the median of the differences within a round: the noise that both had is in neither."""
    chance, whole = random.Random(1), statistics.median(those)
    differences = [this - that for this, that in zip(these, those, strict=True)]
    found = [statistics.median(chance.choices(differences, k=len(differences))) for _ in range(RESAMPLES)]
    value, (low, high) = statistics.median(differences), _middle(found)
    return Ratio(1 + value / whole, 1 + low / whole, 1 + high / whole)


def _middle(found: list[float]) -> tuple[float, float]:
    found.sort()
    outside = int(len(found) * (1 - CERTAINTY) / 2)
    return found[outside], found[-1 - outside]


def versions() -> dict[str, str]:
    """Of what was measured, and where."""
    cpu = "".join(line for line in _lines("/proc/cpuinfo") if line.startswith("model name")).partition("\n")[0]
    said = {name: (_said(name, "version") or "none").splitlines()[0] for name in ("git", "git-lfs", "gh")}
    return {
        "Python": platform.python_version(),
        "huggingface_hub": metadata.version("huggingface_hub"),
        "git-credential-hf": metadata.version("git-credential-hf"),
        **said,
        "git-credential-oauth": _said("dpkg-query", "-W", "-f", "${Version}", "git-credential-oauth") or "none",
        "CPU": f"{cpu.partition(':')[2].strip() or platform.machine()}, {os.cpu_count()} of them",
    }


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines(keepends=True)
    except OSError:
        return []


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def save(file: Path | None, name: str, results: dict[str, Any]) -> None:
    """Add the results of one benchmark to the file, with the date and the versions."""
    if file is None:
        return
    known = json.loads(file.read_text()) if file.exists() else {}
    today = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    known[name] = {"date": today, "versions": versions(), **results}
    file.write_text(json.dumps(known, indent=2) + "\n")


def judge(goals: Sequence[Goal]) -> int:
    """Print the goals; the exit status."""
    print(f"\n{'goals':56} {'ratio':>7} {f'[{CERTAINTY:.0%} of]':>15} {'most':>6}")
    for goal in goals:
        print(f"{goal.name:56} {goal.ratio} {goal.most:6.2f}" + ("  missed" if goal.is_missed else ""))
    sys.stdout.flush()
    return 1 if any(goal.is_missed for goal in goals) else 0
