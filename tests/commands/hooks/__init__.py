"""The files in `hooks/` in real repositories, with real git, git-lfs, pre-commit and husky."""
