"""Pushes of LFS files to the Hub with the hooks installed: nothing is uploaded that will be refused."""

import base64
import contextlib
import os
import pty
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account
from amount import each_run, some
from pushes import BIG, HUB, SECRET, add, messages, push, remedy, run_hook, uploads
from reasons import REASONS, _acme, _alice

from git_credential_hf.masking import mask_token

if TYPE_CHECKING:
    from fake_hub import Hub, Request


@pytest.fixture
def hub(world: "Hub", monkeypatch: pytest.MonkeyPatch) -> "Hub":
    """Return the Hub, with nothing on it but the token of somebody."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    world.token(world.user("somebody"), value=SECRET.decode())
    return world


# git itself is refused before it runs a hook, unless the Hub has changed its mind since.
BY_GIT = {
    *("no token", "revoked", "expired", "revoked by the organisation", "not approved by the organisation"),
    *("gated, not requested", "gated, pending", "gated, rejected", "gated, reset", "gated, not in the scope"),
    *("no such repository", "somebody else's private repository", "disabled"),
}


def in_trees(rows: Iterable[Any], *chosen: object) -> list[Any]:
    """Return all rows; the chosen ones run with other gits as well."""
    return [pytest.param(row, marks=pytest.mark.git_versions) if row in chosen else row for row in rows]


@pytest.mark.parametrize("name", in_trees(REASONS, "read-only", "not a member", "revoked"))
def test_reasons(name: str, hub: "Hub", work: Account) -> None:
    """A push that the Hub would refuse ends before an LFS request or a byte of upload, and says why."""
    prepare, repository, _, message, fix = REASONS[name]
    token = prepare(hub)
    hub.log.clear()
    run = run_hook if name in BY_GIT else push
    done = run(work, HUB + repository, **({"HF_TOKEN": token} if token else {}))
    assert done.returncode == 1
    assert uploads(hub) == []
    message = message.format(token=mask_token(token or ""))
    assert messages(done, "error") == [f"push refused before any upload: {message}"]
    assert messages(done, "hint") == [fix]
    assert len(hub.log.of("/api/")) <= 2
    assert token is None or token not in done.stderr


def test_git_is_refused_first(hub: "Hub", work: Account) -> None:
    """Git asks for the references before it runs the hook; there is one explanation then, that of `erase`."""
    token = _alice(hub)
    hub.revoke(token)
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode != 0
    assert len(messages(done, "hint")) == 1


@pytest.mark.git_versions(each_run=1)
def test_allowed(hub: "Hub", work: Account) -> None:
    """An allowed push is silent, with one request, or none while the answer is cached; its LFS file is on the Hub."""
    token = _alice(hub)
    for name, requests in (("one", 1), ("two", 0)):
        add(work, {f"{name}.bin": name.encode() + WEIGHTS})
        hub.log.clear()
        done = push(work, "alice/model", HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "git-credential-hf" not in done.stderr
        assert len(hub.log.of("/api/")) == requests
        assert [request for request in hub.log if request.method == "PUT"]
    clone = work.home / "clone"
    work.git("clone", HUB + "alice/model", str(clone), HF_TOKEN=token)
    assert (clone / "two.bin").read_bytes() == b"two" + WEIGHTS


OUTAGES: dict[str, Callable[["Hub"], None]] = {
    "down": lambda hub: hub.faults.reset("/api/"),
    "slow": lambda hub: hub.faults.delay("/api/", 5),  # the answer would come if the hook waited longer
}
# These are none: git does not use the proxy, nor does git-lfs, and knows the certificate; offline mode is a choice.
NO_OUTAGES = {
    "a certificate that git knows": {"SSL_CERT_FILE": os.devnull},
    "offline": {"HF_HUB_OFFLINE": "1"},
    "a proxy that git does not use": {"ALL_PROXY": "http://127.0.0.1:9"},
}


@pytest.mark.parametrize("name", OUTAGES)
def test_outages(name: str, hub: "Hub", work: Account) -> None:
    """If the Hub does not answer, the push goes on, with one warning."""
    token = _alice(hub)
    OUTAGES[name](hub)
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("git-credential-hf: ")]
    assert warning.startswith("git-credential-hf: warning: cannot check access to alice/model: ")


@pytest.mark.parametrize("trouble", ["rate limit", "forbidden"])
def test_what_lasts_is_said_once(trouble: str, hub: "Hub", work: Account) -> None:
    """A limit of an hour, or a proxy that lets git through and never the API, is one warning, and not one each push."""
    token = _alice(hub)
    if trouble == "rate limit":
        hub.faults.rate_limit("/api/", retry_after=3600)
    else:
        hub.faults.status("/api/", 403)
    done = []
    for number in range(3):
        commit(work, {"README.md": f"{number}\n".encode()})
        done.append(push(work, "alice/model", HF_TOKEN=token))
    assert [each.returncode for each in done] == [0, 0, 0]
    assert [len(messages(each, "warning")) for each in done] == [1, 0, 0], [each.stderr for each in done]


@pytest.mark.parametrize("name", NO_OUTAGES)
def test_no_outages(name: str, hub: "Hub", work: Account) -> None:
    """What keeps git from nothing is not warned of."""
    work.git("config", "--global", "http.proxy", "")
    done = push(work, "alice/model", HF_TOKEN=_alice(hub), **NO_OUTAGES[name])
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf: " not in done.stderr
    assert bool(hub.log.of("/api/models/alice/model/auth-check/write")) == (name != "offline")


@pytest.mark.git_versions(each_run=1)
def test_pull_requests_need_no_role(hub: "Hub", work: Account) -> None:
    """A token that can only read may push to `refs/pr/N`, but to no branch at the same time."""
    token = _acme(hub, None, "read")
    pull_request = ("--force", "origin", "main:refs/pr/1")
    done = push(work, "acme/model", *pull_request, HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr
    hub.log.clear()
    done = push(work, "acme/model", *pull_request, "main", HF_TOKEN=token)
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]
    assert uploads(hub) == []


def test_a_token_of_a_namespace(hub: "Hub", work: Account) -> None:
    """The token that `configure --for` assigned to the namespace is checked, and no other."""
    reads = _acme(hub, "write", "read")
    work.is_given(reads, "reads")
    work.is_given(hub.token("alice"), "writes")
    work.run("git-credential-hf", "configure", "--token", "reads", "--for", "acme")
    hub.log.clear()
    done = push(work, "acme/model")
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]
    assert uploads(hub) == []


# --- which credential git really uses ---


def in_the_url(work: Account, token: str) -> str:
    return f"https://alice:{token}@huggingface.co/alice/model"


def in_a_header(work: Account, token: str) -> str:
    work.git("config", "--global", "http.https://huggingface.co/.extraHeader", f"Authorization: Bearer {token}")
    return HUB + "alice/model"


def in_netrc(work: Account, token: str) -> str:
    netrc = work.home / ".netrc"
    netrc.write_text(f"machine example.org login x password y\nmachine huggingface.co login alice password {token}\n")
    netrc.chmod(0o600)
    return HUB + "alice/model"


def in_another_helper(work: Account, token: str) -> str:
    (work.home / ".git-credentials").write_text(f"https://alice:{token}@huggingface.co\n")
    (work.home / ".git-credentials").chmod(0o600)
    work.run("git-credential-hf", "unconfigure")
    work.git("config", "--global", "credential.helper", "store")
    return HUB + "alice/model"


WINNERS: dict[Callable[[Account, str], str], str] = {
    in_the_url: "the URL of the remote",
    in_a_header: "http.extraHeader",
    in_netrc: ".netrc (line 2)",
    in_another_helper: "git's helper 'store'",
}


@pytest.mark.parametrize("place", in_trees(WINNERS, in_netrc), ids=lambda place: place.__name__)
def test_the_credential_that_wins(place: Callable[[Account, str], str], hub: "Hub", work: Account) -> None:
    """The credential that git will send is checked, not the login, and its source is reported."""
    work.is_given(_alice(hub), "good")
    reads = hub.token("alice", "read")
    hub.log.clear()
    done = push(work, place(work, reads))
    assert done.returncode == 1
    assert re.search("can only read; git uses it instead of the current hf_", messages(done, "error")[0])
    assert WINNERS[place] in messages(done, "error")[0]
    assert messages(done, "warning") == [] and "create one" not in done.stderr  # one hint: how to use the login
    assert uploads(hub) == []
    assert reads not in done.stderr.replace(f"alice:{reads}@", "")  # git itself shows the URL
    good = hub.token("alice")
    done = push(work, place(work, good))
    assert done.returncode == 0, done.stderr
    assert "instead of the current hf_" in messages(done, "warning")[0]


def test_a_copy_that_is_rejected_in_the_middle(hub: "Hub", work: Account) -> None:
    """If git started with a copy of a token that was removed since, what it still holds is unknown: a warning."""
    good, old = _alice(hub), hub.token("alice")
    work.is_given(old, "old")
    work.is_given(good, "good")
    in_another_helper(work, old)
    work.git("config", "--global", "--add", "credential.helper", "hf")
    done = push(work, "alice/model")
    assert done.returncode == 0, done.stderr
    assert "git started this push with a stale token from another helper" in messages(done, "warning")[0]
    add(work, {"more.md": b"more\n"})
    assert "git-credential-hf" not in push(work, "alice/model").stderr


def test_a_stale_netrc_entry_is_passed_over(hub: "Hub", work: Account) -> None:
    """Git goes on after a `.netrc` entry that the Hub rejects: the helper's token is checked."""
    work.is_given(_alice(hub), "good")
    stale = hub.token("alice")
    hub.revoke(stale)
    done = push(work, in_netrc(work, stale))
    assert done.returncode == 0, done.stderr
    assert ".netrc (line 2)" in messages(done, "warning")[0]


