"""`tokens.current()` is `huggingface_hub.get_token()`, whatever the environment, the files and the clock."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import huggingface_hub
import huggingface_hub.utils
import pytest
from amount import tenth
from fake_hub.server import OAUTH
from huggingface_hub import constants
from huggingface_hub.utils import _auth, _runtime
from huggingface_hub.utils._http import default_client_factory
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from git_credential_hf.api.client import http_session
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.refresh import _ask_huggingface_hub, _has_failed_since, _one_line, delay_exchange
from git_credential_hf.state import Lock, fingerprint, new_key, read_state, record, write_state
from git_credential_hf.token_files import (
    _as_pathlib,
    _parse_plain,
    clean_token,
    login_hint,
    read_stored_tokens,
    read_token_file,
)
from git_credential_hf.tokens import (
    Token,
    current_token,
    find_token,
    login_token,
    renew_token,
    stored_token,
    stored_token_names,
)

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth
    from fake_hub.server import Exchange

BROKEN = "broken"
DAY = 24 * 3600
TOKENS = ["hf_" + letter * 34 for letter in "abcd"] + ["hf_oauth_h.p.s", "hf_%(x)s", "hf_é"]

token = st.sampled_from(TOKENS)
around = st.sampled_from(["{}", "{}\n", " {}\r\n", "\t{}  ", "{}\n\n", "\ufeff{}", "{}\x00", "x\n{}", "\xa0{}\x85"])
spelled = st.builds(str.format, around, token)
variable = st.one_of(st.none(), st.sampled_from(["", " ", "\r\n", "$X"]), spelled.filter(lambda text: "\0" not in text))
directory = st.sampled_from(
    [None, "", "~/hf", "$X/hf", "${X}/hf", "$UNSET/hf", "{home}/hf", "{home}/.cache", "hf", "~"]
)
token_path = st.sampled_from(
    [
        None,
        None,
        "",
        "~/t/token",
        "$X/t/token",
        "${X}/t/token",
        "{home}/t/token",
        "t/token",
        "~nobody-here/t",
        "~/t/token/",
        "~/t//./token/.",
        "~/t/../t/token",
    ]
)
yes_or_no = st.sampled_from([None, None, None, "1", "true", "Yes", "on", "0", "", "true "])

PLACES = [
    "hf",
    ".cache/huggingface",
    ".cache",
    "t",
    "work",
    "work/hf",
    "work/t",
    "work/huggingface",
    ".cache/huggingface_staging",
    "huggingface",
]
OTHER_CONTENT = [b"", b"\n", b"\xff\xfe\x00", b"hf_\xe9\xff", "dangling", "loop", "directory", "not-a-directory"]
content = st.one_of(st.none(), st.sampled_from(OTHER_CONTENT), spelled.map(lambda text: text.encode()))

now = time.time()
expiry = st.sampled_from([None, "", "soon", "1e9", " 12 ", "1_000", "9" * 5000])
times = st.builds(
    lambda days, offset: str(int(now + days * DAY + offset)),
    st.sampled_from([-1, 0, 1, 2, 30]),
    st.sampled_from([-900, 900]),
)


def _section(name: str, value: str, refresh_token: str | None, expires_at: str | None, form: str) -> str:
    fields = {"hf_token": value, "refresh_token": refresh_token, "expires_at": expires_at}
    given = {key: field for key, field in fields.items() if field is not None}
    equals = {"colon": ": ", "tight": "=", "wide": "  =  "}.get(form, " = ")
    lines = [
        f"[{name}]",
        *(f"{key.upper() if form == 'upper' else key}{equals}{field}" for key, field in given.items()),
    ]
    if form == "commented":
        lines.insert(1, "# a comment")
    if form == "continued":
        lines.append("  and more")
    if form == "trailing":
        lines = [line + "  " for line in lines]
    if form == "twice":
        lines += lines
    if form == "inline":
        lines[1] += " ; not a comment"
    return ("\r\n" if form == "crlf" else "\n").join(lines) + "\n\n"


forms = st.sampled_from(
    ["plain"] * 6 + ["colon", "tight", "wide", "upper", "commented", "continued", "trailing", "twice", "inline", "crlf"]
)
section = st.builds(
    _section,
    st.sampled_from(["laptop", "oauth-alice", "DEFAULT", "a]b", "größe", " x ", "]"]),
    token,
    st.sampled_from([None, None, "hf_oauth__refresh_" + "r" * 34, ""]),
    st.one_of(expiry, times, times),
    forms,
)
sections = st.lists(section, max_size=3).map("".join)
stored = st.one_of(
    st.none(), sections.map(str.encode), st.sampled_from([b"garbage\n", b"[x\n", b"\xff", b"", "directory", "dangling"])
)


@contextlib.contextmanager
def machine(home: Path, variables: dict[str, str | None]) -> Iterator[None]:
    """Be in `home/work` with these variables and no others."""
    before, where = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update({"HOME": str(home), "X": str(home), "HF_ENDPOINT": "http://127.0.0.1:9"})
    os.environ.update(
        {name: value.replace("{home}", str(home)) for name, value in variables.items() if value is not None}
    )
    os.chdir(home / "work")
    try:
        yield
    finally:
        os.chdir(where)
        os.environ.clear()
        os.environ.update(before)


def put(path: Path, what: bytes | str | None) -> None:
    """Make a file, or what may stand in its place, as it was an hour ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if what == "dangling":
        path.symlink_to("nothing")
    elif what == "loop":
        path.symlink_to(path.name)
    elif what == "directory":
        path.mkdir()
    elif what == "not-a-directory":
        path.symlink_to("/dev/null/token")
    elif isinstance(what, bytes):
        path.write_bytes(what)
        os.utime(path, (now - 3600, now - 3600))


