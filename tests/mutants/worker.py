"""Judges mutants, one after the other: a pytest that has collected its tests, and forks for each mutant to run some.

In the fork the mutant's functions and constants are put into the module, and on disk its code stands in the place of
the module's, for the processes that tests start. Its environment is therefore its own (see `long`).

Arguments: pytest's. stdin: a JSON object in each line, {"module", "code", "tests", "seconds"}; stdout: the names of
all tests, then {"outcome", "test"} for each line.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any, TextIO

import hypothesis
import pytest

PATIENCE = float(
    os.environ.get("GIT_CREDENTIAL_HF_TESTS_PATIENCE", "10")
)  # seconds for each test, and ten times its own
MEMORY = 8 << 30  # bytes
PDEATHSIG, SUBREAPER = 1, 36  # PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER of prctl(2)
SLOW = 0.2  # seconds


class Judge:
    """A plugin of pytest, in the place of the loop that runs all tests."""

    def __init__(self, jobs: TextIO, answers: int) -> None:
        self.jobs = jobs
        self.answers = answers
        self.tell: int | None = None  # set in a fork

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        items = {item.nodeid: item for item in session.items}
        os.write(self.answers, json.dumps(list(items)).encode() + b"\n")
        for line in self.jobs:
            job = json.loads(line)
            module, seconds = importlib.import_module(job["module"]), job["seconds"]
            file = Path(module.__file__ or "")
            file.write_text(job["code"], "utf-8")
            # What Python has compiled goes by size and seconds, and mutants are written faster than that.
            self.now = getattr(self, "now", 1_000_000_000) + 1
            os.utime(file, (self.now, self.now))
            tests = [test for test in job["tests"] if test in items]
            for attempt in range(2):
                listen, tell = os.pipe()
                child = os.fork()
                if not child:
                    os.close(listen)
                    self.tell = tell
                    self.prepare(module, job["code"])
                    session.items = [items[test] for test in tests]
                    return None  # so that pytest runs them
                os.close(tell)
                outcome, test = self.follow(listen, seconds)
                os.close(listen)
                _end(child)
                # A test that starts processes may fail for another reason on a busy machine, but not twice.
                if outcome != "killed" or test not in items or seconds.get(test, 1) < SLOW or attempt:
                    break
                tests = [test]
            if attempt and outcome == "lives":
                outcome = "unsure"
            if outcome == "lives":
                test = ""
            os.write(self.answers, json.dumps({"outcome": outcome, "test": test}).encode() + b"\n")
        return True

    def prepare(self, module: types.ModuleType, code: str) -> None:
        os.setsid()
        ctypes.CDLL(None).prctl(PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # no mutant runs on when its judge is gone
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            graft(module, code)
        except Exception:
            self.say("fails", "import")
            os._exit(1)

    def say(self, what: str, about: object) -> None:
        if self.tell:
            os.write(self.tell, json.dumps([what, about]).encode() + b"\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.say("starts", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.say("fails", report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self.tell:
            self.say("ends", int(exitstatus))
            os._exit(0)

    def follow(self, listen: int, seconds: dict[str, float]) -> tuple[str, str]:
        """`lives`, `killed` or `hangs`, and the test at which it is."""
        test, heard = "", b""
        deadline = time.monotonic() + 6 * PATIENCE
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([listen], [], [], left)[0]:
                return "hangs", test
            chunk = os.read(listen, 65536)
            if not chunk:
                return "killed", test  # it took Python itself down
            *lines, heard = (heard + chunk).split(b"\n")
            for line in lines:
                what, about = json.loads(line)
                if what == "fails":
                    return "killed", about
                if what == "ends":
                    return ("killed" if about else "lives"), test
                test, deadline = about, time.monotonic() + PATIENCE + 10 * seconds.get(about, 1)


def graft(module: types.ModuleType, code: str) -> None:
    """Make a module what it would be if imported with this code; its functions and classes stay who they are."""
    fresh = types.ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(code, str(module.__file__), "exec", dont_inherit=True), vars(fresh))
    for name, new in vars(fresh).items():
        old = vars(module).get(name)
        if isinstance(old, type) and isinstance(new, type) and new.__module__ == module.__name__:
            for attribute, value in vars(new).items():
                _put(value, vars(old).get(attribute))
        elif not _put(new, old) and not name.startswith("__"):
            setattr(module, name, new)


def _put(new: Any, old: Any) -> bool:
    if isinstance(new, property) and isinstance(old, property):
        new, old = new.fget, old.fget
    if not isinstance(new, types.FunctionType) or not isinstance(old, types.FunctionType):
        return False
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True


def _end(child: int) -> None:
    """End all that a mutant has left behind, and wait for it."""
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    me = os.getpid()
    while True:
        for other in Path(f"/proc/{me}/task/{me}/children").read_text().split():
            os.kill(int(other), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def calm() -> list[str]:
    """Arguments of pytest; the same examples each time, and none made smaller: nobody reads them."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", derandomize=True, database=None, deadline=None, phases=phases)
    hypothesis.settings.load_profile("mutants")
    return ["-q", "-q", "--tb=native", "-p", "no:cacheprovider", f"--basetemp={sys.prefix}/scratch"]


if __name__ == "__main__":
    judge = Judge(os.fdopen(os.dup(0)), os.dup(1))
    os.dup2(os.open(f"{sys.prefix}/log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    sys.exit(pytest.main(["-x", *calm(), *sys.argv[1:]], plugins=[judge]))
