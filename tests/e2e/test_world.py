"""The world of the end-to-end tests: each client believes that this machine is huggingface.co, and nothing else is."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from programs import git

if TYPE_CHECKING:
    from fake_hub import Hub

pytestmark = pytest.mark.usefixtures("namespace")

HUB_NAMES = ("huggingface.co", "hf.co", "hub-ci.huggingface.co")
OTHER_NAMES = ("sub.huggingface.co", "evil.example", "huggingface.co.evil.example", "storage.example")


@pytest.fixture
def knocks() -> Iterator[list[str]]:
    """Listen on 127.0.0.1:443, hang up on everybody, and note the address that they came to."""
    came: list[str] = []
    server = socket.create_server(("127.0.0.1", 443), backlog=50)

    def hang_up() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            came.append(connection.getsockname()[0])
            connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    yield came
    server.shutdown(socket.SHUT_RDWR)  # close() alone leaves accept() waiting
    server.close()
    thread.join()


@pytest.mark.parametrize(
    "command", [["git", "version"], ["git", "lfs", "version"], [sys.executable, "--version"]], ids=lambda c: c[-2]
)
def test_tools_are_here(command: list[str]) -> None:
    """Git, git-lfs and Python answer, and the log says with which version."""
    print(subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip())


@pytest.mark.parametrize("name", HUB_NAMES + OTHER_NAMES)
def test_names_are_this_machine(name: str) -> None:
    """The names resolve to 127.0.0.1 alone, for those who ask as browsers do and for those who want IPv4 only."""
    for family in (socket.AF_UNSPEC, socket.AF_INET):
        for flags in (0, socket.AI_ADDRCONFIG):
            found = socket.getaddrinfo(name, 443, family, socket.SOCK_STREAM, 0, flags)
            assert {address[4][0] for address in found} == {"127.0.0.1"}
    for database in ("ahosts", "ahostsv4", "hosts"):
        answer = subprocess.run(["getent", database, name], check=True, capture_output=True, text=True, timeout=30)
        assert {line.split()[0] for line in answer.stdout.splitlines()} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "client",
    [
        ["git", "ls-remote", "https://huggingface.co/alice/model"],
        ["git", "-c", "lfs.url=https://huggingface.co/alice/model", "lfs", "locks"],
        [sys.executable, "-c", "import huggingface_hub as hf; hf.HfApi().whoami('hf_none')"],
    ],
    ids=["git", "git-lfs", "huggingface_hub"],
)
@pytest.mark.parametrize("go", ["go", "cgo"])
def test_clients_come_to_this_machine(
    client: list[str], go: str, knocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git, git-lfs (with either resolver of Go) and huggingface_hub connect to 127.0.0.1:443."""
    monkeypatch.setenv("GODEBUG", f"netdns={go}")
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True, timeout=30)
    result = subprocess.run(client, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode != 0  # nobody answered
    assert set(knocks) == {"127.0.0.1"}, result.stderr


def test_the_hub_answers_by_its_name(world: Hub, tmp_path: Path) -> None:
    """Git clones from https://huggingface.co, git-lfs gets the file, and huggingface_hub asks who somebody is."""
    world.user("alice")
    world.repository("alice/model", files={"README.md": b"hello"}, lfs={"model.bin": b"weights"})
    subprocess.run(["git", "lfs", "install", "--skip-repo"], check=True, capture_output=True, timeout=30)
    git("clone", "--quiet", "https://huggingface.co/alice/model", tmp_path / "clone")
    assert (tmp_path / "clone/README.md").read_bytes() == b"hello"
    assert (tmp_path / "clone/model.bin").read_bytes() == b"weights"
    program = f"import huggingface_hub as hf; print(hf.whoami({world.token('alice')!r})['name'])"
    seen = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=120)
    assert seen.stdout == "alice\n"


def test_there_is_no_other_network() -> None:
    """No route leads anywhere else, and no other name resolves."""
    assert len(Path("/proc/net/route").read_text().splitlines()) == 1  # the headings
    assert {route.split()[-1] for route in Path("/proc/net/ipv6_route").read_text().splitlines()} <= {"lo"}
    for address in ("192.0.2.2", "198.51.100.1", "10.0.0.1"):
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection((address, 443), timeout=5)
    for name in ("example.com", "www.huggingface.co", "cdn.huggingface.co"):
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(name, 443)


def test_environment_is_the_tests_own(home: Path) -> None:
    """Nothing of the developer's is left that could steer git, git-lfs or huggingface_hub."""
    assert Path.home() == home != Path(pwd.getpwuid(os.getuid()).pw_dir)
    found = {name for name in os.environ if name.startswith(("HF_", "GIT_")) or "TOKEN" in name}
    # What the tests tell each other steers none of these.
    found = {name for name in found if not name.startswith("GIT_CREDENTIAL_HF_TESTS_")}
    assert found == {"GIT_CONFIG_NOSYSTEM", "GIT_TERMINAL_PROMPT"}
    listed = subprocess.run(["git", "config", "--list"], capture_output=True, text=True, timeout=30)
    assert listed.stdout == ""
