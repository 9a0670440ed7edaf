"""``python -m training evaluate`` from files to files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from tests.bundles import make_bundle
from tests.training.typed import run_typed
from training.data.manifest import write_manifest
from training.data.records import Caption, Manifest, Pair, Recording, Split
from training.evaluation.report import REPORT, RESULTS, VALUES, number, read_results

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

_KINDS = ("metal", "air", "belt", "leak")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two bundles, and recordings of four kinds, of which one is no sound file."""
    recordings, pairs = [], []
    random = np.random.default_rng(0)
    for kind in range(len(_KINDS)):
        for take in range(2):
            name = f"{kind}-{take}"
            time_s = np.arange(16_000) / 32_000
            wave = 0.2 * np.sin(2 * np.pi * 300 * 2**kind * time_s)
            wave += 0.01 * random.standard_normal(len(time_s))
            soundfile.write(tmp_path / f"{name}.wav", wave, 32_000)
            recordings.append(Recording(f"s/{name}", f"{name}.wav", name, Split.TEST))
            pairs.append(Pair(f"s/class/{_KINDS[kind]}", f"s/{name}", True, "class label"))
    (tmp_path / "3-1.wav").write_bytes(b"no sound")
    captions = tuple(Caption(f"s/class/{name}", name, "en") for name in _KINDS)
    write_manifest(Manifest(tuple(recordings), captions, tuple(pairs)), tmp_path / "manifest")
    for seed in (0, 1):
        make_bundle(tmp_path / f"bundle{seed}", seed=seed)
    return tmp_path


def run(data: Path, *given: str) -> int:
    """The command as it is typed, on that folder."""
    places = {"manifest": "manifest", "data": "", "cache": "cache", "output": "out"}
    options = [word for name, place in places.items() for word in (f"--{name}", str(data / place))]
    return run_typed("evaluate", *options, "--conditions", "clean,level-30", *given)


def test_two_models_side_by_side(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Figures, values and tables; the recording that cannot be read is named in each place."""
    models = [str(data / f"bundle{seed}") for seed in (0, 1)]
    given = ("--model", models[0], "--against", models[1], f"{models[0]}:reference")
    assert run(data, *given) == 0
    told = capsys.readouterr()
    assert "left out: s/3-1: " in told.err
    assert "left out: 1 of 8 recordings" in told.err
    assert f"{models[0]} against {models[1]}: better in " in told.out

    written = json.loads((data / "out" / RESULTS).read_text(encoding="utf-8"))
    assert [one["recording"] for one in written["unreadable"]] == ["s/3-1"]
    assert [one["name"] for one in written["models"]] == [*models, f"{models[0]}:reference"]
    figure = written["figures"][0]
    names = "data_set language task direction metric classes condition model n mean low high chance"
    assert set(figure) == set(names.split())
    assert figure["n"] == 4
    same = [one for one in written["comparisons"] if one["against"].endswith(":reference")]
    assert {(one["difference"], one["p"], one["p_holm"]) for one in same} == {(0.0, 1.0, 1.0)}
    assert len(written["comparisons"]) == 2 * len(same)

    report = (data / "out" / REPORT).read_text(encoding="utf-8")
    assert "1 recordings could not be read" in report
    assert "- s/3-1: " in report
    shown = f"{number(figure['mean'])} [{number(figure['low'])}, {number(figure['high'])}]"
    assert shown in report
    assert f"### s: `{models[0]}` less `{models[1]}`" in report


def test_values_can_be_read_again(data: Path) -> None:
    """Of every query, as figures are made of them; same again with the same seed."""
    model = str(data / "bundle0")
    run(data, "--model", model, "--classes", "belt")
    (results,) = read_results(data / "out")
    written = json.loads((data / "out" / RESULTS).read_text(encoding="utf-8"))
    assert len(results.measured) == len(written["figures"])
    for one, figure in zip(results.measured, written["figures"], strict=True):
        assert one.values.mean() == pytest.approx(figure["mean"])
        assert len(one.queries) == figure["n"]
    assert {one.key.classes for one in results.measured} == {"all", "left out", "trained"}
    left_out = next(one for one in results.measured if one.key.classes == "left out")
    assert left_out.queries == ("s/class/belt",)
    run(data, "--model", model, "--classes", "belt")
    again = json.loads((data / "out" / RESULTS).read_text(encoding="utf-8"))
    assert again == written
    (data / "out" / VALUES).write_bytes(b"")
    with pytest.raises(ValueError, match="cannot be read"):
        read_results(data / "out")
    with pytest.raises(FileNotFoundError, match="run `python -m training evaluate`"):
        read_results(data)


def test_classes_from_a_file(data: Path) -> None:
    """One a line, remarks left aside; a wrong one is named with the file."""
    listed = data / "classes.txt"
    listed.write_text("# held out\nmetal\ns/air  # and this\n", encoding="utf-8")
    assert run(data, "--model", str(data / "bundle0"), "--classes", str(listed)) == 0
    (results,) = read_results(data / "out")
    asked = {one for m in results.measured if m.key.classes == "left out" for one in m.queries}
    assert asked == {"s/class/metal", "s/class/air", "s/0-0", "s/0-1", "s/1-0", "s/1-1"}
    listed.write_text("beltt\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"classes.txt: 'beltt' .*; did you mean 'belt'"):
        run(data, "--model", str(data / "bundle0"), "--classes", str(listed))
    listed.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="names no class"):
        run(data, "--model", str(data / "bundle0"), "--classes", str(listed))


def test_a_model_is_named_once(data: Path) -> None:
    """Figures of two models of one name could not be told apart."""
    with pytest.raises(ValueError, match="--against: names the model itself"):
        run(data, "--model", "a", "--against", "b", "a")


def test_numbers_as_they_are_printed() -> None:
    """Three decimals, no leading zero."""
    assert [number(value) for value in (0.7523, 0.0, 1.0, 0.9996, -0.012)] == [
        ".752",
        ".000",
        "1.000",
        "1.000",
        "-.012",
    ]
    assert [number(value, signed=True) for value in (0.012, -0.5)] == ["+.012", "-.500"]
