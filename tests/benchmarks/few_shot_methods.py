"""Ways of joining words and recordings, by the few-shot protocol.

A table of docs/experiments/few-shot.md::

    python -m tests.benchmarks.few_shot_methods --data FOLDER [--part test] [--seeds 6]

Each class is described by its English label. Windows are what the box hears; a clip's score is
that of its highest window. Methods are chosen on *development*, what is not for tests.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from agent import descriptions
from agent.bundle import loading as bundles
from agent.core.records import Views
from agent.encoder.audio import Encoder
from agent.encoder.text import embed_texts
from agent.hearing.recogniser import embedded
from agent.hearing.windows import windows_at
from agent.matcher.matcher import Contrast, Described, Matcher
from agent.watchlist.examples import Kind, Recording, join
from agent.watchlist.examples.gathering import REJECTED_WINDOWS, best_window
from agent.watchlist.examples.measuring import centre_and_spread
from agent.watchlist.examples.weights import COUNTS_FROM, WEIGHT
from tests.benchmarks.few_shot_figures import Scores, figures, mean
from tests.benchmarks.few_shot_protocol import Part, Setting, Sources, read_clips, trials
from tests.benchmarks.few_shot_sounds import Condition, Sounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray
    from agent.matcher.recordings import Rows
    from agent.watchlist.examples import Joined
    from tests.benchmarks.few_shot_figures import Figures
    from tests.benchmarks.few_shot_protocol import Trial
    from tests.benchmarks.few_shot_sounds import Sound

Method: TypeAlias = "Callable[[EmbeddedTrial], Scores]"

ROOT = Path(__file__).resolve().parents[2]
CONDITIONS = (Condition.CLEAN, Condition.SNR_10)
EXAMPLES = (1, 3)
_CLIPS_TOGETHER = 500
WORSE = 0.02
"""By so much an average precision may fall before a class counts as worse."""
_MISTAKABLE = 10
# An event goes on until scores are that far under the threshold.
_EVENT = 0.5


class EmbeddingCache:
    """Windows of sounds, embedded as the box does; kept on disk."""

    def __init__(self, bundle: Bundle, cache: Path) -> None:
        """Use a bundle.

        Args:
            bundle: whose tower hears.
            cache: folder for what was heard.
        """
        cache.mkdir(parents=True, exist_ok=True)
        self._bundle = bundle
        self.threshold = bundle.manifest.tuning.threshold
        self._file = cache / f"few-shot-{bundle.sha256[:16]}.npz"
        self._encoder = Encoder(bundle)
        self._known: dict[str, Views] = {}
        self._new = 0
        if self._file.is_file():
            with np.load(self._file) as archive:
                ends = np.cumsum(archive["sizes"])[:-1]
                parts = (np.split(archive[name], ends) for name in ("joint", "acoustic"))
                views = (Views(*both) for both in zip(*parts, strict=True))
                self._known = dict(zip(archive["keys"].tolist(), views, strict=True))

    def hear(self, sound: Sound) -> Views:
        """Views of a sound's windows."""
        if sound.key not in self._known:
            windows = windows_at(self._bundle, sound.key, sound.samples)
            parts = [views for _, views in embedded(self._encoder, windows)]
            self._known[sound.key] = Views.concatenate(parts)
            self._new += 1
            if self._new % _CLIPS_TOGETHER == 0:
                self.keep()
        return self._known[sound.key]

    def keep(self) -> None:
        """Write what was heard."""
        if self._new:
            parts = list(self._known.values())
            part = self._file.with_suffix(".part.npz")
            np.savez(
                part,
                keys=np.array(list(self._known)),
                sizes=np.array([len(one) for one in parts]),
                joint=np.concatenate([one.joint for one in parts]),
                acoustic=np.concatenate([one.acoustic for one in parts]),
            )
            part.replace(self._file)
            self._new = 0


