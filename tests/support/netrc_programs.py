"""netrc files, and which entry of each curl, git, git-lfs and Python use."""

from __future__ import annotations

import base64
import http.server
import io
import json
import netrc as pythons
import os
import random
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from git_credential_hf.git.netrc import parse_netrc, without_machines
from git_credential_hf.problem import Problem

HUB = ("huggingface.co", "hf.co")
OTHERS = ("a.example", "b.example", "none.example")
EXAMPLES = int(os.environ.get("GIT_CREDENTIAL_HF_TESTS_EXAMPLES", "2000"))

# --- files ---

# Each syntax: a way to write the machine, login and password that stand for M, L and P.
SYNTAXES = {
    "one line": "machine M login L password P\n",
    "lines": "machine M\nlogin L\npassword P\n",
    "indented": "machine M\n  login L\n\tpassword P\n",
    "each word on a line": "machine\nM\nlogin\nL\npassword\nP\n",
    "tabs": "machine\tM\tlogin\tL\tpassword\tP\n",
    "many blanks": "  machine   M \t login  L \n\n   password   P  \n",
    "password first": "machine M password P login L\n",
    "quoted": 'machine "M" login "L" password "P"\n',
    "quoted blanks": 'machine M login L password "P \\" \\\\ x"\n',
    "account": "machine M login L account A password P\n",
    "no login": "machine M password P\n",
    "user": "machine M user L password P\n",
    "number sign inside": "machine M login L#x password P#y\n",
    "comment behind": "machine M login L password P # mine\n",
    "comment inside": "machine M # mine\n  # and mine\n  login L\n  password P\n",
    "keywords for values": "machine M login login password password\n",
    "macro": "machine M login L password P\nmacdef init\ncd /x\nput y\n\n",
    "macros": "machine M login L password P\nmacdef init\ncd /x\n\nmacdef other\nquit\n\n",
    "blank line below": "machine M login L password P\n\n",
    "backslash": "machine M login L password P\\x\\\\\n",
    "utf-8": "machine M login L password Pä€\n",
    "latin-1": "machine M login L password P\udce4\n",
    "junk": "machine M login L password P and more\n  port 21\n".replace("\n  port 21", " port 21"),
    "CRLF": "machine M login L password P\r\n",
    "CRLF, lines": "machine M\r\n  login L\r\n  password P\r\n",
    "CRLF, macro": "machine M login L password P\r\nmacdef init\r\nquit\r\n\r\n",
    "long": "machine M login L password P" + "x" * 1000 + "\n",
}


def entry(syntax: str, machine: str, number: int) -> bytes:
    words = {"M": machine, "L": f"user{number}", "P": f"hf_{number}"}
    text = re.sub(r"\b[MLP](?![a-z])|P(?=[äP\udce4])", lambda match: words[match.group()], SYNTAXES[syntax])
    return text.encode("utf-8", "surrogateescape")


