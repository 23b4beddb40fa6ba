"""git's configuration and its files: compared with what real git reads and writes."""

import os
from pathlib import Path

import pytest
from programs import git, run

from git_credential_hf.git.config import config_path, read_config
from git_credential_hf.git.helper_chain import helper_chain
from git_credential_hf.problem import Problem


def test_where_an_entry_is_set(home: Path) -> None:
    """Each entry has git's own scope and origin, so that a person finds the line."""
    (home / ".gitconfig").write_text('[credential]\n\thelper = a b\n[include]\n\tpath = "more of it"\n')
    (home / "more of it").write_text('[credential "https://hf.co"]\n\thelper = "!c \\"d\\" # e"\n')
    found = helper_chain("https://hf.co", read_config())
    assert [(helper.value, helper.scope) for helper in found] == [("a b", "global"), ('!c "d" # e', "global")]
    assert [helper.origin for helper in found] == [f"file:{home}/.gitconfig", f"file:{home}/more of it"]
    assert [helper.key for helper in found] == ["credential.helper", "credential.https://hf.co.helper"]


@pytest.mark.git_versions(each_run=1)
def test_values_are_bytes(home: Path) -> None:
    """Line feeds, `=`, dots and bytes that are not UTF-8 in keys and values are read as git has them."""
    text = b'[a "x.y=z"]\n\tname = "1\\n2=3"\n\tnothing\n\tempty =\n[a "\xff"]\n\tname = \xfe\n'
    (home / ".gitconfig").write_bytes(text)
    found = [(e.section, e.subsection, e.name, e.value) for e in read_config()]
    assert found == [
        ("a", "x.y=z", "name", "1\n2=3"),
        ("a", "x.y=z", "nothing", None),
        ("a", "x.y=z", "empty", ""),
        ("a", "\udcff", "name", "\udcfe"),
    ]


def test_the_variable_git_config_has_no_effect(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_CONFIG is only for `git config`: `git credential` ignores it, and so does `read_config`."""
    (home / ".gitconfig").write_text("[credential]\n\thelper = hf\n")
    monkeypatch.setenv("GIT_CONFIG", os.devnull)
    assert [helper.value for helper in helper_chain("https://hf.co", read_config())] == ["hf"]


# --- the file of a scope ---

# What is in the home: files, directories with a slash at the end, and links, each with its target; and variables.
GLOBAL: dict[str, tuple[list[str], dict[str, str]]] = {
    "nothing": ([], {}),
    "own": ([".gitconfig"], {}),
    "xdg": ([".config/git/config"], {}),
    "own and xdg": ([".gitconfig", ".config/git/config"], {}),
    "xdg elsewhere": (["xdg dir/git/config"], {"XDG_CONFIG_HOME": "~/xdg dir"}),
    "empty variable for xdg": ([".config/git/config"], {"XDG_CONFIG_HOME": ""}),
    "only the directory of xdg": ([".config/git/"], {}),
    "link": (["dot files/git config", ".gitconfig -> dot files/git config"], {}),
    "link to a link": (["dotfiles/b", "dotfiles/a -> b", ".gitconfig -> dotfiles/a"], {}),
    "dangling link": (["dotfiles/", ".gitconfig -> dotfiles/gitconfig"], {}),
    "dangling link and xdg": (["dotfiles/", ".gitconfig -> dotfiles/gitconfig", ".config/git/config"], {}),
    "linked directory of xdg": (["dotfiles/git/config", ".config -> dotfiles"], {}),
    "home with a blank": (["my own home/"], {"HOME": "~/my own home"}),
    "home that is a link": (["real/", "link -> real"], {"HOME": "~/link"}),
    "named": ([".gitconfig", "some where/"], {"GIT_CONFIG_GLOBAL": "~/some where/config"}),
    "named link": (["target", "link -> target"], {"GIT_CONFIG_GLOBAL": "~/link"}),
}


def files_of(directory: Path) -> dict[str, bytes]:
    """Return the content of each regular file below a directory, by its real path."""
    return {
        os.path.realpath(path): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def written_by_git(scope: str, directory: Path, cwd: Path) -> str:
    """Return the file that `git config` changes."""
    before = files_of(directory)
    git("config", f"--{scope}", "--add", "x.y", "z", cwd=cwd)
    after = files_of(directory)
    (changed,) = [path for path in after if before.get(path) != after[path]]
    return changed


@pytest.mark.parametrize("name", GLOBAL)
def test_global_file_is_where_git_writes(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The global file is the one that `git config --global` changes, and finding it changes nothing."""
    files, environment = GLOBAL[name]
    for file in files:
        path, _, target = file.partition(" -> ")
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        if target:
            (home / path).symlink_to(target)
        elif path.endswith("/"):
            (home / path).mkdir(parents=True)
        else:
            (home / path).touch()
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value.replace("~", str(home)))
    before = files_of(home)
    path = config_path("global")
    assert files_of(home) == before
    assert path == written_by_git("global", home, home)


