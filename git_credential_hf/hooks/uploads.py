"""Ask the Hub which files of a push it has, and which it accepts: the Hub itself checks only after the upload.

Each uncertain file is asked about once, in few requests. Without an answer, the result of the scan is kept, or becomes
a warning.
"""

from collections.abc import Callable, Iterable

from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.contents import MAX_FILES, SAMPLE_BYTES, find_commit, find_lfs_objects, find_upload_modes
from git_credential_hf.git.pipeline import CHUNK_BYTES, Pipeline
from git_credential_hf.hooks.additions import Additions, LfsPointer
from git_credential_hf.hooks.leaks import Blob
from git_credential_hf.hooks.updates import RefUpdate
from git_credential_hf.report import trace
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token

_MAX_COMMITS = 5  # to ask about
_MAX_SAMPLED_BYTES = 256 << 20  # git has to unpack a whole file for its first bytes


class Uploads:
    """The Hub's answers about the files of a push to `repository`; `find_token` returns the credential to use."""

    def __init__(
        self, repository: Repository, updates: list[RefUpdate], find_token: Callable[[], Token | None]
    ) -> None:
        self._repository = repository
        self._revision = _revision(updates)
        self._find_token = find_token
        self._modes: dict[str, str] | None = None  # by path
        self._objects: dict[str, bool] = {}  # by SHA-256: whether the Hub has it
        self._asked: set[str] = set()

    def resolve(self, added: Additions) -> None:
        """Replace the uncertain parts of `added` by the Hub's answers."""
        if added.large or added.binary:
            modes = self._ask_for_modes([*added.large, *added.binary])
            added.large = [blob for blob in added.large if modes.get(blob.path) != "regular"]
            added.for_lfs = [blob for blob in added.binary if modes.get(blob.path) == "lfs"]
            added.binary = [blob for blob in added.binary if blob.path not in modes]
        missing = [pointer for pointer in added.pointers if pointer.is_missing]
        if missing:
            stored = self.stored(missing)
            added.unconfirmed = [pointer for pointer in missing if pointer.oid not in stored]
            added.pointers = [
                pointer._replace(is_missing=False) if pointer.is_missing and pointer.oid not in stored else pointer
                for pointer in added.pointers
                if not (pointer.is_missing and stored.get(pointer.oid))
            ]

    def stored(self, pointers: Iterable[LfsPointer]) -> dict[str, bool]:
        """Return for LFS objects whether the Hub has them; objects without an answer are left out."""
        wanted = {pointer.oid: pointer.size for pointer in pointers if pointer.oid not in self._asked}
        self._asked |= wanted.keys()
        if wanted:
            self._objects |= find_lfs_objects(self._find_token(), self._repository, [*wanted.items()])
        return self._objects

    def find_commits(self, added: Additions) -> list[str]:
        """Return the commits with findings that the Hub has; only the last few are asked about."""
        commits = [blob.commit for blob in added.all_of_blobs()] + [directory.commit for directory in added.directories]
        found = []
        for commit in [*dict.fromkeys(commit for commit in reversed(commits) if commit)][:_MAX_COMMITS]:
            try:
                if find_commit(self._find_token(), self._repository, commit):
                    found.append(commit)
            except Unreachable as unreachable:
                trace(f"revision: {unreachable.message}")
                break
        return found

    def _ask_for_modes(self, blobs: list[Blob]) -> dict[str, str]:
        if self._modes is None:
            self._modes = {}
            token = self._find_token()
            if token is not None:  # the Hub answers this only for users with write access
                files = _samples(blobs)
                try:
                    self._modes = find_upload_modes(token, self._repository, self._revision, files) if files else {}
                except Unreachable as unreachable:
                    trace(f"preupload: {unreachable.message}")
        return self._modes


def _revision(updates: list[RefUpdate]) -> str:
    """Return the revision to ask about: the pushed branch if it exists, else main; empty for a new pull request.

    huggingface_hub does the same.
    """
    update = next((update for update in updates if not update.is_deletion), None)
    if update is None:
        return "main"
    exists = bool(update.remote_oid.strip("0"))
    if update.remote_ref.startswith("refs/pr/"):
        return update.remote_ref if exists else ""
    return update.remote_ref.removeprefix("refs/heads/") if exists and "/heads/" in update.remote_ref else "main"


def _samples(blobs: list[Blob]) -> list[tuple[str, int, bytes]]:
    """Return path, size and first bytes of files: the largest file of each path, up to a total size."""
    largest: dict[str, Blob] = {}
    for blob in sorted(blobs, key=lambda blob: blob.size):
        if _is_text(blob.path):
            largest[blob.path] = blob
    chosen = sorted(largest.values(), key=lambda blob: blob.size)[:MAX_FILES]
    found: list[tuple[str, int, bytes]] = []
    if not chosen:
        return found
    left = _MAX_SAMPLED_BYTES
    with Pipeline() as gits:
        stdout = gits.start("cat-file", "--batch", given=["".join(f"{blob.oid}\n" for blob in chosen).encode()])
        for blob in chosen:
            if len(header := stdout.readline().split()) != 3:
                break
            size = int(header[2])
            found.append((blob.path, size, stdout.read(min(size, SAMPLE_BYTES))))
            left -= size
            if blob is chosen[-1] or left < 0:
                break
            rest = size + 1 - min(size, SAMPLE_BYTES)
            while rest and (piece := stdout.read(min(rest, CHUNK_BYTES))):
                rest -= len(piece)
        gits.stop()
    return found


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False  # cannot be written in JSON
    return bool(path)
