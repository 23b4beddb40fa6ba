"""Answers of whoami-v2: what is made of them is yes, no or unknown, and "no" only where the answer says so."""

from __future__ import annotations

import copy
import json
import random
import re
import socket
import socketserver
import threading
from typing import Any

from git_credential_hf.api.access import check_access
from git_credential_hf.hooks.judge import check_push
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token

REPOSITORIES = [
    *(("models", name) for name in ("alice/model", "acme/model", "gpt2")),
    *(("datasets", name) for name in ("acme/data", "bob/data")),
    *(("spaces", "alice/app"), ("kernels", "acme/k")),
]
SAID = "You have read access but not the required permissions for this operation"


class Server(socketserver.ThreadingTCPServer):
    """The Hub's API for one token: what is asked of whoami-v2 is `answer`, all else gets `status`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.answer, self.status, self.said = b"", 403, SAID
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Connection(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while line := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            is_whoami = b"/whoami-v2" in line
            body = self.server.answer if is_whoami else b"{}"
            said = "" if is_whoami or not self.server.said else f"X-Error-Message: {self.server.said}\r\n"
            head = f"HTTP/1.1 {200 if is_whoami else self.server.status} -\r\nContent-Type: application/json\r\n{said}"
            self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def judge(number: int, server: Server) -> str:
    """What the token may do is decided without a fault; a "no" is one that this very answer justifies."""
    chance = random.Random(number)
    repository = Repository(*chance.choice(REPOSITORIES), server.url)
    write = chance.random() < 0.8
    server.answer = generated(chance)
    server.status, server.said = chance.choice(((403, SAID), (403, SAID), (403, SAID), (403, ""), (404, ""), (500, "")))
    token = Token("hf_" + "w" * 34, "env", "HF_TOKEN", hub=server.url)
    answer = check_access(token, repository, write=write)
    where = (repository, write, server.status, server.said, server.answer[:3000], answer.as_json())
    assert answer.answer in ("no", "unknown"), where
    allowed = justified(server, repository, write)
    assert answer.answer == "unknown" or answer.reason in allowed, (where, allowed)
    if is_late(answer.message):
        return "late"  # this machine is busy
    if "an answer without end" in answer.message:
        assert len(server.answer) > 1 << 20, where
        return "unreachable"
    # Not so much caution that nothing is ever refused: what is well-formed, and says so, is a no.
    assert answer.answer == "no" or not allowed, (where, allowed)
    if number % 4 == 0 and repository.kind != "kernels":
        _judge_push(server, repository, token, where)
    return answer.reason or "unknown"


def is_late(message: str) -> bool:
    return "did not answer within" in message


def justified(server: Server, repository: Repository, write: bool) -> set[str]:
    """The reasons for a no where the Hub, asked about the repository, has given none."""
    if server.status not in (403, 404) or (repository.kind, server.status) == ("kernels", 404):
        return set()  # whether the API has that route for kernels is not known
    return reasons(server.answer, repository, write, server.said)


def _judge_push(server: Server, repository: Repository, token: Token, where: object) -> None:
    """The hook refuses a push, or lets it go on, by the same answer; the token is the URL's, which git takes first."""
    kind, name = repository.kind, repository.name
    url = f"{server.url.replace('//', f'//alice:{token.value}@')}/{'' if kind == 'models' else kind + '/'}{name}"
    line = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n".encode()
    verdict = check_push("origin", url, line)
    if any(is_late(problem.message) for problem in verdict.warnings):
        return
    assert bool(verdict.refusals) == bool(justified(server, repository, True)), (
        where,
        [problem.message for problem in verdict.refusals],
    )
    assert not any(token.value in problem.message for problem in verdict.refusals + verdict.warnings), where


# --- what an answer says, by docs/facts.md#h2 and the contract's reasons ---

