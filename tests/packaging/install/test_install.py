"""install.sh: what it puts where, that it takes all of it back, and that nothing is left of an attempt that failed.

Most tests install a stand-in for git-credential-hf (standin/) that needs no registry and fails where it is told to;
those marked `registries` install the real thing with real pip, uv and pipx.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENTS = (
    "share/man/man1/git-credential-hf.1",
    "share/bash-completion/completions/git-credential-hf",
    "share/zsh/site-functions/_git-credential-hf",
    "share/fish/vendor_completions.d/git-credential-hf.fish",
)
LONG = pytest.mark.long
SCRIPT = Path(__file__).resolve().parents[3] / "install.sh"


@pytest.fixture(params=["dash", "bash --posix", "busybox sh"])
def shell(request: pytest.FixtureRequest) -> str:
    """A shell to run install.sh with: those of Debian and Ubuntu, of macOS (in its way) and Fedora, and of Alpine."""
    name, *arguments = request.param.split()
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}")
    return " ".join([path, *arguments])


def as_root(account) -> None:
    """Let install.sh believe that it is root's."""
    account.has_script("id", "echo 0")


def as_user(account) -> None:
    """Let install.sh believe that it is not root's."""
    account.has_script("id", "echo 1000")


# --- the script itself ---


def test_shellcheck_has_nothing_to_say():
    """shellcheck, at its most talkative level, finds nothing in it as POSIX sh."""
    shellcheck = shutil.which("shellcheck") or shutil.which("shellcheck", path=Path(sys.executable).parent)
    if not shellcheck:
        pytest.skip("no shellcheck")
    done = subprocess.run([shellcheck, "--shell=sh", SCRIPT], capture_output=True, text=True)
    assert done.stdout == ""


