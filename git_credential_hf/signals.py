"""What ends the program (Ctrl-C, a closed terminal, a shutdown) waits for what must not be cut off."""

import contextlib
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold SIGINT, SIGTERM and SIGHUP back until the block has ended, and no longer; they take effect then.

    For what takes a moment: a change, which would leave its lock, or an answer that the Hub gives once. Windows has no
    such thing: there the block is run as it is.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
