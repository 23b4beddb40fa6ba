#!python
"""What install.sh asks of git-credential-hf, and the ways in which it can go wrong (STANDIN=STEP-fails|hangs)."""

import os
import sys
import time
from pathlib import Path

SECTION = '\n[credential "https://huggingface.co"]\n'

step = sys.argv[1].strip("-")
told = os.environ.get("STANDIN", "")
if told == f"{step}-fails":
    sys.exit(f"{step} was told to fail")
config = Path.home() / ".gitconfig"
before = config.read_text() if config.exists() else ""
start, _, _ = before.partition(SECTION)
if step == "version":
    print("git-credential-hf VERSION")
elif step == "configure":
    config.write_text(start + SECTION + "\thelper = hf\n")
elif step == "unconfigure" and start:
    config.write_text(start)
elif step == "unconfigure":
    config.unlink(missing_ok=True)
elif step == "status" and told == "not-logged-in":
    print("token     none")
    print("git-credential-hf: error: not logged in to Hugging Face", file=sys.stderr)
    sys.exit("git-credential-hf: hint: run `git-credential-hf login`")
elif step == "status" and told == "rejected":
    print("git-credential-hf: error: the Hub rejects the token", file=sys.stderr)
    sys.exit("git-credential-hf: hint: run `git-credential-hf login`\ngit-credential-hf: hint: then something else")
elif step == "status":
    print("the status")
if told == f"{step}-hangs":
    Path(os.environ["STANDIN_READY"]).touch()
    time.sleep(1)
