"""Nothing of ours shows a token, whoever asks for it: traces, debuggers, crashes, echoes, and users who mistype."""

import base64
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account, files_with, watch

from leaks.trace import forms

if TYPE_CHECKING:
    from fake_hub import Hub

URL = "https://huggingface.co/alice/private-model"
PASSWORD = "hunter2 is a secret".replace(" ", "")  # which has no shape
NAMES = ("", "_CURL", "_PACKET", "_SETUP", "_PERFORMANCE", "2", "2_PERF", "2_EVENT")
LOUD: dict[str, Any] = {
    **{f"GIT_TRACE{name}": "1" for name in NAMES},
    **dict.fromkeys(("GIT_CURL_VERBOSE", "GIT_TRANSFER_TRACE", "GIT_LFS_TRACE", "GIT_LOG_STATS"), "1"),
    **dict.fromkeys(("HF_DEBUG", "PYTHONFAULTHANDLER", "PYTHONDEVMODE", "GIT_CREDENTIAL_HF_TRACE"), "1"),
    "HF_HUB_VERBOSITY": "debug",
}


def shows(text: str, secret: str) -> list[str]:
    """The lines that have it, as it is or in another form."""
    return [line for line in text.splitlines() if any(form.decode() in line for form in forms(secret.encode()))]


def ours(account: Account, *arguments: str, secret: str, stdin: str = "", **environment: Any) -> str:
    """All that a command says, which is not the secret."""
    done = account.run("git-credential-hf", *arguments, stdin=stdin, check=False, **environment)
    said = done.stderr if arguments == ("get",) else done.stdout + done.stderr
    assert shows(said, secret) == [], arguments
    return said


@pytest.mark.long
def test_when_all_is_traced(hub: "Hub", account: Account, home: Path) -> None:
    """No command shows the token to git's traces, huggingface_hub's debugging and Python's, nor does git itself."""
    token = hub.token("alice")
    account.log_in(token)
    cloned = account.git("clone", URL, **LOUD)
    account.where = home / "private-model"
    ours(account, "hooks", "install", secret=token, **LOUD)
    account.commit({"other.bin": b"\0" + WEIGHTS})
    pushed = account.git("push", **LOUD)
    assert "trace git-lfs" in pushed.stderr and "Authorization: Basic <redacted>" in pushed.stderr
    assert "git-credential-hf: trace: get https://huggingface.co: hf_****" in pushed.stderr
    assert shows(cloned.stderr + pushed.stderr, token) == []
    asked = "protocol=https\nhost=huggingface.co\n"
    told = f"{asked}username=git\npassword={token}\n\n"
    assert "curl" in ours(account, "status", secret=token, **LOUD), "huggingface_hub shows its requests, and masks them"
    for arguments in (
        *(("check", "--write", "--json"), ("doctor", "--json"), ("doctor", "--dry-run"), ("purge", "--json")),
        *(("configure", "--dry-run", "--local"), ("hooks", "status"), ("hook", "pre-commit")),
    ):
        ours(account, *arguments, secret=token, **LOUD)
    for operation, request in (("get", f"{asked}\n"), ("store", told), ("erase", told)):
        ours(account, operation, secret=token, stdin=request, **LOUD)
    # Told not to mask, git shows the header that it sends; of ours there is no line with it even then.
    address = URL.replace("//", f"//alice:{token}@")
    unmasked = shows(account.git("ls-remote", address, **LOUD, GIT_TRACE_REDACT="0").stderr, token)
    assert any("Authorization: Basic " in line for line in unmasked)
    assert not any("git-credential-hf: " in line for line in unmasked)
    assert files_with(home, token.encode()) == {".cache/huggingface/token", ".cache/huggingface/stored_tokens"}


def test_a_crash(hub: "Hub", account: Account) -> None:
    """A bug of ours, traced, and a signal that ends it, faulthandler on, show where, and not the token."""
    token = hub.token("alice")
    account.is_given(token, "alice")
    header = base64.b64encode(f"git:{token}".encode()).decode()
    bug = account.run(
        *("python", "-c"),
        "from git_credential_hf import report, tokens; token = tokens.current_token().value\n"
        f"try: raise ValueError(token, token.encode(), 'Authorization: Basic {header}', 'https://me:{PASSWORD}@host/')\n"
        "except ValueError: report.report_unexpected_error()",
        **LOUD,
    )
    assert "Traceback" in bug.stderr and "https://me:****@host/" in bug.stderr
    assert shows(bug.stderr, token) == shows(bug.stderr, PASSWORD) == []
    hub.log.clear()
    hub.faults.delay("whoami", 20)
    command = ["git-credential-hf", "status"]
    with subprocess.Popen(command, env={**os.environ, **LOUD}, stdout=-1, stderr=-1, text=True) as process:
        deadline = time.monotonic() + 20
        while not hub.log.of("whoami") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGABRT)
        said = "".join(process.communicate())
    assert "Fatal Python error: Aborted" in said
    assert shows(said, token) == []


