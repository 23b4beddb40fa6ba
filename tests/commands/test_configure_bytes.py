"""The bytes of git's configuration: `configure` adds a line to any file, and `unconfigure` takes it out."""

import os
from collections.abc import Callable
from pathlib import Path

import programs
import pytest
from amount import some, tenth
from executable import (
    ANSWER,
    HEADER,
    HUB_SECTIONS,
    INCLUDE,
    OWN_FILE,
    PROGRAM,
    TOKEN,
    Spy,
    configured,
    files_below,
    fill,
    run,
    succeed,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import git

from git_credential_hf.configure import plan_configure, plan_unconfigure
from git_credential_hf.problem import Problem

OWN = '[credential "https://huggingface.co"]\n'
USER = "[user]\n\tname = Alice\n\temail = alice@example.org\n"
CRLF = USER.replace("\n", "\r\n").encode()

CORPUS: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "a line feed": b"\n",
    "line feeds": b"\n\n\n",
    "a CR LF": b"\r\n",
    "CR LFs": b"\r\n\r\n",
    "blanks": b"   ",
    "blank lines": b"  \n\t\n  \n",
    "ordinary": USER.encode(),
    "no final newline": USER.encode()[:-1],
    "several final newlines": USER.encode() + b"\n\n\n",
    "blanks at the end": USER.encode() + b"  \t",
    "CRLF": CRLF,
    "CRLF without the last": CRLF[:-2],
    "CRLF without the last LF": CRLF[:-1],
    "LF and CRLF": USER.encode() + CRLF,
    "BOM": b"\xef\xbb\xbf" + USER.encode(),
    "BOM only": b"\xef\xbb\xbf",
    "BOM and a line feed": b"\xef\xbb\xbf\n",
    "comment only": b"# nothing here",
    "comments": b"# mine\n; and mine\n" + USER.encode() + b"# the end\n",
    "comment at the end": USER.encode() + b"# the end",
    "comment with a backslash at the end": USER.encode() + b"# C:\\",
    "comment with a backslash and a newline": USER.encode() + b"; C:\\\n",
    "odd indentation": b"[user]\nname=Alice\n        email   =   a@b   # c\n[core]\n",
    "all on one line": b"[user] name = Alice",
    "a section without anything": b"[user]",
    "a variable without value": b"[core]\n\tbare",
    "value over lines": b"[alias]\n\tx = a \\\n\t\tb \\\n\t\tc\n",
    "quotes and signs": b'[alias]\n\tx = "!f() { echo \\"[a]\\" # b; }; f" # c\n\ty = \\"; d\n',
    "own section without anything": OWN.encode(),
    "own section without newline": OWN.encode()[:-1],
    "own helper": (OWN + "\thelper = spy\n").encode(),
    "own helper after a reset": (OWN + "\thelper =\n\thelper = spy\n").encode(),
    "own helper after a reset without newline": (OWN + "\thelper =\n\thelper = spy").encode(),
    "own username": (OWN + "\tusername = alice\n").encode(),
    "own useHttpPath": (OWN + "\tuseHttpPath = true\n" + USER).encode(),
    "own everything": (OWN + "\tprovider = generic\n\thelper = spy\n\tusername = a\n" + USER + OWN).encode(),
    "helpers of all kinds": b'[credential]\n\thelper = spy\n\thelper = !/bin/false\n[credential "https://*.co"]\nhelper=spy\n',
    "a reset in the same form for another host": b'[credential "https://git.example"]\n\thelper =\n\thelper = spy\n',
    "a helper called nearly so": (OWN + "\thelper =\n\thelper = hfx\n").encode(),
    "a helper at a path called nearly so": (OWN + "\thelper =\n\thelper = /opt/git-credential-hf-old\n").encode(),
    "a helper with options called nearly so": (OWN + '\thelper =\n\thelper = "hf2 --x"\n').encode(),
    "plain hf for all": b"[credential]\n\thelper = hf\n",
    "own hf": (OWN + "\thelper = hf\n" + USER).encode(),
    "own hf for a namespace": b'[credential "https://huggingface.co/acme"]\n\thelper = hf --token work\n',
    "own hf in a shell": (OWN + "\thelper = !git-credential-hf\n" + USER).encode(),
    "a comment that quotes us": b"# " + INCLUDE.replace("\n", "\n# ").encode() + b"\n",
    "our sections, pasted": HUB_SECTIONS.encode() + USER.encode(),
    "our file, included for some repositories": f'[includeIf "gitdir:/x/"]\n\tpath = ~/{OWN_FILE}\n'.encode(),
    "files called nearly so": f"[include]\n\tpath = ~/{OWN_FILE}2\n\tpath = ~/{OWN_FILE.upper()}".encode(),
    "include": b"[include]\n\tpath = included\n",
    "include last": USER.encode() + b'[includeIf "gitdir:/"]\n\tpath = included\n[include]\n\tpath = missing',
    "not UTF-8": b'[user]\n\tname = \xff\xfe\x80\n[x "\xff"]\n\ty = \xe9\n',
    "one megabyte": b"".join(b'[url "https://%d.example/"]\n\tinsteadOf = x%d:\n' % (i, i) for i in range(20000)),
    "a long line": b"[x]\n\ty = " + b"z" * 100_000 + b"\n",
}


