"""What comes with the program: the manual page, shell completions, SECURITY.md and docs/facts.md."""

import ast
import os
import re
import shutil
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pexpect
import pytest
from programs import git, run

from git_credential_hf import cli
from git_credential_hf.manpage import ENVIRONMENT, manual_page

SHARE = Path(sysconfig.get_path("data"), "share")
PAGE = SHARE / "man/man1/git-credential-hf.1"


def needs(*programs: str) -> None:
    """Skip the test if a program is missing."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def test_git_help_opens_the_manual(monkeypatch: pytest.MonkeyPatch) -> None:
    """`git help credential-hf`, and `git credential-hf --help`, show the page of the package that is on PATH."""
    needs("man")
    monkeypatch.setenv("MANPAGER", "cat")
    for command in ("help credential-hf", "credential-hf --help"):
        plain = re.sub(r".\x08", "", git(*command.split()))
        assert plain.startswith("GIT-CREDENTIAL-HF(1)")
        assert "git-credential-hf doctor [--fix] [--yes]" in plain


def test_man_has_no_warnings() -> None:
    """The page is valid man(7), and man finds its one-line description."""
    needs("man", "lexgrog")
    assert run("man", "--warnings", "-l", PAGE).stderr == ""
    assert "git-credential-hf - log git in to the Hugging Face Hub" in run("lexgrog", PAGE).stdout


def all_commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def test_manual_has_the_help() -> None:
    """The installed page is made of the current commands, and has the `--help` of each, word by word."""
    assert PAGE.read_text() == manual_page(cli.commands), "made of other commands: build the package again"
    needs("man")
    text = " ".join(re.sub(r".\x08", "", run("man", "-l", PAGE, MANWIDTH="500").stdout).split())
    for name, command in all_commands(cli.commands):
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        helps = [command.help or "", *(option.help or "" for option in options)]
        names = [f"git-credential-hf {name}", *(option.opts[0] for option in options)]
        for expected in [*names, *(" ".join(help.replace("`", "").split()) for help in helps)]:
            assert expected in text


def test_manual_names_existing_variables() -> None:
    """The program, or huggingface_hub, reads each environment variable that the page names."""
    sources = [file for file in Path(cli.__file__).parents[1].rglob("*.py") if file.name != "manpage.py"]
    code = "".join(file.read_text() for file in sources)
    assert [name for names in ENVIRONMENT for name in names.split(", ") if name not in code] == []


@pytest.fixture
def named_tokens(home: Path) -> None:
    """Two stored tokens, as `hf auth login` writes them."""
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
    # The lines that docs/install.md has for ~/.zshrc.
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
    """In the shell itself, with the files that install.sh links: commands, options, names of stored tokens."""
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
    """The same in fish, with descriptions."""
    needs("fish")
    (home / ".local").mkdir()
    (home / ".local/share").symlink_to(SHARE)

    def complete(typed: str) -> list[list[str]]:
        done = run("fish", "--private", "-c", 'complete --do-complete "$argv"', typed)
        return [line.split("\t") for line in done.stdout.splitlines()]

    [[name, text]] = complete("git-credential-hf unc")
    assert name == "unconfigure"
    assert text.startswith("Undo `configure`")
    assert [first for first, *_ in complete("git-credential-hf doctor --off")] == ["--offline"]
    assert [first for first, *_ in complete("git-credential-hf configure --token w")] == ["weekend", "work"]


# --- SECURITY.md ---

TESTS = Path(__file__).resolve().parents[1]
SECURITY = (TESTS.parent / "SECURITY.md").read_text()


def functions_of(file: Path) -> set[str]:
    """Return the names of the tests in a file."""
    functions = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def test_each_promise_has_a_test() -> None:
    """Each row of the tables in SECURITY.md names a test, and all these tests exist."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", SECURITY)
    assert {(file, test) for file, test in named if test not in functions_of(TESTS / file)} == set()
    rows = [line for line in SECURITY.splitlines() if line.startswith("| ") and not line.endswith("| test |")]
    assert len(rows) > 20
    assert [
        row for row in rows if not re.fullmatch(r"`[\w/.]+::\w+`(, `[\w/.]+::\w+`)*", row.split(" | ")[2][:-2])
    ] == []


def test_each_threat_is_a_promise() -> None:
    """Each test in tests/threats is named in SECURITY.md."""
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
    """Yield each file of this project with its text, without what tools generate in a checkout."""
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name in (".ci", ".github") or not re.match(r"\.|__|dist$", name)]
        for file in files:
            path = Path(folder, file)
            yield str(path.relative_to(ROOT)), path.read_text("utf-8", errors="replace")


def cited() -> dict[str, set[str]]:
    """Return the facts that are cited, with the files that cite them; `docs/facts.md#h4, #h5` are two."""
    found: dict[str, set[str]] = {}
    for file, text in texts():
        for ids in re.findall(r"docs/facts\.md((?:(?:, )?#[\w-]+)+)", text):
            for fact in ids.replace(", ", "").split("#")[1:]:
                found.setdefault(fact, set()).add(file)
    return found


def test_each_citation_leads_to_a_fact() -> None:
    """Code and facts cite existing facts only, and nothing outside of this project."""
    assert len(HEADINGS) == FACTS.count("\n### ")
    assert [fact for fact, number, _ in HEADINGS if fact != number.lower()] == []
    facts = [fact for fact, _, _ in HEADINGS]
    assert len(set(facts)) == len(facts) > 20
    assert {fact: files for fact, files in cited().items() if fact not in facts} == {}
    assert {number for number in re.findall(r"\b[HTGLCEU]\d+\b", FACTS) if number.lower() not in facts} == set()
    elsewhere = re.compile(r"\b(?:(?:hub|git|ecosystem)-facts|field, section [0-9])")
    assert [file for file, text in texts() if elsewhere.search(text)] == []


def test_each_fact_is_cited_or_background() -> None:
    """A fact that no code cites is marked as background in its heading."""
    files = cited()
    unused = [fact for fact, _, title in HEADINGS if not title.endswith(" (background)")]
    assert [fact for fact in unused if not files.get(fact, set()) - {"docs/facts.md"}] == []


def test_each_fact_has_a_source() -> None:
    """Each fact has a source, except those about what is unknown."""
    facts = re.split(r"^#+ ", FACTS, flags=re.MULTILINE)
    assert [fact for fact in facts if re.match("<a id=.[htglce]", fact) and not re.search(r"\bSource:\s", fact)] == []
