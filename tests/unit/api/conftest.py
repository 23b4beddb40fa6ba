"""A Hub whose answers are those of the test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hub_api import Api


@pytest.fixture
def api() -> Iterator[Api]:
    """A Hub whose answers are those of the test."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        do_GET = do_POST = lambda request: api.answer(request)  # noqa: N815 - http.server's names

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield api
        finally:
            api.is_answering.set()
            server.shutdown()
            thread.join()
