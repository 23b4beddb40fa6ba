"""huggingface_hub as in a new process, and those who wait for another one."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fake_hub import Hub

DAY = 24 * 3600


@pytest.fixture
def library_hub(home: Path, world: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub, and huggingface_hub as in a new process: with this home, and nothing cached."""
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _auth

    if not hasattr(_auth, "_refresh_oauth_token_if_needed"):
        pytest.skip("huggingface_hub is older than 1.20")
    world.user("alice")
    importlib.reload(constants)
    huggingface_hub.close_session()
    fresh = {"_OAUTH_REFRESH_CACHE": None, "_OAUTH_REFRESH_WARNED": False, "_OIDC_TOKEN_CACHE": None}
    for name, value in {**fresh, "_OAUTH_REFRESH_MARGIN": DAY}.items():
        monkeypatch.setattr(_auth, name, value)
    yield world
    huggingface_hub.close_session()


@pytest.fixture
def until_they_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Future[Any]]], None]:
    """Return when all of these wait for a lock: only that sleeps in these tests."""
    sleepers: set[int] = set()
    sleep = time.sleep

    def note(seconds: float) -> None:
        sleepers.add(threading.get_ident())
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)

    def wait(answers: list[Future[Any]]) -> None:
        while len(sleepers) < len(answers) and not any(answer.done() for answer in answers):
            threading.Event().wait(0.01)

    return wait
