"""Mutants: copies of a module with one small thing changed, which some test has to notice.

mutmut says what may be changed into what. Which of its mutants live is kept in `explained.toml`, with the reason.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

EXPLAINED = Path(__file__).with_name("explained.toml")


class Mutant(NamedTuple):
    """`was` and `now` are the lines that differ; `lines` is where in the file the change is."""

    module: str
    function: str
    was: str
    now: str
    lines: range
    code: str

    @property
    def key(self) -> str:
        """What it is known by from run to run, wherever in the file it stands."""
        return f"{self.module}.{self.function}: {self.was} -> {self.now}"


def made_of(module: str, code: str) -> list[Mutant]:
    """All mutants of a module."""
    import libcst
    from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
    from mutmut.mutation.file_mutation import MutationVisitor
    from mutmut.mutation.mutators import mutation_operators
    from mutmut.mutation.pragma_handling import IgnoredCode

    wrapper = MetadataWrapper(libcst.parse_module(code))
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    tree = wrapper.visit(visitor)
    parents, positions = wrapper.resolve(ParentNodeProvider), wrapper.resolve(PositionProvider)

    # Writing a whole module out of its tree takes long; so each statement of it is written, and put between the others.
    texts = [tree.code_for_node(statement) for statement in tree.body]
    before, after = code.split("".join(texts))

    found: dict[str, Mutant] = {}
    for mutation in visitor.mutations:
        names, place, node = [], None, mutation.original_node
        while True:
            if isinstance(node, libcst.BaseSmallStatement) or (place is None and node in positions):
                place = positions[node]
            if isinstance(node, libcst.Parameters):
                place = positions[parents[node]]  # whoever calls it may notice
            if isinstance(node, (libcst.FunctionDef, libcst.ClassDef)):
                names.append(node.name.value)
            if parents[node] is tree:
                break
            node = parents[node]
        at = next(number for number, top in enumerate(tree.body) if top is node)
        text = tree.code_for_node(node.deep_replace(mutation.original_node, mutation.mutated_node))
        try:
            compile(text, module, "exec", dont_inherit=True)
        except SyntaxError:
            continue
        changed = "".join([before, *texts[:at], text, *texts[at + 1 :], after])
        lines = range(place.start.line, place.end.line + 1)
        mutant = Mutant(module, ".".join(reversed(names)) or "-", *_difference(texts[at], text), lines, changed)
        found.setdefault(changed, mutant)
    return list(found.values())


def _difference(old: str, new: str) -> tuple[str, str]:
    was, now = [], []
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""):
        if line[:1] == "-" and not line.startswith("---"):
            was.append(line[1:].strip())
        elif line[:1] == "+" and not line.startswith("+++"):
            now.append(line[1:].strip())
    return " ".join(was), " ".join(now)


def load(text: str) -> list[dict[str, str]]:
    """The explanations, each with `why`, and with what it is about.

    That is a mutant, by its `module`, `function`, `was` and `now`; or all in whose changed lines the expression
    `pattern` is found, of a `module` and a `function` where these are given.
    """
    try:
        import tomllib
    except ImportError:  # Python 3.10, where pytest brings it
        import tomli as tomllib  # type: ignore[no-redef]
    explanations: list[dict[str, str]] = tomllib.loads(text).get("lives", [])
    for explanation in explanations:
        names = set(explanation) - {"module", "function"}
        assert names in ({"was", "now", "why"}, {"pattern", "why"}), explanation
    return explanations


def fits(explanation: Mapping[str, str], mutant: Mutant) -> bool:
    if any(explanation.get(name, getattr(mutant, name)) != getattr(mutant, name) for name in ("module", "function")):
        return False
    if "pattern" in explanation:
        return re.search(explanation["pattern"], f"{mutant.was} -> {mutant.now}") is not None
    return (explanation["was"], explanation["now"]) == (mutant.was, mutant.now)


def explained(alive: Iterable[Mutant], explanations: list[dict[str, str]]) -> tuple[list[tuple], list[Any], list[Any]]:
    """Each explanation with the mutants that it is for; the mutants that none is for; those that are for no mutant."""
    rest, pairs = list(alive), []
    for explanation in explanations:
        mine = [mutant for mutant in rest if fits(explanation, mutant)]
        rest = [mutant for mutant in rest if mutant not in mine]
        pairs.append((explanation, mine))
    return [pair for pair in pairs if pair[1]], rest, [explanation for explanation, mine in pairs if not mine]
