"""The two ways to start the program: they are the same, and import nothing from the current directory."""

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from operations import HUB, answer

import git_credential_hf

TOKEN = "hf_" + "Launcher" * 4 + "wxyz"
SERVED = (0, f"username=git\npassword={TOKEN}\n", "")
WAYS: dict[str, list[str]] = {
    "module": [sys.executable, "-m", "git_credential_hf"],
    "executable": ["git-credential-hf"],
}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def test_executable_is_the_launcher() -> None:
    """The installed executable is launcher.py, not pip's script, which imports `re`."""
    script = Path(sysconfig.get_path("scripts"), "git-credential-hf")
    first, *rest = script.read_text().splitlines()
    launcher = (Path(git_credential_hf.__file__).parent / "launcher.py").read_text().splitlines()
    assert launcher[0] == "#!python"
    assert (first.startswith("#!/") and first.endswith(("/python", "/python3"))) or "python" in first
    assert rest == launcher[1:]


@pytest.mark.parametrize("way", WAYS)
def test_module_is_the_same_program(way: str) -> None:
    """`python -m git_credential_hf` answers as the executable does."""
    assert answer(*WAYS[way], "get") == SERVED
    assert answer(*WAYS[way], "store") == answer(*WAYS[way], "frobnicate") == (0, "", "")
    assert answer(*WAYS[way], "get", message="junk\n")[:2] == (1, "")
    assert answer(*WAYS[way], "--version") == (0, f"git-credential-hf {git_credential_hf.__version__}\n", "")


# Modules that are imported on the way by this program and its libraries, but not by Python's own start.
MODULES = ("re", "time", "hashlib", "json", "click", "logging", "traceback", "configparser", "typing", "ssl", "httpx")
PYTHONPATHS = {"": None, "blank entry": ":", "dot": ".", "relative": "x/..", "trailing colon": "/nowhere:"}


@pytest.fixture
def repository(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, the current directory, whose modules have the names that are imported, and leave a mark."""
    repository = home / "repository"
    (repository / "x").mkdir(parents=True)
    (repository / "git_credential_hf").mkdir()
    mark = f"open({str(home / 'mark')!r}, 'a').write(__name__)\n"
    for name in (*MODULES, "huggingface_hub"):
        (repository / f"{name}.py").write_text(mark)
    for name in ("__init__", "__main__", "isolation"):
        (repository / "git_credential_hf" / f"{name}.py").write_text(f"{mark}def main(): pass\n")
    monkeypatch.chdir(repository)
    return repository


@pytest.mark.parametrize("pythonpath", PYTHONPATHS)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_imported_from_the_current_directory(
    way: str, pythonpath: str, home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Helpers run in the repository that git has just cloned: no module of it is ever imported."""
    if way == "module":  # Python itself finds the package in the current directory first, before our code can run
        shutil.rmtree(repository / "git_credential_hf")
    if path := PYTHONPATHS[pythonpath]:
        monkeypatch.setenv("PYTHONPATH", path)
    served = answer(*WAYS[way], "get")
    ignored = answer(*WAYS[way], "frobnicate")
    exchange = {"HF_OIDC_RESOURCE": "acme/model", "HF_OIDC_ID_TOKEN": "junk", "https_proxy": "http://127.0.0.1:9"}
    failed = answer(*WAYS[way], "get", message=HUB, **exchange)
    assert not (home / "mark").exists(), (home / "mark").read_text()
    assert (served, ignored) == (SERVED, (0, "", ""))
    assert failed[:2] == (1, "")


OWN = {
    "packages": Path(sysconfig.get_path("purelib")),
    "the standard library": Path(sysconfig.get_path("stdlib")),
    "its extensions": Path(sysconfig.get_path("stdlib")) / "lib-dynload",
}


@pytest.mark.parametrize("pythonpath", [None, ":", ".", "/nowhere:", "itself"])
@pytest.mark.parametrize("directory", OWN)
@pytest.mark.parametrize("way", WAYS)
def test_works_in_the_directories_that_it_is_made_of(
    way: str, directory: str, pythonpath: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where packages are edited in place, git's current directory, or PYTHONPATH, is one that we import from."""
    monkeypatch.chdir(OWN[directory])
    if pythonpath is not None:
        monkeypatch.setenv("PYTHONPATH", str(OWN[directory]) if pythonpath == "itself" else pythonpath)
    assert answer(*WAYS[way], "get") == SERVED
    assert answer(*WAYS[way], "--version") == (0, f"git-credential-hf {git_credential_hf.__version__}\n", "")


@pytest.mark.parametrize("way", WAYS)
def test_packages_of_others_are_not_imported(way: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute PYTHONPATH, as module systems set it, and the user's site directory may have old packages in them."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = home / ".local/lib" / version / "site-packages"
    for folder in (home / "modules", site):
        folder.mkdir(parents=True)
        for name in (*MODULES, "huggingface_hub", "dulwich", "platformdirs", "urllib3"):
            (folder / f"{name}.py").write_text("raise RuntimeError('an old package')\n")
    monkeypatch.setenv("PYTHONPATH", str(home / "modules"))
    assert answer(*WAYS[way], "get") == SERVED
    assert answer(*WAYS[way], "--version")[0] == 0
    done = answer(*WAYS[way], "get", HF_OIDC_RESOURCE="acme/model", HF_OIDC_ID_TOKEN="junk", HF_HUB_OFFLINE="1")
    assert done[0] == 1 and "an old package" not in done[2]
    assert "cannot find" not in done[2] and "internal error" not in answer(*WAYS[way], "status")[2]


USER_SITE = f".local/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@pytest.mark.parametrize("place", ["src", USER_SITE])
def test_a_package_of_the_same_name_is_not_imported(place: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout on PYTHONPATH, as CI and IDEs have it, may contain a package with the name of this program.

    So may the user's site directory, for an executable that is not the user's.
    """
    package = home / place / "git_credential_hf"
    package.mkdir(parents=True)
    for name in ("__init__", "__main__", "isolation", "launcher"):
        (package / f"{name}.py").write_text("raise RuntimeError('of the checkout')\n")
    monkeypatch.setenv("PYTHONPATH", str(home / place))
    assert answer("git-credential-hf", "get") == SERVED
    assert answer("git-credential-hf", "--version")[0] == 0
