"""Wherever git is started from it finds this program, and where that is not installed git works as without it."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from executable import HEADER, INCLUDE, OWN_FILE, PROGRAM, section
from programs import run

if TYPE_CHECKING:
    from fake_hub import Hub

HUB = "https://huggingface.co"
MODEL = f"{HUB}/alice/private-model"
ASK = "protocol=https\nhost=huggingface.co\n\n"
GIT = os.path.dirname(os.path.realpath(shutil.which("git") or "/usr/bin/git"))
OF_CRON = os.pathsep.join(dict.fromkeys((GIT, "/usr/bin", "/bin")))  # cron's PATH, and git's directory


# --- where the program is not installed ---


@pytest.fixture
def elsewhere(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Account]:
    """Another machine, with this `.gitconfig`, without our program, and with a helper that logs and has a token."""
    monkeypatch.setenv("PATH", OF_CRON)
    home = tmp_path / "elsewhere"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))

    def arrive(config: bytes) -> Account:
        shutil.rmtree(home)
        home.mkdir()
        (home / ".gitconfig").write_bytes(config)
        (home / "log").touch()
        (home / "forwarded").write_text(
            f'#!/bin/sh\n{{ echo "$1"; cat; }} >> {home}/log\n[ "$1" != get ] || cat {home}/answer\n'
        )
        (home / "forwarded").chmod(0o755)
        return Account(home)

    return arrive


BEFORE = "[credential]\n\thelper = !~/forwarded\n\thelper = store\n[user]\n\tname = Alice\n"


@pytest.mark.git_versions
def test_a_configuration_that_was_copied(
    hub: "Hub", account: Account, elsewhere: Callable[[bytes], Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a copied `.gitconfig`, git asks and tells the other helpers what it would have without our line."""
    token = hub.token("alice")
    file = account.home / ".gitconfig"
    before = (BEFORE + file.read_text().removesuffix(INCLUDE)).encode()
    (account.home / OWN_FILE).unlink()
    file.write_bytes(before)
    account.run(PROGRAM, "configure", "--no-purge", HOME=account.home)
    copied = file.read_bytes()
    assert copied == before + INCLUDE.encode() and (account.home / OWN_FILE).exists()
    found = []
    for config in (before, copied):
        there = elsewhere(config)
        monkeypatch.setenv("HOME", str(there.home))
        (there.home / "answer").write_text(f"username=git\npassword={token}\n")
        seen = [there.git("config", "--list").stdout.replace(f"include.path=~/{OWN_FILE}\n", "")]
        for operation in ("fill", "approve", "reject"):
            stdin = ASK if operation == "fill" else f"{ASK.strip()}\nusername=git\npassword={token}\n\n"
            done = there.run("git", "credential", operation, stdin=stdin)
            seen += [done.stdout, done.stderr]
        done = there.git("clone", "--quiet", MODEL)
        seen += [done.stdout, done.stderr, (there.home / ".git-credentials").read_text()]
        there.where = there.home / "private-model"
        assert (there.where / "model.bin").read_bytes() == WEIGHTS
        there.commit({"more.bin": os.urandom(99), ".gitattributes": b"*.bin filter=lfs diff=lfs merge=lfs -text\n"})
        done = there.git("push", "--quiet")
        printed = (done.stdout + done.stderr).splitlines()
        seen += [line for line in printed if "Uploading LFS objects" not in line]  # which is there if it takes time
        seen += [(there.home / "log").read_text()]
        there.git("reset", "--quiet", "--hard", "HEAD~1")
        there.git("push", "--quiet", "--force")
        found.append(seen)
    assert found[0] == found[1]
    assert "get\nprotocol=https" in found[0][-1] and "store\nprotocol=https" in found[0][-1]


# --- where PATH is another one ---


