"""Which entry of a netrc file is used, and the file without the Hub: judged by curl, git, git-lfs and Python."""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from netrc_programs import (
    CORPUS,
    CURLS,
    EXAMPLES,
    GIVES_UP,
    HUB,
    MALFORMED,
    OTHERS,
    REFUSED,
    Server,
    by_git_lfs,
    by_python,
    by_rules,
    changed,
    generated,
    is_same,
    no_hub,
    of_curl,
    one,
)

from git_credential_hf.git.netrc import git_netrc_path, netrc_paths, parse_netrc, used_entry, without_machines
from git_credential_hf.problem import Problem


@pytest.mark.parametrize("name", CORPUS)
def test_leaves_the_rest_byte_for_byte(name: str) -> None:
    """Without the Hub's machines, a file is what it was before they were there; a second time changes nothing."""
    before, after = CORPUS[name]
    assert without_machines(before, HUB) == after
    assert without_machines(after, HUB) == after


def test_the_corpus_is_large() -> None:
    """At least 60 files with a machine of the Hub are in the corpus."""
    assert sum(before != after for before, after in CORPUS.values()) >= 60


@pytest.mark.parametrize("name", MALFORMED)
def test_reports_what_is_malformed(name: str) -> None:
    """What programs read in different ways is reported with its line, never with its words, and never touched."""
    content, why = MALFORMED[name]
    asked: list[Callable[[bytes], object]] = [
        parse_netrc,
        lambda content: without_machines(content, HUB),
        lambda content: used_entry(content, HUB[0]),
    ]
    for ask in asked:
        with pytest.raises(Problem) as problem:
            ask(content)
        assert problem.value.message == f"the netrc file cannot be parsed: {why}"


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_what_would_change_another_machine(name: str) -> None:
    """A file is not changed where that would change what a program sees of another machine."""
    content, why = REFUSED[name]
    assert parse_netrc(content)
    with pytest.raises(Problem) as problem:
        without_machines(content, HUB)
    assert problem.value.message == f"the netrc file cannot be changed: {why}"


@pytest.mark.parametrize("size", [4094, 4095])
def test_longest_line(size: int) -> None:
    """A line may have as many bytes as curl reads of it, and a file as many as git-lfs does."""
    line = b"machine a.example login x password "
    asked = [line + b"y" * (size - len(line)) + end for end in (b"", b"\n")]
    whole = (b"machine a.example login x password y\n" * 1772)[: 65536 - 4094 + size]
    for content in (*asked, whole[: whole.rindex(b"m")] + b" " * (len(whole) - whole.rindex(b"m"))):
        if size == 4094:
            assert parse_netrc(content)[0].login == "x"
        else:
            with pytest.raises(Problem, match=r"the (line|file) is too long"):
                parse_netrc(content)


def test_entries_are_where_they_are() -> None:
    """Each entry has its values, its line, and the bytes that belong to it; a password is not in its repr."""
    pieces = [
        b"# mine\n\n",
        b"machine a.example login x password hf_1 # old\nmacdef init\nquit\n\n\n",
        b"machine b.example # b\n  account z\n  password hf_2\n",
        b" ",
        b'machine c.example login "y" ',
        b"default password hf_3 # z",
        b"\r\n\n# end\n",
    ]
    found = parse_netrc(b"".join(pieces))
    assert [(e.machine, e.login, e.password, e.line) for e in found] == [
        ("a.example", "x", "hf_1", 3),
        ("b.example", None, "hf_2", 8),
        ("c.example", "y", None, 11),
        (None, None, "hf_3", 11),
    ]
    assert [b"".join(pieces)[e.start : e.end] for e in found] == [
        *pieces[1:3],
        pieces[4],
        b" " + pieces[5],  # the last of a line, with the blank before it
    ]
    assert [e.written for e in found] == [b"hf_1", b"hf_2", b"", b"hf_3"]
    assert "hf_" not in repr(found)


# What may stand behind `password`, and what it is.
PASSWORDS = {
    b"XyX": "XyX",
    b"\nX and more": "X",
    b"y\\\\": "y\\\\",
    b"\xe4\xc3\xa4": "\udce4ä",
    b'"#y"\t': "#y",
    b'"y\tz"\r': "y\tz",
    b'"y \xe4\xc3\xa4"': "y \udce4ä",
    b'"\\n\\r\\t\\N\\\\\\""': '\n\r\tN\\"',
}


