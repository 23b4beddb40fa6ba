"""The hooks: find what a push or commit adds, check it, and install the scripts that git runs."""
