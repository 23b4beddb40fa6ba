"""The requests to the Hub, and the meaning of its answers."""
