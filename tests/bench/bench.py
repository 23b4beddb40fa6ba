"""How long an answer takes, and how much memory: whole processes, as ratios to others in the same run.

    python tests/bench/bench.py [ROUNDS] [--json FILE]     (with the wheel installed, in tests/support/namespace)

Each table is measured in turns of its own, and its ratios are to its first row. Exit status: 1 where a goal was missed.
Outside of tests/support/namespace, or where port 443 cannot be had, what asks the Hub is left out, and said to be.
"""

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import clones
import figures
import homes

import git_credential_hf

HUB = b"protocol=https\nhost=huggingface.co\n\n"
GITHUB = b"protocol=https\nhost=github.com\n\n"  # gh answers for its own hosts alone
OTHER = b"protocol=https\nhost=example.org\n\n"
ANSWER = b"password="
PLAIN = "hf_" + "a" * 34
OAUTH = "hf_oauth_" + "b" * 300
NAIVE = "from huggingface_hub import get_token; print('username=git'); print('password=' + get_token())"
MEGABYTE = 1 << 20
MOST_MEMORY = 16 * MEGABYTE  # for each operation that git calls
PYTHON, NOTHING = "python -I -c pass", "no helper"
BY_OAUTH, BY_GH = "git-credential-oauth get, not its host", "gh auth git-credential get"


class Case(NamedTuple):
    """A program, what it reads, and what has to be in its answer, or is not measured what its name says."""

    name: str
    command: Sequence[str]
    message: bytes = HUB
    answer: bytes = b""
    goal: float | None = None  # the most that it may take, times the first of its table
    home: str = "plain"
    more: dict[str, str] = {}  # noqa: RUF012 - of the environment; nobody changes it
    before: Callable[[], object] = bool  # what is done first, and not measured
    status: int = 0


class Row(NamedTuple):
    """What was measured of a case: seconds of each round, bytes."""

    case: Case
    seconds: list[float]
    ratio: figures.Ratio
    memory: int | None

    def as_json(self) -> dict[str, Any]:
        ms = statistics.median(self.seconds) * 1000
        return {"name": self.case.name, "ms": ms, "ratio": self.ratio._asdict(), "memory": self.memory}


def git() -> str:
    return shutil.which("git") or sys.exit("git is not on PATH")


def ours() -> str:
    return shutil.which("git-credential-hf") or sys.exit("git-credential-hf is not on PATH")


def fills(directory: Path) -> list[Case]:
    """`git credential fill` through one helper each."""
    naive = directory / "naive"
    naive.write_text(f"#!{sys.executable}\n{NAIVE}\n")
    naive.chmod(0o755)

    def fill(name: str, *helper: str, message: bytes = HUB, answer: bytes = ANSWER) -> Case:
        settings = [word for value in ("", *helper) for word in ("-c", f"credential.helper={value}")]
        return Case(name, [git(), *settings, "credential", "fill"], message, answer, status=0 if answer else 128)

    found = [
        fill(NOTHING, answer=b""),
        fill("git-credential-hf", homes.program()),
        fill("store", "store"),
        fill("cache, its daemon running", "cache"),
        fill("a script that imports huggingface_hub", str(naive)),
    ]
    if shutil.which("gh"):
        found.append(fill("gh", "!gh auth git-credential", message=GITHUB))
    if shutil.which("git-credential-oauth"):
        # It answers for its own hosts only after a login in the browser: here it looks whether this is one of them.
        found.append(fill("oauth, not its host", "oauth", answer=b""))
    return found


