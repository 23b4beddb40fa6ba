"""The table of git's cases, and the tests that it names."""

import importlib
from pathlib import Path

import pytest

from .cases import CASES, LIBRARY, T0300, T0303

HERE = Path(__file__).parent


def test_table_and_tests_are_the_same() -> None:
    """Each test that the table names is there, under one name, and each that is there is named."""
    there = [
        name
        for file in HERE.glob("test_*.py")
        if file.name != Path(__file__).name
        for name in vars(importlib.import_module(f"credential.{file.stem}"))
        if name.startswith("test_")
    ]
    assert len(there) == len(set(there))
    assert {test for cases in CASES.values() for _, _, test, _ in cases if test} == set(there)


def test_each_case_has_a_test_or_a_reason() -> None:
    """No case is without either, and none stands twice in its list."""
    for cases in CASES.values():
        assert all(test or why for _, _, test, why in cases)
        assert len({case for _, case, *_ in cases}) == len(cases)


@pytest.mark.parametrize(
    ("git", "t0300", "t0303", "library"), [((2, 39), 40, 13, 0), ((2, 47), 56, 23, 7), ((2, 55), 56, 23, 8)]
)
def test_table_is_whole(git: tuple[int, int], t0300: int, t0303: int, library: int) -> None:
    """There are as many cases as this git has: 2.39.5, 2.47.3 or 2.55.0."""
    counts = [
        sum(tuple(map(int, (since or "2.39").split("."))) <= git for since, *_ in cases)
        for cases in (T0300, T0303, LIBRARY)
    ]
    assert counts == [t0300, t0303, library]
