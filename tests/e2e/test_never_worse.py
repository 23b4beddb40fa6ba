"""What works without this program works with it: no credential is lost that may be the only one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from account import Account, git_has
from amount import each_run
from executable import commands_in_hints
from login import log_in, store_token

if TYPE_CHECKING:
    from fake_hub import Hub

MODEL = "https://huggingface.co/alice/private-model"
DAY = 24 * 3600
BOBS = "https://bob@huggingface.co/bob/model"
COMMANDS = {
    "purge": ["purge"],
    "configure": ["configure", "--purge"],
    "doctor": ["doctor", "--fix", "--yes"],
}


CHAIN = "[credential]\n\thelper = store\n\thelper = hf\n"


@pytest.fixture
def plain(hub: Hub, account: Account) -> Account:
    """The plain chain, as docs/troubleshooting.md has it: `store`, and then this helper; bob has a model of his own."""
    (account.home / ".gitconfig").write_text(CHAIN)
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
    for command in COMMANDS.values():
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
    assert "it belongs to bob, and the current token to alice" in done.stdout + done.stderr


# --- what takes the place of what ---


def scoped(hub: Hub) -> str:
    """Return a token of alice's for another repository than `MODEL`, which need not exist."""
    return hub.token("alice", "fineGrained", scoped={"alice/other": ["repo.content.read"]})


def work_with(plain: Account, url: str, **environment: Any) -> None:
    """Use git twice, which works each time, as it does without this program."""
    for _ in range(2):
        plain.git("ls-remote", url, **environment)


KEPT = [
    (user, login) for user in ("alice", "hf_user", "git") for login in ("write", "read", "fine-grained", "HF_TOKEN")
]


# Each login with alice's name; the names that say nothing are one case, and it is that of every login.
@pytest.mark.parametrize(("user", "login"), each_run(KEPT, *KEPT[:4], ("hf_user", "read"), ("git", "HF_TOKEN")))
def test_git_loses_nothing_that_works(hub: Hub, plain: Account, user: str, login: str) -> None:
    """A token that another helper alone has, and that has just worked, stays, whatever the login may do."""
    token = scoped(hub) if login == "fine-grained" else hub.token("alice", "read" if login == "read" else "write")
    before = stored(plain, **{user: hub.token("alice")})
    if login != "HF_TOKEN":
        log_in(plain.home, token)
    work_with(plain, MODEL, **({"HF_TOKEN": token} if login == "HF_TOKEN" else {}))
    assert held(plain) == before


@pytest.mark.parametrize("user", ["hf_user", "git"])
def test_a_name_that_says_nothing(hub: Hub, plain: Account, user: str) -> None:
    """`hf_user` and `git` stand for any account: bob's token stays, after git's commands and ours."""
    log_in(plain.home, hub.token("alice"))
    before = stored(plain, **{user: hub.token("bob")})
    work_with(plain, "https://huggingface.co/bob/model")
    for command in COMMANDS.values():
        plain.run("git-credential-hf", *command, check=False)
        assert held(plain) == before


def test_a_token_for_one_command(hub: Hub, plain: Account) -> None:
    """`HF_TOKEN` takes nothing's place: not that of a stored token in git's command, nor that of what may do less."""
    bob, alice = hub.token("bob"), hub.token("alice")
    log_in(plain.home, bob, "bob")
    before = stored(plain, hf_user=bob)
    work_with(plain, "https://huggingface.co/bob/model", HF_TOKEN=alice)
    assert held(plain) == before
    before = stored(plain, hf_user=hub.token("alice", "read"))
    for command in (["purge"], ["doctor", "--fix", "--yes"]):
        done = plain.run("git-credential-hf", *command, HF_TOKEN=alice, check=False)
        assert held(plain) == before
        assert "run `unset HF_TOKEN`" in done.stdout + done.stderr
    before = stored(plain, hf_user=alice)  # the same token, which was there before
    work_with(plain, MODEL, HF_TOKEN=alice)
    assert held(plain) == before
    stored(plain, git=alice)  # as git has told it
    work_with(plain, MODEL, HF_TOKEN=alice)
    assert held(plain) == ""


