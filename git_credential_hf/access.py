"""What this token may do to a repository: yes, no or unknown. Decided here for `check`, the hooks and `doctor`.

"No" only where the Hub says so beyond doubt: a push that would have gone through must never be stopped. What it said
is read from status and headers, where huggingface_hub's exceptions lose it (docs/facts.md#h6), and through its client.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from git_credential_hf import client, hub, kept, tokens
from git_credential_hf.account import Account, field
from git_credential_hf.problem import Problem, shown, trace

PATIENCE = 3  # seconds for all that the Hub is asked at once; huggingface_hub's own client would wait for ever
KEPT = 600  # seconds for which a "yes" is believed
MOST_WAITING = 3600  # seconds, of a `Retry-After`


class Unreachable(Problem):
    """The Hub gave no answer, so there is none: neither yes nor no. `code` is a reason of `check --json`."""

    def __init__(self, message: str, code: str = "unreachable") -> None:
        super().__init__(message)
        self.code = code


class Refused(Problem):
    """The Hub refuses the token itself. `code` is a reason of `check --json`."""

    def __init__(self, message: str, fix: str, code: str) -> None:
        super().__init__(message, fix)
        self.code = code


class Answer:
    """`answer` is `yes`, `no` or `unknown`; `reason`, `message` and `fix` as in `check --json` (contract)."""

    def __init__(
        self,
        repository: tuple[str, str],
        write: bool,
        answer: str,
        reason: str | None,
        message: str,
        fix: str | None = None,
    ) -> None:
        self.repository = repository
        self.write = write
        self.answer = answer
        self.reason = reason
        self.message = message
        self.fix = fix

    def as_json(self) -> dict[str, object]:
        """As `check --json` prints it."""
        kind, name = self.repository
        return {
            "repo": name,
            "type": hub.singular(kind),
            "access": "write" if self.write else "read",
            "answer": self.answer,
            "reason": self.reason,
            "message": self.message,
            "fix": self.fix,
        }


# --- the questions ---


def may(token: tokens.Token | None, repository: tuple[str, str], *, write: bool, seconds: float = PATIENCE) -> Answer:
    """Ask whether `token` may read, or write to, a repository (its type and name, as `hub.repository` gives them).

    A "yes" is kept for ten minutes; otherwise the Hub is asked, with one request, or two where it says no.
    """
    if token is not None and _is_kept(token, repository, write):
        return Answer(repository, write, "yes", None, f"{shown(token.value)} {_may(write)} {repository[1]}")
    try:
        answer = _within(seconds, lambda: _asked(token, repository, write))
    except Unreachable as unreachable:
        return Answer(repository, write, "unknown", unreachable.code, unreachable.message)
    except Refused as refused:
        answer = Answer(repository, write, "no", refused.code, refused.message, refused.fix)
    if token is not None and token.value.startswith("hf_jwt_") and answer.answer == "no":
        # `/auth-check/write` has refused a good one (docs/facts.md#u1), and what whoami says of them is not known.
        return Answer(repository, write, "unknown", None, f"a Trusted Publisher's token is not sure: {answer.message}")
    if token is not None and answer.answer == "yes":
        kept.remember("may", _secret(token, repository, write), KEPT, cache_directory())
    return answer


def whoami(token: tokens.Token, *, seconds: float = PATIENCE) -> Account:
    """Ask the Hub whose token this is: one request (docs/facts.md#h2).

    Raises `Refused` where the Hub refuses the token, `Unreachable` where it does not answer.
    """
    try:
        return _within(seconds, lambda: _account(token))
    except Refused as refused:
        if token.value.startswith("hf_jwt_") and refused.code == "token-invalid":
            # Whether whoami knows a Trusted Publisher's at all is not known (docs/facts.md#u1).
            raise Unreachable("the Hub does not say whose the token of a Trusted Publisher is") from None
        raise


def card_errors(content: str, repository: tuple[str, str]) -> list[str]:
    """What the Hub has against the metadata of a model card, in its words: one request (docs/facts.md#h10).

    Raises `Unreachable` where it does not say.
    """
    return _within(PATIENCE, lambda: _card_errors(content, repository))


def lfs_objects(token: tokens.Token, repository: tuple[str, str], asked: list[tuple[str, int]]) -> set[str]:
    """Which of these LFS objects (SHA-256, size in bytes) the Hub has: one request, for the first hundred of them.

    Raises `Unreachable` where it does not say.
    """
    return _within(PATIENCE, lambda: _lfs_objects(token, repository, asked[:100]))


def explain(token: tokens.Token, path: bytes | None) -> Problem | None:
    """Why the Hub refused this token for the repository at `path`, if it can be asked within three seconds."""
    repository = hub.repository(path.decode("utf-8", "replace")) if path else None
    try:
        if repository is None:
            account = whoami(token)
            return Problem(
                f"the token itself is good, it is {account.name}'s; it is the repository that refuses it",
                f"open the page of the repository as {account.name}, and see whether it is there",
            )
    except Unreachable:
        return None
    except Problem as refused:
        return refused
    answer = may(token, repository, write=False)
    if answer.answer == "unknown":
        return None
    if answer.answer == "yes":
        return Problem(f"the token is good, and may read {repository[1]}", "run the command again in half a minute")
    is_bad = (answer.reason or "").startswith("token-") and answer.reason != "token-not-scoped"
    return Problem(answer.message if is_bad else f"the token is good, but {answer.message}", answer.fix)


def cache_directory() -> str | None:
    """Where a "yes" is kept: the user's cache directory, as platformdirs names it.

    `None`, which is the runtime directory, where nobody knows of a home: a container's user, without HOME.
    """
    import platformdirs

    try:
        return platformdirs.user_cache_dir("git-credential-hf", appauthor=False)
    except RuntimeError:
        return None


def _asked(token: tokens.Token | None, repository: tuple[str, str], write: bool) -> Answer:
    kind, name = repository
    if token is None and write:
        return Answer(
            repository, write, "no", "no-token", f"there is no token to write to {name} with", "run `hf auth login`"
        )
    response = _get(f"/api/{kind}/{name}/auth-check{'/write' if write else ''}", token)
    said = _said(response)
    if kind == "kernels" and response.status_code == 404:
        # Whether the API has this route for them is not known (docs/facts.md#u2): a 404 may mean the route.
        raise Unreachable(f"the Hub does not say what a token may do to {name}")
    if response.status_code == 200:
        who = "anybody" if token is None else shown(token.value)
        return Answer(repository, write, "yes", None, f"{who} {_may(write)} {name}")
    if response.status_code == 401:
        if token is None:
            return Answer(
                repository,
                write,
                "no",
                "no-token",
                f"{name} is not there for everybody, and there is no token",
                "run `hf auth login`",
            )
        if not said:
            _account(token)  # a proxy may have said that; this raises where the Hub itself refuses the token
            raise Unreachable(f"the Hub refuses to say what {shown(token.value)} may do")
        raise _refusal(token, said)
    if response.status_code in (403, 404) and token is not None:
        answer = _from_words(token, repository, write, response) or _from_account(token, repository, write, said)
        if answer:
            return answer
    if response.status_code == 404 and response.headers.get("x-error-code") == "RepoNotFound":
        return _missing(repository, write)
    raise Unreachable(f"the Hub answered {response.status_code}{f' ({said})' if said else ''}")


# --- what the Hub's words mean (docs/facts.md#h4) ---


def _refusal(token: tokens.Token, said: str) -> Refused:
    if "is expired" in said:
        return Refused(f"the Hub refuses the token {token.describe()}: {said}", token.remedy(), "token-expired")
    return Refused(
        f"the Hub refuses the token {token.describe()}: it is invalid, or was revoked", token.remedy(), "token-invalid"
    )


def _from_words(token: tokens.Token, repository: tuple[str, str], write: bool, response: Any) -> Answer | None:
    """The refusals that say what they are about."""
    kind, name = repository
    namespace = name.partition("/")[0]
    said, code = _said(response), response.headers.get("x-error-code")
    page = hub.page(kind, name)

    def no(reason: str, message: str, fix: str) -> Answer:
        return Answer(repository, write, "no", reason, message, fix)

    if code == "RepoNotFound" and response.status_code == 404:
        return _missing(repository, write)
    if response.status_code != 403:
        return None
    if "needs to be approved by the organization" in said:
        return no(
            "token-needs-approval",
            f"{namespace} has to approve the token {shown(token.value)} first",
            f"ask an administrator of {namespace}",
        )
    if "has been revoked by the organization" in said:
        return no(
            "token-revoked-by-org",
            f"an administrator of {namespace} has revoked the token {shown(token.value)}",
            f"ask an administrator of {namespace}, or create another token at {hub.settings()}",
        )
    if "Access to this resource is disabled" in said:
        return no("repo-disabled", f"{name} is disabled on the Hub", f"open {page}")
    if "fine-grained token settings" in said:
        return no(
            "gated-not-in-scope",
            f"{name} is gated, and the fine-grained token {shown(token.value)} may not read gated repositories",
            f"tick 'Read access to contents of all public gated repos you can access' at {hub.settings()}",
        )
    if code != "GatedRepo":
        return None
    if "awaiting a review" in said:
        return no("gated-pending", f"{name} is gated, and your request waits for its authors", f"open {page}")
    if "has been rejected" in said:
        return no("gated-rejected", f"{name} is gated, and its authors have rejected your request", f"open {page}")
    return no(
        "gated-not-requested",
        f"{name} is gated, and you have not asked for access{_reset(said)}",
        f"open {page} and accept its conditions; a grant can take some minutes to count",
    )


def _reset(said: str) -> str:
    return " since your request was reset" if "has been reset" in said else ""


def _missing(repository: tuple[str, str], write: bool) -> Answer:
    kind, name = repository
    create = f"hf repos create {name}" + ("" if kind == "models" else f" --type {hub.singular(kind)}")
    if kind == "spaces":
        create += " --sdk gradio"
    return Answer(
        repository,
        write,
        "no",
        "no-such-repo",
        f"there is no {hub.page(kind, name)}, or it is private and not for this token to see",
        f"run `{create}`, or look for the name and the account that you mean",
    )


def _from_account(token: tokens.Token, repository: tuple[str, str], write: bool, said: str) -> Answer | None:
    """The Hub has said no, and not why: what whoami tells of the token and its account explains it, or nothing does."""
    kind, name = repository
    namespace, slash, _ = name.partition("/")
    account = _account(token)
    permission = "repo.write" if write else "repo.content.read"

    def no(reason: str, message: str, fix: str) -> Answer:
        return Answer(repository, write, "no", reason, message, fix)

    if account.role == "read" and write:
        return no(
            "read-only-token", f"the token {token.describe()} can only read", another(token, "of the role 'write'")
        )
    is_permitted = account.permits(permission, repository) if account.role == "fineGrained" else True
    if is_permitted is None:
        return None
    if not is_permitted:
        return no(
            "token-not-scoped",
            f"the fine-grained token {shown(token.value)} has no `{permission}` for {name}",
            f"add '{'Write' if write else 'Read'} access to contents' for {name} or {namespace} at {hub.settings()}",
        )
    role = account.orgs.get(namespace)
    is_own = namespace == account.name
    if account.is_oauth and account.role is None and write and said and (is_own or role in ("admin", "write")):
        return no(
            "token-not-scoped",
            f"the token {shown(token.value)} of your login may not write to {name}",
            another(token, "of the role 'write'"),
        )
    is_low = role in _LOW if namespace in account.orgs else account.knows_orgs
    if not write or not slash or is_own or not said or not is_low:
        return None  # the token and the account should do: the Hub has a reason that we do not know
    pull_request = f"hf discussions create {name} --pull-request --title '…'" + (
        "" if kind == "models" else f" --type {hub.singular(kind)}"
    )
    return no(
        "role-too-low",
        f"{account.name} may not write to {name}: "
        + (f"in {namespace} its role is '{role}'" if role else f"it is not a member of {namespace}"),
        f"open a pull request: `{pull_request}`, then `git push origin HEAD:refs/pr/N`",
    )


_LOW = ("read", "contributor", "no_access")  # of the roles of a member (docs/facts.md#h3); one of tomorrow may do


def another(token: tokens.Token, what: str) -> str:
    """How to use another token in the place of this one."""
    kind, _, where = token.source.partition(":")
    create = f"create one {what} at {hub.settings()}"
    return {"env": f"{create}, and set {where} to it", "file": f"{create}, and run `hf auth login`"}.get(kind, create)


def _may(write: bool) -> str:
    return "may write to" if write else "may read"


# --- what is kept, so that the Hub is not asked ---


def _secret(token: tokens.Token, repository: tuple[str, str], write: bool) -> str:
    return "\n".join((hub.endpoint(), *repository, "write" if write else "read", token.value))


def _is_kept(token: tokens.Token, repository: tuple[str, str], write: bool) -> bool:
    within = cache_directory()
    return any(kept.remembers("may", _secret(token, repository, more), within) for more in {write, True})


# --- the requests ---

Result = TypeVar("Result")


def _within(seconds: float, ask: Callable[[], Result]) -> Result:
    """What `ask` returns or raises; raises `Unreachable` where that takes longer: a server may answer drop by drop."""
    try:
        return client.within(seconds, ask)
    except TimeoutError as error:
        raise Unreachable(str(error)) from None


def _get(path: str, token: tokens.Token | None, json: object = None, media_type: str = "application/json") -> Any:
    """One request, a POST of `json` where there is any; its answer is httpx2's `Response`.

    Raises `Unreachable` where there is none.
    """
    endpoint = hub.endpoint()
    if hub.origin_of(endpoint) is None:
        raise Unreachable(f"the Hub cannot be asked: {endpoint} is no place to send a token to")
    # Not `HfApi`: its headers cost a request of their own (api/agent-harnesses), and its errors the reason.
    limit = f"{endpoint}\n{path if 'whoami' in path else 'api'}\n{token.value if token else ''}"
    if kept.remembers("retry-after", limit, cache_directory()):
        raise Unreachable("the Hub has asked to be left alone for a while: too many requests", "rate-limited")
    headers = {"authorization": f"Bearer {token.value}"} if token else {}
    if json is not None:
        headers |= {"accept": media_type, "content-type": media_type}
    began = time.monotonic()
    try:
        method = "GET" if json is None else "POST"
        response = client.session().request(method, endpoint + path, headers=headers, json=json, timeout=PATIENCE)
    except Exception as error:  # its client raises whatever its layers do: OSError, ValueError, OfflineModeIsEnabled
        raise Unreachable(
            f"the Hub cannot be reached ({' '.join(str(error).split()) or type(error).__name__})"
        ) from None
    trace(f"{method} {path}: {response.status_code} in {time.monotonic() - began:.2f} s")
    if response.status_code == 429:
        _honour(response, limit)
        raise Unreachable("the Hub answers 429: too many requests", "rate-limited")
    if "html" in response.headers.get("content-type", ""):
        raise Unreachable(f"the Hub answered {response.status_code} with a page that makes no sense")
    return response


def _honour(response: Any, limit: str) -> None:
    """Ask nothing more until the moment that the Hub has named; `Retry-After` in its form of a date is not honoured."""
    seconds = str(response.headers.get("retry-after", "")).strip()
    if seconds.isdecimal():
        kept.remember("retry-after", limit, min(int(seconds[:20]), MOST_WAITING), cache_directory())


def _account(token: tokens.Token) -> Account:
    response = _get("/api/whoami-v2", token)
    if response.status_code == 401:
        raise _refusal(token, _said(response))
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        return Account(response.json())
    except (ValueError, RecursionError):
        raise Unreachable("the Hub gave an answer that makes no sense") from None


def _card_errors(content: str, repository: tuple[str, str]) -> list[str]:
    asked = {"repoType": hub.singular(repository[0]), "content": content}
    response = _get("/api/validate-yaml", None, json=asked)
    try:
        errors = field(response.json(), "errors", list, [])
    except (ValueError, RecursionError):
        errors = []
    if response.status_code != 200 and not errors:
        raise Unreachable(f"the Hub answered {response.status_code}")
    return [str(field(error, "message", str, "")) or "an error without words" for error in errors]


def _lfs_objects(token: tokens.Token, repository: tuple[str, str], asked: list[tuple[str, int]]) -> set[str]:
    kind, name = repository
    objects = [{"oid": oid, "size": size} for oid, size in asked]
    path = f"/{'' if kind == 'models' else kind + '/'}{name}.git/info/lfs/objects/batch"
    batch = {"operation": "download", "transfers": ["basic"], "objects": objects}
    response = _get(path, token, json=batch, media_type="application/vnd.git-lfs+json")  # docs/facts.md#h12
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        answers = field(response.json(), "objects", list)
    except (ValueError, RecursionError):
        raise Unreachable("the Hub gave an answer that makes no sense") from None
    return {str(field(one, "oid", str, "")) for one in answers if field(one, "actions", dict, {}).get("download")}


def _said(response: Any) -> str:
    """The Hub's own words, which end like a sentence, where ours do not (docs/facts.md#h4)."""
    return str(response.headers.get("x-error-message", "")).rstrip(".")
