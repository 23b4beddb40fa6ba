"""The Hub of the tests, as git-lfs sees it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_hub import Hub, Repository
from fake_hub.clients import Machine

pytestmark = pytest.mark.skipif(not shutil.which("git-lfs"), reason="git-lfs is not installed")

MODEL, OTHER = os.urandom(50_000), os.urandom(20_000)
MEDIA_TYPE = "application/vnd.git-lfs+json"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path) as hub:
        hub.user("alice")
        hub.user("bob")
        yield hub


@pytest.fixture
def private(hub: Hub) -> Repository:
    return hub.repository("alice/private", private=True, lfs={"model.bin": MODEL, "other.bin": OTHER})


def machine(hub: Hub, home: Path, token: str | None = None) -> Machine:
    """A computer with git-lfs set up."""
    computer = Machine(hub, home, token)
    computer.git("lfs", "install", "--skip-repo")
    return computer


@pytest.fixture
def alice(hub: Hub, tmp_path: Path) -> Machine:
    return machine(hub, tmp_path / "alice", hub.token("alice"))


def count(hub: Hub, computer: Machine) -> tuple[int, int, int, int]:
    """Helper calls (get, store), requests, and those with the token."""
    calls = [call.operation for call in computer.asked]
    assert "erase" not in calls
    return calls.count("get"), calls.count("store"), len(hub.log), len(hub.log.with_token())


def forget(hub: Hub, computer: Machine) -> None:
    """Starts counting anew."""
    hub.log.clear()
    (computer.home / "calls").unlink(missing_ok=True)


def ask(
    hub: Hub, url: str, body: object = None, *, method: str = "POST", token: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes, http.client.HTTPMessage]:  # fmt: skip
    """One request, as git-lfs or its agents write it."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPSConnection(
        place.netloc, context=ssl.create_default_context(cafile=hub.ca), timeout=20
    )
    try:
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        target = place.path + (f"?{place.query}" if place.query else "")
        connection.request(method, target, content, {"Content-Type": MEDIA_TYPE, **shown, **(headers or {})})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


# -- how often everybody is asked: what was observed of git 2.39 … 2.55 and git-lfs 3.3 … 3.8


def test_clone_public(hub: Hub, alice: Machine) -> None:
    """Public LFS files come without any credential."""
    url = hub.repository("alice/public", lfs={"model.bin": MODEL, "other.bin": OTHER}).url
    clone = alice.clone(url)
    assert (clone / "model.bin").read_bytes() == MODEL
    assert count(hub, alice) == (0, 0, 6, 0)


def test_clone_private(hub: Hub, private: Repository, alice: Machine) -> None:
    """Both git and git-lfs ask the helper once each; the storage is not shown the token."""
    clone = alice.clone(private.url)
    assert (clone / "model.bin").read_bytes() == MODEL
    assert (clone / "other.bin").read_bytes() == OTHER
    assert count(hub, alice) == (2, 2, 8, 4)
    downloads = hub.log.of("GET /repos/", host=urllib.parse.urlsplit(hub.storage_url).netloc)
    assert [(request.status, request.scheme) for request in downloads] == [(200, None)] * 2
    hosts = {call.attributes["host"] for call in alice.asked}
    assert hosts == {urllib.parse.urlsplit(hub.url).netloc}


def test_pull_later(hub: Hub, private: Repository, alice: Machine) -> None:
    """A clone without its files gets them with `git lfs pull`."""
    clone = alice.clone(private.url, GIT_LFS_SKIP_SMUDGE="1")
    assert (clone / "model.bin").read_text().startswith("version https://git-lfs.github.com/spec/v1\n")
    forget(hub, alice)
    alice.git("lfs", "pull", cwd=clone)
    assert (clone / "model.bin").read_bytes() == MODEL
    assert count(hub, alice) == (1, 1, 4, 1)


