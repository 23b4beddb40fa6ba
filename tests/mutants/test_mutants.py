"""The mutants' own tests: that one which nobody notices is seen, and an explanation that explains nothing, too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import mutants
from mutants import Mutant

CODE = """\
LIMIT = 10

def is_allowed(size):
    if size > LIMIT:
        return False
    return True

def wait():
    while not is_allowed(1):
        pass
    return 1
"""
TESTS = """\
import subprocess, sys

from weighed import is_allowed, wait

def test_limit():
    assert is_allowed(10)

def test_elsewhere():
    done = subprocess.run([sys.executable, "-c", "import weighed; assert weighed.LIMIT == 10"])
    assert done.returncode == 0

def test_wait():
    assert wait() == 1
"""
BY_HAND = {
    "nothing": ("", "", "lives", ""),
    "too strict": ("size > LIMIT", "size >= LIMIT", "killed", "test_weighed.py::test_limit"),
    "nobody looks": ("return False", "return None", "lives", ""),
    "in a process": ("LIMIT = 10", "LIMIT = 11", "killed", "test_weighed.py::test_elsewhere"),
    "no module": ("LIMIT = 10", "LIMIT = 1 / 0", "killed", "import"),
    "without an end": ("while not is_allowed(1)", "while is_allowed(1)", "hangs", "test_weighed.py::test_wait"),
    "nothing again": ("", "", "lives", ""),
}


def test_worker(tmp_path: Path) -> None:
    """A mutant is seen by tests here and in processes; what hangs is ended; each starts from what was not changed."""
    place = tmp_path / "venv"
    venv.create(place, symlinks=True)
    site = next(place.glob("lib/python*/site-packages"))
    (site / "rest.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    (site / "weighed.py").write_text(CODE)
    (tmp_path / "test_weighed.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    worker = Path(mutants.__file__).with_name("worker.py")
    jobs = [
        {
            "module": "weighed",
            "code": CODE.replace(was, now),
            "tests": ["test_weighed.py::test_limit", "test_weighed.py::test_elsewhere", "test_weighed.py::test_wait"],
            "seconds": {"test_weighed.py::test_wait": 0.05},
        }
        for was, now, _, _ in BY_HAND.values()
    ]
    done = subprocess.run(
        [place / "bin/python", worker, "test_weighed.py"],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "GIT_CREDENTIAL_HF_TESTS_PATIENCE": "0.5"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    collected, *said = [json.loads(line) for line in done.stdout.splitlines()]
    assert collected == jobs[0]["tests"]
    expected = [{"outcome": outcome, "test": test} for *_, outcome, test in BY_HAND.values()]
    assert said == expected, done.stderr


def mutant(now: str, function: str = "owns") -> Mutant:
    return Mutant("hub", function, "return a", now, range(1, 2), "")


EXPLANATIONS = """\
[[lives]]
module = "hub"
function = "owns"
was = "return a"
now = "return b"
why = "they are the same"

[[lives]]
pattern = "-> .*UTF"
why = "Python minds no letter case there"
"""


def test_explanations() -> None:
    """An explanation is for its mutant alone; what none fits lives unexplained, and one that fits nothing is stale."""
    explanations = mutants.load(EXPLANATIONS)
    same, coded, new = mutant("return b"), mutant("return UTF"), mutant("return c")
    other = mutant("return b", "origin")
    pairs, unexplained, stale = mutants.explained([same, coded, new, other], explanations)
    assert [(explanation["why"], mine) for explanation, mine in pairs] == [
        ("they are the same", [same]),
        ("Python minds no letter case there", [coded]),
    ]
    assert (unexplained, stale) == ([new, other], [])
    assert mutants.explained([same], explanations)[1:] == ([], [explanations[1]])
    with pytest.raises(AssertionError):
        mutants.load(EXPLANATIONS.replace('now = "return b"\n', ""))


def test_the_kept_explanations_can_be_read() -> None:
    """Each explanation that is kept is one, and is kept once."""
    explanations = mutants.load(mutants.EXPLAINED.read_text("utf-8"))
    kept = [tuple(sorted(explanation.items())) for explanation in explanations]
    assert len(set(kept)) == len(kept)


def test_mutants() -> None:
    """Functions, constants and methods are changed, one at a time; what a mutant is called does not hold its line."""
    pytest.importorskip("mutmut", reason="mutmut makes the mutants, and is there in the long run alone")
    made = mutants.made_of("weighed", CODE)
    assert {mutant.function for mutant in made} == {"-", "is_allowed", "wait"}
    changes = {(mutant.was, mutant.now): mutant for mutant in made}
    changed = changes["if size > LIMIT:", "if size >= LIMIT:"]
    assert changed.lines == range(4, 5)
    assert changed.code == CODE.replace(">", ">=")
    moved = mutants.made_of("weighed", "\n\n" + CODE)
    assert [mutant.key for mutant in moved] == [mutant.key for mutant in made]
    method = mutants.made_of("weighed", "class A:\n    def b(self):\n        return self.c + 1\n")
    assert {mutant.function for mutant in method} == {"A.b"}
    default = mutants.made_of("weighed", "def a(b=1):\n    c = lambda d: d\n    return c\n")
    lines = {mutant.now: mutant.lines for mutant in default}
    assert (lines["def a(b=2):"], lines["c = lambda d: None"]) == (range(1, 4), range(2, 3))
