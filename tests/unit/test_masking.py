"""What is secret: registered secrets, tokens by their shape, and passwords where they usually are."""

import json
import random
import shlex
import string
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from git_credential_hf.masking import (
    TOKEN_SHAPES,
    WORD,
    is_placeholder,
    mask_line,
    mask_secrets,
    mask_token,
    mask_words,
    register_basic,
    register_url,
)
from git_credential_hf.secrets import register_secret

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


ODD = "Zq8\"se%cret'#wo/rd é\\x\t\\\\y!"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "an exception": repr,
    "bytes in an exception": lambda secret: repr(secret.encode()),
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in part": lambda secret: quote(secret, safe="/'!"),
    "in a query": quote_plus,
    "JSON": json.dumps,
    "JSON with its letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret)),
    "a shell's word": shlex.quote,
    "git's configuration": lambda secret: secret.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t"),
    "wrapped": lambda secret: secret.replace(" ", "\n      ").replace("\t", "\n"),
    "another encoding": lambda secret: secret.encode().decode("latin-1"),
    "no encoding": lambda secret: secret.encode().decode("ascii", "replace"),
    "base64": lambda secret: b64encode(secret.encode()).decode(),
    "base64 behind one": lambda secret: b64encode(f"a{secret}".encode()).decode(),
    "base64 behind two": lambda secret: b64encode(f"me{secret}".encode()).decode(),
    "base64 behind a user": lambda secret: b64encode(f"git:{secret}".encode()).decode(),
    "base64 in a URL": lambda secret: urlsafe_b64encode(f"{secret}>>>".encode()).decode(),
}


@pytest.mark.parametrize("secret", [ODD, "hunter2", "correct horse battery", "hf_" + BODY, "s\udcff\udcfesecret"])
@pytest.mark.parametrize("form", FORMS)
def test_registered_secrets(form: str, secret: str) -> None:
    """A registered secret is masked in each form that a message may have it in: no five characters of it are left."""
    try:
        text = FORMS[form](secret)
    except UnicodeError:
        pytest.skip("bytes that are no text do not have this form")
    register_secret(secret)
    shown = mask_secrets(f"before {text} behind")
    assert shown.startswith("before ") and shown.endswith(" behind") and "****" in shown
    assert not any(part[at : at + 5] in shown for part in (text.strip("b\"'\\"), secret) for at in range(len(part) - 8))


def test_short_secrets() -> None:
    """A short secret is masked where it stands alone in what others say; ordinary text of ours stays as it is."""
    assert register_secret("a") == "a" and register_secret("p4$s") == "p4$s"
    assert mask_line("a token is a p4$s word") == "a token is a p4$s word"
    assert mask_words("not a, but 'p4$s', password=p4$s; an apple") == "not ****, but '****', password=****; an apple"
    assert mask_token("p4$s") == "****"


def test_blank_is_no_secret() -> None:
    """An empty or blank value is none."""
    assert register_secret("") == "" and register_secret(" \n") == " \n"
    assert mask_words("a b") == "a b"


def test_masked_before_it_is_cut() -> None:
    """The words of others are cut in the middle, and no half of a secret is left at the cut."""
    secret = register_secret("correcthorsebattery")
    for before in range(180, 210):
        shown = mask_words("x" * before + secret + "y" * 400)
        assert len(shown) <= 400 and "corre" not in shown and "horse" not in shown


@pytest.mark.parametrize("secret", ["\\" * 30 + "z", " a" * 30, "%" * 30 + "z", "'" * 30 + "z", "'\"" * 30 + "z"])
def test_time_is_linear(secret: str) -> None:
    """A text that is nearly a secret, over and over, is masked at once."""
    register_secret(secret)
    start = time.monotonic()
    mask_line(secret[:-1] * 4000)
    assert time.monotonic() - start < 2


def test_url_and_basic() -> None:
    """What is registered of a URL is its password, or a token for a user name; of a Basic header, its password."""
    register_url("https://somebody:the-pass@host/a:b@c")
    register_url(f"https://hf_{BODY}@host/x")
    register_basic(b64encode(b"somebody:other-pass").decode())
    register_basic("no base64")
    text = f"somebody the-pass other-pass hf_{BODY} host b"
    assert mask_secrets(text) == "somebody **** **** hf_****wxyz host b"


TEXTS = {
    "https://user:pass@host/x": "https://user:****@host/x",
    "https://user:pa/ss@host/x": "https://user:****@host/x",
    "https://averylongloginname@host": "https://****@host",
    "https://user@host:8443/x": "https://user@host:8443/x",
    "https://Tr0ub4dor@host/x": "https://****@host/x",
    "https://a%40b!@host/x": "https://****@host/x",
    "https://x-access-token@host": "https://x-access-token@host",
    "proxy user:pass@host:3128 here": "proxy user:****@host:3128 here",
    "git@hf.co:acme/x at 12:30": "git@hf.co:acme/x at 12:30",
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
    """A line has no control characters, and no two blanks of any kind side by side; `mask_secrets` leaves them."""
    assert mask_line("a\x1b[2J\r\nb\u202e") == "a [2J b "
    for blank in " \xa0\u2000\u2007\u2028\u200b\u2800\u3000\u3164\uffa0\u115f\x85\x9b\ufeff\u2066":
        assert mask_line(f"a{blank * 37}b") == "a b"
    assert mask_secrets("a\x1b[2J\n") == "a\x1b[2J\n"
    assert WORD == "[A-Za-z0-9]"  # by which the check of pushed files finds tokens, too


def test_our_prefix_is_ours_alone() -> None:
    """In what others say there is no beginning of a line of ours, wherever the line is broken later."""
    for text in ("x git-credential-hf: hint: run it", "git-credential-hf:  error: x"):
        assert "git-credential-hf: " not in mask_line(text)


PLACEHOLDERS = [
    *(
        "disabled",
        "your_hf_token_here",
        "hf_your_token_here",
        "hf_xxxxxxxxxxxxxxxx",
        "<your-token>",
        "hf_token",
        "none",
    ),
    *(
        "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
        "hf_1234567890abcdefghij1234567890abcd",
        "hf_a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7",
    ),
    *(
        "hf_" + "x" * 34,
        "hf_" + "abc" * 11 + "d",
        "hf_" + "q7Xk" * 8 + "q7",
        "hf_ExampleTokenForDocumentationOnly12",
        "hf_zyxwvutsrqponmlkjihgfedcba98765432",
    ),
    *("YOUR_HF_TOKEN", "hf_YOURTOKENHERExxxxxxxxxxxxxxxxxxxxxx", "changeme", "test-token", "api_org_" + "y" * 34),
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_placeholders(text: str) -> None:
    """What only stands in the place of a token is a placeholder."""
    assert is_placeholder(text)


def test_no_placeholders() -> None:
    """What the Hub makes, and what somebody has thought of, is not a placeholder."""
    chance = random.Random(1)
    for _ in range(20_000):
        assert not is_placeholder("hf_" + "".join(chance.choices(string.ascii_letters, k=34)))
    for text in ("hf_HubCITokenOfAnOddShape_0123", "hunter2", "correct horse battery", f"hf_jwt_{'.'.join(JWT)}", ODD):
        assert not is_placeholder(text)


JWT = ["eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9", "eyJzdWIiOiJhbGljZSIsImp0aSI6IjNmOWMifQ" * 9, "qk3Zs9vPp2Lr8TxYwN1bVc"]
