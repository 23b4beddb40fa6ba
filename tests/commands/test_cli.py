"""The command line: help, versions, wrong usage, terminals, pipes and signals."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import programs
import pytest
from executable import PROGRAM, TOKEN, run, run_on_terminal
from operations import serve_hub

from git_credential_hf.cli import commands


def all_commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield the commands, with their full names, and the groups."""
    for name, command in group.commands.items():
        yield prefix + name, command
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix}{name} ")


@pytest.mark.parametrize("command", [[], ["status"], ["configure"], ["unconfigure"]], ids=lambda c: " ".join(c))
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(command: list[str], option: str) -> None:
    """Help goes to stdout, is not a failure, and fits in 80 columns, however wide the terminal is."""
    done = run(*command, option, COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, "")
    assert " ".join(["Usage: git-credential-hf", *command]) in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_lists_the_commands() -> None:
    """The commands of the contract are in the help, each with a whole sentence, and git's operations are named."""
    shown = run("--help").stdout
    commands = re.findall(r"^  ([a-z-]+)  +\S.*\.$", shown.partition("Commands:\n")[2], re.MULTILINE)
    assert commands == ["check", "configure", "doctor", "hook", "hooks", "login", "purge", "status", "unconfigure"]
    for operation in ("get", "store", "erase", "capability"):
        assert operation in shown


def test_hooks_that_would_be_written() -> None:
    """The two dozen names of git's hooks are shown in 80 columns, below their directory."""
    shown = run("hooks", "install", "--global", "--dry-run").stdout
    names = re.search(r"^write .*/hf-hooks:\n((?:\t[a-z, -]+\n)+)", shown, re.MULTILINE)
    assert names
    assert {"pre-push", "pre-commit", "post-checkout"} <= set(re.findall(r"[a-z-]+", names[1]))
    assert max(len(line.expandtabs()) for line in names[1].splitlines()) <= 80


