"""What recordings have to do with captions, and the lists that are rated."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.audioset import Node
from training.data.contents import ALONE_DB, Contents, Part, alone
from training.data.ontology import ClassNodes, Ontology
from training.data.readers.classes import CLASS_LABEL
from training.data.records import Caption, Manifest, Pair, RatingKind, Recording, Split
from training.ratings.raters import Rater, draw_raters, load_model
from training.ratings.relevance import Judge, Masking, audibility_in, meanings
from training.ratings.simulated_lists import Asked, Pool, chance, simulated, some

_TREE = {"animal": ("dog", "cat"), "dog": ("bark", "howl"), "thing": ("engine", "bell")}
_LEAVES = ("bark", "howl", "cat", "engine", "bell")
MODEL = load_model()


def small_nodes() -> ClassNodes:
    """Five classes, each at a leaf of its own."""
    names = dict.fromkeys([*_TREE, *_LEAVES])
    ontology = Ontology({n: Node(n, n, "", _TREE.get(n, ())) for n in names})
    return ClassNodes(ontology, {f"s/class/{leaf}": (leaf,) for leaf in _LEAVES})


def part(name: str, level_db: float, overlap: float = 1.0, share: float = 1.0) -> Part:
    """A part of a mixture."""
    return Part(f"r-{name}", f"s/class/{name}", level_db, overlap, share)


def relevance(asked: str, *parts: Part) -> float:
    """Of one recording to the caption that names a class."""
    judge = Judge(small_nodes(), MODEL.semantic)
    return float(
        judge.relevance(((f"s/class/{asked}",),), audibility_in([Contents("m", parts)]))[0]
    )


def test_louder_parts_are_more_audible_and_never_fall() -> None:
    """A logistic of the level: half at its middle, all of it where nothing else is known."""
    levels = np.linspace(-ALONE_DB, ALONE_DB, 61)
    heard = [Masking().audibility(part("bark", level)) for level in levels]
    assert heard == sorted(heard)
    assert Masking().audibility(part("bark", Masking().half_db)) == pytest.approx(0.5)
    assert heard[0] < 1e-4
    assert Masking().audibility(alone("r", "c").parts[0]) > 0.9999


def test_overlap_and_short_share_lower_audibility() -> None:
    """At a level at which it matters; a part that never sounds is not heard."""
    by_overlap = [Masking().audibility(part("bark", -8.0, overlap)) for overlap in (0.0, 0.5, 1.0)]
    assert by_overlap == sorted(by_overlap, reverse=True)
    by_share = [
        Masking().audibility(part("bark", -8.0, share=share)) for share in (0.0, 0.01, 0.1, 0.5)
    ]
    assert by_share == sorted(by_share)
    assert by_share[0] == 0.0


def test_relevance_rises_with_level_and_with_similarity() -> None:
    """The best part answers; classes of another branch answer nothing."""
    levels = [relevance("bark", part("bark", level), part("engine", -level)) for level in (-20, 20)]
    assert levels[0] < 0.1
    assert levels[1] > 0.9
    near = [relevance("bark", part(other, ALONE_DB)) for other in ("bark", "howl", "cat", "engine")]
    assert near == sorted(near, reverse=True)
    assert len(set(near)) == 4
    assert near[0] == pytest.approx(1.0)
    assert near[3] == 0.0


def test_caption_of_two_sounds_asks_for_both_and_shared_one_for_either() -> None:
    """Half for one of two; all of it for one of two alternatives."""
    judge = Judge(small_nodes(), MODEL.semantic)
    heard = audibility_in([alone("r", "s/class/bark")])
    both = judge.relevance((("s/class/bark",), ("s/class/engine",)), heard)
    either = judge.relevance((("s/class/bark", "s/class/engine"),), heard)
    np.testing.assert_allclose([both[0], either[0]], [0.5, 1.0], atol=1e-6)


def small_manifest() -> tuple[Manifest, dict[str, Contents]]:
    """In each split recordings of each class and mixtures of barks at several levels."""
    recordings, pairs, contents = [], [], {}
    for split in Split:
        for name in _LEAVES:
            for take in range(4):
                one = f"{split}-{name}-{take}"
                recordings.append(Recording(one, f"{one}.flac", one, split))
                pairs.append(Pair(f"s/class/{name}", one, True, CLASS_LABEL))
                contents[one] = alone(one, f"s/class/{name}")
        for level in (-14.0, -8.0, 0.0, 9.0):
            one = f"{split}-mixed-{level:g}"
            recordings.append(Recording(one, f"{one}.flac", f"mixed/{split}", split))
            contents[one] = Contents(one, (part("bark", level), part("engine", -level)))
    captions = [Caption(f"s/class/{name}", name, "en") for name in _LEAVES]
    captions += [
        Caption("mixed", "犬が吠え、エンジンが鳴る", "ja", "train-mixed-0"),
        Caption("quiet", "an engine runs", "en", "train-mixed--14"),
        Caption("shared", "カチッ", "ja"),
        Caption("unknown", "it rains", "en"),
    ]
    pairs += [Pair("shared", f"train-{name}-0", True, CLASS_LABEL) for name in ("cat", "bell")]
    pairs.append(Pair("unknown", "train-cat-0", True, "verdict of shift-a"))
    return Manifest(tuple(recordings), tuple(captions), tuple(pairs)), contents


def test_captions_mean_what_is_known_of_them() -> None:
    """Their own class, the audible parts of their mixture, or the class of their recordings."""
    found = meanings(*small_manifest())
    assert found["s/class/cat"] == (("s/class/cat",),)
    assert found["mixed"] == (("s/class/bark",), ("s/class/engine",))
    assert found["quiet"] == (("s/class/engine",),)
    assert found["shared"] == (("s/class/cat", "s/class/bell"),)
    assert "unknown" not in found


def rated(caption: str, split: Split, seed: int = 0) -> list[tuple[str, str, float]]:
    """One list of the small manifest: rater, recording, rating."""
    manifest, contents = small_manifest()
    judge = Judge(small_nodes(), MODEL.semantic)
    raters = draw_raters(MODEL, 4, np.random.default_rng(0))
    pool = Pool(split, manifest.recordings, contents)
    asked = Asked(caption, meanings(manifest, contents)[caption])
    found = simulated(pool, asked, judge, MODEL, raters, items=12, seed=seed)
    assert all(one.kind is RatingKind.SIMULATED and one.caption == caption for one in found)
    return [(one.rater, one.recording, one.rating) for one in found]


@pytest.mark.parametrize("split", list(Split))
def test_lists_hold_one_split_and_all_degrees(split: Split) -> None:
    """Twelve different recordings: what fits, mixtures, near and far; by one or two raters."""
    found = rated("s/class/bark", split)
    raters = {rater for rater, _, _ in found}
    assert len(raters) in {1, 2}
    assert raters <= {"sim-01", "sim-02", "sim-03", "sim-04"}
    recordings = [recording for rater, recording, _ in found if rater == min(raters)]
    assert len(set(recordings)) == len(recordings) == 12
    assert all(one.startswith(f"{split}-") for one in recordings)
    for kind, least in (("-bark-", 1), ("-mixed-", 2), ("-howl-", 1), ("-engine-", 1)):
        assert sum(kind in one for one in recordings) >= least, kind
    assert all(0.0 <= rating <= 100.0 and rating == int(rating) for _, _, rating in found)


def test_the_same_seed_gives_the_same_ratings() -> None:
    """And another seed others."""
    assert rated("s/class/bark", Split.TRAIN) == rated("s/class/bark", Split.TRAIN)
    assert rated("s/class/bark", Split.TRAIN) != rated("s/class/bark", Split.TRAIN, seed=1)


def test_lists_do_not_depend_on_each_other() -> None:
    """Drawing fewer lists leaves those that are drawn as they were."""
    asked = [Asked(f"c{number}", ()) for number in range(40)]
    few, more = (some(asked, most, 3, Split.TRAIN) for most in (5, 20))
    assert len(few) == 5
    assert set(few) < set(more) < set(asked)
    assert list(more) == [one for one in asked if one in set(more)]
    assert some(asked, None, 3, Split.TRAIN) == tuple(asked)
    assert chance(0, Split.TRAIN, "c").random() != chance(0, Split.TEST, "c").random()


def test_mixture_caption_belongs_to_the_split_of_its_mixture() -> None:
    """It is rated with the recording that it was written for."""
    manifest, contents = small_manifest()
    asked = Asked("mixed", meanings(manifest, contents)["mixed"], "train-mixed-0")
    pools = [Pool(split, manifest.recordings, contents) for split in Split]
    assert [pool.can_answer(asked) for pool in pools] == [True, False, False]
    judge = Judge(small_nodes(), MODEL.semantic)
    found = simulated(pools[0], asked, judge, MODEL, (Rater("sim-01", 0.0),), items=6, seed=0)
    assert "train-mixed-0" in {one.recording for one in found}
