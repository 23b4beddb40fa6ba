"""install.sh: what it puts where, that it removes all of it, and that a run that fails changes nothing.

Most tests install a stand-in for git-credential-hf (standin/) that needs no registry and fails when it is told to;
those marked `registries` install the real package with real pip and uv.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from amount import IS_LONG, each_run, some
from ready_venv import python_with_ready_venv

from .conftest import Account

DOCUMENTS = (
    "share/man/man1/git-credential-hf.1",
    "share/bash-completion/completions/git-credential-hf",
    "share/zsh/site-functions/_git-credential-hf",
    "share/fish/vendor_completions.d/git-credential-hf.fish",
)
ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")


SHELLS = ("dash", "bash --posix", "busybox sh")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    """A shell to run install.sh with: those of Debian and Ubuntu, of macOS (in its way) and Fedora, and of Alpine."""
    name, *arguments = request.param.split()
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name}")
    return " ".join([path, *arguments])


# --- the script itself ---


def test_half_a_download_does_nothing(account: Account, shell: str) -> None:
    """Cut after any line (each 40th; in a long run, each tenth), or in the last one, it does nothing but complain."""
    script = account.script
    lines = script.splitlines(keepends=True)
    parts = ["".join(lines[:end]) for end in range(0, len(lines) - 1, 10 if IS_LONG else 40)]
    parts += [script[:end] for end in range(len(script) - len(lines[-1]), len(script) - 2)]
    before = account.state()
    for part in parts:
        assert account.install("--no-configure", script=part, shell=shell).stdout == "", part[-200:]
    assert account.state() == before


def test_help(account: Account) -> None:
    """--help prints the usage that the script begins with, through a pipe as well."""
    printed = account.installed("--help").stdout
    assert printed == account.installed("--help", script=account.script).stdout
    assert printed in account.script[:2000]


@pytest.mark.parametrize("arguments", [["--prefix"], ["--prefix="], ["--unknown"], ["somewhere"]])
def test_wrong_usage(account: Account, arguments: list[str]) -> None:
    """What it does not understand is exit status 2, with a hint, and changes nothing."""
    before = account.state()
    done = account.install(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("install.sh: hint: see `install.sh --help`\n")
    assert account.state() == before


# --- what is missing on this machine ---


@pytest.mark.parametrize(
    ("manager", "missing", "remedy"),
    [
        ("apt-get", "git", "apt-get install -y git"),
        ("apt-get", "git python3", "apt-get install -y git python3-venv"),
        ("dnf", "python3", "dnf install -y python3.12"),
        ("apk", "git python3", "apk add --update-cache git python3"),
        ("brew", "git python3", "brew install git python3"),
    ],
)
def test_what_is_missing(account: Account, manager: str, missing: str, remedy: str) -> None:
    """An ordinary user is told the exact command, git-lfs included; for root, it is the first step of the plan."""
    account.lacks("uv")
    account.has_script(manager, "exit 9")
    account.lacks(*missing.split())
    before = account.state()
    account.has_script("id", "echo 1000")
    done = account.install()
    assert (done.returncode, done.stdout) == (1, "")
    sudo = "" if manager == "brew" else "sudo "
    assert done.stderr.endswith(f"install.sh: hint: run `{sudo}{remedy} git-lfs`, then this again\n")
    if sudo:
        account.has_script("id", "echo 0")
        assert f"  first        {remedy}\n" in account.installed("--dry-run").stdout
        done = account.install()
        assert done.returncode == 1
        assert "` failed\n" in done.stderr
    assert account.state() == before


def test_root_gets_what_is_missing(account: Account) -> None:
    """For root, the package manager is called, and the installation goes on with what it installed."""
    account.lacks("uv")
    account.has_script("id", "echo 0")
    git, python = (account.tools / name for name in ("git", "python3"))
    bring = " && ".join(f"ln -s {tool.readlink()} {tool}" for tool in (git, python))
    account.has_script("apt-get", f'echo "$*" >>{account.root}/apt', f"[ $1 = update ] || {{ {bring}; }}")
    account.lacks("git", "python3")
    account.installed()
    commands = ["update", "install -y git python3-venv", "install -y git-lfs"]
    assert (account.root / "apt").read_text().splitlines() == commands
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"


def test_a_python_that_will_not_do(account: Account) -> None:
    """A Python that is too old, or a version manager's name for none, is passed over."""
    account.lacks("uv")
    (account.tools / "python3").rename(account.tools / "python3.12")
    account.has_script("python3", "echo 'python3: command not found' >&2; exit 127")
    account.installed()
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"


