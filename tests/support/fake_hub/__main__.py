"""`python -m fake_hub`: a Hub with a few people in it, for looking around and for shell scripts."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import tempfile
from pathlib import Path

from . import Hub


def populate(hub: Hub) -> dict[str, str]:
    """A demo population; returns its tokens."""
    hub.user("alice")
    hub.user("bob")
    hub.org("acme", alice="admin", bob="contributor")
    hub.repository("alice/public-model", files={"README.md": b"# public\n"}, lfs={"model.bin": bytes(4096)})
    hub.repository(
        "alice/private-model",
        private=True,
        files={"README.md": b"# private\n"},
        lfs={"model.bin": bytes(8192)},
    )
    hub.repository("alice/gated-model", gated="manual", files={"README.md": b"# gated\n"})
    hub.repository("datasets/acme/data", private=True, files={"data.csv": b"a,b\n1,2\n"})
    oauth = hub.oauth("alice", expires_in=3600)
    hub.trust("https://ci.example/id", resource="alice/private-model", id_token="demo-id-token")
    expired = hub.token("alice", name="expired")
    hub.expire(expired)
    return {
        "ALICE_WRITE": hub.token("alice", role="write"),
        "ALICE_READ": hub.token("alice", role="read"),
        "ALICE_FINE": hub.token("alice", role="fineGrained", scoped={"alice/private-model": ["repo.content.read"]}),
        "ALICE_EXPIRED": expired,
        "ALICE_OAUTH": oauth.access_token,
        "ALICE_REFRESH": oauth.refresh_token,
        "ALICE_ID_TOKEN": "demo-id-token",
        "BOB_WRITE": hub.token("bob", role="write"),
    }


def main() -> int:
    """Prints shell variables, then serves until it is interrupted; `--log` shows the requests."""
    parser = argparse.ArgumentParser(prog="python -m fake_hub", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:0", metavar="HOST:PORT", help="where to listen (port 0: any)")
    parser.add_argument("--name", help="the host name that clients use, for instance huggingface.co")
    parser.add_argument("--directory", type=Path, help="where to keep everything; a temporary directory otherwise")
    parser.add_argument("--log", action="store_true", help="show each request on stderr")
    options = parser.parse_args()
    host, _, port = options.address.rpartition(":")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="hub-") as temporary:
        try:
            with Hub(options.directory or Path(temporary), (host.strip("[]"), int(port)), options.name) as hub:
                variables = {"HUB_URL": hub.url, **hub.environment, **populate(hub)}
                for name, value in variables.items():
                    print(f"export {name}={shlex.quote(value)}")
                sys.stdout.flush()
                seen = 0
                while not hub.closing.wait(0.2):
                    for request in list(hub.log)[seen:]:
                        seen += 1
                        if options.log:
                            print(request, file=sys.stderr)
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
