"""Threads: all that they were to do is done, and what one raises is raised."""

from __future__ import annotations

import threading

import pytest

from git_credential_hf.system import run_each, start_thread


def test_thread_does_not_keep_the_program_from_ending() -> None:
    """A thread that waits for a server for ever is no reason to stay."""
    release = threading.Event()
    thread = start_thread(release.wait)
    assert thread.daemon
    assert thread.is_alive()
    release.set()
    thread.join(60)
    assert not thread.is_alive()


def test_each_thing_is_done_at_the_same_time() -> None:
    """None waits for another to end: all of them meet."""
    meeting = threading.Barrier(8, timeout=60)
    run_each(lambda _: meeting.wait(), range(8))
    run_each(print, [])


def test_error_is_raised_when_all_have_ended() -> None:
    """What one raises is raised, and the others are done all the same."""
    done: list[int] = []

    def work(number: int) -> None:
        if number == 3:
            raise ValueError("three")
        done.append(number)

    with pytest.raises(ValueError, match="three"):
        run_each(work, range(8))
    assert sorted(done) == [0, 1, 2, 4, 5, 6, 7]
