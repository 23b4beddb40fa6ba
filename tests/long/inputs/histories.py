"""Histories and pushes: git itself pushes to the Hub, whose own hook judges, and ours has said before what it thinks.

A history has merges, renames, what comes back, tags, odd names. The repository that is pushed from may be shallow,
partial, grafted, or have replacements; the Hub may have references that it lacks.
"""

import hashlib
import os
import random
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fake_hub import pre_receive

from git_credential_hf.hooks.judge import check_push

if TYPE_CHECKING:
    from fake_hub import Hub

NAME = "alice/model"
URL = f"https://huggingface.co/{NAME}"
VALID = b"hf_vQ7mKd2RzXe9TnBwLc4YsPfJ6hGaUoEfGh"
DEAD = b"hf_aT4nRk8WzQe2HmBvLd6YcPgJ9sFxUoIbMw"
LARGE = b"large\n" * (2 << 20)
CARDS = (b"---\ncolorTo: red\nlicense: mit\n---\ntext\n", b"---\ncolorTo: violet\n---\ntext\n", b"no metadata\n")
PATHS = (
    *(b"a.txt", b"b.txt", b"dir/a.txt", b"dir/sub/deep.md", b"README.md", b"docs/README.md", b"x.png", b"y.ico"),
    *("\u00fc\u4f60.txt".encode(), b"\xff\xfe.txt", b'quo"te', b"back\\slash", b"new\nline", b"-dash", b" blank "),
    *(b":(glob)*", b"tab\there", b"-/x", b"l" * 200, b"model.bin", b"dir/model.bin", b"'", b"$(x)`", b"many2"),
)
HEADS = ("main", "dev", "feature/\u00fc", "x@y", "-dash", "a'b")
OTHERS = ("refs/pr/1", "refs/pr/22", "refs/tags/old", "refs/notes/commits")
WEIGHTS = [f"weights {number}".encode() for number in range(8)]

Tree = dict[bytes, tuple[str, bytes]]  # the mode and the content of each path


class Commit(NamedTuple):
    parents: list[int]
    tree: Tree
    directory: int  # files of the directory `many`, which are not in the tree
    message: bytes


