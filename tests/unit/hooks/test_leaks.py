"""Tokens are found in what is added: in lines of files, in messages and names, in one version after another."""

from __future__ import annotations

import base64
import random
import shutil
import string
from itertools import product
from pathlib import Path

import pytest
from amount import tenth
from hypothesis import given, settings
from hypothesis import strategies as st
from scans import JWT, MEBIBYTE, NULL, TOKEN, Repository, body, leaks, push

from git_credential_hf.hooks.leaks import Finder, _difference
from git_credential_hf.hooks.scan_index import scan_index
from git_credential_hf.hooks.scan_push import scan_push
from git_credential_hf.hooks.updates import RefUpdate


def test_a_token_in_a_partial_clone(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added is found even if git cannot tell whether it is a missing file under another name."""
    repository.add("old", "\n".join(map(str, range(100))))
    tip = repository.add("other", "\n".join(map(str, range(200, 300))))
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "partial")
    repository.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository.path}", str(clone.path))
    shutil.move(repository.path, tmp_path / "away")
    monkeypatch.chdir(clone.path)
    blob = clone.git(
        "hash-object", "-w", "--stdin", given=b"\n".join(b"%d" % n for n in range(100)) + b" " + TOKEN.encode()
    )
    tree = clone.git("mktree", "--missing", given=f"100644 blob {blob}\tnew\n".encode())
    new = clone.git("commit-tree", "-m", "x", "-p", tip, tree)
    assert leaks(push(new, tip)) == [(new, "file", "new", 1)]


TOKENS = [
    TOKEN,
    "api_org_" + body(34, letters=string.ascii_letters),
    "hf_app_" + body(32),
    "hf_oauth__refresh_" + body(34),
    "oauth_app_secret_" + body(34),
    "hf_oauth_" + JWT,
    "hf_jwt_" + JWT,
]
AROUND = ["{}", "a {} b", '"{}"', "https://u:{}@huggingface.co", "x\n{}\n", r'"text\n{}\n"', "T%3D{}", "ä{}ä", "\0{}\0"]


def test_tokens(repository: Repository) -> None:
    """Every kind of token is found in any surroundings, each once, with the number of files."""
    for number, (token, around) in enumerate(product(TOKENS, AROUND)):
        (repository.path / f"{number}").write_text(around.format(token) + " again " + token)
    repository.git("add", ".")
    assert {leak.token: leak.places for leak in scan_index().leaks} == dict.fromkeys(TOKENS, len(AROUND))
    new = repository.commit()
    assert {leak.token: leak.places for leak in push(new).leaks} == dict.fromkeys(TOKENS, len(AROUND))
    assert {leak.blob.commit for leak in push(new).leaks} == {new}


NOT_TOKENS = [
    *(TOKEN[:-1], TOKEN + "a", "a" + TOKEN, "_" + TOKEN, TOKEN + "_"),
    *("hf_" + "x" * 34, "hf_" + "abc" * 11 + "d", "hf_oauth__refresh_" + "X" * 34, "api_org_" + "y" * 34),
    *("api_org_" + "1" + body(33), "hf_hub_download", "hf_jwt_a.b.c", "hf_oauth_" + JWT.replace(".", "")),
    *(f"hf_jwt_{'x' * 20}.{'y' * 20}.{'z' * 20}", "hf_HubCITokenXXXX", TOKEN.upper()),
]


def test_what_is_not_a_token(repository: Repository) -> None:
    """Placeholders, words and longer names are not tokens."""
    for number, text in enumerate(NOT_TOKENS):
        (repository.path / f"{number}").write_text(text)
    repository.git("add", ".")
    assert [(NOT_TOKENS[int(leak.blob.path)], leak.token) for leak in scan_index().leaks] == []


def test_a_token_anywhere_in_a_file(repository: Repository) -> None:
    """A token across the end of a pipe's or a buffer's contents is found."""
    where = [size - 10 for size in (4096, 1 << 16, 1 << 17, 1 << 18, 1 << 20, 10 * MEBIBYTE - 40)]
    tokens = ["hf_" + body(34, seed) for seed in range(len(where))]
    content = bytearray(b" " * (10 * MEBIBYTE))
    for at, token in zip(where, tokens, strict=True):
        content[at : at + 37] = token.encode()
    repository.write("f", bytes(content))
    assert {leak.token for leak in scan_index().leaks} == set(tokens)


def test_secrets(repository: Repository) -> None:
    """Given values are found whatever they look like, except short ones; a token among them is found once."""
    repository.write("f", f"an-ordinary-é and {TOKEN} and short")
    found = scan_index(secrets=["an-ordinary-é", TOKEN, "short", "an-absent-one"]).leaks
    assert sorted((leak.token, leak.is_own) for leak in found) == sorted([("an-ordinary-é", True), (TOKEN, True)])


def basic(user: str, secret: str) -> bytes:
    return b"AUTHORIZATION: basic " + base64.b64encode(f"{user}:{secret}".encode())


@settings(max_examples=tenth(500), deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b\n", f" {TOKEN}", TOKEN[:20], TOKEN[20:], "hf_", JWT])), max_size=6))
def test_versions_of_a_file(versions: list[list[str]]) -> None:
    """What is found in the next version of a file does not depend on the ones before."""
    secrets = ["an-ordinary-é", "hf_" + body(34, 9)]
    finder = Finder(secrets)
    for number, parts in enumerate(versions):
        content = "".join(parts).encode() + (basic("me", secrets[1])[number % 3 :] if number % 2 else b"")
        assert finder.find_in_version(b"f", content) == Finder(secrets).find(content)


HIDDEN = {
    "UTF-16 of Windows": f"\ufeffx = '{TOKEN}'\r\n".encode("utf-16-le"),
    "UTF-16, the other way": f"\ufeff{TOKEN}".encode("utf-16-be"),
    "base64": base64.b64encode(TOKEN.encode()),
    **{f"base64 behind {user}": basic(user, TOKEN) for user in ("u", "us", "hf_user")},
}


@pytest.mark.parametrize("form", HIDDEN)
def test_forms_of_own_secrets(repository: Repository, form: str) -> None:
    """An own token is found in UTF-16, and in base64 with any user name; somebody else's only as it is."""
    repository.write("f", HIDDEN[form])
    (leak,) = scan_index(secrets=[TOKEN]).leaks
    assert (leak.token, leak.is_own) == (TOKEN, True)
    assert scan_index().leaks == []
    assert len(push(repository.commit(), secrets=[TOKEN]).leaks) == 1


def test_only_lines_that_are_added(repository: Repository) -> None:
    """A change elsewhere in a file with a token does not count, nor a move or a rename; one more line with it does."""
    text = f"a = {TOKEN}\n" + "\n".join(map(str, range(30)))
    base = repository.add("f", text)
    assert leaks(push(base)) == [(base, "file", "f", 1)]
    repository.write("f", text + "\nmore")
    assert scan_index().leaks == []
    repository.commit()
    repository.add("f", text.replace("a =", "the token is"))
    repository.git("mv", "f", "g")
    repository.write("g", text + "\nand more")
    assert scan_index().leaks == []
    moved = repository.commit()
    assert leaks(push(moved, base)) == []
    repository.write("g", text + f"\n{TOKEN}")
    (leak,) = scan_index().leaks
    assert (leak.blob.path, leak.is_public) == ("g", True)
    last = repository.commit()
    assert leaks(push(last, base)) == [(last, "file", "g", 1)]
    (leak,) = push(last, moved).leaks
    assert leak.is_public
    assert leaks(push(last)) == [(base, "file", "f", 2)]


def test_a_token_that_comes_with_a_merge(repository: Repository) -> None:
    """What a merge brings from one side is not added by it; what is in no parent is."""
    base = repository.add("f", "1\n2\n3\n4\n5\n")
    repository.git("checkout", "-q", "-b", "theirs")
    theirs = repository.add("f", f"{TOKEN}\n1\n2\n3\n4\n5\n")
    repository.git("checkout", "-q", "main")
    ours = repository.add("f", "1\n2\n3\n4\n5\n6\n")
    repository.git("merge", "-q", "--no-commit", "theirs")
    assert scan_index().leaks == []
    merge = repository.commit()
    assert leaks(push(merge, theirs, has=[ours])) == []
    assert leaks(push(merge, ours)) == [(theirs, "file", "f", 1)]
    assert leaks(push(merge, base)) == [(theirs, "file", "f", 1)]
    repository.git("checkout", "-q", "-B", "evil", ours)
    repository.git("merge", "-q", "--no-commit", "theirs")
    repository.write("g", TOKEN)
    assert [leak.blob.path for leak in scan_index().leaks] == ["g"]
    evil = repository.commit()
    assert leaks(push(evil, theirs, has=[ours])) == [(evil, "file", "g", 1)]


def test_a_token_outside_of_files(repository: Repository) -> None:
    """A token is found in messages of commits and tags, in new names of files and of references."""
    tokens = ["hf_" + body(34, seed) for seed in range(20, 26)]
    base = repository.add("old", f"x{'y' * 100}")
    repository.write(f"d/{tokens[0]}.txt", "z")
    assert leaks(scan_index()) == [(None, "name", f"d/{tokens[0]}.txt", 1)]
    named = repository.commit()
    repository.git("commit", "-q", "--allow-empty", "-m", f"about {tokens[1]}")
    said = repository.git("rev-parse", "HEAD")
    repository.git("tag", "-a", "-m", f"see {tokens[2]}", "v1")
    repository.git("tag", "-a", "-m", f"see {tokens[3]}", "v2", "v1")
    tag = repository.git("rev-parse", "v2")
    updates = [
        RefUpdate("refs/heads/main", said, f"refs/heads/{tokens[4]}", NULL),
        RefUpdate("refs/tags/v2", tag, "refs/tags/v2", NULL),
        RefUpdate("refs/heads/main", said, f"refs/heads/{tokens[5]}", base),
    ]
    assert {(leak.token, leak.kind, leak.blob.path) for leak in scan_push(updates).leaks} == {
        (tokens[0], "name", f"d/{tokens[0]}.txt"),
        (tokens[1], "commit", ""),
        (tokens[2], "tag", "refs/tags/v2"),
        (tokens[3], "tag", "refs/tags/v2"),
        (tokens[4], "reference", f"refs/heads/{tokens[4]}"),
    }
    changed = repository.add(f"d/{tokens[0]}.txt", "other")
    assert leaks(push(changed, said)) == []
    repository.git("mv", f"d/{tokens[0]}.txt", "plain.txt")
    assert leaks(scan_index()) == []
    assert leaks(push(named, base)) == [(named, "name", f"d/{tokens[0]}.txt", 1)]


def test_a_token_that_was_removed_again(repository: Repository) -> None:
    """The history that is pushed still contains it."""
    bad = repository.add("f", TOKEN)
    good = repository.add("f", "text")
    assert [leak.blob.commit for leak in push(good).leaks] == [bad]


def test_what_is_left_out_was_in_the_version_before() -> None:
    """What is not searched again is the start and the end of both versions, and nothing is part of both."""
    chance = random.Random(1)
    for _ in range(2000):
        before = bytes(chance.choices(b"ab\n", k=chance.randint(0, 3000)))
        changed = bytearray(before)
        for _ in range(chance.randint(0, 3)):
            at = chance.randint(0, len(changed))
            changed[at : at + chance.randint(0, 9)] = bytes(chance.choices(b"ab\n", k=chance.randint(0, 9)))
        after = bytes(changed)
        start, end = _difference(before, after)
        same = len(after) - end
        assert before[:start] == after[:start]
        assert before[len(before) - same :] == after[end:]
        assert start + same <= min(len(before), len(after))


@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 767, 768, 5000])
def test_a_token_at_any_place_of_the_next_version(length: int) -> None:
    """A token is found wherever it was put in, and so is one whose end alone is new."""
    text = bytes(random.Random(length).choices(b".; \n", k=length))
    for at in {0, length // 2, length}:
        for known in (0, 3, len(TOKEN) - 1):
            finder = Finder([])
            path = b"%d" % known
            given = b" %b\n" % TOKEN.encode()
            assert not finder.find_in_version(path, text[:at] + given[:known] + text[at:])
            assert finder.find_in_version(path, text[:at] + given + text[at:]) == {TOKEN: 1}
