"""The cases of git's t0300: how git asks helpers, with ours as the one that is asked, or as the one that is not."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from . import ANSWER, CAPABLE, HF, HUB, OTHER, git_has, ours
from .conftest import Git

pytestmark = [pytest.mark.git_versions, pytest.mark.usefixtures("logged_in")]

REPOSITORY = HUB + "path=acme/model\n"
SILENT = "credential.helper=answers"  # another helper, which has nothing
ANOTHER = f"{SILENT} username=somebody password=secret"
TYPED = "username=typed\npassword=typed\n"
CAN = CAPABLE if git_has(2, 46) else ""  # what a git that knows of capabilities passes on


def prompts(url: str) -> list[tuple[str, str]]:
    """What git asks somebody whom no helper knows."""
    scheme, _, rest = url.partition("://")
    return [(f"Username for '{url}': ", ""), (f"Password for '{scheme}://typed@{rest}': ", "")]


# --- fill ---


@pytest.mark.parametrize("host", ["huggingface.co", "hf.co"])
def test_fill_asks_us(git: Git, host: str) -> None:
    """We are asked with what git was told, and git adds our answer to it; the user is asked nothing."""
    asked = f"protocol=https\nhost={host}\n"
    assert git.fill(asked) == asked + ANSWER
    assert (git.asked, git.said) == ([("hf get", asked)], "")


@pytest.mark.git_versions(each_run=1)
def test_fill_for_a_capable_caller(git: Git) -> None:
    """A caller that understands `authtype` and `state` is given what everybody is, and told of no capability."""
    assert git.fill(CAPABLE + HUB) == HUB + ANSWER
    assert git.asked == [("hf get", CAN + HUB)]
    assert git.fill(CAPABLE + HUB, SILENT, HF) == HUB + ANSWER
    assert git.asked == [("answers get", CAN + HUB), ("hf get", CAN + HUB)]


def test_fill_asks_one_after_the_other(git: Git) -> None:
    """Where the helper before us has nothing, we are asked the same."""
    assert git.fill(HUB, SILENT, HF) == HUB + ANSWER
    assert git.asked == [("answers get", HUB), ("hf get", HUB)]


def test_full_answer_is_the_last(git: Git) -> None:
    """After our answer nobody is asked; nor are we after another's."""
    assert git.fill(HUB, HF, ANOTHER) == HUB + ANSWER
    assert git.asked == [("hf get", HUB)]
    assert git.fill(HUB, ANOTHER, HF) == HUB + "username=somebody\npassword=secret\n"
    assert git.asked == [("answers get", HUB)]


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("capability", ["capability[]=authtype\n", ""])
def test_credential_of_another_kind_is_full(git: Git, capability: str) -> None:
    """After another's `authtype` and `credential` we are not asked, even where the caller is not given them."""
    bearer = f"{SILENT} capability[]=authtype authtype=Bearer credential=secret"
    answer = git.fill(capability + HUB, bearer, HF)
    if git_has(2, 46):
        assert answer == (f"{capability}authtype=Bearer\ncredential=secret\n" if capability else "") + HUB
        assert [who for who, _ in git.asked] == ["answers get"]
    else:
        assert answer == HUB + ANSWER


def test_partial_answer_is_completed(git: Git) -> None:
    """Where the helper before us has named a user, we are told, and our answer has its own."""
    assert git.fill(HUB, f"{SILENT} username=somebody", HF) == HUB + ANSWER
    assert git.asked == [("answers get", HUB), ("hf get", HUB + "username=somebody\n")]


@pytest.mark.git_versions(each_run=1)
def test_expiry_is_passed_on(git: Git, log_in: Callable[..., None]) -> None:
    """A git that understands it hears until when the token of the login is good."""
    expires = int(time.time()) + 48 * 3600
    log_in("hf_expires", "expires", expires_at=expires)
    answer, expiry = "username=git\npassword=hf_expires\n", f"password_expiry_utc={expires}\n"
    assert git.fill(HUB) == HUB + answer + (expiry if git_has(2, 40) else "")
    assert ours("get", HUB) == (0, answer + expiry, "")


