"""The hooks ask no helper that may wait for a person: a push takes as many touches or approvals as without them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import Account

if TYPE_CHECKING:
    from fake_hub import Hub


@pytest.fixture
def person(hub: "Hub", account: Account) -> Path:
    """A helper that logs what it is asked, and gives alice's token, in a clone with our hooks."""
    helper = account.home / "ask-alice"
    log = account.home / "asked"
    answer = f'printf "username=alice\\npassword={hub.token("alice")}\\n"'
    helper.write_text(f'#!/bin/sh\necho "$1" >> {log}\ncat > /dev/null\n[ "$1" != get ] || {answer}\n')
    helper.chmod(0o755)
    account.run("git-credential-hf", "unconfigure")
    account.git("config", "--global", "credential.helper", str(helper))
    account.clone()
    account.run("git-credential-hf", "hooks", "install")
    return log


def asked_by_push(account: Account, log: Path, *arguments: str, **environment: Any) -> tuple[list[str], str]:
    """Return what the helper is asked in a push of a new file in LFS, and what the push prints of ours."""
    account.commit({"new.bin": os.urandom(8)})
    log.write_text("")
    done = account.git("push", *arguments, **environment)
    lines = [line for line in done.stderr.splitlines() if "git-credential-hf" in line]
    return log.read_text().split(), "\n".join(lines)


@pytest.mark.git_versions(each_run=1)
def test_asked_as_often_as_without(hub: "Hub", account: Account, person: Path) -> None:
    """The hooks add no question and no line, for a branch that is there and for a new one."""
    asked_by_push(account, person)  # git-lfs learns how to ask
    for there, new in ([], []), (["origin", "HEAD:refs/heads/a"], ["origin", "HEAD:refs/heads/b"]):
        without, _ = asked_by_push(account, person, *there, GIT_CREDENTIAL_HF_HOOKS="off")
        asked, printed = asked_by_push(account, person, *new)
        assert asked == without
        assert printed == ""


def test_asked_when_this_helper_has_no_token(hub: "Hub", account: Account, person: Path) -> None:
    """A helper that git asks after this one is a question to a person only if this one has no token."""
    account.git("config", "--global", "credential.helper", "hf")
    account.git("config", "--global", "--add", "credential.helper", str(person.with_name("ask-alice")))
    assert asked_by_push(account, person)[1] == ""
    account.is_given(hub.token("alice", "read"), "reads")
    account.commit({"new.bin": b"more"})
    done = account.git("push", check=False)
    assert "can only read" in done.stderr


def test_what_is_refused_without_a_question(hub: "Hub", account: Account, person: Path) -> None:
    """The contents are checked all the same; on a new branch of a private repository they are a warning."""
    (account.where / "big.txt").write_bytes(b"x" * (11 << 20))
    account.git("add", "big.txt")
    account.git("commit", "--no-verify", "--message", "big")
    done = account.git("push", check=False)
    assert done.returncode and "big.txt" in done.stderr
    done = account.git("push", "origin", "HEAD:new", check=False)
    assert "warning: cannot find out what the Hub already has" in done.stderr


def test_a_helper_for_one_user(hub: "Hub", account: Account) -> None:
    """A helper that git asks for the user in the URL alone counts, too: with its token the push is not refused."""
    token = hub.token("alice")
    account.is_given(token, "laptop")
    account.clone()
    account.run("git-credential-hf", "hooks", "install")
    for name in ("token", "stored_tokens"):
        (account.home / ".cache/huggingface" / name).unlink()
    account.git("config", "--global", "credential.https://alice@huggingface.co.helper", "store")
    (account.home / ".git-credentials").write_text(f"https://alice:{token}@huggingface.co\n")
    account.git("remote", "set-url", "origin", "https://alice@huggingface.co/alice/private-model")
    account.commit({"a.txt": b"hello\n"})
    account.git("push")
