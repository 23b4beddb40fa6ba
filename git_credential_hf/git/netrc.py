"""Entries of a netrc file with their byte ranges: which one is used for a host, and the file without a host.

No two programs read these files alike. Here is read what curl (7.84 to 8.23), git-lfs (3.3 to 3.8) and Python's `netrc`
take for the same; where one of them would see another machine than the others, the file is reported, and stays.
"""

import os
import re
import sys
from collections.abc import Collection
from typing import NoReturn

from git_credential_hf.git.run import git_home
from git_credential_hf.problem import Problem

_TOP = ("machine", "default", "macdef")
_WORDS = (*_TOP, "login", "user", "password", "account")
_LONGEST_LINE = 4094  # bytes; curl before 8.11 skips what is longer
_LONGEST_FILE = 1 << 16  # bytes; curl's limit is twice that, git-lfs's (for what is blank) is this


class NetrcEntry:
    """One `machine`, or `default` where `machine` is `None`; `line` (from 1) is where that word stands.

    `start` and `end` are the byte range of all that belongs to it: its lines with the comments among them, the macros
    after it (they are this machine's, ftp(1)), and the blank lines up to what follows. Where it shares a line with
    another entry, its words with the blanks on one side.
    """

    def __init__(self, line: int) -> None:
        self.machine: str | None = None
        self.login: str | None = None
        self.password: str | None = None
        self.written = b""  # the password, as it stands there: in quotes, perhaps, and with escapes
        self.start = self.end = 0
        self.line = line
        self._before = 0  # the end of the last word or comment before it
        self._last = 0  # the end of the last word or comment of its own
        self._given: list[str] = []
        self._has_macro = False
        self._runs_on = False  # curl before 8.11 takes the next word, whatever it is, for its password

    def __repr__(self) -> str:
        """Without the password."""
        return f"Entry({self.machine!r}, login={self.login!r}, line={self.line}, bytes {self.start} to {self.end})"


def netrc_paths() -> list[str]:
    """The files, there or not: `~/.netrc`, `~/_netrc`, and `$NETRC` where it is set.

    `~/.netrc` is git's (its libcurl) and git-lfs's. `~/_netrc` is git-lfs's on Windows, where it reads no other, and
    there curl's if there is no `~/.netrc`; elsewhere requests alone reads it, if there is no `~/.netrc`. `$NETRC`
    is read in place of both by requests and by libcurl 8.16 or later, so by a git that has one. git-lfs and Python's
    `netrc` do not know it.
    """
    found = _at_home()
    named = os.environ.get("NETRC")
    return [*found, named] if named and named not in found else found


def _at_home() -> list[str]:
    home = git_home() or os.path.expanduser("~")
    return [os.path.join(home, ".netrc"), os.path.join(home, "_netrc")] if os.path.isabs(home) else []


def git_netrc_path() -> str | None:
    """The one that git reads, there or not, as far as its libcurl does not know `$NETRC` (CURLOPT_NETRC(3))."""
    found = _at_home()
    is_other = sys.platform == "win32" and len(found) == 2 and not os.path.exists(found[0])
    return found[is_other] if found else None


def parse_netrc(content: bytes) -> list[NetrcEntry]:
    """The entries of a netrc file, in its order.

    Raises `Problem` with the line where the file is malformed, or read otherwise by one program than by another.
    """
    words = _Words(content)
    found: list[NetrcEntry] = []
    entry: NetrcEntry | None = None  # whose words follow
    while (word := words.next()) or words.is_quoted:
        if words.is_hash:
            words.comment()
            if entry and not words.is_first:
                entry._last = words.end
            continue
        if words.is_quoted or word not in _WORDS:
            words.unknown(word, entry is not None)
        elif word == "macdef":
            words.macro()
            entry = None
            if found:
                found[-1]._has_macro = True
        elif word in _TOP:
            if found and found[-1].machine is None:
                words.refuse("an entry after `default`")
            entry = NetrcEntry(words.line)
            entry.start, entry._before = words.start, words.before
            if word == "machine":
                entry.machine = words.name()
            found.append(entry)
        elif entry is None:
            words.refuse(f"`{word}` without a machine")
        else:
            _give(entry, word, words)
        if found:
            found[-1]._last = words.end
    for entry, after in zip(found, [*found, None][1:], strict=True):
        _measure(entry, content, after.start if after else len(content))
    return found


