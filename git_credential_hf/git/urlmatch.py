"""Match sections of git's configuration against URLs, as git does (credential.c, urlmatch.c)."""

from git_credential_hf.git.run import OUTSIDE_REPOSITORIES, run_git
from git_credential_hf.hub import normalized_origin
from git_credential_hf.problem import Problem


def section_applies(pattern: str, url: str) -> bool:
    """Whether git uses the section `[credential "PATTERN"]` for `url` (gitcredentials(7), "Credential contexts")."""
    if not pattern:
        return True
    if _matches_in_part(pattern, url):
        return True
    if _is_plain_url(pattern):
        return _matches(pattern, url)
    # Percent signs, wildcards, `..`, a trailing dot: only git itself can match these.
    return "://" in pattern and _git_matches(pattern, url)


def _matches_in_part(pattern: str, url: str) -> bool:
    """Whether all parts of a pattern, which may be an incomplete URL, are equal (match_partial_url)."""
    return all(want in (None, part) for want, part in zip(_parts(pattern), _parts(url), strict=True))


def _parts(url: str) -> tuple[str | None, ...]:
    protocol, separator, rest = url.partition("://")
    if not separator:
        protocol, rest = "", url
    end = min((rest.index(c) for c in "/?#" if c in rest), default=len(rest))
    user, at, host = rest[:end].rpartition("@")
    name = user.partition(":")[0] if at else None
    return tuple(
        percent_decoded(part) for part in (protocol or None, host or None, rest[end:].strip("/") or None, name)
    )


def section_origin(pattern: str) -> str | None:
    """Return the origin of a section, without its user name and path."""
    protocol, host, _, _ = _parts(pattern)
    return normalized_origin(protocol or "", host or "")


def url_username(url: str) -> str | None:
    """Return the user name in a URL, if there is one without a line break; git refuses line breaks, too."""
    name = _parts(url)[3]
    return name if name and name.isprintable() else None


def percent_decoded(part: str | None) -> str | None:
    """Decode the percent-encoding of a part of a URL."""
    if part is None or "%" not in part:
        return part
    from urllib.parse import unquote

    return unquote(part)


def _is_plain_url(pattern: str) -> bool:
    scheme, separator, rest = pattern.partition("://")
    host, colon, port = rest.partition("/")[0].rpartition("@")[2].partition(":")
    is_plain = (
        all(c.isascii() and (c.isalnum() or c in "-._/@:") for c in rest) and "/." not in rest and "//" not in rest
    )
    return (
        bool(separator)
        and scheme.isalnum()
        and is_plain
        and host.strip(".") == host != ""
        and bool(colon) == bool(port)
    )


def _matches(pattern: str, url: str) -> bool:
    _, _, path, user = _parts(pattern)
    _, _, have_path, have_user = _parts(url)
    return (
        section_origin(pattern) is not None  # it is for URLs that never get a token
        and section_origin(pattern) == section_origin(url)
        and user in (None, have_user)
        and (not path or f"{have_path}/".startswith(f"{path}/"))
    )


_matched: dict[tuple[str, str], bool] = {}  # git's answers


def _git_matches(pattern: str, url: str) -> bool:
    if _parts(pattern)[3] not in (None, _parts(url)[3]):
        return False
    pattern, url = _without_login(pattern), _without_login(url)  # a login may be a secret, and all users see arguments
    if (pattern, url) not in _matched:
        subsection = pattern.replace("\\", "\\\\").replace('"', '\\"')
        probe = f'[credential "{subsection}"]\n\tisforus = yes\n'.encode("utf-8", "surrogateescape")
        try:
            answer = run_git(
                *(*OUTSIDE_REPOSITORIES, "config", "--file", "-", "--get-urlmatch", "credential.isforus", url),
                given=probe,
            )
        except Problem:
            answer = b""
        _matched[pattern, url] = answer == b"yes\n"
    return _matched[pattern, url]


def _without_login(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
