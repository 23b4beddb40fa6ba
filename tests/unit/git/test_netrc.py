"""Which entry of a plain netrc file is used, and the file without the Hub; that all others are left alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from amount import some
from hypothesis import given, settings
from hypothesis import strategies as st
from inputs.netrcs import HUB, Proxy, by_curl, judge, judge_by_curl, lines

from git_credential_hf.git.netrc import (
    git_netrc_path,
    mentions_host,
    netrc_paths,
    parse_netrc,
    used_entry,
    without_machines,
)
from git_credential_hf.problem import Problem

# --- plain files: what they hold, and what is left of them ---

# Ways to write an entry, with M, L and P for the machine, login and password.
SYNTAXES = {
    "one line": "machine M login L password P\n",
    "lines": "machine M\nlogin L\npassword P\n",
    "indented": "machine M\n  login L\n\tpassword P\n",
    "two lines": "machine M login L\n  password P\n",
    "tabs": "machine\tM\tlogin\tL\tpassword\tP\n",
    "many blanks": "  machine   M \t login  L \n\n   password   P  \n",
    "signs": "machine M login L@x#y password P#y\"z'!\n",
    "comments inside": "machine M\n# mine\n  login L\n  # and mine\n  password P\n",
    "macros": "machine M login L password P\nmacdef init\ncd /x\nput y\n\nmacdef other\nquit\n\n",
    "blank line below": "machine M login L password P\n\n",
    "CRLF": "machine M login L password P\r\n",
    "CRLF, lines": "machine M\r\n  login L\r\n  password P\r\n",
    "CRLF, macro": "machine M login L password P\r\nmacdef init\r\nquit\r\n\r\n",
    "long": "machine M login L password P" + "x" * 1000 + "\n",
}


def entry(syntax: str, machine: str, number: int) -> bytes:
    words = {"M": machine, "L": f"user{number}", "P": f"hf_{number}"}
    return re.sub(r"\b[MLP](?![a-z])|P(?=x)", lambda match: words[match.group()], SYNTAXES[syntax]).encode()


def plain() -> dict[str, tuple[bytes, bytes]]:
    files: dict[str, tuple[bytes, bytes]] = {}
    for syntax in SYNTAXES:
        a, b = (entry(syntax, f"{name}.example", number) for number, name in enumerate("ab", 1))
        hub, hf = entry(syntax, "huggingface.co", 3), entry(syntax, "hf.co", 4)
        files |= {
            f"{syntax}, first": (hub + a + b, a + b),
            f"{syntax}, middle": (a + hub + b, a + b),
            f"{syntax}, last": (a + b + hub, a + b),
            f"{syntax}, only": (hub, b""),
            f"{syntax}, twice": (hub + a + hf + hub + b, a + b),
        }
    a, b = entry("one line", "a.example", 1), entry("one line", "b.example", 2)
    hub, default = entry("one line", "huggingface.co", 3), b"default login d password e\n"
    old, port = b"# machine hf.co login no password no\n", entry("one line", "huggingface.co:443", 3)
    same = {
        "empty": b"",
        "blank": b"\n \r\n",
        "comments": b"# of mine\n#\n# X\n# \xe4\v\n",
        "no Hub": a + b,
        "another port": port,
        "lookalike": entry("one line", "nothuggingface.co", 3),
        "comment with an old entry": a + old + b,
        "comment with an old entry at the top": old + a,
        "comment with an old entry below a macro": a + b"macdef init\n\n" + old + b,
        "comment with an old entry below a comment with a blank": b"# c \n" + old + a,
        "number sign below a macro": a + b"macdef init\n\n#\n" + b,
        "one machine twice": a + b + entry("lines", "a.example", 5),
        "default": a + default,
        "no final newline": a + b.rstrip(),
    }
    return {
        **files,
        **{name: (content, content) for name, content in same.items()},
        "no final newline, last": (a + hub.rstrip(), a),
        "no final newline, first": (hub + a.rstrip(), a.rstrip()),
        "default last": (a + hub + default, a + default),
        "default only": (hub + default, default),
        "another letter case": (entry("one line", "HuggingFace.CO", 3) + a, a),
        "beside another port": (port + hub, port),
        "comment above": (b"# the Hub's\n" + hub + a, b"# the Hub's\n" + a),
        "comment below": (a + b"\n\n" + hub + b"# b's\n" + b, a + b"# b's\n" + b),
        "comments and blank lines": (b"# mine\n\n" + hub + b"\n\n# a's\n" + a, b"# mine\n# a's\n" + a),
        "two between comments": (a + b"# c\n\n" + hub + b"\n" + hub + b"# d\n" + b, a + b"# c\n# d\n" + b),
        "blank lines": (a + b"\n\n" + hub + b"\n\n" + b, a + b"\n\n" + b),
        "blank lines at the top": (b"\n" + hub + b"# c\n" + a, b"# c\n" + a),
        "old entry below": (a + b"\n" + hub + old + b, a + old + b),
        "old entry below the first": (hub + old + b, old + b),
        "commented out below another": (
            a + hub + b"#machine hf.co login no\n" + b,
            a + b"#machine hf.co login no\n" + b,
        ),
        "boxed comment": (a + b"\n#\n# b's\n#\n" + hub + b, a + b"\n#\n# b's\n#\n" + b),
        "indented comment, CRLF": (a + hub.strip() + b"\r\n \t# c\r\n" + b, a + b" \t# c\r\n" + b),
        "macro above": (a + b"macdef init\nquit\n\n" + hub + b, a + b"macdef init\nquit\n\n" + b),
        "macro above all": (b"macdef init\n\n" + hub + b, b"macdef init\n\n" + b),
        "macro below a comment": (a + hub + b"\n# c\nmacdef init\nquit\n\n" + b, a + b),
    }


PLAIN = plain()

# --- files that one program reads in another way than the others: the line, and why ---

CHARACTER = "a backslash, or a character that is not printable ASCII"
QUOTE = "a quoted word, or a comment behind other words"
VALUE = "a keyword without a value beside it"
PAIR = "something other than one login, and then one password, for a machine"
MISSING = "an entry without a login or a password"
LONG = "more than 4094 bytes in a line, or 65536 in the file"
COMMENT = "a comment that Python reads as an entry"
NAME = "a macro without a name, or with something behind it"
MACRO = "a keyword, a comment, or a line of blanks in a macro"
KEYWORDS = ("machine", "default", "macdef", "login", "user", "password", "account")
A = b"machine a.example login x password y\n"

ODD = {
    "NUL": (b"machine a.example login x\0 password y\n", 1, CHARACTER),
    "NUL in a comment": (b"\n# \0\n", 2, CHARACTER),
    "byte order mark": (b"\xef\xbb\xbf" + A, 1, CHARACTER),
    "old Mac": (A.replace(b" login", b"\rlogin"), 1, CHARACTER),
    "carriage return at the end": (A.replace(b"\n", b"\r"), 1, CHARACTER),
    "vertical tab": (A.replace(b" login", b"\vlogin"), 1, CHARACTER),
    "umlaut": (A.replace(b"y\n", b"\xc3\xa4\n"), 1, CHARACTER),
    "backslash": (A.replace(b"y\n", b"y\\z\n"), 1, CHARACTER),
    "quoted": (b'machine a.example\nlogin x\npassword "y"\n', 3, QUOTE),
    "open quote": (b'machine a.example login x password "y\n', 1, QUOTE),
    "comment behind": (A.replace(b"\n", b" # c\n"), 1, QUOTE),
    "number sign before a value": (A.replace(b" y", b" #y"), 1, QUOTE),
    "quote in a macro": (b'macdef x\nput "y\n\n', 2, QUOTE),
    "name below": (b"machine\na.example login x password y\n", 1, VALUE),
    "value below": (b"machine a.example\nlogin\nx password y\n", 2, VALUE),
    **{f"{word} for a value": (A.replace(b"y\n", word.encode() + b"\n"), 1, VALUE) for word in KEYWORDS},
    "keyword for a login": (A.replace(b"x", b"Login", 2), 1, VALUE),
    "two in a line": (A.strip() + b" " + A, 1, PAIR),
    "password first": (b"machine a.example\npassword y\nlogin x\n", 2, PAIR),
    "two logins": (b"machine a.example login x login y password z\n", 1, PAIR),
    "account": (A + b"account z\n", 2, PAIR),
    "user": (b"machine a.example user x password y\n", 1, PAIR),
    "capital letters": (b"MACHINE a.example login x password y\n", 1, PAIR),
    "port": (b"machine a.example\nport 21\nlogin x\npassword y\n", 2, PAIR),
    "below a macro": (A + b"macdef x\n\nlogin x\n", 4, PAIR),
    "no password": (A + b"machine a.example login x\n" + A, 2, MISSING),
    "nothing": (b"machine a.example\n", 1, MISSING),
    "entry after default": (b"default login x password y\n" + A, 2, "an entry below `default`"),
    "huge line": (b"\n" + A.replace(b"y\n", b"y" * 5000), 2, LONG),
    "huge file": (A * 2000, 1772, LONG),
    "old entry below a blank line": (A + b"\n# machine hf.co login x password y\n", 3, COMMENT),
    "old entry below blanks": (A.replace(b"\n", b" \n") + b"# machine hf.co login x password y\n", 2, COMMENT),
    "old password below a blank line": (A + b"\n#old password z\n", 3, COMMENT),
    "old entry, otherwise": (A + b"#1 machine hf.co login x password y\n", 2, COMMENT),
    "two number signs": (b"\n# # x\n", 2, COMMENT),
    "number sign below an entry": (A + b"#\n" + A, 3, "a line that Python before 3.11 skips, below a `#`"),
    "macro without a name": (b"macdef\nx\n\n", 1, NAME),
    "macro in a line": (b"macdef x y\n\n", 1, NAME),
    "keyword for the name of a macro": (b"macdef Login\nx\n\n", 1, NAME),
    "blank after the name of a macro": (b"macdef x \n\n", 1, NAME),
    "entry in a macro": (b"macdef x\nmachine y\n\n", 2, MACRO),
    "comment in a macro": (b"macdef x\nput y\n# z\n\n", 3, MACRO),
    "blanks in a macro": (b"macdef x\nput y\n \n", 3, MACRO),
    "macro at the end": (A + b"macdef x\nput y\n", 3, "a macro without a blank line at its end"),
}

HF = b"machine hf.co login x password y\n"
# Plain files in which Python would read something else, or nothing at all, without the Hub's machine.
UNSAFE = {
    "comment that ends Python at the top": HF + b"#b is this\n" + A,
    "comment that ends Python below a macro": A + b"macdef x\n\n" + HF + b"#b is this\n" + A,
    "comment below a line that ends in a blank": A.replace(b"\n", b" \n") + HF + b"# c is\n" + A,
    "comment that would be in a macro": A + b"macdef x\nput y\n\n" + HF + b"# c\n\n" + A,
}


def test_entries() -> None:
    """Each entry has its values, its line, and the bytes that belong to it; a password is not in its repr."""
    pieces = [
        b"# mine\n\n",
        b"machine a.example login x password hf_1\n\nmacdef init\nquit\n\n",
        b"\n# c\n",
        b"machine b.example\n  login y\n# b\n  password hf_2\r\n",
        b"default login z password hf_X",
    ]
    found = parse_netrc(b"".join(pieces))
    assert [(e.machine, e.login, e.password, e.line, e.has_macro) for e in found] == [
        ("a.example", "x", "hf_1", 3, True),
        ("b.example", "y", "hf_2", 10, False),
        (None, "z", "hf_X", 14, False),
    ]
    assert [b"".join(pieces)[e.start : e.end] for e in found] == [pieces[1], *pieces[3:]]
    assert repr(found[0]) == "Entry('a.example', login='x', line=3, bytes 8 to 67)"


@pytest.mark.parametrize("name", PLAIN)
def test_leaves_the_rest_byte_for_byte(name: str) -> None:
    """Without the Hub's machines, a file is what it was before they were there; a second time changes nothing."""
    before, after = PLAIN[name]
    assert without_machines(before, HUB) == after
    assert without_machines(after, HUB) == after


