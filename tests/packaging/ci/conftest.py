"""The Hub, with a private repository of alice's, and GitHub, which says who a job is."""

import json
import os
import shutil
import sys
import sysconfig
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from ready_venv import python_with_ready_venv

from . import CHECKOUT, Job

if TYPE_CHECKING:
    from fake_hub import Hub

WEIGHTS = bytes(range(256)) * 4096  # a file in LFS
ID_TOKEN = "eyJhbGciOi.eyJqb2Ii.c2lnbmF0dXJl"  # what stands for the job's identity; opaque but to the Hub
HUB = "https://huggingface.co"
REQUEST_TOKEN = "token-of-the-job-for-its-identity"


@pytest.fixture
def hub(world: "Hub") -> "Hub":
    world.user("alice")
    world.repository("alice/private-model", private=True, files={"README.md": b"hello\n"}, lfs={"model.bin": WEIGHTS})
    return world


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python whose environments have the program already."""
    return python_with_ready_venv(tmp_path_factory.mktemp("python"), has_program=True)


@pytest.fixture
def job(hub: "Hub", tmp_path: Path, python: Path) -> Job:
    """A job in which all is installed already: there is no registry here (see `registries`)."""
    job = Job(tmp_path / "job", PIP_NO_INDEX="1", HF_HUB_DISABLE_UPDATE_CHECK="1")
    job.environment["PATH"] = f"{python.parent}:{without_tested(os.environ['PATH'])}"
    return job


def log_in(job: Job, **inputs: str) -> int:
    """Use the action, as if an earlier step had used it: so it installs nothing."""
    on_path = job.temporary / "git-credential-hf-program/bin"
    on_path.mkdir(parents=True, exist_ok=True)
    if not list(on_path.iterdir()):
        (on_path / "git-credential-hf").symlink_to(Path(sysconfig.get_path("scripts"), "git-credential-hf"))
    return job.uses(CHECKOUT, **inputs)


def without_tested(path: str) -> str:
    """PATH without the program of these tests, which is not to be found instead of what the action installs."""
    scripts = str(Path(sys.executable).parent)
    return os.pathsep.join(folder for folder in path.split(os.pathsep) if folder != scripts)


@pytest.fixture
def github() -> Iterator[dict[str, str]]:
    """What a job with `permissions: id-token: write` has in its environment."""

    class Identities(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # huggingface_hub 2.4 drops the `api-version` that GitHub has put into the URL.
            audience = parse_qs(urlsplit(self.path).query).get("audience")
            is_right = (self.headers["Authorization"], audience) == (f"Bearer {REQUEST_TOKEN}", [HUB])
            self.send_response(200 if is_right else 401)
            self.end_headers()
            self.wfile.write(json.dumps({"value": ID_TOKEN} if is_right else {}).encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Identities) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/identity?api-version=2.0"
        yield {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN}
        server.shutdown()
        thread.join()


@pytest.fixture
def kept(job: Job) -> Path:
    """The directory in which GitHub's runner lets a job keep the token of a Trusted Publisher."""
    return job.temporary / "git-credential-hf"


def outside(home: Path) -> tuple[Path, Path]:
    """What the next job on the same machine finds: the home, and the runtime directory."""
    return home, Path(os.environ["XDG_RUNTIME_DIR"])


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The action as GitHub checks it out: a copy, as building must not leave anything in this checkout."""
    left_out = shutil.ignore_patterns(".git", ".*_cache", ".hypothesis", "__pycache__")
    return Path(shutil.copytree(CHECKOUT, tmp_path / "action", ignore=left_out))
