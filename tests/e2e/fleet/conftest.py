"""A machine of its own for each test, and on the Hub alice's private model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import Machine

if TYPE_CHECKING:
    from fake_hub import Hub

WEIGHTS = bytes(range(256)) * 256  # a file in LFS


@pytest.fixture
def hub(world: Hub) -> Hub:
    """The Hub, with alice's private model on it."""
    world.user("alice")
    world.repository("alice/private-model", private=True, files={"README.md": b"hello\n"}, lfs={"model.bin": WEIGHTS})
    return world


@pytest.fixture
def machine(hub: Hub, tmp_path: Path) -> Iterator[Machine]:
    """A machine on which git-credential-hf is installed, and nothing configured."""
    if os.geteuid() != 0 or len(Path("/proc/self/uid_map").read_text().split()) != 3:
        pytest.skip("only root can be all the users of a machine")
    if Path("/proc/self/uid_map").read_text().split()[2] == "1":
        pytest.skip("in this user namespace there is one user alone")
    machine = Machine(tmp_path / "machine", hub.ca)
    yield machine
    machine.close()
