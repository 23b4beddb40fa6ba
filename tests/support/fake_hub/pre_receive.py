"""git's pre-receive hook of the Hub: refuses a push reference by reference, in the Hub's words (docs/facts.md#h8, #h9).

Runs on its own, as a child of `git receive-pack`. What the account may do was decided by the Hub and stands in
HUB_PUSH: "write", "discuss" (only refs/pr/N) or "none".
"""

import os
import posixpath
import re
import subprocess
import sys
from collections import Counter

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # it is run isolated

import cards  # type: ignore[import-not-found]

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


def git(*arguments: str, input: bytes = b"") -> bytes:
    return subprocess.run(["git", *arguments], input=input, stdout=subprocess.PIPE, check=True).stdout


def refuse(text: str) -> int:
    print(f"{DASHES}\n{text.rstrip()}\n{DASHES}", file=sys.stderr)
    return 1


def new_blobs(commit: str) -> list[tuple[str, int, str]]:
    """(object, size in bytes, path) of every blob that the push adds, in all of its history."""
    objects = git("rev-list", "--objects", commit, "--not", "--all")
    lines = git("cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize) %(rest)", input=objects)
    blobs = []
    for line in lines.decode(errors="replace").splitlines():
        type, name, size, path = line.split(" ", 3)
        if type == "blob":
            blobs.append((name, int(size), path))
    return blobs


def contents(names: list[str]) -> dict[str, bytes]:
    """The blobs' bytes; only called for those within the size limit."""
    found, at = {}, 0
    output = git("cat-file", "--batch", input="\n".join(names).encode()) if names else b""
    for name in names:
        start = output.index(b"\n", at) + 1
        size = int(output[at:start].split()[2])
        found[name] = output[start : start + size]
        at = start + size + 1
    return found


def crowded(commit: str, limit: int) -> list[str]:
    paths = git("ls-tree", "-r", "-z", "--name-only", commit).decode(errors="replace").split("\0")
    count = Counter(posixpath.dirname(path) for path in paths if path)
    return [f"/{directory}/" if directory else "/" for directory in sorted(count) if count[directory] > limit]


def judge(old: str, new: str, ref: str) -> str | None:
    """The refusal of one reference."""
    permission = os.environ["HUB_PUSH"]
    # The refusal of a push to refs/pr/N that is not allowed: not found, so the same words.
    if permission != "write" and not (permission == "discuss" and re.fullmatch(r"refs/pr/\d+", ref)):
        return UNAUTHORIZED
    if ZERO.fullmatch(new):
        return None
    blobs = new_blobs(new)
    limit = int(os.environ["HUB_BLOB_LIMIT"])
    if large := [path for _, size, path in blobs if size > limit]:
        return TOO_LARGE + listed(large, ref)
    text = contents([name for name, _, _ in blobs])
    # git's own idea of binary. The Hub lets some small images pass; by which rule: not found, so those of a switch.
    accepted = tuple(os.environ.get("HUB_ACCEPTED_BINARIES", "").split())
    if binary := [path for name, _, path in blobs if b"\0" in text[name][:8000] and not path.endswith(accepted)]:
        return BINARY + listed(binary, ref)
    missing = []
    for name, _, path in blobs:
        pointer = POINTER.fullmatch(text[name])
        oid = pointer[1].decode() if pointer else ""
        if oid and not os.path.exists(os.path.join(os.environ["HUB_OBJECTS"], oid[:2], oid)):
            missing.append(path)
    if missing:
        return NO_OBJECT + "".join(f"- {path}\n" for path in missing)
    files = int(os.environ["HUB_FILES_PER_DIRECTORY"])
    commit = git("rev-parse", f"{new}^{{}}").decode().strip()
    if git("cat-file", "-t", commit) != b"commit\n":  # what the Hub makes of a tag of a file: not found
        return None
    if directories := crowded(commit, files):
        return TOO_MANY.format(limit=files, ref=ref) + "".join(f"{directory}\n" for directory in directories)
    card = subprocess.run(["git", "cat-file", "blob", f"{commit}:README.md"], capture_output=True).stdout
    if errors := cards.errors(card.decode(errors="replace")):
        return METADATA.format(errors="".join(f" - Error: {error}\n" for error in errors).rstrip(), dashes=DASHES)
    return None


def listed(paths: list[str], ref: str) -> str:
    return "".join(f"  - {path} (ref: {ref})\n" for path in dict.fromkeys(paths))


def main() -> int:
    """Reads `old new ref` lines; refuses the whole push for the first reason, as pre-receive does."""
    for line in sys.stdin:
        old, new, ref = line.rstrip("\n").split(" ", 2)
        if text := judge(old, new, ref):
            return refuse(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
