"""What is secret, and how it is masked in everything that this program prints or writes."""

WORD, LETTERS, DOTTED = "[A-Za-z0-9]", "[A-Za-z]", "[A-Za-z0-9_.-]"

# Every kind of secret that the Hub makes (docs/facts.md#t1): its prefix, what follows, and its length if known.
# A longer prefix comes before one that it begins with.
TOKEN_SHAPES = (
    ("hf_oauth__refresh_", WORD, 34),
    ("oauth_app_secret_", WORD, 34),
    ("hf_oauth_", DOTTED, None),
    ("hf_jwt_", DOTTED, None),
    ("hf_app_", WORD, 32),
    ("hf_s3_", DOTTED, None),
    ("hf_", WORD, 34),
    ("api_org_", LETTERS, 34),
    ("api_", WORD, None),
)

# Text without any of these needs no search with `re`, which takes long to import.
_SIGNS = ("hf_", "api_", "oauth_app_secret_", "eyj", "@", "authorization", "password=")

_secrets: list[str] = []


def register_secret(text: str) -> str:
    """Register a secret that this process has read, so that no output can show it; return it."""
    if len(text) > 4 and text not in _secrets:  # shorter strings are not tokens, and occur in any text
        _secrets.append(text)
    return text


def mask_token(token: str) -> str:
    """Return the one form in which a token may be shown: the prefix of its kind, and its last four characters."""
    prefix = next((prefix for prefix, _, _ in TOKEN_SHAPES if token.startswith(prefix)), "")
    rest = token[len(prefix) :]
    # A short secret has no four characters to spare, and a terminal could interpret other characters.
    is_plain = rest.isascii() and all(c.isalnum() or c in "-_" for c in rest[-4:])
    last = rest[-4:] if len(rest) >= 12 and is_plain else ""
    return prefix + "****" + last


def mask_line(text: str) -> str:
    """Return `text` as one line that is safe to show: no secret, no control character (a server may have chosen it)."""
    return "".join(c if c.isprintable() else " " for c in mask_secrets(text))


def mask_secrets(text: str) -> str:
    """Return `text` without its secrets; control characters stay."""
    for secret in sorted(_secrets, key=len, reverse=True):
        # As it is, and as exceptions quote it: as text or bytes.
        for form in (secret, repr(secret)[1:-1], repr(secret.encode("utf-8", "surrogateescape"))[2:-1]):
            text = text.replace(form, mask_token(secret))
    return _mask_shapes(text) if any(sign in text.lower() for sign in _SIGNS) else text


def _mask_shapes(text: str) -> str:
    """Mask what looks like a secret: tokens, JWTs, and passwords in URLs, headers and command lines."""
    try:
        import re
    except (ImportError, MemoryError, OSError):
        return "(not shown: the module that finds tokens in it cannot be loaded)"

    # Words such as `hf_user` are shorter than any token.
    tokens = "|".join(
        prefix + (f"{DOTTED}{{8,}}" if part is DOTTED else f"{WORD}{{20,}}") for prefix, part, _ in TOKEN_SHAPES
    )
    text = re.sub(tokens, lambda match: mask_token(match[0]), text)
    # CI providers issue JWTs. One match takes all that starts like one: searching each part again would be quadratic.
    jwt = r"eyJ[\w-]*(\.[\w-]+\.[\w-]*)?"
    text = re.sub(jwt, lambda match: mask_token(match[0]) if match[1] else match[0], text)
    # Passwords of any form. Tokens are masked by now; the lookaheads leave them alone.
    text = re.sub(r"(://[^\s/:@]*:)(?!\w*\*{4})[^\s/@]+(?=@)", r"\1****", text)
    text = re.sub(r"(://[^\s/:@]*:)(?!\d*/|\w*\*{4})[^\s@]{1,256}(?=@)", r"\1****", text)  # with a slash in it
    text = re.sub(r"(https?://)[^\s/:@*]{16,}(?=@)", r"\1****", text)  # too long for a user name
    text = re.sub(r"(?i)(\bpassword=)(?!\w*\*{4})[^\s;&|'\"]+", r"\1****", text)
    return re.sub(r"(?i)(authorization\W+(?:basic|bearer)\s+)[\w+/=.~-]{8,}", r"\1****", text)
