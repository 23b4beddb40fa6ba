"""The credential helpers that git asks for a URL, and which of them is this program (gitcredentials(7))."""

import os
import sys

from git_credential_hf.git.config import LIST_OPTIONS, ConfigEntry, is_plain, parse_listing, read_config
from git_credential_hf.git.run import (
    find_program,
    git_environment,
    git_program,
    is_in_work_tree,
    path_directories,
    run_git,
)
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.hub import PUBLIC_HUB, environment_hub, hub_at, parse_origin
from git_credential_hf.problem import Problem
from git_credential_hf.protocol import parse_options


def configure_hint(scope: str = "global") -> str:
    """Return the hint that makes git use this program."""
    return "run `git-credential-hf configure`" if scope == "global" else f"run `git-credential-hf configure --{scope}`"


def is_our_helper(value: str) -> bool:
    """Whether git would run this program, and nothing else, for this value of `credential.helper`."""
    return value == "hf" or helper_options(value) is not None


def helper_options(value: str) -> dict[str, str] | None:
    """Return the options with which git runs this program for this value of `credential.helper` (gitcredentials(7)).

    `None` for another program, and for a command that does more: `!git-credential-hf get | tee x` stores the token.
    `hf` means `git credential-hf`, an absolute path is a program, and `!` starts a shell command.
    """
    words = split_command(value)
    if value.startswith("!") and words[:2] == ["git", "credential-hf"]:
        words = words[1:]
    elif not value.startswith("!") and not is_program_path(value):
        words = words if words[:1] == ["hf"] else []
    elif words and os.path.basename(words[0]).removesuffix(".exe") != "git-credential-hf":
        words = []
    # Reject shell expansions, redirections and chains, except for the home directory.
    text = value.removeprefix("!").replace("$HOME/", "").replace("${HOME}/", "")
    is_simple = is_plain("".join(c for c in text if c not in " '\"\\="))
    return parse_options(words[1:]) if words and (is_simple or _is_quoted(value)) else None


def _is_quoted(value: str) -> bool:
    """Whether all characters that are special to a shell are quoted, as in the values that `configure` writes."""
    import shlex

    command = value.removeprefix("!")
    try:
        return shlex.join(shlex.split(command)) == command
    except ValueError:
        return False


def configured_hubs(entries: list[ConfigEntry]) -> list[str]:
    """Return the origins of the Hubs, besides huggingface.co, for which git runs this program with `--hub`.

    The repository's own configuration is ignored: an attacker could make us send them the token.
    """
    trusted = (entry for entry in entries if entry.is_helper() and entry.scope not in ("local", "worktree"))
    options = (helper_options(entry.value or "") or {} for entry in trusted)
    origins = (parse_origin(option["hub"]) for option in options if "hub" in option)
    return [*dict.fromkeys(origin for origin in origins if origin and hub_at(origin) is None)]


def default_hub(entries: list[ConfigEntry]) -> str:
    """Return the default Hub: that of `HF_ENDPOINT` if git is configured for it, else huggingface.co.

    The user has not agreed that another Hub gets a token.
    """
    hub = environment_hub()
    return hub if hub and hub_at(hub, configured_hubs(entries)) else PUBLIC_HUB


def split_command(value: str) -> list[str]:
    """Split a helper's value into words as a shell does, without `!` and without variables before the command."""
    command = value.removeprefix("!")
    if is_plain(command.replace(" ", "")):
        return command.split()
    import shlex  # slow to import: half the time of `store`

    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    while value.startswith("!") and words and words[0].partition("=")[0] in _OUR_VARIABLES and "=" in words[0]:
        words.pop(0)
    return words


# Other variables, such as PATH, could make git start another program.
_OUR_VARIABLES = ("HF_HOME", "HF_TOKEN_PATH", "XDG_CACHE_HOME")


def is_program_path(value: str) -> bool:
    """Whether git takes a helper's value for the path of a program (git-compat-util.h, is_absolute_path)."""
    return value.startswith("/") or (sys.platform == "win32" and (value[:1] == "\\" or value[1:2] == ":"))


