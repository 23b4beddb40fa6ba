"""What works without this program works with it: no credential is lost that may be the only one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from account import Account
from login import log_in, store_token

if TYPE_CHECKING:
    from fake_hub import Hub

MODEL = "https://huggingface.co/alice/private-model"
BOBS = "https://bob@huggingface.co/bob/model"


@pytest.fixture
def plain(hub: Hub, account: Account) -> Account:
    """The plain chain, as README has it: `store`, and then this helper; bob has a model of his own."""
    (account.home / ".gitconfig").write_text("[credential]\n\thelper = store\n\thelper = hf\n")
    hub.user("bob")
    hub.repository("bob/model", private=True, files={"README.md": b"bob's\n"})
    return account


def stored(account: Account, **tokens: str) -> str:
    lines = "".join(f"https://{name}:{token}@huggingface.co\n" for name, token in tokens.items())
    (account.home / ".git-credentials").write_text(lines)
    return lines


def held(account: Account) -> str:
    return (account.home / ".git-credentials").read_text()


def test_the_only_credential_stays(hub: Hub, plain: Account) -> None:
    """Nobody is logged in, and another helper's token works: it goes on working, after git's command and ours."""
    before = stored(plain, alice=hub.token("alice"))
    plain.git("ls-remote", MODEL)
    plain.git("ls-remote", MODEL)
    for command in (["purge"], ["doctor", "--fix", "--yes"], ["configure", "--purge", "--local"]):
        plain.run("git-credential-hf", *command, check=False)
    assert held(plain) == before


def test_what_works_beside_a_token_that_does_not(hub: Hub, plain: Account) -> None:
    """The login was revoked, and another helper's token works."""
    before = stored(plain, alice=hub.token("alice"))
    revoked = hub.token("alice")
    log_in(plain.home, revoked)
    hub.revoke(revoked)
    plain.git("ls-remote", MODEL)
    plain.run("git-credential-hf", "purge", check=False)
    plain.run("git-credential-hf", "doctor", "--fix", "--yes", check=False)
    assert held(plain) == before


def test_the_only_credential_of_another_account(hub: Hub, plain: Account) -> None:
    """Alice is logged in, and bob's token is in another helper alone: git's commands and doctor leave it there."""
    log_in(plain.home, hub.token("alice"))
    before = stored(plain, bob=hub.token("bob"))
    plain.git("ls-remote", BOBS)
    hub.log.clear()
    plain.git("ls-remote", BOBS)
    assert hub.log.of("/api/") == [], "whose it is, has been learned"
    plain.run("git-credential-hf", "doctor", "--fix", "--yes", check=False)
    plain.git("ls-remote", BOBS)
    assert held(plain) == before


def test_a_copy_behind_another_one(hub: Hub, plain: Account) -> None:
    """What doctor decided about the first copy of a helper is not done to the next one, which is another account's."""
    log_in(plain.home, hub.token("alice"))
    stored(plain, alice=hub.token("alice"), bob=hub.token("bob"))
    done = plain.run("git-credential-hf", "doctor", "--fix", "--yes", check=False)
    assert "alice:" not in held(plain) and "bob:" in held(plain)
    assert "the current token does not replace it" in done.stdout + done.stderr


def test_a_copy_of_the_same_account_goes(hub: Hub, plain: Account) -> None:
    """An older token of the account that is logged in is replaced by the current one."""
    log_in(plain.home, hub.token("alice"))
    stored(plain, alice=hub.token("alice"))
    plain.git("ls-remote", MODEL)
    assert held(plain) == ""


def test_a_user_name_that_selects_a_token_is_no_finding(hub: Hub, account: Account) -> None:
    """`credential.username` selects a stored token by its name, or by its account: doctor leaves it."""
    hub.user("bob")
    hub.repository("bob/model", private=True, files={"README.md": b"bob's\n"})
    log_in(account.home, hub.token("alice"), "personal")
    store_token(account.home, "work", hub.token("bob"))
    for name in ("work", "bob"):
        account.git("config", "--global", "credential.https://huggingface.co.username", name)
        account.git("ls-remote", "https://huggingface.co/bob/model")
        assert "username-set" not in account.run("git-credential-hf", "doctor", "--json", check=False).stdout
        account.run("git-credential-hf", "doctor", "--fix", "--yes", check=False)
        account.git("ls-remote", "https://huggingface.co/bob/model")
