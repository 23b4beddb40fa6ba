"""A directory in which git refuses to work: `doctor` says so first, in git's words, and `--json` is still JSON."""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from account import git_has
from amount import each_run, some
from login import log_in
from programs import Done, git, run

TOKEN = "hf_" + "NoGitHere" * 3 + "wxyz"
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")  # of root, to read what is another user's
COMMANDS = ("doctor --offline", "status", "check", "check acme/model", "purge", "purge --dry-run", "hooks status")


class Case(NamedTuple):
    """What is done to a repository, what git then says, and the hint; `around` runs the commands."""

    act: Callable[[Path], object]
    message: str
    fix: str
    environment: Mapping[str, Any] = MappingProxyType({})
    around: tuple[str, ...] = ()


def given_to_another_user(repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 1234, 1234)


def with_a_line(file: str, text: str) -> Callable[[Path], object]:
    def act(repository: Path) -> None:
        with (repository / file).open("a") as opened:
            opened.write(text)

    return act


def secret_of_another_user(file: str) -> Callable[[Path], object]:
    def act(repository: Path) -> None:
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            pytest.skip("needs root, and setpriv")
        (repository / file).chmod(0o600)
        os.chown(repository / file, 1234, 1234)

    return act


def with_a_link_to(path: str) -> Callable[[Path], object]:
    def act(repository: Path) -> None:
        shutil.rmtree(repository / ".git")
        (repository / ".git").write_text(f"gitdir: {path}\n")

    return act


def nothing(repository: Path) -> None:
    pass


def reading_the_variable(repository: Path) -> None:
    if not git_has(2, 31):
        pytest.skip("git before 2.31 does not read GIT_CONFIG_COUNT")


CASES: dict[str, Case] = {
    "another user's": Case(
        *(given_to_another_user, "(dubious ownership in|unsafe) repository"),
        r"run `git config --global --add safe\.directory /.*/work`",
    ),
    "torn, of the user": Case(
        *(with_a_line("../.gitconfig", "[torn\n"), r"bad config line \d+ in file /.*/\.gitconfig"),
        r"run `\$\{EDITOR:-vi\} /.*/\.gitconfig`, and correct line \d+",
    ),
    "torn, of the repository": Case(
        *(with_a_line(".git/config", "[torn\n"), r"bad config line \d+ in file .*\.git/config"),
        r"run `\$\{EDITOR:-vi\} /.*/\.git/config.*`, and correct line \d+",
    ),
    "torn, of the environment": Case(
        *(reading_the_variable, "bogus count in GIT_CONFIG_COUNT", "run `unset GIT_CONFIG_COUNT`"),
        {"GIT_CONFIG_COUNT": "x"},
    ),
    "unreadable": Case(
        *(secret_of_another_user(".git/config"), r"unable to access '.*\.git/config': Permission denied"),
        r"run `ls -ld /.*/\.git/config.*` to see its permissions",
        around=WITHOUT_RIGHTS,
    ),
    "unreadable, of the user": Case(
        *(secret_of_another_user("../.gitconfig"), r"git ignores /.*/\.gitconfig because it cannot read it"),
        r"run `ls -l /.*/\.gitconfig` to see its permissions",
        around=WITHOUT_RIGHTS,
    ),
    "of a later git": Case(
        *(with_a_line(".git/config", "[core]\n\trepositoryFormatVersion = 99\n"), "(?i)expected git repo version"),
        "update git",
    ),
    "with an extension": Case(
        *(with_a_line(".git/config", "[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\tofTomorrow = 1\n"),),
        *("unknown repository extensions? found: oftomorrow", "update git"),
    ),
    "of a variable": Case(nothing, "not a git repository: '/gone'", "run `unset GIT_DIR`", {"GIT_DIR": "/gone"}),
    "of a work tree whose repository is gone": Case(
        *(with_a_link_to("/gone"), r"not a git repository: (/gone|\(null\))"),
        "restore (/gone|what .git names), or remove .git",
    ),
}


