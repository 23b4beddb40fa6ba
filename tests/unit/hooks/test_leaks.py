"""What is searched for tokens, of one version of a file after another."""

from __future__ import annotations

import random

import pytest

from git_credential_hf.hooks.leaks import Finder, _difference

TOKEN = "hf_" + "aQx7Lm2RtVbN9wEzKc4YuGhJ5oPsDf8iTA"


def test_what_is_left_out_was_in_the_version_before() -> None:
    """What is not searched again is the start and the end of both versions, and nothing is part of both."""
    chance = random.Random(1)
    for _ in range(2000):
        before = bytes(chance.choices(b"ab\n", k=chance.randint(0, 3000)))
        changed = bytearray(before)
        for _ in range(chance.randint(0, 3)):
            at = chance.randint(0, len(changed))
            changed[at : at + chance.randint(0, 9)] = bytes(chance.choices(b"ab\n", k=chance.randint(0, 9)))
        after = bytes(changed)
        start, end = _difference(before, after)
        same = len(after) - end
        assert before[:start] == after[:start]
        assert before[len(before) - same :] == after[end:]
        assert start + same <= min(len(before), len(after))


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 767, 768, 5000])
def test_a_token_at_any_place_of_the_next_version(length: int) -> None:
    """A token is found wherever it was put in, and so is one whose end alone is new."""
    text = bytes(random.Random(length).choices(b".; \n", k=length))
    for at in {0, length // 2, length}:
        for known in (0, 3, len(TOKEN) - 1):
            finder = Finder([])
            path = b"%d" % known
            given = b" %b\n" % TOKEN.encode()
            assert not finder.find_in_version(path, text[:at] + given[:known] + text[at:])
            assert finder.find_in_version(path, text[:at] + given + text[at:]) == {TOKEN: 1}
