"""Which credential git will use, and how its source is named."""

from __future__ import annotations

from pathlib import Path

from git_credential_hf.git.config import read_config
from git_credential_hf.git.credentials import git_credentials

PASSWORD = "a-password-without-a-shape"


def test_source_does_not_show_what_is_in_a_helper_s_command(home: Path) -> None:
    """A helper that has its password in its command is named without that."""
    helper = f"!f() {{ echo username=a; echo password={PASSWORD}; }}; f"
    (home / ".gitconfig").write_text(f'[credential]\n\thelper = "{helper}"\n')
    (token,) = git_credentials("https://huggingface.co/acme/model", read_config())
    assert token.value == PASSWORD
    assert token.kind == "helper"
    assert token.place == "git's helper '!…'"


def test_a_header_for_no_host(home: Path) -> None:
    """`http.https://.extraHeader` is sent by git to nobody, and so it is no credential of the Hub's."""
    (home / ".gitconfig").write_text('[http "https://"]\n\textraHeader = Authorization: Bearer for-nobody\n')
    assert list(git_credentials("https://huggingface.co/acme/model", read_config())) == []