def truth() -> str | None:
    """What huggingface_hub says in a new process: its constants read anew, and nothing remembered."""
    importlib.reload(constants)
    _auth._OAUTH_REFRESH_CACHE = None
    _auth._OAUTH_REFRESH_WARNED = False
    try:
        return huggingface_hub.get_token()
    except Exception:
        return BROKEN


def ours() -> str | None:
    _auth._OAUTH_REFRESH_CACHE = None
    _auth._OAUTH_REFRESH_WARNED = False
    try:
        current = current_token()
    except Problem:
        return BROKEN
    return current.value if current else None


@settings(
    max_examples=tenth(500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    hf_token=variable,
    old=variable,
    hf_home=directory,
    xdg=directory,
    path=token_path,
    staging=yes_or_no,
    files=st.fixed_dictionaries(dict.fromkeys(PLACES, content)),
    known=st.fixed_dictionaries(dict.fromkeys(PLACES, stored)),
)
@example(
    hf_token=" ",
    old="hf_other",
    hf_home=None,
    xdg=None,
    path=None,
    staging=None,
    files={".cache/huggingface": b"hf_file"},
    known={},
)
def test_agrees_with_huggingface_hub(
    tmp_path_factory: pytest.TempPathFactory,
    hf_token: str | None,
    old: str | None,
    hf_home: str | None,
    xdg: str | None,
    path: str | None,
    staging: str | None,
    files: dict[str, bytes | str | None],
    known: dict[str, bytes | str | None],
) -> None:
    """Over generated environments, files and expiries, `current()` is what `get_token()` is, or fails with it."""
    home = tmp_path_factory.mktemp("machine")
    (home / "work").mkdir()
    for place, what in files.items():
        put(home / place / "token", what)
    for place, what in known.items():
        put(home / place / "stored_tokens", what)
    variables = {
        "HF_TOKEN": hf_token, "HUGGING_FACE_HUB_TOKEN": old, "HF_HOME": hf_home, "XDG_CACHE_HOME": xdg,
        "HF_TOKEN_PATH": path, "HUGGINGFACE_CO_STAGING": staging,
    }  # fmt: skip
    with machine(home, variables):
        expected = truth()
        event("broken" if expected == BROKEN else "nobody" if expected is None else "a token")
        assert ours() == expected
    importlib.reload(constants)


# --- what another process does to the files meanwhile ---


def rewrite(path: Path, value: str, gap: float) -> None:
    """Write a token as huggingface_hub does, truncate first, but slowly."""
    with path.open("w") as file:
        time.sleep(gap)
        file.write(value)


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.7])
def test_a_file_that_is_being_rewritten(home: Path, gap: float) -> None:
    """A token is served whole, the old or the new one, and never nothing, at whatever moment of a rewrite."""
    path = home / ".cache" / "huggingface" / "token"
    put(path, TOKENS[0].encode())
    seen = {ours()}
    writer = threading.Thread(target=rewrite, args=(path, TOKENS[1], gap))
    writer.start()
    while writer.is_alive():
        seen.add(ours())
    writer.join()
    assert seen <= {TOKENS[0], TOKENS[1]}
    assert ours() == TOKENS[1]


def test_an_empty_file_is_nobody(home: Path) -> None:
    """A file that stays empty means what huggingface_hub takes it for: logged out."""
    put(home / ".cache" / "huggingface" / "token", b"")
    assert ours() is None