def pointer(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


class Pushes:
    """The Hub with one repository, and a place for those that are pushed from."""

    def __init__(self, hub: "Hub", place: Path) -> None:
        self.hub, self.place = hub, place
        hub.token(hub.user("bob"), value=VALID.decode())
        hub.user("alice")
        self.token = hub.token("alice")
        self.remote = hub.repository(NAME)
        hub.accepted_binaries = (".png",)
        # Plain environments: git's own, without our hooks, and the Hub's.
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "LC_ALL")},
            **{f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
            "HOME": str(place),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.of_hub = {
            **self.environment,
            "HOME": hub.repositories.environment["HOME"],
        }
        self.template = place / "template.git"
        self.git("init", "--quiet", "--bare", "--template=", str(self.template), where=place)
        hooks = place / "hooks"
        hooks.mkdir()
        (hooks / "pre-push").write_text('#!/bin/sh\ncat > "$GIT_DIR/pushed"\n')
        (hooks / "pre-push").chmod(0o755)
        for key, value in (("uploadpack.allowFilter", "true"), ("gc.auto", "0"), ("core.bigFileThreshold", "1m")):
            self.git("config", key, value, where=self.template)
        self.hooks = ("-c", f"core.hooksPath={hooks}")
        # What takes long to make is there already, and reached by nothing.
        store = place / "store.git"
        shutil.copytree(self.template, store)
        self.large = self.git("hash-object", "-w", "--stdin", where=store, given=LARGE)
        blob = self.git("hash-object", "-w", "--stdin", where=store, given=b"one of many\n")
        self.directories = {
            files: self.git(
                "mktree",
                where=store,
                given=b"".join(b"100644 blob %s\tf%05d\n" % (blob.encode(), number) for number in range(files)),
            )
            for files in (10_000, 10_001)
        }
        (self.template / "objects/info/alternates").write_text(f"{store}/objects\n")

    def git(self, *arguments: str, where: Path, given: bytes = b"") -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=where, env=self.environment, input=given, capture_output=True)
        assert done.returncode == 0, (command, done.stderr)
        return os.fsdecode(done.stdout).strip()

    # --- one of them ---

    def judge(self, number: int) -> str:
        """Let ours and the Hub judge one push; return what they said."""
        chance = random.Random(number)
        local, remote = self.place / "local", self.remote.path
        for old in (local, remote, self.place / "world", self.remote.objects):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(self.template, remote)
        shutil.copytree(self.template, world := self.place / "world")
        on_hub, here = (set(chance.sample(WEIGHTS, 4)) for _ in range(2))
        count = chance.randint(1, 12)
        tips = {ref: chance.randrange(count) for ref in self._references(chance) if chance.random() < 0.5}
        commits = generated(chance, count, set(tips.values()), [*on_hub])
        oids, tags = self._create(chance, world, commits)
        if tips:
            specs = [f"{oids[commit]}:{ref}" for ref, commit in tips.items()]
            self.git("push", "--quiet", "--no-verify", str(remote), *specs, where=world)
        ahead = [ref for ref in tips if ref.startswith("refs/heads/") and chance.random() < 0.25]
        for ref in ahead:
            text = (
                f"commit {ref}\ncommitter b <b> 1700001000 +0000\ndata 1\nx\nfrom {ref}^0\nM 644 inline z\ndata 1\nz\n"
            )
            self.git("fast-import", "--quiet", where=remote, given=text.encode())
        kind = self._localize(chance, world, local, oids, commits)
        specs = self._refspecs(chance, oids, tips, tags, kind)
        for content in on_hub:
            self.remote.store(content)
        for content in here:
            oid = hashlib.sha256(content).hexdigest()
            path = local / "lfs/objects" / oid[:2] / oid[2:4] / oid
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        command = [*self.hooks, "push", "--force", str(remote), *specs]
        dry = subprocess.run(["git", *command, "--dry-run"], cwd=local, env=self.environment, capture_output=True)
        if not (local / "pushed").exists():
            return f"git: {os.fsdecode(dry.stderr).strip().splitlines()[-1][:60] if dry.returncode else 'nothing'}"
        before = self._listed(remote)
        said, warned = self._ours(local)
        for content in here:
            self.remote.store(content)
        status, theirs = self._theirs(command, local)
        is_leak = any("the Hub token" in message for message in said)
        where = (number, kind, specs, said, warned, theirs)
        if status == 0:
            leaks = self._leaks(remote, before, local / "pushed")
            others = [message for message in said if "the Hub token" not in message]
            assert not others, where
            assert not said or leaks, where
            assert said or not leaks or kind == "partial" or "again" in leaks, (leaks, where)
            return "taken, a leak" if is_leak else f"taken, {kind}"
        if "Could not read" in theirs:
            return f"git: {kind}"  # a graft hides what git would have to push
        if "pre-receive hook declined" in theirs:
            # A partial clone has not got all that git fetches to push it.
            # A file that the Hub has, deep down, may count as new for one of the references, and not for all of them.
            assert said or warned or kind == "partial" or len(specs) > 1, where
            words = ("larger", "binary", "does not exist", "YAML", "too many files")
            found = [word for word in words if word in theirs]
            assert found, where
            return f"refused, {found[0]}" + ("" if said else ", a warning" if warned else ", partial")
        if "shallow update not allowed" in theirs:
            assert said, where
            return "refused, shallow"
        return f"git: {kind}"

    def _ours(self, local: Path) -> tuple[list[str], list[str]]:
        lines = (local / "pushed").read_bytes()
        if not lines:
            return [], []
        self.hub.log.clear()
        home, previous = os.environ["HOME"], os.getcwd()
        os.chdir(local)
        try:
            verdict = check_push("hub", URL, lines)
        finally:
            os.chdir(previous)
        assert os.environ["HOME"] == home
        return [problem.message for problem in verdict.refusals], [problem.message for problem in verdict.warnings]

    def _theirs(self, command: list[str], local: Path) -> tuple[int, str]:
        """Return the exit status of a push to the Hub's own repository, and what the Hub and git print."""
        with pre_receive.Asked(self.hub, self.remote, "write") as hook, tempfile.TemporaryFile() as words:
            environment = {**self.of_hub, "HUB_PIPES": str(hook.pipes)}
            process = subprocess.Popen(
                ["git", *command, "--no-verify"], cwd=local, env=environment, stdout=words, stderr=words
            )
            while process.poll() is None:
                if select.select([hook.pushed], [], [], 0.01)[0]:
                    hook.answer()
                    break
            status = process.wait()
            words.seek(0)
            return status, os.fsdecode(words.read())

    def _references(self, chance: random.Random) -> list[str]:
        return [f"refs/heads/{name}" for name in chance.sample(HEADS, 2)] + chance.sample(OTHERS, 1)

    def _create(self, chance: random.Random, world: Path, commits: list[Commit]) -> tuple[list[str], dict[str, str]]:
        """Import the commits, and some tags; return the ids of both."""
        marks = world / "marks"
        stream, names = [b"feature done\n"], []
        seen: dict[bytes, int] = {}
        for number, commit in enumerate(commits):
            for _, content in commit.tree.values():
                if content != LARGE and content not in seen:
                    seen[content] = 1000 + len(seen)
                    stream.append(b"blob\nmark :%d\ndata %d\n%s\n" % (seen[content], len(content), content))
            stream.append(b"reset refs/heads/w%d\n" % number)
            stream.append(b"commit refs/heads/w%d\nmark :%d\n" % (number, number + 1))
            stream.append(b"committer a <a@example> %d +0000\n" % (1_700_000_000 + chance.choice((number, 0))))
            stream.append(b"data %d\n%s\n" % (len(commit.message), commit.message))
            for at, parent in enumerate(commit.parents):
                stream.append(b"%s :%d\n" % (b"merge" if at else b"from", parent + 1))
            stream.append(b"deleteall\n")
            for path, (mode, content) in commit.tree.items():
                what = self.large.encode() if content == LARGE else b":%d" % seen[content]
                stream.append(b"M %s %s %s\n" % (mode.encode(), what, quoted(path)))
            if commit.directory:
                stream.append(b"M 040000 %s many\n" % self.directories[commit.directory].encode())
            if chance.random() < 0.05:
                stream.append(b"M 160000 %s module\n" % (b"%040x" % number))
        for number in range(chance.choice((0, 0, 1, 2))):
            target = chance.choice([*range(1, len(commits) + 1), *seen.values()])
            text = VALID if chance.random() < 0.1 else b"a tag"
            stream.append(b"tag t%d\nmark :%d\nfrom :%d\n" % (number, 5000 + number, target))
            stream.append(b"tagger a <a@example> 1700000000 +0000\ndata %d\n%s\n" % (len(text), text))
            names.append(number)
        stream.append(b"done\n")
        self.git("fast-import", "--quiet", f"--export-marks={marks}", where=world, given=b"".join(stream))
        found = dict(line.split() for line in marks.read_text().splitlines())
        return (
            [found[f":{number + 1}"] for number in range(len(commits))],
            {f"refs/tags/t{number}": found[f":{5000 + number}"] for number in names},
        )

    def _localize(self, chance: random.Random, world: Path, local: Path, oids: list[str], commits: list[Commit]) -> str:
        """Make the repository that is pushed from; return of which kind it is."""
        kind = chance.choices(("whole", "shallow", "partial", "grafted", "replaced", "packed"), (50, 18, 10, 7, 10, 5))[
            0
        ]
        if kind in ("shallow", "partial"):
            option = f"--depth={chance.randint(1, 4)}"
            if kind == "partial":
                option = f"--filter={chance.choice(('blob:none', 'tree:0', 'blob:limit=100'))}"
            clone = ("clone", "--quiet", "--bare", "--template=", "--no-single-branch", option, f"file://{world}")
            self.git(*clone, str(local), where=self.place)
            return kind
        world.rename(local)
        one, other = chance.choice(oids), chance.choice(oids)
        if kind == "grafted":
            (local / "info").mkdir(exist_ok=True)
            (local / "info/grafts").write_text(f"{one}\n" if chance.random() < 0.5 else f"{oids[-1]} {oids[0]}\n")
        if kind == "replaced":
            if chance.random() < 0.5:
                contents = [c for commit in commits for _, c in commit.tree.values() if c != LARGE]
                if len(contents) > 1:
                    one, other = (
                        self.git("hash-object", "--stdin", where=local, given=c) for c in chance.sample(contents, 2)
                    )
            if one != other:
                self.git("update-ref", f"refs/replace/{one}", other, where=local)
        if kind == "packed":
            self.git("repack", "-adq", "--local", where=local)
            self.git("commit-graph", "write", "--reachable", where=local)
        return kind

    def _refspecs(
        self, chance: random.Random, oids: list[str], tips: dict[str, int], tags: dict[str, str], kind: str
    ) -> list[str]:
        specs: dict[str, str] = {}
        heads = [f"refs/heads/{name}" for name in (*HEADS, "new")]
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            match chance.choice("uuuunnndtsmp"):
                case "u":
                    specs[chance.choice([*tips] or heads)] = chance.choice(oids[-3:])
                case "n":
                    specs[chance.choice(heads)] = chance.choice(oids)
                case "d" if tips:
                    specs[chance.choice([*tips])] = ""
                case "t" if tags:
                    name, oid = chance.choice([*tags.items()])
                    specs[chance.choice((name, "refs/tags/v1"))] = oid
                case "s":
                    specs["refs/tags/light"] = chance.choice(oids)
                case "p":
                    specs[chance.choice(("refs/pr/1", "refs/pr/7"))] = oids[-1]
                case "m" if chance.random() < 0.3:
                    return ["refs/heads/*:refs/heads/*"]
        if chance.random() < 0.02:
            specs[f"refs/heads/{VALID.decode()}"] = oids[-1]
        if kind == "shallow":  # it may lack what is not a tip
            specs = {ref: f"refs/heads/w{oids.index(oid)}" if oid in oids else oid for ref, oid in specs.items()}
        return [f"{oid}:{ref}" for ref, oid in specs.items()] or [f"{oids[-1]}:refs/heads/main"]

    # --- what was leaked, by git alone ---

    def _listed(self, remote: Path) -> list[str]:
        return self.git("for-each-ref", "--format=%(objectname)", where=remote).split()

    def _leaks(self, remote: Path, before: list[str], pushed: Path) -> list[str]:
        """Return where a push that was taken has added the valid token; `again` if that version was there before."""
        lines = [line.rsplit(b" ", 3) for line in pushed.read_bytes().split(b"\n") if line]
        new = [os.fsdecode(line[1]) for line in lines if line[1].strip(b"0")]
        found = [os.fsdecode(line[2]) for line in lines if VALID in line[2] and not line[3].strip(b"0")]
        raw = ("-c", "core.quotePath=false", "-c", "i18n.logOutputEncoding=UTF-8")
        old = [f"^{oid}" for oid in before]
        for oid in new:
            while self.git("cat-file", "-t", oid, where=remote) == "tag":
                text = self.git("cat-file", "tag", oid, where=remote)
                if VALID.decode() in text:
                    found.append("tag")
                oid = text.split()[1]
        if not new:
            return found
        listed = self.git("rev-list", "--objects", *new, *old, where=remote).split("\n")
        ids = [line.partition(" ")[0] for line in listed if line]
        kinds = self.git("cat-file", "--batch-check=%(objecttype)", where=remote, given="\n".join(ids).encode())
        had = set(self.git("rev-list", "--objects", *before, where=remote).split()) if before else set()
        for oid, kind in zip(ids, kinds.split(), strict=True):
            if kind == "commit":
                if VALID.decode() in self.git("cat-file", "commit", oid, where=remote):
                    found.append("message")
                found += self._added(remote, oid, raw, had)
        # What tags point to has no commit.
        for oid in new:
            peeled = self.git("rev-parse", f"{oid}^{{}}", where=remote)
            is_new = self.git("cat-file", "-t", peeled, where=remote) == "blob" and peeled not in had
            if is_new and VALID.decode() in self.git("cat-file", "blob", peeled, where=remote):
                found.append("tagged")
        return found

    def _added(self, remote: Path, commit: str, raw: tuple[str, ...], had: set[str]) -> Iterator[str]:
        parents = self.git("rev-list", "--parents", "--no-walk", commit, where=remote).split()[1:]
        places: list[dict[str, str]] = []
        for parent in parents or [self.git("hash-object", "-t", "tree", "--stdin", where=remote)]:
            diff = (*raw, "diff-tree", "-p", "--full-index", "-M", "--text", parent, commit)
            added: dict[str, str] = {}
            for block in ("\n" + self.git(*diff, where=remote)).split("\ndiff --git ")[1:]:
                token, count, oid = VALID.decode(), 0, ""
                for line in block.split("\n"):
                    if line.startswith("index "):
                        oid = line[6:].partition("..")[2].partition(" ")[0]
                    count += (line[:1] == "+") * line.count(token) - (line[:1] == "-") * line.count(token)
                if count > 0:
                    added[block.partition("\n")[0].rpartition(" b/")[2]] = oid
            places.append(added)
        for path, oid in places[0].items():
            if all(path in added for added in places):
                yield "again" if oid in had else f"{path} in {commit}"


