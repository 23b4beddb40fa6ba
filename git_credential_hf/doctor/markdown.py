"""Print an examination as Markdown, for an issue or a chat: without secrets, and without the home directory's path."""

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from git_credential_hf import __version__
from git_credential_hf.doctor.report import answers, summary
from git_credential_hf.git.run import run_git
from git_credential_hf.masking import mask_line, mask_token
from git_credential_hf.problem import Problem, runnable

if TYPE_CHECKING:
    from git_credential_hf.doctor import Examination

PACKAGES = ("huggingface_hub", "dulwich", "urllib3", "click")
# Only the names of these variables are shown: a value may be a secret.
VARIABLES = (
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "HF_ENDPOINT", "HF_OIDC_RESOURCE"),
    *("HF_HUB_OFFLINE", "XDG_CACHE_HOME", "GIT_ASKPASS", "SSH_ASKPASS", "GIT_TERMINAL_PROMPT", "GIT_CONFIG_COUNT"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "NETRC", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    *("SSL_CERT_FILE", "GIT_SSL_CAINFO", "CI", "GIT_CREDENTIAL_HF_HOOKS"),
)


def markdown_lines(examination: "Examination") -> Iterator[str]:
    """Yield the versions, the token that each program would send, and the findings."""
    yield "### git-credential-hf doctor"
    yield ""
    for name, what in _versions():
        yield f"- {name}: {_code(what)}"
    if names := [name for name in VARIABLES if name in os.environ]:
        yield f"- set in the environment: {', '.join(map(_code, names))}"
    yield ""
    yield "| program | token | source | account |"
    yield "|---|---|---|---|"
    for row in examination.resolvers:
        token = mask_token(row.token.value) if row.token else "-"
        yield f"| {row.program} | {_code(token)} | {_code(row.source)} | {_code(row.account or '-')} |"
    yield ""
    yield _text(examination.why_none_tried or answers(examination.resolvers))
    yield ""
    for finding in examination.findings:
        yield f"- **{finding.id}** ({finding.severity}): {_text(finding.title)}"
        for line in finding.detail.split("\n") if finding.detail else ():
            yield f"  - {_code(line)}"
        yield f"  - fix: {_text(runnable(finding.fix))}"
    for area, reason in examination.not_checked.items():
        yield f"- {area}: {_text(reason)}"
    if not examination.findings:
        yield summary(examination)


def _versions() -> Iterator[tuple[str, str]]:
    yield "git-credential-hf", f"{__version__} in {sys.prefix}"
    yield "Python", f"{platform.python_version()} on {platform.platform()}"
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"
    for name, arguments in (("git", ("version",)), ("git-lfs", ("lfs", "version"))):
        try:
            yield name, run_git(*arguments).decode("utf-8", "replace").strip()
        except Problem as problem:
            yield name, problem.message


def _text(text: str) -> str:
    home = os.path.expanduser("~")
    return mask_line(text).replace(home, "~") if len(home) > 1 else mask_line(text)


def _code(text: str) -> str:
    """Return text as a code span that nothing in the text can end."""
    return "`" + _text(text).translate({ord("`"): "'", ord("|"): "/"}) + "`"
