"""Nothing goes up that will be refused: pushes of LFS files to the Hub, with the hooks in place."""

import contextlib
import json
import os
import pty
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account
from reasons import REASONS, _acme, _alice

if TYPE_CHECKING:
    from fake_hub import Hub, Request

HUB = "https://huggingface.co/"


@pytest.fixture
def hub(world: "Hub", monkeypatch: pytest.MonkeyPatch) -> "Hub":
    """The Hub, found by its name, with nothing on it yet."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return world


@pytest.fixture
def work(account: Account) -> Account:
    """A repository on this machine with an LFS file in its one commit, and our hooks; no remote yet."""
    account.git("init", "--quiet", "--initial-branch", "main", "my work")
    account.where = account.home / "my work"
    account.git("lfs", "track", "*.bin")
    add(account, {"model.bin": b"\1" + WEIGHTS, "notes.md": b"notes\n"})
    account.run("git-credential-hf", "hooks", "install")
    return account


def add(work: Account, files: dict[str, bytes]) -> None:
    """A commit that nobody judges."""
    for name, content in files.items():
        (work.where / name).write_bytes(content)
    work.git("add", "--all")
    work.git("commit", "--no-verify", "--message", "a change")


def push(
    work: Account, repository: str, token: str | None, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`git push` of all that is there to a repository of the Hub's."""
    work.git("remote", "remove", "origin", check=False)
    work.git("remote", "add", "origin", repository if "://" in repository else HUB + repository)
    environment = {**({"HF_TOKEN": token} if token else {}), **environment}
    return work.git("push", *(arguments or ("--force", "origin", "main")), check=False, **environment)


def uploads(hub: "Hub") -> "list[Request]":
    """What git-lfs asked for, and what git and git-lfs sent."""
    return [
        request
        for request in hub.log
        # (git-lfs says who it is with Basic; with Bearer, it is asked what is there already.)
        if ("/info/lfs/" in request.path and request.scheme != "bearer")
        or request.method == "PUT"
        or request.path.endswith("/git-receive-pack")
    ]


def said(done: subprocess.CompletedProcess[str], level: str) -> list[str]:
    start = f"git-credential-hf: {level}: "
    return [line.removeprefix(start) for line in done.stderr.splitlines() if line.startswith(start)]


# Where git itself is refused before it has anything to push: no hook is ever started, and nothing goes up.
BY_GIT = {
    *("no token", "revoked", "expired", "revoked by the organisation", "not approved by the organisation"),
    *("gated, not requested", "gated, pending", "gated, rejected", "gated, reset", "gated, not in the scope"),
    *("no such repository", "somebody else's private repository", "disabled"),
}


def in_trees(rows: Iterable[Any], *chosen: object) -> list[Any]:
    """All rows, of which these are run with other gits, too."""
    return [pytest.param(row, marks=pytest.mark.git_versions) if row in chosen else row for row in rows]


@pytest.mark.parametrize("name", in_trees(REASONS, "read-only", "not a member", "no such repository"))
def test_reasons(name: str, hub: "Hub", work: Account) -> None:
    """A push that the Hub would refuse ends before one LFS request and one byte of upload, and says why."""
    prepare, repository, _, words, remedy = REASONS[name]
    token = prepare(hub)
    hub.log.clear()
    done = push(work, repository, token)
    assert done.returncode != 0
    assert uploads(hub) == []
    if name in BY_GIT:
        assert not said(done, "hint") or "hf auth login" in done.stderr or "HF_TOKEN" in done.stderr
    else:
        (error,), (hint,) = said(done, "error"), said(done, "hint")
        assert error.startswith("push refused before any upload: ")
        assert words in error
        assert remedy in hint or "HF_TOKEN" in hint
        assert len(hub.log.of("/api/")) <= 2
    assert token is None or token not in done.stderr


@pytest.mark.parametrize("name", [name for name in REASONS if name in BY_GIT and name != "no token"])
def test_reasons_that_git_meets_first(name: str, hub: "Hub", work: Account) -> None:
    """The hook knows these reasons as well: where git has got through and the Hub has changed its mind since."""
    prepare, repository, _, words, _ = REASONS[name]
    token = prepare(hub)
    assert token
    done = hook(work, HUB + repository, HF_TOKEN=token)
    assert done.returncode == 1
    (error,) = said(done, "error")
    assert words in error


