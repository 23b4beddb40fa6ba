"""What people have beside it: each huggingface_hub since 0.34, the lowest of everything, and other packages' limits."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from amount import IS_LONG, each_run
from fake_hub import Hub
from login import log_in, write_aged
from programs import Done, git, run
from servers import Proxy
from terminal import run_on_terminal

from .conftest import CHECKOUT, INSTALLERS

pytestmark = pytest.mark.registries

UV = INSTALLERS / "uv"
TOKEN = "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"  # not a placeholder, as repeats would be
IDENTITY = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
NO_PROXIES: dict[str, Any] = dict.fromkeys(
    (
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"),
    )
)

# huggingface_hub of each kind of HTTP client, and the first with Trusted Publishers, and with renewed logins.
VERSIONS = ["0.34.0", "0.36.2", "1.0.1", "1.19.0", "1.20.1", "1.33.0", "2.0.0", "newest", "lowest of everything"]
# The others do what one of these does; the newest is what all other tests have.
EACH_RUN = ("1.20.1", "lowest of everything")


class Environment:
    """Python with our package, and this version of huggingface_hub; and a Hub, which only git is told how to trust."""

    def __init__(self, directory: Path, hub: Hub) -> None:
        self.directory, self.hub = directory, hub
        code = "import huggingface_hub; print(huggingface_hub.__version__)"
        self.version = run(directory / "bin/python", "-I", "-c", code).stdout.strip()
        self.numbers = tuple(map(int, self.version.split(".")[:2]))
        command = f"{self.program} --hub {hub.url}"
        git("config", "--global", f"credential.{hub.url}.helper", command)
        git("config", "--global", f"http.{hub.url}.sslCAInfo", str(hub.ca))

    @property
    def program(self) -> Path:
        return self.directory / "bin/git-credential-hf"

    def run(self, *arguments: str, stdin: str = "", **environment: Any) -> Done:
        done = run(self.program, *arguments, stdin=stdin, check=False, **{**NO_PROXIES, **environment})
        assert "internal error" not in done.stderr and "Traceback" not in done.stderr, done.stderr
        return done

    def get(self, **environment: Any) -> tuple[str, str]:
        """The password that git gets, and what we say."""
        host = self.hub.url.partition("://")[2]
        done = self.run("--hub", self.hub.url, "get", stdin=f"protocol=https\nhost={host}\n\n", **environment)
        lines = dict(line.split("=", 1) for line in done.stdout.splitlines())
        assert done.returncode == (0 if lines else 1), done.stderr
        return lines.get("password", ""), done.stderr


@pytest.fixture(scope="module", params=each_run(VERSIONS, *EACH_RUN))
def installed(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this version."""
    directory = tmp_path_factory.mktemp("versions")
    python = sys._base_executable  # type: ignore[attr-defined]
    subprocess.run([UV, "venv", "--quiet", "--python", python, directory / "env"], check=True)
    limits = directory / "limits"
    limits.touch()
    version: str = request.param
    if version == "lowest of everything":
        lowest = [*("pip", "compile", "--quiet", "--resolution", "lowest-direct"), "--python", python]
        subprocess.run([UV, *lowest, "--output-file", limits, CHECKOUT / "pyproject.toml"], check=True)
    elif version != "newest":
        limits.write_text(f"huggingface_hub=={version}\n")
    install = ["--quiet", "--python", str(directory / "env/bin/python"), "--constraint", str(limits), str(wheel)]
    subprocess.run([UV, "pip", "install", *install], check=True)
    return directory / "env"


@pytest.fixture
def place(installed: Path, home: Path, tmp_path: Path) -> Iterator[Environment]:
    with Hub(tmp_path, name="localhost") as hub:
        hub.user("alice")
        hub.repository("alice/model", files={})
        yield Environment(installed, hub)


def test_plain_tokens(place: Environment, home: Path) -> None:
    """A login and `HF_TOKEN` are served, and the Hub is asked about them, with any huggingface_hub."""
    log_in(home, place.hub.token("alice", role="write"))
    assert place.get() == ((home / ".cache/huggingface/token").read_text(), "")
    assert place.get(HF_TOKEN=TOKEN) == (TOKEN, "")
    done = place.run("check", "--write", f"{place.hub.url}/alice/model")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    done = place.run("check", "--write", f"{place.hub.url}/alice/model", HF_TOKEN=TOKEN)
    assert (done.returncode, "it is invalid or was revoked" in done.stderr) == (1, True), done.stderr
    assert "more: " in place.run().stdout


