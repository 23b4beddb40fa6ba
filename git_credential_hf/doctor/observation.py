"""Observe how the Hub answers git and git-lfs: run git itself, but let no helper store or erase a credential.

Nothing changes on this machine or on the Hub: git lists a reference, and an LFS object is looked up.
"""

import os
import re
import sys
from collections.abc import Sequence

from git_credential_hf.api.client import HUB_TIMEOUT, Unreachable, ask_hub, ask_within, error_message
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.credentials import may_need_person
from git_credential_hf.git.run import NO_PROMPTS, NoAnswer, git_failure, git_line, try_git
from git_credential_hf.hub import offline_variable
from git_credential_hf.masking import PREFIX, mask_line, mask_words
from git_credential_hf.problem import Problem
from git_credential_hf.repository import without_credentials
from git_credential_hf.system import start_thread
from git_credential_hf.tokens import Token

LS_REMOTE_TIMEOUT = 5  # seconds for git to list a reference of the remote; after that, the result is unknown


class Observed:
    """The result of a request to the Hub: the HTTP `status` of its last response, if any, and the `failure`, if any.

    `has_sent`: a credential was sent. `asked_helpers`: git asked its helpers for it.
    """

    def __init__(self, status: int | None = None, failure: Problem | None = None) -> None:
        self.status = status
        self.failure = failure
        self.has_sent = False
        self.asked_helpers = False


class NotObserved(Exception):
    """A program was not observed; the message is the reason, empty if there was nothing to observe."""


def _path(url: str) -> str:
    return url.partition("://")[2].partition("/")[2].partition("?")[0].partition("#")[0]


# --- git ---


class GitObservation:
    """`git ls-remote` for a remote, in a thread; raises `NotObserved` if it cannot be run without side effects."""

    def __init__(self, remote: str, url: str, entries: Sequence[ConfigEntry]) -> None:
        self._target = _target(remote, url)
        self._url = url
        self._result: Observed | NotObserved = NotObserved("it did not answer in time")
        if reason := _why_not(url, entries):
            raise NotObserved(reason)
        try:
            self._thread = start_thread(self._work)
        except RuntimeError as error:  # no more threads
            raise NotObserved(str(error)) from None

    def result(self) -> Observed:
        """Wait for git to end; raises `NotObserved` if that takes too long."""
        self._thread.join()
        if isinstance(self._result, NotObserved):
            raise self._result
        return self._result

    def _work(self) -> None:
        try:
            self._result = _list_reference(self._target, self._url)
        except NoAnswer as problem:
            self._result = NotObserved(problem.message)
        except Problem as problem:
            self._result = Observed(failure=problem)


# `http.*` settings that change neither where git's requests go nor which certificates git trusts.
_HARMLESS = (
    *("extraheader", "postbuffer", "version", "lowspeedlimit", "lowspeedtime", "maxrequests", "minsessions"),
    *("useragent", "noepsv", "delegation", "emptyauth"),
)


def _why_not(url: str, entries: Sequence[ConfigEntry]) -> str | None:
    """Return why git is not run: it must contact only the Hub, and must not prompt."""
    if sys.platform == "win32":
        return "not on Windows"
    if variable := offline_variable():
        return f"{variable} is set"
    for entry in entries:
        # The repository may be hostile: a token would be sent wherever its settings lead git.
        is_of_repository = entry.scope in ("local", "worktree")
        leads = entry.section == "http" and entry.name not in _HARMLESS
        leads = leads or (entry.section == "remote" and entry.name in ("vcs", "proxy", "proxyauthmethod"))
        if is_of_repository and leads:
            return f"this repository sets {mask_words(without_credentials(entry.key))}"
    if may_need_person(url, entries):
        return "a credential helper might prompt"
    return None


def _target(remote: str, url: str) -> str:
    """Return the remote or URL to pass to git, without a credential: other users can read arguments."""
    for target in filter(None, (remote, url, without_credentials(url))):
        has_credential = without_credentials(target) != target
        if not has_credential and git_line("ls-remote", "--get-url", "--", target).rstrip("/") == url.rstrip("/"):
            return target
    raise NotObserved("its arguments would contain the password in the URL")


