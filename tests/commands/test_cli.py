"""The commands that people type: exit statuses, what is said, and what `status` knows."""

import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import programs
import pytest
from programs import Done

SCRIPTS = sysconfig.get_path("scripts")
PROGRAM = os.path.join(SCRIPTS, "git-credential-hf")
CANARY = "hf_CaNaRyCaNaRyCaNaRyCaNaRyCaNaRy1234"
REFRESH = "hf_oauth__refresh_CaNaRyCaNaRyCaNaRyCaNaRy1234"
SHOWN = "hf_****1234"


def run(*arguments: str, program: str = PROGRAM, stdin: str = "", **environment: Any) -> Done:
    """Run the executable; `None` takes a variable away. No traceback and no token is ever to be seen."""
    done = programs.run(program, *arguments, stdin=stdin, check=False, **environment)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    for secret in (CANARY, REFRESH):
        assert secret not in done.stdout + done.stderr
    return done


def status(**environment: Any) -> tuple[dict[str, Any], Done]:
    done = run("status", "--json", **environment)
    return json.loads(done.stdout), done


def errors(done: Done) -> list[str]:
    return re.findall(r"^git-credential-hf: error: (.*)$", done.stderr, re.MULTILINE)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """HF_ENDPOINT is a port of this machine at which nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: connections are refused, and nobody else gets it
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", url)
        yield url


@pytest.fixture
def configured(nowhere: str) -> str:
    """As `nowhere`, and git asks this helper."""
    assert run("configure").returncode == 0
    return nowhere


# --- usage ---

COMMANDS = [[], ["status"], ["configure"], ["unconfigure"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: " ".join(c) or "none")
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(command: list[str], option: str) -> None:
    """Help goes to stdout, is no failure, and fits a terminal of 80 columns, however wide the one at hand is."""
    done = run(*command, option, COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, "")
    assert " ".join(["Usage: git-credential-hf", *command]) in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_names_every_command() -> None:
    """What there is, is in the help, each with a line about it."""
    shown = run("--help").stdout
    for command in ("status", "configure", "unconfigure"):
        assert re.search(rf"^  {command}  +\S.*\.$", shown, re.MULTILINE)
    for operation in ("get", "store", "erase", "capability"):
        assert operation in shown


def test_version() -> None:
    """`--version` is one line that a script can split."""
    done = run("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"git-credential-hf \d+\.\d+\S*\n", done.stdout)
    module = subprocess.run([sys.executable, "-m", "git_credential_hf", "--version"], capture_output=True, text=True)
    assert module.stdout == done.stdout
    assert subprocess.run(["git", "credential-hf", "--version"], capture_output=True, text=True).stdout == done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["status", "--nonsense"],
        ["status", "extra"],
        ["status", "--json=yes"],
        ["configure", "--nonsense"],
        ["configure", "extra"],
        ["configure", "--print", "--env"],
        ["unconfigure", "--print"],
        ["unconfigure", "--json"],
        ["get", "extra"],
        ["nonsense", "extra"],
        ["nonsense", "--help"],
        ["", "extra"],
    ],
    ids=" ".join,
)
def test_wrong_usage(arguments: list[str], home: Path) -> None:
    """Wrong usage is 2, one error in lower case without a full stop, the way to the help, and nothing done."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (error,) = errors(done)
    assert error[0] == error[0].lower()
    assert not error.endswith(".")
    assert re.search(r"^git-credential-hf: hint: run `git-credential-hf.* --help`$", done.stderr, re.MULTILINE)
    assert len(done.stderr.splitlines()) == 2
    assert list(home.iterdir()) == []


def test_no_arguments() -> None:
    """Without arguments there is the help, on stderr, and wrong usage is the status."""
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: git-credential-hf" in done.stderr


