"""`git-credential-hf configure`: which settings it writes, in which scope, and what git then does."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import programs
import pytest
from amount import some
from executable import (
    ANSWER,
    HEADER,
    HUB_SECTIONS,
    INCLUDE,
    LOCAL_INCLUDE,
    OLD_TOKEN,
    OWN_FILE,
    PROGRAM,
    SCRIPTS,
    TOKEN,
    Spy,
    commands_in_hints,
    configured,
    files_below,
    fill,
    messages,
    run,
    run_on_terminal,
    section,
    succeed,
)
from login import store_token
from programs import IS_ROOT, git

from git_credential_hf.git.config import read_config
from git_credential_hf.git.helper_chain import helper_chain, is_our_helper

USER = "[user]\n\tname = Alice\n\temail = alice@example.org\n"


@pytest.fixture
def file(home: Path) -> Path:
    return home / ".gitconfig"


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Spy:
    return Spy(tmp_path, monkeypatch)


def test_writes_the_documented_lines(home: Path, file: Path) -> None:
    """In an empty home `configure` writes its own file, and the line that includes it, and nothing anywhere else."""
    done = run("configure")
    assert (done.returncode, done.stderr) == (0, "")
    assert files_below(home) == configured()
    assert str(file) in done.stdout and str(home / OWN_FILE) in done.stdout
    modes = [path.stat().st_mode & 0o777 for path in (home / OWN_FILE, *(home / OWN_FILE).parents)]
    assert modes[:3] == [0o644, 0o755, 0o755]
    listed = git("config", "--global", "--includes", "--list").splitlines()
    assert listed[:1] == [f"include.path=~/{OWN_FILE}"]
    assert listed[-2:] == ["credential.https://hf.co.helper=", f"credential.https://hf.co.helper={PROGRAM}"]
    succeed("unconfigure")
    assert files_below(home) == {}
    assert not (home / OWN_FILE).parent.exists()


def test_git_uses_only_this_helper(home: Path, file: Path, tmp_path: Path, spy: Spy) -> None:
    """With other helpers in system and global scope, git asks only this one for the Hub, and gives them no token."""
    system = tmp_path / "system"
    system.write_text("[credential]\n\thelper = spy\n\thelper = store\n")
    file.write_text('[credential]\n\thelper = store\n[credential "https://*.co"]\n\thelper = spy\n')
    environment: dict[str, Any] = {"GIT_CONFIG_SYSTEM": str(system), "GIT_CONFIG_NOSYSTEM": None}
    assert "password=spied" in fill(**environment)
    assert spy.requests()

    succeed("configure", **environment)
    for host in ("huggingface.co", "hf.co"):
        answer = ANSWER.replace("huggingface.co", host)
        assert fill(host, **environment) == answer
        for operation in ("approve", "reject"):
            git("credential", operation, stdin=answer, **environment)
    assert spy.requests() == []
    assert not (home / ".git-credentials").exists()
    # Other hosts keep their helpers.
    assert "password=spied" in fill("git.example", **environment)
    assert spy.requests()


@pytest.mark.parametrize(
    ("protocol", "host"),
    [
        ("https", "sub.huggingface.co"),
        ("https", "huggingface.co.evil.example"),
        ("https", "huggingface.co:8443"),
        ("http", "huggingface.co"),
    ],
)
def test_other_hosts_get_nothing(protocol: str, host: str, file: Path) -> None:
    """Our sections do not make git ask this helper for a host that is not the Hub, or without TLS."""
    file.write_text(HUB_SECTIONS)
    assert TOKEN not in fill(host, protocol)


ORIGINS = {
    "https://hub.example.com": "https://hub.example.com",
    "https://Hub.Example.com:8443/": "https://hub.example.com:8443",
    "https://hub.example.com:443": "https://hub.example.com",
    "http://localhost:8080": "http://localhost:8080",
    "http://[::1]:8080": "http://[::1]:8080",
    "https://huggingface.co/": "https://huggingface.co",
    "https://HF.CO": "https://huggingface.co",
    **dict.fromkeys(
        (
            *("https://hub.example.com/prefix", "http://evil.example", "http://127.0.0.1.evil.example", "nonsense", ""),
            *("https://*.example.com", "https://user:password@hub.example.com", 'https://a"b'),
            "https://a]\n[core]\n\tsshCommand = evil",
        )
    ),
}


@pytest.mark.parametrize("text", ORIGINS)
def test_another_hub(text: str, home: Path, file: Path) -> None:
    """`--hub` adds its origin if that may get a token, whatever HF_ENDPOINT is later, and `unconfigure` undoes it."""
    origin = ORIGINS[text]
    succeed("configure")
    done = run("configure", "--hub", text)
    assert done.returncode == (0 if origin else 2), done.stderr
    assert ("--hub takes the origin of a Hub" in done.stderr) == (origin is None)
    text = f"\"{PROGRAM} --hub '{origin}'\"" if "[" in text else f"{PROGRAM} --hub {origin}"  # for git's shell, and git
    is_public = origin in (None, "https://huggingface.co")
    assert files_below(home) == configured(more="" if is_public else section(origin or "", text))
    if origin:
        protocol, _, host = origin.partition("://")
        assert f"password={TOKEN}\n" in fill(host, protocol, HF_ENDPOINT="https://elsewhere.example")
    succeed("configure")
    succeed("unconfigure")
    assert files_below(home) == {}


@pytest.mark.parametrize("endpoint", ORIGINS)
def test_endpoint(endpoint: str, home: Path) -> None:
    """HF_ENDPOINT alone adds nothing, and gets nothing; without a terminal, a hint names the command for it."""
    done = run("configure", HF_ENDPOINT=endpoint)
    assert done.returncode == 0
    assert files_below(home) == configured()
    origin = ORIGINS[endpoint]
    if origin in (None, "https://huggingface.co"):
        assert done.stderr == ""
        return
    (command,) = commands_in_hints(done)
    assert command == f"git-credential-hf configure --hub {shlex.quote(origin or '')}"
    protocol, _, host = (origin or "").partition("://")
    assert TOKEN not in fill(host, protocol, HF_ENDPOINT=endpoint)
    succeed(*shlex.split(command)[1:], HF_ENDPOINT=endpoint)
    assert TOKEN in fill(host, protocol)
    assert "HF_ENDPOINT" not in run("configure", HF_ENDPOINT=endpoint).stderr


@pytest.mark.parametrize("answer", ["y\n", "n\n", "\n"])
def test_endpoint_on_a_terminal(answer: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, `configure` asks whether the Hub at HF_ENDPOINT shall get the token; the default is no."""
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.com")
    status, screen = run_on_terminal(answer, "configure")
    assert status == 0
    assert "https://hub.example.com (HF_ENDPOINT)? It will receive your token" in screen
    more = section("https://hub.example.com", f"{PROGRAM} --hub https://hub.example.com")
    assert files_below(home) == configured(more=more if answer == "y\n" else "")


