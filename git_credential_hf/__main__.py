"""From the command line to an answer: git's four operations at once, everything else through `cli`.

The only place that touches stdin, stdout and the exit status. Read it from top to bottom: that is all that `get` does.
"""

import _signal  # type: ignore[import-not-found] # see launcher
import os
import sys

from git_credential_hf.problem import Problem, report_problem, trace, trace_bug

OPERATIONS = ("get", "store", "erase", "capability")


def main() -> int:
    """Run the program; the exit status is the contract's: 0 done, 1 refused, 2 wrong usage, 3 the Hub unreachable."""
    arguments = sys.argv[1:]
    _open_what_is_closed()
    try:
        _hear_ctrl_c(True)
        if arguments and arguments[-1] in OPERATIONS and (name := _token_named(arguments[:-1])) != "":
            os.umask(0o077)
            return serve(arguments[-1], 0, _own_stdout(), name)
        if arguments[:2] == ["hook", "pre-push"] and len(arguments) == 4 and not _leads_to_the_hub(arguments[3]):
            return 0  # a hook of every repository is nothing but a start of Python in most of them

        from git_credential_hf import cli

        return cli.main(arguments)
    except Problem as problem:
        report_problem(problem)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception:
        trace_bug()
        return 1
    finally:
        _hear_ctrl_c(False)  # what is left to do has nothing to say when it is cut off


def _hear_ctrl_c(is_heard: bool) -> None:
    """Let Ctrl-C be an exception, or the end; not where it is ignored (nohup)."""
    handlers = _signal.SIG_DFL, _signal.default_int_handler
    if _signal.getsignal(_signal.SIGINT) in handlers:
        _signal.signal(_signal.SIGINT, handlers[is_heard])
    sys.unraisablehook = _end_where_nothing_can_be_raised
    if sys.platform != "win32":
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)  # ignored, as some parents leave it, nothing has a status


def _end_where_nothing_can_be_raised(what: "sys.UnraisableHookArgs") -> None:
    """Ctrl-C in a destructor ends the program all the same, and without a traceback; anything else is for the trace."""
    if what.exc_type is KeyboardInterrupt:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        _signal.raise_signal(_signal.SIGINT)
    trace(f"ignored in {what.object!r}: {what.exc_value!r}")


def _open_what_is_closed() -> None:
    """Give a closed stdin, stdout or stderr a place, as git does: or the next file that is opened becomes it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one


def _token_named(options: list[str]) -> str | None:
    """The NAME of `--token NAME`, `None` where there are no options, and nothing for any others."""
    if not options:
        return None
    if options[0].startswith("--token=") and len(options) == 1:
        return options[0].removeprefix("--token=")
    return options[1] if options[0] == "--token" and len(options) == 2 else ""


def _leads_to_the_hub(url: str) -> bool:
    from git_credential_hf.hub import parse_remote

    return parse_remote(url) is not None


def serve(operation: str, source: int, sink: int, token: str | None = None) -> int:
    """Answer one operation of git's, from and to these file descriptors; `token`: the name of a stored one."""
    from git_credential_hf.protocol import CAPABILITIES, format_answer, parse_request, read_message

    if operation == "capability":
        _write(sink, CAPABILITIES)
        return 0
    request = parse_request(read_message(source))

    from git_credential_hf import helper

    answer = getattr(helper, operation)(request, token)
    if answer:
        _write(sink, format_answer(answer))
    return 0


def _own_stdout() -> int:
    """The descriptor that git reads from, taken away from everybody else: what a library prints goes to stderr."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    return stdout


def _write(sink: int, data: bytes) -> None:
    # At once or not at all: git uses the half of an answer that it got, whatever the exit status (docs/facts.md#g3).
    try:
        while data:
            data = data[os.write(sink, data) :]
    except OSError:
        pass  # nobody reads any more


if __name__ == "__main__":
    from git_credential_hf import launcher  # noqa: F401 - `python -m` is the same program, started the same way