def test_a_trusted_publisher(place: Environment) -> None:
    """A job's identity is exchanged; an older huggingface_hub cannot, which is an error, and never another token."""
    place.hub.trust("https://ci.example", resource="alice/model", id_token=IDENTITY)
    job = {"HF_OIDC_RESOURCE": "alice/model", "HF_OIDC_ID_TOKEN": IDENTITY, "HF_TOKEN": TOKEN}
    password, said = place.get(**job)
    if place.numbers >= (1, 19):
        assert (password[:7], said) == ("hf_jwt_", "")
        return
    cause = f"huggingface_hub {place.version} has no Trusted Publishers"
    assert (password, said.count("\n")) == ("", 2)
    assert f"error: no token for HF_OIDC_RESOURCE=alice/model: {cause}\n" in said
    assert "run `uv pip install --python " in said and "huggingface_hub>=1.20" in said, "uv makes no pip"


def browser_login(place: Environment, home: Path, hours: int) -> str:
    pair = place.hub.oauth("alice", expires_in=hours * 3600)
    fields = {"refresh_token": pair.refresh_token, "expires_at": int(time.time()) + hours * 3600}
    write_aged(home / ".cache/huggingface/stored_tokens", "")
    log_in(home, pair.access_token, "laptop", **fields)
    return pair.access_token


def test_a_browser_login(place: Environment, home: Path) -> None:
    """A login that is due is renewed; an older huggingface_hub cannot, which is said once."""
    before = browser_login(place, home, 23)
    password, said = place.get()
    if place.numbers >= (1, 20):
        assert (password != before, password[:9], said) == (True, "hf_oauth_", "")
        assert place.get() == (password, "")
        return
    assert (password, said.count("warning: ")) == (before, 1)
    assert re.search(rf"\*\*\*\*[\w-]* is not renewed: huggingface_hub {place.version} cannot renew tokens\n", said)
    assert place.get() == (before, "")
    found = json.loads(place.run("doctor", "--offline", "--json").stdout)["findings"]
    (fix,) = [finding["fix"] for finding in found if finding["id"] == "login-not-renewable"]
    assert fix.startswith("run `uv pip install --python ") and "huggingface_hub>=1.20" in fix


def test_what_renews_is_not_sent_elsewhere(place: Environment, home: Path) -> None:
    """No huggingface_hub follows a redirect to another host with a refresh token, or unpacks what comes back."""
    before = browser_login(place, home, 23)
    with socket.create_server(("127.0.0.1", 0)) as other:
        elsewhere = f"http://127.0.0.1:{other.getsockname()[1]}/oauth/token"
        place.hub.faults.status("/oauth/token", 307, headers={"Location": elsewhere})
        password, said = place.get()
        assert (password, said.count("warning: ")) == (before, 1)
        other.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            other.accept()
            pytest.fail("it was")


def test_what_renews_goes_on_the_way_of_git(place: Environment, home: Path) -> None:
    """A login is renewed through the proxy that only git has been told of, whichever client huggingface_hub has."""
    if place.numbers < (1, 20):
        pytest.skip("it renews none")
    before = browser_login(place, home, 23)
    host = place.hub.url.partition("://")[2]
    with Proxy(("127.0.0.1", int(host.rpartition(":")[2]))) as proxy:
        git("config", "--global", "http.proxy", f"http://{proxy.address}")
        password, said = place.get(all_proxy="http://127.0.0.1:9", NO_PROXY="elsewhere.example")
    assert (password != before, password[:9], said) == (True, "hf_oauth_", "")
    assert proxy.asked == [host]


