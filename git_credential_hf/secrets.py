"""Remember the secrets that this process has read, which `masking` hides."""

_secrets: dict[str, bool] = {}  # each one, and whether it is masked even if it is a placeholder


def register_secret(text: str) -> str:
    """Register a secret that this process has read, so that no output can show it; return it."""
    if text.strip():
        _secrets[text] = True
    return text


def register_token(text: str) -> str:
    """Register a token like `register_secret`, unless it turns out to be a placeholder (`masking.is_placeholder`)."""
    if text.strip():
        _secrets.setdefault(text, False)
    return text


def registered_secrets() -> dict[str, bool]:
    """Return what was registered, and whether that is secret even if it is a placeholder."""
    return _secrets
