"""Hints name commands, which people paste: nothing that somebody else has chosen is in one but as a quoted word."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import git_credential_hf

PACKAGE = Path(git_credential_hf.__file__).parent
TREES = {str(path.relative_to(PACKAGE)): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
QUOTED = {"shell_word", "shell_command", "_pathspec"}
# Calls of which the second argument, or another one, is a hint.
TAKE_HINTS = {"Problem": 1, "NoAnswer": 1, "Unreachable": 2, "Answer": 5, "warn": 1, "Finding": 4, "_elsewhere": 4}
NAME = re.compile(r"(?:.*_|)(?:hint|fix|remedy|removal_command)(?:_.*|)")  # of functions that return one, of variables

# What else is in a hint: it is a constant, has been quoted where it was made, or cannot have such a character.
OURS = {
    "api/access.py": {"account.name"},  # `is_valid_name`
    "api/client.py": {"variable"},
    "api/refusals.py": {
        *("create", "page", "repository.hub", "repository.name", "repository.page", "role"),
        *("then.get(token.kind, '')", "token.place", "url"),
    },
    "cli/__init__.py": {"command", "meant"},
    "cli/configure.py": {"stays", "login_hint()", "scope"},
    "cli/doctor.py": {"again"},
    "cli/hooks.py": {"command", "problem.fix"},
    "configure/__init__.py": {"reinstall"},
    "configure/settings.py": {"at"},
    "doctor/changes.py": {"self.path"},
    "doctor/netrc.py": {"problem.fix"},
    "doctor/environment.py": {"PUBLIC_HUB", "TRUSTED_PUBLISHERS", "configure"},
    "doctor/finding.py": {"reason.fix"},
    "doctor/git_setup.py": {"' '.join(variables)", "problem.fix", "user"},  # `is_valid_name`
    "doctor/other_tokens.py": {"' '.join(self._bypassing)"},
    "doctor/repository.py": {"page"},
    "doctor/token.py": {"instead", "login_hint()", "name", "token.place"},
    "git/config.py": {"variable"},
    "git/credentials.py": {"_without_password(url, plain, entries)", "configure_hint()"},
    "git/helper_chain.py": {"scope"},
    "git/lfs.py": {"' && '.join(commands)", "' && '.join([install, *commands])", "install", "rest"},
    "git/run.py": {"found[1]", "found[1] or found[4]", "what"},
    "hooks/hook_script.py": {"show"},
    "hooks/fixes.py": {
        *("checkout", "command", "self._first", "pathspec", "self._target", "self.push_without_history()", "tree"),
    },
    "hooks/contents.py": {"refs", "url"},
    "hooks/write_access.py": {"push.repository.page"},
    "hooks/verdict.py": {"check", "default"},
    "hints.py": {"_NAME", "hint.removeprefix(_NAME)", "program"},
    "hooks/rules.py": {
        *("branch", "command", "pattern", "token_settings_url()", "top", "track"),
        *("blob.commit[:10]", "edit", "hint", "then", "merges", "once", "revoke", "start", "tag"),
        *("_removal(leak, branch)", "_way_past('commit')", "_way_past('push')"),
    },
    "hub.py": {"hub"},
    "login_hints.py": {"login", "login_hint()", "name"},
    "login.py": {"by_file", "current.place"},
    "program.py": {"' && '.join((shell_command([*sudo, *command]) for command in commands))", "reinstall"},
    "purge/result.py": {"helper", "lines"},
    "purge/stale.py": {"current.place"},
    "refresh.py": {"name"},
    "status.py": {"' '.join(variables)"},
    "token_files.py": {"names[0]"},
    "tokens.py": {"self.place", "self.settings_url"},
    "trusted_publishers.py": {"hub"},
}


def functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield each node with the name of the function that it is in."""
    for node in ast.iter_child_nodes(tree):
        inner = node.name if isinstance(node, ast.FunctionDef) else name
        yield inner, node
        yield from functions(node, inner)


def called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else None
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def hints(tree: ast.AST, makers: set[str]) -> Iterator[ast.AST]:
    """Yield the expressions that are, or may become, a hint; `makers`: functions that return one."""
    for function, node in functions(tree):
        if isinstance(node, ast.Call):
            at = TAKE_HINTS.get(called(node), 1 if called(node) == "report" else None)
            if at is not None and (called(node) != "report" or ast.unparse(node.args[0]) == "'hint'"):
                yield from node.args[at:][:1]
            yield from (keyword.value for keyword in node.keywords if keyword.arg in ("fix", "hint"))
        if isinstance(node, ast.Return) and node.value and (function in makers or NAME.fullmatch(function)):
            yield node.value
        if isinstance(node, ast.Assign) and NAME.fullmatch(ast.unparse(node.targets[0])):
            yield node.value


def unquoted(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of an expression, but for what is quoted for a shell."""
    yield node
    for child in ast.iter_child_nodes(node):
        if called(child) not in QUOTED:
            yield from unquoted(child)


def put_in(hint: ast.AST) -> Iterator[ast.expr]:
    """Yield what is put into a text."""
    for node in unquoted(hint):
        if isinstance(node, ast.FormattedValue) and called(node.value) not in QUOTED:
            yield node.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            sides = [side for side in (node.left, node.right) if isinstance(side, ast.Name | ast.Attribute | ast.Call)]
            yield from (side for side in sides if called(side) not in QUOTED)


def hint_makers() -> set[str]:
    """Return the functions whose results are used as hints, or in hints."""
    found: set[str] = set()
    while True:
        more = {called(node) for tree in TREES.values() for hint in hints(tree, found) for node in unquoted(hint)}
        if more <= found | QUOTED | {""}:
            return found
        found |= more - QUOTED - {""}


@pytest.fixture(scope="module")
def makers() -> set[str]:
    return hint_makers()


@pytest.mark.parametrize("module", TREES)
def test_what_is_in_a_hint_is_quoted(module: str, makers: set[str]) -> None:
    """Each value in a hint is quoted for a shell, so that it neither ends a command nor begins another one."""
    found = {ast.unparse(value) for hint in hints(TREES[module], makers) for value in put_in(hint)}
    assert found <= OURS.get(module, set()), "use `shell_word`"
