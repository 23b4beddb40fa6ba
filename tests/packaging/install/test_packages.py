"""The wheel and the sdist: what is in them, and that pip makes a helper of them that git finds."""

from __future__ import annotations

import json
import os
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from programs import run

from .conftest import INSTALLERS, build

if TYPE_CHECKING:
    from .conftest import Account

pytestmark = pytest.mark.registries
DATA = (
    "share/man/man1/git-credential-hf.1",
    "share/bash-completion/completions/git-credential-hf",
    "share/zsh/site-functions/_git-credential-hf",
    "share/fish/vendor_completions.d/git-credential-hf.fish",
)
REQUEST = "protocol=https\nhost=huggingface.co\n\n"


def works(account: Account, program: Path) -> None:
    """git, with this program's directory on PATH, gets the token; `git help` finds the page."""
    environment = {"PATH": f"{program.parent}:{os.environ['PATH']}", "GIT_TERMINAL_PROMPT": "0"}
    answer = account.run(
        *("git", "-c", "credential.helper=hf", "credential", "fill"), stdin=REQUEST, HF_TOKEN="hf_canary", **environment
    )
    assert "password=hf_canary\n" in answer
    assert account.run(str(program), "--version").startswith("git-credential-hf ")


def test_what_is_in_them(sdist: Path, wheel: Path) -> None:
    """The wheel has hooks that can be run, the manual, completions and `py.typed`; the sdist what builds it."""
    with zipfile.ZipFile(wheel) as opened:
        modes = {file.filename: file.external_attr >> 16 for file in opened.infolist()}
        metadata = opened.read(next(name for name in modes if name.endswith("/METADATA"))).decode()
        script = opened.read(next(name for name in modes if name.endswith(".data/scripts/git-credential-hf")))
    assert wheel.name.endswith("-py3-none-any.whl")
    assert script.startswith(b"#!python\n")
    assert {name.partition(".data/data/")[2] for name in modes if ".data/data/" in name} == set(DATA)
    assert "git_credential_hf/py.typed" in modes
    assert all(modes[f"git_credential_hf/hooks/scripts/{hook}"] & 0o111 for hook in ("pre-push", "pre-commit", "other"))
    assert not [
        name for name in modes if name.startswith(("tests", "docs", "hatch_build")) or name.endswith("entry_points.txt")
    ]
    needed = [line.split()[1] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    assert {name.partition(">")[0].replace("_", "-") for name in needed} == {
        *("huggingface-hub", "click", "platformdirs", "dulwich", "urllib3", "pysocks")
    }
    with tarfile.open(sdist) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"pyproject.toml", "hatch_build.py", "install.sh", "README.md", "LICENSE", "hooks/pre-push"} <= names
    assert "docs/facts.md" in names


def test_windows_gets_an_executable(real_account: Account) -> None:
    """The wheel for Windows has an entry point, of which installers make an .exe, and no script beside it."""
    wheel = build(real_account.checkout, real_account.root / "w", "--wheel", GIT_CREDENTIAL_HF_BUILD_FOR="win32")
    assert wheel.name.endswith("-py3-none-win32.win_amd64.win_arm64.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        entry = opened.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert "git-credential-hf = git_credential_hf.launcher:main" in entry
    assert not [name for name in names if ".data/" in name]


def test_pip(real_account: Account, wheel: Path, sdist: Path) -> None:
    """The same comes of the wheel and of the sdist."""
    account = real_account
    python = account.root / "env/bin/python"
    for package in (sdist, wheel):
        # A pip in each environment would take as long to install as all the rest.
        account.run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(account.root / "env"))
        account.run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", str(package))
        works(account, python.with_name("git-credential-hf"))
    assert (account.root / "env" / DATA[0]).exists()


def test_uvx(real_account: Account, wheel: Path) -> None:
    """The doctor runs without an installation."""
    account = real_account
    account.environment["PATH"] = os.environ["PATH"]  # what uvx makes needs more than install.sh: realpath
    doctor = ("git-credential-hf", "doctor", "--offline", "--json")
    uvx = INSTALLERS / "uvx"
    looked = run(uvx, "--from", wheel, *doctor, base=account.environment, cwd=account.home, check=False)
    assert looked.returncode == 1, looked.stderr
    findings = {finding["id"] for finding in json.loads(looked.stdout)["findings"]}
    assert {"no-token", "helper-not-configured"} <= findings