def test_a_namespace_of_another_hub(home: Path, file: Path) -> None:
    """With `--hub`, `--token` and `--for` are about a namespace there, and not about the one of that name elsewhere."""
    store_token(home, "work", OLD_TOKEN)
    hub = "https://hub.example.com"
    succeed("configure", "--hub", hub, "--token", "work", "--for", "acme")
    for url, token in (
        (f"{hub}/acme/model", OLD_TOKEN),
        (f"{hub}/datasets/acme/data", OLD_TOKEN),
        (f"{hub}/alice/model", TOKEN),
        ("https://huggingface.co/acme/model", TOKEN),
    ):
        assert f"password={token}\n" in git("credential", "fill", stdin=f"url={url}\n\n", HF_TOKEN=TOKEN), url
    succeed("unconfigure")
    assert not file.exists()


# --- scopes ---


def test_local_scope(home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--local` writes into the repository's own file, and undoes it there; outside of a repository it fails."""
    git("init", "-q", "repository")
    config = home / "repository/.git/config"
    before = config.read_bytes()
    for options in (["--local"], ["--local", "--dry-run"]):
        outside = run("configure", *options)
        assert (outside.returncode, outside.stdout) == (1, "")
        assert "not in a git repository\ngit-credential-hf: hint: cd into one" in outside.stderr
    monkeypatch.chdir(home / "repository")
    succeed("configure", "--local")
    assert config.read_bytes() == before + LOCAL_INCLUDE.encode()
    assert (config.parent / "git-credential-hf/gitconfig").read_text() == HEADER + HUB_SECTIONS
    assert not file.exists()
    assert fill() == ANSWER
    (home / "repository").rename(home / "moved")
    monkeypatch.chdir(home / "moved")
    assert fill() == ANSWER
    succeed("unconfigure", "--local")
    config = home / "moved/.git/config"
    assert config.read_bytes() == before
    assert not (config.parent / "git-credential-hf").exists()


def test_system_scope(home: Path, tmp_path: Path) -> None:
    """`--system` writes into the system's file, and undoes it there."""
    system = tmp_path / "etc/system config"
    system.parent.mkdir()
    environment: dict[str, Any] = {"GIT_CONFIG_SYSTEM": str(system), "GIT_CONFIG_NOSYSTEM": None}
    umask = os.umask(0o077)
    succeed("configure", "--system", **environment)
    os.umask(umask)
    own = tmp_path / "etc/git-credential-hf/gitconfig"
    assert (system.read_text(), own.read_text()) == (LOCAL_INCLUDE, HEADER + HUB_SECTIONS)
    modes = [path.stat().st_mode & 0o777 for path in (system, own, own.parent)]
    assert modes == [0o644, 0o644, 0o755], "whatever the umask"
    assert fill(**environment) == ANSWER
    assert files_below(home) == {}
    succeed("unconfigure", "--system", **environment)
    assert not system.exists() and not own.parent.exists()
    assert system.parent.exists(), "which was there before"


def test_each_scope_is_undone_by_itself(home: Path, tmp_path: Path) -> None:
    """To undo what `configure` has written for all users leaves what it has written for one."""
    system = tmp_path / "system"
    succeed("configure", "--global", GIT_CONFIG_SYSTEM=str(system))
    succeed("unconfigure", "--system", GIT_CONFIG_SYSTEM=str(system))
    assert files_below(home) == configured()


# --- without writing ---


def test_print(home: Path, file: Path) -> None:
    """`--print` prints the lines and writes nothing; pasted, they do what `configure` would have done."""
    assert succeed("configure", "--print") == HUB_SECTIONS
    assert files_below(home) == {}
    file.write_text(HUB_SECTIONS)
    assert fill() == ANSWER
    other = succeed("configure", "--print", "--hub", "https://a.example")
    assert other == HUB_SECTIONS + section("https://a.example", f"{PROGRAM} --hub https://a.example")
    assert succeed("configure", "--print", HF_ENDPOINT="https://a.example") == HUB_SECTIONS
    assert succeed("configure", "--print", "--no-token", "--for", "acme") == HUB_SECTIONS


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox"])
def test_env(shell: str, home: Path, spy: Spy) -> None:
    """`eval "$(… --env)"` is enough for a job without any file; twice is once; the job's own settings stay."""
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    command = [shell, "sh"] if shell == "busybox" else [shell]
    script = """
        set -eu
        eval "$(git-credential-hf configure --env)"
        first=$(env | grep ^GIT_CONFIG | sort)
        eval "$(git-credential-hf configure --env)"
        [ "$first" = "$(env | grep ^GIT_CONFIG | sort)" ]
        printf 'protocol=https\\nhost=huggingface.co\\n\\n' | git credential fill
        git config user.name
        printf 'protocol=https\\nhost=git.example\\n\\n' | git credential fill
    """
    environment: dict[str, Any] = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": "spy",
        "GIT_CONFIG_KEY_1": "user.name",
        "GIT_CONFIG_VALUE_1": "a 'b' \"c\"",
    }
    done = programs.run(*command, "-c", script, HF_TOKEN=TOKEN, **environment)
    assert done.stdout == ANSWER + "a 'b' \"c\"\nprotocol=https\nhost=git.example\nusername=spy\npassword=spied\n"
    assert spy.requests() == ["get", "protocol=https", "host=git.example"]
    assert files_below(home) == {}


def evaluate(program: str = PROGRAM, **environment: Any) -> dict[str, Any]:
    """Return the environment of a job after `eval "$(… --env)"`."""
    done = run("configure", "--env", program=program, **environment)
    assert done.returncode == 0, done.stderr
    names = re.findall(r"^export (\w+)=", done.stdout, re.MULTILINE)
    shown = programs.run("sh", "-c", f"{done.stdout}\nenv -0", **environment).stdout
    values = dict(entry.split("=", 1) for entry in shown.split("\0") if entry)
    return {**environment, **{name: values[name] for name in names}}


def test_env_after_another_helper(spy: Spy) -> None:
    """A helper that the job has added to its environment after ours is reset by the next `--env`."""
    first = evaluate()
    count = int(first["GIT_CONFIG_COUNT"] or 0)
    later = {f"GIT_CONFIG_KEY_{count}": "credential.helper", f"GIT_CONFIG_VALUE_{count}": "spy"}
    environment = evaluate(**{**first, **later, "GIT_CONFIG_COUNT": str(count + 1)})
    assert fill(**environment) == ANSWER
    git("credential", "approve", stdin=ANSWER, **environment)
    assert spy.requests() == []


@pytest.mark.parametrize("count", ["", "0", "abc", "-1", "\u00b2", "3000000000"])
def test_env_with_a_strange_count(count: str) -> None:
    """A GIT_CONFIG_COUNT that git would refuse is replaced, or refused clearly; it is never a crash or a hang."""
    done = run("configure", "--env", timeout=5, GIT_CONFIG_COUNT=count)
    assert done.returncode in (0, 1)
    if done.returncode == 0:
        assert fill(**evaluate(GIT_CONFIG_COUNT=count)) == ANSWER


@pytest.mark.parametrize("before", [None, USER, USER[:-1]])
def test_dry_run(before: str | None, home: Path, file: Path) -> None:
    """`--dry-run` shows a diff of the change that would be made, and makes none."""
    if before is not None:
        file.write_text(before)
    state = files_below(home)
    for command, sign, other in (("configure", "+", "-"), ("unconfigure", "-", "+")):
        shown = succeed(command, "--dry-run")
        assert files_below(home) == state
        head, *lines = shown.splitlines()
        own, files = home / OWN_FILE, [line for line in lines if line[:4] in ("--- ", "+++ ")]
        assert {head, *files} >= {f"{mark} {path}" for mark, path in ((sign * 3, file), (sign * 3, own))}
        shown_lines = [line[1:] for line in lines if line.startswith(sign) and line not in files]
        assert sorted(shown_lines) == sorted((HEADER + HUB_SECTIONS + INCLUDE).splitlines())
        assert not [line for line in lines if line.startswith(other) and line not in files]
        succeed(command)
        assert succeed(command, "--dry-run") == ""
        state = files_below(home)
    assert (file.read_text() if file.exists() else None) == before


@pytest.mark.parametrize("command", ["configure", "unconfigure"])
def test_dry_run_shows_no_secret(command: str, file: Path) -> None:
    """A token, or another host's password, near our lines is not in the diff."""
    secret = "hf_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt5678"
    text = f'[http "https://huggingface.co"]\n\textraHeader = "Authorization: Bearer {secret}"\n'
    text += "[sendemail]\n\tsmtpPass = of-another-host\n"
    file.write_text(text)
    if command == "unconfigure":
        succeed("configure")
    shown = succeed(command, "--dry-run")
    assert secret not in shown
    assert "of-another-host" not in shown
    assert "+" in shown or "-" in shown


@pytest.mark.parametrize("options", [("--print", "--env"), ("--print", "--dry-run"), ("--env", "--dry-run")])
def test_options_that_exclude_each_other(options: tuple[str, str], home: Path) -> None:
    """`--print`, `--env` and `--dry-run` are three answers: two of them are wrong usage, and nothing is written."""
    done = run("configure", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert files_below(home) == {}


def test_no_token_is_written(home: Path, file: Path) -> None:
    """Wherever the token comes from, it gets into no file, diff or environment."""
    (home / "token").write_text(TOKEN)
    environment = {"HF_TOKEN_PATH": str(home / "token"), "HUGGING_FACE_HUB_TOKEN": TOKEN}
    for arguments in (["--print"], ["--env"], ["--dry-run"], []):
        succeed("configure", *arguments, **environment)
    assert TOKEN.encode() not in file.read_bytes()
    succeed("unconfigure", **environment)
    assert files_below(home) == {"token": TOKEN.encode()}


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict", "latin-1:strict"])
def test_names_that_are_not_text(encoding: str, home: Path) -> None:
    """A home whose name is not UTF-8 is written to, and the name is printed, whatever the encoding of stdout is."""
    odd = os.path.join(home, os.fsdecode(b"caf\xe9"))
    os.mkdir(odd)
    for command in ("configure", "unconfigure"):
        succeed(command, HOME=odd, PYTHONIOENCODING=encoding)


# --- which helper is written ---

DIRECTORIES = [
    *("plain", "with blank", "it's", 'double"quote', "back\\slash", "ends in backslash\\", "$HOME", "semi;colon"),
    *("#hash", "a#b", "ünï", "~tilde", "-dash", "100%20", "(paren)", "!bang", "a=b", "*", "`id`", "new\nline"),
    *("git-credential-hf", "my-git-credential-hf", os.fsdecode(b"\xff"), "tab\there"),
]


@pytest.fixture
def off_path(monkeypatch: pytest.MonkeyPatch) -> str:
    """PATH without this program."""
    entries = os.environ["PATH"].split(os.pathsep)
    path = os.pathsep.join(entry for entry in entries if not os.path.exists(f"{entry}/git-credential-hf"))
    monkeypatch.setenv("PATH", path)
    return path


@pytest.fixture
def on_path(off_path: str) -> Iterator[dict[str, str]]:
    """The environment in which it is on PATH."""
    yield {"PATH": f"{SCRIPTS}{os.pathsep}{off_path}"}


def linked_program(directory: Path) -> Path:
    """Return a link to the executable in a directory."""
    directory.mkdir()
    (directory / "git-credential-hf").symlink_to(PROGRAM)
    return directory / "git-credential-hf"


@pytest.mark.parametrize("name", some(DIRECTORIES, 10), ids=ascii)
def test_absolute_path(name: str, home: Path, file: Path, tmp_path: Path, off_path: str) -> None:
    """The absolute path is written so that git starts it, whatever is in it; and `unconfigure` finds it."""
    program = linked_program(tmp_path / name)
    file.write_text(USER)
    done = run("configure", program=str(program))
    assert done.returncode == 0, done.stderr
    assert str(tmp_path).encode() in (home / OWN_FILE).read_bytes()
    assert fill() == ANSWER
    (found,) = helper_chain("https://hf.co", read_config())
    assert is_our_helper(found.value or "")
    succeed("unconfigure")
    assert file.read_text() == USER


def test_env_with_an_absolute_path(tmp_path: Path, off_path: str) -> None:
    """`--env` quotes a path for the shell that evaluates it, and for the one that git starts."""
    program = linked_program(tmp_path / "it's a $HOME")
    assert fill(**evaluate(program=str(program))) == ANSWER


@pytest.mark.parametrize("script", ["./bin/git-credential-hf configure", "PATH=bin:$PATH; git-credential-hf configure"])
def test_started_by_a_relative_path(script: str, home: Path, off_path: str) -> None:
    """Started as `./git-credential-hf`, or through a relative entry of PATH, it writes an absolute path."""
    program = linked_program(home / "bin")
    programs.run("sh", "-c", script)
    assert f"\thelper = {program}\n" in (home / OWN_FILE).read_text()


def test_another_path(home: Path, tmp_path: Path, off_path: str) -> None:
    """After the program has moved, the next `configure` replaces the path, and nothing in git's own file."""
    first, second = linked_program(tmp_path / "a"), linked_program(tmp_path / "with blank")
    for program in (first, second, first):
        assert run("configure", program=str(program)).returncode == 0
        helper = str(program) if program == first else f"\"!'{program}'\""
        sections = section("https://huggingface.co", helper) + section("https://hf.co", helper)
        assert files_below(home) == {**configured(), OWN_FILE: (HEADER + sections).encode()}
        assert fill() == ANSWER


def test_as_a_module(home: Path, off_path: str) -> None:
    """`python -m git_credential_hf configure` writes the path of the program beside that Python, on PATH or not."""
    programs.run(sys.executable, "-m", "git_credential_hf", "configure")
    assert files_below(home) == configured()


# --- for all users ---


@pytest.mark.skipif(not IS_ROOT, reason="only root can make files of others")
@pytest.mark.parametrize(("owner", "mode"), [(65534, 0o755), (0, 0o757)], ids=["another user's", "writable for all"])
def test_a_program_of_others_is_not_for_all_users(owner: int, mode: int, home: Path) -> None:
    """`configure --system` refuses a program that others may change, with a command that helps; nothing is written."""
    theirs = home / "bin"
    theirs.mkdir()
    program = theirs / "git-credential-hf"
    program.symlink_to(PROGRAM)
    os.chown(theirs, owner, owner)
    theirs.chmod(mode)
    environment: dict[str, Any] = {"GIT_CONFIG_SYSTEM": str(home / "system"), "GIT_CONFIG_NOSYSTEM": None}
    for more in ([], ["--dry-run"]):
        done = programs.run(program, "configure", "--system", "--no-purge", *more, check=False, **environment)
        assert (done.returncode, done.stdout) == (1, "")
        error, hint = done.stderr.splitlines()
        assert error.startswith("git-credential-hf: error: this program cannot be used for all users, because /")
        assert hint.startswith("git-credential-hf: hint: run `")
        assert not (home / "system").exists()
    theirs.chmod(0o755)
    os.chown(theirs, 0, 0)
    programs.run(program, "configure", "--system", "--no-purge", **environment)
    assert (home / "system").exists()


@pytest.mark.parametrize("scope", ["--global", "--system"])
def test_unconfigure_names_the_hooks_that_stay(scope: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository keeps its hooks: in it, `unconfigure` says so, with the command that removes them."""
    git("init", "-q", "repository")
    monkeypatch.chdir(home / "repository")
    environment: dict[str, Any] = {"GIT_CONFIG_SYSTEM": str(home / "system")} if scope == "--system" else {}
    assert messages(run("unconfigure", scope, **environment), "hint") == [NOTHING]
    succeed("hooks", "install")
    succeed("configure")
    for options in (["--dry-run"], []):
        *_, hint = messages(run("unconfigure", scope, *options, **environment), "hint")
        assert hint == "the hooks of this repository are still installed: run `git-credential-hf hooks uninstall`"
    succeed("hooks", "uninstall")
    assert messages(run("unconfigure", scope, **environment), "hint") == [NOTHING]


def test_a_name_that_is_nearly_right(home: Path) -> None:
    """A mistyped name of a stored token, or a Hub without a scheme, is answered with the whole command."""
    store_token(home, "work", TOKEN)
    done = run("configure", "--token", "wrk", "--for", "acme")
    assert done.returncode == 1
    assert commands_in_hints(done) == ["git-credential-hf configure --token work --for acme"]
    done = run("configure", "--local", "--hub", "https://a.example", "--token", "wrk", "--for", "acme")
    whole = "git-credential-hf configure --token work --for acme --hub https://a.example --local"
    assert commands_in_hints(done) == [whole]
    done = run("configure", "--hub", "Hub.example.com")
    assert done.returncode == 2
    assert commands_in_hints(done) == ["git-credential-hf configure --hub https://hub.example.com"]
    assert commands_in_hints(run("configure", "--hub", "a b")) == ["git-credential-hf configure --help"]


def test_unconfigure_of_the_hooks_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If there were only hooks in a repository, `unconfigure --local` does not say that there was nothing."""
    git("init", "-q", "repository")
    monkeypatch.chdir(home / "repository")
    succeed("hooks", "install")
    done = run("unconfigure", "--local")
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 2)
    assert messages(run("unconfigure", "--local"), "hint") == [NOTHING]


NOTHING = "there is nothing to undo in git's configuration"
