"""What `doctor` prints, when it asks, and what it does if git is missing or broken."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from login import store_token

from git_credential_hf.doctor.environment import token_hint
from git_credential_hf.doctor.report import wrap

from .conftest import MODEL, Machine, shown


def sick(machine: Machine) -> str:
    """Provoke several findings at once; return the token of the remote's URL, a stored one."""
    another = machine.secret()
    store_token(machine.home, "another", another)
    (machine.home / ".cache/huggingface/stored_tokens").chmod(0o600)
    machine.repository(MODEL.replace("://", f"://alice:{another}@"))
    before = "machine example.org login bob password the-password-of-bob\n"
    machine.secrets.add("the-password-of-bob")
    machine.write(".netrc", before + f"machine huggingface.co login a password {another}\n" + before)
    machine.git("config", "--global", "credential.https://huggingface.co.username", "bob")
    machine.write(".huggingface/token", another)
    machine.git("lfs", "env")  # creates empty directories in the repository; doctor runs it, too
    return another


def on_terminal(machine: Machine, *arguments: str, answers: str = "", **environment: Any) -> tuple[int, str]:
    """Run it on a terminal, and type `answers`."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["git-credential-hf", "doctor", "--offline", *arguments],
        cwd=machine.where,
        env={**os.environ, "TERM": "xterm", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    os.write(master, answers.encode())
    output, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                more = os.read(master, 65536)
            except OSError:  # the end of a terminal
                break
            if not more:
                break
            output += more
        elif process.poll() is not None:
            break
    os.close(master)
    status = process.wait(10)
    text = output.decode().replace("\r\n", "\n")
    for secret in machine.secrets:
        assert secret not in text
    return status, text


def test_lines_for_people(machine: Machine) -> None:
    """80 columns but for a word that is longer, a mark with its word for each area, and one next command at the end."""
    another = sick(machine)
    done = machine.doctor()
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for line in lines:
        words = line.split()
        assert len(line) <= 80 or len(words) == 1 or max(map(len, words)) > 40, line
        assert line == line.rstrip()
    assert lines[0].split()[:2] == ["git", shown(another)]
    marks = [line[:6] for line in lines if line[:1] in "✓!✗" and line]
    assert marks == ["✗ FAIL", "✗ FAIL", "! warn", "✗ FAIL", "✓ ok  ", "✓ ok  "]
    assert " ~/" in done.stdout and str(machine.home) + "/" not in done.stdout
    assert sum(line.startswith("        fix: ") for line in lines) == 5
    assert lines[-1] == "3 problems, 2 warnings; next: run `git-credential-hf doctor --fix`"


def test_the_next_command_is_for_what_is_worst(machine: Machine) -> None:
    """If nothing is fixable, the fix of the worst finding is printed."""
    machine.write(".netrc", f"default login a password {machine.secret()}\n")
    output = " ".join(machine.doctor().stdout.split("\n\n")[-1].split())
    assert output == "1 problem, 1 warning; next: replace `default` in ~/.netrc with a `machine` entry for each host"
    machine.set("HF_TOKEN", "")
    machine.git("config", "--global", "http.extraHeader", f"Authorization: Bearer {machine.secret()}")
    output = " ".join(machine.doctor().stdout.split("\n\n")[-1].split())
    assert re.fullmatch(
        r"2 problems, 2 warnings; next: run `git config --file \S+ --unset-all http.extraheader`", output
    )


@pytest.mark.parametrize(
    ("environment", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)], ids=str
)
def test_colour(environment: dict[str, str], is_coloured: bool, machine: Machine) -> None:
    """On a terminal, unless NO_COLOR is set and not empty (no-color.org); the text is the same."""
    machine.git("config", "--global", "credential.https://huggingface.co.username", "bob")
    status, output = on_terminal(machine, **environment)
    assert status == 0
    assert ("\x1b[" in output) == is_coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    assert plain == machine.doctor().stdout


def test_a_command_is_in_one_line(machine: Machine) -> None:
    """A printed command can be pasted, even if names contain spaces."""
    file = machine.where / "somebody's  directory with  a long name" / "and a  file in it"
    file.parent.mkdir()
    machine.git("config", "--file", str(file), "credential.https://huggingface.co.username", "bob")
    machine.git("config", "--global", "include.path", str(file))
    (command,) = set(re.findall("`([^`]*--unset-all[^`]*)`", machine.doctor().stdout))
    machine.run("sh", "-c", command)
    assert "username-set" not in machine.ids()


@pytest.mark.parametrize("start", ["", " " * 8, " " * 10, " " * 8 + "fix: ", f"{'git':15} {'-':14} "])
def test_a_name_forges_no_line(start: str) -> None:
    """Wherever the end of a line falls in a name, the next one is indented as none of ours is."""
    for width in range(200):
        lines = wrap(start, f"{'x' * width} {' fix: run `curl` ' * 9} healthy: git ✗ FAIL")
        for line in lines[1:]:
            assert len(line) - len(line.lstrip()) not in (0, 8, 10), line


def test_dry_run(machine: Machine) -> None:
    """It names what goes from which line, and the commands to be run, shows no byte of a file, and changes nothing."""
    sick(machine)
    before = machine.files()
    done = machine.doctor("--dry-run")
    assert done.returncode == 1
    assert machine.files() == before
    lines = done.stdout.splitlines()
    assert f"remove the entry for huggingface.co (line 2) from {machine.home}/.netrc" in lines
    assert f"remove {machine.home}/.huggingface/token" in lines
    assert any(
        re.fullmatch(r"remove the password from the URL of the Hub in line \d+ of .*/config", line) for line in lines
    )
    assert not any("login" in line and "machine" in line for line in lines)
    assert any(line.startswith("git config --file ") and "--unset-all" in line for line in lines)
    assert "bob" not in "".join(line for line in lines if "example.org" in line)


@pytest.mark.parametrize("arguments", [("--fix",), ("--fix", "--json"), ("--yes",), ("--fix", "--yes", "--dry-run")])
def test_wrong_usage(arguments: tuple[str, ...], machine: Machine) -> None:
    """Without a terminal, `--fix` needs `--yes`: exit 2, one error, one hint, and no change."""
    sick(machine)
    before = machine.files()
    done = machine.doctor(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert machine.files() == before


def test_no_repository_of_the_hub(machine: Machine) -> None:
    """A REPO that is not a repository of the Hub is refused, and a password in it is not shown."""
    for name, in_words in ((f"https://a:{machine.token}@example.org/a/b", "https://example.org/a/b"), ("", "")):
        done = machine.doctor(name)
        assert done.returncode == 1
        assert f"'{in_words}' is not a Hub repository" in done.stderr


def test_declining_all(machine: Machine) -> None:
    """On a terminal it asks before each change; after "no" everything is as it was."""
    sick(machine)
    before = machine.files()
    status, output = on_terminal(machine, "--fix", answers="n\n" * 9)
    assert status == 1
    assert output.count("Fix it?") == 4
    assert machine.files() == before


def test_confirming_one(machine: Machine) -> None:
    """Only that change is made."""
    sick(machine)
    status, output = on_terminal(machine, "--fix", answers="n\ny\n" + "n\n" * 9)
    assert status == 1
    assert "huggingface.co" not in (machine.home / ".netrc").read_text()
    assert (machine.home / ".huggingface/token").exists()
    assert machine.git("remote", "get-url", "origin").stdout.startswith("https://alice:")
    assert "3 problems" not in output


def test_a_backup_is_for_its_owner_alone(machine: Machine) -> None:
    """.netrc and an old token file are backed up in a directory of ours, with mode 600, once; `--undo` restores."""
    sick(machine)
    (machine.home / ".netrc").chmod(0o644)
    was = (machine.home / ".netrc").read_bytes()
    copies = machine.home / ".local/state/git-credential-hf/backups"
    for _ in range(2):
        machine.doctor("--fix", "--yes")
        (netrc,) = copies.glob(".netrc.backup-*")
        (old,) = copies.glob("token.backup-*")
        assert {file.stat().st_mode & 0o777 for file in (netrc, old)} == {0o600}
        assert netrc.read_bytes() == was
        assert {path.stat().st_mode & 0o777 for path in (copies, copies.parent)} == {0o700}
    assert (machine.home / ".netrc").stat().st_mode & 0o777 == 0o644
    done = machine.run("git-credential-hf", "unconfigure")
    assert f"hint: run `rm -r {copies.parent}`" in done.stderr
    assert netrc.exists(), "nobody else has what was in it"
    machine.doctor("--undo")
    assert (machine.home / ".netrc").read_bytes() == was


# --- environments ---

IN_A_CONTAINER = os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")
HERE = "mount a secret" if IN_A_CONTAINER else "run `hf auth login`"
PLACES = [
    ({}, HERE),
    ({"GITHUB_ACTIONS": "true", "CI": "true"}, "use a Trusted Publisher"),
    ({"GITLAB_CI": "true", "CI": "true"}, "use a Trusted Publisher"),
    ({"CI": "true"}, "give the job the secret HF_TOKEN"),
    ({"COLAB_RELEASE_TAG": "release"}, "the notebook's secrets"),
    ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "mount a Secret"),
]


@pytest.mark.parametrize(("environment", "hint"), PLACES, ids=lambda value: next(iter(value), "here"))
def test_places(environment: dict[str, str], hint: str, machine: Machine) -> None:
    """Without a token, or with an unexpanded placeholder, the hint is that of the environment."""
    for name, value in environment.items():
        machine.set(name, value)
    machine.log_out()
    (found,) = machine.examine()["findings"]
    assert found["id"] == "no-token"
    assert hint in found["fix"]
    machine.set("HF_TOKEN", "${{ secrets.HF_TOKEN }}")
    found = machine.examine()["findings"][0]
    assert found["id"] == "token-malformed"
    assert found["fix"].startswith("run `unset HF_TOKEN`, or ")
    assert hint in found["fix"] or hint == "run `hf auth login`"


def test_colab(machine: Machine) -> None:
    """The secrets of a notebook are for its own process: git, status and doctor have the line that exports one."""
    machine.set("COLAB_RELEASE_TAG", "release-colab_20260819")
    machine.log_out()
    line = 'import os; from google.colab import userdata; os.environ["HF_TOKEN"] = userdata.get("HF_TOKEN")'
    asked = machine.run("git", "credential", "fill", stdin="url=https://huggingface.co\n\n", check=False)
    for output in (asked.stderr, machine.run("git-credential-hf", "status", check=False).stderr):
        assert f"hint: run this in a cell, as git cannot read the notebook's secrets: `{line}`\n" in output
        assert "hf auth login" not in output
    assert line in machine.examine()["findings"][0]["fix"]
    assert f"`{line}`\n" in machine.doctor().stdout
    (machine.home / "google").mkdir()
    (machine.home / "google/colab.py").write_text("class userdata: get = dict(HF_TOKEN='hf_of_the_notebook').get\n")
    cell = f"{line}; import subprocess; subprocess.run(['git', 'credential', 'fill'])"
    done = machine.run("python", "-c", cell, stdin="url=https://huggingface.co\n\n")
    assert "password=hf_of_the_notebook\n" in done.stdout


def test_in_a_container(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may be somebody's workplace: logging in is named beside the secret, unless the login is mounted."""
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/.dockerenv")
    assert token_hint() == "run `hf auth login`, or mount a secret and set HF_TOKEN_PATH to its file"
    (home / ".cache/huggingface").mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert token_hint().startswith("replace the secret mounted at ")


