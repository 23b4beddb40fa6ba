"""Files of netrc: what is read and what is left, judged by Python, and by the rules of curl and git-lfs."""

from __future__ import annotations

import random

import netrc_programs as known  # what is known of the programs that read these files

from git_credential_hf.git.netrc import NetrcEntry, parse_netrc, used_entry, without_machines
from git_credential_hf.problem import Problem


def judge(content: bytes) -> str:
    """Nothing but a `Problem` is raised; ranges are in order; without the Hub the others are what they were."""
    try:
        found = parse_netrc(content)
    except Problem as problem:
        assert "(line " in problem.message, content
        return "refused"
    at = 0
    for entry in found:
        # A blank between two of one line may be either's.
        assert not content[entry.start : at].strip(b" \t") and entry.start < entry.end <= len(content), (content, found)
        assert 1 <= entry.line <= content.count(b"\n") + 1, (content, found)
        at = entry.end
    used = used_entry(content, "huggingface.co")
    assert used is None or (used.machine or "huggingface.co").lower() == "huggingface.co", (content, used)
    judge_use(content, used)
    try:
        after = without_machines(content, known.HUB)
    except Problem as problem:
        assert "cannot be changed" in problem.message, (content, problem)
        return "not to be changed"
    if after == content:
        assert not any((entry.machine or "").lower() in known.HUB for entry in found), content
        return "without the Hub"
    assert without_machines(after, known.HUB) == after, (content, after)
    assert not any((entry.machine or "").lower() in known.HUB for entry in parse_netrc(after)), (content, after)
    # All else is there byte for byte, but for blanks.
    rest, at = b"", 0
    for entry in found:
        if (entry.machine or "").lower() in known.HUB:
            rest, at = rest + content[at : entry.start] + b" ", entry.end
    assert (rest + content[at:]).split() == after.split(), (content, after)
    judge_others(content, after)
    return "changed"


def judge_use(content: bytes, used: NetrcEntry | None) -> None:
    """Who has the password that is said to be used gets it from some curl; where none is, from none that is told of."""
    said = {known.one(rules, content, "huggingface.co", None) for _, rules in known.CURLS.values()}
    if used is not None:  # the login may be one that curl before 8.21 has kept from an entry above
        password = (used.password or "").encode("utf-8", "surrogateescape").decode("latin-1")
        assert any(told and told[1] == password for told in said) or not password.isascii(), (content, used, said)
    else:
        assert any(told in (None, known.GIVES_UP) or not told[1] for told in said), (content, said)


def judge_others(before: bytes, after: bytes) -> None:
    """Every program sees of all others what it saw."""
    if (was := known.by_python(before)) is not None:
        assert known.by_python(after) == known.no_hub(was), (before, after)
    was = known.by_git_lfs(before)
    assert was is not None, before
    assert known.by_git_lfs(after) == known.no_hub(was), (before, after)
    for version, (_, curl) in known.CURLS.items():
        seen, now = known.by_rules(before, curl), known.by_rules(after, curl)
        for who in seen:
            assert known.is_same(who, seen[who], now[who], after), (version, who, before, after)


WORDS = [
    *(b"machine", b"default", b"macdef", b"login", b"user", b"password", b"account", b"port", b"#", b"# x", b"#x"),
    *(b'"', b"\\", b"huggingface.co", b"hf.co", b"a.example", b"B.Example", b"HF.co", b"hf.co:443", b"x", b"hf_abc"),
    *(b"\xff", b"\xc3\xa4", b'"a b"', b'"\\""', b"''", b"machine hf.co login x password y"),
    *(b"macdef init\nput x\n\n", b"x" * 300, b"", b"Machine"),
]
GAPS = [
    *(b" ", b" ", b" ", b" ", b"\n", b"\n", b"\n", b"\t", b"\r\n", b"\n\n", b"\n \n", b"  ", b"", b"\r", b"\0"),
    *(b"\x0b", b"\xa0", b"\xc2\xa0"),
]


def generated(number: int) -> bytes:
    """A file that somebody may have, one of mere words, or one that has come to harm."""
    chance = random.Random(number)
    kind = chance.random()
    if kind < 0.15:
        return b"".join(
            chance.choice(WORDS) + chance.choice(GAPS[: chance.choice((7, 12, 18))])
            for _ in range(chance.randrange(25))
        )
    content = bytearray(known.generated(number) + (known.generated(number + 1) if kind < 0.3 else b""))
    if kind > 0.6:
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            at = chance.randrange(len(content) + 1)
            match chance.randrange(6):
                case 0:
                    content[at : at + 1] = chance.randbytes(1)
                case 1:
                    del content[at : at + chance.randrange(1, 9)]
                case 2:
                    content[at:at] = chance.choice(GAPS)
                case 3:
                    content[at:at] = b" " + chance.choice(WORDS) + chance.choice(GAPS[:3])
                case 4:
                    content[at:at] = content[chance.randrange(len(content) + 1) :][: chance.randrange(60)]
                case 5:
                    del content[at:]
    return bytes(content)


# Of each kind a file that grows: time may grow with it, and no faster. The limit of the program is 64 KiB.
GROWING = {
    "machines": b"machine hf.co login l password x\n",
    "every other machine": b"machine hf.co login l password x\nmachine a.example login b password y\n",
    "with comments": b"machine hf.co login l password x # c\n# d\nmachine a.example login b password y # e\n",
    "comments": b"# c\n",
    "number signs": b"#\n",
    "macros": b"machine a.example login b password y\nmacdef x\n\n",
    "a macro": b"put x\n",
    "blank lines": b"\n",
    "blanks": b" ",
    "words": b"machine a.example login b password y a a a a\n",
    "quotes": b'machine hf.co login "l" password "\\x\\y\\z"\n',
    "open quotes": b'machine hf.co login "l\n',
    "backslashes": b"machine hf.co login l password x\\\\\n",
    "NUL": b"\0",
    "carriage returns": b"\r\n",
    "anything": b"\xff\n",
}
