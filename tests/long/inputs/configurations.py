"""git's configurations: what we read of them is what git reads, and what we change of them can be taken back."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

from git_credential_hf.configure import plan_configure, plan_unconfigure
from git_credential_hf.configure.settings import mapped_tokens
from git_credential_hf.git.config import read_config, read_config_file, removal_command
from git_credential_hf.git.credentials import is_given_elsewhere
from git_credential_hf.git.helper_chain import helper_chain, helper_command, is_our_helper, read_helper_entries
from git_credential_hf.git.other_helpers import other_helpers
from git_credential_hf.hooks.verdict import Verdict, read_severities
from git_credential_hf.hub import hub_origins
from git_credential_hf.problem import Problem
from git_credential_hf.purge import purge_helpers

URLS = (
    "https://huggingface.co",
    "https://huggingface.co/acme/model",
    "https://alice@huggingface.co/acme/model.git",
    "https://hf.co",
    "https://huggingface.co:443/acme",
    "https://evil.example/acme/model",
    "http://huggingface.co",
    "https://HF.co/datasets/acme/data",
)

HELPER = """#!/bin/sh
name=${0##*/}
echo "${name#git-credential-}" >> "$HELPERS_LOG"
"""


class Place:
    """A home with a repository, and helpers `n0` to `n9` on PATH that note their names and know nothing."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.repository = home / "repository"
        (self.repository / ".git/objects").mkdir(parents=True)
        (self.repository / ".git/refs").mkdir()
        (self.repository / ".git/HEAD").write_text("ref: refs/heads/main\n")
        (home / "programs").mkdir()
        (home / "programs/helper").write_text(HELPER)
        (home / "programs/helper").chmod(0o755)
        for number in range(10):
            for name in (f"n{number}", f"git-credential-n{number}"):
                (home / "programs" / name).symlink_to("helper")
        self.log = home / "log"
        os.environ["HELPERS_LOG"] = str(self.log)  # the fixture `home` has noted what was there
        os.environ["PATH"] += f"{os.pathsep}{home / 'programs'}"
        os.chdir(self.repository)

    def write(self, files: dict[str, bytes]) -> None:
        for name in (".gitconfig", "included", "more", "repository/.git/config"):
            path = self.home / name
            if name in files:
                path.write_bytes(files[name])
            else:
                path.unlink(missing_ok=True)


def listed(*options: str) -> list[tuple[str, str | None]] | None:
    """What `git config --list` says, key by key; `None` where it fails."""
    done = subprocess.run(["git", "config", "--list", "--null", *options], capture_output=True)
    if done.returncode:
        return None
    fields = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return [(key, value if newline else None) for key, newline, value in (field.partition("\n") for field in fields)]


def judge(files: dict[str, bytes], place: Place, url: str | None) -> str:
    """We read what git reads, or give one clear `Problem`; nothing that is done with it fails.

    With a `url`, the helpers that git starts for it are those that we name.
    """
    place.write(files)
    theirs = listed()
    try:
        entries = read_config()
    except Problem as problem:
        assert theirs is None, (files, problem)
        assert re.fullmatch(r"git failed: \S.*", problem.message), (files, problem)
        assert read_helper_entries() == [], files
        return "git cannot read it"
    assert theirs is not None, files
    ours = [(".".join(filter(None, (e.section, e.subsection or None, e.name))), e.value) for e in entries]
    # `[a ""]` is to git the key `a..b`: a subsection that is there, and blank. A NUL ends a key, perhaps behind a dot.
    assert ours == [
        ((key.replace("..", ".", 1) if ".." in key and key.count(".") == 2 else key).removesuffix("."), value)
        for key, value in theirs
    ], files
    assert all(e.scope in ("global", "local") and e.origin.startswith("file:") for e in entries), files
    for entry in entries:
        is_our_helper(entry.value or "")
        removal_command(entry)
    mapped_tokens(entries)
    is_given_elsewhere("https://huggingface.co/a/b", entries)
    read_severities(entries, Verdict())
    for origin in hub_origins():
        helper_chain(origin, entries)
    if url is None:
        return "read"
    looked_up = [(e.subsection, e.value) for e in read_helper_entries()]
    assert looked_up == [(e.subsection, e.value) for e in entries if e.is_helper()], files
    named = [e for e in other_helpers(entries) if not (e.value or "").startswith(("!", "/"))]
    purge_helpers([(e, hub_origins()) for e in named if not re.match(r"n\d|cache|store", e.value or "")])
    believed = [re.search(r"\bn\d\b", e.value or "") for e in helper_chain(url, entries)]
    place.log.write_text("")
    quiet = {**os.environ, "GIT_ASKPASS": ""}  # a helper may be named as that, too
    done = subprocess.run(
        ["git", "credential", "fill"], input=f"url={url}\n\n".encode(), capture_output=True, env=quiet
    )
    if b"could not read" not in done.stderr:
        words = rb"fatal: (bad|unable|missing)|error: missing|not valid|contains newline"
        assert re.search(words, done.stderr), (files, done)
        return "git gives up"  # at a value that it cannot read, after any number of helpers
    started = place.log.read_text().split()
    assert [found[0] for found in believed if found] == started, (files, url, started)
    return "read, and git asked"


def judge_configure(content: bytes, place: Place) -> str:
    """`configure` adds our line, a second time none, and git asks us alone; `unconfigure` gives the bytes back."""
    place.write({".gitconfig": content})
    file = place.home / ".gitconfig"
    try:
        changes = plan_configure("global")
        for change in changes:
            change.apply()
    except Problem as problem:
        assert file.read_bytes() == content, (content, problem)
        return "refused"
    assert plan_configure("global") == [], content
    entries = read_config_file(str(file))
    for origin in hub_origins():
        assert [e.value for e in helper_chain(origin, entries)] == [helper_command()], content
    for change in plan_unconfigure("global"):
        change.apply()
    assert file.read_bytes() == content, (content, file.read_bytes())
    return "restored"


# What once ended in an internal error.
ONCE_WRONG = {
    "a blank helper": b'[credential]\n\thelper = " "\n',
    "an open quote": b'[credential "https://huggingface.co/acme"]\n\thelper = "hf --token \'work"\n',
    "a huge pattern": b'[credential "https://%68f.co/' + b"x" * 200_000 + b'"]\n\thelper = n1\n',
}

# --- configurations ---

SUBSECTIONS = [
    *("https://huggingface.co", "https://huggingface.co", "https://hf.co", "https://huggingface.co/acme", "", "x"),
    *("a.b", "https://huggingface.co/acme/model", "https://alice@huggingface.co", "https://*.co", "https://*"),
    *("https://huggingface.*", "huggingface.co", "https://HuggingFace.co/", "https://huggingface.co:443"),
    *("https://huggingface.co:443/acme/", "http://", "https://evil.example", "https://huggingface.co/%61cme"),
    *("https://huggingface.co/x/../acme", "https://huggingface.co.", "https://huggingface.co?x"),
    *("https://huggingface.co#", "https://%68f.co", "@huggingface.co", "://", "https:///acme", "[::1]"),
    *("https://sub.hf.co", "\u00fc", "https://huggingface.co\\\\", 'quo\\"te', "https://hf.co/" + "x" * 300),
    *("https://*.*/%zz", " "),
]
SECTIONS = ["credential"] * 10 + [
    *("Credential", "hf", "core", "url", "http", "remote", "filter", "a-b", "lfs", "include", "credential2"),
]
NAMES = ["helper"] * 8 + [
    *("Helper", "username", "useHttpPath", "provider", "writeCheck", "largeFiles", "insteadOf", "askPass", "url"),
    *("path", "x-1"),
]
HELPERS = [
    *("n0", "n1", "n2", "n3", "", "", "hf", "n4 --option", '"n5"', "n6 # c", "n7;c", "/nowhere/git-credential-x"),
    *("hf --token work", '"hf --token \'work"', '"!f() { echo; }; f"', '" "', '"\\t"', "store", "cache --timeout 1"),
    *('"\'"', '"\\""', "n8\\\n --more", "hf x", "true", "block", "off", "WARN", "alice", '"a\\nb"', "\u00fc"),
    *('"!git-credential-hf"', "1" * 50, "https://hf.co/", '"hf --token"', "\\\\"),
]
BROKEN = ['"', "\\x", "\\", "a\rb", '"a', '\\"', 'a\\n"b', "= =", "[x]", "\x00", "\x01"]
LINES = [
    *("# c", "; c", "", " ", "\t", "[credential]helper = n9", "[x", "x", "=", "helper", "\\", "[]"),
    *('[credential "x]', "[a.B]", '[a.b "c"]', "[include]\n\tpath = included", "[include]\n\tpath = .gitconfig"),
    *("[include]\n\tpath = nowhere", "[include]\n\tpath", '[includeIf "gitdir:**"]\n\tpath = included'),
    *('[includeIf "gitdir:nowhere/"]\n\tpath = included', '[includeIf "onbranch:main"]\n\tpath = more'),
    *('[includeIf "hasconfig:remote.*.url:https://huggingface.co/**"]\n\tpath = more',),
    *('[url "https://hf.co/"]\n\tinsteadOf = hf:',),
    *('[credential "https://huggingface.co"]\n\thelper =\n\thelper = hf', "[core]\n\trepositoryformatversion = 0"),
    *("[core]\n\tbare",),
]
MARK = "\ufeff"


def text(chance: random.Random, most: int = 9) -> bytes:
    """A file as people write it, and now and then as none should."""
    newline = chance.choice(["\n"] * 9 + ["\r\n"])
    written = [MARK] if chance.random() < 0.03 else []
    for _ in range(chance.randrange(most)):
        if chance.random() < 0.2:
            line = chance.choice(LINES)
            written.append(
                line
                if chance.random() < 0.5 or line in ("[x", "x", "=", "helper", "\\", "[]", '[credential "x]')
                else ""
            )
            if line in ("[x", "x", "=", "helper", "\\", "[]", '[credential "x]') and chance.random() < 0.8:
                written.pop()
            continue
        section, subsection = chance.choice(SECTIONS), chance.choice(SUBSECTIONS)
        written.append(f'[{section} "{subsection}"]' if subsection or chance.random() < 0.1 else f"[{section}]")
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            value = chance.choice(BROKEN if chance.random() < 0.02 else HELPERS)
            blank = chance.choice(["\t", "    ", "", " "])
            equals = chance.choice([" = "] * 8 + ["=", "  =", " =\t"])
            written.append(
                f"{blank}{chance.choice(NAMES)}{equals}{value}"
                if chance.random() < 0.97
                else f"{blank}{chance.choice(NAMES)}"
            )
    data = newline.join(written).replace("\0", "\x02") + (newline if chance.random() < 0.9 else "")
    content = bytearray(data.encode())
    if chance.random() < 0.06:
        for _ in range(chance.choice((1, 1, 3))):
            at = chance.randrange(len(content) + 1)
            content[at : at + chance.randrange(2)] = chance.choice(
                (b"", b'"', b"\\", b"\r", b"\xff", b"\0", b"[", b"]", b"\n", chance.randbytes(1))
            )
    if chance.random() < 0.002:
        content += (
            b"\n[x]\n\ty = "
            + b"z" * 300_000
            + b"\n"
            + b'[credential "https://%hf.co/'
            + b"z" * 200_000
            + b'"]\n\thelper = n1\n'
        )
    return bytes(content)


def generated(number: int) -> dict[str, bytes]:
    chance = random.Random(number)
    local = b"[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
    files = {
        ".gitconfig": text(chance),
        "repository/.git/config": local + (text(chance, 4) if chance.random() < 0.4 else b""),
    }
    for name in ("included", "more"):
        if chance.random() < 0.5:
            files[name] = text(chance, 4)
    return files
