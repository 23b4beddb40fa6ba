"""What is stored: bare repositories and LFS objects on disk, found by their name and by nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from .pre_receive import HOOK

TYPES = ("model", "dataset", "space", "kernel")
NAME = re.compile(r"(?!.*(?:--|\.\.|\.git$))[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?", re.ASCII)
GATES = (None, "auto", "manual")
PIECE = 1 << 20  # bytes read at a time: an object never is in memory as a whole
LARGEST_COPIED = 2 << 20  # bytes of a file
MADE: dict[Any, Path] = {}  # copies of repositories as they were at first, by their files


@dataclass(eq=False)
class Repository:
    """One repository: `acme/data` by id, `datasets/acme/data` by name."""

    type: str
    id: str
    path: Path  # the bare repository
    objects: Path  # its LFS objects
    environment: Mapping[str, str] = field(repr=False)
    url: str = ""  # what git is given
    private: bool = False
    gated: str | None = None
    disabled: bool = False
    creator: str | None = None
    requests: dict[str, str] = field(default_factory=dict)  # account: pending, rejected, reset, accepted

    @property
    def name(self) -> str:
        return self.id if self.type == "model" else f"{self.type}s/{self.id}"

    @property
    def namespace(self) -> str:
        """The owner; empty for a one-segment model such as gpt2, which belongs to nobody here."""
        return self.id.partition("/")[0] if "/" in self.id else ""

    @staticmethod
    def parse(name: str) -> tuple[str, str]:
        """Split `datasets/acme/data` into ("dataset", "acme/data"); without a prefix it is a model."""
        prefix, _, rest = name.partition("/")
        if rest and prefix.removesuffix("s") in TYPES and prefix.endswith("s"):
            return prefix.removesuffix("s"), rest
        return "model", name

    def git(self, *arguments: str, input: bytes = b"") -> str:
        """Runs git in the bare repository."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=self.environment,
            input=input,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").strip()

    def head(self, ref: str = "refs/heads/main") -> str | None:
        """The commit that a reference points to, `None` when there is no such reference."""
        return self.git("for-each-ref", "--format=%(objectname)", ref) or None

    def read(self, path: str, ref: str = "refs/heads/main") -> str:
        """A file's text as git has it: for an LFS file its pointer."""
        return self.git("show", f"{ref}:{path}")

    def object(self, oid: str) -> Path:
        """Where the LFS object is, or would be."""
        if not re.fullmatch(r"[0-9a-f]{64}", oid):
            raise ValueError(oid)
        return self.objects / oid[:2] / oid

    def store(self, content: bytes | Path) -> str:
        """Puts an LFS object there; returns its pointer."""
        digest, size = hashlib.sha256(), 0
        self.objects.mkdir(parents=True, exist_ok=True)
        incoming = self.objects / "incoming"
        with incoming.open("wb") as file:
            for piece in pieces(content):
                digest.update(piece)
                size += file.write(piece)
        place = self.object(digest.hexdigest())
        place.parent.mkdir(exist_ok=True)
        incoming.replace(place)
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest.hexdigest()}\nsize {size}\n"

    def commit(
        self,
        files: Mapping[str, bytes],
        lfs: Mapping[str, bytes | Path] | None = None,
        *,
        branch: str = "refs/heads/main",
        message: str = "a change on the Hub",
    ) -> str:
        """Adds a commit behind the hooks' back; returns its id."""
        contents = dict(files)
        head = self.head(branch)
        if lfs:
            tracked = "".join(f"{attribute(path)} filter=lfs diff=lfs merge=lfs -text\n" for path in lfs).encode()
            if ".gitattributes" not in contents:
                contents[".gitattributes"] = f"{self.read('.gitattributes', branch)}\n".encode() if head else b""
            contents[".gitattributes"] += tracked
            contents |= {path: self.store(content).encode() for path, content in lfs.items()}
        stream = [
            b"commit %s\nmark :1\ncommitter Hub <hub@example.org> now\ndata %d\n%s\n"
            % (branch.encode(), len(message.encode()), message.encode())
        ]
        if head:
            stream.append(b"from %s^0\n" % branch.encode())
        for path, content in contents.items():
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
        stream.append(b"\nget-mark :1\n")
        return self.git("fast-import", "--quiet", "--date-format=now", input=b"".join(stream))