def corpus() -> dict[str, tuple[bytes, bytes]]:
    """Files, and what is to be left of each."""
    files = {}
    for syntax in SYNTAXES:
        others = "one line" if syntax in ("no login", "user") else syntax  # above an entry without one, see REFUSED
        a, b = (entry(others, f"{name}.example", number) for number, name in enumerate("ab", 1))
        hub, hf = entry(syntax, "huggingface.co", 3), entry(syntax, "hf.co", 4)
        files |= {
            f"{syntax}, first": (hub + a + b, a + b),
            f"{syntax}, middle": (a + hub + b, a + b),
            f"{syntax}, last": (a + b + hub, a + b),
            f"{syntax}, only": (hub, b""),
            f"{syntax}, twice": (hub + a + hf + hub + b, a + b),
        }
        if a.count(b"\n") == 1 and b"#" not in a:
            a, hub, b = a.strip(), hub.strip(), b.strip()
            files |= {
                f"{syntax}, first in a line": (hub + b" " + a + b"\n" + b, a + b"\n" + b),
                f"{syntax}, middle in a line": (a + b" " + hub + b" " + b, a + b" " + b),
                f"{syntax}, last in a line": (a + b" " + hub + b" \n" + b, a + b"\n" + b),
                f"{syntax}, last, without a newline": (a + b"\n" + hub, a + b"\n"),
            }
    a, b = entry("one line", "a.example", 1), entry("one line", "b.example", 2)
    hub, default = entry("one line", "huggingface.co", 3), b"default login d password e\n"
    return files | {
        "empty": (b"", b""),
        "blank": (b"\n \r\n", b"\n \r\n"),
        "comments": (b"# of mine\n#\n# X\n# \xe4\v\n", b"# of mine\n#\n# X\n# \xe4\v\n"),
        "no Hub": (a + b, a + b),
        "default last": (a + hub + default, a + default),
        "default only": (hub + default, default),
        "another letter case": (entry("one line", "HuggingFace.CO", 3) + a, a),
        "port": (entry("one line", "huggingface.co:443", 3) + hub, entry("one line", "huggingface.co:443", 3)),
        "lookalike": (entry("one line", "nothuggingface.co", 3) + hub, entry("one line", "nothuggingface.co", 3)),
        "end after login": (a + b"machine huggingface.co login", a),
        "end after the name": (a + b"machine huggingface.co", a),
        "number sign in front": (b"machine huggingface.co login x password #y\n" + a, a),
        "comment above": (b"# the Hub's\n" + hub + a, b"# the Hub's\n" + a),
        "comment below": (a + b"\n\n" + hub + b"# b's\n" + b, a + b"# b's\n" + b),
        "comments and blank lines": (
            b"# the Hub's\n" + hub + b"\n# a's\n" + a,
            b"# the Hub's\n# a's\n" + a,
        ),
        "comment on an old entry": (a + hub + b"# machine hf.co login no\n" + b, a + b"# machine hf.co login no\n" + b),
        "indented comment on an old entry": (
            b"machine a.example login x password y\r\n \t# machine hf.co login no\r\n" + hub,
            b"machine a.example login x password y\r\n \t# machine hf.co login no\r\n",
        ),
        "macro with a comment": (
            a + b"macdef init\n  # machine x\nput \xe4\n\n" + hub + b,
            a + b"macdef init\n  # machine x\nput \xe4\n\n" + b,
        ),
        "macro above": (a + b"macdef init\nquit\n\n" + hub + b, a + b"macdef init\nquit\n\n" + b),
        "macro above, comment below": (
            a + b"macdef init\nquit\n\n\n" + hub + b"# b's\n" + b,
            a + b"macdef init\nquit\n\n# b's\n" + b,
        ),
        "macro before all": (b"macdef init\nquit\n\n" + hub + b, b"macdef init\nquit\n\n" + b),
        "macro at the end": (a + hub + b"macdef init\nquit", a),
        "behind another in a line, with a macro": (
            a.strip() + b" " + hub + b"macdef init\nquit\n\n" + b,
            a + b,
        ),
        "over lines": (
            a.strip() + b" machine huggingface.co\nlogin x\npassword y " + b,
            a.strip() + b" " + b,
        ),
        "two behind another in a line": (a.strip() + b" " + hub + hub + b, a + b),
        "last in a line, at the end": (a.strip() + b" " + hub.strip(), a.strip()),
        "last in a line, CRLF": (a.strip() + b" " + hub.strip() + b"\r\n", a.strip() + b"\r\n"),
        "indented, at the end": (b" machine hf.co", b""),
        "glued comment below a blank line": (hub + b"\n#c \n" + a, b"#c \n" + a),
        "number sign below a blank line": (a + hub + b"\n#\n" + b, a + b"#\n" + b),
        "number sign between blank lines": (a + b"\n" + hub + b"\n#\n" + b, a + b"\n#\n" + b),
        "number signs above": (a + b" #\n#\n" + hub + b, a + b" #\n#\n" + b),
        "indented comment below": (hub + b" #c\n" + a, b" #c\n" + a),
        "between comments": (a + b"  # c\n\n" + hub + b"\n# d\n" + b, a + b"  # c\n# d\n" + b),
        "below a blank": (a.strip() + b" \n" + hub + b"# c\n" + b, a.strip() + b"\n# c\n" + b),
        "below a blank line": (b"\n" + hub + b"#\n" + a, b"#\n" + a),
        "CRLF between comments": (b"#\n" + hub.strip() + b"\r\n#\n" + a, b"#\n#\n" + a),
        "CRLF between comments and lines": (b"\n#\n" + hub.strip() + b"\r\n#\n" + a, b"\n#\n#\n" + a),
        "macro that ends with CRLF": (
            b"macdef init\nquit\n\r\n" + hub + b"# c\n" + a,
            b"macdef init\nquit\n\r\n# c\n" + a,
        ),
    }