# Directories that are on PATH everywhere: in cron, in a service, in an editor that was not started from a shell.
_ON_EVERY_PATH = ("/usr/local/bin", "/usr/bin", "/bin")


def helper_command() -> str:
    """Return the value for `credential.helper`: the path of this program, or the short name if it is on every PATH."""
    program = program_path()
    if os.path.dirname(program) in _ON_EVERY_PATH:
        return "hf"
    if sys.platform == "win32":
        program = program.replace("\\", "/")  # for git's shell
    import shlex

    # git passes a path to the shell unquoted: with a space in it, it has to be a command (credential.c).
    return program if is_plain(program) else "!" + shlex.quote(program)


def program_path() -> str:
    """Return the path of this program that survives upgrades: a link to it, if there is one.

    Installers (uv, pipx, Homebrew, install.sh) replace the program's environment, and keep the link.
    """
    suffix = ".exe" if sys.platform == "win32" else ""
    name = f"git-credential-hf{suffix}"
    running = os.path.abspath(sys.argv[0]).removesuffix(suffix) + suffix  # pip's launchers omit it in argv
    if os.path.basename(running) != name or not os.access(running, os.X_OK):
        # Run as `python -m git_credential_hf`.
        found = os.path.join(os.path.dirname(sys.executable), name)
        running = found if os.access(found, os.X_OK) else find_program("git-credential-hf") or ""
    if not running:
        raise Problem("there is no executable git-credential-hf on PATH", "pipx install git-credential-hf")
    directories = [*_ON_EVERY_PATH, *path_directories(), os.path.expanduser("~/.local/bin")]
    links = [
        (directory not in _ON_EVERY_PATH, not os.path.islink(path), path)
        for directory in directories
        if _is_same_file(path := os.path.join(directory, name), running)
        and not is_in_work_tree(directory)  # the next `git pull` could put another program there
        and _is_own_link(path)
    ]
    return min(links, key=lambda link: link[:2])[2] if links else running


def _is_own_link(path: str) -> bool:
    """Whether a link belongs to this user, root, or the program's owner; another owner could redirect it."""
    if sys.platform == "win32":
        return True
    return os.lstat(path).st_uid in (0, os.geteuid(), os.stat(path).st_uid)


def _is_same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False


def read_helper_entries(others: str = "") -> list[ConfigEntry]:
    """Return the entries that name credential helpers; faster than `read_config`, for `store`.

    `others`: a pattern of further names. Empty if git cannot read its configuration: then git runs no helper.
    """
    pattern = rf"^(credential\.(.*\.)?helper{others and '|' + others})$"
    arguments = ["config", "--get-regexp", *LIST_OPTIONS, pattern]
    if sys.platform == "win32":
        try:
            return parse_listing(run_git(*arguments))
        except Problem:
            return []
    # Done here as in `subprocess`, whose import takes longer than git itself.
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
    """Return the helpers that git runs for `url`, in its order; an empty value resets the list.

    All matching sections apply; more specific ones have no precedence (gitcredentials(7), "Custom helpers").
    """
    chain: list[ConfigEntry] = []
    for entry in configured:
        if entry.is_helper() and section_applies(entry.subsection, url):
            chain = [*chain, entry] if entry.value else []
    return chain


def sends_path(url: str, configured: list[ConfigEntry]) -> bool:
    """Whether git sends helpers the path of `url`, and not only its host (gitcredentials(7), `useHttpPath`)."""
    values = [
        entry.value or "true"
        for entry in configured
        if (entry.section, entry.name) == ("credential", "usehttppath") and section_applies(entry.subsection, url)
    ]
    return values[-1:] != [] and values[-1].lower() in ("true", "yes", "on", "1")