@pytest.fixture
def file(home: Path) -> Path:
    return home / ".gitconfig"


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(tmp_path, monkeypatch)


def settings_in(file: Path) -> str:
    """Return the settings in a file, as git reads them."""
    return git("config", "--file", file, "--list", "-z")


@pytest.mark.parametrize("name", some(list(CORPUS), 15))  # tests/long/inputs generates such files in each run, too
def test_round_trip(name: str, home: Path, file: Path, spy: Spy) -> None:
    """Git asks only this helper; the second time changes nothing; `unconfigure` gives back the same bytes."""
    before = CORPUS[name]
    (home / "included").write_text("[credential]\n\thelper = spy\n")
    if before is not None:
        file.write_bytes(before)
    settings_before = settings_in(file) if before is not None else ""

    succeed("configure")
    after = file.read_bytes()
    assert after.startswith(before or b"")
    assert after.count(INCLUDE.encode().strip()) == (before or b"").count(INCLUDE.encode().strip()) + 1
    assert settings_in(file) == settings_before + f"include.path\n~/{OWN_FILE}\0"
    assert (home / OWN_FILE).read_text() == HEADER + HUB_SECTIONS
    assert fill() == ANSWER
    assert spy.requests() == []

    assert succeed("configure") == ""
    assert file.read_bytes() == after

    succeed("unconfigure")
    assert (file.read_bytes() if file.exists() else None) == before
    assert set(files_below(home)) <= {".gitconfig", "included"}
    assert not (home / OWN_FILE).parent.exists()


LINES_OF_FILES = [
    *("[user]", "\tname = x", "[a] b = c", "[core]", "\tz", "# comment", "; comment \\", "", "  ", "\t"),
    *("[credential]", '[credential "https://huggingface.co"]', '[credential "https://hf.co"]', "[credential] # c"),
    *("\thelper =", "\thelper", "\thelper = store", "helper=cache --timeout 9", "\thelper = hfx"),
    *("\tuseHttpPath = true", "\tprovider = generic", '\thelper = ""', "\tlong = a \\\n b"),
    *(
        "[include]\n\tpath = /nowhere",
        "[include]",
        "\tpath = mine",
        '[includeIf "gitdir:/x/"]',
        f"\tpath = ~/{OWN_FILE}2",
    ),
]
files = st.builds(
    lambda lines, ends, last: "".join(a + b for a, b in zip(lines, ends, strict=False)) + last,
    st.lists(st.sampled_from(LINES_OF_FILES), max_size=10),
    st.one_of(st.just(["\n"] * 10), st.just(["\r\n"] * 10), st.lists(st.sampled_from(["\n", "\r\n"]), min_size=10)),
    st.sampled_from(["", "\n", "\n\n", "\r\n", "  ", "\t", "[user]", "#", "[user] name = x", OWN, OWN[:-1]]),
)
below = st.sampled_from(
    ["", "\n", "# mine\n", "[user]\n\tname = y\n", "\n\n[credential]\n\tuseHttpPath = true\n", "[x] y = z"]
)


