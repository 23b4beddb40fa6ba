"""Read a token's account and scopes from a response of whoami-v2, in which any field may be missing."""

from typing import Any

from git_credential_hf.repository import Repository, is_valid_name

# The known permissions of fine-grained tokens (docs/facts.md#h3); if there is another one, a "no" is not certain.
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

# The known types of entities in a token's scopes. Those without a counterpart in a repository do not matter here.
_KNOWN_ENTITIES = ("model", "dataset", "space", "kernel", "collection", "bucket", "oauth-app")


class Account:
    """The account that a token belongs to.

    `role` is the token's: `read`, `write`, `god`, `fineGrained`, or `None`. `is_oauth`: the token is from a login in
    the browser. `orgs` maps each organization to the account's role in it, `None` if unknown; `knows_orgs`: the list
    is complete. `scoped` is as in whoami-v2 (docs/facts.md#h2), where `ids` maps an `_id` to the entity's name.

    Raises `ValueError` if the response has no valid account name.
    """

    def __init__(self, answer: Any) -> None:
        self.name = str(typed_field(answer, "name", str))
        if not is_valid_name(self.name):
            raise ValueError("the name in the response is not valid")  # it is sent to git's other helpers
        auth = typed_field(answer, "auth", dict, {})
        self.is_oauth = auth.get("type") == "oauth"
        access_token = typed_field(auth, "accessToken", dict, {})
        role = access_token.get("role")
        self.role: str | None = role if isinstance(role, str) else None
        fine_grained = typed_field(access_token, "fineGrained", dict, {})
        self.scoped: list[Any] = typed_field(fine_grained, "scoped", list, [None])  # unknown
        orgs = typed_field(answer, "orgs", list, [None])
        names = [typed_field(org, "name", str, "") for org in orgs]
        self.knows_orgs = all(names)
        self.orgs = {
            name: typed_field(org, "roleInOrg", str, "") or None for name, org in zip(names, orgs, strict=True)
        }
        self.ids = {
            typed_field(entity, "id", str, ""): typed_field(entity, "name", str, "") for entity in [answer, *orgs]
        }

    @property
    def shown_role(self) -> str | None:
        """The role of the token in words."""
        return "fine-grained" if self.role == "fineGrained" else self.role

    def permits(self, permission: str, repository: Repository) -> bool | None:
        """Whether the scopes of a fine-grained token include this permission; `None` if that is uncertain."""
        is_certain = True
        for entry in self.scoped:
            entity = typed_field(entry, "entity", dict, {})
            what = typed_field(entity, "type", str, "")
            whose = (
                typed_field(entity, "name", str, "") or self.ids.get(typed_field(entity, "_id", str, "") or "-") or None
            )
            names = {repository.type: repository.name, "user": repository.namespace, "org": repository.namespace}
            if (what in _KNOWN_ENTITIES and what not in names) or (what in names and whose not in (None, names[what])):
                continue
            permissions = set(map(str, typed_field(entry, "permissions", list, [None])))  # unknown
            is_known = what in names and whose is not None  # not a resource group, nor an entity without a name
            if is_known and permission in permissions:
                return True
            is_certain = is_certain and is_known and permissions <= KNOWN_PERMISSIONS
        return False if is_certain else None


def typed_field(answer: Any, name: str, kind: type, otherwise: Any = None) -> Any:
    """Return a field of a JSON response if it has this type, else `otherwise`; raises `ValueError` without that."""
    value = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(value, kind):
        return value
    if otherwise is None:
        raise ValueError(f"no {name} in the response")
    return otherwise
