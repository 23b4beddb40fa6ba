"""get, store and erase as users meet them: the installed executable, asked directly and by the real git."""

import os
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from login import log_in, store_token, write_aged
from operations import HUB, QUIT, Answer, answer, ask, refuse_repeatedly

from git_credential_hf.login_hints import NOT_LOGGED_IN
from git_credential_hf.state import REFUSED_FOR

TOKEN = "hf_" + "Canary" * 5 + "wxyz"
SHOWN = "hf_****wxyz"
ANSWER = f"username=git\npassword={TOKEN}\n"
ERASE = HUB + f"username=git\npassword={TOKEN}\n"
LOGIN = "git-credential-hf: hint: run `hf auth login`\n"


def git(operation: str, message: str) -> Answer:
    """Let git ask, with this helper and no other."""
    helpers = ["-c", "credential.helper=", "-c", "credential.helper=hf"]
    return answer("git", *helpers, "credential", operation, message=message)


def tree(*roots: Path) -> dict[str, tuple[object, ...]]:
    """Everything about the files below: mode, owner, time of the last change, bytes."""
    found: dict[str, tuple[object, ...]] = {}
    for root in roots:
        for path in [root, *root.rglob("*")]:
            status = path.lstat()
            data = path.read_bytes() if path.is_file() else path.readlink() if path.is_symlink() else None
            found[str(path)] = status.st_mode, status.st_uid, status.st_mtime_ns if data is not None else None, data
    return found


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """`erase` cannot ask the Hub for the reason: see e2e/test_refused_token."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def records() -> Path:
    return Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf")


# --- sources ---

Make = Callable[[Path, pytest.MonkeyPatch], None]


def in_variable(name: str) -> Make:
    return lambda home, monkeypatch: monkeypatch.setenv(name, TOKEN)


def in_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(home, TOKEN)


def in_other_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_aged(home / "secrets/token file", TOKEN + "\r\n")
    monkeypatch.setenv("HF_TOKEN_PATH", "~/secrets/token file")


def stored(expires_in: int | None) -> Make:
    def log_in_as_work(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store_token(home, "other", "hf_other")
        log_in(home, TOKEN, "work", **({"expires_at": int(time.time()) + expires_in} if expires_in else {}))

    return log_in_as_work


SETTINGS = "https://huggingface.co/settings/tokens"
FILE = "the file {home}/.cache/huggingface/token"
# name: how to make it; its description; whether it has expired
SOURCES: dict[str, tuple[Make, str, bool]] = {
    "HF_TOKEN": (in_variable("HF_TOKEN"), "the environment variable HF_TOKEN", False),
    "HUGGING_FACE_HUB_TOKEN": (
        in_variable("HUGGING_FACE_HUB_TOKEN"),
        "the environment variable HUGGING_FACE_HUB_TOKEN",
        False,
    ),
    "file": (in_file, FILE, False),
    "HF_TOKEN_PATH": (in_other_file, "the file {home}/secrets/token file", False),
    "stored": (stored(None), FILE + ", stored as 'work'", False),
    "stored, good": (stored(48 * 3600), FILE + ", stored as 'work'", False),
    "stored, expired": (stored(-60), FILE + ", stored as 'work'", True),
}


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, bool]:
    """A token from that source: its description, the hint if it is refused, and whether it has expired."""
    make, described, is_expired = SOURCES[request.param]
    make(home, monkeypatch)
    hint = "run `git-credential-hf login`"
    if "variable" in described:
        hint = f"run `unset {request.param}` to use your login, or set it to a token from {SETTINGS}"
    return f"{SHOWN} from {described.format(home=home)}", f"git-credential-hf: hint: {hint}\n", is_expired


def without_expiry(answer: str) -> str:
    return re.sub(r"password_expiry_utc=\d+\n", "", answer)


def test_get_serves_every_source(source: tuple[str, str, bool]) -> None:
    """The token is served from every source, to the executable's caller and to git, without a message."""
    status, stdout, stderr = ask("get")
    assert (status, without_expiry(stdout), stderr) == (0, ANSWER, "")
    status, stdout, stderr = git("fill", HUB)
    assert (status, without_expiry(stdout), stderr) == (0, HUB + ANSWER, "")


