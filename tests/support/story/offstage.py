"""What happens in the story apart from commands: at the Hub, on the disk, in the past."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Callable
from pathlib import Path

from fake_hub import Hub
from fake_hub.accounts import Token

WEIGHTS = bytes(range(256)) * 4096
DATE = "2026-01-01T12:00:00Z"  # of all commits


class Stage:
    """The shell of the story's person: its directory, environment and clipboard; and the Hub."""

    def __init__(self, hub: Hub, directory: Path) -> None:
        self.hub, self.root = hub, directory.resolve()
        self.clipboard = ""
        self.noted: dict[str, bytes] = {}
        hub.org("acme", **{hub.user("alice"): "read", hub.user("bob"): "write"})
        readme = {"README.md": b"# a model\n"}
        hub.repository("alice/private-model", private=True, files=readme, lfs={"model.safetensors": WEIGHTS})
        hub.repository("alice/model", files=readme, lfs={"model.safetensors": WEIGHTS})
        hub.repository("acme/model", files=readme, lfs={"model.safetensors": WEIGHTS})
        hub.repository("datasets/acme/data", private=True, files={"data.csv": b"a,b\n1,2\n"})
        self.environment = {
            name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR", "TZ") if name in os.environ
        }
        self.environment |= {name: value for name, value in hub.environment.items() if name != "HF_ENDPOINT"}
        self.environment |= {
            "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
            "GIT_AUTHOR_DATE": DATE,
            "GIT_COMMITTER_DATE": DATE,
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",  # there is no network
        }
        self.switch_to("alice")

    def switch_to(self, name: str) -> None:
        """Continue on this person's machine."""
        self.home = self.directory = self.root / "home" / name
        self.home.mkdir(parents=True, exist_ok=True)
        runtime = self.root / "run" / name
        runtime.mkdir(parents=True, exist_ok=True)
        runtime.chmod(0o700)
        self.environment |= {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(runtime)}
        if not (self.home / ".gitconfig").exists():
            (self.home / ".gitconfig").write_text(f"[user]\n\tname = {name.title()}\n\temail = {name}@example.org\n")

    def with_story_paths(self, text: str) -> str:
        """Replace the real homes by those in the story."""
        return text.replace(f"{self.root}/home/", "/home/")

    def pasted(self, answer: str) -> str:
        return answer.replace("(paste)", self.clipboard + "\n")

    def token(self, letters: str, account: str, role: str, name: str) -> str:
        """Add a token that is the same in each run, so that the output is, too."""
        value = f"hf_{letters}{_FILLER}"[:33] + letters[-4:]
        return self.hub.accounts.add(Token(value, account, role, name=name)).value


_FILLER = "QzPfNvBxWrLtYmJcDhGsAeRoUiEbZk"  # not a repeat: that would be a placeholder

DEEDS: dict[str, Callable[[Stage], str | None]] = {}


def deed(text: str) -> Callable[[Callable[[Stage], str | None]], None]:
    """Register the function for a line of the story; what it returns is the reason why the line is not true."""

    def found(function: Callable[[Stage], str | None]) -> None:
        DEEDS[text] = function

    return found


@deed("at huggingface.co/settings/tokens, Alice creates the token 'laptop', and copies it")
def _(stage: Stage) -> None:
    stage.clipboard = stage.token("firstabcd", "alice", "write", "laptop")


@deed("Alice rotates the token there: the old one is invalid now; she copies the new one")
def _(stage: Stage) -> None:
    stage.hub.revoke(stage.clipboard)
    stage.clipboard = stage.token("secondefgh", "alice", "write", "laptop")


@deed("a colleague pushes a new version of the weights")
def _(stage: Stage) -> None:
    stage.hub.repositories.named("alice/private-model").commit({}, {"model.safetensors": WEIGHTS[::-1]})


@deed("this is Bob's machine; he does not know this helper, and has his token in $TOKEN")
def _(stage: Stage) -> None:
    stage.switch_to("bob")
    stage.environment["TOKEN"] = stage.token("bobsfirstijkl", "bob", "write", "bob-laptop")
    older = "hf_" + "y" * 30 + "mnop"  # expired long ago
    (stage.home / ".git-credentials").write_text(f"https://bob:{older}@huggingface.co\n")
    (stage.home / ".git-credentials").chmod(0o600)


@deed("Bob rotates his token, and has the new one in $TOKEN")
def _(stage: Stage) -> None:
    stage.hub.revoke(stage.environment["TOKEN"])
    stage.environment["TOKEN"] = stage.token("bobssecondqrst", "bob", "write", "bob-laptop")


@deed("back to Alice")
def _(stage: Stage) -> None:
    del stage.environment["TOKEN"]
    stage.switch_to("alice")


@deed("a night of training: new weights in model.safetensors")
def _(stage: Stage) -> None:
    (stage.directory / "model.safetensors").write_bytes(b"\1" + WEIGHTS)
    stage.hub.log.clear()


@deed("the Hub has received no byte for LFS")
def _(stage: Stage) -> str | None:
    requests = [*stage.hub.log.of("/objects/batch"), *(one for one in stage.hub.log if one.method == "PUT")]
    return "\n".join(map(str, requests)) or None


@deed("the Hub has the new weights")
def _(stage: Stage) -> str | None:
    uploads = [one for one in stage.hub.log if one.method == "PUT" and one.status == 200]
    return None if uploads else f"no LFS file was uploaded: {stage.hub.log}"


@deed("somebody has set HF_TOKEN in the startup file of Alice's shell; it can only read")
def _(stage: Stage) -> None:
    stage.environment["HF_TOKEN"] = stage.token("sharedwxyz", "alice", "read", "shared")


@deed("the token in HF_TOKEN is revoked")
def _(stage: Stage) -> None:
    stage.hub.revoke(stage.environment["HF_TOKEN"])


@deed("an old ~/.netrc is restored from a backup, with a token that can only read")
def _(stage: Stage) -> None:
    old = stage.token("netrcxQ91", "alice", "read", "old")
    (stage.home / ".netrc").write_text(
        f"machine example.org login alice password x\n\nmachine huggingface.co\n  login alice\n  password {old}\n"
    )
    (stage.home / ".netrc").chmod(0o600)
    stage.hub.log.clear()


@deed("the content of ~/.gitconfig is noted")
def _(stage: Stage) -> None:
    stage.noted["gitconfig"] = (stage.home / ".gitconfig").read_bytes()


@deed("~/.gitconfig is the same as before, byte for byte")
def _(stage: Stage) -> str | None:
    now = (stage.home / ".gitconfig").read_bytes()
    return None if now == stage.noted["gitconfig"] else now.decode()
