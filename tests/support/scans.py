"""A repository to make history in, and what the scan of a push finds there."""

from __future__ import annotations

import hashlib
import os
import random
import string
import subprocess
from pathlib import Path

import pytest
from programs import git

from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.scan_push import scan_push
from git_credential_hf.hooks.updates import RefUpdate

NULL = "0" * 40
MEBIBYTE = 1 << 20
ALPHANUMERIC = string.ascii_letters + string.digits


def body(length: int, seed: int = 1, letters: str = ALPHANUMERIC) -> str:
    return "".join(random.Random(seed).choices(letters, k=length))


TOKEN = "hf_" + body(34)
JWT = f"{body(24, 2)}.{body(80, 3)}.{body(43, 4)}"


class Repository:
    """A git repository, and short ways to make history in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str | bytes, given: bytes | None = None) -> str:
        return git(*arguments, cwd=self.path, stdin=given or b"").strip()

    def write(self, path: str | bytes, content: str | bytes = "text\n") -> str:
        """Write and stage a file; return the id of its blob."""
        file = os.path.join(os.fsencode(self.path), os.fsencode(path))
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as to:
            to.write(content.encode() if isinstance(content, str) else content)
        self.git("add", "--", os.fsencode(path))
        return self.git("rev-parse", b":" + os.fsencode(path))

    def commit(self, *, allow_empty: bool = True) -> str:
        self.git("commit", "-q", "-m", "x", *(["--allow-empty"] if allow_empty else []))
        return self.git("rev-parse", "HEAD")

    def add(self, path: str | bytes, content: str | bytes = "text\n") -> str:
        """Commit a file; return the id of the commit."""
        self.write(path, content)
        return self.commit()


def make(path: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Repository:
    subprocess.run(["git", "init", "-q", "-b", "main", *options, str(path)], check=True)
    monkeypatch.chdir(path)
    return Repository(path)


def push(new: str, old: str = NULL, **options: object) -> Additions:
    return scan_push([RefUpdate("refs/heads/main", new, "refs/heads/main", old)], **options)  # type: ignore[arg-type]


def pointer_to(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


def store(content: bytes, lfs: Path) -> None:
    oid = hashlib.sha256(content).hexdigest()
    file = lfs / "objects" / oid[:2] / oid[2:4] / oid
    file.parent.mkdir(parents=True)
    file.write_bytes(content)


def binaries(found: Additions) -> set[tuple[str | None, str]]:
    return {(blob.commit, blob.path) for blob in found.binary}


def leaks(found: Additions) -> list[tuple[str | None, str, str, int]]:
    return [(leak.blob.commit, leak.kind, leak.blob.path, leak.places) for leak in found.leaks]