def test_expiry(home: Path) -> None:
    """The answer has the expiry of a login; git would never send a token with an expiry in the past."""
    login = "hf_oauth_" + TOKEN[3:]
    log_in(home, login, "work", expires_at=int(time.time()) + 48 * 3600)
    expiry = int(ask("get")[1].partition("password_expiry_utc=")[2])
    assert abs(expiry - time.time() - 48 * 3600) < 60
    (home / ".cache/huggingface/stored_tokens").unlink()
    log_in(home, login, "work", expires_at=int(time.time()) - 60)
    assert ask("get") == (0, ANSWER.replace(TOKEN, login), "")


def test_store_stores_nothing(source: tuple[str, str, bool], home: Path) -> None:
    """`store` changes no file, makes none, and prints nothing, whichever token it gets."""
    roots = home, Path(os.environ["XDG_RUNTIME_DIR"])
    before = tree(*roots)
    for password in (TOKEN, "hf_another", ""):
        assert ask("store", HUB + f"username=git\npassword={password}\n") == (0, "", "")
    assert git("approve", ERASE) == (0, "", "")
    assert tree(*roots) == before


def test_erase_names_the_source(source: tuple[str, str, bool], home: Path) -> None:
    """`erase` of the current token reports which it is, masked, its source, and what to do; it deletes nothing."""
    described, hint, is_expired = source
    before = tree(home)
    refused = f"git-credential-hf: error: the Hub refused the {'expired ' * is_expired}token {described}\n{hint}"
    assert ask("erase", ERASE) == (0, "", refused)
    assert git("reject", ERASE) == (0, "", refused)
    assert tree(home) == before


def test_refused_token_is_not_served_again(source: tuple[str, str, bool], home: Path) -> None:
    """After a third refusal within seconds the answer is `quit`, with the reason, and git does not ask the user."""
    described, hint, _ = source
    before = tree(home)
    for _ in range(2):
        ask("erase", ERASE)
        assert without_expiry(ask("get")[1]) == ANSWER  # it may have been a mistake, and the command was repeated
    ask("erase", ERASE)
    reason = f"git-credential-hf: error: the Hub has just refused the token {described}\n{hint}"
    assert ask("get") == (0, QUIT, reason)
    status, stdout, stderr = git("fill", HUB)
    assert (status, stdout) == (128, "")
    assert stderr.startswith(reason)
    assert "told us to quit" in stderr
    assert tree(home) == before


@pytest.mark.parametrize(
    "message",
    [
        *(HUB + f"username=git\npassword={password}\n" for password in ("hf_another", TOKEN[:-1], TOKEN + "x", "")),
        *(HUB + f"username={TOKEN}\npassword=x\n", HUB + "username=git\n", HUB, ""),
        f"protocol=https\nhost=evil.example\nusername=git\npassword={TOKEN}\n",
        f"protocol=http\nhost=huggingface.co\nusername=git\npassword={TOKEN}\n",
        f"protocol=https\nusername=git\npassword={TOKEN}\n",
    ],
)
def test_erase_of_anything_else(message: str, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without our token, or for another host, `erase` prints nothing, and the token is still served."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert ask("erase", message) == (0, "", "")
    assert not records.exists()
    assert ask("get") == (0, ANSWER, "")


def test_not_logged_in() -> None:
    """Without a token `erase` prints nothing, and `get` has no answer, so that git asks the user."""
    assert ask("erase", ERASE) == (0, "", "")
    assert ask("get") == (0, "", f"git-credential-hf: error: {NOT_LOGGED_IN}\n{LOGIN}")


# --- for how long ---


@pytest.fixture
def refused(records: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of a token that was refused a moment ago."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    refuse_repeatedly(ERASE)
    assert ask("get")[1] == QUIT
    assert sorted(file.name for file in records.iterdir()) == ["refused", "suspect"]
    return records / "refused"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(REFUSED_FOR - 10, QUIT), (REFUSED_FOR + 1, ANSWER), (3600, ANSWER), (-3600, ANSWER)]
)
def test_how_long_a_refusal_lasts(refused: Path, seconds: int, expected: str) -> None:
    """It lasts for REFUSED_FOR seconds and no longer, even if the clock is set back."""
    text = refused.read_text()
    (at,) = re.findall(r"^1\d{9}\b", text)
    refused.write_text(text.replace(at, str(int(at) - seconds), 1))
    assert ask("get")[1] == expected


