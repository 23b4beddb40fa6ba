"""Parse netrc files: find the entry that git uses for a host, and remove the entries for some hosts.

No two programs read these files in the same way. We accept only the form in which curl (and so git), git-lfs and
Python's `netrc` find the same entries: `machine NAME login NAME password WORD` on one or more lines, `default` as the
last entry, `macdef` up to a blank line, and comment lines. Any other file is refused, with the line, and never edited.
"""

import os
import re
import sys
from collections.abc import Collection

from git_credential_hf.git.run import git_home
from git_credential_hf.problem import Problem
from git_credential_hf.secrets import register_secret

_KEYWORDS = ("machine", "default", "macdef", "login", "user", "password", "account")
_LONGEST_LINE = 4094  # bytes; curl before 8.11 skips longer ones
_LONGEST_FILE = 1 << 16  # bytes; git-lfs stops there, curl at twice that

_BLANK_LINE = re.compile(rb"[ \t]*\r?\n")
_COMMENT = re.compile(rb"[ \t]*#")
_COMMENT_LINE = re.compile(rb"[^\0\r\n]*(\r?\n)?")
# No backslash, which only Python treats as an escape, and no byte over 127, which ends a word in some versions of curl.
_PLAIN_LINE = re.compile(rb"[\t -\[\]-~]*(\r?\n)?")


class NetrcEntry:
    """A `machine`, or `default` if `machine` is `None`.

    `start` and `end` are the byte range of its lines and its macros (ftp(1)), with all that is between them.
    """

    def __init__(self, machine: str | None, line: int, start: int) -> None:
        self.machine = machine
        self.line = line  # of its first word, from 1
        self.start = self.end = start
        self.login = self.password = ""
        self.has_macro = False

    def __repr__(self) -> str:
        """Return a representation without the password."""
        return f"Entry({self.machine!r}, login={self.login!r}, line={self.line}, bytes {self.start} to {self.end})"

    def values(self) -> tuple[str | None, str, str, bool]:
        """Return the values that programs read in this entry."""
        return self.machine, self.login, self.password, self.has_macro


def netrc_paths() -> list[str]:
    """Return the netrc files, whether they exist or not: `~/.netrc`, `~/_netrc`, and `$NETRC` if it is set.

    git (libcurl) and git-lfs read `~/.netrc`. On Windows, git-lfs reads only `~/_netrc`, and curl reads it if there is
    no `~/.netrc`; elsewhere, only requests reads it. requests, and libcurl from 8.16 on, read `$NETRC` instead of both.
    """
    found = _at_home()
    named = os.environ.get("NETRC")
    return [*found, named] if named and named not in found else found


def _at_home() -> list[str]:
    home = git_home() or os.path.expanduser("~")
    return [os.path.join(home, ".netrc"), os.path.join(home, "_netrc")] if os.path.isabs(home) else []


def git_netrc_path() -> str | None:
    """Return the file that git reads with a libcurl that ignores `$NETRC` (CURLOPT_NETRC(3)); it may not exist."""
    found = _at_home()
    is_other = sys.platform == "win32" and len(found) == 2 and not os.path.exists(found[0])
    return found[is_other] if found else None


def mentions_host(content: bytes, hosts: Collection[str]) -> bool:
    """Whether a file, in any form, may have an entry for one of these hosts."""
    lowered = content.replace(b"\0", b"").lower()  # Windows PowerShell 5 writes UTF-16
    return b"default" in lowered or any(host.lower().encode() in lowered for host in hosts)


def parse_netrc(content: bytes) -> list[NetrcEntry]:
    """Return the entries of a netrc file; raises `Problem` if programs read it in different ways."""
    _register_secrets(content)
    return _Reader(content).entries


def _register_secrets(content: bytes) -> None:
    """Register every word that a program could read as a secret, even in comments and in a file of another form."""
    text = content.replace(b"\0", b"").decode("utf-8", "surrogateescape")
    for found in re.finditer(r"""(?i)(?<!\S)(?:password|passwd|account)\s+("(?:\\.|[^"\\\n])*"|\S+)""", text):
        if found[1].lower() in _KEYWORDS:
            continue  # or our own words would be masked
        register_secret(found[1])
        register_secret(re.sub(r"\\(.)", r"\1", found[1].strip('"')))


def used_entry(content: bytes, host: str, user: str | None = None) -> NetrcEntry | None:
    """Return the entry that git (libcurl) uses for a host (without port), and for the URL's user name, if any.

    Raises `Problem` if `parse_netrc` does, or if that depends on the version of libcurl (docs/facts.md#g2).
    """
    found = parse_netrc(content)
    mine = [entry for entry in found if entry.machine is None or entry.machine.lower() == host.lower()]
    if not user:
        return mine[0] if mine else None
    same = next((entry for entry in mine if entry.login == user), None)
    is_default_later = same is not None and same.machine is None and same is not mine[0]
    if is_default_later or (same is None and mine and mine[-1] is found[-1]):
        why = f"what libcurl sends for another user than that of line {mine[0].line} depends on its version"
        raise Problem(why, "remove the user name from the URL, or add a `machine` entry for it")
    return same


