"""How much of a test is run each time."""

import os

IS_LONG = bool(os.environ.get("GIT_CREDENTIAL_HF_TESTS_LONG"))


def tenth(number: int) -> int:
    """All of so many inputs in a long run, a tenth of them in any other."""
    return number if IS_LONG else number // 10