def attribute(path: str) -> str:
    """The pattern for a file's kind, as people use `git lfs track`; without a suffix the file itself."""
    suffix = PurePosixPath(path).suffix
    return f"*{suffix}" if suffix else path


def pieces(content: bytes | Path) -> Iterator[bytes]:
    """The content, a piece at a time."""
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


@cache
def copies() -> tempfile.TemporaryDirectory[str]:
    """Where they are, to the end of this process."""
    return tempfile.TemporaryDirectory()


class Repositories:
    """All of them. Whatever a URL says is looked up here; no path is ever made of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.known: dict[tuple[str, str], Repository] = {}
        self.moved: dict[tuple[str, str], Repository] = {}
        home = directory / "home"
        hooks = home / "hooks"
        hooks.mkdir(parents=True)
        hook = hooks / "pre-receive"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        (home / ".gitconfig").write_text(
            f'[core]\n\thooksPath = "{hooks}"\n[init]\n\tdefaultBranch = main\n[http]\n\treceivepack = true\n'
            "[uploadpack]\n\tallowFilter = true\n[receive]\n\tautogc = false\n\tunpackLimit = 1\n[gc]\n\tauto = 0\n"
            # Bare repositories of ours, whoever runs the tests (sudo, user namespaces).
            "[safe]\n\tdirectory = *\n"
        )
        # Nothing of the caller's: neither GIT_* nor HOME may change what the Hub does.
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C",
        }

    def create(
        self,
        name: str,
        *,
        type: str | None,
        url: str,
        files: Mapping[str, bytes],
        lfs: Mapping[str, bytes | Path],
        **properties: Any,
    ) -> Repository:
        """A repository with one commit: made by git, or a copy of one with the same files."""
        prefixed, id = Repository.parse(name)
        type = type or prefixed
        if type not in TYPES or not NAME.fullmatch(id) or (type, id) in self.known:
            raise ValueError(f"cannot create {type} {id}")
        path = self.directory / f"{type}s" / f"{id}.git"
        objects = self.directory / "lfs" / f"{type}s" / id
        repository = Repository(type, id, path, objects, self.environment, **properties)
        repository.url = f"{url}/{repository.name}"
        if repository.gated not in GATES:
            raise ValueError(f"gated is one of {GATES}")
        contents = tuple(sorted(files.items())), tuple(sorted(lfs.items()))
        if contents in MADE:
            shutil.copytree(MADE[contents] / "git", path)
            shutil.copytree(MADE[contents] / "lfs", objects)
        else:
            path.mkdir(parents=True)
            objects.mkdir(parents=True)
            repository.git("init", "--quiet", "--bare", "--template=")
            repository.commit(files, lfs, message="initial commit")
            if all(isinstance(content, bytes) and len(content) <= LARGEST_COPIED for _, content in chain(*contents)):
                MADE[contents] = Path(tempfile.mkdtemp(dir=copies().name))
                shutil.copytree(path, MADE[contents] / "git")
                shutil.copytree(objects, MADE[contents] / "lfs")
        self.known[type, id] = repository
        self.moved.pop((type, id), None)
        return repository

    def rename(self, old: str, new: str) -> Repository:
        """The old name goes on to work, by a redirect."""
        key = Repository.parse(old)
        type, id = Repository.parse(new)
        repository = self.known.pop(key)
        if key[0] != type or not NAME.fullmatch(id) or (type, id) in self.known:
            raise ValueError(f"cannot rename {old} to {new}")
        base = repository.url.removesuffix(repository.name)
        repository.id = id
        repository.url = base + repository.name
        self.known[type, id] = self.moved[key] = repository
        return repository

    def remove(self, name: str) -> None:
        repository = self.known.pop(Repository.parse(name))
        shutil.rmtree(repository.path)

    def find(self, type: str, id: str) -> tuple[Repository | None, bool]:
        """The repository, and whether it has moved away from that name."""
        if repository := self.known.get((type, id)):
            return repository, False
        return self.moved.get((type, id)), True

    def named(self, name: str) -> Repository:
        repository = self.known.get(Repository.parse(name))
        if repository is None:
            raise ValueError(f"no such repository: {name}")
        return repository
