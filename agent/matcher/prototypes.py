"""What windows are compared with: texts and recordings as embeddings, ordered by description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from agent.matcher.recordings import ExampleMatrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.core.records import FloatArray, Views
    from agent.matcher.recordings import Examples

_Indices = npt.NDArray[np.intp]

# Of the best contrast, taken off a description's cosine: with all of it, words that resemble an
# ordinary sound a little lose what they know (docs/benchmarks.md).
CONTRAST = np.float32(0.5)

# A margin that hardly moves on the background would make a score out of every nothing.
_LOWEST_STD = 0.01

# Bounds the memory of comparing a cohort with all prototypes.
_COHORT_ROWS = 64


@dataclass(frozen=True, slots=True)
class Described:
    """One description's prototypes: unit embeddings, float32, each array ``(n, dim)``.

    Texts are compared with the joint view of a window, recordings with its acoustic view.
    """

    error_id: str
    texts: FloatArray
    """The text, then its paraphrases; at least one."""
    unlike: FloatArray
    """Texts of sounds that resemble it and are normal here."""
    examples: Examples | None = None
    """Recordings of it: what they are worth is added to its margin."""
    rejected: Examples | None = None
    """Recordings of what it was mistaken for: what they are worth is taken off."""

    def arrays(self) -> Iterator[FloatArray]:
        """All numbers, for a hash of what scores follow from."""
        yield self.texts
        yield self.unlike
        for heard in (self.examples, self.rejected):
            if heard is not None and len(heard):
                yield from heard.arrays()


@dataclass(frozen=True, slots=True)
class Contrast:
    """What all descriptions are told apart from."""

    texts: FloatArray
    """Unit embeddings, float32, ``(n, dim)``, of sounds that are ordinary here; may be none."""
    cohort: Views
    """Ordinary sound, as heard by the audio tower."""
    foreground: FloatArray
    """Sounds that stand out, of all kinds: joint views, ``(n, dim)``. Margins are normalised by
    both, alike."""


@dataclass(frozen=True, slots=True)
class BackgroundStatistics:
    """How the margin of each description's texts behaves on other sounds, in their order."""

    mean: FloatArray
    """Shape ``(descriptions,)``."""
    std: FloatArray
    """Positive, shape ``(descriptions,)``."""

    def scores(self, margin: FloatArray) -> FloatArray:
        """Margins in standard deviations, ``(windows, descriptions)``.

        0 is what other sounds have on average, whatever the description.
        """
        return (margin - self.mean) / self.std


