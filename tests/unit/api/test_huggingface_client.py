"""The HTTP client of huggingface_hub itself: within limits, and to no other host."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants

from git_credential_hf.api.huggingface_client import guard_client
from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.masking import mask_line

if not hasattr(huggingface_hub, "close_session"):
    pytest.skip("huggingface_hub is older than 1.0", allow_module_level=True)


@pytest.fixture
def session() -> Iterator[Any]:
    """The client, as the next request of huggingface_hub finds it."""
    importlib.reload(constants)
    huggingface_hub.close_session()
    guard_client(PUBLIC_HUB)
    yield huggingface_hub.get_session()
    huggingface_hub.close_session()


def test_no_request_waits_for_ever(session: Any) -> None:
    """Each request has a time limit of ten seconds: git would wait for it."""
    assert set(session.timeout.as_dict().values()) == {10}


@pytest.mark.parametrize(
    ("location", "is_followed"),
    [
        ("/oauth/other", True),
        ("https://huggingface.co/a:b", True),
        ("//huggingface.co/oauth/other", True),
        ("https:evil.example/x", False),
        ("https:/evil.example/x", False),
        ("http:oauth/token", False),
        ("//evil.example/x", False),
        ("http://huggingface.co/x", False),
        ("https://huggingface.co:8443/x", False),
        ("https://huggingface.co@evil.example/x", False),
    ],
)
def test_redirects(location: str, is_followed: bool, session: Any) -> None:
    """One within the Hub is followed; none to another host, nor a `Location` without a host, read in two ways."""
    httpx = sys.modules[type(session).__module__.partition(".")[0]]
    request = httpx.Request("POST", f"{PUBLIC_HUB}/oauth/token", content=b"refresh_token=x")
    response = httpx.Response(307, headers={"location": location}, request=request)

    def receive() -> None:
        for hook in session.event_hooks["response"]:
            hook(response)

    if is_followed:
        receive()
    else:
        with pytest.raises(ValueError, match=r"^redirect to another host$"):
            receive()


@pytest.mark.parametrize("value", ["http://user:secret-Zq8@proxy.example:3128", "user:secret-Zq8@proxy.example:3128"])
def test_the_password_of_a_proxy(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is masked, with and without a scheme before it, in whatever quotes a proxy's URL."""
    monkeypatch.setenv("FTP_PROXY", value)
    guard_client(PUBLIC_HUB)
    assert "secret-Zq8" not in mask_line(f"unknown scheme of 'secret-Zq8@proxy.example' in {value}")
