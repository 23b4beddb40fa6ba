"""The Hub, and somebody's account on a fresh machine."""

from account import account, browser_login, hub

__all__ = ["account", "browser_login", "hub"]