def test_another_token_is_served_at_once(refused: Path) -> None:
    """Another token is served at once; the refused one, if it comes back, is still refused."""
    other = TOKEN[::-1]
    assert ask("get", HF_TOKEN=other) == (0, f"username=git\npassword={other}\n", "")
    assert ask("get")[1] == QUIT
    refuse_repeatedly(HUB + f"password={other}\n", HF_TOKEN=other)
    assert ask("get", HF_TOKEN=other)[1] == QUIT
    assert ask("get")[1] == QUIT


def test_refusal_is_of_one_hub(refused: Path) -> None:
    """A token that one Hub refused is served to another; huggingface.co and hf.co are one."""
    elsewhere = answer(
        "git-credential-hf", "--hub=http://localhost:5", "get", message="protocol=http\nhost=localhost:5\n"
    )
    assert elsewhere == (0, ANSWER, "")
    assert ask("get", "protocol=https\nhost=hf.co\n")[1] == QUIT
    assert ask("get", "protocol=https\nhost=HUGGINGFACE.co:443\n")[1] == QUIT


def test_record_is_a_keyed_hash(refused: Path) -> None:
    """The record contains no part of the token, and never the same hash twice."""
    text = refused.read_text()
    assert re.fullmatch(rf"\d{{10}} {REFUSED_FOR} [0-9a-f]{{64}} [0-9a-f]{{64,128}}\n", text)
    for part in (TOKEN[3:], TOKEN[-4:], "huggingface"):
        assert part.lower() not in text.lower()
    ask("erase", ERASE)
    keys, hashes = zip(*(line.split()[2:] for line in refused.read_text().splitlines()), strict=True)
    assert len({*keys, *hashes}) == 4


def test_records_do_not_grow(refused: Path) -> None:
    """However often a token is refused, the files stay small."""
    for _ in range(25):
        ask("erase", ERASE)
    assert sorted(file.name for file in refused.parent.iterdir()) == ["refused", "suspect"]
    assert refused.stat().st_size < 8192
    assert ask("get")[1] == QUIT


