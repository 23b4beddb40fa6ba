"""Parse the LFS pointers in a push (with dulwich), and check whether their objects are on this machine."""

import os
import re

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import git_line

MAX_POINTER_BYTES = 1024  # pointers are smaller (git-lfs, docs/spec.md)

# dulwich accepts other lines among these; to git-lfs that is an ordinary file (lfs/pointer.go).
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-\d-\w+ sha256:[0-9a-f]{64}\n)*"
    rb"oid sha256:[0-9a-f]{64}\nsize \d+\n"
)


def parse_pointer(content: bytes) -> tuple[str, int] | None:
    """Return the SHA-256 and the size in bytes in an LFS pointer; `None` if it is not a valid one."""
    if not _POINTER.fullmatch(content):
        return None
    from dulwich.lfs import LFSPointer

    pointer = LFSPointer.from_bytes(content)
    if pointer is None or pointer.size >= 1 << 63:  # which git-lfs does not accept
        return None
    return pointer.oid, pointer.size


def lfs_stores(entries: list[ConfigEntry]) -> list[str]:
    """Return the directories in which git-lfs looks for objects: its own, and those of the repository's alternates."""
    common = os.path.abspath(git_line("rev-parse", "--git-common-dir"))
    storage = [entry.value for entry in entries if (entry.section, entry.subsection, entry.name) == _LFS_STORAGE]
    # A relative path starts at the git directory (git-lfs-config(5)).
    stores = [os.path.join(common, os.path.expanduser((storage and storage[-1]) or "lfs"), "objects")]
    objects = os.path.join(common, "objects")
    try:
        with open(os.path.join(objects, "info", "alternates"), encoding="utf-8", errors="surrogateescape") as file:
            alternates = file.read().split("\n")
    except OSError:
        alternates = []
    alternates += os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(os.pathsep)
    return stores + [os.path.join(objects, path, os.pardir, "lfs", "objects") for path in alternates if path]


_LFS_STORAGE = ("lfs", "", "storage")


def is_stored(oid: str, size: int, stores: list[str]) -> bool:
    """Whether one of these directories has the complete object."""
    for store in stores:
        try:
            if os.stat(os.path.join(store, oid[:2], oid[2:4], oid)).st_size == size:
                return True
        except OSError:
            pass
    return False
