"""Check the files that a push adds to what the Hub has, as the Hub itself says."""

from contextlib import suppress

from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.contents import find_commit
from git_credential_hf.git.helper_chain import configured_hubs
from git_credential_hf.git.lfs_endpoint import upload_endpoint
from git_credential_hf.git.run import git_line
from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.cards import changed_cards
from git_credential_hf.hooks.known_tokens import ask_about, stored_secrets
from git_credential_hf.hooks.push import Push
from git_credential_hf.hooks.rules import card_problems, find_problems
from git_credential_hf.hooks.scan_push import are_present, scan_push, without_known
from git_credential_hf.hooks.updates import announced_ids
from git_credential_hf.hooks.uploads import Uploads
from git_credential_hf.hooks.verdict import CHECKS, Verdict, needs_contents
from git_credential_hf.hooks.write_access import check_write_access
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.progress import Progress
from git_credential_hf.repository import without_credentials
from git_credential_hf.shell import shell_word


def check_contents(push: Push) -> None:
    """Check the files that the push adds to what the Hub has, as the Hub itself says."""
    if all(push.severity[check] == "off" for check in CHECKS if check != "writeCheck"):
        return
    uploads = Uploads(push.repository, push.updates, push.find_token) if push.repository else None
    added = _scan(push)
    _resolve(push, added, uploads)
    found = Verdict()
    found.add_all(push.severity, find_problems(added, push.entries))
    branch = _other_branch(push) if found.refusals or found.warnings else ""
    if found.refusals or added.leaks:
        if has := _has_beside(push, added, uploads):
            added = without_known(added, push.updates, has)
        if not push.knows_remote:
            _do_not_refuse(push)
        if push.severity["leakedTokens"] != "off":
            added.leaks = ask_about(added.leaks, push.hub)
    push.fixes.set_refused(added)
    push.verdict.add_all(push.severity, find_problems(added, push.entries, branch, push.fixes))
    if uploads and added.pointers:
        _check_lfs_endpoint(push, added, uploads)
    if push.repository and push.severity["metadata"] != "off":
        cards = changed_cards(push.updates)
        push.verdict.add(push.severity["metadata"], card_problems(cards, push.repository, push.fixes))
    if push.verdict.refusals:
        _name_other_references(push)


def _scan(push: Push) -> Additions:
    """Scan what the push adds to the remote's commits, which git has passed to the hook, or lists now."""
    has = (push.listed or ()) if push.has_new else ()
    with Progress("scanning this push") as progress:
        return scan_push(
            push.updates,
            has=has,
            secrets=stored_secrets(),
            progress=progress.show,
            read_contents=needs_contents(push.severity),
            entries=push.entries,
        )


def _has_beside(push: Push, added: Additions, uploads: Uploads | None) -> list[str]:
    """Return further commits that the remote has, because the files that were found may be on the remote already.

    These are on other branches, or below a commit that is not in this repository.
    """
    has = [] if push.has_new else [*(push.listed or ())]
    if uploads and not are_present(announced_ids(push.updates).union(push.listed or ())):
        has += uploads.find_commits(added)
    return has


def _resolve(push: Push, added: Additions, uploads: Uploads | None) -> None:
    """Ask the Hub about uncertain files, except for checks that are turned off."""
    for check, name in (("largeFiles", "large"), ("binaryFiles", "binary"), ("lfsObjects", "pointers")):
        if push.severity[check] == "off":
            setattr(added, name, [])
    if uploads:
        uploads.resolve(added)


def check_lfs_files(push: Push) -> None:
    """Check the LFS files of a push to another host; git-lfs uploads only these to the Hub."""
    if push.repository is None or all(push.severity[check] == "off" for check in ("writeCheck", "lfsObjects")):
        return
    added = Additions()
    added.pointers = _scan(push).pointers
    if not added.pointers:
        return
    check_write_access(push)
    if not push.verdict.refusals:
        if not push.knows_remote:
            _do_not_refuse(push)
        Uploads(push.repository, push.updates, push.find_token).resolve(added)
        push.verdict.add_all(push.severity, find_problems(added, push.entries, fixes=push.fixes))


def _check_lfs_endpoint(push: Push, added: Additions, uploads: Uploads) -> None:
    """Check that git-lfs uploads to the repository that git pushes to, which refuses pointers to missing objects.

    Refuse the push only if a file of the repository sets the endpoint, not the user, and the Hub says that the endpoint
    is another repository and that the objects are missing. Another host may be a proxy for the Hub.
    """
    endpoint = upload_endpoint(push.remote, push.url, push.entries)
    place = endpoint.on_hub(configured_hubs(push.entries))
    elsewhere = place.repository if place else None
    if push.repository is None or elsewhere == push.repository:
        return
    severity = "off" if push.severity["lfsObjects"] == "off" else "warn"
    if elsewhere is not None and elsewhere.hub == push.hub:
        with suppress(Unreachable):
            found = find_commit(push.find_token(), elsewhere, "main")
            if found and found[0] == push.repository.name:
                return  # its old name
            is_lacking = found and False in [uploads.stored(added.pointers).get(p.oid) for p in added.pointers]
            if is_lacking and endpoint.is_of_files:
                severity = push.severity["lfsObjects"]
    shown = mask_line(without_credentials(endpoint.url).partition("?")[0])
    message = f"git-lfs uploads the LFS files of this push to {shown}, and not to {push.repository.page}"
    refs = " ".join(shell_word(f"{update.local_ref}:{update.remote_ref}") for update in push.updates)
    push.verdict.add(
        severity,
        [Problem(message, endpoint.fix or f"run `git push {shell_word(without_credentials(push.url))} {refs}`")],
    )


def _name_other_references(push: Push) -> None:
    """Warn about references other than branches and tags, as in a mirror: only those may contain the problem."""
    names = [update.remote_ref for update in push.updates if not update.is_deletion]
    others = [name for name in names if not name.startswith(("refs/heads/", "refs/tags/", "refs/pr/"))]
    if others:
        more = f" and {len(others) - 1:,} more references" if len(others) > 1 else ""
        url = shell_word(without_credentials(push.url))  # its name may have `mirror` configured
        push.verdict.warn(
            f"besides branches and tags, this push has {others[0]}{more}, and only those may contain the problem",
            f"run `git push {url} 'refs/heads/*:refs/heads/*' 'refs/tags/*:refs/tags/*'`",
        )


def _do_not_refuse(push: Push) -> None:
    """Turn refusals into warnings: the whole history was scanned, and the Hub may already have it."""
    if push.is_https and without_credentials(push.url) != push.url:
        reason, fix = "git has no credential but the one in the URL", "git-credential-hf doctor --fix"
    else:
        reason, fix = "git cannot list its references without prompting", None
    push.verdict.warn(f"cannot find out what the Hub already has: {reason}", fix)
    push.severity = {check: "warn" if level == "block" else level for check, level in push.severity.items()}


def _other_branch(push: Push) -> str:
    """Return the pushed branch, quoted for a shell, if it is not checked out: a fix then has to name it."""
    refs = {update.local_ref for update in push.updates if not update.is_deletion}
    (ref,) = refs if len(refs) == 1 else ("",)
    try:
        is_checked_out = git_line("symbolic-ref", "--quiet", "HEAD") == ref
    except Problem:
        is_checked_out = False  # HEAD is detached
    if is_checked_out or not ref.startswith("refs/heads/"):
        return ""
    return " " + shell_word(ref.removeprefix("refs/heads/"))
