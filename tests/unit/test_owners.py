"""Whose tokens these are: recorded once for each, whoever asks at the same time."""

import time
from pathlib import Path

import pytest

from git_credential_hf.owners import known_names, record_owner
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.system import run_each
from git_credential_hf.tokens import Token


def test_several_at_the_same_time(home: Path) -> None:
    """Of several tokens that the Hub is asked about at the same time, each is recorded, and no token is stored."""
    tokens = [Token(f"hf_{number:034}", "file", "x") for number in range(16)]
    run_each(lambda token: record_owner(token, f"user{token.value[-2:]}", ["acme"]), tokens)
    assert [known_names(token) for token in tokens] == [[f"user{token.value[-2:]}", "acme"] for token in tokens]
    (file,) = Path(cache_directory() or "").iterdir()
    assert not any(token.value in file.read_text() for token in tokens)


def test_the_owner_on_each_hub(home: Path) -> None:
    """What one Hub says of a token is not what another says; the last answer counts."""
    token, there = (Token("hf_" + "x" * 34, "file", "x", hub=hub) for hub in ("https://huggingface.co", "https://a.b"))
    record_owner(token, "alice", [])
    assert (known_names(token), known_names(there)) == (["alice"], [])
    record_owner(there, "bob", ["acme"])
    record_owner(token, "carol", [])
    assert (known_names(token), known_names(there)) == (["carol"], ["bob", "acme"])


def test_what_another_hub_answers_does_not_cut_a_name(home: Path) -> None:
    """A name of any length, or many of them, neither ends the record of another token, nor cuts a name in it."""
    bob, other = Token("hf_" + "b" * 34, "file", "x"), Token("hf_" + "o" * 34, "file", "x", hub="https://a.b")
    record_owner(bob, "bob-at-acme", [])
    record_owner(other, "x" * 65000, [])
    for number in range(12):
        record_owner(Token(f"hf_{number:034}", "file", "x"), "many", [f"{number:090}{i}" for i in range(100)])
    assert known_names(bob) == ["bob-at-acme"]
    path = Path(cache_directory() or "", "owners")
    path.write_text(path.read_text()[:-4])
    assert known_names(bob) == []


def test_names_without_case(home: Path) -> None:
    """The Hub knows names in any case; a token that it refuses is recorded as one."""
    token = Token("hf_" + "x" * 34, "file", "x")
    record_owner(token, "Acme-Bot", ["ACME"])
    assert known_names(token) == ["acme-bot", "acme"]
    record_owner(token, "")
    assert known_names(token) == ["-"]


def test_a_refusal_is_believed_for_minutes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a proxy, or the Hub, has refused by mistake is asked about again; no account is named as a refusal is."""
    token, now = Token("hf_" + "x" * 34, "file", "x"), time.time()
    record_owner(token, "bob")
    record_owner(token, "")
    monkeypatch.setattr(time, "time", lambda: now + 200)
    assert known_names(token) == ["-"]
    record_owner(token, "")  # which begins anew
    for later, names in ((450, ["-"]), (550, []), (100, [])):
        monkeypatch.setattr(time, "time", lambda: now + later)  # noqa: B023 - called in this round
        assert known_names(token) == names, later
    record_owner(token, "bob")
    assert known_names(token) == ["bob"]
    record_owner(token, "-")
    assert known_names(token) == []
