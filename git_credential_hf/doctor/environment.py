"""Check the environment (sudo, CI jobs, containers, notebooks), and suggest how to get a token in each."""

import os
import sys
from collections.abc import Iterator

from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.git.helper_chain import is_our_helper, split_command
from git_credential_hf.hub import PUBLIC_HUB, environment_endpoint, environment_hub
from git_credential_hf.login_hints import COLAB_HINT, is_colab, login_hint, mounted_secret_hint
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.program import fix_weaknesses, program_weaknesses
from git_credential_hf.repository import without_credentials
from git_credential_hf.shell import shell_word
from git_credential_hf.token_files import token_path

TRUSTED_PUBLISHERS = "https://huggingface.co/docs/hub/trusted-publishers"

CONTAINER = "a container"
_GITHUB = "a GitHub Actions job"
_GITLAB = "a GitLab CI job"
_REMEDIES = {
    _GITHUB: f"use a Trusted Publisher ({TRUSTED_PUBLISHERS}), or the secret HF_TOKEN",
    _GITLAB: f"use a Trusted Publisher ({TRUSTED_PUBLISHERS}), or a masked variable HF_TOKEN",
    "a CI job": "give the job the secret HF_TOKEN",
    "a Colab notebook": COLAB_HINT,
    "a Kubernetes pod": "mount a Secret, and set HF_TOKEN_PATH to its file",
    CONTAINER: "run `hf auth login`, or mount a secret and set HF_TOKEN_PATH to its file",
}


def detect_environment() -> str | None:
    """Return a phrase for the environment that this runs in, such as `a CI job`; `None` on a user's own machine."""
    for is_detected, phrase in (
        ("GITHUB_ACTIONS" in os.environ, _GITHUB),
        ("GITLAB_CI" in os.environ, _GITLAB),
        ("CI" in os.environ, "a CI job"),
        (is_colab(), "a Colab notebook"),
        ("KUBERNETES_SERVICE_HOST" in os.environ, "a Kubernetes pod"),
        (os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv"), CONTAINER),
    ):
        if is_detected:
            return phrase
    return None


def token_hint(*, again: bool = False) -> str:
    """Return how to provide a token in this environment without leaving a copy; `again`: if there is a login."""
    return mounted_secret_hint() or _REMEDIES.get(detect_environment() or "") or login_hint(again=again)


def check_editor(machine: Machine) -> Iterator[Finding]:
    """Check whether the editor whose terminal this runs in starts git without helpers (docs/facts.md#e1)."""
    if os.environ.get("TERMINAL_EMULATOR") == "JetBrains-JediTerm" and not _jetbrains_asks_helpers():
        yield Finding(
            "helper-bypassed",
            "warning",
            "JetBrains IDEs run git without credential helpers, and ask for a password instead",
            "git in this terminal asks them; the IDE's own commands (Update Project, Push) do not",
            "turn on 'Use credential helper' in the IDE's Settings | Version Control | Git",
        )


def _jetbrains_asks_helpers() -> bool:
    """Whether any of the user's JetBrains IDEs has this setting: which one owns this terminal is unknown."""
    import glob

    import platformdirs

    for vendor in ("JetBrains", "Google"):  # Android Studio
        top = glob.escape(platformdirs.user_config_dir(vendor, appauthor=False, roaming=True))
        for level in ("*", "*/*"):
            for path in (
                *glob.iglob(f"{top}/{level}/options/git.xml"),
                *glob.iglob(f"{top}/{level}/options/*/git.xml"),
            ):
                try:
                    with open(path, encoding="utf-8", errors="replace") as file:
                        if 'name="USE_CREDENTIAL_HELPER" value="true"' in file.read(1 << 20):
                            return True
                except OSError:
                    pass
    return False


def check_program(machine: Machine) -> Iterator[Finding]:
    """Check that no other user can change this program, and so get the tokens that it reads."""
    if sys.platform == "win32" or os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted":
        return  # a GitHub-hosted runner runs a single job, whose user controls the machine
    try:
        values = [entry.value for entry in machine.entries if entry.is_helper() and is_our_helper(entry.value or "")]
    except Problem:
        values = []  # git does not work; reported by another check
    started = [word for value in values for word in split_command(value or "")[:1] if os.path.isabs(word)]
    weaknesses = program_weaknesses({os.geteuid()}, started)
    if weaknesses:
        yield Finding(
            "program-writable",
            "warning",
            "other users of this machine can change this program",
            weaknesses[0].reason + (f", and {len(weaknesses) - 1} more" if len(weaknesses) > 1 else ""),
            fix_weaknesses(weaknesses, "pipx install git-credential-hf"),
        )


def check_home(machine: Machine) -> Iterator[Finding]:
    """Check whether sudo runs this: then `HOME` belongs to another user, or files written there belong to root."""
    user = os.environ.get("SUDO_USER")
    if sys.platform == "win32" or not user or user == "root":
        return
    import pwd

    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return
    home = os.path.expanduser("~")
    if os.geteuid() == account.pw_uid or (machine.token is not None and machine.token.kind == "env"):
        return
    is_home_of_user = os.path.realpath(home) == os.path.realpath(account.pw_dir)
    yield Finding(
        "wrong-home",
        "warning",
        f"sudo runs this as another user than {user}",
        f"the login is read from {token_path()}, "
        + (f"and new files in {home} belong to root" if is_home_of_user else f"but {user}'s is in {account.pw_dir}"),
        "run the command without sudo",
    )


def check_job(machine: Machine) -> Iterator[Finding]:
    """Check whether a CI job that could use a Trusted Publisher has a token that does not expire."""
    environment = detect_environment()
    token = machine.token
    lives_long = token and token.kind == "env" and not token.value.startswith(("hf_jwt_", "hf_oauth_"))
    if token and lives_long and environment in (_GITHUB, _GITLAB):
        yield Finding(
            "ci-long-lived-token",
            "warning",
            f"{environment} uses a token that does not expire",
            token.describe(),
            f"use a Trusted Publisher: {TRUSTED_PUBLISHERS}",
        )


def check_endpoint(machine: Machine) -> Iterator[Finding]:
    """Check whether huggingface_hub uses another Hub than git."""
    hub = environment_hub()
    if hub == PUBLIC_HUB or hub in machine.other_hubs:
        return
    configure = (
        f"run `git-credential-hf configure --hub {shell_word(hub)}` to log git in there, too, or " if hub else "run "
    )
    yield Finding(
        "endpoint-elsewhere",
        "warning",
        "huggingface_hub uses another Hub than git",
        f"HF_ENDPOINT is {mask_line(without_credentials(environment_endpoint()))}; git uses {machine.hub}",
        f"{configure}`unset HF_ENDPOINT` to use {PUBLIC_HUB}",
    )