def programs() -> list[Case]:
    """What git calls, alone, and what others have for it."""
    stored = HUB[:-1] + b"username=git\npassword=" + PLAIN.encode() + b"\n\n"
    found = [
        Case(PYTHON, [sys.executable, "-I", "-c", "pass"]),
        Case("get", [ours(), "get"], HUB, PLAIN.encode(), goal=1.2),
        Case("get, token of a browser login", [ours(), "get"], HUB, OAUTH.encode(), goal=1.2, home="oauth"),
        Case("get, HF_TOKEN", [ours(), "get"], HUB, b"hf_dddd", goal=1.2, more={"HF_TOKEN": "hf_" + "d" * 34}),
        Case("--token NAME get", [ours(), "--token", "name", "get"], HUB, PLAIN.encode(), goal=1.2),
        Case("get, not the Hub", [ours(), "get"], OTHER, goal=1.2),
        # These two look at git's configuration: that is a process of git's.
        Case("store", [ours(), "store"], stored, goal=1.6),
        Case("erase, of another token", [ours(), "erase"], HUB[:-1] + b"password=other\n\n", goal=1.6),
        Case("git credential-store get", [git(), "credential-store", "get"], HUB, ANSWER),
        Case("a script that imports huggingface_hub", [sys.executable, "-c", NAIVE], HUB, ANSWER),
    ]
    if gh := shutil.which("gh"):
        found.append(Case(BY_GH, [gh, "auth", "git-credential", "get"], GITHUB, ANSWER))
    if oauth := shutil.which("git-credential-oauth"):
        found.append(Case(BY_OAUTH, [oauth, "get"]))
    return found


def others(directory: Path, hub: Any) -> list[Case]:
    """The hook, and `doctor`; with a Hub, what the hook asks it."""
    hook = str(Path(git_credential_hf.__file__).with_name("hooks") / "scripts/pre-push")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=directory / "plain", capture_output=True, text=True, check=True
    ).stdout.strip()
    pushed = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n".encode()
    found = [
        Case(PYTHON, [sys.executable, "-I", "-c", "pass"]),
        Case("pre-push, not the Hub", [hook, "origin", "https://github.com/alice/model"], pushed, goal=1.5),
        # It finds a home in which git does not ask this helper.
        Case("doctor --offline", [ours(), "doctor", "--offline"], b"", b"problem", status=1),
    ]
    if hub is not None:
        to_hub = Case("", [hook, "origin", "https://huggingface.co/alice/model"], pushed, home="pushing")
        answers = directory / "pushing" / ".cache" / "git-credential-hf"
        forget = partial(shutil.rmtree, answers, ignore_errors=True)
        found.append(to_hub._replace(name="pre-push, the Hub, which said yes a moment ago"))
        found.append(to_hub._replace(name="pre-push, the Hub, which is asked", before=forget))
    return found


def make_homes(directory: Path, hub: Any) -> dict[str, dict[str, str]]:
    """A home, which is a repository with a commit as well, for each kind of login; the environment for each."""
    a_month: dict[str, Any] = {"refresh_token": "r", "expires_at": int(time.time()) + 30 * 86400}
    environments = {
        "plain": homes.make(directory / "plain", PLAIN, hub=hub),
        "oauth": homes.make(directory / "oauth", OAUTH, hub=hub, **a_month),
    }
    if hub is not None:
        hub.user("alice")
        hub.repository("alice/model", private=True)
        environments["pushing"] = homes.make(
            directory / "pushing", hub.token("alice"), homes.asks(homes.program()), hub
        )
    for environment in environments.values():
        environment["GH_TOKEN"] = "gho_" + "c" * 36
        for command in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "--message", "a commit"]):
            subprocess.run([git(), *command], cwd=environment["HOME"], env=environment, check=True)
    return environments


@contextlib.contextmanager
def cache_daemon(environment: dict[str, str]) -> Iterator[None]:
    """Git's cache, with a token in it, for as long as this takes."""
    cache = partial(subprocess.run, env=environment, cwd=environment["HOME"], check=True, stderr=subprocess.DEVNULL)
    message = HUB[:-1] + b"username=git\npassword=" + PLAIN.encode() + b"\n\n"
    cache([git(), "credential-cache", "--timeout", "86400", "store"], input=message)
    try:
        yield
    finally:
        cache([git(), "credential-cache", "exit"])


@contextlib.contextmanager
def the_hub(directory: Path) -> Iterator[Any]:
    """The stand-in Hub as https://huggingface.co; `None`, and why, where that cannot be."""
    why = "not in tests/support/namespace" if os.environ.get("GIT_CREDENTIAL_HF_TESTS_NAMESPACE") != "1" else ""
    try:
        if not why:
            socket.create_server(("127.0.0.1", 443)).close()
    except OSError as error:
        why = f"port 443: {error.strerror}"
    if why:
        print(f"not measured, as there is no Hub here ({why}): pre-push to the Hub, clone\n")
        yield None
        return
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
    from fake_hub import Hub

    with Hub(directory, ("127.0.0.1", 443), "huggingface.co") as hub:
        yield hub


