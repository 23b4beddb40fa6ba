"""The fixtures of the end-to-end tests, for what is attacked between real git, git-lfs and the Hub."""

from collections.abc import Iterator

import forks
import pytest
from account import account, browser_login, hub

from . import started

__all__ = ["account", "browser_login", "hub"]


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    """What a test has started ends with it."""
    yield
    while started:
        process = started.pop()
        process.kill()
        process.communicate()
        if isinstance(process, forks.Forked):
            process.close()
