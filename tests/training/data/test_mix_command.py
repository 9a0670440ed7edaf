"""``python -m training mix``: splits apart, captions that tell, the same bytes by seed."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.capture.audiofile import read_audio
from tests.training.mixable import CAPTIONS, KINDS, mixable_manifest, write_sounds
from tests.training.typed import run_typed
from training.data.contents import read_contents
from training.data.manifest import load_manifest, write_manifest
from training.data.mix_command import (
    AUDIBLE_DB,
    FITTING_DB,
    PART_OF_A_MIXTURE,
    Mixed,
    ingredients,
    mix,
)
from training.data.mixing import Mixer
from training.data.records import Manifest, Split
from training.data.sounding import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Mapping

COUNTS = {Split.TRAIN: 12, Split.VALIDATION: 2, Split.TEST: 4}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two recordings of each kind in each split."""
    folder = tmp_path_factory.mktemp("data")
    write_sounds(folder)
    return folder


@pytest.fixture(scope="module")
def mixed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    """Mixtures of these."""
    return mix(mixable_manifest(), data, tmp_path_factory.mktemp("mixed"), COUNTS, 0)


def _run(*arguments: str | Path) -> int:
    """One command, as it is typed."""
    return run_typed(*arguments)


def _bytes(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


def _captions(manifest: Manifest) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for caption in manifest.captions:
        found.setdefault(f"{caption.recording} {caption.language}", []).append(caption.text)
    return found


def test_same_seed_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    """And another seed, or another number, other sound; more mixtures change none of the first."""
    few, more = {Split.TRAIN: 2, Split.TEST: 2}, {Split.TRAIN: 3, Split.TEST: 2}
    for output, counts, seed in (("one", few, 0), ("two", more, 0), ("other", few, 1)):
        mix(mixable_manifest(), data, tmp_path / output, counts, seed)
    one, two, other = (_bytes(tmp_path / name) for name in ("one", "two", "other"))
    assert len(one) == 4
    assert one == {name: digest for name, digest in two.items() if name in one}
    assert len(set(one.values())) == 4
    assert not set(one.values()) & set(other.values())


def test_file_holds_what_was_mixed(mixed: Mixed, data: Path) -> None:
    """To the step of 16 bits: what is known of the parts is known of the file."""
    mixer = Mixer(ingredients(mixable_manifest()), Split.TRAIN, data)
    for number, one in enumerate(mixed.manifest.recordings[:3]):
        made = mixer.mixture(0, number)
        np.testing.assert_allclose(read_audio(Path(one.path), RATE_HZ), made.samples, atol=2**-15)
        assert mixed.contents[number].parts == made.parts()


def test_splits_never_mix_and_attributions_are_complete(mixed: Mixed, tmp_path: Path) -> None:
    """A test mixture is made of test recordings only, and names all who made them."""
    manifest = mixable_manifest()
    known = {one.id: one for one in manifest.recordings}
    made = {one.id: one for one in mixed.manifest.recordings}
    assert [one.split for one in made.values()].count(Split.TEST) == 4
    for contents in mixed.contents:
        whole = made[contents.recording]
        assert 2 <= len(contents.parts) <= 3
        for part in contents.parts:
            assert known[part.recording].split is whole.split
            assert f"{known[part.recording].attribution} (CC BY)" in whole.attribution
        assert whole.licence == "CC BY"
    assert len({one.source for one in made.values()}) == 3
    write_manifest(manifest + mixed.manifest, tmp_path / "manifest")


def test_captions_name_every_part_that_is_audible(mixed: Mixed) -> None:
    """Two in each language in which all parts have one, and none of what cannot be heard."""
    captions = _captions(mixed.manifest)
    without = audible = inaudible = 0
    for contents in mixed.contents:
        named = {part.caption.rpartition("/")[2]: part.level_db for part in contents.parts}
        loudest = max(named.values())
        heard = {n for n, level in named.items() if level >= min(AUDIBLE_DB, loudest)}
        audible += len(heard)
        inaudible += len(named) - len(heard)
        for language in ("en", "ja"):
            own = captions.get(f"{contents.recording} {language}", [])
            if language == "ja" and "hiss" in heard:
                without += 1
                assert own == []
                continue
            assert len(set(own)) == 2
            for text in own:
                said = {n for n in KINDS if CAPTIONS.get((n, language), "no text") in text}
                assert said == heard
    assert mixed.without_caption == {"en": 0, "ja": without}
    assert min(without, inaudible, audible) > 0


def test_captions_of_strong_parts_alone_fit_the_mixture(mixed: Mixed) -> None:
    """Those that are stronger than all else: the others fit by degrees."""
    labelled = {(pair.recording, pair.caption) for pair in mixed.manifest.pairs}
    assert {pair.provenance for pair in mixed.manifest.pairs} == {PART_OF_A_MIXTURE}
    for contents in mixed.contents:
        for part in contents.parts:
            fits = part.level_db >= FITTING_DB
            assert ((contents.recording, part.caption) in labelled) is fits


def test_corrupt_part_is_skipped_and_counted(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mixtures are made of others."""
    manifest = mixable_manifest()
    data = Path(shutil.copytree(data, tmp_path / "data"))
    broken, silent = (data / f"set/{kind}-train-1.flac" for kind in ("bell", "horn"))
    broken.write_bytes(b"no sound")
    soundfile.write(silent, np.zeros(RATE_HZ), RATE_HZ)
    write_manifest(manifest, tmp_path / "manifest")
    folders = ("--manifest", tmp_path / "manifest", "--data", data, "--output", tmp_path / "mixed")
    assert _run("mix", *folders, "--train", "8", "--validation", "1", "--test", "0") == 0
    printed = capsys.readouterr().out
    assert "skipped: 2 recordings that cannot be read or are silent" in printed
    assert "skipped: set/bell-train-1: " in printed
    assert "skipped: set/horn-train-1: is digital silence" in printed
    written = load_manifest(tmp_path / "mixed")
    assert len(written.recordings) == len(manifest.recordings) + 9
    contents = read_contents(tmp_path / "mixed", written)
    assert {one.recording for one in contents} == {one.id for one in written.recordings}
    parts = {
        p.recording for one in contents if one.recording.startswith("mixed/") for p in one.parts
    }
    assert parts
    assert not parts & {"set/bell-train-1", "set/horn-train-1"}
    assert all(
        Path(one.path).is_absolute() and soundfile.info(one.path).samplerate == RATE_HZ
        for one in written.recordings
        if one.id.startswith("mixed/")
    )


def test_too_few_classes_is_an_error(data: Path, tmp_path: Path) -> None:
    """One class mixes with nothing, and no class at all neither."""
    manifest = mixable_manifest()
    bells = tuple(one for one in manifest.recordings if "bell" in one.id)
    pairs = tuple(one for one in manifest.pairs if "bell" in one.recording)
    alone = replace(manifest, recordings=bells, pairs=pairs)
    with pytest.raises(ValueError, match="too few classes of the split 'train'"):
        mix(alone, data, tmp_path, {Split.TRAIN: 1}, 0)
    with pytest.raises(ValueError, match="no recording of the manifest has a class"):
        mix(replace(manifest, pairs=()), data, tmp_path, {Split.TRAIN: 1}, 0)


def test_manifest_is_not_overwritten(data: Path, tmp_path: Path) -> None:
    """Mixing again would find the mixtures there."""
    write_manifest(mixable_manifest(), tmp_path / "m")
    folders = ("--manifest", tmp_path / "m", "--data", data, "--output", tmp_path / "m")
    with pytest.raises(ValueError, match="is the manifest itself; name another folder"):
        _run("mix", *folders)


def test_known_sets_are_mixed_without_the_evaluation_only_one(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Machines of the shop floor are parts that last, in training alone."""
    sets = ("everyday-cc", "vroom-lathe", "brushless-motors", "mimii-fan")
    assert _run("manifest", "--data", data_dir, "--output", tmp_path / "data", "--sets", *sets) == 0
    folders = ("--data", data_dir, "--manifest", tmp_path / "data", "--output", tmp_path / "mixed")
    assert _run("mix", *folders, "--train", "8", "--validation", "1", "--test", "1") == 0
    assert "never mixed: 40 recordings of mimii-fan" in capsys.readouterr().out
    written = load_manifest(tmp_path / "mixed")
    contents = read_contents(tmp_path / "mixed", written)
    mixtures = [one for one in contents if one.recording.startswith("mixed/")]
    assert len(mixtures) == 10
    assert not any("mimii-fan" in p.recording for one in mixtures for p in one.parts)
    machines = ("vroom-lathe", "brushless-motors")
    lasting = {
        one.recording.split("/")[1]
        for one in mixtures
        for p in one.parts
        if p.share > 0.9 and p.recording.startswith(machines)
    }
    assert lasting == {"train"}
    for one in mixtures:
        names = [set(p.caption.rpartition("/")[2].split()) for p in one.parts]
        assert not any(a & b for a, b in combinations(names, 2))