KNOWN = [
    *("repo.content.read", "repo.write", "repo.access.read", "discussion.write", "post.write"),
    *("inference.serverless.write", "inference.endpoints.infer.write", "inference.endpoints.write", "org.read"),
    *("org.write", "org.serviceAccounts.read", "org.serviceAccounts.write", "org.networkSecurity.write"),
    *("collection.read", "collection.write", "resourceGroup.write", "job.write", "user.webhooks.read"),
    *("user.webhooks.write", "user.billing.read", "user.notifications.read", "user.notifications.write"),
]


def reasons(body: bytes, repository: Repository, write: bool, said: str) -> set[str]:
    """The reasons for a no that this answer gives, each from fields that are all there and of their type."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    match answer:
        case {"name": str(me)} if re.fullmatch(r"\w[\w.-]*", me, re.ASCII):
            pass
        case _:
            return set()
    name, namespace = repository.name, repository.namespace
    roles: dict[str, object] | None
    match answer:
        case {"orgs": list(orgs)} if all(
            isinstance(org, dict) and isinstance(org.get("name"), str) and org["name"] for org in orgs
        ):
            roles = {org["name"]: org.get("roleInOrg") for org in orgs}
        case {"orgs": list(orgs)}:  # some are none: of the others it is still known what they are
            roles = {
                o["name"]: o.get("roleInOrg")
                for o in orgs
                if isinstance(o, dict) and isinstance(o.get("name"), str) and o["name"]
            }
            roles = {name: role for name, role in roles.items() if name == namespace} or None
        case _:
            roles = None
    match answer:
        case {"auth": {"accessToken": {"role": str(role)}}}:
            pass
        case _:
            role = ""
    if role == "read" and write:
        return {"read-only-token"}
    if role == "fineGrained":
        match answer:
            case {"auth": {"accessToken": {"fineGrained": {"scoped": list(scoped)}}}}:
                verdicts = {
                    grants(entry, "repo.write" if write else "repo.content.read", repository, answer)
                    for entry in scoped
                }
            case _:
                verdicts = {None}
        if True not in verdicts:
            return set() if None in verdicts else {"token-not-scoped"}
    is_own = namespace == me
    if not write or not said:
        return set()
    if not role and is_oauth(answer) and (is_own or (roles or {}).get(namespace) in ("admin", "write")):
        return {"token-not-scoped"}
    if is_own or "/" not in name or roles is None:
        return set()
    if namespace not in roles:
        return set() if role == "fineGrained" else {"role-too-low"}  # it may be a service account's
    return {"role-too-low"} if roles[namespace] in ("read", "contributor", "no_access") else set()


def is_oauth(answer: Any) -> bool:
    match answer:
        case {"auth": {"type": "oauth"}}:
            return True
    return False


def grants(entry: Any, permission: str, repository: Repository, answer: Any) -> bool | None:
    """Whether an entry of the scopes has this permission here; `None` where it does not say."""
    match entry:
        case {"entity": {"type": "collection" | "bucket" | "oauth-app"}}:
            return False
        case {"entity": {"type": "model" | "dataset" | "space" | "kernel" as what, **entity}}:
            if what + "s" != repository.kind:
                return False
            here = repository.name
        case {"entity": {"type": "user" | "org", **entity}}:
            here = repository.namespace
        case _:
            return None
    whose = entity.get("name")
    if not isinstance(whose, str) or not whose:
        orgs = answer.get("orgs") if isinstance(answer.get("orgs"), list) else []
        known = {
            one["id"]: one.get("name")
            for one in [answer, *orgs]
            if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]
        }
        identity = entity.get("_id")
        whose = known.get(identity) if isinstance(identity, str) else None
        if not isinstance(whose, str) or not whose:
            return None
    if whose != here:
        return False
    permissions = entry.get("permissions")
    if isinstance(permissions, list) and permission in permissions:
        return True
    return (
        False
        if isinstance(permissions, list)
        and all(p in KNOWN for p in permissions if isinstance(p, str))
        and all(isinstance(p, str) for p in permissions)
        else None
    )


# What was once taken for a "no", or was a fault, for a push to acme/model.
def once_wrong() -> dict[str, Any]:
    own = {"type": "user", "id": identity(1), "name": "alice", "orgs": [], "auth": {}}
    acme = {"type": "org", "id": identity(2), "name": "acme"}
    entity = {"_id": identity(2), "type": "org", "name": "acme"}

    def scoped(*entries: Any, **more: Any) -> dict[str, Any]:
        token = {"role": "fineGrained", "fineGrained": {"scoped": [*entries]}}
        return {**own, "orgs": [{**acme, "roleInOrg": "write"}], "auth": {"accessToken": token}, **more}

    granted = {"entity": entity, "permissions": ["repo.write"]}
    return {
        "a type that is a list": scoped({**granted, "entity": {**entity, "type": ["org"]}}),
        "a type that is an object": scoped({**granted, "entity": {**entity, "type": {}}}),
        "no scopes": {**scoped(), "auth": {"accessToken": {"role": "fineGrained"}}},
        "scopes that are null": {
            **scoped(),
            "auth": {"accessToken": {"role": "fineGrained", "fineGrained": {"scoped": None}}},
        },
        "a scope that is null": scoped(None),
        "no permissions": scoped({"entity": entity}),
        "permissions that are a text": scoped({"entity": entity, "permissions": "repo.write"}),
        "a name by an id that nobody has": scoped(
            {**granted, "entity": {"type": "org"}}, orgs=[{"name": "other", "roleInOrg": "read"}]
        ),
        "no organisations": {key: value for key, value in own.items() if key != "orgs"},
        "organisations that are null": {**own, "orgs": None},
        "an organisation that is null": {**own, "orgs": [None]},
        "an organisation without a name": {**own, "orgs": [{"roleInOrg": "write"}]},
        "an organisation without a role": {**own, "orgs": [acme]},
        "a role that is null": {**own, "orgs": [{**acme, "roleInOrg": None}]},
        "a role of tomorrow": {**own, "orgs": [{**acme, "roleInOrg": "captain"}]},
        "a role that should do": {**own, "orgs": [{**acme, "roleInOrg": "admin"}]},
        "a blank name": {**own, "name": ""},
    }


# --- answers (the shapes are docs/facts.md#h2) ---


def identity(number: int) -> str:
    return f"{number:024x}"


def whole(chance: random.Random) -> dict[str, Any]:
    """An answer of the Hub as it is."""
    entities = [
        ("user", "alice", 1),
        ("org", "acme", 2),
        ("model", "alice/model", 3),
        ("dataset", "acme/data", 4),
        ("model", "acme/model", 5),
    ]
    entities += [
        ("space", "alice/app", 6),
        ("collection", "alice/c", 7),
        ("bucket", "acme/b", 8),
        ("resource-group", "", 9),
        ("org", "other", 10),
    ]
    entities += [("kernel", "acme/k", 11), ("oauth-app", "", 12), ("galaxy", "far away", 13)]
    orgs = []
    for name, number in (("acme", 2), ("other", 10)):
        if chance.random() < 0.5:
            org: dict[str, object] = {
                "type": "org",
                "id": identity(number),
                "name": name,
                "fullname": name.title(),
                "avatarUrl": "/a.svg",
            }
            if chance.random() < 0.95:
                org["roleInOrg"] = chance.choice(("admin", "write", "contributor", "read", "no_access", "captain"))
            if chance.random() < 0.2:
                org |= {
                    "securityRestrictions": ["sso"],
                    "resourceGroups": [{"id": identity(9), "name": "g", "role": "read"}],
                }
            orgs.append(org)
    auth: dict[str, Any]
    role = chance.choice(("read", "write", "god", "fineGrained", "fineGrained", "fineGrained", "oauth", "app"))
    if role == "oauth":
        auth = {"type": "oauth", "expiresAt": "2026-10-22T06:04:28.000Z"}
    elif role == "app":
        auth = {"type": "app_token"}
    else:
        auth = {
            "type": "access_token",
            "accessToken": {"displayName": "ci", "role": role, "createdAt": "2026-07-23T10:27:03.276Z"},
        }
    if role == "fineGrained":
        scoped = []
        for what, name, number in chance.sample(
            entities[:8] if chance.random() < 0.7 else entities, chance.randrange(4)
        ):
            entity = {
                "_id": identity(number),
                "type": what,
                **({"name": name} if name and chance.random() < 0.9 else {}),
            }
            permissions = chance.sample([*KNOWN[:5], "repo.content.read", "repo.write"], chance.randrange(4))
            scoped.append({"entity": entity, "permissions": permissions + ["repo.new"] * (chance.random() < 0.05)})
        auth["accessToken"]["fineGrained"] = {
            "canReadGatedRepos": True,
            "global": ["discussion.write"],
            "scoped": scoped,
        }
    return {
        "type": "user",
        "id": identity(1),
        "name": "alice",
        "fullname": "Alice",
        "isPro": False,
        "orgs": orgs,
        "auth": auth,
    }


ODD: list[object] = [
    *(None, True, False, 0, -1, 1.5, 10**30, "", "alice", "acme", "read", "write", "None", "null", "fineGrained", []),
    *({}, [None], [[]], {"": ""}, {"name": "alice"}, ["repo.write"], "repo.write", "\ud800", "\u0000\x1b[31m"),
    *("x" * 70_000, [{}] * 500, {"name": None}, "Alice", " alice", [{"name": "acme"}], {"role": "read"}),
    *({"scoped": []}, {"scoped": None}, {"type": "oauth"}, identity(1), identity(2)),
]


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        found += paths(value[key], (*path, key))
    return found


def generated(chance: random.Random) -> bytes:
    """An answer, as it is, or with some of its fields gone or turned into something else; now and then no JSON."""
    answer: Any = whole(chance)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 1, 1, 2, 3))):
        path = chance.choice(paths(answer) or [()])
        if not path:
            break
        inner = answer
        for key in path[:-1]:
            inner = inner[key]
        match chance.randrange(5):
            case 0:
                del inner[path[-1]]
            case 1 | 2:
                inner[path[-1]] = copy.deepcopy(chance.choice(ODD))
            case 3:
                inner[path[-1]] = chance.choice(([inner[path[-1]]], {"name": inner[path[-1]]}, str(inner[path[-1]])))
            case 4 if isinstance(inner, list):
                inner.append(copy.deepcopy(chance.choice(ODD)))
    if chance.random() < 0.01:
        answer = chance.choice(ODD)
    text = json.dumps(answer)
    match chance.randrange(150):
        case 0:
            text = text[: chance.randrange(len(text) + 1)]
        case 1:
            text = text.replace('"orgs"', '"extra": ' + "[" * 100_000 + "]" * 100_000 + ', "orgs"', 1)
        case 2:
            text = text.replace('"name"', '"name": null, "name"', 1)
        case 3:
            text = text.replace('"name": "alice"', '"name": "alice", "name": "bob"', 1)
        case 4:
            text = text.replace('"isPro"', '"extra": ' + "9" * 10_000 + ', "isPro"', 1)
        case 5:
            text = text.replace('"isPro"', '"extra": NaN, "isPro"', 1)
        case 6:
            return text.encode("utf-16")
        case 7:
            return text.encode().replace(b"Alice", b"\xff\xfe")
        case 8:
            text = text.replace('"isPro"', '"extra": "' + "y" * 3_000_000 + '", "isPro"', 1)
        case 9:
            return chance.randbytes(chance.randrange(200))
    return text.encode("utf-8", "surrogatepass")
