"""What the long runs found: a table each, kept beside this file as JSON, and shown together by tests/RESULTS.md.

`./tests/run --long` measures all of it again, `./tests/run --long PART...` some of it.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence

import git_credential_hf

HERE = pathlib.Path(__file__).parent
PAGE = HERE.parent / "RESULTS.md"

# In the order of the page. Each names the folder below tests/ whose `long` measures it.
TABLES = {
    "inputs": ("Inputs", "inputs"),
    "faults": ("Failing system calls", "faults"),
    "kills": ("Ended at a random point", "faults"),
    "surroundings": ("Odd surroundings", "surroundings"),
    "crowds": ("Five hundred at once", "surroundings"),
    "leaks": ("Leaks", "leaks"),
    "git": ("git's own tests", "credential"),
    "covered": ("Coverage", "covered"),
    "mutants": ("Mutants", "mutants"),
    "survivors": ("Mutants that live, and why", "mutants"),
}


def record(table: str, about: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Keep what was measured, with its date and the versions of what it was measured on, and make the page anew.

    `about` is a paragraph or two of Markdown: what was done, and what would have been a failure.
    """
    assert table in TABLES, table
    measured = {
        "about": about.strip(),
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "versions": versions(),
        "columns": list(columns),
        "rows": [[str(cell) for cell in row] for row in rows],
    }
    (HERE / f"{table}.json").write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(page(), "utf-8")


def kept_rows(table: str) -> list[list[str]]:
    """The rows of a table as they were measured the last time, for a run that measures only some of them again."""
    return json.loads((HERE / f"{table}.json").read_text("utf-8"))["rows"]


def versions() -> dict[str, str]:
    """Of what is tested, and of what it is tested with."""
    import huggingface_hub

    def first(*command: str) -> str:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"\d+\.\d+(\.\d+)*", said)
        return found[0] if found else said.strip()

    commit = subprocess.run(
        ["git", "-C", HERE, "describe", "--always", "--dirty", "--exclude=*"], capture_output=True, text=True
    ).stdout.strip()
    return {
        "git-credential-hf": f"{git_credential_hf.__version__} ({commit or 'no commit'})",
        "Python": platform.python_version(),
        "huggingface_hub": huggingface_hub.__version__,
        "git": first("git", "--version"),
        "git-lfs": first("git-lfs", "--version"),
        "Linux": platform.release(),
        "cores": str(os.cpu_count()),
    }


def page() -> str:
    """tests/RESULTS.md, out of the tables that were recorded."""
    return "\n".join([INTRODUCTION, *(section(table) for table in TABLES if (HERE / f"{table}.json").exists())])


INTRODUCTION = """\
# How hard it was tried to break this

Written by `./tests/run --long`, which measures it again; not by hand. A short run of the same tests is part of
`./tests/run`. What is promised, and by which tests it is held, is in [SECURITY.md](../SECURITY.md).
"""


def section(table: str) -> str:
    measured = json.loads((HERE / f"{table}.json").read_text("utf-8"))
    title, part = TABLES[table]

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    with_what = ", ".join(f"{name} {version}" for name, version in measured["versions"].items())
    return "\n".join(
        [
            f"## {title}",
            "",
            measured["about"],
            "",
            f"`./tests/run --long {part}`, {measured['date']}: {with_what}.",
            "",
            line(measured["columns"]),
            line("---" for _ in measured["columns"]),
            *map(line, measured["rows"]),
            "",
        ]
    )
