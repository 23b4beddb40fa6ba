"""Requests to the Hub have a time limit, and what it cannot answer is unknown."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hub_api import DATASET, SHOWN, WHOAMI, Api, Reply, at, described, mine
from whoami import MODEL

from git_credential_hf.api.access import card_errors, check_access, whoami
from git_credential_hf.api.client import Unreachable, try_hub_again
from git_credential_hf.api.contents import find_upload_modes
from git_credential_hf.repository import Repository
from git_credential_hf.state import read_state
from git_credential_hf.state_directory import cache_directory


def test_timeouts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests of one question may take three seconds, or as many as the caller allows; the test does not wait."""
    waits: list[tuple[threading.Thread, float | None]] = []
    join = threading.Thread.join
    timeouts = (3, 30, 0.5)
    api.answers = dict.fromkeys(("auth-check", "whoami-v2", "validate-yaml", "main"), Reply(200, json=WHOAMI))
    api.is_answering.clear()
    with monkeypatch.context() as clock:
        clock.setattr(
            *(threading.Thread, "join"),
            lambda thread, timeout=None: (
                waits.append((thread, timeout)) if timeout in timeouts else join(thread, timeout)
            ),
        )
        messages = []
        for seconds in timeouts:
            try_hub_again()
            messages.append(check_access(mine(api), at(api, MODEL), write=False, seconds=seconds).message)
        for call in (
            lambda: whoami(mine(api)),
            lambda: whoami(mine(api), seconds=30),
            lambda: card_errors("", at(api, MODEL)),
            lambda: find_upload_modes(mine(api), at(api, MODEL), "main", []),
        ):
            try_hub_again()
            with pytest.raises(Unreachable) as raised:
                call()
            messages.append(raised.value.message)
    assert [seconds for _, seconds in waits] == [*timeouts, 3, 30, 3, 3]
    assert messages == [f"the Hub did not answer within {seconds:g} seconds" for _, seconds in waits]
    api.is_answering.set()
    for thread, _ in waits:
        thread.join(60)
        assert not thread.is_alive()


NO_ANSWERS: dict[str, tuple[Reply, str, str]] = {
    "no answer": (Reply(raw=b""), "unreachable", "cannot reach the Hub (the connection was closed)"),
    "another protocol": (Reply(raw=b"SSH-2.0-x\r\n"), "unreachable", "cannot reach the Hub (this is not HTTP)"),
    "a page": (
        Reply(200, html="<p>"),
        *("unreachable", "the Hub answered 200 with an HTML page"),
    ),
    "too many": (Reply(429), "rate-limited", "rate limited by the Hub: too many requests"),
    "503": (Reply(503, headers={"X-Error-Message": "Ow."}), "unreachable", "the Hub answered 503 (Ow)"),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_unusable_responses(name: str, api: Api) -> None:
    """Without a usable response the answer is unknown, with the cause, and the next question sends a request again."""
    response, reason, message = NO_ANSWERS[name]
    api.answers = {"auth-check": response}
    for _ in range(2):
        assert described(check_access(mine(api), at(api, MODEL), write=True)) == ("unknown", reason, message, None)
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("17", "17"), (" 17 ", "17"), ("99999", "3600"), ("9" * 30, "3600"), ("0", None), ("soon", None), ("", None)],
)
def test_retry_after(retry_after: str, seconds: str | None, api: Api) -> None:
    """After a 429 that endpoint gets no request with that token for `Retry-After` seconds, an hour at most."""
    limited = Reply(429, headers={"Retry-After": retry_after})
    api.answers = {"auth-check": limited, "whoami-v2": Reply(200, json=WHOAMI)}
    check_access(mine(api), at(api, MODEL), write=True)
    again = check_access(mine(api), at(api, DATASET), write=False)
    stored = read_state("retry-after", cache_directory()).split()
    if seconds is None:
        assert (len(api.requests), [word for word in stored[1:2] if word != "0"]) == (2, [])
        return
    assert (len(api.requests), stored[1]) == (1, seconds)
    assert described(again) == ("unknown", "rate-limited", "rate limited by the Hub: too many requests", None)
    assert whoami(mine(api)).name == "alice"
    check_access(None, at(api, MODEL), write=False)
    check_access(mine(api, "hf_" + "o" * 34), at(api, MODEL), write=False)
    assert len(api.requests) == 4
    file = Path(cache_directory() or "", "retry-after")
    file.write_text(" ".join([str(int(stored[0]) - int(seconds)), *stored[1:]]) + "\n")  # as if that time had passed
    check_access(mine(api), at(api, MODEL), write=True)
    assert len(api.requests) == 5


def test_whoami_is_limited_by_itself(api: Api) -> None:
    """A `Retry-After` of whoami is for whoami alone."""
    api.answers = {"whoami-v2": Reply(429, headers={"Retry-After": "17"}), "auth-check": Reply(200)}
    for _ in range(2):
        with pytest.raises(Unreachable) as raised:
            whoami(mine(api))
        assert raised.value.code == "rate-limited"
    assert check_access(mine(api), at(api, MODEL), write=False).answer == "yes"
    assert len(api.requests) == 2


def test_a_token_is_for_its_hub_alone(api: Api) -> None:
    """A token is not sent to another Hub than its own, whoever asks for it."""
    elsewhere = Repository("models", "acme/model", "https://hub.example")
    answer = check_access(mine(api), elsewhere, write=False)
    assert (answer.answer, answer.reason) == ("unknown", "unreachable")
    assert answer.message == f"the token {SHOWN} is not for https://hub.example"
    assert api.requests == []
