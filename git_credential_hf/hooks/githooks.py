"""The hooks that git has (githooks(5)): those that check what is pushed or committed, and all others."""

CHECKING_HOOKS = ("pre-push", "pre-commit")

# All other hooks that git runs from its hooks directory (githooks(5)), except `fsmonitor-watchman`, whose path is set
# in `core.fsmonitor`.
FORWARDED_HOOKS = (
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-merge-commit", "prepare-commit-msg", "commit-msg"),
    *("post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-receive", "update", "proc-receive"),
    *("post-receive", "post-update", "pre-auto-gc", "post-rewrite", "sendemail-validate"),
    *("p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit"),
)
# Our directory has these only if the previous one does. The mere existence of the first changes how git handles a push
# into this repository. git runs the others for each fetched reference, and each time it writes the index: even a script
# that does nothing makes a fetch or a rebase several times slower. So the global directory has none of them.
MIRRORED_HOOKS = ("push-to-checkout", "reference-transaction", "post-index-change")
