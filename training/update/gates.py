"""Whether an update may go out: what it costs on what was known before, and what it brings.

A gate is one figure of one old set, or of all of them together. It is open where it is sure
enough that the figure has not lost more than the tolerance: the lower end of a paired bootstrap
interval of the change lies above it. That a loss is not proved is not enough. A set that is too
small to tell the tolerance from luck would never open; its gate is shut where a loss is proved, or
is large on average, and is called unsure else: that the set of all queries has lost nothing has to
be sure.

People's answers of days that are not trained on are such a set: few answers are soon learned by
heart, and nothing but answers that were held out tells so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from agent.core.records import FloatArray
from training.data.arrays import Values
from training.evaluation.encoders import CheckpointEncoder
from training.evaluation.evaluate import ALL, Results, encode
from training.evaluation.significance import bootstrap_interval
from training.model.dual_encoder import DualEncoder
from training.train.anchors import Texts
from training.update.config import GatesConfig
from training.update.material import AnsweredPair

TEXTS = "AudioSet's texts"
ANSWERS = "answers of other days"
ALL_SETS = "all old sets"
_FIGURES = (
    ("retrieval", "text to audio", "mAP@10"),
    ("class names", "audio to text", "top-1"),
    ("human ratings", "text to audio", "nDCG@10"),
)
_POINTS = 100.0


@dataclass(frozen=True, slots=True)
class Gate:
    """One figure of one old set, before and after; in points of 100."""

    data_set: str
    figure: str
    queries: int
    before: float
    after: float
    low: float | None
    """Lower end of the interval of the change; ``None`` where there are too few queries."""
    high: float | None
    """Upper end, likewise."""
    sure: bool
    """Whether its set is large enough to tell the tolerance from luck."""
    open: bool

    @property
    def change(self) -> float:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Answered:
    """How well a model agrees with people's answers."""

    confirmed: int
    rejected: int
    cosine_confirmed: float | None
    """Mean cosine of confirmed pairs; ``None`` where there are none."""
    cosine_rejected: float | None
    ordered: float | None
    """Share of (confirmed, rejected) clips of one description that are in this order."""


def gates_of(before: Results, after: Results, config: GatesConfig) -> tuple[Gate, ...]:
    """The gates of the old sets; queries in several languages count once, by their mean.

    Args:
        before: what was measured of the model that is updated.
        after: of the candidate, on the same material.
        config: the tolerance.
    """
    found: dict[tuple[str, str], tuple[dict[str, list[float]], dict[str, list[float]]]] = {}
    for old, new in zip(before.measured, after.measured, strict=True):
        key = old.key
        if (key.task, key.direction, key.metric) not in _FIGURES or key.classes != ALL:
            continue
        own = found.setdefault((key.data_set, f"{key.task} {key.metric}"), ({}, {}))
        for side, measured in zip(own, (old, new), strict=True):
            for name, value in zip(measured.queries, measured.values.tolist(), strict=True):
                side.setdefault(name, []).append(value)
    values = {key: (_means(old), _means(new)) for key, (old, new) in found.items()}
    several = len({data_set for data_set, _ in values}) > 1
    for figure in dict.fromkeys(figure for _, figure in values) if several else ():
        both = [own for (_, name), own in values.items() if name == figure]
        sides = [np.concatenate(side) for side in zip(*both, strict=True)]
        values[ALL_SETS, figure] = (sides[0], sides[1])
    return tuple(_gate(*key, *own, config) for key, own in values.items())


def _means(values: Mapping[str, Sequence[float]]) -> Values:
    return np.array([np.mean(own) for own in values.values()])


def texts_gate(
    start: DualEncoder, candidate: DualEncoder, texts: Texts, config: GatesConfig
) -> Gate | None:
    """Whether AudioSet's texts still lie where they lay: nearest to their own old embedding.

    Old embeddings stay usable as far as they do. ``None`` without such texts.
    """
    if not len(texts.kept):
        return None
    with torch.inference_mode():
        old, new = (
            model.encode_text(texts.kept.to(model.device)).float().cpu()
            for model in (start, candidate)
        )
        # Texts of one wording lie at one place, and are each other's own.
        kept = ((new @ old.T).amax(dim=1) <= (new * old).sum(dim=1) + 1e-6).double().numpy()
    return _gate(TEXTS, "nearest to where it was", np.ones(len(kept)), kept, config)


