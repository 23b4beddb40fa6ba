"""Which module may import which: down one list of layers, without circles, and no folder on `get`'s path."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from installed import CHECKOUT

import git_credential_hf

PACKAGE = Path(git_credential_hf.__file__).parent

# From the bottom to the top. A module imports from the layers below its own, also inside of functions.
LAYERS = [
    [
        "",
        "api",
        "git",
        "hooks",
        "isolation",
        "problem",
        "secrets",
        "state_directory",
        "system",
        "hooks.limits",
        "hooks.githooks",
    ],
    ["masking"],
    ["report", "shell"],
    ["progress"],
    ["hub", "program"],
    ["files", "protocol", "repository", "token_files", "git.run"],
    ["login_hints", "state", "git.config", "git.netrc", "git.pipeline", "git.urlmatch", "hooks.hook_files"],
    ["hooks.steps"],
    ["backups", "lock", "terminal", "git.lfs", "git.network"],
    ["api.huggingface_client", "api.transport"],
    ["api.account", "api.client", "git.helper_chain", "hooks.leaks", "hooks.pointers", "hooks.updates"],
    ["hooks.additions"],
    ["hooks.known_history", "hooks.objects"],
    ["git.lfs_endpoint", "huggingface_library", "hooks.scan_index", "hooks.scan_push"],
    ["colab", "refresh", "trusted_publishers"],
    ["tokens"],
    ["api.access_cache", "bearer", "owners"],
    [
        "api.refusals",
        "configure.include",
        "git.credentials",
        "doctor.finding",
        "git.other_helpers",
        "hints",
        "hooks.cards",
        "hooks.fixes",
        "hooks.verdict",
        "login",
    ],
    ["api.access", "api.contents", "configure.settings", "hooks.hooks_path"],
    ["configure", "hooks.hook_script"],
    ["hooks.hook_place"],
    ["hooks.installed"],
    ["hooks.install"],
    ["login_offer", "purge.result", "purge.stale", "hooks.known_tokens", "hooks.uploads"],
    ["purge"],
    ["accounts", "purge.chain"],
    ["configure.env", "doctor.observation", "helper", "hooks.rules"],
    ["store_erase", "status", "doctor.lfs_urls", "doctor.other_tokens", "doctor.resolvers", "hooks.push"],
    ["doctor.machine"],
    ["hooks.history", "hooks.write_access"],
    ["hooks.contents"],
    ["hooks.judge", "doctor.changes", "doctor.undo", "doctor.environment", "doctor.repository"],
    ["doctor.config_secrets", "doctor.copies", "doctor.netrc", "doctor.token"],
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
    waiting = {"__main__", "protocol", "helper", "store_erase"}
    while waiting:
        module = waiting.pop()
        seen.add(module)
        waiting |= imported(ast.parse(MODULES[module].read_text()), everywhere=False) - seen
    assert not {module for module in seen if "." in module or (MODULES[module].name == "__init__.py" and module)}


# --- the picture in .github/CONTRIBUTING.md ---

CONTRIBUTING = (CHECKOUT / ".github/CONTRIBUTING.md").read_text("utf-8")
ROWS = [found for line in CONTRIBUTING.split("```")[1].splitlines() if (found := re.findall(r"\w+\.py|\w+/", line))]
DEPTH = {part: depth for depth, row in enumerate(ROWS) for part in row}


def part_of(module: str) -> str:
    """What the picture calls a module: its folder, or its file in the root."""
    top = module.partition(".")[0]
    return f"{top}/" if MODULES[top].name == "__init__.py" else f"{top}.py"


def test_the_picture_has_each_part() -> None:
    """The picture has each folder and each file of the root, once, and nothing else."""
    assert sorted(part for row in ROWS for part in row) == sorted({part_of(module) for module in MODULES if module})


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_picture_matches_the_code(module: str) -> None:
    """What a module imports is in the same row of the picture, or below."""
    wanted = imported(ast.parse(MODULES[module].read_text()), everywhere=True) - {"", module}
    assert not {other for other in wanted if DEPTH[part_of(other)] < DEPTH[part_of(module)]}


def test_the_files_that_are_named() -> None:
    """Each file that CONTRIBUTING.md names exists, in the package or from the root of the repository on."""
    named = set(re.findall(r"`([\w./-]+/[\w.-]*|\w+\.\w+)`", CONTRIBUTING))
    named = {name for name in named if re.search(r"/|\.(py|md)$", name)}
    assert len(named) > 40
    assert {name for name in named if not (PACKAGE / name).exists() and not (CHECKOUT / name).exists()} == set()