# git runs only this helper. It queries all others as git would, and ignores `store` and `erase`. git leaves the path
# out of a request unless `useHttpPath` is set, but matches its settings with the path.
_HELPER = (
    '!f() { test "$1" = get || exit 0; echo asked >&2;'
    ' { echo "path=$GIT_CREDENTIAL_HF_PATH"; cat; } |'
    " GIT_CONFIG_PARAMETERS=$GIT_CREDENTIAL_HF_PARAMETERS git credential fill; }; f"
)


def _list_reference(target: str, url: str) -> Observed:
    status, _, stderr = try_git(
        *("-c", "credential.helper=", "-c", f"credential.helper={_HELPER}", "-c", "http.saveCookies=false"),
        *("ls-remote", "--quiet", "--", target, "HEAD"),
        environment={
            **NO_PROMPTS,
            "GIT_TRACE_CURL": "1",
            "GIT_TRACE_CURL_NO_DATA": "1",
            "GIT_TRACE_REDACT": "1",
            "GIT_CREDENTIAL_HF_PATH": _path(url).lstrip("/"),
            "GIT_CREDENTIAL_HF_PARAMETERS": os.environ.get("GIT_CONFIG_PARAMETERS", ""),
        },
        without=("GIT_CURL_VERBOSE",),
        seconds=LS_REMOTE_TIMEOUT,
        may_connect=True,
    )
    lines = stderr.decode("utf-8", "surrogateescape").split("\n")
    found = Observed()
    is_proxy = False
    for line in lines:
        if not (header := _HEADER.match(line)):
            continue
        way, text = header[1], header[2].strip().lower()
        if way == "=> Send" and re.match(r"[a-z]+ \S+ http/", text):
            is_proxy = text.startswith("connect ")
            found.has_sent = False
        elif way == "=> Send" and text.startswith("authorization:"):
            found.has_sent = True
        elif way == "<= Recv" and not is_proxy and (answer := re.match(r"http/[\d.]+ (\d{3})", text)):
            found.status = int(answer[1])
    found.asked_helpers = "asked" in lines
    if status:
        rest = [line for line in lines if line != "asked" and not _TRACE.match(line)]
        found.failure = _failure(rest, status)
    return found


_TRACE = re.compile(r"\d\d:\d\d:\d\d\.\d{6} \S+:\d+ ")
_HEADER = re.compile(_TRACE.pattern + r" *(=> Send|<= Recv) header: (.*)$")


def _failure(lines: list[str], status: int) -> Problem:
    """Return why git failed: our own error in its output, which is more exact, or else git's error."""
    ours = {level: next((line for line in lines if line.startswith(PREFIX + level)), "") for level in ("error", "hint")}
    if ours["error"]:
        return Problem(*(mask_line(ours[level].removeprefix(f"{PREFIX}{level}: ")) for level in ("error", "hint")))
    return git_failure("\n".join(lines).encode("utf-8", "surrogateescape"), status)


# --- git-lfs ---


def observe_lfs(hub: str, url: str, token: Token | None) -> Observed:
    """Ask for an LFS object at an endpoint on this Hub, as git-lfs would download it; raises `NotObserved`."""
    path = f"/{_path(url).rstrip('/')}/objects/batch"
    batch = {"operation": "download", "transfers": ["basic"], "objects": [{"oid": "0" * 64, "size": 1}]}
    try:
        response = ask_within(
            HUB_TIMEOUT,
            hub,
            lambda: ask_hub(hub, path, token, json=batch, media_type="application/vnd.git-lfs+json"),
        )
    except Unreachable as unreachable:
        raise NotObserved(unreachable.message) from None
    found = Observed(response.status_code)
    found.has_sent = token is not None
    if response.status_code // 100 != 5 and response.status_code not in (200, 401, 403, 404):
        # A redirect, which git-lfs would follow, or an error about this object, which does not exist.
        raise NotObserved(f"the Hub answered {response.status_code}")
    if response.status_code != 200:
        words = error_message(response)
        found.failure = Problem(f"the Hub answered {response.status_code}" + (f": {words}" if words else ""))
    return found