def quoted(path: bytes) -> bytes:
    return (
        b'"' + b"".join(b"\\%03o" % byte if byte in b'"\\\n' or byte > 126 else bytes([byte]) for byte in path) + b'"'
    )


# --- histories ---


def generated(chance: random.Random, count: int, public: set[int], on_hub: list[bytes]) -> list[Commit]:
    """Return some commits; what those in `public` reach is nothing that the Hub refuses."""
    shape: list[list[int]] = []
    for number in range(count):
        recent = list(range(max(0, number - 4), number))
        parents = [] if not recent or chance.random() < 0.08 else [chance.choice(recent)]
        if parents and chance.random() < 0.25:
            parents += [
                one for one in chance.sample(range(number), min(number, chance.choice((1, 1, 2)))) if one not in parents
            ]
        shape.append(parents)
    reached, todo = set(), [*public]
    while todo:
        if (one := todo.pop()) not in reached:
            reached.add(one)
            todo += shape[one]
    is_bad = chance.random() < 0.6
    commits: list[Commit] = []
    for number, parents in enumerate(shape):
        tree: Tree = {}
        for parent in reversed(parents):
            tree |= commits[parent].tree
        directory = max([commits[parent].directory for parent in parents], default=0)
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            older = [commit for at, commit in enumerate(commits) if at in reached or number not in reached]
            weights = on_hub if number in reached else WEIGHTS
            directory = change(chance, tree, directory, older, weights, is_bad and number not in reached)
        message = chance.choice((b"a change", b"", b"\xff\xfe", b"two\n\nlines\n"))
        if chance.random() < 0.02 * is_bad:
            message += b" " + chance.choice((VALID, DEAD))
        commits.append(Commit(parents, tree, directory, message))
    return commits


