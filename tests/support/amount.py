"""How much of a test is run each time, and how much in a long run."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import pytest

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


def each_run(rows: Iterable[Any], *chosen: object) -> list[Any]:
    """Return all rows for `parametrize`, a tuple for several names; all but the `chosen` are left to the long run."""
    rows = list(rows)
    assert {*chosen} <= {*rows}
    long = pytest.mark.long
    return [
        row if row in chosen else pytest.param(*(row if isinstance(row, tuple) else [row]), marks=long) for row in rows
    ]
