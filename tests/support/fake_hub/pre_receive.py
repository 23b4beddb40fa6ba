"""git's pre-receive hook of the Hub: refuses a push reference by reference, in the Hub's words (docs/facts.md#h8, #h9).

The hook that git starts is `HOOK`. It asks the Hub, through two pipes in the directory HUB_PIPES: a Python for it would
be most of what a push takes. What the account may do was decided before: "write", "discuss" (only refs/pr/N) or "none".
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from . import cards

if TYPE_CHECKING:
    from . import Hub
    from .repositories import Repository

WHERE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")  # of the objects that were pushed
HOOK = """\
#!/bin/sh
[ -p "$HUB_PIPES/refusal" ] || exit
{
    printf '%s\\n' "$GIT_OBJECT_DIRECTORY" "$GIT_ALTERNATE_OBJECT_DIRECTORIES"
    while read -r line; do printf '%s\\n' "$line"; done
} > "$HUB_PIPES/pushed"
status=0
while IFS= read -r line; do
    printf '%s\\n' "$line" >&2
    status=1
done < "$HUB_PIPES/refusal"
exit $status
"""
DASHES = "-" * 73
POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize \d+\n")
ZERO = re.compile("0+")

TOO_LARGE = """\
Your push was rejected because it contains files larger than 10 MiB.
Please use https://git-lfs.github.com/ to store large files.
See also: https://hf.co/docs/hub/repositories-getting-started#terminal

Offending files:
"""
BINARY = """\
Your push was rejected because it contains binary files.
Please use https://huggingface.co/docs/hub/xet to store binary files.
See also: https://huggingface.co/docs/hub/xet/using-xet-storage#git

Offending files:
"""
# Its line breaks were not preserved where it was seen.
TOO_MANY = """\
Your push was rejected because it contains too many files per directory.
Each directory in your git repo can only contain up to {limit} files.
Offending reference: {ref}
Offending directories:
"""
NO_OBJECT = """\
Your push was rejected because an LFS pointer pointed to a file that does not exist.
For instance, this can happen if you used git push --no-verify to push your changes.
Offending file:
"""
METADATA = """\
Sorry, your push was rejected during YAML metadata verification:
{errors}
{dashes}
Please find the documentation at:
https://huggingface.co/docs/hub/model-cards#model-card-metadata
"""
UNAUTHORIZED = """\
You are not authorized to push to this repo.
Make sure that you are properly logged in.
"""


class Push:
    """A push whose objects git has put aside, until it is judged."""

    def __init__(self, hub: Hub, repository: Repository, permission: str, where: Mapping[str, str]) -> None:
        self.hub, self.repository, self.permission = hub, repository, permission
        self.environment = {**repository.environment, **where}

    def git(self, *arguments: str, input: bytes = b"", check: bool = True) -> bytes:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.repository.path,
            env=self.environment,
            input=input,
            capture_output=True,
            check=check,
        )
        return done.stdout

    def new_blobs(self, commit: str) -> list[tuple[str, int, str]]:
        """(object, size in bytes, path) of every blob that the push adds, in all of its history.

        None of a history that is cut off, which git itself refuses.
        """
        objects = self.git("rev-list", "--objects", commit, "--not", "--all", check=False)
        lines = self.git("cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize) %(rest)", input=objects)
        blobs = []
        for line in lines.decode(errors="replace").splitlines():
            type, name, size, path = line.split(" ", 3)
            if type == "blob":
                blobs.append((name, int(size), path))
        return blobs

    def contents(self, names: list[str]) -> dict[str, bytes]:
        """The blobs' bytes, empty for what there is not; only called for those within the size limit."""
        found, at = {}, 0
        output = self.git("cat-file", "--batch", input="\n".join(names).encode())
        for name in names:
            start = output.index(b"\n", at) + 1
            _, kind, *sizes = output[at:start].split()
            size = int(sizes[0]) if kind != b"missing" else 0
            found[name] = output[start : start + size]
            at = start + size + 1 if kind != b"missing" else start
        return found

    def crowded(self, commit: str, limit: int) -> list[str]:
        """The directories with more files than that; none in what is no commit."""
        output = self.git("ls-tree", "-r", "-z", "--name-only", commit, check=False)
        paths = output.decode(errors="replace").split("\0")
        count = Counter(posixpath.dirname(path) for path in paths if path)
        return [f"/{directory}/" if directory else "/" for directory in sorted(count) if count[directory] > limit]

    def refusal(self, new: str, ref: str) -> str:
        """The refusal of one reference, if it is refused."""
        hub = self.hub
        # The refusal of a push to refs/pr/N that is not allowed: not found, so the same words.
        if self.permission != "write" and not (self.permission == "discuss" and re.fullmatch(r"refs/pr/\d+", ref)):
            return UNAUTHORIZED
        if ZERO.fullmatch(new):
            return ""
        blobs = self.new_blobs(new)
        if large := [path for _, size, path in blobs if size > hub.blob_limit]:
            return TOO_LARGE + listed(large, ref)
        commit = f"{new}^{{commit}}"  # what the Hub makes of a tag of a file: not found
        text = self.contents([*(name for name, _, _ in blobs), f"{commit}:README.md"])
        # git's own idea of binary. The Hub lets some small images pass; by which rule: not found, so those of a switch.
        accepted = tuple(hub.accepted_binaries)
        if binary := [path for name, _, path in blobs if b"\0" in text[name][:8000] and not path.endswith(accepted)]:
            return BINARY + listed(binary, ref)
        missing = []
        for name, _, path in blobs:
            pointer = POINTER.fullmatch(text[name])
            if pointer and not self.repository.object(pointer[1].decode()).exists():
                missing.append(path)
        if missing:
            return NO_OBJECT + "".join(f"- {path}\n" for path in missing)
        if directories := self.crowded(commit, hub.files_per_directory):
            limit = hub.files_per_directory
            return TOO_MANY.format(limit=limit, ref=ref) + "".join(f"{directory}\n" for directory in directories)
        if errors := cards.errors(text[f"{commit}:README.md"].decode(errors="replace")):
            return METADATA.format(errors="".join(f" - Error: {error}\n" for error in errors).rstrip(), dashes=DASHES)
        return ""


def listed(paths: list[str], ref: str) -> str:
    return "".join(f"  - {path} (ref: {ref})\n" for path in dict.fromkeys(paths))


class Asked:
    """Where the hook of one push asks, if git gets so far: `pushed` can then be read."""

    def __init__(self, hub: Hub, repository: Repository, permission: str) -> None:
        self.hub, self.repository, self.permission = hub, repository, permission
        self.pipes = Path(tempfile.mkdtemp(dir=hub.directory))
        for name in ("pushed", "refusal"):
            os.mkfifo(self.pipes / name)
        self.pushed = os.open(self.pipes / "pushed", os.O_RDONLY | os.O_NONBLOCK)

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.pushed)
        shutil.rmtree(self.pipes)

    def answer(self) -> None:
        """Refuse the whole push for the first reason, as pre-receive does."""
        os.set_blocking(self.pushed, True)
        with open(self.pushed, closefd=False) as pipe:
            lines = pipe.read().splitlines()
        push = Push(self.hub, self.repository, self.permission, dict(zip(WHERE, lines, strict=False)))
        refusals = (push.refusal(new, ref) for _, new, ref in (line.split(" ", 2) for line in lines[len(WHERE) :]))
        text = next(filter(None, refusals), "")
        with (self.pipes / "refusal").open("w") as pipe:
            pipe.write(f"{DASHES}\n{text.rstrip()}\n{DASHES}\n" if text else "")
