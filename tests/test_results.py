"""tests/RESULTS.md, which the long runs write."""

import json
from pathlib import Path

import pytest
import results


def test_the_page_is_what_was_measured() -> None:
    """Nobody has edited it, and no measurement is missing from it."""
    assert results.page() == results.PAGE.read_text("utf-8"), "make it again: ./tests/run --long PART"
    assert {file.stem for file in results.HERE.glob("*.json")} == set(results.TABLES)
    for table in results.TABLES:
        measured = json.loads((results.HERE / f"{table}.json").read_text("utf-8"))
        assert measured["rows"] and measured["date"] and measured["about"], table


@pytest.mark.parametrize("part", sorted({part for _, part in results.TABLES.values()}))
def test_each_part_can_be_measured_again(part: str) -> None:
    """What `./tests/run --long` names is there, and can be run."""
    assert (Path(results.__file__).parents[1] / part / "long").stat().st_mode & 0o111


def test_a_table_holds_what_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells with a bar or a line of their own do not break the table; the date and the versions are with it."""
    monkeypatch.setattr(results, "HERE", tmp_path)
    monkeypatch.setattr(results, "PAGE", tmp_path / "RESULTS.md")
    results.record("kills", "What was done.\n", ("command", "kills"), [("a | b\nc", 200)])
    lines = (tmp_path / "RESULTS.md").read_text().splitlines()
    assert lines[-4:] == ["", "| command | kills |", "| --- | --- |", "| a \\| b c | 200 |"]
    assert any(line.startswith("`./tests/run --long faults`, 20") and "huggingface_hub " in line for line in lines)
