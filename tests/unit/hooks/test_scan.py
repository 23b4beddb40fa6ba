"""What a push or a commit adds is found in real repositories, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from amount import tenth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import git

from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.leaks import Finder
from git_credential_hf.hooks.scan_index import scan_index
from git_credential_hf.hooks.scan_push import scan_push, without_known
from git_credential_hf.hooks.updates import RefUpdate, parse_updates
from git_credential_hf.problem import Problem

NULL = "0" * 40
MEBIBYTE = 1 << 20
ALPHANUMERIC = string.ascii_letters + string.digits


def body(length: int, seed: int = 1, letters: str = ALPHANUMERIC) -> str:
    return "".join(random.Random(seed).choices(letters, k=length))


TOKEN = "hf_" + body(34)
JWT = f"{body(24, 2)}.{body(80, 3)}.{body(43, 4)}"


class Repository:
    """A git repository, and short ways to make history in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str | bytes, given: bytes | None = None) -> str:
        return git(*arguments, cwd=self.path, stdin=given or b"").strip()

    def write(self, path: str | bytes, content: str | bytes = "text\n") -> str:
        """Write and stage a file; return the id of its blob."""
        file = os.path.join(os.fsencode(self.path), os.fsencode(path))
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as to:
            to.write(content.encode() if isinstance(content, str) else content)
        self.git("add", "--", os.fsencode(path))
        return self.git("rev-parse", b":" + os.fsencode(path))

    def commit(self, *, allow_empty: bool = True) -> str:
        self.git("commit", "-q", "-m", "x", *(["--allow-empty"] if allow_empty else []))
        return self.git("rev-parse", "HEAD")

    def add(self, path: str | bytes, content: str | bytes = "text\n") -> str:
        """Commit a file; return the id of the commit."""
        self.write(path, content)
        return self.commit()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
        monkeypatch.setenv(f"GIT_{who}_DATE", "1700000000 +0000")
    return make(tmp_path / "work", monkeypatch)


