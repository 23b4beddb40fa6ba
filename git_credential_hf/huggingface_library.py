"""Call functions of huggingface_hub with a timeout, for one Hub only, and without output on git's stdout.

Private names of huggingface_hub: `utils._auth` with `_OIDC_TOKEN_CACHE` (since 1.19).
"""

from git_credential_hf.masking import mask_words
from git_credential_hf.problem import Problem
from git_credential_hf.report import trace
from git_credential_hf.secrets import register_secret

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all of `get`
    from collections.abc import Callable


HUGGINGFACE_HUB_TIMEOUT = 20  # seconds for a call of huggingface_hub, while git waits


class TooOldError(Problem):
    """This huggingface_hub is too old for a feature."""

    def __init__(self, consequence: str, lack: str) -> None:
        from huggingface_hub import __version__

        from git_credential_hf.program import command_to_install

        super().__init__(
            f"{consequence}: huggingface_hub {__version__} {lack}",
            f"run `{command_to_install('huggingface_hub>=1.20')}`, "
            "or install git-credential-hf in an environment of its own",
        )


def ask_huggingface_hub(hub: str, ask: "Callable[[], str | None] | None" = None) -> tuple[str | None, list[str]]:
    """Return the result of `get_token()`, or of `ask`, and its log messages, one line each; raises its exceptions.

    Requests go to `hub`, whatever the environment says: a refresh token or a job's identity must not go elsewhere. Log
    messages and warnings are captured: stdout belongs to git, and a log message may quote a file that contains tokens.
    """
    import logging
    import warnings

    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(one_line(record.getMessage()))

    from git_credential_hf.api.client import run_within
    from git_credential_hf.api.huggingface_client import guard_client

    guard_client(hub)
    log = logging.getLogger("huggingface_hub")
    log.handlers, log.propagate = [Listener(logging.WARNING)], False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huggingface_hub import constants, get_token
        from huggingface_hub.utils import _auth

        if hub != constants.ENDPOINT:
            constants.ENDPOINT = hub
            if hasattr(_auth, "_OIDC_TOKEN_CACHE"):
                _auth._OIDC_TOKEN_CACHE = None  # its token is for another Hub
        trace("asking huggingface_hub")
        value = run_within(HUGGINGFACE_HUB_TIMEOUT, ask or get_token)
    if not (value is None or (isinstance(value, str) and value.isprintable())):
        raise ValueError("the Hub's answer is not a token")
    return (register_secret(value) if value else value), messages


def one_line(message: object) -> str:
    """Return a message of huggingface_hub or of an exception in one line, without secrets."""
    return mask_words(str(message)) or type(message).__name__
