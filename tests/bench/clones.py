"""A private clone from the stand-in Hub, through this helper and through git's own `store`: pairs of both."""

import random
import shutil
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import figures
import homes

# Times the same clone through `store`. With LFS a helper is asked four times, one after the other, and each time Python
# takes 8 ms longer to start than `store`: on loopback that alone is more. So it is shown, and not judged.
MOST = {"git alone": 1.03}
COMMITS, FILES = 30, 400
HELPERS = {"store": "store", "git-credential-hf": homes.program()}
HUB = "https://huggingface.co"


class Clone(NamedTuple):
    """What was cloned, the seconds of each clone by its helper, and what that makes."""

    name: str
    seconds: dict[str, list[float]]
    ratio: figures.Ratio
    goal: figures.Goal | None

    def as_json(self) -> dict[str, Any]:
        medians = {helper: statistics.median(seconds) * 1000 for helper, seconds in self.seconds.items()}
        return {"name": self.name, "ms": medians, "ratio": self.ratio._asdict()}


def make_repositories(hub: Any) -> dict[str, str]:
    """Two private repositories of several MB each, in some hundred objects; the second has LFS objects, too."""
    chance = random.Random(1)
    hub.user("bob")
    for name, lfs in (("bob/plain", {}), ("bob/lfs", {f"{k}.bin": chance.randbytes(4 << 20) for k in range(3)})):
        repository = hub.repository(name, private=True, files={"README.md": b"# A model\n"}, lfs=lfs)
        for number in range(COMMITS):
            lines = [b"%032x\n" % chance.getrandbits(128) for _ in range(700)]  # 23 kB, and half of that when packed
            mine = range(number, FILES, COMMITS)
            repository.commit({f"d{k % 20}/{k}.txt": b"".join(chance.sample(lines, 600)) for k in mine})
        repository.git("repack", "-a", "-d", "--quiet")  # as the Hub does, sooner or later
    return {"git alone": f"{HUB}/bob/plain", "with LFS": f"{HUB}/bob/lfs"}


def make_home(hub: Any, home: Path, helper: str, token: str) -> dict[str, str]:
    """A home in which git asks this helper alone; its environment."""
    environment = homes.make(home, token, homes.asks(helper), hub)
    subprocess.run(["git", "lfs", "install", "--skip-repo"], env=environment, check=True, capture_output=True)
    return environment


def clone(url: str, environment: dict[str, str]) -> None:
    subprocess.run(
        ["git", "clone", "--quiet", url, "there"], cwd=environment["HOME"], env=environment, check=True, timeout=120
    )


def measure(directory: Path, hub: Any, rounds: int) -> list[Clone]:
    """Measure the pairs, and print their table."""
    urls = make_repositories(hub)
    token = hub.token("bob", role="read")
    environments = {name: make_home(hub, directory / f"clones-{name}", HELPERS[name], token) for name in HELPERS}
    forget: dict[str, Callable[[], object]] = {
        name: partial(shutil.rmtree, Path(environment["HOME"], "there"), ignore_errors=True)
        for name, environment in environments.items()
    }
    found = []
    for what, url in urls.items():
        programs = {name: partial(clone, url, environment) for name, environment in environments.items()}
        seconds = figures.in_turn(programs, rounds, before=forget)
        ratio = figures.paired_ratio(seconds["git-credential-hf"], seconds["store"])
        name = f"private clone, {what}, to the same through store"
        found.append(Clone(what, seconds, ratio, figures.Goal(name, ratio, MOST[what]) if what in MOST else None))
        print(f"{f'private clone, {what}, median of {rounds}':56} {'ms':>7} {'ratio':>7}")
        for helper, times in seconds.items():
            shown = ratio if helper != "store" else f"{1:7.3f}"
            print(f"{'through ' + helper:56} {statistics.median(times) * 1000:7.1f} {shown}")
        more = (ratio.value - 1) * statistics.median(seconds["store"]) * 1000
        print(f"{'the difference, median of the pairs':56} {more:7.1f}")
        print()
    return found