def used_entry(content: bytes, host: str, user: str | None = None) -> NetrcEntry | None:
    """The entry that git, through libcurl, uses for a host (without port), and for the user name in the URL if any.

    It is the first that is for this host in any letter case, or `default`, has this user or no user, and has a
    password. Where there is none, libcurl before 8.21 takes the password of another user if that entry is the last of
    the file; Debian 12's and 8.11 take one without a login only there. libcurl from 8.21 on is content with a login,
    and an empty password, where no user is asked for. Before 8.11, what begins with # is a comment, and no password.

    git-lfs takes the first of this host whether it has a password or not, minds the letter case, keeps quotes as they
    are, and takes `default` only where there is no such machine; of another user than the URL's, nothing. Python's
    `netrc` takes the last one. None of the three regards a port: `huggingface.co:443` is no machine of theirs.
    """
    found = parse_netrc(content)
    mine = [entry for entry in found if entry.machine is None or entry.machine.lower() == host.lower()]
    for entry in mine:
        if entry.password and (not user or entry.login in (None, user)):
            return entry
    return mine[-1] if mine and mine[-1] is found[-1] and mine[-1].password else None


def without_machines(content: bytes, hosts: Collection[str]) -> bytes:
    """The file without the machines of these names in any letter case; `default` and all else stay byte for byte.

    Nothing but blanks and blank lines next to a machine goes with it: where a comment follows, Python reads that only
    right below what is before it. Raises `Problem` where `entries` does, and where another machine would no longer be
    what it was to curl or to Python.
    """
    names = {host.lower() for host in hosts}
    found = parse_netrc(content)
    kept = [entry for entry in found if (entry.machine or "").lower() not in names]
    pieces, at = [], 0
    stay: list[NetrcEntry] = []  # what stays above
    while found:
        first = found.pop(0)
        if first in kept:
            stay.append(first)
            continue
        last = first
        while found and found[0] not in kept and found[0]._before == last._last:
            last = found.pop(0)
        start, end = _cut(content, first, last, stay, found[0] if found else None)
        pieces.append(content[at:start])
        at = end
    result = b"".join([*pieces, content[at:]])
    if [_told(entry) for entry in parse_netrc(result)] != [_told(entry) for entry in kept]:
        raise Problem("the netrc file cannot be changed: its other entries would not stay what they are")
    return result


def _told(entry: NetrcEntry) -> tuple[str | None, ...]:
    return entry.machine, entry.login, entry.password


def _give(entry: NetrcEntry, word: str, words: "_Words") -> None:
    if word in entry._given:
        words.refuse(f"a second `{word}` for one machine")  # git-lfs then reads nothing of the file
    entry._given.append(word)
    value = words.value(() if word in ("login", "password") else _WORDS)
    if word == "login" and words.is_hash:
        words.refuse("a login that begins with #, which curl may take for a comment")
    entry._runs_on = entry._runs_on or words.is_hash
    if word in ("login", "password"):
        setattr(entry, word, value)
    if word == "password":
        entry.written = words.content[words.start : words.end]


def _measure(entry: NetrcEntry, content: bytes, after: int) -> None:
    """Find what belongs to an entry, which `after`, the start of the next one or of nothing, does not."""
    end = _skip(content, entry._last, b" \t")
    if end == after and after < len(content):  # on the line where the next one starts
        entry.end = after
    elif _is_first(content, entry.start):
        entry.start, entry.end = _line_start(content, entry.start), _below(content, end)
    else:
        entry.start, entry.end = entry._before, end


def _cut(
    content: bytes, first: NetrcEntry, last: NetrcEntry, above: list[NetrcEntry], after: NetrcEntry | None
) -> tuple[int, int]:
    """What to take away for neighbours that go together, between the entries that stay above and what is next."""
    start, end = first.start, last.end
    before = above[-1] if above else None

    def refuse(why: str) -> NoReturn:
        raise Problem(f"the netrc file cannot be changed: {why} (line {first.line})")

    # curl before 8.21 has not forgotten all of an entry when it comes to the next one.
    if not all(entry.password for entry in above) or (before and not before.login):
        refuse("curl may not read an entry above, which has no login or no password, as it does")
    if (
        (before and before.machine and after and after.machine)
        and before.machine.lower() == after.machine.lower()
        and before._given.index("password") < before._given.index("login")
    ):
        refuse("curl may take the entries above and below, for one machine, for one")
    if any(entry._runs_on for entry in above):
        refuse("above it is a password that begins with #, for which curl may take the next word")

    ends_line = content[end : end + 1] in (b"", b"\r", b"\n") or _line_start(content, end) == end
    end = _below(content, end) if ends_line else end
    newline = _newline(content[:end]) if ends_line else b""

    # Python takes some comments for words. From 3.11 on, it is those that are not right below an unquoted word or a
    # comment, and, above the first machine or after a macro, those whose `#` is not alone. Up to 3.10, it is those that
    # are not right below a comment above them, and `#` alone below an entry hides the line after it.
    comments = _comments(content, end) if newline else []
    is_near = content.count(b"\n", last._last, end) == 1
    is_top = before is None or before._has_macro
    is_read = comments and (is_near or comments[0].split()[0] == comments[0])
    if is_read and is_top and any(line.split()[0] not in (b"#", line) for line in comments):
        refuse("Python reads no comment like the next one above the first machine")
    if is_read and content[: first._before].endswith(b'"'):
        refuse("Python reads no comment below a word in quotes")
    if not _is_first(content, start):
        # Neighbours that go together may begin behind one that stays, and end before another: a blank between these.
        return (first._before, end - len(newline)) if ends_line else (_skip(content, start, b" \t"), end)

    lines = content[: first._before].splitlines()[-2:]
    if comments:
        if is_top or is_near or lines[-1].lstrip().startswith(b"#"):
            ending = _newline(content[first._before : _line_end(content, first._before) + 1])
            if first._before and ending and content.startswith(ending, first._before):
                return first._before + len(ending), end  # what ends a macro may be another line feed than ours
            return first._before, end - (len(newline) if first._before else 0)
    elif (
        (before and after)
        and content.count(b"\n", first._before, start) == 1
        and lines[-1].split()[-1:] == [b"#"]
        and not (lines[-1].strip() == b"#" and lines[0].lstrip().startswith(b"#"))
    ):
        refuse("the comment before it would hide the next line from Python")
    return start, end


