"""Tokens in what is pushed are found, and who can end them is told how to go on."""

import base64
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from account import Account
from amount import each_run
from pushes import BIG, HUB, SECRET, add, commit, in_the_url, messages, push, remedy, run_hook, uploads
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub, Request


def test_the_remedy_for_a_token(hub: "Hub", account: Account) -> None:
    """The hint for a token works in the first commit and in others, before and after the commit, in any directory."""
    account.git("init", "--quiet", "--initial-branch", "main", "new")
    account.where = account.home / "new"
    account.run("git-credential-hf", "hooks", "install")
    (account.where / "a b").mkdir()
    token = _alice(hub)
    for number in range(2):
        name = f"a b/{number}.py"
        top = account.where
        done = commit(account, {name: SECRET})
        account.where = top / "a b"
        account.run("sh", "-c", remedy(done))
        account.where = top
        assert account.git("ls-files", name).stdout == ""
        add(account, {name: SECRET})
        add(account, {f"{number}.txt": b"later\n"})
        done = push(account, "alice/model", HF_TOKEN=token)
        editor: dict[str, Any] = {"GIT_SEQUENCE_EDITOR": "sed -i.old s/pick/edit/"}
        account.run("sh", "-c", remedy(done), **editor)
        account.git("rm", "--quiet", "--cached", name)
        account.git("commit", "--quiet", "--amend", "--no-verify", "--allow-empty", "--message", "without")
        account.git("rebase", "--continue")
        while (account.where / ".git/rebase-merge").exists():
            account.git("rebase", "--continue")
        (top / name).unlink()
        assert push(account, "alice/model", HF_TOKEN=token).returncode == 0


def test_the_remedy_for_a_password_in_a_url(hub: "Hub", work: Account) -> None:
    """The hint removes it from the URL of that remote, and leaves all others."""
    url = in_the_url(work, _alice(hub))
    work.git("remote", "add", "origin", "https://github.com/alice/code")
    work.git("remote", "add", "the-hub", HUB + "alice/elsewhere")
    for branch, push_only in (("one", []), ("two", ["--push"])):
        work.git("remote", "set-url", *push_only, "the-hub", url)
        work.run("sh", "-c", remedy(work.git("push", "the-hub", f"main:{branch}")))
        assert work.git("remote", "get-url", *push_only, "the-hub").stdout == HUB + "alice/model\n"
    assert remedy(work.git("push", url, "main:three")) == f"git push {HUB}alice/model"
    assert work.git("remote", "get-url", "origin").stdout == "https://github.com/alice/code\n"


def test_our_own_token(hub: "Hub", work: Account) -> None:
    """The user's own token is found whatever it looks like, and is not shown."""
    _alice(hub)
    odd = "hf_HubCITokenOfAnOddShape_0123"
    old = work.git("rev-parse", "HEAD").stdout.strip()
    add(work, {"deploy.sh": f"curl -H 'Authorization: Bearer {odd}'\n".encode()})
    work.git("config", "hf.writeCheck", "off")
    done = run_hook(work, HUB + "alice/model", old=old, HF_TOKEN=odd)
    assert done.returncode == 1
    assert "deploy.sh" in messages(done, "error")[0]
    assert odd not in done.stderr


def asked(hub: "Hub") -> "list[Request]":
    return hub.log.of("/api/whoami-v2")


