"""What `configure` writes into git's configuration, and that `unconfigure` leaves no trace of it."""

import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
import pytest
from amount import tenth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import Done, git

from git_credential_hf import __main__ as program
from git_credential_hf.configure import plan_configure, plan_unconfigure
from git_credential_hf.files import FileChange  # loaded before `quickly` forks
from git_credential_hf.git.config import read_config
from git_credential_hf.git.helpers import helper_chain, is_our_helper
from git_credential_hf.problem import Problem

SCRIPTS = sysconfig.get_path("scripts")
PROGRAM = os.path.join(SCRIPTS, "git-credential-hf")
CANARY = "hf_CaNaRyCaNaRyCaNaRyCaNaRyCaNaRy1234"
ANSWER = f"protocol=https\nhost=huggingface.co\nusername=git\npassword={CANARY}\n"


def block(origin: str, helper: str = "hf") -> str:
    """The contract's lines, indented as git indents."""
    return f'[credential "{origin}"]\n\thelper =\n\thelper = {helper}\n'


LINES = block("https://huggingface.co") + block("https://hf.co")


def run(
    *arguments: str,
    around: tuple[str, ...] = (),
    program: str = PROGRAM,
    timeout: float = 60,
    **environment: Any,
) -> Done:
    """Run the executable; `None` takes a variable away."""
    given = {"HF_TOKEN": CANARY, **environment}
    return checked(programs.run(*around, program, *arguments, check=False, timeout=timeout, **given))


def quickly(*arguments: str, **environment: Any) -> Done:
    """As `run`, but in a fork of this process instead of a new interpreter: for the long tables."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = os.fork()
        if child == 0:
            status = 99
            try:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                for name, value in {"HF_TOKEN": CANARY, **environment}.items():
                    os.environ.pop(name, None)
                    if value is not None:
                        os.environ[name] = value
                sys.argv = [PROGRAM, *arguments]
                status = program.main()
                sys.stdout.flush()
            except BaseException:
                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said = []
        for file in (stdout, stderr):
            file.seek(0)
            said.append(file.read().decode("utf-8", "surrogateescape"))
    return checked(Done([PROGRAM, *arguments], status, *said))


def checked(done: Done) -> Done:
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert CANARY not in done.stdout + done.stderr
    return done


def done_well(*arguments: str, **environment: Any) -> str:
    done = run(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def quickly_well(*arguments: str, **environment: Any) -> str:
    done = quickly(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fill(host: str = "huggingface.co", protocol: str = "https", **environment: Any) -> Done:
    """What real `git credential fill` finds out."""
    asked = f"protocol={protocol}\nhost={host}\n\n"
    given = {"HF_TOKEN": CANARY, **environment}
    return programs.run("git", "credential", "fill", stdin=asked, check=False, **given)


@pytest.fixture
def spied(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A helper `spy`, which answers everything; returns what it was asked since the last time."""
    script = tmp_path / "bin/git-credential-spy"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\n{{ echo "$1"; cat; }} >> "{tmp_path}/spied"\n'
        '[ "$1" != get ] || printf "username=spy\\npassword=spied\\n"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([os.environ["PATH"], str(script.parent)]))

    def spied() -> list[str]:
        log = tmp_path / "spied"
        seen = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return seen

    return spied


