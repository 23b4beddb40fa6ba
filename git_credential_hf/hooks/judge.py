"""Check whether the Hub would refuse a push or a commit, before anything is uploaded.

The scripts in `hooks/` run this. `scan_push` and `scan_index` find the added files, `rules` checks them, and
`write_access` checks the credential. git's configuration sets the severity of each check (`verdict`).
"""

import os
import sys
from collections.abc import Sequence
from typing import BinaryIO

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.helper_chain import configured_hubs
from git_credential_hf.git.lfs_endpoint import upload_endpoint
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.contents import check_contents, check_lfs_files
from git_credential_hf.hooks.history import check_history
from git_credential_hf.hooks.known_tokens import ask_about, stored_secrets
from git_credential_hf.hooks.push import Push
from git_credential_hf.hooks.rules import find_problems
from git_credential_hf.hooks.scan_index import scan_index
from git_credential_hf.hooks.updates import parse_updates
from git_credential_hf.hooks.verdict import Verdict, needs_contents, read_severities
from git_credential_hf.hooks.write_access import check_pull_requests, check_write_access
from git_credential_hf.hub import PUBLIC_HUB, environment_hub
from git_credential_hf.problem import Problem
from git_credential_hf.report import report_problem, report_unexpected_error
from git_credential_hf.repository import parse_remote


def run_hook(name: str, arguments: Sequence[str]) -> int:
    """Run a hook with git's arguments and input, and report the problems; return 1 to refuse.

    If a check cannot be made, nothing is refused.
    """
    try:
        if name == "pre-commit":
            verdict = check_commit()
        else:
            remote, url, given = parse_push(arguments, sys.stdin.buffer)
            verdict = check_push(remote, url, given)
    except Problem as unchecked:
        report_problem(unchecked, "warning")
        return 0
    except Exception:
        report_unexpected_error()
        return 0
    for problem in verdict.warnings:
        report_problem(problem, "warning")
    refused = "push refused before any upload" if name == "pre-push" else "commit refused"
    for problem in verdict.refusals:
        report_problem(Problem(f"{refused}: {problem.message}", problem.fix))
    return 1 if verdict.refusals else 0


def hooks_are_off() -> bool:
    """Whether `GIT_CREDENTIAL_HF_HOOKS` turns the hooks off."""
    return os.environ.get("GIT_CREDENTIAL_HF_HOOKS", "on").lower() in ("off", "0", "false", "no")


def parse_push(arguments: Sequence[str], source: BinaryIO) -> tuple[str, str, bytes]:
    """Return the remote's name, its URL, and the lines of references, as git passes them to a hook (githooks(5)).

    The pre-commit framework passes them in environment variables, for the first reference that adds something. Raises
    `Problem` if both are missing.
    """
    if len(arguments) == 2:
        return arguments[0], arguments[1], source.read()
    given = {name: os.environ.get(f"PRE_COMMIT_{name}", "") for name in _PRE_COMMIT_VARIABLES}
    if arguments or not given["REMOTE_URL"]:
        raise Problem("a pre-push hook takes the name and the URL of the remote", "run `git help githooks`")
    # TO_REF is not set if a root commit is pushed, and FROM_REF may be a commit that the remote does not have.
    tip = (
        given["TO_REF"] or run_git("rev-parse", "--verify", "--end-of-options", given["LOCAL_BRANCH"]).decode().strip()
    )
    line = f"{given['LOCAL_BRANCH']} {tip} {given['REMOTE_BRANCH']} {'0' * len(tip)}\n"
    return given["REMOTE_NAME"], given["REMOTE_URL"], line.encode("utf-8", "surrogateescape")


_PRE_COMMIT_VARIABLES = ("REMOTE_NAME", "REMOTE_URL", "LOCAL_BRANCH", "REMOTE_BRANCH", "TO_REF")


def check_push(remote: str, url: str, lines: bytes) -> Verdict:
    """Check a push to `url` of the references in `lines`; `remote` is its name, or the URL again (githooks(5))."""
    verdict = Verdict()
    if hooks_are_off():
        return verdict
    entries = read_config()
    hubs = configured_hubs(entries)
    parsed = parse_remote(url, hubs)
    endpoint = None if parsed else upload_endpoint(remote, url, entries)  # git-lfs may upload to the Hub nevertheless
    place = parsed or (endpoint.on_hub(hubs) if endpoint else None)
    updates = parse_updates(lines) if place else []
    if place is None or not updates:
        return verdict
    push = Push(remote, url, place, updates, verdict, entries)
    if endpoint:
        push.credential_url = endpoint.url
        check_lfs_files(push)
        return verdict
    for check in (check_pull_requests, check_write_access, check_history, check_contents):  # the contents take longest
        if not verdict.refusals:
            check(push)
    return verdict


def check_commit() -> Verdict:
    """Check the staged files for tokens and, if a remote is on the Hub, for anything that the Hub would refuse."""
    verdict = Verdict()
    if hooks_are_off():
        return verdict
    entries = read_config()
    severity = read_severities(entries, verdict)
    remotes = [entry for entry in entries if entry.section == "remote" and entry.name in ("url", "pushurl")]
    hubs = configured_hubs(entries)
    if not any(parse_remote(entry.value or "", hubs) for entry in remotes):
        severity = {check: level if check.endswith("Tokens") else "off" for check, level in severity.items()}
    if any(severity[check] != "off" for check in ("largeFiles", "binaryFiles", "leakedTokens", "lfsObjects")):
        added = scan_index(secrets=stored_secrets(), read_contents=needs_contents(severity))
        added.leaks = ask_about(added.leaks, _only_hub(remotes, hubs) if severity["leakedTokens"] != "off" else None)
        verdict.add_all(severity, find_problems(added, entries))
    return verdict


def _only_hub(remotes: list[ConfigEntry], hubs: Sequence[str]) -> str | None:
    """Return the Hub that tokens in this repository may belong to; `None` if there are several."""
    found = {parsed.hub for entry in remotes if (parsed := parse_remote(entry.value or "", hubs))}
    if not found and not hubs and environment_hub() in (None, PUBLIC_HUB):
        return PUBLIC_HUB
    return found.pop() if len(found) == 1 else None
