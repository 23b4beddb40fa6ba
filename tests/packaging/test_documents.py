"""What comes with the program: its manual page, completions in the shells themselves, and what SECURITY.md says."""

import ast
import os
import re
import shutil
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pexpect
import pytest

from git_credential_hf import cli
from git_credential_hf.manpage import ENVIRONMENT, manual_page

SHARE = Path(sysconfig.get_path("data"), "share")
PAGE = SHARE / "man/man1/git-credential-hf.1"


def needs(*programs: str) -> None:
    """Skip the test, and say why, where a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def test_git_help_opens_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    """`git help credential-hf`, and `git credential-hf --help`, show the page of the package that is on PATH."""
    needs("man")
    monkeypatch.setenv("MANPAGER", "cat")
    for command in ("help credential-hf", "credential-hf --help"):
        done = subprocess.run(["git", *command.split()], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        plain = re.sub(r".\x08", "", done.stdout)
        assert plain.startswith("GIT-CREDENTIAL-HF(1)")
        assert "git-credential-hf doctor [--fix] [--yes]" in plain


def test_man_has_nothing_to_complain_of() -> None:
    """The page is clean man(7), and man knows its one-line description."""
    needs("man", "lexgrog")
    done = subprocess.run(["man", "--warnings", "-l", PAGE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    said = subprocess.run(["lexgrog", PAGE], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "git-credential-hf - log git in to the Hugging Face Hub" in said


def every(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield prefix + name, command
        if isinstance(command, click.Group):
            yield from every(command, f"{prefix}{name} ")


def test_manual_and_help_say_the_same() -> None:
    """The installed page is what the commands say today; what `--help` says of each of them is in it, word by word."""
    assert PAGE.read_text() == manual_page(cli.commands), "made of other commands: build the package again"
    needs("man")
    shown = subprocess.run(
        ["man", "-l", PAGE],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "MANWIDTH": "500"},
    ).stdout
    words = " ".join(re.sub(r".\x08", "", shown).split())
    for name, command in every(cli.commands):
        if not isinstance(command, click.Group):
            assert f"git-credential-hf {name}" in words
            assert " ".join((command.help or "").replace("`", "").split()) in words
            for parameter in command.params:
                if isinstance(parameter, click.Option):
                    assert f"{parameter.opts[0]}" in words
                    assert " ".join((parameter.help or "").replace("`", "").split()) in words


def test_manual_names_what_the_program_reads() -> None:
    """Each variable of the environment in the page is one that the program, or huggingface_hub, looks at."""
    package = Path(cli.__file__).parent
    read = "".join(file.read_text() for file in package.rglob("*.py") if file.name != "manual.py")
    for names in ENVIRONMENT:
        for name in names.split(", "):
            assert name in read


@pytest.fixture
def named_tokens(home: Path) -> None:
    """Two stored tokens, as `hf auth login` keeps them."""
    folder = home / ".cache/huggingface"
    folder.mkdir(parents=True)
    (folder / "stored_tokens").write_text("[work]\nhf_token = hf_x\n\n[weekend]\nhf_token = hf_y\n")


def in_bash(home: Path) -> "pexpect.spawn[str]":
    needs("bash")
    library = Path("/usr/share/bash-completion/bash_completion")
    if not library.exists():
        pytest.skip("bash-completion is not installed")
    shell = pexpect.spawn("bash", ["--norc", "--noprofile", "-i"], encoding="utf-8", timeout=20, dimensions=(24, 200))
    # As ~/.bashrc does on Debian; completions are then found below the data directory of the user.
    shell.sendline(f"PS1='> '; bind 'set enable-bracketed-paste off'; . {library}; echo rea''dy")
    return shell


def in_zsh(home: Path) -> "pexpect.spawn[str]":
    needs("zsh")
    shell = pexpect.spawn("zsh", ["-f", "-i"], encoding="utf-8", timeout=20, dimensions=(24, 200))
    # The lines that the README has for ~/.zshrc.
    shell.sendline(
        "PS1='> '; fpath+=(~/.local/share/zsh/site-functions); autoload -Uz compinit; compinit -D; echo rea''dy"
    )
    return shell


def in_fish(home: Path) -> "pexpect.spawn[str]":
    needs("fish")
    return pexpect.spawn("fish", ["--private"], encoding="utf-8", timeout=20, dimensions=(24, 200))


Shell = Callable[[Path], "pexpect.spawn[str]"]


@pytest.mark.parametrize("start", [in_bash, in_zsh])
def test_tab_completes(start: Shell, home: Path, named_tokens: None) -> None:
    """In the shell itself, with the files where install.sh links them: commands, options, names of stored tokens."""
    (home / ".local").mkdir()
    (home / ".local/share").symlink_to(SHARE)
    shell = start(home)
    shell.expect("ready")
    for typed, completed in {
        "git-credential-hf unc": "unconfigure",
        "git-credential-hf doctor --off": "--offline",
        "git-credential-hf hooks inst": "install",
        "git-credential-hf configure --token wo": "work",
    }.items():
        shell.send(f"{typed}\t")
        shell.expect_exact(completed)
        shell.send("\x15")  # Ctrl-U: empty the line
        time.sleep(0.1)
    shell.send("git-credential-hf configure --token w\t\t")
    shell.expect("work +.*weekend")
    shell.close(force=True)


def test_tab_completes_in_fish(home: Path, named_tokens: None) -> None:
    """The same, with descriptions, as fish itself would offer them."""
    needs("fish")
    (home / ".local").mkdir()
    (home / ".local/share").symlink_to(SHARE)

    def offered(typed: str) -> list[list[str]]:
        done = subprocess.run(
            ["fish", "--private", "-c", 'complete --do-complete "$argv"', typed],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return [line.split("\t") for line in done.stdout.splitlines()]

    [[name, text]] = offered("git-credential-hf unc")
    assert name == "unconfigure"
    assert text.startswith("Undo `configure`")
    assert [first for first, *_ in offered("git-credential-hf doctor --off")] == ["--offline"]
    assert [first for first, *_ in offered("git-credential-hf configure --token w")] == ["weekend", "work"]


# --- SECURITY.md ---

TESTS = Path(__file__).resolve().parents[1]
SECURITY = (TESTS.parent / "SECURITY.md").read_text()


def functions_of(file: Path) -> set[str]:
    """The tests in a file, by its source."""
    functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def test_each_promise_is_held_by_a_test_that_is_there() -> None:
    """SECURITY.md names no test that is not there, and each row of its tables names one."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", SECURITY)
    assert {(file, test) for file, test in named if test not in functions_of(TESTS / file)} == set()
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and not line.endswith("| test |")]
    assert len(rows) > 20
    assert [
        row for row in rows if not re.fullmatch(r"`[\w/.]+::\w+`(, `[\w/.]+::\w+`)*", row.split(" | ")[2][:-2])
    ] == []