def without_machines(content: bytes, hosts: Collection[str]) -> bytes:
    """Return the file without the entries for these hosts, ignoring case; `default` is kept.

    Only blank lines next to an entry are removed with it. Raises `Problem` if `parse_netrc` does, or if a program would
    no longer read the other entries.
    """
    names = {host.lower() for host in hosts}

    def is_removed(entry: NetrcEntry) -> bool:
        return entry.machine is not None and entry.machine.lower() in names

    before = _Reader(content)
    result, at = bytearray(), 0
    for entry in filter(is_removed, before.entries):
        result += content[at : entry.start]
        at = entry.end
        while blank := _BLANK_LINE.match(content, at):
            at = blank.end()
        if _COMMENT.match(content, at):  # Python gives up at most comments below a blank line
            text = result.rstrip()
            del result[result.find(b"\n", len(text)) + 1 if text else 0 :]
    result += content[at:]
    others = [entry.values() for entry in before.entries if not is_removed(entry)]
    try:
        after = _Reader(bytes(result))
        is_changed = [entry.values() for entry in after.entries] != others or after.is_for_python < before.is_for_python
    except Problem:
        is_changed = True
    if is_changed:
        why = "without the entry, not every program would read the others"
        raise Problem(f"this netrc file cannot be edited automatically: {why}", "remove the entry by hand")
    return bytes(result)


class _Reader:
    """Read a file line by line: its `entries`, and whether Python's `netrc` can read it (comments may prevent that)."""

    def __init__(self, content: bytes) -> None:
        self.entries: list[NetrcEntry] = []
        self.is_for_python = True
        self._entry: NetrcEntry | None = None  # the entry that the next `login` belongs to
        self._in_macro = False
        self._is_near = True  # whether Python has read all of the line above
        self._is_below_entry = self._hides_next = False
        self._number = self._start = self._end = 0
        for line in content.splitlines(keepends=True):
            self._number, self._start, self._end = self._number + 1, self._end, self._end + len(line)
            self._read(line)
        if self._in_macro:
            raise self._odd("a macro without a blank line at its end")
        for entry in self.entries:
            self._number = entry.line
            if not entry.password:
                raise self._odd("an entry without a login or a password")

    def _odd(self, why: str) -> Problem:
        """Return the refusal; it has the line's number, but none of its words, which may be parts of a password."""
        message = f"programs do not agree on how to read this netrc file: {why} (line {self._number})"
        return Problem(message, "write each entry as `machine NAME login NAME password WORD`, without quotes")

    def _read(self, line: bytes) -> None:
        is_comment = _COMMENT.match(line) is not None
        if len(line) > _LONGEST_LINE or self._end > _LONGEST_FILE:
            raise self._odd(f"more than {_LONGEST_LINE} bytes in a line, or {_LONGEST_FILE} in the file")
        if not (_COMMENT_LINE if is_comment else _PLAIN_LINE).fullmatch(line):
            raise self._odd("a backslash, or a character that is not printable ASCII")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        words = re.findall("[^ \t]+", text)
        is_closed = bool(words) and text.endswith(words[-1])  # no blanks behind the last word
        if not is_comment and any(word.startswith(('"', "#")) for word in words):
            raise self._odd("a quoted word, or a comment behind other words")
        if self._in_macro:
            # git-lfs finds entries in macros. Some programs end a macro at a line of blanks, some do not.
            if is_comment or any(word.lower() in _KEYWORDS for word in words) or (text and not words):
                raise self._odd("a keyword, a comment, or a line of blanks in a macro")
            self._in_macro, self._is_near = bool(words), True
            for entry in self.entries[-1:]:
                entry.end = self._end
        elif is_comment:
            self._read_comment(words, is_closed)
        else:
            if words and self._hides_next:
                raise self._odd("a line that Python before 3.11 skips, below a `#`")
            self._is_near, self._hides_next = is_closed, False
            if words[:1] == ["macdef"]:
                self._start_macro(words, is_closed)
            elif words:
                self._read_values(words)

    def _read_comment(self, words: list[str], is_closed: bool) -> None:
        """Follow Python, which skips the comment, or continues after its first word, or gives up at the next one."""
        is_skipped = self._is_near and (words[0] == "#" or self._entry is not None)
        reads_on = any(word in _KEYWORDS or word.startswith("#") for word in words[1:2])
        if reads_on and not (self._is_near and words[0] == "#"):
            raise self._odd("a comment that Python reads as an entry")
        self.is_for_python = self.is_for_python and (is_skipped or len(words) == 1)
        self._is_near = is_skipped or is_closed
        self._hides_next = self._is_below_entry and words == ["#"] and is_closed
        self._is_below_entry = False

    def _start_macro(self, words: list[str], is_closed: bool) -> None:
        if len(words) != 2 or words[1].lower() in _KEYWORDS or not is_closed:
            raise self._odd("a macro without a name, or with something behind it")
        self._in_macro, self._entry, self._is_below_entry = True, None, False
        for entry in self.entries[-1:]:
            entry.has_macro = True

    def _read_values(self, words: list[str]) -> None:
        if words[0] == "default":
            words.insert(1, "")
        if len(words) % 2 or any(value.lower() in _KEYWORDS for value in words[1::2]):
            raise self._odd("a keyword without a value beside it")
        for at in range(0, len(words), 2):
            key, value = words[at : at + 2]
            entry = self._entry
            if at == 0 and key in ("machine", "default"):
                if self.entries and self.entries[-1].machine is None:
                    raise self._odd("an entry below `default`")
                self._entry = NetrcEntry(value or None, self._number, self._start)
                self.entries.append(self._entry)
            elif key == "login" and entry and not entry.login:
                entry.login, entry.end = value, self._end
            elif key == "password" and entry and entry.login and not entry.password:
                entry.password, entry.end = value, self._end
            else:
                raise self._odd("something other than one login, and then one password, for a machine")
        self._is_below_entry = True