@pytest.mark.parametrize("way", ["pasted", "browser"])
def test_logging_in(place: Environment, home: Path, way: str) -> None:
    """`login` is that of the installed huggingface_hub: a token is pasted, or since 1.20 comes from the browser.

    It replaces a login, goes to the Hub on git's way, and asks nothing about git's helpers. Ctrl-C stores nothing.
    """
    if way == "browser" and place.numbers < (1, 20):
        pytest.skip("it has no login in the browser")
    log_in(home, place.hub.token("alice"))
    place.hub.device_login = "alice"
    token = place.hub.token("alice", role="write")
    menu = [("How would you like", "2" if way == "pasted" else "1")] if place.numbers >= (1, 20) else []
    typed = [("oken (" if not menu else "Enter your token", f"{token}\r")] if way == "pasted" else []
    environment = {**NO_PROXIES, "HF_ENDPOINT": place.hub.url}
    stopped = [*menu[:-1], (menu[0][0] if menu else typed[0][0], "\x03")]
    done = run_on_terminal(place.program, "login", typed=stopped, **environment)
    assert "error: the login was cancelled, and nothing was stored" in done.stdout, done.stdout
    assert not (home / ".cache/huggingface/stored_tokens").exists()
    done = run_on_terminal(place.program, "login", typed=[*menu, *typed], **environment)
    assert done.returncode == 0, done.stdout
    assert "git credential?" not in done.stdout and "Traceback" not in done.stdout
    password, said = place.get()
    assert (password == token or way == "browser", password[:9] == "hf_oauth_", said) == (True, way == "browser", "")


@pytest.mark.parametrize("way", ["pasted", "browser"])
def test_logging_in_from_git(place: Environment, home: Path, way: str) -> None:
    """A command of git's that needs a token leads to the same login, and goes on with it."""
    if way == "browser" and place.numbers < (1, 20):
        pytest.skip("it has no login in the browser")
    place.hub.repository("alice/private", private=True, files={"a.txt": b"a"})
    place.hub.device_login = "alice"
    token = place.hub.token("alice", role="write")
    menu = [("How would you like", "2" if way == "pasted" else "1")] if place.numbers >= (1, 20) else []
    typed = [("oken (" if not menu else "Enter your token", f"{token}\r")] if way == "pasted" else []
    environment = {**NO_PROXIES, "HF_ENDPOINT": place.hub.url, "GIT_TERMINAL_PROMPT": None, "TERM": "xterm"}
    command = (shutil.which("git") or "git", "ls-remote", f"{place.hub.url}/alice/private")
    done = run_on_terminal(*command, typed=[*menu, *typed], **environment)
    assert (done.returncode, "refs/heads/main" in done.stdout) == (0, True), done.stdout
    assert done.stdout.count("log in now") == 1 and "Traceback" not in done.stdout
    done = run_on_terminal(*command, **environment)
    assert (done.returncode, "log in now" in done.stdout) == (0, False), done.stdout


# What has a limit of its own for huggingface_hub, old and new.
BESIDE = [
    *("transformers==4.57.6", "transformers==5.17.0", "transformers==5.24.0", "lerobot==0.6.1", "gradio==5.50.0"),
    *("datasets==4.8.5", "diffusers==0.41.0", "langchain-huggingface==1.2.3", "whisperx==3.8.6", "fastembed==0.9.1"),
    "unsloth==2026.10.9",
]


def resolved(*wanted: str) -> dict[str, str]:
    """What uv would install, by name."""
    command = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python-version", "3.12", "-"]
    lines = run(UV, *command, stdin="\n".join(wanted), timeout=300).stdout.splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_it_installs_beside(wheel: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Beside each of these it installs, and changes no version of what is installed. Prints the table."""
    ours = f"git-credential-hf @ {wheel.as_uri()}"
    packages = BESIDE if IS_LONG else BESIDE[:2]  # huggingface_hub below 1.0, and above
    with ThreadPoolExecutor(11) as pool:  # which wait for the registry
        alone = pool.map(resolved, packages)
        both = pool.map(lambda package: resolved(package, ours), packages)
        table = list(zip(packages, alone, both, strict=True))
    with capfd.disabled():
        print()
        for package, before, after in table:
            changed = {name for name in before if before[name] != after.get(name)}
            added = ", ".join(f"{name} {after[name]}" for name in sorted(after.keys() - before.keys()))
            hub = after["huggingface-hub"]
            print(f"{package:30} huggingface_hub {hub:7} changed: {changed or 'nothing'}; added: {added}")
    assert all(before.items() <= after.items() for _, before, after in table)
