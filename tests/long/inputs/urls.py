"""URLs of remotes, and what people call a repository: read by `hub`, by git, by huggingface_hub and by urlsplit."""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from git_credential_hf.git.urlmatch import section_origin, url_username
from git_credential_hf.hub import hub_origins, requested_hub
from git_credential_hf.repository import parse_remote, parse_repository, repository_at, without_credentials

HOSTS = {"huggingface.co", "hf.co"}

# --- which URLs lead to the Hub ---


def judge(url: str) -> str:
    """No reader of URLs fails; those that hand out tokens by it agree with urlsplit on where it leads."""
    found = parse_remote(url)
    without_credentials(url), parse_repository(url), repository_at(url), url_username(url)
    assert (section_origin(url) in hub_origins()) <= (found is not None or "://" not in url or is_odd(url)), url
    # urlsplit refuses a bracket in the user's name, which is none of a host.
    where = origin(url) or origin(re.sub(r"(?<=://)[^/]*@", "", url, count=1))
    if found is None:
        # Nothing that is written as git's and the Hub's documentation write it is missed.
        assert not re.fullmatch(
            r"https://([\w.~-]+(:[\w.~-]*)?@)?(huggingface|hf)\.co(:443)?(/[\w./-]*)?", url, re.ASCII
        ), url
        assert not re.fullmatch(r"(ssh://git@hf\.co(:22)?/|git@hf\.co:)[\w./-]+", url, re.ASCII), url
        return "another's"
    transport, path = found.transport, found.path
    if transport == "https":
        assert where in {("https", "huggingface.co", 443), ("https", "hf.co", 443)}, (url, where)
    elif "://" in url:
        assert where in {(scheme, name, 22) for scheme in ("ssh", "git+ssh", "ssh+git") for name in HOSTS}, (url, where)
    else:
        login, _, path_of_scp = url.partition(":")
        assert login.rpartition("@")[2].lower() in HOSTS and "/" not in login, url  # else it is a path (git-fetch(1))
        assert path == path_of_scp, url
    secret = re.match(r"\w+://[^/@:]*:([^/@]{6,})@", url)
    assert secret is None or url.count(secret[1]) > 1 or secret[1] not in without_credentials(url), url
    return f"the Hub's, by {transport}"


def is_odd(url: str) -> bool:
    """Whether it is written as no remote is, and is another host to another reader: by ?, #, % or a backslash."""
    return bool(re.match(r"[\w+]*://[^/]*[?#%\\]", url)) or not re.match(r"[A-Za-z+]+://", url)


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, as urlsplit reads them."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 22)
        return parts.scheme, parts.hostname or "", port
    except ValueError:
        return None


# --- which repository it is, with huggingface_hub as the reference ---

# Where we differ from it, it is by a rule: what it makes of the text, what we do, and when that may be.
Found = tuple[str, str] | None
Rule = Callable[[str, Found, Found], object]
RULES: dict[str, Rule] = {
    "git knows no buckets": lambda text, theirs, ours: theirs and theirs[0] == "buckets" and ours is None,
    "a name of one segment, such as gpt2, is a repository of git's": lambda text, theirs, ours: (
        theirs is None and ours and "/" not in ours[1]
    ),
    "the token goes over https alone, and to port 443": lambda text, theirs, ours: (
        ours is None and re.match(r"https://(?!([^/@]*@)*[^/:@]+(:443)?(/|$))|http://", text)
    ),
    "a name alone is all of it: a revision, a path or a page is for URIs and URLs": lambda text, theirs, ours: (
        ours is None and theirs and ":" not in text and text not in ("/".join(theirs), theirs[1])
    ),
    "what has no scheme is no URL": lambda text, theirs, ours: (
        "://" not in text and text.lower().startswith(("huggingface.co", "hf.co", "hub-ci.huggingface.co"))
    ),
    "staging is the Hub where HUGGINGFACE_CO_STAGING says so": lambda text, theirs, ours: (
        ours is None and "hub-ci.huggingface.co" in text.lower()
    ),
    "a remote's URL may end in .git": lambda text, theirs, ours: theirs is None and ours and ".git" in text,
    "ssh is a way to the Hub, which huggingface_hub does not go": lambda text, theirs, ours: (
        theirs is None and ours and (remote := parse_remote(text)) and remote.transport == "ssh"
    ),
    "whatever a page is, it is one of a repository": lambda text, theirs, ours: (
        theirs is None and ours and re.search(r"/(commits?|discussions|settings|resolve|blob|raw|tree)\b", text)
    ),
    "what the Hub has not got (a name too long, or with `--`, `..`, a mark at its end; no account is named `dataset` or"
    " `model`) is the Hub's to refuse": lambda text, theirs, ours: (
        theirs is None
        and ours
        and re.search(r"--|\.\.|[-.](/|$)|[^/]{97}|^(model|dataset|space|kernel|bucket)/", ours[1])
    ),
    "behind an `hf://` URI's repository nothing is read": lambda text, theirs, ours: (
        text.startswith("hf://") and ours and ours == named_by_huggingface_hub("hf://" + "/".join(ours))
    ),
    "a slash at an end is none, nor is a third one in `hf:///`": lambda text, theirs, ours: (
        (ours and text.strip("/") != text) or text.startswith("hf:///")
    ),
    "a page may be one of a repository of one segment": lambda text, theirs, ours: (
        theirs
        and ours
        and theirs[1].rpartition("/")[0] == ours[1]
        and re.search(r"/(settings|discussions|tree|raw|blob)(/|$)", text)
    ),
    "a backslash before the host is nobody's name": lambda text, theirs, ours: (
        ours is None and re.match(r"\w+://[^/]*\\", text)
    ),
    "a bracket in a user's name, at which urlsplit gives up, is none of the host": lambda text, theirs, ours: (
        theirs is None and ours and re.match(r"\w+://[^/]*[][][^/]*@", text)
    ),
    "an @ in a URL's path is a part of it": lambda text, theirs, ours: (
        ours is None and "://" in text and "@" in text.partition("://")[2].partition("/")[2]
    ),
    "a segment that is blank is refused": lambda text, theirs, ours: ours is None and "//" in text.partition("://")[2],
    "a line break or a tab is no part of a URL, and not passed over": lambda text, theirs, ours: (
        ours is None and re.search(r"[\t\r\n]", text)
    ),
}


