"""How long it takes to find what a push adds, as ratios to `git rev-list --objects --all | git cat-file --batch`.

    python tests/bench/scan.py [ROUNDS] [--json FILE] [--largest]     (with the wheel installed; it takes some minutes)

A first push of 10,000 objects, of 100,000, and with --largest of a million, with nothing to be found, and with tokens;
the median of the rounds, each of which runs all programs in turn. Then the most memory that a process of ours had, with
a blob of 2 GB in the range. Exit status: 1 where a goal was missed.
"""

import os
import random
import statistics
import string
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import figures
from dulwich.objects import ObjectID
from dulwich.repo import Repo
from programs import git

from git_credential_hf.hooks.scan_push import scan_push
from git_credential_hf.hooks.updates import RefUpdate

COMMITS = (1_400, 14_000, 140_000)  # seven objects in each
BIG = 2 << 30
MEGABYTE = 1 << 20
GOAL = 2.0  # times the pipeline, contents included
MOST_MEMORY = 100 * MEGABYTE
SECRETS = ["hf_" + "".join(random.Random(3).choices(string.ascii_letters, k=34))]
OURS = (
    "import resource, sys\n"
    "from git_credential_hf.hooks.scan_push import scan_push\n"
    "from git_credential_hf.hooks.updates import RefUpdate\n"
    "found = scan_push([RefUpdate('main', sys.argv[1], 'main', '0' * 40)])\n"
    "own, git = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
    "print(len(found.large), own * 1024, git * 1024)\n"
)


def history(commits: int) -> Iterator[bytes]:
    """A stream for git fast-import: each commit changes two text files of some kB, three directories deep.

    The branch `tokens` has a commit more, with somebody's token, and with ours in base64.
    """
    chance = random.Random(1)
    words = ["".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 12))) for _ in range(5000)]
    files: dict[bytes, list[bytes]] = {}
    for number in range(commits):
        yield b"commit refs/heads/main\ncommitter a <a@example> %d +0000\ndata 1\nx\n" % (1_700_000_000 + number)
        for k in range(2):
            path = b"src/d%d/e%d/f%d_%d" % (number % 5, number % 50, number % 500, k)
            lines = files.setdefault(path, [])
            for _ in range(chance.randint(2, 20)):
                text = " ".join(chance.choices(words, k=8)).encode()
                lines.insert(chance.randint(0, len(lines)), b"%d %s\n" % (number, text))
            del lines[400 if commits < COMMITS[-1] else 40 :]
            content = b"".join(lines)
            yield b"M 100644 inline %s\ndata %d\n%s\n" % (path, len(content), content)
    content = b"hf_%s %s" % (b"xQ7" * 5 + b"LmNpRsTvWzKdYbGhJc2", b64encode(b"user:" + SECRETS[0].encode()))
    yield b"commit refs/heads/tokens\ncommitter a <a@example> 1900000000 +0000\ndata 1\nx\nfrom refs/heads/main\n"
    yield b"M 100644 inline d1/token\ndata %d\n%s\n" % (len(content), content)


def pipeline(branch: str) -> int:
    """Only git; it reads everything."""
    listing = subprocess.Popen(["git", "rev-list", "--objects", "--no-object-names", branch], stdout=subprocess.PIPE)
    reading = subprocess.Popen(
        ["git", "cat-file", "--batch=%(objectname)", "--buffer"], stdin=listing.stdout, stdout=subprocess.DEVNULL
    )
    assert listing.stdout
    listing.stdout.close()
    assert (listing.wait(), reading.wait()) == (0, 0)
    return 0


def by_dulwich(branch: str) -> int:
    """The same range: ids, paths and sizes; this reads no more than it has to for them."""
    with Repo(".") as repository:
        store = repository.object_store
        found = store.find_missing_objects([], [ObjectID(git("rev-parse", branch).strip().encode())])
        return sum(1 for oid, _ in found if len(store.get_raw(oid)[1]) >= 0)