@pytest.mark.parametrize("written", PASSWORDS)
def test_passwords(written: bytes) -> None:
    """A password is what curl takes for it, in quotes or not, of whatever bytes."""
    (entry,) = parse_netrc(b"machine a.example login x password " + written + b"\n")
    assert (entry.login, entry.password) == ("x", PASSWORDS[written])


def test_every_program_sees_the_others_as_before() -> None:
    """Over generated files, curl, git-lfs and Python see without the Hub's machines what they saw of all others."""
    for before, after in changed(EXAMPLES):
        rest, at = b"", 0
        for entry in parse_netrc(before):
            if (entry.machine or "").lower() in HUB:
                rest, at = rest + before[at : entry.start] + b" ", entry.end
        assert (rest + before[at:]).split() == after.split(), (before, after)
        assert without_machines(after, HUB) == after

        if (was := by_python(before)) is not None:
            assert by_python(after) == no_hub(was), (before, after)
        # It takes the first of a name. No other than the Hub's goes, so what was the first still is.
        was = by_git_lfs(before)
        assert was is not None, before
        assert by_git_lfs(after) == no_hub(was), (before, after)
        for version, (_, curl) in CURLS.items():
            seen, now = by_rules(before, curl), by_rules(after, curl)
            for who in seen:
                assert is_same(who, seen[who], now[who], after), (version, who, before, after)


# --- the programs themselves ---


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_curl_itself_sees_the_others_as_before(tmp_path: Path) -> None:
    """Over the corpus and some generated files, the installed curl sends to others what it sent, to the Hub nothing."""
    files = [(before, after) for before, after in CORPUS.values() if before != after] + list(changed(150))
    seen = of_curl([file for pair in files for file in pair], tmp_path / "files")
    for (before, after), was, now in zip(files, seen[::2], seen[1::2], strict=True):
        has_default = any(entry.machine is None for entry in parse_netrc(after))
        for (user, host), told in was.items():
            if host not in HUB:
                assert is_same((user, host), told, now[user, host], after), (user, host, before, after)
            elif not has_default and now[user, host] != GIVES_UP:
                assert now[user, host] in (None, (user, "")), (user, host, before, after)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_the_rules_of_curl_are_those_of_curl_itself(tmp_path: Path) -> None:
    """The rules that stand for curl here say what the installed curl sends: over the corpus and generated files."""
    said = re.search(r"libcurl/(\d+)\.(\d+)", subprocess.check_output(["curl", "-q", "-V"], text=True))
    assert said
    version = max(since for since, _ in CURLS.values() if since <= (int(said[1]), int(said[2])))
    differ: dict[str, list[object]] = {name: [] for name, (since, _) in CURLS.items() if since == version}
    files = [before for before, _ in CORPUS.values()] + [generated(seed) for seed in range(200)]
    files += [content for content, _ in MALFORMED.values() if b"\0" not in content and len(content) < 2000]
    for content, seen in zip(files, of_curl(files, tmp_path / "files"), strict=True):
        for (user, host), told in seen.items():
            for name in differ:
                expected = one(CURLS[name][1], content, host, user)
                expected = (user, "") if user and expected is None else expected  # the user of the URL
                if expected != told:
                    differ[name].append((user, host, content, expected, told))
    assert [] in differ.values(), min(differ.values(), key=len)[:10]


USED = {
    "one": b"machine huggingface.co login x password y\n",
    "another letter case": b"machine HuggingFace.CO login x password y\n",
    "two": b"machine huggingface.co login x password y\nmachine huggingface.co login z password q\n",
    "another first": b"machine a.example login x password y\nmachine huggingface.co login z password q\n",
    "quoted": b'machine "huggingface.co" login x password "y \\" z"\n',
    "default": b"machine a.example login x password y\ndefault login z password q\n",
    "port": b"machine huggingface.co:443 login x password y\n",
    "sub": b"machine sub.huggingface.co login x password y\n",
    "macro": b"macdef init\nquit\n\nmachine huggingface.co login x password y\n",
    "comments": b"# machine huggingface.co login x password y\nmachine huggingface.co # z\n  login z\n  password q\n",
    "nobody": b"machine a.example login x password y\n",
    "empty": b"",
}