def test_a_typed_password(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """If git prompts, its password cannot be seen, and nothing is refused for the lack of a token."""
    token = _alice(hub)
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\necho {token}\n")
    askpass.chmod(0o755)
    work.run("git-credential-hf", "unconfigure")
    done = push(work, "alice/model", GIT_ASKPASS=str(askpass))
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


def test_a_credential_that_is_given_once(hub: "Hub", account: Account) -> None:
    """If a helper gave its credential only once, no push is refused for the lack of a token."""
    helper = account.home / "git-credential-once"
    helper.write_text(
        '#!/bin/sh\n[ "$1" != get ] || while read -r line; do echo "$line"; done < "$0.token"\n'
        '[ "$1" != get ] || : > "$0.token"\n'
    )
    helper.chmod(0o755)
    helper.with_suffix(".token").write_text(f"username=alice\npassword={_alice(hub)}\n")
    account.run("git-credential-hf", "unconfigure")
    account.git("config", "--global", "credential.helper", str(helper))
    account.git("init", "--quiet", "--initial-branch", "main", "new")
    account.where = account.home / "new"
    add(account, {"notes.md": b"notes\n"})
    account.run("git-credential-hf", "hooks", "install")
    done = push(account, "alice/model")
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


def test_a_netrc_that_git_alone_reads(hub: "Hub", work: Account) -> None:
    """A `.netrc` that programs read differently may hold what git sends: no other token is checked instead."""
    work.is_given(_alice(hub, "read"), "reads")
    url = in_netrc(work, hub.token("alice"))
    netrc = work.home / ".netrc"
    netrc.write_text("machine example.com\nlogin x\nport 21\n" + netrc.read_text())
    done = push(work, url)
    assert done.returncode == 0, done.stderr
    assert "programs do not agree on how to read this netrc file" in messages(done, "warning")[0]
    assert "(line 3)" in messages(done, "warning")[0]
    netrc.write_text("machine example.com\nlogin x\nport 21\n")
    done = run_hook(work, url)
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]


def test_one_of_two_headers(hub: "Hub", work: Account) -> None:
    """A header with a token counts, with other headers beside it, until an empty one resets them."""
    work.is_given(_alice(hub, "read"), "reads")
    url = in_a_header(work, hub.token("alice"))
    key = "http.https://huggingface.co/.extraHeader"
    work.git("config", "--global", "--add", key, "X-Team: a")
    done = push(work, url)
    assert done.returncode == 0, done.stderr
    work.git("config", "--global", "--add", "http.extraHeader", "Authorization: Bearer hf_nobody")
    done = push(work, url)
    assert done.returncode == 0, done.stderr
    work.git("config", "--global", "--add", key, "")
    done = run_hook(work, url)
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]


def test_a_helper_that_hangs(hub: "Hub", work: Account) -> None:
    """A helper that does not answer may have a token: the push goes on, with a warning."""
    _alice(hub)
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", "")
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", "!sleep 1000 #")
    assert messages(run_hook(work, HUB + "alice/model"), "warning") == [], (
        "nobody knows what that does: it is not asked"
    )
    work.git("config", "--global", "--unset", "credential.https://huggingface.co.helper", "sleep")
    stuck = work.home / "git-credential-libsecret"
    stuck.write_text("#!/bin/sh\nexec sleep 1000\n")
    stuck.chmod(0o755)
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", str(stuck))
    done = run_hook(work, HUB + "alice/model", GIT_TERMINAL_PROMPT="0")
    assert done.returncode == 0
    (warning,) = messages(done, "warning")
    assert "cannot check access to alice/model: git credential did not answer" in warning


