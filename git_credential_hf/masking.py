"""Recognize secrets, and mask them in everything that this program prints or writes."""

from git_credential_hf.secrets import register_secret, registered_secrets

WORD, LETTERS, DOTTED = "[A-Za-z0-9]", "[A-Za-z]", "[A-Za-z0-9_.-]"

# Every kind of secret that the Hub issues (docs/facts.md#t1): its prefix, the characters after it, and its length if
# known. A longer prefix comes before one that it begins with.
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

# Shorter secrets, and plain words, occur in any text: they are masked only in messages of other programs.
MIN_SECRET = 5  # characters
_MIN_LETTERS = 16  # characters, if all are small letters

# The words that placeholders for a token consist of; longer words first.
_PLACEHOLDER_WORDS = (
    *("documentation", "placeholder", "huggingface", "changeme", "disabled", "redacted", "password", "example"),
    *("default", "invalid", "replace", "testing", "access", "insert", "sample", "secret", "hidden", "dummy", "empty"),
    *("token", "value", "enter", "paste", "unset", "write", "false", "hugging", "face", "fake", "your", "test", "here"),
    *("read", "real", "only", "user", "with", "from", "this", "none", "null", "true", "todo", "xxx", "key", "api"),
    *("not", "the", "off", "hf", "my", "no"),
)
_MIN_RUN = 4  # characters of a sequence; shorter ones occur in any text
_MAX_PLACEHOLDER = 256  # characters; what begins a longer one is enough to recognize it

PREFIX = "git-credential-hf: "  # of our lines; no other text that we print may look like one

# Printed as blanks or as nothing, although Unicode has them among letters and symbols.
_INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_NOT_SHOWN = "(not shown: the module that finds tokens in it cannot be loaded)"