@pytest.fixture
def repository(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in the home of somebody who is logged in, whose git works."""
    log_in(home, TOKEN)
    run("git-credential-hf", "configure")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    path = home / "work"
    git("init", "--quiet", str(path))
    git("remote", "add", "origin", "https://huggingface.co/alice/model", cwd=path)
    return path


def ask(case: Case, command: str, where: Path) -> tuple[dict[str, Any], Done]:
    """Return the one JSON document that a command prints."""
    words = command.split()
    done = run(*case.around, "git-credential-hf", *words, "--json", cwd=where, check=False, **case.environment)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen, done


@pytest.mark.git_versions
@pytest.mark.parametrize("name", some([*CASES], 6))
def test_doctor(name: str, repository: Path) -> None:
    """It is the first finding, with git's message and a fix, and the next thing to do; nothing is healthy."""
    case = CASES[name]
    case.act(repository)
    seen, done = ask(case, "doctor --offline", repository)
    first = seen["findings"][0]
    assert (first["id"], first["severity"], seen["healthy"], done.returncode) == ("git-broken", "error", False, 1)
    assert re.search(case.message, first["title"]), first
    assert re.search(case.fix, first["fix"]), first
    assert [finding["id"] for finding in seen["findings"]].count("git-broken") == 1
    printed = run(
        *case.around, "git-credential-hf", "doctor", "--offline", cwd=repository, check=False, **case.environment
    ).stdout
    assert " ".join(printed.split()).endswith("next: " + first["fix"].replace(f"{repository.parent}/", "~/"))


# How each case is recognized is in test_doctor; here, what the commands do with an error of git's, which is the same.
EACH_RUN = ("another user's", "torn, of the repository", "unreadable, of the user", "of a variable")


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("name", each_run(CASES, *EACH_RUN))
def test_json(name: str, repository: Path) -> None:
    """There is one document on stdout, of each command's own form; an error of git's is on stderr as well."""
    case = CASES[name]
    case.act(repository)
    forms = {
        "doctor": ["resolvers", "findings", "healthy"],
        "status": ["token", "account", "endpoint", "git", "mapped"],
        "check": ["repo", "type", "access", "answer", "reason", "message", "fix"],
        "purge": ["helpers"],
        "hooks": ["hooks", "problem"],
    }
    for command in COMMANDS:
        seen, done = ask(case, command, repository)
        assert list(seen) == forms[command.split()[0]]
        if "error: git failed: " in done.stderr:
            assert done.returncode == 1
            assert re.search(case.message, done.stderr)
        if command.startswith("check"):
            assert seen["answer"] == "unknown" and seen["message"]
        if command in ("check", "hooks status") and "ignores" not in case.message:
            assert re.search(case.message, done.stderr), command
            assert re.search(case.fix, done.stderr)
            assert re.search(case.message, (seen.get("problem") or seen)["message"])


def test_the_remedy_of_git(repository: Path) -> None:
    """The command that git names can be pasted, whatever the path, and git works after it."""
    odd = repository.parent / "it's `my`  work"
    repository.rename(odd)
    given_to_another_user(odd)
    case = CASES["another user's"]
    fix = ask(case, "doctor --offline", odd)[0]["findings"][0]["fix"]
    status = run("git-credential-hf", "status", cwd=odd, check=False)
    assert re.search(case.message, status.stderr)
    run("bash", "-c", fix.removeprefix("run `").removesuffix("`"), cwd=odd)
    seen, _ = ask(case, "doctor --offline", odd)
    assert "git-broken" not in [finding["id"] for finding in seen["findings"]]
    assert "git failed" not in run("git-credential-hf", "status", cwd=odd, check=False).stderr


def test_a_directory_that_was_removed(repository: Path) -> None:
    """Git does not work there, which is a finding; nor does `--json` fail."""
    for command in COMMANDS:
        removing = f'rmdir "$PWD" && git-credential-hf {command} --json'
        place = repository.parent / "gone"
        place.mkdir()
        done = run("sh", "-c", removing, cwd=place, check=False)
        assert "Traceback" not in done.stderr and "internal error" not in done.stderr
        seen = json.loads(done.stdout)
        if command.startswith("doctor"):
            assert seen["findings"][0]["id"] == "git-broken"
            assert seen["findings"][0]["fix"] == "run `cd`, as this directory was removed"


@pytest.mark.parametrize("name", ["another user's", "torn, of the repository"])
def test_why_git_was_not_tried(name: str, repository: Path) -> None:
    """That git was not tried has the reason that it does not work, and not that there is no repository."""
    CASES[name].act(repository)
    printed = run("git-credential-hf", "doctor", cwd=repository, check=False).stdout
    assert "git was not tried: it does not work here\n" in printed


def test_no_repository_is_no_finding(home: Path, repository: Path) -> None:
    """Outside of a repository git works; so it does in one on another file system."""
    for where in (home, Path("/proc")):
        seen, _ = ask(CASES["another user's"], "doctor --offline", where)
        assert "git-broken" not in [finding["id"] for finding in seen["findings"]]


def test_bad_input(repository: Path) -> None:
    """What is not a repository's name is an error, with a document that has no answer."""
    for command in ("check nonsense/a/b", "doctor --offline nonsense/a/b"):
        seen, done = ask(CASES["another user's"], command, repository)
        assert done.returncode == 1
        assert "is not a Hub repository" in done.stderr
        assert seen.get("answer", "unknown") == "unknown" and not seen.get("healthy")
