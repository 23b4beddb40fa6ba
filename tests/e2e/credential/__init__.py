"""The cases of git's own tests of its helpers, t0300 and t0303, as far as a helper that stores nothing can meet them.

`cases.py` has all of them: the tests that hold each, or why it cannot apply.
"""

from account import git_has
from programs import run

__all__ = ["git_has"]

HF = "credential.helper=hf"
HUB = "protocol=https\nhost=huggingface.co\n"
OTHER = "protocol=https\nhost=example.com\n"
TOKEN = "hf_" + "Credential" * 3 + "wxyz"
ANSWER = f"username=git\npassword={TOKEN}\n"
CAPABLE = "capability[]=authtype\ncapability[]=state\n"


def ours(operation: str, message: str) -> tuple[int, str, str]:
    """Status, answer and words of the helper itself, to what some git might not pass on, or back."""
    done = run("git-credential-hf", operation, stdin=message, check=False)
    return done.returncode, done.stdout, done.stderr
