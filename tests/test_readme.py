"""The README is true: what it shows can be typed, and what the commands offer is in it."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = ("status", "check", "doctor", "configure", "unconfigure", "purge", "hooks", "hook")


def offered(*command: str) -> set[str]:
    """The options in a command's help."""
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"(?<![\w-])--[a-z-]+", done.stdout)) - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_the_commands(command: str) -> None:
    """Every option of a command stands in the README, and none that the command has not."""
    shown = {
        option
        for use in re.findall(rf"git-credential-hf {command}\b([^`\n|]*)", README)
        for option in re.findall(r"--[a-z-]+", use)
    }
    mentioned = set(re.findall(r"--[a-z-]+", README))
    assert shown <= offered("git-credential-hf", command)
    assert offered("git-credential-hf", command) <= mentioned


def test_options_of_the_installer() -> None:
    """The README's usage of install.sh has the options of its help, all of them and no others."""
    usage = re.search(r"^install\.sh (.*)$", README, re.MULTILINE)
    assert usage
    shown = set(re.findall(r"--[a-z-]+", usage[1]))
    assert shown - {"--help"} == offered(str(ROOT / "install.sh"))


def test_what_configure_writes(home: Path) -> None:
    """The lines in the README are the lines that `configure` writes."""
    subprocess.run(["git-credential-hf", "configure"], check=True, capture_output=True)
    assert f"```ini\n{(home / '.gitconfig').read_text()}```" in README


def test_every_command_is_named() -> None:
    """No command is missing in the README."""
    done = subprocess.run(["git-credential-hf", "--help"], capture_output=True, text=True, check=True)
    listed = re.findall(r"^  ([a-z]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert set(listed) == set(COMMANDS)
    assert all(f"git-credential-hf {command}" in README for command in COMMANDS)
