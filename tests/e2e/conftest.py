"""The Hub, and somebody's account on a fresh machine."""

from account import account, hub

__all__ = ["account", "hub"]
