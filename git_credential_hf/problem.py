"""What users are told, in which form, and what they are never shown."""

import os
import sys

_secrets: list[str] = []


class Problem(Exception):
    """Something that the user has to know, with the one command that mends it.

    `message` says what and why, in one line, lower case, without a full stop; `fix` is the remedy.
    """

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


def keep_secret(text: str) -> str:
    """Remember a secret that this process has read, so that `report` can never show it."""
    if len(text) > 4 and text not in _secrets:  # what is shorter is no token, and stands in any text
        _secrets.append(text)
    return text


def shown(token: str) -> str:
    """The one form in which a token may be seen: the prefix of its kind, and its last four characters."""
    prefix = ""
    for kind in ("hf_oauth__refresh_", "hf_oauth_", "hf_jwt_", "hf_app_", "hf_s3_", "hf_", "api_org_", "api_"):
        if token.startswith(kind):
            prefix = kind
            break
    rest = token[len(prefix) :]
    # A short secret has no four characters to spare, and others are not a terminal's to interpret.
    is_plain = rest.isascii() and all(c.isalnum() or c in "-_" for c in rest[-4:])
    last = rest[-4:] if len(rest) >= 12 and is_plain else ""
    return prefix + "****" + last


def masked(text: str) -> str:
    """One line of `text` that is safe to show: no secret, no control character (a server may have chosen it)."""
    return "".join(c if c.isprintable() else " " for c in hidden(text))


def hidden(text: str) -> str:
    """`text` without its secrets, for readers whom control characters do not harm."""
    for secret in sorted(_secrets, key=len, reverse=True):
        # As it is, and as exceptions quote what they complain of, text or bytes.
        for form in (secret, repr(secret)[1:-1], repr(secret.encode("utf-8", "surrogateescape"))[2:-1]):
            text = text.replace(form, shown(secret))
    if any(sign in text.lower() for sign in ("hf_", "api_", "eyj", "@", "authorization", "password=")):
        try:
            import re
        except (ImportError, MemoryError, OSError):
            return "(not shown: Python cannot load what looks for tokens in it)"

        # docs/facts.md#t1; a JWT is what CI providers mint. Words such as `hf_user` are shorter than any token.
        tokens = r"hf_(?:oauth|jwt|s3)_[\w.-]{8,}|(?:hf|hf_app|api|api_org|hf_oauth__refresh)_[A-Za-z0-9]{20,}"
        text = re.sub(tokens, lambda match: shown(match[0]), text)
        # What begins like a JWT is passed over whole: to look again in each part would take the square of its time.
        jwt = r"eyJ[\w-]*(\.[\w-]+\.[\w-]*)?"
        text = re.sub(jwt, lambda match: shown(match[0]) if match[1] else match[0], text)
        # The password of a URL, of a header, and of a helper in one line, whatever it looks like; where a token stood,
        # it is masked by now.
        text = re.sub(r"(://[^\s/:@]*:)(?!\w*\*{4})[^\s/@]+(?=@)", r"\1****", text)
        text = re.sub(r"(://[^\s/:@]*:)(?!\d*/|\w*\*{4})[^\s@]{1,256}(?=@)", r"\1****", text)  # with a slash in it
        text = re.sub(r"(https?://)[^\s/:@*]{16,}(?=@)", r"\1****", text)  # as long as this, it may be no name
        text = re.sub(r"(?i)(\bpassword=)(?!\w*\*{4})[^\s;&|'\"]+", r"\1****", text)
        text = re.sub(r"(?i)(authorization\W+(?:basic|bearer)\s+)[\w+/=.~-]{8,}", r"\1****", text)
    return text


def report(level: str, text: str) -> None:
    """Tell the user on stderr, in git's own style; `level` is `error`, `warning`, `hint` or `trace`."""
    line = f"git-credential-hf: {level}: {masked(text)}\n"
    try:
        os.write(2, line.encode("utf-8", "replace"))  # one write: lines of parallel helpers do not mix
    except OSError:
        pass  # nobody is listening; that is no reason to fail git


def report_problem(problem: Problem, level: str = "error") -> None:
    """Render a problem: what and why, then what mends it."""
    report(level, problem.message)
    if problem.fix:
        report("hint", problem.fix)


def trace(text: str) -> None:
    """Follow a run: `GIT_CREDENTIAL_HF_TRACE=1` writes to stderr, an absolute path appends to that file."""
    where = os.environ.get("GIT_CREDENTIAL_HF_TRACE", "")
    if where.lower() in ("", "0", "no", "off", "false"):
        return
    if not os.path.isabs(where):
        report("trace", text)
        return
    line = f"{os.getpid()} {masked(text)}\n"
    try:
        # A link that somebody else put there does not choose the file, and a FIFO does not keep git waiting.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(where, flags, 0o600)
        with open(descriptor, "ab", buffering=0) as file:
            file.write(line.encode("utf-8", "replace"))
    except OSError as error:
        report("warning", f"cannot trace to {where}: {error.strerror}")


# Of the system, not of this program: too many files or processes, no memory, no room, a broken or read-only disk.
_EXHAUSTED = ("EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS")
_EXHAUSTED_WORDS = ("can't start new thread", "failed to map segment")  # of Python, and of an import without memory


def _is_of_the_system(error: BaseException | None) -> bool:
    """Whether it is the system that has no more to give, or lets nobody read what this program is made of."""
    if isinstance(error, OSError):
        import errno

        is_a_module = str(error.filename).endswith((".py", ".pyc", ".so"))
        return errno.errorcode.get(error.errno or 0) in _EXHAUSTED or is_a_module
    return isinstance(error, MemoryError) or any(words in str(error) for words in _EXHAUSTED_WORDS)


def trace_bug() -> None:
    """Say in one line that this program is wrong, or the system at its end; where, is for the trace."""
    kind, error, _ = sys.exc_info()
    if _is_of_the_system(error):
        said = str(error) or "out of memory"
        if isinstance(error, OSError):
            said = f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}"
        report("error", f"the system says: {said}")
    else:
        report("error", f"internal error ({kind.__name__ if kind else 'unknown'}: {error}), please report it")
    report("hint", "GIT_CREDENTIAL_HF_TRACE=1 shows where")
    if os.environ.get("GIT_CREDENTIAL_HF_TRACE"):
        import traceback

        for line in traceback.format_exc().splitlines():
            trace(line)
