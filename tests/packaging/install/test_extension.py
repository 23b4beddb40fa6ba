"""`hf git`: the extension in packaging/hf-git, installed by `hf` itself from a stand-in for GitHub."""

from __future__ import annotations

import io
import ssl
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme
from installed import CHECKOUT, SCRIPTS, Installation, downloaded
from servers import Proxy, Server, http

if TYPE_CHECKING:
    import socket

FILES = ("pyproject.toml", "README.md")
EXTENSION = ".local/share/hf/extensions/hf-git"


def archive() -> bytes:
    """What GitHub has at archive/HEAD.zip."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name in FILES:
            opened.write(CHECKOUT / "packaging/hf-git" / name, f"hf-git-main/{name}")
    return content.getvalue()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Installation]:
    """Somebody who has `hf`, and GitHub behind the proxy that their environment names."""
    if tuple(map(int, version("huggingface_hub").split(".")[:1])) < (2,):
        pytest.skip("this huggingface_hub installs no extensions, or others")
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("github.com", "raw.githubusercontent.com").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))

    def answer(connection: socket.socket) -> None:
        path = github.heard[-1].split()[1].decode()
        if path.endswith("/archive/HEAD.zip"):
            connection.sendall(http("200 OK", "Content-Type: application/zip", body=archive()))
        elif path.endswith("/HEAD/pyproject.toml"):
            connection.sendall(http("200 OK", body=(CHECKOUT / "packaging/hf-git/pyproject.toml").read_bytes()))
        elif path == "/acme/hf-git":
            connection.sendall(http("200 OK"))
        else:
            connection.sendall(http("404 Not Found"))

    with Server(answer, tls=tls) as github, Proxy(("127.0.0.1", github.port)) as proxy:
        there = Installation(tmp_path / "home", downloaded())
        (there.tools / "hf").symlink_to(SCRIPTS / "hf")
        del there.environment["UV_OFFLINE"]  # the extension is on a server, and what it needs in a directory
        (there.home / ".config/uv").mkdir(parents=True)
        (there.home / ".config/uv/uv.toml").write_text("no-index = true\nno-cache = true\n")
        there.environment |= dict.fromkeys(("https_proxy", "HTTPS_PROXY"), f"http://{proxy.address}")
        there.environment |= dict.fromkeys(
            ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"), str(tmp_path / "authority.pem")
        )
        there.environment["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"
        yield there


def test_hf_git(there: Installation) -> None:
    """Its commands are ours; git gets the path of the extension, and nothing of it is left when it has been removed."""
    there.run("hf", "extensions", "install", "acme/hf-git")
    assert "Log git in to the Hugging Face Hub" in there.run("hf", "extensions", "list").stdout
    assert there.run("hf", "git", "--help").stdout.startswith("Usage: hf git ")
    wrong = there.run("hf", "git", "configure", "--globe", check=False)
    assert wrong.returncode == 2
    assert "did you mean `hf git configure --global`?" in wrong.stderr
    done = there.run("hf", "git", "configure")
    helper = there.run("git", "config", "credential.https://huggingface.co.helper").stdout.strip()
    assert helper == str(there.home / EXTENSION / "venv/bin/git-credential-hf")
    asked = there.run("git", "credential", "fill", stdin="url=https://huggingface.co\n\n", check=False)
    assert "not logged in" in asked.stderr
    found = there.run("hf", "git", "status", check=False)
    assert "hf auth login" in done.stderr + found.stderr
    there.run("hf", "git", "unconfigure")
    there.run("hf", "extensions", "remove", "git")
    assert not (there.home / EXTENSION).exists()
    assert there.run("git", "config", "--list", "--global", check=False).stdout == ""