@pytest.mark.parametrize("name", ODD)
def test_reports_what_is_odd(name: str) -> None:
    """What programs read in different ways is reported with its line, never with its words, and never touched."""
    content, line, why = ODD[name]
    asked: list[Callable[[bytes], object]] = [
        parse_netrc,
        lambda content: without_machines(content, HUB),
        lambda content: used_entry(content, HUB[0]),
    ]
    for ask in asked:
        with pytest.raises(Problem) as problem:
            ask(content)
        assert problem.value.message == f"programs do not agree on how to read this netrc file: {why} (line {line})"
        assert problem.value.fix == "write each entry as `machine NAME login NAME password WORD`, without quotes"


@pytest.mark.parametrize("name", UNSAFE)
def test_refuses_what_would_change_another_machine(name: str) -> None:
    """A file is not changed if that would change what Python reads of another machine."""
    assert parse_netrc(UNSAFE[name])
    with pytest.raises(Problem) as problem:
        without_machines(UNSAFE[name], HUB)
    why = "without the entry, not every program would read the others"
    assert problem.value.message == f"this netrc file cannot be edited automatically: {why}"
    assert problem.value.fix == "remove the entry by hand"


@pytest.mark.parametrize("length", [4094, 4095])
def test_longest(length: int) -> None:
    """A line may have as many bytes as curl reads of it, and a file as many as git-lfs does."""
    line = b"machine a.example login x password "
    one = line + b"y" * (length - len(line))
    whole = (A * 1772)[: 65536 - 4094 + length]
    for content in (one, one[:-1] + b"\n", whole[: whole.rindex(b"m")].ljust(len(whole), b"\n")):
        if length == 4094:
            assert parse_netrc(content)[0].login == "x"
        else:
            with pytest.raises(Problem, match="more than"):
                parse_netrc(content)