def make(path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Repository:
    subprocess.run(["git", "init", "-q", "-b", "main", *options, str(path)], check=True)
    monkeypatch.chdir(path)
    return Repository(path)


def push(new: str, old: str = NULL, **options: object) -> Additions:
    return scan_push([RefUpdate("refs/heads/main", new, "refs/heads/main", old)], **options)  # type: ignore[arg-type]


def pointer_to(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


def store(content: bytes, lfs: Path) -> None:
    oid = hashlib.sha256(content).hexdigest()
    file = lfs / "objects" / oid[:2] / oid[2:4] / oid
    file.parent.mkdir(parents=True)
    file.write_bytes(content)


def binaries(found: Additions) -> set[tuple[str | None, str]]:
    return {(blob.commit, blob.path) for blob in found.binary}


# The input of a hook


def test_updates_are_parsed() -> None:
    """Each line is four words, of which the first may contain blanks; no lines are no updates."""
    a, b = "a" * 40, "b" * 64
    given_ = f"refs/heads/x {a} refs/heads/y {NULL}\n:/a b {b} refs/heads/z {a}\n(delete) {NULL} refs/heads/q {a}\n"
    updates = parse_updates(given_.encode())
    assert updates == [
        ("refs/heads/x", a, "refs/heads/y", NULL),
        (":/a b", b, "refs/heads/z", a),
        ("(delete)", NULL, "refs/heads/q", a),
    ]
    assert [update.is_deletion for update in updates] == [False, False, True]
    assert RefUpdate("(delete)", "0" * 64, "r", b).is_deletion
    assert parse_updates(b"") == []


@pytest.mark.parametrize(
    "line", [b"one two three", b"a b c d", b"a --all c " + b"0" * 40, b"a " + b"0" * 40 + b" c --all", b" "]
)
def test_invalid_input(line: bytes) -> None:
    """A word that is not an id never gets to git."""
    with pytest.raises(Problem):
        parse_updates(line + b"\n")


# Which objects


def test_only_what_the_remote_lacks(repository: Repository) -> None:
    """What the announced reference of the remote reaches is not scanned; an id that is not here excludes nothing."""
    old = repository.add("old", b"\0")
    new = repository.add("new", b"\0new")
    assert binaries(push(new, old)) == {(new, "new")}
    assert vars(push(new, new)) == vars(Additions())
    assert binaries(push(new)) == binaries(push(new, "1" * 40)) == {(old, "old"), (new, "new")}


def test_tracking_references_do_not_count(repository: Repository) -> None:
    """What is remembered of a remote is not what it has: its URL may have been changed."""
    old = repository.add("old", b"\0")
    new = repository.add("new", b"\0new")
    for name in ("none", "origin", "origin/x"):
        repository.git("remote", "add", name, "https://huggingface.co/a/b")
        repository.git("update-ref", f"refs/remotes/{name}/main", new)
    assert binaries(push(new)) == {(old, "old"), (new, "new")}
    assert binaries(push(new, old)) == {(new, "new")}


def test_what_the_remote_has_elsewhere(repository: Repository) -> None:
    """What other references of the remote reach is taken out of what was found, as if it had been excluded before."""
    base = repository.add("base", b"\0base")
    theirs = repository.add("theirs", b"\0theirs")
    repository.git("checkout", "-q", "-b", "side", base)
    repository.add("theirs", b"\0theirs")
    repository.git("merge", "-q", "-m", "x", "main")
    new = repository.add("new", f"\0 {TOKEN}")
    update = RefUpdate("refs/heads/side", new, "refs/heads/side", base)
    found = scan_push([update])
    assert len(found.binary) == 2
    left = without_known(found, [update], [theirs])
    assert binaries(left) == {(new, "new")} and len(left.leaks) == 1
    assert vars(left) == vars(scan_push([update], has=[theirs]))
    assert vars(without_known(found, [update], [new])) == vars(Additions())


def test_a_deletion_adds_nothing(tmp_path: Path) -> None:
    """Nothing is scanned; not even a repository is needed."""
    found = scan_push([RefUpdate("(delete)", NULL, "refs/heads/x", "a" * 40)])
    assert vars(found) == vars(Additions())


def test_an_unknown_local_id_is_a_problem(repository: Repository) -> None:
    """The problem has git's message, in one line."""
    with pytest.raises(Problem, match="1111") as caught:
        scan_push([RefUpdate("refs/tags/v1", "1" * 40, "refs/tags/v1", NULL)])
    assert "\n" not in caught.value.message


def test_the_commit_is_the_one_that_adds(repository: Repository) -> None:
    """A file is of the commit that adds it, not of later ones, whatever the dates are."""
    added = {}
    for number in range(5):
        os.environ["GIT_COMMITTER_DATE"] = f"{1_700_000_000 - 1000 * number} +0000"
        added[repository.add(f"d/f{number}", b"\0%d" % number)] = f"d/f{number}"
    found = push(repository.git("rev-parse", "HEAD"))
    assert binaries(found) == set(added.items())


def test_the_order_is_that_of_history(repository: Repository) -> None:
    """What is found comes from the first commit to the last, although git reads the last ones first."""
    stream = []
    for number in range(20_000):
        if number % 100 == 0:
            stream.append(b"commit refs/heads/main\ncommitter a <a@example> %d +0000\ndata 1\nx\n" % (10**9 + number))
        stream.append(b"M 644 inline %05d\ndata 6\n\0%05d\n" % (number, number))
    repository.git("fast-import", "--quiet", given=b"".join(stream))
    found = push(repository.git("rev-parse", "main"))
    assert [blob.path for blob in found.binary] == [f"{number:05}" for number in range(20_000)]


def test_a_token_on_another_branch(repository: Repository) -> None:
    """A file with a token that the remote has on another branch is not reported again, nor another line of it."""
    base = repository.add("base")
    theirs = repository.add("key", TOKEN)
    repository.git("checkout", "-q", base)
    repository.add("other")
    picked = repository.add("key", TOKEN)
    assert push(picked, base).leaks
    assert push(picked, base, has=[theirs]).leaks == []
    assert push(repository.add("key", f"{TOKEN}\n"), base, has=[theirs]).leaks == []
    (leak,) = push(repository.add("key", f"{TOKEN}\n" * 2), base, has=[theirs]).leaks
    assert leak.blob.path == "key"


def test_a_merge(repository: Repository) -> None:
    """Files of both sides are of their commits; what the merge itself adds is of the merge."""
    base = repository.add("base", b"\0base")
    repository.git("checkout", "-q", "-b", "side")
    side = repository.add("side", b"\0side")
    repository.git("checkout", "-q", "main")
    main = repository.add("main", b"\0main")
    repository.git("merge", "-q", "--no-commit", "side")
    merge = repository.add("evil", b"\0evil")
    assert binaries(push(merge, base)) == {(side, "side"), (main, "main"), (merge, "evil")}
    assert binaries(push(merge, main)) == {(side, "side"), (merge, "evil")}


def test_some_updates_at_once(repository: Repository) -> None:
    """Two branches and a deletion: what any remote reference reaches is excluded, and nothing is found twice."""
    base = repository.add("base", b"\0base")
    one = repository.add("one", b"\0one")
    repository.git("checkout", "-q", "-b", "two", base)
    two = repository.add("two", b"\0two")
    updates = [
        RefUpdate("refs/heads/main", one, "refs/heads/main", NULL),
        RefUpdate("refs/heads/two", two, "refs/heads/two", NULL),
        RefUpdate("HEAD", two, "refs/heads/copy", NULL),
        RefUpdate("(delete)", NULL, "refs/heads/gone", base),
    ]
    found = scan_push(updates)
    assert binaries(found) == {(one, "one"), (two, "two")}
    assert len(found.binary) == 2


def test_an_annotated_tag(repository: Repository) -> None:
    """A tag, even of a tag, adds the history of its commit."""
    new = repository.add("new", b"\0")
    repository.git("tag", "-a", "-m", "x", "v1")
    repository.git("tag", "-a", "-m", "x", "v2", "v1")
    tag = RefUpdate("refs/tags/v2", repository.git("rev-parse", "v2"), "refs/tags/v2", NULL)
    assert binaries(scan_push([tag])) == {(new, "new")}


def test_a_tag_of_a_blob_or_a_tree(repository: Repository) -> None:
    """A file in no commit is of the tag; any other one is of its commit, under its path there, and listed once."""
    commit = repository.add("d/f", b"\0f")
    blob = repository.git("hash-object", "-w", "--stdin", given=b"\0blob")
    inner = repository.git("hash-object", "-w", "--stdin", given=b"\0inner")
    tree = repository.git("mktree", given=f"100644 blob {inner}\tname\n".encode())
    updates = [RefUpdate("refs/heads/main", commit, "refs/heads/main", NULL)]
    for name, target in (("blob", blob), ("tree", tree), ("same", f"{commit}:d"), ("root", f"{commit}^{{tree}}")):
        repository.git("tag", "-a", "-m", "x", name, target)
        updates.append(RefUpdate(f"refs/tags/{name}", repository.git("rev-parse", name), f"refs/tags/{name}", NULL))
    ids = {update.local_ref: update.local_oid for update in updates}
    found = scan_push(updates)
    assert binaries(found) == {
        (commit, "d/f"),
        (ids["refs/tags/blob"], "refs/tags/blob"),
        (ids["refs/tags/tree"], "name"),
    }
    assert len(found.binary) == 3
    assert binaries(scan_push(updates[1:2])) == {(ids["refs/tags/blob"], "refs/tags/blob")}


def test_replacements_are_not_pushed(repository: Repository) -> None:
    """A push sends the object itself, so that is scanned, whatever `git replace` shows instead."""
    blob = repository.write("f", b"\0")
    new = repository.commit()
    repository.git("replace", blob, repository.git("hash-object", "-w", "--stdin", given=b"text"))
    assert binaries(push(new)) == {(new, "f")}


PATHS = [
    b"with space",
    b"tab\there",
    b" \" leading'",
    b"\\",
    b"\xff\xfe",
    "ü".encode(),
    b"-x",
    b" ",
    b"d /e ",
    b":(top)x",
]


def test_any_path(repository: Repository) -> None:
    """A path is reported as it is, byte for byte."""
    for number, path in enumerate(PATHS):
        blob = repository.git("hash-object", "-w", "--stdin", given=b"\0%d" % number)
        repository.git("update-index", "-z", "--index-info", given=b"100644 %s\t%s\0" % (blob.encode(), path))
    assert {os.fsencode(blob.path) for blob in scan_index().binary} == set(PATHS)
    assert {os.fsencode(blob.path) for blob in push(repository.commit()).binary} == set(PATHS)


def test_a_path_with_a_newline_confuses_nothing(repository: Repository) -> None:
    """What follows the newline is taken neither for an object nor for the card."""
    blob = repository.git("hash-object", "-w", "--stdin", given=b"\0")
    path = b"README.md\n" + b"1" * 40 + b" x"
    repository.git("update-index", "-z", "--index-info", given=b"100644 %s\t%s\0" % (blob.encode(), path))
    assert [os.fsencode(blob.path) for blob in scan_index().binary] == [path]
    new = repository.commit()
    last = repository.add("other", b"\0other")
    assert binaries(push(last)) == {(new, "README.md"), (last, "other")}


def test_a_submodule_is_not_entered(repository: Repository) -> None:
    """The commit of a submodule is not an object of this repository."""
    repository.git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",sub")
    assert vars(scan_index()) == vars(Additions())
    assert vars(push(repository.commit())) == vars(Additions())


# Which repositories


def test_sha256(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids may have 64 digits."""
    repository = make(tmp_path / "sha256", monkeypatch, "--object-format=sha256")
    repository.write("new", b"\0")
    assert len(scan_index().binary) == 1
    new = repository.commit()
    assert len(new) == 64
    assert binaries(push(new, "0" * 64)) == {(new, "new")}
    assert vars(push(new, new)) == vars(Additions())


def test_a_bare_repository(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No work tree is needed."""
    new = repository.add("new", b"\0")
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    monkeypatch.chdir(tmp_path / "bare")
    assert binaries(push(new)) == {(new, "new")}


def test_the_environment_of_a_hook(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIT_DIR and GIT_INDEX_FILE are used, as git sets them."""
    repository.write("new", b"\0")
    index = repository.path / ".git" / "index"
    shutil.move(index, tmp_path / "index")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(repository.path / ".git"))
    assert scan_index().binary == []
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert len(scan_index().binary) == 1


def test_a_shallow_clone(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History that the clone lacks is not added."""
    repository.add("old", b"\0")
    repository.add("older", b"\0\0")
    clone = Repository(tmp_path / "shallow")
    repository.git("clone", "-q", "--depth=1", f"file://{repository.path}", str(clone.path))
    monkeypatch.chdir(clone.path)
    new = clone.add("new", b"\0new")
    assert binaries(push(new, clone.git("rev-parse", "origin/HEAD"))) == {(new, "new")}


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone_fetches_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Missing objects are skipped, for any push and for a commit, even if the remote is not reachable."""
    repository.add("d/old", b"\0old")
    repository.add("README.md", "---\nx: y\n---\n")
    tip = repository.add("d/older", b"\0older")
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "partial")
    repository.git("clone", "-q", "--no-checkout", f"--filter={kind}", f"file://{repository.path}", str(clone.path))
    shutil.move(repository.path, tmp_path / "away")
    monkeypatch.chdir(clone.path)
    before = clone.git("count-objects", "-v")
    assert vars(push(tip)) == vars(Additions())
    assert clone.git("count-objects", "-v") == before
    if kind == "blob:none":
        clone.git("read-tree", "HEAD")
        blob = clone.git("hash-object", "-w", "--stdin", given=b"\0new")
        clone.git("update-index", "--add", "--cacheinfo", f"100644,{blob},d/new")
        clone.git("update-ref", "--no-deref", "HEAD", clone.git("rev-list", "HEAD").splitlines()[-1])
        assert binaries(scan_index()) == {(None, "d/new")}
        tree = clone.git("write-tree", "--missing-ok")
        new = clone.git("commit-tree", "-m", "x", "-p", tip, tree)
        assert binaries(push(new, clone.git("rev-parse", "origin/HEAD"))) == {(new, "d/new")}
        assert binaries(push(new)) == {(new, "d/new")}


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


# What is found


def test_large(repository: Repository) -> None:
    """A file over 10 MiB is large, and not read, so it is not binary as well."""
    repository.write("at", b"a" * (10 * MEBIBYTE))
    over = repository.write("over", b"\0" * (10 * MEBIBYTE + 1))
    assert [(blob.path, blob.oid, blob.size) for blob in scan_index().large] == [("over", over, 10 * MEBIBYTE + 1)]
    new = repository.commit()
    found = push(new)
    assert found.large == [(new, "over", over, 10 * MEBIBYTE + 1)]
    assert found.binary == []


def test_memory_is_flat(repository: Repository) -> None:
    """A blob of 300 MB takes less memory than that."""
    with tempfile.TemporaryFile() as zeros:
        zeros.truncate(300 * MEBIBYTE)
        settings_ = ("-c", "core.compression=1", "-c", "core.bigFileThreshold=1m")
        command = ["git", *settings_, "hash-object", "-w", "--stdin"]
        blob = subprocess.run(command, stdin=zeros, capture_output=True, check=True).stdout.decode().strip()
    repository.git("update-index", "--add", "--cacheinfo", f"100644,{blob},zeros")
    new = repository.commit()
    code = (
        "import resource, sys, threading\n"
        "threading.stack_size(1 << 20)\n"
        "resource.setrlimit(resource.RLIMIT_AS, (250 << 20, 250 << 20))\n"
        "from git_credential_hf.hooks.scan_push import scan_push\n"
        "from git_credential_hf.hooks.updates import RefUpdate\n"
        "update = RefUpdate('main', sys.argv[1], 'main', '0' * 40)\n"
        "print([blob.path for blob in scan_push([update]).large])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, new], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['zeros']\n", "")


def test_binary(repository: Repository) -> None:
    """A file with a NUL among the first 8000 bytes is binary, as for git."""
    repository.write("last", b"a" * 7999 + b"\0")
    repository.write("after", b"a" * 8000 + b"\0")
    repository.write("empty", b"")
    repository.write("latin", b"\xe4\n")
    assert binaries(scan_index()) == {(None, "last")}
    new = repository.commit()
    assert binaries(push(new)) == {(new, "last")}


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


def leaks(found: Additions) -> list[tuple[str | None, str, str, int]]:
    return [(leak.blob.commit, leak.kind, leak.blob.path, leak.places) for leak in found.leaks]


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


def test_no_contents(repository: Repository) -> None:
    """Without contents, only sizes are checked."""
    repository.write("big", b"a" * (10 * MEBIBYTE + 1))
    repository.write("f", TOKEN + "\0")
    for found in (scan_index(read_contents=False), push(repository.commit(), read_contents=False)):
        assert [blob.path for blob in found.large] == ["big"]
        assert not (found.binary or found.leaks or found.pointers)


# LFS


def test_pointers(repository: Repository) -> None:
    """An LFS object is missing if it is not stored, or with another size; an empty one never is."""
    store(b"here", repository.path / ".git" / "lfs")
    store(b"short", repository.path / ".git" / "lfs")
    repository.write("here", pointer_to(b"here"))
    repository.write("gone", pointer_to(b"gone"))
    repository.write("wrong", pointer_to(b"short").replace(b"size 5", b"size 6"))
    repository.write("empty", pointer_to(b""))
    expected = {("here", 4, False), ("gone", 4, True), ("wrong", 6, True), ("empty", 0, False)}
    for found in (scan_index(), push(repository.commit())):
        assert {(pointer.blob.path, pointer.size, pointer.is_missing) for pointer in found.pointers} == expected
        assert {pointer.oid for pointer in found.pointers} >= {hashlib.sha256(b"gone").hexdigest()}
        assert found.binary == []


def test_what_is_not_a_pointer(repository: Repository) -> None:
    """A file that is not exactly a pointer is an ordinary one."""
    pointer = pointer_to(b"x")
    for number, content in enumerate(
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            pointer.replace(b"sha256:", b"sha256:../"),
            pointer[:-20],
            pointer.replace(b"size 1", b"size -1"),
            pointer + b" " * 1024,
            b"# " + pointer,
            pointer + b"more\n",
            pointer + b"\nThat is a pointer.\n",
            pointer.replace(b"oid", b"key value\noid"),
        )
    ):
        repository.write(f"f{number}", content)
    assert scan_index().pointers == []


@pytest.mark.parametrize("where", ["elsewhere", "~/lfs", "absolute"])
def test_lfs_storage(repository: Repository, home: Path, tmp_path: Path, where: str) -> None:
    """`lfs.storage` may be any directory; a relative path starts at the git directory."""
    paths = {"elsewhere": repository.path / ".git" / "elsewhere", "~/lfs": home / "lfs", "absolute": tmp_path / "lfs"}
    store(b"here", paths[where])
    repository.git("config", "lfs.storage", str(paths[where]) if where == "absolute" else where)
    repository.write("here", pointer_to(b"here"))
    assert [pointer.is_missing for pointer in scan_index().pointers] == [False]


def test_a_linked_worktree(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A linked worktree has its own index, and the LFS objects of the repository."""
    repository.commit()
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"))
    monkeypatch.chdir(tmp_path / "linked")
    store(b"here", repository.path / ".git" / "lfs")
    linked = Repository(tmp_path / "linked")
    linked.write("here", pointer_to(b"here"))
    assert [pointer.is_missing for pointer in scan_index().pointers] == [False]
    assert [pointer.is_missing for pointer in push(linked.commit()).pointers] == [False]


def test_alternates(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git-lfs finds objects in the repository of `git clone --shared`."""
    store(b"here", repository.path / ".git" / "lfs")
    new = repository.add("here", pointer_to(b"here"))
    repository.git("clone", "-q", "--shared", ".", str(tmp_path / "shared"))
    monkeypatch.chdir(tmp_path / "shared")
    assert [pointer.is_missing for pointer in push(new).pointers] == [False]


def test_an_old_pointer_that_comes_back(repository: Repository) -> None:
    """The Hub has the object of a pointer that the remote had before; one that only this repository had is missing."""
    repository.git("remote", "add", "hf", "x")
    repository.add("f", pointer_to(b"old"))
    repository.add("f", "none")
    old = repository.add("g", "none")
    repository.git("update-ref", "refs/remotes/hf/main", old)
    repository.write("f", pointer_to(b"old"))
    repository.write("g", pointer_to(b"new"))
    expected = [("f", False), ("g", True)]
    assert [(pointer.blob.path, pointer.is_missing) for pointer in scan_index().pointers] == expected
    new = repository.commit()
    assert [(p.blob.path, p.is_missing) for p in push(new, old).pointers] == expected
    assert [p.is_missing for p in push(new).pointers] == [True, True]
    repository.git("update-ref", "-d", "refs/remotes/hf/main")
    repository.git("update-ref", "refs/heads/pr/1", new)  # `git fetch hf refs/pr/1:pr/1`, and `git merge --squash`
    repository.git("reset", "-q", "--soft", "HEAD~1")
    assert [(p.blob.path, p.is_missing) for p in scan_index().pointers] == [("f", False), ("g", False)]


# Directories


def test_full_directories(repository: Repository) -> None:
    """A directory with over 10,000 files at the tip is listed once, with the first commit in which it is full."""
    blob = repository.git("hash-object", "-w", "--stdin", given=b"x")
    short, many = f"100644 {blob}\t".encode(), 10_000
    files = [short + b"full/%d" % n for n in range(many + 1)] + [short + b"at/%d" % n for n in range(many)]
    files += [short + b"full/sub/x", short + b"at/sub/x"]
    repository.git("update-index", "-z", "--index-info", given=b"\0".join(files) + b"\0")
    assert scan_index().directories == [(None, "full", many + 1)]
    first = repository.commit()
    repository.write("full/more", "x")
    second = repository.commit()
    assert push(second).directories == [(first, "full", many + 2)]
    assert push(second, first).directories == [(second, "full", many + 2)]
    repository.write("other", "x")
    assert scan_index().directories == []
    third = repository.commit()
    assert push(third, second).directories == []
    repository.git("rm", "-q", "--cached", "full/more", "full/1")
    fourth = repository.commit()
    assert push(fourth).directories == []


# The index


def test_staged_is_what_differs_from_head(repository: Repository) -> None:
    """What only moved, changed its mode, was removed, or is intended to be added (`add -N`) is not added."""
    assert vars(scan_index()) == vars(Additions())
    for name in ("moved", "mode", "gone", "same", "changed"):
        repository.write(name, name.encode() + b"\0" * 50)
    assert len(scan_index().binary) == 5
    repository.commit()
    repository.git("mv", "moved", "d")
    repository.git("update-index", "--chmod=+x", "mode")
    repository.git("rm", "-q", "gone")
    (repository.path / "announced").write_bytes(b"\0")
    repository.git("add", "-N", "announced")
    repository.write("changed", b"other\0")
    assert binaries(scan_index()) == {(None, "changed")}


def test_a_conflict_is_not_staged(repository: Repository) -> None:
    """An unmerged path cannot be committed; the others are scanned."""
    repository.add("f", "base\n")
    repository.git("checkout", "-q", "-b", "side")
    repository.add("f", "side\n")
    repository.git("checkout", "-q", "main")
    repository.add("f", "main\n")
    subprocess.run(["git", "merge", "-q", "side"], capture_output=True, cwd=repository.path)
    repository.write("g", b"\0")
    assert binaries(scan_index()) == {(None, "g")}


def test_staged_from_a_subdirectory(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths start at the top, wherever git was started; the path of a full top directory is empty."""
    blob = repository.git("hash-object", "-w", "--stdin", given=b"\0")
    files = b"".join(b"100644 %s\t%d\0" % (blob.encode(), n) for n in range(10_001))
    repository.git("update-index", "-z", "--index-info", given=files)
    repository.write("d/f", b"\0f")
    monkeypatch.chdir(repository.path / "d")
    found = scan_index()
    assert (None, "d/f") in binaries(found)
    assert found.directories == [(None, "", 10_001)]
    new = repository.commit()
    assert push(new).directories == [(new, "", 10_001)]


# Progress and failure


def test_progress(repository: Repository) -> None:
    """The count only grows, and ends at the number of objects; an error in the callback is raised."""
    for number in range(3):
        repository.add(f"f{number}", str(number))
    seen: list[int] = []
    new = repository.git("rev-parse", "HEAD")
    push(new, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 9

    def fail(count: int) -> None:
        raise BrokenPipeError(count)

    with pytest.raises(BrokenPipeError):
        push(new, progress=fail)


def broken_tree(repository: Repository, objects: Path) -> None:
    tree = repository.git("rev-parse", "HEAD~1^{tree}")
    (objects / tree[:2] / tree[2:]).unlink()


def broken_blob(repository: Repository, objects: Path) -> None:
    blob = repository.git("rev-parse", "HEAD:f1")
    (objects / blob[:2] / blob[2:]).unlink()


def damaged_blob(repository: Repository, objects: Path) -> None:
    blob = repository.git("rev-parse", "HEAD:f1")
    file = objects / blob[:2] / blob[2:]
    file.chmod(0o644)
    with open(file, "r+b") as it:
        it.seek(40_000)
        it.write(b"\0" * 1000)


@pytest.mark.parametrize("damage", [broken_tree, broken_blob, damaged_blob])
def test_a_broken_repository_is_a_problem(repository: Repository, damage: Callable[[Repository, Path], None]) -> None:
    """Whichever git process fails, its message is raised in one line, and nothing hangs."""
    noise = random.Random(1)
    for number in range(3):
        repository.add(f"f{number}", noise.randbytes(100_000))
    for number in range(50):
        repository.write(f"g{number}", noise.randbytes(10_000))
    repository.commit()
    damage(repository, repository.path / ".git" / "objects")
    with pytest.raises(Problem) as caught:
        push(repository.git("rev-parse", "HEAD"))
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith("git ")


def test_not_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a repository git's message is raised."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Problem, match="not a git repository"):
        push("1" * 40)
    with pytest.raises(Problem, match="not a git repository"):
        scan_index()


# Against a slow reference

FILES = st.dictionaries(st.sampled_from(["a", "b", "d/a", "d/e/b", " c"]), st.integers(0, 6), max_size=4)


@settings(max_examples=tenth(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FILES, st.lists(st.integers(0, 9), max_size=2)), min_size=1, max_size=7), st.data())
def test_as_a_slow_reference_has_it(
    repository: Repository, steps: list[tuple[dict[str, int], list[int]]], data: st.DataObject
) -> None:
    """In any history, with merges and roots, each blob is found once that no excluded parent's tree has; its commit
    has it at its path, and no parent of that one has it.
    """
    contents = [repository.git("hash-object", "-w", "--stdin", given=b"\0%d" % number) for number in range(7)]
    commits: list[str] = []
    parents: dict[str, list[str]] = {}
    trees: dict[str, dict[str, str]] = {}
    for number, (files, wanted) in enumerate(steps):
        index = b"".join(f"100644 {contents[c]}\t{path}\0".encode() for path, c in files.items())
        repository.git("read-tree", "--empty")
        repository.git("update-index", "-z", "--index-info", given=index)
        above = sorted({commits[p] for p in wanted if p < len(commits)})
        options = [word for parent in above for word in ("-p", parent)]
        date = data.draw(st.integers(1_600_000_000, 1_600_000_009))
        os.environ["GIT_COMMITTER_DATE"] = f"{date} +0000"
        commit = repository.git("commit-tree", "-m", str(number), *options, repository.git("write-tree"))
        commits.append(commit)
        parents[commit], trees[commit] = above, {path: contents[c] for path, c in files.items()}

    def reached(tips: list[str]) -> set[str]:
        found: set[str] = set()
        while tips:
            found.update(tips)
            tips = [parent for tip in tips for parent in parents[tip] if parent not in found]
        return found

    new, old = data.draw(st.sampled_from(commits)), data.draw(st.sampled_from([None, *commits]))
    known = reached([old] if old else [])
    added = reached([new]) - known
    edge = {blob for c in added for parent in parents[c] if parent in known for blob in trees[parent].values()}
    found = push(new, old or NULL).binary
    assert sorted(blob.oid for blob in found) == sorted({b for c in added for b in trees[c].values()} - edge)
    for blob in found:
        assert blob.commit in added
        assert trees[blob.commit][blob.path] == blob.oid
        assert not any(blob.oid in trees[parent].values() for parent in parents[blob.commit])
