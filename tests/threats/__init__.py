"""What attackers bring: tokens, and a program that is run against servers that say anything (support/servers.py)."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import string
import subprocess
from collections.abc import Iterable
from typing import Any

import forks
from servers import PATIENCE as PATIENCE

MEMORY = 1 << 30  # bytes of address space; what huggingface_hub itself maps is a fifth of it
PROGRAM = "git-credential-hf"
TERMINAL = set(map(chr, [*range(9), *range(11, 32), *range(127, 160)])) | set("\u202e\u2066\u200b\u2028")

Process = subprocess.Popen[bytes] | forks.Forked

started: list[Process] = []  # which end with their test, also where that fails


def new_token() -> str:
    """One that no Hub knows."""
    return "hf_" + "".join(secrets.choice(string.ascii_letters) for _ in range(34))


def start(
    *arguments: str, stdin: bytes = b"", program: str = PROGRAM, memory: int = MEMORY, **environment: Any
) -> Process:
    """Start the program with this input, and no more memory than a user may miss; `ended` waits for it."""
    variables = {**os.environ, **environment}
    process: Process
    if (forked := forks.forked_arguments([program, *arguments], variables)) is not None:
        process = forks.start_forked(forked, None, stdin, variables, memory)
    else:
        process = _start(program, *arguments, stdin=stdin, memory=memory, variables=variables)
    started.append(process)
    return process


def _start(*command: str, stdin: bytes, memory: int, variables: dict[str, Any]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=variables,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )
    assert process.stdin
    with contextlib.suppress(OSError), process.stdin:
        process.stdin.write(stdin)
    process.stdin = None
    return process


def ended(process: Process) -> tuple[int, str, str]:
    """The status, the answer, and what was said: by a program that knew what it was doing."""
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    said = stderr.decode("utf-8", "surrogateescape")
    assert process.returncode is not None
    is_an_end(process.returncode, said)
    return process.returncode, stdout.decode("utf-8", "surrogateescape"), said


def is_an_end(status: int, said: str) -> None:
    """Check that a program has ended as one that knew what it was doing."""
    assert status in (0, 1, 2, 3), said
    assert "internal error" not in said and "Traceback" not in said, said


def run(*arguments: str, stdin: bytes = b"", program: str = PROGRAM, **environment: Any) -> tuple[int, str, str]:
    """Start it, and wait for its end."""
    return ended(start(*arguments, stdin=stdin, program=program, **environment))


def request_to(url: str) -> bytes:
    """The beginning of git's request for the server at this URL; a blank line is to end it."""
    scheme, _, host = url.partition("://")
    return f"protocol={scheme}\nhost={host}\n".encode()


def is_clean(text: str, secrets: Iterable[str] = ()) -> bool:
    """Whether a terminal shows this as it is, and none of these secrets with it."""
    return not set(text) & TERMINAL and not any(secret in text for secret in secrets)
