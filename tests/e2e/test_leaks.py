"""Where a token may be seen: in huggingface_hub's own files, and in the answer to git. Nowhere else."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account, files_with, watch

if TYPE_CHECKING:
    from fake_hub import Hub


def test_no_trace_of_a_token(hub: "Hub", account: Account, home: Path, tmp_path: Path) -> None:
    """After clone, push, a refusal, status and configure, no argument, environment, file or message has the token."""
    token = hub.token("alice")
    account.log_in(token)  # which has it as an argument, but that is the user's doing
    processes = watch(account, tmp_path)
    said = []
    said.append(account.git("clone", "https://huggingface.co/alice/private-model"))
    account.where = account.where / "private-model"
    account.commit({"other.bin": b"\0" + WEIGHTS})
    said.append(account.git("push"))
    said.append(account.run("git-credential-hf", "status", "--json", GIT_CREDENTIAL_HF_TRACE="1"))
    said.append(account.run("git-credential-hf", "status"))
    said.append(account.run("git-credential-hf", "configure", "--local"))
    said.append(account.run("git-credential-hf", "configure", "--env"))
    trace = home / "trace"
    said.append(account.git("fetch", GIT_CREDENTIAL_HF_TRACE=str(trace)))
    hub.revoke(token)
    said.append(account.git("fetch", check=False))
    said.append(account.git("fetch", check=False))

    assert "git-credential-hf" in processes.read_text(errors="replace"), "it did watch them"
    assert "XDG_RUNTIME_DIR=" in processes.read_text(errors="replace"), "and their environment"
    assert token not in processes.read_text(errors="replace")
    assert not any(token in done.stdout + done.stderr for done in said)
    assert f"hf_****{token[-4:]}" in trace.read_text()
    assert oct(trace.stat().st_mode & 0o777) == "0o600"
    assert files_with(home, token.encode()) == {".cache/huggingface/token", ".cache/huggingface/stored_tokens"}
    assert files_with(Path(os.environ["XDG_RUNTIME_DIR"]), token.encode()) == set()


def test_only_the_cache_of_a_job_has_its_token(
    hub: "Hub", account: Account, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token of a Trusted Publisher stands in one file, in the job's own directory."""
    of_job = home.with_name(f"{home.name}-job")
    of_job.mkdir(0o755)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("RUNNER_TEMP", str(of_job))
    hub.trust("https://ci.example", resource="alice/private-model", id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/private-model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    account.clone()
    token = hub.log.with_token()[-1].token
    assert token
    assert files_with(home, token.encode()) == set()
    assert files_with(Path(os.environ["XDG_RUNTIME_DIR"]), token.encode()) == set()
    assert files_with(of_job, token.encode()) == {"git-credential-hf/oidc"}
    account.run("git-credential-hf", "unconfigure")
    assert list(of_job.iterdir()) == []
