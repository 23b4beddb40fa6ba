"""Which repositories and remotes are the Hub's: tables, and any text."""

import pytest
from amount import tenth
from hypothesis import given, settings
from hypothesis import strategies as st

from git_credential_hf.hub import (
    PUBLIC_HUB,
)
from git_credential_hf.repository import (
    REPOSITORY_KINDS,
    Repository,
    is_valid_name,
    parse_remote,
    parse_repository,
    repository_at,
    without_credentials,
)

REMOTES = {
    "https://huggingface.co/acme/model": ("https", "acme/model"),
    "HTTPS://HuggingFace.co/acme/model.git": ("https", "acme/model.git"),
    "https://git:hf_x@huggingface.co:443/acme/model": ("https", "acme/model"),
    "https://a@X@hf.co/acme/model": ("https", "acme/model"),
    "https://hf.co/a/b/c://d": ("https", "a/b/c://d"),
    "https://hf.co": ("https", ""),
    "git@hf.co:acme/model": ("ssh", "acme/model"),
    "GIT@HF.CO:acme/model": ("ssh", "acme/model"),
    "a@b@hf.co:acme/model": ("ssh", "acme/model"),
    "hf.co:acme/mo:del": ("ssh", "acme/mo:del"),
    "ssh://git@hf.co/acme/model": ("ssh", "acme/model"),
    "SSH://GIT@HF.CO:22/acme/model": ("ssh", "acme/model"),
    "ssh://a@b@hf.co/acme/model": ("ssh", "acme/model"),
    "ssh://git@hf.co:/acme/model": ("ssh", "acme/model"),
    "git+ssh://huggingface.co/acme/model": ("ssh", "acme/model"),
    "ssh+git://huggingface.co/acme/model": ("ssh", "acme/model"),
    "http://127.0.0.1:5000/acme/model": ("https", "acme/model"),  # configured
    "https://hub.example/acme/model": None,
    "": None,
    "hf.co": None,
    "git@github.com:acme/model": None,
    "./hf.co:acme/model": None,
    "./git@hf.co:acme/model": None,
    "http://huggingface.co/acme/model": None,
    "https://huggingface.co:8443/acme/model": None,
    "https://evil.example?@hf.co/acme/model": None,
    "https://evil.example#@hf.co/acme/model": None,
    "https://evil.example\\@hf.co/acme/model": None,
    "https://hf.co@evil.example/acme/model": None,
    "ssh://git@hf.co:2222/acme/model": None,
    "ssh://git@github.com/acme/model": None,
    "git://hf.co/acme/model": None,
}


