"""What the hook of a push asks the remote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from programs import git

from git_credential_hf.hooks.push import _remote_oids

if TYPE_CHECKING:
    from fake_hub import Hub

HUB = "https://huggingface.co"


def test_the_remote_itself_is_asked(home: Path, world: Hub) -> None:
    """What the remote has is asked there, and not at a mirror from which `insteadOf` has git read."""
    world.user("alice")
    for name in ("real", "mirror"):
        world.repository(f"alice/{name}", files={"README.md": name.encode()})
    oids = {name: _remote_oids(f"{HUB}/alice/{name}") for name in ("real", "mirror")}
    assert oids["real"] and oids["real"] != oids["mirror"]
    git("config", "--global", f"url.{HUB}/alice/mirror.insteadOf", f"{HUB}/alice/real")
    listed = git("ls-remote", f"{HUB}/alice/real")
    assert [line.split()[0] for line in listed.splitlines()] == oids["mirror"], "git itself reads there"
    assert _remote_oids(f"{HUB}/alice/real") == oids["real"]
