"""The README and docs/ are true: what they show can be typed, and what the commands offer is in them."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from documents import ALL, DOCUMENTS, README, ROOT, blocks
from executable import OWN_FILE, PROGRAM

from git_credential_hf.hooks.verdict import CHECKS

if TYPE_CHECKING:
    from fake_hub import Hub

COMMANDS = ("status", "check", "doctor", "configure", "unconfigure", "purge", "hooks", "hook", "login")


def offered(*command: str) -> set[str]:
    """The options in a command's help."""
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"(?<![\w-])--[a-z-]+", done.stdout)) - {"--help"}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_the_commands(command: str) -> None:
    """Every option of a command stands in the documents, and none that the command has not."""
    shown = {
        option
        for use in re.findall(rf"git-credential-hf {command}\b([^`\n|]*)", ALL)
        for option in re.findall(r"--[a-z-]+", use)
    }
    mentioned = set(re.findall(r"--[a-z-]+", ALL))
    assert shown <= offered("git-credential-hf", command)
    assert offered("git-credential-hf", command) <= mentioned


def test_options_of_the_installer() -> None:
    """The usage of install.sh in docs/install.md has the options of its help, all of them and no others."""
    usage = re.search(r"^install\.sh (.*)$", DOCUMENTS["docs/install.md"], re.MULTILINE)
    assert usage
    shown = set(re.findall(r"--[a-z-]+", usage[1]))
    assert shown - {"--help"} == offered(str(ROOT / "install.sh"))


def test_what_configure_writes(home: Path) -> None:
    """The lines in docs/how-it-works.md are the lines that `configure` writes."""
    subprocess.run(["git-credential-hf", "configure"], check=True, capture_output=True)
    for name in (".gitconfig", OWN_FILE):
        text = (home / name).read_text().replace(PROGRAM, "/home/alice/.local/bin/git-credential-hf")
        assert text in blocks("ini", DOCUMENTS["docs/how-it-works.md"])
        assert f"`~/{name}`" in DOCUMENTS["docs/how-it-works.md"]


def test_the_table_of_checks() -> None:
    """The hooks' keys, what they are about and what they do unless told otherwise are the program's own words."""
    for key, (usual, about) in CHECKS.items():
        assert f"| `hf.{key}` | {about} | `{usual}` |" in DOCUMENTS["docs/hooks.md"]