def _comments(content: bytes, at: int) -> list[bytes]:
    """The lines of comments, from their #, from a line on up to the next line that is none."""
    found = []
    for line in content[at:].splitlines():
        if line.strip():
            if not line.lstrip().startswith(b"#"):
                break
            found.append(line.lstrip())
    return found


def _newline(content: bytes) -> bytes:
    return b"\r\n" if content.endswith(b"\r\n") else b"\n" if content.endswith(b"\n") else b""


def _line_start(content: bytes, at: int) -> int:
    return content.rfind(b"\n", 0, at) + 1


def _is_first(content: bytes, at: int) -> bool:
    return not content[_line_start(content, at) : at].strip(b" \t")


def _below(content: bytes, at: int) -> int:
    """The start of the next line that is not blank; not behind its blanks."""
    end = _skip(content, at, b" \t\r\n")
    return len(content) if end == len(content) else _line_start(content, end)


def _skip(content: bytes, at: int, blanks: bytes) -> int:
    while at < len(content) and content[at] in blanks:
        at += 1
    return at


def _line_end(content: bytes, at: int) -> int:
    end = content.find(b"\n", at)
    return len(content) if end < 0 else end


class _Words:
    """The words of a file, one after the other; `start` and `end` of the last are bytes, `before` is the last's end."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.before = self.start = self.end = 0
        self.is_quoted = False
        self.is_hash = False
        if len(content) > _LONGEST_FILE:
            self.refuse("the file is too long")
        if content.startswith(b"\xef\xbb\xbf"):
            self.refuse("a byte order mark, which no program expects")
        for line in content.split(b"\n"):
            if b"\0" in line:
                self.refuse("a NUL byte")
            if b"\r" in line[:-1]:
                self.refuse("a carriage return inside a line")
            if len(line) > _LONGEST_LINE:
                self.refuse("the line is too long")
            self.start += len(line) + 1
        if content.endswith(b"\r"):
            self.refuse("a carriage return inside a line")
        self.start = 0

    @property
    def line(self) -> int:
        return self.content.count(b"\n", 0, self.start) + 1

    @property
    def is_first(self) -> bool:
        """Whether nothing stands before it on its line."""
        return _is_first(self.content, self.start)

    def refuse(self, why: str) -> NoReturn:
        """Say where the file is malformed, never what stands there, which may be a part of a password."""
        raise Problem(f"the netrc file cannot be parsed: {why} (line {self.line})")

    def next(self) -> str:
        """The next word, without the quotes and escapes that curl knows; empty at the end of the file."""
        content = self.content
        self.before, self.start = self.end, _skip(content, self.end, b" \t\r\n")
        self.end = self.start
        self.is_quoted = content[self.start : self.start + 1] == b'"'
        word = self._quoted() if self.is_quoted else self._plain()
        self.is_hash = word.startswith("#") and not self.is_quoted
        if not self.is_hash:
            self._check()
        return word

    def _plain(self) -> str:
        while self.end < len(self.content) and self.content[self.end] not in b" \t\r\n":
            self.end += 1
        word = self.content[self.start : self.end].decode("utf-8", "surrogateescape")
        if (len(word) - len(word.rstrip("\\"))) % 2:
            self.refuse("a backslash at the end of a word")  # Python goes on with the next word
        return word

    def _quoted(self) -> str:
        word = bytearray()
        line = self.content[self.start + 1 : _line_end(self.content, self.start)]
        at = 0
        while line[at : at + 1] != b'"':
            if line[at : at + 1] == b"\\":
                at += 1
                word += {b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(line[at : at + 1], line[at : at + 1])
            else:
                word += line[at : at + 1]
            at += 1
            if at >= len(line):
                self.refuse("a quote that is not closed on its line")
        if line[at + 1 : at + 2].strip(b" \t\r"):
            self.refuse("no blank after a quoted word")
        # git-lfs knows no quotes.
        for part in (b'"' + line[:at]).split()[1:]:
            if part.startswith(b"#") or part.decode("utf-8", "replace").lower() in _WORDS:
                self.refuse("in quotes what git-lfs takes for a word of its own")
        self.end = self.start + 1 + at + 1
        return word.decode("utf-8", "surrogateescape")

    def _check(self) -> None:
        """Refuse what divides or ends a word in one program and not in another."""
        raw = self.content[self.start : self.end].decode("utf-8", "replace")
        if any((c < " " and c != "\t") or (c.isspace() and c not in " \t") for c in raw):
            self.refuse("a blank that is no space, or a control character")
        if not raw.isascii() and any(part.lower() in _WORDS for part in re.split(r"[^\x00-\x7f]+", raw)):
            self.refuse("a keyword beside a byte over 127, at which some curl ends a word")

    def unknown(self, word: str, has_entry: bool) -> None:
        """Accept what all but Python skip, on a line of an entry, and there only: a part of an unquoted password."""
        if word.lower() in _WORDS:
            self.refuse("a keyword in quotes or capital letters, which is none to git-lfs")
        if self.is_quoted or "\\" in word or not has_entry or self.is_first:
            self.refuse("a word that is no keyword")

    def comment(self) -> None:
        """Move to the end of the line. Refuse what is no comment to all."""
        line = self.content[self.start : _line_end(self.content, self.start)].rstrip(b" \t\r")
        self.end = self.start + len(line)
        hashes, *rest = line.decode("utf-8", "replace").lower().split()
        if not self.is_first:
            if '"' in hashes or any('"' in word or word in _WORDS for word in rest):
                self.refuse("in a comment what curl may take for a word of its own")
        # Python goes on behind the # unless that is right below other words (and, at the top, or up to 3.10, alone),
        # where most comments make it give up, but one like `# machine` does not.
        elif rest and (rest[0] in _WORDS or rest[0].startswith("#")):
            gap = self.content[self.before : self.start].rstrip(b" \t")
            is_quoted = self.content[: self.before].endswith(b'"')
            if len(hashes) > 1 or is_quoted or gap not in ((b"\n", b"\r\n") if self.before else (b"",)):
                self.refuse("a comment that Python does not take for one")

    def macro(self) -> None:
        """Move behind a macro's name and body, to the end of the blank line that ends it (or of the file)."""
        self.refuse_unless_same_line(self.next())
        at = self.content.find(b"\n", self.end) + 1 or len(self.content)
        if self.content[self.end : at].strip(b"\r\n"):
            self.refuse("something after the name of a macro")
        while at < len(self.content):
            line = self.content[at : _line_end(self.content, at)]
            if line in (b"", b"\r"):
                break
            for part in [] if line.lstrip().startswith(b"#") else line.split():
                self.start = at
                text = part.decode("utf-8", "replace")
                if text.lower() in _WORDS or text.startswith('"') or any(map(str.isspace, text)):
                    self.refuse("in a macro what curl or git-lfs may take for a word of its own")
            at += len(line) + 1
        self.end = min(at, len(self.content))

    def refuse_unless_same_line(self, word: str) -> None:
        """A macro's name is a plain word behind `macdef`."""
        if not word or self.is_first or self.is_quoted or self.is_hash or word.lower() in _WORDS:
            self.refuse("a macro without a name")

    def name(self) -> str:
        """The name of a machine."""
        word = self.value(_WORDS)
        raw = self.content[self.start : self.end]
        if word is None or word.split() != [word] or not word.isascii() or self.is_hash or b"\\" in raw:
            self.refuse("a machine without a name")
        return word

    def value(self, none_of: Collection[str]) -> str | None:
        """The value that belongs to the word before; `None` at the end of the file."""
        word = self.next()
        if self.start == len(self.content):
            return None
        if word.lower() in (*_TOP, *none_of, *(_WORDS if self.is_first else ())):
            self.refuse("a value that is a keyword, which curl may take for one")
        if self.is_first and b"\r" in self.content[self.before : self.start]:
            self.refuse("a value below its keyword, which curl takes the carriage return for")
        if self.is_hash and (self.is_first or self.content[self.end :].partition(b"\n")[0].strip()):
            self.refuse("a value that begins with #, but does not end its line")  # a comment, or all of the line
        return word
