"""The fixtures of the end-to-end tests: a Hub, and somebody's account."""

from account import account, hub

__all__ = ["account", "hub"]
