"""The graded relevances as published: counts and statistics that the set is known for."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from training.data.manifest import ManifestError, load_manifest, write_manifest
from training.data.readers import tau
from training.data.readers.tau import Group, Relevance
from training.data.records import RatingKind, Split
from training.data.subsets import leaking

if TYPE_CHECKING:
    from pathlib import Path

_LISTS, _ITEMS = 200, 17


def lists(relevances: tuple[Relevance, ...]) -> list[list[Relevance]]:
    """Relevances by caption."""
    found: dict[str, list[Relevance]] = {}
    for one in relevances:
        found.setdefault(one.caption, []).append(one)
    return list(found.values())


def test_every_split_has_200_lists_of_17(data_dir: Path) -> None:
    """Each list has its paired clip, an unrelated one and fifteen candidates."""
    relevances = tau.relevances(data_dir)
    assert len(relevances) == 10_200
    for split in Split:
        own = lists(tuple(one for one in relevances if one.split is split))
        assert len(own) == _LISTS
        for rated in own:
            assert len({one.recording for one in rated}) == _ITEMS
            groups = Counter(one.group for one in rated)
            assert groups == {Group.PAIRED: 1, Group.UNRELATED: 1, Group.CANDIDATE: 15}


def test_statistics_are_those_of_the_set(data_dir: Path) -> None:
    """Pooled mean, deviation and zeros, as they are told of the published table."""
    ratings = [one.rating for one in tau.relevances(data_dir)]
    assert statistics.mean(ratings) == pytest.approx(20.0, abs=0.05)
    assert statistics.pstdev(ratings) == pytest.approx(32.1, abs=0.05)
    assert ratings.count(0.0) == 5_521


@pytest.mark.parametrize(
    ("split", "means", "shares"),
    [
        (Split.TRAIN, (76.11, 1.26, 21.04), (0.340, 0.121, 0.240)),
        (Split.VALIDATION, (69.35, 0.82, 16.43), (0.350, 0.112, 0.316)),
        (Split.TEST, (74.72, 0.42, 15.64), (0.445, 0.095, 0.360)),
    ],
)
def test_groups_are_rated_as_published(
    data_dir: Path,
    split: Split,
    means: tuple[float, float, float],
    shares: tuple[float, float, float],
) -> None:
    """Paired, unrelated and candidates: how high, how often on top, above the pair, or tied."""
    top, above, tied = shares
    own = tuple(one for one in tau.relevances(data_dir) if one.split is split)
    by_group = [[one.rating for one in own if one.group is group] for group in Group]
    assert [statistics.mean(ratings) for ratings in by_group] == pytest.approx(means, abs=0.006)
    paired = {one.caption: one.rating for one in own if one.group is Group.PAIRED}
    best = [max(one.rating for one in rated) == paired[rated[0].caption] for rated in lists(own)]
    assert statistics.mean(best) == pytest.approx(top)
    higher = [one.rating > paired[one.caption] for one in own if one.group is Group.CANDIDATE]
    assert statistics.mean(higher) == pytest.approx(above, abs=0.0005)
    ties = [
        first.rating == second.rating
        for rated in lists(own)
        for first, second in itertools.combinations(rated, 2)
    ]
    assert statistics.mean(ties) == pytest.approx(tied, abs=0.0005)


def test_caption_was_written_for_its_paired_recording(data_dir: Path) -> None:
    """The two tables agree about who belongs to whom."""
    written = tau.published(data_dir).positives()
    for one in tau.relevances(data_dir):
        assert ((one.caption, one.recording) in written) == (one.group is Group.PAIRED)


def test_published_manifest_is_all_of_it(data_dir: Path) -> None:
    """Clotho's recordings and captions, every rating by people."""
    manifest = tau.published(data_dir)
    assert Counter(recording.split for recording in manifest.recordings) == {
        Split.TRAIN: 3_839,
        Split.VALIDATION: 1_045,
        Split.TEST: 1_045,
    }
    assert len(manifest.captions) == 29_645
    assert len(manifest.ratings) == 10_200
    assert {rating.kind for rating in manifest.ratings} == {RatingKind.HUMAN}
    first = manifest.recordings[0]
    assert first.path == "clotho/development/Distorted AM Radio noise.wav"
    assert first.source == "freesound/117790"
    assert first.attribution == "lavatorius, https://freesound.org/people/lavatorius/sounds/117790"
    assert all(caption.text == " ".join(caption.text.split()) for caption in manifest.captions)


