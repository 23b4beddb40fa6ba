"""Old copies of tokens in other helpers: whatever happens, git soon has the current token, and they have none."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from account import Account
from amount import IS_LONG, some
from other_helpers import ELSEWHERE, HOLDERS, HUB, PROGRAMS, Entry, Holder, Manager, build_libsecret

if TYPE_CHECKING:
    from fake_hub import Hub

URL = "https://huggingface.co/alice/private-model"
SEEDED = [(host, username) for host in HUB for username in ("git", "hf_user")]
CHAINS = {
    "only": "[credential]\n\thelper = {holder}\n\thelper =\n\thelper = hf\n",
    "first": "[credential]\n\thelper = hf\n\thelper = {holder}\n",
    "last": "[credential]\n\thelper = {holder}\n\thelper = hf\n",
}


@pytest.fixture(scope="session", autouse=True)
def libsecret() -> None:
    build_libsecret()


@pytest.fixture
def holder(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    with HOLDERS[request.param](home, monkeypatch) as holder:
        holder.keep(*ELSEWHERE)
        yield holder


# --- what happens to the token ---


class Machine(NamedTuple):
    """Somebody's machine; `by_hand`: files are written and git is told what `hf` would write and tell, but quickly."""

    hub: "Hub"
    account: Account
    by_hand: bool

    def is_given(self, token: str, name: str, **more: object) -> None:
        """What `hf auth login` writes."""
        self.account.is_given(token, name, **more)

    def git_credential(self, operation: str, **fields: str) -> None:
        """As huggingface_hub's set_git_credential and unset_git_credential."""
        lines = [f"{name}={value}\n" for name, value in {"url": HUB_URL, "username": "hf_user", **fields}.items()]
        self.account.git("credential", operation, stdin="".join(lines) + "\n")

    def seed(self, holder: Holder, token: str) -> None:
        holder.keep(*(Entry(host, username, token) for host, username in SEEDED))


HUB_URL = "https://huggingface.co"


def login(machine: Machine, old: str) -> str:
    """`hf auth login --add-to-git-credential` with another token, while the old one works as well as ever."""
    new = machine.hub.token("alice", "read", name="new")
    if machine.by_hand:
        machine.is_given(new, "new")
        machine.git_credential("approve", password=new)
    else:
        machine.account.run("hf", "auth", "login", "--token", new, "--add-to-git-credential")
    return new


def switch(machine: Machine, old: str) -> str:
    """`hf auth switch`, without a word to git when it is done by hand."""
    new = machine.hub.token("alice", "read", name="new")
    machine.is_given(new, "new")
    (machine.account.home / ".cache/huggingface/token").write_text(old)
    if machine.by_hand:
        (machine.account.home / ".cache/huggingface/token").write_text(new)
    else:
        machine.account.run("hf", "auth", "switch", "--token-name", "new", "--add-to-git-credential")
    return new


def revoke(machine: Machine, old: str) -> str:
    """The old token is revoked, and there is another login, of which git is told nothing."""
    machine.hub.revoke(old)
    new = machine.hub.token("alice", name="new")
    machine.is_given(new, "new")
    return new


def logout(machine: Machine, old: str) -> str:
    """`hf auth logout`, while the old token works as well as ever."""
    if machine.by_hand:
        for file in (machine.account.home / ".cache/huggingface").iterdir():
            file.unlink()
        machine.git_credential("reject")
    else:
        machine.account.run("hf", "auth", "logout")
    return ""


def refresh(machine: Machine, old: str) -> str:
    """The old token of a login in the browser is due for a refresh, which will end it."""
    return "whatever the Hub will give"


EVENTS: list[Callable[[Machine, str], str]] = [login, switch, refresh, revoke, logout]


def ls_remote(account: Account) -> bool:
    return account.git("ls-remote", URL, check=False, timeout=30).returncode == 0


# --- the table ---