def test_another_expired_password_is_ours_to_replace(git: Git) -> None:
    """A helper before us that answers a password whose time is over has not answered, to a git that knows of time."""
    answer = git.fill(HUB, f"{ANOTHER} password_expiry_utc=5", HF)
    assert answer == HUB + (ANSWER if git_has(2, 40) else "username=somebody\npassword=secret\n")
    assert len(git.asked) == (2 if git_has(2, 40) else 1)


def test_expired_token_is_answered(git: Git, log_in: Callable[..., None]) -> None:
    """Of our own expired token git hears no time, or would throw it away unasked: the Hub's clock decides."""
    log_in("hf_expired", "expired", expires_at=int(time.time()) - 60)
    answer = "username=git\npassword=hf_expired\n"
    assert git.fill(HUB) == HUB + answer
    assert ours("get", HUB) == (0, answer, "")


def test_other_protocols_are_not_ours(git: Git) -> None:
    """We are told protocol, host and path of what is not the Hub's https, and leave it to git."""
    for host in ("example.com", "huggingface.co"):
        asked = f"protocol=ftp\nhost={host}\npath=acme/model\n"
        assert git.fill(asked) == asked + TYPED
        assert (git.asked, git.said) == ([("hf get", asked), *prompts(f"ftp://{host}/acme/model")], "")


# --- approve and reject ---


@pytest.mark.parametrize(("operation", "told"), [("approve", "store"), ("reject", "erase")])
def test_all_helpers_are_told(git: Git, operation: str, told: str) -> None:
    """What git was told of a credential is told to everybody, in turn; we say nothing of another's."""
    full = OTHER + "username=somebody\npassword=secret\n"
    git.tell(operation, full, SILENT, HF)
    assert (git.asked, git.said) == ([(f"answers {told}", full), (f"hf {told}", full)], "")


def test_approve_with_what_git_may_add(git: Git, home: Path) -> None:
    """We are told an expiry and a refresh token where git knows of them, and keep neither."""
    full = HUB + ANSWER
    expiry, refresh = "password_expiry_utc=9999999999\n", "oauth_refresh_token=hf_refresh\n"
    git.tell("approve", full + expiry + refresh)
    told = full + (expiry if git_has(2, 40) else "") + (refresh if git_has(2, 41) else "")
    ((who, heard),) = git.asked
    assert (who, sorted(heard.splitlines()), git.said) == ("hf store", sorted(told.splitlines()), "")
    kept = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert b"9999999999" not in kept and b"hf_refresh" not in kept


def test_approve_without_a_password_is_not_told(git: Git) -> None:
    """We do not hear of half a credential."""
    git.tell("approve", HUB + "username=git\n")
    assert git.asked == []


@pytest.mark.git_versions(each_run=1)
def test_approve_of_what_has_expired_is_not_told(git: Git) -> None:
    """We do not hear of a password whose time is over, from a git that knows of time; or hear it in silence."""
    git.tell("approve", HUB + ANSWER + "password_expiry_utc=5\n")
    assert (git.asked, git.said) == ([] if git_has(2, 40) else [("hf store", HUB + ANSWER)], "")


def test_reject_of_what_has_expired_is_told(git: Git) -> None:
    """A refusal of our token means the same with an expiry in the past: the user hears where it comes from."""
    expiry = "password_expiry_utc=5\n"
    git.tell("reject", HUB + ANSWER + expiry)
    assert git.asked == [("hf erase", HUB + ANSWER + (expiry if git_has(2, 40) else ""))]
    assert git.said.startswith("git-credential-hf: error: the Hub refused the token hf_****wxyz from the file ")


# --- user names ---


def test_username_is_replaced(git: Git) -> None:
    """Whatever user git asks for, our answer has the user name that goes with a token."""
    assert git.fill(HUB + "username=alice\n") == HUB + ANSWER
    assert git.asked == [("hf get", HUB + "username=alice\n")]


