"""The cached "yes": for which question, and for how long."""

import time
from pathlib import Path

from hub_api import DATASET, Api, Reply, at, mine
from whoami import MODEL

from git_credential_hf.api.access import check_access
from git_credential_hf.repository import Repository
from git_credential_hf.state_directory import cache_directory


def test_a_cached_yes_is_for_this_question_alone(api: Api) -> None:
    """A cached yes is for one token and one repository; a yes to writing is one to reading."""
    api.answers = {"auth-check": Reply(200)}
    other = mine(api, "hf_" + "o" * 34)
    for token, repository, write, requests in (
        (mine(api), at(api, MODEL), False, 1),
        (mine(api), at(api, MODEL), False, 0),
        (mine(api), at(api, MODEL), True, 1),
        (mine(api), at(api, DATASET), True, 1),
        (mine(api), at(api, DATASET), False, 0),
        (mine(api), at(api, Repository("models", "acme/data")), False, 1),
        (other, at(api, MODEL), False, 1),
    ):
        api.requests.clear()
        answer = check_access(token, repository, write=write, use_cache=True)
        assert (answer.answer, len(api.requests)) == ("yes", requests)


def test_a_person_gets_a_new_answer(api: Api) -> None:
    """Without the cache the Hub is asked whatever it said before, and a no ends what hooks believe."""
    api.answers = {"auth-check": Reply(200)}
    check_access(mine(api), at(api, MODEL), write=True)
    api.answers = {"auth-check": Reply(503)}
    assert check_access(mine(api), at(api, MODEL), write=True).answer == "unknown"
    assert check_access(mine(api), at(api, MODEL), write=True, use_cache=True).answer == "yes"
    api.answers = {"auth-check": Reply(404, headers={"X-Error-Code": "RepoNotFound"})}
    assert check_access(mine(api), at(api, MODEL), write=True).answer == "no"
    assert check_access(mine(api), at(api, MODEL), write=True, use_cache=True).answer == "no"


def test_a_yes_is_cached_for_ten_minutes(api: Api) -> None:
    """After that, or if the clock was put back, or the file is readable by others or damaged, a request is sent."""
    api.answers = {"auth-check": Reply(200)}
    check_access(mine(api), at(api, MODEL), write=True)
    cache = Path(cache_directory() or "", "may")
    line = cache.read_text()
    since, rest = line.split(" ", 1)
    assert int(since) <= time.time() < int(since) + 60
    for content, mode, requests in (
        (line, 0o600, 0),
        (f"{int(since) - 540} {rest}", 0o600, 0),
        (f"{int(since) - 601} {rest}", 0o600, 1),
        (f"{int(since) + 1000} {rest}", 0o600, 1),
        (line, 0o644, 1),
        ("rubbish\n", 0o600, 1),
        ("\0" * 100, 0o600, 1),
    ):
        cache.unlink(missing_ok=True)
        cache.write_text(content)
        cache.chmod(mode)
        api.requests.clear()
        check_access(mine(api), at(api, MODEL), write=True, use_cache=True)
        assert len(api.requests) == requests, (content[:40], oct(mode))
