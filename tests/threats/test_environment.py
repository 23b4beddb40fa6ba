"""Hostile values in the environment: they may name another Hub, and what they are is neither run nor shown."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from operations import serve_hub
from servers import Server, http, json

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helper_chain import configured_hubs
from git_credential_hf.hub import environment_hub, requested_hub

from . import ended, is_clean, new_token, request_to, run, start

PUBLIC = "https://huggingface.co"
ASK = b"protocol=https\nhost=huggingface.co\n\n"
EVIL = b"protocol=https\nhost=evil.example\n\n"
NO = http("403 No", "X-Error-Code: GatedRepo", "X-Error-Message: Access to model is restricted.")

# Nothing is a Hub that these name.
NO_ENDPOINTS = (
    *("javascript:alert(1)", "file:///etc/passwd", "data:,x", "//evil.example", "evil.example", "https:", "https:///x"),
    *("https://huggingface.co@evil.example", "https://evil.example\\@huggingface.co", "https://a:b@evil.example", "*"),
    *("https://evil.example\nhost=x", "https://evil.example\x1b[31m", "https://evil.example%00", "https://*"),
    *("http://evil.example", "http://127.0.0.1.evil.example", "http://localhost.", "ssh://git@hf.co"),
    *("https://\u0435vil.example", "https://hf\u200b.co", "https://huggin\u0261face.co", "https://evil.example:x"),
    *("https://evil.example#@huggingface.co", "https://evil.example?@huggingface.co"),
)
ENDPOINTS = {
    **dict.fromkeys(NO_ENDPOINTS),
    "https://evil.example:0": "https://evil.example:0",
    "https://evil.example:99999999": "https://evil.example:99999999",
    "HTTPS://Evil.Example:443/": "https://evil.example",
    "https://evil.example/a/b?c": None,
}


def test_an_odd_endpoint_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HF_ENDPOINT` makes no host a Hub; `--hub` in git's configuration names one exact origin, or none."""
    for endpoint, named in ENDPOINTS.items():
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        assert environment_hub() == named, endpoint
        assert requested_hub(b"https", b"evil.example") is None
        assert requested_hub(b"https", b"huggingface.co") == requested_hub(b"https", b"hf.co") == PUBLIC
        for value in (f"hf --hub {endpoint}", f"!git-credential-hf --hub={shlex.quote(endpoint)}"):
            helper = ConfigEntry("global", "file:x", "credential.helper", value)
            assert configured_hubs([helper]) == ([named] if named else []), value