# --- any plain file ---

NEWLINE = st.sampled_from(["\n", "\n", "\r\n"])
BLANK = st.sampled_from([" ", " ", "\t", "  "])
WORD = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=1, max_size=9)
VALUE_WORD = WORD.filter(lambda word: word[0] not in '"#' and word.lower() not in KEYWORDS)
MACHINE = st.sampled_from(["a.example", "b.example", "A.example", "hf.co:443", "hf.co", "HuggingFace.co"])


@st.composite
def an_entry(draw: st.DrawFn) -> bytes:
    newline = draw(NEWLINE)
    gap = BLANK | st.sampled_from([newline, newline + "  ", newline + "\t", newline * 2])
    text = f"machine{draw(BLANK)}{draw(MACHINE)}"
    for key in ("login", "password"):
        text += draw(gap) + key + draw(BLANK) + draw(VALUE_WORD)
    return (draw(st.sampled_from(["", "", "  "])) + text + newline).encode()


PIECES = st.lists(
    an_entry()
    | st.sampled_from([b"# c\n", b"# c is\n", b"#c is\r\n", b"#c\n", b"  # \xff \n", b"\n", b"\r\n", b" \n"])
    | st.sampled_from([b"# machine hf.co login no password no\n", b"macdef init\nput x\n\n", b"macdef y\r\n\r\n"])
)


