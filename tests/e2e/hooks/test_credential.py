"""The hooks check the credential that git really uses."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import Account
from pushes import BIG, HUB, add, in_the_url, in_trees, messages, push, run_hook, uploads
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub


def in_a_header(work: Account, token: str) -> str:
    work.git("config", "--global", "http.https://huggingface.co/.extraHeader", f"Authorization: Bearer {token}")
    return HUB + "alice/model"


def in_netrc(work: Account, token: str) -> str:
    netrc = work.home / ".netrc"
    netrc.write_text(f"machine example.org login x password y\nmachine huggingface.co login alice password {token}\n")
    netrc.chmod(0o600)
    return HUB + "alice/model"


def in_another_helper(work: Account, token: str) -> str:
    (work.home / ".git-credentials").write_text(f"https://alice:{token}@huggingface.co\n")
    (work.home / ".git-credentials").chmod(0o600)
    work.run("git-credential-hf", "unconfigure")
    work.git("config", "--global", "credential.helper", "store")
    return HUB + "alice/model"


WINNERS: dict[Callable[[Account, str], str], str] = {
    in_the_url: "the URL of the remote",
    in_a_header: "http.extraHeader",
    in_netrc: ".netrc (line 2)",
    in_another_helper: "git's helper 'store'",
}


@pytest.mark.parametrize("place", in_trees(WINNERS, in_netrc), ids=lambda place: place.__name__)
def test_the_credential_that_wins(place: Callable[[Account, str], str], hub: "Hub", work: Account) -> None:
    """The credential that git will send is checked, not the login, and its source is reported."""
    work.is_given(_alice(hub), "good")
    reads = hub.token("alice", "read")
    hub.log.clear()
    done = push(work, place(work, reads))
    assert done.returncode == 1
    assert re.search("can only read; git uses it instead of the current hf_", messages(done, "error")[0])
    assert WINNERS[place] in messages(done, "error")[0]
    assert messages(done, "warning") == [] and "create one" not in done.stderr  # one hint: how to use the login
    assert uploads(hub) == []
    assert reads not in done.stderr.replace(f"alice:{reads}@", "")  # git itself shows the URL
    good = hub.token("alice")
    done = push(work, place(work, good))
    assert done.returncode == 0, done.stderr
    assert "instead of the current hf_" in messages(done, "warning")[0]


def test_a_copy_that_is_rejected_in_the_middle(hub: "Hub", work: Account) -> None:
    """If git started with a copy of a token that was removed since, what it still holds is unknown: a warning."""
    good, old = _alice(hub), hub.token("alice")
    work.is_given(old, "old")
    work.is_given(good, "good")
    in_another_helper(work, old)
    work.git("config", "--global", "--add", "credential.helper", "hf")
    done = push(work, "alice/model")
    assert done.returncode == 0, done.stderr
    assert "git started this push with a stale token from another helper" in messages(done, "warning")[0]
    add(work, {"more.md": b"more\n"})
    assert "git-credential-hf" not in push(work, "alice/model").stderr


def test_a_stale_netrc_entry_is_passed_over(hub: "Hub", work: Account) -> None:
    """Git goes on after a `.netrc` entry that the Hub rejects: the helper's token is checked."""
    work.is_given(_alice(hub), "good")
    stale = hub.token("alice")
    hub.revoke(stale)
    done = push(work, in_netrc(work, stale))
    assert done.returncode == 0, done.stderr
    assert ".netrc (line 2) first, and the Hub rejects it" in messages(done, "warning")[0]


