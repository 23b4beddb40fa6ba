"""The current token is that of `huggingface_hub.get_token()`, whatever the environment, the files and the clock."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest
from amount import tenth
from huggingface_hub import constants
from huggingface_hub.utils import _auth
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from login import log_in, store_token, write_aged
from programs import run

from git_credential_hf import token_files
from git_credential_hf.hub import PUBLIC_HUB, environment_hub
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.state import read_state
from git_credential_hf.tokens import (
    Token,
    current_token,
    find_token,
    login_token,
    renew_token,
    stored_token,
    stored_token_names,
)

BROKEN = "broken"
DAY = 24 * 3600
A, B, C, D = ("hf_" + letter * 34 for letter in "abcd")

# --- against huggingface_hub ---

token = st.sampled_from([A, B, C, D, "hf_oauth_h.p.s", "hf_%(x)s", "hf_é"])
around = st.sampled_from(["{}", "{}\n", " {}\r\n", "\t{}  ", "{}\n\n", "\ufeff{}", "{}\x00", "x\n{}", "\xa0{}\x85"])
spelled = st.builds(str.format, around, token)
variable = st.one_of(st.none(), st.sampled_from(["", " ", "\r\n", "$X"]), spelled.filter(lambda text: "\0" not in text))
directory = st.sampled_from(
    [None, "", "~/hf", "$X/hf", "${X}/hf", "$UNSET/hf", "{home}/hf", "{home}/.cache", "hf", "~"]
)
token_path = st.sampled_from(
    [
        *(None, None, "", "~/t/token", "$X/t/token", "${X}/t/token", "{home}/t/token", "t/token", "~nobody-here/t"),
        *("~/t/token/", "~/t//./token/.", "~/t/../t/token"),
    ]
)
switch = st.sampled_from([None, None, None, "1", "true", "Yes", "on", "0", "", "true "])

PLACES = [
    *("hf", ".cache/huggingface", ".cache", "t", "work", "work/hf", "work/t", "work/huggingface"),
    *(".cache/huggingface_staging", "huggingface"),
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
    equals = {"colon": ": ", "tight": "=", "wide": "  =  "}.get(form, " = ")
    given = [(key.upper() if form == "upper" else key, field) for key, field in fields.items() if field is not None]
    lines = [f"[{name}]", *(f"{key}{equals}{field}" for key, field in given)]
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


FORMS = ["colon", "tight", "wide", "upper", "commented", "continued", "trailing", "twice", "inline", "crlf"]
section = st.builds(
    _section,
    st.sampled_from(["laptop", "oauth-alice", "DEFAULT", "a]b", "größe", " x ", "]"]),
    token,
    st.sampled_from([None, None, "hf_oauth__refresh_" + "r" * 34, ""]),
    st.one_of(expiry, times, times),
    st.sampled_from(["plain"] * 6 + FORMS),
)
sections = st.lists(section, max_size=3).map("".join)
stored = st.one_of(
    st.none(), sections.map(str.encode), st.sampled_from([b"garbage\n", b"[x\n", b"\xff", b"", "directory", "dangling"])
)


@contextlib.contextmanager
def machine(home: Path, variables: dict[str, str | None]) -> Iterator[None]:
    """Work in `home/work`, with these variables and no others."""
    before, cwd = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update({"HOME": str(home), "X": str(home), "HF_ENDPOINT": "http://127.0.0.1:9"})
    os.environ.update({name: text.replace("{home}", str(home)) for name, text in variables.items() if text is not None})
    os.chdir(home / "work")
    try:
        yield
    finally:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(before)


def put(path: Path, what: bytes | str | None) -> None:
    """Make a file as it was an hour ago, or something else in its place."""
    links = {"dangling": "nothing", "loop": path.name, "not-a-directory": "/dev/null/token"}
    path.parent.mkdir(parents=True, exist_ok=True)
    if what == "directory":
        path.mkdir()
    elif isinstance(what, str):
        path.symlink_to(links[what])
    elif what is not None:
        write_aged(path, what)


def forget() -> None:
    """Clear what huggingface_hub caches in a process."""
    _auth._OAUTH_REFRESH_CACHE = None
    _auth._OAUTH_REFRESH_WARNED = False


def theirs() -> str | None:
    """Return what huggingface_hub returns in a new process."""
    importlib.reload(constants)
    forget()
    try:
        return huggingface_hub.get_token()
    except Exception:
        return BROKEN


def ours() -> str | None:
    forget()
    try:
        current = current_token(environment_hub() or PUBLIC_HUB)
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
    staging=switch,
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
    """For generated environments, files and expiries, the current token is that of `get_token()`, or both fail."""
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
        expected = theirs()
        event("broken" if expected == BROKEN else "no token" if expected is None else "a token")
        is_in_environment = token_files.clean_token(hf_token or old or "")
        # It reads a file in the current directory, which may be a hostile repository.
        file = token_files.token_path(environment_hub() or PUBLIC_HUB)
        assert ours() == (expected if is_in_environment or os.path.isabs(file) else BROKEN)
    importlib.reload(constants)


def test_when_a_token_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """An OAuth token is due when huggingface_hub would renew it: in the last day before it expires."""
    assert getattr(_auth, "_OAUTH_REFRESH_MARGIN", DAY) == DAY  # which is of 1.20
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    token = Token("hf_x", "file", "x")
    due = []
    for token.is_renewable, token.expires_at in ((True, 1000 + DAY), (True, 1001 + DAY), (True, None), (False, 1000)):
        due.append(token.is_due())
    assert due == [True, False, False, False]


# --- where it comes from ---


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"HF_TOKEN": B}, "env:HF_TOKEN"),
        ({"HUGGING_FACE_HUB_TOKEN": B}, "env:HUGGING_FACE_HUB_TOKEN"),
        ({"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": B}, "env:HUGGING_FACE_HUB_TOKEN"),
        ({}, "file:{home}/.cache/huggingface/token"),
        ({"HF_HOME": "~/h"}, "file:{home}/h/token"),
        ({"HF_HOME": "$HOME/h", "XDG_CACHE_HOME": "x"}, "file:{home}/h/token"),
        ({"HF_TOKEN_PATH": "$HOME/secret"}, "file:{home}/secret"),
        ({"HUGGINGFACE_CO_STAGING": "1"}, "file:{home}/.cache/huggingface/token"),
    ],
)
def test_sources(home: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], source: str) -> None:
    """Each token has its source, as in `status --json`."""
    files = ".cache/huggingface/token", "h/token", "x/huggingface/token", "secret", ".cache/huggingface_staging/token"
    for file in files:
        write_aged(home / file, A)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    token = current_token()
    assert token is not None
    assert token.source == source.format(home=home)


def test_a_login_on_staging_is_for_that_hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """huggingface.co, and any other Hub, gets the ordinary login, and the staging Hub its own if that is in use."""
    log_in(home, A)
    write_aged(home / ".cache/huggingface_staging/token", B)
    hubs = PUBLIC_HUB, "https://hub.example", "https://hub-ci.huggingface.co"
    for staging, expected in (("", (A, A, A)), ("1", (A, A, B))):
        monkeypatch.setenv("HUGGINGFACE_CO_STAGING", staging)
        for needs_name in (True, False):
            found = [current_token(hub, needs_name=needs_name) for hub in hubs]
            assert tuple(token and token.value for token in found) == expected
        assert [login and login.value for login in map(login_token, hubs)] == [*expected]


@pytest.mark.parametrize("name", ["XDG_CACHE_HOME", "HF_HOME", "HF_TOKEN_PATH"])
@pytest.mark.parametrize("value", ["", "x"])
def test_no_token_of_the_working_tree(name: str, value: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the current directory, where huggingface_hub would read the token, is not: the variable is named."""
    for path in ("x", "x/token", "x/huggingface/token", "token", "huggingface/token"):
        if not (home / path).is_dir():
            with contextlib.suppress(FileExistsError, NotADirectoryError):
                write_aged(home / path, A)
    monkeypatch.setenv(name, value)
    with pytest.raises(Problem) as raised:
        current_token()
    what = "a relative path" if value else "empty"
    assert raised.value.message.startswith(f"{name} is {what}, so the token file would be ")
    assert raised.value.fix == f"run `unset {name}`, or set it to an absolute path"
    assert stored_token_names() == []
    monkeypatch.setenv("HF_TOKEN", B)
    assert (token := current_token()) and token.value == B