CORPUS = corpus()

MALFORMED = {
    "NUL": (b"machine a.example login x\0 password y\n", "a NUL byte (line 1)"),
    "UTF-16": ("machine a.example".encode("utf-16"), "a NUL byte (line 1)"),
    "a keyword as a value, below": (
        b"machine a.example\nlogin\nlogin password y\n",
        "a value that is a keyword, which curl may take for one (line 3)",
    ),
    "a value below, with CRLF": (
        b"machine hf.co login x password\r\n y\r\n",
        "a value below its keyword, which curl takes the carriage return for (line 2)",
    ),
    "a login in a comment": (
        b"machine hf.co login #\npassword y\n",
        "a login that begins with #, which curl may take for a comment (line 1)",
    ),
    "a keyword before a byte over 127": (
        b"machine a.example login x password y Default\xea z\n",
        "a keyword beside a byte over 127, at which some curl ends a word (line 1)",
    ),
    "a keyword behind letters over 127": (
        "machine a.example login x password yéélogin\n".encode(),
        "a keyword beside a byte over 127, at which some curl ends a word (line 1)",
    ),
    "byte order mark": (
        b"\xef\xbb\xbfmachine a.example login x password y\n",
        "a byte order mark, which no program expects (line 1)",
    ),
    "old Mac": (b"machine a.example\rlogin x\rpassword y\r", "a carriage return inside a line (line 1)"),
    "behind blank lines": (b"\n\n\n\0\n", "a NUL byte (line 4)"),
    "carriage return": (b"\nmachine a.example login x\r password y\n", "a carriage return inside a line (line 2)"),
    "two carriage returns": (b"machine a.example login x\r\r\n", "a carriage return inside a line (line 1)"),
    "carriage return at the end": (b"machine a.example login x\r", "a carriage return inside a line (line 1)"),
    "huge line": (b"\nmachine a.example login x password " + b"y" * 5000, "the line is too long (line 2)"),
    "huge file": (b"machine a.example login x password y\n" * 2000, "the file is too long (line 1)"),
    "no name": (b"machine a.example login x password y\nmachine", "a machine without a name (line 2)"),
    "nothing but a comment for a name": (
        b"machine # x\na.example",
        "a value that begins with #, but does not end its line (line 1)",
    ),
    "two words for a name": (b'machine "a b" login x password y\n', "a machine without a name (line 1)"),
    "a name with blanks behind it": (b'machine "a.example " login x\n', "a machine without a name (line 1)"),
    "a name of nothing but blanks": (b'machine "  " login x\n', "a machine without a name (line 1)"),
    "a keyword behind a quote and a blank": (
        b'machine a.example password " login x"\n',
        "in quotes what git-lfs takes for a word of its own (line 1)",
    ),
    "number sign for a name": (b"machine #a\n", "a machine without a name (line 1)"),
    "umlaut in a name": ("machine ä.example login x password y\n".encode(), "a machine without a name (line 1)"),
    "keyword for a name": (
        b"machine default login x",
        "a value that is a keyword, which curl may take for one (line 1)",
    ),
    "keyword for a password": (
        b"\nmachine a.example login x password Machine\n",
        "a value that is a keyword, which curl may take for one (line 2)",
    ),
    "keyword for an account": (
        b"machine a.example account login password x\n",
        "a value that is a keyword, which curl may take for one (line 1)",
    ),
    "no machine": (b"login x password y\n", "`login` without a machine (line 1)"),
    "behind a macro": (b"machine a.example\nmacdef x\n\nlogin x\n", "`login` without a machine (line 4)"),
    "two logins": (b"machine a.example login x login y password z\n", "a second `login` for one machine (line 1)"),
    "machine after default": (b"default login x password y\nmachine a.example\n", "an entry after `default` (line 2)"),
    "two defaults": (b"default login x password y\ndefault login x password y\n", "an entry after `default` (line 2)"),
    "capital letters": (
        b"MACHINE a.example login x password y\n",
        "a keyword in quotes or capital letters, which is none to git-lfs (line 1)",
    ),
    "capital letters inside": (
        b"machine a.example USER x password y\n",
        "a keyword in quotes or capital letters, which is none to git-lfs (line 1)",
    ),
    "quoted keyword": (
        b'"machine" a.example login x password y\n',
        "a keyword in quotes or capital letters, which is none to git-lfs (line 1)",
    ),
    "unknown line": (b"machine a.example login x password y\nport 21\n", "a word that is no keyword (line 2)"),
    "prose": (b"see the wiki\n", "a word that is no keyword (line 1)"),
    "escaped keyword": (
        b"machine a.example login x password y m\\achine b.example\n",
        "a word that is no keyword (line 1)",
    ),
    "open quote": (b'machine a.example login x password "y\n', "a quote that is not closed on its line (line 1)"),
    "quote over lines": (
        b'machine a.example login x password "y\nz"\n',
        "a quote that is not closed on its line (line 1)",
    ),
    "word after a quote": (b'machine a.example login x password "y"X\n', "no blank after a quoted word (line 1)"),
    "vertical tab after a quote": (
        b'machine a.example login x password "y"\vz\n',
        "no blank after a quoted word (line 1)",
    ),
    "words in quotes": (
        b'machine a.example login x password "y machine b.example"\n',
        "in quotes what git-lfs takes for a word of its own (line 1)",
    ),
    "number sign in quotes": (
        b'machine a.example login x password "y #z"\n',
        "in quotes what git-lfs takes for a word of its own (line 1)",
    ),
    "escaped blank": (b"machine a.example login x password y\\ z\n", "a backslash at the end of a word (line 1)"),
    "escaped name": (b"machine a\\.example login x password y\n", "a machine without a name (line 1)"),
    "control character": (
        b"machine a.example login x password y\x01\n",
        "a blank that is no space, or a control character (line 1)",
    ),
    "vertical tab": (
        b"machine a.example\vlogin x password y\n",
        "a blank that is no space, or a control character (line 1)",
    ),
    "no-break space": (
        "machine a.example\u00a0login x password y\n".encode(),
        "a blank that is no space, or a control character (line 1)",
    ),
    "number sign before words": (
        b"machine a.example login #x password y\n",
        "a value that begins with #, but does not end its line (line 1)",
    ),
    "comment for a value": (
        b"machine a.example login\n# x\ny\n",
        "a value that begins with #, but does not end its line (line 2)",
    ),
    "words in a comment": (
        b"machine a.example login x # the password is\n",
        "in a comment what curl may take for a word of its own (line 1)",
    ),
    "quote in a comment": (
        b'machine a.example login x # the "word\n',
        "in a comment what curl may take for a word of its own (line 1)",
    ),
    "quote glued to a comment": (
        b'machine a.example login x #"word\n',
        "in a comment what curl may take for a word of its own (line 1)",
    ),
    "old entry below a quote": (
        b'machine a.example login x password "y"\n# machine hf.co login x password y\n',
        "a comment that Python does not take for one (line 2)",
    ),
    "two number signs": (b"\n# # x\n", "a comment that Python does not take for one (line 2)"),
    "old entry below a blank line": (
        b"\n# machine hf.co login x password y\n",
        "a comment that Python does not take for one (line 2)",
    ),
    "old entry, otherwise": (
        b"machine a.example\n#1 machine hf.co login x password y\n",
        "a comment that Python does not take for one (line 2)",
    ),
    "words in a macro": (
        b"macdef x\nmachine y\n\n",
        "in a macro what curl or git-lfs may take for a word of its own (line 2)",
    ),
    "quote in a macro": (
        b'macdef x\nput "y\n\n',
        "in a macro what curl or git-lfs may take for a word of its own (line 2)",
    ),
    "no-break space in a macro": (
        "macdef x\nput y\u00a0z\n\n".encode(),
        "in a macro what curl or git-lfs may take for a word of its own (line 2)",
    ),
    "macro without a name": (b"macdef\nx\n\n", "a macro without a name (line 2)"),
    "keyword for the name of a macro": (b"macdef Login\nx\n\n", "a macro without a name (line 1)"),
    "number sign for the name of a macro": (b"macdef #x\ny\n\n", "a macro without a name (line 1)"),
    "quoted name of a macro": (b'macdef "x"\ny\n\n', "a macro without a name (line 1)"),
    "macro in a line": (b"macdef x y\n\n", "something after the name of a macro (line 1)"),
    "blank after the name of a macro": (b"macdef x \n\n", "something after the name of a macro (line 1)"),
}

