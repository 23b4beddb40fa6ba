"""What docs/how-it-works.md says of other ways to log git in: what each does after the token was rotated."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import Account

if TYPE_CHECKING:
    from fake_hub import Hub

URL = "https://huggingface.co/alice/private-model"


def ours(account: Account, token: str) -> str:
    account.run("git-credential-hf", "configure")
    account.is_given(token, "old")
    return URL


def store(account: Account, token: str) -> str:
    account.git("config", "--global", "credential.helper", "store")
    account.git("credential", "approve", stdin=f"url={URL}\nusername=alice\npassword={token}\n\n")
    return URL


def add_to_git_credential(account: Account, token: str) -> str:
    account.git("config", "--global", "credential.helper", "store")
    account.run("hf", "auth", "login", "--token", token, "--add-to-git-credential")
    return URL


def in_the_url(account: Account, token: str) -> str:
    return URL.replace("//", f"//alice:{token}@")


def gh(account: Account, token: str) -> str:
    account.git("config", "--global", "credential.https://huggingface.co.helper", "!gh auth git-credential")
    account.is_given(token, "old")
    return URL


REFUSED = "Invalid username or password"
ASKS = "could not read Username"  # there is no terminal here; at one, it would ask


@pytest.mark.parametrize(
    ("alternative", "file", "said"),
    [
        (ours, None, ("", "", "")),
        (store, ".git-credentials", ("", REFUSED, ASKS)),
        (add_to_git_credential, ".git-credentials", ("", REFUSED, ASKS)),
        (in_the_url, "model/.git/config", ("", REFUSED, REFUSED)),
        (gh, None, (ASKS, "", "")),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_after_a_rotation(
    alternative: Callable[[Account, str], str],
    file: str | None,
    said: tuple[str, str, str],
    home: Path,
    hub: "Hub",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clone; the login is renewed and the old token revoked; what two fetches say then, and who has kept a copy."""
    monkeypatch.setenv("HF_HUB_DISABLE_UPDATE_CHECK", "1")
    account = Account(home)
    old, new = hub.token("alice", name="old"), hub.token("alice", name="new")
    clone = account.git("clone", alternative(account, old), "model", check=False)
    assert said[0] in clone.stderr
    assert (clone.returncode == 0) == (said[0] == "")
    if clone.returncode:
        return  # gh answers for GitHub alone
    copies = [path for path in home.rglob("*") if path.is_file() and old.encode() in path.read_bytes()]
    theirs = [path for path in copies if ".cache/huggingface" not in str(path)]
    assert theirs == ([home / file] if file else [])
    account.where = home / "model"
    account.is_given(new, "new")
    hub.revoke(old)
    for expected in said[1:]:
        fetch = account.git("fetch", check=False)
        assert expected in fetch.stderr
        assert (fetch.returncode == 0) == (expected == "")
