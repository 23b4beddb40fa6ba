"""The result of a purge, as in `purge --json`, and instructions to remove tokens that helpers keep."""

import sys

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helper_chain import is_program_path, shown_helper, split_command
from git_credential_hf.git.other_helpers import TokenCopy
from git_credential_hf.masking import mask_token
from git_credential_hf.report import report
from git_credential_hf.shell import shell_command


class PurgeResult:
    """The tokens that another helper holds, or held, for the Hub."""

    def __init__(self, helper: ConfigEntry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.copies: list[TokenCopy] = []
        self.was_erased = False  # whether any copy was erased
        self.failure = ""  # why it is unknown whether there are more copies
        self.has_timed_out = False

    @property
    def shown(self) -> str:
        """The helper without secrets: its value may be a shell command that contains a password."""
        return shown_helper(self.helper)

    @property
    def state(self) -> str:
        """`clean`, `purged`, `held` or `unknown`, as in `purge --json`."""
        if any(copy.is_held for copy in self.copies):
            return "held"
        return "unknown" if self.failure else "purged" if self.was_erased else "clean"

    def as_json(self) -> dict[str, object]:
        """Return the object that `purge --json` prints."""
        entries = [{"host": c.origin, "username": c.shown_username, "shown": mask_token(c.secret)} for c in self.copies]
        return {"helper": self.shown, "origin": self.origin, "state": self.state, "entries": entries}

    def remedy(self) -> str | None:
        """Return how the user can delete the tokens, if the system has a program for that."""
        platform = "win32" if ".exe" in self.helper else sys.platform  # a Windows program in WSL, too
        return _REMEDIES.get((_name(self.helper), platform)) if self.state in ("held", "unknown") else None


_KEYCHAIN = "open Keychain Access, and delete the entries for huggingface.co"
_WINDOWS = "open Windows Credential Manager (`control keymgr.dll`), and remove the entries git:https://huggingface.co"
_UNIX_STORE = "run `pass rm` with the entry that git-pass-mapping.ini has for huggingface.co"
_KEYRING = "open your keyring (Passwords and Keys, or KWallet), and delete the entries for huggingface.co"
# Git Credential Manager uses the system's store, too.
_REMEDIES = {
    **dict.fromkeys([(name, "darwin") for name in ("osxkeychain", "manager", "manager-core")], _KEYCHAIN),
    **dict.fromkeys([(name, "win32") for name in ("wincred", "manager", "manager-core")], _WINDOWS),
    ("libsecret", "linux"): _KEYRING,
    **dict.fromkeys([("pass-git-helper", platform) for platform in ("linux", "darwin")], _UNIX_STORE),
}


def _name(helper: str) -> str:
    """Return the short name of a helper: `manager` for `/usr/local/bin/git-credential-manager`."""
    program = (split_command(helper) or [""])[0].rpartition("/")[2]
    return program.removeprefix("git-credential-").removesuffix(".exe")


def report_kept(results: list[PurgeResult]) -> None:
    """Warn about the tokens that were kept: why, and how the user can remove them."""
    for result in results:
        for copy in result.copies:
            if copy.kept is None:
                continue
            report("warning", f"{result.shown} keeps {mask_token(copy.secret)} for {copy.origin}: {copy.kept.message}")
            if hint := copy.kept.fix or _removal(result.helper, copy) or result.remedy():
                report("hint", hint)


def _removal(helper: str, copy: TokenCopy) -> str | None:
    """Return the command that erases a copy; `None` if it cannot be shown, because it may contain a secret."""
    is_shown = shown_helper(helper) == helper and copy.shown_username == copy.username
    if not is_shown or helper.startswith("!") or is_program_path(helper):
        return None
    protocol, _, host = copy.origin.partition("://")
    attributes = [f"protocol={protocol}", f"host={host}", *([f"username={copy.username}"] if copy.username else [])]
    lines = shell_command(["printf", r"%s\n", *attributes, ""])
    return f"to remove it anyway, run `{lines} | git credential-{helper} erase`"