def is_placeholder(token: str) -> bool:
    """Whether this is a placeholder for a token: `your_hf_token_here`, `disabled`, consecutive letters, repeats.

    Such a value is not secret. It occurs in ordinary files, and in their names.
    """
    body = token[len(_prefix(token)) :][:_MAX_PLACEHOLDER].lower()
    length = len(body)
    if length < 2 * _MIN_RUN:
        is_run = False
    else:
        # Consecutive characters, next to each other or with one in between, as in `a1b2c3`.
        codes = [*map(ord, body)]
        is_run = any(
            2 * sum(-1 <= one - other <= 1 for one, other in zip(codes, codes[step:], strict=False)) >= length
            for step in (1, 2)
        )
        is_run = is_run or any(body[at:] == body[:-at] for at in range(1, length // 2 + 1))
        is_run = is_run or len(set(body)) * 7 < min(length, 34) * 2
    rest = body
    for word in _PLACEHOLDER_WORDS:
        rest = rest.replace(word, " ")
    letters = sum(map(str.isalnum, body))
    return is_run or 2 * sum(map(str.isalnum, rest)) < letters


def register_url(url: str) -> None:
    """Register the password in a URL, and its user name if that is a secret instead."""
    user, _, password = url.partition("://")[2].partition("/")[0].rpartition("@")[0].partition(":")
    register_secret(password)
    if _is_token(user) or not _is_name(user):
        register_secret(user)


def _is_token(text: str) -> bool:
    return text != "hf_user" and text.startswith(tuple(prefix for prefix, _, _ in TOKEN_SHAPES))


def _is_name(text: str) -> bool:
    """Whether the Hub could have an account of this name."""
    return text.isascii() and all(c.isalnum() or c in "-_." for c in text)


def _looks_like_a_name(user: str) -> bool:
    """Whether a user name in a URL may be shown: a long one, or one that is mixed like a password, may be a secret."""
    is_mixed = all(any(map(is_of_kind, user)) for is_of_kind in (str.isdigit, str.isupper, str.islower))
    return _is_name(user) and not is_mixed and len(user) < _MIN_LETTERS


def shown_user(user: str) -> str:
    """Return a user name, masked if it may be a secret in the place of a name."""
    return user if _looks_like_a_name(user) else "****"


def register_proxy(proxy: str) -> None:
    """Register the password in a proxy setting, which may have no scheme, and its parts, which error messages quote."""
    login = (proxy.partition("://")[2] or proxy).rpartition("@")[0]
    password = login.partition(":")[2]
    for part in (password, *password.replace("/", ":").split(":")):
        register_secret(part)


def register_basic(credentials: str) -> None:
    """Register the password in the credentials of a Basic header (RFC 7617)."""
    import binascii

    try:
        data = binascii.a2b_base64(credentials)
    except ValueError:
        return
    register_secret(data.decode("utf-8", "surrogateescape").partition(":")[2])


def mask_token(token: str) -> str:
    """Return the one form in which a token may be shown: the prefix of its kind, and its last four characters."""
    prefix = _prefix(token)
    rest = token[len(prefix) :]
    # A short secret has no four characters to spare, and a terminal could interpret other characters.
    is_plain = rest.isascii() and all(c.isalnum() or c in "-_" for c in rest[-4:])
    last = rest[-4:] if len(rest) >= 12 and is_plain else ""
    return prefix + "****" + last


def _prefix(token: str) -> str:
    return next((prefix for prefix, _, _ in TOKEN_SHAPES if token.startswith(prefix)), "")


def mask_line(text: str) -> str:
    """Return `text` as one line that is safe to show: no secrets, no control characters, no two spaces in a row.

    Others may control a part of it. With spaces, they could fill a row of the terminal, and make the next row look like
    a line of ours.
    """
    return _as_line(mask_secrets(text))


def mask_words(text: str, limit: int = 400) -> str:
    """Return a message of a server or another program for use in one of our lines, with at most `limit` characters.

    It is masked before it is shortened, so that no part of a secret remains. Short secrets are masked if they stand
    alone.
    """
    return shorten(_as_line(mask_secrets(text, are_others_words=True)).strip(), limit)


def shorten(text: str, limit: int) -> str:
    """Cut out the middle of a text that is too long: our own words are at its ends."""
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-limit // 2 + 1 :]}"


def is_visible(character: str) -> bool:
    """Whether a terminal shows a character unchanged: no control character, direction mark or unusual space."""
    return character.isprintable() and character not in _INVISIBLE


def _as_line(text: str) -> str:
    text = "".join(c if is_visible(c) else " " for c in text)
    while "  " in text:
        text = text.replace("  ", " ")
    return text.replace(PREFIX, PREFIX.replace(":", ""))


def mask_secrets(text: str, *, are_others_words: bool = False) -> str:
    """Return `text` with its secrets masked, in any encoding; control characters are kept."""
    secrets = sorted(_registered(), key=len, reverse=True)
    short = [secret for secret in secrets if _is_word(secret)] if are_others_words else []
    secrets = [secret for secret in secrets if not _is_word(secret)]
    for secret in secrets:
        text = _mask_base64(text.replace(secret, mask_token(secret)), secret)
    # Letters and digits are the same in any form.
    odd = [secret for secret in secrets if not (secret.isascii() and secret.replace("_", "").isalnum())]
    if odd or short or any(sign in text.lower() for sign in _SIGNS):
        try:
            return _mask_shapes(_mask_forms(text, odd, short))
        except (ImportError, MemoryError, OSError):
            return _NOT_SHOWN
    return text


def _registered() -> list[str]:
    return [text for text, is_secret in registered_secrets().items() if is_secret or not is_placeholder(text)]


def _is_word(secret: str) -> bool:
    return len(secret) < (_MIN_LETTERS if secret.isalpha() and secret.islower() else MIN_SECRET)


def base64_cores(secret: str) -> set[str]:
    """Return strings of which one occurs in the base64 encoding of any text that contains the secret."""
    import binascii

    data = secret.encode("utf-8", "surrogateescape")
    cores = set()
    for before, start in ((0, 0), (1, 2), (2, 3)):  # bytes before it in a group of three, and the characters they touch
        core = binascii.b2a_base64(bytes(before) + data).decode()[start : 8 * (before + len(data)) // 6]
        cores |= {core, core.replace("+", "-").replace("/", "_")}
    return cores


def _mask_base64(text: str, secret: str) -> str:
    """Mask each base64 word that contains the secret, as in a Basic header, where it follows the user name."""
    try:
        forms = base64_cores(secret)
    except ImportError:  # Python's own files can no longer be read, and that error is being reported
        return text
    for form in forms:
        while (at := text.find(form)) >= 0:
            end = at + len(form)
            while at and _is_base64(text[at - 1]):
                at -= 1
            while end < len(text) and _is_base64(text[end]):
                end += 1
            text = f"{text[:at]}****{text[end:]}"
    return text


def _is_base64(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character in "+/-_=")


def _mask_forms(text: str, odd: list[str], short: list[str]) -> str:
    """Mask secrets whose punctuation is escaped as in URLs, JSON, exceptions, shells and git's configuration."""
    import re

    def any_form(run: "re.Match[str]") -> str:
        character = run[0][0]
        data = character.encode("utf-8", "surrogateescape")
        forms = [
            *(["'\"'\"'", r"'\\''"] if character == "'" else []),
            "(?i:" + "".join(f"%{byte:02x}" for byte in data) + ")",
            r"\\{1,4}" + r"\\{1,4}".join(f"x{byte:02x}" for byte in data),
            r"\\{1,4}(?i:x%02x|u%04x|U%08x)" % ((ord(character),) * 3),
            r"\\{0,4}" + re.escape(character),
            *([] if character.isascii() else [re.escape(data.decode("latin-1")), "\ufffd+"]),
        ]
        if character.isspace():
            forms = [r"(?:\s|\+|%[02][0-9A-Da-d]|\\{1,4}(?:[tnrvf]|x0[9a-d]|x20)){1,16}"]
        elif character == "\\":
            forms = [r"(?:\\|%5[Cc]){1,16}"]
        # No backtracking into a match: that could take forever.
        return f"(?=(?P<at{run.start()}>{'|'.join(forms)}))(?P=at{run.start()})"

    for secret in odd:
        pattern = re.sub(r"\s+|\\+|\W|[^\x00-\x7f]", any_form, secret[:4096])
        text = re.sub(pattern, lambda match, secret=secret: mask_token(secret), text)  # type: ignore[misc]
    for secret in short:
        text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "****", text)
    return text


def _mask_shapes(text: str) -> str:
    """Mask text that looks like a secret: tokens, JWTs, and passwords in URLs, headers and command lines."""
    import re

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
    # A proxy's, without a scheme.
    text = re.sub(r"((?<![\w/:.%+-])[\w.%+-]+:)(?!\w*\*{4})[^\s/@]{1,256}(?=@[\w.-]+:\d)", r"\1****", text)
    user = r"(https?://)([^\s/:@*]+)(?=@)"
    text = re.sub(user, lambda match: match[0] if _looks_like_a_name(match[2]) else f"{match[1]}****", text)
    text = re.sub(r"(?i)(\bpassword=)(?!\w*\*{4})[^\s;&|'\"]+", r"\1****", text)
    return re.sub(r"(?i)(authorization\W+(?:basic|bearer)\s+)[\w+/=.~-]{8,}", r"\1****", text)
