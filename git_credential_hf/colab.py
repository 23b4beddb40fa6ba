"""Read the secrets of a Colab notebook, with huggingface_hub."""

from git_credential_hf.huggingface_library import ask_huggingface_hub, one_line
from git_credential_hf.problem import Problem


def colab_secret(hub: str) -> str | None:
    """Return the token in the secrets of a Colab notebook; raises `Problem` if they cannot be read."""
    try:
        return ask_huggingface_hub(hub)[0]
    except Exception as error:
        raise Problem(f"cannot read the secrets of this Colab notebook: {one_line(error)}") from None
