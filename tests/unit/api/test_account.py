"""The account of a token, and what its scopes permit, whatever whoami-v2 answers."""

from __future__ import annotations

import pytest
from amount import tenth
from hypothesis import given, settings
from hypothesis import strategies as st
from whoami import MODEL, entry, fine_grained

from git_credential_hf.api.account import Account
from git_credential_hf.repository import Repository

PERMITTED: dict[str, tuple[tuple[object, ...], bool | None]] = {
    "nothing": ((), False),
    "this repository": ((entry("model", "acme/model", "repo.write"),), True),
    "its owner": ((entry("org", "acme", "repo.write"),), True),
    "its owner, a user": ((entry("user", "acme", "repo.write"),), True),
    "another after it": ((entry("org", "acme", "repo.write"), entry("galaxy", None, "x")), True),
    "one elsewhere before it": ((entry("dataset", "acme/x", "repo.write"), entry("org", "acme", "repo.write")), True),
    "another before it": ((entry("galaxy", None, "x"), entry("org", "acme", "repo.write")), True),
    "its owner, by id": ((entry("org", None, "repo.write", _id="7"),), True),
    "another owner, by id": ((entry("org", None, "repo.write", _id="8"),), False),
    "an unknown id": ((entry("org", None, "repo.write", _id="9"),), None),
    "to read": ((entry("model", "acme/model", "repo.content.read"),), False),
    "another repository": ((entry("model", "acme/other", "repo.write"),), False),
    "another kind": ((entry("dataset", "acme/model", "repo.write"),), False),
    "another owner": ((entry("org", "bob", "repo.write", "repo.of.tomorrow"),), False),
    "no name": ((entry("org", None, "repo.write"),), None),
    "an unknown permission": ((entry("org", "acme", "repo.of.tomorrow"),), None),
    "an unknown permission, then a known one": (
        (entry("org", "acme", "repo.of.tomorrow"), entry("org", "acme", "org.read")),
        None,
    ),
    "an unknown entity": ((entry("galaxy", "acme/model", "repo.write"),), None),
    "an invalid entry": ((None,), None),
    "no permissions": (({"entity": {"type": "org", "name": "acme"}},), None),
    **{
        f"a {what}": ((entry(what, "acme/model", "repo.write"),), False)
        for what in ("dataset", "space", "kernel", "collection", "bucket", "oauth-app")
    },
    **{
        permission: ((entry("org", "acme", permission),), False)
        for permission in (
            *("repo.content.read", "repo.access.read", "discussion.write", "post.write", "org.read", "org.write"),
            *("inference.serverless.write", "inference.endpoints.infer.write", "inference.endpoints.write"),
            *("org.serviceAccounts.read", "org.serviceAccounts.write", "org.networkSecurity.write"),
            *("collection.read", "collection.write", "resourceGroup.write", "job.write"),
            *("user.webhooks.read", "user.webhooks.write", "user.billing.read"),
            *("user.notifications.read", "user.notifications.write"),
        )
    },
}


def test_to_write_is_not_to_read() -> None:
    """The permission to write is not one to read."""
    account = Account(fine_grained(entry("org", "acme", "repo.write")))
    assert account.permits("repo.content.read", MODEL) is False


@pytest.mark.parametrize("name", PERMITTED)
def test_what_scopes_permit(name: str) -> None:
    """Yes if a scope has the permission; no if none has it and all are understood; else unknown."""
    scoped, expected = PERMITTED[name]
    orgs = [{"name": "acme", "id": "7"}, {"name": "bob", "id": "8"}]
    assert Account(fine_grained(*scoped, orgs=orgs)).permits("repo.write", MODEL) is expected


def test_a_model_is_not_a_dataset() -> None:
    """A scope for a model is not one for a data set of the same name."""
    account = Account(fine_grained(entry("model", "acme/model", "repo.write")))
    assert account.permits("repo.write", Repository("datasets", "acme/model")) is False
    account = Account(fine_grained(entry("dataset", "acme/model", "repo.write")))
    assert account.permits("repo.write", Repository("datasets", "acme/model")) is True


def test_account() -> None:
    """The name, the role of the token and those in organisations are read; what is missing is unknown."""
    account = Account(
        {
            "name": "alice",
            "auth": {"type": "oauth", "accessToken": {"role": "write"}},
            "orgs": [{"name": "acme", "roleInOrg": "admin"}, {"name": "bob", "roleInOrg": 7}],
        }
    )
    assert (account.name, account.role, account.is_oauth, account.knows_orgs) == ("alice", "write", True, True)
    assert account.orgs == {"acme": "admin", "bob": None}
    account = Account({"name": "alice", "auth": {"type": "access_token", "accessToken": {"role": 7}}})
    assert (account.role, account.is_oauth, account.knows_orgs, account.orgs) == (None, False, False, {"": None})
    assert account.permits("repo.write", MODEL) is None
    assert Account({"name": "alice", "auth": {}}).role is Account({"name": "alice"}).role is None
    numbered = fine_grained(entry("org", None, "repo.write", _id="7"), orgs=[{"id": "7"}])
    assert Account(numbered).permits("repo.write", MODEL) is None
    for answer, words in (
        (None, "no name"),
        ({}, "no name"),
        ({"name": 7}, "no name"),
        ({"name": "\nhost=x"}, "the name"),
    ):
        with pytest.raises(ValueError, match=f"^{words} in the response( is not valid)?$"):
            Account(answer)


FIELDS = [
    *("name", "auth", "accessToken", "role", "fineGrained", "scoped"),
    *("entity", "permissions", "type", "orgs", "_id", "id"),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["repo.write", "alice/model", "alice"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=tenth(2000))
def test_any_whoami(answer: object) -> None:
    """Whatever whoami-v2 answers: an account or a `ValueError`, and scopes that are yes, no or not certain."""
    try:
        account = Account(answer)
    except ValueError:
        return
    assert account.permits("repo.write", Repository("models", "alice/model")) in (True, False, None)
