"""What is heard in recordings: read as written, and every mistake named."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from training.data.contents import (
    ALONE_DB,
    Contents,
    Part,
    alone,
    classes,
    read_contents,
    write_contents,
)
from training.data.manifest import ManifestError
from training.data.readers.classes import CLASS_LABEL, Labelled, class_manifest
from training.data.records import Manifest, Pair, Recording, Split

if TYPE_CHECKING:
    from pathlib import Path

BELL = Part("bell-1", "set/class/bell", level_db=4.1, overlap=0.25, share=0.6)
DOG = Part("dog-1", "set/class/dog", level_db=-7.0, overlap=1.0, share=0.1)
CONTENTS = (
    Contents("mixed-1", (BELL, DOG)),
    alone("bell-1", "set/class/bell"),
)


def _manifest() -> Manifest:
    names = (("bell-1", "bell"), ("dog-1", "dog"))
    known = [Labelled(Recording(n, f"{n}.wav", n, Split.TRAIN), kind) for n, kind in names]
    mixed = Recording("mixed-1", "mixed.wav", "mixed", Split.TRAIN)
    return class_manifest("set", known) + Manifest(recordings=(mixed,))


def _line(**values: Any) -> str:
    good = {"recording": "mixed-1", "part": "bell-1", "caption": "set/class/bell"}
    return json.dumps({**good, "level_db": 0.0, "overlap": 0.0, "share": 1.0, **values})


def _problems(folder: Path, *lines: str, manifest: Manifest | None = None) -> list[str]:
    (folder / "contents.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ManifestError) as caught:
        read_contents(folder, manifest)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """In order, also where it is checked against the manifest."""
    write_contents(CONTENTS, tmp_path / "new" / "folder", _manifest())
    assert read_contents(tmp_path / "new" / "folder", _manifest()) == CONTENTS
    assert CONTENTS[1].parts[0].level_db == ALONE_DB


def test_every_problem_is_named_with_its_line(tmp_path: Path) -> None:
    """Wrong numbers, missing and unknown fields, no JSON, the same part twice: all at once."""
    found = _problems(
        tmp_path,
        _line(level_db=61),
        _line(overlap=1.5, share=None),
        "no json",
        _line(volume=3),
        _line(recording="other", part=7),
        _line(part="dog-1"),
        _line(part="dog-1"),
    )
    assert found[0] == ("contents.jsonl:1 level_db: is 61; write a number from -60 to 60")
    assert found[1].startswith("contents.jsonl:2 overlap: is 1.5; write a number from 0 to 1")
    assert found[2].startswith("contents.jsonl:2 share: is null")
    assert found[3].startswith("contents.jsonl:3: is no JSON")
    assert found[4].startswith("contents.jsonl:4 volume: is not a field")
    assert found[5].startswith("contents.jsonl:5 part: is 7")
    assert found[6] == (
        "contents.jsonl:7 part: 'dog-1' is a part of 'mixed-1' at "
        f"{tmp_path}/contents.jsonl:6 already; delete one of the two".replace(f"{tmp_path}/", "")
    )
    assert len(found) == 7


def test_unknown_ids_and_parts_of_other_splits_are_named(tmp_path: Path) -> None:
    """A test mixture made of training recordings would ask for what was trained on."""
    manifest = _manifest()
    test = replace(manifest.recordings[-1], split=Split.TEST)
    manifest = replace(manifest, recordings=(*manifest.recordings[:-1], test))
    found = _problems(
        tmp_path,
        _line(),
        _line(part="gone"),
        _line(part="dog-1", caption="gone"),
        manifest=manifest,
    )
    assert found[0] == (
        "contents.jsonl:1 part: 'bell-1' is in train and 'mixed-1' in test; "
        "take the parts of a recording from its own split"
    )
    assert found[1].startswith("contents.jsonl:2 part: 'gone' is unknown")
    assert found[2].startswith("contents.jsonl:3 caption: 'gone' is unknown")
    assert len(found) == 3


def test_missing_file_is_named(tmp_path: Path) -> None:
    """With the command that writes it."""
    with pytest.raises(ManifestError, match=r"contents\.jsonl: is missing; .*training mix"):
        read_contents(tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [Contents("mixed-1", ()), Contents("mixed-1", (replace(BELL, level_db=math.nan),))],
)
def test_wrong_contents_are_not_written(tmp_path: Path, wrong: Contents) -> None:
    """Nor is what stood there before lost."""
    write_contents(CONTENTS, tmp_path)
    with pytest.raises(ManifestError):
        write_contents([wrong], tmp_path)
    assert read_contents(tmp_path) == CONTENTS


def test_class_of_a_recording_comes_from_its_label() -> None:
    """Other captions that fit, and mixtures, name no class; two classes are refused."""
    manifest = _manifest()
    other = Pair("set/class/bell", "mixed-1", label=True, provenance="part of a mixture")
    assert classes(manifest + Manifest(pairs=(other,))) == {
        "bell-1": "set/class/bell",
        "dog-1": "set/class/dog",
    }
    second = Pair("set/class/dog", "bell-1", label=True, provenance=CLASS_LABEL)
    with pytest.raises(ValueError, match="'bell-1' is of two classes"):
        classes(manifest + Manifest(pairs=(second,)))
