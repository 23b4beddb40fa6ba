"""Machines with several causes at once: what `doctor` says of them, beside what git really does."""

import os
import random
import shutil

import pytest
from account import WEIGHTS
from amount import some

from .conftest import MODEL, Machine
from .test_findings import ROWS, Row

MACHINES = 300
MOST = 4  # causes at once
# These are about another repository, need another user, or are alone by what they are.
ALONE = {"repo-gated", "repo-read-only", "repo-no-access", "hub-unreachable", "git-broken", "wrong-home"}
# There is no SSH here.
CAUSES = [row for row in ROWS if row.id not in ALONE and row.name not in ("insteadOf", "pushInsteadOf")]
# With these git works, but not for everything, which is what they say.
READ_ONLY = {"read-only-token", "repo-read-only"}
# With another token than the login's git may work, and huggingface_hub does not.
OF_THE_LOGIN = {"no-token", "token-invalid", "token-expired", "token-malformed", "token-placeholder"}


def causes(seed: int) -> list[Row]:
    """Return the causes of a machine, one of each id."""
    chosen = random.Random(seed)
    rows = {row.id: row for row in chosen.sample(CAUSES, chosen.randint(0, MOST))}
    if "lfs-not-hooked" in rows and rows.get("hooks-broken"):
        del rows["hooks-broken"]  # `git lfs install --local` sets git-lfs up, for that repository alone
    return sorted(rows.values(), key=lambda row: row.id == "helper-bypassed")  # other causes change git's settings


def failures(machine: Machine) -> list[str]:
    """Return what fails of a clone, a fetch, the download of LFS files and a push, as a user would do them."""
    work, new = machine.home / "work", machine.home / "new"
    shutil.rmtree(new, ignore_errors=True)
    failed = []
    machine.where = machine.home
    cloned = machine.git("clone", "--quiet", MODEL, str(new), check=False, GIT_TERMINAL_PROMPT="0")
    if cloned.returncode or (new / "model.bin").read_bytes() != WEIGHTS:
        failed.append("clone")
    machine.where = work
    machine.git("reset", "--quiet", "--hard", "start", check=False)
    shutil.rmtree(work / ".git/lfs", ignore_errors=True)
    for name, command in (
        ("fetch", ("fetch", "--quiet", "origin")),
        ("lfs", ("lfs", "fetch", "--all", "origin")),
        ("push", ("push", "--quiet", "origin", f"HEAD:refs/heads/b{random.randrange(10**9)}")),
    ):
        if name == "push":
            (work / "new.bin").write_bytes(os.urandom(40))
            machine.git("add", "new.bin", check=False)
            machine.git("commit", "--quiet", "--no-verify", "--message", "a change", check=False)
        if machine.git(*command, check=False, GIT_TERMINAL_PROMPT="0").returncode:
            failed.append(name)
    return failed


@pytest.mark.parametrize("seed", some(range(MACHINES), 2))
def test_healthy_if_git_works(seed: int, online: Machine) -> None:
    """`doctor` says healthy if and only if git works, or else what is wrong for another program.

    The same after `doctor --fix --yes`, and after that everything works that worked before.
    """
    clone(online)
    rows = causes(seed)
    for row in rows:
        row.provoke(online)
    machine = ", ".join(row.name for row in rows)
    before = is_true(online, machine)
    online.doctor("--fix", "--yes")
    after = is_true(online, f"{machine}, fixed")
    assert set(after) <= set(before), machine


ROWS_ONLINE = [row for row in ROWS if row.needs != "alone" and row.id not in ("uses-ssh", "wrong-home")]
WHOAMI = "import huggingface_hub; huggingface_hub.whoami()"


@pytest.mark.parametrize("row", some(ROWS_ONLINE, 3), ids=lambda row: f"{row.id}, {row.name}")
def test_each_cause_alone(row: Row, online: Machine) -> None:
    """With an error git fails, or huggingface_hub does, so that `healthy` would be a lie; with a warning git works."""
    clone(online)
    row.provoke(online)
    if row.repository:
        url = f"https://huggingface.co/{row.repository[0].removeprefix('https://huggingface.co/')}"
        fails = online.git("ls-remote", url, check=False).returncode != 0
        assert fails != online.examine(*row.repository)["healthy"]
    elif not is_true(online, row.name) and not online.examine()["healthy"]:
        assert online.run("python", "-c", WHOAMI, check=False).returncode


def clone(online: Machine) -> None:
    online.git("clone", "--quiet", MODEL, str(online.home / "work"))
    online.where = online.home / "work"
    online.git("tag", "start")
    online.git("config", "--global", "lfs.transfer.maxretries", "1")
    for who in ("AUTHOR", "COMMITTER"):
        online.set(f"GIT_{who}_NAME", "Alice")
        online.set(f"GIT_{who}_EMAIL", "alice@example.org")


def is_true(online: Machine, machine: str) -> list[str]:
    """Assert that what `doctor` says is true; return what fails."""
    online.where = online.home / "work"
    seen = online.examine()
    errors = {finding["id"] for finding in seen["findings"] if finding["severity"] == "error"}
    ids = {finding["id"] for finding in seen["findings"]}
    failed = failures(online)
    if failed == ["push"] and ids & READ_ONLY:
        failed = []  # it is only said that pushes fail
    if "lfs-url-elsewhere" in ids:
        failed = [name for name in failed if name not in ("lfs", "push")]  # another host is not asked
    assert not (seen["healthy"] and failed), f"{machine}: healthy, but fails: {failed}"
    assert seen["healthy"] or failed or errors & OF_THE_LOGIN, f"{machine}: {errors}, but works"
    return failed
