"""The Hub, somebody's account on a fresh machine, and a repository with our hooks."""

from account import account, browser_login, hub
from pushes import work

__all__ = ["account", "browser_login", "hub", "work"]
