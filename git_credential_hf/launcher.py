#!python
"""The executable `git-credential-hf`; the installer puts its interpreter into the first line."""

import sys

from git_credential_hf.__main__ import main

sys.exit(main())
