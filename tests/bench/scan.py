"""How long it takes to find what a push adds, as ratios to `git rev-list --objects | git cat-file --batch-check`.

    python tests/bench/scan.py [ROUNDS] [--json FILE]     (with the wheel installed; it takes a minute)

10,000 new objects in 2,000 commits; the median of the rounds, each of which runs all programs in turn. Then the most
memory that a process of ours had, with a blob of 2 GB in the range. Exit status: 1 where a goal was missed.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import figures
from dulwich.objects import ObjectID
from dulwich.repo import Repo
from programs import git

from git_credential_hf.hooks.scan import RefUpdate, scan_push

COMMITS = 2_000
BIG = 2 << 30
MEGABYTE = 1 << 20
GOAL = 3.0  # times the pipeline, in process, contents included
MOST_MEMORY = 100 * MEGABYTE
OURS = (
    "import resource, sys\n"
    "from git_credential_hf.hooks.scan import RefUpdate, scan_push\n"
    "found = scan_push([RefUpdate('main', sys.argv[1], 'main', sys.argv[2])])\n"
    "own, git = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
    "print(len(found.large), own * 1024, git * 1024)\n"
)


def history() -> Iterator[bytes]:
    """A stream for git fast-import: each commit changes two text files in one of twenty directories."""
    chance = random.Random(1)
    for number in range(COMMITS + 1):
        branch = b"base" if number == 0 else b"main"
        yield b"commit refs/heads/%s\ncommitter a <a@example> %d +0000\ndata 1\nx\n" % (branch, 1_700_000_000 + number)
        if number == 1:
            yield b"from refs/heads/base\n"
        for k in range(2):
            lines = range(chance.randint(5, 60))
            content = b"".join(b"%032x line %d\n" % (chance.getrandbits(128), line) for line in lines)
            yield b"M 100644 inline d%d/f%d_%d\ndata %d\n%s\n" % (number % 20, number % 200, k, len(content), content)


def pipeline(old: str, new: str) -> int:
    """Only git."""
    listing = subprocess.Popen(["git", "rev-list", "--objects", new, f"^{old}"], stdout=subprocess.PIPE)
    checking = subprocess.run(
        ["git", "cat-file", "--batch-check", "--buffer"], stdin=listing.stdout, capture_output=True, check=True
    )
    assert listing.stdout
    listing.stdout.close()
    assert listing.wait() == 0
    return checking.stdout.count(b"\n")


def by_dulwich(old: str, new: str) -> int:
    """The same range: ids, paths and sizes; this reads no more than it has to for them."""
    with Repo(".") as repository:
        store = repository.object_store
        found = store.find_missing_objects([ObjectID(old.encode())], [ObjectID(new.encode())])
        return sum(1 for oid, _ in found if len(store.get_raw(oid)[1]) >= 0)


def ours(old: str, new: str) -> int:
    """In this process, contents and all."""
    seen = [0]
    scan_push([RefUpdate("main", new, "main", old)], progress=lambda n: seen.append(n))
    return seen[-1]


def as_process(old: str, new: str) -> list[int]:
    """A new Python each time; what it prints."""
    done = subprocess.run([sys.executable, "-c", OURS, new, old], capture_output=True, check=True)
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
    """Print the table."""
    options = figures.options(__doc__)
    rounds = options.rounds or 15
    results = options.json.absolute() if options.json else None
    os.environ.update({f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")})
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        git("init", "-q", "--bare")
        git("fast-import", "--quiet", stdin=b"".join(history()))
        old, new = git("rev-parse", "base", "main").split()
        programs: dict[str, Callable[[str, str], object]] = {
            "git rev-list | git cat-file": pipeline,
            "dulwich, without contents": by_dulwich,
            "ours, in process": ours,
            "ours, a new process": as_process,
        }
        assert pipeline(old, new) == by_dulwich(old, new) == ours(old, new)
        print(f"{pipeline(old, new):,} objects in {COMMITS:,} commits")
        seconds = figures.in_turn({name: partial(program, old, new) for name, program in programs.items()}, rounds)
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        ratios = {name: figures.ratio(times, seconds["git rev-list | git cat-file"]) for name, times in seconds.items()}
        print(f"{'median of ' + str(rounds):56} {'ms':>7} {'ratio':>7}")
        for name, median in medians.items():
            print(f"{name:56} {median * 1000:7.1f} {ratios[name]}")
        small = as_process(old, new)
        large, own, gits = as_process(old, add_big(new))
        assert (small[0], large) == (0, 1)
        print(f"\n{'most memory, MB':56} {'ours':>7} {'git':>7}")
        print(f"{'without a large blob':56} {small[1] / MEGABYTE:7.1f} {small[2] / MEGABYTE:7.1f}")
        print(f"{'with one of 2 GB':56} {own / MEGABYTE:7.1f} {gits / MEGABYTE:7.1f}")
        os.chdir(Path(directory).parent)
    memory = own / MOST_MEMORY
    goals = [
        figures.Goal("ours, in process, to git", ratios["ours, in process"], GOAL),
        figures.Goal("most memory, to 100 MB", figures.Ratio(memory, memory, memory), 1),
    ]
    rows = [{"name": name, "ms": medians[name] * 1000, "ratio": ratios[name]._asdict()} for name in programs]
    figures.save(results, "scan", {"rounds": rounds, "rows": rows, "goals": [goal.as_json() for goal in goals]})
    return figures.judge(goals)


if __name__ == "__main__":
    sys.exit(main())
