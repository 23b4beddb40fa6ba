"""Threads begin, or it is said that they do not; and all that they were to do is done, or what was raised is raised."""

from __future__ import annotations

import _thread
import threading
import time

import pytest

from git_credential_hf import threads


def test_its_end_is_told_however_it_ends() -> None:
    """The event is set when the work is done, and when it has raised."""
    done: list[int] = []
    assert threads.start(done.append, 7).wait(60)
    assert done == [7]
    assert threads.start(_thread.exit).wait(60)


def test_one_that_never_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there was no memory for its first frame, Python tells nobody: after a while it is taken for none."""
    monkeypatch.setattr(_thread, "start_new_thread", lambda run, arguments: 1)
    monkeypatch.setattr(threads, "PATIENCE", 0.1)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        threads.start(print)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        threads.each(print, [1], 2)


def test_each() -> None:
    """All are done, and never more at once than was said; what one raises is raised, when those that run have ended."""
    at_once, most, done = [], 0, []
    lock = threading.Lock()

    def work(number: int) -> None:
        nonlocal most
        with lock:
            at_once.append(number)
            most = max(most, len(at_once))
        time.sleep(0.01)
        with lock:
            at_once.remove(number)
            done.append(number)
        if number == 100:
            raise ValueError("a hundred")

    threads.each(work, range(20), 4)
    assert sorted(done) == list(range(20))
    assert most <= 4
    done.clear()
    with pytest.raises(ValueError, match="a hundred"):
        threads.each(work, [1, 100, *range(200, 300)], 2)
    assert at_once == []
    assert {1, 100} <= set(done)
    assert len(done) < 10
    threads.each(work, [], 4)


def test_fewer_threads_than_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one thread runs, and there is no other, that one ends what it has begun, and it is said."""
    started: list[int] = []
    real = _thread.start_new_thread

    def start(run: object, arguments: tuple[object, ...]) -> int:
        started.append(1)
        if len(started) > 1:
            raise RuntimeError("can't start new thread")
        return real(run, arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(_thread, "start_new_thread", start)
    done: list[int] = []
    with pytest.raises(RuntimeError, match="can't start new thread"):
        threads.each(lambda number: (time.sleep(0.05), done.append(number)), range(5), 3)
    assert len(done) in (0, 1)
