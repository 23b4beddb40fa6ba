"""What is secret: registered secrets, tokens by their shape, and passwords where they usually are."""

import pytest

from git_credential_hf.masking import TOKEN_SHAPES, WORD, mask_line, mask_secrets, mask_token, register_secret

BODY = "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdwxyz"


@pytest.mark.parametrize("prefix", [prefix for prefix, _, _ in TOKEN_SHAPES])
def test_every_kind_of_token_is_masked(prefix: str) -> None:
    """A token of each kind is masked in any text, down to its prefix and its last four characters."""
    token = prefix + BODY
    assert mask_token(token) == f"{prefix}****wxyz"
    assert mask_line(f"a {token}, and {token}") == f"a {prefix}****wxyz, and {prefix}****wxyz"


def test_longer_prefixes_come_first() -> None:
    """A kind whose prefix starts with another one's is found before that, or it would be masked as that."""
    prefixes = [prefix for prefix, _, _ in TOKEN_SHAPES]
    for number, prefix in enumerate(prefixes):
        assert not any(later.startswith(prefix) for later in prefixes[number + 1 :])


TOKENS = {
    "hf_" + BODY: "hf_****wxyz",
    "hf_short": "hf_****",
    "hf_" + "x" * 12 + "é": "hf_****",
    "hf_" + "x" * 12 + "\x1b[0m": "hf_****",
    "of-my-own-form-wxyz": "****wxyz",
    "": "****",
}


def test_masked_form() -> None:
    """A short secret shows none of its characters, nor does one that a terminal could interpret."""
    assert {token: mask_token(token) for token in TOKENS} == TOKENS


def test_registered_secrets() -> None:
    """A registered secret is masked as it is and as exceptions quote it; a shorter text than a token is not."""
    secret = register_secret("it's a\\secret\tof é form")
    for text in (secret, repr(secret), repr(secret.encode()), f"{ValueError(secret)!r}"):
        assert "secret" not in mask_secrets(text) and "form" not in mask_secrets(text)
    assert register_secret("abcd") == "abcd"
    assert mask_secrets("abcd") == "abcd"


TEXTS = {
    "https://user:pass@host/x": "https://user:****@host/x",
    "https://user:pa/ss@host/x": "https://user:****@host/x",
    "https://averylongloginname@host": "https://****@host",
    "https://user@host:8443/x": "https://user@host:8443/x",
    "git@hf.co:acme/model": "git@hf.co:acme/model",
    "password=abc; x": "password=****; x",
    "Authorization: Basic Z2l0OmhmX3h4eHg=": "Authorization: Basic ****",
    "authorization: bearer abcdefghijk": "authorization: bearer ****",
    "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl": "****dXJl",
    "eyJ is not a token, nor is hf_user or api_key": "eyJ is not a token, nor is hf_user or api_key",
    f"https://git:hf_{BODY}@hf.co": "https://git:hf_****wxyz@hf.co",
}


@pytest.mark.parametrize("text", TEXTS)
def test_passwords_of_any_form(text: str) -> None:
    """Passwords are masked in URLs, headers and command lines; ordinary words stay."""
    assert mask_line(text) == TEXTS[text]


def test_control_characters() -> None:
    """A line has no control characters; `mask_secrets` leaves them."""
    assert mask_line("a\x1b[2J\r\nb\u202e") == "a [2J  b "
    assert mask_secrets("a\x1b[2J\n") == "a\x1b[2J\n"
    assert WORD == "[A-Za-z0-9]"  # by which the check of pushed files finds tokens, too