@pytest.mark.git_versions
def test_without_our_path(account: Account, hub: "Hub") -> None:
    """After `configure`, git and git-lfs clone, fetch and push with the PATH of cron, and with an empty environment."""
    account.is_given(hub.token("alice"), "laptop")
    done = account.run(
        *("env", "-i", f"HOME={account.home}", f"PATH={OF_CRON}", "git", "credential", "fill"), stdin=ASK, timeout=20
    )
    assert "password=hf_" in done.stdout
    account.clone(PATH=OF_CRON)
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    account.commit({"new.bin": os.urandom(1000)})
    account.git("push", PATH=OF_CRON)
    account.git("pull", PATH=OF_CRON)


@pytest.mark.git_versions
def test_the_name_from_a_directory_that_every_path_has(account: Account, hub: "Hub") -> None:
    """In /usr/local/bin the program has no need of its path: git gets the name."""
    account.is_given(hub.token("alice"), "laptop")
    script = f'mount -t tmpfs none /usr/local/bin && ln -s {PROGRAM} /usr/local/bin/ && exec "$@"'
    around = ("unshare", "-m", "sh", "-c", script, "sh")
    tried = account.run(*around, "true", check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespaces: {tried.stderr.strip()}")
    (account.home / OWN_FILE).unlink()
    for program in ("/usr/local/bin/git-credential-hf", PROGRAM):
        account.run(*around, program, "configure", "--no-purge")
        own = (account.home / OWN_FILE).read_text()
        assert own == HEADER + section(HUB, "hf") + section("https://hf.co", "hf")
    done = account.run(*around, "git", "credential", "fill", stdin=ASK, PATH=f"/usr/local/bin{os.pathsep}{OF_CRON}")
    assert "password=hf_" in done.stdout


# --- upgrades ---


class Installation:
    """The program in an environment of its own, below `root`, and a link to it, as installers make them."""

    def __init__(self, root: Path, link: Path | None) -> None:
        self.environment = root / "tools/git-credential-hf"
        self.link = link
        self.install()
        if link:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(self.program)

    @property
    def program(self) -> Path:
        return self.environment / "bin/git-credential-hf"

    def install(self) -> None:
        self.program.parent.mkdir(parents=True)
        shutil.copy2(PROGRAM, self.program)

    def upgrade(self) -> None:
        """What `uv tool upgrade`, pipx and install.sh do: another environment, at another place for Homebrew."""
        shutil.rmtree(self.environment)
        if self.link:
            self.environment = self.environment.with_name("git-credential-hf-2")
            self.link.unlink()
        self.install()
        if self.link:
            self.link.symlink_to(self.program)


LINKED = ".local/bin/git-credential-hf"
WAYS = {
    "by name, of a link on PATH": (LINKED, "git-credential-hf", [".local/bin"], LINKED),
    "by the path of a link": (LINKED, f"~/{LINKED}", [], LINKED),
    "by the path of the environment": (LINKED, "~/tools/git-credential-hf/bin/git-credential-hf", [], LINKED),
    "from the environment, activated": (
        *(LINKED, "git-credential-hf", ["tools/git-credential-hf/bin", ".local/bin"], LINKED),
    ),
    "a link in another directory of PATH": ("brew/bin/git-credential-hf", "git-credential-hf", ["brew/bin"], None),
    "a link with blanks and quotes": (
        'it\'s "my" bin/git-credential-hf',
        "git-credential-hf",
        ['it\'s "my" bin'],
        None,
    ),
    "an environment without a link": (
        *(None, "git-credential-hf", ["tools/git-credential-hf/bin"], "tools/git-credential-hf/bin/git-credential-hf"),
    ),
}


LONG = ("by the path of a link", "by the path of the environment")  # a link of that name in the same place
READ_BY_GIT = ("by name, of a link on PATH", "a link with blanks and quotes")  # as each version does it


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(
            way,
            marks=[pytest.mark.git_versions(each_run=1)] * (way in READ_BY_GIT) + [pytest.mark.long] * (way in LONG),
        )
        for way in WAYS
    ],
)
def test_through_an_upgrade(way: str, account: Account, hub: "Hub") -> None:
    """With cron's PATH, git and the hooks find the program after the environment that it was in was replaced."""
    link, command, path, expected = WAYS[way]
    account.is_given(hub.token("alice"), "laptop")
    home = account.home
    installed = Installation(home, home / link if link else None)
    directories = os.pathsep.join([*(str(home / directory) for directory in path), OF_CRON])
    (home / OWN_FILE).unlink()
    account.git("init", "--quiet", "work")
    account.where = home / "work"
    for words in ("configure --no-purge", "hooks install"):
        account.run("sh", "-c", f"{command.replace('~', '$HOME')} {words}", PATH=directories)
    program = home / (expected or link or "")
    own = (home / OWN_FILE).read_text()
    helper = str(program) if "'" not in str(program) else "!" + shlex.quote(str(program))
    quoted = helper.replace("\\", "\\\\").replace('"', '\\"')
    assert own.count(f"\thelper = {helper}\n") + own.count(f'\thelper = "{quoted}"\n') == 2
    for name in ("pre-push", "pre-commit"):
        assert f"\nhf={shlex.quote(str(program))}\n" in (home / "work/.git/hooks" / name).read_text()

    installed.upgrade()
    done = account.run("git", "credential", "fill", stdin=ASK, PATH=OF_CRON)
    assert "password=hf_" in done.stdout and done.stderr == ""
    account.git("commit", "--quiet", "--allow-empty", "--message", "x", PATH=OF_CRON)
    if link:
        assert account.run(program, "configure", "--no-purge").stdout == "", "nothing is left to do"


