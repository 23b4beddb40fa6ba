"""Which sections of git's configuration apply to a URL, if only git itself can tell."""

import os
import shutil
from pathlib import Path

import pytest

from git_credential_hf.git.urlmatch import section_applies

SECRET = "hf_" + "Canary" * 5 + "wxyz"
PATTERNS = [
    ("https://*.co", "https://{}@huggingface.co/a", True),
    ("https://hugging*.co", "https://huggingface.co", False),
    ("https://*.face.co", "https://{}@hugging.face.co/a/b", True),
    ("https://*.face.co/a", "https://x:{}@hugging.face.co/a/b", True),
    ("https://{}@*.face.co", "https://{}@hugging.face.co/a/b", True),
    ("https://{}@*.face.co", "https://other@hugging.face.co/a/b", False),
    ("https://{}@*.face.co", "https://hugging.face.co/a/b", False),
    ("https://x:{}@*.face.co", "https://x@hugging.face.co/a/b", True),
]


@pytest.mark.parametrize(("pattern", "url", "applies"), PATTERNS)
def test_no_login_is_an_argument(
    pattern: str, url: str, applies: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user name or a password in a URL, which may be a token, is no argument of git's, and counts all the same."""
    script = home / "bin/git"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\necho "$@" >> {home}/arguments\nenv >> {home}/arguments\nexec {shutil.which("git")} "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    assert section_applies(pattern.format(SECRET), url.format(SECRET)) == applies
    arguments = home / "arguments"
    assert SECRET not in (arguments.read_text() if arguments.exists() else "")