# Well-formed files, whose other entries would be read in another way without the Hub's.
REFUSED = {
    "a default would complete an entry": (
        b"machine a.example login x\nmachine hf.co login x password y\ndefault password z\n",
        "curl may not read an entry above, which has no login or no password, as it does (line 2)",
    ),
    "an entry without a login": (
        b"machine a.example password y\nmachine hf.co login x password y\nmachine b.example login x password y\n",
        "curl may not read an entry above, which has no login or no password, as it does (line 2)",
    ),
    "curl takes the next word for a password": (
        b"machine a.example login x password #y\nmachine hf.co login x password y\n",
        "above it is a password that begins with #, for which curl may take the next word (line 2)",
    ),
    "between two of one machine": (
        b"machine a.example password y login x\nmachine hf.co login x\nmachine a.example password q login z\n",
        "curl may take the entries above and below, for one machine, for one (line 2)",
    ),
    "Python takes a comment for words": (
        b"machine hf.co login x password y\n#b is this\nmachine b.example login x password y\n",
        "Python reads no comment like the next one above the first machine (line 1)",
    ),
    "Python takes a comment for words, below a macro": (
        b"machine a.example login x password y\nmacdef init\n\nmachine hf.co password y\n#b is\nmachine b.example\n",
        "Python reads no comment like the next one above the first machine (line 4)",
    ),
    "a quote ends the line above a comment": (
        b'machine a.example login x password "y"\nmachine hf.co password y\n# b is\nmachine b.example password x\n',
        "Python reads no comment below a word in quotes (line 2)",
    ),
    "Python 3.10 loses a line, below one line": (
        b"machine a.example login x password y #\nmachine hf.co password y\nmachine b.example password x\n",
        "the comment before it would hide the next line from Python (line 2)",
    ),
    "Python 3.10 loses a line": (
        b"machine a.example login x password y\n#\nmachine hf.co password y\nmachine b.example password x\n",
        "the comment before it would hide the next line from Python (line 3)",
    ),
}