# --- installing ---


NEXT = [
    (shell, *row)
    for shell in SHELLS
    for row in (("not-logged-in", ""), ("rejected", "error: the Hub rejects the token\n"))
]


# Each shell gets to the end in test_a_fresh_account.
@pytest.mark.parametrize(("shell", "told", "warned"), each_run(NEXT, NEXT[0], NEXT[-1]), indirect=["shell"])
def test_one_next_step(account: Account, shell: str, told: str, warned: str) -> None:
    """It ends with the one command that is next; that nobody is logged in yet is no error."""
    done = account.installed(shell=shell, STANDIN=told)
    assert done.stdout.endswith("git-credential-hf 1.0 is installed\nnext: run `git-credential-hf login`\n")
    assert done.stderr.endswith(warned) and "hint" not in done.stderr
    assert ("error" in done.stderr) == bool(warned)


def test_a_fresh_account(account: Account, shell: str) -> None:
    """The command, hf and the documents are there, git is configured, the end is the next step; and all of it goes."""
    if "dash" in shell:
        account.lacks("uv")
    if "busybox" in shell:
        for tool in {path.name for path in account.tools.iterdir()} - {"git", "python3", "uv"}:
            account.has(tool, shutil.which("busybox"))
    before = account.state()
    done = account.installed(shell=shell)
    assert done.stdout.startswith("git-credential-hf will be installed:\n")
    assert done.stdout.endswith(
        "git-credential-hf 1.0 is installed\nthe status\nnext: use git clone, pull and push as usual\n"
    )
    assert done.stderr == ""
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"
    assert account.run("hf") == "the hf of git-credential-hf\n"
    assert account.run("git", "config", "--get-all", "credential.https://huggingface.co.helper") == "hf\n"
    # the launcher itself: a wrapper would cost time at each request of git
    assert account.command.resolve().read_text().startswith(f"#!{account.environments()[0]}/bin/python")

    account.installed("--uninstall", shell=shell)
    assert account.state() == before


def test_a_second_run_upgrades(account: Account) -> None:
    """The second run replaces the program and its documents and leaves one environment."""
    account.installed()
    first, config = account.environments(), (account.home / ".gitconfig").read_bytes()
    project = account.checkout / "pyproject.toml"
    project.write_text(project.read_text().replace('"1.0"', '"1.1"'))
    assert "will be upgraded" in account.installed().stdout
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.1\n"
    for document in DOCUMENTS:
        assert (account.home / ".local" / document).read_text() == "what 1.1 says\n"
    assert len(account.environments()) == 1
    assert account.environments() != first
    assert (account.home / ".gitconfig").read_bytes() == config


def test_a_lived_in_account(account: Account) -> None:
    """Files and links of the user's are not replaced or removed, and git's configuration is as it was, to the byte."""
    local = account.home / ".local"
    (account.home / "scripts").mkdir()
    local.mkdir()
    (local / "bin").symlink_to(account.home / "scripts")
    for name in ("bin/hf", DOCUMENTS[0], "share/zsh"):  # a file also where a directory would be created
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_text("mine")
    (local / "share/empty").mkdir()
    (account.home / ".gitconfig").write_text("[user]\n\tname = me   ; and no line feed at the end")
    before = account.state()
    assert account.installed(PATH=f"{account.home}/scripts:{account.tools}").stderr == ""
    later = local / "share/fish/later"
    later.write_text("put there after the installation")
    account.installed("--uninstall")
    assert later.exists()
    shutil.rmtree(later.parent)
    assert account.state() == before