class PrototypeSet:
    """All prototypes, immutable: texts as rows of one matrix, recordings of another.

    First the texts of each description, then what each is unlike, then the background:
    whatever belongs to a description lies side by side.
    """

    def __init__(self, described: Sequence[Described], background: FloatArray) -> None:
        """Put the prototypes in order.

        Args:
            described: descriptions, in the order that results will have.
            background: texts of ordinary sound, unit embeddings, ``(n, dim)``.

        Raises:
            ValueError: a description has no text, or two have one id.
        """
        self.error_ids = tuple(description.error_id for description in described)
        if len(set(self.error_ids)) != len(described):
            raise ValueError("two descriptions have the same id")
        for description in described:
            if len(description.texts) == 0:
                raise ValueError(f"{description.error_id} has no text")
        dim = background.shape[1]
        parts = [np.empty((0, dim), np.float32)]
        parts += [description.texts for description in described]
        parts += [description.unlike for description in described]
        self.embeddings: FloatArray = np.concatenate([*parts, background], dtype=np.float32)
        """Of texts."""
        self.embeddings.flags.writeable = False
        self.examples = ExampleMatrix([description.examples for description in described])
        self.rejected = ExampleMatrix([description.rejected for description in described])
        own = [len(description.texts) for description in described]
        unlike = np.array([len(description.unlike) for description in described], np.intp)
        self._own = slice(0, sum(own))
        self._own_starts = _starts(own)
        self._unlike = slice(self._own.stop, self._own.stop + int(unlike.sum()))
        # reduceat cannot take the maximum of nothing.
        self._with_unlike = np.flatnonzero(unlike)
        self._unlike_starts = _starts(unlike[self._with_unlike])
        self._background = slice(self._unlike.stop, len(self.embeddings))
        self._paraphrases = [
            np.arange(start + 1, start + len(description.texts))
            for start, description in zip(self._own_starts, described, strict=True)
        ]

    def __len__(self) -> int:
        return len(self.embeddings) + len(self.examples) + len(self.rejected)

    def anchors(self, most: int) -> _Indices:
        """Rows of texts that a search must never miss.

        Each description's text and the background in any case, so that every description has
        a cosine and a contrast; then, up to ``most`` rows in all, what they are unlike and
        the paraphrases.
        """
        background = np.arange(self._background.start, self._background.stop)
        unlike = np.arange(self._unlike.start, self._unlike.stop)
        needed = np.concatenate([self._own_starts, background])
        wanted = np.concatenate([unlike, *self._paraphrases])
        return np.concatenate([needed, wanted[: max(0, most - len(needed))]]).astype(np.intp)

    def reduce(self, cosine: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cosines with texts to cosines and margins of descriptions.

        Args:
            cosine: shape ``(windows, texts)``; ``-inf`` where it is not known and low.

        Returns:
            Best cosine with a description's texts, and by how much it exceeds half of the best
            one with what it is unlike or with the background (0 if there is neither), both
            ``(windows, descriptions)``; without recordings.
        """
        if not self.error_ids:
            nothing = np.empty((len(cosine), 0), np.float32)
            return nothing, nothing
        best = np.maximum.reduceat(cosine[:, self._own], self._own_starts, axis=1)
        contrast = np.full_like(best, -np.inf)
        if len(self._with_unlike):
            unlike = cosine[:, self._unlike]
            contrast[:, self._with_unlike] = np.maximum.reduceat(
                unlike, self._unlike_starts, axis=1
            )
        if self._background.stop > self._background.start:
            background = cosine[:, self._background].max(axis=1, keepdims=True)
            np.maximum(contrast, background, out=contrast)
        contrast[np.isneginf(contrast)] = 0.0
        return best, best - CONTRAST * contrast

    def compare(self, views: Views) -> tuple[FloatArray, FloatArray]:
        """Cosines and margins by brute force: those of the texts, with recordings added."""
        cosine, margin = self.reduce(views.joint @ self.embeddings.T)
        for sign, recordings in ((1.0, self.examples), (-1.0, self.rejected)):
            if len(recordings):
                margin += sign * recordings.compare(views.acoustic)
        return cosine, margin

    def statistics(self, cohort: Views, foreground: FloatArray) -> BackgroundStatistics:
        """How margins of the texts behave on ordinary sound and on sounds that stand out.

        Recordings are told in deviations of their own already; with them in, a description would
        be heard the worse the more it was taught.

        Z-norm of speaker verification (Auckenthaler et al., Digital Signal Processing 10,
        2000): each model's scores are told in standard deviations of its own scores on
        impostors. Ordinary sound alone says little of which description is near to everything
        that stands out: so half of the impostors are of all kinds.

        Args:
            cohort: ordinary sound.
            foreground: joint views of sounds that stand out, ``(n, dim)``.

        Raises:
            ValueError: one of them is empty.
        """
        if len(cohort) == 0 or len(foreground) == 0:
            raise ValueError("no background or no foreground sound to normalise by")
        heard = [self._margins(cohort.joint), self._margins(foreground)]
        mean = sum(margins.mean(axis=0) for margins in heard) / len(heard)
        variance = sum(np.square(margins - mean).mean(axis=0) for margins in heard) / len(heard)
        return BackgroundStatistics(
            mean=mean.astype(np.float32),
            std=np.maximum(np.sqrt(variance), _LOWEST_STD).astype(np.float32),
        )

    def _margins(self, joint: FloatArray) -> npt.NDArray[np.float64]:
        """Of the texts with windows, ``(windows, descriptions)``."""
        parts = [
            self.reduce(joint[at : at + _COHORT_ROWS] @ self.embeddings.T)[1]
            for at in range(0, len(joint), _COHORT_ROWS)
        ]
        return np.concatenate(parts).astype(np.float64)


def _starts(sizes: Sequence[int] | _Indices) -> _Indices:
    """Where runs of these sizes start when they are put one after the other."""
    return np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.intp)[: len(sizes)]
