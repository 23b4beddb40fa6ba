"""Commands that change files, each on a machine of its own, and what is left of those files when something fails."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from programs import run

if TYPE_CHECKING:
    from fake_hub import Hub

PROGRAM = os.path.join(sysconfig.get_path("scripts"), "git-credential-hf")
MODEL = "https://huggingface.co/alice/model"
ASKED = "protocol=https\nhost=huggingface.co\n"
ID_TOKEN = "eyJCaNaRy.id.token"


def canary(number: int) -> str:
    return f"hf_CaNaRyWqZeTbPkLsVmXoGdJfHuYiRc{number:04}"


NETRC = f"""machine a.example login x password y
machine huggingface.co login alice password {canary(3)}
machine b.example login x password z
"""

# What `doctor --fix` mends: one file for each mend, so each of them has two states, before and after. Without the Hub,
# what goes elsewhere is the login's own token.
SICK: dict[str, tuple[int, str]] = {
    ".netrc": (0o600, NETRC),
    ".huggingface/token": (0o644, canary(2)),
    ".cache/huggingface/token": (0o644, canary(3)),
    ".cache/huggingface/stored_tokens": (0o640, f"[laptop]\nhf_token = {canary(3)}\n"),
    ".gitconfig": (
        0o644,
        "[user]\n\tname = Alice\n[include]\n\tpath = .header\n\tpath = .instead\n\tpath = .provider\n"
        '[filter "lfs"]\n\tsmudge = git-lfs smudge -- %f\n\tprocess = git-lfs filter-process\n',
    ),
    ".header": (
        0o600,
        f'[http "https://huggingface.co"]\n\textraHeader = Authorization: Bearer {canary(3)}\n[a]\n\tb = c\n',
    ),
    ".instead": (0o600, f'[url "https://alice:{canary(3)}@huggingface.co/"]\n\tinsteadOf = hub:\n'),
    ".provider": (0o640, '[credential "https://huggingface.co"]\n\tprovider = generic\n[d]\n\te = f\n'),
    "model/.git/config": (
        0o644,
        "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
        f'[remote "origin"]\n\turl = https://alice:{canary(3)}@huggingface.co/alice/model\n',
    ),
    "model/.git/HEAD": (0o644, "ref: refs/heads/main\n"),
}

State = dict[str, object]


def sicken(home: Path, only: tuple[str, ...] = tuple(SICK)) -> None:
    """Let there be something for the doctor in an empty `home`."""
    for folder in ("model/.git/objects", "model/.git/refs", ".cache/huggingface"):
        (home / folder).mkdir(parents=True)
    for name in only:
        mode, content = SICK[name]
        write(home / name, content, mode)


def write(path: Path, content: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    path.chmod(mode)


LOCK_HINT = re.compile(r"hint: if no git is running: (rm .*\.lock'?)$", re.MULTILINE)


class Machine:
    """Somebody's home, runtime directory and temporary directory, which can be as they were once more."""

    def __init__(self, top: Path, hub: Hub | None) -> None:
        self.hub = hub
        self.top = top / "machine"
        self.home = self.top / "home"
        self.runtime = self.top / "runtime"
        self.where = self.home  # the current directory
        self._kept = top / "kept"
        for folder in ("home", "runtime", "tmp"):
            (self.top / folder).mkdir(parents=True)
        self.runtime.chmod(0o700)
        self.environment = {
            **{name: os.environ[name] for name in os.environ if name in ("PATH", "LC_ALL", "GIT_SSL_CAINFO")},
            **({"SSL_CERT_FILE": str(hub.ca), "GIT_SSL_CAINFO": str(hub.ca)} if hub else {}),
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(self.top / "tmp"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        }

    def run(
        self, *command: str, stdin: str = "", check: bool = False, **environment: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; one that hangs fails the test."""
        return run(
            *command, cwd=self.where, stdin=stdin, check=check, timeout=120, base=self.environment, **environment
        )

    def run_again(self, *command: str, stdin: str = "", **environment: Any) -> bool:
        """Run a command to its success, after what its hint says where it is refused because of a lock that was left.

        Returns whether there was such a hint.
        """
        is_hinted = False
        while True:
            done = self.run(*command, stdin=stdin, **environment)
            hints = LOCK_HINT.findall(done.stderr)
            # git-credential-store says that there is its lock, and not how to go on.
            if "unable to get credential storage lock" in done.stderr:
                hints += [shlex.join(["rm", *map(str, self.home.rglob("*credentials.lock"))])]
            if done.returncode == 0 or not hints:
                assert done.returncode == 0, done.stderr
                return is_hinted
            is_hinted = True
            for hint in hints:
                self.run("sh", "-c", hint, check=True)

    def git(self, *arguments: str) -> None:
        self.run("git", *arguments, check=True)

    def keep(self) -> None:
        """What is there now is what `reset` gives back."""
        shutil.copytree(self.top, self._kept, symlinks=True)

    def reset(self) -> None:
        shutil.rmtree(self.top)
        shutil.copytree(self._kept, self.top, symlinks=True)

    def state(self) -> State:
        """All files and folders, their permissions and bytes; what has a date or a key in it, without."""
        found: State = {}
        for folder, folders, files in os.walk(self.top):
            if folder == str(self.home / "model/.git"):  # what git-lfs notes for itself, and a look at the index
                folders[:] = [name for name in folders if name not in ("lfs", "objects")]
                files = [name for name in files if name != "index"]
            if folder == str(self.home / "model"):  # where git-lfs makes its directory if it cannot ask git
                folders[:] = [name for name in folders if name != "lfs"]
            if folder == str(self.home / ".cache/huggingface"):
                files = [name for name in files if name in ("token", "stored_tokens")]
                folders.clear()
            # What has been done when, and what is noted only if something fails.
            files = [name for name in files if name not in ("last-fix.json", "warned", "unreachable")]
            for name in [*folders, *files]:
                path = os.path.join(folder, name)
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                seen = os.path.relpath(path, self.top)
                if os.path.islink(path):
                    found[seen] = os.readlink(path)
                elif os.path.isdir(path):
                    found[seen] = mode
                else:
                    content = Path(path).read_bytes()
                    if folder != str(self.top / "tmp") or content not in (b"", b"blat"):  # tempfile tries to write
                        found[timeless(seen)] = (mode, timeless(content.decode("latin-1")))
        return found


def timeless(text: str) -> str:
    """A name or a content of ours, without the date, and what else is another one each time; never what is cut off."""
    text = re.sub(r"\.backup-\d{8}-\d{6}(-\d+)?$", ".backup-DATE", text)
    text = re.sub(r"(?m)^\d{10} (\d+) [0-9a-f]{64} [0-9a-f]{128}\n", r"MARK \1\n", text)
    text = re.sub(r"(?m)^[0-9a-f]{64} [0-9a-f]{128} (?=[\w.-]+( [\w.-]+)*$)", "OWNER ", text)
    return re.sub(r"\A[0-9a-f]{64}\n[0-9a-f]{128}(\n\d{10}){3}\nhf_jwt_[\w.-]{20,}\Z", "EXCHANGED", text)


class Command(NamedTuple):
    """What is run, on a machine that `prepare` has made.

    `undo` runs after it, or after what a fault has left of it, and gives back what was there before. `steps` are the
    commands that come to the same up to some point: after each of them files are whole, too.
    """

    prepare: Callable[[Machine], None]
    arguments: tuple[str, ...]
    stdin: Callable[[Machine], str] = lambda machine: ""
    undo: tuple[tuple[str, ...], ...] = ()
    steps: tuple[tuple[str, ...], ...] = ()
    statuses: tuple[int, ...] = (0, 1)  # with which it may end where something fails
    needs_hub: bool = False
    environment: Mapping[str, str] = {}
    must_change: bool = True  # whether the status 0 says that everything is done, and not only what could be


def _configuration(machine: Machine) -> None:
    write(machine.home / ".gitconfig", "[user]\n\tname = Alice\n[credential]\n\thelper = store")
    write(machine.home / ".git-credentials", f"https://a:{canary(1)}@huggingface.co\nhttps://b:p@b.example\n", 0o600)
    stored = f"[one]\nhf_token = {canary(1)}\n\n[two]\nhf_token = {canary(2)}\n"
    write(machine.home / ".cache/huggingface/stored_tokens", stored, 0o600)


def _configured(machine: Machine) -> None:
    _configuration(machine)
    machine.run(PROGRAM, "configure", "--hooks", "--no-purge", check=True)
    for within in (machine.runtime, machine.home / ".cache"):
        (within / "git-credential-hf").mkdir(mode=0o700, parents=True)
        write(within / "git-credential-hf/refused", "x\n", 0o600)
        write(within / "git-credential-hf/other", "y\n", 0o600)


def _repository(machine: Machine) -> None:
    machine.git("init", "--quiet", "--template=", "--initial-branch=main", "model")
    machine.where = machine.home / "model"
    write(machine.where / ".git/hooks/pre-push", "#!/bin/sh\necho before\n", 0o755)
    write(machine.where / ".git/hooks/commit-msg", "#!/bin/sh\n", 0o755)


def _repository_with_hooks(machine: Machine) -> None:
    _repository(machine)
    machine.run(PROGRAM, "hooks", "install", check=True)


def _husky(machine: Machine) -> None:
    _repository(machine)
    write(machine.where / ".husky/pre-push", "#!/bin/sh\necho husky\n", 0o755)
    machine.git("config", "core.hooksPath", ".husky")


def _husky_with_hooks(machine: Machine) -> None:
    _husky(machine)
    machine.run(PROGRAM, "hooks", "install", check=True)


def _global(machine: Machine) -> None:
    write(machine.home / ".gitconfig", "[user]\n\tname = Alice\n")


def _global_with_hooks(machine: Machine) -> None:
    _global(machine)
    machine.run(PROGRAM, "hooks", "install", "--global", check=True)


def _sick(machine: Machine) -> None:
    sicken(machine.home)
    machine.where = machine.home / "model"


def _held(machine: Machine) -> None:
    _configuration(machine)
    write(machine.home / ".cache/huggingface/token", canary(3), 0o600)  # without a login nothing is removed
    write(machine.home / ".config/git/credentials", f"https://c:{canary(2)}@hf.co\n", 0o600)


def _logged_in(machine: Machine) -> None:
    """With a token of alice's, which may write to her model; as an hour ago."""
    assert machine.hub
    machine.hub.user("alice")
    if not machine.hub.repositories.known:
        machine.hub.repository("alice/model", private=True, files={"README.md": b"hello\n"})
    token = machine.hub.token("alice")
    folder = machine.home / ".cache/huggingface"
    write(folder / "token", token, 0o600)
    write(folder / "stored_tokens", f"[laptop]\nhf_token = {token}\n\n", 0o600)
    for name in ("token", "stored_tokens"):
        os.utime(folder / name, (1_700_000_000,) * 2)
    write(machine.home / ".gitconfig", '[user]\n\tname = Alice\n\temail = a@b.example\n[credential]\n\thelper = ""\n')
    with (machine.home / ".gitconfig").open("a") as file:
        file.write("\thelper = hf\n")


def token_of(machine: Machine) -> str:
    return (machine.home / ".cache/huggingface/token").read_text()


def _publisher(machine: Machine) -> None:
    assert machine.hub
    _logged_in(machine)
    machine.hub.trust("https://ci.example", resource="alice/model", id_token=ID_TOKEN)
    machine.environment |= {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(machine.runtime)}


def _pushing(machine: Machine) -> None:
    _logged_in(machine)
    machine.git("init", "--quiet", "--template=", "--initial-branch=main", "model")
    machine.where = machine.home / "model"
    machine.git("remote", "add", "origin", MODEL)
    write(machine.where / "a.txt", "hello\n")
    machine.git("add", "a.txt")
    machine.git("commit", "--quiet", "--message", "one")
    write(machine.where / "b.txt", "more\n")
    machine.git("add", "b.txt")


def _pushed(machine: Machine) -> str:
    tip = machine.run("git", "rev-parse", "HEAD", check=True).stdout.strip()
    return f"refs/heads/main {tip} refs/heads/main {'0' * 40}\n"


COMMANDS = {
    "configure": Command(_configuration, ("configure",), undo=(("unconfigure",),)),
    "configure, the first file": Command(lambda machine: None, ("configure",), undo=(("unconfigure",),)),
    "unconfigure": Command(
        _configured,
        ("unconfigure",),
        undo=(("configure", "--hooks", "--no-purge"),),
        steps=(("hooks", "uninstall", "--global"),),
    ),
    "purge": Command(_held, ("purge",)),
    "doctor --fix": Command(_sick, ("doctor", "--fix", "--yes", "--offline")),
    "hooks install": Command(_repository, ("hooks", "install"), undo=(("hooks", "uninstall"),)),
    "hooks uninstall": Command(_repository_with_hooks, ("hooks", "uninstall"), undo=(("hooks", "install"),)),
    "hooks install (core.hooksPath)": Command(_husky, ("hooks", "install"), undo=(("hooks", "uninstall"),)),
    "hooks uninstall (core.hooksPath)": Command(
        _husky_with_hooks, ("hooks", "uninstall"), undo=(("hooks", "install"),)
    ),
    "hooks install --global": Command(
        _global, ("hooks", "install", "--global"), undo=(("hooks", "uninstall", "--global"),)
    ),
    "hooks uninstall --global": Command(
        _global_with_hooks, ("hooks", "uninstall", "--global"), undo=(("hooks", "install", "--global"),)
    ),
    "get": Command(_logged_in, ("get",), stdin=lambda machine: ASKED + "\n", needs_hub=True, must_change=False),
    "get (Trusted Publisher)": Command(
        _publisher,
        ("get",),
        stdin=lambda machine: ASKED + "\n",
        needs_hub=True,
        environment={"HF_OIDC_RESOURCE": "alice/model", "HF_OIDC_ID_TOKEN": ID_TOKEN},
        must_change=False,
    ),
    "erase": Command(
        _logged_in,
        ("erase",),
        stdin=lambda machine: ASKED + f"username=git\npassword={token_of(machine)}\n\n",
        needs_hub=True,
        must_change=False,
    ),
    "check --write": Command(
        _logged_in, ("check", "--write", "alice/model"), needs_hub=True, statuses=(0, 1, 3), must_change=False
    ),
    "hook pre-push": Command(
        _pushing, ("hook", "pre-push", "origin", MODEL), stdin=_pushed, needs_hub=True, statuses=(0,), must_change=False
    ),
    "hook pre-commit": Command(_pushing, ("hook", "pre-commit"), needs_hub=True, statuses=(0,), must_change=False),
}


class Trial:
    """A command, run many times, and what each run has left behind.

    `told` counts the states that it has left: `before`, `after`, or `each` where every file is in one of the two.
    """

    def __init__(self, name: str, top: Path, hub: Hub | None) -> None:
        self.name = name
        self.command = COMMANDS[name]
        self.machine = Machine(top, hub)
        self.command.prepare(self.machine)
        self.stdin = self.command.stdin(self.machine)
        self.secrets = [ID_TOKEN, "CaNaRy"]
        if self.command.needs_hub:
            self.secrets.append(token_of(self.machine))
        self.machine.keep()
        self.before = self.machine.state()
        done = self.run()
        assert done.returncode == 0, done.stderr
        self.after = self.machine.state()
        self.whole = [self.before, self.after]
        self.told = {"before": 0, "after": 0, "each": 0}
        self.gone_on = 0  # the runs after which it, or its undoing, came to the end; what was seen before counts, too
        self._run_again: dict[str, None] = {}
        if self.command.undo:
            self._undone()
        for step in self.command.steps:
            self.machine.reset()
            self.machine.run(PROGRAM, *step, check=True)
            self.whole.append(self.machine.state())

    def run(self, *around: str, **environment: Any) -> subprocess.CompletedProcess[str]:
        return self.machine.run(
            *around,
            PROGRAM,
            *self.command.arguments,
            stdin=self.stdin,
            **{**self.command.environment, **environment},
        )

    def run_again(self) -> bool:
        """Run it to its success, as `Machine.run_again` does."""
        arguments = self.command.arguments
        return self.machine.run_again(PROGRAM, *arguments, stdin=self.stdin, **self.command.environment)

    def fails(
        self, *around: str, unheard: bool = False, unseen: bool = False, unremoved: bool = False, **environment: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run it from the beginning, with something that fails: it says so, and nothing is lost or half.

        `unheard`: what fails is that somebody hears of it. `unseen`: it is a look at something. `unremoved`: no file
        can be removed, so one of ours may stay, until the next run.
        """
        self.machine.reset()
        done = self.run(*around, **environment)
        self.says_what_is_wrong(done, unheard)
        self.is_whole(done.returncode, unseen=unseen, killed=unremoved)
        self.goes_on()
        return done

    def says_what_is_wrong(self, done: subprocess.CompletedProcess[str], unheard: bool) -> None:
        said = done.stderr if "get" in self.command.arguments else done.stdout + done.stderr
        assert not any(secret in said for secret in self.secrets), "a token is shown"
        assert "Traceback" not in said and "internal error" not in said, said
        lines = done.stderr.splitlines()
        assert all(line.startswith("git-credential-hf: ") for line in lines), said
        statuses = (*self.command.statuses, 120) if unheard else self.command.statuses  # 120: Python's own last words
        assert done.returncode in statuses, (done.returncode, said)
        assert "cannot write the output" not in said or unheard, said
        is_answer = re.search("^(held|unknown|. FAIL) ", done.stdout, re.MULTILINE)  # of `purge` and of `doctor`
        if done.returncode and not unheard and not is_answer:
            assert any(re.match("git-credential-hf: (error|warning): .", line) for line in lines), said
        if "get" in self.command.arguments and done.stdout:  # the answer, or none: git takes half of one as well
            assert re.fullmatch("username=git\npassword=hf_.*\n(password_expiry_utc=[0-9]+\n)?", done.stdout)
            assert "HF_OIDC_RESOURCE" in self.command.environment or f"={token_of(self.machine)}\n" in done.stdout

    def is_whole(self, status: int | None, *, unseen: bool = False, killed: bool = False) -> None:
        """Each file is as before or as after, and there is no other one."""
        now = self.machine.state()
        for name in now.keys() | self.before.keys() | self.after.keys():
            if killed and is_left_by_a_kill(name):
                continue
            if unseen and name.startswith("tmp/runtime-"):
                continue  # where platformdirs has it where there is no other place
            if ".backup-" in name and name in now and name in self.after:
                assert now[name] == self.after[name] or killed, name
            else:
                assert any(now.get(name) == whole.get(name) for whole in self.whole), (name, now.get(name))
        if killed:
            now = {name: what for name, what in now.items() if name in self.after or not is_left_by_a_kill(name)}
        which = "before" if now == self.before else "after" if now == self.after else "each"
        if status == 0 and self.command.must_change:  # what cannot be looked at in a cache is not there to be removed
            is_done = without_caches(now) == without_caches(self.after) if unseen else which == "after"
            assert is_done, "it says 0, and: " + difference(self.after, now)
        self.told[which] += 1

    def goes_on(self) -> None:
        """From what was left, the same command comes to the same end, and undoing it to the same beginning."""
        self.gone_on += 1
        now = self.machine.state()
        seen = json.dumps(now, sort_keys=True, default=list)
        if seen in self._run_again or now in (self.before, self.after):
            return  # done already
        self._run_again[seen] = None
        left = self.machine.top.with_name("left")
        if self.command.undo:
            shutil.copytree(self.machine.top, left, symlinks=True)
        self.completes()
        if self.command.undo:
            self._undone()
            shutil.rmtree(self.machine.top)
            left.rename(self.machine.top)
            self._undone()

    def completes(self) -> None:
        self.run_again()
        now = self.machine.state()
        if self.command.must_change:
            assert now == self.after, difference(self.after, now)
        else:
            assert now.items() <= self.after.items(), difference(self.after, now)

    def _undone(self) -> None:
        for arguments in self.command.undo:
            self.machine.run_again(PROGRAM, *arguments)
        now, before = (without_caches(state) for state in (self.machine.state(), self.before))
        assert now == before, difference(before, now)


def is_left_by_a_kill(name: str) -> bool:
    return bool(re.search(r"\.lock$|\.hf-\d+$|/git-credential-hf/\w+\.\d+$", name))


def without_caches(state: State) -> State:
    """What nobody undoes: what is kept until it is out of date, and the copies that `doctor` leaves."""
    return {
        name: what
        for name, what in state.items()
        if not re.match(r"runtime/git-credential-hf|home/\.cache", name) and name != "home/.config"
    }


def difference(wanted: State, found: State) -> str:
    names = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    return "\n".join(f"{name}: {wanted.get(name)!r} != {found.get(name)!r}" for name in names)