def test_a_typed_password(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """If git prompts, its password cannot be seen, and nothing is refused for the lack of a token."""
    token = _alice(hub)
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\necho {token}\n")
    askpass.chmod(0o755)
    work.run("git-credential-hf", "unconfigure")
    done = push(work, "alice/model", GIT_ASKPASS=str(askpass))
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


def test_a_credential_that_is_given_once(hub: "Hub", account: Account) -> None:
    """If a helper gave its credential only once, no push is refused for the lack of a token."""
    helper = account.home / "git-credential-once"
    helper.write_text(
        '#!/bin/sh\n[ "$1" != get ] || while read -r line; do echo "$line"; done < "$0.token"\n'
        '[ "$1" != get ] || : > "$0.token"\n'
    )
    helper.chmod(0o755)
    helper.with_suffix(".token").write_text(f"username=alice\npassword={_alice(hub)}\n")
    account.run("git-credential-hf", "unconfigure")
    account.git("config", "--global", "credential.helper", str(helper))
    account.git("init", "--quiet", "--initial-branch", "main", "new")
    account.where = account.home / "new"
    add(account, {"notes.md": b"notes\n"})
    account.run("git-credential-hf", "hooks", "install")
    done = push(account, "alice/model")
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


def test_a_netrc_that_git_alone_reads(hub: "Hub", work: Account) -> None:
    """A `.netrc` that programs read differently may hold what git sends: no other token is checked instead."""
    work.is_given(_alice(hub, "read"), "reads")
    url = in_netrc(work, hub.token("alice"))
    netrc = work.home / ".netrc"
    netrc.write_text("machine example.com\nlogin x\nport 21\n" + netrc.read_text())
    done = push(work, url)
    assert done.returncode == 0, done.stderr
    assert "programs do not agree on how to read this netrc file" in messages(done, "warning")[0]
    assert "(line 3)" in messages(done, "warning")[0]
    netrc.write_text("machine example.com\nlogin x\nport 21\n")
    done = run_hook(work, url)
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]


def test_one_of_two_headers(hub: "Hub", work: Account) -> None:
    """A header with a token counts, with other headers beside it, until an empty one resets them."""
    work.is_given(_alice(hub, "read"), "reads")
    url = in_a_header(work, hub.token("alice"))
    key = "http.https://huggingface.co/.extraHeader"
    work.git("config", "--global", "--add", key, "X-Team: a")
    done = push(work, url)
    assert done.returncode == 0, done.stderr
    work.git("config", "--global", "--add", "http.extraHeader", "Authorization: Bearer hf_nobody")
    done = push(work, url)
    assert done.returncode == 0, done.stderr
    work.git("config", "--global", "--add", key, "")
    done = run_hook(work, url)
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]


def test_a_helper_that_hangs(hub: "Hub", work: Account) -> None:
    """A helper that does not answer may have a token: the push goes on, with a warning."""
    _alice(hub)
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", "")
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", "!sleep 1000 #")
    assert messages(run_hook(work, HUB + "alice/model"), "warning") == [], (
        "nobody knows what that does: it is not asked"
    )
    work.git("config", "--global", "--unset", "credential.https://huggingface.co.helper", "sleep")
    stuck = work.home / "git-credential-libsecret"
    stuck.write_text("#!/bin/sh\nexec sleep 1000\n")
    stuck.chmod(0o755)
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", str(stuck))
    done = run_hook(work, HUB + "alice/model", GIT_TERMINAL_PROMPT="0")
    assert done.returncode == 0
    (warning,) = messages(done, "warning")
    assert "cannot check access to alice/model: git credential did not answer" in warning


def test_ssh(hub: "Hub", work: Account) -> None:
    """Over SSH no token is used, so none is checked, without a request; what is pushed is."""
    _alice(hub)
    hub.log.clear()
    for url in ("git@hf.co:alice/model", "ssh://git@hf.co/alice/model"):
        assert run_hook(work, url).returncode == 0
    old = work.git("rev-parse", "HEAD").stdout.strip()
    add(work, {"big.txt": b"x" * (10 << 20) + b"x"})
    for url in ("git@hf.co:alice/model", "ssh://git@hf.co/alice/model"):
        done = run_hook(work, url, old=old)
        assert done.returncode == 1
        assert "big.txt" in messages(done, "error")[0]
        # A new branch, with a key whose passphrase git would have to ask for: the Hub may have the file already.
        done = run_hook(work, url)
        assert done.returncode == 0
        assert "cannot find out what the Hub already has" in messages(done, "warning")[0]
    assert list(hub.log) == []


@pytest.mark.parametrize("url", ["https://github.com/alice/model", "git@github.com:alice/model", "/srv/git/model", ""])
def test_other_remotes(url: str, work: Account) -> None:
    """A push to a remote that is not on the Hub is not checked at all."""
    add(work, {"big.txt": BIG})
    done = run_hook(work, url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