def test_every_command_is_named() -> None:
    """No command is missing in the documents."""
    done = subprocess.run(["git-credential-hf", "--help"], capture_output=True, text=True, check=True)
    listed = re.findall(r"^  ([a-z]+)  ", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert set(listed) == set(COMMANDS)
    assert all(f"git-credential-hf {command}" in ALL for command in COMMANDS)


def test_the_readme_is_short() -> None:
    """It is read before anything else; the rest is in docs/."""
    assert len(README.splitlines()) <= 200


def test_each_page_is_linked() -> None:
    """The README leads to each page in docs/."""
    pages = [page.relative_to(ROOT).as_posix() for page in ROOT.glob("docs/*.md")]
    assert len(pages) > 8
    assert [page for page in pages if f"]({page})" not in README] == []


def anchors(page: Path) -> set[str]:
    """What a link to this page may have behind its `#`, as forges make it of the headings."""
    text = page.read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="(\w+)">', text))


@pytest.mark.parametrize(
    "page", [*DOCUMENTS, "docs/facts.md", "SECURITY.md", "AGENTS.md", ".github/CONTRIBUTING.md", "tests/README.md"]
)
def test_links_lead_somewhere(page: str) -> None:
    """Each link into this repository leads to a file, and to a heading in it."""
    text = re.sub(r"^```.*?^```", "", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = [*re.findall(r"\]\(([^)\s]+)\)", text), *re.findall(r'src="([^"]+)"', text)]
    for target in targets:
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


# --- every command in them ---

PROGRAMS = r"(?:git|git-credential-hf|hf|uv|uvx|pipx|pip|sudo|docker|kubectl|eval|export|unset|rm|gh|GIT_\w+=\S*)"

# What is run here, in a clone of acme/model, by alice, who is logged in and has git configured; and the exit status.
HERE = {
    "git-credential-hf configure": 0,
    "git-credential-hf configure --dry-run": 0,
    "git-credential-hf configure --hooks": 0,
    "git-credential-hf configure --local": 0,
    "git-credential-hf configure --print": 0,
    "git-credential-hf configure --system": 0,
    "git-credential-hf configure --token work --for acme": 0,
    'eval "$(git-credential-hf configure --env)"': 0,
    "git-credential-hf unconfigure": 0,
    "git-credential-hf status": 0,
    "git-credential-hf check": 0,
    "git-credential-hf check --write": 0,
    "git-credential-hf check acme/model": 0,
    "git-credential-hf doctor": 0,
    "git-credential-hf doctor --dry-run": 0,
    "git-credential-hf doctor --offline": 0,
    "git-credential-hf --help": 0,
    "git-credential-hf doctor acme/model": 0,
    "git-credential-hf purge": 0,
    "git-credential-hf purge --dry-run": 0,
    "git-credential-hf hooks install": 0,
    "git-credential-hf hooks status": 1,  # there are none yet
    "git-credential-hf hooks uninstall": 0,
    'git-credential-hf hook pre-push "$@"': 0,
    "git-credential-hf hook pre-commit": 0,
    "git clone https://huggingface.co/acme/model": 0,
    "git config --global credential.helper hf": 0,
    "git fetch": 0,
    "git push --no-verify": 0,
    "git lfs install": 0,
    "git lfs install --skip-repo": 0,
    "git lfs update --force": 0,
    "hf auth list": 0,
    "hf auth logout": 0,
    "unset HF_TOKEN": 0,
}
# What is run by another test, and the words by which it is found there.
ELSEWHERE = {
    "./install.sh": ("tests/packaging/install/test_install.py", "install.sh"),
    **dict.fromkeys(
        [
            'hf=$(mktemp -d) && cd "$hf"',
            "env -u PYTHONPATH python3 -I -m venv .",
            "env -u HF_TOKEN -u HF_OIDC_ID_TOKEN bin/python -I -m pip install --only-binary ':all:' git-credential-hf==0.1.0",  # noqa: E501
            'eval "$("$hf/bin/git-credential-hf" configure --env)" && cd "$OLDPWD"',
        ],
        ("tests/packaging/ci/test_snippets.py", "def test_any_ci"),
    ),
    "git config --global credential.https://huggingface.co.useHttpPath true": (
        "tests/e2e/test_trusted_publishers.py",
        '"--global", "credential.https://huggingface.co.useHttpPath", "true"',
    ),
    **dict.fromkeys(
        ["uv tool install git-credential-hf && git-credential-hf configure", "pipx install git-credential-hf"],
        ("tests/packaging/install/test_recipes.py", "first_commands(recipe)"),
    ),
    "git clone https://huggingface.co/alice/private-model": (
        "tests/support/story/alice.story",
        "$ git clone https://huggingface.co/alice/private-model",
    ),
    "git config --global hf.login never": ("tests/e2e/test_log_in_from_git.py", "hf.login"),
    **dict.fromkeys(
        ["hf git", "hf git configure", "hf git doctor", "hf git unconfigure"],
        ("tests/packaging/install/test_extension.py", '"hf", "git", '),
    ),
    "hf extensions remove git": (
        "tests/packaging/install/test_extension.py",
        '"hf", "extensions", "remove", "git"',
    ),
    "./tests/demo --shell": ("tests/commands/test_demo.py", '"--shell"'),
    "./tests/demo": ("tests/commands/test_demo.py", '"story", "--fast"'),
    "uv tool install git-credential-hf": ("tests/packaging/install/test_recipes.py", "first_commands(recipe)"),
    "rm -r ~/.config/git-credential-hf": ("tests/packaging/install/test_recipes.py", 'REMOVAL = "rm -r'),
    'export HF_TOKEN_PATH="$HOME/.cache/huggingface/token"': (
        "tests/e2e/fleet/test_shared_home.py",
        "export HF_TOKEN_PATH={OWN}",
    ),
    "./install.sh --uninstall": ("tests/packaging/install/test_install.py", '"--uninstall"'),
    **dict.fromkeys(
        ["uv tool uninstall git-credential-hf", "pipx uninstall git-credential-hf"],
        ("tests/packaging/install/test_recipes.py", "uninstall git-credential-hf"),
    ),
    "uvx git-credential-hf doctor": ("tests/packaging/install/test_packages.py", '"git-credential-hf", "doctor"'),
    "sudo ./install.sh --prefix /opt/git-credential-hf --no-configure": (
        "tests/e2e/fleet/test_login_node.py",
        "install[5:]",
    ),
    "sudo /opt/git-credential-hf/bin/git-credential-hf configure --system": (
        "tests/e2e/fleet/test_login_node.py",
        "configure --system",
    ),
    "./install.sh --uninstall --prefix /opt/git-credential-hf": ("tests/e2e/fleet/test_login_node.py", "--uninstall"),
    "git help credential-hf": ("tests/packaging/test_documents.py", "help credential-hf"),
    "git-credential-hf doctor --undo": ("tests/commands/doctor/test_undo.py", 'doctor("--undo")'),
    "git-credential-hf doctor --report": ("tests/commands/doctor/test_undo.py", 'doctor("--report")'),
    "git-credential-hf doctor --fix": ("tests/commands/doctor/test_findings.py", '"--fix"'),
    "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0= pre-commit install": (
        "tests/commands/hooks/test_global.py",
        "GIT_CONFIG_VALUE_0",
    ),
    "hf auth login --token": ("tests/support/account.py", '"hf", "auth", "login", "--token"'),
    "hf auth login": ("tests/support/story/alice.story", "$ hf auth login"),
    "hf auth login --add-to-git-credential": ("tests/e2e/test_alternatives.py", "--add-to-git-credential"),
    "git -c core.hooksPath=.git/hooks lfs uninstall --local": (
        "tests/commands/hooks/test_git_lfs.py",
        "git -c core.hooksPath=.git/hooks lfs uninstall --local",
    ),
    "git lfs pull": ("tests/e2e/test_refused_token.py", '"lfs", "pull"'),
    "git-credential-hf login": ("tests/commands/test_login.py", '"login"'),
    "hf auth switch": ("tests/e2e/test_everyday.py", '"switch"'),
    "gh auth git-credential": ("tests/e2e/test_alternatives.py", "gh auth git-credential"),
    "git-credential-hf configure --hub https://hub.example.com": (
        *("tests/commands/test_configure.py", 'run("configure", "--hub", text)'),
    ),
    "git-credential-hf configure --no-token --for acme": (
        "tests/commands/test_login.py",
        '"--no-token", "--for", "acme"',
    ),
    "git credential fill": ("tests/support/account.py", '"credential", "fill"'),
    "git credential-hf get": ("tests/unit/test_helper.py", '"get"'),
}
# What cannot be run here, and why.
NOT_RUN = {
    **dict.fromkeys(
        [
            'docker build --tag model --secret id=hf_token,src="$HOME/.cache/huggingface/token" .',
            'docker run --rm --volume "$HOME/.cache/huggingface/token:/run/secrets/hf_token:ro" model git -C /model pull',  # noqa: E501
            "docker run --env HF_TOKEN",
            "docker inspect",
        ],
        "no Docker: tests/e2e/fleet does what the Dockerfile says",
    ),
    'kubectl create secret generic hf --from-file=token="$HOME/.cache/huggingface/token"': "no Kubernetes",
    **dict.fromkeys(["uv tool update-shell", "pipx ensurepath"], "commands of uv and pipx, for shells' own files"),
    "./tests/run": "this test is a part of it",
    **dict.fromkeys(["hf download", "hf upload"], "another way, named beside this one"),
    "git config": "the name of a program, not a command",
    "git remote set-url": "the name of a command, with nothing to set",
    **dict.fromkeys(
        ["git-credential-hf configure --token NAME --for NAMESPACE", "git config --add hf.ignore ID"], "a pattern"
    ),
}


def commands() -> set[str]:
    """What can be typed, but for the transcripts: tests/commands/test_demo.py holds these."""
    found = [re.sub(r"\s+#.*", "", line) for block in blocks("sh") for line in block.splitlines() if line]
    text = re.sub(r"^```.*?^```", "", ALL, flags=re.MULTILINE | re.DOTALL)
    for code in re.findall(r"`([^`]+)`", text):
        line = " ".join(code.split())
        if line.startswith("./") or re.match(rf"{PROGRAMS} .", line):
            found.append(line)
    return set(found)


def test_each_command_is_run() -> None:
    """Each command in the documents is run by a test, here or where it is said; or there is a reason why not."""
    assert commands() == {*HERE, *ELSEWHERE, *NOT_RUN}
    for command, (file, words) in ELSEWHERE.items():
        assert words in (ROOT / file).read_text(), command


MADE: list[Path] = []  # a copy of the home that `clone` makes


@pytest.fixture
def clone(home: Path, world: "Hub", monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of acme/model, whose writer alice is logged in, and has configured git as it is said."""
    from fake_hub.accounts import Token

    monkeypatch.setenv("HF_HUB_DISABLE_UPDATE_CHECK", "1")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / "system"))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    world.user("alice")
    world.org("acme", alice="write")
    world.repository("acme/model", files={"README.md": b"hello\n"})
    token = "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"
    world.accounts.add(Token(token, "alice", "write", name="work"))
    if MADE:
        shutil.copytree(MADE[0], home, symlinks=True, dirs_exist_ok=True)
        return home / "work"
    folder = home / ".cache/huggingface"
    folder.mkdir(parents=True)
    for name, content in {"token": token, "stored_tokens": f"[work]\nhf_token = {token}\n"}.items():
        (folder / name).write_text(content)
        (folder / name).chmod(0o600)
        os.utime(folder / name, (time.time() - 3600,) * 2)
    for command in (
        "git lfs install --skip-repo",
        "git config --global user.name Alice",
        "git config --global user.email alice@example.org",
        "git-credential-hf configure",
        "git clone https://huggingface.co/acme/model work",
    ):
        subprocess.run(command.split(), check=True, capture_output=True)
    MADE.append(shutil.copytree(home, tmp_path_factory.mktemp("made") / "home", symlinks=True))
    return home / "work"


@pytest.mark.parametrize("command", HERE)
def test_commands(command: str, clone: Path) -> None:
    """Typed as it stands there, it does what it should, without a word about our insides, and without a question."""
    done = subprocess.run(
        ["bash", "-c", command, "hook", "origin", "https://huggingface.co/acme/model"],
        cwd=clone, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == HERE[command], done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