def test_another_hub_does_not_judge_this_push(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub of `HF_ENDPOINT`, or of `--hub`, neither refuses a push to another, nor is given what is for that."""
    secret = f"from-netrc-{new_token()}"
    (home / ".gitconfig").write_text("[credential]\n\thelper = hf\n")
    (home / ".netrc").write_text(f"machine huggingface.co login a password {secret}\n")
    (home / ".netrc").chmod(0o600)
    subprocess.run(["git", "init", "--quiet", home], check=True)
    given = f"(delete) {'0' * 40} refs/heads/x {'1' * 40}\n".encode()
    with Server(NO) as server:
        asked: dict[str, Any] = {"HF_ENDPOINT": server.url, "HF_TOKEN": new_token()}
        for is_configured in (False, True):
            if is_configured:
                serve_hub(home, server.url)
            for host in ("https://huggingface.co", "https://hf.co", server.url):
                is_judged = is_configured and host == server.url
                before = len(server.heard)
                status, _, said = run("hook", "pre-push", "origin", f"{host}/acme/model", stdin=given, **asked)
                assert (status, len(server.heard) > before) == (int(is_judged), is_judged), said
                assert is_judged or host != server.url or not said
        assert not any(secret.encode() in line for line in server.credentials)


TOKENS = {
    "blank": ("  \t ", None),
    "empty": ("", None),
    "two lines": ("one\nhost=evil.example", "onehost=evil.example"),
    "a CR": ("\rone\r", "one"),
    "huge": ("x" * 100_000, "x" * 100_000),
    "of no alphabet": ("tökén-秘密-ß-secret", "tökén-秘密-ß-secret"),
    "no UTF-8": ("abc\udcff\udcfe-secret", "abc\udcff\udcfe-secret"),
    "a control byte": ("of-my-own-form\x01and-secret", "of-my-own-form\x01and-secret"),
    "quotes": ("'of my own \"form\"\\n'", "'of my own \"form\"\\n'"),
}


SEEN = ("huge", "of no alphabet", "no UTF-8", "a control byte")


def test_odd_tokens_are_given_or_not(home: Path) -> None:
    """A token of any form is one line of the answer, or there is none; what is said of it never has it in it.

    As none of them is of the Hub's form, with `HF_ENDPOINT` they are that one's, and huggingface.co gets none.
    """
    with Server(http("401 No", "X-Error-Message: no")) as server:
        asked: dict[str, Any] = {"HF_ENDPOINT": server.url}
        serve_hub(home, server.url)
        there = (["--hub", server.url, "get"], request_to(server.url) + b"\n", asked)
        ways: dict[str, tuple[list[str], bytes, dict[str, Any]]] = {
            "the Hub": (["get"], ASK, {}),
            "another Hub": there,
            "the Hub beside another": (["get"], ASK, asked),
        }
        for way, (words, message, more) in ways.items():
            got = {name: start(*words, stdin=message, HF_TOKEN=given, **more) for name, (given, _) in TOKENS.items()}
            for name, process in got.items():
                status, answer, said = ended(process)
                served = TOKENS[name][1] if way != "the Hub beside another" else None
                assert answer == (f"username=git\npassword={served}\n" if served else ""), (name, way)
                assert status == 0, said
        seen = {name: start("status", HF_TOKEN=given, **asked) for name, (given, _) in TOKENS.items() if name in SEEN}
        for name, process in seen.items():
            _, answer, said = ended(process)
            value = TOKENS[name][1] or ""
            shown = answer + said
            for form in (
                value,
                value.encode("unicode_escape", "surrogateescape" if 0 else "backslashreplace").decode(),
            ):
                assert form[-12:] not in shown, (name, shown)
            assert is_clean(shown)


GIT = {
    **{f"GIT_CONFIG_COUNT={n}": {"GIT_CONFIG_COUNT": n} for n in ("-1", "999999999")},
    "GIT_CONFIG_PARAMETERS": {"GIT_CONFIG_PARAMETERS": "'credential.helper=!touch mark"},
    "GIT_DIR": {"GIT_DIR": "/dev/null", "GIT_WORK_TREE": "\x1b[31m"},
    "GIT_CONFIG_GLOBAL": {"GIT_CONFIG_GLOBAL": "/dev/zero/x", "GIT_CONFIG": "/nowhere"},
    "GIT_EXEC_PATH": {"GIT_EXEC_PATH": "/nowhere\x1b[31m"},
    "programs": dict.fromkeys(
        ("GIT_ASKPASS", "SSH_ASKPASS", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_EDITOR", "GIT_PAGER", "GIT_EXTERNAL_DIFF"),
        "{home}/program",
    ),
    "traces": dict.fromkeys(("GIT_TRACE", "GIT_TRACE2", "GIT_TRACE2_EVENT", "GIT_TRACE_CURL", "GIT_TRACE_SETUP"), "1"),
    "places": dict.fromkeys(("XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "TMPDIR"), "relative\x1b"),
    "NETRC": {"NETRC": "/dev/zero", "CURL_HOME": "/dev/null"},
}


@pytest.mark.parametrize("name", GIT)
def test_variables_of_git(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever git's variables hold, the token is served, nothing is run or written here, and no command crashes."""
    (home / "program").write_text("#!/bin/sh\ntouch mark\n")
    (home / "program").chmod(0o755)
    (home / "work").mkdir()
    monkeypatch.chdir(home / "work")
    token = new_token()
    variables: dict[str, Any] = {"HF_TOKEN": token}
    variables.update({key: value.format(home=home) for key, value in GIT[name].items()})
    commands = ["get", "doctor --offline"]
    message = ASK[:-1] + f"username=git\npassword={token}\n\n".encode()
    found = [ended(process) for process in [start(*c.split(), stdin=message, **variables) for c in commands]]
    assert found[0][:2] == (0, f"username=git\npassword={token}\n")
    assert is_clean("".join(found[1][1:]), [token]), found[1]
    assert os.listdir() == []


PYTHON: dict[str, Any] = {
    "PYTHONWARNINGS": "error",
    "PYTHONDEVMODE": "1",
    "PYTHONIOENCODING": "utf-16",
    "PYTHONOPTIMIZE": "2",
    "PYTHONUTF8": "0",
    "PYTHONINSPECT": "1",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONPROFILEIMPORTTIME": "1",
    "PYTHONBREAKPOINT": "os.abort",
    "PYTHONSAFEPATH": "1",
    "PYTHONSTARTUP": "mark.py",
    "PYTHONUSERBASE": "/nowhere",
}


def test_variables_of_python(home: Path) -> None:
    """What Python does with its own variables does not change a byte of what git is given."""
    token = new_token()
    (home / "mark.py").write_text("print('owned')\n")
    started = [start("get", stdin=ASK, HF_TOKEN=token, LC_ALL="C", **{name: PYTHON[name]}) for name in PYTHON]
    for process in started:
        assert ended(process)[:2] == (0, f"username=git\npassword={token}\n")


PROXIES = [
    "http://user:{secret}/x@127.0.0.1:9",
    "odd://user:{secret}@127.0.0.1:9",
    "http://{secret}:@[127.0.0.1",
    "user:{secret}@127.0.0.1:9",
    "user:{secret}@[127.0.0.1",
]


def test_a_proxys_password_is_not_shown(home: Path) -> None:
    """The password of a proxy is in no error, well-formed or not; and the proxy gets no token in clear."""
    secret = "proxy-secret-Zq8"
    token = new_token()
    started = [
        start("status", HF_TOKEN=token, https_proxy=proxy.format(secret=secret), HTTPS_PROXY="") for proxy in PROXIES
    ]
    for process in started:
        status, answer, said = ended(process)
        assert "account   unknown" in answer, (status, said)
        assert secret not in answer + said, said
    with Server(http("407 No", "Proxy-Authenticate: Basic")) as proxy:
        run("check", "acme/model", HF_TOKEN=token, https_proxy=f"http://user:{secret}@{proxy.url[7:]}")
        assert proxy.heard
        assert all(
            head.startswith(b"CONNECT huggingface.co:443") and token.encode() not in head for head in proxy.heard
        )


def test_another_host_gets_nothing_with_any_endpoint(home: Path) -> None:
    """Whatever `HF_ENDPOINT` is, a host that git is not configured for is none of our business."""
    names = (*NO_ENDPOINTS[::4], "https://evil.example")
    started = [start("get", stdin=EVIL, HF_TOKEN=new_token(), HF_ENDPOINT=name) for name in names]
    assert [ended(process) for process in started] == [(0, "", "")] * len(started)


def test_another_hub_is_given_nothing_of_this_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub of `HF_ENDPOINT` hears nothing at all, whatever is run, and as one of `--hub` of the login alone."""
    monkeypatch.chdir(home)
    kept = home / ".cache/huggingface"
    kept.mkdir(parents=True)
    current, work = new_token(), new_token()
    (kept / "token").write_text(current)
    (kept / "stored_tokens").write_text(f"[main]\nhf_token = {current}\n\n[work]\nhf_token = {work}\n\n")
    run("configure", "--token", "work", "--for", "acme")
    url = "https://huggingface.co/acme/model"
    subprocess.run(["git", "init", "--quiet", home], check=True)
    subprocess.run(["git", "remote", "add", "origin", url], check=True)
    told = ASK[:-1] + f"path=acme/model\nusername=git\npassword={work}\n\n".encode()
    with Server(json(b'{"name": "mallory"}')) as server:
        asked: dict[str, Any] = {"HF_ENDPOINT": server.url}
        for is_configured in (False, True):
            if is_configured:
                serve_hub(home, server.url)
            said = run("--token", "work", "erase", stdin=told, **asked)[2]
            assert "the Hub refused the token" in said and "good" not in said
            for arguments in ((url,), ()):
                status, answer, said = run("check", *arguments, **asked)
                assert (status, answer) == (3, "") and "cannot reach the Hub" in said
            run("doctor", **asked)
            (home / ".netrc").write_text("machine huggingface.co login a password from-netrc-secret\n")
            (home / ".netrc").chmod(0o600)
            run("doctor", **asked)
            (home / ".netrc").unlink()
            subprocess.run(["git", "remote", "set-url", "origin", url.replace("//", "//a:in-the-url@")], check=True)
            run("doctor", **asked)
            subprocess.run(["git", "remote", "set-url", "origin", url], check=True)
            assert server.heard == []
            run("status", **asked)
            assert run("check", "acme/model", **asked)[0] == (0 if is_configured else 3)
            assert (server.heard != []) == is_configured
        assert {line.split()[-1].decode() for line in server.credentials} == {current}


def test_nobody_s_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without HOME, and of a user that the system does not know, each command does what it does elsewhere."""
    as_nobody = ["unshare", "--user", "--map-user=12345", "env", "-u", "HOME"]
    if subprocess.run([*as_nobody, "true"], capture_output=True).returncode:
        pytest.skip("this system has no user namespaces")
    monkeypatch.chdir(home)
    token = new_token()
    told = ASK[:-1] + f"path=acme/model\nusername=git\npassword={token}\n\n".encode()
    with Server(json(b'{"name": "alice"}')) as server:
        asked: dict[str, Any] = {"HF_ENDPOINT": server.url, "HF_TOKEN": token, "GIT_CONFIG_COUNT": "1"}
        asked |= {"GIT_CONFIG_KEY_0": f"credential.{server.url}.helper", "GIT_CONFIG_VALUE_0": f"hf --hub {server.url}"}
        for command, status in {"check acme/model": 0, "status": 1, "erase": 0, "purge": 0, "doctor": 0}.items():
            done = run(*as_nobody[1:], "git-credential-hf", *command.split(), program=as_nobody[0], stdin=told, **asked)
            assert done[0] == status, done
        assert server.heard
        assert os.listdir() == []


def test_a_password_of_an_endpoint_is_not_shown(home: Path) -> None:
    """A secret in `HF_ENDPOINT` or `--hub`, as the user name, too, or in a helper's command, is in no output."""
    subprocess.run(["git", "config", "--global", "credential.helper", "!echo password=Zq8-secret; :"], check=True)
    for login in ("a-secret-of-my-own-Zq8", "bob:Zq8-secret", "bob:Zq/8-secret"):
        asked: dict[str, Any] = {"HF_ENDPOINT": f"https://{login}@hub.example.org", "HF_TOKEN": new_token()}
        helper = f"hf --hub {asked['HF_ENDPOINT']}"
        subprocess.run(["git", "config", "--global", "credential.https://hub.example.org.helper", helper], check=True)
        named = f"--hub {asked['HF_ENDPOINT']} get"
        for command in (
            "status",
            "status --json",
            "check acme/model",
            "doctor --offline",
            "doctor --offline --json",
            named,
        ):
            _, answer, said = run(*command.split(), **asked)
            assert "secret" not in answer + said, (login, command)


@pytest.mark.parametrize("url", ["https://huggingface.co/spaces/acme/app", "git@hf.co:spaces/acme/app"])
def test_another_hub_is_not_shown_what_is_pushed(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub of `HF_ENDPOINT`, be it one of `--hub`, does not see the card of a push to another, nor refuse it."""
    monkeypatch.chdir(home)
    (home / ".gitconfig").write_text("[credential]\n\thelper = hf\n")
    (home / "README.md").write_text(f"---\nshort_description: {'x' * 300}\n---\nnot for everybody\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "--quiet"], ["add", "README.md"], ["commit", "--quiet", "-m", "x"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    given = f"refs/heads/main {head} refs/heads/main {'0' * 40}\n".encode()
    with Server(json(b'{"errors": [{"message": "no"}]}')) as server:
        asked: dict[str, Any] = {"HF_ENDPOINT": server.url, "HF_TOKEN": new_token()}
        serve_hub(home, server.url)
        assert run("hook", "pre-push", "origin", url, stdin=given, **asked)[0] == 0
        assert server.heard == []


def test_another_hub_renews_no_token_of_this_one(home: Path) -> None:
    """The Hub of `HF_ENDPOINT` is not sent what renews a token that is asked for by name, nor is plain http ever."""
    kept = home / ".cache/huggingface"
    kept.mkdir(parents=True)
    token = f"hf_oauth_{new_token()[3:]}"
    fields = {"hf_token": token, "refresh_token": "hf_oauth__refresh_of-work", "expires_at": int(time.time()) + 600}
    lines = [f"{key} = {value}\n" for key, value in fields.items()]
    (kept / "stored_tokens").write_text("[work]\n" + "".join(lines) + "\n")
    by_user = ASK[:-1] + b"username=work\n\n"
    with Server(http("400 No")) as server:
        there = f"--hub {server.url} --token work get"
        for command, asked in (("--token work get", ASK), ("get", by_user), (there, request_to(server.url) + b"\n")):
            assert token in run(*command.split(), stdin=asked, HF_ENDPOINT=server.url)[1]
        assert server.heard == []


def test_the_token_of_another_hub_enters_no_commit(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not of the Hub's form, and is for the Hub of `HF_ENDPOINT`, is found in what is staged all the same."""
    monkeypatch.chdir(home)
    secret = f"of-a-company-{new_token()[3:]}"
    (home / "settings").write_text(f"key = {secret}\n")
    for command in (["init", "--quiet"], ["add", "settings"]):
        subprocess.run(["git", *command], check=True)
    for endpoint in ("https://hub.example.org", PUBLIC):
        status, _, said = run("hook", "pre-commit", HF_TOKEN=secret, HF_ENDPOINT=endpoint)
        assert status == 1 and "settings contains" in said, said
        assert secret not in said
