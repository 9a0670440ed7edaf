"""The descriptions file through the console's editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.console.editor import BACKUP, ConflictError, Editor
from agent.core.errors import StoreError
from agent.descriptions.reading import digest

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
version: 1
errors:
  - id: drop
    text: 金属部品が床に落ちた音
    threshold: 4
  - id: leak
    text: air leaks
    enabled: no
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file that its group may read."""
    found = tmp_path / "descriptions.yaml"
    found.write_text(GOOD, encoding="utf-8")
    found.chmod(0o640)
    return found


def test_a_good_text_is_told_as_the_descriptions_that_it_holds(path: Path) -> None:
    """With the threshold of each: its own, or the one of the model."""
    loaded = Editor(path, 4.5).load()
    assert loaded["writable"]
    assert loaded["digest"] == digest(GOOD.encode())
    assert not loaded["problems"]
    told = [(one["id"], one["threshold"], one["auto"], one["enabled"]) for one in loaded["entries"]]
    assert told == [("drop", 4.0, False, True), ("leak", 4.5, True, False)]
    assert [one["line"] for one in loaded["entries"]] == [3, 6]


def test_what_is_hardly_meant_is_told_beside_the_descriptions(path: Path) -> None:
    """It can be saved as it is."""
    text = GOOD.replace("air leaks", "valve #4 leaks").replace("金属部品が床に落ちた音", "异响")
    checked = Editor(path, 4.5).check(text)
    assert checked.problems == ()
    assert [(one["line"], one["where"]) for one in checked.notes] == [
        (7, "errors[1].text"),
        (4, "errors[0].text"),
    ]
    assert "'#4 leaks'" in checked.notes[0]["found"]
    assert "Chinese" in checked.notes[1]["found"]
    assert len(checked.entries) == 2


def test_problems_are_told_with_their_lines_and_without_the_path(path: Path) -> None:
    """Several at once; where a text stands twice, the other line is named."""
    text = GOOD.replace("threshold: 4", "treshold: 4").replace(
        "air leaks", "金属部品が床に落ちた音"
    )
    checked = Editor(path, 4.5).check(text)
    assert [one["line"] for one in checked.problems] == [5, 7]
    assert "did you mean 'threshold'" in checked.problems[0]["remedy"]
    assert "line 4" in checked.problems[1]["found"]
    assert str(path.parent) not in str(checked.problems)
    assert Editor(path, 4.5).check("version: [").problems[0]["line"]
    assert "larger than" in Editor(path, 4.5).check("#" * (2 << 20)).problems[0]["found"]


def test_a_save_replaces_the_file_and_keeps_the_one_before(path: Path) -> None:
    """Mode and link stay; the new digest is what the box will say."""
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    editor = Editor(link, 4.5)
    text = GOOD.replace("4", "5")
    assert editor.save(text, digest(GOOD.encode())) == digest(text.encode())
    assert path.read_text(encoding="utf-8") == text
    assert path.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    before = path.with_name(f"descriptions.yaml{BACKUP}")
    assert before.read_text(encoding="utf-8") == GOOD
    assert sorted(one.name for one in path.parent.iterdir()) == sorted(
        [path.name, link.name, before.name]
    )


def test_a_wrong_or_outdated_text_changes_nothing(path: Path) -> None:
    """Neither a problem nor somebody else's save in between."""
    editor = Editor(path, 4.5)
    with pytest.raises(ValueError, match="1 problems, the first in line 5"):
        editor.save(GOOD.replace("threshold: 4", "threshold: high"), digest(GOOD.encode()))
    path.write_text(GOOD + "background: [a hum]\n", encoding="utf-8")
    with pytest.raises(ConflictError):
        editor.save(GOOD.replace("4", "5"), digest(GOOD.encode()))
    assert path.read_text(encoding="utf-8") == GOOD + "background: [a hum]\n"


def test_a_file_that_is_gone_is_told_and_not_made(tmp_path: Path) -> None:
    """The editor edits; it does not decide where descriptions are."""
    editor = Editor(tmp_path / "gone.yaml", 4.5)
    loaded = editor.load()
    assert not loaded["writable"]
    assert "cannot be read" in loaded["problems"][0]["found"]
    with pytest.raises(ConflictError):
        editor.save(GOOD, "")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_told(path: Path) -> None:
    """A name that is as long as names may be leaves no room for the unfinished file's."""
    longest = path.with_name(f"{'d' * 250}.yaml")
    path.rename(longest)
    with pytest.raises(StoreError, match="the right to write"):
        Editor(longest, 4.5).save(GOOD.replace("4", "5"), digest(GOOD.encode()))
    assert longest.read_text(encoding="utf-8") == GOOD
