"""How much of a test is run each time, and how much in a long run."""

import os
from collections.abc import Sequence
from typing import TypeVar

IS_LONG = bool(os.environ.get("GIT_CREDENTIAL_HF_TESTS_LONG"))

T = TypeVar("T")


def tenth(number: int) -> int:
    """Return `number` in a long run, a tenth of it in any other."""
    return number if IS_LONG else number // 10


def some(rows: Sequence[T], most: int) -> list[T]:
    """Return all rows in a long run; in any other at most `most` (two or more), from the first to the last."""
    if IS_LONG or len(rows) <= most:
        return list(rows)
    return [rows[number * (len(rows) - 1) // (most - 1)] for number in range(most)]
