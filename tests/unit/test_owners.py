"""Whose tokens these are: recorded once for each, whoever asks at the same time."""

from pathlib import Path

from git_credential_hf.owners import known_names, record_owner
from git_credential_hf.state import cache_directory
from git_credential_hf.system import run_each
from git_credential_hf.tokens import Token


def test_several_at_the_same_time(home: Path) -> None:
    """Of several tokens that the Hub is asked about at the same time, each is recorded, and no token is stored."""
    tokens = [Token(f"hf_{number:034}", "file", "x") for number in range(20)]
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
