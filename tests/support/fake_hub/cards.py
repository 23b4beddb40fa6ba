"""What the Hub has against the metadata of a card: the one documented limit that is enforced on a push."""

import re

LIMIT = 60  # characters of short_description
TOO_LONG = f'"short_description" length must be less than or equal to {LIMIT} characters long'


def errors(content: str) -> list[str]:
    """The Hub's words, without its "Error: " (docs/facts.md#h10). Only plain, one-line values are looked at."""
    header = content[3:].partition("\n---")[0] if content.startswith("---") else ""
    found = re.search(r"^short_description:[ ]*(.*)$", header, re.MULTILINE)
    return [TOO_LONG] if found and len(found[1].strip("\"' ")) > LIMIT else []
