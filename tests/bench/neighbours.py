"""What git takes with the global hooks, as ratios to the same commands without them.

    python tests/bench/neighbours.py [ROUNDS] [--json FILE]     (with the wheel installed; it takes a minute or two)

Commands with which people use git, git-lfs, pre-commit and watchers of references: in a repository without a remote on
the Hub, in which nothing of ours is to be started, and in one with such a remote. What the hook of a push asks the Hub
is not in it: these push to a directory. Exit status: 1 where a goal was missed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import figures

ROUNDS = 15
GOAL = 1.2  # without a remote on the Hub: each git reads one file more, and its conditions, which takes 0.2 ms
WHERE = {"without us": "", "no Hub remote": "", "a Hub remote": "https://huggingface.co/acme/model"}
CONFIGURATION = (
    "repos:\n- repo: local\n  hooks:\n  - {id: a, name: a, language: system, entry: 'true', always_run: true}\n"
)

# What is typed, and before it, without being measured.
COMMANDS = {
    "git status": ("", "git status"),
    "git commit": ("", "git commit --allow-empty -m x"),
    "git add, of a file in LFS": ("date +%N >> a.bin", "git add a.bin"),
    "git commit, of a file in LFS": ("date +%N >> a.bin && git add a.bin", "git commit -m x"),
    "git checkout": ("", "git checkout side && git checkout main"),
    "git push": ("git commit --no-verify --allow-empty -m x", "git push origin HEAD:main"),
    "git fetch, nothing new": ("", "git fetch origin"),
    "1,000 references": (
        "git for-each-ref --format='delete %(refname)' refs/x | git update-ref --stdin",
        "for n in $(seq 1000); do echo create refs/x/$n HEAD; done | git update-ref --stdin",
    ),
    "git rebase, of 10 commits": ("", "git rebase --force-rebase --keep-empty HEAD~10"),
    "git clone, with a file in LFS": ("rm -rf ../clone", "git clone $URL ../remote.git ../clone"),
}
PRE_COMMIT = "git commit, with pre-commit"
WATCHED = "git commit, with a watcher of references"


def make(directory: Path, name: str, url: str) -> Callable[[str], None]:
    """Make a home, and a repository in it; return what runs a shell's commands there."""
    home = directory / name
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "HF_", "XDG_"))}
    environment = {**kept, "HOME": str(home), "URL": f"-c remote.hub.url={url}" if url else ""}

    def run(command: str, where: str = "work") -> None:
        subprocess.run(["sh", "-ec", command], cwd=home / where, env=environment, check=True, capture_output=True)

    for setting in ("user.name a", "user.email a@example", "init.defaultBranch main", "protocol.file.allow always"):
        run(f"git config --global {setting}", ".")
    run("git lfs install --skip-repo && git init work && git init --bare remote.git", ".")
    if name != "without us":
        run("git-credential-hf hooks install --global", ".")
    run(f"git remote add origin file://'{home}/remote.git'" + (f" && git remote add hub {url}" if url else ""))
    run("echo '*.bin filter=lfs diff=lfs merge=lfs -text' > .gitattributes && echo > a.bin && git add .")
    run("git commit -m a && for n in $(seq 12); do git commit --no-verify --allow-empty -m $n; done")
    run("git branch side && git push origin HEAD:main")
    run("git --git-dir ../remote.git symbolic-ref HEAD refs/heads/main")
    return run


def with_framework(run: Callable[[str], None], path: Path) -> None:
    """Install pre-commit, which does not do so where `core.hooksPath` is set."""
    (path / ".pre-commit-config.yaml").write_text(CONFIGURATION)
    hidden = "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0="
    run(f"{hidden} '{sys.executable}' -m pre_commit install && git add . && git commit -m configuration")


def watch(run: Callable[[str], None], path: Path) -> None:
    """Install hooks as git-branchless has them."""
    run("rm -f .git/hooks/pre-commit")
    for name in ("reference-transaction", "post-commit", "post-rewrite", "post-checkout"):
        hook = path / ".git/hooks" / name
        hook.write_text("#!/bin/sh\ncat > /dev/null\n")
        hook.chmod(0o755)


def main() -> int:
    given = figures.options(__doc__)
    rounds = given.rounds or ROUNDS
    goals, results = [], {}
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        runs = {name: make(directory, name, url) for name, url in WHERE.items()}
        commands = dict(COMMANDS)
        print(f"{'':42} {'ms':>7} " + " ".join(f"{name:>23}" for name in list(WHERE)[1:]))
        for command in [*COMMANDS, PRE_COMMIT, WATCHED]:
            if command in (PRE_COMMIT, WATCHED):
                for name, run in runs.items():
                    (with_framework if command == PRE_COMMIT else watch)(run, directory / name / "work")
            before, typed = commands.get(command, COMMANDS["git commit"])
            seconds = figures.in_turn(
                {name: partial(run, typed) for name, run in runs.items()},
                rounds,
                {name: partial(run, before or ":") for name, run in runs.items()},
            )
            plain = seconds["without us"]
            ratios = {name: figures.ratio(these, plain) for name, these in seconds.items() if these is not plain}
            middle = sorted(plain)[len(plain) // 2] * 1000
            print(f"{command:42} {middle:7.1f} " + " ".join(str(ratio) for ratio in ratios.values()), flush=True)
            results[command] = {"ms": middle, **{name: ratio._asdict() for name, ratio in ratios.items()}}
            goals.append(figures.Goal(f"{command}, no Hub remote", ratios["no Hub remote"], GOAL))
    figures.save(given.json, "neighbours", {"rounds": rounds, "commands": results})
    return figures.judge(goals)


if __name__ == "__main__":
    if not shutil.which("git-lfs"):
        sys.exit("git-lfs is not on PATH")
    sys.exit(main())