@settings(max_examples=tenth(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(files, below)
def test_round_trip_of_any_file(file: Path, text: str, added: str) -> None:
    """Any file that git can read gets its bytes back, also with more below; any other is not changed."""
    before = text.encode()
    file.write_bytes(before)
    is_readable = programs.run("git", "config", "--file", file, "--list", check=False).returncode == 0
    try:
        for change in plan_configure("global"):
            change.apply()
    except Problem:
        assert not is_readable
        assert file.read_bytes() == before
        return
    assert is_readable
    after = file.read_bytes()
    assert after.startswith(before)
    assert plan_configure("global") == []
    helpers = git("config", "--global", "--includes", "--get-all", "credential.https://huggingface.co.helper")
    assert helpers.endswith("\n" + PROGRAM + "\n")

    if after.endswith(b"\n") and added:
        file.write_bytes(after + added.encode())
        for change in plan_unconfigure("global"):
            change.apply()
        assert file.read_bytes() == before + added.encode() or not before.strip(b"\n")
        file.write_bytes(after)
    for change in plan_unconfigure("global"):
        change.apply()
    assert file.read_bytes() == before
    assert plan_unconfigure("global") == []


@pytest.mark.parametrize("before", [None, USER])
def test_nothing_to_undo(before: str | None, home: Path, file: Path) -> None:
    """`unconfigure` without `configure` changes nothing, and says so."""
    if before is not None:
        file.write_text(before)
    done = run("unconfigure")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("git-credential-hf: hint: ")
    assert files_below(home) == ({".gitconfig": USER.encode()} if before else {})


@pytest.mark.parametrize("before", [b"[x]\n\ty = z\\", b"[x]\n\ty = z \\\n"])
def test_a_line_that_continues(before: bytes, file: Path) -> None:
    """Below a last line that ends in a backslash, our lines either work or are refused; the file is not damaged."""
    file.write_bytes(before)
    settings_before = git("config", "--list")
    done = run("configure")
    if done.returncode == 0:
        assert fill() == ANSWER
        assert git("config", "--list").startswith(settings_before)
        succeed("unconfigure")
    else:
        assert (done.returncode, done.stdout) == (1, HUB_SECTIONS)
    assert files_below(file.parent) == {".gitconfig": before}


def test_a_continued_line_that_looks_like_ours(file: Path) -> None:
    """Lines that look like ours, but are the end of a value, are not removed: git would read another value."""
    file.write_text("[alias]\n\tx = a \\\n" + INCLUDE + USER)
    before = file.read_bytes()
    for command in ("configure", "unconfigure"):
        done = run(command)
        assert (done.returncode, files_below(file.parent)) == (1, {".gitconfig": before})
        assert "cannot be changed safely" in done.stderr


# --- what others do to our lines ---


@pytest.mark.parametrize(
    "name", ["missing", "empty", "ordinary", "no final newline", "own helper after a reset", "CRLF"]
)
def test_lines_below_ours_stay(name: str, file: Path) -> None:
    """Lines that are added below ours, by hand or by git, are still there after `unconfigure`."""
    before = CORPUS[name]
    if before is not None:
        file.write_bytes(before)
    succeed("configure")
    git("config", "--global", "pull.rebase", "true")
    file.write_bytes(file.read_bytes() + b"# mine\n\n[init]\n\tdefaultBranch = main")
    succeed("unconfigure")
    kept = (before or b"").rstrip(b"\n")
    after = file.read_bytes()
    assert after.startswith(kept)
    assert after[len(kept) :].lstrip(b"\n") == b"[pull]\n\trebase = true\n# mine\n\n[init]\n\tdefaultBranch = main"


@pytest.mark.parametrize("added", ["include.path", "include.other"])
def test_a_setting_in_our_section_stays(added: str, home: Path, file: Path) -> None:
    """What git has added to our section stays, and our line is removed."""
    file.write_text(USER)
    succeed("configure")
    git("config", "--global", "--add", added, "mine")
    assert file.read_text() == USER + INCLUDE + f"\t{added.partition('.')[2]} = mine\n"
    assert succeed("configure") == ""
    assert fill() == ANSWER
    succeed("unconfigure")
    assert file.read_text() == USER + f"[include]\n\t{added.partition('.')[2]} = mine\n"
    assert succeed("unconfigure") == ""


def test_our_line_in_a_section_of_others(home: Path, file: Path) -> None:
    """A line that was moved below other includes is found there."""
    theirs = "[include]\n\tpath = mine\n"
    file.write_text(theirs + f"\tpath = ~/{OWN_FILE}\n" + USER)
    succeed("configure")
    assert fill() == ANSWER
    assert file.read_text() == theirs + USER + INCLUDE, "as there was no file of ours"
    file.write_text(theirs + f"\tpath = ~/{OWN_FILE}\n" + USER)
    assert succeed("configure") == ""
    succeed("unconfigure")
    assert files_below(home) == {".gitconfig": (theirs + USER).encode()}


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\t", "    "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("~/" + OWN_FILE, f'"~/{OWN_FILE}"'),
        lambda text: text.replace(OWN_FILE, OWN_FILE + " # the Hub's"),
        lambda text: text.replace("path = ", "path="),
        lambda text: text.replace("path = ", "Path  = "),
        lambda text: text.replace("[include]", "[Include] ; of ours"),
        lambda text: text.replace("[include]", "[ include ]").replace("[ include ]", "[include]  "),
        lambda text: text.replace("[include]", "# the Hub\n[include]"),
    ],
    ids=[
        "blanks",
        "CRLF",
        "quoted",
        "comment",
        "no blanks",
        "upper case",
        "comments",
        "blanks behind",
        "comment before",
    ],
)
def test_lines_that_were_edited(edit: Callable[[str], str], home: Path, file: Path) -> None:
    """Our line after an edit by a formatter or a person still counts as configured, and `unconfigure` finds it."""
    succeed("configure")
    file.write_bytes(edit(USER + INCLUDE).encode())
    before = file.read_bytes()
    assert succeed("configure") == ""
    assert file.read_bytes() == before
    assert fill() == ANSWER
    succeed("unconfigure")
    assert TOKEN not in fill()
    assert git("config", "--global", "--list") == "user.name=Alice\nuser.email=alice@example.org\n"