def hook(
    work: Account, url: str, *, ref: str = "refs/heads/main", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The hook as git starts it, for a new branch."""
    tip = work.git("rev-parse", "HEAD").stdout.strip()
    return work.run(
        *("git-credential-hf", "hook", "pre-push", "origin", url),
        stdin=f"refs/heads/main {tip} {ref} {'0' * 40}\n",
        check=False,
        **environment,
    )


@pytest.mark.git_versions
def test_allowed(hub: "Hub", work: Account) -> None:
    """A push that is fine is silent; one request, and with the answer kept none; the LFS file is on the Hub then."""
    token = _alice(hub)
    for name, requests in (("one", 1), ("two", 0)):
        add(work, {f"{name}.bin": name.encode() + WEIGHTS})
        hub.log.clear()
        done = push(work, "alice/model", token)
        assert done.returncode == 0, done.stderr
        assert "git-credential-hf" not in done.stderr
        assert len(hub.log.of("/api/")) == requests
        assert [request for request in hub.log if request.method == "PUT"]
    clone = work.home / "clone"
    work.git("clone", HUB + "alice/model", str(clone), HF_TOKEN=token)
    assert (clone / "two.bin").read_bytes() == b"two" + WEIGHTS


OUTAGES: dict[str, Callable[["Hub"], None]] = {
    "down": lambda hub: hub.faults.reset("/api/"),
    "slow": lambda hub: hub.faults.delay("/api/", 10),
    "five seconds slow": lambda hub: hub.faults.delay("/api/", 5),  # whose answer would come, to who waited longer
    "500": lambda hub: hub.faults.status("/api/", 500),
    "429": lambda hub: hub.faults.rate_limit("/api/"),
    "garbage": lambda hub: hub.faults.garbage("/api/"),
    "TLS": lambda hub: None,
}


@pytest.mark.parametrize("name", OUTAGES)
def test_outages(name: str, hub: "Hub", work: Account) -> None:
    """Where the Hub does not say, the push goes on, with one line of warning; a late answer is not waited for."""
    token = _alice(hub)
    OUTAGES[name](hub)
    untrusted = {"SSL_CERT_FILE": str(work.home / "no.pem")} if name == "TLS" else {}
    if untrusted:
        Path(untrusted["SSL_CERT_FILE"]).write_text("")
    done = push(work, "alice/model", token, **untrusted)
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("git-credential-hf: ")]
    assert warning.startswith("git-credential-hf: warning: cannot check access to alice/model: ")


def test_no_route_to_the_api(hub: "Hub", work: Account) -> None:
    """A Hub that git reaches and huggingface_hub does not (a proxy, HF_HUB_OFFLINE) is no reason to refuse."""
    token = _alice(hub)
    for number, environment in enumerate(({"HF_HUB_OFFLINE": "1"}, {"HTTPS_PROXY": "http://127.0.0.1:9"})):
        add(work, {"more.md": b"%d" % number})
        git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.proxy", "GIT_CONFIG_VALUE_0": ""}
        done = push(work, "alice/model", token, **git, **environment)
        assert done.returncode == 0, done.stderr
        assert len(said(done, "warning")) == 1


@pytest.mark.git_versions
def test_pull_requests_need_no_role(hub: "Hub", work: Account) -> None:
    """`refs/pr/N` takes a token that can only read; with a branch beside it, it does not."""
    token = _acme(hub, None, "read")
    pull_request = ("--force", "origin", "main:refs/pr/1")
    done = push(work, "acme/model", token, *pull_request)
    assert "git-credential-hf" not in done.stderr
    hub.log.clear()
    done = push(work, "acme/model", token, *pull_request, "main")
    assert done.returncode == 1
    assert "can only read" in said(done, "error")[0]
    assert uploads(hub) == []


def test_a_token_of_a_namespace(hub: "Hub", work: Account) -> None:
    """The token that `configure --for` has given to the namespace is judged, and no other."""
    reads = _acme(hub, "write", "read")
    work.is_given(reads, "reads")
    work.is_given(hub.token("alice"), "writes")
    work.run("git-credential-hf", "configure", "--token", "reads", "--for", "acme")
    hub.log.clear()
    done = push(work, "acme/model", None)
    assert done.returncode == 1
    assert "can only read" in said(done, "error")[0]
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


WINNERS = {
    in_the_url: "the URL of the remote",
    in_a_header: "http.extraHeader",
    in_netrc: ".netrc (line 2)",
    in_another_helper: "git's helper 'store'",
}


@pytest.mark.parametrize("place", in_trees(WINNERS, in_netrc), ids=lambda place: place.__name__)
def test_the_credential_that_wins(place: Callable[[Account, str], str], hub: "Hub", work: Account) -> None:
    """What git will really send is judged, not the login; and the user is told which source wins."""
    work.is_given(_alice(hub), "good")
    reads = hub.token("alice", "read")
    hub.log.clear()
    done = push(work, place(work, reads), None)
    assert done.returncode == 1
    assert "can only read" in said(done, "error")[0]
    assert WINNERS[place] in said(done, "warning")[0]
    assert uploads(hub) == []
    assert reads not in done.stderr.replace(f"alice:{reads}@", "")  # git itself shows the URL
    good = hub.token("alice")
    done = push(work, place(work, good), None)
    assert done.returncode == 0, done.stderr
    assert "instead of the current hf_" in said(done, "warning")[0]


def test_a_copy_that_is_rejected_in_the_middle(hub: "Hub", work: Account) -> None:
    """Where git has begun with a copy that is rejected meanwhile, nobody knows what it still holds: that is told."""
    work.is_given(_alice(hub), "good")
    in_another_helper(work, hub.token("alice"))
    work.git("config", "--global", "--add", "credential.helper", "hf")
    done = push(work, "alice/model", None)
    assert done.returncode == 0, done.stderr
    assert "git started this push with a stale token from another helper" in said(done, "warning")[0]
    add(work, {"more.md": b"more\n"})
    assert "git-credential-hf" not in push(work, "alice/model", None).stderr


def test_a_stale_netrc_entry_is_passed_over(hub: "Hub", work: Account) -> None:
    """A `.netrc` entry that the Hub refuses is one that git passes over, too: the helper's token is judged."""
    work.is_given(_alice(hub), "good")
    stale = hub.token("alice")
    hub.revoke(stale)
    done = push(work, in_netrc(work, stale), None)
    assert done.returncode == 0, done.stderr
    assert ".netrc (line 2)" in said(done, "warning")[0]


def test_a_password_that_somebody_types(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """Where git asks somebody, what it got is not ours to see, and nothing is refused for the lack of a token."""
    token = _alice(hub)
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\necho {token}\n")
    askpass.chmod(0o755)
    work.run("git-credential-hf", "unconfigure")
    done = push(work, "alice/model", None, GIT_ASKPASS=str(askpass))
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


def test_a_credential_that_is_given_once(hub: "Hub", account: Account) -> None:
    """Where git has been let in with what nobody gives a second time, no push is refused for the lack of a token."""
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
    done = push(account, "alice/model", None)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


def test_a_netrc_that_git_alone_reads(hub: "Hub", work: Account) -> None:
    """A `.netrc` that we cannot read as git does may hold what git sends: nothing else is judged in its place."""
    work.is_given(_alice(hub, "read"), "reads")
    url = in_netrc(work, hub.token("alice"))
    netrc = work.home / ".netrc"
    netrc.write_text("machine example.com\nlogin x\nport 21\n" + netrc.read_text())
    done = push(work, url, None)
    assert done.returncode == 0, done.stderr
    assert "not every program reads this netrc file alike" in said(done, "warning")[0]
    assert "(line 3)" in said(done, "warning")[0]
    netrc.write_text("machine example.com\nlogin x\nport 21\n")
    done = hook(work, url)
    assert done.returncode == 1
    assert "can only read" in said(done, "error")[0]


def test_one_of_two_headers(hub: "Hub", work: Account) -> None:
    """A header with a token counts, whatever other headers stand beside it, until an empty one forgets it."""
    work.is_given(_alice(hub, "read"), "reads")
    url = in_a_header(work, hub.token("alice"))
    key = "http.https://huggingface.co/.extraHeader"
    work.git("config", "--global", "--add", key, "X-Team: a")
    done = push(work, url, None)
    assert done.returncode == 0, done.stderr
    work.git("config", "--global", "--add", "http.extraHeader", "Authorization: Bearer hf_nobody")
    done = push(work, url, None)
    assert done.returncode == 0, done.stderr
    work.git("config", "--global", "--add", key, "")
    done = hook(work, url)
    assert done.returncode == 1
    assert "can only read" in said(done, "error")[0]


def test_a_helper_that_hangs(hub: "Hub", work: Account) -> None:
    """A helper that gives no answer is not taken for one that has none: the push goes on, with a warning."""
    _alice(hub)
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", "")
    work.git("config", "--global", "--add", "credential.https://huggingface.co.helper", "!sleep 1000 #")
    done = hook(work, HUB + "alice/model", GIT_TERMINAL_PROMPT="0")
    assert done.returncode == 0
    (warning,) = said(done, "warning")
    assert "cannot check access to alice/model: git credential did not answer" in warning


def test_ssh(hub: "Hub", work: Account) -> None:
    """Over SSH no token is used, so none is judged and the Hub is not asked; what is pushed is."""
    _alice(hub)
    hub.log.clear()
    for url in ("git@hf.co:alice/model", "ssh://git@hf.co/alice/model"):
        assert hook(work, url).returncode == 0
    add(work, {"big.txt": b"x" * (10 << 20) + b"x"})
    for url in ("git@hf.co:alice/model", "ssh://git@hf.co/alice/model"):
        done = hook(work, url)
        assert done.returncode == 1
        assert "big.txt" in said(done, "error")[0]
    assert list(hub.log) == []


@pytest.mark.parametrize("url", ["https://github.com/alice/model", "git@github.com:alice/model", "/srv/git/model", ""])
def test_other_remotes(url: str, work: Account) -> None:
    """A remote that is not the Hub's is none of our business, whatever is pushed."""
    add(work, {"big.txt": b"x" * (11 << 20)})
    done = hook(work, url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- what is pushed ---


def large(work: Account) -> None:
    add(work, {"big.txt": b"x" * (10 << 20) + b"x"})


def large_once(work: Account) -> None:
    large(work)
    (work.where / "big.txt").unlink()
    add(work, {"small.txt": b"x"})


def leak(work: Account) -> None:
    add(work, {"config.py": b'TOKEN = "hf_' + b"AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh" + b'"\n'})


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
    work.git("hash-object", "-w", "--stdin")
    tree = (
        subprocess.run(
            ["git", "mktree", "-z"],
            cwd=work.where,
            input="".join(
                f"100644 blob {'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'}\tf{n:05}\0" for n in range(10_001)
            ).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    work.git("read-tree", "--prefix", "many/", tree)
    work.git("commit", "--no-verify", "--message", "many files")


def metadata(work: Account) -> None:
    add(work, {"README.md": b"---\nlicense: mit\nshort_description: " + b"words " * 20 + b"\n---\n# A model\n"})


CONTENTS: dict[Callable[[Account], None], tuple[str, str, str]] = {
    large: (
        "largeFiles",
        "big.txt in commit {commit} is over 10 MiB (10.5 MB) and not in LFS",
        "git lfs migrate import",
    ),
    large_once: ("largeFiles", "big.txt in commit {parent} is over 10 MiB", "git lfs migrate import --include=big.txt"),
    leak: (
        "leakedTokens",
        "config.py in commit {commit} contains the Hub token hf_****EfGh",
        "git rebase --interactive",
    ),
    missing: (
        "lfsObjects",
        "lost.bin in commit {commit} is a pointer to an LFS object (abababab",
        "git lfs fetch --all",
    ),
    huge: ("lfsObjects", "huge.bin in commit {commit} is 6.0 GB in LFS", "hf lfs-enable-largefiles ."),
    crowd: ("largeFiles", "many/ in commit {commit} has 10,001 files", "git mv many/"),
    metadata: ("metadata", "README.md in commit {commit} has metadata that the Hub rejects", "fix the lines"),
}


@pytest.mark.parametrize("change", in_trees(CONTENTS, large_once, missing), ids=lambda change: change.__name__)
def test_contents(change: Callable[[Account], None], hub: "Hub", work: Account) -> None:
    """What the Hub will not have is named, with commit, path and size; its key warns, or turns the check off."""
    token = _alice(hub)
    change(work)
    key, words, remedy = CONTENTS[change]
    commit, parent = work.git("log", "--format=%h", "--abbrev=10", "-2").stdout.split()
    hub.log.clear()
    done = push(work, "alice/model", token)
    assert done.returncode == 1, done.stderr
    (error,), (hint,) = said(done, "error"), said(done, "hint")
    assert error.startswith("push refused before any upload: ")
    assert words.format(commit=commit, parent=parent) in error
    assert remedy in hint
    assert uploads(hub) == []
    assert len(hub.log.of("/api/")) <= 2
    work.git("config", f"hf.{key}", "warn")
    done = hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert words.format(commit=commit, parent=parent) in said(done, "warning")[0]
    work.git("config", f"hf.{key}", "off")
    done = hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")


def test_binary_files_warn(hub: "Hub", work: Account) -> None:
    """A binary file outside LFS is a warning, because the Hub's rule moves, until `hf.binaryFiles` says otherwise."""
    token = _alice(hub)
    add(work, {"image.png": b"\x89PNG\0\0"})
    done = hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "image.png" in said(done, "warning")[0]
    work.git("config", "hf.binaryFiles", "block")
    hub.log.clear()
    done = push(work, "alice/model", token)
    assert done.returncode == 1
    assert "is a binary file (6 bytes) and not in LFS" in said(done, "error")[0]
    assert uploads(hub) == []


def remedy(done: subprocess.CompletedProcess[str]) -> str:
    """The command that is named for the first of the problems."""
    return said(done, "hint")[0].split("`")[1]


def test_the_remedy_for_a_name(hub: "Hub", work: Account) -> None:
    """What is named for a file outside LFS is one command that takes it in, and no other, whatever its name is."""
    work.is_given(_alice(hub), "laptop")
    add(work, {"a [b],c*.txt": b"x" * (11 << 20), "b.txt": b"small\n"})
    work.run("sh", "-c", remedy(push(work, "alice/model", None)))
    assert work.git("show", "HEAD:b.txt").stdout == "small\n"
    done = push(work, "alice/model", None)
    assert done.returncode == 0, done.stderr


def test_the_remedy_for_another_branch(hub: "Hub", work: Account) -> None:
    """What is named for a branch that is not checked out mends that one."""
    work.is_given(_alice(hub), "laptop")
    work.git("checkout", "--quiet", "-b", "other/one")
    add(work, {"big.txt": b"x" * (11 << 20)})
    work.git("checkout", "--quiet", "main")
    work.run("sh", "-c", remedy(push(work, "alice/model", None, "--force", "origin", "other/one:main")))
    done = push(work, "alice/model", None, "--force", "origin", "other/one:main")
    assert done.returncode == 0, done.stderr


def test_the_remedy_for_a_token(hub: "Hub", account: Account) -> None:
    """What is named for a token works in the first commit as in any other, before it and after, in any directory."""
    account.git("init", "--quiet", "--initial-branch", "main", "new")
    account.where = account.home / "new"
    account.run("git-credential-hf", "hooks", "install")
    (account.where / "a b").mkdir()
    secret = b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"
    token = _alice(hub)
    for number in range(2):
        name = f"a b/{number}.py"
        top = account.where
        done = commit(account, {name: secret})
        account.where = top / "a b"
        account.run("sh", "-c", remedy(done))
        account.where = top
        assert account.git("ls-files", name).stdout == ""
        add(account, {name: secret})
        done = push(account, "alice/model", token)
        editor = {"GIT_SEQUENCE_EDITOR": "sed -i.old s/pick/edit/"}
        account.run("sh", "-c", remedy(done), **editor)
        account.git("rm", "--quiet", "--cached", name)
        account.git("commit", "--quiet", "--amend", "--no-verify", "--allow-empty", "--message", "without")
        account.git("rebase", "--continue")
        (top / name).unlink()
        assert push(account, "alice/model", token).returncode == 0


def test_the_remedy_for_a_password_in_a_url(hub: "Hub", work: Account) -> None:
    """The URL of that remote goes without it, and those of all others stay."""
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
    """A hundred files of a kind are a few lines, one error and one hint each, and the number of the others."""
    token = _alice(hub)
    add(work, {f"{n}.py": b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf" + f"{n:02}".encode() for n in range(100)})
    done = hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert len(said(done, "error")) == len(said(done, "hint")) == 5
    assert "and 95 more like this" in said(done, "error")[-1]


def test_our_own_token(hub: "Hub", work: Account) -> None:
    """The user's own token is found whatever it looks like, and is not shown."""
    _alice(hub)
    odd = "hf_HubCITokenOfAnOddShape_0123"
    add(work, {"deploy.sh": f"curl -H 'Authorization: Bearer {odd}'\n".encode()})
    work.git("config", "hf.writeCheck", "off")
    done = hook(work, HUB + "alice/model", HF_TOKEN=odd)
    assert done.returncode == 1
    assert "deploy.sh" in said(done, "error")[0]
    assert odd not in done.stderr


def test_only_what_the_hub_lacks(hub: "Hub", work: Account) -> None:
    """What the remote has already is not judged again, nor what is deleted there."""
    token = _alice(hub)
    large(work)
    assert (
        push(work, "alice/model", token, "--no-verify", "--force", "origin", "main").returncode == 1
    )  # the Hub itself
    work.git("config", "hf.largeFiles", "off")
    hub.blob_limit = 1 << 30
    assert push(work, "alice/model", token).returncode == 0
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
def test_what_the_hub_has_by_its_own_word(
    prepare: Callable[[Account], list[str]], hub: "Hub", account: Account
) -> None:
    """What the Hub has, and no tracking reference here tells, is no reason to refuse a push; what is new is one."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    old = {"README.md": b"old\n", "big.txt": b"x" * (11 << 20)}
    hub.repository("alice/old", private=True, files=old, lfs={"model.bin": WEIGHTS})
    where = prepare(account)
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", *where, check=False)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    if (account.where / ".git").exists():
        add(account, {"new.txt": b"y" * (11 << 20)})
        done = account.git("push", *where, check=False)
        (error,) = said(done, "error")
        assert "new.txt in commit" in error


@pytest.mark.parametrize("pushed", [["other", "hub"], ["hub"], ["other", "hub", "both are fetched"]], ids=len)
def test_what_another_url_of_the_remote_has(pushed: list[str], hub: "Hub", work: Account, tmp_path: Path) -> None:
    """Tracking references of a remote that is fetched from elsewhere, or pushed to two places, tell nothing of it."""
    work.is_given(_alice(hub), "laptop")
    other = str(tmp_path / "other.git")
    work.git("init", "--quiet", "--bare", other)
    add(work, {"big.txt": b"x" * (11 << 20)})
    urls = {"other": other, "hub": HUB + "alice/model"}
    work.git("remote", "add", "origin", urls["hub"] if len(pushed) == 3 else other)
    work.git("push", "--no-verify", other, "main")
    work.git("update-ref", "refs/remotes/origin/main", "main")
    for name in pushed[:2]:
        work.git("remote", "set-url", "--add", "--push", "origin", urls[name])
    hub.log.clear()
    done = work.git("push", "--force", "origin", "main", check=False)
    assert "big.txt" in said(done, "error")[0]
    assert uploads(hub) == []


def test_an_lfs_object_that_only_the_hub_has(hub: "Hub", account: Account) -> None:
    """A pointer to what the Hub has is no reason to refuse, although no commit here that the Hub has knows it."""
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
    assert "lost.bin in commit" in said(done, "error")[0]


def test_a_bare_clone_with_a_token_in_its_url(hub: "Hub", account: Account) -> None:
    """Where nobody but the URL has a credential, a new branch of what the Hub has already is not refused."""
    hub.user("alice")
    files = {"key.py": b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", "big.txt": b"x" * (11 << 20)}
    hub.repository("alice/old", private=True, files=files, lfs={"model.bin": WEIGHTS})
    account.git("clone", "--bare", f"https://alice:{hub.token('alice')}@huggingface.co/alice/old", "old")
    account.where = account.home / "old"
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", "origin", "main:refs/heads/new", check=False)
    assert done.returncode == 0, done.stderr
    assert any("cannot tell what the Hub has already" in warning for warning in said(done, "warning"))


# --- off switches ---


def test_off_switches(hub: "Hub", work: Account) -> None:
    """`--no-verify`, `GIT_CREDENTIAL_HF_HOOKS=off` and `hf.writeCheck` turn it off; a value of another kind is told."""
    token = _alice(hub, "read")
    assert hook(work, HUB + "alice/model", HF_TOKEN=token).returncode == 1
    assert hook(work, HUB + "alice/model", HF_TOKEN=token, GIT_CREDENTIAL_HF_HOOKS="off").stderr == ""
    done = push(work, "alice/model", token, "--no-verify", "--force", "origin", "main")
    assert done.returncode == 1
    assert "git-credential-hf" not in done.stderr
    assert uploads(hub)
    work.git("config", "hf.writeCheck", "warn")
    done = hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "can only read" in said(done, "warning")[0]
    work.git("config", "hf.writeCheck", "maybe")
    done = hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    assert "hf.writeCheck is 'maybe'" in said(done, "warning")[0]
    work.git("config", "hf.writeCheck", "off")
    hub.log.clear()
    assert hook(work, HUB + "alice/model", HF_TOKEN=token).stderr == ""
    assert list(hub.log) == []


def test_what_cannot_be_judged_is_not_refused(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """A broken repository, no git, lines that git never writes: a warning, and the push goes on."""
    token = _alice(hub)
    for stdin in ("rubbish\n", f"refs/heads/main {'1' * 40} refs/heads/main {'2' * 40}\n", "\0\n", "a b c d e\n"):
        command = ("git-credential-hf", "hook", "pre-push", "origin", HUB + "alice/model")
        done = work.run(*command, stdin=stdin, check=False, HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert len(said(done, "warning")) == 1


# --- pre-commit ---


def commit(work: Account, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    for name, content in files.items():
        (work.where / name).write_bytes(content)
    work.git("add", "--all")
    return work.git("commit", "--message", "a change", check=False)


def test_commits(hub: "Hub", work: Account) -> None:
    """A staged token, or a file that the Hub will refuse, does not enter history."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    before = work.git("rev-parse", "HEAD").stdout
    for files, words in (
        ({"a.py": b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"}, "a.py contains the Hub token hf_****EfGh"),
        ({"big.txt": b"x" * (11 << 20)}, "big.txt is over 10 MiB (11.5 MB) and not in LFS"),
    ):
        done = commit(work, files)
        assert done.returncode == 1
        (error,), (hint,) = said(done, "error"), said(done, "hint")
        assert error.startswith("commit refused: ")
        assert words in error
        assert hint
        assert work.git("rev-parse", "HEAD").stdout == before
        work.git("reset", "--hard")
    assert commit(work, {"fine.bin": b"\0" + WEIGHTS, "fine.py": b"print()\n"}).returncode == 0
    (work.where / "a.py").write_bytes(b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh")
    work.git("add", "a.py")
    assert work.git("commit", "--no-verify", "--message", "anyway", check=False).returncode == 0


@pytest.mark.parametrize("where", ["", "a b"])
def test_the_remedy_for_a_large_file(where: str, hub: "Hub", work: Account) -> None:
    """What is named before the commit takes that file into LFS, from any directory."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    (work.where / "a b").mkdir()
    (work.where / "a b/big [1].txt").write_bytes(b"x" * (11 << 20))
    work.git("add", "--all")
    work.where /= where
    done = work.git("commit", "--message", "a change", check=False)
    (hint,) = said(done, "hint")
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


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_remedy_for_an_odd_name(name: str, hub: "Hub", work: Account) -> None:
    """What is named takes that file out of the commit, or into LFS, and no other, whatever its name is."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    beside = {"a.txt": b"a\n", "x.txt": b"x\n"}
    done = commit(work, {name: b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh", **beside})
    work.run("sh", "-c", remedy(done))
    staged = work.git("diff", "--cached", "--name-only", "-z").stdout.split("\0")[:-1]
    assert staged == sorted(beside)
    assert name not in staged
    (hint,) = said(commit(work, {name: b"x" * (11 << 20)}), "hint")
    work.run("sh", "-c", " && ".join(hint.split("`")[1::2]))
    work.git("commit", "--message", "a change")
    assert work.git("cat-file", "blob", f"HEAD:{name}").stdout.startswith("version https://git-lfs")


@pytest.mark.parametrize("name", ["end ", "a\tb.txt", "-x.txt"])
def test_the_remedy_for_an_odd_name_in_history(name: str, hub: "Hub", work: Account) -> None:
    """What is named takes a file into LFS, also where a pattern would lose the end of its name, or a tab."""
    work.is_given(_alice(hub), "laptop")
    add(work, {name: b"x" * (11 << 20)})
    work.run("sh", "-c", remedy(push(work, "alice/model", None)))
    assert push(work, "alice/model", None).returncode == 0


def test_a_merge_with_a_conflict(hub: "Hub", work: Account) -> None:
    """What one of its parents has does not keep a merge from being committed, nor is it told; what is new does."""
    secret = b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"
    work.git("remote", "add", "origin", HUB + "alice/model")
    work.git("checkout", "--quiet", "-b", "theirs")
    add(work, {"notes.md": b"theirs\n", "key.py": secret, "image.png": b"\0"})
    work.git("checkout", "--quiet", "main")
    add(work, {"notes.md": b"ours\n"})
    work.git("merge", "theirs", check=False)
    assert commit(work, {"notes.md": b"both\n", "more.py": secret}).returncode == 1
    work.git("rm", "--quiet", "--force", "more.py")
    done = commit(work, {"notes.md": b"both\n"})
    assert done.returncode == 0
    assert "git-credential-hf" not in done.stderr


def test_commits_for_other_remotes(work: Account) -> None:
    """Where no remote is the Hub, only tokens of the Hub are of interest."""
    work.git("remote", "add", "origin", "https://github.com/alice/model")
    assert commit(work, {"big.txt": b"x" * (11 << 20)}).returncode == 0
    assert commit(work, {"a.py": b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"}).returncode == 1


def test_the_first_commit(hub: "Hub", account: Account) -> None:
    """In a repository without a commit everything that is staged is judged."""
    account.git("init", "--quiet", "new")
    account.where = account.home / "new"
    account.run("git-credential-hf", "hooks", "install")
    assert commit(account, {"a.py": b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"}).returncode == 1


def test_json_is_not_disturbed(hub: "Hub", work: Account) -> None:
    """`git push --porcelain` prints what programs read; nothing of ours is in it."""
    done = push(work, "alice/model", _alice(hub), "--porcelain", "--force", "origin", "main")
    assert "git-credential-hf" not in done.stdout
    json.dumps(done.stdout)
    assert os.environ["HOME"] not in done.stdout


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
    """The pre-commit framework tells what is pushed in its own way, a root commit too, and is understood."""
    reads, writes = _alice(hub, "read"), hub.token("alice")
    work.run("git-credential-hf", "hooks", "uninstall")
    add(work, {".pre-commit-config.yaml": FRAMEWORK.encode()})
    work.run("python", "-m", "pre_commit", "install", "--hook-type", "pre-push", "--hook-type", "pre-commit")
    done = push(work, "alice/model", reads)
    assert done.returncode == 1
    assert "push refused before any upload: the token" in done.stdout + done.stderr
    assert "can only read" in done.stdout + done.stderr
    add(work, {"big.txt": b"x" * (11 << 20)})
    done = push(work, "alice/model", writes)
    assert done.returncode == 1
    assert "big.txt in commit" in done.stdout + done.stderr
    done = commit(work, {"a.py": b"hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"})
    assert done.returncode == 1
    assert "commit refused: a.py contains the Hub token" in done.stdout + done.stderr
    work.git("reset", "--hard", "HEAD~1")
    done = push(work, "alice/model", writes, "--force", "origin", "main:main")
    assert done.returncode == 0, done.stdout + done.stderr


def test_progress(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """A long look at a push is shown on a terminal, where it leaves nothing behind, and nowhere else."""
    token = _alice(hub)
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase $* in *rev-list*) sleep 1.5 ;; esac\nexec {shutil.which("git")} "$@"\n')
    slow.chmod(0o755)
    environment = {"HF_TOKEN": token, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    assert hook(work, HUB + "alice/model", **environment).stderr == ""
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