@dataclass(frozen=True)
class EmbeddedTrial:
    """A trial as the box hears it."""

    trial: Trial
    described: tuple[Described, ...]
    contrast: Contrast
    examples: tuple[tuple[Views, ...], ...]
    """Windows of each class's examples."""
    windows: Views
    """Of all queries, then of all other sounds."""
    starts: Rows
    """First window of each of them."""
    threshold: float

    def clips(self, score: FloatArray) -> FloatArray:
        """Windows' scores to clips', ``(clips, ...)``."""
        highest: FloatArray = np.maximum.reduceat(score, self.starts, axis=0)
        return highest

    def scores(self, score: FloatArray) -> Scores:
        """Windows' scores to what figures are made of."""
        found, queries = self.clips(score), len(self.trial.queries)
        return Scores(found[:queries], found[queries:])

    def words(self, windows: Views) -> FloatArray:
        """Scores by the words alone, ``(windows, classes)``."""
        scores: FloatArray = self._words.statistics.scores(self._words.compare(windows)[1])
        return scores

    @cached_property
    def _words(self) -> Matcher:
        return Matcher.build(self.described, self.contrast)

    def chosen(self, number: int, windows: Views, *, sure: bool) -> Views:
        """The window of a recording that the box keeps: of a named file, or of an alert."""
        if sure:
            ordinary = self.contrast.cohort.joint.mean(axis=0)
            at = best_window(windows.joint, self.described[number].texts, ordinary)
        else:
            at = int(self.words(windows)[:, number].argmax())
        return windows[at : at + 1]

    def recordings(self, *, sure: bool) -> list[Recording]:
        """The examples as the box keeps them."""
        return [
            Recording(
                self.trial.classes[number],
                f"{number}-{take}",
                Kind.EXAMPLE,
                self.chosen(number, windows, sure=sure),
                sure,
            )
            for number, own in enumerate(self.examples)
            for take, windows in enumerate(own)
        ]

    def joined(self, recordings: Sequence[Recording]) -> Joined:
        """As the box joins them."""
        limits = np.full(len(self.described), self.threshold, np.float32)
        return join(self.described, self.contrast, recordings, limits)


def by_agent(described: Sequence[Described], contrast: Contrast, windows: Views) -> FloatArray:
    """Scores of windows as the box gives them, ``(windows, descriptions)``."""
    matcher = Matcher.build(described, contrast)
    scores: FloatArray = matcher.statistics.scores(matcher.compare(windows)[1])
    return scores


def hear(
    trial: Trial, embeddings: EmbeddingCache, texts: Mapping[str, FloatArray], contrast: Contrast
) -> EmbeddedTrial:
    """A trial's sounds as windows, and its labels as descriptions."""
    none = np.empty((0, contrast.texts.shape[1]), np.float32)
    parts = [embeddings.hear(sound) for sound in (*trial.queries, *trial.others)]
    return EmbeddedTrial(
        trial,
        tuple(
            Described(name, texts[label][None], none)
            for name, label in zip(trial.classes, trial.labels, strict=True)
        ),
        contrast,
        tuple(tuple(embeddings.hear(sound) for sound in own) for own in trial.examples),
        Views.concatenate(parts),
        np.cumsum([0, *map(len, parts[:-1])]),
        embeddings.threshold,
    )


@lru_cache
def ordinary_texts() -> tuple[str, ...]:
    """What the shipped descriptions call ordinary."""
    return tuple(descriptions.load(ROOT / "configs/descriptions.en.yaml").background)


def text_alone(heard: EmbeddedTrial) -> Scores:
    """The words."""
    return heard.scores(heard.words(heard.windows))


def agent_named(heard: EmbeddedTrial) -> Scores:
    """The box, with examples that the descriptions name."""
    made = heard.joined(heard.recordings(sure=True))
    return heard.scores(by_agent(made.described, heard.contrast, heard.windows))