@pytest.mark.parametrize(
    "value",
    ["hf --token work", "!git-credential-hf", "!'/opt/a b/git-credential-hf' --token work"],
)
def test_undo_beside_handwritten_helpers(value: str, home: Path, file: Path) -> None:
    """A hand-written helper that runs this program does not keep `unconfigure` from removing ours, and stays."""
    git("config", "--global", "credential.https://huggingface.co/acme.helper", value)
    before = files_below(home)
    succeed("configure")
    done = run("unconfigure")
    assert files_below(home) == before
    assert "was not written by `configure`" in done.stderr


@pytest.mark.parametrize(
    "later",
    [
        "[credential]\n\thelper = spy\n",
        '[credential "https://huggingface.co"]\n\thelper = spy\n',
        '[credential "https://*.co"]\n\thelper = spy\n',
        '[credential "huggingface.co"]\n\thelper = spy\n',
        '[credential "https://"]\n\thelper = spy\n',
        '[credential "https://HuggingFace.co."]\n\thelper = spy\n',
        "[include]\n\tpath = more\n",
        "[credential]\n\thelper =\n",
        '[credential "https://huggingface.co"]\n\thelper =\n',
    ],
    ids=lambda text: " ".join(text.split()),
)
@pytest.mark.parametrize(
    "hub", [(), pytest.param(("--hub", "https://hub.example"), marks=pytest.mark.long)], ids=["", "another Hub"]
)
def test_configure_again(later: str, hub: tuple[str, ...], home: Path, file: Path, spy: Spy) -> None:
    """Whatever was added below our line, `configure` makes git use only this helper again."""
    (home / "more").write_text("[credential]\n\thelper = spy\n")
    succeed("configure")
    file.write_text(USER + INCLUDE + later)
    succeed("configure", *hub)
    assert file.read_text() == USER + later + INCLUDE
    assert fill() == ANSWER
    git("credential", "approve", stdin=ANSWER)
    assert spy.requests() == []
    assert succeed("configure") == ""
    succeed("unconfigure")
    assert file.read_text() == USER + later


