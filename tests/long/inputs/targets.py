"""What atheris gives its bytes to: the judges of the other modules, and those of files that we keep or only read.

Each target is for what `corpus/` has below its name; the short run replays that.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from git_credential_hf.configure.settings import mapped_tokens
from git_credential_hf.git.config import parse_listing, quote_value, removal_command
from git_credential_hf.git.credentials import is_given_elsewhere
from git_credential_hf.git.helper_chain import is_our_helper
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.hooks.verdict import Verdict, read_severities
from git_credential_hf.problem import Problem
from git_credential_hf.state import is_recorded, record
from git_credential_hf.state_directory import private_directory
from git_credential_hf.token_files import read_stored_tokens, read_token_file, stored_tokens_path, token_path
from git_credential_hf.tokens import current_token, login_token, stored_token_names

from . import messages, netrcs, urls


class Targets:
    """Places for files below `home`, and the targets by name."""

    def __init__(self, home: Path) -> None:
        (home / "logins").mkdir()
        (home / "hf").mkdir()
        os.environ["XDG_RUNTIME_DIR"] = str(home)
        self.home = home
        self.runtime = Path(private_directory() or "")
        self.program = messages.Program(home / "logins")
        self.named: dict[str, Callable[[bytes], object]] = {
            "message": self.message,
            "url": self.url,
            "netrc": netrcs.judge,
            "listed": self.listed,
            "kept": self.kept,
            "tokens": self.tokens,
        }

    def message(self, data: bytes) -> None:
        """The first byte says who is logged in, and where; `store` and `erase` would start git each time."""
        logins, hubs = [*messages.LOGINS], [*messages.HUBS]
        way = data[0] if data else 0
        asked = messages.Asked("get", data[1:], logins[way % len(logins)], hubs[way // len(logins) % len(hubs)])
        messages.judge(asked, self.program)

    def url(self, data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        for variable in self.program.variables(messages.Asked("get", b"")):
            os.environ.pop(variable, None)
        urls.judge(text)
        urls.judge_name(text)

    def listed(self, data: bytes) -> None:
        """What `git config -z --list` prints, if it were anything: whole entries, and nobody who chokes on them."""
        entries = parse_listing(data)
        fields = data.decode("utf-8", "surrogateescape").split("\0")
        assert len(entries) == len(fields) // 3, data
        for entry, field in zip(entries, fields[2::3], strict=True):
            key = field.partition("\n")[0]
            assert [entry.section, entry.subsection, entry.name] == _three(key), (key, entry.__dict__)
            is_our_helper(entry.value or "")
            section_origin(entry.subsection)
            quote_value(entry.value or "")
            removal_command(entry)
        mapped_tokens(entries)
        is_given_elsewhere("https://huggingface.co/a/b", entries)
        read_severities(entries, Verdict())

    def kept(self, data: bytes) -> None:
        """Whatever lies where we keep things: nothing is remembered, and no token comes out of it."""
        for name in ("refused", "oidc", "refresh-failed"):
            (self.runtime / name).write_bytes(data)
            (self.runtime / name).chmod(0o600)
        assert not is_recorded("refused", "secret"), data
        job = {"HF_OIDC_RESOURCE": "acme/model", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.home)}
        os.environ.update(job)
        try:
            assert current_token(act=False) is None, data
        finally:
            for variable in job:
                del os.environ[variable]
        record("refused", "secret", 30)
        assert is_recorded("refused", "secret"), data
        assert not is_recorded("refused", "another"), data

    def tokens(self, data: bytes) -> None:
        """The files of `hf auth login`: what we read in them is what huggingface_hub does."""
        if not data.strip():
            return  # an empty one is waited for
        from huggingface_hub import constants
        from huggingface_hub.utils import _auth

        os.environ["HF_HOME"] = str(self.home / "hf")
        for name in ("token", "stored_tokens"):
            file = self.home / "hf" / name
            file.write_bytes(data)
            os.utime(file, (1_700_000_000,) * 2)
        constants.HF_TOKEN_PATH, constants.HF_STORED_TOKENS_PATH = (
            token_path(),
            stored_tokens_path(),
        )
        with self.program.quiet():
            assert read_stored_tokens() == _auth._read_stored_tokens_full(), data
            try:
                theirs = _auth._get_token_from_file()
            except UnicodeDecodeError:
                theirs = "no text"
            try:
                assert read_token_file() == theirs, data
                login_token(), stored_token_names()
            except (Problem, UnicodeDecodeError):
                assert theirs == "no text", data


def _three(key: str) -> list[str]:
    """Section, subsection and name: around the first dot and the last."""
    parts = key.split(".")
    return [parts[0], ".".join(parts[1:-1]), parts[-1] if len(parts) > 1 else ""]