def test_a_published_token(hub: "Hub", work: Account) -> None:
    """A library whose history has a token that the Hub does not know is pushed as without us, and asked about once."""
    token = _alice(hub)
    hub.accounts.forget(SECRET.decode())
    add(work, {"test_it.py": b'SANDBOX = "%s"\n' % SECRET})
    add(work, {"test_it.py": b'SANDBOX = "%s"\nmore = 1\n' % SECRET, "copy.py": SECRET})
    for branch, questions in (("one", 1), ("two", 0)):
        hub.log.clear()
        done = push(work, "alice/model", "--force", "origin", f"main:{branch}", HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "git-credential-hf" not in done.stderr
        assert len([request for request in asked(hub) if request.token == SECRET.decode()]) == questions
        work.git("update-ref", "-d", f"refs/remotes/origin/{branch}")
    hub.log.clear()
    assert commit(work, {"another.py": SECRET}).stderr == ""
    assert asked(hub) == []


def test_a_line_beside_a_valid_token(hub: "Hub", work: Account) -> None:
    """A change beside a token that the Hub has is neither refused nor asked about, in a commit or in a push."""
    token = _alice(hub)
    add(work, {"test_it.py": SECRET + b"\n"})
    work.git("config", "hf.leakedTokens", "off")
    assert push(work, "alice/model", HF_TOKEN=token).returncode == 0
    work.git("config", "hf.leakedTokens", "block")
    hub.log.clear()
    assert commit(work, {"test_it.py": b"# beside\n" + SECRET + b"\n"}).returncode == 0
    work.git("mv", "test_it.py", "test_that.py")
    assert commit(work, {"test_that.py": b"# beside it\n" + SECRET + b"\n"}).returncode == 0
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    assert asked(hub) == []
    add(work, {"test_that.py": SECRET + b"\n" + SECRET + b"\n"})
    done = push(work, "alice/model", HF_TOKEN=token)
    assert "test_that.py in commit" in messages(done, "error")[0]
    assert messages(done, "hint")[0].startswith("revoke it at")


@pytest.mark.parametrize("environment", [{"HF_HUB_OFFLINE": "1"}, {}], ids=["offline", "down"])
def test_a_token_that_cannot_be_asked_about(environment: dict[str, Any], hub: "Hub", work: Account) -> None:
    """Offline no request is made, and a Hub that does not answer is waited for once: a warning, and no refusal."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    if not environment:
        hub.faults.reset("/api/")
    hub.log.clear()
    (work.where / "a.py").write_bytes(SECRET)
    work.git("add", "a.py")
    done = work.git("commit", "--message", "a change", check=False, **environment)
    assert done.returncode == 0, done.stderr
    (warning,) = messages(done, "warning")
    assert "a.py contains what looks like a Hub token (hf_****EfGh)" in warning
    assert SECRET.decode() not in done.stderr
    assert len(asked(hub)) == (0 if environment else 1)


REFRESHES = "hf_oauth__refresh_vQ7mKd2RzXe9TnBwLc4YsPfJ6hGaUoEfGh"
ORGANISATIONS = "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"


@pytest.mark.parametrize(
    ("token", "questions"), [(REFRESHES, 0), (ORGANISATIONS, 1)], ids=["refreshes", "organisations"]
)
def test_a_token_that_whoami_may_not_know(token: str, questions: int, hub: "Hub", work: Account) -> None:
    """What renews a token is not sent, and a no that may mean something else is only a warning."""
    hub.log.clear()
    done = commit(work, {"a.py": token.encode()})
    assert done.returncode == 0, done.stderr
    assert "the Hub did not report whether it is valid" in messages(done, "warning")[0]
    assert len(asked(hub)) == questions


def test_how_many_tokens_are_asked_about(hub: "Hub", work: Account) -> None:
    """At most five tokens are sent, each once, to the Hub that is pushed to; the others are a warning."""
    token = _alice(hub)
    others = [hub.token("somebody") for _ in range(7)]
    add(work, {f"{n}.py": (other * 2).replace("hf_", " hf_").encode() for n, other in enumerate(others)})
    hub.log.clear()
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    sent = [request.token for request in asked(hub)]
    assert len(sent) == len(set(sent)) == 5 and set(sent) < set(others)
    assert (len(messages(done, "error")), len(messages(done, "warning"))) == (5, 2)
    assert not any(other in done.stderr for other in others)


def test_a_slow_answer_about_a_token(hub: "Hub", work: Account) -> None:
    """All questions together take three seconds at most."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    hub.faults.delay("/api/whoami-v2", 20)
    start = time.monotonic()
    done = commit(work, {"a.py": SECRET, "b.py": hub.token("somebody").encode()})
    assert done.returncode == 0
    assert len(messages(done, "warning")) == 2
    assert time.monotonic() - start < 8


@pytest.mark.parametrize("value", ["disabled", "your_hf_token_here"])
def test_a_placeholder_for_a_token(value: str, hub: "Hub", work: Account) -> None:
    """A placeholder in `HF_TOKEN` is not looked for in files, nor masked in their names."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    for name, content in (
        (f"{value}.env", f"HF_TOKEN={value}\n"),
        ("docs.md", "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh\n"),
    ):
        (work.where / name).write_text(content)
    work.git("add", "--all")
    done = work.git("commit", "--message", "a change", HF_TOKEN=value)
    assert "git-credential-hf" not in done.stderr
    (work.where / f"{value}.txt").write_bytes(BIG)
    work.git("add", "--all")
    done = work.git("commit", "--message", "a change", check=False, HF_TOKEN=value)
    assert messages(done, "error")[0].startswith(f"commit refused: {value}.txt is over")


def basic(secret: str) -> bytes:
    return b"extraHeader = AUTHORIZATION: basic " + base64.b64encode(f"hf_user:{secret}".encode())


def test_an_own_token_in_disguise(hub: "Hub", work: Account) -> None:
    """An own token in UTF-16, in base64, in a message, a tag or a name does not leave; it is not asked about."""
    own = _alice(hub)
    push(work, "alice/model", HF_TOKEN=own)
    for files, message, name in (
        ({"setup.ps1": f"\ufeff$env:HF_TOKEN = '{own}'\r\n".encode("utf-16")}, "a change", "setup.ps1"),
        ({"config": basic(own)}, "a change", "config"),
        ({"f": b"1"}, f"use {own}", "the message of commit"),
        ({f"{own}.txt": b"1"}, "a change", "the name hf_****"),
    ):
        for path, content in files.items():
            (work.where / path).write_bytes(content)
        work.git("add", "--all")
        work.git("commit", "--no-verify", "--message", message)
        hub.log.clear()
        done = work.git("push", "origin", "main", check=False, HF_TOKEN=own)
        assert done.returncode == 1
        assert name in messages(done, "error")[0]
        assert "your Hub token hf_****" in messages(done, "error")[0]
        assert own not in done.stderr and uploads(hub) == [] and asked(hub) == []
        work.git("reset", "--hard", "HEAD~1")
    work.git("tag", "--annotate", "--message", f"with {own}", "v1")
    done = work.git("push", "origin", "v1", check=False, HF_TOKEN=own)
    assert "the message of refs/tags/v1 contains" in messages(done, "error")[0]
    work.run("sh", "-c", remedy(done), GIT_EDITOR="echo fine >")
    assert work.git("push", "origin", "v1", HF_TOKEN=own).returncode == 0
    done = work.git("push", "origin", f"main:refs/heads/{own}", check=False, HF_TOKEN=own)
    assert "the name refs/heads/hf_****" in messages(done, "error")[0]


def at_the_tip(work: Account) -> None:
    add(work, {"key.py": SECRET})


def deep(work: Account) -> None:
    add(work, {"key.py": SECRET})
    add(work, {"more.txt": b"more\n"})


def before_a_merge(work: Account) -> None:
    add(work, {"key.py": SECRET})
    work.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    add(work, {"side.txt": b"side\n"})
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--no-verify", "--no-edit", "side")


def in_the_merge(work: Account) -> None:
    work.git("checkout", "--quiet", "-b", "side")
    add(work, {"side.txt": b"side\n"})
    work.git("checkout", "--quiet", "main")
    add(work, {"main.txt": b"main\n"})
    work.git("merge", "--no-commit", "--no-ff", "side")
    add(work, {"key.py": SECRET})
    add(work, {"more.txt": b"more\n"})


PLACES: dict[Callable[[Account], None], str] = {
    at_the_tip: "",
    deep: "sed -i.old '1s/pick/edit/'",
    before_a_merge: "sed -i.old 's/^pick \\(.* a change\\)$/edit \\1/'",
    in_the_merge: "sed -i.old '/^merge/a break'",
}


@pytest.mark.parametrize("place", each_run(PLACES, in_the_merge), ids=lambda place: place.__name__)
def test_the_remedy_for_where_a_token_is(place: Callable[[Account], None], hub: "Hub", work: Account) -> None:
    """The hint leads to the commit with the token, wherever that is, and names the ways past the refusal."""
    work.is_given(_alice(hub), "laptop")
    push(work, "alice/model")
    place(work)
    done = push(work, "alice/model")
    (hint,) = messages(done, "hint")
    assert "`git push --no-verify`" in hint and "hf.leakedTokens" in hint
    if not PLACES[place]:
        (work.where / "key.py").write_text("none\n")
    work.run("sh", "-c", remedy(done), GIT_SEQUENCE_EDITOR=PLACES[place])
    while (work.where / ".git/rebase-merge").exists():
        if (work.where / "key.py").exists():
            (work.where / "key.py").write_text("none\n")
            work.git("commit", "--quiet", "--all", "--amend", "--no-edit")
        work.git("rebase", "--continue")
    assert (work.where / "key.py").read_text() == "none\n"
    done = push(work, "alice/model")
    assert done.returncode == 0, done.stderr
