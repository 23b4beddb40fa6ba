"""Log in with huggingface_hub's own login, in this program's environment.

Uses only public functions, checked with huggingface_hub 0.34.0, 0.36.2, 1.0.1, 1.19.0, 1.20.1, 1.33.0, 2.0.0 and 2.4.0:
`interpreter_login` since 1.20, which offers the browser and pasting; before that, `login(TOKEN)`, because
`interpreter_login` would also ask to copy the token into git's helpers, and in 1.0 does nothing if there is a token.
"""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator

from git_credential_hf.api.client import ask_hub, try_hub_again
from git_credential_hf.git.network import read_network
from git_credential_hf.hub import environment_endpoint, environment_hub, token_settings_url
from git_credential_hf.login_hints import mounted_secret_hint
from git_credential_hf.masking import mask_line, mask_words
from git_credential_hf.problem import Problem
from git_credential_hf.report import report
from git_credential_hf.repository import without_credentials
from git_credential_hf.secrets import register_secret
from git_credential_hf.shell import shell_word
from git_credential_hf.token_files import stored_tokens_path, token_path
from git_credential_hf.tokens import current_token


def log_in() -> None:
    """Run huggingface_hub's login on the terminal, for the Hub that it uses, even if there is a token already.

    The token is not copied into git's helpers. Raises `Problem` if nothing was stored.
    """
    hub = environment_hub()
    if hub is None:
        endpoint = mask_line(without_credentials(environment_endpoint()))
        raise Problem(f"HF_ENDPOINT is {endpoint}, which is not a Hub", "run `unset HF_ENDPOINT`")
    if sys.stdin is None or not sys.stdin.isatty():
        # Not `hf auth login --token`: other users could read the token among the arguments.
        by_file = mounted_secret_hint() or f"write a token to {shell_word(token_path())}"
        raise Problem("cannot log in without a terminal", f"set HF_TOKEN, or {by_file}")
    if hint := mounted_secret_hint():
        raise Problem(f"cannot write {token_path()}", hint)
    try_hub_again()
    ask_hub(hub, "/api/whoami-v2", None)  # raises if the Hub is unreachable, before the user is asked for a token
    then = "run `git-credential-hf login`"
    try:
        _use_git_network(hub)
        with _new_files_for_their_owner(hub):
            _run_login(hub)
    except (KeyboardInterrupt, EOFError):
        print(file=sys.stderr)  # end the line of the prompt
        raise Problem("the login was cancelled, and nothing was stored", then) from None
    except Exception as error:
        if getattr(getattr(error, "response", None), "status_code", None) == 401:
            create = f"create one at {token_settings_url(hub)}, then {then}"
            raise Problem("the Hub rejects this token", create) from None
        if isinstance(error, OSError) and error.filename:  # a token file's
            other = "set HF_TOKEN_PATH to a file that you can write"
            raise Problem(f"cannot log in: {error.filename}: {error.strerror}", other) from None
        reason = mask_words(str(error)).rstrip(". ") or type(error).__name__
        raise Problem(f"cannot log in: {reason}", then) from None
    current = current_token(hub, act=False)
    if current is not None and current.kind == "env":
        report("hint", f"run `unset {current.place}` to use this login: git uses the variable first")


def can_add_login() -> bool:
    """Whether `add_login` can make the current login the current one again: it has a name, or there is none."""
    token = current_token(act=False)
    return token is None or (token.kind == "file" and token.name is not None)


def add_login() -> str | None:
    """Log in, and make the previous login the current one again; return the name of the stored token.

    Raises `Problem`.
    """
    before = current_token(act=False)
    try:
        log_in()
    finally:
        after = current_token(act=False)
        if before is not None and before.name is not None and after is not None and after.name != before.name:
            from huggingface_hub import auth_switch

            auth_switch(before.name)
    return after.name if after else None


def _run_login(hub: str) -> None:
    import huggingface_hub
    from huggingface_hub.utils import logging

    logging.set_verbosity_info()  # type: ignore[no-untyped-call] # as `hf` does, to print what was stored and where
    if tuple(map(int, huggingface_hub.__version__.split(".")[:2])) >= (1, 20):
        huggingface_hub.interpreter_login(skip_if_logged_in=False)
        return
    from getpass import getpass

    print(f"Create a token at {token_settings_url(hub)}, and paste it here", file=sys.stderr)
    token = register_secret(getpass("Token (it is not shown): ").strip())
    if not token:
        raise ValueError("no token was entered")
    huggingface_hub.login(token, add_to_git_credential=False)


@contextlib.contextmanager
def _new_files_for_their_owner(hub: str) -> Iterator[None]:
    """Give the files that huggingface_hub creates for a login to the owner of their directory.

    With sudo in a user's home, they would belong to root, and the user could not read or renew the login.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    from huggingface_hub import constants

    made, before = [], {}
    for folder in {os.path.dirname(token_path(hub)), os.path.dirname(stored_tokens_path()), constants.HF_HOME}:
        before[folder] = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        while not os.path.lexists(folder) and folder != os.path.dirname(folder):
            made.append(folder)
            folder = os.path.dirname(folder)
    try:
        yield
    finally:
        for folder, names in before.items():
            with contextlib.suppress(OSError):  # it was not created
                made += [os.path.join(folder, name) for name in os.listdir(folder) if name not in names]
        for path in sorted(set(made)):  # parent directories first
            with contextlib.suppress(OSError):
                _give_to_owner(path)


def _give_to_owner(path: str) -> None:
    """Give a file or directory that root created to the owner of its parent directory; raises `OSError`."""
    if sys.platform == "win32":
        return
    # It is another user's directory: existing files, and targets of links, must not become theirs.
    plainly = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        descriptor = os.open(os.path.basename(path), plainly, dir_fd=directory)
        try:
            owner, status = os.fstat(directory), os.fstat(descriptor)
            is_new = status.st_uid == 0 and (stat.S_ISDIR(status.st_mode) or status.st_nlink == 1)
            if is_new and owner.st_uid != 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)
    finally:
        os.close(directory)


def _use_git_network(hub: str) -> None:
    """Set the environment variables from which huggingface_hub's HTTP client reads its network settings."""
    network = read_network(hub)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ.update({"https_proxy": network.proxy} if network.proxy else {"no_proxy": "*"})
    if network.ca_file:
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = network.ca_file