# What is written when, dated when, in seconds from the first look; what is read, and after how many looks.
WRITTEN: dict[str, tuple[list[tuple[float, float, str | None]], str | None, int]] = {
    "long ago": ([(-10, -10, "a")], "a", 1),
    "nothing": ([], None, 1),
    "nothing in it for long": ([(-10, -10, "")], "", 4),
    "just now": ([(-0.01, 0, "a")], "a", 7),
    "in pieces": ([(-0.01, -0.01, "a"), (0.05, 0.05, "ab")], "ab", 9),
    "emptied, and then filled": ([(-0.01, -0.01, "a"), (0.01, 0.01, ""), (1.99, 1.99, "b")], "b", 106),
    "emptied, and then filled in pieces": (
        [(-0.01, -0.01, "a"), (0.01, 0.01, ""), (0.31, 0.31, "b"), (0.39, 0.39, "bc"), (0.47, 0.47, "bcd")],
        *("bcd", 30),
    ),
    "emptied, and left so": ([(-0.01, -0.01, "a"), (0.01, 0.01, "")], "a", 152),
    "emptied, without anything before": ([(-0.01, -0.01, "")], "", 152),
    "removed": ([(-0.01, -0.01, "a"), (0.01, 0.01, None)], None, 2),
    "over and over": ([(at / 50 - 0.01, at / 50 - 0.01, "a") for at in range(200)], "a", 2),
    "over and over, another": ([(at / 50 - 0.01, at / 50 - 0.01, f"a{at}") for at in range(200)], "a151", 152),
    "another for a moment": ([(-0.01, 2.95, "a"), (2.97, 2.98, "b"), (2.99, 2.95, "a")], "a", 152),
    "by a clock that is a little ahead": ([(-0.01, 1.99, "a")], "a", 106),
    "by a clock that is ahead": ([(-0.01, 3, "a")], "a", 152),
    "by a clock that is wrong": ([(-0.01, 3.01, "a")], "a", 1),
    "nothing, by a clock that is wrong": ([(-0.01, 3.01, "")], "", 152),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_patience_with_a_writer(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is half written is waited for, three seconds at most; what is whole is not. The clock is the test's own."""
    writes, expected, looks = WRITTEN[name]
    path, at, looked = home / "token", 0.0, 1
    monkeypatch.setenv("HF_TOKEN_PATH", str(path))

    def sleep(seconds: float) -> None:
        nonlocal at, looked
        at, looked = round(at + seconds, 6), looked + 1
        write()

    def write() -> None:
        while writes and writes[0][0] < at:
            _, dated, text = writes.pop(0)
            path.unlink() if text is None else path.write_text(text)
            if text is not None:
                os.utime(path, (dated, dated))
                path.chmod(0o777)  # who may do what with it plays no part

    monkeypatch.setattr(time, "time", lambda: at)
    monkeypatch.setattr(time, "monotonic", lambda: 7 + at)
    monkeypatch.setattr(time, "sleep", sleep)
    writes = list(writes)
    write()
    assert (read_token_file(), looked) == (expected or None, looks)


def test_a_link_that_is_being_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that leads nowhere for a moment is followed four times; one that leads nowhere at all is nobody."""
    path, looks = home / "token", 0
    monkeypatch.setenv("HF_TOKEN_PATH", str(path))
    path.symlink_to("data")

    def islink(_: str) -> bool:
        nonlocal looks
        looks += 1
        if looks == 6:
            put(home / "data", b"hf_a")
        return True

    monkeypatch.setattr(os.path, "islink", islink)
    assert (read_token_file(), looks) == (None, 3)
    assert (read_token_file(), looks) == ("hf_a", 6)


def test_a_file_without_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a MiB is read of what is no token file."""
    path = home / "token"
    put(path, bytes(3 << 20))
    monkeypatch.setenv("HF_TOKEN_PATH", str(path))
    assert len(read_token_file() or "") == 1 << 20


def test_logins_one_after_the_other(home: Path) -> None:
    """While `hf auth switch` rewrites the files fifty times, every `get` has one of the two tokens, whole."""
    path = home / ".cache" / "huggingface" / "token"
    put(path, TOKENS[0].encode())
    script = """if True:
        import sys, time
        from pathlib import Path
        from huggingface_hub.utils._auth import _save_token, _write_secret
        for i in range(50):
            token = sys.argv[2 + i % 2]
            _save_token(token, f"name{i % 2}")
            _write_secret(Path(sys.argv[1]), token)
            time.sleep(0.05)
    """
    writer = subprocess.Popen([sys.executable, "-c", script, path, TOKENS[0], TOKENS[1]])
    seen = set()
    while writer.poll() is None:
        done = subprocess.run(
            ["git-credential-hf", "get"],
            input=b"protocol=https\nhost=huggingface.co\n",
            capture_output=True,
            check=False,
        )
        seen.add((done.returncode, done.stdout, done.stderr))
    assert writer.wait() == 0
    assert seen <= {(0, b"username=git\npassword=" + value.encode() + b"\n", b"") for value in TOKENS[:2]}


def test_a_pipe_is_read_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`HF_TOKEN_PATH=/dev/fd/N`, as `<(...)` of a shell makes it, works: what is no file cannot be read again."""
    reading, writing = os.pipe()
    os.write(writing, TOKENS[0].encode())
    os.close(writing)
    monkeypatch.setenv("HF_TOKEN_PATH", f"/dev/fd/{reading}")
    assert current_token(act=False) is not None
    os.close(reading)


# --- what it knows of a token ---


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"HF_TOKEN": TOKENS[1]}, "env:HF_TOKEN"),
        ({"HUGGING_FACE_HUB_TOKEN": TOKENS[1]}, "env:HUGGING_FACE_HUB_TOKEN"),
        ({"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": TOKENS[1]}, "env:HUGGING_FACE_HUB_TOKEN"),
        ({}, "file:{home}/.cache/huggingface/token"),
        ({"XDG_CACHE_HOME": "x"}, "file:x/huggingface/token"),
        ({"HF_HOME": "~/h"}, "file:{home}/h/token"),
        ({"HF_HOME": "$HOME/h", "XDG_CACHE_HOME": "x"}, "file:{home}/h/token"),
        ({"HF_TOKEN_PATH": "$HOME/secret"}, "file:{home}/secret"),
        ({"HUGGINGFACE_CO_STAGING": "1"}, "file:{home}/.cache/huggingface_staging/token"),
    ],
)
def test_sources(home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], source: str) -> None:
    """Each token says where it comes from, in the words of `status --json`."""
    places = ".cache/huggingface/token", "h/token", "x/huggingface/token", "secret", ".cache/huggingface_staging/token"
    for place in places:
        put(home / place, TOKENS[0].encode())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    token = current_token()
    assert token is not None
    assert token.source == source.format(home=home)


def test_name_and_expiry(home: Path) -> None:
    """A stored token has its name in `hf auth list`, and the expiry of its login; git is told of it."""
    put(home / ".cache/huggingface/token", TOKENS[0].encode())
    expires = int(time.time()) + 10 * DAY
    put(
        home / ".cache/huggingface/stored_tokens",
        f"[other]\nhf_token = {TOKENS[1]}\n\n[laptop]\nhf_token = {TOKENS[0]}\n"
        f"refresh_token = hf_oauth__refresh_x\nexpires_at = {expires}\n".encode(),
    )
    token = current_token()
    assert token is not None
    assert (token.name, token.expires_at) == ("laptop", expires)
    done = subprocess.run(
        ["git", "-c", "credential.helper=hf", "credential", "fill"],
        input=b"protocol=https\nhost=huggingface.co\n\n",
        capture_output=True,
        check=True,
    )
    assert b"password=" + TOKENS[0].encode() in done.stdout


def test_colab(home: Path, tmp_path: Path) -> None:
    """In Colab, where huggingface_hub itself finds the notebook's secret, `get` serves that."""
    (tmp_path / "google").mkdir()
    (tmp_path / "google/colab").mkdir()
    (tmp_path / "google/colab/__init__.py").touch()
    (tmp_path / "google/colab/errors.py").write_text("class Error(Exception): pass\n")
    (tmp_path / "google/colab/userdata.py").write_text(
        "class NotebookAccessError(Exception): pass\nclass SecretNotFoundError(Exception): pass\n"
        f"def get(name): return {{'HF_TOKEN': '{TOKENS[2]}'}}[name]\n"
    )
    # What a notebook's kernel has and git's helper has not: huggingface_hub takes it for the sign of Colab.
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins\nbuiltins.get_ipython = lambda: '<google.colab._shell.Shell object>'\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "COLAB_RELEASE_TAG": "release-colab"}
    done = subprocess.run(
        ["git-credential-hf", "get"],
        input=b"protocol=https\nhost=huggingface.co\n\n",
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"username=git\npassword=" + TOKENS[2].encode() + b"\n", b"")


# --- what it says of a token ---

SETTINGS = "https://huggingface.co/settings/tokens"
WORDS = {
    "env:HF_TOKEN": (
        "the environment variable HF_TOKEN",
        f"run `unset HF_TOKEN` to use your login, or set it to a token from {SETTINGS}",
    ),
    "file:/a:b/token": ("the file /a:b/token", "run `hf auth login`"),
    "oidc": (
        "a Trusted Publisher (HF_OIDC_RESOURCE)",
        "check the Trusted Publisher of the repository, then run the job again",
    ),
    "colab": (
        "the secrets of this Colab notebook",
        "put a new token into the secret HF_TOKEN of the notebook",
    ),
}


@pytest.mark.parametrize("source", WORDS)
def test_words_of_a_source(source: str) -> None:
    """Each source has its words and its remedy; what git has from elsewhere brings its own."""
    where, remedy = WORDS[source]
    kind, _, place = source.partition(":")
    token = Token("hf_" + "x" * 30 + "wxyz", kind, place)
    assert (token.where(), token.remedy()) == (where, remedy)
    assert token.describe() == f"hf_****wxyz from {where}"
    token.name, token.fix = "laptop", "log in there"
    assert token.describe() == f"hf_****wxyz from {where}, stored as 'laptop'"
    assert token.remedy() == "log in there"
    assert Token("hf_x", "url", "the URL of origin").where() == "the URL of origin"


def test_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is expired from its second on; one without an expiry is not."""
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    expired = [Token("hf_x", "colab", expires_at=at).is_expired() for at in (999, 1000, 1001, None)]
    assert expired == [True, True, False, False]


def test_a_mounted_file_is_not_logged_in_to(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can write, `hf auth login` is no remedy; where nothing is yet, it is."""
    path = home / "mounted/token"
    monkeypatch.setenv("HF_TOKEN_PATH", str(path))
    login = "run `hf auth login`"
    assert login_hint() == login
    path.parent.mkdir()
    assert login_hint() == login
    monkeypatch.setattr(os, "access", lambda where, mode: (str(where), mode) != (str(path.parent), os.W_OK))
    assert login_hint() == f"replace the secret mounted at {path}; this user must be able to read it"


@pytest.mark.parametrize(("content", "why"), [("directory", "Is a directory"), (b"hf_\xff", "it is not text")])
def test_a_file_that_cannot_be_read(home: Path, content: bytes | str, why: str) -> None:
    """A token file that cannot be read is named, with the reason and what mends it, and is not nobody."""
    path = home / ".cache/huggingface/token"
    put(path, content)
    with pytest.raises(Problem) as raised:
        current_token()
    assert (raised.value.message, raised.value.fix) == (
        f"cannot read the token file {path}: {why}",
        "run `hf auth login`",
    )


def stored_as(home: Path, text: str | bytes) -> dict[str, dict[str, str]]:
    put(home / ".cache/huggingface/stored_tokens", text.encode() if isinstance(text, str) else text)
    return read_stored_tokens()


PLAIN = {
    "": {},
    "\n\n": {},
    "[a]\nhf_token = hf_a\n\n[b]\nhf_token = hf_b\nrefresh_token = r\nexpires_at = 7\n\n": {
        "a": {"hf_token": "hf_a"},
        "b": {"hf_token": "hf_b", "refresh_token": "r", "expires_at": "7"},
    },
    "[a]\n": {"a": {}},
    "[a = b]\nhf_token = c = d": {"a = b": {"hf_token": "c = d"}},
}
BY_HAND = {
    "[a]\r\nhf_token = hf_a\r\n": {"a": {"hf_token": "hf_a"}},
    "[größe]\nhf_token = hf_a\n": {"größe": {"hf_token": "hf_a"}},
    "[a]\nhf_token: hf_a\n": {"a": {"hf_token": "hf_a"}},
    "[a]\nhf_token =  hf_a \n": {"a": {"hf_token": "hf_a"}},
    "[a]\nHF_TOKEN = hf_a\n": {"a": {"hf_token": "hf_a"}},
    "[a]\nnote = %(x)s\n": {"a": {"note": "%(x)s"}},
    "[DEFAULT]\nhf_token = hf_d\n[a]\n": {"a": {"hf_token": "hf_d"}},
    "[a]\nhf_token =\n": {"a": {"hf_token": ""}},
}
NONE = [
    "garbage\n",
    "hf_token = hf_a\n",
    "[a]\n[a]\n",
    "[a]\nhf_token = a\nhf_token = b\n",
    "[]\n",
    b"[a]\nhf_token = \xff\n",
]


@pytest.mark.parametrize("text", [*PLAIN, *BY_HAND])
def test_stored_tokens(home: Path, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Names and fields are huggingface_hub's, whether it has written the file or somebody else."""
    found = stored_as(home, text)
    assert found == {**PLAIN, **BY_HAND}[text]
    assert (_parse_plain(text) is not None) == (text in PLAIN)
    assert stored_token_names() == list(found)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", NONE, ids=str)
def test_stored_tokens_that_cannot_be_read(home: Path, text: str | bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """What is no such file holds no tokens; what could be one is reported, and nothing of it is shown."""
    assert stored_as(home, text) == {}
    path = home / ".cache/huggingface/stored_tokens"
    said = f"cannot parse {path}; tokens are not renewed until `hf auth login` rewrites it"
    assert capfd.readouterr() == ("", "" if isinstance(text, bytes) else f"git-credential-hf: warning: {said}\n")


def test_stored_tokens_in_any_locale(home: Path) -> None:
    """Names are UTF-8, as huggingface_hub writes them, where the locale is another."""
    stored_as(home, "[größe]\nhf_token = hf_a\n")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", "from git_credential_hf import tokens; print(ascii(tokens.stored_token_names()))"]
    assert subprocess.check_output(command, env=environment) == rb"['gr\xf6\xdfe']" + b"\n"


TWO = f"[laptop]\nhf_token = {TOKENS[0]}\nexpires_at = soon\n\n[work]\nhf_token = {TOKENS[1]}\n\n[none]\nhf_token =\n"


def test_a_stored_token_by_its_name(home: Path) -> None:
    """A name is that token, from the file of them all; one that is not there is an error, which names the others."""
    with pytest.raises(Problem) as raised:
        stored_token("work")
    assert raised.value.message == "no stored token is named 'work'; there are none"
    stored_as(home, TWO)
    token = stored_token("work")
    assert (token.value, token.name, token.expires_at, token.is_renewable) == (TOKENS[1], "work", None, False)
    assert token.source == f"file:{home}/.cache/huggingface/stored_tokens"
    assert stored_token("laptop").expires_at is None  # `soon` is no time
    for name in ("other", "none", ""):
        with pytest.raises(Problem) as raised:
            stored_token(name)
        assert raised.value.message == f"no stored token is named '{name}'; there are 'laptop', 'work', 'none'"
        assert raised.value.fix == "run `hf auth login`"


def test_which_token_has_a_value(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused value is the current token's, or a stored one's; of a named helper, that one's alone."""
    stored_as(home, TWO)
    put(home / ".cache/huggingface/token", TOKENS[2].encode())

    def found(value: str, name: str | None = None) -> tuple[str | None, str] | None:
        token = find_token(value, name)
        return (token.name, token.source) if token else None

    login, stored = f"file:{home}/.cache/huggingface/token", f"file:{home}/.cache/huggingface/stored_tokens"
    assert [found(value) for value in TOKENS[:4]] == [("laptop", stored), ("work", stored), (None, login), None]
    assert [found(value, "work") for value in TOKENS[:4]] == [None, ("work", stored), None, None]
    assert found(TOKENS[0], "other") is None
    monkeypatch.setenv("HF_TOKEN", TOKENS[0])
    assert found(TOKENS[0]) == (None, "env:HF_TOKEN")
    login_now = login_token()
    assert login_now is not None
    assert (login_now.value, login_now.source) == (TOKENS[2], login)


JOB = {
    "HF_OIDC_RESOURCE": "acme/model",
    "HF_OIDC_ID_TOKEN": "identity",
    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example/id",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request",
}


def test_an_exchanged_token_is_its_job_s(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a job got is served to that job and for that Hub alone, for as long as is said, however clocks are put."""
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    now = int(time.time())

    def at(moment: float) -> str | None:
        monkeypatch.setattr(time, "time", lambda: moment)
        token = current_token(act=False)
        if token is not None:
            assert (token.source, token.expires_at) == ("oidc", now + 3600)
        return token.value if token else None

    assert at(now) is None
    delay_exchange(Token("hf_jwt_x", "oidc", expires_at=now + 3600), 3000)
    assert [at(now + seconds) for seconds in (-61, -60, 0, 2999, 3000)] == [
        None,
        "hf_jwt_x",
        "hf_jwt_x",
        "hf_jwt_x",
        None,
    ]
    for name, value in {**JOB, "HF_ENDPOINT": "https://hub.example"}.items():
        with monkeypatch.context() as other:
            other.setenv(name, value + "2")
            assert at(now) is None, name
    monkeypatch.delenv("HF_OIDC_RESOURCE")
    assert at(now) is None
    # Neither what is not an exchanged one, nor one whose end nobody knows, is kept.
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/other")
    for source, expires_at in (("colab", now + 3600), ("oidc", None)):
        delay_exchange(Token("hf_x", source, expires_at=expires_at), 3000)
        assert at(now) is None


def test_renewing_what_cannot_be_renewed(home: Path) -> None:
    """A token without a refresh token, or without an end, is what it was, and the Hub is not asked."""
    put(home / ".cache/huggingface/token", TOKENS[0].encode())
    token = Token(TOKENS[0], "env", "HF_TOKEN", expires_at=int(time.time()))
    assert token.is_renewable is renew_token(token) is False
    token.is_renewable, token.expires_at = True, None
    assert renew_token(token) is False
    assert read_state("renewed") == ""


def test_between_the_two_files_of_a_login(home: Path) -> None:
    """Where the stored tokens no longer know the active one, the token file is read again: it may have changed."""
    path, stored = home / ".cache/huggingface/token", home / ".cache/huggingface/stored_tokens"
    put(path, TOKENS[3].encode())
    os.mkfifo(stored)  # who reads it is held up where `hf auth switch` comes between

    def switch() -> None:
        with stored.open("w") as reader:
            put(path, TOKENS[0].encode())
            reader.write(TWO)
            stored.unlink()
            put(stored, TWO.encode())

    switching = threading.Thread(target=switch, daemon=True)
    switching.start()
    token = current_token(act=False)
    switching.join(10)
    assert token is not None
    assert (token.value, token.name) == (TOKENS[0], "laptop")


def test_patience_with_the_hub() -> None:
    """No request of ours waits for ever: git would wait with it."""
    assert set(http_session().timeout.as_dict().values()) == {10}


# --- what huggingface_hub does for us ---


@pytest.fixture
def hub(home: Path, world: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub, and huggingface_hub as a new process has it: it knows this home, and remembers nothing."""
    world.user("alice")
    importlib.reload(constants)
    huggingface_hub.close_session()
    afresh = {"_OAUTH_REFRESH_CACHE": None, "_OAUTH_REFRESH_WARNED": False, "_OIDC_TOKEN_CACHE": None}
    for name, value in {**afresh, "_OAUTH_REFRESH_MARGIN": DAY}.items():
        monkeypatch.setattr(_auth, name, value)
    yield world
    huggingface_hub.close_session()


def log_in(hub: Hub, home: Path, hours: int) -> OAuth:
    """A login in the browser, which ends in so many hours."""
    pair = hub.oauth("alice", expires_in=hours * 3600)
    fields = (
        f"hf_token = {pair.access_token}\nrefresh_token = {pair.refresh_token}\nexpires_at = {pair.expires_at:.0f}\n"
    )
    put(home / ".cache/huggingface/token", pair.access_token.encode())
    put(home / ".cache/huggingface/stored_tokens", f"[laptop]\n{fields}".encode())
    return pair


def asked(hub: Hub) -> int:
    return len(hub.log.of("/oauth/token"))


quietly = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves sockets


def test_when_a_token_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OAuth token is renewed when huggingface_hub would: from a day before its end on."""
    assert _auth._OAUTH_REFRESH_MARGIN == DAY
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    token = Token("hf_x", "file", "x")
    due = []
    for is_renewable, expires_at in ((True, 1000 + DAY), (True, 1001 + DAY), (True, None), (False, 1000)):
        token.is_renewable, token.expires_at = is_renewable, expires_at
        due.append(token.is_due())
    assert due == [True, False, False, False]


@quietly
def test_a_due_token_is_renewed_once(hub: Hub, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Who only looks renews nothing; who asks for the token has the new one, and the next one has it too."""
    pair = log_in(hub, home, 23)
    looked = [current_token(act=False), stored_token("laptop", act=False)]
    looked += [find_token(pair.access_token, None), find_token(pair.access_token, "laptop")]
    assert [token and token.value for token in looked] == [pair.access_token] * 4
    assert asked(hub) == 0
    token = current_token()
    assert token is not None
    assert token.value != pair.access_token
    assert (token.name, token.is_renewable, (token.expires_at or 0) > time.time() + 29 * DAY) == ("laptop", True, True)
    assert [it and it.value for it in (current_token(), stored_token("laptop"))] == [token.value] * 2
    assert asked(hub) == 1
    assert (stored_token_names(), read_state("refresh-failed"), capfd.readouterr()) == (["laptop"], "", ("", ""))


@quietly
def test_a_due_token_is_renewed_by_its_name(hub: Hub, home: Path) -> None:
    """A stored token that is not the active one is renewed as well, and the active one stays what it is."""
    pair = log_in(hub, home, 23)
    put(home / ".cache/huggingface/token", TOKENS[0].encode())
    token = stored_token("laptop")
    assert (token.value != pair.access_token, token.name, asked(hub)) == (True, "laptop", 1)
    assert stored_token("laptop").value == token.value
    assert ours() == TOKENS[0]
    assert asked(hub) == 1


@quietly
def test_a_switch_during_a_renewal(hub: Hub, home: Path) -> None:
    """Where `hf auth switch` is faster than huggingface_hub, its token is served, and no other one renewed."""
    log_in(hub, home, 23)

    def switch() -> httpx2.Client:
        put(home / ".cache/huggingface/token", TOKENS[0].encode())
        return default_client_factory()

    huggingface_hub.set_client_factory(switch)
    try:
        token = current_token()
    finally:
        huggingface_hub.set_client_factory(default_client_factory)
    assert token is not None
    assert (token.value, asked(hub)) == (TOKENS[0], 0)


@quietly
def test_a_renewal_that_fails(
    hub: Hub, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old token is served, with huggingface_hub's words or ours; who waited for it knows that it has failed."""
    pair = log_in(hub, home, 23)
    hub.faults.status("/oauth/token", 500)
    began = time.time_ns()
    silence = "huggingface_hub did not renew the token hf_"
    no_way = "Unknown scheme for proxy URL"
    for words in ("Could not refresh your Hugging Face access token", silence, no_way):
        if words == no_way:  # what its HTTP client raises
            huggingface_hub.close_session()
            monkeypatch.setenv("ALL_PROXY", "nowhere://proxy.example")
        token = current_token()
        assert token is not None
        assert token.value == pair.access_token
        assert capfd.readouterr().err.startswith(f"git-credential-hf: warning: {words}")
    assert asked(hub) == 1
    other = Token("hf_other", "file", "x")
    assert token is not None
    assert _has_failed_since(began, token)
    assert not _has_failed_since(began, other)
    assert not _has_failed_since(time.time_ns(), token)
    key = new_key()
    write_state("refresh-failed", f"{time.time_ns() + 10**11} {key} {fingerprint(token.value, key)}")
    assert not _has_failed_since(began, token), "a clock that was put back"
    write_state("refresh-failed", "rubbish")
    assert not _has_failed_since(began, token)


def failed(hub: Hub, home: Path, token: Token) -> str:
    key = new_key()
    write_state("refresh-failed", f"{time.time_ns()} {key} {fingerprint(token.value, key)}")
    record("renewed", token.value, 60)
    return token.value


def renewed(hub: Hub, home: Path, token: Token) -> str:
    return log_in(hub, home, 720).access_token


def logged_out(hub: Hub, home: Path, token: Token) -> None:
    for name in ("token", "stored_tokens"):
        (home / ".cache/huggingface" / name).unlink()


@pytest.fixture
def until_they_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Future[Any]]], None]:
    """Returns when all of these wait for a lock: who does sleeps, and nobody else here."""
    sleepers: set[int] = set()
    sleep = time.sleep

    def note(seconds: float) -> None:
        sleepers.add(threading.get_ident())
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)

    def wait(answers: list[Future[Any]]) -> None:
        while len(sleepers) < len(answers) and not any(answer.done() for answer in answers):
            threading.Event().wait(0.01)

    return wait


@quietly
@pytest.mark.parametrize("happens", [failed, renewed, logged_out], ids=lambda happens: happens.__name__)
def test_one_renews_for_all(
    happens: Callable[[Hub, Path, Token], str | None],
    hub: Hub,
    home: Path,
    capfd: pytest.CaptureFixture[str],
    until_they_wait: Callable[[list[Future[Any]]], None],
) -> None:
    """Whoever waits for another process takes what came of its renewal, good or bad, and asks and says nothing."""
    log_in(hub, home, 23)
    old = current_token(act=False)
    assert old is not None
    with ThreadPoolExecutor() as pool:
        with Lock("refresh"):
            answers: list[Future[Any]] = [
                pool.submit(current_token),
                pool.submit(stored_token, "laptop"),
                pool.submit(renew_token, old),
            ]
            until_they_wait(answers)
            now = happens(hub, home, old)
        current, named, is_renewed = (answer.result() for answer in answers)
    assert (current and current.value, named.value, is_renewed) == (now, now or old.value, now not in (None, old.value))
    assert (asked(hub), capfd.readouterr()) == (0, ("", ""))


@quietly
def test_a_refused_token_is_renewed(hub: Hub, home: Path) -> None:
    """A token that the Hub has refused is renewed long before its end; whoever comes with the old one is told so."""
    pair = log_in(hub, home, 480)
    old = current_token()
    assert old is not None
    assert (old.value, asked(hub)) == (pair.access_token, 0)
    assert (renew_token(old), renew_token(old), asked(hub)) == (True, True, 1)
    assert ours() not in (pair.access_token, None)


@quietly
def test_a_refused_token_that_is_no_longer_the_login_s(hub: Hub, home: Path) -> None:
    """After `hf auth switch` there is another token: the refused one is left alone."""
    log_in(hub, home, 480)
    old = current_token()
    assert old is not None
    put(home / ".cache/huggingface/token", TOKENS[0].encode())
    assert (renew_token(old), asked(hub), ours()) == (True, 0, TOKENS[0])


@quietly
def test_a_refused_token_is_renewed_once_only(hub: Hub, home: Path) -> None:
    """Where that fails it is not tried again, for a day: git would ask, and be refused, over and over."""
    log_in(hub, home, 480)
    hub.faults.status("/oauth/token", 500)
    token = current_token()
    assert token is not None
    assert (renew_token(token), renew_token(token), asked(hub)) == (False, False, 1)
    assert read_state("renewed").split()[1] == str(DAY)
    put(home / ".cache/huggingface/stored_tokens", b"")
    put(home / ".cache/huggingface/token", b"")
    assert renew_token(token) is False


@quietly
def test_a_renewal_is_not_interrupted(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and a shutdown wait until the new token is kept; on Windows there is nothing to hold them back with."""
    path, answer, us = home / ".cache/huggingface/token", OAUTH["/oauth/token"], threading.get_ident()
    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    found: dict[int, str] = {}  # what is kept when a signal takes effect
    has_effect = threading.Event()

    def interrupt(hub: Hub, exchange: Exchange) -> None:
        for number in numbers:
            signal.pthread_kill(us, number)
        has_effect.wait(0.1)  # at once, but for what is held back
        answer(hub, exchange)

    def effect(number: int, _: object) -> None:
        found[number] = path.read_text()
        has_effect.set()

    pair = log_in(hub, home, 480)
    old = current_token()
    assert old is not None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setitem(OAUTH, "/oauth/token", interrupt)
    handlers = {number: signal.signal(number, effect) for number in numbers}
    try:
        assert renew_token(old) is True
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    new = current_token()
    assert new is not None
    assert new.value != pair.access_token
    assert found == dict.fromkeys(numbers, new.value)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    monkeypatch.setitem(OAUTH, "/oauth/token", answer)
    monkeypatch.setattr(_auth, "_OAUTH_REFRESH_CACHE", None)  # as in a new process
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(signal, "pthread_sigmask")
    assert (renew_token(new), asked(hub)) == (True, 2)


@quietly
def test_an_exchange(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's identity is exchanged once, and the token is served until a minute before its end."""
    hub.trust("https://ci.example", resource="alice/model", id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    assert current_token(act=False) is None
    token = current_token()
    monkeypatch.setattr(_auth, "_OIDC_TOKEN_CACHE", None)
    again = current_token()
    assert token is not None
    assert again is not None
    assert (again.value, again.expires_at, again.source) == (token.value, token.expires_at, "oidc")
    assert (token.source, asked(hub)) == ("oidc", 1)
    expires_at = token.expires_at or 0
    assert abs(expires_at - time.time() - 3600) < 60
    for moment, is_kept in ((expires_at - 61, True), (expires_at - 60, False)):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert (current_token(act=False) is not None) is is_kept


@quietly
def test_an_exchange_that_another_process_makes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, until_they_wait: Callable[[list[Future[Any]]], None]
) -> None:
    """Whoever waits for another process's exchange has its token, and asks nothing."""
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/model")
    with ThreadPoolExecutor() as pool:
        with Lock("oidc"):
            answer = pool.submit(current_token)
            until_they_wait([answer])
            delay_exchange(Token("hf_jwt_x", "oidc", expires_at=int(time.time()) + 3600), 3000)
        token = answer.result()
    assert token is not None
    assert (token.value, asked(hub)) == ("hf_jwt_x", 0)


@quietly
def test_an_exchange_without_an_end_is_not_kept(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token whose end is not known, or is now, is served and not kept."""
    hub.trust("https://ci.example", resource="alice/model", id_token="eyJ.id.token", expires_in=0)
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    token = current_token()
    assert token is not None
    assert (token.source, token.expires_at, current_token(act=False)) == ("oidc", None, None)
    hub.trust("https://ci.example", resource="alice/data", id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/data")
    # Stands for a later huggingface_hub, which may keep the end elsewhere: no public name has it.
    monkeypatch.setattr(huggingface_hub.utils, "_auth", types.SimpleNamespace())
    token = current_token()
    assert token is not None
    assert (token.source, token.expires_at, current_token(act=False), asked(hub)) == ("oidc", None, None, 2)


@quietly
def test_an_exchange_that_fails(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said for which resource there is no token, and why, and what to check; the identity is not shown."""
    identities = {"HF_OIDC_ID_TOKEN": "an-identity-token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-request-token"}
    for name, value in {**identities, "HF_OIDC_RESOURCE": "alice/model"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Problem) as raised:
        current_token()
    said = "no token for HF_OIDC_RESOURCE=alice/model: "
    assert raised.value.message.startswith(said)
    assert len(raised.value.message) > len(said) + len("None")
    assert raised.value.fix == "check the Trusted Publisher of that repository, or unset HF_OIDC_RESOURCE"
    for name, value in identities.items():
        assert value not in mask_line(f"it is {value}.")
        monkeypatch.delenv(name)
    with pytest.raises(Problem, match=f"^{said}"):
        current_token()


@quietly
def test_patience_with_an_exchange(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that huggingface_hub does for us may take twenty seconds. Nobody waits here: the clock is the test's own."""
    late, waited, join = threading.Event(), [], threading.Thread.join

    def answer(hub: Hub, exchange: Exchange) -> None:
        if late.wait(60):
            exchange.json(400, {})

    monkeypatch.setitem(OAUTH, "/oauth/token", answer)
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    with monkeypatch.context() as clock:
        clock.setattr(
            *(threading.Thread, "join"),
            lambda thread, timeout=None: waited.append(thread) if timeout == 20 else join(thread, timeout),
        )
        with pytest.raises(Problem) as raised:
            current_token()
    late.set()
    [thread] = waited
    thread.join(60)
    assert not thread.is_alive()
    no_token = "no token for HF_OIDC_RESOURCE=alice/model: "
    assert raised.value.message == f"{no_token}the Hub did not answer within 20 seconds"


@pytest.fixture
def secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | Exception]:
    """Stands for a Colab notebook: its secrets, which huggingface_hub reads, once; or what reading one raises."""
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
    """In Colab, and there alone, huggingface_hub is asked; what is wrong with its secrets is said in one line."""

    def current() -> tuple[str, str] | None:
        for name, value in {"_IS_GOOGLE_COLAB_CHECKED": False, "_GOOGLE_COLAB_SECRET": None}.items():
            monkeypatch.setattr(_auth, name, value)
        assert current_token(act=False) is None
        token = current_token()
        return (token.value, token.source) if token else None

    secrets["HF_TOKEN"] = "hf_colab"
    assert current() is None
    monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    assert current() == ("hf_colab", "colab")
    secrets.clear()
    assert current() is None
    secrets["HF_TOKEN"] = OSError("the kernel \n is gone")
    with pytest.raises(Problem) as raised:
        current()
    assert raised.value.message == "cannot read the secrets of this Colab notebook: the kernel is gone"


def test_what_huggingface_hub_says_is_heard(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Its warnings come in one line each, not to the terminal; what is no token is none."""

    def ask() -> str:
        logging.getLogger("huggingface_hub.x").warning("one\n two")
        logging.getLogger("huggingface_hub.x").info("three")
        warnings.warn("four", stacklevel=1)
        return "hf_said"

    assert _ask_huggingface_hub(ask) == ("hf_said", ["one two"])
    assert caplog.records == []
    assert _ask_huggingface_hub(lambda: None) == (None, [])
    assert capfd.readouterr() == ("", "")
    assert "hf_said" not in mask_line("it is hf_said.")
    for value in ("hf_\n", 7):
        with pytest.raises(ValueError, match=r"^the Hub's answer is not a token$"):
            _ask_huggingface_hub(lambda value=value: value)  # type: ignore[misc]


def test_in_one_line() -> None:
    """What others say is one line of 400 characters at most, without secrets, and not blank."""
    Token("a-secret-token", "env", "X")
    assert _one_line(ValueError(" a\n\tb ")) == "a b"
    assert _one_line(ValueError()) == "ValueError"
    assert _one_line("x" * 500) == "x" * 400
    assert "a-se" not in _one_line("x" * 395 + " a-secret-token")


def test_blanks_are_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with nothing but blanks is nobody, and no other variable's token; the login is."""
    monkeypatch.setenv("HF_TOKEN", " \n")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", TOKENS[1])
    assert ours() is None
    put(home / ".cache/huggingface/token", TOKENS[0].encode())
    assert ours() == TOKENS[0]


def test_a_refresh_token_is_a_secret(home: Path) -> None:
    """A refresh token is not shown, whoever quotes it."""
    stored_as(home, "[laptop]\nhf_token = hf_a\nrefresh_token = what-renews-it\n")
    assert stored_token("laptop").is_renewable
    assert "what-renews-it" not in mask_line("it is what-renews-it.")


@pytest.mark.parametrize("text", ["hf_a", " hf_a\r\n", "hf_\ra", "hf_\na\n\n", "\r\nhf_a\t", "hf_ a", "", "\n \r"])
def test_what_surrounds_a_token(text: str) -> None:
    """A line break is no part of a token, wherever it is, as it is none to huggingface_hub."""
    assert (clean_token(text) or None) == _auth._clean_token(text)


def test_paths_as_pathlib_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is opened as huggingface_hub opens it: by its parts here, and as it stands on Windows."""
    for path in ("", "/", "a", "/a/./b//c/", "./a", "a/..", "//a", "."):
        assert _as_pathlib(path).replace("//", "/") == str(Path(path)).replace("//", "/")
    monkeypatch.setattr(sys, "platform", "win32")
    assert [_as_pathlib(path) for path in ("", "a//b/", "C:")] == [".", "a//b/", "C:"]