def test_ssh(hub: "Hub", work: Account) -> None:
    """Over SSH no token is used, so none is checked, without a request; what is pushed is."""
    _alice(hub)
    hub.log.clear()
    for url in ("git@hf.co:alice/model", "ssh://git@hf.co/alice/model"):
        assert run_hook(work, url).returncode == 0
    old = work.git("rev-parse", "HEAD").stdout.strip()
    add(work, {"big.txt": b"x" * (10 << 20) + b"x"})
    for url in ("git@hf.co:alice/model", "ssh://git@hf.co/alice/model"):
        done = run_hook(work, url, old=old)
        assert done.returncode == 1
        assert "big.txt" in messages(done, "error")[0]
        # A new branch, with a key whose passphrase git would have to ask for: the Hub may have the file already.
        done = run_hook(work, url)
        assert done.returncode == 0
        assert "cannot find out what the Hub already has" in messages(done, "warning")[0]
    assert list(hub.log) == []


@pytest.mark.parametrize("url", ["https://github.com/alice/model", "git@github.com:alice/model", "/srv/git/model", ""])
def test_other_remotes(url: str, work: Account) -> None:
    """A push to a remote that is not on the Hub is not checked at all."""
    add(work, {"big.txt": BIG})
    done = run_hook(work, url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- what is pushed ---


def large(work: Account) -> None:
    add(work, {"big.txt": b"x" * (10 << 20) + b"x"})


def large_once(work: Account) -> None:
    large(work)
    (work.where / "big.txt").unlink()
    add(work, {"small.txt": b"x"})


def leak(work: Account) -> None:
    add(work, {"config.py": b'TOKEN = "' + SECRET + b'"\n'})


def missing(work: Account) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n"
    (work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n????.bin !filter\n")
    add(work, {"lost.bin": pointer.encode()})


def huge(work: Account) -> None:
    oid = "cd" * 32
    folder = work.where / ".git/lfs/objects/cd/cd"
    folder.mkdir(parents=True)
    with (folder / oid).open("wb") as file:
        file.truncate(6 * 10**9)
    (work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n????.bin !filter\n")
    add(
        work, {"huge.bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {6 * 10**9}\n".encode()}
    )


def crowd(work: Account) -> None:
    blob = work.git("hash-object", "-w", "--stdin").stdout.strip()
    entries = "".join(f"100644 blob {blob}\tf{number:05}\n" for number in range(10_001))
    tree = work.git("mktree", stdin=entries).stdout.strip()
    work.git("read-tree", "--prefix", "many/", tree)
    work.git("commit", "--no-verify", "--message", "many files")


def metadata(work: Account) -> None:
    add(work, {"README.md": b"---\nlicense: mit\nshort_description: " + b"words " * 20 + b"\n---\n# A model\n"})


LARGE = "big.txt in commit {} is over 10 MiB (10.5 MB) and not in LFS"
MIGRATE = "git lfs migrate import --include=big.txt"
CONTENTS: dict[Callable[[Account], None], tuple[str, str, str]] = {
    large: ("largeFiles", LARGE.format("{commit}"), MIGRATE),
    large_once: ("largeFiles", LARGE.format("{parent}"), MIGRATE),
    leak: (
        *("leakedTokens", "config.py in commit {commit} contains the Hub token hf_****EfGh"),
        "git commit --amend --no-edit -- :/config.py",
    ),
    missing: (
        *("lfsObjects", "lost.bin in commit {commit} is a pointer to an LFS object (abababab"),
        "copy the original file there",
    ),
    huge: ("lfsObjects", "huge.bin in commit {commit} is 6.0 GB in LFS", "hf lfs-enable-largefiles ."),
    crowd: ("largeFiles", "many/ in commit {commit} has 10,001 files", "with `git mv`"),
    metadata: ("metadata", "README.md in commit {commit} has metadata that the Hub rejects", "fix the lines"),
}


@pytest.mark.parametrize("change", in_trees(CONTENTS, large_once, missing), ids=lambda change: change.__name__)
def test_contents(change: Callable[[Account], None], hub: "Hub", work: Account) -> None:
    """What the Hub will refuse is named, with commit, path and size; its key warns, or turns the check off."""
    token = _alice(hub)
    change(work)
    key, words, remedy = CONTENTS[change]
    commit, parent = work.git("log", "--format=%h", "--abbrev=10", "-2").stdout.split()
    hub.log.clear()
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 1, done.stderr
    (error,), (hint,) = messages(done, "error"), messages(done, "hint")
    assert error.startswith("push refused before any upload: ")
    assert words.format(commit=commit, parent=parent) in error
    assert remedy in hint
    assert uploads(hub) == []
    assert len(hub.log.of("/api/")) <= 2 + 5  # which of the commits it has: its branch has others than this repository
    work.git("config", f"hf.{key}", "warn")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert words.format(commit=commit, parent=parent) in messages(done, "warning")[0]
    work.git("config", f"hf.{key}", "off")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")


def test_binary_files_warn(hub: "Hub", work: Account) -> None:
    """A binary file outside LFS is a warning if the Hub does not say, unless `hf.binaryFiles` is `block`."""
    token = _alice(hub)
    hub.faults.status("/preupload/", 404)
    add(work, {"image.png": b"\x89PNG\0\0"})
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "image.png" in messages(done, "warning")[0]
    work.git("config", "hf.binaryFiles", "block")
    hub.log.clear()
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    assert "is a binary file (6 bytes) and not in LFS" in messages(done, "error")[0]
    assert uploads(hub) == []


def test_the_remedy_for_a_name(hub: "Hub", work: Account) -> None:
    """The hint for a file outside LFS moves that file into LFS, and no other, whatever its name is."""
    work.is_given(_alice(hub), "laptop")
    add(work, {"a [b],c*.txt": BIG, "b.txt": b"small\n"})
    work.run("sh", "-c", remedy(push(work, "alice/model")))
    assert work.git("show", "HEAD:b.txt").stdout == "small\n"
    done = push(work, "alice/model")
    assert done.returncode == 0, done.stderr


def test_the_remedy_for_another_branch(hub: "Hub", work: Account) -> None:
    """The hint for a branch that is not checked out changes that branch."""
    work.is_given(_alice(hub), "laptop")
    work.git("checkout", "--quiet", "-b", "other/one")
    add(work, {"big.txt": BIG})
    work.git("checkout", "--quiet", "main")
    work.run("sh", "-c", remedy(push(work, "alice/model", "--force", "origin", "other/one:main")))
    done = push(work, "alice/model", "--force", "origin", "other/one:main")
    assert done.returncode == 0, done.stderr


def test_the_remedy_for_a_token(hub: "Hub", account: Account) -> None:
    """The hint for a token works in the first commit and in others, before and after the commit, in any directory."""
    account.git("init", "--quiet", "--initial-branch", "main", "new")
    account.where = account.home / "new"
    account.run("git-credential-hf", "hooks", "install")
    (account.where / "a b").mkdir()
    token = _alice(hub)
    for number in range(2):
        name = f"a b/{number}.py"
        top = account.where
        done = commit(account, {name: SECRET})
        account.where = top / "a b"
        account.run("sh", "-c", remedy(done))
        account.where = top
        assert account.git("ls-files", name).stdout == ""
        add(account, {name: SECRET})
        add(account, {f"{number}.txt": b"later\n"})
        done = push(account, "alice/model", HF_TOKEN=token)
        editor: dict[str, Any] = {"GIT_SEQUENCE_EDITOR": "sed -i.old s/pick/edit/"}
        account.run("sh", "-c", remedy(done), **editor)
        account.git("rm", "--quiet", "--cached", name)
        account.git("commit", "--quiet", "--amend", "--no-verify", "--allow-empty", "--message", "without")
        account.git("rebase", "--continue")
        while (account.where / ".git/rebase-merge").exists():
            account.git("rebase", "--continue")
        (top / name).unlink()
        assert push(account, "alice/model", HF_TOKEN=token).returncode == 0


def test_the_remedy_for_a_password_in_a_url(hub: "Hub", work: Account) -> None:
    """The hint removes it from the URL of that remote, and leaves all others."""
    url = in_the_url(work, _alice(hub))
    work.git("remote", "add", "origin", "https://github.com/alice/code")
    work.git("remote", "add", "the-hub", HUB + "alice/elsewhere")
    for branch, push_only in (("one", []), ("two", ["--push"])):
        work.git("remote", "set-url", *push_only, "the-hub", url)
        work.run("sh", "-c", remedy(work.git("push", "the-hub", f"main:{branch}")))
        assert work.git("remote", "get-url", *push_only, "the-hub").stdout == HUB + "alice/model\n"
    assert remedy(work.git("push", url, "main:three")) == f"git push {HUB}alice/model"
    assert work.git("remote", "get-url", "origin").stdout == "https://github.com/alice/code\n"


def test_many_of_a_kind(hub: "Hub", work: Account) -> None:
    """A hundred problems of a kind are five errors with a hint each, and the number of the others."""
    token = _alice(hub)
    add(work, {f"{n}.dat": b"\0%d" % n for n in range(100)})
    work.git("config", "hf.binaryFiles", "block")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert len(messages(done, "error")) == len(messages(done, "hint")) == 5
    assert "and 95 more like this" in messages(done, "error")[-1]


def test_our_own_token(hub: "Hub", work: Account) -> None:
    """The user's own token is found whatever it looks like, and is not shown."""
    _alice(hub)
    odd = "hf_HubCITokenOfAnOddShape_0123"
    old = work.git("rev-parse", "HEAD").stdout.strip()
    add(work, {"deploy.sh": f"curl -H 'Authorization: Bearer {odd}'\n".encode()})
    work.git("config", "hf.writeCheck", "off")
    done = run_hook(work, HUB + "alice/model", old=old, HF_TOKEN=odd)
    assert done.returncode == 1
    assert "deploy.sh" in messages(done, "error")[0]
    assert odd not in done.stderr


def asked(hub: "Hub") -> "list[Request]":
    return hub.log.of("/api/whoami-v2")


def test_a_published_token(hub: "Hub", work: Account) -> None:
    """A library whose history has a token that the Hub does not know is pushed as without us, and asked about once."""
    token = _alice(hub)
    hub.accounts.forget(SECRET.decode())
    add(work, {"test_it.py": b'SANDBOX = "%s"\n' % SECRET})
    add(work, {"test_it.py": b'SANDBOX = "%s"\nmore = 1\n' % SECRET, "copy.py": SECRET})
    for branch, questions in (("one", 1), ("two", 0)):
        hub.log.clear()
        done = push(work, "alice/model", "--force", "origin", f"main:{branch}", HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "git-credential-hf" not in done.stderr
        assert len([request for request in asked(hub) if request.token == SECRET.decode()]) == questions
        work.git("update-ref", "-d", f"refs/remotes/origin/{branch}")
    hub.log.clear()
    assert commit(work, {"another.py": SECRET}).stderr == ""
    assert asked(hub) == []


def test_a_line_beside_a_valid_token(hub: "Hub", work: Account) -> None:
    """A change beside a token that the Hub has is neither refused nor asked about, in a commit or in a push."""
    token = _alice(hub)
    add(work, {"test_it.py": SECRET + b"\n"})
    work.git("config", "hf.leakedTokens", "off")
    assert push(work, "alice/model", HF_TOKEN=token).returncode == 0
    work.git("config", "hf.leakedTokens", "block")
    hub.log.clear()
    assert commit(work, {"test_it.py": b"# beside\n" + SECRET + b"\n"}).returncode == 0
    work.git("mv", "test_it.py", "test_that.py")
    assert commit(work, {"test_that.py": b"# beside it\n" + SECRET + b"\n"}).returncode == 0
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    assert asked(hub) == []
    add(work, {"test_that.py": SECRET + b"\n" + SECRET + b"\n"})
    done = push(work, "alice/model", HF_TOKEN=token)
    assert "test_that.py in commit" in messages(done, "error")[0]
    assert messages(done, "hint")[0].startswith("revoke it at")


@pytest.mark.parametrize("environment", [{"HF_HUB_OFFLINE": "1"}, {}], ids=["offline", "down"])
def test_a_token_that_cannot_be_asked_about(environment: dict[str, Any], hub: "Hub", work: Account) -> None:
    """Offline no request is made, and a Hub that does not answer is waited for once: a warning, and no refusal."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    if not environment:
        hub.faults.reset("/api/")
    hub.log.clear()
    (work.where / "a.py").write_bytes(SECRET)
    work.git("add", "a.py")
    done = work.git("commit", "--message", "a change", check=False, **environment)
    assert done.returncode == 0, done.stderr
    (warning,) = messages(done, "warning")
    assert "a.py contains what looks like a Hub token (hf_****EfGh)" in warning
    assert SECRET.decode() not in done.stderr
    assert len(asked(hub)) == (0 if environment else 1)


REFRESHES = "hf_oauth__refresh_vQ7mKd2RzXe9TnBwLc4YsPfJ6hGaUoEfGh"
ORGANISATIONS = "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"


@pytest.mark.parametrize(
    ("token", "questions"), [(REFRESHES, 0), (ORGANISATIONS, 1)], ids=["refreshes", "organisations"]
)
def test_a_token_that_whoami_may_not_know(token: str, questions: int, hub: "Hub", work: Account) -> None:
    """What renews a token is not sent, and a no that may mean something else is only a warning."""
    hub.log.clear()
    done = commit(work, {"a.py": token.encode()})
    assert done.returncode == 0, done.stderr
    assert "the Hub did not report whether it is valid" in messages(done, "warning")[0]
    assert len(asked(hub)) == questions


def test_how_many_tokens_are_asked_about(hub: "Hub", work: Account) -> None:
    """At most five tokens are sent, each once, to the Hub that is pushed to; the others are a warning."""
    token = _alice(hub)
    others = [hub.token("somebody") for _ in range(7)]
    add(work, {f"{n}.py": (other * 2).replace("hf_", " hf_").encode() for n, other in enumerate(others)})
    hub.log.clear()
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    sent = [request.token for request in asked(hub)]
    assert len(sent) == len(set(sent)) == 5 and set(sent) < set(others)
    assert (len(messages(done, "error")), len(messages(done, "warning"))) == (5, 2)
    assert not any(other in done.stderr for other in others)


def test_a_slow_answer_about_a_token(hub: "Hub", work: Account) -> None:
    """All questions together take three seconds at most."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    hub.faults.delay("/api/whoami-v2", 20)
    start = time.monotonic()
    done = commit(work, {"a.py": SECRET, "b.py": hub.token("somebody").encode()})
    assert done.returncode == 0
    assert len(messages(done, "warning")) == 2
    assert time.monotonic() - start < 8


@pytest.mark.parametrize("value", ["disabled", "your_hf_token_here"])
def test_a_placeholder_for_a_token(value: str, hub: "Hub", work: Account) -> None:
    """A placeholder in `HF_TOKEN` is not looked for in files, nor masked in their names."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    for name, content in (
        (f"{value}.env", f"HF_TOKEN={value}\n"),
        ("docs.md", "hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh\n"),
    ):
        (work.where / name).write_text(content)
    work.git("add", "--all")
    done = work.git("commit", "--message", "a change", HF_TOKEN=value)
    assert "git-credential-hf" not in done.stderr
    (work.where / f"{value}.txt").write_bytes(BIG)
    work.git("add", "--all")
    done = work.git("commit", "--message", "a change", check=False, HF_TOKEN=value)
    assert messages(done, "error")[0].startswith(f"commit refused: {value}.txt is over")


def basic(secret: str) -> bytes:
    return b"extraHeader = AUTHORIZATION: basic " + base64.b64encode(f"hf_user:{secret}".encode())


def test_an_own_token_in_disguise(hub: "Hub", work: Account) -> None:
    """An own token in UTF-16, in base64, in a message, a tag or a name does not leave; it is not asked about."""
    own = _alice(hub)
    push(work, "alice/model", HF_TOKEN=own)
    for files, message, name in (
        ({"setup.ps1": f"\ufeff$env:HF_TOKEN = '{own}'\r\n".encode("utf-16")}, "a change", "setup.ps1"),
        ({"config": basic(own)}, "a change", "config"),
        ({"f": b"1"}, f"use {own}", "the message of commit"),
        ({f"{own}.txt": b"1"}, "a change", "the name hf_****"),
    ):
        for path, content in files.items():
            (work.where / path).write_bytes(content)
        work.git("add", "--all")
        work.git("commit", "--no-verify", "--message", message)
        hub.log.clear()
        done = work.git("push", "origin", "main", check=False, HF_TOKEN=own)
        assert done.returncode == 1
        assert name in messages(done, "error")[0]
        assert "your Hub token hf_****" in messages(done, "error")[0]
        assert own not in done.stderr and uploads(hub) == [] and asked(hub) == []
        work.git("reset", "--hard", "HEAD~1")
    work.git("tag", "--annotate", "--message", f"with {own}", "v1")
    done = work.git("push", "origin", "v1", check=False, HF_TOKEN=own)
    assert "the message of refs/tags/v1 contains" in messages(done, "error")[0]
    work.run("sh", "-c", remedy(done), GIT_EDITOR="echo fine >")
    assert work.git("push", "origin", "v1", HF_TOKEN=own).returncode == 0
    done = work.git("push", "origin", f"main:refs/heads/{own}", check=False, HF_TOKEN=own)
    assert "the name refs/heads/hf_****" in messages(done, "error")[0]


def at_the_tip(work: Account) -> None:
    add(work, {"key.py": SECRET})


def deep(work: Account) -> None:
    add(work, {"key.py": SECRET})
    add(work, {"more.txt": b"more\n"})


def before_a_merge(work: Account) -> None:
    add(work, {"key.py": SECRET})
    work.git("checkout", "--quiet", "-b", "side", "HEAD~1")
    add(work, {"side.txt": b"side\n"})
    work.git("checkout", "--quiet", "main")
    work.git("merge", "--no-verify", "--no-edit", "side")


def in_the_merge(work: Account) -> None:
    work.git("checkout", "--quiet", "-b", "side")
    add(work, {"side.txt": b"side\n"})
    work.git("checkout", "--quiet", "main")
    add(work, {"main.txt": b"main\n"})
    work.git("merge", "--no-commit", "--no-ff", "side")
    add(work, {"key.py": SECRET})
    add(work, {"more.txt": b"more\n"})


PLACES: dict[Callable[[Account], None], str] = {
    at_the_tip: "",
    deep: "sed -i.old '1s/pick/edit/'",
    before_a_merge: "sed -i.old 's/^pick \\(.* a change\\)$/edit \\1/'",
    in_the_merge: "sed -i.old '/^merge/a break'",
}


@pytest.mark.parametrize("place", each_run(PLACES, at_the_tip, in_the_merge), ids=lambda place: place.__name__)
def test_the_remedy_for_where_a_token_is(place: Callable[[Account], None], hub: "Hub", work: Account) -> None:
    """The hint leads to the commit with the token, wherever that is, and names the ways past the refusal."""
    work.is_given(_alice(hub), "laptop")
    push(work, "alice/model")
    place(work)
    done = push(work, "alice/model")
    (hint,) = messages(done, "hint")
    assert "`git push --no-verify`" in hint and "hf.leakedTokens" in hint
    if not PLACES[place]:
        (work.where / "key.py").write_text("none\n")
    work.run("sh", "-c", remedy(done), GIT_SEQUENCE_EDITOR=PLACES[place])
    while (work.where / ".git/rebase-merge").exists():
        if (work.where / "key.py").exists():
            (work.where / "key.py").write_text("none\n")
            work.git("commit", "--quiet", "--all", "--amend", "--no-edit")
        work.git("rebase", "--continue")
    assert (work.where / "key.py").read_text() == "none\n"
    done = push(work, "alice/model")
    assert done.returncode == 0, done.stderr


def test_only_what_the_hub_lacks(hub: "Hub", work: Account) -> None:
    """What the remote has already is not checked again, and a deletion adds nothing."""
    token = _alice(hub)
    large(work)
    assert (
        push(work, "alice/model", "--no-verify", "--force", "origin", "main", HF_TOKEN=token).returncode == 1
    )  # the Hub itself
    work.git("config", "hf.largeFiles", "off")
    hub.blob_limit = 1 << 30
    assert push(work, "alice/model", HF_TOKEN=token).returncode == 0
    work.git("config", "hf.largeFiles", "block")
    add(work, {"more.txt": b"more\n"})
    done = work.git("push", "origin", "main", HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr
    work.git("push", "origin", "main:refs/heads/other", HF_TOKEN=token)
    done = work.git("push", "origin", ":refs/heads/other", HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr


def by_its_url(account: Account) -> list[str]:
    account.clone(HUB + "alice/old", GIT_LFS_SKIP_SMUDGE="1")
    return [HUB + "alice/old", "HEAD:refs/heads/new"]


def by_another_name(account: Account) -> list[str]:
    account.clone(HUB + "alice/old", GIT_LFS_SKIP_SMUDGE="1")
    account.git("remote", "add", "again", HUB + "alice/old")
    return ["again", "HEAD:refs/heads/new"]


def from_a_bare_clone(account: Account) -> list[str]:
    account.git("clone", "--bare", HUB + "alice/old", "old")
    account.where = account.home / "old"
    return ["origin", "main:refs/heads/new"]


def of_a_pull_request(account: Account) -> list[str]:
    account.clone(HUB + "alice/old")
    add(account, {"model.bin": b"another" + WEIGHTS})
    account.git("push", "origin", "HEAD:refs/pr/1")
    account.where = account.home
    account.git("clone", HUB + "alice/old", "merging", GIT_LFS_SKIP_SMUDGE="1")
    account.where = account.home / "merging"
    account.git("fetch", "origin", "refs/pr/1:pr/1")
    account.git("merge", "--ff-only", "pr/1", GIT_LFS_SKIP_SMUDGE="1")
    return ["origin", "main"]


@pytest.mark.parametrize(
    "prepare", [by_its_url, by_another_name, from_a_bare_clone, of_a_pull_request], ids=lambda prepare: prepare.__name__
)
def test_what_the_hub_lists(prepare: Callable[[Account], list[str]], hub: "Hub", account: Account) -> None:
    """What the Hub has, even if no tracking reference shows it, is no reason to refuse a push; what is new is."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    old = {"README.md": b"old\n", "big.txt": BIG}
    hub.repository("alice/old", private=True, files=old, lfs={"model.bin": WEIGHTS})
    where = prepare(account)
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", *where, check=False)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    if (account.where / ".git").exists():
        add(account, {"new.txt": b"y" * (11 << 20)})
        done = account.git("push", *where, check=False)
        (error,) = messages(done, "error")
        assert "new.txt in commit" in error


@pytest.mark.parametrize("pushed", [["other", "hub"], ["hub"], ["other", "hub", "both are fetched"]], ids=len)
def test_what_another_url_of_the_remote_has(pushed: list[str], hub: "Hub", work: Account, tmp_path: Path) -> None:
    """Tracking references do not count; the remote may be fetched from another URL, or pushed to two."""
    work.is_given(_alice(hub), "laptop")
    other = str(tmp_path / "other.git")
    work.git("init", "--quiet", "--bare", other)
    add(work, {"big.txt": BIG})
    urls = {"other": other, "hub": HUB + "alice/model"}
    work.git("remote", "add", "origin", urls["hub"] if len(pushed) == 3 else other)
    work.git("push", "--no-verify", other, "main")
    work.git("update-ref", "refs/remotes/origin/main", "main")
    for name in pushed[:2]:
        work.git("remote", "set-url", "--add", "--push", "origin", urls[name])
    hub.log.clear()
    done = work.git("push", "--force", "origin", "main", check=False)
    assert "big.txt" in messages(done, "error")[0]
    assert uploads(hub) == []


@pytest.mark.parametrize("name", ["origin", "origin/x"])
@pytest.mark.git_versions
def test_what_is_remembered_of_another_repository(name: str, hub: "Hub", work: Account, tmp_path: Path) -> None:
    """The references of a forge that are left under the remote's name are not taken for what the Hub has."""
    work.is_given(_alice(hub), "laptop")
    forge = str(tmp_path / "forge.git")
    work.git("init", "--quiet", "--bare", forge)
    add(work, {"big.txt": BIG})
    work.git("remote", "add", name, forge)
    work.git("push", "--no-verify", name, "main:other")
    assert work.git("for-each-ref", f"refs/remotes/{name}").stdout
    work.git("remote", "set-url", name, HUB + "alice/model")
    for references in (["main:new"], ["--force", "main"]):
        hub.log.clear()
        done = work.git("push", name, *references, check=False)
        assert done.returncode == 1
        assert "big.txt" in messages(done, "error")[0]
        assert uploads(hub) == []


def test_how_often_the_hub_is_asked_what_it_has(hub: "Hub", work: Account) -> None:
    """For a branch that it has, git has announced an id, and that is enough; for a new one it is asked once."""
    token = _alice(hub)
    push(work, "alice/model", HF_TOKEN=token)
    there = work.git("rev-parse", "HEAD").stdout.strip()
    for name, content, listings in (("more.txt", b"more\n", {there: 0, "0" * 40: 1}), ("big.txt", BIG, {there: 1})):
        add(work, {name: content})
        for old, times in listings.items():
            hub.log.clear()
            done = run_hook(work, HUB + "alice/model", old=old, HF_TOKEN=token)
            assert done.returncode == (1 if content == BIG else 0)
            assert len([r for r in hub.log.of("/info/refs", status=200) if "git-upload-pack" in r.query]) == times


def test_a_mirror_of_a_forge(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """What is refused in the pull requests of another forge is named with them, and the hint pushes all the others."""
    work.is_given(_alice(hub), "laptop")
    work.git("checkout", "--quiet", "-b", "pull")
    add(work, {"big.txt": BIG})
    work.git("update-ref", "refs/pull/1/head", "HEAD")
    work.git("update-ref", "refs/pull/2/head", "HEAD")
    work.git("checkout", "--quiet", "main")
    work.git("branch", "--quiet", "-D", "pull")
    work.git("tag", "v1")
    hub.log.clear()
    done = push(work, "alice/model", "--mirror", "origin")
    assert done.returncode == 1 and uploads(hub) == []
    (warning,) = messages(done, "warning")
    assert "refs/pull/1/head and 1 more references" in warning
    (hint,) = [hint for hint in messages(done, "hint") if "git push https://" in hint]
    done = work.run("sh", "-c", hint.split("`")[1] + " --force")  # the Hub's first commit is another
    assert "git-credential-hf" not in done.stderr
    assert "refs/tags/v1" in work.git("ls-remote", HUB + "alice/model").stdout


def test_an_lfs_object_that_only_the_hub_has(hub: "Hub", account: Account) -> None:
    """A pointer to an object that the Hub has is no reason to refuse, even if no commit that it lists shows that."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    hub.repository("alice/old", private=True, files={"README.md": b"old\n"}, lfs={"model.bin": WEIGHTS})
    account.clone(HUB + "alice/old")
    account.git("checkout", "--quiet", "-b", "dev")
    add(account, {"new.bin": b"new" + WEIGHTS})
    account.git("push", "origin", "dev")
    mine = account.home / "mine"
    branch = ("--single-branch", "--branch", "main")
    account.git("clone", *branch, HUB + "alice/old", str(mine), GIT_LFS_SKIP_SMUDGE="1")
    account.git("-C", str(mine), "fetch", "origin", "dev")
    account.git("-C", str(mine), "cherry-pick", "FETCH_HEAD", GIT_LFS_SKIP_SMUDGE="1")
    account.git("commit", "--amend", "--message", "another")
    account.git("push", "--force", "origin", "dev")
    account.where = mine
    account.git("commit", "--amend", "--message", "mine")
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", "origin", "main", check=False)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    (asked,) = [r for r in hub.log if r.path.endswith("/info/lfs/objects/batch") and r.scheme == "bearer"]
    assert {asked.headers["accept"], asked.headers["content-type"]} == {"application/vnd.git-lfs+json"}
    (mine / "lost.bin").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'5' * 64}\nsize 5\n")
    add(account, {})
    done = account.git("push", "origin", "main", check=False)
    assert "lost.bin in commit" in messages(done, "error")[0]


def test_a_bare_clone_with_a_token_in_its_url(hub: "Hub", account: Account) -> None:
    """If the only credential is in the URL, a new branch of what the Hub has already is not refused."""
    hub.user("alice")
    files = {"key.py": SECRET, "big.txt": BIG}
    hub.repository("alice/old", private=True, files=files, lfs={"model.bin": WEIGHTS})
    account.git("clone", "--bare", f"https://alice:{hub.token('alice')}@huggingface.co/alice/old", "old")
    account.where = account.home / "old"
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", "origin", "main:refs/heads/new", check=False)
    assert done.returncode == 0, done.stderr
    assert any("cannot find out what the Hub already has" in warning for warning in messages(done, "warning"))


# --- off switches ---


def test_off_switches(hub: "Hub", work: Account) -> None:
    """`--no-verify`, `GIT_CREDENTIAL_HF_HOOKS=off` and `hf.writeCheck` turn it off; an invalid value is a warning."""
    token = _alice(hub, "read")
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token).returncode == 1
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token, GIT_CREDENTIAL_HF_HOOKS="off").stderr == ""
    done = push(work, "alice/model", "--no-verify", "--force", "origin", "main", HF_TOKEN=token)
    assert done.returncode == 1
    assert "git-credential-hf" not in done.stderr
    assert uploads(hub)
    work.git("config", "hf.writeCheck", "warn")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "can only read" in messages(done, "warning")[0]
    work.git("config", "hf.writeCheck", "maybe")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    assert "hf.writeCheck is 'maybe'" in messages(done, "warning")[0]
    work.git("config", "hf.writeCheck", "off")
    hub.log.clear()
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token).stderr == ""
    assert hub.log.of("/api/") == []


def test_what_cannot_be_checked_is_not_refused(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """After input that git never writes there is one warning, and the push goes on."""
    token = _alice(hub)
    for stdin in ("rubbish\n", f"refs/tags/v1 {'1' * 40} refs/tags/v1 {'2' * 40}\n", "\0\n", "a b c d e\n"):
        command = ("git-credential-hf", "hook", "pre-push", "origin", HUB + "alice/model")
        done = work.run(*command, stdin=stdin, check=False, HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert len(messages(done, "warning")) == 1


# --- pre-commit ---


def commit(work: Account, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    for name, content in files.items():
        (work.where / name).write_bytes(content)
    work.git("add", "--all")
    return work.git("commit", "--message", "a change", check=False)


def test_commits(hub: "Hub", work: Account) -> None:
    """A commit with a token, or with a file that the Hub will refuse, fails."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    before = work.git("rev-parse", "HEAD").stdout
    for files, words in (
        ({"a.py": SECRET}, "a.py contains the Hub token hf_****EfGh"),
        ({"big.txt": BIG}, "big.txt is over 10 MiB (11.5 MB) and not in LFS"),
    ):
        done = commit(work, files)
        assert done.returncode == 1
        (error,), (hint,) = messages(done, "error"), messages(done, "hint")
        assert error.startswith("commit refused: ")
        assert words in error
        assert hint
        assert work.git("rev-parse", "HEAD").stdout == before
        work.git("reset", "--hard")
    assert commit(work, {"fine.bin": b"\0" + WEIGHTS, "fine.py": b"print()\n"}).returncode == 0
    (work.where / "a.py").write_bytes(SECRET)
    work.git("add", "a.py")
    assert work.git("commit", "--no-verify", "--message", "anyway", check=False).returncode == 0


@pytest.mark.parametrize("where", ["", "a b"])
def test_the_remedy_for_a_large_file(where: str, hub: "Hub", work: Account) -> None:
    """The hint before a commit moves that file into LFS, from any directory."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    (work.where / "a b").mkdir()
    (work.where / "a b/big [1].txt").write_bytes(BIG)
    work.git("add", "--all")
    work.where /= where
    done = work.git("commit", "--message", "a change", check=False)
    (hint,) = messages(done, "hint")
    work.run("sh", "-c", " && ".join(hint.split("`")[1::2]))
    work.git("commit", "--message", "a change")
    assert work.git("show", "HEAD:a b/big [1].txt").stdout.startswith("version https://git-lfs")
    assert work.git("status", "--porcelain").stdout == ""


ODD_NAMES = [
    "-x.txt",
    ":x.txt",
    "!x.txt",
    "^x",
    "_x.py",
    "@x",
    ":(top)x",
    "[a].txt",
    "*",
    "a\tb.txt",
    "a\\b.txt",
    "end ",
]


@pytest.mark.parametrize("name", some(ODD_NAMES, 3))
def test_the_remedy_for_an_odd_name(name: str, hub: "Hub", work: Account) -> None:
    """The hint removes that file from the commit, or moves it into LFS, and no other, whatever its name is."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    beside = {"a.txt": b"a\n", "x.txt": b"x\n"}
    done = commit(work, {name: SECRET, **beside})
    work.run("sh", "-c", remedy(done))
    staged = work.git("diff", "--cached", "--name-only", "-z").stdout.split("\0")[:-1]
    assert staged == sorted(beside)
    assert name not in staged
    (hint,) = messages(commit(work, {name: BIG}), "hint")
    work.run("sh", "-c", " && ".join(hint.split("`")[1::2]))
    work.git("commit", "--message", "a change")
    assert work.git("cat-file", "blob", f"HEAD:{name}").stdout.startswith("version https://git-lfs")


@pytest.mark.parametrize("name", some(["end ", "a\tb.txt", "-x.txt"], 2))
def test_the_remedy_for_an_odd_name_in_history(name: str, hub: "Hub", work: Account) -> None:
    """The hint moves a file into LFS, even if a pattern would lose the end of its name, or a tab."""
    work.is_given(_alice(hub), "laptop")
    add(work, {name: BIG})
    work.run("sh", "-c", remedy(push(work, "alice/model")))
    assert push(work, "alice/model").returncode == 0


def test_a_merge_with_a_conflict(hub: "Hub", work: Account) -> None:
    """A merge is refused only for what is new, and not for what one of its parents has."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    work.git("checkout", "--quiet", "-b", "theirs")
    add(work, {"notes.md": b"theirs\n", "key.py": SECRET, "image.png": b"\0"})
    work.git("checkout", "--quiet", "main")
    add(work, {"notes.md": b"ours\n"})
    work.git("merge", "theirs", check=False)
    assert commit(work, {"notes.md": b"both\n", "more.py": SECRET}).returncode == 1
    work.git("rm", "--quiet", "--force", "more.py")
    done = commit(work, {"notes.md": b"both\n"})
    assert done.returncode == 0
    assert "git-credential-hf" not in done.stderr


def test_commits_for_other_remotes(hub: "Hub", work: Account) -> None:
    """If no remote is on the Hub, a commit is only checked for tokens."""
    work.git("remote", "add", "origin", "https://github.com/alice/model")
    assert commit(work, {"big.txt": BIG}).returncode == 0
    assert commit(work, {"a.py": SECRET}).returncode == 1


def test_the_first_commit(hub: "Hub", account: Account) -> None:
    """In a repository without a commit everything staged is checked."""
    account.git("init", "--quiet", "new")
    account.where = account.home / "new"
    account.run("git-credential-hf", "hooks", "install")
    assert commit(account, {"a.py": SECRET}).returncode == 1


def test_porcelain(hub: "Hub", work: Account) -> None:
    """`git push --porcelain` prints what programs read; our output is not part of it."""
    done = push(work, "alice/model", "--porcelain", "--force", "origin", "main", HF_TOKEN=_alice(hub))
    assert done.returncode == 0
    assert "git-credential-hf" not in done.stdout


FRAMEWORK = """\
repos:
  - repo: local
    hooks:
      - {id: push, name: push, entry: git-credential-hf hook pre-push, language: system, stages: [pre-push],
         always_run: true, pass_filenames: false}
      - {id: commit, name: commit, entry: git-credential-hf hook pre-commit, language: system, stages: [pre-commit],
         always_run: true, pass_filenames: false}
"""


def test_called_by_pre_commit(hub: "Hub", work: Account) -> None:
    """The hook works in the pre-commit framework, which describes a push in its environment, root commits too."""
    reads, writes = _alice(hub, "read"), hub.token("alice")
    work.run("git-credential-hf", "hooks", "uninstall")
    add(work, {".pre-commit-config.yaml": FRAMEWORK.encode()})
    work.run("python", "-m", "pre_commit", "install", "--hook-type", "pre-push", "--hook-type", "pre-commit")
    done = push(work, "alice/model", HF_TOKEN=reads)
    assert done.returncode == 1
    assert "push refused before any upload: the token" in done.stdout + done.stderr
    assert "can only read" in done.stdout + done.stderr
    add(work, {"big.txt": BIG})
    done = push(work, "alice/model", HF_TOKEN=writes)
    assert done.returncode == 1
    assert "big.txt in commit" in done.stdout + done.stderr
    done = commit(work, {"a.py": SECRET})
    assert done.returncode == 1
    assert "commit refused: a.py contains the Hub token" in done.stdout + done.stderr
    work.git("reset", "--hard", "HEAD~1")
    done = push(work, "alice/model", "--force", "origin", "main:main", HF_TOKEN=writes)
    assert done.returncode == 0, done.stdout + done.stderr


def test_progress(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """A long scan shows its progress on a terminal only, and clears it at the end."""
    token = _alice(hub)
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase $* in *rev-list*) sleep 1.5 ;; esac\nexec {shutil.which("git")} "$@"\n')
    slow.chmod(0o755)
    environment = {"HF_TOKEN": token, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    assert run_hook(work, HUB + "alice/model", **environment).stderr == ""
    tip = work.git("rev-parse", "HEAD").stdout.strip()
    terminal, stderr = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as shown:
        subprocess.run(
            ["git-credential-hf", "hook", "pre-push", "origin", HUB + "alice/model"],
            cwd=work.where,
            input=f"refs/heads/main {tip} refs/heads/main {'0' * 40}\n".encode(),
            env={**os.environ, **environment},
            stderr=stderr,
            check=True,
        )
        os.close(stderr)
        seen = b""
        with contextlib.suppress(OSError):  # the terminal's end is an error
            while more := shown.read(4096):
                seen += more
    lines = seen.decode().split("\r")
    assert any("scanning this push: " in line for line in lines)
    assert lines[-1] == ""
    assert not lines[-2].strip()