def test_five_published_sounds_leak_and_are_left_out(data_dir: Path, tmp_path: Path) -> None:
    """Other cuts of a test or validation sound: with them the manifest would be refused."""
    whole = tau.published(data_dir)
    assert sorted(recording.source for recording in leaking(whole)) == [
        "freesound/130603",
        "freesound/137692",
        "freesound/66304",
        "freesound/86161",
        "freesound/86163",
    ]
    kept = tau.read(data_dir)
    assert len(kept.recordings) == 5_929 - 5
    assert len(kept.captions) == 29_645 - 25
    test = {recording.id for recording in kept.recordings if recording.split is Split.TEST}
    assert sum(rating.recording in test for rating in kept.ratings) == _LISTS * _ITEMS
    write_manifest(kept, tmp_path)
    assert load_manifest(tmp_path) == kept


def test_missing_audio_says_what_to_download(data_dir: Path, tmp_path: Path) -> None:
    """For each split: how many, which archive, from where, and where to put it."""
    with pytest.raises(FileNotFoundError) as caught:
        tau.require_audio(data_dir, tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        f"{tmp_path}/development: 3839 of 3839 recordings are missing, such as "
        "'Distorted AM Radio noise.wav'; download clotho_audio_development.7z of "
        "'Clotho dataset' (version 2.1, Zenodo) and unpack its WAV files into this folder"
    )
    assert [line.split(":")[0].rpartition("/")[2] for line in lines] == [
        "development",
        "validation",
        "evaluation",
    ]


def small_set(folder: Path, relevance: str = "t1,f1,TP,80") -> None:
    """The set's tables with one recording and one caption a split."""
    tables = {
        "audio_metadata/{}_audio_metadata.csv": (
            "split,fid,file_name,keywords,sound_id,sound_link,start_end_samples,manufacturer,"
            "license\nclotho,{}f1, a  b.wav,x,Not found,,,me,CC0\n"
        ),
        "text_data/{}_text.csv": (
            'split,tid,fid,text,tokens\nclotho,{}t1,{}f1," Rain\t falls ",[]\n'
        ),
        "relevance_data/{}_relevances.csv": "tid,fid,fid_group,rating\n{}" + relevance + "\n",
    }
    for part in ("development", "validation", "evaluation"):
        for name, content in tables.items():
            path = folder / tau.NAME / name.format(part)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                content.replace("{}", part[0]).replace(",f1,", f",{part[0]}f1,"), encoding="utf-8"
            )


def test_audio_is_found_where_it_was_put(tmp_path: Path) -> None:
    """Inside the data folder paths are relative, elsewhere absolute; names stay as they are."""
    small_set(tmp_path / "data")
    for clotho, expected in (
        (None, "clotho/development/ a  b.wav"),
        (tmp_path / "data" / "sounds", "sounds/development/ a  b.wav"),
        (tmp_path / "mine", f"{tmp_path}/mine/development/ a  b.wav"),
    ):
        manifest = tau.read(tmp_path / "data", clotho)
        assert manifest.recordings[0].path == expected
        for recording in manifest.recordings:
            path = tmp_path / "data" / recording.path
            path.parent.mkdir(parents=True)
            path.touch()
        tau.require_audio(tmp_path / "data", clotho)


def test_text_is_one_line_and_unknown_sounds_are_their_own_source(tmp_path: Path) -> None:
    """White space is put right; "Not found" is no source."""
    small_set(tmp_path)
    manifest = tau.published(tmp_path)
    assert {caption.text for caption in manifest.captions} == {"Rain falls"}
    assert [r.source for r in manifest.recordings] == ["clotho/df1", "clotho/vf1", "clotho/ef1"]
    assert not leaking(manifest)


@pytest.mark.parametrize(
    ("relevance", "message"),
    [
        ("t1,f1,TP,101", r"development_relevances\.csv:2 rating: is '101'; write a number from 0"),
        ("t1,f1,TP,nan", r"rating: is 'nan'; write a number from 0 to 100"),
        ("t1,f1,TP,much", r"rating: is 'much'; write a number from 0 to 100"),
        ("t1,f1,C16,50", r"fid_group: is 'C16'; write one of TP, TN, C15"),
    ],
)
def test_damaged_rating_is_named(tmp_path: Path, relevance: str, message: str) -> None:
    """Line, column, what was found and what to write."""
    small_set(tmp_path, relevance)
    with pytest.raises(ManifestError, match=message):
        tau.relevances(tmp_path)


def test_missing_table_is_named(tmp_path: Path) -> None:
    """And where to get it."""
    with pytest.raises(
        FileNotFoundError, match=r"development_relevances\.csv: is missing; put TAU"
    ):
        tau.relevances(tmp_path)
