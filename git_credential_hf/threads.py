"""Threads that say when they have begun and ended: `threading.Thread.start` waits for ever for one that never begins.

That is one for whose first frame there was no memory; nobody is told but `sys.unraisablehook`.
"""

import _thread
import queue
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")

PATIENCE = 10  # seconds until one has begun, on a busy machine, too


def start(work: Callable[..., object], *arguments: object) -> threading.Event:
    """Run `work` in a thread that the program does not wait for; the event is set at its end, however it ends.

    Raises `RuntimeError` where there is no thread.
    """
    begun, ended = threading.Event(), threading.Event()

    def run() -> None:
        try:
            begun.set()
            work(*arguments)
        finally:
            ended.set()

    _thread.start_new_thread(run, ())
    if not begun.wait(PATIENCE):
        raise RuntimeError("can't start new thread")  # as Python says it
    return ended


def each(work: Callable[[Thing], object], things: Iterable[Thing], most: int) -> None:
    """Run `work` for each of these, `most` of them at once, to their end; raises what the first one raised.

    Raises `RuntimeError` where there are not so many threads. With that, as with Ctrl-C, those that run end, and no
    other begins.
    """
    waiting: queue.SimpleQueue[Thing] = queue.SimpleQueue()
    errors: list[BaseException] = []
    running: list[threading.Event] = []

    def go_on() -> None:
        while not errors:
            try:
                thing = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                work(thing)
            except BaseException as error:  # raised again, over there
                errors.append(error)

    for thing in things:
        waiting.put(thing)
    try:
        for _ in range(min(waiting.qsize(), most)):
            running.append(start(go_on))
        for ended in running:
            ended.wait()
    except BaseException as error:
        errors.append(error)
        for ended in running:
            ended.wait()
        raise
    if errors:
        raise errors[0]
