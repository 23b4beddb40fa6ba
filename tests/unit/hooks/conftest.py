"""A repository for the tests of the hooks, with dates that do not change."""

from __future__ import annotations

from pathlib import Path

import pytest
from scans import Repository, make


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
        monkeypatch.setenv(f"GIT_{who}_DATE", "1700000000 +0000")
    return make(tmp_path / "work", monkeypatch)
