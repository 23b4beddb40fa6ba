"""`unconfigure` takes back the settings and the hooks of one repository, which share a directory."""

from account import Account


def test_both_of_a_repository(hub: object, account: Account) -> None:
    """Nothing is left of either, and the user's own setting is as it was."""
    account.git("init", "--quiet", "work")
    account.where = account.home / "work"
    account.git("config", "core.hooksPath", "theirs")
    config = account.where / ".git/config"
    before = config.read_bytes()
    account.run("git-credential-hf", "configure", "--local", "--hooks", "--no-purge")
    assert account.git("config", "core.hooksPath").stdout.strip().endswith("/.git/git-credential-hf/hf-hooks")
    shown = account.run("git-credential-hf", "unconfigure", "--local", "--dry-run").stdout
    assert "hf-hooks" in shown
    account.run("git-credential-hf", "unconfigure", "--local")
    assert config.read_bytes() == before
    assert not (account.where / ".git/git-credential-hf").exists()
