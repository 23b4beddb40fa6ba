"""What gitcredentials(7), git-credential(1) and git-config(1) say of helpers, where git has no test of it."""

import shutil

import pytest

from . import ANSWER, CAPABLE, HF, HUB, OTHER, TOKEN, git_has, ours
from .conftest import Git

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.mark.git_versions
@pytest.mark.parametrize("form", ["{}", "{} --token mine", "!{}", '!f() {{ test "$1" = get && {} get; }}; f'])
def test_helper_by_its_path(git: Git, form: str) -> None:
    """An absolute path, with arguments or in a shell's words, starts us as our name does."""
    helper = "credential.helper=" + form.format(shutil.which("git-credential-hf"))
    assert git.fill(HUB, helper) == HUB + ANSWER
    git.tell("approve", OTHER + "username=a\npassword=b\n", helper)


@pytest.mark.git_versions
@pytest.mark.parametrize("arguments", ["--token mine", "--token=mine", "--token 'mine'"])
def test_helper_with_arguments(git: Git, arguments: str) -> None:
    """Arguments of the configuration come before git's operation, and the shell has read them."""
    assert git.fill(HUB, f"{HF} {arguments}") == HUB + ANSWER
    assert git.asked == [(f"hf {arguments} get".replace("'", ""), HUB)]


@pytest.mark.parametrize("operation", ["get", "store", "erase"])
def test_other_attributes_mean_nothing(operation: str) -> None:
    """Whatever a git tells us beside what we need, of today or to come, nothing else is answered, and nothing said."""
    more = "password_expiry_utc=9999999999\noauth_refresh_token=x\nephemeral=1\ncontinue=1\nquit=0\nunheard-of=1\n"
    multiple = 'wwwauth[]=Basic realm="x"\nwwwauth[]=Negotiate\nstate[]=hf:1\nstate[]=\nstate[]=other:2\nnew[]=1\n'
    answer = ANSWER if operation == "get" else ""
    assert ours(operation, CAPABLE + HUB + multiple + more + "\n") == (0, answer, "")


def test_headers_reach_us_and_mean_nothing(git: Git) -> None:
    """Of a 401's headers we are told, by a git that does so; with them and without, the answer is the same."""
    headers = 'wwwauth[]=Basic realm="Authentication required", charset="UTF-8"\nwwwauth[]=Bearer\n'
    assert git.fill(HUB + headers) == HUB + ANSWER
    assert git.asked == [("hf get", HUB + (headers if git_has(2, 41) else ""))]


def test_state_of_another_reaches_the_caller(git: Git) -> None:
    """A state that the helper before us has left is passed on, and we add none and answer to none."""
    stateful = "credential.helper=answers capability[]=state state[]=answers:1 username=somebody"
    filled = git.fill(CAPABLE + HUB + "state[]=hf:1\n", stateful, HF)
    lines = filled.splitlines()
    assert set(ANSWER.splitlines()) <= set(lines)
    assert ("state[]=answers:1" in lines) == git_has(2, 46)
    assert [line for line in lines if line.startswith(("authtype", "credential=", "continue"))] == []
    assert [who for who, _ in git.asked] == ["answers get", "hf get"]


def test_capabilities() -> None:
    """We announce none, in the form that git-credential(1) gives."""
    assert ours("capability", "") == (0, "version 0\ncapability authtype\ncapability state\n", "")


@pytest.mark.parametrize("operation", ["renew", "list", "GET"])
def test_operations_to_come(operation: str) -> None:
    """An operation that a later git may have is ignored, without a word."""
    assert ours(operation, HUB + "\n") == (0, "", "")


@pytest.mark.parametrize(
    "message", [HUB, HUB + "\n", HUB + "\nhost=example.com\n", "host=huggingface.co\nprotocol=https"]
)
def test_ends_of_a_message(message: str) -> None:
    """A message ends at a blank line or with the input, and its lines come in any order."""
    assert ours("get", message) == (0, ANSWER, "")


@pytest.mark.git_versions
@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co",
        "https://huggingface.co/",
        "https://huggingface.co:443/acme/model",
        "https://HuggingFace.co/acme/model",
        "https://hugging%66ace.co/acme/model.git/info/lfs",
        "https://alice@huggingface.co/acme/model?x=1#y",
    ],
)
def test_urls_of_the_hub(git: Git, url: str) -> None:
    """A URL that git takes apart is the Hub's where host and port are."""
    assert git.fill(f"url={url}\n").endswith(ANSWER)


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co@example.com/",
        "https://huggingface.co:8443/",
        "https://huggingface.co%2eexample.com/",
        "https://huggingface.co\\@example.com/",
        "https://huggingface.co%2f.example.com/",
        "https://huggingface.co./",
        "http://huggingface.co/",
    ],
)
def test_urls_of_others(git: Git, url: str) -> None:
    """Nor is one the Hub's that only looks like it to somebody."""
    assert "password=typed" in git.fill(f"url={url}\n")
    assert git.said == ""


def test_url_beside_its_parts(git: Git) -> None:
    """Of a URL and a host in one message the last counts, to git and so to us."""
    assert git.fill(f"url=https://example.com/\n{HUB}") == HUB + ANSWER
    assert git.fill(f"{HUB}url=https://example.com/\n") == OTHER + "username=typed\npassword=typed\n"


@pytest.mark.parametrize("value", ["true", "auto", "false", "never"])
def test_interactive(git: Git, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """We answer the same whether anybody may be asked or not, and never ask ourselves."""
    monkeypatch.setenv("GIT_TERMINAL_PROMPT", "0")
    monkeypatch.delenv("GIT_ASKPASS")
    assert git.fill(HUB, HF, f"credential.interactive={value}") == HUB + ANSWER
    git.refuses(OTHER, HF, f"credential.interactive={value}")
    assert git.asked == [("hf get", OTHER)]


@pytest.mark.parametrize("setting", ["credential.sanitizePrompt=false", "credential.protectProtocol=false"])
def test_less_protection_from_git(git: Git, setting: str) -> None:
    """Where git is told not to protect, a control byte before our answer is not in it, nor in what we say."""
    assert git.fill(HUB + "username=\x07\x1b[2J\n", HF, setting) == HUB + ANSWER
    assert git.said == ""


def test_store_and_erase_answer_nothing() -> None:
    """To `store` and `erase` nothing is answered, and the token is in no answer but that of `get`."""
    assert ours("store", HUB + ANSWER) == (0, "", "")
    status, answered, said = ours("erase", HUB + ANSWER)
    assert (status, answered) == (0, "")
    assert said and TOKEN not in said