def test_full_credential_is_left_alone(git: Git) -> None:
    """We are not asked for a password that git has, be it in parts or in a URL."""
    full = HUB + "username=alice\npassword=secret\n"
    assert git.fill(full) == full
    assert git.asked == []
    assert git.fill("url=https://alice:secret@huggingface.co\n") == full
    assert git.asked == []


def test_username_of_the_configuration(git: Git) -> None:
    """We are told the user name of the configuration, and replace it."""
    assert git.fill(HUB, HF, "credential.https://huggingface.co.username=bob") == HUB + ANSWER
    assert git.asked == [("hf get", HUB + "username=bob\n")]


@pytest.mark.parametrize("request_", ["url=https://alice@huggingface.co\n", HUB + "username=alice\n"])
def test_username_of_the_request_wins(git: Git, request_: str) -> None:
    """We are told the user name of the URL, not that of the configuration."""
    assert git.fill(request_, HF, "credential.https://huggingface.co.username=bob") == HUB + ANSWER
    assert git.asked == [("hf get", HUB + "username=alice\n")]


def test_last_username_wins(git: Git) -> None:
    """Of two user names that apply we are told the last."""
    users = [
        f"credential.https://huggingface.co{at}.username={user}" for at, user in (("/a.git", "bob"), ("", "alice"))
    ]
    assert git.fill("url=https://huggingface.co/a.git\n", *users, HF) == HUB + ANSWER
    assert git.asked == [("hf get", HUB + "username=alice\n")]


# --- the user ---


@pytest.fixture
def logged_out(home: Path, logged_in: None) -> None:
    for file in (home / ".cache/huggingface").iterdir():
        file.unlink()


@pytest.mark.usefixtures("logged_out")
def test_git_asks_where_nobody_is_logged_in(git: Git) -> None:
    """Where there is no token, the user is told what to do about that, and git asks as if there were no helper."""
    assert git.fill(HUB) == HUB + TYPED
    assert git.asked == [("hf get", HUB), *prompts("https://huggingface.co")]
    assert git.said.endswith("git-credential-hf: hint: run `hf auth login`\n")


@pytest.mark.usefixtures("logged_out")
def test_git_asks_for_the_password_alone(git: Git) -> None:
    """Nor do we take from git a user name that it knows."""
    assert git.fill(HUB + "username=alice\n") == HUB + "username=alice\npassword=typed\n"
    assert git.asked[1:] == [("Password for 'https://alice@huggingface.co': ", "")]


