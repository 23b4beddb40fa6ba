"""What is made when the package is built: the manual page, the completions, links, and on Windows an executable.

hatchling looks for this file. Everywhere but on Windows the executable is a script of ours (see pyproject.toml); there
it has to be an `.exe`, which installers make of an entry point: git looks for nothing else.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

PROGRAM = "git-credential-hf"
COMPLETIONS = {
    "bash": f"share/bash-completion/completions/{PROGRAM}",
    "fish": f"share/fish/vendor_completions.d/{PROGRAM}.fish",
    "zsh": f"share/zsh/site-functions/_{PROGRAM}",
}
# What click's script (8.5) does where zsh has loaded it is right at the first Tab only; here is the second.
MORE = {"zsh": '\n[[ $zsh_eval_context[-1] == loadautofunc ]] || _git_credential_hf_completion "$@"\n'}
# The system that the wheel is for; releases are built on each, and the tests build both here.
IS_FOR_WINDOWS = os.environ.get("GIT_CREDENTIAL_HF_BUILD_FOR", sys.platform) == "win32"


class Metadata(MetadataHookInterface):
    """What depends on where the package is built: an entry point on Windows, and links to the repository on GitHub."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add it to the project's metadata."""
        metadata["scripts"] = {PROGRAM: "git_credential_hf.launcher:main"} if IS_FOR_WINDOWS else {}
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["urls"] = {}
        if repository := repository_url():
            ref = os.environ.get("GITHUB_REF_NAME") or "HEAD"
            readme = with_absolute_links(readme, repository, ref)
            metadata["urls"] = {
                "Homepage": repository,
                "Changelog": f"{repository}/blob/{ref}/CHANGELOG.md",
                "Issues": f"{repository}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


def repository_url() -> str | None:
    """Return the repository that GitHub builds, if it is this project's, or a fork; `None` elsewhere.

    A job of another project may build this package, too.
    """
    server, repository = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{repository}" if server and repository.split("/")[1:] == [PROGRAM] else None


def with_absolute_links(text: str, repository: str, ref: str) -> str:
    """Return Markdown with links and pictures that work outside of the repository; what is in code stays as it is."""

    def absolute(match: "re.Match[str]") -> str:
        is_picture = match["start"].startswith(("!", "src"))
        return f"{match['start']}{repository}/{'raw' if is_picture else 'blob'}/{ref}/{match['path']}"

    link = (
        r"""(?P<start>!\[[^\]]*\]\(|\]\(|\b(?:src|href)=["']|^\[[^\]]+\]: +)(?!\w+:|[#/<])(?:\./)?(?P<path>[^\s)"']+)"""
    )
    parts = re.split(r"(^```.*?^```|`[^`\n]+`)", text, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [re.sub(link, absolute, part, flags=re.MULTILINE) for part in parts[::2]]
    return "".join(parts)


class Documents(BuildHookInterface):  # type: ignore[type-arg]
    """The manual page and the completions, from the commands themselves; for a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, in a directory that goes with the build."""
        if IS_FOR_WINDOWS:
            build_data["tag"] = "py3-none-win32.win_amd64.win_arm64"
            return
        build_data["shared_scripts"] = {"git_credential_hf/launcher.py": PROGRAM}
        sys.dont_write_bytecode = True
        sys.path.insert(0, self.root)
        from click.shell_completion import get_completion_class

        from git_credential_hf import cli
        from git_credential_hf.manpage import manual_page

        self.made = Path(tempfile.mkdtemp())
        pages = {f"share/man/man1/{PROGRAM}.1": manual_page(cli.commands)}
        for shell, place in COMPLETIONS.items():
            completion = get_completion_class(shell)
            if completion is None:
                raise RuntimeError(f"click has no completion for {shell}")
            variable = f"_{PROGRAM}_COMPLETE".replace("-", "_").upper()
            pages[place] = completion(cli.commands, {}, PROGRAM, variable).source() + MORE.get(shell, "")
        for place, text in pages.items():
            file = self.made / place.replace("/", "-")
            file.write_text(text, encoding="utf-8", newline="\n")
            build_data["shared_data"][str(file)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove them."""
        if not IS_FOR_WINDOWS:
            shutil.rmtree(self.made)