@pytest.mark.parametrize("login", ["expires", "not sent by this git"])
def test_a_login_that_does_not_last(hub: Hub, plain: Account, login: str) -> None:
    """A token that works longer, or in a git that cannot send the login's, stays: in git's commands and in ours."""
    if login == "expires":
        log_in(plain.home, hub.token("alice"), "laptop", expires_at=int(time.time()) + 3 * DAY)
    elif git_has(2, 46):
        pytest.skip("git 2.46 can send it")
    else:
        pair = hub.oauth("alice", expires_in=20 * DAY)
        hub.oauth_as_password = False
        renewal = {"refresh_token": pair.refresh_token, "expires_at": int(pair.expires_at)}
        log_in(plain.home, pair.access_token, "laptop", **renewal)
        plain.git("ls-remote", MODEL, check=False)
    before = stored(plain, alice=hub.token("alice"))
    work_with(plain, MODEL)
    assert held(plain) == before
    for command in COMMANDS.values():
        plain.run("git-credential-hf", *command, check=False)
        assert held(plain) == before


def test_a_credential_for_each_path(hub: Hub, plain: Account) -> None:
    """With `useHttpPath`, a stale copy for one path does not take that of another path along, which is bob's."""
    login = hub.token("alice")
    log_in(plain.home, login)
    (plain.home / ".gitconfig").write_text(f"{CHAIN}\tuseHttpPath = true\n")
    bobs = f"https://shared:{hub.token('bob')}@huggingface.co/bob/model\n"
    copy = f"https://shared:{login}@huggingface.co/alice/private-model\n"
    (plain.home / ".git-credentials").write_text(copy + bobs)
    plain.git("ls-remote", MODEL)
    assert held(plain) == bobs
    (plain.home / ".git-credentials").write_text(copy + bobs)
    for command in COMMANDS.values():
        plain.run("git-credential-hf", *command, check=False)
        assert bobs in held(plain)


def test_what_the_hub_refuses_goes(hub: Hub, plain: Account) -> None:
    """A revoked token, which is not stored here, goes from another helper under all names, also in git's command."""
    log_in(plain.home, hub.token("alice", "read"))
    revoked = hub.token("alice")
    stored(plain, alice=revoked, git=revoked)
    hub.revoke(revoked)
    plain.git("ls-remote", MODEL, check=False)
    plain.git("ls-remote", MODEL)
    assert held(plain) == ""


def tokens(hub: Hub) -> dict[str, str]:
    roles = {role: hub.token("alice", role) for role in ("read", "write", "god")}
    return {**roles, "fine-grained": scoped(hub), "bob's": hub.token("bob")}


GOES = {("read", "read"), ("read", "write"), ("read", "god"), ("write", "write"), ("write", "god"), ("god", "god")}


WANTED = [(command, login) for command in COMMANDS for login in ("read", "write", "god", "fine-grained")]


# What may go is decided in one place for all commands: that `purge` asks it of each, and each other asks it as well.
@pytest.mark.parametrize(
    ("command", "login"), each_run(WANTED, *WANTED[:4], ("configure", "write"), ("doctor", "fine-grained"))
)
def test_what_takes_the_place_of_what(hub: Hub, plain: Account, command: str, login: str) -> None:
    """Whoever wants it: what may do no more than the login, of the same account, goes; the rest stays, and is named."""
    others, mine = tokens(hub), tokens(hub)
    log_in(plain.home, mine[login])
    for role, token in others.items():
        (plain.home / ".gitconfig").write_text(CHAIN)  # as it was before `configure`, and `doctor --fix`
        before = stored(plain, hf_user=token)
        done = plain.run("git-credential-hf", *COMMANDS[command], check=False)
        goes = (role, login) in GOES
        assert held(plain) == ("" if goes else before), (role, login)
        if command == "doctor":
            assert goes or "run `git-credential-hf login` with that token" in " ".join(done.stdout.split())
        else:
            assert ("store keeps hf_****" in done.stderr) != goes
            assert done.returncode == (command == "purge" and not goes)


