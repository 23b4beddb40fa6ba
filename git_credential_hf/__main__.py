"""From the command line to an answer: git's four operations at once, everything else through `cli`.

The only place that touches stdin, stdout and the exit status. Read it from top to bottom: that is all that `get` does.
"""

import os
import sys

from git_credential_hf.problem import Problem, report_problem, trace_bug

OPERATIONS = ("get", "store", "erase", "capability")


def main() -> int:
    """Run the program; the exit status is the contract's: 0 done, 1 refused, 2 wrong usage, 3 the Hub unreachable."""
    arguments = sys.argv[1:]
    _import_nothing_from_here()
    try:
        if len(arguments) == 1 and arguments[0] in OPERATIONS:
            os.umask(0o077)
            return serve(arguments[0], 0, _own_stdout())
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


def _import_nothing_from_here() -> None:
    """Take the current directory off the import path: it is somebody's repository, and `re.py` there may be anything.

    `python -m` puts it first, as it does a script's own directory, of which nothing is needed either; an empty or
    relative entry of PYTHONPATH means it too.
    """
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        del sys.path[0]
    sys.path[:] = [path for path in sys.path if os.path.isabs(path)]


def serve(operation: str, source: int, sink: int) -> int:
    """Answer one operation of git's, from and to these file descriptors."""
    from git_credential_hf import protocol

    if operation == "capability":
        _write(sink, protocol.CAPABILITIES)
        return 0
    request = protocol.parse(protocol.read(source))

    from git_credential_hf import helper

    answer = getattr(helper, operation)(request)
    if answer:
        _write(sink, protocol.render(answer))
    return 0


def _own_stdout() -> int:
    """The descriptor that git reads from, taken away from everybody else: what a library prints goes to stderr."""
    try:
        stdout = os.dup(1)
        os.dup2(2, 1)
    except OSError:
        return 1
    return stdout


def _write(sink: int, data: bytes) -> None:
    # At once or not at all: git uses the half of an answer that it has got, whatever the exit status (git-facts).
    try:
        while data:
            data = data[os.write(sink, data) :]
    except OSError:
        pass  # nobody reads any more


if __name__ == "__main__":
    sys.exit(main())
