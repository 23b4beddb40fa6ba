"""Coverage-guided: `python -m inputs.fuzz TARGET HOME [OPTION...] [CORPUS...]`, with HOME an empty directory."""

import os
import sys
from pathlib import Path

import atheris

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_UPDATE_CHECK"] = "1"
with atheris.instrument_imports(include=["git_credential_hf"]):
    from inputs import targets

target = targets.Targets(Path(sys.argv[2]).resolve()).named[sys.argv[1]]
atheris.Setup([sys.argv[0], *sys.argv[3:]], target)
atheris.Fuzz()
