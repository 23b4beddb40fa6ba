"""`unconfigure` takes back the settings and the hooks, which share a directory."""

import pytest
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


@pytest.mark.parametrize("name", ["gitconfig", "hooks.gitconfig"])
def test_linked_settings(hub: object, account: Account, name: str) -> None:
    """A file of ours that is a link, as with stow, stays one: what it leads to is written, and the link is removed."""
    own = account.home / ".config/git-credential-hf" / name
    account.run("git-credential-hf", "configure", "--hooks", "--no-purge")
    target = account.home / "dotfiles" / name
    target.parent.mkdir()
    if name == "hooks.gitconfig":
        account.run("git-credential-hf", "hooks", "uninstall", "--global")
        target.write_text("")
    else:
        own.rename(target)
    own.symlink_to(target)
    account.run("git-credential-hf", "configure", "--hooks", "--hub", "https://hub.example.com", "--no-purge")
    assert own.is_symlink()
    assert ("hub.example.com" if name == "gitconfig" else "hf-hooks") in target.read_text()
    account.run("git-credential-hf", "unconfigure")
    assert not own.is_symlink() and not own.parent.exists()
    assert target.exists()
