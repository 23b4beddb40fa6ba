"""Dispatch the command line: git's four operations are answered directly, all other commands run through `cli`.

Only this module uses stdin, stdout and the exit status.
"""

import _signal  # type: ignore[import-not-found] # see launcher
import gc
import os
import sys

from git_credential_hf.problem import Problem, set_hint_editor
from git_credential_hf.protocol import OPERATIONS, parse_options

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `get`
    from typing import NoReturn

    from git_credential_hf.protocol import Request


def main() -> int:
    """Run the program; return its exit status: 0 done, 1 refused, 2 wrong usage, 3 the Hub is unreachable."""
    arguments = sys.argv[1:]
    is_hook = arguments[:1] == ["hook"]  # a hook that fails must not refuse anything
    _open_closed_streams()
    set_hint_editor(_name_commands)
    try:
        _catch_interrupts(True)
        if arguments and arguments[-1] in OPERATIONS and (options := parse_options(arguments[:-1])) is not None:
            os.umask(0o077)
            return serve(arguments[-1], 0, _take_stdout(), **options)
        gc.enable()
        if arguments[:2] == ["hook", "pre-push"] and len(arguments) == 4 and not _leads_to_a_hub(*arguments[2:]):
            return 0  # the hook also runs for other remotes
        if is_hook and arguments[1:2] in (["pre-push"], ["pre-commit"]) and "--help" not in arguments:
            from git_credential_hf.hooks.judge import run_hook

            return run_hook(arguments[1], arguments[2:])  # without `cli`, whose import would delay every push

        from git_credential_hf import cli

        return cli.main(arguments)
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        _report(error, "warning" if is_hook else "error")
        return 0 if is_hook else 1
    finally:
        _catch_interrupts(False)  # the end of Python may be cut off, without a message


def _report(error: Exception, level: str) -> None:
    try:
        from git_credential_hf.report import report_problem, report_unexpected_error
    except Exception:  # there is no memory, or no free descriptor, or the files are gone
        _write(2, b"git-credential-hf: error: system error: cannot load the modules of this program\n")
        return
    if isinstance(error, Problem):
        report_problem(error, level)
    else:
        report_unexpected_error()


def _name_commands(hint: str) -> str:
    if "hf " not in hint:
        return hint
    from git_credential_hf.hints import name_commands

    return name_commands(hint)


def _catch_interrupts(as_exception: bool) -> None:
    """Make Ctrl-C raise an exception, or end the program; keep it ignored if it is (nohup)."""
    handlers = _signal.SIG_DFL, _signal.default_int_handler
    if _signal.getsignal(_signal.SIGINT) in handlers:
        _signal.signal(_signal.SIGINT, handlers[as_exception])
    sys.unraisablehook = _end_on_unraisable_interrupt
    if sys.platform != "win32":
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # if a parent left it ignored, no child has an exit status


def _end_on_unraisable_interrupt(error: "sys.UnraisableHookArgs") -> None:
    """End the program on Ctrl-C in a destructor, without a traceback; trace anything else."""
    if error.exc_type is KeyboardInterrupt:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        _signal.raise_signal(_signal.SIGINT)
    from git_credential_hf.report import trace

    trace(f"ignored in {error.object!r}: {error.exc_value!r}")


def _open_closed_streams() -> None:
    """Open closed standard streams on /dev/null, as git does: otherwise the next opened file would take their place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor, which is this one


def _leads_to_a_hub(remote: str, url: str) -> bool:
    """Whether a push, or its LFS upload, goes to huggingface.co or to another Hub that git is configured for."""
    from git_credential_hf.repository import parse_remote

    if parse_remote(url) is not None:
        return True
    from git_credential_hf.git.helper_chain import configured_hubs, read_helper_entries
    from git_credential_hf.git.lfs_endpoint import LFS_VARIABLES, upload_endpoint

    entries = read_helper_entries(LFS_VARIABLES)
    hubs = configured_hubs(entries)
    return parse_remote(url, hubs) is not None or upload_endpoint(remote, url, entries).on_hub(hubs) is not None


def serve(operation: str, source: int, sink: int, token: str | None = None, hub: str | None = None) -> int:
    """Answer one of git's operations, from and to these file descriptors.

    `token` is the name of a stored token, `hub` the origin of a Hub to serve besides huggingface.co.
    """
    from git_credential_hf.protocol import CAPABILITIES, Malformed, format_message, parse_request, read_message

    if operation == "capability":
        _write(sink, CAPABILITIES)
        return 0
    try:
        request = parse_request(read_message(source))
    except Malformed as malformed:
        if _is_for_another_host(malformed.request, hub):
            return 0  # the credential is for another host, and git may accept it
        raise

    other_hub = None
    if hub:
        from git_credential_hf.hub import hub_option

        other_hub = hub_option(hub)
    if operation != "get":
        from git_credential_hf import store_erase

        getattr(store_erase, operation)(request, token, other_hub)
        return 0
    from git_credential_hf.helper import get

    if answer := get(request, token, other_hub):
        _write(sink, format_message(answer))
    return 0


def _is_for_another_host(request: "Request", hub: str | None) -> bool:
    if not request.protocol or not request.host:
        return False
    from git_credential_hf.hub import parse_origin, requested_hub

    return requested_hub(request.protocol, request.host, parse_origin(hub) if hub else None) is None


def _take_stdout() -> int:
    """Return a descriptor of stdout for the answer only; output of libraries goes to stderr."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    return stdout


def _write(sink: int, data: bytes) -> None:
    # In a single write: git uses a partial answer, whatever the exit status (docs/facts.md#g3).
    try:
        while data:
            data = data[os.write(sink, data) :]
    except OSError:
        pass  # git has stopped reading


def end(status: int) -> "NoReturn":
    """End the process at once: Python's own shutdown takes longer than the answer, a fifth of a command's time."""
    if "atexit" in sys.modules:
        sys.modules["atexit"]._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except Exception:
            status = 120  # as Python does
    os._exit(status)


if __name__ == "__main__":
    from git_credential_hf import launcher  # noqa: F401 - `python -m` starts as the executable does
