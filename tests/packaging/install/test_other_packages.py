"""The files for Debian, Homebrew and conda: they have the versions and dependencies of pyproject.toml."""

from __future__ import annotations

import json
import re
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from programs import run

from .conftest import CHECKOUT, INSTALLERS, build, copy_checkout

PACKAGING = CHECKOUT / "packaging"
CONTROL = (PACKAGING / "debian/control").read_text()
FORMULA = (PACKAGING / "homebrew/git-credential-hf.rb").read_text()
RECIPE = yaml.safe_load((PACKAGING / "conda/recipe.yaml").read_text())
PYPROJECT = (CHECKOUT / "pyproject.toml").read_text()


def split(requirement: str) -> tuple[str, str]:
    """Return the normalized name and the lowest version of a requirement, in any of the notations."""
    found = re.fullmatch(r"([\w-]+?)\s*(?:\(?\s*>=\s*([\d.]+)\)?)?", requirement.strip())
    assert found, requirement
    return found[1].lower().replace("_", "-"), found[2] or ""


def needed(extra: str = "") -> dict[str, str]:
    """Return what the installed package needs, or what an extra adds, with the lowest versions."""
    found = {}
    for line in metadata.requires("git-credential-hf") or []:
        requirement, _, marker = line.partition(";")
        if (extra in marker) if extra else not marker:
            name, lowest = split(requirement)
            found[name] = lowest
    return found


def build_requirements() -> dict[str, str]:
    line = re.search(r"^requires = \[(.*?)\]", PYPROJECT, re.MULTILINE)
    assert line
    return dict(split(requirement) for requirement in re.findall(r'"(.*?)"', line[1]))


def field(name: str) -> dict[str, str]:
    """Return the packages of Python in a field of Debian's control file."""
    found = re.search(rf"^{name}:(.*(?:\n .*)*)", CONTROL, re.MULTILINE)
    assert found
    packages = dict(
        split(part)
        for part in found[1].split(",")
        if part.strip() and "$" not in part and "=" not in part.replace(">=", "")
    )
    return {name.removeprefix("python3-"): lowest for name, lowest in packages.items() if name.startswith("python3-")}


def test_debian() -> None:
    """Debian's package depends on what pip would install, and suggests what the extra does."""
    assert field("Depends") == needed()
    assert field("Suggests") == {"socks": needed("socks")["pysocks"]}
    assert field("Build-Depends") == build_requirements()


def test_conda() -> None:
    """The recipe depends on the same, on git, and on the lowest Python that the package allows."""
    assert RECIPE["context"]["python_min"] == metadata.metadata("git-credential-hf")["Requires-Python"].removeprefix(
        ">="
    )
    host, run_with = ([line for line in RECIPE["requirements"][key] if "$" not in line] for key in ("host", "run"))
    assert dict(map(split, host)) == build_requirements() | {"pip": ""}
    assert dict(map(split, run_with)) == needed() | {"git": "", "--unix": ""}
    assert RECIPE["about"]["summary"] == metadata.metadata("git-credential-hf")["Summary"]


def test_what_they_say_of_the_project() -> None:
    """The license is the same, no file names a version of its own, and the extension of `hf` has the program's."""
    [license_name] = re.findall(r'^license = "(.*)"', PYPROJECT, re.MULTILINE)
    assert RECIPE["about"]["license"] == license_name
    assert f'license "{license_name}"' in FORMULA
    assert f"License: {license_name}" in (PACKAGING / "debian/copyright").read_text()
    version = metadata.version("git-credential-hf")
    for file in (
        "debian/control",
        "debian/build",
        "debian/rules",
        "homebrew/git-credential-hf.rb",
        "conda/recipe.yaml",
    ):
        assert f'"{version}' not in (PACKAGING / file).read_text()
    extension = (PACKAGING / "hf-git/pyproject.toml").read_text()
    assert f'version = "{version}"' in extension
    assert f'"git-credential-hf>={version}"' in extension


# --- those of a release ---

RENDER = """
import json, sys
from rattler_build import Stage0Recipe, VariantConfig
[variant] = Stage0Recipe.from_file(sys.argv[1]).render(VariantConfig())
print(json.dumps(variant.recipe.to_dict(), default=str))
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What fill.py makes of an sdist that GitHub has built; beside it is the sdist."""
    folder = tmp_path_factory.mktemp("release")
    checkout = copy_checkout(folder / "checkout")
    job = {"GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "acme/git-credential-hf"}
    sdist = build(checkout, folder / "filled", "--sdist", HOME=str(folder), GITHUB_REF_NAME="v1", **job)
    run("python3", checkout / "packaging/fill.py", sdist, folder / "filled", PATH=f"{INSTALLERS}:/usr/bin:/bin")
    return folder / "filled"


def is_filled(text: str, sdist: Path) -> None:
    assert "@" not in text.replace("python@3", "")
    assert f"/acme/git-credential-hf/releases/download/v{metadata.version('git-credential-hf')}/{sdist.name}" in text
    assert run("sha256sum", sdist).stdout.split()[0] in text


@pytest.mark.registries
def test_the_formula_of_a_release(filled: Path) -> None:
    """It is valid Ruby, with an sdist, and its hash, for each package that is needed, in the locked version."""
    if shutil.which("ruby") is None:
        pytest.skip("ruby is not installed")
    formula = filled / "git-credential-hf.rb"
    assert run("ruby", "-wc", formula).stdout == "Syntax OK\n"
    text = formula.read_text()
    is_filled(text, next(filled.glob("*.tar.gz")))
    resources = re.findall(
        r'resource "(.*)" do\n    url "https?://.*/(.*)"\n    sha256 "([0-9a-f]{64})"\n  end\n', text
    )
    assert len(resources) == text.count("resource ")
    locked = (PACKAGING / "action/requirements.txt").read_text()
    for name, file, digest in resources:
        version = re.search(rf"^{name}==([^ ]+)", locked, re.MULTILINE)
        assert version and version[1] in file and digest in locked, name
    assert {name for name, _, _ in resources} >= set(needed())


@pytest.mark.registries
def test_the_recipe_of_a_release(filled: Path, tmp_path: Path) -> None:
    """Rattler-build, which conda-forge builds with, reads it."""
    recipe = filled / "recipe.yaml"
    is_filled(recipe.read_text(), next(filled.glob("*.tar.gz")))
    (tmp_path / "render.py").write_text(RENDER)
    done = run(
        *(INSTALLERS / "uv", "run", "--quiet", "--no-project", "--python", "3.11", "--with", "py-rattler-build"),
        *("python", tmp_path / "render.py", recipe),
    )
    rendered: dict[str, Any] = json.loads(done.stdout)
    assert rendered["package"]["version"] == metadata.version("git-credential-hf")


@pytest.mark.registries
def test_no_repository_is_made_up(tmp_path: Path) -> None:
    """Of an sdist that was not built on GitHub, nobody knows where it will be."""
    checkout = copy_checkout(tmp_path / "checkout")
    sdist = build(checkout, tmp_path / "made", "--sdist", HOME=str(tmp_path), GITHUB_REPOSITORY="")
    done = run("python3", checkout / "packaging/fill.py", sdist, tmp_path / "filled", check=False)
    assert done.returncode == 1
    assert "names no repository" in done.stderr
