"""The Hub for pushes with the hooks installed."""

from typing import TYPE_CHECKING

import pytest
from pushes import SECRET

if TYPE_CHECKING:
    from fake_hub import Hub


@pytest.fixture
def hub(world: "Hub", monkeypatch: pytest.MonkeyPatch) -> "Hub":
    """Return the Hub, with nothing on it but the token of somebody."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    world.token(world.user("somebody"), value=SECRET.decode())
    return world