@pytest.mark.parametrize("word", ["nonsense", "list", "Get", "gét", "", " "])
def test_unknown_operation_of_git(word: str) -> None:
    """One unknown word, without a terminal, may be an operation that git will have one day: silence."""
    done = run(word, stdin="protocol=https\nhost=huggingface.co\n\n", HF_TOKEN=CANARY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def at_a_terminal(*arguments: str) -> tuple[int, str]:
    """Run the executable at a terminal of its own; its status and what was on the screen."""
    child, screen = pty.fork()
    if child == 0:
        os.execv(PROGRAM, [PROGRAM, *arguments])
    shown = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and select.select([screen], [], [], 30)[0]:
        try:
            part = os.read(screen, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(screen)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_mistyped_command_at_a_terminal() -> None:
    """A person who mistypes a command is told so."""
    code, shown = at_a_terminal("statsu")
    assert code == 2
    assert "git-credential-hf: error: no such command 'statsu'" in shown


# --- status ---


def test_nobody_is_logged_in(configured: str) -> None:
    """Without a token that is the problem, with its remedy, and the Hub is not asked."""
    seen, done = status()
    assert seen == {
        "token": None,
        "account": None,
        "endpoint": configured,
        "git": {"asks_us": True, "asked_first": []},
        "mapped": [],
    }
    assert done.returncode == 1
    assert errors(done) == ["not logged in to Hugging Face"]
    assert "hint: run `hf auth login`\n" in done.stderr
    assert "cannot reach the Hub" not in done.stderr
    shown = run("status")
    assert shown.returncode == 1
    assert re.search(r"^token +none$", shown.stdout, re.MULTILINE)


def stored(home: Path, expires_at: str, token: str = CANARY) -> None:
    directory = home / ".cache/huggingface"
    directory.mkdir(parents=True)
    (directory / "token").write_text(token)
    text = f"[work]\nhf_token = {token}\nrefresh_token = {REFRESH}\nexpires_at = {expires_at}\n"
    (directory / "stored_tokens").write_text(text)
    for file in directory.iterdir():
        os.utime(file, (0, 0))


@pytest.mark.parametrize("where", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "file", "stored", "due"])
def test_which_token(where: str, home: Path, configured: str) -> None:
    """Source, name, expiry and the masked token are shown; without the Hub the account is unknown, and that is said."""
    environment = {}
    file = home / ".cache/huggingface/token"
    expected: dict[str, Any] = {"source": f"file:{file}", "name": None, "shown": SHOWN, "expires_at": None}
    if where.startswith("H"):
        environment = {where: CANARY}
        expected["source"] = f"env:{where}"
    elif where == "file":
        file.parent.mkdir(parents=True)
        file.write_text(CANARY + "\n")
    else:
        expected |= {"name": "work", "expires_at": int(time.time()) + (10**6 if where == "stored" else 60)}
        stored(home, str(expected["expires_at"]))
    start = time.monotonic()
    seen, done = status(**environment)
    assert time.monotonic() - start < 15
    assert seen == {
        "token": expected,
        "account": None,
        "endpoint": configured,
        "git": {"asks_us": True, "asked_first": []},
        "mapped": [],
    }
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf: warning: cannot reach the Hub" in done.stderr
    shown = run("status", **environment)
    assert shown.returncode == 0
    assert re.search(rf"^token +{re.escape(SHOWN)} from the .*{'work' if expected['name'] else ''}", shown.stdout)
    assert re.search(r"^account +unknown", shown.stdout, re.MULTILINE)
    assert re.search(r"^git +uses this helper$", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize("content", ["directory", "not text", "unreadable"])
def test_broken_token_file(content: str, home: Path, configured: str) -> None:
    """A token file that cannot be read is not "logged out": it is named, with the reason."""
    file = home / ".cache/huggingface/token"
    file.parent.mkdir(parents=True)
    if content == "directory":
        file.mkdir()
    else:
        file.write_bytes(b"\xff\xfe" if content == "not text" else CANARY.encode())
    if content == "unreadable":
        file.chmod(0)
    # To root nothing is unreadable, unless it has laid down that power.
    powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = run(*powerless[1:], *([PROGRAM] if powerless else []), "status", "--json", program=[*powerless, PROGRAM][0])
    seen = json.loads(done.stdout)
    assert seen["token"] is None
    assert done.returncode == 1
    (error,) = errors(done)
    assert error.startswith(f"cannot read the token file {file}: ")


@pytest.mark.parametrize("expires_at", ["0", "-1", "99999999999999", "100000000000000000000", "nonsense"])
def test_strange_expiry(expires_at: str, home: Path, configured: str) -> None:
    """Whatever stands as expiry in the stored tokens, `status` is shown."""
    stored(home, expires_at)
    done = run("status", HF_HUB_OFFLINE="1")
    assert re.search(rf"^token +{re.escape(SHOWN)}", done.stdout)
    assert run("status", "--json", HF_HUB_OFFLINE="1").stdout.startswith("{")


CONFIGURATIONS = {
    "nothing": ("", False, []),
    "plain hf": ("[credential]\n\thelper = hf\n", True, []),
    "plain hf after others": (
        "[credential]\n\thelper = store\n\thelper = cache\n\thelper = hf\n",
        True,
        ["store", "cache"],
    ),
    "plain hf before others": ("[credential]\n\thelper = hf\n\thelper = store\n", True, []),
    "another": ("[credential]\n\thelper = store\n", False, ["store"]),
    "one host": ('[credential "https://huggingface.co"]\n\thelper =\n\thelper = hf\n', False, []),
    "one host, and another helper": (
        '[credential]\n\thelper = store\n[credential "https://huggingface.co"]\n\thelper =\n\thelper = hf\n',
        False,
        ["store"],
    ),
    "a reset after us": ("[credential]\n\thelper = hf\n\thelper =\n", False, []),
    "by path": (f"[credential]\n\thelper = {PROGRAM}\n", True, []),
    "the wrong name": ("[credential]\n\thelper = git-credential-hf\n", False, ["git-credential-hf"]),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_what_git_asks(name: str, home: Path) -> None:
    """`asks_us` is whether git asks this helper for every host of the Hub, `asked_first` who comes before it."""
    text, asks_us, asked_first = CONFIGURATIONS[name]
    (home / ".gitconfig").write_text(text)
    seen, done = status(HF_TOKEN=CANARY, HF_HUB_OFFLINE="1")
    assert seen["git"] == {"asks_us": asks_us, "asked_first": asked_first}
    healthy = asks_us and not asked_first
    assert done.returncode == (0 if healthy else 1)
    assert ("git-credential-hf: error: git " in done.stderr) == (not healthy)
    if name.startswith("one host"):
        assert "does not use this helper for https://hf.co" in done.stderr


def test_a_token_in_somebody_elses_helper(home: Path) -> None:
    """A helper that echoes a token, as many have in their configuration, is shown with the token masked."""
    secret = "hf_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt5678"
    (home / ".gitconfig").write_text(
        f'[credential]\n\thelper = "!f() {{ echo password={secret}; }}; f"\n\thelper = hf\n'
    )
    for options in ([], ["--json"]):
        done = run("status", *options, HF_TOKEN=CANARY, HF_HUB_OFFLINE="1")
        assert secret not in done.stdout + done.stderr
        assert "echo password=hf_****5678" in done.stdout


def test_a_token_in_the_endpoint() -> None:
    """An endpoint with a password in it is shown without."""
    secret = "hf_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt5678"
    for options in ([], ["--json"]):
        done = run("status", *options, HF_TOKEN=CANARY, HF_ENDPOINT=f"https://me:{secret}@127.0.0.1:1")
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "endpoint",
    [
        "nonsense",
        "https://",
        "://",
        "https://[::1",
        "ftp://huggingface.co",
        "https://a b",
        "https://h:port",
        "",
        "\x1b[31m",
    ],
)
def test_malformed_endpoint(endpoint: str) -> None:
    """A malformed endpoint is a warning, and gets no request."""
    done = run("status", HF_TOKEN=CANARY, HF_ENDPOINT=endpoint)
    assert done.returncode == 1  # nothing is configured
    assert "git-credential-hf: warning: HF_ENDPOINT is not a valid https URL" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    json.loads(run("status", "--json", HF_TOKEN=CANARY, HF_ENDPOINT=endpoint).stdout)


def test_plain_http_gets_no_token() -> None:
    """`status` sends the token to no host but the Hub, and over plain http to this machine alone."""
    for name, allowed in (("127.0.0.1", True), ("0.0.0.0", False)):
        with socket.create_server(("127.0.0.1", 0)) as server:
            endpoint = f"http://{name}:{server.getsockname()[1]}"
            server.settimeout(8)
            with subprocess.Popen(
                [PROGRAM, "status"],
                env={**os.environ, "HF_TOKEN": CANARY, "HF_ENDPOINT": endpoint},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ):
                came = b""
                try:
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(5)
                        came = connection.recv(65536)
                except TimeoutError:
                    pass
        assert (CANARY.encode() in came) == allowed, endpoint


def test_no_home(tmp_path: Path) -> None:
    """Without HOME `status` still answers."""
    seen, done = status(HOME=None, XDG_CACHE_HOME=str(tmp_path), HF_TOKEN=CANARY, HF_HUB_OFFLINE="1")
    assert seen["token"]["shown"] == SHOWN
    assert done.returncode == 1


@pytest.mark.parametrize("command", [["status"], ["configure"]], ids=" ".join)
def test_no_git(command: list[str], home: Path) -> None:
    """Without git that is said, and nothing is done."""
    done = run(*command, PATH=SCRIPTS, HF_TOKEN=CANARY, HF_HUB_OFFLINE="1")
    assert shutil.which("git", path=SCRIPTS) is None
    assert done.returncode == 1
    assert "git is not on PATH" in errors(done)
    assert not (home / ".gitconfig").exists()


def test_broken_git_configuration(home: Path) -> None:
    """A configuration that git cannot read is a problem, in git's words."""
    (home / ".gitconfig").write_text("[broken\n")
    seen, done = status(HF_TOKEN=CANARY, HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert seen["git"]["asks_us"] is False
    assert "bad config line 1" in done.stderr


def test_variables_that_huggingface_hub_chokes_on(configured: str) -> None:
    """A variable that keeps huggingface_hub from being imported is a warning of one line."""
    done = run("status", HF_TOKEN=CANARY, HF_HUB_DOWNLOAD_TIMEOUT="nonsense", HF_HUB_ETAG_TIMEOUT="nonsense")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1


# --- pipes and signals ---


@pytest.mark.parametrize("command", ["status", "status --json", "configure --print", "configure --env", "--help"])
@pytest.mark.parametrize("sink", [">&-", "| head -c 0", "2>&-", "> /dev/full"])
def test_nobody_reads(command: str, sink: str) -> None:
    """A closed or full stdout ends the program without a word about its insides."""
    environment = {**os.environ, "HF_TOKEN": CANARY, "HF_HUB_OFFLINE": "1"}
    script = f'"$0" {command} {sink}'
    done = subprocess.run(["sh", "-c", script, PROGRAM], env=environment, capture_output=True, text=True, timeout=60)
    for said in ("Traceback", "internal error", "Exception ignored", CANARY):
        assert said not in done.stderr


def test_interrupted(configured: str) -> None:
    """Ctrl-C while the Hub is slow ends `status` at once, with the status that shells expect and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        process = subprocess.Popen(
            [PROGRAM, "status"],
            env={**os.environ, "HF_TOKEN": CANARY, "HF_ENDPOINT": endpoint},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = server.accept()
        with connection:
            connection.recv(10)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=10)
    assert process.returncode in (130, -signal.SIGINT)
    assert stdout == ""
    assert stderr.strip() == ""


# --- with the Hub ---


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in Hub at a port of its own, with git configured for it."""
    from fake_hub import Hub

    with Hub(tmp_path / "hub") as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        assert run("configure").returncode == 0
        yield hub


@pytest.mark.parametrize("role", ["read", "write", "fineGrained"])
def test_account(role: str, hub: Any) -> None:
    """Whose token it is, and its role, as the Hub says; one request."""
    token = hub.token(hub.user("alice"), role)
    seen, done = status(HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")
    assert seen["account"] == {"name": "alice", "role": role}
    assert seen["endpoint"] == hub.url
    assert token not in done.stdout
    shown = run("status", HF_TOKEN=token)
    assert f"account   alice, {role} token\n" in shown.stdout


def test_account_of_an_oauth_login(home: Path, hub: Any) -> None:
    """An OAuth token has an account and no role; its name and expiry come from the stored tokens."""
    login = hub.oauth(hub.user("alice"), expires_in=30 * 24 * 3600)
    expires_at = int(time.time()) + 30 * 24 * 3600
    token = next(value for value in vars(login).values() if isinstance(value, str) and value.startswith("hf_oauth_e"))
    stored(home, str(expires_at), token)
    seen, done = status()
    assert done.returncode == 0, done.stderr
    assert seen["account"] == {"name": "alice", "role": None}
    assert (seen["token"]["name"], seen["token"]["expires_at"]) == ("work", expires_at)
    assert token not in done.stdout + done.stderr


def test_revoked_token(hub: Any) -> None:
    """A token that the Hub refuses is a problem of the user's."""
    token = hub.token(hub.user("alice"))
    hub.revoke(token)
    seen, done = status(HF_TOKEN=token)
    assert done.returncode == 1
    assert seen["account"] is None
    assert len(errors(done)) == 1
    assert "is invalid or was revoked" in errors(done)[0]
    shown = run("status", HF_TOKEN=token)
    assert "did not answer" not in shown.stdout
    assert "hint: " in shown.stderr


FAULTS = ["429", "500", "403", "garbage", "empty", "reset", "redirect", "not an object", "no name", "slow"]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_hub(fault: str, hub: Any) -> None:
    """A Hub that gives no sensible answer in time is a warning, not a problem of the user's."""
    token = hub.token(hub.user("alice"))
    json_headers = {"Content-Type": "application/json"}
    path = "/api/whoami-v2"
    {
        "429": lambda: hub.faults.rate_limit(path),
        "500": lambda: hub.faults.status(path, 500),
        "403": lambda: hub.faults.status(path, 403),
        "garbage": lambda: hub.faults.garbage(path),
        "empty": lambda: hub.faults.status(path, 200),
        "reset": lambda: hub.faults.reset(path),
        "redirect": lambda: hub.faults.status(path, 302, headers={"Location": hub.url + path}),
        "not an object": lambda: hub.faults.status(path, 200, b"[1]", headers=json_headers),
        "no name": lambda: hub.faults.status(path, 200, b'{"name": 1}', headers=json_headers),
        "slow": lambda: hub.faults.delay(path, 20),
    }[fault]()
    start = time.monotonic()
    seen, done = status(HF_TOKEN=token)
    assert time.monotonic() - start < 10
    assert done.returncode == 0, done.stderr
    assert seen["account"] is None
    assert re.fullmatch(r"git-credential-hf: warning: .*the Hub.*\n", done.stderr)
    assert token not in done.stderr


def test_names_that_a_server_has_chosen(hub: Any) -> None:
    """No control character of a server's choice reaches the terminal."""
    token = hub.token(hub.user("alice"))
    body = json.dumps(
        {"name": "al\x1b[31mice\ngit       uses this helper", "auth": {"accessToken": {"role": "\x1b]0;x\x07"}}}
    )
    hub.faults.status("/api/whoami-v2", 200, body.encode(), headers={"Content-Type": "application/json"})
    done = run("status", HF_TOKEN=token)
    assert not set("\x1b\x07") & set(done.stdout + done.stderr)
    assert len(re.findall(r"^git +uses", done.stdout, re.MULTILINE)) == 1
    hub.faults.clear()
    headers = {"X-Error-Message": "no\x1b[31m"}
    hub.faults.status("/api/whoami-v2", 401, headers=headers)
    assert "\x1b" not in run("status", HF_TOKEN=token).stderr


def test_token_does_not_follow_a_redirect(hub: Any) -> None:
    """A redirect to another host does not take the token there."""
    token = hub.token(hub.user("alice"))
    hub.faults.status("/api/whoami-v2", 302, headers={"Location": hub.storage_url + "/elsewhere"})
    run("status", HF_TOKEN=token)
    assert not [request for request in hub.log.of("/elsewhere") if request.token]
