"""Another machine, for what a test may not do to this one: its own /etc, other users, an image, a pod."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from programs import Done, run

CHROOT = shutil.which("chroot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "chroot"

# What is empty on a fresh machine, and who may write there.
FRESH = {"tmp": 0o1777, "var/tmp": 0o1777, "run": 0o755, "root": 0o700, "home": 0o755, "dev": 0o755, "image": 0o755}

CONFIGURED: dict[str, bytes] = {}  # what `Machine.configure` has written, the same each time


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True, text=True)


class Machine:
    """This machine's programs below `root`, where everything may be written: what was, is in `written()`.

    An overlay (overlayfs in the kernel's documentation), which is what an image's layer is. To be made in
    tests/support/namespace, where mounts are nobody else's.
    """

    def __init__(self, place: Path, authority: Path) -> None:
        place.mkdir()
        self.place, self.root, self.mounted = place, place / "root", [place]
        self.volumes = place / "volumes"
        try:
            # Not on this machine's disk, which may be an overlay itself and cannot carry another.
            mount("-t", "tmpfs", "-o", "mode=0755", "none", place)
            for name in ("upper", "work", "root", "fresh", "volumes"):
                (place / name).mkdir()
            layers = f"lowerdir=/,upperdir={place}/upper,workdir={place}/work"
            self.mount("-t", "overlay", "-o", layers, "overlay", self.root)
        except subprocess.CalledProcessError as error:
            self.close()
            pytest.skip(f"no overlay can be mounted here: {error.stderr.strip()}")
        for name, mode in FRESH.items():
            fresh, inside = place / "fresh" / name, self.root / name
            fresh.mkdir(parents=True)
            fresh.chmod(mode)
            inside.mkdir(parents=True, exist_ok=True)
            self.mount("--bind", fresh, inside)
        for name in ("null", "zero", "random", "urandom"):
            (self.root / "dev" / name).touch()
            self.mount("--bind", f"/dev/{name}", self.root / "dev" / name)
        self.mount("--rbind", "/proc", self.root / "proc")
        for name in ("hosts", "nsswitch.conf", "resolv.conf"):  # those of tests/support/namespace
            self.mount("--bind", f"/etc/{name}", self.root / "etc" / name)
        for prefix in {sys.prefix, sys.base_prefix}:
            self._show(prefix)
        (self.root / "etc/gitconfig").unlink(missing_ok=True)
        shutil.rmtree(self.root / "etc/git-credential-hf", ignore_errors=True)
        shutil.copyfile(authority, self.root / "etc/hub-ca.pem")
        self.environment = {
            "PATH": f"/image:{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": "/root",
            "GIT_SSL_CAINFO": "/etc/hub-ca.pem",
            "SSL_CERT_FILE": "/etc/hub-ca.pem",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        }

    def mount(self, *arguments: object) -> None:
        mount(*arguments)
        self.mounted.append(Path(str(arguments[-1])))

    def _show(self, prefix: str) -> None:
        """Let every user of the machine run what is installed here, be it in root's home."""
        inside = self.root / prefix.lstrip("/")
        if not (inside / "bin").exists():
            inside.mkdir(parents=True, exist_ok=True)
            self.mount("--bind", prefix, inside)
            mount("-o", "remount,bind,ro", inside)
        for level in inside.parents:
            if level.is_relative_to(self.root):
                level.chmod(level.stat().st_mode | 0o055)

    def close(self) -> None:
        for path in reversed(self.mounted):
            subprocess.run(["umount", "--recursive", "--lazy", path], capture_output=True)

    def command(
        self, *command: str, user: int = 0, groups: Iterable[int] = (), where: str = "/", within: str | None = None
    ) -> list[str]:
        """How to run a command there; `within`: a script that mounts what this command alone is to see."""
        inside = [
            *(CHROOT, f"--userspec=+{user}:+{user}", f"--groups={','.join(map(str, [user, *groups]))}"),
            *(str(self.root), *(("env", "-C", where) if where != "/" else ()), *command),
        ]
        return ["unshare", "--mount", "sh", "-ec", f'{within}; exec "$@"', "sh", *inside] if within else inside

    def run(
        self,
        *command: str,
        user: int = 0,
        groups: Iterable[int] = (),
        where: str = "/",
        within: str | None = None,
        stdin: str = "",
        check: bool = True,
        **environment: Any,
    ) -> Done:
        """Run a command there to its end, with nothing of this environment."""
        inside = self.command(*command, user=user, groups=groups, where=where, within=within)
        return run(*inside, base=self.environment, stdin=stdin, check=check, timeout=120, **environment)

    def configure(self) -> None:
        """Have done for all users what `git lfs install` and `configure` do."""
        if not CONFIGURED:
            self.run("git", "lfs", "install", "--system")
            self.run("git-credential-hf", "configure", "--system")
            CONFIGURED.update(item for item in self.written().items() if item[0].startswith("/etc/git"))
        for name, content in CONFIGURED.items():
            file = self.root / name[1:]
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)

    def written(self) -> dict[str, bytes]:
        """The content of every file that was written there, links and names included: all that a layer would hold."""
        found = {}
        for layer in (self.place / "upper", self.place / "fresh"):
            for folder, _, files in os.walk(layer):
                for name in files:
                    path = Path(folder, name)
                    if path.is_symlink():
                        found[f"/{path.relative_to(layer)}"] = os.fsencode(os.readlink(path))
                    elif path.is_file():
                        found[f"/{path.relative_to(layer)}"] = path.read_bytes()
        return found

    def user(self, number: int, token: str | None = None) -> Path:
        """Somebody's home, and an hour-old login in it; returns the path that the user knows."""
        home = self.root / f"home/u{number}"
        folder = home / ".cache/huggingface"
        folder.mkdir(parents=True, exist_ok=True)
        if token:
            for name, text in (("token", token), ("stored_tokens", f"[laptop]\nhf_token = {token}\n\n")):
                (folder / name).write_text(text)
                (folder / name).chmod(0o600)
                os.utime(folder / name, (1_700_000_000,) * 2)
        for path in (home, home / ".cache", folder, *folder.iterdir()):
            os.chown(path, number, number)
        home.chmod(0o700)
        return Path(f"/home/u{number}")
