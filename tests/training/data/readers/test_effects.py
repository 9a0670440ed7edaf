"""effects-cc and industrial-cc: what is read, what is left out, and that it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from training.__main__ import main
from training.data.manifest import ManifestError
from training.data.readers import effects
from training.data.readers.effects import NOT_HEARD, Clip, kept
from training.data.readers.splits import same_sounds
from training.data.subsets import leaking

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = ",".join(effects.COLUMNS) + "\n"


def write(folder: Path, *rows: str) -> None:
    """A table of the set's form."""
    (folder / "effects-cc").mkdir(exist_ok=True)
    table = "".join(f"{row}\n" for row in rows)
    (folder / "effects-cc" / "clips.csv").write_text(_HEADER + table, encoding="utf-8")


def test_recordings_have_terms_and_files(data_dir: Path) -> None:
    """Licence and attribution are what a model card needs; a group is a source of one split."""
    both = [effects.read(data_dir, name) for name in effects.SETS]
    manifest = both[0] + both[1]
    assert all(one.licence and one.attribution for one in manifest.recordings)
    assert all((data_dir / one.path).is_file() for one in manifest.recordings)
    assert not leaking(manifest)
    assert len(manifest.positives()) == len(manifest.recordings)
    assert not {one.text for one in manifest.captions} & NOT_HEARD


def test_all_that_is_left_out_is_counted(data_dir: Path) -> None:
    """Every row is a recording or has a reason."""
    found = {name: kept(effects.clips(data_dir, name)) for name in effects.SETS}
    assert {name: (len(one.clips), dict(one.left_out)) for name, one in found.items()} == {
        "effects-cc": (2_325, {"a copy of another clip": 88, "a label that is not heard": 34}),
        "industrial-cc": (333, {"a copy of another clip": 9}),
    }


def test_copies_are_left_out_of_a_group_only_under_one_label() -> None:
    """The later of two."""
    first, second = same_sounds()[0]

    def clip(one: str, label: str) -> Clip:
        data_set, _, name = one.partition("/")
        return Clip("t:1", data_set, f"{name}.ogg", label, "g", "s", "CC0", "a", "b", 1.0)

    found = kept((clip(first, "bang"), clip(second, "bang")))
    assert [one.id for one in found.clips] == [first]
    assert found.left_out == {"a copy of another clip": 1}
    assert len(kept((clip(first, "bang"), clip(second, "clang"))).clips) == 2


def test_command_tells_what_is_left_out(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A manifest holds the sets when they are asked for, and says what of them it does not."""
    output = ["--data", str(data_dir), "--output", str(tmp_path / "data")]
    assert main(["manifest", *output, "--sets", *effects.SETS]) == 0
    printed = capsys.readouterr().out
    for name in effects.SETS:
        for line in effects.left_out(data_dir, name):
            assert f"left out of {name}: {line}" in printed
    assert "with a label that is not heard" in printed


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.ogg,bang,g,s,CC0,a,b,long", r"clips\.csv:2 seconds: is 'long'; write how long"),
        ("a.ogg,,g,s,CC0,a,b,1.0", r"clips\.csv:2 label: is ''; write what it is"),
        ("a.ogg,bang,g,s,CC0,a,b,1.0", r"clips\.csv:2 filename: is 'a\.ogg', which has no split"),
        ("a.ogg,bang", r"clips\.csv:2: has not 8 values"),
    ],
)
def test_damaged_table_is_named(tmp_path: Path, row: str, message: str) -> None:
    """Line, column, what was found and what to write."""
    write(tmp_path, row)
    with pytest.raises(ManifestError, match=message):
        effects.read(tmp_path, "effects-cc")


def test_missing_table_is_named(tmp_path: Path) -> None:
    """And where to get it."""
    with pytest.raises(FileNotFoundError, match=r"clips\.csv: is missing; put effects-cc"):
        effects.read(tmp_path, "effects-cc")
