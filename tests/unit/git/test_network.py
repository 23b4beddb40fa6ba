"""How git reaches a Hub: what the user has set, as git reads it, and nothing that a repository says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import git, run

from git_credential_hf.git.network import read_network
from git_credential_hf.hub import PUBLIC_HUB

CORP = "https://hub.corp.example:8443"


def configured(*settings: str) -> None:
    for setting in settings:
        git("config", "--global", *setting.split(" ", 1))


# Settings, the environment, a Hub, and the proxy that git takes for it.
PROXIES: dict[str, tuple[list[str], dict[str, str], str, str]] = {
    "nothing": ([], {}, PUBLIC_HUB, ""),
    "a setting": (["http.proxy http://proxy:3128"], {}, PUBLIC_HUB, "http://proxy:3128"),
    "without a scheme": (["http.proxy proxy:3128"], {}, PUBLIC_HUB, "http://proxy:3128"),
    "a setting, then a variable": (
        *(["http.proxy http://one:1"], {"https_proxy": "http://two:2", "ALL_PROXY": "http://three:3"}),
        *(PUBLIC_HUB, "http://one:1"),
    ),
    "none, by an empty setting": (["http.proxy "], {"https_proxy": "http://two:2"}, PUBLIC_HUB, ""),
    "variables in lower case first": (
        *([], {"HTTPS_PROXY": "http://one:1", "https_proxy": "http://two:2"}),
        *(PUBLIC_HUB, "http://two:2"),
    ),
    "the variable for all": ([], {"all_proxy": "socks5h://two:2", "http_proxy": "x:1"}, PUBLIC_HUB, "socks5h://two:2"),
    "an empty variable": ([], {"https_proxy": "", "ALL_PROXY": "http://three:3"}, PUBLIC_HUB, ""),
    "for one URL": (
        *(["http.proxy http://one:1", "http.https://huggingface.co.proxy http://two:2"], {}),
        *(PUBLIC_HUB, "http://two:2"),
    ),
    "for another URL": (["http.https://github.com.proxy http://two:2"], {}, PUBLIC_HUB, ""),
    "for a pattern of hosts": (["http.https://*.corp.example:8443.proxy http://two:2"], {}, CORP, "http://two:2"),
    "an exempt host": (["http.proxy http://one:1"], {"no_proxy": "a.example, .huggingface.co"}, PUBLIC_HUB, ""),
    "an exempt domain": (["http.proxy http://one:1"], {"NO_PROXY": "corp.example"}, CORP, ""),
    "an exempt port": (["http.proxy http://one:1"], {"NO_PROXY": "hub.corp.example:8443"}, CORP, ""),
    "all hosts exempt": (["http.proxy http://one:1"], {"no_proxy": "*"}, CORP, ""),
    "another host exempt": (["http.proxy http://one:1"], {"no_proxy": "face.co"}, PUBLIC_HUB, "http://one:1"),
    "this machine": (["http.proxy http://one:1"], {"http_proxy": "http://two:2"}, "http://127.0.0.1:8080", ""),
    "odd characters": (['http.proxy http://a"b\\c;#:1'], {}, PUBLIC_HUB, 'http://a"b\\c;#:1'),
}


@pytest.mark.parametrize("name", PROXIES)
def test_proxy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is the one that git takes, by its settings for this URL, and then by the environment."""
    settings, environment, hub, expected = PROXIES[name]
    configured(*settings)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert read_network(hub).proxy == expected


@pytest.mark.git_versions(each_run=1)
def test_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates and keys are those of the settings, unless a variable of git's says otherwise."""
    names = ("sslCAInfo", "sslCAPath", "sslCert", "sslKey")
    configured(*(f"http.{name} ~/{name}" for name in names))
    network = read_network(PUBLIC_HUB)
    found = (network.ca_file, network.ca_path, network.certificate, network.key)
    assert found == tuple(str(home / name) for name in names)
    for variable in ("CAINFO", "CAPATH", "CERT", "KEY"):
        monkeypatch.setenv(f"GIT_SSL_{variable}", f"/{variable}")
    network = read_network(PUBLIC_HUB)
    assert (network.ca_file, network.ca_path, network.certificate, network.key) == (
        *("/CAINFO", "/CAPATH", "/CERT", "/KEY"),
    )


@pytest.mark.parametrize(
    ("setting", "variable", "is_verified"),
    [("true", "", True), ("", "", False), ("false", "", False), ("off", "", False), ("true", "1", False)],
)
def test_verification(setting: str, variable: str, is_verified: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known whether the user has told git not to verify certificates."""
    configured(f"http.sslVerify {setting}")
    if variable:
        monkeypatch.setenv("GIT_SSL_NO_VERIFY", variable)
    assert read_network(PUBLIC_HUB).is_verified is is_verified


def test_a_name_alone_is_true(home: Path) -> None:
    """A variable without a value is true, as git reads it."""
    (home / ".gitconfig").write_text("[http]\n\tsslVerify\n\tproxy = one:1\n")
    network = read_network(PUBLIC_HUB)
    assert (network.is_verified, network.proxy) == (True, "http://one:1")


def test_a_repository_has_no_say(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a repository's own configuration says does not count, nor does a broken one; `git -c` does."""
    git("init", "--quiet", "work")
    monkeypatch.chdir(home / "work")
    for key, value in {"proxy": "evil:1", "https://huggingface.co.proxy": "evil:2", "sslCAInfo": "/x"}.items():
        git("config", f"http.{key}", value)
    git("config", "extensions.worktreeConfig", "true")
    git("config", "--worktree", "http.proxy", "evil:3")
    assert (read_network(PUBLIC_HUB).proxy, read_network(PUBLIC_HUB).ca_file) == ("", None)
    configured("http.proxy one:1")
    assert read_network(PUBLIC_HUB).proxy == "http://one:1"
    program = "from git_credential_hf.git.network import read_network; print(read_network('https://hf.co').proxy)"
    done = run("git", "-c", "http.proxy=two:2", "-c", f'alias.ask=!python -c "{program}"', "ask")
    assert done.stdout == "http://two:2\n"
    (home / "work/.git/config").write_text("[broken")
    assert read_network(PUBLIC_HUB).proxy == ""


def test_a_password_is_in_no_argument(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password of a proxy is in no argument and no environment of a process, and is masked."""
    configured("http.proxy http://user:proxy-secret-Zq8@proxy.example:3128")
    real = run("sh", "-c", "command -v git").stdout.strip()
    spy = tmp_path / "git"
    spy.write_text(f'#!/bin/sh\n(echo "$@"; env) >> {tmp_path}/log\nexec {real} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    network = read_network(PUBLIC_HUB)
    assert network.proxy == "http://user:proxy-secret-Zq8@proxy.example:3128"
    assert network.shown_proxy == "http://proxy.example:3128"
    assert "--get-urlmatch" in (tmp_path / "log").read_text()
    assert "proxy-secret" not in (tmp_path / "log").read_text()
