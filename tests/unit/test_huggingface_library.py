"""What huggingface_hub logs and returns gets to nobody unread."""

from __future__ import annotations

import logging
import warnings

import pytest
from huggingface_hub.utils import _auth

from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.huggingface_library import ask_huggingface_hub, one_line
from git_credential_hf.masking import mask_line
from git_credential_hf.tokens import Token

if not hasattr(_auth, "_refresh_oauth_token_if_needed"):
    pytest.skip("huggingface_hub is older than 1.20", allow_module_level=True)

# huggingface_hub leaves sockets open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_messages_of_huggingface_hub(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Its warnings are returned, in one line each, and not printed; an answer that is not a token is an error."""

    def ask() -> str:
        logging.getLogger("huggingface_hub.x").warning("one\n two")
        logging.getLogger("huggingface_hub.x").info("three")
        warnings.warn("four", stacklevel=1)
        return "hf_said"

    assert ask_huggingface_hub(PUBLIC_HUB, ask) == ("hf_said", ["one two"])
    assert caplog.records == []
    assert ask_huggingface_hub(PUBLIC_HUB, lambda: None) == (None, [])
    assert capfd.readouterr() == ("", "")
    assert "hf_said" not in mask_line("it is hf_said.")
    for value in ("hf_\n", 7):
        with pytest.raises(ValueError, match=r"^the Hub's answer is not a token$"):
            ask_huggingface_hub(PUBLIC_HUB, lambda value=value: value)  # type: ignore[misc]


def test_one_line() -> None:
    """A message of huggingface_hub is shown as one line of at most 400 characters, without secrets, never empty."""
    Token("a-serious-one", "env", "X")
    assert one_line(ValueError(" a\n\tb ")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert one_line("x" * 250 + "y" * 250) == "x" * 200 + "…" + "y" * 199
    assert "a-se" not in one_line("x" * 195 + " a-serious-one" + "y" * 500)
