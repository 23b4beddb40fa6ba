"""Whose a token is, and what its scopes permit: an answer of whoami-v2, in which anything may be missing."""

from typing import Any

from git_credential_hf.hub import Repository

# The permissions of fine-grained tokens that are known (docs/facts.md#h3): with another one, no "no" is certain.
KNOWN_PERMISSIONS = frozenset(
    (
        *("repo.content.read", "repo.write", "repo.access.read", "discussion.write", "post.write"),
        *("inference.serverless.write", "inference.endpoints.infer.write", "inference.endpoints.write"),
        *("org.read", "org.write"),
        *("org.serviceAccounts.read", "org.serviceAccounts.write", "org.networkSecurity.write"),
        *("collection.read", "collection.write", "resourceGroup.write", "job.write"),
        *("user.webhooks.read", "user.webhooks.write", "user.billing.read"),
        *("user.notifications.read", "user.notifications.write"),
    )
)

# What the scopes of a token may be about, and this repository is none of.
_ELSEWHERE = ("model", "dataset", "space", "kernel", "collection", "bucket", "oauth-app")


class Account:
    """Whose token it is; `role` is `read`, `write`, `god` or `fineGrained`, `None` for a token without one.

    `is_oauth`: one of a login in the browser. `orgs` maps an organisation to this account's role in it, `None` where
    that is not said; `knows_orgs`: whether it has no others. `scoped` is as whoami-v2 has it (docs/facts.md#h2), `ids`
    names the entities that it may refer to by their `_id` alone.

    Raises `ValueError` for an answer that names nobody.
    """

    def __init__(self, answer: Any) -> None:
        self.name = str(typed_field(answer, "name", str))
        if not self.name:
            raise ValueError("a blank name in the answer")
        auth = typed_field(answer, "auth", dict, {})
        self.is_oauth = auth.get("type") == "oauth"
        access_token = typed_field(auth, "accessToken", dict, {})
        role = access_token.get("role")
        self.role: str | None = role if isinstance(role, str) else None
        fine_grained = typed_field(access_token, "fineGrained", dict, {})
        self.scoped: list[Any] = typed_field(fine_grained, "scoped", list, [None])  # an entry that says nothing
        orgs = typed_field(answer, "orgs", list, [None])
        names = [typed_field(org, "name", str, "") for org in orgs]
        self.knows_orgs = all(names)
        self.orgs = {
            name: typed_field(org, "roleInOrg", str, "") or None for name, org in zip(names, orgs, strict=True)
        }
        self.ids = {
            typed_field(entity, "id", str, ""): typed_field(entity, "name", str, "") for entity in [answer, *orgs]
        }

    def permits(self, permission: str, repository: Repository) -> bool | None:
        """Whether the scopes of a fine-grained token contain this permission here; `None` where that is not certain."""
        is_certain = True
        for entry in self.scoped:
            entity = typed_field(entry, "entity", dict, {})
            what = typed_field(entity, "type", str, "")
            whose = (
                typed_field(entity, "name", str, "") or self.ids.get(typed_field(entity, "_id", str, "") or "-") or None
            )
            names = {repository.type: repository.name, "user": repository.namespace, "org": repository.namespace}
            if (what in _ELSEWHERE and what not in names) or (what in names and whose not in (None, names[what])):
                continue
            permissions = set(map(str, typed_field(entry, "permissions", list, [None])))  # one that nobody knows
            is_known = what in names and whose is not None  # else a resource group, or an entity without a name
            if is_known and permission in permissions:
                return True
            is_certain = is_certain and is_known and permissions <= KNOWN_PERMISSIONS
        return False if is_certain else None


def typed_field(answer: Any, name: str, kind: type, otherwise: Any = None) -> Any:
    """A field of an answer, which a server wrote: of the type that it must have, or `otherwise`."""
    value = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(value, kind):
        return value
    if otherwise is None:
        raise ValueError(f"no {name} in the answer")
    return otherwise