def test_push(hub: Hub, private: Repository, alice: Machine) -> None:
    """The object is uploaded and verified before the commit arrives; a second push uploads nothing."""
    clone = alice.clone(private.url)
    content = os.urandom(100_000)
    commit = alice.commit(clone, {"new.bin": content})
    forget(hub, alice)
    alice.git("push", "--quiet", cwd=clone)
    assert count(hub, alice) == (4, 3, 10, 7)
    assert private.head() == commit
    assert private.object(hashlib.sha256(content).hexdigest()).read_bytes() == content
    order = [request.line.split("?")[0].rpartition("/")[2] for request in hub.log.of("POST")]
    assert order == ["git-upload-pack", "verify", "batch", "verify", "git-receive-pack"]
    forget(hub, alice)
    alice.commit(clone, {"copy.bin": content})
    alice.git("push", "--quiet", cwd=clone)
    assert hub.log.of("PUT") == []


@pytest.mark.parametrize(("status", "times"), [(405, 2), (404, 1), (501, 1)])
def test_push_without_lfs_files(status: int, times: int, hub: Hub, private: Repository, alice: Machine) -> None:
    """In a full clone git-lfs asks about locks even then, at each push, unless 404 or 501 has ended that."""
    hub.locks_status = status
    clone = alice.clone(private.url)
    alice.commit(clone, {"a.txt": b"a"})
    forget(hub, alice)
    alice.git("push", "--quiet", cwd=clone)
    assert count(hub, alice) == (3, 2, 7, 5)
    assert [request.status for request in hub.log.of("/locks/verify")] == [status]
    alice.commit(clone, {"a.txt": b"b"})
    alice.git("push", "--quiet", cwd=clone)
    assert len(hub.log.of("/locks/verify")) == times


def test_push_from_a_clone_without_its_files(hub: Hub, private: Repository, alice: Machine) -> None:
    """git-lfs then has not learnt yet that the Hub wants a password, and asks without it first."""
    clone = alice.clone(private.url, GIT_LFS_SKIP_SMUDGE="1")
    alice.git("lfs", "install", "--local", cwd=clone)
    (clone / "new.bin").write_bytes(b"new" * 1000)
    alice.git("add", "new.bin", cwd=clone)
    alice.git("commit", "--quiet", "--message", "new", cwd=clone)
    forget(hub, alice)
    alice.git("push", "--quiet", cwd=clone)
    get, store, requests, shown = count(hub, alice)
    assert (get, store, shown) == (4, 3, 7)
    assert requests in (12, 13)


def test_push_public(hub: Hub, alice: Machine) -> None:
    """For a public repository only what writes needs the token."""
    public = hub.repository("alice/public", lfs={"model.bin": MODEL})
    clone = alice.clone(public.url)
    alice.commit(clone, {"new.bin": b"new" * 1000})
    forget(hub, alice)
    alice.git("push", "--quiet", cwd=clone)
    assert count(hub, alice) == (2, 2, 11, 4)