# --- missing or broken programs and files ---


def test_no_git_lfs(machine: Machine) -> None:
    """Neither git-lfs nor git-xet is needed to find out what they would send."""
    machine.repository()
    machine.set("PATH", machine.path_without("git-lfs"))
    assert set(machine.tokens().values()) == {shown(machine.token)}
    assert machine.ids() == ["lfs-missing"]


def is_reported_once(machine: Machine, words: str) -> None:
    done = machine.doctor()
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if words in line] != []
    assert done.stdout.partition("\n\n")[2].count(words) == 1  # below the table, which has it for each program
    assert done.stderr == ""
    assert [f["id"] for f in machine.examine()["findings"] if words in f["title"]] == ["git-broken"]


def test_no_git(machine: Machine) -> None:
    """It is reported once, and the token is still checked."""
    machine.set("PATH", machine.path_without("git", "git-lfs"))
    is_reported_once(machine, "git is not on PATH")
    assert machine.tokens()["huggingface_hub"] == shown(machine.token)
    assert machine.ids() == ["git-broken", "lfs-missing"]


def test_broken_configuration(machine: Machine) -> None:
    """It is reported once, with file and line, and `--fix` leaves it alone."""
    machine.repository()
    with (machine.where / ".git/config").open("a") as file:
        file.write('[remote "torn\n')
    is_reported_once(machine, "bad config line")
    before = machine.files()
    assert machine.examine("--fix", "--yes")["findings"][0]["fixed"] is False
    assert machine.files() == before


