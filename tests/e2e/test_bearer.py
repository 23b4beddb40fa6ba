"""A Hub that does not take the token of a browser login as git's password: git sends it in another way, or says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from account import Account, knows_authtype
from login import log_in

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth

MODEL = "https://huggingface.co/alice/private-model"


@pytest.fixture
def pair(hub: Hub, account: Account) -> OAuth:
    pair = hub.oauth("alice", expires_in=20 * 24 * 3600)
    more = {"refresh_token": pair.refresh_token, "expires_at": int(pair.expires_at)}
    log_in(account.home, pair.access_token, "laptop", **more)
    hub.oauth_as_password = False
    return pair


@pytest.mark.git_versions(each_run=1)
def test_the_next_command_works(hub: Hub, account: Account, pair: OAuth) -> None:
    """The first command fails and says why; the next sends a Bearer token, or there is a way that this git can go."""
    first = account.git("ls-remote", MODEL, check=False)
    assert first.returncode != 0
    assert "as a password, although it is valid" in first.stderr
    assert "/oauth/token" not in [request.path for request in hub.log], "a good token is not renewed"
    hub.log.clear()
    if not knows_authtype():
        assert "upgrade git to 2.46 and git-lfs to 3.6, or log in with a token from" in first.stderr
        return
    assert "run the command again" in first.stderr
    account.git("ls-remote", MODEL)
    assert {request.scheme for request in hub.log.with_token()} == {"bearer"}
    assert {request.token for request in hub.log.with_token()} == {pair.access_token}


@pytest.mark.skipif(not knows_authtype(), reason="this git sends passwords only")
@pytest.mark.git_versions(each_run=1)
def test_it_is_sent_as_a_password_again(hub: Hub, account: Account, pair: OAuth) -> None:
    """If the Hub takes no Bearer token either, the next command sends a password again."""
    account.git("ls-remote", MODEL, check=False)
    hub.faults.status("/info/refs", 401)
    assert account.git("ls-remote", MODEL, check=False).returncode != 0
    hub.faults.clear()
    hub.oauth_as_password = True
    hub.log.clear()
    account.git("ls-remote", MODEL)
    assert {request.scheme for request in hub.log.with_token()} == {"basic"}


@pytest.mark.skipif(not knows_authtype(), reason="this git sends passwords only")
@pytest.mark.git_versions(each_run=1)
def test_a_bearer_token_is_stored_nowhere(hub: Hub, account: Account, pair: OAuth) -> None:
    """Other helpers of git are told not to store it: not even those behind this one, which are told of each success."""
    account.git("ls-remote", MODEL, check=False)
    account.git("config", "--global", "credential.https://huggingface.co.helper", "")
    for helper in ("hf", "cache", "store"):
        account.git("config", "--global", "--add", "credential.https://huggingface.co.helper", helper)
    try:
        account.git("ls-remote", MODEL)
        assert {request.scheme for request in hub.log.with_token()} >= {"bearer"}
        asked = "capability[]=authtype\nprotocol=https\nhost=huggingface.co\n\n"
        assert pair.access_token not in account.git("credential-cache", "get", stdin=asked).stdout
        assert not (account.home / ".git-credentials").exists()
    finally:
        account.git("credential-cache", "exit", check=False)


def test_other_tokens_stay_passwords(hub: Hub, account: Account) -> None:
    """A user's token that was refused by mistake is sent as a password, and at once."""
    log_in(account.home, hub.token("alice"))
    hub.faults.status("/info/refs", 401, times=2)
    assert account.git("ls-remote", MODEL, check=False).returncode != 0
    account.git("ls-remote", MODEL)
    assert {request.scheme for request in hub.log.with_token()} == {"basic", "bearer"}  # whoami has a Bearer token
    assert hub.log.of("/info/refs")[-1].scheme == "basic"
