"""The README's table of errors: git, git-lfs or the Hub says these words, and the command beside them helps."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Generator
from typing import Any

import pytest
from account import WEIGHTS, Account
from documents import README
from fake_hub import Hub
from installed import OF_CRON
from programs import Done
from pushes import BIG

URL = "https://huggingface.co/alice/private-model"
TABLE = README.partition("\n## I get this error\n")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", TABLE, re.MULTILINE)
# A case yields what was printed, gets what the row's command printed in turn, and looks at what has become of it.
Case = Generator[str, Done, None]


def fails(account: Account, *arguments: str, **environment: Any) -> str:
    """What a git command prints that does not succeed."""
    done = account.git(*arguments, check=False, **environment)
    assert done.returncode, done.stderr
    return done.stderr + done.stdout


def with_store(account: Account, password: str) -> None:
    """As it was before us: git's `store` has a password for the Hub."""
    account.run("git-credential-hf", "unconfigure")
    account.git("config", "--global", "credential.helper", "store")
    account.git("credential", "approve", stdin=f"url={URL}\nusername=alice\npassword={password}\n\n")


def not_configured(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.run("git-credential-hf", "unconfigure")
    yield fails(account, "ls-remote", URL)
    account.git("ls-remote", URL)


def not_configured_for_lfs(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL, GIT_LFS_SKIP_SMUDGE="1")
    account.run("git-credential-hf", "unconfigure")
    yield fails(account, "lfs", "pull")
    account.git("lfs", "pull")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS


def not_on_path(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.run("git-credential-hf", "unconfigure")
    account.git("config", "--global", "credential.helper", "hf")
    yield account.git("ls-remote", URL, check=False, PATH=OF_CRON).stderr
    account.git("ls-remote", URL, PATH=OF_CRON)


def a_password(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    with_store(account, "correct horse battery staple")
    yield fails(account, "ls-remote", URL)
    account.git("ls-remote", URL)


def an_old_token(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    old = hub.token("alice")
    hub.revoke(old)
    with_store(account, old)
    yield fails(account, "ls-remote", URL)
    account.git("ls-remote", URL)


def an_expired_token(hub: Hub, account: Account) -> Case:
    token = hub.token("alice", name="laptop")
    account.is_given(token, "laptop")
    hub.expire(token)
    yield fails(account, "ls-remote", URL)
    # The login itself wants a terminal: tests/commands/test_login.py.


def a_read_only_token(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice", "read"), "laptop")
    account.clone(URL, GIT_LFS_SKIP_SMUDGE="1")
    account.commit({"notes.md": b"more\n"})
    answer = yield fails(account, "push")
    assert "can only read" in answer.stderr


def a_read_only_token_for_lfs(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice", "read"), "laptop")
    account.clone(URL)
    account.git("lfs", "track", "*.bin")
    account.commit({"more.bin": os.urandom(1000)})
    answer = yield fails(account, "push")
    assert "can only read" in answer.stderr


def a_gate(hub: Hub, account: Account) -> Case:
    hub.user("bob")
    hub.org("acme", bob="write")
    hub.repository("acme/model", gated="manual")
    account.is_given(hub.token("alice"), "laptop")
    answer = yield fails(account, "clone", "https://huggingface.co/acme/model")
    assert "https://huggingface.co/acme/model" in answer.stderr


def not_for_this_account(hub: Hub, account: Account) -> Case:
    hub.user("bob")
    hub.org("acme", bob="write")
    hub.repository("acme/model", private=True)
    account.is_given(hub.token("alice"), "laptop")
    answer = yield fails(account, "clone", "https://huggingface.co/acme/model")
    assert "acme/model" in answer.stderr


def refused_in_the_end(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL, GIT_LFS_SKIP_SMUDGE="1")
    printed = ""
    for files in ({"big.txt": BIG}, {"image.xyz": bytes(100)}, {"README.md": b"---\ncolorTo: violet\n---\n"}):
        account.commit(files)
        printed += fails(account, "push")
        account.git("reset", "--hard", "HEAD~")
    account.commit({"big.txt": BIG})
    yield printed
    assert "push refused before any upload" in fails(account, "push")


def refused_by_us(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice", "read"), "laptop")
    account.clone(URL, GIT_LFS_SKIP_SMUDGE="1")
    account.run("git-credential-hf", "hooks", "install")
    account.commit({"notes.md": b"more\n"})
    printed = fails(account, "push")
    assert "git-credential-hf: hint: " in printed
    yield printed


def only_pointers(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL, GIT_LFS_SKIP_SMUDGE="1")
    yield (account.where / "model.bin").read_text()
    assert (account.where / "model.bin").read_bytes() == WEIGHTS


def without_git_lfs(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.git("lfs", "install", "--skip-repo")
    programs = account.home / "programs"
    programs.mkdir()
    for program in ("git", "sh", "git-credential-hf"):
        (programs / program).symlink_to(shutil.which(program) or program)
    answer = yield fails(account, "clone", URL, PATH=str(programs))
    assert answer.returncode == 0  # here it is installed


def no_locks(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL)
    account.git("lfs", "track", "*.bin")
    account.commit({"more.bin": os.urandom(1000)})
    pushed = account.git("push")
    printed = pushed.stdout + pushed.stderr
    [command] = re.findall(r"\$ (git config .*locksverify false)", printed)
    account.run(*command.split())
    account.commit({"more.bin": os.urandom(1000)})
    assert "locking" not in account.git("push").stdout
    yield printed


def too_many_requests(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    hub.faults.status("/info/refs", 429)
    yield fails(account, "ls-remote", URL)


def not_ours(hub: Hub, account: Account) -> Case:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL)
    os.chown(account.where, 12345, 12345)
    os.chown(account.where / ".git", 12345, 12345)
    answer = yield fails(account, "status")
    assert "git config --global --add safe.directory ~/private-model" in answer.stdout


def not_readable(hub: Hub, account: Account) -> Case:
    account.is_given(hub.token("alice"), "laptop")
    account.clone(URL)
    with (account.where / ".git/config").open("a") as file:
        file.write("[core\n")
    answer = yield fails(account, "status")
    assert "bad config line" in answer.stdout


CASES: dict[Callable[[Hub, Account], Case], tuple[str, ...]] = {
    not_configured: ("could not read Username for 'https://huggingface.co'",),
    not_configured_for_lfs: ("Git credentials for https://huggingface.co/… not found",),
    not_on_path: ("git: 'credential-hf' is not a git command",),
    a_password: ("Password authentication in git is no longer supported",),
    an_old_token: ("Invalid username or password", "Authentication failed for 'https://huggingface.co/…'"),
    an_expired_token: ('User Access Token "laptop" is expired',),
    a_read_only_token: ("You are not authorized to push to this repo",),
    a_read_only_token_for_lfs: ("batch response: Authorization error",),
    a_gate: ("Access to model acme/model is restricted",),
    not_for_this_account: ("Repository not found",),
    refused_in_the_end: ("contains files larger than 10 MiB", "contains binary files", "YAML metadata verification"),
    refused_by_us: ("push refused before any upload",),
    without_git_lfs: ("git-lfs: not found", "Clone succeeded, but checkout failed"),
    only_pointers: ("version https://git-lfs",),
    no_locks: ("does not support the Git LFS locking API",),
    too_many_requests: ("The requested URL returned error: 429",),
    not_ours: ("detected dubious ownership",),
    not_readable: ("bad config line",),
}
# Printed by `hf` at a login, as tests/demo shows; and a variable, which tests/e2e/test_refused_token.py is about.
ELSEWHERE = {"The token has not been saved to the git credentials helper", "HF_TOKEN"}


def test_each_row_has_a_case() -> None:
    """All that the table quotes is printed in a case below."""
    quoted = {words for seen, _, _ in ROWS for words in re.findall(r"`([^`]+)`", seen)} - {"hf"}
    assert quoted == {*sum(CASES.values(), ()), *ELSEWHERE}


@pytest.mark.parametrize("case", CASES)
def test_errors(case: Callable[[Hub, Account], Case], hub: Hub, account: Account) -> None:
    """The words are printed, and the command of that row does what its reader needs."""
    [run] = [run for seen, _, run in ROWS if f"`{CASES[case][0]}`" in seen]
    going = case(hub, account)
    printed = next(going)
    for words in CASES[case]:
        assert re.search(".*".join(map(re.escape, words.split("…"))), printed), printed
    done = account.run("true")
    command = run.strip("`")
    if command.startswith(("git-credential-hf ", "git ")) and not command.endswith(" login"):
        answer = ["--yes"] if command.endswith("--fix") else []
        done = account.run(*command.split(), *answer, check=False)
        assert "Traceback" not in done.stderr
    with pytest.raises(StopIteration):
        going.send(done)
