"""The helpers that git asks, and which of them is this program: compared with what real git runs."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from amount import tenth
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from programs import IS_ROOT, git

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.helper_chain import HelperChains, helper_chain, is_our_helper, program_path, shown_helper
from git_credential_hf.git.urlmatch import section_applies


class Url(NamedTuple):
    """A URL, in the parts that git gives to helpers."""

    protocol: str
    host: str
    username: str = ""
    path: str = ""

    def __str__(self) -> str:
        user = self.username + "@" if self.username else ""
        return f"{self.protocol}://{user}{self.host}" + (f"/{self.path}" if self.path else "")

    @property
    def request(self) -> str:
        return "".join(f"{name}={value}\n" for name, value in zip(self._fields, self, strict=True) if value) + "\n"


URLS = [
    Url("https", "huggingface.co"),
    Url("https", "hf.co"),
    Url("https", "huggingface.co", "alice"),
    Url("https", "huggingface.co", path="acme/model"),
    Url("https", "huggingface.co", "alice", "acme/model"),
    Url("https", "huggingface.co:443"),
    Url("https", "huggingface.co:8443"),
    Url("https", "HuggingFace.CO"),
    Url("http", "huggingface.co"),
    Url("http", "localhost:8080"),
    Url("https", "sub.huggingface.co"),
    Url("https", "huggingface.co.evil.example"),
]
HUB, ACME = str(URLS[0]), str(URLS[3])

# Subsections of `credential`; the empty one stands for none.
_WHOLE_URLS = """
    https://huggingface.co https://huggingface.co/ https://hf.co http://huggingface.co http://huggingface.co:443
    http://localhost:8080 https://alice@huggingface.co https://bob@huggingface.co https://alice@huggingface.co/acme
    https://huggingface.co/acme https://huggingface.co/acme/ https://huggingface.co/acme/model
    https://huggingface.co/acme/model.git https://huggingface.co/ac https://huggingface.co/ACME
    https://huggingface.co:443 https://huggingface.co:443/acme https://huggingface.co:8443 https://huggingface.co:80
    HTTPS://HUGGINGFACE.CO https://HuggingFace.co https://*.co https://*.huggingface.co https://huggingface.*
    https://*.* https://* https://*.co/acme https://hugging*.co https://sub.huggingface.co
    https://huggingface.co.evil.example https://*.evil.example https://evilhuggingface.co ssh://huggingface.co
"""
# Without a protocol, or with too little of the rest: git compares these in another way (credential.c, `CHECK`).
_PARTIAL_URLS = """
    huggingface.co huggingface.co/ huggingface.co/acme huggingface.co/acme/model alice@huggingface.co
    bob@huggingface.co huggingface.co:443 huggingface.co:8443 HuggingFace.CO *.co localhost:8080 evil.example
    https:// http:// https://alice@
"""
_ODD_URLS = """
    https://huggingface.co: https://huggingface.co:nonsense https://huggingface.co. https://huggingface.co//acme
    https://huggingface.co/%61cme https://huggingface.co/x/../acme https://%61lice@huggingface.co
    https://alice:@huggingface.co https://@huggingface.co https:huggingface.co https:/huggingface.co
    ://huggingface.co @huggingface.co /acme/model https://[::1 https:///acme nonsense
"""
PATTERNS = ["", *_WHOLE_URLS.split()]
ALL_PATTERNS = [*PATTERNS, *_PARTIAL_URLS.split(), *_ODD_URLS.split(), " https://huggingface.co"]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of helpers `n0`, `n1`, … (also as `git-credential-n0`), which log their names and know nothing."""
    directory = tmp_path_factory.mktemp("helpers")
    script = directory / "helper"
    script.write_text('#!/bin/sh\nname=${0##*/}\necho "${name#git-credential-}" >> "$HELPERS_LOG"\n')
    script.chmod(0o755)
    for number in range(len(ALL_PATTERNS)):
        for name in (f"n{number}", f"git-credential-n{number}"):
            (directory / name).symlink_to(script)
    return directory