def test_through_a_pipe(account: Account, shell: str) -> None:
    """Piped into a shell, it installs from the index (a directory here), even if it is called in a checkout."""
    wheels = account.root / "wheels"
    wheels.mkdir()
    build = f"import backend; backend.build_wheel({str(wheels)!r})"
    subprocess.run([sys.executable, "-B", "-c", build], cwd=account.checkout, check=True)
    shutil.copytree(account.checkout, account.home, dirs_exist_ok=True)
    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "UV_OFFLINE": "1", "UV_FIND_LINKS": str(wheels)}
    done = account.installed(script=account.script + "\necho never >never\n", shell=shell, **index)
    assert "  from         PyPI, with uv\n" in done.stdout
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"
    assert not (account.home / "never").exists()


def test_no_configure(account: Account) -> None:
    """--no-configure leaves git's configuration alone, in both directions, and prints what to run."""
    done = account.installed("--no-configure")
    assert not (account.home / ".gitconfig").exists()
    assert done.stdout.endswith(f"next: {account.command} configure\n")
    account.run("git-credential-hf", "configure")
    account.installed("--uninstall", "--no-configure")
    assert "helper = hf" in (account.home / ".gitconfig").read_text()
    assert not (account.home / ".local").exists()


def test_prefixes(account: Account) -> None:
    """A prefix may be relative, have any other name, and be a link; a second run knows it by each of its names."""
    name = "do$lar-\"quo`ted'-ümläut"
    (account.home / "disk").mkdir()
    (account.home / "link").symlink_to("disk")
    before = account.state()
    account.installed("--prefix", f"link/{name}")
    for prefix in (f"disk/../link/./{name}/", f"{account.home}/disk/{name}"):
        assert "will be upgraded" in account.installed(f"--prefix={prefix}").stdout
        assert account.run(f"{account.home}/disk/{name}/bin/git-credential-hf", "--version")
    account.installed("--uninstall", "--prefix", f"disk/{name}")
    assert account.state() == before


def test_a_prefix_that_cannot_be_used(account: Account) -> None:
    """Where nothing can be written, or no script could run, it stops at once, with a reason."""
    (account.home / "file").write_text("")
    before = account.state()
    for prefix, reason in {"file/x": "error: cannot create ", "a b": "with a space", "a:b": "or a colon"}.items():
        done = account.install("--prefix", prefix)
        assert done.returncode == 1
        assert reason in done.stderr
        assert account.state() == before


@pytest.mark.parametrize("make", [lambda path: path.write_text("theirs"), lambda path: path.symlink_to("/theirs")])
def test_a_command_that_was_there_before(account: Account, make: Callable[[Path], object]) -> None:
    """A git-credential-hf that install.sh did not put there is not overwritten, and not uninstalled."""
    account.command.parent.mkdir(parents=True)
    make(account.command)
    before = account.state()
    done = account.install()
    assert done.returncode == 1
    assert "was not installed by install.sh" in done.stderr
    done = account.installed("--uninstall")
    assert done.stdout == f"git-credential-hf is not installed in {account.home}/.local\n"
    assert account.state() == before


def test_hf_only_if_there_is_none(account: Account) -> None:
    """Its own hf is linked if there is none on PATH."""
    for has_hf in (True, False):
        account.has_script("hf", "echo theirs") if has_hf else account.lacks("hf")
        account.installed()
        assert account.hf.is_symlink() is not has_hf


def test_not_on_path(account: Account) -> None:
    """If bin is not on PATH, or another git-credential-hf comes first there, it says so."""
    bin = account.command.parent
    assert account.installed(PATH=str(account.tools)).stderr == (
        f"install.sh: warning: {bin} is not on PATH\n"
        'install.sh: hint: run `export PATH="$HOME/.local/bin:$PATH"` in each shell\n'
    )
    account.has_script("git-credential-hf", "echo theirs")
    done = account.installed(PATH=f"{account.tools}:{bin}")
    assert done.stderr == f"install.sh: warning: {account.tools}/git-credential-hf comes first on PATH\n"


# A shell by its SHELL; how it is started anew; and what the advice ends with.
ADVISED: dict[str, tuple[list[str], str]] = {
    "bash": (["bash", "-i"], "then open a new terminal"),
    "zsh": (["zsh", "-i"], "then open a new terminal"),
    "fish": (["fish"], ""),
    "dash": (["dash", "-l"], "then log in again"),
    "": ([], "in each shell"),
    "tcsh": ([], "in each shell"),
}