def content_of(directory: Path) -> dict[str, bytes | str]:
    """All files and links below a directory."""
    return {
        str(path.relative_to(directory)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


# --- what is written, and what git does with it ---


def test_writes_the_lines_of_the_contract(home: Path) -> None:
    """Into an empty home `configure` writes exactly the documented lines, and nothing anywhere else."""
    done = run("configure")
    assert (done.returncode, done.stderr) == (0, "")
    assert content_of(home) == {".gitconfig": LINES.encode()}
    assert str(home / ".gitconfig") in done.stdout


def test_git_asks_only_this_helper(home: Path, tmp_path: Path, spied: Callable[[], list[str]]) -> None:
    """With other helpers in system and global scope, git asks only this one for the Hub, and gives them no token."""
    system = tmp_path / "system"
    system.write_text("[credential]\n\thelper = spy\n\thelper = store\n")
    (home / ".gitconfig").write_text('[credential]\n\thelper = store\n[credential "https://*.co"]\n\thelper = spy\n')
    environment: dict[str, Any] = {"GIT_CONFIG_SYSTEM": str(system), "GIT_CONFIG_NOSYSTEM": None}
    assert "password=spied" in fill(**environment).stdout
    assert spied()

    done_well("configure", **environment)
    for host in ("huggingface.co", "hf.co"):
        assert fill(host, **environment).stdout == ANSWER.replace("huggingface.co", host)
        for operation in ("approve", "reject"):
            subprocess.run(
                ["git", "credential", operation],
                input=ANSWER.replace("huggingface.co", host),
                env={
                    **{k: v for k, v in os.environ.items() if k != "GIT_CONFIG_NOSYSTEM"},
                    "GIT_CONFIG_SYSTEM": str(system),
                },
                check=True,
                capture_output=True,
                text=True,
            )
    assert spied() == []
    assert not (home / ".git-credentials").exists()
    # Other hosts keep theirs.
    assert "password=spied" in fill("git.example", **environment).stdout
    assert spied()


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
def test_configuring_again_mends(later: str, home: Path, spied: Callable[[], list[str]]) -> None:
    """Whatever came into the file below our lines since, `configure` makes git ask this helper alone again."""
    (home / "more").write_text("[credential]\n\thelper = spy\n")
    quickly_well("configure")
    file = home / ".gitconfig"
    file.write_text(file.read_text() + later)
    quickly_well("configure")
    assert fill().stdout == ANSWER
    subprocess.run(["git", "credential", "approve"], input=ANSWER, check=True, text=True)
    assert spied() == []
    quickly_well("unconfigure")
    assert file.read_text() == later


def test_other_hosts_get_nothing(home: Path) -> None:
    """No section of ours makes git ask this helper for a host that is not the Hub, or without TLS."""
    done_well("configure")
    for protocol, host in [
        ("https", "sub.huggingface.co"),
        ("https", "huggingface.co.evil.example"),
        ("https", "huggingface.co:8443"),
        ("http", "huggingface.co"),
    ]:
        assert CANARY not in fill(host, protocol).stdout


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://hub.example.com", "https://hub.example.com"),
        ("https://Hub.Example.com:8443/", "https://hub.example.com:8443"),
        ("https://hub.example.com:443/prefix/", "https://hub.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://huggingface.co/", None),
        ("https://HF.CO", None),
        ("http://evil.example", None),
        ("http://127.0.0.1.evil.example", None),
        ("https://*.example.com", None),
        ("https://user:password@hub.example.com", None),
        ('https://a"b', None),
        ("https://a]\n[core]\n\tsshCommand = evil", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_endpoint_is_a_host_of_the_hub(endpoint: str, origin: str | None, home: Path) -> None:
    """HF_ENDPOINT adds its origin where that may be given a token, and `unconfigure` finds it without being told."""
    quickly_well("configure", HF_ENDPOINT=endpoint)
    assert (home / ".gitconfig").read_text() == LINES + (block(origin) if origin else "")
    if origin:
        protocol, _, host = origin.partition("://")
        assert f"password={CANARY}\n" in fill(host, protocol, HF_ENDPOINT=endpoint).stdout
    quickly_well("unconfigure")
    assert content_of(home) == {}


def test_an_endpoint_may_come_later(home: Path) -> None:
    """An endpoint that is set after the first `configure` is added by the next; the rest stays as it is."""
    done_well("configure")
    done_well("configure", HF_ENDPOINT="https://hub.example.com")
    assert (home / ".gitconfig").read_text() == LINES + block("https://hub.example.com")


def test_local_scope(home: Path) -> None:
    """`--local` writes into the repository's own file, and undoes it there; outside of a repository it says so."""
    git("init", "-q", "repository")
    config = home / "repository/.git/config"
    before = config.read_bytes()
    for options in (["--local"], ["--local", "--dry-run"]):
        outside = quickly("configure", *options)
        assert (outside.returncode, outside.stdout) == (1, "")
        assert "there is no git repository here\ngit-credential-hf: hint: cd into one" in outside.stderr
    os.chdir(home / "repository")
    quickly_well("configure", "--local")
    assert config.read_bytes() == before + LINES.encode()
    assert not (home / ".gitconfig").exists()
    assert fill().stdout == ANSWER
    quickly_well("unconfigure", "--local")
    assert config.read_bytes() == before
    os.chdir(home)


def test_system_scope(home: Path, tmp_path: Path) -> None:
    """`--system` writes into the system's file, and undoes it there."""
    system = tmp_path / "system config"
    environment: dict[str, Any] = {"GIT_CONFIG_SYSTEM": str(system), "GIT_CONFIG_NOSYSTEM": None}
    quickly_well("configure", "--system", **environment)
    assert system.read_text() == LINES
    assert fill(**environment).stdout == ANSWER
    assert content_of(home) == {}
    quickly_well("unconfigure", "--system", **environment)
    assert not system.exists()


def test_the_last_scope_counts(home: Path, tmp_path: Path) -> None:
    """Of several scope options the last one counts, and each scope is undone by itself."""
    system = str(tmp_path / "system")
    quickly_well("configure", "--system", "--global", GIT_CONFIG_SYSTEM=system)
    assert not os.path.exists(system)
    assert (home / ".gitconfig").exists()
    quickly_well("unconfigure", "--system", GIT_CONFIG_SYSTEM=system)
    assert (home / ".gitconfig").read_text() == LINES


# --- the round trip ---

OWN = '[credential "https://huggingface.co"]\n'
USER = "[user]\n\tname = Alice\n\temail = alice@example.org\n"

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
    "CRLF": USER.replace("\n", "\r\n").encode(),
    "CRLF without the last": USER.replace("\n", "\r\n").encode()[:-2],
    "CRLF without the last LF": USER.replace("\n", "\r\n").encode()[:-1],
    "LF and CRLF": USER.encode() + USER.replace("\n", "\r\n").encode(),
    "BOM": b"\xef\xbb\xbf" + USER.encode(),
    "BOM only": b"\xef\xbb\xbf",
    "BOM and a line feed": b"\xef\xbb\xbf\n",
    "comment only": b"# nothing here",
    "comments": b"# mine\n; and mine\n" + USER.encode() + b"# the end\n",
    "comment at the end": USER.encode() + b"# the end",
    "comment with a backslash at the end": USER.encode() + b"# C:\\",
    "comment with a backslash and a newline": USER.encode() + b"; C:\\\n",
    "odd indentation": b"[user]\nname=Alice\n        email   =   a@b   # c\n[ core ]\n".replace(b"[ core ]", b"[core]"),
    "all on one line": b"[user] name = Alice",
    "a section without anything": b"[user]",
    "a variable without value": b"[core]\n\tbare",
    "value over lines": b"[alias]\n\tx = a \\\n\t\tb \\\n\t\tc\n",
    "quotes and signs": b'[alias]\n\tx = "!f() { echo \\"[a]\\" # b; }; f" # c\n\ty = \\"; d\n',
    "own credential section without anything": OWN.encode(),
    "the same without newline": OWN.encode()[:-1],
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
    "a comment that quotes us": b"# " + LINES.replace("\n", "\n# ").encode() + b"\n",
    "include": b"[include]\n\tpath = included\n",
    "include last": USER.encode() + b'[includeIf "gitdir:/"]\n\tpath = included\n[include]\n\tpath = missing',
    "not UTF-8": b"[user]\n\tname = \xff\xfe\x80\n[\xffx]\n".replace(b"[\xffx]", b'[x "\xff"]') + b"\ty = \xe9\n",
    "one megabyte": b"".join(b'[url "https://%d.example/"]\n\tinsteadOf = x%d:\n' % (i, i) for i in range(20000)),
    "a long line": b"[x]\n\ty = " + b"z" * 100_000 + b"\n",
}


def listed(file: Path) -> bytes:
    """The settings in a file, as git reads them."""
    return subprocess.run(["git", "config", "--file", file, "--list", "-z"], check=True, capture_output=True).stdout


@pytest.mark.parametrize("name", CORPUS)
def test_round_trip(name: str, home: Path, spied: Callable[[], list[str]]) -> None:
    """Git asks us alone, twice is once, what was in the file stays, and `unconfigure` gives back the very bytes."""
    before = CORPUS[name]
    (home / "included").write_text("[credential]\n\thelper = spy\n")
    file = home / ".gitconfig"
    if before is not None:
        file.write_bytes(before)
    settings_before = listed(file) if before is not None else b""

    quickly_well("configure")
    configured = file.read_bytes()
    assert configured.startswith(before or b"")
    assert listed(file).startswith(settings_before)
    assert fill().stdout == ANSWER
    assert spied() == []

    assert quickly("configure").stdout == ""
    assert file.read_bytes() == configured

    quickly_well("unconfigure")
    assert (file.read_bytes() if file.exists() else None) == before
    assert set(content_of(home)) <= {".gitconfig", "included"}


def test_nothing_to_undo(home: Path) -> None:
    """`unconfigure` without `configure` changes nothing, and says so."""
    for before in (None, USER):
        if before is not None:
            (home / ".gitconfig").write_text(before)
        done = quickly("unconfigure")
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.startswith("git-credential-hf: hint: ")
        assert content_of(home) == ({".gitconfig": USER.encode()} if before else {})


def test_a_line_that_continues(home: Path) -> None:
    """Below a last line that ends in a backslash our lines either work or are refused; the file is never spoilt."""
    for before in (b"[x]\n\ty = z\\", b"[x]\n\ty = z \\\n"):
        (home / ".gitconfig").write_bytes(before)
        settings_before = subprocess.run(["git", "config", "--list"], capture_output=True).stdout
        done = quickly("configure")
        if done.returncode == 0:
            assert fill().stdout == ANSWER
            assert git("config", "--list").encode().startswith(settings_before)
            quickly_well("unconfigure")
        else:
            assert done.returncode == 1
            assert done.stdout == LINES
        assert (home / ".gitconfig").read_bytes() == before


LINES_OF_FILES = [
    *("[user]", "\tname = x", "[a] b = c", "[core]", "\tz", "# comment", "; comment \\", "", "  ", "\t"),
    *("[credential]", '[credential "https://huggingface.co"]', '[credential "https://hf.co"]', "[credential] # c"),
    *(
        "\thelper =",
        "\thelper",
        "\thelper = store",
        "helper=cache --timeout 9",
        "\thelper = hfx",
        "\tuseHttpPath = true",
    ),
    *("\tprovider = generic", '\thelper = ""', "\tlong = a \\\n b", "[include]\n\tpath = /nowhere"),
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
def test_round_trip_of_any_file(home: Path, text: str, added: str) -> None:
    """Any file that git can read gets its bytes back, also with more below; any other stays as it is."""
    file = home / ".gitconfig"
    before = text.encode()
    file.write_bytes(before)
    readable = subprocess.run(["git", "config", "--file", str(file), "--list"], capture_output=True).returncode == 0
    try:
        for change in plan_configure("global"):
            change.apply()
    except Problem:
        assert not readable
        assert file.read_bytes() == before
        return
    assert readable
    configured = file.read_bytes()
    assert configured.startswith(before)
    assert plan_configure("global") == []
    helpers = git("config", "--global", "--get-all", "credential.https://huggingface.co.helper")
    assert helpers.endswith("\nhf\n")

    if configured.endswith(b"\n") and added:
        file.write_bytes(configured + added.encode())
        for change in plan_unconfigure("global"):
            change.apply()
        assert file.read_bytes() == before + added.encode() or not before.strip(b"\n")
        file.write_bytes(configured)
    for change in plan_unconfigure("global"):
        change.apply()
    assert file.read_bytes() == before
    assert plan_unconfigure("global") == []


@pytest.mark.parametrize(
    "name", ["missing", "empty", "ordinary", "no final newline", "own helper after a reset", "CRLF"]
)
def test_what_the_user_adds_below_stays(name: str, home: Path) -> None:
    """Lines that came in below ours, by hand or by git, are there after `unconfigure`, and ours are not."""
    file = home / ".gitconfig"
    before = CORPUS[name]
    if before is not None:
        file.write_bytes(before)
    quickly_well("configure")
    git("config", "--global", "pull.rebase", "true")
    file.write_bytes(file.read_bytes() + b"# mine\n\n[init]\n\tdefaultBranch = main")
    quickly_well("unconfigure")
    after = file.read_bytes()
    assert after.startswith((before or b"").rstrip(b"\n"))
    added = after[len((before or b"").rstrip(b"\n")) :].lstrip(b"\n")
    assert added == b"[pull]\n\trebase = true\n# mine\n\n[init]\n\tdefaultBranch = main"


def test_what_stands_between_our_sections_stays(home: Path) -> None:
    """Comments, blank lines and sections between our sections are the user's."""
    file = home / ".gitconfig"
    quickly_well("configure")
    first, second = block("https://huggingface.co"), block("https://hf.co")
    file.write_text(USER + first + "# between\n\n" + USER + second + "\n# after\n")
    quickly_well("unconfigure")
    assert file.read_text() == USER + "# between\n\n" + USER + "\n# after\n"


PROVIDER = ["config", "--global", "credential.https://huggingface.co.provider", "generic"]


@pytest.mark.parametrize(
    "before",
    [
        "",
        USER,
        USER + OWN + "\tusername = alice\n",
        USER + OWN + "\thelper = cache\n",
        OWN + "\thelper =\n\thelper = cache\n" + USER,
        '[credential "https://hf.co"]\n\thelper =\n\thelper = cache\n' + USER,
    ],
    ids=["empty", "user", "own username", "own helper", "own reset and helper", "own reset for hf.co"],
)
def test_a_section_that_somebody_extended_survives(before: str, home: Path) -> None:
    """Git Credential Manager puts its `provider` into our section: that stays, ours goes, the user's own stays too."""
    file = home / ".gitconfig"
    file.write_text(before)
    quickly_well("configure")
    git(*PROVIDER)
    assert quickly("configure").stdout == ""
    assert fill().stdout.endswith(f"password={CANARY}\n")
    quickly_well("unconfigure")
    expected = home / "expected"
    expected.write_text(before)
    assert listed(file).split(b"\0") == [
        *listed(expected).split(b"\0")[:-1],
        b"credential.https://huggingface.co.provider\ngeneric",
        b"",
    ]
    assert file.read_text().startswith(before)
    assert "hf\n" not in file.read_text()
    assert quickly("unconfigure").stdout == ""


def test_a_continued_line_that_looks_like_us(home: Path) -> None:
    """Lines that look like ours, but are the end of a value, are not cut out of it: git would read another value."""
    file = home / ".gitconfig"
    file.write_text("[alias]\n\tx = a \\\n" + block("https://hf.co") + USER)
    before = file.read_bytes()
    done = quickly("configure")
    assert (done.returncode, file.read_bytes()) == (1, before)
    assert "cannot be changed safely" in done.stderr


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\t", "    "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("helper = hf", 'helper = "hf"'),
        lambda text: text.replace("helper = hf", "helper = hf # the Hub's"),
        lambda text: text.replace("helper = hf", "helper=hf"),
        lambda text: text.replace("[credential ", "[Credential "),
        lambda text: text.replace("[credential", "# the Hub\n[credential"),
        lambda text: text.replace('"https://hf.co"]\n', '"https://hf.co"]\n\t# mine\n'),
    ],
    ids=["blanks", "CRLF", "quoted", "comment behind", "no blanks", "upper case", "comment before", "comment within"],
)
def test_lines_that_an_editor_has_changed(spoil: Callable[[str], str], home: Path) -> None:
    """What a formatter or a person made of our lines still counts as configured, and `unconfigure` finds it."""
    file = home / ".gitconfig"
    quickly_well("configure")
    file.write_bytes(spoil(USER + file.read_text()).encode())
    before = file.read_bytes()
    assert quickly("configure").stdout == ""
    assert file.read_bytes() == before
    assert fill().stdout == ANSWER
    quickly_well("unconfigure")
    assert CANARY not in fill().stdout
    assert git("config", "--global", "--list") == "user.name=Alice\nuser.email=alice@example.org\n"


@pytest.mark.parametrize(
    "value",
    ["hf --token work", "!git-credential-hf", "~/bin/git-credential-hf", "!'/opt/a b/git-credential-hf' --token work"],
)
def test_undoing_with_helpers_that_run_us_in_another_way(value: str, home: Path) -> None:
    """A namespace's or a hand-written helper that runs this program does not keep `unconfigure` from its work."""
    file = home / ".gitconfig"
    git("config", "--global", "credential.https://huggingface.co/acme.helper", value)
    quickly_well("configure")
    quickly_well("unconfigure")
    assert '"https://huggingface.co"' not in file.read_text() if file.exists() else True


# --- the file that it is ---


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o664, 0o700])
def test_mode_and_owner_are_kept(mode: int, home: Path) -> None:
    """The file keeps its mode, and under sudo its owner; a new file gets the mode that git would give it."""
    file = home / ".gitconfig"
    file.write_text(USER)
    file.chmod(mode)
    if os.geteuid() == 0:
        os.chown(file, 12345, 23456)
    before = file.stat()
    for command in ("configure", "unconfigure"):
        quickly_well(command)
        after = file.stat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_mode_of_a_new_file(mask: int, home: Path) -> None:
    """A file that was not there gets the mode that git gives it."""
    around = ("sh", "-c", f'umask {mask:o}; exec "$@"', "sh")
    subprocess.run([*around, "git", "config", "--file", str(home / "by git"), "a.b", "c"], check=True)
    assert run("configure", around=around).returncode == 0
    assert (home / ".gitconfig").stat().st_mode == (home / "by git").stat().st_mode


