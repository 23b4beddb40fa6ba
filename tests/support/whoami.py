"""Answers of whoami-v2."""

from __future__ import annotations

from git_credential_hf.repository import Repository

MODEL = Repository("models", "acme/model")


def entry(what: str, name: str | None, *permissions: str, **more: object) -> dict[str, object]:
    named = {} if name is None else {"name": name}
    return {"entity": {"type": what, **named, **more}, "permissions": list(permissions)}


def fine_grained(*scoped: object, **more: object) -> dict[str, object]:
    return {"name": "alice", "auth": {"accessToken": {"fineGrained": {"scoped": list(scoped)}}}, **more}