def test_name_and_expiry(home: Path) -> None:
    """A stored token has its name in `hf auth list` and the expiry of its login, which git accepts."""
    expires = int(time.time()) + 10 * DAY
    store_token(home, "other", B)
    log_in(home, A, "laptop", refresh_token="hf_oauth__refresh_x", expires_at=expires)
    token = current_token()
    assert token is not None
    assert (token.name, token.expires_at) == ("laptop", expires)
    ask = "protocol=https\nhost=huggingface.co\n\n"
    assert f"password={A}" in run("git", "-c", "credential.helper=hf", "credential", "fill", stdin=ask).stdout


SETTINGS = "https://huggingface.co/settings/tokens"
SOURCES = {
    ("env", "HF_TOKEN"): (
        "the environment variable HF_TOKEN",
        f"run `unset HF_TOKEN` to use your login, or set it to a token from {SETTINGS}",
    ),
    ("file", "/a:b/token"): ("the file /a:b/token", "run `git-credential-hf login`"),
    ("oidc", ""): (
        "a Trusted Publisher (HF_OIDC_RESOURCE)",
        "check the Trusted Publisher of the repository, then run the job again",
    ),
    ("colab", ""): (
        "the secrets of this Colab notebook",
        "put a new token into the secret HF_TOKEN of the notebook",
    ),
}


