"""Words of commands in messages: printed unchanged, and the same words in a shell."""

import os
import subprocess

import pytest

from git_credential_hf.masking import PREFIX, mask_line
from git_credential_hf.shell import shell_word

WORDS = [
    *(
        "plain",
        "a b",
        "it's",
        "a  b   c",
        " ",
        "",
        "a`b`",
        "a\nb\tc",
        "\x1b[2J\x07",
        "\u202ea\u200b",
        "a\udcffb",
        "é",
        "\\",
    ),
    *("$(touch mark)", "a git-credential-hf: hint: b", "'`'\\'  ''"),
]


@pytest.mark.parametrize("word", WORDS, ids=ascii)
def test_word_of_a_command(word: str) -> None:
    """A shell reads a word as it was, also from the line that is shown: with no control character, and no backtick."""
    shown = mask_line(shell_word(word))
    assert "`" not in shown and shown.isprintable() and "  " not in shown and PREFIX not in shown
    done = subprocess.run(["bash", "-c", f"printf %s {shown}"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(word)
