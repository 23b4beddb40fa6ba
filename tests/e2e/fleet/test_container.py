"""The Dockerfile of docs/containers.md, built by what stands for BuildKit here, and run: the token is in no layer.

There is no Docker engine. `Build` knows the instructions that the recipe has and refuses any other; each RUN is a
shell's, in the image's tree, and a secret is mounted for it alone. The image's tree is this machine's: `apt-get` in it
checks that what it is to install is there. So does `pip`, in an environment that is made in no time, but for one test.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from documents import block
from installed import Project, downloaded, offline, our_wheel
from programs import Done

from . import Machine

if TYPE_CHECKING:
    from fake_hub import Hub


MODEL = "https://huggingface.co/alice/private-model"
SITE = sysconfig.get_path("purelib")
# What the recipe installs: the packages are on this machine, and the wheel is in this environment.
STAND_INS = {
    "apt-get": """case $1 in
        update) ;;
        install) for name; do case $name in install | -*) ;; *) command -v "$name" || exit 100 ;; esac; done ;;
        *) exit 100 ;;
    esac""",
    "python3": """[ "$1 $2 $3" = "-I -m venv" ] || exit 1
    mkdir -p "$4/bin" && cp /image/pip "$4/bin/python\"""",
    # The `python` of such an environment, which knows how to install what the tests are run with.
    "pip": f"""[ "$1 $2 $3 $4" = "-I -m pip install" ] || exit 1
    for name; do case $name in pip | install | -*) ;; *)
        test -d "{SITE}/$(echo "$name" | tr - _)" && cp "{sys.prefix}/bin/$name" "${{0%/*}}" || exit 1
    esac; done""",
}


def secret_at(machine: Machine, source: Path, mode: int = 0o400, owner: int = 0) -> str:
    """A script that mounts a secret as BuildKit and `docker run` do: a file, read-only, for one command."""
    folder = shlex.quote(f"{machine.root}/run/secrets")
    file = f"{folder}/hf_token"
    return (
        f"mkdir -p {folder}; mount -t tmpfs none {folder}; install -m {mode:o} -o {owner} {shlex.quote(str(source))} "
        f"{file}; mount -o remount,ro {folder}"
    )


class Build:
    """`docker build --secret id=ID,src=FILE` of a Dockerfile."""

    def __init__(self, machine: Machine, secrets: dict[str, Path], stand_ins: Iterable[str] = STAND_INS) -> None:
        self.machine, self.secrets = machine, secrets
        # The image's own Python is the last: it has the program, too.
        machine.environment["PATH"] = f"/image:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:{sys.prefix}/bin"
        self.variables: dict[str, Any] = {}
        self.user, self.where, self.said = 0, "/", ""
        for name in stand_ins:
            file = machine.root / "image" / name
            file.write_text(f"#!/bin/sh\n{STAND_INS[name]}\n")
            file.chmod(0o755)

    def of(self, dockerfile: str) -> None:
        lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
        for instruction in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
            name, _, rest = instruction.partition(" ")
            getattr(self, f"do_{name.lower()}")(rest)

    def do_from(self, image: str) -> None:
        assert re.fullmatch(r"python:3\.\d+-slim", image)

    def do_env(self, text: str) -> None:
        for word in shlex.split(text):
            name, _, value = word.partition("=")
            self.variables[name] = value

    def do_user(self, user: str) -> None:
        self.user = int(user)

    def do_workdir(self, path: str) -> None:
        self.where = path
        folder = self.machine.root / path.lstrip("/")
        folder.mkdir(exist_ok=True)
        os.chown(folder, self.user, self.user)

    def do_run(self, text: str) -> None:
        within = None
        while match := re.match(r"--mount=(\S+) ", text):
            text = text[match.end() :]
            options = dict(option.split("=", 1) for option in match[1].split(","))
            assert options.pop("type") == "secret"
            source, required = self.secrets.get(options.pop("id")), options.pop("required", "false")
            owner = int(options.pop("uid", 0))
            assert not options, "not what this builder knows"
            if source is None:
                assert required == "false", "secret not found"
                continue
            within = secret_at(self.machine, source, owner=owner)
        done = self.machine.run(
            "/bin/sh", "-c", text, user=self.user, where=self.where, within=within, **self.variables
        )
        self.said += done.stdout + done.stderr


@pytest.fixture
def token(hub: Hub) -> str:
    return hub.token("alice")


@pytest.fixture
def secret(token: str, tmp_path: Path) -> Path:
    """The token file, as `hf auth login` leaves it."""
    file = tmp_path / "token"
    file.write_text(token)
    file.chmod(0o600)
    os.utime(file, (1_700_000_000,) * 2)
    return file


@pytest.fixture
def image(machine: Machine, secret: Path) -> Build:
    build = Build(machine, {"hf_token": secret})
    build.of(block("Docker", "dockerfile"))
    return build