def generated(seed: int) -> bytes:
    """A file of entries, comments, macros and blank lines; a part of them malformed."""
    chance = random.Random(seed)
    newline = chance.choice(["\n"] * 5 + ["\r\n"])
    plain = ["x", "y", "zz", "hf_abc"]
    odd = ['"q"', '"a b"', '"a \\" b"', "#h", "#", "a\\b", "password", "login", "machine", "äö", "a#b", '""', "default"]
    names = ["a.example", "b.example", "huggingface.co", "hf.co"]
    odd_names = ["HuggingFace.co", '"huggingface.co"', "huggingface.co:443", "nothf.co", '"a.example"', "B.example"]
    gaps = [" "] * 24 + ["\t", "  ", newline, newline + "  ", " " + newline]
    gaps += [f" # c{newline} ", f"{newline}# c{newline}"]
    orders = [["login", "password"]] * 12 + [["password", "login"], ["password"], ["login"], ["user", "password"], []]
    orders += [["login", "account", "password"], ["login", "password", "port"], ["login", "password", "login"]]
    ends = [newline] * 9 + [" ", f" {newline}", newline * 2, newline * 2]
    ends += [f" # c{newline}", f" #c x{newline}", f" #{newline}"]
    comments = ["# c here", "# c here", "#", "#c", "#c here", '#\t"x', "  # c", "# c ", "# machine hf.co login no"]
    parts = []
    for _ in range(chance.randint(1, 6)):
        kind = chance.random()
        if kind < 0.66:
            text = f"machine {chance.choice(odd_names if chance.random() < 0.1 else names)}"
            for word in chance.choice(orders):
                text += chance.choice(gaps) + word + (chance.choice(gaps) if chance.random() < 0.1 else " ")
                text += chance.choice(odd if chance.random() < 0.06 else plain)
            parts.append(text + chance.choice(ends))
        elif kind < 0.82:
            parts.append(chance.choice(comments) + chance.choice([newline] * 4 + [newline * 2]))
        elif kind < 0.9:
            parts.append(newline)
        elif kind < 0.94:
            body = chance.choice([f"cd /x{newline}", f"# y{newline}", f"put a b{newline}quit{newline}", ""])
            parts.append(f"macdef init{newline}{body}" + chance.choice([newline] * 6 + [""]))
    if chance.random() < 0.2:
        parts.append(chance.choice([f"default login d password e{newline}", f"default password q{newline}", "default"]))
    text = "".join(parts)
    return (text.rstrip() if chance.random() < 0.15 else text).encode()


