"""The first commands of the README, typed in a Debian tree in which ./install.sh has just run.

    tests/support/namespace python tests/packaging/matrix/first_commands.py TREE

The Hub is this side's, as https://huggingface.co; the tree's programs trust it.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from documents import README, blocks  # noqa: E402
from fake_hub import Hub  # noqa: E402


def first_commands() -> list[str]:
    """What stands after the prompts of the README's first transcript; who types it is logged in."""
    return [line[2:] for line in blocks("console", README)[0].splitlines() if line.startswith("$ ")]


def main() -> int:
    """Type them; exit status 1 where one fails, or brings nothing."""
    tree = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory, Hub(Path(directory), ("127.0.0.1", 443), "huggingface.co") as hub:
        hub.user("alice")
        hub.repository("alice/private-model", private=True, lfs={"model.bin": bytes(1 << 20)})
        authority = hub.environment["SSL_CERT_FILE"]
        shutil.copy(authority, tree / "machine/hub")
        trusted = {name: "/machine/hub" for name, value in hub.environment.items() if value == authority}
        for file in ("hosts", "nsswitch.conf"):
            shutil.copy(f"/etc/{file}", tree / "etc" / file)
        environment = {"HOME": "/root", "PATH": "/root/.local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", **trusted}
        token = hub.token("alice", role="write")
        for words in (["hf", "auth", "login", "--token", token], *map(shlex.split, first_commands())):
            print(f"$ {' '.join(words).replace(token, '…')}", flush=True)
            done = subprocess.run(
                [shutil.which("chroot") or "chroot", tree, "/bin/sh", "-c", 'cd && exec "$@"', "sh", *words],
                env={**os.environ, **environment}, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            if done.returncode:
                return 1
        cloned = tree / "root/private-model"
        print(f"cloned: {', '.join(sorted(file.name for file in cloned.iterdir()))}")
        return 0 if (cloned / ".git").is_dir() else 1


if __name__ == "__main__":
    sys.exit(main())
