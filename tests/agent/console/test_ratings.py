"""The rating task: its list, its order, and what is kept of the answers."""

from __future__ import annotations

import csv
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.console.ratings import JOURNAL, RATINGS, Rated, Ratings, RefusedRatingError
from agent.console.tasks import load, order
from agent.core.errors import ConfigError, StoreError
from tests.fakes import FakeClock
from training.data.manifest import load_manifest

if TYPE_CHECKING:
    from pathlib import Path


def _lines(folder: Path, lists: int = 4, items: int = 6) -> list[dict[str, Any]]:
    (folder / "sounds").mkdir(exist_ok=True)
    for number in range(items):
        (folder / "sounds" / f"{number}.wav").write_bytes(b"RIFF")
    return [
        {
            "list": group + 1, "caption": f"c{group}", "text": f"文 {group}", "language": "ja",
            "recording": f"r{item}", "path": f"sounds/{item}.wav", "score": 50.0, "why": "near",
        }
        for group in range(lists)
        for item in range(items)
    ]  # fmt: skip


def _written(folder: Path, lines: list[dict[str, Any]]) -> Path:
    path = folder / "selected.jsonl"
    path.write_text("".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in lines))
    return path


def _rate_all(ratings: Ratings, rater: str, shift: int = 0) -> int:
    count = 0
    while (item := ratings.next(rater)["item"]) is not None:
        ratings.rate(rater, item["number"], Rated((count * 7 + shift) % 101, 2.0, 5.0))
        count += 1
    return count


def test_both_forms_of_the_list_read_alike(tmp_path: Path) -> None:
    """JSON Lines and CSV, with paths that start at the folder of the recordings."""
    lines = _lines(tmp_path)
    table = tmp_path / "selected.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    listed = _written(tmp_path, lines)
    pairs = load(listed, None)
    assert load(table, tmp_path) == pairs
    for path in (listed, table):  # as Excel and Notepad save them
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert load(path, tmp_path) == pairs
    assert len(pairs) == 24
    assert pairs[7].path == tmp_path / "sounds" / "1.wav"
    assert pairs[7].media == "audio/wav"


def test_everything_wrong_in_the_list_is_told_with_its_line(tmp_path: Path) -> None:
    """A missing field, a file that is not there or cannot be played, a pair that stands twice."""
    lines = _lines(tmp_path, lists=1)
    lines[0]["text"] = " "
    lines[1]["path"] = "sounds/gone.wav"
    lines[2]["path"] = "../../etc/passwd"
    lines[4] = dict(lines[3])
    path = _written(tmp_path, lines)
    path.write_text(path.read_text() + "no json\n")
    with pytest.raises(ConfigError) as caught:
        load(path, None)
    told = [str(one).removeprefix(f"{path}:") for one in caught.value.problems]
    assert [one[0] for one in told] == ["1", "2", "3", "5", "7"]
    assert "text: missing or wrong" in told[0]
    assert "console.recordings" in told[1]
    assert "a browser cannot play" in told[2]
    with pytest.raises(ConfigError, match="holds no pair"):
        load(_written(tmp_path, []), None)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "gone.jsonl", None)


def test_each_rater_has_an_order_of_their_own_with_some_pairs_twice(tmp_path: Path) -> None:
    """Lists stay together, the order is by chance and stays, one in ten comes again much later."""
    pairs = load(_written(tmp_path, _lines(tmp_path, lists=10)), None)
    items = order(pairs, "tanaka")
    assert items == order(pairs, "tanaka")
    assert items != order(pairs, "sato")
    assert sorted(one.pair for one in items if not one.again) == list(range(60))
    again = [place for place, one in enumerate(items) if one.again]
    assert len(again) == 6
    for place in again:
        first = next(at for at, one in enumerate(items) if one.pair == items[place].pair)
        assert not items[first].again
        assert place - first > 8 or place == len(items) - 1
    groups = [pairs[one.pair].group for one in items if not one.again]
    assert sum(one != other for one, other in itertools.pairwise(groups)) == 9