def run(case: Case, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        case.command,
        input=case.message,
        cwd=environment["HOME"],
        env={**environment, **case.more},
        capture_output=True,
        check=False,
    )


def memory(case: Case, environment: dict[str, str], directory: Path) -> int | None:
    """The most memory that it had, in bytes; `None` where it is not Python.

    It is asked itself, at its end: what `wait4` tells of a child counts this process before its `exec`, too.
    """
    peak = directory / "peak"
    peak.unlink(missing_ok=True)
    (directory / "sitecustomize.py").write_text(
        "import atexit\n@atexit.register\ndef tell():\n"
        f"    open({str(peak)!r}, 'w').writelines(l for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
    )
    run(case._replace(command=[c for c in case.command if c != "-I"]), {**environment, "PYTHONPATH": str(directory)})
    return int(peak.read_text().split()[1]) * 1024 if peak.exists() else None


def measure(
    title: str, cases: list[Case], environments: dict[str, dict[str, str]], rounds: int, directory: Path
) -> dict[str, Row]:
    """Measure the cases in turn, and print their table."""
    for case in cases:
        case.before()
        done = run(case, environments[case.home])
        is_right = done.returncode == case.status and case.answer in done.stdout + done.stderr
        assert is_right, f"{title}: {case.name}: {done.returncode}\n{done.stdout!r}\n{done.stderr!r}"
    seconds = figures.in_turn(
        {case.name: partial(run, case, environments[case.home]) for case in cases},
        rounds,
        before={case.name: case.before for case in cases},
    )
    first = seconds[cases[0].name]
    print(f"{title + ', median of ' + str(rounds):56} {'ms':>7} {'ratio':>7} {'':15} {'MB':>6}")
    rows = {}
    for case in cases:
        case.before()
        row = Row(
            case,
            seconds[case.name],
            figures.ratio(seconds[case.name], first),
            memory(case, environments[case.home], directory) if title != FILL else None,  # there it would be git's
        )
        rows[case.name] = row
        megabytes = f"{row.memory / MEGABYTE:.1f}" if row.memory else ""
        print(f"{case.name:56} {statistics.median(row.seconds) * 1000:7.1f} {row.ratio} {megabytes:>6}".rstrip())
    print()
    return rows


FILL, ALONE, MORE = "git credential fill through", "the program alone", "a hook, and doctor"


def goals(tables: dict[str, dict[str, Row]]) -> list[figures.Goal]:
    rows = [row for table in tables.values() for row in table.values() if row.case.goal is not None]
    found = [figures.Goal(f"{row.case.name}, to {PYTHON}", row.ratio, row.case.goal or 0) for row in rows]
    alone = tables[ALONE]
    for other, most in ((BY_OAUTH, 1.0), (BY_GH, 0.35)):
        if other in alone:
            found.append(
                figures.Goal(f"get, to {other}", figures.ratio(alone["get"].seconds, alone[other].seconds), most)
            )
    memory = max(row.memory or 0 for row in rows) / MOST_MEMORY
    found.append(figures.Goal("most memory of these, to 16 MB", figures.Ratio(memory, memory, memory), 1))
    return found


def main() -> int:
    """Print the tables and the goals."""
    options = figures.options(__doc__)
    rounds = options.rounds or 40
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = stack.enter_context(the_hub(directory))
        environments = make_homes(directory, hub)
        tables = {}
        with cache_daemon(environments["plain"]):
            tables[FILL] = measure(FILL, fills(directory), environments, rounds, directory)
        tables[ALONE] = measure(ALONE, programs(), environments, rounds, directory)
        tables[MORE] = measure(MORE, others(directory, hub), environments, max(rounds // 4, 3), directory)
        cloned = clones.measure(directory, hub, rounds) if hub is not None else []
        wanted = [*goals(tables), *(clone.goal for clone in cloned if clone.goal)]
        results = {
            "rounds": rounds,
            "tables": {title: [row.as_json() for row in rows.values()] for title, rows in tables.items()},
            "clones": [clone.as_json() for clone in cloned],
            "goals": [goal.as_json() for goal in wanted],
        }
        figures.save(options.json, "get", results)
    return figures.judge(wanted)


if __name__ == "__main__":
    sys.exit(main())
