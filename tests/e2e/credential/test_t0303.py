"""The cases of git's t0303, which is for helpers that store: what one that stores nothing does in their place."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from . import ANSWER, HUB, OTHER, TOKEN, git_has, ours
from .conftest import Git

pytestmark = pytest.mark.git_versions

LogIn = Callable[..., None]
STORED = HUB + "username=store-user\npassword=store-pass\n"


def typed(asked: str) -> str:
    """What git ends with where no helper has anything."""
    user = "" if "\nusername=" in asked else "username=typed\n"
    return f"{asked}{user}password=typed\n"


def kept_below(*folders: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file()}


def test_nothing_before_the_login(git: Git) -> None:
    """Before a login there is nothing to answer."""
    assert git.fill(HUB) == typed(HUB)
    assert git.fill(OTHER) == typed(OTHER)


@pytest.mark.parametrize("users", [1, 2])
def test_nothing_is_stored(git: Git, home: Path, users: int) -> None:
    """What git says to store is in no file afterwards and is never answered, however many users it is for."""
    folders = home, Path(os.environ["XDG_RUNTIME_DIR"])
    for n in range(users):
        git.tell("approve", STORED.replace("store-user", f"store-user{n}"))
        assert git.said == ""
    assert kept_below(*folders) == {}
    assert git.fill(HUB) == typed(HUB)


def test_login_is_answered(git: Git, log_in: LogIn) -> None:
    """What we answer is the login, whatever git has said to store before and after."""
    log_in()
    assert git.fill(HUB) == HUB + ANSWER
    git.tell("approve", STORED)
    assert git.fill(HUB) == HUB + ANSWER


@pytest.mark.parametrize(
    "asked",
    [
        "protocol=http\nhost=huggingface.co\n",
        "protocol=https\nhost=other.tld\n",
        "protocol=https\nhost=huggingface.co:8443\n",
        "protocol=https\nhost=sub.huggingface.co\n",
        "protocol=https\nhost=huggingface.co.example.com\n",
    ],
)
def test_only_the_hub_is_answered(git: Git, log_in: LogIn, asked: str) -> None:
    """Protocol and host have to be the Hub's, port and all."""
    log_in()
    assert git.fill(asked) == typed(asked)
    assert git.asked[0] == ("hf get", asked)


def test_path_is_matched_by_git(git: Git, log_in: LogIn) -> None:
    """A token for a path is what git's configuration says: elsewhere the current one is answered."""
    log_in("hf_acme", "acme")
    log_in()
    settings = [
        "credential.https://huggingface.co.useHttpPath=true",
        "credential.https://huggingface.co.helper=hf",
        "credential.https://huggingface.co/acme.helper=",
        "credential.https://huggingface.co/acme.helper=hf --token acme",
    ]
    for path, token in (("acme/model", "hf_acme"), ("acmeish/model", TOKEN), ("alice/acme", TOKEN)):
        asked = f"{HUB}path={path}\n"
        assert git.fill(asked, *settings) == f"{asked}username=git\npassword={token}\n"


def test_login_is_overwritten_by_a_login(git: Git, log_in: LogIn) -> None:
    """The next login is what is answered, also where the Hub has just refused the one before."""
    log_in("hf_first", "first")
    git.refuse_repeatedly(HUB + "username=git\npassword=hf_first\n")
    assert "told us to quit" in git.refuses(HUB)
    log_in()
    assert git.fill(HUB) == HUB + ANSWER


@pytest.mark.parametrize("password", ["", "password=pass2\n", f"password={TOKEN}x\n"])
def test_reject_of_something_else(git: Git, log_in: LogIn, home: Path, password: str) -> None:
    """A host alone, or another password, is no refusal of the token: it stays, and is answered."""
    log_in()
    before = kept_below(home)
    git.tell("reject", HUB + "username=git\n" + password)
    assert (kept_below(home), git.said) == (before, "")
    assert git.fill(HUB) == HUB + ANSWER


@pytest.mark.git_versions(each_run=1)
def test_reject_of_the_token(git: Git, log_in: LogIn, home: Path) -> None:
    """A refused token is in its files as before; refused again, it is not answered, and nobody is asked instead."""
    log_in()
    before = kept_below(home / ".cache/huggingface")
    git.tell("reject", HUB + ANSWER)
    assert kept_below(home / ".cache/huggingface") == before
    assert git.fill(HUB) == HUB + ANSWER
    for _ in range(2):
        git.tell("reject", HUB + ANSWER)
    assert kept_below(home / ".cache/huggingface") == before
    assert "told us to quit" in git.refuses(HUB)
    assert git.asked == [("hf get", HUB)]


