"""What may be written: described first, then made completely or not at all."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_credential_hf.files import FileChange, ModeChange, append_block, back_up, create_file, read_file, remove_block
from git_credential_hf.problem import Problem


def test_created_file_is_new(tmp_path: Path) -> None:
    """A file is created with its mode, whatever the umask; an existing file, or a link, is never opened."""
    before = os.umask(0o777)
    try:
        create_file(str(tmp_path / "new"), b"content", mode=0o640)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("new", "link"):
        with pytest.raises(FileExistsError):
            create_file(str(tmp_path / name), b"other")
    assert (tmp_path / "new").read_bytes() == b"content"
    assert not (tmp_path / "elsewhere").exists()


def test_description_of_a_change() -> None:
    """A change is described by the lines that differ, without the lines around them, or in words."""
    change = FileChange("file", b"a\nb\nd\n", b"a\nb\nc\n")
    assert change.describe() == ["--- file", "+++ file", "@@ -3 +3 @@", "-d", "+c"]
    assert FileChange("file", None, b"a\n").describe()[:2] == [f"--- {os.devnull}", "+++ file"]
    assert FileChange("file", b"a\n", b"", summary=["remove a"]).describe() == ["remove a"]
    assert ModeChange("a file", 0o600).describe() == ["chmod 600 'a file'"]


def test_lines_that_moved_are_not_shown() -> None:
    """A line of somebody else that a diff takes for moved, as ours around it change places, is not shown."""
    ours = b"[section]\n\tfirst\n\tsecond\n\tthird\n"
    change = FileChange("file", b"[old]\n" + ours + b"their secret\n", b"their secret\n[new]\n" + ours)
    lines = change.describe()
    assert "-[old]" in lines and "+[new]" in lines
    assert not any("secret" in line for line in lines)


def test_change_of_a_file(tmp_path: Path) -> None:
    """A change keeps the file's mode and leaves no lock; a copy of it is for its owner alone."""
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)
    backup = Path(back_up(str(file), str(tmp_path)))
    FileChange(str(file), b"old", b"new").apply()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o644)
    assert (backup.read_text(), stat.S_IMODE(backup.stat().st_mode)) == ("old", 0o600)
    FileChange(str(file), b"new", None).apply()
    assert read_file(str(file)) is None
    assert list(tmp_path.iterdir()) == [backup]


def test_change_that_is_not_possible(tmp_path: Path) -> None:
    """A file that another program has changed or locked, or that is not a file, stays as it is; no lock is left."""
    file, lock = tmp_path / "file", tmp_path / "file.lock"
    file.write_text("other")
    with pytest.raises(Problem, match="has just been changed by another program"):
        FileChange(str(file), b"old", b"new").apply()
    assert not lock.exists()
    lock.touch()
    with pytest.raises(Problem, match="is being changed by another program") as raised:
        FileChange(str(file), b"other", b"new").apply()
    assert raised.value.fix == f"if no git is running: rm {lock}"
    assert (file.read_text(), lock.exists()) == ("other", True)
    with pytest.raises(Problem, match="is not a file"):
        FileChange(os.devnull, b"", b"new").apply()
    with pytest.raises(Problem, match=r"cannot change the permissions of .*: No such file"):
        ModeChange(str(tmp_path / "missing"), 0o600).apply()


@given(st.none() | st.text(alphabet="a\n", max_size=6).map(str.encode))
def test_a_removed_block_leaves_what_was_there(content: bytes | None) -> None:
    """`remove_block` restores what `append_block` was given, however that ended; `None` stands for no file."""
    changed = append_block(content, "block\n")
    start = changed.index(b"block")
    assert remove_block(changed, start, min(start + len(b"block\n"), len(changed))) == content
