"""What the Hub has against the metadata of a card, as far as it is known: limits, and words that it does not have."""

import re

LIMIT = 60  # characters of short_description
TOO_LONG = f'"short_description" length must be less than or equal to {LIMIT} characters long'
# Of the Hub's long lists, those that tests use.
WORDS = {
    "colorFrom": ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"),
    "colorTo": ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"),
    "license": ("apache-2.0", "mit", "openrail", "cc-by-4.0", "other"),
}


def errors(content: str) -> list[str]:
    """The Hub's words, without its "Error: " (docs/facts.md#h10). Only plain, one-line values are looked at."""
    header = content[3:].partition("\n---")[0] if content.startswith("---") else ""
    found = {key: value.strip("\"' ") for key, value in re.findall(r"^(\w+):[ ]*(.*)$", header, re.MULTILINE)}
    said = [TOO_LONG] if len(found.get("short_description", "")) > LIMIT else []
    for key, words in WORDS.items():
        if found.get(key) and found[key] not in words:
            said.append(f'"{key}" must be one of [{", ".join(words)}]')
    return said
