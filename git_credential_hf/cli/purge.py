"""`purge`: remove what other helpers have stored."""

import click

from git_credential_hf.cli.options import answers_json
from git_credential_hf.output import print_json, print_purge
from git_credential_hf.report import report


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@answers_json(lambda problem, **options: {"helpers": []})
def purge(dry_run: bool, as_json: bool) -> int:
    """Remove stale copies of Hub tokens from other helpers.

    Queries each helper that git could ask for a Hub token, erases the tokens that
    it returns, and checks that they are gone. A token is kept, and reported, if it
    may allow more than your current token, or belongs to another account: it may be
    the only one that works. Tokens for other hosts are not touched.

    Exits with 1 if a helper still holds a token, or did not answer.
    """
    from git_credential_hf.git.config import read_config
    from git_credential_hf.git.helper_chain import default_hub
    from git_credential_hf.git.other_helpers import other_helpers
    from git_credential_hf.purge import purge_others
    from git_credential_hf.purge.result import report_kept
    from git_credential_hf.purge.stale import refuse_without_token

    entries = read_config()
    if other_helpers(entries) and not dry_run:
        refuse_without_token(default_hub(entries))
    results = purge_others(entries, dry_run=dry_run)
    if as_json:
        print_json({"helpers": [result.as_json() for result in results]})
    else:
        print_purge(results)
        if not results:
            report("hint", "git has no other helper for Hugging Face hosts")
    for result in results:
        if result.failure:
            report("warning", f"{result.shown}: {result.failure}")
        if (remedy := result.remedy()) and not any(copy.kept for copy in result.copies):
            report("hint", remedy)
    report_kept(results)
    return 1 if any(result.state in ("held", "unknown") for result in results) else 0
