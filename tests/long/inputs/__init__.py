"""Inputs by the thousand: each kind has a module that makes one out of a number, and judges what comes of it.

The short run takes the first few numbers of each kind, `long` many, and others each time. An input that fails is named
by its number: `GIT_CREDENTIAL_HF_TESTS_INPUT=NUMBER ./tests/run tests/long/inputs -k TEST` runs it alone.
`targets.py` gives the same judges what atheris thinks of, and `corpus/` keeps what it has found.
"""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

LONG = float(os.environ.get("GIT_CREDENTIAL_HF_TESTS_LONG") or 0)  # 1, or which part of the long run
ONE = os.environ.get("GIT_CREDENTIAL_HF_TESTS_INPUT")
FIGURES = os.environ.get("GIT_CREDENTIAL_HF_TESTS_FIGURES")  # a file: what was counted, for `long`
PATIENCE = 30  # seconds for one input; nothing here takes one
ENOUGH = 20  # failures

CORPUS = Path(__file__).parent / "corpus"


class Hang(BaseException):
    """An input took too long. No `Exception`: nothing on the way is to catch it."""


def run(kind: str, judge: Callable[[int], str], short: int, long: int) -> Counter[str]:
    """Judge so many inputs; what `judge` says of each (`refused`, say) is counted. Raises where any fails."""
    first = random.SystemRandom().randrange(1 << 40) if LONG else 0
    numbers = [int(ONE)] if ONE else range(first, first + (int(long * LONG) or short))
    seen: Counter[str] = Counter()
    failures: dict[int, str] = {}
    began = time.monotonic()

    def too_slow(*_: object) -> None:
        raise Hang(f"took more than {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, too_slow)
    try:
        for number in numbers:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
            try:
                seen[judge(number)] += 1
            except (Exception, Hang) as error:
                if ONE:
                    raise
                failures[number] = f"{type(error).__name__}: {str(error)[:2000]}"
                if len(failures) == ENOUGH:
                    break
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    figures(kind, inputs=sum(seen.values()), failures=len(failures), seconds=round(time.monotonic() - began))
    again = "".join(f"\nGIT_CREDENTIAL_HF_TESTS_INPUT={number}: {why}" for number, why in failures.items())
    assert not failures, f"{len(failures)} {kind} failed:{again}"
    return seen


def figures(kind: str, **counted: object) -> None:
    """Leave what was counted for the table of `long`."""
    if FIGURES:
        with open(FIGURES, "a") as file:
            file.write(json.dumps({"kind": kind, **counted}) + "\n")
