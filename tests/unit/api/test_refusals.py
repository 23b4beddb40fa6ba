"""A refusal has a reason, and a hint that says where another token goes."""

from __future__ import annotations

from pathlib import Path

from hub_api import DATASET, TOKEN
from reasons import SETTINGS
from whoami import MODEL

from git_credential_hf.api.refusals import Answer, token_refusal, write_token_hint
from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.tokens import Token


def test_answer_as_json() -> None:
    """An answer has the fields of the contract, and the type of a repository is singular."""
    answer = Answer(DATASET, True, "no", "no-token", "because", "do")
    assert answer.as_json() == {
        "repo": "acme/data",
        "type": "dataset",
        "access": "write",
        "answer": "no",
        "reason": "no-token",
        "message": "because",
        "fix": "do",
    }
    answer = Answer(MODEL, False, "yes", None, "so it is")
    assert (answer.as_json()["access"], answer.as_json()["type"], answer.as_json()["fix"]) == ("read", "model", None)


FROM_FORM = f"with the role 'write' from {SETTINGS}/new?tokenType=write"
AT_FORM = FROM_FORM.replace(" from ", " at ")


def test_another_token() -> None:
    """The hint says where to put another token: where this one came from."""
    create = f"create one {AT_FORM}"
    for kind, place, remedy in (
        ("env", "HF_TOKEN", f"{create}, and set HF_TOKEN to it"),
        ("file", "/t:u", f"{create}, and run `git-credential-hf login`"),
        ("oidc", "", create),
    ):
        assert write_token_hint(Token(TOKEN, kind, place)) == remedy


def test_another_token_is_the_login(home: Path) -> None:
    """If a variable overrides the login, the hint is to use that; if both are the same token, it is not."""
    file = home / ".cache/huggingface/token"
    file.parent.mkdir(parents=True)
    for login, remedy in (
        (TOKEN, f"create one {AT_FORM}, and set HF_TOKEN to it"),
        (
            "hf_" + "l" * 34,
            f"run `unset HF_TOKEN` to use your login, or set it to a token {FROM_FORM}",
        ),
    ):
        file.write_text(login)
        assert write_token_hint(Token(TOKEN, "env", "HF_TOKEN")) == remedy


def test_a_refusal_names_another_hub() -> None:
    """What a Hub beside huggingface.co says of a token is not said of the Hub."""
    for hub, name in ((PUBLIC_HUB, "the Hub"), ("https://hub.corp.example:8443", "hub.corp.example:8443")):
        refused = token_refusal(Token("hf_x", "env", "HF_TOKEN", hub=hub), "")
        assert refused.message.startswith(f"{name} rejects the token hf_****")