def named_by_huggingface_hub(text: str) -> Found:
    """The kind and the name of a repository, as it reads a URI, a URL or an id."""
    from huggingface_hub.errors import HfUriError
    from huggingface_hub.utils._hf_uris import parse_hf_uri

    for written in (text, f"hf://{text}"):
        if written is not text and ("://" in text or ":" in text):
            break
        try:
            found = parse_hf_uri.__wrapped__(written)
        except HfUriError:
            continue
        except ValueError:  # urlsplit's
            return None
        return f"{found.type}s", found.id
    return None


def judge_name(text: str) -> str:
    """The same repository as huggingface_hub's, or a rule that says why not; and one that is nothing but a name."""
    found = parse_repository(text)
    ours = (found.kind, found.name) if found else None
    text = re.sub(r"^(hf|https?)://", lambda match: match[0].lower(), text, flags=re.IGNORECASE)  # RFC 3986, 3.1
    theirs = named_by_huggingface_hub(text)
    if ours:
        assert ours[0] in ("models", "datasets", "spaces", "kernels"), text
        assert re.fullmatch(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?", ours[1], re.ASCII), text
    if ours == theirs:
        return "none" if ours is None else "the same"
    rule = next((name for name, applies in RULES.items() if applies(text, theirs, ours)), None)
    assert rule, (text, theirs, ours)
    return rule


# --- git's own reading ---


def judge_by_git(url: str) -> str:
    """Where git goes, and asks a helper for, is where `hub.remote` says that it goes."""
    if any(c in url for c in "\n\0") or not url or url.startswith("-"):
        return "not to be asked"
    found = parse_remote(url)
    if "://" in url and not re.match(r"(ssh|git\+ssh|ssh\+git)://", url, re.IGNORECASE):
        given = f"url={url}\nusername=x\npassword=y\n\n".encode("utf-8", "surrogateescape")
        done = subprocess.run(["git", "credential", "fill"], input=given, capture_output=True)
        fields = dict(line.partition(b"=")[::2] for line in done.stdout.splitlines())
        is_asked = requested_hub(fields.get(b"protocol"), fields.get(b"host")) is not None
        if found is not None:
            # git refuses some before it asks anybody. Of two @ it takes the first, and curl, which connects, the last.
            assert is_asked or done.returncode or url.partition("://")[2].partition("/")[0].count("@") > 1, (url, done)
            return "the Hub's, by https"
        # The other way round, a host behind percent signs is one to git, but no remote that anybody writes.
        assert not is_asked or is_odd(url), (url, done)
        return "another's"
    if len(os.fsencode(url)) > 1 << 16:
        return "too long for an argument"
    done = subprocess.run(["git", "fetch-pack", "--diag-url", url], capture_output=True)
    said = dict(
        line.removeprefix("Diag: ").partition("=")[::2]
        for line in done.stdout.decode("utf-8", "surrogateescape").split("\n")
    )
    host = said.get("userandhost", "").rpartition("@")[2].lower()
    if found is not None and done.returncode == 0:
        assert said["protocol"] == "ssh" and re.sub(":(22)?$", "", host) in HOSTS, (url, said)
        paths = {path.lstrip("/") for path in (found.path, unquote(found.path, errors="surrogateescape"))}
        assert said["path"].lstrip("/") in paths or "~" in said["path"], (url, said, found)
    is_ssh = (
        done.returncode == 0 and said.get("protocol") == "ssh" and host in HOSTS and said.get("port") in ("NONE", "22")
    )
    # A slash before the colon makes a path of it; a host in brackets is for addresses.
    assert not is_ssh or found is not None or "[" in url or is_odd(url), (url, said)
    return "the Hub's, by ssh" if is_ssh else "another's"


# --- URLs ---

# Of each, the first is the plain one.
SCHEMES = [
    *("https://", "http://", "HTTPS://", "ssh://", "git+ssh://", "git://", "file://", "hf://", "hf://", "hf://"),
    *("Hf://", "", "https:/", "https:", "//", "httpss://", "ssh+git://", "ftp://", "https+git://", " https://"),
    *("ssh://git@",),
]
USERS = [
    *("", "git@", "alice@", "alice:hf_secretsecret@", ":x@", "@", "evil.example@", "a%40b@", "a@b@"),
    *("huggingface.co@", "evil.example/@", "x:y:z@", "\\@", "hf.co:x@", "git:@"),
]
NAMES = [
    *("huggingface.co", "hf.co", "hf.co", "HuggingFace.CO", "hub-ci.huggingface.co", "evil.example", "github.com"),
    *("huggingface.co.evil.example", "evilhuggingface.co", "sub.hf.co", "huggingface.co.", "hugging\u0493ace.co"),
    *("[::1]", "huggingface%2eco", "hf.co%00.evil.example", "hf\u3002co", "hf.co\\evil.example", "127.0.0.1", ""),
    *("[hf.co]", "hf.co%"),
]
PORTS = [
    *("", ":443", ":443", ":80", ":22", ":8443", ":", ":0443", ":x", ":443:443", ":+443", ":4 43"),
    *(":\u0664\u0664\u0663",),
]
SEPARATORS = ["/", ":", "", "//", "?", "#", "\\", "/%2f", ":/", "/../", "/./"]
KINDS = [
    *("", "datasets/", "datasets/", "spaces/", "kernels/", "models/", "buckets/", "Datasets/", "dataset/"),
    *("api/models/",),
]
REPOSITORIES = [
    *("acme/model", "gpt2", "acme/model.v2", "acme", "acme/model/", "/acme/model", "acme//model", "a/b/c", ""),
    *("acme/..", "../model", "acme/mo del", "acme/mod\u00e9l", "acme/.model", "acme/model--x", "_acme/model"),
    *("acme/_m", "acme/model%2fx", "datasets", "acme/" + "m" * 97, "acme/-m", "acme/m-", "acme/tree", "tree/main"),
    *("acme/model..x",),
]
ENDS = [
    *("", ".git", ".git", ".git/", "/", "/tree/main", "/blob/main/README.md", "@main", "@refs%2Fpr%2F1"),
    *("@main/a/b.csv", "/settings", "/discussions/1", "?download=true", "#readme", "/commits/main"),
    *("/resolve/main/x@y", "@", "/raw", "/tree/main/a//b", "/info/refs?service=git-upload-pack", "\\", "\t", " "),
    *(".git.git", "/edit/main/x", "/config.json"),
]
ODD = "@:/?#%[]\\. \t\r\n\0-_~\u200b\udcff\x1bhf"
OF_HTTPS = (SCHEMES, USERS, NAMES, PORTS, SEPARATORS, KINDS, REPOSITORIES, ENDS)
OF_SSH = (["", "ssh://"], ["git@", "", "a@b@"], NAMES, [":", "/", ":22/", "/:"], KINDS, REPOSITORIES, ENDS)
OF_NAMES = (["", "hf://"], KINDS, REPOSITORIES, ENDS)


def generated(number: int) -> str:
    chance = random.Random(number)
    parts: tuple[list[str], ...] = chance.choices((OF_HTTPS, OF_NAMES, OF_SSH), (65, 20, 15))[0]
    url = "".join(part[0] if chance.random() < 0.65 else chance.choice(part) for part in parts)
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 2))):
        at = chance.randrange(len(url) + 1)
        url = url[:at] + chance.choice(ODD) * chance.randrange(2) + url[at + chance.randrange(2) :]
    return url * (5000 if chance.random() < 0.0005 else 1)