@pytest.mark.parametrize("url", REMOTES)
def test_remotes(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote is a Hub's if git would go there with it, in any letter case, with any user name, if it is known."""
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    found = parse_remote(url, ["http://127.0.0.1:5000"])
    assert (found and (found.transport, found.path)) == REMOTES[url]
    assert found is None or found.hub == ("http://127.0.0.1:5000" if "127" in url else PUBLIC_HUB)
    assert "127" not in url or parse_remote(url) is None


def named(text: str) -> tuple[str, str] | None:
    found = parse_repository(text)
    return (found.kind, found.name) if found else None


REPOSITORIES = {
    "acme/model": ("models", "acme/model"),
    "models/acme/model": ("models", "acme/model"),
    "datasets/acme/data": ("datasets", "acme/data"),
    "spaces/acme/app": ("spaces", "acme/app"),
    "kernels/acme/k": ("kernels", "acme/k"),
    "datasets/squad": ("datasets", "squad"),
    "gpt2": ("models", "gpt2"),
    "acme/model.v2": ("models", "acme/model.v2"),
    "Xenova/botX": ("models", "Xenova/botX"),
    "hf://Xenova/botX": ("models", "Xenova/botX"),
    "https://huggingface.co/Xenova/botX": ("models", "Xenova/botX"),
    "hf://acme/model": ("models", "acme/model"),
    "hf://datasets/acme/data": ("datasets", "acme/data"),
    "hf://datasets/acme/data@main/train.csv": ("datasets", "acme/data"),
    "hf://acme/model/config.json": ("models", "acme/model"),
    "hf://acme/model@refs%2Fpr%2F1": ("models", "acme/model"),
    "https://huggingface.co/acme/model": ("models", "acme/model"),
    "https://huggingface.co/acme/model.git": ("models", "acme/model"),
    "https://huggingface.co/acme/model/": ("models", "acme/model"),
    "https://huggingface.co/gpt2": ("models", "gpt2"),
    "https://huggingface.co/gpt2/tree/main": ("models", "gpt2"),
    "https://huggingface.co/acme/model/blob/main/README.md": ("models", "acme/model"),
    "https://huggingface.co/datasets/acme/data/tree/main?not=this": ("datasets", "acme/data"),
    "https://huggingface.co/acme/model?a=b": ("models", "acme/model"),
    "https://huggingface.co/acme/model#a": ("models", "acme/model"),
    "https://git:hf_x@huggingface.co/acme/model": ("models", "acme/model"),
    "https://HF.co:443/acme/model": ("models", "acme/model"),
    "git@hf.co:acme/model": ("models", "acme/model"),
    "git@hf.co:datasets/acme/data.git": ("datasets", "acme/data"),
    "ssh://git@hf.co/acme/model": ("models", "acme/model"),
    "ssh://git@hf.co:22/acme/model": ("models", "acme/model"),
    # Not a repository of the Hub.
    "": None,
    "/": None,
    "https://github.com/acme/model": None,
    "https://huggingface.co.evil.example/acme/model": None,
    "https://huggingface.co@evil.example/acme/model": None,
    "http://huggingface.co/acme/model": None,
    "https://huggingface.co:8443/acme/model": None,
    "https://huggingface.co": None,
    "git@github.com:acme/model": None,
    "./acme:model": None,
    "acme/../model": None,
    "../model": None,
    "a/b/c": None,
    "buckets/acme/x": None,
    "hf://buckets/acme/x/y": None,
    "acme/mo del": None,
    "acme/model?x": None,
}


@pytest.mark.parametrize("text", REPOSITORIES)
def test_names_of_repositories(text: str) -> None:
    """Users name a repository by its path, an `hf://` URI, or any URL of it; anything else is not one."""
    assert named(text) == REPOSITORIES[text]


@given(st.text(max_size=60) | st.from_regex(r"(https|ssh|hf)://[a-z@.:/%?#]{0,40}", fullmatch=True))
@settings(max_examples=tenth(2000))
def test_any_text_for_a_repository(text: str) -> None:
    """Whatever the text, the name of the repository found cannot lead to another path of the API."""
    found = parse_repository(text)
    assert found is None or (found.kind in REPOSITORY_KINDS and all(map(is_valid_name, found.name.split("/"))))


@pytest.mark.parametrize("page", ["tree", "blob", "raw", "resolve", "commit", "commits", "discussions", "settings"])
def test_pages_of_a_repository(page: str) -> None:
    """The address of a page of a repository names that repository; a repository may have the name of a page."""
    for name in ("acme/model", "gpt2"):
        assert named(f"https://hf.co/{name}/{page}/main") == ("models", name)
        assert named(f"https://hf.co/datasets/{name}/{page}/main?a=b#c") == ("datasets", name)
    assert named(f"https://hf.co/{page}/model/{page}/main") == ("models", f"{page}/model")
    for end in ("", "/"):
        assert named(f"https://hf.co/acme/{page}{end}") == ("models", f"acme/{page}")
    assert named(f"https://hf.co/datasets/acme/{page}") == ("datasets", f"acme/{page}")


@pytest.mark.parametrize("kind", REPOSITORY_KINDS)
def test_kinds_of_repositories(kind: str) -> None:
    """Each kind has its place in paths, in `hf://` URIs, and on the Hub; models need none."""
    repository = Repository(kind, "acme/thing")
    for path in {f"{kind}/acme/thing", repository.path}:
        assert repository_at(path) == repository_at(f"/{path}.git/".rstrip("/")) == parse_repository(path) == repository
        for uri in (f"hf://{path}", f"HF:///{path}/", f"hf://{path}/a/b.txt", f"hf://{path}@main/a@b.txt"):
            assert parse_repository(uri) == repository
    assert repository.path == ("acme/thing" if kind == "models" else f"{kind}/acme/thing")
    assert repository.page == f"https://huggingface.co/{repository.path}"
    assert (repository.namespace, f"{repository.type}s") == ("acme", kind)


def test_repositories_of_another_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository is on the Hub that its URL names, or on the one for names alone; its page is there."""
    monkeypatch.setenv("HF_ENDPOINT", "https://elsewhere.example")
    hub = "https://hub.example"
    found = [parse_repository(text, hub, [hub]) for text in ("acme/m", "hf://acme/m", "https://hub.example/acme/m")]
    assert found == [Repository("models", "acme/m", hub)] * 3
    assert found[0] and found[0].page == "https://hub.example/acme/m"
    assert parse_repository("https://hf.co/acme/m", hub, [hub]) == Repository("models", "acme/m")
    assert parse_repository("git@hub.example:acme/m", others=[hub]) == Repository("models", "acme/m", hub)
    assert parse_repository("https://hub.example/acme/m") is None


def test_a_repository_is_its_kind_name_and_hub() -> None:
    """Two repositories are equal if kind, name and Hub are; one works as a key, and is not a pair of strings."""
    model = Repository("models", "gpt2")
    assert model == Repository("models", "gpt2") and hash(model) == hash(Repository("models", "gpt2"))
    assert model != Repository("models", "gpt2", "https://hub.example")
    assert model not in (Repository("datasets", "gpt2"), Repository("models", "gpt"), ("models", "gpt2"))
    assert model != Repository("models", "gpt2", "https://hub.example")
    assert (repr(model), model.namespace) == ("Repository('models', 'gpt2', 'https://huggingface.co')", "gpt2")


PATHS_OF_NO_REPOSITORY = ["", "/", "a/b/c", "datasets/a/b/c", "buckets/acme/x", "buckets/x", "a//b", "a/-b", "./a"]


@pytest.mark.parametrize("path", PATHS_OF_NO_REPOSITORY)
def test_paths_of_no_repository(path: str) -> None:
    """A path with too many parts, of another kind, or with an invalid name is not a repository."""
    assert repository_at(path) is None


def test_names() -> None:
    """A name consists of ASCII letters, digits, and `-_.` except at its start."""
    assert all(map(is_valid_name, ["a", "A-b_c.9", "0"]))
    assert not any(map(is_valid_name, ["", "-a", ".a", "a b", "é", "a٣"]))


SECRETS = {
    "https://git:hf_x@hf.co/acme/model": "https://hf.co/acme/model",
    "https://hf_x@hf.co": "https://hf.co",
    "https://a@hf_x@hf.co/acme/model@main": "https://hf.co/acme/model@main",
    "https://hf.co/acme/model@main": "https://hf.co/acme/model@main",
    "https://hf.co/to/x://a@b": "https://hf.co/to/x://a@b",
    "git@hf.co:acme/model": "git@hf.co:acme/model",
    "alice@example": "alice@example",
}


@pytest.mark.parametrize("url", SECRETS)
def test_without_credentials(url: str) -> None:
    """The user name and password of a URL are removed, and nothing else."""
    assert without_credentials(url) == SECRETS[url]