def play(
    hub: "Hub",
    home: Path,
    holder: Holder,
    monkeypatch: pytest.MonkeyPatch,
    *,
    chain: str,
    configured: bool,
    event: Callable[[Machine, str], str],
    by_hand: bool = True,
) -> None:
    machine = Machine(hub, Account(home), by_hand)
    account = machine.account
    monkeypatch.setenv("HF_HUB_DISABLE_UPDATE_CHECK", "1")
    if not configured and (chain == "last" or event is logout):
        monkeypatch.setenv("GCM_INTERACTIVE", "never")  # git itself asks it, and it would ask somebody
    if event is refresh:
        pair = hub.oauth("alice", expires_in=3600)
        machine.is_given(pair.access_token, "old", refresh_token=pair.refresh_token, expires_at=int(pair.expires_at))
        old = pair.access_token
    else:
        old = hub.token("alice", name="old")
        machine.is_given(old, "old")
    others = holder.others()
    assert others
    machine.seed(holder, old)
    assert {entry.password for entry in holder.held()} == {old}
    (home / ".gitconfig").write_text(CHAINS[chain].format(holder=holder.helper))
    if configured:
        account.run("git-credential-hf", "configure", "--purge")
        assert holder.held() == [], "clean from the first day"

    current = event(machine, old)
    hub.log.clear()
    worked = [ls_remote(account) for _ in range(1 if configured or chain == "only" else 2)]
    used = [request.token for request in hub.log.with_token()]
    if event is refresh:
        current = (home / ".cache/huggingface/token").read_text()
        assert current != old
    if event is logout:
        assert worked[-1] is (not configured and chain != "only"), "what may be all that works now stays"
    else:
        assert worked[-1], "at most one command has failed, and none where the helper is the only one"
        assert used[-1] == current
    if configured or chain == "only":
        assert set(used) <= {current}, "no other token was tried"

    if chain == "only" and not configured:  # nobody asks the holder, and nobody tells it anything
        account.run("git-credential-hf", "purge", check=event is not logout)
    left = {entry.password for entry in holder.held()}
    if event is logout and not configured:
        assert left <= {old}
    elif chain == "first" and not configured:
        assert left <= {current}, "git tells it the token after it has told us"
    else:
        assert not left
    assert holder.others() == others
    if isinstance(holder, Manager):
        assert not holder.prompted()


def rows() -> list[object]:
    """Every holder before and behind ours with every event; what a reset hides, with one holder for all."""
    names = {
        *((holder, "plain", chain, event) for holder in HOLDERS for chain in ("first", "last") for event in EVENTS),
        *((holder, "plain", "only", login) for holder in HOLDERS),
        *((holder, "configured", "last", event) for holder in HOLDERS for event in EVENTS),
        *(("store", mode, "only", event) for mode in ("plain", "configured") for event in EVENTS),
        *(("store", "configured", "first", event) for event in EVENTS),
    }
    table = [(*row[:3], row[3], f"{'-'.join(row[:3])}-{row[3].__name__}") for row in names]

    def marks(row: tuple[object, ...]) -> list[pytest.MarkDecorator]:
        if row == ("store", "plain", "last", login):
            return [pytest.mark.git_versions(each_run=1)]
        # Of the others, each behind ours, where it is asked last; and one that git is not to ask any more.
        is_short = row[:2] == ("store", "plain") or row[1:] == ("plain", "last", login)
        is_short = is_short or row == ("store", "configured", "last", refresh)
        return [] if is_short else [pytest.mark.long]

    return [pytest.param(*row[:4], id=row[4], marks=marks(row[:4])) for row in sorted(table, key=lambda row: row[4])]


@pytest.mark.parametrize(("holder", "mode", "chain", "event"), rows(), indirect=["holder"])
def test_the_old_copy_goes(
    hub: "Hub",
    home: Path,
    holder: Holder,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    chain: str,
    event: Callable[[Machine, str], str],
) -> None:
    """With `credential.helper hf` in any place of the chain at most one command fails or uses the old token, and with
    `configure` none does; in the end no other helper holds a secret for the Hub, and what it holds for others stays.

    After a logout, it may be all that works, and stays as well.

    The exception is a helper behind ours, which git tells the token after us: it may hold the current one, no other.
    """
    play(hub, home, holder, monkeypatch, chain=chain, configured=mode == "configured", event=event)


BY_HF = [
    (*row, event)
    for event in (login, switch, logout)
    for row in (("store", "plain", "first"), ("store", "configured", "first"), ("keyring", "plain", "last"))
]