def test_what_does_not_matter_below_ours(home: Path, file: Path) -> None:
    """Settings for other hosts below our line are no reason to move it."""
    succeed("configure")
    text = INCLUDE + '[credential "https://git.example"]\n\thelper = store\n' + USER
    file.write_text(text)
    assert succeed("configure") == ""
    assert file.read_text() == text


# --- our own file ---


def test_a_file_of_ours_that_was_edited(home: Path, file: Path) -> None:
    """Our own file is written whole, whatever was made of it; only what `configure` was given before stays."""
    succeed("configure", "--hub", "https://hub.example")
    before = files_below(home)
    own = home / OWN_FILE
    own.write_text(own.read_text().replace("\t", "") + "[user]\n\tname = Bob\n")
    succeed("configure")
    assert files_below(home) == before
    own.write_text("[broken\n")
    done = run("configure")
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()
    assert f"git cannot read {own}: " in error and hint == f"git-credential-hf: hint: rm {own}"
    own.unlink()
    succeed("configure")
    assert files_below(home) == configured()


def test_without_its_file(home: Path, file: Path) -> None:
    """A line without the file, as in a copied `.gitconfig`: `unconfigure` removes it, and `configure` uses it."""
    file.write_text(USER + INCLUDE)
    succeed("unconfigure")
    assert files_below(home) == {".gitconfig": USER.encode()}
    file.write_text(USER + INCLUDE)
    succeed("configure")
    assert files_below(home) == configured(USER)


MALFORMED = {
    "open section": b"[user\n\tname = x\n",
    "open quote": b'[user]\n\tname = "x\n',
    "half a section": b"user]\n\tname = x\n",
    "a conflict": USER.encode() + b"<<<<<<< HEAD\n",
    "bad escape": b"[x]\n\ty = \\q\n",
    "bad key": b"[x]\n\t1y = z\n",
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("command", ["configure", "unconfigure"])
def test_malformed_file(command: str, name: str, file: Path) -> None:
    """A file that git cannot read is not changed, and the error names it."""
    file.write_bytes(MALFORMED[name])
    done = run(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"git-credential-hf: error: git cannot read {file}: ")
    assert file.read_bytes() == MALFORMED[name]


def test_the_broken_file_is_named(home: Path, file: Path) -> None:
    """In a repository with a broken configuration, the error names that file, and not the valid global one."""
    file.write_text(USER)
    git("init", "-q", "repository")
    (home / "repository/.git/config").write_text("[broken\n")
    os.chdir(home / "repository")
    done = run("configure")
    os.chdir(home)
    if done.returncode:
        assert ".git/config" in done.stderr
        assert f"cannot read {file}" not in done.stderr
        assert f"{file}' --edit" not in done.stderr