@given(PIECES)
@settings(deadline=None)
def test_any_file(pieces: list[bytes]) -> None:
    """Python reads the same entries; without the Hub's, all other lines are there byte for byte, or it is a problem."""
    content = b"".join(pieces)
    if judge(content) in ("refused", "not to be changed"):
        assert b"#" in content  # Python has its own idea of comments, and all else is plain
    elif b"macdef" not in content:  # one belongs to the machine above
        others = [piece for piece in pieces if piece.lower().split()[1:2] not in ([b"hf.co"], [b"huggingface.co"])]
        assert lines(without_machines(content, HUB)) == lines(b"".join(others))


# --- the programs themselves ---


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_curl_itself_sends_what_is_used(tmp_path: Path) -> None:
    """The installed curl sends to each host of a plain file what `used` says, with the Hub's machines and without."""
    files = [content for pair in PLAIN.values() for content in pair if len(content) < 2000]
    for content, sent in zip(files, by_curl(files, tmp_path / "files"), strict=True):
        judge_by_curl(content, sent)


USED = {
    "one": b"machine huggingface.co login x password y\n",
    "another letter case": b"machine HuggingFace.CO login x password y\n",
    "two": b"machine huggingface.co login x password y\nmachine huggingface.co login z password q\n",
    "another first": b"machine a.example login x password y\nmachine huggingface.co login z password q\n",
    "another last": b"machine huggingface.co login x password y\nmachine a.example login z password q\n",
    "default": b"machine a.example login x password y\ndefault login z password q\n",
    "port": b"machine huggingface.co:443 login x password y\n",
    "sub": b"machine sub.huggingface.co login x password y\n",
    "macro": b"macdef init\nquit\n\nmachine huggingface.co login x password y\n",
    "comments": b"# machine huggingface.co login x password y\nmachine huggingface.co\n# z\n  login z\n  password q\n",
    "nobody": b"machine a.example login x password y\n",
    "empty": b"",
}


@pytest.mark.parametrize("user", [None, "z"])
@pytest.mark.parametrize("name", USED)
def test_git_uses_what_it_is_said_to(name: str, user: str | None, home: Path) -> None:
    """Git, with the libcurl that it has, sends the login and the password of the entry that `used` names."""
    (home / ".netrc").write_bytes(USED[name])
    with Proxy() as proxy:
        url = f"http://{f'{user}@' if user else ''}huggingface.co/a/b.git"
        command = ["git", "-c", f"http.proxy={proxy.url}", "-c", "credential.helper=", "ls-remote", url]
        subprocess.run(command, capture_output=True)
        sent = {login for login in proxy.given.values() if login and login != (user, "")}
    try:
        entry = used_entry(USED[name], "huggingface.co", user)
    except Problem as problem:
        assert "depends on its version" in problem.message
        assert all(login != user or password in {"y", "q"} for login, password in sent)  # or nothing
        return
    assert sent == ({(entry.login, entry.password)} if entry else set())