def test_no_other_file(home: Path, records: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All operations together leave records in the runtime directory, and no other file."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    temporary = Path(tempfile.mkdtemp(dir=home))
    monkeypatch.setenv("TMPDIR", str(temporary))
    for operation in ("get", "store", "erase", "get", "capability", "unknown"):
        ask(operation, ERASE)
    assert list(home.iterdir()) == [temporary]
    assert not list(temporary.iterdir())
    assert [path.name for path in records.rglob("*")] == ["suspect"]


# --- nothing shows the token ---

# Runs in each Python that is started: writes down the programs that it starts, and its connections.
WATCHER = """
import os, sys
def watch(event, arguments, log=os.environ["WATCHED"]):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.putenv"):
        watched.append(f"{event} {arguments!r}")
    elif event.startswith("socket.") and event != "socket.gethostname":
        watched.append(f"{event} {arguments[1:]!r}")
    else:
        return
    if log:
        os.write(descriptor, (watched.pop() + "\\n").encode())
watched = []
descriptor = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
sys.addaudithook(watch)
"""

KINDS = {
    "user": TOKEN,
    "OAuth": "hf_oauth_" + "Canary" * 5 + "wxyz",
    "OAuth, a JWT": "hf_oauth_eyJ" + "Canary" * 3 + ".eyJCanaryCanary.Canary-_wxyz",
    "Trusted Publisher": "hf_jwt_eyJ" + "Canary" * 3 + ".eyJCanaryCanary.Canary-_wxyz",
    "organisation": "api_org_" + "Canary" * 5 + "wxyz",
    "JWT": "eyJ" + "Canary" * 3 + ".eyJCanaryCanary.Canarywxyz",
    "of an unknown kind": "Canary-Canary/Canary+Canary==",
    "short": "CanaryCa",
    "with blanks": "hf_Canary  Canary\tCanary",
    "not ASCII": "hf_Cänary" + "Canary" * 4,
    "unexpanded": "${CANARY_CANARY_SECRET}",
    "quoted": "'hf_CanaryCanaryCanaryCanaryCanary'",
    "escape sequences": "hf_Canary\x1b[31mCanary\x07Canary",
}


@pytest.mark.parametrize(
    ("kind", "trace"),
    [
        # The trace says all that is said without one, and a file gets the same; what is masked, test_masking tests.
        pytest.param(kind, trace, marks=[] if trace == "1" or kind == "user" else pytest.mark.long)
        for kind in KINDS
        for trace in ("", "1", "file")
    ],
)
def test_token_is_in_the_answer_alone(
    kind: str, trace: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message, trace, file or other program ever gets the token: only git does, as the password."""
    token = KINDS[kind]
    canary = re.search("(?i)canary", token)[0].lower()  # type: ignore[index]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(WATCHER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("WATCHED", str(tmp_path / "watched"))
    monkeypatch.setenv("GIT_CREDENTIAL_HF_TRACE", str(tmp_path / "trace") if trace == "file" else trace)
    log_in(home, token)
    messages = []

    def asked(operation: str, message: str) -> tuple[int, str]:
        status, stdout, stderr = ask(operation, message)
        messages.append(stderr)
        return status, stdout

    erase = HUB + f"username={token}\npath={token}\npassword={token}\n"
    assert asked("get", HUB + f"username={token}\npath={token}\n") == (0, f"username=git\npassword={token}\n")
    assert asked("store", erase) == asked("erase", erase) == asked("erase", erase) == (0, "")
    assert asked("erase", erase) == (0, "")
    assert asked("get", HUB) == (0, QUIT)
    assert asked("get", HUB + token.replace("=", "") + "\n") == (1, "")  # malformed: a line without `=`
    assert asked("get", HUB + f"{token}=x\rpath=x\n") == (1, "")
    # As a path that cannot be read: it is shown, since it was not read as a token.
    monkeypatch.setenv("HF_TOKEN_PATH", f"{home}/{token.replace('/', '')}")
    (home / token.replace("/", "")).mkdir()
    asked("get", HUB)

    def shows(text: str) -> bool:
        lines = [line for line in text.splitlines() if "cannot read the token file" not in line]
        return canary in "\n".join(lines).lower().replace(f"****{token[-4:]}".lower(), "")

    assert not shows("".join(messages).replace(str(home), ""))
    # `store` and `erase` read git's configuration, and `erase` asks the Hub; nothing else is started.
    watched = (tmp_path / "watched").read_text()
    assert not shows(watched)
    assert all("'config', '--get-regexp'" in line for line in watched.splitlines() if "spawn" in line or "exec" in line)
    assert "subprocess" not in watched
    for file in [*tmp_path.rglob("*"), *Path(os.environ["XDG_RUNTIME_DIR"]).rglob("*")]:
        if file.is_file() and file.name != "sitecustomize.py":
            assert not shows(file.read_text(errors="replace")), file
    if trace == "file":
        assert (tmp_path / "trace").read_text()