def test_push_with_a_read_token(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """git-lfs is refused before anything is uploaded."""
    reader = machine(hub, tmp_path / "reader", hub.token("alice", "read"))
    clone = reader.clone(private.url, GIT_LFS_SKIP_SMUDGE="1")
    reader.git("lfs", "install", "--local", cwd=clone)
    reader.commit(clone, {"new.bin": b"new" * 1000})
    forget(hub, reader)
    status, stderr = reader.attempt("push", cwd=clone)
    assert status == 1
    assert "batch response: Authorization error." in stderr
    assert "error: failed to push some refs" in stderr
    assert hub.log.of("PUT") == hub.log.of("git-receive-pack", status=500) == []
    assert [request.status for request in hub.log.of("/objects/batch")][-1] == 403


def test_push_to_a_pull_request(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """For refs/pr/N a read token may upload as well."""
    reader = machine(hub, tmp_path / "reader", hub.token("alice", "read"))
    clone = reader.clone(private.url)
    commit = reader.commit(clone, {"new.bin": b"new" * 1000})
    forget(hub, reader)
    reader.git("push", "--quiet", "origin", "HEAD:refs/pr/1", cwd=clone)
    assert private.head("refs/pr/1") == commit
    assert count(hub, reader) == (4, 3, 10, 7)


def test_a_pointer_to_nothing(hub: Hub, private: Repository, alice: Machine) -> None:
    """`git push --no-verify` skips git-lfs, and pre-receive notices."""
    clone = alice.clone(private.url)
    alice.commit(clone, {"new.bin": b"new" * 1000})
    status, stderr = alice.attempt("push", "--no-verify", cwd=clone)
    assert status == 1
    assert "remote: Your push was rejected because an LFS pointer pointed to a file that does not exist." in stderr
    assert "remote: - new.bin" in stderr


def test_the_storage_asks_for_a_password(hub: Hub, private: Repository, alice: Machine) -> None:
    """git-lfs asks the helper for the storage's host, and sends what it gets: the test's helper gives all away."""
    hub.storage_401 = True
    clone = alice.clone(private.url)
    assert (clone / "model.bin").read_bytes() == MODEL
    storage = urllib.parse.urlsplit(hub.storage_url).netloc
    assert storage in {call.attributes["host"] for call in alice.asked}
    leaked = [request for request in hub.log.of("GET /repos/", host=storage) if request.token]
    assert {request.token for request in leaked} == {alice.token.read_text()}
    assert 401 in {request.status for request in hub.log.of(host=storage)}


def test_a_renamed_repository(hub: Hub, private: Repository, alice: Machine) -> None:
    """Both git and git-lfs follow."""
    url = private.url
    hub.rename("alice/private", "alice/new")
    assert (alice.clone(url) / "model.bin").read_bytes() == MODEL
    assert 307 in {request.status for request in hub.log.of("/objects/batch")}


def test_datasets_and_suffixes(hub: Hub, alice: Machine) -> None:
    """Prefixes and `.git` in the remote's URL work for git-lfs too."""
    url = hub.repository("datasets/alice/data", private=True, lfs={"data.parquet": MODEL}).url
    assert (alice.clone(f"{url}.git") / "data.parquet").read_bytes() == MODEL
    assert len(hub.log.of("POST /datasets/alice/data.git/info/lfs/objects/batch", status=200)) == 1


@pytest.mark.parametrize(
    ("password", "text"),
    [
        ("hf_wrong", "Invalid username or password."),
        ("correct-horse", "Password authentication in git is no longer supported."),
    ],
)
def test_refused_credentials(hub: Hub, tmp_path: Path, password: str, text: str) -> None:
    """git-lfs shows the Hub's own words."""
    public = hub.repository("alice/public", lfs={"model.bin": MODEL})
    stranger = machine(hub, tmp_path / "stranger")
    clone = stranger.clone(public.url, GIT_LFS_SKIP_SMUDGE="1")
    stranger.git(
        "config", "lfs.url", f"{public.url}.git/info/lfs".replace("https://", f"https://x:{password}@"), cwd=clone
    )
    status, stderr = stranger.attempt("lfs", "pull", cwd=clone)
    assert status == 2
    assert f"batch response: Authentication required: {text}" in stderr


# -- the API, request by request


def batch(hub: Hub, repository: Repository, operation: str, token: str | None, **more: Any) -> tuple[int, Any]:
    request = {"operation": operation, "transfers": ["basic"], "hash_algo": "sha256", **more}
    status, body, _ = ask(hub, f"{repository.url}.git/info/lfs/objects/batch", request, token=token)
    return status, json.loads(body)


def test_batch(hub: Hub, private: Repository) -> None:
    """Downloads, uploads, what is there already, and what nobody has."""
    write, read = hub.token("alice"), hub.token("alice", "read")
    there, missing = hashlib.sha256(MODEL).hexdigest(), hashlib.sha256(b"missing").hexdigest()
    objects = [{"oid": there, "size": len(MODEL)}, {"oid": missing, "size": 7}]
    status, answer = batch(hub, private, "download", read, objects=objects)
    assert (status, answer["transfer"]) == (200, "basic")
    assert answer["objects"][0]["actions"]["download"]["href"].startswith(hub.storage_url)
    assert answer["objects"][1]["error"]["code"] == 404
    status, answer = batch(hub, private, "upload", write, objects=objects, ref={"name": "refs/heads/main"})
    assert "actions" not in answer["objects"][0]
    assert set(answer["objects"][1]["actions"]) == {"upload", "verify"}
    assert batch(hub, private, "upload", read, objects=objects) == (403, {"message": "Authorization error."})
    assert batch(hub, private, "upload", read, objects=objects, ref={"name": "refs/pr/7"})[0] == 200
    assert batch(hub, private, "upload", None, objects=objects)[0] == 401
    assert batch(hub, private, "upload", hub.token("bob"), objects=objects) == (
        404,
        {"message": "Repository not found"},
    )
    assert batch(hub, private, "download", write, objects=objects, hash_algo="sha1")[0] == 409
    status, answer = batch(hub, private, "upload", write, objects=[{"oid": missing, "size": 6_000_000_000}])
    assert answer["message"].startswith("\nYou need to configure your repository to enable upload of files > 5GB.")


def test_a_401_offers_basic(hub: Hub, private: Repository) -> None:
    """Otherwise git-lfs would not ask for a password."""
    status, body, headers = ask(hub, f"{private.url}/info/lfs/objects/batch", {"operation": "download", "objects": []})
    assert (status, json.loads(body)) == (401, {"message": "Invalid username or password."})
    assert headers["WWW-Authenticate"] == 'Basic realm="Authentication required", charset="UTF-8"'


def test_upload_and_verify(hub: Hub, private: Repository) -> None:
    """Only the announced content is taken; verify knows what arrived, and asks for a token."""
    token, content = hub.token("alice"), b"content" * 1000
    item = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}
    actions = batch(hub, private, "upload", token, objects=[item])[1]["objects"][0]["actions"]
    verify, upload = actions["verify"]["href"], actions["upload"]["href"]
    assert ask(hub, verify, item, token=token)[0] == 404
    assert ask(hub, upload, b"something else", method="PUT")[0] == 400
    assert ask(hub, upload, content, method="PUT", headers={"Authorization": "Basic eDp5"})[0] == 400
    assert ask(hub, upload.replace("Signature=", "Signature=0"), content, method="PUT")[0] == 403
    assert ask(hub, upload, content, method="PUT")[0] == 200
    assert ask(hub, verify, item)[0] == 401
    assert ask(hub, verify, item, token=token)[0] == 200
    assert ask(hub, verify, {**item, "size": 1}, token=token)[0] == 404


def test_download_from_the_middle(hub: Hub, private: Repository) -> None:
    """git-lfs resumes with a Range; a signed URL does not work for another object."""
    oid, other = hashlib.sha256(MODEL).hexdigest(), hashlib.sha256(OTHER).hexdigest()
    _, answer = batch(hub, private, "download", hub.token("alice"), objects=[{"oid": oid, "size": len(MODEL)}])
    href = answer["objects"][0]["actions"]["download"]["href"]
    status, body, headers = ask(hub, href, method="GET", headers={"Range": "bytes=40000-49999"})
    assert (status, body) == (206, MODEL[40000:])
    assert headers["Content-Range"] == "bytes 40000-49999/50000"
    assert ask(hub, href, method="GET", headers={"Range": "bytes=50000-"})[0] == 416
    assert ask(hub, href.replace(oid, other), method="GET")[0] == 403


def test_large_objects_stay_on_the_disk(hub: Hub, tmp_path: Path) -> None:
    """An object is never in memory as a whole, neither stored, sent nor received (here 128 MB, sparse)."""
    import resource

    size, large = 128_000_000, tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    repository = hub.repository("alice/large", lfs={"large.bin": large})
    oid = repository.read("large.bin").split("sha256:")[1].split()[0]
    _, answer = batch(hub, repository, "download", None, objects=[{"oid": oid, "size": size}])
    place = urllib.parse.urlsplit(answer["objects"][0]["actions"]["download"]["href"])
    connection = http.client.HTTPSConnection(
        place.netloc, context=ssl.create_default_context(cafile=hub.ca), timeout=60
    )
    try:
        connection.request("GET", f"{place.path}?{place.query}")
        response, received = connection.getresponse(), 0
        while piece := response.read(1 << 20):
            received += len(piece)
    finally:
        connection.close()
    repository.object(oid).unlink()
    _, answer = batch(hub, repository, "upload", hub.token("alice"), objects=[{"oid": oid, "size": size}])
    place = urllib.parse.urlsplit(answer["objects"][0]["actions"]["upload"]["href"])
    connection = http.client.HTTPSConnection(
        place.netloc, context=ssl.create_default_context(cafile=hub.ca), timeout=60
    )
    try:
        with large.open("rb") as file:
            connection.request("PUT", f"{place.path}?{place.query}", file)
        assert connection.getresponse().status == 200
    finally:
        connection.close()
    assert received == repository.object(oid).stat().st_size == size
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, f"{grown} kB"
