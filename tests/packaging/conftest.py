"""What the tests of install.sh and of the action share."""

from pathlib import Path

import pytest
from ready_venv import python_with_ready_venv


@pytest.fixture(scope="session")
def quick_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that makes a virtual environment in no time."""
    return python_with_ready_venv(tmp_path_factory.mktemp("python"))