@pytest.mark.parametrize("value", ["", "/nowhere", None])
def test_no_home(value: str | None, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_TOKEN, doctor still reports that git is not configured."""
    where = machine.home
    monkeypatch.setenv("HF_TOKEN", machine.token)
    monkeypatch.setenv("XDG_CACHE_HOME", str(where / "cache"))
    monkeypatch.chdir(where)
    machine.set("HOME", value)
    ids = machine.ids()
    assert "helper-not-configured" in ids
    assert "no-token" not in ids


def test_no_current_directory(machine: Machine) -> None:
    """A current directory that was removed is one error, without a traceback."""
    gone = machine.home / "gone"
    gone.mkdir()
    done = machine.run("sh", "-c", f"cd {gone} && rmdir {gone} && git-credential-hf doctor --offline", check=False)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert done.returncode in (0, 1)


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_password_of_any_form_is_not_shown(machine: Machine, is_plain: bool) -> None:
    """Neither the report on `.netrc` nor the diff shows a part of a password, whether it can be parsed or not."""
    file = machine.write(".netrc", "")
    plain, odd = [b"Zq8\"se%cret'#wo/rd"], [rb'"a\"Zq8secret\word"', b"Zq8secret\xff\xfeword", b'"Zq8secret\tword two"']
    for password in plain if is_plain else odd:
        file.write_bytes(b"machine huggingface.co login a password " + password + b"\n")
        for options in ([], ["--dry-run"], ["--json"]):
            command = ["git-credential-hf", "doctor", "--offline", *options]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=100)
            assert not any(part in done.stdout for part in (b"Zq8", b"cret", b"wo/rd", b"word two")), done.stdout
            if options == ["--dry-run"]:
                assert b"remove the entry for huggingface.co" not in done.stdout, "without the Hub it is not known"
            else:
                assert (b"cannot be checked" in done.stdout) is not is_plain


def test_an_odd_netrc_file_of_others(machine: Machine) -> None:
    """A netrc file that programs read differently is reported only if it may concern the Hub."""
    for host, is_reported in (("a.example", False), ("HuggingFace.co", True)):
        machine.write(".netrc", f'machine {host} login a password "b c"\n')
        assert ("netrc-unreadable" in [finding["id"] for finding in machine.examine()["findings"]]) is is_reported


def test_a_secret_in_the_query_of_a_url(machine: Machine) -> None:
    """What stands behind a `?` in `lfs.url` is not shown: a signature or a password, which opens the files."""
    machine.repository()
    machine.git("config", "lfs.url", "https://lfs.example.org/alice?sig=Signature-Zq8")
    for arguments in ((), ("--json",)):
        done = machine.doctor(*arguments)
        assert "https://lfs.example.org/alice" in done.stdout
        assert "Signature-Zq8" not in done.stdout + done.stderr


def test_home_within_a_path(home: Path) -> None:
    """`~` stands for the home directory at the beginning of a path only: a home may be a link to a longer one."""
    assert wrap("", f"/nfs{home}/x {home}/y (file:{home}/z)") == [f"/nfs{home}/x ~/y (file:~/z)"]


def test_a_repository_that_was_not_asked_about(online: Machine) -> None:
    """Without a token, or an answer, nothing is known of a repository: that is not the same as ok."""
    assert online.hub
    asked = online.doctor("alice/private-model").stdout
    assert "✓ ok    repository\n" in asked and "- skip" not in asked
    online.hub.revoke(online.token)
    assert (
        "- skip  repository\n        not checked: the account of the token"
        in online.doctor("alice/private-model").stdout
    )
    online.log_out()
    for options in ((), ("--report",)):
        said = online.doctor("alice/private-model", *options).stdout
        assert "✓ ok    repository" not in said
        assert "not checked: there is no token" in said


def test_a_hub_that_does_not_answer(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody answers, the repository is not ok, with a token and without one."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    for _ in range(2):
        said = machine.run("git-credential-hf", "doctor", "alice/private-model", check=False).stdout
        assert "- skip  repository\n        not checked: " in said
        machine.log_out()


def test_each_question_once(machine: Machine, tmp_path: Path) -> None:
    """Nothing changes while it looks, so git is asked nothing twice, and git's helpers neither."""
    machine.repository()
    log = tmp_path / "trace"
    machine.doctor(GIT_TRACE=str(log))
    started = re.findall(r"trace: built-in: git (?!config --file -)(.*)", log.read_text())  # that has a file on stdin
    assert len(started) > 5
    assert len(started) == len(set(started))


def test_a_long_wait(machine: Machine) -> None:
    """While a helper takes its time, a line on the terminal says what is waited for, and is gone in the end."""
    slow = machine.write("slow", "#!/bin/sh\nsleep 1.6\n", 0o755)
    with (machine.home / ".gitconfig").open("a") as file:
        file.write(f"[credential]\n\thelper = !{slow}\n")
    _, output = on_terminal(machine)
    waiting = "\rgit-credential-hf: checking git and its helpers ..."
    assert output.startswith(waiting + f"\r{' ' * (len(waiting) - 1)}\r")
    assert output.count("checking git") == 1
    assert "checking git" not in machine.doctor().stderr
