"""Which module may import which: down one list of layers, without circles, and no folder on `get`'s path."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import git_credential_hf

PACKAGE = Path(git_credential_hf.__file__).parent

# From the bottom to the top. A module imports from the layers below its own, also inside of functions.
LAYERS = [
    ["", "api", "git", "hooks", "masking", "system", "hooks.limits"],
    ["problem", "progress"],
    ["hub", "program"],
    ["files", "protocol", "token_files", "git.run"],
    ["state", "git.config", "git.netrc", "git.pipeline", "git.urlmatch", "hooks.steps"],
    ["git.lfs", "git.network"],
    ["api.huggingface_client", "api.transport"],
    ["api.account", "api.client", "git.helpers", "hooks.leaks", "hooks.pointers", "hooks.updates"],
    ["hooks.additions"],
    ["hooks.objects"],
    ["git.lfs_endpoint", "refresh", "hooks.scan"],
    ["tokens"],
    ["owners"],
    [
        "api.refusals",
        "configure",
        "git.credentials",
        "doctor.finding",
        "git.other_helpers",
        "hints",
        "hooks.cards",
        "hooks.fixes",
        "hooks.verdict",
        "login",
    ],
    ["api.access", "api.contents", "hooks.hooks_path"],
    ["hooks.hook_script"],
    ["hooks.hook_place"],
    ["hooks.installed"],
    ["hooks.install"],
    ["login_offer", "purge", "hooks.known_tokens", "hooks.uploads"],
    ["configure_env", "doctor.observation", "helper", "hooks.rules"],
    ["status", "doctor.machine", "hooks.push"],
    ["hooks.history", "hooks.write_access"],
    ["hooks.contents"],
    ["hooks.judge", "doctor.changes", "doctor.undo", "doctor.environment", "doctor.repository"],
    ["doctor.copies", "doctor.token"],
    ["doctor.git_setup"],
    ["doctor"],
    ["doctor.fix", "doctor.report", "output", "manpage"],
    ["doctor.markdown", "overview"],
    ["cli.options"],
    ["cli.doctor", "cli.hooks", "cli.purge"],
    ["cli.configure"],
    ["cli"],
    ["__main__", "launcher"],  # the one circle: the launcher starts `__main__`, and `python -m` the launcher
]
HEIGHT = {module: height for height, layer in enumerate(LAYERS) for module in layer}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(node: ast.AST, *, everywhere: bool) -> set[str]:
    """Our modules that are imported at the top of a module, or everywhere in it; what is for mypy alone is not."""
    found = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.ImportFrom) and (child.module or "").split(".")[0] == "git_credential_hf":
            base = (child.module or "").partition(".")[2]
            for alias in child.names:
                module = f"{base}.{alias.name}".lstrip(".")
                found.add(module if module in MODULES else base)
        if everywhere or not isinstance(child, ast.FunctionDef):
            found |= imported(child, everywhere=everywhere)
    return found


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_down(module: str) -> None:
    """What a module imports is below it: so there is no circle, and nothing knows who uses it."""
    assert module in HEIGHT, f"{module} has no place in LAYERS"
    wanted = imported(ast.parse(MODULES[module].read_text()), everywhere=True) - {module}
    if module == "launcher":
        wanted -= {"__main__"}
    if module == "__main__":
        wanted -= {"launcher"}
    assert not {other for other in wanted if HEIGHT[other] >= HEIGHT[module]}


def test_each_layer_is_there() -> None:
    """The list of layers names no module that has gone."""
    assert set(HEIGHT) == set(MODULES)


def test_no_folder_on_the_path_of_get() -> None:
    """What `get` imports, and all that this imports at its top, lies in the root."""
    seen: set[str] = set()
    waiting = {"__main__", "protocol", "helper"}
    while waiting:
        module = waiting.pop()
        seen.add(module)
        waiting |= imported(ast.parse(MODULES[module].read_text()), everywhere=False) - seen
    assert not {module for module in seen if "." in module or (MODULES[module].name == "__init__.py" and module)}