def test_each_threat_that_is_tested_is_a_promise() -> None:
    """What tests/threats attacks stands in SECURITY.md, with the name of the test."""
    attacked = {
        f"threats/{file.name}::{test}" for file in TESTS.glob("threats/test_*.py") for test in functions_of(file)
    }
    assert len(attacked) > 20
    assert {name for name in attacked if f"`{name}`" not in SECURITY} == set()


# --- docs/facts.md ---

ROOT = TESTS.parent
FACTS = (ROOT / "docs/facts.md").read_text("utf-8")
HEADINGS = re.findall(r'^### <a id="(\w+)"></a>(\w+)\. (.+)$', FACTS, re.MULTILINE)


def texts() -> Iterator[tuple[str, str]]:
    """Each file of this project with its text, but for what the tools make in a checkout."""
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name in (".ci", ".github") or not re.match(r"\.|__|dist$", name)]
        for file in files:
            path = Path(folder, file)
            yield str(path.relative_to(ROOT)), path.read_text("utf-8", errors="replace")


def cited() -> dict[str, set[str]]:
    """The facts that are cited, and the files that do it; `docs/facts.md#h4, #h5` are two."""
    found: dict[str, set[str]] = {}
    for file, text in texts():
        for ids in re.findall(r"docs/facts\.md((?:(?:, )?#[\w-]+)+)", text):
            for fact in ids.replace(", ", "").split("#")[1:]:
                found.setdefault(fact, set()).add(file)
    return found


def test_each_citation_leads_to_a_fact() -> None:
    """Code cites no fact that is not there, nor does another fact; and nothing is cited that is not in this project."""
    assert len(HEADINGS) == FACTS.count("\n### ")
    assert [fact for fact, number, _ in HEADINGS if fact != number.lower()] == []
    facts = [fact for fact, _, _ in HEADINGS]
    assert len(set(facts)) == len(facts) > 20
    assert {fact: files for fact, files in cited().items() if fact not in facts} == {}
    assert {number for number in re.findall(r"\b[HTGLU]\d+\b", FACTS) if number.lower() not in facts} == set()
    elsewhere = re.compile(r"\b(?:(?:hub|git|ecosystem)-facts|field, section [0-9])")
    assert [file for file, text in texts() if elsewhere.search(text)] == []


def test_each_fact_is_cited_or_background() -> None:
    """A fact that no code cites says so in its heading, or it would be taken for one that some code rests on."""
    files = cited()
    unused = [fact for fact, _, title in HEADINGS if not title.endswith(" (background)")]
    assert [fact for fact in unused if not files.get(fact, set()) - {"docs/facts.md"}] == []


def test_each_fact_has_a_source() -> None:
    """Where a fact comes from stands with it, but for what nobody knows."""
    facts = re.split(r"^#+ ", FACTS, flags=re.MULTILINE)
    assert [fact for fact in facts if re.match("<a id=.[htgl]", fact) and not re.search(r"\bSource:\s", fact)] == []
