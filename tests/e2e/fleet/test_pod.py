"""The Pod of docs/containers.md: what kubelet mounts, read by git and git-lfs while it is replaced.

There is no Kubernetes. `Volume` writes a Secret as kubelet's atomic writer does: files in a new directory with the date
in its name, a link `..data` to it that is renamed over the one before, then the old directory goes; `token` is a link
to `..data/token`. With `fsGroup`, files get the group and its right to read. The container's mount is read-only.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from amount import IS_LONG
from documents import block
from programs import Done

from . import Machine, mount

if TYPE_CHECKING:
    from fake_hub import Hub


MODEL = "https://huggingface.co/alice/private-model"
ASK = "protocol=https\nhost=huggingface.co\n\n"


class Volume:
    """A Secret's directory on the node."""

    def __init__(self, folder: Path, mode: int, group: int | None) -> None:
        self.folder, self.mode, self.group = folder, mode, group
        self.count = itertools.count()
        folder.mkdir()
        self.write({})

    def write(self, data: dict[str, str]) -> None:
        """Let `data` be in it from now on."""
        new = self.folder / f"..2026_11_21_{next(self.count):010d}"
        new.mkdir(mode=0o755)
        for name, text in data.items():
            (new / name).write_text(text)
            (new / name).chmod(self.mode)
            if self.group is not None:
                os.chown(new / name, 0, self.group)
                (new / name).chmod(self.mode | 0o440)
        old = self.folder / "..data"
        before = self.folder / os.readlink(old) if old.is_symlink() else None
        (self.folder / "..data_tmp").symlink_to(new.name)
        os.rename(self.folder / "..data_tmp", old)
        for name in data:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        for link in self.folder.glob("[!.]*"):
            if link.name not in data:
                link.unlink()
        if before:
            shutil.rmtree(before)


