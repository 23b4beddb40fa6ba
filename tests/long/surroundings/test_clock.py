"""The clock jumps between two runs: what was kept in the past, or in what is the future now, holds nobody up."""

from __future__ import annotations

import itertools
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from amount import IS_LONG
from programs import git

from . import COMMANDS, HUB, Command, Person, write

if TYPE_CHECKING:
    from fake_hub import Hub

DAY = 24 * 3600
TIMES = ("1 year ago", "now", "1 year")
JUMPS = [*itertools.permutations(TIMES, 2)]
GET, ERASE = COMMANDS["get"], COMMANDS["erase"]
jumping = pytest.mark.parametrize(("first", "second"), JUMPS if IS_LONG else JUMPS[1:5:3], ids=lambda value: value)


@pytest.fixture(autouse=True)
def faketime() -> None:
    if not shutil.which("faketime"):
        pytest.skip("faketime is not installed")


@pytest.fixture
def alice(hub: Hub, person: Person) -> Person:
    person.make()
    hub.token("alice", value=person.token)  # the test before may have revoked it
    hub.log.clear()
    return person


@pytest.fixture
def pushed(alice: Person) -> Command:
    """The hook of a push, which believes what the Hub said; the commands of a person ask again."""
    tip = git("rev-parse", "HEAD", cwd=alice.work).strip()
    url = "https://huggingface.co/alice/private-model"
    return Command(f"git-credential-hf hook pre-push {url} {url}", f"refs/heads/x {tip} refs/heads/x {'0' * 40}\n")


def at(person: Person, time: str, command: Command, **environment: Any) -> str:
    """What it prints at that time."""
    done = person.run(command, f'exec faketime -f "$(date -d "{time}" "+@%Y-%m-%d %H:%M:%S")" "$@"', environment)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    assert done.status < 128
    return done.stdout


@jumping
def test_refusal(hub: Hub, alice: Person, first: str, second: str) -> None:
    """A refused token that the Hub says is bad is held back for half a minute of its own time, but not after a jump."""
    hub.revoke(alice.token)
    at(alice, first, ERASE)
    assert at(alice, first, GET) == "quit=1\n"
    assert at(alice, second, GET) == f"username=git\npassword={alice.token}\n"


@jumping
def test_refusal_of_another_time(alice: Person, first: str, second: str) -> None:
    """A refusal of another time is not the first of two, and the token is served."""
    for time in (first, second):
        at(alice, time, ERASE, HF_HUB_OFFLINE="1")
        assert at(alice, time, GET) == f"username=git\npassword={alice.token}\n"


@jumping
def test_permission(hub: Hub, alice: Person, pushed: Command, first: str, second: str) -> None:
    """A "yes" of another time is not believed: the Hub is asked again."""
    for number, time in enumerate((first, first, second, second)):
        at(alice, time, pushed)
        assert len(hub.log.of("auth-check")) == 1 + number // 2


@jumping
def test_patience(hub: Hub, alice: Person, pushed: Command, first: str, second: str) -> None:
    """Whom the Hub has told to wait waits for no longer than that."""
    hub.faults.rate_limit("/api/", retry_after=30)
    at(alice, first, pushed)
    hub.faults.clear()
    hub.log.clear()
    at(alice, first, pushed)
    assert hub.log.of("auth-check") == [], "not yet"
    at(alice, second, pushed)
    assert len(hub.log.of("auth-check")) == 1


@jumping
def test_browser_login(hub: Hub, alice: Person, first: str, second: str) -> None:
    """A login in the browser is renewed once where it seems to be over, and what is served is good at the Hub."""
    pair = hub.oauth("alice", expires_in=20 * DAY)
    write(alice.home / ".cache/huggingface/token", pair.access_token)
    fields = f"refresh_token = {pair.refresh_token}\nexpires_at = {int(pair.expires_at)}\n"
    write(alice.home / ".cache/huggingface/stored_tokens", f"[oauth]\nhf_token = {pair.access_token}\n{fields}\n")
    for time in (first, second, first):
        before = len(hub.log.of("/oauth/token"))
        for _ in range(2):
            token = at(alice, time, GET).partition("password=")[2].partition("\n")[0]
            assert token in hub.accounts.tokens
        assert len(hub.log.of("/oauth/token")) <= before + 1


@jumping
def test_trusted_publisher(hub: Hub, alice: Person, first: str, second: str) -> None:
    """What a CI job got in exchange is exchanged anew where nobody can tell how old it is."""
    hub.trust("https://ci.example", resource="alice/private-model", id_token="an-id-token")
    environment = {"HF_OIDC_RESOURCE": "alice/private-model", "HF_OIDC_ID_TOKEN": "an-id-token"}
    environment |= {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": os.environ["XDG_RUNTIME_DIR"]}
    for number, time in enumerate((first, first, second, second)):
        assert at(alice, time, GET, **environment).partition("password=")[2].partition("\n")[0] in hub.accounts.tokens
        assert len(hub.log.of("/oauth/token")) == 1 + number // 2


@pytest.mark.parametrize("years", [-1, 1])
def test_files(alice: Person, years: int) -> None:
    """Files whose times are a year off are read as any."""
    for path in (alice.home / ".cache/huggingface").iterdir():
        seen = path.stat().st_mtime + years * 365 * DAY
        os.utime(path, (seen, seen))
    assert alice.run(GET).stdout == f"username=git\npassword={alice.token}\n"
    assert alice.run(Command("git credential fill", HUB + "\n")).stdout.endswith(f"password={alice.token}\n")
