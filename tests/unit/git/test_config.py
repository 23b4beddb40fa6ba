"""What the program believes about git's configuration, held against what real git does with it."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from amount import tenth
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from programs import git

from git_credential_hf.git.config import ConfigEntry, config_path, read_config
from git_credential_hf.git.helpers import helper_chain, is_our_helper
from git_credential_hf.git.run import find_program, git_program
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.problem import Problem

SCRIPT = """#!/bin/sh
name=${0##*/}
echo "${name#git-credential-}" >> "$HELPERS_LOG"
"""


# --- which helpers git asks ---


class Url(NamedTuple):
    """What git is asked about; a remote's URL is taken apart into these before any helper is chosen."""

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

# Subsections of `credential`. The empty one stands for none.
PATTERNS = [
    "",
    "https://huggingface.co",
    "https://huggingface.co/",
    "https://hf.co",
    "http://huggingface.co",
    "http://huggingface.co:443",
    "http://localhost:8080",
    "https://alice@huggingface.co",
    "https://bob@huggingface.co",
    "https://alice@huggingface.co/acme",
    "https://huggingface.co/acme",
    "https://huggingface.co/acme/",
    "https://huggingface.co/acme/model",
    "https://huggingface.co/acme/model.git",
    "https://huggingface.co/ac",
    "https://huggingface.co/ACME",
    "https://huggingface.co:443",
    "https://huggingface.co:443/acme",
    "https://huggingface.co:8443",
    "https://huggingface.co:80",
    "HTTPS://HUGGINGFACE.CO",
    "https://HuggingFace.co",
    "https://*.co",
    "https://*.huggingface.co",
    "https://huggingface.*",
    "https://*.*",
    "https://*",
    "https://*.co/acme",
    "https://hugging*.co",
    "https://sub.huggingface.co",
    "https://huggingface.co.evil.example",
    "https://*.evil.example",
    "https://evilhuggingface.co",
    "ssh://huggingface.co",
]
# Without a protocol, or with too little of the rest: git compares these in another way (credential.c, `CHECK`).
PARTIAL_PATTERNS = [
    "huggingface.co",
    "huggingface.co/",
    "huggingface.co/acme",
    "huggingface.co/acme/model",
    "alice@huggingface.co",
    "bob@huggingface.co",
    "huggingface.co:443",
    "huggingface.co:8443",
    "HuggingFace.CO",
    "*.co",
    "localhost:8080",
    "evil.example",
    "https://",
    "http://",
    "https://alice@",
]
ODD_PATTERNS = [
    "https://huggingface.co:",
    "https://huggingface.co:nonsense",
    "https://huggingface.co.",
    "https://huggingface.co//acme",
    "https://huggingface.co/%61cme",
    "https://huggingface.co/x/../acme",
    "https://%61lice@huggingface.co",
    "https://alice:@huggingface.co",
    "https://@huggingface.co",
    "https:huggingface.co",
    "https:/huggingface.co",
    "://huggingface.co",
    "@huggingface.co",
    "/acme/model",
    "https://[::1",
    "https:///acme",
    "nonsense",
    " https://huggingface.co",
]
ALL_PATTERNS = [*PATTERNS, *PARTIAL_PATTERNS, *ODD_PATTERNS]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of helpers `n0`, `n1`, … (also as `git-credential-n0`), which log their names and know nothing."""
    directory = tmp_path_factory.mktemp("helpers")
    script = directory / "helper"
    script.write_text(SCRIPT)
    script.chmod(0o755)
    for number in range(len(ALL_PATTERNS)):
        for name in (f"n{number}", f"git-credential-n{number}"):
            (directory / name).symlink_to(script)
    return directory


def asked(url: Url, programs: Path, log: Path, cwd: Path, environment: Mapping[str, str]) -> list[str]:
    """The helpers that real git starts for `url`, in its order."""
    log.write_text("")
    subprocess.run(
        ["git", "credential", "fill"],
        input=url.request,
        cwd=cwd,
        env={**environment, "HELPERS_LOG": str(log), "PATH": f"{programs}{os.pathsep}{environment['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return log.read_text().split()


def believed(url: Url, entries: list[ConfigEntry]) -> list[str]:
    chain = [re.search(r"n\d+", helper.value or "") for helper in helper_chain(str(url), entries)]
    return [found.group() for found in chain if found]


def section(pattern: str, value: str) -> str:
    """The lines that set a helper for a subsection."""
    head = '[credential "' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"]' if pattern else "[credential]"
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{head}\n\thelper = "{quoted}"\n'


@pytest.fixture
def asked_of_all(programs: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    return _asked_of_all(programs, tmp_path_factory.mktemp("table"))


_seen: dict[str, dict[str, bool]] = {}


def _asked_of_all(programs: Path, directory: Path) -> dict[str, dict[str, bool]]:
    """For each pattern, whether git starts its helper for each URL: one configuration that has them all."""
    if not _seen:
        config = directory / "config"
        config.write_text("".join(section(pattern, f"n{i}") for i, pattern in enumerate(ALL_PATTERNS)))
        for url in URLS:
            environment = {**os.environ, "GIT_CONFIG_GLOBAL": str(config)}
            names = asked(url, programs, directory / "log", directory, environment)
            for i, pattern in enumerate(ALL_PATTERNS):
                _seen.setdefault(pattern, {})[str(url)] = f"n{i}" in names
    return _seen


@pytest.mark.parametrize("pattern", ALL_PATTERNS, ids=lambda p: p or "none")
def test_sections_apply_as_in_git(pattern: str, asked_of_all: dict[str, dict[str, bool]]) -> None:
    """A section of `credential` is thought to apply to the URLs for which git starts its helper, and to no other."""
    assert {str(url): section_applies(pattern, str(url)) for url in URLS} == asked_of_all[pattern]


def test_the_table_tells_something(asked_of_all: dict[str, dict[str, bool]]) -> None:
    """Real git did start helpers for the table above, and not all of them."""
    for url in ("https://huggingface.co", "https://alice@huggingface.co/acme/model"):
        assert asked_of_all[""][url]
        assert asked_of_all["https://huggingface.co"][url]
        assert not asked_of_all["https://evilhuggingface.co"][url]
    assert asked_of_all["https://huggingface.co/acme"]["https://huggingface.co/acme/model"]
    assert not asked_of_all["https://huggingface.co/acme"]["https://huggingface.co"]


SCOPES = ("system", "xdg", "global", "include", "includeIf", "local", "worktree", "environment", "command line")

settings_of_helpers = st.lists(
    st.tuples(
        st.sampled_from(SCOPES),
        # Partial and odd patterns have their table above; one reason for a failure at a time.
        st.sampled_from(PATTERNS),
        st.sampled_from(["reset", "name", "name and option", "shell", "path"]),
    ),
    max_size=12,
)


@pytest.mark.git_versions
@settings(max_examples=tenth(200), deadline=None, suppress_health_check=list(HealthCheck))
@example([("system", "", "name"), ("global", "https://huggingface.co", "reset"), ("local", "", "name")], URLS[0])
@example([("global", "", "name"), ("include", "", "reset"), ("global", "", "name"), ("xdg", "", "name")], URLS[0])
@example([("local", "", "name"), ("worktree", "", "name"), ("includeIf", "", "name")], URLS[0])
@example([("command line", "", "name"), ("environment", "", "name"), ("worktree", "", "name")], URLS[0])
@given(settings_of_helpers, st.sampled_from(URLS))
def test_helpers_are_the_ones_that_git_starts(
    programs: Path, tmp_path_factory: pytest.TempPathFactory, configured: list[tuple[str, str, str]], url: Url
) -> None:
    """Whatever is configured in whichever scopes, `helpers()` names those that git starts, in git's order."""
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
    make_repository(repository)
    texts = dict.fromkeys(files, "")
    texts["local"] = files["local"].read_text() + "[extensions]\n\tworktreeConfig = true\n"
    environment = {name: value for name, value in os.environ.items() if name != "GIT_CONFIG_NOSYSTEM"}
    environment |= {"HOME": str(home), "GIT_CONFIG_SYSTEM": str(files["system"])}
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
    for scope, text in texts.items():
        if text:
            files[scope].parent.mkdir(parents=True, exist_ok=True)
            files[scope].write_text(text)
    if in_environment:
        environment["GIT_CONFIG_COUNT"] = str(len(in_environment))
        for i, (key, value) in enumerate(in_environment):
            environment |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    if options:
        alias = "alias.shown=!printenv GIT_CONFIG_PARAMETERS"
        environment["GIT_CONFIG_PARAMETERS"] = git(*options, "-c", alias, "shown", cwd=repository).removesuffix("\n")

    with pytest.MonkeyPatch.context() as patch:
        for name in {*os.environ, *environment}:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(repository)
        ours = believed(url, read_config())
    assert ours == asked(url, programs, home / "log", repository, environment)


def make_repository(path: Path) -> None:
    """What `git init` makes, without starting it for every example."""
    (path / ".git/objects").mkdir(parents=True)
    (path / ".git/refs").mkdir()
    (path / ".git/HEAD").write_text("ref: refs/heads/main\n")
    (path / ".git/config").write_text("[core]\n\trepositoryformatversion = 1\n\tbare = false\n")


def test_where_a_helper_comes_from(home: Path) -> None:
    """Each helper is named with git's own scope and origin, so that a person finds the line."""
    (home / ".gitconfig").write_text('[credential]\n\thelper = a b\n[include]\n\tpath = "more of it"\n')
    (home / "more of it").write_text('[credential "https://hf.co"]\n\thelper = "!c \\"d\\" # e"\n')
    found = helper_chain("https://hf.co", read_config())
    assert [(helper.value, helper.scope) for helper in found] == [("a b", "global"), ('!c "d" # e', "global")]
    assert [helper.origin for helper in found] == [f"file:{home}/.gitconfig", f"file:{home}/more of it"]


@pytest.mark.git_versions
def test_values_are_bytes(home: Path) -> None:
    """Line feeds, `=`, dots and bytes that are not UTF-8 in keys and values arrive as git has them."""
    text = b'[a "x.y=z"]\n\tname = "1\\n2=3"\n\tnothing\n\tempty =\n[a "\xff"]\n\tname = \xfe\n'
    (home / ".gitconfig").write_bytes(text)
    found = [(e.section, e.subsection, e.name, e.value) for e in read_config()]
    assert found == [
        ("a", "x.y=z", "name", "1\n2=3"),
        ("a", "x.y=z", "nothing", None),
        ("a", "x.y=z", "empty", ""),
        ("a", "\udcff", "name", "\udcfe"),
    ]


def test_the_variable_git_config_fools_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_CONFIG steers `git config` alone: `git credential` does not look at it, and neither does `entries()`."""
    (home / ".gitconfig").write_text("[credential]\n\thelper = hf\n")
    monkeypatch.setenv("GIT_CONFIG", os.devnull)
    assert [helper.value for helper in helper_chain("https://hf.co", read_config())] == ["hf"]


# --- which values are ours ---


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
    """A value of `credential.helper` is ours when git, or the shell that git gives it to, runs this program for it."""
    assert is_our_helper(value) == is_ours


# --- which file a scope is ---


def nothing(home: Path) -> dict[str, str]:
    return {}


def own(home: Path) -> dict[str, str]:
    (home / ".gitconfig").touch()
    return {}


def xdg(home: Path) -> dict[str, str]:
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/config").touch()
    return {}


def own_and_xdg(home: Path) -> dict[str, str]:
    return {**own(home), **xdg(home)}


def xdg_elsewhere(home: Path) -> dict[str, str]:
    (home / "xdg dir/git").mkdir(parents=True)
    (home / "xdg dir/git/config").touch()
    return {"XDG_CONFIG_HOME": str(home / "xdg dir")}


def xdg_empty_variable(home: Path) -> dict[str, str]:
    return {**xdg(home), "XDG_CONFIG_HOME": ""}


def xdg_directory_alone(home: Path) -> dict[str, str]:
    (home / ".config/git").mkdir(parents=True)
    return {}


def symlink(home: Path) -> dict[str, str]:
    (home / "dot files").mkdir()
    (home / "dot files/git config").touch()
    (home / ".gitconfig").symlink_to("dot files/git config")
    return {}


def symlinks(home: Path) -> dict[str, str]:
    (home / "dotfiles").mkdir()
    (home / "dotfiles/b").touch()
    (home / "dotfiles/a").symlink_to("b")
    (home / ".gitconfig").symlink_to("dotfiles/a")
    return {}


def dangling_symlink(home: Path) -> dict[str, str]:
    (home / "dotfiles").mkdir()
    (home / ".gitconfig").symlink_to("dotfiles/gitconfig")
    return {}


def dangling_symlink_and_xdg(home: Path) -> dict[str, str]:
    return {**dangling_symlink(home), **xdg(home)}


def symlinked_xdg_directory(home: Path) -> dict[str, str]:
    (home / "dotfiles/git").mkdir(parents=True)
    (home / "dotfiles/git/config").touch()
    (home / ".config").symlink_to("dotfiles")
    return {}


def home_with_blanks(home: Path) -> dict[str, str]:
    (home / "my own home").mkdir()
    return {"HOME": str(home / "my own home")}


def home_that_is_a_symlink(home: Path) -> dict[str, str]:
    (home / "real").mkdir()
    (home / "link").symlink_to("real")
    return {"HOME": str(home / "link")}


def named(home: Path) -> dict[str, str]:
    (home / "some where").mkdir()
    return {**own(home), "GIT_CONFIG_GLOBAL": str(home / "some where/config")}


def named_symlink(home: Path) -> dict[str, str]:
    (home / "target").touch()
    (home / "link").symlink_to("target")
    return {"GIT_CONFIG_GLOBAL": str(home / "link")}


GLOBAL = [
    *(nothing, own, xdg, own_and_xdg, xdg_elsewhere, xdg_empty_variable, xdg_directory_alone),
    *(symlink, symlinks, dangling_symlink, dangling_symlink_and_xdg, symlinked_xdg_directory),
    *(home_with_blanks, home_that_is_a_symlink, named, named_symlink),
]


def files_of(directory: Path) -> dict[str, bytes]:
    """The content of each regular file below a directory, by its real path."""
    return {
        os.path.realpath(path): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def written_by_git(scope: str, directory: Path, cwd: Path) -> str:
    before = files_of(directory)
    git("config", f"--{scope}", "--add", "x.y", "z", cwd=cwd)
    after = files_of(directory)
    (changed,) = [path for path in after if before.get(path) != after[path]]
    return changed


@pytest.mark.parametrize("arrange", GLOBAL, ids=lambda f: f.__name__)
def test_global_file_is_where_git_writes(
    arrange: Callable[[Path], dict[str, str]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`file("global")` is the very file that `git config --global` would change, and looking changes nothing."""
    for name, value in arrange(home).items():
        monkeypatch.setenv(name, value)
    before = files_of(home)
    believed = config_path("global")
    assert files_of(home) == before
    assert believed == written_by_git("global", home, home)


def in_repository(home: Path) -> Path:
    git("init", "-q", "repo sitory", cwd=home)
    return home / "repo sitory"


def in_subdirectory(home: Path) -> Path:
    (in_repository(home) / "a/b").mkdir(parents=True)
    return home / "repo sitory/a/b"


def in_git_directory(home: Path) -> Path:
    return in_repository(home) / ".git"


def in_bare_repository(home: Path) -> Path:
    git("init", "-q", "--bare", "bare.git", cwd=home)
    return home / "bare.git"


def in_worktree(home: Path) -> Path:
    repository = in_repository(home)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a", cwd=repository)
    git("worktree", "add", "-q", "-b", "other", "../work tree", cwd=repository)
    return home / "work tree"


def in_worktree_with_its_own_config(home: Path) -> Path:
    worktree = in_worktree(home)
    git("config", "extensions.worktreeConfig", "true", cwd=worktree)
    git("config", "--worktree", "a.b", "c", cwd=worktree)
    return worktree


def in_submodule(home: Path) -> Path:
    repository = in_worktree(home).parent / "repo sitory"
    git("clone", "-q", str(repository), "upper", cwd=home)
    options = ["-c", "protocol.file.allow=always", "-c", "user.name=a", "-c", "user.email=a@b"]
    git(*options, "submodule", "--quiet", "add", str(repository), "sub", cwd=home / "upper")
    return home / "upper/sub"


def in_separate_git_directory(home: Path) -> Path:
    git("init", "-q", "--separate-git-dir", "elsewhere", "work", cwd=home)
    return home / "work"


def with_symlinked_config(home: Path) -> Path:
    repository = in_repository(home)
    (repository / ".git/config").rename(home / "the config")
    (repository / ".git/config").symlink_to(home / "the config")
    return repository


LOCAL = [
    *(in_repository, in_subdirectory, in_git_directory, in_bare_repository, in_worktree),
    *(in_worktree_with_its_own_config, in_submodule, in_separate_git_directory, with_symlinked_config),
]


@pytest.mark.parametrize("arrange", LOCAL, ids=lambda f: f.__name__)
def test_local_file_is_where_git_writes(
    arrange: Callable[[Path], Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`file("local")` is the very file that `git config --local` would change, wherever in a repository one is."""
    directory = arrange(home)
    monkeypatch.chdir(directory)
    assert config_path("local") == written_by_git("local", home, directory)


def test_local_file_by_git_dir(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_DIR says which repository it is, as for git."""
    repository = in_repository(home)
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    assert config_path("local") == written_by_git("local", home, home)


@pytest.mark.parametrize("name", ["system", "a system config"])
@pytest.mark.parametrize("exists", [True, False], ids=["exists", "does not exist"])
def test_system_file_is_where_git_writes(name: str, exists: bool, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`file("system")` is the very file that `git config --system` would change."""
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / name))
    if exists:
        (home / name).touch()
    assert config_path("system") == written_by_git("system", home, home)


def test_system_file_that_git_was_built_with(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without GIT_CONFIG_SYSTEM it is the file that git has built in, and no file is made to find that out."""
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    path = config_path("system")
    assert os.path.isabs(path)
    assert path.endswith("gitconfig")
    existed = os.path.exists(path)
    assert config_path("system") == path
    assert os.path.exists(path) == existed
    # git says where, when it has something to say; otherwise it names the file that it cannot find.
    shown = subprocess.run(
        ["git", "config", "--system", "--list", "--show-origin"], capture_output=True, text=True, timeout=30
    )
    assert path in shown.stdout + shown.stderr or (shown.returncode == 0 and not shown.stdout)


@pytest.mark.parametrize(
    "environment",
    [{"HOME": None}, {"HOME": None, "XDG_CONFIG_HOME": "/nowhere"}, {"GIT_CONFIG_GLOBAL": ""}],
    ids=["no HOME", "no HOME, XDG", "GIT_CONFIG_GLOBAL is empty"],
)
def test_no_global_file_where_git_has_none(
    environment: dict[str, str | None], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where `git config --global` refuses to write, there is a `Problem`, not a file that git would not read."""
    for name, value in environment.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    refused = subprocess.run(["git", "config", "--global", "x.y", "z"], capture_output=True, timeout=30)
    assert refused.returncode != 0
    with pytest.raises(Problem):
        config_path("global")


def test_no_local_file_outside_of_a_repository(home: Path) -> None:
    """Outside of a repository there is a `Problem`, in git's own words."""
    with pytest.raises(Problem, match="there is no git repository here"):
        config_path("local")


# --- which program is run ---


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "../{}/bin", "~/bin"])
@pytest.mark.parametrize("position", ["first", "last"])
def test_no_program_from_a_relative_entry(
    entry: str, position: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PATH entry that is not absolute is the current directory's, which may be hostile: nothing is found there."""
    (home / "bin").mkdir()
    for path in (home / "planted", home / "bin/planted"):
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    entries = [entry.format(home.name), "/usr/bin"]
    monkeypatch.setenv("PATH", os.pathsep.join(entries if position == "first" else entries[::-1]))
    assert find_program("planted") is None
    monkeypatch.setenv("PATH", os.pathsep.join([*entries, str(home / "bin")]))
    assert find_program("planted") == str(home / "bin/planted")


def test_only_programs_are_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories, files that cannot be run and dangling links are passed over, as a shell does."""
    for name in "abcd":
        (home / name).mkdir()
    (home / "a/program").mkdir()
    (home / "b/program").write_text("")
    (home / "c/program").symlink_to("nowhere")
    (home / "d/program").write_text("#!/bin/sh\n")
    (home / "d/program").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join(str(home / name) for name in "abcd"))
    assert find_program("program") == str(home / "d/program")
    (home / "d/program").unlink()
    assert find_program("program") is None
    with pytest.raises(Problem, match="git is not on PATH"):
        git_program()


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["configure"], ["configure", "--system"], ["unconfigure"], ["configure", "--env"]],
    ids=" ".join,
)
def test_a_hostile_directory_runs_nothing(arguments: list[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that lie in the current directory are not run, not even with that directory first on PATH."""
    directory = home / "hostile"
    (directory / "bin").mkdir(parents=True)
    names = ["git", "git-config", "git-rev-parse", "git-credential-hf", "echo", "sh", "env", "python3", "uname"]
    for name in names:
        for folder in (directory, directory / "bin"):
            (folder / name).write_text(f"#!/bin/sh\n/bin/echo {name} >> '{home}/ran'\n")
            (folder / name).chmod(0o755)
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / "system"))
    if arguments[-1] == "--system":
        # The file is git's own then, and is asked for; to write there is another matter.
        monkeypatch.delenv("GIT_CONFIG_SYSTEM")
        arguments = [*arguments, "--dry-run"]
    program = Path(sysconfig.get_path("scripts"), "git-credential-hf")
    environment = {**os.environ, "PATH": os.pathsep.join(["", ".", "bin", os.environ["PATH"]]), "HF_HUB_OFFLINE": "1"}
    subprocess.run([program, *arguments], cwd=directory, env=environment, capture_output=True, timeout=60)
    assert not (home / "ran").exists(), (home / "ran").read_text()