@pytest.mark.usefixtures("logged_out")
def test_askpass_of_the_configuration(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do we stand in the way of `core.askPass`."""
    monkeypatch.delenv("GIT_ASKPASS")
    assert git.fill(HUB, HF, f"core.askPass={tmp_path / 'askpass'}") == HUB + TYPED
    assert git.asked[1:] == prompts("https://huggingface.co")


# --- configuration ---


@pytest.mark.parametrize("helper", ["hf", "!git-credential-hf", '!f() { git-credential-hf "$@"; }; f'])
def test_helper_of_the_configuration(git: Git, home: Path, helper: str) -> None:
    """We are found in a file of git's, by our name or in a shell's words."""
    quoted = helper.replace('"', '\\"')
    (home / ".gitconfig").write_text(f'[credential]\n\thelper = "{quoted}"\n')
    assert git.fill(HUB, "user.name=nobody") == HUB + ANSWER
    assert git.asked == [("hf get", HUB)]


@pytest.mark.git_versions(each_run=1)
def test_helper_of_the_hub_alone(git: Git) -> None:
    """Configured for the Hub, we are asked for all that is on it."""
    assert git.fill(REPOSITORY, "credential.https://huggingface.co.helper=hf") == HUB + ANSWER
    assert git.asked == [("hf get", HUB)]


def test_helper_of_another_host(git: Git) -> None:
    """Configured for the Hub, we are not even started for another host; nor for the Hub, configured for another."""
    assert git.fill(OTHER, "credential.https://huggingface.co.helper=hf") == OTHER + TYPED
    assert git.asked == prompts("https://example.com")
    assert git.fill(HUB, "credential.https://example.com.helper=hf") == HUB + TYPED
    assert git.asked == prompts("https://huggingface.co")


@pytest.mark.parametrize("other", ["credential.helper", "credential.https://huggingface.co/acme/model.helper"])
def test_helpers_of_two_patterns(git: Git, other: str) -> None:
    """A helper of all hosts and one of the repository come before us, configured for the Hub, in the file's order."""
    assert git.fill(REPOSITORY, f"{other}=answers", "credential.https://huggingface.co.helper=hf") == HUB + ANSWER
    assert git.asked == [("answers get", HUB), ("hf get", HUB)]


@pytest.mark.parametrize(
    ("pattern", "url", "told"),
    [
        ("https://huggingface.co/%2566.git", "https://huggingface.co/%2566.git", ""),
        ("https://user%2fname@huggingface.co/a/b.git", "https://user%2fname@huggingface.co/a/b.git", "user/name"),
        ("https://huggingface.co/acme/model.git", "https://huggingface.co/acme/model.git", ""),
    ],
    ids=["path", "user name", "several parts"],
)
def test_pattern_with_a_path(git: Git, pattern: str, url: str, told: str) -> None:
    """Configured for a path or a user, percent-encoded or not, we are asked for what git finds it to match."""
    assert git.fill(f"url={url}\n", f"credential.{pattern}.helper=hf") == HUB + ANSWER
    assert git.asked == [("hf get", HUB + (f"username={told}\n" if told else ""))]


def test_path_beyond_ascii(git: Git) -> None:
    """A path that is percent-encoded UTF-8 reaches us as the bytes that it stands for."""
    settings = (
        "credential.https://huggingface.co.useHttpPath=true",
        "credential.https://huggingface.co/perú.git.helper=hf",
    )
    assert git.fill("url=https://huggingface.co/per%C3%BA.git\n", *settings) == HUB + "path=perú.git\n" + ANSWER
    assert git.asked == [("hf get", HUB + "path=perú.git\n")]


def test_host_that_is_none(git: Git) -> None:
    """Asked for a host with blanks in it, we are silent."""
    odd = "protocol=https\nhost=huggingface.co b c\n"
    settings = "credential.https://huggingface.co%20b%20c/.helper=hf"
    assert git.fill("url=https://huggingface.co b c/\n", settings) == odd + TYPED
    assert (git.asked[0], git.said) == (("hf get", odd), "")
    assert len(git.asked) == 3


def test_path_is_told_where_wanted(git: Git) -> None:
    """We are told the path with `useHttpPath`, and without are not; the answer is the same."""
    assert git.fill(REPOSITORY) == HUB + ANSWER
    assert git.asked == [("hf get", HUB)]
    assert git.fill(REPOSITORY, HF, "credential.https://huggingface.co.useHttpPath=true") == REPOSITORY + ANSWER
    assert git.asked == [("hf get", REPOSITORY)]


def test_pattern_with_a_star(git: Git) -> None:
    """A setting for `*.co` is one for the Hub."""
    assert git.fill(REPOSITORY, HF, "credential.https://*.co.useHttpPath=true") == REPOSITORY + ANSWER
    assert git.asked == [("hf get", REPOSITORY)]


def test_quit_is_the_end(git: Git) -> None:
    """Told to quit, git asks nobody: not us after another. We do so for a token that was just refused, as the last."""
    assert git.refuses(HUB, f"{SILENT} quit=1", HF) == "credential helper 'answers quit=1' told us to quit\n"
    assert git.asked == [("answers get", HUB)]
    git.refuse_repeatedly(HUB + ANSWER)
    assert git.refuses(HUB, HF) == "credential helper 'hf' told us to quit\n"
    assert git.asked == [("hf get", HUB)]
    assert git.fill(HUB, HF, ANOTHER) == HUB + "username=somebody\npassword=secret\n"


def test_empty_helper_resets(git: Git) -> None:
    """An empty helper takes away those before it: another's, so that we are asked alone, or ours."""
    assert git.fill(HUB, ANOTHER, "credential.helper=", HF) == HUB + ANSWER
    assert git.asked == [("hf get", HUB)]
    assert git.fill(HUB, HF, "credential.helper=", ANOTHER) == HUB + "username=somebody\npassword=secret\n"
    assert git.asked == [("answers get", HUB)]


@pytest.mark.git_versions(each_run=1)
def test_partial_patterns(git: Git) -> None:
    """Configured for a part of a URL, we are asked where git finds it to match, and nowhere else."""
    url = "url=https://user@huggingface.co/org/repo.git\n"
    at = [
        f"{user}huggingface.co{path}" for user in ("", "user@") for path in ("", "/", "/org", "/org/", "/org/repo.git")
    ]
    paths = [pattern for pattern in at if pattern.endswith((".co", ".git"))]
    for pattern in [*paths, *(f"https://{pattern}" for pattern in at), "https://", "/org/repo.git"]:
        assert git.fill(url, f"credential.{pattern}.helper=hf") == HUB + ANSWER, pattern
    wrong = ["huggingface.co/o", "user@huggingface.co/o", "https://huggingface.co/o", "https://user@huggingface.co/o"]
    for pattern in ["dont.use.this", "http://", "/o", "/repo", *wrong]:
        assert "password=typed" in git.fill(url, f"credential.{pattern}.helper=hf"), pattern
        assert len(git.asked) == 1, pattern
    assert git.fill(url, HF, "credential.with%0anewline.username=uh-oh") == HUB + ANSWER
    assert "skipping credential lookup for key" in git.said


# --- URLs ---


@pytest.mark.git_versions(each_run=1)
def test_newline_in_a_url(git: Git) -> None:
    """A URL that would become two lines is refused before anybody is asked."""
    assert "cannot be parsed" in git.refuses("url=https://example.com?%0ahost=huggingface.co/\n")
    assert git.asked == []


@pytest.mark.git_versions(each_run=1)
def test_carriage_return_in_a_url(git: Git) -> None:
    """A host with a carriage return is refused by git, before we hear it; and by us, where git allows it."""
    url = "url=https://huggingface.co%0d.example.com/\n"
    if git_has(2, 39):  # and not before CVE-2024-52006 was fixed
        assert "contains carriage return" in git.refuses(url)
        assert git.asked == [("hf get", "protocol=https\n")]  # git ends in the middle of telling us
    assert "password=typed" in git.fill(url, HF, "credential.protectProtocol=false")
    assert git.asked[0][0] == "hf get"
    assert "error: refused a malformed credential request: a line contains a carriage return\n" in git.said


def test_url_without_a_host(git: Git) -> None:
    """Asked for the password of a file, we are silent."""
    asked = "protocol=cert\nhost=\npath=path/to/cert.pem\n"
    assert git.fill("url=cert:///path/to/cert.pem\n") == asked + TYPED
    assert (git.asked[0], git.said) == (("hf get", asked), "")


@pytest.mark.parametrize(("message", "missing"), [("protocol=https\n", "host"), ("host=huggingface.co\n", "protocol")])
def test_half_a_request(git: Git, message: str, missing: str) -> None:
    """Without a host or a protocol nobody is asked."""
    assert git.refuses(message) == f"refusing to work with credential missing {missing} field\n"
    assert git.asked == []


@pytest.mark.parametrize("path", ["?acme/model", "#acme/model"])
def test_marker_right_after_the_host(git: Git, path: str) -> None:
    """A host ends at a query or a fragment, too: this is the Hub."""
    asked = f"{HUB}path={path}\n"
    assert git.fill(f"url=https://huggingface.co{path}\n", HF, "credential.useHttpPath=true") == asked + ANSWER
    assert git.asked == [("hf get", asked)]


def test_encoded_marker_in_the_host(git: Git) -> None:
    """Encoded, they are part of the host: this is not the Hub, and we are silent."""
    asked = "protocol=https\nhost=huggingface.co#?/\npath=foo.git\n"
    url = "url=https://huggingface.co%23%3f%2f/foo.git\n"
    assert git.fill(url, HF, "credential.useHttpPath=true") == asked + TYPED
    assert (git.asked[0], git.said) == (("hf get", asked), "")