def test_how_it_is_removed_all_the_same(hub: Hub, plain: Account) -> None:
    """What stays is named with its reason, and with a command that removes it."""
    log_in(plain.home, hub.token("alice", "read"))
    stored(plain, alice=hub.token("alice"))
    done = plain.run("git-credential-hf", "purge", check=False)
    roles = "its role is 'write', the current token's is 'read'"
    assert f"it may allow more than the current token: {roles}\n" in done.stderr
    (command,) = (command for command in commands_in_hints(done) if "erase" in command)
    plain.run("sh", "-c", command)
    assert held(plain) == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("cause", ["an outage", "offline"])
def test_what_nobody_knows(hub: Hub, plain: Account, command: str, cause: str) -> None:
    """If the Hub says nothing, only what is a copy of our own goes: whether the current token works is not known."""
    token = hub.token("alice")
    log_in(plain.home, token)
    environment: dict[str, Any] = {"HF_HUB_OFFLINE": "1"} if cause == "offline" else {}
    if not environment:
        hub.faults.status("/api/whoami", 503)
    before = stored(plain, alice=hub.token("alice", "read"))
    plain.run("git-credential-hf", *COMMANDS[command], check=False, **environment)
    assert held(plain) == before
    (plain.home / ".gitconfig").write_text(CHAIN)
    stored(plain, alice=token)
    plain.run("git-credential-hf", *COMMANDS[command], check=False, **environment)
    assert held(plain) == ""


PLACES = {
    "netrc": (".netrc", "machine huggingface.co login x password {}\n"),
    "url": ("work/.git/config", '[remote "origin"]\n\turl = https://x:{}@huggingface.co/alice/private-model\n'),
    "insteadOf": (".gitconfig", '[url "https://x:{}@huggingface.co/"]\n\tinsteadOf = https://huggingface.co/\n'),
    "header": (".gitconfig", '[http "https://huggingface.co"]\n\textraHeader = Authorization: Bearer {}\n'),
}


FOUND = [(place, offline) for offline in ((), ("--offline",)) for place in PLACES]


# The offline message comes before anything that depends on the place.
@pytest.mark.parametrize(("place", "offline"), each_run(FOUND, *FOUND[: len(PLACES) + 1]))
def test_a_file_that_has_the_only_one(hub: Hub, account: Account, place: str, offline: tuple[str, ...]) -> None:
    """`doctor --fix` lets a token stay in a file that may do more than the login, or is bob's; a copy of what goes is
    kept beside the copies of `.netrc`, and the command that brings it back is shown.
    """
    hub.user("bob")
    weak, strong = hub.token("alice", "read"), hub.token("alice")
    log_in(account.home, weak)
    account.git("init", "--quiet", "work")
    account.where = account.home / "work"
    name, text = PLACES[place]
    file = account.home / name
    original = file.read_text() if file.exists() else ""
    for token, stays in ((strong, True), (hub.token("bob"), True), (hub.token("alice", "read"), bool(offline))):
        file.write_text(original + text.format(token))
        done = account.run("git-credential-hf", "doctor", "--fix", "--yes", *offline, check=False)
        assert (token in file.read_text()) == stays
    file.write_text(original + text.format(weak))
    done = account.run("git-credential-hf", "doctor", "--fix", "--yes", *offline, check=False)
    assert weak not in file.read_text()
    assert "doctor --undo" in done.stdout
    account.run("git-credential-hf", "doctor", "--undo")
    assert file.read_text() == original + text.format(weak)


def test_one_of_two_in_a_file(hub: Hub, account: Account) -> None:
    """Where one secret of a file is stale, another one in the same file stays."""
    hub.user("bob")
    mine, bob = hub.token("alice"), hub.token("bob")
    log_in(account.home, mine)
    other = f'[url "https://bob:{bob}@huggingface.co/bob/"]\n\tinsteadOf = bob:\n'
    with (account.home / ".gitconfig").open("a") as file:
        file.write(f'{other}[url "https://a:{mine}@huggingface.co/alice/"]\n\tinsteadOf = alice:\n')
    account.run("git-credential-hf", "doctor", "--fix", "--yes", check=False)
    text = (account.home / ".gitconfig").read_text()
    assert other in text and mine not in text


