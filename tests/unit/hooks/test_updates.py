"""The input of a pre-push hook is parsed, and nothing in it gets to git unread."""

from __future__ import annotations

import pytest
from scans import NULL

from git_credential_hf.hooks.updates import RefUpdate, parse_updates
from git_credential_hf.problem import Problem


def test_updates_are_parsed() -> None:
    """Each line is four words, of which the first may contain blanks; no lines are no updates."""
    a, b = "a" * 40, "b" * 64
    given_ = f"refs/heads/x {a} refs/heads/y {NULL}\n:/a b {b} refs/heads/z {a}\n(delete) {NULL} refs/heads/q {a}\n"
    updates = parse_updates(given_.encode())
    assert updates == [
        ("refs/heads/x", a, "refs/heads/y", NULL),
        (":/a b", b, "refs/heads/z", a),
        ("(delete)", NULL, "refs/heads/q", a),
    ]
    assert [update.is_deletion for update in updates] == [False, False, True]
    assert RefUpdate("(delete)", "0" * 64, "r", b).is_deletion
    assert parse_updates(b"") == []


@pytest.mark.parametrize(
    "line", [b"one two three", b"a b c d", b"a --all c " + b"0" * 40, b"a " + b"0" * 40 + b" c --all", b" "]
)
def test_invalid_input(line: bytes) -> None:
    """A word that is not an id never gets to git."""
    with pytest.raises(Problem):
        parse_updates(line + b"\n")