@pytest.mark.parametrize(
    ("holder", "mode", "chain", "event"),
    some(BY_HF, 3),
    indirect=["holder"],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_old_copy_goes_with_the_real_hf(
    hub: "Hub",
    home: Path,
    holder: Holder,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    chain: str,
    event: Callable[[Machine, str], str],
) -> None:
    """The same with `hf` itself, and its `--add-to-git-credential`, which tells every helper of the chain the token."""
    play(hub, home, holder, monkeypatch, chain=chain, configured=mode == "configured", event=event, by_hand=False)


@pytest.mark.parametrize("holder", ["store"], indirect=True)
def test_the_file_of_store_is_as_it_was(hub: "Hub", home: Path, holder: Holder) -> None:
    """A day with the plain chain leaves ~/.git-credentials as it was, byte for byte, odd lines of others included."""
    before = (home / ".git-credentials").read_bytes() + b"https://a%40b:c%0d@example.net/path%20x\nno url\n"
    (home / ".git-credentials").write_bytes(before)
    machine = Machine(hub, Account(home), by_hand=True)
    (home / ".gitconfig").write_text(CHAINS["last"].format(holder="store"))
    for name in ("one", "two"):
        machine.is_given(hub.token("alice", name=name), name)
        assert ls_remote(machine.account)
        assert ls_remote(machine.account)
        assert (home / ".git-credentials").read_bytes() == before


@pytest.mark.parametrize("holder", ["manager"], indirect=True)
def test_a_slow_start(hub: "Hub", home: Path, holder: Manager) -> None:
    """Git Credential Manager takes five seconds to start: an old copy goes from there all the same, and git's command
    does not wait for longer than for a few such starts, however many questions there are.
    """
    machine = Machine(hub, Account(home), by_hand=True)
    old, new = hub.token("alice", name="old"), hub.token("alice", name="new")
    machine.is_given(old, "old")
    machine.seed(holder, old)
    machine.is_given(new, "new")
    (home / ".gitconfig").write_text(CHAINS["first"].format(holder="manager"))
    holder.starts_in(5)
    started = time.monotonic()
    machine.account.git("ls-remote", URL, timeout=120)
    assert {entry.password for entry in holder.held()} <= {new}
    assert not holder.prompted()
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("other", "operation"),
    [("sleeps", "store"), ("fails", "erase"), ("floods", "store"), ("babbles", "erase"), ("lingers", "store")],
)
def test_a_bad_neighbour(hub: "Hub", home: Path, monkeypatch: pytest.MonkeyPatch, other: str, operation: str) -> None:
    """A helper that hangs, fails, floods or talks nonsense is waited for by us up to a time limit, and the one next to
    it is healed all the same.

    That git itself waits for it, and reads all that it writes, is git's: so ours is asked here, as git asks it.
    """
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")
    account = Account(home)
    account.is_given(hub.token("alice"), "current")
    (home / ".gitconfig").write_text(CHAINS["last"].format(holder=other) + "\thelper = store\n")
    (home / ".git-credentials").write_text("https://git:hf_older@huggingface.co\n")
    message = f"protocol=https\nhost=huggingface.co\nusername=git\npassword={hub.token('alice')}\n\n"
    started = time.monotonic()
    done = account.run("git-credential-hf", operation, stdin=message, timeout=30)
    assert time.monotonic() - started < 15
    assert done.stdout == ""
    assert (home / ".git-credentials").read_text() == ""


# --- many at once ---

SWITCH = """
import sys, time
from huggingface_hub import auth_switch
for number in range(int(sys.argv[1])):
    auth_switch(("one", "two")[number % 2])
    time.sleep(0.2)
"""


AT_ONCE = 20 if IS_LONG else 4


@pytest.mark.parametrize(("chain", "each"), [("alone", 10), ("last", 3)] if IS_LONG else [("last", 1)])
def test_switching_under_load(hub: "Hub", home: Path, chain: str, each: int) -> None:
    """`git ls-remote`, many at a time, while the token is switched again and again: all have one of the two tokens. So
    they have with a store before ours, which holds nothing in the end.
    """
    machine = Machine(hub, Account(home), by_hand=True)
    tokens = {name: hub.token("alice", name=name) for name in ("one", "two")}
    for name, token in tokens.items():
        machine.is_given(token, name)
    text = CHAINS["last"].format(holder="store") if chain == "last" else "[credential]\n\thelper = hf\n"
    (home / ".gitconfig").write_text(text)

    has_ended = threading.Event()

    def work(_: int) -> list[str]:
        failed = []
        number = 0
        while number < each or not has_ended.is_set():
            number += 1
            done = machine.account.git("ls-remote", URL, check=False, timeout=120)
            failed += [done.stderr] if done.returncode else []
        return failed

    with ThreadPoolExecutor(AT_ONCE) as pool:
        failures = pool.map(work, range(AT_ONCE))
        try:
            machine.account.run("python", "-c", SWITCH, "50" if IS_LONG else "5", timeout=120)
        finally:
            has_ended.set()
        assert [failure for failed in failures for failure in failed] == []
    used = {request.token for request in hub.log.with_token()}
    assert used == set(tokens.values())
    if chain == "last":
        assert ls_remote(machine.account)
        assert ls_remote(machine.account)
        assert "huggingface" not in (home / ".git-credentials").read_text()