def change(
    chance: random.Random, tree: Tree, directory: int, commits: list[Commit], weights: list[bytes], is_bad: bool
) -> int:
    """Change a file; return how many files the full directory has then."""
    path = chance.choice(PATHS)
    mode, before = tree.get(path, ("100644", b""))
    old = chance.choice(commits).tree if commits else {}
    match chance.choices(
        ("edit", "remove", "move", "restore", "card", "pointer", "token", "binary", "large", "many", "odd"),
        (40, 8, 10, 12, 4, 8, 5 * is_bad, 3 * is_bad, 1 * is_bad, 1 * is_bad, 8),
    )[0]:
        case "edit":
            lines = (before if before != LARGE and b"\0" not in before else b"").splitlines(keepends=True)
            lines.insert(chance.randint(0, len(lines)), b"line %d\n" % chance.randrange(50))
            tree[path] = mode if mode != "120000" else "100644", b"".join(lines)
        case "remove" if tree:
            del tree[chance.choice([*tree])]
        case "move" if tree:
            tree[path] = tree.pop(chance.choice([*tree]))
        case "restore" if old:
            path = chance.choice([*old])
            tree[path] = old[path]
        case "card":
            tree[chance.choice((b"README.md", b"docs/README.md"))] = "100644", CARDS[chance.choice((0, 0, is_bad, 2))]
        case "pointer":
            content = pointer(chance.choice(weights))
            tree[path] = "100644", content if chance.random() < 0.8 else content + b"more\n"
        case "token":
            line = chance.choice((VALID, VALID, DEAD, b"hf_" + b"x" * 34)) + b"\n"
            text = b"" if before == LARGE else before
            tree[path] = "100644", text + (b"\n" if text and not text.endswith(b"\n") else b"") + line
        case "binary":
            tree[chance.choice((path, b"x.png"))] = "100644", b"\0binary %d" % chance.randrange(9)
        case "large":
            tree[path] = "100644", LARGE
        case "many":
            return chance.choice((10_000, 10_001))
        case "odd":
            tree[path] = chance.choice(
                (
                    ("120000", b"a.txt"),
                    ("100755", before if before != LARGE else b""),
                    ("100644", b""),
                    ("100644", b"x" * 8000 + b"\0"),
                    ("120000", CARDS[is_bad]),
                    ("100644", b"\r\nno end"),
                )
            )
    return directory