def test_each_token_has_its_name(git: Git, log_in: LogIn) -> None:
    """The user name that names a stored token gets that one; one that names none gets the current one."""
    log_in("hf_one", "user1")
    log_in("hf_two", "user2")
    for user, token in (("user1", "hf_one"), ("user2", "hf_two"), ("other", "hf_two")):
        assert git.fill(f"{HUB}username={user}\n") == f"{HUB}username=git\npassword={token}\n"


def test_other_token_is_remembered(git: Git, log_in: LogIn) -> None:
    """After the Hub has refused the token of one name, that of another is answered."""
    log_in("hf_one", "user1")
    log_in("hf_two", "user2")
    git.refuse_repeatedly(HUB + "username=git\npassword=hf_one\n", "credential.helper=hf --token user1")
    assert "told us to quit" in git.refuses(HUB + "username=user1\n")
    assert git.fill(HUB + "username=user2\n") == f"{HUB}username=git\npassword=hf_two\n"


def test_empty_username(git: Git, log_in: LogIn) -> None:
    """An empty user name, and an empty password, are stored no more than any; the login is answered."""
    log_in()
    git.tell("approve", HUB + "username=\npassword=\n")
    assert git.fill(HUB + "username=\n") == HUB + ANSWER


@pytest.mark.parametrize("length", [1001, 1024, 4096, 60000])
def test_long_header(git: Git, log_in: LogIn, length: int) -> None:
    """What stands at the end of a long header is part of it, and not a host, wherever a buffer might end."""
    log_in()
    asked = f"protocol=https\nhost=badguy.example.com\nwwwauth[]=basic realm={'a' * length}host=huggingface.co\n"
    assert TOKEN not in git.fill(asked)
    assert ours("get", asked) == (0, "", "")  # before 2.41 git does not tell us of headers


def test_expiry_of_the_login(git: Git, log_in: LogIn) -> None:
    """The expiry is the login's, not what git says to store; with the next login it is that one's."""
    for days in (10, 20):
        expires = int(time.time()) + days * 86400
        log_in(f"hf_for{days}", f"for{days}", expires_at=expires)
        answer = f"username=git\npassword=hf_for{days}\n"
        git.tell("approve", f"{HUB}{answer}password_expiry_utc=9999999999\n")
        expiry = f"password_expiry_utc={expires}\n"
        assert git.fill(HUB) == HUB + answer + (expiry if git_has(2, 40) else "")
        assert ours("get", HUB) == (0, answer + expiry, "")


@pytest.mark.git_versions(each_run=1)
def test_refresh_token_stays_where_it_is(git: Git, log_in: LogIn) -> None:
    """Nobody is told the refresh token of a login in the browser: huggingface_hub alone has a use for it."""
    log_in(refresh_token="hf_refresh", expires_at=int(time.time()) + 10 * 86400)
    assert "refresh" not in git.fill(HUB)
    status, answered, said = ours("get", HUB)
    assert status == 0 and answered.startswith(ANSWER) and "refresh" not in answered + said


# --- t/lib-credential.sh, for helpers that store credentials of other kinds ---

BEARER = "authtype=Bearer\ncredential=random-token\n"


@pytest.mark.git_versions(each_run=2)
@pytest.mark.parametrize("ephemeral", ["", "ephemeral=1\n"])
def test_other_kinds_are_not_stored(git: Git, log_in: LogIn, ephemeral: str) -> None:
    """Told to store a credential of another kind, lasting or not, we answer the login as before."""
    log_in()
    capable = "capability[]=authtype\n"
    git.tell("approve", capable + BEARER + HUB + ephemeral)
    assert [who for who, _ in git.asked] == (["hf store"] if git_has(2, 46) else [])
    assert git.said == ""
    assert git.fill(capable + HUB) == HUB + ANSWER
    git.tell("approve", capable + STORED + ephemeral)
    assert git.fill(capable + HUB + "username=store-user\n") == HUB + ANSWER
    assert git.fill(HUB) == HUB + ANSWER
