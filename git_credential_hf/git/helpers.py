"""The credential helpers that git asks for a URL, and which of them is this program (gitcredentials(7))."""

import os
import sys

from git_credential_hf.git.config import LIST_OPTIONS, ConfigEntry, is_plain, parse_listing
from git_credential_hf.git.run import git_environment, git_program, run_git
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.problem import Problem


def is_our_helper(value: str) -> bool:
    """Whether git would run this program for this value of `credential.helper` (gitcredentials(7)).

    `hf` is `git credential-hf`, an absolute path is that program, and what follows `!` is for the shell.
    """
    if value == "hf":
        return True
    words = value.split() if is_plain(value.replace(" ", "")) else split_command(value)
    if value.startswith("!"):
        while words and words[0].partition("=")[0].isidentifier() and "=" in words[0]:
            words.pop(0)  # a variable for the program
        if words[:1] == ["git"]:
            return words[1:2] == ["credential-hf"]
    elif not is_program_path(value):
        return words[:1] == ["hf"]
    return bool(words) and os.path.basename(words[0]).removesuffix(".exe") == "git-credential-hf"


def split_command(value: str) -> list[str]:
    """A helper's value, without its `!` if any, in the words that a shell makes of it."""
    import shlex  # takes as long as half of `store`

    command = value.removeprefix("!")
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def is_program_path(value: str) -> bool:
    """Whether git takes a helper's value for the path of a program (git-compat-util.h, is_absolute_path)."""
    return value.startswith("/") or (sys.platform == "win32" and (value[:1] == "\\" or value[1:2] == ":"))


def read_helper_entries() -> list[ConfigEntry]:
    """The entries that name credential helpers: the one look that `store` and `erase` take, and quickly.

    None where git cannot read its configuration: then it has not asked anybody, either.
    """
    pattern = r"^credential\.(.*\.)?helper$"
    arguments = ["config", "--get-regexp", *LIST_OPTIONS, pattern]
    if sys.platform == "win32":
        try:
            return parse_listing(run_git(*arguments))
        except Problem:
            return []
    # What `subprocess` does, without the time that its import takes.
    reading, writing = os.pipe()
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    program = git_program()
    child = os.posix_spawn(program, [program, *arguments], git_environment(), file_actions=files)
    os.close(writing)
    with open(reading, "rb") as pipe:
        listed = pipe.read()
    os.waitpid(child, 0)
    return parse_listing(listed)


def helper_chain(url: str, configured: list[ConfigEntry]) -> list[ConfigEntry]:
    """The chain of helpers that git asks for `url`, in its order: an empty value forgets the ones before it.

    All matching sections count, the more specific no more than the others (gitcredentials(7), "Custom helpers").
    """
    chain: list[ConfigEntry] = []
    for entry in configured:
        if entry.is_helper() and section_applies(entry.subsection, url):
            chain = [*chain, entry] if entry.value else []
    return chain
