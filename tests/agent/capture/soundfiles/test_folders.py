"""What is taken out of folders, and what is passed over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.capture.soundfiles.folders import find_sounds, passed_over_lines
from agent.capture.soundfiles.kinds import ENDINGS, KINDS
from agent.core.errors import AudioFileError

DOCS = Path(__file__).resolve().parents[4] / "docs"


@pytest.mark.parametrize("page", ["troubleshooting.md", "troubleshooting.ja.md"])
def test_the_page_for_people_names_every_kind(page: str) -> None:
    """By one of the endings of its files."""
    named = {
        word.lower() for word in re.findall(r"\w+", (DOCS / page).read_text("utf-8"), re.ASCII)
    }
    assert [kind.name for kind in KINDS if kind.endings and named.isdisjoint(kind.endings)] == []


def test_every_kind_is_found_and_the_rest_is_named(tmp_path: Path) -> None:
    """Below folders of folders, in any case; what is no file is none."""
    (tmp_path / "night" / "mic1").mkdir(parents=True)
    sounds = [tmp_path / "night" / f"a{ending.upper()}" for ending in sorted(ENDINGS)]
    sounds.append(tmp_path / "night" / "mic1" / "b.opus")
    others = [tmp_path / "night" / name for name in ("notes.txt", "README", "photo.jpg", "b.txt")]
    for path in sounds + others:
        path.write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "night")
    (tmp_path / "folder.wav").mkdir()
    found = find_sounds([tmp_path])
    assert found.files == tuple(sorted(sounds))
    assert set(found.passed_over) == {*others, tmp_path / "link"}
    told = passed_over_lines(found.passed_over)
    assert told[0].startswith("passed over, by their endings no sound files: 5 (2 ")
    assert all(part in told[0] for part in ("2 .txt", "2 without an ending", "1 .jpg"))
    assert f"  {tmp_path / 'night' / 'notes.txt'}" in told


def test_a_file_that_is_named_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    """Whoever names it knows."""
    (tmp_path / "REC0001").write_bytes(b"")
    assert find_sounds([tmp_path / "REC0001"]).files == (tmp_path / "REC0001",)


def test_a_folder_without_sound_says_what_it_looked_for(tmp_path: Path) -> None:
    """The endings, and how many other files are there."""
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(AudioFileError, match=r"holds no sound file .*\.opus.*but 1 other file"):
        find_sounds([tmp_path])


def test_many_are_counted_and_the_first_are_named() -> None:
    """Thousands of names help nobody."""
    told = passed_over_lines([Path(f"{number:03}.jpg") for number in range(50)])
    assert told[0].endswith("50 (50 .jpg)")
    assert told[-1] == "  and 30 more"
    assert len(told) == 22
