"""The credential helpers that git asks for a URL, and which of them is this program (gitcredentials(7))."""

import os
import sys

from git_credential_hf.git.config import LIST_OPTIONS, ConfigEntry, is_plain, parse_listing
from git_credential_hf.git.run import git_environment, git_program, run_git
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem

CONFIGURE_HINT = "run `git-credential-hf configure`"


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
    """Split a helper's value, without its `!`, into words as a shell does."""
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
    """Return the entries that name credential helpers: the one look that `store` and `erase` take, and quickly.

    None if git cannot read its configuration: then it has not asked any helper, either.
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
    """Return the helpers that git asks for `url`, in its order: an empty value resets the list.

    All matching sections count, the more specific no more than the others (gitcredentials(7), "Custom helpers").
    """
    chain: list[ConfigEntry] = []
    for entry in configured:
        if entry.is_helper() and section_applies(entry.subsection, url):
            chain = [*chain, entry] if entry.value else []
    return chain


class HelperChains:
    """The helpers that git asks for these origins, each entry once: `before` this program, `ours`, and `after` it.

    `unused_for`: the origins for which git does not ask this program, but the helpers `instead`.
    """

    def __init__(self, origins: list[str], configured: list[ConfigEntry]) -> None:
        self.unused_for: list[str] = []
        self.instead: list[ConfigEntry] = []
        self.before: list[ConfigEntry] = []
        self.ours: list[ConfigEntry] = []
        self.after: list[ConfigEntry] = []
        for origin in origins:
            chain = helper_chain(origin, configured)
            ours = [entry for entry in chain if is_our_helper(entry.value or "")]
            if not ours:
                self.unused_for.append(origin)
                _add(self.instead, chain)
                continue
            first = chain.index(ours[0])
            _add(self.before, chain[:first])
            _add(self.ours, ours)
            _add(self.after, [entry for entry in chain[first:] if entry not in ours])

    @property
    def others(self) -> list[ConfigEntry]:
        """All helpers but this program."""
        return [*self.instead, *self.before, *self.after]

    def unused_message(self) -> str:
        """Return what is wrong if git does not ask this program for an origin."""
        return f"git does not use this helper for {' and '.join(self.unused_for)}"

    def before_message(self) -> str:
        """Return what is wrong with the helpers before this program."""
        return f"git asks {commands(self.before)} first, whose token may be stale"

    def after_message(self) -> str:
        """Return what is wrong with the helpers after this program."""
        return f"git also passes each token to {commands(self.after)}, which stores it"


def commands(entries: list[ConfigEntry]) -> str:
    """Return the helpers' values for people, each once; masked, because a `!shell` helper may hold a token."""
    return ", ".join(dict.fromkeys(f"'{mask_line(entry.value or '')}'" for entry in entries))


def _add(found: list[ConfigEntry], more: list[ConfigEntry]) -> None:
    found += [entry for entry in more if entry not in found]