@pytest.mark.parametrize(
    ("text", "user", "line"),
    [
        ("machine hf.co login x password y\n", "z", None),
        ("machine hf.co login x password y\nmachine other login z password q\n", "z", 0),
        ("machine hf.co login x password y\nmachine hf.co login z password q\n", "z", 2),
        ("machine hf.co login x password y\ndefault login z password q\n", "x", 1),
        ("machine hf.co login x password y\ndefault login z password q\n", "z", None),
        ("machine hf.co login x password y\ndefault login z password q\n", "alice", None),
        ("default login z password q\n", "z", 1),
        ("default login z password q\n", "alice", None),
        ("machine other login z password q\ndefault login z password q\n", None, 2),
    ],
)
def test_what_depends_on_the_version_of_libcurl(text: str, user: str | None, line: int | None) -> None:
    """Which entry is used for the user of a URL is only said if it is the same for all versions of libcurl."""
    if line is None:
        with pytest.raises(Problem, match="depends on its version"):
            used_entry(text.encode(), "hf.co", user)
    else:
        entry = used_entry(text.encode(), "hf.co", user)
        assert (entry.line if entry else 0) == line


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="no git-lfs")
@pytest.mark.parametrize("syntax", some([*SYNTAXES], 5))
def test_git_lfs_itself_sees_the_others_as_before(syntax: str, home: Path) -> None:
    """git-lfs sends to others what the entries say, with the Hub's machine and without; to the Hub nothing more."""
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    for content in PLAIN[f"{syntax}, middle"]:
        (home / ".netrc").write_bytes(content)
        with Proxy() as proxy:
            for host in ("a.example", "huggingface.co", "b.example"):
                command = ["git", "-c", f"lfs.url=http://{host}", "-c", "credential.helper=", "lfs", "locks"]
                subprocess.run(command, env={**os.environ, "http_proxy": proxy.url}, capture_output=True)
        sent = {url.split("/")[2]: login for url, login in proxy.given.items() if login}
        assert sent == {entry.machine: (entry.login, entry.password) for entry in parse_netrc(content)}


# --- which files ---


def test_paths_are_those_that_somebody_reads(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are those of the home, whether they exist or not, and the one that NETRC names, once."""
    own = [str(home / ".netrc"), str(home / "_netrc")]
    for named, more in (("/etc/netrc", ["/etc/netrc"]), (own[0], []), ("", [])):
        monkeypatch.setenv("NETRC", named)
        assert netrc_paths() == [*own, *more]
    monkeypatch.delenv("NETRC")
    assert netrc_paths() == own


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HOME it is the user's; if HOME is relative, no program is sure to find a file there."""
    monkeypatch.delenv("HOME")
    assert netrc_paths()[0] == os.path.expanduser("~/.netrc")
    monkeypatch.setenv("HOME", "relative")
    assert (netrc_paths(), git_netrc_path()) == ([], None)
    monkeypatch.setattr(sys, "platform", "win32")
    assert git_netrc_path() is None


@pytest.mark.parametrize(
    ("platform", "there", "name"),
    [
        ("linux", [], ".netrc"),
        ("linux", ["_netrc"], ".netrc"),
        ("win32", [], "_netrc"),
        ("win32", ["_netrc"], "_netrc"),
        ("win32", [".netrc", "_netrc"], ".netrc"),
        ("win32", [".netrc"], ".netrc"),
    ],
)
def test_the_one_of_git(
    platform: str, there: list[str], name: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows git reads `_netrc`, but only if there is no `.netrc`; elsewhere it never does."""
    for file in there:
        (home / file).touch()
    monkeypatch.setattr(sys, "platform", platform)
    assert git_netrc_path() == str(home / name)


@pytest.mark.parametrize("encoding", ["ascii", "utf-16"])
def test_mentions(encoding: str) -> None:
    """A file that cannot be parsed is somebody else's business if neither a host of the Hub nor `default` is in it."""
    for text, answer in (("machine HF.co login", True), ("Default login", True), ("machine a.example", False)):
        assert mentions_host(text.encode(encoding), HUB) is answer
