"""`git credential`, with a record of whom it asked what, and of what it asked the user."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import Done, run

from . import HF, TOKEN

# The real helper, and a note of what git told it.
HELPER = """#!/bin/sh
echo "> hf $*" >> "$ASKED"
tee -a "$ASKED" | "$REAL_HELPER" "$@"
"""
# It stands for any other helper: to `get` it answers its arguments, one in each line.
ANSWERS = """#!/bin/sh
for operation; do :; done
{ echo "> answers $operation"; cat; } >> "$ASKED"
[ "$operation" = get ] || exit 0
while [ $# -gt 1 ]; do
    printf '%s\\n' "$1"
    shift
done
"""
# It stands for the user, who is asked for a user name or a password.
ASKPASS = """#!/bin/sh
echo "> $1" >> "$ASKED"
echo "typed"
"""


class Git:
    """`git credential`, and what happened when it last ran."""

    def __init__(self, folder: Path) -> None:
        self.record = folder / "asked"
        self.asked: list[
            tuple[str, str]
        ] = []  # `hf get` or `answers get` and what it was told, or a prompt and nothing
        self.said = ""

    def run(self, operation: str, message: str, *settings: str) -> Done:
        self.record.write_text("")
        options = [word for setting in settings or (HF,) for word in ("-c", setting)]
        done = run("git", *options, "credential", operation, stdin=message, check=False)
        record = self.record.read_text().split("> ")[1:]
        self.asked = [(who, told) for who, _, told in (entry.partition("\n") for entry in record)]
        self.said = done.stderr
        return done

    def fill(self, message: str, *settings: str) -> str:
        """What git answers, with these settings or with nothing but `credential.helper=hf`."""
        done = self.run("fill", message, *settings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tell(self, operation: str, message: str, *settings: str) -> None:
        """`approve` or `reject`, to which nobody answers."""
        done = self.run(operation, message, *settings)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr

    def refuse_repeatedly(self, message: str, *settings: str) -> None:
        """`reject` three times within seconds: as the Hub cannot be asked, one or two may be a mistake."""
        for _ in range(3):
            self.tell("reject", message, *settings)

    def refuses(self, message: str, *settings: str) -> str:
        """Why git does not fill this."""
        done = self.run("fill", message, *settings)
        assert (done.returncode, done.stdout) == (128, ""), done.stdout
        return done.stderr.rpartition("fatal: ")[2]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    for name, text in (("git-credential-hf", HELPER), ("git-credential-answers", ANSWERS), ("askpass", ASKPASS)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    git = Git(tmp_path)
    monkeypatch.setenv("ASKED", str(git.record))
    monkeypatch.setenv("REAL_HELPER", shutil.which("git-credential-hf") or "")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path), os.environ["PATH"]]))
    monkeypatch.setenv("GIT_ASKPASS", str(tmp_path / "askpass"))
    return git


@pytest.fixture
def log_in(home: Path) -> Callable[..., None]:
    """What `hf auth login` leaves behind: the token of this name is the current one; `more` is kept with it."""

    def write(token: str = TOKEN, name: str = "mine", **more: object) -> None:
        folder = home / ".cache/huggingface"
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{key} = {value}" for key, value in {"hf_token": token, **more}.items()]
        with (folder / "stored_tokens").open("a") as stored:
            stored.write("\n".join([f"[{name}]", *lines, "", ""]))
        (folder / "token").write_text(token)
        for file in ("token", "stored_tokens"):  # an hour ago: nobody is writing them right now
            os.utime(folder / file, (time.time() - 3600,) * 2)

    return write


@pytest.fixture
def logged_in(log_in: Callable[..., None]) -> None:
    log_in()
