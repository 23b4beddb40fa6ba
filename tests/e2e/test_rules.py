"""Each rule of the hooks as a table: what the Hub refuses, and what it takes, and what the hook says of it before.

Each row is a push. If the hook refuses it, it is pushed again without the hook, so that a wrong "no" shows, unless the
row is `like_another`; if it does not, the Hub's own refusal shows a wrong "yes".
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from account import Account
from amount import IS_LONG
from pushes import BIG, HUB, SECRET, add, messages, uploads
from reasons import REASONS, _acme, _alice, _gated

from git_credential_hf.hooks.verdict import CHECKS

if TYPE_CHECKING:
    from fake_hub import Hub

IMAGE = b"\x89PNG\0\0" + b"x" * 1000
BAD_CARD = b"---\ncolorTo: violet\n---\n"
DEAD = SECRET[:-4] + b"XyZw"  # of a token's shape, and nobody's


class Place:
    """A repository with our hooks, and where it is pushed to."""

    def __init__(self, hub: "Hub", work: Account, path: Path) -> None:
        self.hub, self.work, self.path = hub, work, path
        self.token = ""
        self.repository = "alice/model"
        self.refs: tuple[str, ...] = ("main",)
        self.variables: dict[str, Any] = {}

    def push(self, *options: str) -> Any:
        self.work.git("remote", "add", "hub", HUB + self.repository, check=False)
        self.variables |= {"HF_TOKEN": self.token} if self.token else {}
        return self.work.git("push", "--force", *options, "hub", *self.refs, check=False, **self.variables)

    def publish(self) -> None:
        """Push without our checks, to a Hub that takes files of any size, so that it has all of this already."""
        limit, self.hub.blob_limit = self.hub.blob_limit, 1 << 30
        self.variables["GIT_CREDENTIAL_HF_HOOKS"] = "off"
        done = self.push()
        assert done.returncode == 0, done.stderr
        del self.variables["GIT_CREDENTIAL_HF_HOOKS"]
        self.hub.blob_limit = limit

    def add(self, **files: bytes) -> None:
        """Commit files; a name has `__` for a dot."""
        add(self.work, {name.replace("__", "."): content for name, content in files.items()})

    def remove(self, *names: str) -> None:
        self.work.git("rm", "--quiet", *names)
        self.work.git("commit", "--quiet", "--no-verify", "--message", "without them")

    def track_nothing_more(self) -> None:
        """Let pointers be committed as they are."""
        (self.work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n????.bin !filter\n")

    def crowd(self, directory: str, files: int) -> None:
        """Commit a directory with so many files, which are not in the work tree."""
        blob = self.work.git("hash-object", "-w", "--stdin").stdout.strip()
        entries = "".join(f"100644 blob {blob}\tf{number:05}\n" for number in range(files))
        tree = self.work.git("mktree", stdin=entries).stdout.strip()
        self.work.git("read-tree", "--prefix", f"{directory}/", tree)
        self.work.git("commit", "--quiet", "--no-verify", "--message", "many files")


class Row(NamedTuple):
    rule: str
    prepare: Callable[[Place], None]
    hub: str
    hook: str


ROWS: list[Row] = []
TAKES = "takes"
TAKES_A_LEAK = "takes a leak"  # which cannot be taken back: the one thing that the hook refuses, and the Hub does not

# The Hub's words.
UNAUTHORIZED = "You are not authorized to push to this repo"
BY_LFS = "Authorization error"
LARGE = "it contains files larger than 10 MiB"
CROWDED = "it contains too many files per directory"
BINARY = "it contains binary files"
NO_OBJECT = "an LFS pointer pointed to a file that does not exist"
METADATA = "rejected during YAML metadata verification"
SHALLOW = "shallow update not allowed"

REFUSES, WARNS, NOTHING = "refuses", "warns", "nothing"


def row(rule: str, hub: str, hook: str) -> Callable[[Callable[[Place], None]], Callable[[Place], None]]:
    """Add a row: what the Hub does, `TAKES` or its words when it refuses, and what the hook says before."""

    def add_row(prepare: Callable[[Place], None]) -> Callable[[Place], None]:
        ROWS.append(Row(rule, prepare, hub, hook))
        return prepare

    return add_row


# --- who may write ---


def _reason(name: str) -> Callable[[Place], None]:
    prepare, repository, _, _, _ = REASONS[name]

    def set_up(place: Place) -> None:
        place.token, place.repository = prepare(place.hub) or "", repository

    set_up.__name__ = name.replace(" ", "_")
    return set_up


for name in ("read-only", "fine-grained, for another repository", "fine-grained, to read the account"):
    row("writeCheck", UNAUTHORIZED, REFUSES)(_reason(name))
for name in ("not a member", "a reader", "a contributor"):
    row("writeCheck", UNAUTHORIZED, REFUSES)(_reason(name))


@row("writeCheck", TAKES, NOTHING)
def a_token_that_writes(place: Place) -> None:
    pass


@row("writeCheck", TAKES, NOTHING)
def fine_grained_for_the_repository(place: Place) -> None:
    place.token = place.hub.token("alice", "fineGrained", scoped={"alice/model": ["repo.write"]})


@row("writeCheck", TAKES, NOTHING)
def fine_grained_for_the_namespace(place: Place) -> None:
    place.token = place.hub.token("alice", "fineGrained", scoped={"alice": ["repo.write"]})


@row("writeCheck", TAKES, NOTHING)
def a_writer_of_the_organisation(place: Place) -> None:
    place.repository, place.token = "acme/model", _acme(place.hub, "write")


@row("writeCheck", TAKES, NOTHING)
def a_contributor_to_their_own(place: Place) -> None:
    _acme(place.hub, "contributor")
    place.hub.repository("acme/mine", private=True, creator="alice")
    place.repository = "acme/mine"


@row("writeCheck", TAKES, NOTHING)
def a_reader_with_a_pull_request(place: Place) -> None:
    place.repository, place.token = "acme/model", _acme(place.hub, None, "read")
    place.refs = ("main:refs/pr/1",)


@row("writeCheck", UNAUTHORIZED, REFUSES)
def a_reader_with_a_pull_request_and_a_branch(place: Place) -> None:
    a_reader_with_a_pull_request(place)
    place.refs += ("main",)


@row("writeCheck", TAKES, NOTHING)
def a_gate_that_is_open(place: Place) -> None:
    place.token = _gated(place.hub, "accepted")
    place.repository = "bob/gated"
    place.refs = ("main:refs/pr/1",)


@row("writeCheck", TAKES, NOTHING)
def an_old_name(place: Place) -> None:
    place.hub.rename("alice/model", "alice/renamed")


@row("writeCheck", TAKES, WARNS)
def nobody_who_answers(place: Place) -> None:
    place.hub.faults.status("/api/", 500)


@row("writeCheck", BY_LFS, WARNS)
def nobody_who_answers_and_read_only(place: Place) -> None:
    place.token = place.hub.token("alice", "read")
    place.hub.faults.status("/api/", 500)


@row("writeCheck", TAKES, NOTHING)
def a_deletion(place: Place) -> None:
    place.hub.repositories.named("alice/model").commit({"a.txt": b"a"}, branch="refs/heads/old")
    place.add(big__txt=BIG, image__ico=IMAGE, README__md=BAD_CARD)
    place.refs = (":old",)


def _shallow(place: Place, depth: int, *options: str) -> str:
    """Enter a shallow clone of `work`, with its LFS files; return the repository that it is of."""
    for number in range(3):
        place.add(notes__md=b"%d\n" % number)
    forge = place.path / "forge.git"
    place.work.git("clone", "--quiet", "--bare", str(place.work.where), str(forge))
    lfs = place.work.where / ".git/lfs"
    place.work.where = place.work.home
    place.variables["GIT_LFS_SKIP_SMUDGE"] = "1"
    clone = ("clone", "--quiet", "--depth", str(depth), *options, f"file://{forge}", "shallow")
    place.work.git(*clone, GIT_LFS_SKIP_SMUDGE="1")
    place.work.where = place.work.home / "shallow"
    place.work.run("cp", "-r", str(lfs), ".git/")
    place.work.run("git-credential-hf", "hooks", "install")
    return str(forge)


@row("writeCheck", SHALLOW, REFUSES)
def a_cut_off_history(place: Place) -> None:
    _shallow(place, 2)


@row("writeCheck", TAKES, NOTHING)
def a_cut_off_history_that_is_deepened(place: Place) -> None:
    _shallow(place, 1)
    place.work.git("fetch", "--quiet", "--unshallow", "origin")


@row("writeCheck", TAKES, NOTHING)
def another_branch_is_cut_off(place: Place) -> None:
    _shallow(place, 1)
    place.work.git("checkout", "--quiet", "--orphan", "whole")
    place.work.git("commit", "--quiet", "--no-verify", "--message", "a root")
    place.refs = ("whole:main",)


@row("writeCheck", TAKES, NOTHING)
def cut_off_above_what_the_hub_has(place: Place) -> None:
    place.publish()
    tip = place.work.git("rev-parse", "main").stdout.strip()
    _shallow(place, 4)
    assert tip in (place.work.where / ".git/shallow").read_text()
    place.refs = ("main:new",)


# --- large files ---


@row("largeFiles", LARGE, REFUSES)
def a_large_file(place: Place) -> None:
    place.add(big__txt=b"x" * ((10 << 20) + 1))


@row("largeFiles", TAKES, NOTHING)
def a_file_of_just_that_size(place: Place) -> None:
    place.add(big__txt=b"x" * (10 << 20))


@row("largeFiles", LARGE, REFUSES)
def a_large_file_of_the_past(place: Place) -> None:
    place.add(big__txt=BIG)
    place.remove("big.txt")


@row("largeFiles", LARGE, REFUSES)
def a_large_file_without_an_answer(place: Place) -> None:
    place.add(big__txt=BIG)
    place.hub.faults.status("/preupload/", 500)


@row("largeFiles", TAKES, NOTHING)
def a_large_file_that_the_hub_takes(place: Place) -> None:
    place.add(big__txt=BIG)
    place.hub.blob_limit = 1 << 30


@row("largeFiles", TAKES, NOTHING)
def a_large_file_in_lfs(place: Place) -> None:
    place.add(big__bin=BIG)


@row("largeFiles", TAKES, NOTHING)
def a_large_file_in_the_work_tree(place: Place) -> None:
    (place.work.where / "big.txt").write_bytes(BIG)


@row("largeFiles", TAKES, NOTHING)
def a_large_file_on_another_branch_of_the_hub(place: Place) -> None:
    place.add(big__txt=BIG)
    place.refs = ("main:old",)
    place.publish()
    place.add(notes__md=b"more\n")
    place.refs = ("main", "main:new")


@row("largeFiles", LARGE, REFUSES)  # git uploads it again
def a_large_file_that_comes_back(place: Place) -> None:
    place.add(big__txt=BIG)
    place.remove("big.txt")
    place.publish()
    place.work.git("revert", "--no-edit", "HEAD")


@row("largeFiles", TAKES, NOTHING)
def a_large_file_below_a_commit_that_is_not_here(place: Place) -> None:
    place.add(big__txt=BIG)
    place.publish()
    place.hub.repositories.named("alice/model").commit({"a.txt": b"a\n"})
    place.add(notes__md=b"more\n")


@row("largeFiles", TAKES, NOTHING)
def a_large_file_that_only_a_replacement_has(place: Place) -> None:
    place.add(small__txt=b"small\n")
    (place.path / "big").write_bytes(BIG)
    big = place.work.git("hash-object", "-w", str(place.path / "big")).stdout.strip()
    place.work.git("replace", place.work.git("rev-parse", "HEAD:small.txt").stdout.strip(), big)


@row("largeFiles", LARGE, REFUSES)
def a_large_file_that_a_replacement_hides(place: Place) -> None:
    place.add(big__txt=BIG, small__txt=b"small\n")
    place.work.git("replace", "HEAD:big.txt", "HEAD:small.txt")


@row("largeFiles", CROWDED, REFUSES)
def a_full_directory(place: Place) -> None:
    place.crowd("many", 10_001)


@row("largeFiles", TAKES, NOTHING)
def a_directory_that_is_just_not_full(place: Place) -> None:
    place.crowd("many", 10_000)
    place.crowd("many/more", 1)


@row("largeFiles", TAKES, NOTHING)
def a_directory_that_was_full_once(place: Place) -> None:
    place.crowd("many", 10_001)
    place.work.git("rm", "--quiet", "--cached", "many/f00000")
    place.work.git("commit", "--quiet", "--no-verify", "--message", "one less")


# --- binary files ---


@row("binaryFiles", BINARY, REFUSES)
def a_binary_file(place: Place) -> None:
    place.add(b__ico=IMAGE)


@row("binaryFiles", BINARY, REFUSES)
def a_binary_file_of_the_past(place: Place) -> None:
    place.add(b__ico=IMAGE)
    place.remove("b.ico")


@row("binaryFiles", TAKES, NOTHING)
def a_binary_file_that_the_hub_takes(place: Place) -> None:
    place.hub.accepted_binaries = (".png",)
    place.add(a__png=IMAGE)


@row("binaryFiles", BINARY, WARNS)
def a_binary_file_without_an_answer(place: Place) -> None:
    place.add(b__ico=IMAGE)
    place.hub.faults.status("/preupload/", 500)


@row("binaryFiles", TAKES, WARNS)
def a_good_binary_file_without_an_answer(place: Place) -> None:
    place.hub.accepted_binaries = (".png",)
    place.add(a__png=IMAGE)
    place.hub.faults.status("/preupload/", 500)


@row("binaryFiles", TAKES, NOTHING)
def a_text_with_a_late_nul(place: Place) -> None:
    place.add(late__txt=b"x" * 8000 + b"\0")


@row("binaryFiles", TAKES, NOTHING)
def a_binary_file_in_lfs(place: Place) -> None:
    place.add(image__bin=IMAGE)


@row("binaryFiles", TAKES, NOTHING)
def a_binary_file_that_the_hub_has(place: Place) -> None:
    place.hub.repositories.named("alice/model").commit({"b.ico": IMAGE})
    place.work.git("fetch", "--quiet", HUB + "alice/model", "main", HF_TOKEN=place.token)
    place.work.git("checkout", "--quiet", "-B", "main", "FETCH_HEAD", GIT_LFS_SKIP_SMUDGE="1")
    place.work.git("mv", "b.ico", "moved.ico")
    place.work.git("commit", "--quiet", "--no-verify", "--message", "moved")


# --- LFS objects ---


def _pointer(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


@row("lfsObjects", NO_OBJECT, REFUSES)
def a_lost_object(place: Place) -> None:
    place.track_nothing_more()
    place.add(lost__bin=_pointer(b"lost"))


@row("lfsObjects", TAKES, NOTHING)
def an_object_that_only_the_hub_has(place: Place) -> None:
    place.track_nothing_more()
    place.hub.repositories.named("alice/model").store(b"lost")
    place.add(lost__bin=_pointer(b"lost"))


@row("lfsObjects", NO_OBJECT, REFUSES)
def an_object_that_another_repository_has(place: Place) -> None:
    place.hub.repository("alice/other").store(b"lost")
    a_lost_object(place)


@row("lfsObjects", TAKES, WARNS)
def an_object_without_an_answer(place: Place) -> None:
    an_object_that_only_the_hub_has(place)
    place.hub.faults.status("/info/lfs/objects/batch", 500, times=1)


@row("lfsObjects", TAKES, NOTHING)
def a_pointer_in_a_text(place: Place) -> None:
    place.add(manual__md=b"A pointer:\n\n" + _pointer(b"an example"))


@row("lfsObjects", NO_OBJECT, REFUSES)
def objects_for_another_repository(place: Place) -> None:
    place.hub.repository("alice/other")
    place.work.git("config", "--file", ".lfsconfig", "lfs.url", HUB + "alice/other.git/info/lfs")
    place.add()


@row("lfsObjects", TAKES, NOTHING)
def objects_for_the_same_repository(place: Place) -> None:
    place.work.git("config", "--file", ".lfsconfig", "lfs.url", HUB + "alice/model.git/info/lfs")
    place.add()


# --- model cards ---


@row("metadata", METADATA, REFUSES)
def a_bad_card(place: Place) -> None:
    place.add(README__md=BAD_CARD)


@row("metadata", METADATA, REFUSES)
def a_bad_card_in_a_tag(place: Place) -> None:
    place.add(README__md=BAD_CARD)
    place.work.git("tag", "--annotate", "--message", "one", "v1")
    place.refs = ("v1",)


@row("metadata", METADATA, WARNS)
def a_bad_card_when_nobody_answers(place: Place) -> None:
    place.add(README__md=BAD_CARD)
    place.hub.faults.status("/api/", 500)


@row("metadata", TAKES, NOTHING)
def a_good_card(place: Place) -> None:
    place.add(README__md=b"---\ncolorTo: red\nlicense: mit\n---\n")


@row("metadata", TAKES, NOTHING)
def a_card_that_was_bad_once(place: Place) -> None:
    place.add(README__md=BAD_CARD)
    place.add(README__md=b"---\ncolorTo: red\n---\n")


@row("metadata", TAKES, NOTHING)
def a_bad_card_in_a_directory(place: Place) -> None:
    (place.work.where / "docs").mkdir()
    (place.work.where / "docs/README.md").write_bytes(BAD_CARD)
    place.add()


@row("metadata", TAKES, NOTHING)
def a_bad_card_in_the_work_tree(place: Place) -> None:
    (place.work.where / "README.md").write_bytes(BAD_CARD)


@row("metadata", TAKES, NOTHING)
def a_text_in_place_of_a_card(place: Place) -> None:
    place.add(README__md=b"colorTo: violet\n")


# --- tokens ---


@row("leakedTokens", TAKES_A_LEAK, REFUSES)
def the_own_token(place: Place) -> None:
    place.add(config__py=place.token.encode())


@row("leakedTokens", TAKES_A_LEAK, REFUSES)
def a_valid_token(place: Place) -> None:
    place.add(config__py=SECRET)


@row("leakedTokens", TAKES_A_LEAK, REFUSES)
def a_valid_token_of_the_past(place: Place) -> None:
    place.add(config__py=SECRET)
    place.remove("config.py")


@row("leakedTokens", TAKES_A_LEAK, REFUSES)
def a_valid_token_in_a_message(place: Place) -> None:
    place.work.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", SECRET.decode())


@row("leakedTokens", TAKES, NOTHING)
def a_dead_token(place: Place) -> None:
    place.add(config__py=DEAD)


@row("leakedTokens", TAKES, NOTHING)
def a_placeholder(place: Place) -> None:
    place.add(config__py=b"hf_" + b"x" * 34 + b"\nhf_your_token_here\n")


@row("leakedTokens", TAKES, WARNS)
def a_token_without_an_answer(place: Place) -> None:
    place.add(config__py=SECRET)
    place.hub.faults.status("/api/whoami-v2", 500)


@row("leakedTokens", TAKES, NOTHING)
def another_line_beside_a_token(place: Place) -> None:
    place.add(config__py=SECRET + b"\n")
    place.publish()
    place.add(config__py=SECRET + b"\nmore\n")


@row("leakedTokens", TAKES, NOTHING)
def a_token_in_the_work_tree(place: Place) -> None:
    (place.work.where / "config.py").write_bytes(SECRET)


# --- the table ---

# What depends on git's version, and what other rows are much like.
IN_TREES = (a_cut_off_history, cut_off_above_what_the_hub_has, a_large_file_of_the_past, a_lost_object, a_bad_card)
LONG = (
    *(fine_grained_for_the_namespace, a_writer_of_the_organisation, a_reader_with_a_pull_request, nobody_who_answers),
    *(a_cut_off_history_that_is_deepened, another_branch_is_cut_off, a_large_file_without_an_answer),
    *(a_large_file_in_lfs, a_large_file_in_the_work_tree, a_binary_file_of_the_past, a_binary_file_in_lfs),
    *(a_pointer_in_a_text, objects_for_the_same_repository, a_bad_card_in_the_work_tree, a_token_in_the_work_tree),
    *(a_text_in_place_of_a_card, a_valid_token_of_the_past, a_large_file_that_only_a_replacement_has),
    # What the Hub takes runs each time: no push is refused wrongly.
    *(a_large_file_that_comes_back, a_bad_card_in_a_directory),
)
# Each reason is given by the hook in hooks/test_refused_for_access.py.
LONG_REASONS = ("fine-grained, to read the account", "not a member", "a contributor")


def reason(row: Row) -> str:
    return row.prepare.__name__.replace("_", " ")


def _marked(row: Row) -> Any:
    in_trees, long = row.prepare in IN_TREES, row.prepare in LONG or reason(row) in LONG_REASONS
    marks = [pytest.mark.git_versions(each_run=2)] * in_trees + [pytest.mark.long] * long
    return pytest.param(row, id=row.prepare.__name__, marks=marks)


def like_another(row: Row) -> bool:
    """Whether another row of this run shows what the Hub says: by the same rule, or that it looks for no tokens."""
    shown = ("read-only", "a reader with a pull request and a branch", "a valid token")
    return not IS_LONG and row.hub in (UNAUTHORIZED, TAKES_A_LEAK) and reason(row) not in shown


@pytest.mark.parametrize("row", [*map(_marked, ROWS)])
def test_the_hub_and_the_hook(row: Row, world: "Hub", work: Account, tmp_path: Path) -> None:
    """What the hook refuses the Hub refuses as well, before anything was uploaded; what it takes is not refused."""
    place = Place(world, work, tmp_path)
    world.token(world.user("somebody"), value=SECRET.decode())
    if reason(row) not in REASONS:
        place.token = _alice(world)
    row.prepare(place)
    world.log.clear()
    done = place.push()
    said = REFUSES if messages(done, "error") else WARNS if messages(done, "warning") else NOTHING
    assert said == row.hook, done.stderr
    if said == REFUSES:
        assert done.returncode == 1
        assert uploads(world) == []
        if like_another(row):
            return
        if row.hub not in (UNAUTHORIZED, LARGE, BINARY):  # what git-lfs does, which is run by the hook that is left out
            work.git("lfs", "push", "hub", "HEAD", check=False, **place.variables)
        done = place.push("--no-verify")
    if row.hub in (TAKES, TAKES_A_LEAK):
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode != 0
        assert row.hub in done.stderr


def test_each_rule_has_rows_of_both_kinds() -> None:
    """For each check there is what the Hub refuses, and what it takes; nothing that it takes is refused but leaks."""
    assert {row.rule for row in ROWS} == {*CHECKS}
    for check in CHECKS:
        rows = [row for row in ROWS if row.rule == check]
        assert any(row.hook == REFUSES for row in rows)
        assert any((row.hub, row.hook) == (TAKES, NOTHING) for row in rows)
    assert not [row for row in ROWS if (row.hub, row.hook) == (TAKES, REFUSES)]