def test_a_stored_token_in_a_url_gets_its_name(hub: Hub, account: Account) -> None:
    """Where a stored token is in a URL, but not the current one, its name takes its place: git uses the same one."""
    hub.user("bob")
    hub.repository("bob/model", private=True, files={"README.md": b"bob's\n"})
    bob = hub.token("bob")
    store_token(account.home, "at work", bob)
    log_in(account.home, hub.token("alice"))
    account.git("init", "--quiet", "work")
    account.where = account.home / "work"
    account.git("remote", "add", "origin", f"https://hf_user:{bob}@huggingface.co/bob/model")
    account.run("git-credential-hf", "doctor", "--fix", "--yes", check=False)
    assert account.git("remote", "get-url", "origin").stdout == "https://at%20work@huggingface.co/bob/model\n"
    account.git("ls-remote", "origin")


# --- no delay, and no noise ---

SLOW = """#!/bin/sh
echo "$1" >> {home}/calls
[ "$1" = get ] || {{ {store}; exit 0; }}
grep -q ^host=huggingface.co && {answer}
exit 0
"""


def calls(account: Account, answer: str, store: str = ":", **environment: Any) -> list[str]:
    """Return what a helper before ours was told in three commands of git, in the last of them."""
    program = account.home / "git-credential-slow"
    program.write_text(SLOW.format(home=account.home, answer=answer, store=store))
    program.chmod(0o755)
    (account.home / ".gitconfig").write_text(f"[credential]\n\thelper = {program}\n\thelper = hf\n")
    for _ in range(3):
        (account.home / "calls").write_text("")
        account.git("ls-remote", MODEL, **environment)
    return (account.home / "calls").read_text().split()


def test_a_helper_is_not_asked_again_in_each_command(hub: Hub, account: Account) -> None:
    """What another helper has, or does not give up, is asked once: after that only git itself runs it."""
    mine = hub.token("alice")
    log_in(account.home, mine)
    other = hub.token("alice")
    answers = f"printf 'username=a\\npassword={other}\\n'", f"printf 'username=a\\npassword={mine}\\n'"
    assert calls(account, answers[0]) == ["get", "store"], "it is not ours"
    assert calls(account, answers[1]) == ["get", "store"], "it keeps what it is told to erase"
    file = account.home / "kept"
    erases = f'if [ "$1" = store ]; then cat > {file}; else rm -f {file}; fi'
    assert calls(account, f"cat {file} 2> /dev/null", erases) == ["get", "store", "get", "erase"], "git tells it ours"
    assert not file.exists()


def test_nothing_is_asked_without_a_token(hub: Hub, account: Account) -> None:
    """Nobody is logged in: what another helper has is all that there is."""
    answer = f"printf 'username=a\\npassword={hub.token('alice')}\\n'"
    assert calls(account, answer) == ["get", "store"]


@pytest.mark.parametrize(
    ("chain", "is_last"), [("hf store", False), ("hf", True), ("store hf", True), ("store '' hf", True)]
)
def test_an_error_comes_from_the_last_helper_alone(hub: Hub, account: Account, chain: str, is_last: bool) -> None:
    """Nobody is logged in: that is no error if git goes on to another helper, which has a token."""
    lines = "".join(f"\thelper = {name}\n" for name in chain.replace("''", '""').split())
    (account.home / ".gitconfig").write_text(f"[credential]\n{lines}")
    stored(account, alice=hub.token("alice"))
    done = account.git("ls-remote", MODEL, check=False)
    assert (done.returncode == 0) == (chain in ("hf store", "store hf"))
    is_asked = chain != "store hf"  # git has its answer
    assert ("not logged in" in done.stderr) == (is_last and is_asked)


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
