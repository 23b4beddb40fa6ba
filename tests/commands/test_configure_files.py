"""The files that `configure` writes: git's keeps its mode, owner and links; git finds ours; none is damaged."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import programs
import pytest
from amount import each_run
from executable import (
    ANSWER,
    HEADER,
    HUB_SECTIONS,
    INCLUDE,
    LOCAL_INCLUDE,
    OWN_FILE,
    PROGRAM,
    TOKEN,
    configured,
    files_below,
    fill,
    run,
    succeed,
)
from programs import IS_ROOT, Done, git

from git_credential_hf.configure import plan_configure, plan_unconfigure
from git_credential_hf.files import FileChange
from git_credential_hf.problem import Problem

USER = "[user]\n\tname = Alice\n\temail = alice@example.org\n"


@pytest.fixture
def file(home: Path) -> Path:
    file = home / ".gitconfig"
    file.write_text(USER)
    return file


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o664, 0o700])
def test_mode_and_owner_stay(mode: int, file: Path) -> None:
    """The file keeps its mode and, under sudo, its owner."""
    file.chmod(mode)
    if os.geteuid() == 0:
        os.chown(file, 12345, 23456)
    before = file.stat()
    for command in ("configure", "unconfigure"):
        succeed(command)
        after = file.stat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_mode_of_a_new_file(mask: int, home: Path) -> None:
    """A new file gets the mode that git gives it."""
    around = ("sh", "-c", f'umask {mask:o}; exec "$@"', "sh")
    programs.run(*around, "git", "config", "--file", home / "by git", "a.b", "c")
    assert run("configure", around=around).returncode == 0
    assert (home / ".gitconfig").stat().st_mode == (home / "by git").stat().st_mode


@pytest.mark.parametrize("target", ["dotfiles/git config", "missing"], ids=["existing", "dangling"])
def test_a_link_stays(target: str, home: Path) -> None:
    """A file in a dotfiles repository is changed there, and the link to it stays a link, there and back."""
    (home / "dotfiles").mkdir()
    (home / "dotfiles/git config").write_text(USER)
    (home / ".gitconfig").symlink_to("link")
    (home / "link").symlink_to(target)
    before = files_below(home)
    succeed("configure")
    before_target = before.get(target, b"")
    assert isinstance(before_target, bytes)
    assert files_below(home) == {
        **before,
        target: before_target + INCLUDE.encode(),
        OWN_FILE: (HEADER + HUB_SECTIONS).encode(),
    }
    assert fill() == ANSWER
    succeed("unconfigure")
    assert files_below(home) == before


@pytest.mark.parametrize("target", [".config/gitconfig", ".config/git-credential-hf-dotfiles/x", "gitconfig"])
def test_a_link_beside_our_directory(target: str, home: Path) -> None:
    """Wherever the link leads, git finds our file: it takes a relative path in an include from the link."""
    (home / target).parent.mkdir(parents=True, exist_ok=True)
    (home / target).write_text(USER)
    (home / ".gitconfig").symlink_to(home / target)
    succeed("configure")
    assert fill() == ANSWER
    succeed("unconfigure")
    assert (home / target).read_text() == USER


# --- places ---


def test_a_repository_whose_configuration_is_a_link(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool `repo` makes links into a directory of its own in `.git`: git includes what is beside the link."""
    git("init", "--quiet", "work")
    config = home / "work/.git/config"
    config.rename(home / "config of repo")
    config.symlink_to(home / "config of repo")
    before = files_below(home)
    monkeypatch.chdir(home / "work")
    succeed("configure", "--local")
    assert fill() == ANSWER
    assert succeed("configure", "--local") == ""
    succeed("unconfigure", "--local")
    assert files_below(home) == before