@pytest.mark.parametrize("target", ["dotfiles/git config", "missing"], ids=["existing", "dangling"])
def test_symlink_is_kept(target: str, home: Path) -> None:
    """A file in a dotfiles repository is changed there, and the link to it stays a link, there and back."""
    (home / "dotfiles").mkdir()
    (home / "dotfiles/git config").write_text(USER)
    (home / ".gitconfig").symlink_to("link")
    (home / "link").symlink_to(target)
    before = content_of(home)
    quickly_well("configure")
    after = content_of(home)
    changed = after.pop(target)
    assert isinstance(changed, bytes) and changed.endswith(LINES.encode())
    assert after == {name: value for name, value in before.items() if name != target}
    assert fill().stdout == ANSWER
    quickly_well("unconfigure")
    assert content_of(home) == before


# Not root's power to write anywhere, without another user, who could not read the program in root's home.
ORDINARY = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()


def refused(home: Path, *commands: str, around: tuple[str, ...] = (), lines: str = LINES) -> list[Done]:
    """Each command fails clearly, prints the lines to paste (`configure`), and touches nothing in the home."""
    before = content_of(home)
    all_done = []
    for command in commands or ("configure",):
        done = run(command, around=around)
        assert done.returncode == 1, done.stdout + done.stderr
        assert re.search(r"^git-credential-hf: error: \S.*[^.\n]$", done.stderr, re.MULTILINE)
        if command == "configure":
            assert done.stdout == lines
        assert content_of(home) == before
        all_done.append(done)
    return all_done