def changed(wanted: int) -> Iterator[tuple[bytes, bytes]]:
    """So many generated files that hold the Hub's machines, and what is left of each."""
    seed = 0
    while wanted:
        content = generated(seed)
        seed += 1
        try:
            after = without_machines(content, HUB)
        except Problem:
            continue
        if after != content:
            wanted -= 1
            yield content, after


# --- what the programs see: `None` where they read nothing of the file ---

Rules = Callable[[bytes, str, "str | None"], "tuple[str, str] | None"]
Seen = dict[tuple[str | None, str], tuple[str, str] | None]  # for a user in the URL, and a host

WHO = [(user, host) for host in (*OTHERS, *HUB) for user in (None, "x") if user is None or host != OTHERS[-1]]
GIVES_UP = ("", "it sends no request")


def by_python(content: bytes) -> dict[str, tuple[str, str]] | None:
    """The `netrc` of the Python that runs the tests."""
    found = pythons.netrc.__new__(pythons.netrc)  # without a file, which takes most of the time
    found.hosts, found.macros = {}, {}
    try:
        found._parse("", io.TextIOWrapper(io.BytesIO(content), "utf-8", "surrogateescape"), False)
    except pythons.NetrcParseError:
        return None
    return {host: (login, password) for host, (login, _, password) in found.hosts.items()}


def curl_word(text: str, at: int, ends: str) -> tuple[str, int]:
    """A word, quoted or not, and where it ends; raises where curl gives up."""
    if text[at] != '"':
        end = next((i for i in range(at, len(text)) if text[i] in ends), len(text))
        return text[at:end], end
    if not (match := re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(text, at)):
        raise SyntaxError
    return re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL), match.end()


class OldCurl:
    """The rules of curl before 8.21, for one look into a file.

    They changed twice: from 8.11 on curl reads over the ends of lines, and no longer one by one (`by_line`); and what
    it keeps from one machine to the next is not what it was, `since` 8.11 and again since 8.12. (Debian 12 has 7.88
    with the second change, but not the first.)
    """

    def __init__(self, by_line: bool, since: int) -> None:
        self.by_line = by_line
        self.since = since

    def __call__(self, content: bytes, host: str, user: str | None) -> tuple[str, str] | None:
        self.host, self.user = host.lower(), user
        self.login, self.password = user, None
        self.state = self.wanted = ""
        self.has: set[str] = set()
        self.is_ours, self.is_found = self.since < 11, False
        lines = [line + "\n" for line in content.decode("latin-1").removesuffix("\n").split("\n")]
        if self.by_line:
            any(map(self.read_line, lines))
        else:
            self.read("".join(line for line in lines if not line.lstrip(" \t").startswith("#")))
        if not self.is_found:
            return None
        if self.since >= 11 and self.password is None and not self.is_ours and not self.login:
            return None
        return self.login or "", self.password or ""

    def read_line(self, line: str) -> bool:
        if self.state == "macdef" and line[0] in "\r\n":
            self.state = ""
        if len(line) > 4095 or self.state == "macdef":
            return False
        at = 0
        while line[at:].lstrip(" \t")[:1] not in ("", "#"):
            at = len(line) - len(line[at:].lstrip(" \t"))
            word, at = curl_word(line, at, " \t\n\v\f\r")
            at += 1  # over what ended the word, whatever it is
            if self.take(word):
                return True
        return False

    def read(self, text: str) -> None:
        at = 0
        while text[at:].lstrip(" \t"):
            at = len(text) - len(text[at:].lstrip(" \t"))
            if self.state == "macdef" and text[at] in "\r\n":
                self.state = ""
            if text[at] != "\n":
                # Bytes that are not ASCII are less than a space to it.
                word, end = curl_word(text, at, "".join(map(chr, [*range(33), *range(128, 256)])))
                if end == at:
                    raise SyntaxError
                at = end
                if self.take(word):
                    return
            at += 1

    def take(self, word: str) -> bool:
        """Take the next word; whether it is done."""
        key = word.lower()
        if self.since < 11 and self.login and self.password:
            return True
        if self.state == "macdef":
            self.state = self.state if word else ""
        elif self.state == "machine":
            self.state = "ours" if key == self.host else ""
            self.is_found = self.is_found or key == self.host
        elif self.state == "":
            if key in ("machine", "macdef"):
                self.state = key
            elif key == "default":
                self.state, self.is_found = "ours", True
            if key == "machine" and self.since >= 11:
                self.forget()
                self.is_ours = False
        elif self.wanted == "login":
            self.wanted = ""
            self.has.add("login")
            if self.user:
                self.is_ours = word == self.user
            else:
                self.login, self.is_ours = word, True
        elif self.wanted:
            self.wanted = ""
            if self.since >= 11 or self.is_ours or not self.user:
                self.password = word
            if self.since < 12 or self.is_ours or not self.user:
                self.has.add("password")
        elif key in ("login", "password"):
            self.wanted = key
        elif key == "machine":
            if self.since >= 12 and "password" in self.has:
                return True
            self.state = key
            if self.since >= 11:
                self.forget()
            else:
                self.is_ours = False
        elif key == "default" and self.since >= 11:
            self.login, self.password = self.user, None
        return self.since >= 11 and self.state == "ours" and len(self.has) == 2 and self.is_ours

    def forget(self) -> None:
        self.login, self.password, self.wanted, self.has = self.user, None, "", set()


