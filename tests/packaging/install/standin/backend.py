"""A build backend for this directory alone: a wheel with two scripts, a manual page and completions."""

import os
import re
import time
import zipfile
from pathlib import Path

DOCUMENTS = (
    "share/man/man1/git-credential-hf.1",
    "share/bash-completion/completions/git-credential-hf",
    "share/zsh/site-functions/_git-credential-hf",
    "share/fish/vendor_completions.d/git-credential-hf.fish",
)


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """Write the wheel, unless told to fail or to hang (STANDIN=build-fails|build-hangs)."""
    if os.environ.get("STANDIN") == "build-fails":
        raise RuntimeError("the build was told to fail")
    if os.environ.get("STANDIN") == "build-hangs":
        Path(os.environ["STANDIN_READY"]).touch()
        time.sleep(60)
    (version,) = re.findall(r'^version = "(.*)"', Path("pyproject.toml").read_text(), re.M)
    name = f"git_credential_hf-{version}"
    files = {
        f"{name}.data/scripts/git-credential-hf": Path("program.py").read_text().replace("VERSION", version),
        f"{name}.data/scripts/hf": "#!python\nprint('the hf of git-credential-hf')\n",
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: git-credential-hf\nVersion: {version}\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: standin\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    for document in DOCUMENTS:
        files[f"{name}.data/data/{document}"] = f"what {version} says\n"
    record = "".join(f"{path},,\n" for path in files)
    with zipfile.ZipFile(Path(wheel_directory) / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = 0o100755 << 16
            wheel.writestr(entry, text)
        wheel.writestr(f"{name}.dist-info/RECORD", f"{record}{name}.dist-info/RECORD,,\n")
    return f"{name}-py3-none-any.whl"
