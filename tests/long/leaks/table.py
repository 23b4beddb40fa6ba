"""Who may have a secret where. What fits no row is a leak, and a row that nothing fits any more has to go."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A reason, and patterns for what `leaks.trace` writes down: `who`, `how`, `where`, and `by` what it was started.

    `how` is "argument", "environment", "inherited" (the same variable was there before), "stdout", "stderr", "pipe"
    (another descriptor's), "socket", "network", "terminal", "file", "copied", "renamed" or "name" (of a file).
    """

    reason: str
    who: str
    how: str
    where: str = ""
    by: str = ""

    def fits(self, who: str, by: str, how: str, where: str) -> bool:
        pairs = ((self.who, who), (self.by, by), (self.how, how), (self.where, where))
        return all(re.fullmatch(pattern, text) for pattern, text in pairs)


def judge(hits: Iterable[Sequence[Any]], rows: Sequence[Row]) -> tuple[dict[Row, int], list[Sequence[Any]]]:
    """How often each row was right, and what none of them fits."""
    counts, leaks = dict.fromkeys(rows, 0), []
    for hit in hits:
        row = next((row for row in rows if row.fits(*hit[:4])), None)
        if row is None:
            leaks.append(hit)
        else:
            counts[row] += hit[4]
    return counts, leaks


VARIABLES = "HF_TOKEN|HUGGING_FACE_HUB_TOKEN|HF_OIDC_ID_TOKEN|ACTIONS_ID_TOKEN_REQUEST_TOKEN|GIT_CONFIG_VALUE_#"
HUB = r"~/\.cache/huggingface/(token|stored_tokens)"

USER = "what a test does in the place of its user: what it types, exports, writes, and its programs pass on"
ANSWER = "our answer to git, on a pipe of its own"
FOLLOWS = "from git to git, git-lfs and the helpers, by git's credential protocol"
OURS = "what we tell other helpers to forget"
LOGIN = "huggingface_hub's own files, by `hf` and by huggingface_hub in our processes"
JOB = "the token of a CI job, in the directory that ends with it"
HOLDERS = "other helpers, and where they keep what they were told"
KEPT = "a file in which somebody else has put it, as `doctor --fix` leaves it, and its copy for the owner alone"
GIT = "git's own: a URL with a password in git's configuration, and in the arguments of what git starts with it"
CONTENT = "what git reads out of a repository, or of its configuration, for who asked it"

# `git` starts its helpers by `sh -c`, and itself by other names.
ROWS = [
    Row(USER, "pytest", ".*", ".*"),
    Row(USER, ".*", "argument", by="pytest"),
    Row(USER, ".*", "environment", VARIABLES, "pytest"),
    Row(USER, r"\*", "inherited", VARIABLES),
    Row(USER, "cp|install", "file|copied", ".*"),
    Row(USER, "sh -c", "argument", by="chroot"),
    Row(USER, "git clone", "argument", by="sh -c"),
    Row(USER, "python -c", "stdout"),
    Row(ANSWER, "git-credential-hf get", "pipe"),
    Row("what nobody reads: /dev/null", ".*", "file", "/dev/null.*"),
    Row(FOLLOWS, "git credential", "pipe|stdout"),
    Row(FOLLOWS, "git-remote-https", "pipe"),
    Row(FOLLOWS, "git-lfs (fetch|filter-process|pre-push|pull)", "pipe"),
    Row(OURS, "git-credential-hf (configure|doctor|erase|purge|store)", "pipe"),
    Row(LOGIN, "hf auth (login|logout|switch)", "file", HUB),
    Row(LOGIN, "hf auth (login|switch)", "pipe"),
    Row(LOGIN, "git-credential-hf (configure|erase|get)", "file", HUB),
    Row(LOGIN, r"python[\d.]* -c", "file", HUB),
    Row(JOB, "git-credential-hf (doctor|get)", "file|renamed", r"(RUN|TMP)/git-credential-hf/oidc(\.#)?"),
    Row(HOLDERS, "git credential-(store|cache)", "stdout"),
    Row(HOLDERS, "git credential-cache(--daemon)?", "socket"),
    Row(HOLDERS, "git credential-store", "file|renamed", r"~/\.git-credentials(\.lock)?"),
    Row(HOLDERS, "git-credential-(libsecret|manager|once|osxkeychain)", "stdout"),
    Row(
        HOLDERS,
        "git-credential-(manager|osxkeychain)|mv",
        "file|renamed",
        r"~/(\.gcm/store|Library/Keychains/fake)(\.new)?",
    ),
    Row(GIT, "git (clone|config|remote)", "file|renamed", r"(~|TMP)/.*config(\.lock)?"),
    Row(
        GIT,
        "git (remote-https|send-pack|lfs|config)|git-remote-https|git-lfs pre-push|askpass",
        "argument",
        by=r"git(-lfs|-remote-https)?( .*)?|pre-push.*",
    ),
    Row(GIT, "git (ls-remote|rev-list)", "argument", by="git-lfs pre-push"),
    Row(GIT, "pre-push|pre-push.before-hf|git-credential-hf hook", "argument", by="git push|pre-push"),
    Row(GIT, "askpass|git-lfs env", "stdout"),
    Row(KEPT, r"git-credential-hf doctor|python[\d.]* -c", "file", r"~/.*(netrc|token)(\.backup-#-#(-#)?)?"),
    Row(CONTENT, "git (cat-file|config|ls-remote|remote)", "stdout"),
    Row(CONTENT, "git (merge|rebase)", "file", "~/.*"),
]