def by_curl_8_21(content: bytes, host: str, user: str | None) -> tuple[str, str] | None:
    """The rules of curl from 8.21 on: entry by entry."""
    lines = (content.decode("latin-1").removesuffix("\n") + "\n").split("\n")[:-1]
    text = "".join(line + "\n" for line in lines if not line.lstrip(" \t").startswith("#"))
    values: dict[str, str] = {}
    is_host, at = False, 0

    def next_word() -> tuple[str | None, bool]:
        nonlocal at
        at = len(text) - len(text[at:].lstrip(" \t\r\n"))
        if at == len(text):
            return None, False
        is_quoted = text[at] == '"'
        word, at = curl_word(text, at, " \t\r\n")
        return word, is_quoted

    while True:
        word, is_quoted = next_word()
        key = None if word is None else "" if is_quoted else word.lower()
        if key in (None, "machine", "default", "macdef"):
            login, password = values.get("login"), values.get("password")
            is_told = password is not None if login is None or user else True
            if is_host and is_told and (not user or login in (None, user)):
                return user or login or "", password or ""
            values, is_host = {}, False
        if key is None:
            return None
        if key == "machine":
            name, _ = next_word()
            is_host = name is not None and name.lower() == host.lower()
        elif key == "default":
            is_host = True
        elif key in ("account", "login", "password"):
            value, _ = next_word()
            if value is not None and is_host:
                values[key] = value
        elif key == "macdef":
            match = re.compile(r"\n\r*(?=\n)").search(text, at)
            at = match.end() if match else len(text)


CURLS: dict[str, tuple[tuple[int, int], Rules]] = {  # with the version that such a curl says it is, or a later one
    "7.84": ((7, 84), OldCurl(by_line=True, since=0)),
    "7.88 in Debian 12": ((7, 84), OldCurl(by_line=True, since=11)),
    "8.11": ((8, 11), OldCurl(by_line=False, since=11)),
    "8.12": ((8, 12), OldCurl(by_line=False, since=12)),
    "8.21": ((8, 21), by_curl_8_21),
}


def one(rules: Rules, content: bytes, host: str, user: str | None) -> tuple[str, str] | None:
    try:
        return rules(content, host, user)
    except SyntaxError:
        return GIVES_UP


def by_rules(content: bytes, rules: Rules) -> Seen:
    """What a curl with these rules sends to others than the Hub."""
    return {(user, host): one(rules, content, host, user) for user, host in WHO if host not in HUB}