class Pod:
    """One container of a Pod, and the Secret that it mounts."""

    def __init__(self, machine: Machine, manifest: dict[str, Any], **security: Any) -> None:
        spec = manifest["spec"]
        container, context = spec["containers"][0], {**spec["securityContext"], **security}
        (volume,), (seen,) = spec["volumes"], container["volumeMounts"]
        assert (manifest["kind"], seen["name"], seen["readOnly"]) == ("Pod", volume["name"], True)
        assert "subPath" not in seen, "kubelet never updates it"
        self.machine, self.user, self.group = machine, context["runAsUser"], context.get("fsGroup")
        mode = context.get("defaultMode", volume["secret"]["defaultMode"])
        self.volume = Volume(machine.volumes / volume["name"], mode, self.group)
        inside = machine.root / seen["mountPath"].lstrip("/")
        inside.mkdir()
        machine.mount("--bind", self.volume.folder, inside)
        mount("-o", "remount,bind,ro", inside)
        for path in (machine.root / "work", machine.root / "home/nobody"):  # an emptyDir; no home that could be written
            path.mkdir(exist_ok=True)
        os.chown(machine.root / "work", self.user, self.user)
        machine.configure()
        self.variables = {
            **{variable["name"]: variable["value"] for variable in container["env"]},
            "HOME": "/",  # a user that the image does not know
            "KUBERNETES_SERVICE_HOST": "10.0.0.1",
            "GIT_TERMINAL_PROMPT": "0",
            **{
                f"GIT_{who}_{what}": "alice@example.org"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }

    def run(self, *command: str, **more: Any) -> Done:
        groups = [self.group] if self.group is not None else []
        return self.machine.run(*command, user=self.user, groups=groups, **{"where": "/work", **self.variables, **more})


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(block("Kubernetes", "yaml"))
    return found


@pytest.fixture
def pod(machine: Machine) -> Pod:
    return Pod(machine, manifest())


def test_clone_and_push(pod: Pod, hub: Hub) -> None:
    """With the recipe, a user without home or name clones with LFS, and pushes; a line feed after the token is fine."""
    token = hub.token("alice")
    pod.volume.write({"token": token + "\n"})
    pod.run("git", "clone", MODEL)
    assert (pod.machine.root / "work/private-model/model.bin").stat().st_size == 1 << 16
    pod.run("git", "commit", "--allow-empty", "--message", "a change", where="/work/private-model")
    pod.run("git", "push", where="/work/private-model")
    status = json.loads(pod.run("git-credential-hf", "status", "--json").stdout)
    assert (status["token"]["source"], status["account"]["name"]) == ("file:/etc/hf/token", "alice")
    assert {request.token for request in hub.log if request.status == 200} <= {None, token}


@pytest.mark.parametrize(
    "security",
    [
        pytest.param({}, id="fsGroup: 0440 root:1000"),
        pytest.param({"fsGroup": None, "runAsUser": 0}, id="root: 0400"),
        pytest.param({"fsGroup": None, "runAsUser": 0, "defaultMode": 0o644}, id="root, defaultMode as it is: 0644"),
        pytest.param({"fsGroup": None, "defaultMode": 0o444}, id="everybody: 0444"),
    ],
)
def test_doctor_has_nothing_to_say(security: dict[str, Any], machine: Machine, hub: Hub) -> None:
    """The permissions of a mounted Secret are the Pod's; nobody in it could change them, and nobody is told to."""
    pod = Pod(machine, manifest(), **security)
    pod.volume.write({"token": hub.token("alice")})
    assert json.loads(pod.run("git-credential-hf", "doctor", "--json").stdout)["findings"] == []


def test_without_the_group(machine: Machine, hub: Hub) -> None:
    """Without fsGroup the file is root's alone: git says which file it cannot read, and not to log in."""
    pod = Pod(machine, manifest(), fsGroup=None)
    pod.volume.write({"token": hub.token("alice")})
    done = pod.run("git", "ls-remote", MODEL, check=False)
    assert done.returncode == 128
    assert "git-credential-hf: error: cannot read the token file /etc/hf/token: Permission denied\n" in done.stderr
    assert "hint: replace the secret mounted at /etc/hf/token" in done.stderr


NO_TOKEN: list[dict[str, str]] = [{}, {"token": "\n"}, {"token": ""}, {"other": "x"}]


@pytest.mark.parametrize(
    "data", [*NO_TOKEN[:2], *(pytest.param(data, marks=pytest.mark.long) for data in NO_TOKEN[2:])], ids=repr
)
def test_no_token_in_the_secret(data: dict[str, str], pod: Pod, hub: Hub) -> None:
    """Where the Secret is optional and missing, or has no token, the file is named, and nobody is told to log in."""
    pod.volume.write(data)
    for file in pod.volume.folder.glob("..2*/token"):
        os.utime(file, (1_700_000_000,) * 2)  # or it is waited for: somebody may be writing it
    for command in (["git", "ls-remote", MODEL], ["git-credential-hf", "status"], ["git-credential-hf", "doctor"]):
        done = pod.run(*command, check=False)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert "/etc/hf/token" in said
        assert " login`" not in said
    pod.volume.write({"token": hub.token("alice")})
    pod.run("git", "ls-remote", MODEL)


def test_rotation_at_once(pod: Pod, hub: Hub) -> None:
    """A command that starts after the link has moved uses the new token; the old one is revoked at that moment."""
    tokens = [hub.token("alice") for _ in range(12 if IS_LONG else 6)]
    for old, new in itertools.pairwise(tokens):
        pod.volume.write({"token": new + "\n"})
        hub.revoke(old)
        pod.run("git", "ls-remote", MODEL)
    assert [request.token for request in hub.log.of("/info/refs", status=200)] == tokens[1:]


def test_a_refused_token_does_not_spoil_the_next(pod: Pod, hub: Hub) -> None:
    """Revoked before kubelet has come by, the token is refused, and the new one is used as soon as it is there."""
    old, new = hub.token("alice"), hub.token("alice")
    pod.volume.write({"token": old})
    hub.revoke(old)
    done = pod.run("git", "ls-remote", MODEL, check=False)
    assert re.search(r"the Hub (refused|rejects) the token hf_\*{4}\w{4} from the file /etc/hf/token", done.stderr)
    assert "hint: replace the secret mounted at /etc/hf/token" in done.stderr
    pod.volume.write({"token": new})
    pod.run("git", "ls-remote", MODEL)


ROTATIONS = 6 if IS_LONG else 2


def test_rotation_under_way(pod: Pod, hub: Hub) -> None:
    """With three jobs at work, and a grace for what has begun, no command of any of them is ever refused."""
    ends, done, failed = threading.Event(), {}, []
    begun: dict[str, int] = {}  # how many commands each job has begun, so that the admin can wait for all of them

    def work(name: str, act: Callable[[int], object]) -> None:
        for number in itertools.count():
            begun[name] = number
            if ends.is_set():
                break
            try:
                act(number)
            except Exception as error:  # an AssertionError has git's words
                failed.append(f"{name}: {error}")
        done[name] = number

    def clone(number: int) -> None:
        pod.run("git", "clone", MODEL, f"clone-{number}")
        shutil.rmtree(pod.machine.root / f"work/clone-{number}")

    def push(number: int) -> None:
        pod.run("git", "commit", "--allow-empty", "--message", f"{number}", where="/work/mine")
        pod.run("git", "push", where="/work/mine")

    token = hub.token("alice")
    pod.volume.write({"token": token})
    pod.run("git", "clone", MODEL, "mine")
    jobs = {"ls-remote": lambda _: pod.run("git", "ls-remote", MODEL), "clone": clone, "push": push}
    threads = [threading.Thread(target=work, args=job) for job in jobs.items()]
    for thread in threads:
        thread.start()
    try:
        for _ in range(ROTATIONS):
            old, token = token, hub.token("alice")
            pod.volume.write({"token": token + "\n"})
            before = dict(begun)
            while not failed and any(begun.get(name, -1) <= before.get(name, -1) for name in jobs):
                time.sleep(0.01)  # the grace
            hub.revoke(old)
    finally:
        ends.set()
        for thread in threads:
            thread.join()
    assert failed == []
    assert min(done.values()) >= ROTATIONS
    assert len({request.token for request in hub.log if request.token}) == ROTATIONS + 1


READ = """
import os, subprocess, sys
for _ in range(int(sys.argv[1])):
    done = subprocess.run(["git-credential-hf", "get"], input=sys.argv[2].encode(), capture_output=True)
    print((done.stdout + done.stderr).decode().replace("\\n", " "), flush=True)
"""


READS = 25 if IS_LONG else 10


def test_never_half_a_token(pod: Pod) -> None:
    """However often the link moves while `get` reads, the answer is one of the tokens, whole."""
    tokens = [f"hf_{letter * 34}" for letter in "abc"]
    pod.volume.write({"token": tokens[0]})
    command = pod.machine.command("python", "-c", READ, str(READS), ASK, user=1000, groups=[1000])
    environment = {**pod.machine.environment, **pod.variables}
    readers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    while any(reader.poll() is None for reader in readers):
        for token in tokens:
            pod.volume.write({"token": token + "\n"})
    answers = [line.rstrip() for reader in readers for line in reader.communicate()[0].splitlines()]
    assert len(answers) == 2 * READS
    assert set(answers) <= {f"username=git password={token}" for token in tokens}