def agent_confirmed(heard: EmbeddedTrial) -> Scores:
    """The box, with examples that one person each confirmed."""
    made = heard.joined(heard.recordings(sure=False))
    return heard.scores(by_agent(made.described, heard.contrast, heard.windows))


def over_ordinary(heard: EmbeddedTrial) -> FloatArray:
    """The nearest example: cosine over its mean on ordinary sound, all in one deviation."""
    rows = np.concatenate([one.views.acoustic for one in heard.recordings(sure=True)])
    mean, std = centre_and_spread(rows @ heard.contrast.cohort.acoustic.T, axis=1)
    over = (heard.windows.acoustic @ rows.T - mean) / np.median(std)
    nearest: FloatArray = over.reshape(len(over), len(heard.described), -1).max(axis=2)
    return nearest


def nearest(heard: EmbeddedTrial) -> Scores:
    """The nearest example alone."""
    return heard.scores(over_ordinary(heard))


def unchecked(heard: EmbeddedTrial) -> Scores:
    """The box's weight for each example that the descriptions name, none set aside."""
    worth = WEIGHT * np.maximum(over_ordinary(heard) - COUNTS_FROM, 0.0)
    return heard.scores(heard.words(heard.windows) + worth)


def added(weight: float) -> Method:
    """Words and nearest example, added without bounds."""
    return lambda heard: heard.scores(heard.words(heard.windows) + weight * over_ordinary(heard))


def higher(weight: float) -> Method:
    """Words or nearest example, whichever says more."""
    return lambda heard: heard.scores(
        np.maximum(heard.words(heard.windows), weight * over_ordinary(heard))
    )


METHODS: dict[str, Method] = {
    "text alone": text_alone,
    "agent, named in the file": agent_named,
    "agent, confirmed by one": agent_confirmed,
    "agent, nothing set aside": unchecked,
    "nearest example alone": nearest,
    "text + nearest": added(1.0),
    "text + 2 x nearest": added(2.0),
    "higher of text and nearest": higher(1.0),
    "higher of text and 1.5 x nearest": higher(1.5),
}


def average_precision(score: FloatArray, own: npt.NDArray[np.bool_]) -> float:
    """How far a class's own sounds come before all others; of equals, the others first."""
    at = np.flatnonzero(own[np.lexsort((own, -score))])
    return float((np.arange(1, len(at) + 1) / (at + 1)).mean())