@pytest.mark.parametrize(("kind", "place"), SOURCES)
def test_description_of_a_source(kind: str, place: str) -> None:
    """Each source has a description and a remedy; a token that git has from elsewhere brings its own remedy."""
    where, remedy = SOURCES[kind, place]
    token = Token("hf_" + "x" * 30 + "wxyz", kind, place)
    assert (token.where(), token.remedy()) == (where, remedy)
    assert token.describe() == f"hf_****wxyz from {where}"
    token.name, token.fix = "laptop", "log in there"
    assert token.describe() == f"hf_****wxyz from {where}, stored as 'laptop'"
    assert token.remedy() == "log in there"
    assert Token("hf_x", "url", "the URL of origin").where() == "the URL of origin"


def test_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is expired from the second of its expiry; a token without an expiry never is."""
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    expired = [Token("hf_x", "colab", expires_at=at).is_expired() for at in (999, 1000, 1001, None)]
    assert expired == [True, True, False, False]


# --- stored tokens ---


@pytest.fixture
def stored_tokens(home: Path) -> Path:
    """The file with two stored tokens, and a name without one."""
    store_token(home, "laptop", A, expires_at="soon")
    store_token(home, "work", B)
    store_token(home, "none", "")
    return home / ".cache/huggingface/stored_tokens"


def test_a_stored_token_by_its_name(stored_tokens: Path) -> None:
    """A name selects that token of the file; an unknown name is an error that lists the known ones."""
    token = stored_token("work")
    assert (token.value, token.name, token.expires_at, token.is_renewable) == (B, "work", None, False)
    assert token.source == f"file:{stored_tokens}"
    assert stored_token("laptop").expires_at is None  # `soon` is not a time
    assert stored_token_names() == ["laptop", "work", "none"]
    for name in ("other", "none", ""):
        with pytest.raises(Problem) as raised:
            stored_token(name)
        assert raised.value.message == f"no stored token is named '{name}'; there are 'laptop', 'work', 'none'"
        assert raised.value.fix == "run `git-credential-hf login`"
    stored_tokens.unlink()
    with pytest.raises(Problem, match="no stored token is named 'work'; there are none"):
        stored_token("work")


def test_which_token_has_a_value(stored_tokens: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused value is found as the current token or a stored one; with a name, as that stored one only."""
    log_in(home, C)

    def found(value: str, name: str | None = None) -> tuple[str | None, str] | None:
        token = find_token(value, name)
        return (token.name, token.source) if token else None

    login, stored = f"file:{home}/.cache/huggingface/token", f"file:{stored_tokens}"
    assert [found(value) for value in (A, B, C, D)] == [("laptop", stored), ("work", stored), (None, login), None]
    assert [found(value, "work") for value in (A, B, C, D)] == [None, ("work", stored), None, None]
    assert found(A, "other") is None
    monkeypatch.setenv("HF_TOKEN", A)
    assert found(A) == (None, "env:HF_TOKEN")
    token = login_token()
    assert token is not None
    assert (token.value, token.source) == (C, login)


def test_a_refresh_token_is_a_secret(home: Path) -> None:
    """A refresh token is masked in every message."""
    store_token(home, "laptop", A, refresh_token="what-renews-it")
    assert stored_token("laptop").is_renewable
    assert "what-renews-it" not in mask_line("it is what-renews-it.")


def test_renewing_what_cannot_be_renewed(home: Path) -> None:
    """A token without a refresh token, or without an expiry, is not renewed, and the Hub is not asked."""
    log_in(home, A)
    token = Token(A, "env", "HF_TOKEN", expires_at=int(time.time()))
    assert token.is_renewable is renew_token(token) is False
    token.is_renewable, token.expires_at = True, None
    assert renew_token(token) is False
    assert read_state("renewed") == ""


def test_between_the_two_files_of_a_login(home: Path) -> None:
    """If the stored tokens do not contain the active one, the token file is read again: a login may be under way."""
    stored = home / ".cache/huggingface/stored_tokens"
    log_in(home, D)
    os.mkfifo(stored)  # whoever reads it waits until `hf auth switch` has run

    def switch() -> None:
        with stored.open("w") as reader:
            log_in(home, A)
            reader.write(f"[laptop]\nhf_token = {A}\n")
            stored.unlink()
            store_token(home, "laptop", A)

    switching = threading.Thread(target=switch, daemon=True)
    switching.start()
    token = current_token(act=False)
    switching.join(10)
    assert token is not None
    assert (token.value, token.name) == (A, "laptop")