def test_shells_can_read_it(shell):
    """It is in the language that dash, bash and busybox have in common."""
    done = subprocess.run([*shell.split(), "-n", SCRIPT], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_half_a_download_does_nothing(account, shell):
    """Cut after any tenth line, or anywhere in the last one, it does nothing but complain."""
    text = SCRIPT.read_text()
    lines = text.splitlines(keepends=True)
    parts = ["".join(lines[:end]) for end in range(0, len(lines) - 1, 10)]
    start = len(text) - len(lines[-1])
    parts += [text[:end] for end in range(start, len(text) - 2)]
    before = account.state()
    command = [*shell.split(), "-s", "--", "--no-configure"]
    for part in parts:
        done = subprocess.run(command, input=part, env=account.environment, capture_output=True, text=True)
        assert done.stdout == "", part[-200:]
    assert account.state() == before


def test_help(account):
    """--help prints the usage that the script begins with, through a pipe as well, and names each option."""
    from_file = account.installed("--help").stdout
    assert from_file == account.installed("--help", script=SCRIPT.read_text()).stdout
    assert from_file in SCRIPT.read_text()[:2500]
    for option in ("--prefix DIR", "--no-configure", "--hooks", "--uninstall", "--dry-run", "--help"):
        assert f"  {option}  " in from_file


@pytest.mark.parametrize(
    "arguments",
    [
        ["--prefix"],
        ["--prefix="],
        ["--prefix", ""],
        ["--prefix", "/"],
        ["--prefix", "a:b"],
        ["--prefix", "it's"],
        ["--prefix", "line\nline"],
        ["--unknown"],
        ["somewhere"],
        ["--hooks", "--no-configure"],
        ["--hooks", "--uninstall"],
    ],
)
def test_wrong_usage(account, arguments):
    """What it does not understand is exit status 2, with a hint, and changes nothing."""
    before = account.state()
    done = account.install(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("install.sh: error: ")
    assert done.stderr.endswith("install.sh: hint: see `install.sh --help`\n")
    assert account.state() == before


@pytest.mark.parametrize(
    ("home", "says"), [(None, "HOME is not set"), ("", "HOME is not set"), ("/no/home", "/no/home")]
)
def test_without_a_home(account, home, says):
    """Where there is no HOME it stops, and says so."""
    done = account.install(HOME=home)
    assert done.returncode == 1
    assert says in done.stderr


def test_names_the_tool_that_is_missing(account):
    """It needs nothing beyond POSIX and readlink, and names what is missing before it begins."""
    account.lacks("readlink")
    done = account.install()
    assert (done.returncode, done.stderr) == (1, "install.sh: error: readlink is not on PATH\n")


# --- what is missing on this machine ---


@pytest.mark.parametrize(
    ("manager", "missing", "remedy"),
    [
        ("apt-get", "git", "apt-get install -y --no-install-recommends git ca-certificates"),
        ("apt-get", "python", "apt-get install -y --no-install-recommends python3 python3-venv"),
        ("apt-get", "venv", "apt-get install -y --no-install-recommends python3-venv"),
        (
            "apt-get",
            "git python",
            "apt-get install -y --no-install-recommends git ca-certificates python3 python3-venv",
        ),
        ("dnf", "git python", "dnf install -y git python3"),
        ("dnf", "old", "dnf install -y python3.12"),
        ("apk", "git python", "apk add --update-cache git python3"),
    ],
)
def test_what_is_missing(account, manager, missing, remedy):
    """An ordinary user is told the exact command; for root, it is the first step of the plan."""
    account.with_venv()
    account.has_script(manager, "exit 9")
    for name in missing.split():
        {
            "git": lambda: account.lacks("git"),
            "python": lambda: account.lacks("python3"),
            "venv": lambda: account.has_script("python3", "echo 3.11.2; echo 'no venv'; echo /usr/bin/python3"),
            "old": lambda: account.has_script("python3", "echo 3.9.2; exit 3"),
        }[name]()
    before = account.state()

    as_root(account)
    done = account.installed("--dry-run")
    update = "apt-get update && " if manager == "apt-get" else ""
    assert f"  first    {update}{remedy}\n" in done.stdout

    as_user(account)
    done = account.install()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f"install.sh: hint: run `{update}{remedy}` as root, then this again\n")

    account.has_script("sudo")
    done = account.install()
    update = "sudo apt-get update && " if manager == "apt-get" else ""
    assert done.stderr.endswith(f"install.sh: hint: run `{update}sudo {remedy}`, then this again\n")
    assert account.state() == before


@pytest.mark.parametrize(
    ("programs", "hint"),
    [
        (["brew"], "run `brew install git python`, then this again"),
        ([], "run `xcode-select --install`, or install Homebrew and run this again"),
    ],
)
def test_what_is_missing_on_macos(account, programs, hint):
    """Homebrew is nobody's to run as root: the command is printed."""
    account.with_venv()
    account.has_script("uname", "echo Darwin")
    account.lacks("git", "python3")
    for program in programs:
        account.has_script(program)
    done = account.install()
    assert done.returncode == 1
    assert done.stderr.endswith(f"install.sh: hint: {hint}\n")


def test_a_python_that_is_too_old(account):
    """Where the package manager would bring the same old Python again, that is not the advice."""
    account.with_venv()
    account.has_script("apt-get")
    account.has_script("python3", "echo 3.9.2; exit 3")
    done = account.install()
    assert done.returncode == 1
    assert "missing: Python 3.10 or newer (python3 is 3.9.2)" in done.stderr
    assert "uv, which brings its own" in done.stderr


def test_a_name_that_leads_to_no_python(account):
    """The names that version managers put on PATH for Pythons that they have not got are passed over."""
    account.with_venv()
    account.has("python3.12", account.tools / "python3")
    (account.tools / "python3").rename(account.tools / "python3.10")
    account.has("python3.12", account.tools / "python3.10")
    account.has_script("python3", "echo 'python3: command not found' >&2; exit 127")
    done = account.installed("--dry-run")
    assert f"({account.tools}/python3.12)" in done.stdout


def test_root_gets_what_is_missing(account):
    """For root, the package manager is called, and the installation goes on with what it brought."""
    account.with_venv()
    as_root(account)
    git, python = (account.tools / name for name in ("git", "python3"))
    bring = " && ".join(f"ln -s {tool.readlink()} {tool}" for tool in (git, python))
    account.has_script("apt-get", f'echo "$*" >>{account.root}/apt', f"[ $1 = update ] || {{ {bring}; }}")
    account.lacks("git", "python3")
    account.installed()
    assert (account.root / "apt").read_text().splitlines() == [
        "update",
        "install -y --no-install-recommends git ca-certificates python3 python3-venv",
    ]
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"


def test_packages_that_cannot_be_had(account):
    """A package manager that fails ends it, before anything was made."""
    as_root(account)
    account.has_script("apk", "echo 'no network' >&2; exit 1")
    account.lacks("git")
    before = account.state()
    done = account.install()
    assert done.returncode == 1
    assert done.stderr == "no network\ninstall.sh: error: `apk add --update-cache git` failed\n"
    assert account.state() == before


# --- installing ---


def test_a_fresh_account(account, shell):
    """The command and hf are on PATH, git is configured, and the end is the status and the next step."""
    account.with_venv()
    if "busybox" in shell:
        account.has_only_busybox()
    before = account.state()
    done = account.installed(shell=shell)
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"
    assert account.run("hf") == "the hf of git-credential-hf\n"
    assert account.run("git", "config", "--get-all", "credential.https://huggingface.co.helper") == "hf\n"
    assert done.stdout.startswith("git-credential-hf will be installed:\n")
    assert done.stdout.endswith(
        "installed: git-credential-hf 1.0\n"
        "not installed: git-lfs, without which the large files of a repository are cloned as pointers\n"
        "\nthe status\n\n"
        "next: git clone, pull and push as usual (install.sh --uninstall undoes all this)\n"
    )
    assert done.stderr == ""
    assert account.command.is_symlink()  # to the launcher itself: a wrapper would cost time at each request of git
    assert account.command.resolve().read_text().startswith(f"#!{account.environments()[0]}/venv/bin/python")

    # and back, by way of the same shell
    account.installed("--uninstall", shell=shell)
    assert account.state() == before


def test_a_lived_in_account(account):
    """Uninstalled, every file, directory and byte of git's configuration is as it was, also where there were some."""
    home = account.home
    (home / ".local/bin").mkdir(parents=True)
    (home / ".local/bin/mine").write_text("mine")
    (home / ".local/share/empty").mkdir(parents=True)
    (home / ".gitconfig").write_text("[user]\n\tname = me   ; and no line feed at the end")
    before = account.state()
    account.installed()
    assert account.state() != before
    account.installed("--uninstall")
    assert account.state() == before


def test_what_was_put_beside_it_stays(account):
    """The uninstaller leaves what others have since put into the directories that it made, and says so."""
    account.installed()
    (account.home / ".local/bin/other").write_text("other")
    (account.home / ".local/share/git-credential-hf/notes").write_text("notes")
    done = account.installed("--uninstall")
    left = [path for path in account.home.rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == ["notes", "other"]
    assert "stays" in done.stderr


def test_a_second_run_upgrades(account):
    """The second run replaces the program and leaves one environment; git's configuration stays as it is."""
    account.installed()
    first, config = account.environments(), (account.home / ".gitconfig").read_bytes()
    project = account.checkout / "pyproject.toml"
    project.write_text(project.read_text().replace('"1.0"', '"1.1"'))
    done = account.installed()
    assert done.stdout.startswith("git-credential-hf is installed here and will be upgraded:\n")
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.1\n"
    assert account.run("hf") == "the hf of git-credential-hf\n"
    assert len(account.environments()) == 1
    assert account.environments() != first
    assert (account.home / ".gitconfig").read_bytes() == config


def test_through_a_pipe(account, shell):
    """Piped into a shell, it installs from the index (a directory here), even if it is called in a checkout."""
    prefix, wheels = account.home / "elsewhere", wheelhouse(account)
    done = account.installed(
        "--prefix",
        str(prefix),
        script=SCRIPT.read_text() + "\necho never >never\n",
        shell=shell,
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=wheels,
        UV_OFFLINE="1",
        UV_FIND_LINKS=wheels,
    )
    assert "  from     PyPI\n" in done.stdout
    assert account.run(str(prefix / "bin/git-credential-hf"), "--version") == "git-credential-hf 1.0\n"
    assert not (account.home / "never").exists()


def wheelhouse(account) -> str:
    """A directory with the stand-in's wheel."""
    wheels = account.root / "wheels"
    wheels.mkdir()
    build = f"import backend; backend.build_wheel({str(wheels)!r})"
    subprocess.run([sys.executable, "-B", "-c", build], cwd=account.checkout, check=True)
    return str(wheels)


def test_no_configure(account):
    """--no-configure keeps away from git's configuration, in both directions, and says what to run."""
    done = account.installed("--no-configure")
    assert not (account.home / ".gitconfig").exists()
    assert done.stdout.endswith("next: git-credential-hf configure\n")
    account.run("git-credential-hf", "configure")
    account.installed("--uninstall", "--no-configure")
    assert "helper = hf" in (account.home / ".gitconfig").read_text()
    assert not (account.home / ".local").exists()


@pytest.mark.parametrize("name", ["with two blanks", "long" * 40, 'do$lar "quo`ted', "ümläut"])
def test_prefixes_of_all_kinds(account, name):
    """A prefix that the kernel could not read in a script's first line, or that a shell could misread, will do."""
    if name.startswith(("with", "long")):
        account.with_venv()  # uv takes care of these itself
    prefix = account.home / name
    done = account.installed("--prefix", name)  # relative to where we are
    assert account.run(str(prefix / "bin/git-credential-hf"), "--version") == "git-credential-hf 1.0\n"
    assert f"{prefix}/bin is not on PATH" in done.stdout
    account.installed("--uninstall", f"--prefix={account.home}/./{name}/")
    assert not prefix.exists()


def test_a_prefix_by_another_name(account):
    """A second run finds what the first one made, also by way of a symbolic link."""
    (account.home / "disk").mkdir()
    (account.home / "link").symlink_to("disk")
    account.installed("--prefix", "link/local")
    done = account.installed("--prefix", "disk/local", "--uninstall")
    assert "removed" in done.stdout
    assert not (account.home / "disk/local").exists()


def test_bin_on_another_disk(account):
    """~/.local/bin may be a link to anywhere, and on PATH by either name."""
    (account.home / "scripts").mkdir()
    (account.home / ".local").mkdir()
    (account.home / ".local/bin").symlink_to(account.home / "scripts")
    before = account.state()
    done = account.installed(PATH=f"{account.home}/scripts:{account.tools}")
    assert "is not on PATH" not in done.stdout
    assert (account.home / "scripts/git-credential-hf").exists()
    account.installed("--uninstall")
    assert account.state() == before


def test_a_command_that_is_not_ours(account):
    """A git-credential-hf that install.sh has not put there is not overwritten, and not uninstalled."""
    account.command.parent.mkdir(parents=True)
    for make in (lambda: account.command.write_text("theirs"), lambda: account.command.symlink_to("/usr/bin/theirs")):
        account.command.unlink(missing_ok=True)
        make()
        before = account.state()
        done = account.install()
        assert done.returncode == 1
        assert "is not install.sh's" in done.stderr
        done = account.installed("--uninstall")
        assert done.stdout.startswith("git-credential-hf is not installed in ")
        assert account.state() == before


def test_a_directory_that_is_not_ours(account):
    """Files that others keep where the environment belongs are not touched."""
    theirs = account.home / ".local/share/git-credential-hf/theirs"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    before = account.state()
    done = account.install()
    assert done.returncode == 1
    assert "is not install.sh's" in done.stderr
    assert account.state() == before


def test_hf_only_where_there_is_none(account):
    """Its own hf is linked where none is on PATH; one that is there, or in bin and not ours, is left alone."""
    account.has_script("hf", "echo theirs")
    account.installed()
    assert not account.hf.is_symlink()
    account.lacks("hf")
    account.installed()
    assert account.run("hf") == "the hf of git-credential-hf\n"
    account.has_script("hf", "echo theirs")
    account.installed()  # ours stays: somebody may rely on it by now
    assert account.run("hf") == "the hf of git-credential-hf\n"
    account.installed("--uninstall")
    assert account.run("hf") == "theirs\n"

    account.lacks("hf")
    account.hf.parent.mkdir(parents=True)
    account.hf.write_text("theirs")
    account.installed()
    account.installed("--uninstall")
    assert account.hf.read_text() == "theirs"


def test_not_on_path(account):
    """Where bin is not on PATH it prints the line that puts it there, and next steps that work without."""
    done = account.installed("--no-configure", PATH=str(account.tools), SHELL="/bin/zsh")
    line = f"""  echo 'export PATH="{account.home}/.local/bin:$PATH"' >>~/.zshrc\n"""
    assert line in done.stdout
    assert done.stdout.endswith(f"next: {account.command} configure\n")
    account.run("sh", "-c", line)
    assert account.run("sh", "-c", ". ~/.zshrc; git-credential-hf --version", PATH=str(account.tools))


def test_another_one_comes_first(account):
    """A git-credential-hf that git would find before this one is pointed out."""
    account.has_script("git-credential-hf", "echo theirs")
    done = account.installed(PATH=f"{account.tools}:{account.home}/.local/bin")
    assert done.stderr == (
        f"install.sh: warning: another git-credential-hf may come first on PATH: {account.tools}/git-credential-hf\n"
    )


def test_manual_and_completions(account):
    """They are linked to where man and the shells look for what belongs to a command in bin, and go with it."""
    before = account.state()
    sources = (account.checkout / "pyproject.toml").read_text()
    for version in ("1.0", "2.0"):
        (account.checkout / "pyproject.toml").write_text(sources.replace('version = "1.0"', f'version = "{version}"'))
        account.installed()
        for document in DOCUMENTS:
            assert (account.home / ".local" / document).read_text() == f"what {version} says\n"
    (account.checkout / "pyproject.toml").write_text(sources)
    account.installed("--uninstall")
    assert account.state() == before


def test_a_manual_that_is_not_ours(account):
    """What lies where the manual or a completion would be linked stays, and is no reason to fail."""
    page = account.home / ".local/share/man/man1/git-credential-hf.1"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    (account.home / ".local/share/zsh").write_text("a file")
    before = account.state()
    account.installed()
    assert page.read_text() == "mine"
    account.installed("--uninstall")
    assert account.state() == before


def test_hooks(account):
    """--hooks is handed on to `configure`."""
    account.installed("--hooks", STANDIN="hooks")
    assert "helper = hf with hooks" in (account.home / ".gitconfig").read_text()


def test_a_hostile_environment(account):
    """Settings for other Pythons, other environments and other projects neither break it nor get into it."""
    account.with_venv()
    trap = account.home / "trap"
    trap.mkdir()
    for module in ("pip", "venv", "ensurepip", "sitecustomize", "re"):
        (trap / f"{module}.py").write_text(f"raise SystemExit('the trap was imported as {module}')")
    shutil.copytree(trap, account.home, dirs_exist_ok=True)  # that is where install.sh is called
    (account.home / "uv.toml").write_text("nonsense")
    done = account.installed(
        PYTHONPATH=str(trap),
        PYTHONHOME="/nowhere",
        PIP_USER="1",
        PIP_TARGET=str(trap),
        PIP_PREFIX=str(trap),
        PIP_REQUIRE_VIRTUALENV="1",
        PIP_NO_COMPILE="1",
        VIRTUAL_ENV=str(trap),
        CDPATH=str(trap),
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert done.stderr == ""
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"
    account.installed("--uninstall", PYTHONPATH=str(trap), PYTHONHOME="/nowhere")
    assert not (account.home / ".local").exists()


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_umask(account, umask):
    """The account's umask is respected, and none breaks it."""
    old = os.umask(umask)
    try:
        account.installed()
    finally:
        os.umask(old)
    assert account.environments()[0].stat().st_mode & 0o777 == 0o777 & ~umask
    assert account.run("git-credential-hf", "--version")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a home away")
def test_sudo_with_the_home_of_another(account):
    """`sudo` that keeps HOME would leave files of root in it: refused."""
    os.chown(account.home, 65534, 65534)
    before = account.state()
    done = account.install(SUDO_USER="somebody")
    assert done.returncode == 1
    assert done.stderr.endswith("install.sh: hint: run it without sudo\n")
    assert account.state() == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_no_permission(account):
    """An ordinary user who may not write there is told before anything is tried."""
    (account.home / ".local").mkdir()
    account.user = 65534
    account.lacks("python3")  # ours may be out of this user's reach
    account.has_script("python3", "echo 3.11.2; echo venv; echo /usr/bin/python3")
    done = account.install()
    assert done.returncode == 1
    assert done.stderr == (
        f"install.sh: error: no permission to write in {account.home}/.local\n"
        "install.sh: hint: choose another place with `--prefix DIR`\n"
    )


# --- dry runs, failures, interruptions ---


def test_dry_run(account):
    """--dry-run prints the plan and changes nothing, for installing, upgrading and removing."""
    before = account.state()
    done = account.installed("--dry-run")
    assert done.stdout.splitlines() == [
        "git-credential-hf will be installed:",
        f"  from     {account.checkout}",
        f"  with     {account.tool} and Python {sys.version.split()[0]} ({account.tools}/python3)",
        f"  into     {account.home}/.local/share/git-credential-hf",
        f"  command  {account.command}",
        f"  hf       {account.hf}",
        f"  manual   {account.home}/.local/share/man, and completions for bash, zsh and fish beside it",
        "  git      git-credential-hf configure",
        "",
    ]
    assert account.state() == before

    account.installed()
    before = account.state()
    done = account.installed("--uninstall", "--dry-run")
    assert done.stdout.splitlines() == [
        "git-credential-hf will be removed:",
        "  git      git-credential-hf unconfigure",
        f"  link     {account.command}",
        f"  link     {account.hf}",
        *(f"  link     {account.home}/.local/{document}" for document in DOCUMENTS),
        f"  program  {account.home}/.local/share/git-credential-hf",
        "",
    ]
    assert "will be upgraded" in account.installed("--dry-run").stdout
    assert account.state() == before


@pytest.mark.parametrize(("step", "tool"), [("build", "venv"), ("build", "uv"), ("version", "uv"), ("configure", "uv")])
def test_a_failure_leaves_nothing(account, step, tool):
    """Whichever step fails: a fresh account is as before, and what was installed goes on working."""
    if tool == "venv":
        account.with_venv()
    before = account.state()
    done = account.install(STANDIN=f"{step}-fails")
    assert done.returncode == 1
    assert f"{step} was told to fail" in done.stderr
    assert "\ninstall.sh: error: " in done.stderr
    assert account.state() == before

    account.installed()
    before = account.state()
    assert account.install(STANDIN=f"{step}-fails").returncode == 1
    assert account.state() == before
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"


def test_an_index_that_is_not_there(account):
    """A failure of pip to reach its index leaves nothing, and its last words are shown."""
    account.with_venv()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    before = account.state()
    done = account.install(script=SCRIPT.read_text(), PIP_INDEX_URL=f"http://127.0.0.1:{port}/", PIP_RETRIES="0")
    assert done.returncode == 1
    assert "No matching distribution found for git-credential-hf" in done.stderr
    assert account.state() == before


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "upgrade"])
@pytest.mark.parametrize(
    ("step", "sent", "to_group", "status"),
    [
        ("build", signal.SIGINT, True, 130),
        ("build", signal.SIGTERM, False, 143),
        ("build", signal.SIGHUP, False, 129),
        ("configure", signal.SIGINT, True, 130),
    ],
    ids=["build-ctrl-c", "build-term", "build-hup", "configure-ctrl-c"],
)
def test_an_interruption_leaves_nothing(account, fresh, shell, step, sent, to_group, status):
    """Ctrl-C, or a signal, ends it at once; all is as before, git's configuration too, and nothing runs on."""
    if sent == signal.SIGTERM and fresh:
        account.with_venv()  # pip starts processes of its own
    if not fresh:
        account.installed()
    before = account.state()
    process = account.start(step, shell)
    (os.killpg if to_group else os.kill)(process.pid, sent)
    said = process.communicate(timeout=20)
    assert process.returncode == status, said
    assert said[1].endswith("install.sh: interrupted\n")
    assert account.state() == before
    assert account.left_behind() == set()


def test_after_a_kill(account):
    """What SIGKILL left behind does not stand in the way, and is gone after the next run."""
    before = account.state()
    for arguments in ([], ["--uninstall", "--no-configure"]):
        process = account.start("build")
        done = account.install()
        assert done.returncode == 1
        assert f"another install.sh (process {process.pid}) is at work" in done.stderr

        account.kill()
        assert account.state() != before
        account.installed(*arguments)
        if not arguments:
            assert len(account.environments()) == 1
            account.installed("--uninstall")
        assert account.state() == before


# --- uninstalling ---


def test_nothing_to_uninstall(account):
    """Where nothing is installed, the uninstaller says so, and that is no failure."""
    before = account.state()
    done = account.installed("--uninstall")
    assert done.stdout == f"git-credential-hf is not installed in {account.home}/.local\n"
    assert account.state() == before


def test_uninstall_names_what_it_removed(account):
    """It says what it removed; twice is once."""
    account.installed()
    done = account.installed("--uninstall")
    for path in (account.command, account.hf, account.home / ".local/share/git-credential-hf"):
        assert f"removed {path}\n" in done.stdout
    assert account.installed("--uninstall").stdout.startswith("git-credential-hf is not installed in ")


def test_uninstalling_a_program_that_no_longer_runs(account):
    """Without the program nobody can undo git's configuration: it stops before it removes anything."""
    account.installed()
    for python in account.environments()[0].glob("venv/bin/python*"):
        python.unlink()
    before = account.state()
    done = account.install("--uninstall")
    assert done.returncode == 1
    assert "run install.sh once more to mend it, or leave that out with `--no-configure`" in done.stderr
    assert account.state() == before
    account.installed()
    account.installed("--uninstall")
    assert list(account.home.iterdir()) == []


def test_an_uninstallation_that_fails(account):
    """Where `unconfigure` fails nothing is removed, so that it can be done again."""
    account.installed()
    before = account.state()
    done = account.install("--uninstall", STANDIN="unconfigure-fails")
    assert done.returncode == 1
    assert account.state() == before


# --- the real thing ---


@pytest.mark.registries
@pytest.mark.parametrize("tool", ["venv", "uv", "pipx"])
def test_the_real_thing(real_account, installers, tool):
    """From a checkout, with each of the tools: git gets the token; gone again without a trace."""
    account = real_account
    if tool != "venv":
        account.has(tool, installers / tool)
    before = account.state()
    done = account.installed()
    assert f"  with     {tool} and Python" in done.stdout
    assert done.stdout.endswith("next: hf auth login\n")
    assert "nobody is logged in" in done.stderr

    request = "protocol=https\nhost=huggingface.co\n\n"
    answer = account.run("git", "credential", "fill", stdin=request, HF_TOKEN="hf_canary", GIT_TERMINAL_PROMPT="0")
    assert "password=hf_canary\n" in answer
    assert account.run("hf", "version", HF_HUB_DISABLE_UPDATE_CHECK="1", HF_HOME=str(account.root / "hf"))

    package = next(account.command.resolve().parent.parent.glob("lib/python*/site-packages/git_credential_hf"))
    for document in DOCUMENTS:
        assert (account.home / ".local" / document).stat().st_size
    assert list(package.glob("__pycache__/__main__.*.pyc")), "not compiled: each start of root's would take longer"
    assert account.command.resolve().read_text().startswith(f"#!{account.command.resolve().parent}/python")

    account.installed("--uninstall")
    assert account.state() == before


@pytest.mark.registries
@pytest.mark.parametrize("tool", [pytest.param("venv", marks=LONG), "uv", pytest.param("pipx", marks=LONG)])
def test_a_second_run_with_changed_sources(real_account, installers, tool):
    """An upgrade from a checkout brings its sources of today, also where pyproject.toml has not changed."""
    account = real_account
    if tool != "venv":
        account.has(tool, installers / tool)
    account.installed()
    (account.checkout / "git_credential_hf/__init__.py").write_text('__version__ = "99.1"\n')
    done = account.installed()
    assert "installed: git-credential-hf 99.1\n" in done.stdout
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 99.1\n"


@pytest.mark.registries
def test_a_prefix_with_blanks_that_is_not_on_path(real_account, installers):
    """git, too, calls the command by a path with blanks in it."""
    account = real_account
    account.has("uv", installers / "uv")
    before = account.state()
    account.installed("--prefix", "a b/c d")
    request = "protocol=https\nhost=huggingface.co\n\n"
    answer = account.run("git", "credential", "fill", stdin=request, HF_TOKEN="hf_canary", GIT_TERMINAL_PROMPT="0")
    assert "password=hf_canary\n" in answer
    account.installed("--prefix", "a b/c d", "--uninstall")
    assert account.state() == before


@pytest.mark.registries
@pytest.mark.parametrize("tool", [pytest.param("venv", marks=LONG), "uv"])
def test_the_real_thing_through_a_pipe(real_account, installers, tool):
    """Piped into sh, the package comes from the index, and the account's own sources of packages are respected."""
    account = real_account
    wheels = account.root / "wheels"
    build = ["wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, account.checkout]
    subprocess.run(
        [installers / "python", "-m", "pip", *build], check=True, env=os.environ | account.environment, cwd=account.root
    )
    if tool == "uv":
        account.has("uv", installers / "uv")
    links = f"{wheels} {account.environment.get('PIP_FIND_LINKS', '')}".strip()
    done = account.installed(script=SCRIPT.read_text(), PIP_FIND_LINKS=links, UV_FIND_LINKS=str(wheels))
    assert "  from     PyPI\n" in done.stdout
    assert account.run("git-credential-hf", "--version").startswith("git-credential-hf ")


@pytest.mark.registries
@pytest.mark.skipif(os.getuid() != 0, reason="for root, who becomes an ordinary user here")
@pytest.mark.parametrize("tool", ["venv", pytest.param("uv", marks=LONG)])
def test_a_checkout_that_is_read_only(real_account, installers, tmp_path, tool):
    """An ordinary user installs from a checkout that is not theirs to write to, and nothing is written to it."""
    account = real_account
    account.user = 65534
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no Python that another user can reach")
    account.has("python3", "/usr/bin/python3")
    if tool == "uv":
        shutil.copy((installers / "uv").resolve(), account.root / "uv")
        account.has("uv", account.root / "uv")
    for directory in (account.home, account.runtime, account.tmp):
        os.chown(directory, account.user, account.user)
    before = account.state()
    for name in ("PIP_CACHE_DIR", "UV_CACHE_DIR"):
        del account.environment[name]
    account.installed()
    assert account.run("git-credential-hf", "--version")
    account.installed("--uninstall")
    assert account.state() == before


@pytest.mark.registries
def test_uv_brings_its_own_python_or_nothing(real_account, installers):
    """With uv and no Python at all: uv's own, inside of the environment; where it cannot be had, nothing is left."""
    account = real_account
    account.has("uv", installers / "uv")
    account.lacks("python3")
    before = account.state()
    done = account.install(
        UV_PYTHON_INSTALL_MIRROR="http://127.0.0.1:1", UV_HTTP_RETRIES="0", UV_PYTHON_PREFERENCE="only-managed"
    )
    assert done.returncode == 1
    assert account.state() == before