def ours(branch: str) -> int:
    """In this process."""
    seen = [0]
    tip = git("rev-parse", branch).strip()
    found = scan_push([RefUpdate(branch, tip, "main", "0" * 40)], secrets=SECRETS, progress=seen.append)
    assert len(found.leaks) == (2 if branch == "tokens" else 0)
    return seen[-1]


def as_process(tip: str) -> list[int]:
    """A new Python each time; what it prints."""
    done = subprocess.run([sys.executable, "-c", OURS, tip], capture_output=True, check=True)
    return [int(word) for word in done.stdout.split()]


def add_big(new: str) -> str:
    """A commit on top with a blob of zeros, which never is in memory."""
    settings = ("-c", "core.compression=1", "-c", "core.bigFileThreshold=1m")
    with tempfile.TemporaryFile() as zeros:
        zeros.truncate(BIG)
        done = subprocess.run(["git", *settings, "hash-object", "-w", "--stdin"], stdin=zeros, capture_output=True)
    tree = git("mktree", stdin=b"100644 blob %s\tzeros\n" % done.stdout.strip()).strip()
    return git("commit-tree", "-m", "big", "-p", new, tree).strip()


def main() -> int:
    """Print the tables."""
    options = figures.options(__doc__)
    rounds = options.rounds or 7
    results = options.json.absolute() if options.json else None
    os.environ.update({f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")})
    goals: list[figures.Goal] = []
    rows = []
    for commits in COMMITS if options.largest else COMMITS[:-1]:
        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            git("init", "-q", "--bare")
            with subprocess.Popen(["git", "fast-import", "--quiet"], stdin=subprocess.PIPE) as importing:
                assert importing.stdin
                importing.stdin.writelines(history(commits))
                importing.stdin.close()
            subprocess.run(["git", "repack", "-adfq"], check=True)
            programs: dict[str, Callable[[], object]] = {
                "git rev-list | git cat-file": partial(pipeline, "main"),
                "ours": partial(ours, "main"),
                "ours, with tokens": partial(ours, "tokens"),
            }
            if commits == COMMITS[0]:
                programs["dulwich, without contents"] = partial(by_dulwich, "main")
            print(f"{ours('main'):,} objects in {commits:,} commits")
            seconds = figures.in_turn(programs, rounds, warm_up=1)
            print(f"{'median of ' + str(rounds):56} {'ms':>7} {'ratio':>7}")
            for name, times in seconds.items():
                median = statistics.median(times)
                ratio = figures.ratio(times, seconds["git rev-list | git cat-file"])
                print(f"{name:56} {median * 1000:7.1f} {ratio}")
                rows.append({"name": name, "commits": commits, "ms": median * 1000, "ratio": ratio._asdict()})
                if name.startswith("ours"):
                    goals.append(figures.Goal(f"{name}, {commits:,} commits, to git", ratio, GOAL))
            tip = git("rev-parse", "main").strip()
            small = as_process(tip)
            large, own, gits = as_process(add_big(tip) if commits == COMMITS[0] else tip)
            print(f"\n{'most memory, MB':56} {'ours':>7} {'git':>7}")
            print(f"{'without a large blob':56} {small[1] / MEGABYTE:7.1f} {small[2] / MEGABYTE:7.1f}")
            if large:
                print(f"{'with one of 2 GB':56} {own / MEGABYTE:7.1f} {gits / MEGABYTE:7.1f}")
            memory = max(own, small[1]) / MOST_MEMORY
            goals.append(figures.Goal("most memory, to 100 MB", figures.Ratio(memory, memory, memory), 1))
            print()
            os.chdir(Path(directory).parent)
    figures.save(results, "scan", {"rounds": rounds, "rows": rows, "goals": [goal.as_json() for goal in goals]})
    return figures.judge(goals)


if __name__ == "__main__":
    sys.exit(main())