ADVICE = [(shell, None) for shell in ADVISED] + [(shell, "its'$own!") for shell in ADVISED]


@pytest.mark.parametrize(("shell", "prefix"), each_run(ADVICE, *ADVICE[:5], ADVICE[6]))
def test_the_advice_for_path(account: Account, shell: str, prefix: str | None) -> None:
    """Pasted into that shell, the advice puts the command on PATH: in the next one, or in this one if it says so."""
    again, end = ADVISED[shell]
    program = shutil.which(shell or "sh")
    if shell and again and not program:
        pytest.skip(f"no {shell}")
    arguments = ["--prefix", str(account.home / prefix)] if prefix else []
    said = account.installed(*arguments, PATH=str(account.tools), SHELL=f"/bin/{shell}" if shell else "").stderr
    found = re.fullmatch(r"install.sh: warning: .* is not on PATH\ninstall.sh: hint: run `(.*)`(.*)\n", said)
    assert found, said
    command, then = found.groups()
    ours, system = "git-credential-hf", {"PATH": str(account.tools), "TERM": "dumb"}
    started = [program] if again else ["sh"]
    find = f"{command} ; command -v {ours}"
    if prefix or not again:
        assert "shell" in then
    else:
        assert then.removeprefix(", ") == end
        if shell != "fish":
            account.run(*started, "-c", command, **system)
            started, find = [str(program), *again[1:]], f"command -v {ours}"
    bin = account.home / prefix / "bin" if prefix else account.command.parent
    assert account.run(*started, "-c", find, **system).strip().splitlines()[-1] == f"{bin}/{ours}"


def test_git_lfs(account: Account) -> None:
    """Root gets git-lfs, too; if there is none to be had, everything else is installed all the same."""
    account.has_script("apt-get", f'echo "$*" >>{account.root}/apt', "[ $1 = update ]")
    account.has_script("id", "echo 1000")
    account.installed()
    assert not (account.root / "apt").exists()
    account.has_script("id", "echo 0")
    assert "  then         apt-get install -y git-lfs\n" in account.installed("--dry-run").stdout
    done = account.installed()
    assert (account.root / "apt").read_text().splitlines() == ["update", "install -y git-lfs"]
    assert "install.sh: warning: `apt-get install -y git-lfs` failed\n" in done.stderr
    account.has_script("git-lfs")
    account.installed()
    assert (account.root / "apt").read_text().count("\n") == 2


def test_nothing_of_the_current_directory_runs(account: Account) -> None:
    """Settings and modules for other environments, in variables or in the current directory, are ignored."""
    account.lacks("uv")
    account.has("python3", sys._base_executable)  # type: ignore[attr-defined]  # its own venv and ensurepip
    trap = account.home
    for module in ("pip", "venv", "ensurepip", "sitecustomize", "re"):
        (trap / f"{module}.py").write_text(f"raise SystemExit('the trap was imported as {module}')")
    for program in ("git", "python3", "uv", "grep", "git-credential-hf"):
        (trap / program).write_text(f"#!/bin/sh\necho 'the trap was run as {program}' >&2\nexit 1\n")
        (trap / program).chmod(0o755)
    done = account.installed(
        PATH=f"{account.command.parent}:{account.tools}:.:",
        PYTHONPATH=str(trap), PYTHONHOME="/nowhere", VIRTUAL_ENV=str(trap), CDPATH=str(trap),
        PIP_USER="1", PIP_REQUIRE_VIRTUALENV="1", PIP_NO_COMPILE="1", PYTHONDONTWRITEBYTECODE="1",
    )  # fmt: skip
    assert done.stderr == ""
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"
    account.installed("--uninstall", PYTHONPATH=str(trap), PYTHONHOME="/nowhere")
    assert not (account.home / ".local").exists()