def by_git_lfs(content: bytes) -> dict[str, tuple[str, str]] | None:
    """git-lfs 3.3 to 3.8 by its rules: the machines, the first of each name, and `` for `default`."""
    spaces = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
    text, at = content.decode("utf-8", "surrogateescape"), 0
    found: list[dict[str, str]] = []
    has_default = False

    def scan() -> str | None:
        nonlocal at
        at = len(text) - len(text[at:].lstrip(spaces))
        if at == len(text):
            return None
        start = at
        ends = "\n" if text[at] == "#" else spaces
        while at < len(text) and text[at] not in ends:
            at += 1
        return text[start:at].strip(spaces).encode("utf-8", "surrogateescape").decode("latin-1")

    while (word := scan()) is not None:
        if word in ("machine", "default"):
            if has_default:
                return None
            has_default = word == "default"
            found.append({"machine": "" if has_default else scan() or ""})
        elif word in ("login", "password", "account"):
            if not found or found[-1].get(word):
                return None
            found[-1][word] = scan() or ""
        elif word == "macdef":
            scan()
    return {one["machine"]: (one.get("login", ""), one.get("password", "")) for one in reversed(found)}


def no_hub(seen: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {host: told for host, told in seen.items() if host.lower().strip('"') not in HUB}


def is_same(who: tuple[str | None, str], was: object, now: object, after: bytes) -> bool:
    """Whether curl tells a host what it told it.

    Where the URL has a user whom the file does not know, curl before 8.21 sends this host's password all the same, but
    only if it stands last in the file; which one does may change, and does no harm. (Some, as 8.14, end it at a byte
    above 127.)
    """
    user, host = who
    entries = parse_netrc(after)
    is_last = bool(entries) and (entries[-1].machine or host).lower() == host
    password = (entries[-1].password or "").encode("utf-8", "surrogateescape").decode("latin-1") if is_last else ""
    is_unknown = user is not None and was in (None, (user, ""))
    is_that = isinstance(now, tuple) and now[0] == user and password.startswith(now[1])
    return now == was or was == GIVES_UP or (is_unknown and is_last and is_that)


# --- the programs themselves ---


class Server:
    """An HTTP proxy that is every host: it asks each request for a password, and remembers what it was given.

    It is content with any where it has `answers`, and with none otherwise.
    """

    def __init__(self, answers: dict[str, bytes] | None = None) -> None:
        self.given: list[tuple[str, tuple[str, ...] | None]] = []
        self.batch: list[dict[str, object]] = []
        self.answers = answers or {}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                authorization = self.headers.get("Authorization")
                told = None
                if authorization:
                    login, _, password = base64.b64decode(authorization.split()[1]).decode("latin-1").partition(":")
                    told = login, password
                server.given.append((self.path, told))
                if self.path.endswith("/objects/batch"):
                    self.reply(200, json.dumps({"transfer": "basic", "objects": server.batch}).encode())
                elif told and self.path in server.answers:
                    self.reply(200, server.answers[self.path])
                else:
                    self.reply(401, b"")

            do_POST = do_GET  # noqa: N815

            def reply(self, status: int, body: bytes) -> None:
                self.send_response(status)
                if status == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="test"')
                self.send_header("Content-Type", "application/vnd.git-lfs+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *request: None  # a client that is done with its answer hangs up
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.shutdown()
        self.http.server_close()


def of_curl(files: list[bytes], directory: Path) -> list[Seen]:
    """What the installed curl sends for each of the files, in one run of it: no mere rules."""
    directory.mkdir()
    with Server() as server:
        configuration = []
        for number, content in enumerate(files):
            file = directory / str(number)
            file.write_bytes(content)
            for user, host in WHO:
                url = f"http://{f'{user}@' if user else ''}{host}/{number}/{user}"
                configuration.append(f'netrc-file="{file}"\nproxy="{server.url}"\nurl="{url}"\nsilent\n')
        subprocess.run(["curl", "-q", "-K", "-"], input="next\n".join(configuration).encode(), capture_output=True)
        given = dict(server.given)
    seen: list[Seen] = []
    for number in range(len(files)):
        seen.append({})
        for user, host in WHO:
            path = f"http://{host}/{number}/{user}"
            seen[-1][user, host] = given.get(path, GIVES_UP)
    return seen