def harm(heard: EmbeddedTrial, rng: np.random.Generator) -> Iterator[tuple[str, tuple[float, ...]]]:
    """What one confirmed recording does to each class: change of average precision.

    With a right one, a wrong one, and the wrong one once an alert of its kind was rejected. The
    wrong one is of the ten other labels whose examples the words score highest; the alert is that
    of its class's highest query, where it alarms, which is then judged no more.
    """
    trial = heard.trial
    right = heard.recordings(sure=False)
    words = heard.clips(heard.words(heard.windows))
    fits = np.stack([heard.words(own[0]).max(axis=0) for own in heard.examples])
    for number, name in enumerate(trial.classes):
        others = [n for n, label in enumerate(trial.labels) if label != trial.labels[number]]
        mistaken = sorted(others, key=lambda n: -fits[n, number])[:_MISTAKABLE]
        wrong = int(rng.choice(mistaken))
        peak = heard.chosen(number, heard.examples[wrong][0], sure=False)
        rest = [one for one in right if one.error_id != name]
        mistake = Recording(name, "mistake", Kind.EXAMPLE, peak, sure=False)

        def taught(recordings: list[Recording], number: int = number) -> FloatArray:
            described = heard.joined(recordings).described[number]
            return by_agent([described], heard.contrast, heard.windows)[:, 0]

        with_mistake = taught([*rest, mistake])
        score = heard.clips(with_mistake)
        alarmed = int(
            np.flatnonzero(trial.truth == wrong)[
                score[np.flatnonzero(trial.truth == wrong)].argmax()
            ]
        )
        rejected: list[Recording] = []
        if score[alarmed] >= heard.threshold:
            ends = [*heard.starts[1:], len(heard.windows)]
            rows = np.arange(heard.starts[alarmed], ends[alarmed])
            rows = rows[np.argsort(-with_mistake[rows])][:REJECTED_WINDOWS]
            rejected = [
                Recording(name, "alert", Kind.REJECTED, heard.windows[row : row + 1], sure=False)
                for row in rows
                if with_mistake[row] >= heard.threshold - _EVENT
            ]
        judged = np.arange(len(words)) != alarmed
        own = np.concatenate([trial.truth == number, np.zeros(len(trial.others), bool)])[judged]
        scores = (
            heard.clips(taught(right)),
            score,
            heard.clips(taught([*rest, mistake, *rejected])),
        )
        before = average_precision(words[judged, number], own)
        yield name, tuple(average_precision(one[judged], own) - before for one in scores)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--part", type=Part, choices=list(Part), default=Part.TEST)
    parser.add_argument("--seeds", type=int, default=6)
    kept = Path(tempfile.gettempdir()) / "few_shot_cache"
    parser.add_argument("--cache", type=Path, default=kept, metavar="FOLDER")
    parser.add_argument("--harm", action="store_true", help="what one recording does instead")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    bundle = bundles.load(arguments.bundle)
    clips = read_clips(arguments.data, arguments.part)
    sounds, embeddings = Sounds(arguments.data), EmbeddingCache(bundle, arguments.cache)
    wanted = sorted({*ordinary_texts(), *(clip.label for clip in clips)})
    texts = dict(zip(wanted, embed_texts(bundle, wanted, arguments.cache), strict=True))

    ordinary = np.stack([texts[text] for text in ordinary_texts()])
    contrast = Contrast(ordinary, bundle.background(), bundle.foreground())

    def embedded_trials(setting: Setting) -> Iterator[EmbeddedTrial]:
        for trial in trials(clips, sounds, setting, range(arguments.seeds)):
            yield hear(trial, embeddings, texts, contrast)

    try:
        print_harm(embedded_trials) if arguments.harm else print_methods(embedded_trials)
    finally:
        embeddings.keep()


def print_methods(embedded_trials: Callable[[Setting], Iterable[EmbeddedTrial]]) -> None:
    """Figures of each method, for each setting."""
    say("| | examples | method | right first | mAP@10 | recall at 0.2 % | at 1 % |")
    say("|---|---|---|---|---|---|---|")
    for sources, condition, count in product(Sources, CONDITIONS, EXAMPLES):
        found: dict[str, list[Figures]] = {name: [] for name in METHODS}
        for heard in embedded_trials(Setting(sources, condition, count)):
            for name, method in METHODS.items():
                found[name].append(figures(method(heard), heard.trial.truth))
        for name, some in found.items():
            one = mean(some)
            cells = " | ".join(f"{x:.2f}" for x in (one.right_first, one.map_10, *one.recall))
            say(f"| {sources}, {condition} | {count} | {name} | {cells} |")


def print_harm(embedded_trials: Callable[[Setting], Iterable[EmbeddedTrial]]) -> None:
    """Shares of classes that one recording makes worse."""
    say("| | one confirmed | classes | worse | mean change of AP |")
    say("|---|---|---|---|---|")
    for sources in Sources:
        found: dict[str, list[tuple[float, ...]]] = {}
        for heard in embedded_trials(Setting(sources, Condition.CLEAN, 1)):
            for name, changes in harm(heard, np.random.default_rng(heard.trial.seed)):
                found.setdefault(name, []).append(changes)
        change = np.array([np.mean(some, axis=0) for some in found.values()])
        for at, what in enumerate(("right", "wrong", "wrong, its alert rejected")):
            worse = f"{(change[:, at] < -WORSE).mean():.2f}"
            say(f"| {sources} | {what} | {len(change)} | {worse} | {change[:, at].mean():+.3f} |")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