def test_no_layer_holds_the_token(image: Build, token: str) -> None:
    """The private model is in the image; the token is in no file, name, link or output of the build."""
    written = image.machine.written()
    assert written["/model/model.bin"] == bytes(range(256)) * 256
    assert MODEL.encode() in written["/model/.git/config"]
    assert not [name for name, content in written.items() if token.encode() in content or token in name]
    assert token not in image.said
    assert not [name for name in written if name.endswith((".git-credentials", ".netrc", "/hf_token"))]
    assert b"[include]\n\tpath = git-credential-hf/gitconfig\n" in written["/etc/gitconfig"]
    assert b"\thelper = hf\n" in written["/etc/git-credential-hf/gitconfig"]


def test_the_search_would_find_it(image: Build, token: str) -> None:
    """Somebody who clones with the token in the URL has it in the image: this is what the search is for."""
    image.do_run(f"git clone https://alice:{token}@huggingface.co/alice/private-model /careless")
    found = [name for name, content in image.machine.written().items() if token.encode() in content]
    assert "/careless/.git/config" in found


def in_container(image: Build, *command: str, within: str | None = None, **more: object) -> Done:
    return image.machine.run(*command, within=within, **{**image.variables, **more})


def test_run_with_the_token_file(image: Build, secret: Path, token: str) -> None:
    """With the host's token file mounted read-only git pulls and pushes; status says where the token is from."""
    for mode in (0o444, 0o600):
        within = secret_at(image.machine, secret, mode)
        assert '"findings": []' in in_container(image, "git-credential-hf", "doctor", "--json", within=within).stdout
    in_container(image, "git", "-C", "/model", "pull", within=within)
    in_container(image, "git", "-C", "/model", "push", "origin", "HEAD:refs/heads/new", within=within)
    status = in_container(image, "git-credential-hf", "status", within=within).stdout
    assert f"hf_****{token[-4:]} from the file /run/secrets/hf_token\naccount   alice" in status
    ask = "import huggingface_hub as h; print(h.whoami()['name'])"
    assert in_container(image, "python", "-c", ask, within=within).stdout == "alice\n"


def test_run_with_the_variable(image: Build, token: str) -> None:
    """`docker run --env HF_TOKEN` works too, without the file."""
    in_container(image, "git", "-C", "/model", "pull", HF_TOKEN=token)


def test_run_without_a_token(image: Build) -> None:
    """Without either, git is told in one line that there is no token, and ends."""
    done = in_container(image, "git", "-C", "/model", "pull", check=False, GIT_TERMINAL_PROMPT="0")
    assert done.returncode != 0
    assert "git-credential-hf: error: not logged in to Hugging Face" in done.stderr


def test_secret_after_user(image: Build, token: str) -> None:
    """After USER, the secret is root's, and git says so with the file's name; with `uid=` it is the user's."""
    image.do_workdir("/work")
    image.do_user("1000")
    image.do_workdir("/work")
    clone = f"git clone {MODEL} && git -C private-model status"
    with pytest.raises(AssertionError, match="cannot read the token file /run/secrets/hf_token: Permission denied"):
        image.do_run(f"--mount=type=secret,id=hf_token {clone}")
    image.do_run(f"--mount=type=secret,id=hf_token,uid=1000 {clone}")
    assert not [name for name, content in image.machine.written().items() if token.encode() in content]


def test_build_without_the_secret(machine: Machine) -> None:
    """The recipe says `required=true`: a build without the secret ends there, and not at a prompt."""
    with pytest.raises(AssertionError, match="secret not found"):
        Build(machine, {}).of(block("Docker", "dockerfile"))


@pytest.mark.long  # test_ways.py has each installation beside old packages
def test_beside_the_images_packages(machine: Machine, secret: Path, tmp_path: Path) -> None:
    """With the image's Python first on PATH, and transformers 4 in it, pip itself installs, and none of it changes."""
    project = Project(tmp_path / "project")
    for name, source in (("packages", downloaded()), ("wheel", our_wheel().parent), ("project", project.folder)):
        # The project is where its scripts say that it is.
        inside = machine.root / (str(source) if name == "project" else f"/image/{name}").lstrip("/")
        inside.mkdir(parents=True)
        machine.mount("--bind", source, inside)
    build = Build(machine, {"hf_token": secret}, ["apt-get"])
    build.variables |= {
        name: value for name, value in offline(["/image/packages", "/image/wheel"]).items() if "PIP_" in name
    }
    machine.environment["PATH"] = f"/image:{project.folder}/bin:/usr/local/bin:/usr/bin:/bin"
    before = project.state()
    build.of(block("Docker", "dockerfile"))
    assert project.state() == before
    assert (machine.root / "model/model.bin").read_bytes() == bytes(range(256)) * 256
    first = (machine.root / "opt/git-credential-hf/bin/git-credential-hf").read_text().splitlines()[0]
    assert first == "#!/opt/git-credential-hf/bin/python"
