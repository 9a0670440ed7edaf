"""Files that are written whole or not at all."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from agent.core import files

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """With the mode that is asked for, and nothing beside it; line breaks stay."""
    path = tmp_path / "kept.json"
    path.write_text("old")
    files.write_text(path, "新しい\r\n", 0o600)
    assert path.read_bytes() == "新しい\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("shared", [False, True])
def test_what_was_there_stays_where_writing_fails(tmp_path: Path, shared: bool) -> None:
    """The old file is read meanwhile too; half of a new one is not left."""
    path = tmp_path / "kept.json"
    path.write_text("old")

    def write() -> None:
        with files.replacing(path, shared=shared) as file:
            file.write(b"half of")
            assert path.read_text() == "old"
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_cut_off_is_in_nobodys_way(tmp_path: Path) -> None:
    """Neither its mode nor what it points to counts."""
    path, elsewhere = tmp_path / "kept.json", tmp_path / "elsewhere"
    elsewhere.write_text("of somebody else")
    path.with_name(path.name + files.UNFINISHED).symlink_to(elsewhere)
    files.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()
    assert elsewhere.read_text() == "of somebody else"


def test_several_may_write_a_shared_file(tmp_path: Path) -> None:
    """The last one that ends wins, and none breaks the other's."""
    path = tmp_path / "shared"
    with files.replacing(path, shared=True) as first:
        with files.replacing(path, shared=True) as second:
            second.write(b"second")
        first.write(b"first")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
