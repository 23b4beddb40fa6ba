"""Quote the words of a command in a message, for a shell."""

from git_credential_hf.masking import PREFIX, is_visible


def shell_word(text: str) -> str:
    """Quote a word of a command in a message, so that it is printed unchanged, and works in a shell.

    Control characters, and the backtick, which ends a command in our messages, are written as octal escapes between
    `$'` and `'`, which all shells but dash know. Two spaces in a row are split: `mask_line` would collapse them.
    """
    import shlex

    if all(map(is_visible, text)) and "`" not in text:
        quoted = shlex.quote(text).replace(PREFIX, PREFIX.replace(" ", "'' "))  # which `report` would change
        while "  " in quoted:
            quoted = quoted.replace("  ", " '' ")
        return quoted
    shown = (
        c
        if is_visible(c) and c not in "`'\\ "
        else "".join(rf"\{byte:03o}" for byte in c.encode("utf-8", "surrogateescape"))
        for c in text
    )
    return f"$'{''.join(shown)}'"


def shell_command(words: "list[str] | tuple[str, ...]") -> str:
    """Quote the words of a command in a message."""
    return " ".join(map(shell_word, words))