def run_helpers(url: Url, programs: Path, directory: Path, environment: Mapping[str, str]) -> list[str]:
    """Return the helpers that real git runs for `url`, in its order."""
    log = directory / "log"
    log.write_text("")
    path = f"{programs}{os.pathsep}{environment['PATH']}"
    subprocess.run(
        ["git", "credential", "fill"],
        input=url.request,
        cwd=directory,
        env={**environment, "HELPERS_LOG": str(log), "PATH": path},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return log.read_text().split()


def section(pattern: str, value: str) -> str:
    """Return the lines that set a helper for a subsection."""
    head = '[credential "' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"]' if pattern else "[credential]"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{head}\n\thelper = "{quoted}"\n'


@pytest.fixture(scope="session")
def applies_in_git(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """For each URL the patterns whose helpers git runs: one configuration has them all."""
    directory = tmp_path_factory.mktemp("table")
    (directory / "config").write_text("".join(section(pattern, f"n{i}") for i, pattern in enumerate(ALL_PATTERNS)))
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(directory / "config"), "GIT_CONFIG_NOSYSTEM": "1"}
    return {
        str(url): {ALL_PATTERNS[int(name[1:])] for name in run_helpers(url, programs, directory, environment)}
        for url in URLS
    }


@pytest.mark.parametrize("pattern", ALL_PATTERNS, ids=lambda p: p or "none")
def test_sections_apply_as_in_git(pattern: str, applies_in_git: dict[str, set[str]]) -> None:
    """A section of `credential` applies to exactly the URLs for which git runs its helper."""
    urls = {str(url) for url in URLS if section_applies(pattern, str(url))}
    assert urls == {url for url, patterns in applies_in_git.items() if pattern in patterns}


def test_git_runs_some_of_the_helpers(applies_in_git: dict[str, set[str]]) -> None:
    """The table above is not empty, nor full: git has run some helpers, and not others."""
    for url in (HUB, str(URLS[4])):
        assert {"", "https://huggingface.co"} <= applies_in_git[url]
        assert "https://evilhuggingface.co" not in applies_in_git[url]
    assert "https://huggingface.co/acme" in applies_in_git[ACME] - applies_in_git[HUB]


SCOPES = ("system", "xdg", "global", "include", "includeIf", "local", "worktree", "environment", "command line")

settings_of_helpers = st.lists(
    st.tuples(
        st.sampled_from(SCOPES),
        st.sampled_from(PATTERNS),  # the other patterns are in the table above: one reason for a failure at a time
        st.sampled_from(["reset", "name", "name and option", "shell", "path"]),
    ),
    max_size=12,
)


@pytest.mark.git_versions(each_run=1)
@settings(max_examples=tenth(200), deadline=None, suppress_health_check=list(HealthCheck))
@example([("system", "", "name"), ("global", "https://huggingface.co", "reset"), ("local", "", "name")], URLS[0])
@example([("global", "", "name"), ("include", "", "reset"), ("global", "", "name"), ("xdg", "", "name")], URLS[0])
@example([("local", "", "name"), ("worktree", "", "name"), ("includeIf", "", "name")], URLS[0])
@example([("command line", "", "name"), ("environment", "", "name"), ("worktree", "", "name")], URLS[0])
@given(settings_of_helpers, st.sampled_from(URLS))
def test_chain_is_what_git_runs(
    programs: Path, tmp_path_factory: pytest.TempPathFactory, configured: list[tuple[str, str, str]], url: Url
) -> None:
    """Whatever is configured in whichever scopes, `helper_chain` has the helpers that git runs, in git's order."""
    home = tmp_path_factory.mktemp("h")
    repository = home / "repository"
    files = {
        "system": home / "system config",
        "xdg": home / ".config/git/config",
        "global": home / ".gitconfig",
        "include": home / "included",
        "includeIf": home / "included if",
        "local": repository / ".git/config",
        "worktree": repository / ".git/config.worktree",
    }
    texts = dict.fromkeys(files, "")
    texts["local"] = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tworktreeConfig = true\n"
    in_environment, options = [], []
    for number, (scope, pattern, kind) in enumerate(configured):
        value = {
            "reset": "",
            "name": f"n{number}",
            "name and option": f"n{number} --option",
            "shell": f"!f() {{ '{programs}/n{number}' \"$@\"; }}; f",
            "path": f"{programs}/n{number}",
        }[kind]
        key = f"credential.{pattern}.helper" if pattern else "credential.helper"
        if scope == "environment":
            in_environment.append((key, value))
        elif scope == "command line":
            options += ["-c", f"{key}={value}"]
        else:
            if scope in ("include", "includeIf") and not texts[scope]:
                head = "[include]" if scope == "include" else '[includeIf "gitdir:repository/"]'
                texts["global"] += f'{head}\n\tpath = "{files[scope].name}"\n'
            texts[scope] += section(pattern, value)
    (repository / ".git/objects").mkdir(parents=True)  # what `git init` makes, which would take longer
    (repository / ".git/refs").mkdir()
    (repository / ".git/HEAD").write_text("ref: refs/heads/main\n")
    for scope, text in texts.items():
        files[scope].parent.mkdir(parents=True, exist_ok=True)
        files[scope].write_text(text)
    environment = {**os.environ, "HOME": str(home), "GIT_CONFIG_SYSTEM": str(files["system"])}
    del environment["GIT_CONFIG_NOSYSTEM"]
    environment["GIT_CONFIG_COUNT"] = str(len(in_environment))
    for i, (key, value) in enumerate(in_environment):
        environment |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    if options:
        alias = "alias.shown=!printenv GIT_CONFIG_PARAMETERS"
        environment["GIT_CONFIG_PARAMETERS"] = git(*options, "-c", alias, "shown", cwd=repository).removesuffix("\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GIT_CONFIG_NOSYSTEM")
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(repository)
        chain = helper_chain(str(url), read_config())
    found = [word for entry in chain for word in (entry.value or "").replace("'", " ").replace("/", " ").split()]
    assert [word for word in found if word[:1] == "n" and word[1:].isdigit()] == run_helpers(
        url, programs, repository, environment
    )


# --- which of them is this program ---


@pytest.mark.parametrize(
    ("value", "is_ours"),
    [
        ("hf", True),
        ("hf --token work", True),
        ("/usr/bin/git-credential-hf", True),
        ("/usr/bin/git-credential-hf --token work", True),
        ("/opt/git-credential-hf/bin/git-credential-hf", True),
        ("/opt/my-git-credential-hf/bin/git-credential-hf", True),
        ("~/.local/bin/git-credential-hf", False),
        ("!git-credential-hf", True),
        ("!'/opt/my programs/git-credential-hf'", True),
        ('!"$HOME/my programs/git-credential-hf"', True),
        ("!/opt/it'\"'\"'s/git-credential-hf", True),
        ("!HF_HOME=/srv/hf git-credential-hf", True),
        ("!HF_HOME='/my home' git credential-hf", True),
        ("store", False),
        ("hfx", False),
        ("osxkeychain", False),
        ("git-credential-hf", False),  # git runs `git credential-git-credential-hf`
        ("/usr/bin/git-credential-hfx", False),
        ("/usr/bin/my-git-credential-hf", False),
        ("/usr/bin/git-credential-hf-old", False),
        ("/opt/git-credential-hf/other", False),
        ("store --file=/home/me/git-credential-hf", False),
        ("!echo git-credential-hf", False),
    ],
)
def test_values_that_run_this_program(value: str, is_ours: bool) -> None:
    """A value of `credential.helper` is ours if git, or the shell that git gives it to, runs this program for it."""
    assert is_our_helper(value) == is_ours


def entry(value: str, section: str = "") -> ConfigEntry:
    return ConfigEntry(
        "global", "file:config", f"credential.{section}.helper" if section else "credential.helper", value
    )


def on_hub(value: str) -> ConfigEntry:
    return entry(value, HUB)


@pytest.mark.parametrize(
    ("entries", "unused_for", "instead", "before", "after"),
    [
        ([], [HUB, "https://hf.co"], [], [], []),
        ([entry("hf")], [], [], [], []),
        ([entry("hf"), entry("hf --token work")], [], [], [], []),
        ([entry("store"), entry("cache"), entry("hf")], [], [], ["store", "cache"], []),
        ([entry("hf"), entry("store")], [], [], [], ["store"]),
        ([entry("hf"), entry("store"), entry("hf")], [], [], [], ["store"]),
        ([entry("store")], [HUB, "https://hf.co"], ["store"], [], []),
        ([on_hub(""), on_hub("hf")], ["https://hf.co"], [], [], []),
        ([entry("store"), on_hub(""), on_hub("hf")], ["https://hf.co"], ["store"], [], []),
        ([entry("store"), on_hub("hf")], ["https://hf.co"], ["store"], ["store"], []),
        ([entry("hf"), entry("")], [HUB, "https://hf.co"], [], [], []),
    ],
)
def test_place_in_the_chain(
    entries: list[ConfigEntry], unused_for: list[str], instead: list[str], before: list[str], after: list[str]
) -> None:
    """Each helper comes before this program, after it, or is used instead of it, for one host of the Hub or both."""
    chains = HelperChains([HUB, "https://hf.co"], entries)
    found = [[each.value for each in part] for part in (chains.instead, chains.before, chains.after)]
    assert (chains.unused_for, *found) == (unused_for, instead, before, after)


def test_entries_that_git_cannot_start(tmp_path: Path) -> None:
    """Of our entries, those with a path that is not a program, or a name that is not on PATH, are missing."""
    program = tmp_path / "git-credential-hf"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    there = [entry("hf"), entry(str(program)), entry(f"!HF_HOME=b '{program}' --token x")]
    gone = [entry("/gone/git-credential-hf"), entry("!HF_HOME=b '/my programs/git-credential-hf'")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert HelperChains([HUB], [*there, *gone]).missing == gone
        patch.setenv("PATH", "/usr/bin")
        assert HelperChains([HUB], [*there, *gone]).missing == [there[0], *gone]


def test_secrets_of_helpers_are_masked() -> None:
    """A shell command that has a password in it, of whatever form, is shown without it."""
    echo = "!f() { echo password=abcd; }; f"
    before, after = HelperChains([HUB], [entry(echo), entry("hf")]), HelperChains([HUB], [entry("hf"), entry(echo)])
    for message in (before.before_message(), after.after_message()):
        assert "'!…'" in message


SHOWN = {
    "store --file /x/y": "store --file /x/y",
    "store --file='/x/two words'": "store --file='/x/two words'",
    "cache --timeout=3600": "cache --timeout=3600",
    "netrc -f ~/.netrc.gpg -v": "netrc -f …",
    "store --password hunter": "store --password …",
    "store hunter": "store …",
    "netrc -v -d": "netrc -v -d",
    "hf --token work": "hf --token work",
    "!/usr/bin/gh auth git-credential": "!/usr/bin/gh auth git-credential",
    "/mnt/c/Program\\ Files/manager.exe": "/mnt/c/Program\\ Files/manager.exe",
    "!'/a b/c' get": "!'/a b/c' get",
    "!aws codecommit --profile Prod credential-helper $@": "!aws …",
    "!echo password=abc": "!echo …",
    "!PASSWORD=abc prog": "!…",
    "!prog https://a:bcd@e/": "!prog …",
    "prog --password hunter": "prog --password …",
    "prog --api-token=/hunter": "prog --api-token=…",
    "!pinhelper -p 12345678": "!pinhelper -p …",
    "!pinhelper hunter": "!pinhelper …",
    "!pinhelper --pin=12345678 get": "!pinhelper --pin=…",
    "prog /path/or/secret": "prog …",
    "prog --hunter2": "prog …",
    "prog -p 'my --long secret'": "prog -p …",
    "prog -p hunter": "prog -p …",
    "prog -phunter2": "prog …",
    "/usr/bin/prog hunter2": "/usr/bin/prog …",
    "prog a\x1b[2J": "prog …",
}


@pytest.mark.parametrize("value", SHOWN)
def test_helper_is_shown_up_to_what_may_be_a_secret(value: str) -> None:
    """The program, the names of options, and git's own helpers are shown; from the first other word on, nothing is."""
    assert shown_helper(value) == SHOWN[value]


@pytest.mark.skipif(not IS_ROOT, reason="only root can make another user's link")
def test_a_link_of_another_user_is_not_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to this program on PATH is what installers make, but another user may let theirs lead elsewhere later."""
    program = tmp_path / "environment/git-credential-hf"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    for folder, owner in (("shared", 12345), ("own", 0)):
        (tmp_path / folder).mkdir()
        link = tmp_path / folder / "git-credential-hf"
        link.symlink_to(program)
        os.chown(link, owner, owner, follow_symlinks=False)
        monkeypatch.setenv("PATH", f"{tmp_path / folder}:/usr/bin:/bin")
        assert program_path() == str(link if owner == 0 else program)
