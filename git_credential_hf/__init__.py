"""git logs in to the Hugging Face Hub with the token you already have."""

__version__ = "0.1.0"