@pytest.mark.parametrize("user", [None, "z"])
@pytest.mark.parametrize("name", USED)
def test_git_uses_what_it_is_said_to(name: str, user: str | None, home: Path, tmp_path: Path) -> None:
    """Git, with the libcurl that it has, sends the login and the password of the entry that `used` names."""
    (home / ".netrc").write_bytes(USED[name])
    with Server() as server:
        url = f"http://{f'{user}@' if user else ''}huggingface.co/a/b.git"
        command = ["git", "-c", f"http.proxy={server.url}", "-c", "credential.helper=", "ls-remote", url]
        subprocess.run(command, capture_output=True)
        sent = {told for _, told in server.given if told and told != (user, "")}
    entry = used_entry(USED[name], "huggingface.co", user)
    if user and entry and entry.login not in (None, user) and not sent:
        return  # from 8.21 on, libcurl gives nobody the password of somebody else
    assert sent == ({(user or entry.login, entry.password)} if entry else set())


# A file for each way to write an entry and each place, and a few more: as many as there is time for.
FOR_GIT_LFS = [name for name in CORPUS if CORPUS[name][0] != CORPUS[name][1]]


def of_git_lfs(files: list[bytes], directory: Path) -> list[set[tuple[str, tuple[str, str]]]]:
    """What the installed git-lfs sends to which host for each of the files, a run of it for each."""
    hosts = (*OTHERS, *HUB)
    bodies = [bytes([number]) for number in range(len(hosts))]
    oids = [hashlib.sha256(body).hexdigest() for body in bodies]
    urls = [f"http://{host}/{oid}" for host, oid in zip(hosts, oids, strict=True)]

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=directory, check=True)

    directory.mkdir()
    git("init", "--quiet", ".")
    for number, oid in enumerate(oids):
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 1\n"
        (directory / f"{number}.bin").write_text(pointer)
    (directory / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    git("add", ".")
    git("-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "-m", "test")
    git("config", "lfs.url", "http://lfs.example")
    git("config", "lfs.transfer.maxretries", "1")
    git("config", "credential.helper", "")
    seen = []
    with Server(dict(zip(urls, bodies, strict=True))) as server:
        server.batch = [
            {"oid": oid, "size": 1, "actions": {"download": {"href": url}}} for oid, url in zip(oids, urls, strict=True)
        ]
        for content in files:
            home = directory / "home"
            home.mkdir(exist_ok=True)
            (home / ".netrc").write_bytes(content)
            server.given.clear()
            environment = {**os.environ, "HOME": str(home), "http_proxy": server.url}
            subprocess.run(["git-lfs", "fetch"], cwd=directory, env=environment, capture_output=True)
            seen.append({(url.split("/")[2], told) for url, told in server.given if told})
            shutil.rmtree(directory / ".git" / "lfs", ignore_errors=True)
    return seen


@pytest.mark.skipif(not shutil.which("git-lfs"), reason="no git-lfs")
def test_git_lfs_itself_sees_the_others_as_before(tmp_path: Path) -> None:
    """Over files of the corpus, git-lfs sends what its rules here say: to others as before, to the Hub nothing."""
    names = random.Random(0).sample(FOR_GIT_LFS, 40)
    files = sorted({file for name in names for file in CORPUS[name]})
    # It waits a quarter of a second wherever it is refused, so four at once.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        parts = [pool.submit(of_git_lfs, files[part::4], tmp_path / f"repository{part}") for part in range(4)]
        seen = {
            file: told for part in range(4) for file, told in zip(files[part::4], parts[part].result(), strict=True)
        }
    for content, told in seen.items():
        rules = by_git_lfs(content)
        assert rules is not None
        expected = {(host, rules.get(host, rules.get(""))) for host in (*OTHERS, *HUB)}
        assert told == {(host, login) for host, login in expected if login and any(login)}, content
    for name in names:
        was, now = (seen[file] for file in CORPUS[name])
        assert {one for one in was if one[0] not in HUB} == {one for one in now if one[0] not in HUB}, name
        assert "default" in name or not any(host in HUB for host, _ in now), name


def test_paths_are_those_that_somebody_reads(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are those of the home, whether they exist or not, and the one that NETRC names, once."""
    own = [str(home / ".netrc"), str(home / "_netrc")]
    assert netrc_paths() == own
    monkeypatch.setenv("NETRC", "/etc/netrc")
    assert netrc_paths() == [*own, "/etc/netrc"]
    monkeypatch.setenv("NETRC", own[0])
    assert netrc_paths() == own
    monkeypatch.setenv("NETRC", "")
    assert netrc_paths() == own


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where HOME says nothing it is the user's; where it is relative, no program is sure to find a file there."""
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
    """On Windows git reads `_netrc`, but only where there is no `.netrc`; elsewhere it never does."""
    for file in there:
        (home / file).touch()
    monkeypatch.setattr(sys, "platform", platform)
    assert git_netrc_path() == str(home / name)