def test_ratings_become_lines_of_a_manifest_and_go_on_after_a_restart(tmp_path: Path) -> None:
    """The first rating of each pair counts; the second one tells how steady the rater is."""
    lines = _lines(tmp_path)
    pairs = load(_written(tmp_path, lines), None)
    folder = tmp_path / "ratings"
    ratings = Ratings(pairs, folder, FakeClock())
    assert ratings.next("tanaka")["total"] == 26
    first = ratings.next("tanaka")["item"]
    ratings.rate("tanaka", first["number"], Rated(None, 2.0, 5.0))
    ratings = Ratings(pairs, folder, FakeClock())
    assert ratings.next("tanaka")["done"] == 1
    assert _rate_all(ratings, "tanaka") == 25
    assert _rate_all(ratings, "sato", shift=3) == 26
    end = ratings.next("sato")
    assert end["done"] == end["total"] == 26
    assert end["steadiness"]["pairs"] == 2
    journal = [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]
    assert len(journal) == 52
    assert {one["rater"] for one in journal} == {"tanaka", "sato"}
    assert journal[0]["rating"] is None
    assert journal[0]["played_s"] == 2.0
    manifest = tmp_path / "manifest"
    manifest.mkdir()
    recordings = {
        one["recording"]: {
            "id": one["recording"],
            "path": one["path"],
            "source": one["path"],
            "split": "train",
        }
        for one in lines
    }
    captions = {
        one["caption"]: {"id": one["caption"], "text": one["text"], "language": "ja"}
        for one in lines
    }
    for name, rows in (("recordings", recordings), ("captions", captions)):
        text = "".join(f"{json.dumps(row)}\n" for row in rows.values())
        (manifest / f"{name}.jsonl").write_text(text)
    (manifest / "ratings.jsonl").write_bytes((folder / RATINGS).read_bytes())
    loaded = load_manifest(manifest).ratings
    assert len(loaded) == 23 + 24
    assert {one.rater for one in loaded} == {"tanaka", "sato"}


def test_what_was_not_heard_or_not_asked_is_refused(tmp_path: Path) -> None:
    """Nothing is kept then."""
    pairs = load(_written(tmp_path, _lines(tmp_path)), None)
    ratings = Ratings(pairs, tmp_path / "ratings", FakeClock())
    with pytest.raises(RefusedRatingError, match="play the recording"):
        ratings.rate("sato", 0, Rated(50, 0.0, 5.0))
    with pytest.raises(RefusedRatingError, match="0 to 100"):
        ratings.rate("sato", 0, Rated(101, 1.0, 5.0))
    with pytest.raises(RefusedRatingError, match="rated already"):
        ratings.rate("sato", 3, Rated(50, 1.0, 5.0))
    assert not (tmp_path / "ratings").exists()
    ratings.rate("sato", 0, Rated(50, 1.0, 5.0))
    with pytest.raises(RefusedRatingError, match="rated already"):
        ratings.rate("sato", 0, Rated(60, 1.0, 5.0))


def test_a_power_cut_between_the_two_files_is_mended(tmp_path: Path) -> None:
    """The journal has the last word; a line of it that is damaged is told."""
    pairs = load(_written(tmp_path, _lines(tmp_path)), None)
    folder = tmp_path / "ratings"
    ratings = Ratings(pairs, folder, FakeClock())
    for number in range(3):
        ratings.rate("sato", number, Rated(50, 1.0, 5.0))
    whole = (folder / RATINGS).read_text()
    (folder / RATINGS).write_text(whole[:-20])
    Ratings(pairs, folder, FakeClock())
    assert (folder / RATINGS).read_text() == whole
    (folder / JOURNAL).write_text((folder / JOURNAL).read_text() + '{"rater": "sato"')
    with pytest.raises(StoreError, match=r"journal\.jsonl:4"):
        Ratings(pairs, folder, FakeClock())


def test_a_journal_that_an_editor_saved_is_read(tmp_path: Path) -> None:
    """With a byte-order mark and an empty line; and one that a crash left empty."""
    pairs = load(_written(tmp_path, _lines(tmp_path)), None)
    folder = tmp_path / "ratings"
    folder.mkdir()
    (folder / "journal.jsonl").touch()
    Ratings(pairs, folder, FakeClock()).rate("sato", 0, Rated(50, 2.0, 5.0))
    journal = folder / "journal.jsonl"
    journal.write_bytes(b"\xef\xbb\xbf" + journal.read_bytes() + b"\r\n")
    assert Ratings(pairs, folder, FakeClock()).next("sato")["done"] == 1
