"""The Hub and a person for a whole module: to make them for each row would take longer than the rows."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import programs
import pytest

from . import Person

if TYPE_CHECKING:
    from fake_hub import Hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The Hub as https://huggingface.co, with alice's private model and a public one."""
    if os.environ.get("GIT_CREDENTIAL_HF_TESTS_NAMESPACE") != "1":
        pytest.skip("not in tests/support/namespace: https://huggingface.co must be this machine")
    from fake_hub import Hub

    try:
        socket.create_server(("127.0.0.1", 443)).close()
    except PermissionError:
        pytest.skip("this user may not listen on port 443, not even in tests/support/namespace")
    with Hub(tmp_path_factory.mktemp("hub"), ("127.0.0.1", 443), "huggingface.co") as hub:
        hub.user("alice")
        files = {"README.md": b"---\nlicense: mit\n---\nhello\n"}
        hub.repository("alice/private-model", private=True, files=files, lfs={"model.bin": bytes(range(256)) * 64})
        hub.repository("alice/public-model", files=files, lfs={"model.bin": bytes(1024)})
        yield hub


@pytest.fixture(scope="module")
def person(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Alice, logged in, with a clone of her model in which something is committed, and more to commit."""
    trust = {name: value for name, value in hub.environment.items() if name != "HF_ENDPOINT"}
    token = hub.token("alice")
    folder = tmp_path_factory.mktemp("clones")
    clones = {False: folder / "plain", True: folder / "hooked"}
    alice = Person(tmp_path_factory.mktemp("alice") / "x", token, clones, trust)
    environment = {**alice.environment, **alice.homeless, "HOME": str(folder), "GIT_LFS_SKIP_SMUDGE": "1"}

    def run(program: str, *arguments: programs.Argument) -> None:
        found = shutil.which(program, path=environment["PATH"]) or program
        where = clones[True] if clones[True].exists() else folder
        programs.run(found, *arguments, base=environment, cwd=where)

    (folder / "tmp").mkdir()
    environment["TMPDIR"] = str(folder / "tmp")
    run("git", "clone", "https://huggingface.co/alice/private-model", clones[True])
    (clones[True] / "one.txt").write_text("one\n")
    run("git", "add", "one.txt")
    run("git", "commit", "--message", "one")
    (clones[True] / "two.txt").write_text("two\n")
    run("git", "add", "two.txt")
    shutil.copytree(clones[True], clones[False])
    run("git-credential-hf", "hooks", "install")
    assert Path(sysconfig.get_path("scripts"), "git-credential-hf").exists()
    return alice


def _kept(name: str, rows: object) -> None:
    if folder := os.environ.get("GIT_CREDENTIAL_HF_TESTS_ROWS"):
        Path(folder, f"{name}-{os.getpid()}.json").write_text(json.dumps(rows))


@pytest.fixture(scope="session")
def record() -> Iterator[dict[str, list[int]]]:
    """For each surrounding, how many commands were run, and how often what they did was not promised."""
    rows: dict[str, list[int]] = {}
    yield rows
    _kept("surroundings", [[name, *row] for name, row in rows.items()])


@pytest.fixture(scope="session")
def crowds() -> Iterator[list[list[object]]]:
    """For each crowd, what happened meanwhile, processes, answers, refreshes at the Hub, and what was lost or torn."""
    rows: list[list[object]] = []
    yield rows
    _kept("crowds", rows)
