"""Runs tests, and writes which of them reach which lines of the package, also in processes, and how long each takes."""

from __future__ import annotations

import json
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from worker import calm

SITE = Path(sysconfig.get_path("purelib"))
PACKAGE = SITE / "git_credential_hf"

START = """\
import os, sys

if "git-credential-hf" in "".join(sys.orig_argv) or "git_credential_hf" in "".join(sys.orig_argv):
    import atexit

    import coverage

    with open({test!r}) as file:
        name = file.read()
    watching = coverage.Coverage(
        config_file=False, data_file={data!r}, data_suffix=True, source=[{package!r}], context=name, messages=False
    )
    watching.start()
    atexit.register(watching.save)
"""


class Watch:
    """A plugin of pytest: what is reached, by the test that runs."""

    def __init__(self, coverage: object, note: Path) -> None:
        self.coverage = coverage
        self.note = note
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.note.write_text(nodeid)
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


def main(result: str, tests: list[str]) -> None:
    import coverage

    with tempfile.TemporaryDirectory() as scratch:
        note, data = Path(scratch, "test"), Path(scratch, "data")
        start = SITE / "watched.py"
        start.write_text(START.format(test=str(note), data=str(data), package=str(PACKAGE)))
        (SITE / "watched.pth").write_text("import watched\n")
        ours = coverage.Coverage(
            config_file=False, data_file=str(data), data_suffix=True, source=[str(PACKAGE)], messages=False
        )
        watch = Watch(ours, note)
        note.write_text("")
        try:
            ours.start()
            pytest.main([*calm(), *tests], plugins=[watch])
            ours.stop()
            ours.save()
        finally:
            (SITE / "watched.pth").unlink()
            start.unlink()
        ours.combine([scratch])
        found = ours.get_data()
        reached = {
            Path(file).stem: {line: sorted(set(tests) - {""}) for line, tests in found.contexts_by_lineno(file).items()}
            for file in found.measured_files()
        }
    Path(result).write_text(json.dumps({"seconds": watch.seconds, "reached": reached, "failed": watch.failed}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
