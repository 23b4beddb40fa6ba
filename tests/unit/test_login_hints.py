"""The hints for a login that is missing, or cannot be read."""

import os
from pathlib import Path

import pytest
from login import write_aged

from git_credential_hf.login_hints import login_hint
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import login_token


@pytest.fixture
def token_file(home: Path) -> Path:
    return home / ".cache/huggingface/token"


@pytest.mark.parametrize(("content", "why"), [(None, "Is a directory"), (b"hf_\xff", "it is not text")])
def test_a_file_that_cannot_be_read(content: bytes | None, why: str, token_file: Path) -> None:
    """A token file that cannot be read is an error with the path, the reason and a fix; it is not "logged out"."""
    if content is None:
        token_file.mkdir(parents=True)
    else:
        write_aged(token_file, content)
    with pytest.raises(Problem) as raised:
        login_token()
    assert raised.value.message == f"cannot read the token file {token_file}: {why}"
    assert raised.value.fix == "run `git-credential-hf login`"


def test_hint_for_a_mounted_file(token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`hf auth login` is the hint unless the directory of the file exists and cannot be written to."""
    assert login_hint() == "run `hf auth login`"
    token_file.parent.mkdir(parents=True)
    assert login_hint() == "run `hf auth login`"
    mounted = str(token_file.parent)
    monkeypatch.setattr(os, "access", lambda path, mode: (str(path), mode) != (mounted, os.W_OK))
    assert login_hint() == f"replace the secret mounted at {token_file}; this user must be able to read it"
