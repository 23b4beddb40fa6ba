"""What the Hub says of a push's contents is read, and what it does not say is unknown."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hub_api import DATASET, TOKEN, Api, Reply, at, mine

from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.contents import find_lfs_objects, find_upload_modes

LFS: dict[str, tuple[Reply, dict[str, bool]]] = {
    "one of two": (
        Reply(
            200,
            json={
                "objects": [
                    {"oid": "a" * 64, "size": 1, "actions": {"download": {"href": "https://cdn.example/a"}}},
                    {"oid": "b" * 64, "size": 2, "error": {"code": 404, "message": "Object does not exist"}},
                    {"oid": "c" * 64, "size": 3, "error": {"code": 500, "message": "Try again"}},
                    {"oid": "d" * 64, "size": 4},
                    "e",
                ]
            },
        ),
        {"a" * 64: True, "b" * 64: False},
    ),
    "nothing": (Reply(200, json={"objects": []}), {}),
    "no objects": (Reply(200, json={}), {}),
    "no JSON": (Reply(200, text="{"), {}),
    "a no": (Reply(403, json={"objects": []}), {}),
}


@pytest.mark.parametrize("name", LFS)
def test_find_lfs_objects(name: str, api: Api) -> None:
    """The Hub has an object that can be downloaded, and lacks one that it says so of; all else is unknown."""
    response, expected = LFS[name]
    api.answers = {"batch": response}
    asked = [(f"{number:064x}", number) for number in range(250)]
    assert find_lfs_objects(mine(api), at(api, DATASET), asked) == expected
    path = "/datasets/acme/data.git/info/lfs/objects/batch"
    hundreds = (
        [asked[:100], asked[100:200], asked[200:]] if response.status == 200 and "objects" in response.text else []
    )
    assert api.requests == [
        (
            *("POST", path, f"Bearer {TOKEN}"),
            {
                "operation": "download",
                "transfers": ["basic"],
                "objects": [{"oid": oid, "size": size} for oid, size in hundred],
            },
        )
        for hundred in hundreds or [asked[:100]]
    ]
    assert {*map(frozenset, api.media_types)} == {frozenset({"application/vnd.git-lfs+json"})}


MODES: dict[str, tuple[Reply, dict[str, str] | str]] = {
    "both": (
        Reply(
            200,
            json={
                "files": [
                    {"path": "a.png", "uploadMode": "lfs", "shouldIgnore": False, "oid": None},
                    {"path": "b.txt", "uploadMode": "regular", "shouldIgnore": False},
                    {"path": "c.png", "uploadMode": "lfs", "shouldIgnore": True},
                    {"path": "d.png", "uploadMode": "other"},
                    "e",
                ]
            },
        ),
        {"a.png": "lfs", "b.txt": "regular"},
    ),
    "no files": (Reply(200, json={}), "the Hub sent an invalid response"),
    "no JSON": (Reply(200, text="{"), "the Hub sent an invalid response"),
    "no such revision": (Reply(404, json={"error": "x"}), "the Hub answered 404"),
}


@pytest.mark.parametrize("name", MODES)
def test_find_upload_modes(name: str, api: Api) -> None:
    """The Hub gets path, size and 512 bytes of each file; what is ignored there has no mode."""
    response, expected = MODES[name]
    api.answers = {"refs%2Fpr%2F1": response, "main?create_pr=1": response}
    for revision, last in (("refs/pr/1", "refs%2Fpr%2F1"), ("", "main?create_pr=1")):
        api.requests.clear()
        if isinstance(expected, dict):
            assert find_upload_modes(mine(api), at(api, DATASET), revision, [("a.png", 600, b"\0" * 600)]) == expected
        else:
            with pytest.raises(Unreachable) as raised:
                find_upload_modes(mine(api), at(api, DATASET), revision, [("a.png", 600, b"\0" * 600)])
            assert raised.value.message == expected
        sample = b64encode(b"\0" * 512).decode()
        body = {"files": [{"path": "a.png", "sample": sample, "size": 600}]}
        assert api.requests == [("POST", f"/api/datasets/acme/data/preupload/{last}", f"Bearer {TOKEN}", body)]


def test_a_branch_whose_name_is_not_text(api: Api) -> None:
    """The Hub is asked about a branch by the bytes of its name."""
    api.answers = {"caf%E9": Reply(200, json={"files": [{"path": "a.png", "uploadMode": "lfs"}]})}
    assert find_upload_modes(mine(api), at(api, DATASET), "caf\udce9", [("a.png", 1, b"\0")]) == {"a.png": "lfs"}
