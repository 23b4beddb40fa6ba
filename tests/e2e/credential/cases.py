"""All cases of git's tests of helpers, in git's order and our words: who holds each here, or why it cannot apply.

A case: the version of git that brought it (nothing: 2.39, our oldest, has it), what it is about, the test here that
holds what a helper that stores nothing can hold of it, and where that is another promise, or none, why. The lists are
those of git 2.39.5, 2.47.3 and 2.55.0; no later one has dropped a case. Three came with security fixes in 2.40.4,
which Debian's 2.39.5 has too.
"""

Case = tuple[str, str, str | None, str]

_ONE_KIND = "we answer user name and password, which every git takes, and have no other kind of credential"
_KEEPS_NOTHING = "we keep nothing: what is answered is the login, which huggingface_hub keeps"
_NOT_IN_T0303 = "only the helper that is git's cache daemon is put to this"

T0300: list[Case] = [
    ("", "the scripts that stand for helpers are written", None, "no test: ours are in conftest.py"),
    ("", "fill asks a helper", "test_fill_asks_us", ""),
    ("2.46", "fill: a helper answers a credential of another kind", "test_fill_for_a_capable_caller", _ONE_KIND),
    ("2.46", "fill: such a credential is good once", None, _ONE_KIND),
    ("2.46", "fill: such a credential comes with a state", "test_state_of_another_reaches_the_caller", _ONE_KIND),
    ("", "fill asks several helpers in turn", "test_fill_asks_one_after_the_other", ""),
    ("2.46", "fill: no capability is announced that no helper has", "test_fill_for_a_capable_caller", ""),
    ("2.46", "fill: no capability is announced that the caller has not", "test_credential_of_another_kind_is_full", ""),
    ("", "fill ends with a full answer", "test_full_answer_is_the_last", ""),
    ("2.46", "fill: a credential of another kind is a full answer", "test_credential_of_another_kind_is_full", ""),
    ("", "fill goes on after a partial answer", "test_partial_answer_is_completed", ""),
    ("2.40", "fill passes on when a password expires", "test_expiry_is_passed_on", ""),
    ("2.40", "fill passes over a password that has expired", "test_another_expired_password_is_ours_to_replace", ""),
    ("", "fill tells the helper all parts of another protocol's request", "test_other_protocols_are_not_ours", ""),
    (
        "2.46",
        "fill: no credential of another kind for a caller without the capability",
        "test_credential_of_another_kind_is_full",
        "",
    ),
    ("", "approve tells all helpers", "test_all_helpers_are_told", ""),
    ("2.40", "approve tells the expiry", "test_approve_with_what_git_may_add", ""),
    ("2.41", "approve tells the refresh token", "test_approve_with_what_git_may_add", ""),
    ("", "approve without a password tells nobody", "test_approve_without_a_password_is_not_told", ""),
    ("2.40", "approve of an expired password tells nobody", "test_approve_of_what_has_expired_is_not_told", ""),
    ("", "reject tells all helpers", "test_all_helpers_are_told", ""),
    ("2.40", "reject of an expired password tells all the same", "test_reject_of_what_has_expired_is_told", ""),
    ("", "a user name stays where the helper answers none", None, "we answer one, with every password"),
    ("", "a user name is replaced by the helper's", "test_username_is_replaced", ""),
    ("", "a full credential is not completed", "test_full_credential_is_left_alone", ""),
    (
        "",
        "the user is asked where no helper is",
        "test_git_asks_where_nobody_is_logged_in",
        "we are one, and have nothing",
    ),
    ("", "the user is not asked for a user name that is known", "test_git_asks_for_the_password_alone", ""),
    ("", "the user is asked through the configuration's program", "test_askpass_of_the_configuration", ""),
    ("", "a helper of the configuration is asked", "test_helper_of_the_configuration", ""),
    ("", "a helper that is configured for the host is asked", "test_helper_of_the_hub_alone", ""),
    ("", "a helper that is configured for another host is not", "test_helper_of_another_host", ""),
    ("", "helpers for all hosts and for this one are asked", "test_helpers_of_two_patterns", ""),
    ("", "helpers for the path and for the host are asked", "test_helpers_of_two_patterns", ""),
    ("", "a pattern with percent-encoding matches", "test_pattern_with_a_path", ""),
    ("", "a pattern beyond ASCII matches a percent-encoded path", "test_path_beyond_ascii", ""),
    ("", "a pattern with a percent-encoded user name matches", "test_pattern_with_a_path", ""),
    ("2.40.4", "a pattern with a percent-encoded host matches", "test_host_that_is_none", "no such host is the Hub"),
    ("", "a pattern with several parts of a path matches", "test_pattern_with_a_path", ""),
    ("", "the configuration names the user", "test_username_of_the_configuration", ""),
    ("", "the user name of the URL comes before it", "test_username_of_the_request_wins", ""),
    ("", "the user name of a request in parts comes before it", "test_username_of_the_request_wins", ""),
    ("", "of several names in the configuration the last counts", "test_last_username_wins", ""),
    ("", "the path is told where the configuration wants it", "test_path_is_told_where_wanted", ""),
    ("", "a pattern with a star matches", "test_pattern_with_a_star", ""),
    ("", "a helper can end it all", "test_quit_is_the_end", ""),
    ("", "an empty helper takes away those before it", "test_empty_helper_resets", ""),
    ("", "a URL with a newline in it is refused", "test_newline_in_a_url", ""),
    ("2.40.4", "a URL with a carriage return in it is refused", "test_carriage_return_in_a_url", ""),
    ("", "a URL without a host has an empty one", "test_url_without_a_host", ""),
    ("", "a request without a host is refused", "test_half_a_request", ""),
    ("", "a request without a protocol is refused", "test_half_a_request", ""),
    ("", "a host ends at a question mark", "test_marker_right_after_the_host", ""),
    ("", "a host ends at a hash", "test_marker_right_after_the_host", ""),
    ("", "a host does not end at an encoded mark", "test_encoded_marker_in_the_host", ""),
    ("", "patterns that are parts of a URL match, or do not", "test_partial_patterns", ""),
    ("2.40.4", "a control byte of a helper's user name is not shown", None, "ours is `git`, and the user is not asked"),
]