def test_what_others_say(hub: "Hub", account: Account, home: Path) -> None:
    """A server that echoes the token, a library that quotes it, a user name that is one: masked, in JSON too."""
    token = hub.token("alice")
    account.is_given(token, "alice")
    hub.faults.status("auth-check", 400, headers={"X-Error-Message": f"what is {token}?"}, times=1)
    said = ours(account, "check", "--json", "alice/private-model", secret=token)
    assert f'"the Hub answered 400 (what is hf_****{token[-4:]}?)"' in said
    ours(account, "check", "--json", token, secret=token)
    # httpx's words for a header that cannot be: `Illegal header value b'Bearer hf_…\x0b…'`.
    said = ours(account, "check", "alice/private-model", secret="B" * 19, HF_TOKEN=f"hf_{'A' * 15}\x0b{'B' * 19}")
    assert shows(said, "A" * 15) == []
    account.git("config", "--global", "--add", "credential.helper", "store")
    (home / ".git-credentials").write_text(f"https://{token}:x-oauth-basic@huggingface.co\n")
    assert '"username": "hf_****' in ours(account, "purge", "--dry-run", "--json", secret=token)


def test_what_users_write(hub: "Hub", account: Account, home: Path) -> None:
    """The password of a URL is shown as little as a token; a header beside what is changed is not shown at all."""
    token = hub.token("alice")
    account.is_given(token, "alice")
    endpoint = f"https://alice:{PASSWORD}@hub.example"
    assert "https://alice:****@hub.example" in ours(account, "configure", "--hub", endpoint, secret=PASSWORD)
    assert "HF_ENDPOINT is https://hub.example;" in ours(account, "doctor", secret=PASSWORD, HF_ENDPOINT=endpoint)
    ours(account, "status", secret=PASSWORD, HF_ENDPOINT=endpoint)
    ours(account, "check", "--json", "alice/private-model", secret=PASSWORD, HF_ENDPOINT=endpoint)
    configuration = home / ".gitconfig"
    before = configuration.read_text()
    header = base64.b64encode(f"git:{token}".encode()).decode()
    configuration.write_text(f'[http "https://hf.co"]\n\textraHeader = Authorization: Basic {header}\n')
    assert "Authorization" not in ours(account, "configure", "--dry-run", secret=token)
    configuration.write_text(before)


def test_what_others_can_read(hub: "Hub", account: Account, home: Path, tmp_path: Path) -> None:
    """A token in git's settings comes into no argument, and into no environment, of what we start."""
    token = hub.token("alice")
    account.is_given(hub.token("alice"), "alice")
    account.git("init", "--quiet", "--initial-branch", "main", "work")
    account.where = home / "work"
    address = URL.replace("//", f"//alice:{token}@")
    (account.where / ".git/hooks/pre-push").write_text("#!/bin/sh\nenv > environment\n")
    (account.where / ".git/hooks/pre-push").chmod(0o755)
    ours(account, "hooks", "install", secret=token)
    account.commit({"a.txt": b"hello\n"})
    account.git("push", "--set-upstream", address, "main:new")
    environment = (account.where / "environment").read_text()
    assert "GIT_CREDENTIAL_HF_CHECKED" in environment
    assert shows(environment, token) == []

    assert account.git("config", "branch.main.remote").stdout == f"{address}\n"
    account.git("config", f"http.https://alice:{token}@huggingface.co.extraHeader", "Authorization: Bearer abc")
    account.git("config", f"credential.https://%61lice:{token}@huggingface.co.helper", "store")
    processes = watch(account, tmp_path)
    ours(account, "check", secret=token)
    said = ours(account, "doctor", "--fix", "--yes", "--offline", secret=token)
    assert "sends an Authorization header to the Hub" in said, "only git could take that out, told so by an argument"
    assert "git-credential-hf" in processes.read_text(errors="replace")
    assert shows(processes.read_text(errors="replace"), token) == []


def test_what_others_can_read_of_a_refusal(hub: "Hub", account: Account, home: Path, tmp_path: Path) -> None:
    """The token in the URL of a push, which git gives to the hook, goes on to nothing that the hook starts."""
    token = hub.token("alice")
    account.is_given(hub.token("alice"), "alice")
    account.git("init", "--quiet", "--initial-branch", "main", "work")
    account.where = home / "work"
    account.commit({"a.txt": b"x" * (11 << 20)})
    tip = account.git("rev-parse", "HEAD").stdout.strip()
    processes = watch(account, tmp_path)
    address = URL.replace("//", f"//alice:{token}@")
    line = f"refs/heads/main {tip} refs/heads/new {'0' * 40}\n"
    assert "over 10 MiB" in ours(account, "hook", "pre-push", address, address, stdin=line, secret=token)
    seen = processes.read_text(errors="replace")
    assert '"ls-remote"' in seen
    assert all('"hook", "pre-push"' in line for line in shows(seen, token))
