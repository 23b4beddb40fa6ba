"""`tokens.current()` is `huggingface_hub.get_token()`, whatever the environment, the files and the clock."""

import contextlib
import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _auth
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from git_credential_hf import tokens
from git_credential_hf.problem import Problem

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
        current = tokens.current()
    except Problem:
        return BROKEN
    return current.value if current else None


@settings(
    max_examples=int(os.environ.get("GIT_CREDENTIAL_HF_TESTS_EXAMPLES", "500")),
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


def rewrite(path: Path, value: str, gap: float, pieces: int = 1) -> None:
    """Write a token as huggingface_hub does, truncate first, but slowly, and in pieces if the disk so pleases."""
    with path.open("w") as file:
        time.sleep(gap)
        for start in range(0, len(value), -(-len(value) // pieces)):
            file.write(value[start : start + -(-len(value) // pieces)])
            file.flush()
            time.sleep(0.03)


@pytest.mark.parametrize(("gap", "pieces"), [(0.0, 1), (0.05, 1), (0.7, 1), (1.5, 1), (0.0, 3), (0.3, 5)])
def test_a_file_that_is_being_rewritten(home: Path, gap: float, pieces: int) -> None:
    """A token is served whole, the old or the new one, and never nothing, at whatever moment of a rewrite."""
    path = home / ".cache" / "huggingface" / "token"
    put(path, TOKENS[0].encode())
    seen = {ours()}
    writer = threading.Thread(target=rewrite, args=(path, TOKENS[1], gap, pieces))
    writer.start()
    while writer.is_alive():
        seen.add(ours())
    writer.join()
    assert seen <= {TOKENS[0], TOKENS[1]}
    assert ours() == TOKENS[1]


def test_an_empty_file_is_nobody(home: Path) -> None:
    """A file that stays empty means what huggingface_hub takes it for: logged out."""
    path = home / ".cache" / "huggingface" / "token"
    put(path, b"")
    assert ours() is None
    path.write_bytes(b"")  # just now: it waits, and then believes it
    assert ours() is None


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
    assert tokens.current(act=False) is not None
    os.close(reading)


# --- what it knows of a token ---


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"HF_TOKEN": TOKENS[1]}, "env:HF_TOKEN"),
        ({"HUGGING_FACE_HUB_TOKEN": TOKENS[1]}, "env:HUGGING_FACE_HUB_TOKEN"),
        ({"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": TOKENS[1]}, "env:HUGGING_FACE_HUB_TOKEN"),
        ({}, "file:{home}/.cache/huggingface/token"),
        ({"HF_HOME": "~/h"}, "file:{home}/h/token"),
        ({"HF_TOKEN_PATH": "$HOME/secret"}, "file:{home}/secret"),
        ({"HUGGINGFACE_CO_STAGING": "1"}, "file:{home}/.cache/huggingface_staging/token"),
    ],
)
def test_sources(home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], source: str) -> None:
    """Each token says where it comes from, in the words of `status --json`."""
    for place in (".cache/huggingface/token", "h/token", "secret", ".cache/huggingface_staging/token"):
        put(home / place, TOKENS[0].encode())
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    token = tokens.current()
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
    token = tokens.current()
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