@pytest.mark.parametrize("umask", some([0o000, 0o002, 0o077], 2))
def test_umask(account: Account, umask: int) -> None:
    """Everybody may run what is installed, and nobody else may change it; git's configuration has the user's mode."""
    old = os.umask(umask)
    try:
        account.installed()
    finally:
        os.umask(old)
    for path in (account.home / ".local").rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o066 == 0o044, path
    assert (account.home / ".gitconfig").stat().st_mode & 0o777 == 0o666 & ~umask


@ROOT_ONLY
def test_sudo_with_the_home_of_another(account: Account) -> None:
    """`sudo` that keeps HOME would leave files of root in it: refused, unless nothing is written there."""
    os.chown(account.home, 65534, 65534)
    before = account.state()
    for arguments in ([], ["--no-configure"], ["--prefix", f"{account.root}/opt"]):
        done = account.install(*arguments, SUDO_USER="somebody")
        assert done.returncode == 1
        assert done.stderr.endswith("install.sh: hint: run it without sudo, or with `sudo -H`\n")
        assert account.state() == before
    account.installed("--prefix", f"{account.root}/opt", "--no-configure", SUDO_USER="somebody")


# --- dry runs, failures, interruptions ---


def test_dry_run(account: Account) -> None:
    """--dry-run prints the plan and changes nothing, for installing, upgrading and removing."""
    plan = (
        f"  from         {account.checkout}, with uv\n"
        f"  command      {account.command}\n"
        "{hf}"
        f"  environment  {account.home}/.local/share/git-credential-hf\n"
        "  git          git-credential-hf configure\n"
    )
    hf = f"  command      {account.home}/.local/bin/hf, as there is none on PATH\n"
    for first, more in (("installed", hf), ("upgraded", "")):
        before = account.state()
        planned = f"git-credential-hf will be {first}:\n{plan.replace('{hf}', more)}"
        assert account.installed("--dry-run").stdout == planned
        assert account.state() == before
        account.installed()
    before = account.state()
    done = account.installed("--uninstall", "--dry-run")
    assert done.stdout.startswith(f"git-credential-hf will be removed from {account.home}/.local\n")
    assert "in repositories stay; each push there prints how to remove them" in done.stdout
    assert account.state() == before


FAILURES = [("build", "venv"), ("build", "uv"), ("version", "uv"), ("configure", "uv")]


@pytest.mark.parametrize(("step", "tool"), each_run(FAILURES, *FAILURES[1:]))  # venv is interrupted below
def test_a_failure_leaves_nothing(account: Account, step: str, tool: str) -> None:
    """Whichever step fails: a fresh account is as before, and what was installed goes on working."""
    if tool == "venv":
        account.lacks("uv")
    for installed in (False, True):
        if installed:
            account.installed()
        before = account.state()
        done = account.install(STANDIN=f"{step}-fails")
        assert done.returncode == 1
        assert f"{step} was told to fail" in done.stderr
        assert "\ninstall.sh: error: " in done.stderr
        assert done.stderr.endswith("install.sh: nothing was changed\n")
        assert account.state() == before
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 1.0\n"


INTERRUPTIONS = [
    (shell, *row)
    for shell in SHELLS
    for row in (("SIGINT", "uv", True), ("SIGTERM", "venv", False), ("SIGHUP", "uv", False))
]


@pytest.mark.parametrize(
    ("shell", "sent", "tool", "installed"), INTERRUPTIONS if IS_LONG else INTERRUPTIONS[::4], indirect=["shell"]
)
def test_an_interruption_leaves_nothing(account: Account, shell: str, sent: str, tool: str, installed: bool) -> None:
    """Ctrl-C, the end of the terminal or of the session ends it at once; all is as before, and nothing runs on."""
    if tool == "venv":
        account.lacks("uv")
    if installed:
        account.installed()
    before = account.state()
    process = account.start("build", shell)
    os.killpg(process.pid, signal.Signals[sent])
    _, errors = process.communicate(timeout=20)  # ends with the last process that has its output
    assert process.returncode == 128 + signal.Signals[sent]
    assert errors.endswith("install.sh: nothing was changed\n")
    assert account.state() == before


def test_ctrl_c_in_the_last_second(account: Account, shell: str) -> None:
    """Once git's configuration is being changed, it goes on to the end."""
    process = account.start("configure", shell)
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert printed.endswith("next: use git clone, pull and push as usual\n")


