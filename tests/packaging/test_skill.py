"""The skill for coding agents: in the form that they read, and true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fake_hub import Hub
from installed import CHECKOUT
from programs import run

SKILL = CHECKOUT / "skills/git-credential-hf/SKILL.md"
TEXT = SKILL.read_text()


def test_its_head() -> None:
    """A name, which is that of the folder, and a description that agents choose it by, within their limits."""
    head = re.match(r"---\nname: (.+)\ndescription: (.+)\n---\n\n# ", TEXT)
    assert head
    assert head[1] == SKILL.parent.name
    assert len(head[2]) <= 1024


def test_its_commands_exist() -> None:
    """Each command has the options that are named."""
    used = re.findall(r"git-credential-hf (login|doctor|check)\b([^`|\n]*)", TEXT)
    assert {command for command, _ in used} == {"login", "doctor", "check"}
    for command, rest in used:
        offered = run("git-credential-hf", command, "--help").stdout
        assert [option for option in re.findall(r"--[a-z-]+", rest) if option not in offered] == []


def test_what_an_agent_sees(home: Path, world: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words and the codes that it looks for are those of the program; a fix is one line, to be relayed."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    world.user("alice")
    world.repository("alice/model", private=True)
    run("git-credential-hf", "configure", "--no-purge")
    cloned = run("git", "clone", "https://huggingface.co/alice/model", check=False, cwd=home)
    assert "error: not logged in to Hugging Face\n" in cloned.stderr
    answer = json.loads(run("git-credential-hf", "check", "alice/model", "--json", check=False).stdout)
    assert answer["reason"] == "no-token"
    assert f"`{answer['reason']}`" in TEXT
    assert answer["fix"].count("\n") == 0
    found = json.loads(run("git-credential-hf", "doctor", "--json", check=False).stdout)
    assert not found["healthy"]
    assert {"title", "detail", "fix", "fixable"} <= set(found["findings"][0])
