"""`doctor --undo` puts back what the last `doctor --fix` changed; `hf.ignore` silences a warning."""

import json
import re
from pathlib import Path

import pytest
from executable import OWN_FILE

from git_credential_hf.doctor.undo import undo_last_fix

from .conftest import MODEL, Machine
from .test_output import sick


def undo(machine: Machine, *arguments: str) -> list[str]:
    done = machine.run("git-credential-hf", "doctor", "--undo", *arguments)
    return [line.removeprefix("restored ") for line in done.stdout.splitlines()]


def without_copies(files: dict[str, object]) -> dict[str, object]:
    return {path: file for path, file in files.items() if "/.local" not in path}


def test_everything_is_as_before(machine: Machine) -> None:
    """Every byte and permission is as before, and the copies are gone: they contain secrets."""
    sick(machine)
    machine.git("config", "--global", "--unset-all", "include.path")  # the helper is not configured, too
    (machine.home / OWN_FILE).unlink()
    (machine.home / OWN_FILE).parent.rmdir()
    (machine.home / ".config").rmdir()
    before = machine.files()
    done = machine.doctor("--fix", "--yes")
    assert "undo:   run `git-credential-hf doctor --undo`" in done.stdout
    assert without_copies(machine.files()) != before
    restored = undo(machine)
    assert str(machine.home / ".netrc") in restored and str(machine.home / ".gitconfig") in restored
    assert without_copies(machine.files()) == without_copies(before)
    assert not (machine.home / ".local/state/git-credential-hf").exists()
    done = machine.doctor("--undo")
    assert (done.returncode, "there is no fix to undo" in done.stderr) == (1, True)


def test_what_has_changed_since(machine: Machine) -> None:
    """A file that somebody has changed since stays as it is, and the copy of its old content is named."""
    sick(machine)
    old = (machine.home / ".netrc").read_bytes()
    machine.doctor("--fix", "--yes")
    with (machine.home / ".netrc").open("a") as file:
        file.write("machine example.org password x\n")
    now = (machine.home / ".netrc").read_bytes()
    done = machine.doctor("--undo")
    assert done.returncode == 1
    assert (machine.home / ".netrc").read_bytes() == now
    (copy,) = re.findall(r"has changed since it was fixed; its old content is in (\S+)", done.stderr)
    assert Path(copy).read_bytes() == old
    assert (machine.home / ".huggingface/token").exists(), "the others are put back"
    (machine.home / ".netrc").write_bytes(now.replace(b"machine example.org password x\n", b""))
    assert undo(machine) == [str(machine.home / ".netrc")]


def test_undo_is_interrupted(machine: Machine) -> None:
    """After Ctrl-C, the next `--undo` goes on with the files that are left."""
    sick(machine)
    machine.doctor("--fix", "--yes")
    undoing = undo_last_fix()
    first = next(undoing)
    del undoing  # which ends it
    restored = undo(machine)
    assert first not in restored and restored


def test_only_the_last_fix(machine: Machine) -> None:
    """What an earlier fix changed stays fixed, and a fix that changes nothing does not count."""
    another = sick(machine)
    machine.doctor("--fix", "--yes")
    netrc = machine.home / ".netrc"
    netrc.write_text(f"machine huggingface.co login x password {another}\n")
    machine.doctor("--fix", "--yes")
    machine.doctor("--fix", "--yes")
    assert undo(machine) == [str(netrc)]
    assert not (machine.home / ".huggingface/token").exists()


@pytest.mark.parametrize("format", ["--json", "--report"])
def test_in_another_format(format: str, machine: Machine) -> None:
    """With a format for programs, stdout has what is wrong after that, and nothing else."""
    sick(machine)
    machine.doctor("--fix", "--yes")
    done = machine.doctor("--undo", format)
    if format == "--json":
        assert "netrc-entry" in [finding["id"] for finding in json.loads(done.stdout)["findings"]]
    else:
        assert done.stdout.startswith("### ") and "**netrc-entry**" in done.stdout


def test_what_is_not_restored_in_another_format(machine: Machine) -> None:
    """Also as JSON, `--undo` fails if a file stays as it is, however healthy the machine is."""
    netrc = machine.home / ".netrc"
    netrc.write_text(f"machine huggingface.co login x password {machine.token}\n")
    machine.doctor("--fix", "--yes")
    netrc.write_text("machine example.org login x password y\n")
    done = machine.doctor("--undo", "--json")
    assert (done.returncode, json.loads(done.stdout)["healthy"]) == (1, True), done.stdout
    assert "has changed since it was fixed" in done.stderr


@pytest.mark.parametrize(
    "options", [("--undo", "--fix"), ("--undo", "--dry-run"), ("--fix", "--dry-run"), ("--json", "--report")]
)
def test_what_excludes_each_other(options: tuple[str, ...], machine: Machine) -> None:
    """Options that exclude each other are wrong usage."""
    assert machine.doctor(*options).returncode == 2


def test_ignored(machine: Machine) -> None:
    """`hf.ignore` silences warnings by their ids, here or everywhere, and no error."""
    machine.write(".huggingface/token", machine.secret())
    machine.repository()
    assert machine.ids() == ["legacy-token-file"]
    machine.git("config", "hf.ignore", "legacy-token-file")
    assert machine.ids() == []
    assert "healthy, as far as checked\n1 warning hidden" in machine.doctor().stdout
    machine.git("config", "--add", "hf.ignore", "no-token")
    machine.log_out()
    assert machine.ids() == ["no-token"]


def test_ignored_if_git_works(online: Machine) -> None:
    """What is a warning only because git works with it is silenced, too."""
    online.repository(MODEL.replace("://", f"://alice:{online.token}@"))
    assert "token-in-remote-url" in online.ids()
    online.git("config", "hf.ignore", "token-in-remote-url")
    assert "token-in-remote-url" not in online.ids()


def test_report_outside_of_a_repository(online: Machine) -> None:
    """The report says what was not tried, as `doctor` itself does."""
    lines = online.doctor("--report").stdout.splitlines()
    assert any("git-credential-hf doctor OWNER/NAME" in line for line in lines)
    assert lines[-1] == "healthy, as far as checked"


def test_report(online: Machine) -> None:
    """The report has the versions, what each program sends, and the findings; no secret, and no path of the home."""
    assert online.hub
    online.hub.revoke(sick(online))
    online.set("HF_ENDPOINT", "https://hub.example")
    done = online.doctor("--report")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "### git-credential-hf doctor"
    assert str(online.home) not in done.stdout
    assert any(re.match(r"- huggingface_hub: `\d", line) for line in lines)
    assert any(re.match(r"- git: `git version \d", line) for line in lines)
    assert "- set in the environment: " in done.stdout and "`HF_ENDPOINT`" in done.stdout
    assert [line for line in lines if line.startswith("| git | `hf_****")]
    assert [line for line in lines if line.startswith("- **netrc-entry** (")]
    assert "~/.netrc" in done.stdout