def test_after_a_kill(account: Account) -> None:
    """What SIGKILL left behind does not stop the next run, or the uninstaller, and is removed by it."""
    before = account.state()
    for arguments in ([], ["--uninstall"]):
        os.killpg(account.start("build").pid, signal.SIGKILL)
        assert account.state() != before
        account.installed(*arguments)
        if not arguments:
            assert len(account.environments()) == 1
            account.installed("--uninstall")
        assert account.state() == before


# --- uninstalling ---


def test_uninstalling_a_program_that_does_not_run(account: Account) -> None:
    """If git's configuration cannot be restored nothing is removed; another installation, or an option, helps."""
    account.installed()
    before = account.state()
    assert account.install("--uninstall", STANDIN="unconfigure-fails").returncode == 1
    assert account.state() == before
    for python in account.environments()[0].glob("bin/python*"):
        python.unlink()  # as an upgrade of the system may
    before = account.state()
    done = account.install("--uninstall")
    assert done.returncode == 1
    assert done.stderr.endswith("hint: install it again first, or add --no-configure\n")
    assert account.state() == before
    account.installed()
    account.installed("--uninstall")
    assert list(account.home.iterdir()) == []


# --- the real package ---


@pytest.mark.registries
@pytest.mark.parametrize("tool", each_run(["venv", "uv"], "uv"))  # the next test is without uv
def test_the_real_package(real_account: Account, tool: str) -> None:
    """From a checkout: git gets the token; a second run brings what was changed in it; gone again without a trace."""
    account = real_account
    if tool == "uv":
        account.has("uv", Path(sys.executable).with_name("uv"))
    before = account.state()
    assert account.installed().stdout.endswith("next: run `hf auth login`\n")

    request = "protocol=https\nhost=huggingface.co\n\n"
    answer = account.run("git", "credential", "fill", stdin=request, HF_TOKEN="hf_canary", GIT_TERMINAL_PROMPT="0")
    assert "password=hf_canary\n" in answer
    assert account.run("hf", "version", HF_HUB_DISABLE_UPDATE_CHECK="1", HF_HOME=str(account.root / "hf"))
    for document in DOCUMENTS:
        assert (account.home / ".local" / document).stat().st_size
    [package] = account.environments()[0].glob("lib/python*/site-packages/git_credential_hf")
    assert list(package.glob("__pycache__/__main__.*.pyc")), "not compiled: each start of root's would take longer"

    sources = account.checkout / "git_credential_hf/__init__.py"
    text = sources.read_text()
    sources.write_text('__version__ = "99.1"\n')
    account.installed()
    assert account.run("git-credential-hf", "--version") == "git-credential-hf 99.1\n"
    sources.write_text(text)

    account.installed("--uninstall")
    assert account.state() == before


@ROOT_ONLY
@pytest.mark.long
@pytest.mark.registries
def test_a_checkout_that_is_read_only(real_account: Account) -> None:
    """An ordinary user installs from a checkout that is not theirs to write to, and nothing is written to it."""
    account = real_account
    account.user = 65534
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no Python that another user can reach")
    account.has("python3", python_with_ready_venv(account.root / "python", python="/usr/bin/python3"))
    for name in ("home", "tmp", "run"):
        os.chown(account.checkout.with_name(name), account.user, account.user)
    before = account.state()
    account.installed()
    assert account.run("git-credential-hf", "--version")
    account.installed("--uninstall")
    assert account.state() == before


@pytest.mark.registries
def test_uv_brings_its_own_python_or_nothing(real_account: Account) -> None:
    """With uv and no Python at all: uv's own, in the environment; if it cannot be had, nothing is left."""
    account = real_account
    account.has("uv", Path(sys.executable).with_name("uv"))
    account.lacks("python3")
    before = account.state()
    done = account.install(
        UV_PYTHON_INSTALL_MIRROR="http://127.0.0.1:1", UV_HTTP_RETRIES="0", UV_PYTHON_PREFERENCE="only-managed"
    )
    assert done.returncode == 1
    assert account.state() == before
