"""The README and docs/: their texts, and the blocks in them that tests run."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# docs/facts.md tells how other programs behave, and nothing that one could type.
FILES = (ROOT / "README.md", *sorted(file for file in ROOT.glob("docs/*.md") if file.name != "facts.md"))
DOCUMENTS = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8") for file in FILES}
README = DOCUMENTS["README.md"]
ALL = "\n".join(DOCUMENTS.values())


def blocks(kind: str, text: str = ALL) -> list[str]:
    """Return the code blocks of this kind; the kind is a regular expression."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def block(heading: str, kind: str) -> str:
    """Return the first code block of this kind below a heading, in whichever document has that heading."""
    [text] = [text for text in DOCUMENTS.values() if re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE)]
    return blocks(kind, re.split(rf"^#+ {re.escape(heading)}$", text, flags=re.MULTILINE)[1])[0]