class HelperChains:
    """The helpers that git asks for these origins, each entry once: `before` this program, `ours`, and `after` it.

    `unused_for`: the origins for which git does not ask this program at all, but the helpers `instead`.
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
    def missing(self) -> list[ConfigEntry]:
        """The entries for this program that git cannot start."""
        return [entry for entry in self.ours if not _is_installed(entry.value or "")]

    @property
    def others(self) -> list[ConfigEntry]:
        """All helpers except this program."""
        return [*self.instead, *self.before, *self.after]

    def unused_message(self) -> str:
        """Return the message for a non-empty `unused_for`."""
        return f"git does not use this helper for {' and '.join(self.unused_for)}"

    def before_message(self) -> str:
        """Return the message for helpers before this program."""
        return f"git asks {quoted_helpers(self.before)} first, whose token may be stale"

    def after_message(self) -> str:
        """Return the message for helpers after this program."""
        return f"git also passes each token to {quoted_helpers(self.after)}, which stores it"


# Variables that make git read other settings than those in its files (git(1), git-config(1)); `git -c` sets the first.
_CONFIG_VARIABLES = (
    *("GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)


def bypassing_variables(origins: list[str]) -> tuple[str, ...]:
    """Return the environment variables that alone keep git from asking this program for these origins, if any."""
    present = _config_variables()
    for names in dict.fromkeys([*((name,) for name in present), present]):
        try:
            if names and not HelperChains(origins, read_config(without=names)).unused_for:
                return names
        except Problem:
            pass  # without these variables, git cannot read its files
    return ()


def overriding_variables(configured: list[ConfigEntry], origins: list[str]) -> tuple[str, ...]:
    """Return the environment variables that set helpers for any of these origins, overriding files; usually none."""
    of_environment = [entry for entry in configured if entry.is_helper() and entry.scope == "command"]
    if any(section_applies(entry.subsection, origin) for entry in of_environment for origin in origins):
        return _config_variables()
    return ()


def _config_variables() -> tuple[str, ...]:
    return tuple(name for name in _CONFIG_VARIABLES if name in os.environ)


def quoted_helpers(entries: list[ConfigEntry]) -> str:
    """Return the helpers' values, quoted for a message, each once."""
    return ", ".join(dict.fromkeys(f"'{shown_helper(entry.value or '')}'" for entry in entries))


def shown_helper(value: str) -> str:
    """Return a helper's value without secrets: the program and the names of its options, up to the first other word.

    Other words may be secrets that are not registered yet: `status` does not run `!echo password=...`.
    """
    from git_credential_hf.masking import mask_line

    if is_our_helper(value):
        return mask_line(value)  # with the name of a token, if any
    import re

    program = re.match(r"""!?("[^"$`\\]+"|'[^']+'|([\w/.+:~,@-]|\\ )+)(?=\s|$)""", value)
    shown = program[0] if program else "!" * value.startswith("!")
    of_git = ("--file", "--timeout", "--socket") if shown in ("store", "cache") else ()  # their values are no secrets
    before = ""
    for word in re.findall(r"""(?:'[^']*'|"[^"]*"|\S)+""", value[len(shown) :]):
        option, equals, _ = word.partition("=")
        is_option = re.fullmatch("-[A-Za-z]|--[a-z]+(-[a-z]+)*", option) is not None
        is_place = (option if equals else before) in of_git and is_plain(word.translate(dict.fromkeys(map(ord, "=' "))))
        before = word
        if program and not is_place and is_option and equals:
            return mask_line(f"{shown} {option}=…")
        if not program or not (is_place or is_option or word in _SUBCOMMANDS):
            return mask_line(f"{shown} …" if program else f"{shown}…")
        shown += f" {word}"
    return mask_line(shown)


# Arguments of gh, git and other programs that act as helpers; these are not secrets.
_SUBCOMMANDS = ("auth", "credential", "credential-helper", "git-credential", "get")


def _is_installed(value: str) -> bool:
    program = next(iter(split_command(value)), "")
    if os.path.isabs(program):
        return os.access(program, os.X_OK)
    return find_program("git-credential-hf") is not None


def _add(found: list[ConfigEntry], more: list[ConfigEntry]) -> None:
    found += [entry for entry in more if entry not in found]
