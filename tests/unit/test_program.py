"""Who may change this program: nobody but its user and root; and no alarm for what is usual."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import IS_ROOT

from git_credential_hf.program import files_of, fix_weaknesses, imported_packages, program_weaknesses

SOMEBODY = 65534
grp, pwd = (pytest.importorskip(name, reason="users and groups of POSIX") for name in ("grp", "pwd"))

as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can make files of others")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The executable, in a directory of its own, to which a link leads."""
    for folder in (tmp_path / "real/bin", tmp_path / "linked"):
        folder.mkdir(parents=True, mode=0o755)
    (tmp_path / "real/bin/git-credential-hf").write_text("")
    (tmp_path / "real/bin/git-credential-hf").chmod(0o755)
    (tmp_path / "linked/git-credential-hf").symlink_to("../real/bin/git-credential-hf")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "linked/git-credential-hf")])
    assert program_weaknesses({os.geteuid()}) == [], "as it is installed for these tests"
    return tmp_path / "real/bin/git-credential-hf"


@pytest.mark.parametrize("place", ["linked", "real/bin/git-credential-hf", "real/bin", "real", "."])
def test_each_step(place: str, program: Path, tmp_path: Path) -> None:
    """The file, what leads to it, and each directory above either counts; the fix is one command."""
    (tmp_path / place).chmod(0o777)
    weaknesses = program_weaknesses({os.geteuid()})
    assert [(weakness.path, weakness.is_mode) for weakness in weaknesses] == [(str(tmp_path / place), True)]
    fix = fix_weaknesses(weaknesses, "never")
    assert fix == f"run `chmod go-w {tmp_path / place}`"
    assert os.system(fix.removeprefix("run ").strip("`")) == 0
    assert program_weaknesses({os.geteuid()}) == []


def test_a_sticky_directory(program: Path) -> None:
    """Below /tmp nobody else can rename a directory; but a file that all may write to is not safe there."""
    program.parent.chmod(0o1777)
    assert program_weaknesses({os.geteuid()}) == []
    program.chmod(0o757)
    assert [weakness.path for weakness in program_weaknesses({os.geteuid()})] == [str(program)]


def has_members(group: Any) -> bool:
    names = {*group.gr_mem, *(account.pw_name for account in pwd.getpwall() if account.pw_gid == group.gr_gid)}
    return bool(names - {"root"})


@as_root
def test_groups(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group counts if somebody else is in it: neither root's, nor a private one, nor an empty one does."""
    groups = [group for group in grp.getgrall() if group.gr_gid]
    shared = next(group for group in groups if has_members(group))
    empty = next(group for group in groups if not has_members(group))
    program.chmod(0o775)
    for gid, is_weak in ((0, False), (shared.gr_gid, True), (empty.gr_gid, False), (987654, False)):
        os.chown(program, 0, gid)
        assert bool(program_weaknesses({0})) is is_weak, gid
    account = next(one for one in pwd.getpwall() if one.pw_uid and grp.getgrgid(one.pw_gid).gr_name == one.pw_name)
    os.chown(program, account.pw_uid, account.pw_gid)
    monkeypatch.setattr(os, "geteuid", lambda: account.pw_uid)
    assert program_weaknesses({account.pw_uid}) == [], "umask 002, and a private group"


@as_root
def test_owners(program: Path) -> None:
    """What belongs to root or to the user is theirs; what belongs to somebody else needs another installation."""
    os.chown(program.parent, SOMEBODY, 0)
    assert program_weaknesses({SOMEBODY}) == []
    weaknesses = program_weaknesses({0})
    assert [(weakness.path, weakness.is_mode) for weakness in weaknesses] == [(str(program.parent), False)]
    assert fix_weaknesses(weaknesses, "pipx install x") == "run `pipx install x`"


MACOS: list[tuple[Callable[[Path], object], bool]] = [
    (lambda path: (os.chown(path, 0, 80), path.chmod(0o775)), False),  # type: ignore[func-returns-value]
    (lambda path: path.chmod(0o777), True),
]


@as_root
@pytest.mark.parametrize(("act", "is_weak"), MACOS)
def test_homebrew(act: Callable[[Path], object], is_weak: bool, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS, the group of those who may use sudo is root's: Homebrew's directories are writable for it."""
    monkeypatch.setattr(sys, "platform", "darwin")
    act(program.parent)
    assert bool(program_weaknesses({0})) is is_weak


def test_what_is_imported_is_part_of_it() -> None:
    """The packages that this one needs, and what they need, count as well, with what Python reads at each start."""
    packages = imported_packages()
    assert {"click", "dulwich", "huggingface_hub", "platformdirs", "urllib3"} <= {os.path.basename(p) for p in packages}
    assert any(file.path.endswith("huggingface_hub/utils/_auth.py") for file in files_of(packages))


def test_the_paths_by_which_git_starts_it(program: Path, tmp_path: Path) -> None:
    """A helper of our name in git's configuration counts, wherever it is, and whatever is running now."""
    other = tmp_path / "git-credential-hf"
    other.write_text("")
    other.chmod(0o777)
    assert [each.path for each in program_weaknesses({os.geteuid()}, [str(other)])] == [str(other)]


def test_windows(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows there are no modes to look at."""
    program.chmod(0o777)
    monkeypatch.setattr(sys, "platform", "win32")
    assert program_weaknesses({0}) == []
