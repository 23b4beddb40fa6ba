"""Checks of where this runs: another user's home, a CI job, a container, a notebook; and the hints for there."""

import os
import sys
from collections.abc import Iterator

from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.hub import hub_endpoint, url_origin, without_credentials
from git_credential_hf.masking import mask_line
from git_credential_hf.token_files import token_path

TRUSTED_PUBLISHERS = "https://huggingface.co/docs/hub/trusted-publishers"


def detect_environment() -> str | None:
    """Return the kind of place in words, `None` for a person's own machine."""
    for is_there, words in (
        ("GITHUB_ACTIONS" in os.environ, "a job of GitHub Actions"),
        ("GITLAB_CI" in os.environ, "a job of GitLab CI"),
        ("CI" in os.environ, "a CI job"),
        (any(name.startswith("COLAB_") for name in os.environ), "a Colab notebook"),
        ("KUBERNETES_SERVICE_HOST" in os.environ, "a Kubernetes pod"),
        (os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"), "a container"),
        ("JPY_PARENT_PID" in os.environ, "a Jupyter notebook"),
        ("WSL_DISTRO_NAME" in os.environ, "WSL"),
        ("SSH_CONNECTION" in os.environ, "an SSH session"),
    ):
        if is_there:
            return words
    return None


def token_hint() -> str:
    """Return the hint for getting a token to this place without copying it."""
    return _REMEDIES.get(detect_environment() or "", LOGIN)


def is_without_login() -> bool:
    """Whether a person cannot simply log in here."""
    return token_hint() != LOGIN


LOGIN = "run `hf auth login`"
_REMEDIES = {
    "a job of GitHub Actions": f"use a Trusted Publisher ({TRUSTED_PUBLISHERS}), or the secret HF_TOKEN",
    "a job of GitLab CI": f"use a Trusted Publisher ({TRUSTED_PUBLISHERS}), or a masked variable HF_TOKEN",
    "a CI job": "give the job the secret HF_TOKEN",
    "a Colab notebook": "add the token as HF_TOKEN to the notebook's secrets",
    "a Kubernetes pod": "mount a Secret, and set HF_TOKEN_PATH to its file",
    "a container": "mount a secret, and set HF_TOKEN_PATH to its file; do not copy a token into the image",
}


def check_home(machine: Machine) -> Iterator[Finding]:
    """Check for sudo: with another user's `HOME` there is no login, or files become root's."""
    user = os.environ.get("SUDO_USER")
    if sys.platform == "win32" or not user or user == "root":
        return
    import pwd

    try:
        theirs = pwd.getpwnam(user)
    except KeyError:
        return
    home = os.path.expanduser("~")
    if os.geteuid() == theirs.pw_uid or (machine.token is not None and machine.token.kind == "env"):
        return
    is_theirs = os.path.realpath(home) == os.path.realpath(theirs.pw_dir)
    yield Finding(
        "wrong-home",
        "warning",
        f"this runs under sudo, not as {user}",
        f"the login is looked for in {token_path()}, and "
        + (f"files written in {home} will belong to root" if is_theirs else f"{user}'s is in {theirs.pw_dir}"),
        "run it without sudo",
    )


def check_job(machine: Machine) -> Iterator[Finding]:
    """Check for a token without expiry in a job that could have one for an hour."""
    where = detect_environment()
    token = machine.token
    lives_long = token and token.kind == "env" and not token.value.startswith(("hf_jwt_", "hf_oauth_"))
    if token and lives_long and where in ("a job of GitHub Actions", "a job of GitLab CI"):
        yield Finding(
            "ci-long-lived-token",
            "warning",
            f"{where} uses a token that does not expire",
            token.describe(),
            f"use a Trusted Publisher: {TRUSTED_PUBLISHERS}",
        )


def check_endpoint(machine: Machine) -> Iterator[Finding]:
    """Check `HF_ENDPOINT`, which sends the token to another host."""
    endpoint = hub_endpoint()
    if endpoint == "https://huggingface.co":
        return
    origin = url_origin(endpoint)
    yield Finding(
        "endpoint-elsewhere",
        "warning" if origin else "error",
        f"the Hub is {mask_line(without_credentials(endpoint))}"
        if origin
        else "HF_ENDPOINT is not a URL that a token may be sent to",
        f"HF_ENDPOINT is {mask_line(without_credentials(os.environ.get('HF_ENDPOINT', endpoint)))}",
        "run `unset HF_ENDPOINT`, unless this is intended",
    )