COMMIT = "-c user.name=a -c user.email=a@b commit -q --allow-empty -m a"
# Commands of git, run in the home; what they set up, and from where git is run then.
LOCAL: dict[str, tuple[list[str], str]] = {
    "repository": (["init -q r"], "r"),
    "subdirectory": (["init -q r"], "r/a"),
    "git directory": (["init -q r"], "r/.git"),
    "bare repository": (["init -q --bare bare.git"], "bare.git"),
    "worktree": (["init -q r", f"-C r {COMMIT}", "-C r worktree add -q -b other ../w"], "w"),
    "worktree with its own configuration": (
        [
            *("init -q r", f"-C r {COMMIT}", "-C r worktree add -q -b other ../w"),
            *("-C w config extensions.worktreeConfig true", "-C w config --worktree a.b c"),
        ],
        "w",
    ),
    "submodule": (
        [
            *("init -q r", f"-C r {COMMIT}", "clone -q r upper"),
            "-C upper -c protocol.file.allow=always submodule --quiet add ../r sub",
        ],
        "upper/sub",
    ),
    "separate git directory": (["init -q --separate-git-dir elsewhere work"], "work"),
}


@pytest.mark.parametrize("name", LOCAL)
def test_local_file_is_where_git_writes(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local file is the one that `git config --local` changes, wherever in a repository."""
    commands, directory = LOCAL[name]
    for command in commands:
        git(*command.split(), cwd=home)
    (home / directory).mkdir(exist_ok=True)
    monkeypatch.chdir(home / directory)
    assert config_path("local") == written_by_git("local", home, home / directory)


def test_local_file_that_is_a_link(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link in the place of the local file is followed, also with GIT_DIR."""
    git("init", "-q", "r", cwd=home)
    (home / "r/.git/config").rename(home / "the config")
    (home / "r/.git/config").symlink_to(home / "the config")
    monkeypatch.setenv("GIT_DIR", str(home / "r/.git"))
    assert config_path("local") == written_by_git("local", home, home) == str(home / "the config")


@pytest.mark.parametrize("name", ["system", "a system config"])
@pytest.mark.parametrize("exists", [True, False], ids=["exists", "does not exist"])
def test_system_file_is_where_git_writes(name: str, exists: bool, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's file is the one that `git config --system` changes."""
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / name))
    if exists:
        (home / name).touch()
    assert config_path("system") == written_by_git("system", home, home)


def test_system_file_that_git_was_built_with(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without GIT_CONFIG_SYSTEM it is the file that git has built in, and finding it does not create it."""
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    path = config_path("system")
    assert os.path.isabs(path)
    assert path.endswith("gitconfig")
    existed = os.path.exists(path)
    assert config_path("system") == path
    assert os.path.exists(path) == existed
    # git shows the origin of each entry, or else names the file that it cannot find.
    shown = run("git", "config", "--system", "--list", "--show-origin", check=False)
    assert path in shown.stdout + shown.stderr or (shown.returncode == 0 and not shown.stdout)


@pytest.mark.parametrize(
    "environment",
    [{"HOME": None}, {"HOME": None, "XDG_CONFIG_HOME": "/nowhere"}, {"GIT_CONFIG_GLOBAL": ""}],
    ids=["no HOME", "no HOME, XDG", "GIT_CONFIG_GLOBAL is empty"],
)
def test_no_global_file_if_git_has_none(environment: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    """If `git config --global` refuses to write, there is a `Problem`, not a file that git would not read."""
    for name, value in environment.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert run("git", "config", "--global", "x.y", "z", check=False).returncode != 0
    with pytest.raises(Problem):
        config_path("global")


def test_no_local_file_outside_of_a_repository() -> None:
    """Outside of a repository there is a `Problem` that says so."""
    with pytest.raises(Problem, match="not in a git repository"):
        config_path("local")