def answers_gate(
    pairs: Sequence[AnsweredPair], before: Values, after: Values, config: GatesConfig
) -> Gate | None:
    """Whether held-out answers are still told apart: confirmed clips nearer than rejected ones.

    Args:
        pairs: that are not trained on.
        before: their cosines by the model that is updated, shape ``(pairs,)``; see
            :func:`cosines_of`.
        after: by the candidate, likewise.
        config: the tolerance.

    Returns:
        A query is a clip, its figure the share of clips of the same description and the other
        answer that lie on its right side. ``None`` where no description has both.
    """
    old, new = (np.array(list(_right_sides(pairs, own))) for own in (before, after))
    return _gate(ANSWERS, "in the right order", old, new, config) if len(old) else None


def _right_sides(pairs: Sequence[AnsweredPair], cosines: Values) -> Iterator[float]:
    """For each pair that has opposites, the share of them that lie on its right side."""
    for right in _orders(pairs, cosines):
        yield from right.mean(axis=1).tolist()
        yield from right.mean(axis=0).tolist()


def _gate(data_set: str, figure: str, before: Values, after: Values, config: GatesConfig) -> Gate:
    changes = _POINTS * (after - before)
    mean = float(changes.mean())
    low = high = None
    if len(changes) >= config.least_queries:
        # Both ends are left out alike: each alone is right to the level.
        interval = bootstrap_interval(changes, seed=0, level=2.0 * config.level - 1.0)
        low, high = interval.low, interval.high
    kept = low is not None and low >= -config.most_loss
    sure = kept or (low is not None and mean - low <= config.most_loss)
    proved = high is not None and high < 0.0
    return Gate(
        data_set=data_set,
        figure=figure,
        queries=len(changes),
        before=float(_POINTS * before.mean()),
        after=float(_POINTS * after.mean()),
        low=low,
        high=high,
        sure=sure,
        open=kept if sure else not proved and mean >= -config.most_unsure,
    )


def cosines_of(
    model: DualEncoder,
    pairs: Sequence[AnsweredPair],
    log_mels: Mapping[str, FloatArray],
    captions: Mapping[str, FloatArray],
) -> Values:
    """How alike a model finds the two of each answered pair, shape ``(pairs,)``.

    Args:
        model: on the processor.
        pairs: answered, each of a recording in ``log_mels``.
        log_mels: by id of the recording.
        captions: embeddings by the text tower, by id.
    """
    names = list(dict.fromkeys(pair.recording for pair in pairs))
    if not names:
        return np.zeros(0)
    encoder = CheckpointEncoder(model, captions)
    rows = {name: at for at, name in enumerate(names)}
    heard = encode(encoder, [log_mels[name] for name in names])
    texts = encoder.encode_texts([pair.caption for pair in pairs])
    cosines: Values = (texts * heard[[rows[pair.recording] for pair in pairs]]).sum(axis=1)
    return cosines


def agreement(pairs: Sequence[AnsweredPair], cosines: Values) -> Answered:
    """How well a model agrees with answers, by its cosines, shape ``(pairs,)``."""
    fits = np.array([pair.fits for pair in pairs], np.bool_)
    orders = list(_orders(pairs, cosines))
    return Answered(
        confirmed=int(fits.sum()),
        rejected=int((~fits).sum()),
        cosine_confirmed=float(cosines[fits].mean()) if fits.any() else None,
        cosine_rejected=float(cosines[~fits].mean()) if (~fits).any() else None,
        ordered=float(np.concatenate([order.ravel() for order in orders]).mean())
        if orders
        else None,
    )


def _orders(pairs: Sequence[AnsweredPair], cosines: Values) -> Iterator[npt.NDArray[np.bool_]]:
    """For each description that was both, whether a confirmed clip lies above a rejected one.

    Each of shape ``(confirmed, rejected)``.
    """
    fits = np.array([pair.fits for pair in pairs], np.bool_)
    captions = np.array([pair.caption for pair in pairs], dtype=object)
    for name in dict.fromkeys(captions.tolist()):
        own = captions == name
        if (own & fits).any() and (own & ~fits).any():
            yield cosines[own & fits][:, None] > cosines[own & ~fits][None, :]
