"""The secrets of a Colab notebook."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _auth, _runtime
from programs import run

from git_credential_hf.problem import Problem
from git_credential_hf.tokens import current_token

OTHER = "hf_" + "a" * 34

if not hasattr(_auth, "_refresh_oauth_token_if_needed"):
    pytest.skip("huggingface_hub is older than 1.20", allow_module_level=True)

# huggingface_hub leaves sockets open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def test_colab(tmp_path: Path) -> None:
    """In Colab, where huggingface_hub itself finds the notebook's secret, `get` serves it."""
    colab = tmp_path / "google/colab"
    colab.mkdir(parents=True)
    (colab / "__init__.py").touch()
    (colab / "errors.py").write_text("class Error(Exception): pass\n")
    (colab / "userdata.py").write_text(
        "class NotebookAccessError(Exception): pass\nclass SecretNotFoundError(Exception): pass\n"
        f"def get(name): return {{'HF_TOKEN': '{OTHER}'}}[name]\n"
    )
    # The kernel of a notebook has this, and git's helper does not: huggingface_hub recognises Colab by it.
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        f"import builtins, sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "builtins.get_ipython = lambda: '<google.colab._shell.Shell object>'\n"
    )
    ask = "protocol=https\nhost=huggingface.co\n"
    done = run("git-credential-hf", "get", stdin=ask, PYTHONPATH=tmp_path / "site", COLAB_RELEASE_TAG="release-colab")
    assert (done.stdout, done.stderr) == (f"username=git\npassword={OTHER}\n", "")


@pytest.fixture
def secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | Exception]:
    """Stands for a Colab notebook: its secrets, which huggingface_hub reads once, or the error of reading one."""
    secrets: dict[str, str | Exception] = {}
    names = "NotebookAccessError", "SecretNotFoundError"
    userdata = types.SimpleNamespace(**{name: type(name, (Exception,), {}) for name in names})

    def get(name: str) -> str:
        secret: str | Exception = secrets.get(name, userdata.SecretNotFoundError())
        if isinstance(secret, Exception):
            raise secret
        return secret

    userdata.get = get
    errors = types.SimpleNamespace(Error=type("Error", (Exception,), {}))
    colab = types.SimpleNamespace(userdata=userdata, errors=errors)
    google = types.SimpleNamespace(colab=colab)
    for name, module in {"google": google, "google.colab": colab, "google.colab.errors": errors}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(_runtime, "_is_google_colab", True)
    importlib.reload(constants)
    return secrets


def test_a_notebook(secrets: dict[str, str | Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only in Colab huggingface_hub is asked; an error of its secrets is reported in one line."""

    def found() -> tuple[str, str] | None:
        for name, value in {"_IS_GOOGLE_COLAB_CHECKED": False, "_GOOGLE_COLAB_SECRET": None}.items():
            monkeypatch.setattr(_auth, name, value)
        assert current_token(act=False) is None
        token = current_token()
        return (token.value, token.source) if token else None

    secrets["HF_TOKEN"] = "hf_colab"
    assert found() is None
    monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    assert found() == ("hf_colab", "colab")
    secrets.clear()
    assert found() is None
    secrets["HF_TOKEN"] = OSError("the kernel \n is gone")
    with pytest.raises(Problem) as raised:
        found()
    assert raised.value.message == "cannot read the secrets of this Colab notebook: the kernel is gone"