def test_version() -> None:
    """`--version` is one line that a script can split, however the program is started."""
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"git-credential-hf \d+\.\d+\S*\n", done.stdout)
    assert programs.run(sys.executable, "-m", "git_credential_hf", "--version").stdout == done.stdout
    assert programs.git("credential-hf", "--version") == done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bogus"],
        ["status", "--bogus"],
        ["status", "extra"],
        ["status", "--json=yes"],
        ["configure", "--bogus"],
        ["configure", "extra"],
        ["configure", "--print", "--env"],
        ["configure", "--global", "--system"],
        ["unconfigure", "--local", "--global"],
        ["hooks", "install", "--global", "--local"],
        ["hooks", "uninstall", "--local", "--global"],
        ["hooks", "status", "--global", "--local"],
        ["unconfigure", "--print"],
        ["unconfigure", "--json"],
        ["get", "extra"],
        ["nonsense", "extra"],
        ["nonsense", "--help"],
        ["", "extra"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], home: Path) -> None:
    """Wrong usage is 2, one error in lower case without a full stop, a hint with the help, and changes nothing."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        r"git-credential-hf: error: [^A-Z].*[^.]\ngit-credential-hf: hint: run `git-credential-hf.* --help`\n",
        done.stderr,
    )
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("statsu --json", "status --json"),
        ("STATUS --json", "status --json"),
        ("hooks instal --global", "hooks install --global"),
        ("status --jsn", "status --json"),
        ("doctor --fx --yes", "doctor --fix --yes"),
        ("configure --tokn=work --for acme", "configure --token=work --for acme"),
        ("configure --no-hoks", "configure --no-hooks"),
        ("check --wirte 'a b'", "check --write 'a b'"),
        ("--tokn work get", "--token work get"),
        ("--vresion", "--version"),
        ("erse x", "erase x"),
    ],
)
def test_nearest_command_or_option(typed: str, meant: str) -> None:
    """A mistyped command or option gets what was probably meant: the whole command, to be pasted."""
    done = run(*shlex.split(typed))
    assert (done.returncode, done.stdout) == (2, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith("git-credential-hf: error: no such ")
    assert hint == f"git-credential-hf: hint: did you mean `git-credential-hf {meant}`?"


def test_commands_of_other_programs() -> None:
    """Who types a command that `hf auth`, `gh auth` or an installer has is told which one does that."""
    for typed, meant in (
        (["logout", "--help"], "hf auth logout"),
        (["whoami", "--json"], "git-credential-hf status"),
        (["auth", "login"], "git-credential-hf login"),
        (["uninstall", "."], "git-credential-hf unconfigure"),
    ):
        done = run(*typed)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines()[1] == f"git-credential-hf: hint: did you mean `{meant}`?"


def test_each_option_is_suggested() -> None:
    """So it is for each option of each command, with a letter too many."""
    for name, command in all_commands(commands):
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts) if isinstance(parameter, click.Option) else ():
                done = run(*name.split(), f"{option}x")
                assert f"did you mean `git-credential-hf {name} {option}`?" in done.stderr


@pytest.mark.parametrize("command", ["", *(name for name, _ in all_commands(commands))])
def test_help_breaks_no_words(command: str) -> None:
    """No name is broken at a hyphen, and no sentence is cut off, at the end of a line of the help."""
    _usage, *lines = run(*command.split(), "--help").stdout.splitlines()
    assert [line for line in lines if line.endswith(("-", "..."))] == []


@pytest.mark.parametrize("word", ["nonsense", "list", "Get", "gét", "", " "])
def test_unknown_operation_of_git(word: str) -> None:
    """One unknown word, without a terminal, may be an operation that git will have one day: it is ignored."""
    done = run(word, stdin="protocol=https\nhost=huggingface.co\n\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("word", ["statsu", "docter", "confgure"])
def test_mistyped_command_in_a_script(word: str) -> None:
    """A word like one of our commands is an error without the request that git sends with an operation."""
    for stdin, before in (("", "0</dev/null"), ("", ""), ("", "0<&-")):
        done = programs.run("sh", "-c", f'exec "$0" "$1" {before}', PROGRAM, word, stdin=stdin, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"git-credential-hf: error: no such command '{word}'")
    done = run(word, stdin="protocol=https\nhost=huggingface.co\n\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_mistyped_command_with_an_open_pipe() -> None:
    """Whoever leaves a pipe open, and sends nothing, gets the same error a moment later."""
    command = [PROGRAM, "statsu"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "no such command 'statsu'" in process.stderr.read()
        assert process.wait(10) == 2


def test_mistyped_command_on_a_terminal() -> None:
    """On a terminal, an unknown word is an error."""
    status, screen = run_on_terminal("", "statsu")
    assert status == 2
    assert "git-credential-hf: error: no such command 'statsu'" in screen


@pytest.mark.parametrize("command", ["status", "status --json", "configure --print", "configure --env", "--help"])
@pytest.mark.parametrize(
    ("sink", "errors"),
    [
        (">&-", ""),
        ("| head -c 0", ""),
        ("2>&-", ""),
        ("> /dev/full", "git-credential-hf: error: cannot write the output: No space left on device\n"),
    ],
)
def test_output_that_cannot_be_written(command: str, sink: str, errors: str) -> None:
    """A closed pipe ends the program silently, a full disk with one error; neither shows a traceback or the token."""
    done = programs.run(
        *("sh", "-c", f'"$0" {command} {sink}', PROGRAM), check=False, HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1"
    )
    for wrong in ("Traceback", "internal error", "Exception ignored", TOKEN):
        assert wrong not in done.stderr
    if errors or not command.startswith("status"):  # which has problems of its own to report
        assert done.stderr == errors


def test_interrupted(home: Path) -> None:
    """Ctrl-C while the Hub is slow ends `status` at once, with the status that shells expect and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        serve_hub(home, endpoint)
        process = subprocess.Popen(
            [PROGRAM, "status"],
            env={**os.environ, "HF_TOKEN": TOKEN, "HF_ENDPOINT": endpoint},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(10)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=10)
    assert process.returncode in (130, -signal.SIGINT)
    assert (stdout, stderr.strip()) == ("", "")