@pytest.mark.git_versions
@pytest.mark.parametrize("is_linked", [True, False])
def test_a_link_in_a_repository(is_linked: bool, account: Account) -> None:
    """What is linked in the current repository is not written: the next `git pull` may put another program there."""
    repository, link = account.home / "work", account.home / LINKED
    account.git("init", "--quiet", "work")
    for path in (repository / "bin/git-credential-hf", *([link] if is_linked else [])):
        path.parent.mkdir(parents=True)
        path.symlink_to(PROGRAM)
    account.where = repository
    (account.home / OWN_FILE).unlink()
    directories = os.pathsep.join([str(repository / "bin"), os.path.dirname(PROGRAM), OF_CRON])
    account.run(PROGRAM, "configure", PATH=directories)
    assert f"\thelper = {link if is_linked else PROGRAM}\n" in (account.home / OWN_FILE).read_text()


@pytest.mark.git_versions
def test_as_a_module_with_a_link(account: Account) -> None:
    """`python -m git_credential_hf` writes the link to the program that is beside that Python."""
    link = account.home / "bin/git-credential-hf"
    link.parent.mkdir()
    link.symlink_to(PROGRAM)
    (account.home / OWN_FILE).unlink()
    account.run(*(sys.executable, "-m", "git_credential_hf", "configure"), PATH=f"{link.parent}{os.pathsep}{OF_CRON}")
    assert f"\thelper = {link}\n" in (account.home / OWN_FILE).read_text()


# --- a path that is gone ---


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("is_on_path", [True, False], ids=["on PATH", "off PATH"])
def test_a_path_that_is_gone(is_on_path: bool, account: Account, hub: "Hub") -> None:
    """`doctor` names the path at which git looks for the program in vain, and the hint works as it is printed."""
    account.is_given(hub.token("alice"), "laptop")
    old = account.home / "old env/bin/git-credential-hf"
    old.parent.mkdir(parents=True)
    shutil.copy2(PROGRAM, old)
    account.run(old, "configure", "--no-purge", PATH=OF_CRON)
    shutil.rmtree(old.parent)
    path = os.environ["PATH"] if is_on_path else OF_CRON
    done = account.run(PROGRAM, "doctor", "--offline", check=False, PATH=path)
    report = " ".join(done.stdout.split())
    assert f"git cannot run the helper '!'{old}''" in report
    program = "git-credential-hf" if is_on_path else PROGRAM
    assert f"run `{program} configure`" in report
    account.run("sh", "-c", f"{program} configure", PATH=path)
    done = run("git", "credential", "fill", stdin=ASK, PATH=OF_CRON)
    assert "password=hf_" in done.stdout