def test_read_only_file(home: Path) -> None:
    """A file that is write-protected stays as it is, for root too: the lines to paste are printed."""
    (home / ".gitconfig").write_text(USER)
    (home / ".gitconfig").chmod(0o444)
    for around in ((), ORDINARY):
        (done,) = refused(home, around=around)
        assert str(home / ".gitconfig") in done.stderr
        assert stat.S_IMODE((home / ".gitconfig").stat().st_mode) == 0o444


def test_read_only_directory(home: Path) -> None:
    """Where no file can be made, that is said, with the lines to paste."""
    for content in (None, USER):
        if content:
            (home / ".gitconfig").write_text(content)
        home.chmod(0o555)
        try:
            refused(home, around=ORDINARY)
        finally:
            home.chmod(0o755)


def test_read_only_undo(home: Path) -> None:
    """`unconfigure` says that it cannot write, too; and `configure` is content where nothing is left to do."""
    done_well("configure")
    (home / ".gitconfig").chmod(0o444)
    refused(home, "unconfigure")
    assert run("configure").returncode == 0


def in_mount_namespace(script: str) -> tuple[str, ...]:
    around = ("unshare", "-m", "sh", "-c", f'{script} && exec "$@"', "sh")
    tried = subprocess.run([*around, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"no mounts of its own here: {tried.stderr.strip()}")
    return around


def test_read_only_file_system(home: Path) -> None:
    """On a read-only file system root cannot write either; the lines to paste are printed."""
    (home / ".gitconfig").write_text(USER)
    refused(home, around=in_mount_namespace(f"mount --bind '{home}' '{home}' && mount -o remount,ro,bind '{home}'"))


def test_everything_is_read_only(home: Path) -> None:
    """In a container that has not even a writable /tmp, the lines to paste are printed all the same."""
    (home / ".gitconfig").write_text(USER)
    script = "for m in $(awk '{print $2}' /proc/mounts); do case $m in /proc*|/sys*|/dev*) ;; *) "
    script += "mount -o remount,ro,bind $m 2>/dev/null ;; esac; done; ! touch /tmp/x 2>/dev/null"
    refused(home, around=in_mount_namespace(script))


def test_nix_store(home: Path) -> None:
    """A link into a store that is read-only (Nix, home-manager) is neither replaced nor followed to a write."""
    store = home / "store/abc-home-manager-files/.config/git"
    store.mkdir(parents=True)
    (store / "config").write_text(USER)
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/config").symlink_to(store / "config")
    (store / "config").chmod(0o444)
    store.chmod(0o555)
    try:
        for around in ((), ORDINARY):
            (done,) = refused(home, around=around)
            assert "hint: " in done.stderr
    finally:
        store.chmod(0o755)
    assert (home / ".config/git/config").is_symlink()


def test_what_is_no_file(home: Path) -> None:
    """A directory in the file's place is left alone."""
    (home / ".gitconfig").mkdir()
    refused(home)


def test_a_device_is_never_replaced(home: Path) -> None:
    """GIT_CONFIG_GLOBAL=/dev/null turns the global file off: `configure` says so, and root's /dev/null survives."""
    device = home / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.read_bytes()
    except OSError as error:
        pytest.skip(f"no devices can be made here: {error}")
    done = run("configure", GIT_CONFIG_GLOBAL=str(device))
    assert stat.S_ISCHR(device.lstat().st_mode)
    assert done.returncode == 1
    assert done.stdout == LINES


def test_lock_of_git(home: Path) -> None:
    """While git holds its lock, the file is not touched, nor the lock; afterwards all is well."""
    for name in (".gitconfig", "dotfiles/config"):
        file = home / name
        if name != ".gitconfig":
            file.parent.mkdir()
            (home / ".gitconfig").unlink()
            (home / ".gitconfig").symlink_to(name)
        file.write_text(USER)
        lock = file.with_name(file.name + ".lock")
        lock.write_text("git's")
        (done,) = [quickly("configure")]
        assert done.returncode == 1
        assert "is being changed by another program" in done.stderr
        assert (file.read_text(), lock.read_text()) == (USER, "git's")
        (hint,) = re.findall(r"hint: .*(rm .*)", done.stderr)
        subprocess.run(["sh", "-c", hint], check=True)
        quickly_well("configure")
        quickly_well("unconfigure")
        assert file.read_text() == USER
        assert not lock.exists()


def test_git_waits_for_our_lock(home: Path) -> None:
    """What git writes between our reading and our writing is not lost: the change is refused."""
    file = home / ".gitconfig"
    file.write_text(USER)
    (change,) = plan_configure("global")
    git("config", "--global", "a.b", "c")
    before = file.read_text()
    with pytest.raises(Problem, match="changed by another program"):
        change.apply()
    assert file.read_text() == before
    assert not (home / ".gitconfig.lock").exists()


def test_several_at_once(home: Path) -> None:
    """Of several `configure` at once at least one succeeds, and the lines are there once."""
    for before in ("", USER):
        file = home / ".gitconfig"
        file.write_text(before)
        running = [
            subprocess.Popen([PROGRAM, "configure"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        results = [(process.communicate(timeout=60), process.returncode) for process in running]
        assert 0 in [status for _, status in results]
        for (_, said), status in results:
            assert status == 0 or (status == 1 and "by another program" in said), said
        assert file.read_text().strip("\n") == (before + LINES).strip("\n")
        assert not (home / ".gitconfig.lock").exists()


def check_after_kill(home: Path, before: bytes) -> None:
    file = home / ".gitconfig"
    assert file.read_bytes() in (before, before + LINES.encode())
    assert set(content_of(home)) <= {".gitconfig", ".gitconfig.lock"}
    if (home / ".gitconfig.lock").exists():
        stuck = run("configure")
        assert stuck.returncode in (0, 1)
        if stuck.returncode:
            (hint,) = re.findall(r"hint: .*(rm .*)", stuck.stderr)
            subprocess.run(["sh", "-c", hint], check=True)
        (home / ".gitconfig.lock").unlink(missing_ok=True)


@pytest.mark.parametrize("call", ["fsync", "chmod,fchmod,fchmodat", "rename,renameat,renameat2"])
def test_killed_while_writing(call: str, home: Path) -> None:
    """Killed at the worst moments, `configure` leaves the old file or the new one, whole, and a way on."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    before = USER.encode() * 1000
    (home / ".gitconfig").write_bytes(before)
    around = ("strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}")
    inject = ("-e", f"inject={call}:signal=SIGKILL")
    killed = subprocess.run([*around, *inject, PROGRAM, "configure"], capture_output=True, text=True, timeout=60)
    if "ptrace" in killed.stderr.lower():
        pytest.skip(killed.stderr)
    assert killed.returncode != 0, killed.stderr
    check_after_kill(home, before)


def test_a_private_file_is_never_public(home: Path) -> None:
    """A file that only its owner may read holds passwords: what it becomes is at no moment readable by others."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    file = home / ".gitconfig"
    file.write_text(USER)
    file.chmod(0o600)
    around = ("strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=rename", "-e", "inject=rename:signal=SIGKILL")
    killed = subprocess.run([*around, PROGRAM, "configure"], capture_output=True, text=True, timeout=60)
    if "ptrace" in killed.stderr.lower():
        pytest.skip(killed.stderr)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir() if path.stat().st_size} == {
        ".gitconfig": 0o600,
        ".gitconfig.lock": 0o600,
    }


def test_killed_at_any_time(home: Path) -> None:
    """Killed at random moments, `configure` leaves the old file or the new one, whole, and a way on."""
    before = USER.encode() * 1000
    start = time.monotonic()
    done_well("configure", "--dry-run")
    takes = time.monotonic() - start
    for _ in range(12):
        (home / ".gitconfig").write_bytes(before)
        process = subprocess.Popen([PROGRAM, "configure"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(takes * random.uniform(0.3, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        check_after_kill(home, before)


MALFORMED = {
    "open section": b"[user\n\tname = x\n",
    "open quote": b'[user]\n\tname = "x\n',
    "half a section": b"user]\n\tname = x\n",
    "a conflict": USER.encode() + b"<<<<<<< HEAD\n",
    "bad escape": b"[x]\n\ty = \\q\n",
    "bad key": b"[x]\n\t1y = z\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_file(name: str, home: Path) -> None:
    """A file that git cannot read stays as it is, and the error names it; the temporary copy is nobody's business."""
    file = home / ".gitconfig"
    file.write_bytes(MALFORMED[name])
    for command in ("configure", "unconfigure"):
        done = run(command)
        assert done.returncode == 1
        assert done.stdout == ""
        error = done.stderr.splitlines()[0]
        assert error.startswith(f"git-credential-hf: error: git cannot read {file}: ")
        assert "git-credential-hf-" not in error
        assert file.read_bytes() == MALFORMED[name]


def test_the_broken_file_is_the_one_that_is_named(home: Path) -> None:
    """In a repository whose configuration is broken, that file is blamed, and not the sound global one."""
    (home / ".gitconfig").write_text(USER)
    git("init", "-q", "repository")
    (home / "repository/.git/config").write_text("[broken\n")
    os.chdir(home / "repository")
    done = run("configure")
    os.chdir(home)
    if done.returncode:
        assert ".git/config" in done.stderr
        assert f"cannot read {home}/.gitconfig" not in done.stderr
        assert f"{home}/.gitconfig' --edit" not in done.stderr


# --- without writing ---


def test_print(home: Path, tmp_path: Path) -> None:
    """`--print` prints the lines and writes nothing; pasted, they do what `configure` would have done."""
    assert done_well("configure", "--print") == LINES
    assert content_of(home) == {}
    (home / ".gitconfig").write_text(done_well("configure", "--print"))
    assert fill().stdout == ANSWER
    assert run("configure").stdout == ""
    assert done_well("configure", "--print", HF_ENDPOINT="https://a.example") == LINES + block("https://a.example")


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox"])
def test_env(shell: str, home: Path, spied: Callable[[], list[str]]) -> None:
    """`eval "$(… --env)"` is enough for a job without any file; twice is once; the job's own settings stay."""
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    command = [shell, "sh"] if shell == "busybox" else [shell]
    script = """
        set -eu
        eval "$(git-credential-hf configure --env)"
        first=$(env | grep ^GIT_CONFIG | sort)
        eval "$(git-credential-hf configure --env)"
        [ "$first" = "$(env | grep ^GIT_CONFIG | sort)" ]
        printf 'protocol=https\\nhost=huggingface.co\\n\\n' | git credential fill
        git config user.name
        printf 'protocol=https\\nhost=git.example\\n\\n' | git credential fill
    """
    environment = {
        **os.environ,
        "HF_TOKEN": CANARY,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": "spy",
        "GIT_CONFIG_KEY_1": "user.name",
        "GIT_CONFIG_VALUE_1": "a 'b' \"c\"",
    }
    done = subprocess.run([*command, "-c", script], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == (ANSWER + "a 'b' \"c\"\nprotocol=https\nhost=git.example\nusername=spy\npassword=spied\n"), (
        done.stderr
    )
    assert spied() == ["get", "protocol=https", "host=git.example"]
    assert content_of(home) == {}


def evaluated(**environment: Any) -> dict[str, Any]:
    """What the environment of a job is after `eval "$(… --env)"`."""
    done = done_well("configure", "--env", **environment)
    assert CANARY not in done
    found = dict(re.findall(r"^export (\w+)=(.*)$", done, re.MULTILINE))
    assert len(found) == len(done.splitlines())
    shown = subprocess.run(["sh", "-c", f"{done}\nenv -0"], capture_output=True, text=True, check=True).stdout
    values = dict(entry.split("=", 1) for entry in shown.split("\0") if entry)
    return {**environment, **{name: values[name] for name in found}}


def test_env_mends_what_came_after(home: Path, spied: Callable[[], list[str]]) -> None:
    """A helper that the job has added to its environment behind ours is left out again by the next `--env`."""
    first = evaluated()
    count = int(first["GIT_CONFIG_COUNT"] or 0)
    later = {f"GIT_CONFIG_KEY_{count}": "credential.helper", f"GIT_CONFIG_VALUE_{count}": "spy"}
    environment = evaluated(**{**first, **later, "GIT_CONFIG_COUNT": str(count + 1)})
    assert fill(**environment).stdout == ANSWER
    programs.run("git", "credential", "approve", stdin=ANSWER, **environment)
    assert spied() == []


@pytest.mark.parametrize("count", ["", "0", "abc", "-1", "\u00b2", "3000000000"])
def test_env_with_a_strange_count(count: str, home: Path) -> None:
    """A GIT_CONFIG_COUNT that git would refuse is replaced, or refused clearly; it is never a crash or a hang."""
    done = run("configure", "--env", timeout=5, GIT_CONFIG_COUNT=count)
    assert done.returncode in (0, 1)
    if done.returncode == 0:
        assert fill(**evaluated(GIT_CONFIG_COUNT=count)).stdout == ANSWER


def test_dry_run(home: Path) -> None:
    """`--dry-run` shows a diff of the very change, and makes none."""
    for before in (None, USER, USER[:-1]):
        (home / ".gitconfig").unlink(missing_ok=True)
        if before is not None:
            (home / ".gitconfig").write_text(before)
        state = content_of(home)
        shown = quickly_well("configure", "--dry-run")
        assert content_of(home) == state
        assert shown.startswith(f"--- {home}/.gitconfig\n" if before else "--- /dev/null\n")
        added = [line[1:] for line in shown.splitlines()[2:] if line.startswith("+")]
        assert added == LINES.splitlines()
        assert not [line for line in shown.splitlines()[2:] if line.startswith("-")]
        quickly_well("configure")
        assert quickly_well("configure", "--dry-run") == ""
        configured = content_of(home)
        shown = quickly_well("unconfigure", "--dry-run")
        assert content_of(home) == configured
        removed = [line[1:] for line in shown.splitlines()[2:] if line.startswith("-")]
        assert removed == LINES.splitlines()
        quickly_well("unconfigure")
        assert content_of(home) == state


@pytest.mark.parametrize("command", ["configure", "unconfigure"])
def test_dry_run_shows_no_token(command: str, home: Path) -> None:
    """A token, or another host's password, that stands in the user's file near ours is not in the diff."""
    secret = "hf_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt5678"
    quickly_well("configure")
    text = f'[http "https://huggingface.co"]\n\textraHeader = "Authorization: Bearer {secret}"\n'
    text += "[sendemail]\n\tsmtpPass = of-another-host\n"
    (home / ".gitconfig").write_text(text + (LINES if command == "unconfigure" else ""))
    shown = quickly_well(command, "--dry-run")
    assert secret not in shown
    assert "of-another-host" not in shown
    assert "+" in shown or "-" in shown


def test_options_exclude_each_other(home: Path) -> None:
    """`--print` and `--env` together are wrong usage."""
    done = run("configure", "--print", "--env")
    assert done.returncode == 2
    assert done.stdout == ""


def test_print_and_env_write_nothing_with_dry_run(home: Path) -> None:
    """`--print`, `--env` and `--dry-run` are three answers: two at once are wrong usage, and nothing is written."""
    for option in ("--print", "--env"):
        assert quickly("configure", option, "--dry-run").returncode == 2
        assert content_of(home) == {}


# --- which helper is written ---

DIRECTORIES = [
    *("plain", "with blank", "it's", 'double"quote', "back\\slash", "ends in backslash\\", "$HOME", "semi;colon"),
    *("#hash", "a#b", "ünï", "~tilde", "-dash", "100%20", "(paren)", "!bang", "a=b", "*", "`id`", "new\nline"),
    *("git-credential-hf", "my-git-credential-hf", os.fsdecode(b"\xff"), "tab\there"),
]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """PATH without this program."""
    path = os.pathsep.join(
        p for p in os.environ["PATH"].split(os.pathsep) if not os.path.exists(p + "/git-credential-hf")
    )
    monkeypatch.setenv("PATH", path)
    return path


@pytest.mark.parametrize("name", DIRECTORIES, ids=ascii)
def test_absolute_path_where_it_is_not_on_path(name: str, home: Path, tmp_path: Path, elsewhere: str) -> None:
    """Off PATH the absolute path is written so that git starts it, whatever signs are in it; and is found to undo."""
    program = tmp_path / name / "git-credential-hf"
    program.parent.mkdir()
    program.symlink_to(PROGRAM)
    (home / ".gitconfig").write_text(USER)
    done = run("configure", program=str(program))
    if done.returncode == 1 and "\n" in name:
        assert (home / ".gitconfig").read_text() == USER
        return
    assert done.returncode == 0, done.stderr
    assert str(program.parent.parent).encode() in (home / ".gitconfig").read_bytes()
    assert fill().stdout == ANSWER
    (found,) = helper_chain("https://hf.co", read_config())
    assert is_our_helper(found.value or "")
    quickly_well("unconfigure")
    assert (home / ".gitconfig").read_text() == USER


def test_env_with_an_absolute_path(home: Path, tmp_path: Path, elsewhere: str) -> None:
    """`--env` quotes a path for the shell that evaluates it, and for the one that git starts."""
    program = tmp_path / "it's a $HOME" / "git-credential-hf"
    program.parent.mkdir()
    program.symlink_to(PROGRAM)
    done = run("configure", "--env", program=str(program))
    script = done.stdout + "printf 'protocol=https\\nhost=huggingface.co\\n\\n' | git credential fill"
    filled = subprocess.run(
        ["sh", "-c", script], env={**os.environ, "HF_TOKEN": CANARY}, capture_output=True, text=True
    )
    assert filled.stdout == ANSWER, filled.stderr


def test_started_by_a_relative_path(home: Path, tmp_path: Path, elsewhere: str) -> None:
    """Started as `./git-credential-hf`, or through a relative PATH entry, what is written is absolute."""
    (home / "bin").mkdir()
    (home / "bin/git-credential-hf").symlink_to(PROGRAM)
    for script in ("./bin/git-credential-hf configure", "PATH=bin:$PATH; git-credential-hf configure"):
        subprocess.run(["sh", "-c", script], check=True, capture_output=True, timeout=60)
        assert f"\thelper = {home}/bin/git-credential-hf\n" in (home / ".gitconfig").read_text()
        (home / ".gitconfig").unlink()


@pytest.mark.parametrize("name", ["plain", "with blank"])
@pytest.mark.parametrize("before", ["", "\n", USER, USER[:-1]], ids=["empty", "newline", "user", "no newline"])
def test_from_path_to_name_and_back(name: str, before: str, home: Path, tmp_path: Path, elsewhere: str) -> None:
    """When the program comes onto PATH, the next `configure` writes its name in the path's place, and the reverse."""
    program = tmp_path / name / "git-credential-hf"
    program.parent.mkdir()
    program.symlink_to(PROGRAM)
    file = home / ".gitconfig"
    with_it = {"PATH": f"{SCRIPTS}{os.pathsep}{elsewhere}"}

    file.write_text(before)
    done_well("configure", **with_it)
    by_name = file.read_bytes()
    file.write_text(before)
    assert run("configure", program=str(program)).returncode == 0
    by_path = file.read_bytes()
    assert by_name != by_path

    done_well("configure", **with_it)
    assert file.read_bytes() == by_name
    assert run("configure", program=str(program)).returncode == 0
    assert file.read_bytes() == by_path
    done_well("unconfigure", **with_it)
    assert file.read_text() == before


def test_from_path_to_name_in_an_extended_section(home: Path, elsewhere: str) -> None:
    """Also where somebody has extended our section; then `unconfigure` takes out both."""
    done_well("configure")
    git(*PROVIDER)
    done_well("configure", PATH=f"{SCRIPTS}{os.pathsep}{elsewhere}")
    assert fill(PATH=f"{SCRIPTS}{os.pathsep}{elsewhere}").stdout == ANSWER
    done_well("unconfigure")
    assert git("config", "--global", "--list") == "credential.https://huggingface.co.provider=generic\n"


def test_as_a_module(home: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """`python -m git_credential_hf configure` writes the name where it is on PATH, and explains itself elsewhere."""
    command = [sys.executable, "-m", "git_credential_hf", "configure"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert (home / ".gitconfig").read_text() == LINES
    (home / ".gitconfig").unlink()
    request.getfixturevalue("elsewhere")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "error: there is no executable git-credential-hf on PATH" in done.stderr
    assert content_of(home) == {}


# --- what must never happen ---


def test_without_standard_descriptors(home: Path) -> None:
    """With stdin, stdout or stderr closed nothing but the lines gets into the file."""
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        (home / ".gitconfig").write_text(USER)
        subprocess.run(["sh", "-c", f'"$0" configure {closed}', PROGRAM], timeout=60, capture_output=True)
        assert content_of(home) == {".gitconfig": (USER + LINES).encode()}


def test_full_disk(home: Path) -> None:
    """When the disk is full the file stays, nothing is left behind, and the lines to paste are printed."""
    (home / "small").mkdir()
    script = f"mount -t tmpfs -o size=16k tmpfs '{home}/small' && cp '{home}/.gitconfig' '{home}/small/' "
    script += f"&& {{ head -c 100000 /dev/zero > '{home}/small/filler' || true; }} 2> /dev/null"
    (home / ".gitconfig").write_text(USER)
    around = in_mount_namespace(script)
    around = (*around[:-2], around[-2].replace('exec "$@"', f'"$@"; s=$?; ls -A "{home}/small" >&2; exit $s'), "sh")
    done = run("configure", around=around, GIT_CONFIG_GLOBAL=f"{home}/small/.gitconfig")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert done.stderr.split()[-2:] == [".gitconfig", "filler"]
    assert done.stdout == LINES


def test_no_token_is_written(home: Path) -> None:
    """Whoever is logged in, and however: no byte of a token gets into any file, diff or environment."""
    (home / "token").write_text(CANARY)
    environment = {"HF_TOKEN_PATH": str(home / "token"), "HUGGING_FACE_HUB_TOKEN": CANARY}
    for arguments in (["--print"], ["--env"], ["--dry-run"], []):
        quickly_well("configure", *arguments, **environment)
    assert CANARY.encode() not in (home / ".gitconfig").read_bytes()
    quickly_well("unconfigure", **environment)
    assert content_of(home) == {"token": CANARY.encode()}


def test_names_that_are_not_text(home: Path) -> None:
    """A home whose name is not UTF-8 is written to, and that is said, whatever stdout can show."""
    odd = os.path.join(home, os.fsdecode(b"caf\xe9"))
    os.mkdir(odd)
    for encoding in ("utf-8:strict", "ascii:strict", "latin-1:strict"):
        for command in ("configure", "unconfigure"):
            done = run(command, HOME=odd, PYTHONIOENCODING=encoding)
            assert done.returncode == 0, done.stderr


def test_a_change_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """A change whose writing fails leaves the file and its directory as they were."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    with pytest.raises(Problem):
        FileChange(str(file), b"something else", b"new").apply()
    with pytest.raises(Problem):
        FileChange(str(tmp_path / "no directory/file"), None, b"new").apply()
    with pytest.raises(Problem):
        FileChange(str(file), None, b"new").apply()
    assert content_of(tmp_path) == {"file": b"old"}