T0303: list[Case] = [
    ("", "at first there is nothing", "test_nothing_before_the_login", ""),
    ("", "a password is stored", "test_nothing_is_stored", _KEEPS_NOTHING),
    ("", "a stored password is answered", "test_login_is_answered", _KEEPS_NOTHING),
    ("", "a password is not answered for another protocol", "test_only_the_hub_is_answered", ""),
    ("", "a password is not answered for another host", "test_only_the_hub_is_answered", ""),
    (
        "",
        "a password is not answered for another user name",
        "test_each_token_has_its_name",
        "the Hub looks at the token, not at the user name",
    ),
    (
        "",
        "a password is not answered for another path",
        "test_path_is_matched_by_git",
        "paths are the configuration's: git asks who is for one",
    ),
    ("2.42", "a password is overwritten", "test_login_is_overwritten_by_a_login", _KEEPS_NOTHING),
    (
        "",
        "a host is forgotten",
        "test_reject_of_something_else",
        "a login ends with `hf auth logout`, not at git's word",
    ),
    ("", "several users are stored", "test_each_token_has_its_name", _KEEPS_NOTHING),
    ("2.42", "another password than that which is refused stays", "test_reject_of_something_else", ""),
    ("", "a user is forgotten", "test_reject_of_the_token", "the refused token is not answered for 30 seconds"),
    ("", "another user is remembered", "test_other_token_is_remembered", ""),
    ("", "an empty user name and password are stored", "test_empty_username", _KEEPS_NOTHING),
    ("2.42", "all that matches is forgotten", "test_reject_of_something_else", "as for a host"),
    ("2.41", "the end of a long header is not taken for a host", "test_long_header", ""),
    ("2.43", "an expiry is stored", "test_expiry_of_the_login", _KEEPS_NOTHING),
    ("2.43", "a stored expiry is answered", "test_expiry_of_the_login", ""),
    ("2.43", "a stored expiry is overwritten", "test_expiry_of_the_login", _KEEPS_NOTHING),
    ("2.43", "a refresh token is stored", "test_approve_with_what_git_may_add", _KEEPS_NOTHING),
    (
        "2.43",
        "a stored refresh token is answered",
        "test_refresh_token_stays_where_it_is",
        "huggingface_hub refreshes, and git has no use for it",
    ),
    ("", "what is stored is forgotten after a time", None, "we keep nothing, and have no such setting"),
    ("2.45", "what the tests stored is removed", "test_nothing_is_stored", "there is nothing to remove"),
]

# t/lib-credential.sh has these for other tests than t0303.
LIBRARY: list[Case] = [
    ("2.46", "a credential of another kind is stored", "test_other_kinds_are_not_stored", _NOT_IN_T0303),
    ("2.46", "such a credential is answered", "test_other_kinds_are_not_stored", _NOT_IN_T0303),
    (
        "2.49",
        "such a credential is not answered to a caller without the capability",
        "test_other_kinds_are_not_stored",
        _NOT_IN_T0303,
    ),
    ("2.46", "such a credential is stored with a user name", None, f"{_NOT_IN_T0303}; {_ONE_KIND}"),
    ("2.46", "such a credential is answered with its user name", None, f"{_NOT_IN_T0303}; {_ONE_KIND}"),
    ("2.46", "such a credential is not answered with another user name", None, f"{_NOT_IN_T0303}; {_ONE_KIND}"),
    ("2.46", "such a credential that is good once is not stored", "test_other_kinds_are_not_stored", _NOT_IN_T0303),
    ("2.46", "a password that is good once is not stored", "test_other_kinds_are_not_stored", _NOT_IN_T0303),
]

# git has no test of these.
MANUAL: list[Case] = [
    ("", "an expired token of ours is answered without its expiry", "test_expired_token_is_answered", ""),
    ("", "a helper is an absolute path, or words for the shell", "test_helper_by_its_path", ""),
    ("", "a helper has arguments", "test_helper_with_arguments", ""),
    ("", "unknown attributes are passed over", "test_other_attributes_mean_nothing", ""),
    ("2.41", "the headers of a refusal are passed on", "test_headers_reach_us_and_mean_nothing", ""),
    ("2.46", "capabilities are announced", "test_capabilities", ""),
    ("", "unknown operations are passed over", "test_operations_to_come", ""),
    ("", "a message ends at a blank line, or with the input", "test_ends_of_a_message", ""),
    ("", "a URL is taken apart: it is the Hub", "test_urls_of_the_hub", ""),
    ("", "a URL is taken apart: it is not the Hub", "test_urls_of_others", ""),
    ("", "a URL and its parts in one message", "test_url_beside_its_parts", ""),
    ("2.47", "nobody may be asked", "test_interactive", ""),
    ("2.40.4", "git is told not to protect", "test_less_protection_from_git", ""),
    ("", "store and erase have no answer", "test_store_and_erase_answer_nothing", ""),
]

CASES: dict[str, list[Case]] = {
    "t0300": T0300,
    "t0303": T0303,
    "t/lib-credential.sh": LIBRARY,
    "the manuals": MANUAL,
}
