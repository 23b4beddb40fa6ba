"""How long `get` takes, and how much memory, as ratios to a bare interpreter in the same run.

Whole processes, one after the other in turn, so that a noisy machine is as noisy for each of them; the median of many
rounds. Run it with `./tests/run --bench [ROUNDS]`. Exit status: 1 where a goal was missed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import git_credential_hf

HUB = b"protocol=https\nhost=huggingface.co\n\n"
TOKEN = "hf_" + "a" * 34
OAUTH = "hf_oauth_" + "b" * 300
# `store` and `erase` look at git's configuration: that is a process of git's.
NAIVE = "from huggingface_hub import get_token; print('username=git'); print('password=' + get_token())"
PUSHED = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n".encode()
MEGABYTE = 1 << 20
GH = "gh auth git-credential get"
MOST_MEMORY = 16 * MEGABYTE  # for each operation that git calls


class Case(NamedTuple):
    """A program, what it reads, and the most that it may take, times a bare interpreter."""

    name: str
    command: list[str]
    message: bytes = HUB
    goal: float | None = None
    home: str = "plain"


def cases() -> list[Case]:
    ours = shutil.which("git-credential-hf")
    assert ours, "git-credential-hf is not on PATH"
    hook = str(Path(git_credential_hf.__file__).with_name("hooks") / "pre-push")
    found = [
        Case("python -I -c pass", [sys.executable, "-I", "-c", "pass"]),
        Case("get", [ours, "get"], goal=1.35),
        Case("get, token of a browser login", [ours, "get"], goal=1.35, home="oauth"),
        Case("get, not the Hub", [ours, "get"], b"protocol=https\nhost=example.org\n\n", goal=1.35),
        Case("store", [ours, "store"], HUB[:-1] + b"username=git\npassword=" + TOKEN.encode() + b"\n\n", goal=1.6),
        Case("erase, of another token", [ours, "erase"], HUB[:-1] + b"password=other\n\n", goal=1.6),
        Case("pre-push, not the Hub", [hook, "origin", "https://github.com/alice/model"], PUSHED, goal=1.5),
        Case("a script that imports huggingface_hub", [sys.executable, "-c", NAIVE]),
    ]
    if gh := shutil.which("gh"):
        found.append(Case(GH, [gh, "auth", "git-credential", "get"]))
    if oauth := shutil.which("git-credential-oauth"):
        found.append(Case("git-credential-oauth, not its host", [oauth, "get"]))
    if store := shutil.which("git"):
        found.append(Case("git credential-store get", [store, "credential-store", "get"]))
    return found


def make_homes(directory: Path) -> dict[str, dict[str, str]]:
    """One home per kind of login; the environment for each."""
    environments = {}
    for kind, token in (("plain", TOKEN), ("oauth", OAUTH)):
        stored = directory / kind / ".cache" / "huggingface"
        stored.mkdir(parents=True)
        (stored / "token").write_text(token)
        more = "" if kind == "plain" else f"refresh_token = r\nexpires_at = {int(time.time()) + 30 * 86400}\n"
        (stored / "stored_tokens").write_text(f"[name]\nhf_token = {token}\n{more}\n")
        for file in stored.iterdir():
            os.utime(file, (time.time() - 3600,) * 2)
        subprocess.run(["git", "init", "--quiet", directory / kind], check=True)
        runtime = directory / kind / "run"
        runtime.mkdir(mode=0o700)
        environments[kind] = {
            "HOME": str(directory / kind),
            "PATH": os.environ["PATH"],
            "XDG_RUNTIME_DIR": str(runtime),
            "GH_TOKEN": "gho_" + "c" * 36,
        }
    return environments


def run(case: Case, environment: dict[str, str]) -> float:
    """Run it once; how many seconds that took."""
    message = case.message.replace(b"huggingface.co", b"github.com") if case.name.startswith("gh ") else case.message
    began = time.perf_counter()
    subprocess.run(
        case.command, input=message, cwd=environment["HOME"], env=environment, capture_output=True, check=False
    )
    return time.perf_counter() - began


def memory(case: Case, environment: dict[str, str], directory: Path) -> float | None:
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


def main() -> int:
    """Print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    table = cases()
    seconds: dict[str, list[float]] = {case.name: [] for case in table}
    peaks: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as directory:
        environments = make_homes(Path(directory))
        for _ in range(rounds + 2):  # two to warm up
            for case in table:
                seconds[case.name].append(run(case, environments[case.home]))
        for case in table:
            peaks[case.name] = memory(case, environments[case.home], Path(directory))
    medians = {name: statistics.median(times[2:]) for name, times in seconds.items()}
    missed = 0
    print(f"{'median of ' + str(rounds):40} {'ms':>7} {'ratio':>6} {'goal':>6} {'MB':>6}")
    for case in table:
        ratio, peak = medians[case.name] / medians[table[0].name], peaks[case.name]
        goal, megabytes = f"{case.goal:.2f}" if case.goal else "", f"{peak / MEGABYTE:.1f}" if peak else ""
        is_missed = case.goal is not None and (ratio > case.goal or (peak or 0) > MOST_MEMORY)
        missed += is_missed
        line = f"{case.name:40} {medians[case.name] * 1000:7.1f} {ratio:6.2f} {goal:>6} {megabytes:>6}"
        print(line + ("  missed" if is_missed else ""))
    if GH in medians and medians["get"] > medians[GH]:
        missed += 1
        print("get is slower than gh")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
