"""The recipes of the documents, each beside a project's environment: git asks the program, the project is as before.

The commands stand there as they are run here. No index has the program yet: pip and uv find its wheel in a
directory. The Dockerfile is in `tests/e2e/fleet/test_container.py`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from amount import each_run
from documents import ALL, DOCUMENTS, README, block, blocks
from installed import CHECKOUT, Installation, Project, downloaded

# Looks for a credential, with the project's environment and then without.
ASK = r"""
ask() { printf 'protocol=https\nhost=huggingface.co\n\n' | git credential fill; }
ask
mv "$PROJECT" "$PROJECT.gone"
ask
mv "$PROJECT.gone" "$PROJECT"
"""
CLONE = "git clone https://huggingface.co/"
COLAB = """
def get(name):
    return {"HF_TOKEN": "hf_canary"}[name]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project's environment, which is as good after all of these recipes as before."""
    project = Project(tmp_path_factory.mktemp("project") / "env")
    yield project
    project.works()


@pytest.fixture
def there(project: Project, tmp_path: Path) -> Installation:
    """A home in which nothing is installed, and the project's environment is active."""
    there = Installation(tmp_path / "home", downloaded())
    there.environment |= {
        "PATH": os.pathsep.join([str(project.folder / "bin"), there.environment["PATH"]]),
        "VIRTUAL_ENV": str(project.folder),
        "PROJECT": str(project.folder),
        "HF_TOKEN": "hf_canary",
    }
    return there


def first_commands(tool: str) -> str:
    """The first line of the README, and what it says of pipx; the second line is a clone."""
    install, clone = block("git-credential-hf", "sh").splitlines()
    assert clone.startswith(CLONE)
    by_uv, configure = install.split(" && ")
    by_pipx = "pipx install git-credential-hf"
    assert f"`{by_pipx}`" in README
    return f"{by_uv if tool == 'uv' else by_pipx}\n{configure}\n"


def any_ci() -> str:
    install, clone, rest = block("Any CI, with HF_TOKEN", "sh").partition(CLONE)
    assert clone and not rest.splitlines()[1:]
    return install


def notebook(folder: Path) -> str:
    """The notebook's lines, as a program for the project's Python; its shell is one that ends at an error."""
    (folder / "colab/google/colab").mkdir(parents=True)
    (folder / "colab/google/colab/userdata.py").write_text(COLAB)
    lines = ["import subprocess"]
    for line in block("In a notebook", "python").splitlines():
        if line.startswith(f"!{CLONE}"):
            line = "!" + f". {folder}/ask"
        if line.startswith("!"):
            line = f"subprocess.run(['bash', '-ec', {line[1:]!r}], check=True)"
        lines.append(line)
    (folder / "ask").write_text(ASK)
    (folder / "notebook.py").write_text("\n".join(lines))
    return f"unset HF_TOKEN; PYTHONPATH={folder}/colab python {folder}/notebook.py"


def shared_machine(folder: Path) -> str:
    """What root types on a shared machine, in a directory that is not the machine's."""
    text = block("On a shared machine", "sh").replace("sudo ", "").replace("/opt/", f"{folder}/opt/")
    return text.replace("./install.sh", str(CHECKOUT / "install.sh"))


# What the others do is done elsewhere in each run: what install.sh does, for one account and for all, in test_ways.py;
# any CI's lines in ci/test_snippets.py, and what pip does beside such a project in ci/test_action.py. In a notebook,
# other lines do what they do in any CI.
RECIPES = ["uv", "pipx", "install.sh", "any CI", "notebook", "shared machine"]


@pytest.mark.parametrize("recipe", each_run(RECIPES, "uv", "pipx"))
def test_recipes(recipe: str, there: Installation, project: Project, tmp_path: Path) -> None:
    """After it git has a helper, which does not need the project; no file of the project has changed."""
    if recipe in ("uv", "pipx"):
        script = first_commands(recipe) + ASK
    elif recipe == "install.sh":
        script = f"sh -s <{shlex.quote(str(CHECKOUT / 'install.sh'))}\n{ASK}"
    elif recipe == "any CI":
        script = any_ci() + ASK
    elif recipe == "notebook":
        script = notebook(tmp_path)
    else:
        if os.geteuid() != 0:
            pytest.skip("only root installs for all")
        there.environment["GIT_CONFIG_SYSTEM"] = str(tmp_path / "gitconfig")
        del there.environment["GIT_CONFIG_NOSYSTEM"]
        script = shared_machine(tmp_path) + ASK
    assert there.run("sh", "-c", "command -v git-credential-hf", check=False).returncode, "not one of this machine's"
    before = project.state()
    done = there.run("bash", "-eo", "pipefail", "-c", script)
    assert done.stdout.count("password=hf_canary\n") == 2, done.stdout + done.stderr
    assert project.state() == before
    if recipe == "pipx":  # which links the manual, too
        assert (there.home / ".local/share/man/man1/git-credential-hf.1").exists()


@pytest.mark.parametrize("tool", each_run(["uv tool", "pipx"], "uv tool"))  # pipx removes what it has linked, too
def test_removal(tool: str, there: Installation) -> None:
    """By the documented commands all of it goes; without the first of them one more makes git as it was before."""
    before = there.home / ".gitconfig"
    before.write_text("[user]\n\tname = Alice\n")
    unconfigure, uninstall, instead = "git-credential-hf unconfigure", f"{tool} uninstall git-credential-hf", REMOVAL
    assert all(f"`{command}`" in DOCUMENTS["docs/install.md"] for command in (unconfigure, uninstall, instead))
    install = first_commands(tool.split()[0])
    there.run("bash", "-ec", f"{install}\n{unconfigure}\n{uninstall}")
    assert before.read_text() == "[user]\n\tname = Alice\n"
    assert not (there.home / ".config/git-credential-hf").exists()
    assert not os.path.lexists(there.home / ".local/bin/git-credential-hf")
    there.run("bash", "-ec", f"{install}\n{uninstall}\n{instead}")
    done = there.run("bash", "-c", ASK, check=False)
    assert "not found" not in done.stderr and "could not read Username" in done.stderr


REMOVAL = "rm -r ~/.config/git-credential-hf"


def test_gitlab_installs_as_any_ci() -> None:
    """The job for GitLab installs by the same lines."""
    (job,) = yaml.safe_load(block("GitLab CI, without a secret", "yaml")).values()
    assert job["before_script"] == any_ci().splitlines()


def test_nothing_is_installed_into_a_project() -> None:
    """No recipe has `pip install` but by the pip of an environment that it has made."""
    recipes = blocks(r"\w+")
    words = [word for text in (*recipes, *re.findall(r"`([^`\n]+)`", ALL)) for word in text.split("&&")]
    installs = [word.strip() for text in words for word in text.splitlines() if "pip install" in word]
    assert installs
    assert all("bin/python -I -m pip install " in line for line in installs)
