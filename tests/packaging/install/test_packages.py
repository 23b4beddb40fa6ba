"""The wheel and the sdist: what is in them, and that pip makes a helper of them that git finds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from programs import run

from .conftest import INSTALLERS, build, copy_checkout

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


def test_the_same_bytes(tmp_path: Path) -> None:
    """Two builds, in other directories, by other users, of files of another age, are the same bytes."""
    made: dict[str, set[str]] = {}
    for name, umask, mode, age, zone in (
        ("here", 0o022, 0o644, 0, "UTC"),
        ("elsewhere/b", 0o077, 0o600, 10**9, "JST-9"),
    ):
        checkout = copy_checkout(tmp_path / name)
        for path in checkout.rglob("*"):
            path.chmod(path.stat().st_mode & 0o111 & ~umask | (0o700 if path.is_dir() else mode))
            os.utime(path, (age, age))
        before = os.umask(umask)
        try:
            for what in ("--sdist", "--wheel"):
                package = build(checkout, tmp_path / f"{name}-{what}", what, HOME=str(tmp_path), TZ=zone)
                made.setdefault(package.name, set()).add(hashlib.sha256(package.read_bytes()).hexdigest())
        finally:
            os.umask(before)
    assert [len(hashes) for hashes in made.values()] == [1, 1], made
    for file, [digest] in made.items():
        print(digest, file)


def metadata(package: Path) -> tuple[list[str], str]:
    """Return the URLs in the metadata of a wheel, and the README."""
    with zipfile.ZipFile(package) as opened:
        name = next(name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        fields, _, readme = opened.read(name).decode().partition("\n\n")
    return re.findall(r"^Project-URL: (.*)$", fields, re.MULTILINE), readme


def links(text: str) -> set[str]:
    """Return the targets in Markdown, or HTML, but for those within the page."""
    text = re.sub(r"^```.*?^```|`[^`\n]+`", "`", text, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"""\]\(([^)\s]+)|\b(?:src|href)=["']([^"']+)|^\[[^\]]+\]: +(\S+)""", text, re.MULTILINE)
    return {target for targets in found for target in targets if target and not target.startswith("#")}


def test_links_to_the_repository(tmp_path: Path) -> None:
    """A release that GitHub builds has links that work everywhere; no other build has one that is made up."""
    checkout = copy_checkout(tmp_path / "checkout")
    readme = (checkout / "README.md").read_text() + (
        '\n[a](docs/facts.md) ![b](./docs/x.svg) [c](#here) [d](https://example.com/e) <img src="docs/x.svg">\n'
        "[`f`](LICENSE) `[g](h)` [![i](docs/x.svg)](SECURITY.md)\n[j]: docs/k.md\n```\n[l](m)\n```\n"
    )
    (checkout / "README.md").write_text(readme)
    here = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "", "GITHUB_REF_NAME": "v9"}
    for repository in ("", "someone/else", "git-credential-hf"):
        plain = metadata(
            build(checkout, tmp_path / f"wheel-{repository}", "--wheel", **here | {"GITHUB_REPOSITORY": repository})
        )
        assert plain == ([], readme)
    release = {**here, "GITHUB_REPOSITORY": "acme/git-credential-hf"}
    urls, text = metadata(build(checkout, tmp_path / "release", "--wheel", **release))
    base = "https://github.example/acme/git-credential-hf"
    assert urls == [
        f"Homepage, {base}",
        f"Changelog, {base}/blob/v9/CHANGELOG.md",
        f"Issues, {base}/issues",
    ]
    relative = {target for target in links(readme) if not target.startswith("https:")}
    assert {"docs/facts.md", "docs/k.md", "LICENSE", "SECURITY.md"} <= relative
    pictures = {target for target in relative if target.endswith(".svg")}
    assert links(text) == {target for target in links(readme) if target.startswith("https:")} | {
        f"{base}/{'raw' if target in pictures else 'blob'}/v9/{target.removeprefix('./')}" for target in relative
    }
    assert "`[g](h)`" in text and "\n[l](m)\n" in text


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
        account.run(
            sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile", str(package)
        )
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