@pytest.mark.parametrize("kind", ["worktree", "bare", "subdirectory", "git directory"])
def test_local_scope_everywhere(kind: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--local` writes beside the configuration that all worktrees share, from wherever it is called."""
    git("init", "--quiet", *(["--bare"] if kind == "bare" else []), "main")
    shared, where = (home / "main", home / "main") if kind == "bare" else (home / "main/.git", home / "main")
    if kind == "worktree":
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        git(*identity, "commit", "--quiet", "--allow-empty", "--message", "x", cwd=where)
        git("worktree", "add", "--quiet", "../other", cwd=where)
        where = home / "other"
    elif kind == "subdirectory":
        where = home / "main/a/b"
        where.mkdir(parents=True)
    elif kind == "git directory":
        where = shared
    before = files_below(home)
    monkeypatch.chdir(where)
    succeed("configure", "--local")
    changed = {name for name, content in files_below(home).items() if before.get(name) != content}
    paths = (shared / "config", shared / "git-credential-hf/gitconfig")
    assert changed == {str(path.relative_to(home)) for path in paths}
    assert paths[0].read_text().endswith(LOCAL_INCLUDE)
    assert paths[1].stat().st_mode & 0o777 == 0o644, "git fails for other users of a repository who cannot read it"
    assert fill() == ANSWER
    assert succeed("configure", "--local") == ""
    succeed("unconfigure", "--local")
    assert files_below(home) == before


@pytest.mark.parametrize(
    ("value", "place", "include"),
    [
        ("{home}/.settings", ".settings/git-credential-hf", "~/.settings/git-credential-hf/gitconfig"),
        ("{home}/with blank", "with blank/git-credential-hf", '"~/with blank/git-credential-hf/gitconfig"'),
        ("{home}/../{name}-xdg", "../{name}-xdg/git-credential-hf", None),
        ("relative", ".config/git-credential-hf", f"~/{OWN_FILE}"),
        ("", ".config/git-credential-hf", f"~/{OWN_FILE}"),
    ],
    ids=["in the home", "with a blank", "elsewhere", "relative", "empty"],
)
def test_xdg_config_home(value: str, place: str, include: str | None, home: Path) -> None:
    """Our file is in XDG_CONFIG_HOME, unless that is relative; git finds it without that variable."""
    value, place = value.format(home=home, name=home.name), place.format(name=home.name)
    file = home / ".gitconfig"
    succeed("configure", XDG_CONFIG_HOME=value)
    if include is None:
        include = str(home.parent / f"{home.name}-xdg/git-credential-hf/gitconfig")
        assert os.path.realpath(file.read_text().split(" = ")[1].strip().replace("~", str(home))) == include
    else:
        assert file.read_text() == f"[include]\n\tpath = {include}\n"
    assert (home / place / "gitconfig").read_text() == HEADER + HUB_SECTIONS
    assert fill() == ANSWER
    assert succeed("configure", XDG_CONFIG_HOME=value) == ""
    succeed("unconfigure", XDG_CONFIG_HOME=value)
    assert not file.exists() and not (home / place).exists()


def test_git_with_its_own_xdg_file(home: Path) -> None:
    """If git's global file is `~/.config/git/config`, the line is there."""
    file = home / ".config/git/config"
    file.parent.mkdir(parents=True)
    file.write_text(USER)
    succeed("configure")
    assert files_below(home) == {
        OWN_FILE: (HEADER + HUB_SECTIONS).encode(),
        ".config/git/config": (USER + INCLUDE).encode(),
    }
    assert fill() == ANSWER
    succeed("unconfigure")
    assert files_below(home) == {".config/git/config": USER.encode()}


@pytest.mark.parametrize("home_variable", [None, "", "relative"])
def test_without_home(home_variable: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HOME git has no global configuration: an error, and nothing is written anywhere."""
    monkeypatch.chdir(home)
    for command in ("configure", "unconfigure"):
        done = run(command, HOME=home_variable)
        assert done.returncode == 1
        assert "error: HOME is not set" in done.stderr
        assert files_below(home) == {}


@pytest.mark.skipif(not IS_ROOT, reason="only root can make files of others")
def test_owner_under_sudo(home: Path) -> None:
    """If sudo keeps HOME, our file and its directories belong to the owner of the home: git would fail for them."""
    os.chown(home, 12345, 23456)
    succeed("configure")
    for path in (home / OWN_FILE, *(home / OWN_FILE).parents[:2]):
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456), path


# --- what cannot be written ---

# root without its capability to write anywhere; as another user, it could not read the program in root's home.
POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if IS_ROOT else ()


def fail(home: Path, command: str = "configure", around: tuple[str, ...] = ()) -> Done:
    """Run a command that fails with an error, prints the lines to paste (`configure`), and changes nothing."""
    before = files_below(home)
    done = run(command, around=around)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^git-credential-hf: error: \S.*[^.\n]$", done.stderr, re.MULTILINE)
    assert done.stdout == (HUB_SECTIONS if command == "configure" else "")
    assert files_below(home) == before
    assert (home / OWN_FILE).parent.exists() == (OWN_FILE in before)
    return done


@pytest.mark.parametrize("around", [(), POWERLESS], ids=["as it is", "powerless"])
def test_read_only_file(around: tuple[str, ...], home: Path, file: Path) -> None:
    """A write-protected file is not changed, by root neither."""
    file.chmod(0o444)
    assert str(file) in fail(home, around=around).stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o444


@pytest.mark.parametrize("content", [None, USER])
def test_read_only_directory(content: str | None, home: Path) -> None:
    """In a write-protected directory nothing is written."""
    if content:
        (home / ".gitconfig").write_text(content)
    home.chmod(0o555)
    try:
        fail(home, around=POWERLESS)
    finally:
        home.chmod(0o755)


def test_read_only_after_configure(home: Path) -> None:
    """`unconfigure` fails, too, and `configure` succeeds because nothing is left to do, or only in our own file."""
    succeed("configure")
    (home / ".gitconfig").chmod(0o444)
    fail(home, "unconfigure")
    succeed("configure")


def in_mount_namespace(script: str) -> tuple[str, ...]:
    around = ("unshare", "-m", "sh", "-c", f'{script} && exec "$@"', "sh")
    tried = programs.run(*around, "true", check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespaces: {tried.stderr.strip()}")
    return around


def test_read_only_file_system(home: Path, file: Path) -> None:
    """On a read-only file system, root cannot write either."""
    fail(home, around=in_mount_namespace(f"mount --bind '{home}' '{home}' && mount -o remount,ro,bind '{home}'"))


def test_everything_is_read_only(home: Path, file: Path) -> None:
    """In a container without even a writable /tmp, the lines to paste are printed."""
    script = "for m in $(awk '{print $2}' /proc/mounts); do case $m in /proc*|/sys*|/dev*) ;; *) "
    script += "mount -o remount,ro,bind $m 2>/dev/null ;; esac; done; ! touch /tmp/x 2>/dev/null"
    fail(home, around=in_mount_namespace(script))


def test_full_disk(home: Path, file: Path) -> None:
    """On a full disk the file is not changed, nothing is left behind, and the lines to paste are printed."""
    (home / "small").mkdir()
    script = f"mount -t tmpfs -o size=16k tmpfs '{home}/small' && cp '{file}' '{home}/small/' "
    script += f"&& {{ head -c 100000 /dev/zero > '{home}/small/filler' || true; }} 2> /dev/null"
    around = in_mount_namespace(script)
    around = (*around[:-2], around[-2].replace('exec "$@"', f'"$@"; s=$?; ls -A "{home}/small" >&2; exit $s'), "sh")
    done = run("configure", around=around, GIT_CONFIG_GLOBAL=f"{home}/small/.gitconfig")
    assert (done.returncode, done.stdout) == (1, HUB_SECTIONS)
    assert "No space left" in done.stderr
    assert done.stderr.split()[-2:] == [".gitconfig", "filler"]


def test_nix_store(home: Path) -> None:
    """A link into a read-only store (Nix, home-manager) is neither replaced nor written through."""
    store = home / "store/abc-home-manager-files/.config/git"
    store.mkdir(parents=True)
    (store / "config").write_text(USER)
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/config").symlink_to(store / "config")
    (store / "config").chmod(0o444)
    store.chmod(0o555)
    try:
        for around in ((), POWERLESS):
            assert "hint: " in fail(home, around=around).stderr
    finally:
        store.chmod(0o755)


def test_not_a_file(home: Path) -> None:
    """A directory in the file's place is not changed."""
    (home / ".gitconfig").mkdir()
    fail(home)


def test_a_device_is_never_replaced(home: Path) -> None:
    """GIT_CONFIG_GLOBAL=/dev/null turns the global file off: `configure` fails, and root's /dev/null survives."""
    device = home / "null"
    try:
        os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        device.read_bytes()
    except OSError as error:
        pytest.skip(f"no devices can be made: {error}")
    done = run("configure", GIT_CONFIG_GLOBAL=str(device))
    assert stat.S_ISCHR(device.lstat().st_mode)
    assert (done.returncode, done.stdout) == (1, HUB_SECTIONS)


def test_a_change_is_whole_or_not_made(tmp_path: Path) -> None:
    """A change that fails leaves the file and its directory as they were."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    for path, before in ((file, b"something else"), (tmp_path / "no directory/file", None), (file, None)):
        with pytest.raises(Problem):
            FileChange(str(path), before, b"new").apply()
    assert files_below(tmp_path) == {"file": b"old"}


# --- other programs at the same time ---


@pytest.mark.parametrize("name", [".gitconfig", "dotfiles/config"], ids=["file", "link"])
def test_lock_of_git(name: str, home: Path) -> None:
    """While git holds its lock, neither the file nor the lock is changed; the hint removes an abandoned one."""
    file = home / name
    if name != ".gitconfig":
        file.parent.mkdir()
        (home / ".gitconfig").symlink_to(name)
    file.write_text(USER)
    lock = file.with_name(file.name + ".lock")
    lock.write_text("git's")
    done = run("configure")
    assert done.returncode == 1
    assert "is being changed by another program" in done.stderr
    assert (file.read_text(), lock.read_text()) == (USER, "git's")
    follow_hint(done)
    succeed("configure")
    succeed("unconfigure")
    assert file.read_text() == USER
    assert not lock.exists()


def follow_hint(done: Done) -> None:
    (command,) = re.findall(r"hint: .*(rm .*)", done.stderr)
    programs.run("sh", "-c", command)


def test_a_change_between_reading_and_writing(home: Path, file: Path) -> None:
    """What git writes after our plan is not lost: the change is refused."""
    own, change = plan_configure("global")
    own.apply()
    git("config", "--global", "a.b", "c")
    before = file.read_text()
    with pytest.raises(Problem, match="changed by another program"):
        change.apply()
    assert file.read_text() == before
    assert not (home / ".gitconfig.lock").exists()


@pytest.mark.parametrize("before", ["", USER])
def test_several_at_once(before: str, home: Path) -> None:
    """Of several `configure` at the same time at least one succeeds, and the lines are written once."""
    file = home / ".gitconfig"
    file.write_text(before)
    running = [
        subprocess.Popen([PROGRAM, "configure"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    results = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert 0 in [status for _, status in results]
    for errors, status in results:
        assert status == 0 or (status == 1 and "by another program" in errors), errors
    assert file.read_text().strip("\n") == (before + INCLUDE).strip("\n")
    assert (home / OWN_FILE).read_text() == HEADER + HUB_SECTIONS
    assert not [*home.rglob("*.lock")]


def kill_at(call: str, when: int = 1) -> None:
    """Kill `configure` at a call of one of these system calls, such as the first; tests/long/faults has all moments."""
    if not shutil.which("strace"):
        pytest.skip("no strace")
    around = (
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:signal=SIGKILL:when={when}",
    )
    killed = programs.run(*around, PROGRAM, "configure", check=False, HF_TOKEN=TOKEN)
    if "ptrace" in killed.stderr.lower():
        pytest.skip(killed.stderr)
    assert killed.returncode != 0, killed.stderr


KILLED_AT = [(call, when) for call in ("fsync", "fchmod", "rename,renameat,renameat2") for when in (1, 2)]


# The first of two files, the second, and between them; tests/long/faults has each call.
@pytest.mark.parametrize(("call", "when"), each_run(KILLED_AT, ("fchmod", 1), ("fsync", 2), KILLED_AT[-1]))
def test_killed_while_writing(call: str, when: int, home: Path) -> None:
    """Killed at the worst moments, `configure` leaves the old files or the new ones, whole, and a way on."""
    before = USER.encode() * 1000
    (home / ".gitconfig").write_bytes(before)
    (home / ".gitconfig").chmod(0o600)
    kill_at(call, when)
    after = files_below(home)
    locks = [name for name in after if name.endswith(".lock")]
    whole = {name: content for name, content in after.items() if name not in locks}
    new = configured(before)
    assert whole in ({".gitconfig": before}, {**new, ".gitconfig": before}, new)
    assert fill() in ("", ANSWER)
    assert "user.name=Alice" in git("config", "--list")
    for _ in locks:
        follow_hint(run("configure"))
    succeed("configure")
    assert files_below(home) == new
    succeed("unconfigure")
    assert files_below(home) == {".gitconfig": before}


def test_killed_between_the_files(home: Path) -> None:
    """If only our own file is changed, git works as before or as after; and `unconfigure` removes what is there."""
    (home / ".gitconfig").write_text(USER)
    own, line = plan_configure("global")
    own.apply()
    assert fill() == "" and succeed("unconfigure")
    assert files_below(home) == {".gitconfig": USER.encode()}
    succeed("configure")
    line, own = plan_unconfigure("global")
    line.apply()
    assert fill() == "" and succeed("unconfigure")
    assert files_below(home) == {".gitconfig": USER.encode()}


def test_a_private_file_is_never_public(file: Path, home: Path) -> None:
    """A file that only its owner may read holds passwords: its replacement is at no moment readable by others."""
    file.chmod(0o600)
    succeed("configure")
    file.write_text(USER)
    kill_at("rename")
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir() if path.is_file()} == {
        ".gitconfig": 0o600,
        ".gitconfig.lock": 0o600,
    }


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_standard_descriptors(closed: str, home: Path, file: Path) -> None:
    """With stdin, stdout or stderr closed, only our lines get into the files."""
    programs.run("sh", "-c", f'"$0" configure {closed}', PROGRAM, check=False)
    assert files_below(home) == configured(USER)


ANOTHER_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
HUB_REPOSITORY = ("-c", "remote.origin.url=https://huggingface.co/acme/model")


@pytest.mark.skipif(not IS_ROOT or not shutil.which("setpriv"), reason="needs root, and setpriv")
@pytest.mark.parametrize("arguments", [["--no-hooks"], ["--hooks"]], ids=["helper", "hooks"])
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_other_users_of_a_configuration(umask: int, arguments: list[str], home: Path, tmp_path: Path) -> None:
    """Who can read git's own file can read what it includes, as in a container that runs as any user: git works."""
    for folder in [folder for folder in (home, *home.parents, tmp_path) if "pytest-of" in str(folder)]:
        folder.chmod(0o755)
    before = os.umask(umask)
    try:
        succeed("configure", *arguments)
    finally:
        os.umask(before)
    (home / ".gitconfig").chmod(0o644)  # as git itself makes it, or an image has it
    work = tmp_path / "work"
    work.mkdir()
    os.chown(work, 65534, 65534)
    for command in (["init", "-q", "."], ["commit", "-q", "--allow-empty", "-m", "x"]):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = programs.run(*ANOTHER_USER, "git", *HUB_REPOSITORY, *identity, *command, cwd=work, check=False)
        assert done.returncode == 0, done.stderr
        assert not re.search("(?m)^(fatal|error|hint): ", done.stderr), "git's own words"
    helpers = programs.run(*ANOTHER_USER, "git", "config", "--get-all", "credential.https://hf.co.helper", cwd=work)
    assert helpers.stdout.endswith(f"{PROGRAM}\n")


@pytest.mark.parametrize("arguments", [["--no-hooks"], ["--hooks"]], ids=["helper", "hooks"])
@pytest.mark.parametrize("before", ["nothing", "configured with HOME"])
def test_a_file_that_a_variable_names_needs_no_home(arguments: list[str], before: str, home: Path) -> None:
    """A service may read the file that GIT_CONFIG_GLOBAL names without HOME: `~/` would be a fatal error of git's."""
    named = home / "of a service"
    named.write_text(USER)
    environment: dict[str, Any] = {"GIT_CONFIG_GLOBAL": str(named)}
    if before != "nothing":
        (home / ".gitconfig").symlink_to(named)
        succeed("configure", *arguments)
        assert f"path = ~/{OWN_FILE}" in named.read_text()
    assert run("configure", *arguments, **environment).returncode == 0
    found = git(*HUB_REPOSITORY, "config", "--list", HOME=None, **environment)
    assert f"include.path={home}/{OWN_FILE}" in found and f"credential.https://hf.co.helper={PROGRAM}" in found
    assert run("configure", *arguments, "--dry-run", **environment).stdout == ""
    if before != "nothing":
        assert run("configure", *arguments, "--dry-run").stdout == "", "with HOME, both are right"
        (home / ".gitconfig").unlink()
    assert run("unconfigure", **environment).returncode == 0
    assert named.read_text() == USER
