#!/usr/bin/env python3
"""packaging/fill.py SDIST DIRECTORY: write the Homebrew formula and the conda recipe of a release into DIRECTORY.

What is released is the sdist: its metadata has the version and the repository, where it is among the files of the
release. What Homebrew installs beside it are the sdists of the versions that packaging/action/requirements.txt locks,
wherever uv finds them. Needs Python 3.11, and uv.
"""

import email
import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import IO, Any, cast

import tomllib

HERE = Path(__file__).resolve().parent
TEMPLATES = ("homebrew/git-credential-hf.rb", "conda/recipe.yaml")
# Homebrew builds from source, and this is in Rust: only what uploads and downloads files with huggingface_hub uses it.
NOT_FOR_HOMEBREW = {"hf-xet"}


def main(sdist: Path, directory: Path) -> None:
    """Write both files."""
    directory.mkdir(parents=True, exist_ok=True)
    fields = read_fields(sdist)
    for template in map(HERE.joinpath, TEMPLATES):
        text = template.read_text(encoding="utf-8")
        text = text.partition("\n")[2]  # the first line is about the template
        for name, value in fields.items():
            text = text.replace(f"@{name}@", value)
        text = text.replace("  # RESOURCES\n", "\n".join(map(resource, locked_sdists())))
        directory.joinpath(template.name).write_text(text, encoding="utf-8")


def read_fields(sdist: Path) -> dict[str, str]:
    """Return what the templates need to know of a release."""
    with tarfile.open(sdist) as opened:
        [member] = [name for name in opened.getnames() if name.count("/") == 1 and name.endswith("/PKG-INFO")]
        metadata = email.message_from_binary_file(cast("IO[bytes]", opened.extractfile(member)))
    urls = dict(field.split(", ", 1) for field in metadata.get_all("Project-URL", []))
    if "Homepage" not in urls:
        raise SystemExit(f"{sdist.name} names no repository: it was not built on GitHub, see hatch_build.py")
    return {
        "VERSION": metadata["Version"],
        "HOMEPAGE": urls["Homepage"],
        "OWNER": urls["Homepage"].split("/")[-2],
        "URL": f"{urls['Homepage']}/releases/download/v{metadata['Version']}/{sdist.name}",
        "SHA256": hashlib.sha256(sdist.read_bytes()).hexdigest(),
    }


def locked_sdists() -> list[dict[str, Any]]:
    """Return the packages that this one needs, in their locked versions, each with the URL and hash of its sdist."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = (
        *("uv", "pip", "compile", "--quiet", "--format", "pylock.toml", "--python-version", "3.14"),
        *("--python-platform", "macos", "--constraint", str(HERE / "action/requirements.txt"), "-"),
    )
    found = subprocess.run(  # noqa: S603 - uv, with paths of our own
        command, input="\n".join(project["dependencies"]), capture_output=True, text=True, check=True
    )
    packages: list[dict[str, Any]] = tomllib.loads(found.stdout)["packages"]
    return [package for package in packages if package["name"] not in NOT_FOR_HOMEBREW]


def resource(package: dict[str, Any]) -> str:
    """Return a resource of a formula."""
    url, sha256 = package["sdist"]["url"], package["sdist"]["hashes"]["sha256"]
    return f'  resource "{package["name"]}" do\n    url "{url}"\n    sha256 "{sha256}"\n  end\n'


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
