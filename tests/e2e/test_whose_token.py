"""An account in the URL: its own token is used, whatever that is named, or there is a word about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from account import Account
from login import log_in, store_token

if TYPE_CHECKING:
    from fake_hub import Hub

MODEL = "https://bob@huggingface.co/bob/model"


@pytest.fixture
def tokens(hub: Hub, account: Account) -> dict[str, str]:
    """Alice is logged in; bob's token is stored as 'work', and the model is his alone."""
    hub.user("bob")
    hub.repository("bob/model", private=True, files={"README.md": b"bob's\n"})
    tokens = {"alice": hub.token("alice"), "bob": hub.token("bob")}
    log_in(account.home, tokens["alice"], "personal")
    store_token(account.home, "work", tokens["bob"])
    return tokens


def test_the_token_of_that_account_is_used(hub: Hub, account: Account, tokens: dict[str, str]) -> None:
    """Cloning works; the Hub is asked once whose the tokens are, and what it says is stored without them."""
    account.clone(MODEL)
    account.git("fetch")
    assert {request.token for request in hub.log.of("/info/refs") if request.token} == {tokens["bob"]}
    assert sorted(request.account or "" for request in hub.log.of("/api/whoami-v2")) == ["alice", "bob"]
    stored = (account.home / ".cache/git-credential-hf/owners").read_text()
    assert {"alice", "bob"} <= {*stored.split()}
    assert not any(token[3:] in stored for token in tokens.values())
    assert account.get() == tokens["alice"]


def test_it_is_known_from_other_questions(hub: Hub, account: Account, tokens: dict[str, str]) -> None:
    """Whose a token is has been learned when the Hub was asked for another reason."""
    for name in ("alice", "bob"):
        account.run("git-credential-hf", "status", HF_TOKEN=tokens[name])
    hub.log.clear()
    account.git("ls-remote", MODEL)
    assert hub.log.of("/api/") == []


def test_a_new_login_goes_before_an_older_token_of_its_account(hub: Hub, account: Account) -> None:
    """After a second login the URL's account selects the new token, for which the Hub is asked once."""
    old, new = hub.token("alice", "read"), hub.token("alice")
    url = "https://alice@huggingface.co/alice/private-model"
    account.is_given(old, "laptop")
    account.run("git-credential-hf", "status")  # which learns whose it is
    account.clone(url)
    account.is_given(new, "a-new-one")
    hub.log.clear()
    account.git("commit", "--allow-empty", "--message", "a change")
    account.git("push")
    hub.revoke(old)
    account.git("fetch")
    assert {request.token for request in hub.log.of("/alice/") if request.token} == {new}
    assert [request.token for request in hub.log.of("/api/whoami-v2")] == [new]


def test_another_login_goes_behind_a_token_of_the_account(hub: Hub, account: Account, tokens: dict[str, str]) -> None:
    """A token that is known to be of the account in the URL is used if the Hub does not say whose the new login is."""
    account.git("ls-remote", MODEL)  # which learns whose they are
    log_in(account.home, hub.token("alice"), "a-new-one")
    for offline in ("1", ""):
        account.git("ls-remote", MODEL, HF_HUB_OFFLINE=offline)


def test_nobody_has_a_token_of_that_account(hub: Hub, account: Account, tokens: dict[str, str]) -> None:
    """Another account's token is not used silently; a name that stands for no account is not one."""
    hub.org("acme", alice="write")
    store_token(account.home, "more", hub.token("alice"))
    said = account.git("ls-remote", "https://carol@huggingface.co/alice/private-model").stderr
    assert (
        "warning: the URL names carol, but no stored token is known to belong to that account; using alice's\n" in said
    )
    for name in ("acme", "git", "user", "hf_user", "x-access-token"):
        assert account.git("ls-remote", f"https://{name}@huggingface.co/alice/private-model").stderr == "", name


def test_the_hub_does_not_answer(hub: Hub, account: Account, tokens: dict[str, str]) -> None:
    """What is not known is no reason to refuse: the current token is used, and the Hub is asked again next time."""
    hub.faults.status("/api/whoami-v2", 500)
    assert account.git("ls-remote", "https://bob@huggingface.co/alice/private-model").stderr == ""
    hub.faults.clear()
    account.git("ls-remote", MODEL)


def test_a_mistaken_refusal_does_not_last(hub: Hub, account: Account, tokens: dict[str, str]) -> None:
    """While the Hub has just refused to say whose tokens these are, there is a warning; minutes later it is asked."""
    hub.faults.status("/api/whoami-v2", 401, times=2)
    done = account.git("ls-remote", MODEL, check=False)
    warning = (
        "warning: the URL names bob, but no stored token is known to belong to that account; using the current token\n"
    )
    assert warning in done.stderr
    path = account.home / ".cache/git-credential-hf/owners"
    lines = [line.split() for line in path.read_text().splitlines()]
    assert [names for _, _, *names in lines if names[0] != "-"] == []
    path.write_text("".join(f"{key} {mark} - {int(at) - 600}\n" for key, mark, _, at in lines))
    assert account.git("ls-remote", MODEL).stderr == ""


@pytest.mark.parametrize("user", ["work", "bob", "setting"])
def test_the_commands_speak_of_the_token_that_git_is_given(hub: Hub, account: Account, user: str) -> None:
    """Where a user name selects a stored token, `check`, `status` and `doctor` look at that one, and find it right."""
    hub.user("bob")
    hub.repository("bob/model", private=True, files={"README.md": b"bob's\n"})
    log_in(account.home, hub.token("alice"), "personal")
    work = hub.token("bob")
    store_token(account.home, "work", work)
    if user == "setting":
        account.git("config", "--global", "credential.https://huggingface.co.username", "work")
    account.clone(f"https://{user.replace('setting', 'git')}@huggingface.co/bob/model".replace("git@", ""))
    assert account.run("git-credential-hf", "check", "--write").stdout.startswith("yes")
    shown = account.run("git-credential-hf", "status").stdout
    assert re.search(rf"(?m)^here +hf_\*{{4}}{work[-4:]} .*stored as 'work'$", shown)
    done = account.run("git-credential-hf", "doctor", "--json", check=False)
    assert "resolvers-disagree" not in done.stdout
    account.run("git-credential-hf", "doctor", "--json", "--offline", check=False)
    account.git("commit", "--quiet", "--allow-empty", "--message", "one")
    account.git("push")
