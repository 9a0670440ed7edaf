"""What ``kikimimi check`` says of the descriptions' texts, as the bundle reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from agent.bundle.loading import Bundle
from agent.cli.check.wording import problem
from agent.core.errors import TextError
from agent.core.records import FloatArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.core.errors import Problem
    from agent.descriptions import DescriptionSet, ErrorDescription

Embed: TypeAlias = Callable[[Bundle, Sequence[str]], FloatArray]
"""Unit embeddings ``(texts, dim)`` of texts; raises TextError for one that it cannot read."""

DUPLICATE_COSINE = 0.95
"""Descriptions whose texts are at least this near are hard to tell apart."""


def check_texts(
    descriptions: DescriptionSet,
    bundle: Bundle,
    embed: Embed,
    problems: list[Problem],
    warnings: list[Problem],
) -> None:
    """Whether the bundle reads every text and can tell the descriptions apart.

    Args:
        descriptions: only the active ones count.
        bundle: the model.
        embed: its text tower.
        problems: texts that cannot be read are added here.
        warnings: what is hard to tell apart is added here.
    """
    texts = descriptions.texts()
    try:
        embeddings = embed(bundle, texts)
    except TextError:
        for text, error in _unreadable(texts, bundle, embed):
            where = descriptions.where[text]
            problems.append(problem(where, "text_unreadable", detail=str(error)))
        return
    rows = {text: row for row, text in enumerate(texts)}
    warnings.extend(_near_duplicates(descriptions.active, rows, embeddings))
    for described in descriptions.active:
        contrast = (*described.unlike, *descriptions.background)
        warnings.extend(_explained(described, contrast, rows, embeddings))


def _unreadable(
    texts: Sequence[str], bundle: Bundle, embed: Embed
) -> Iterator[tuple[str, TextError]]:
    """The texts that the bundle cannot read, found by halving."""
    try:
        embed(bundle, texts)
    except TextError as error:
        if len(texts) == 1:
            yield texts[0], error
            return
        middle = len(texts) // 2
        yield from _unreadable(texts[:middle], bundle, embed)
        yield from _unreadable(texts[middle:], bundle, embed)


def _near_duplicates(
    errors: Sequence[ErrorDescription], rows: Mapping[str, int], embeddings: FloatArray
) -> Iterator[Problem]:
    """Pairs of descriptions of which a text of one is nearly a text of the other."""
    own_rows = [[rows[text] for text in error.texts] for error in errors]
    flat = np.concatenate([np.array(row) for row in own_rows]) if errors else np.array([], int)
    starts = np.cumsum([0, *map(len, own_rows[:-1])])
    every = embeddings[flat]
    for number, error in enumerate(errors):
        # One description at a time: all pairs at once would not fit into a small box's memory.
        cosine = (every @ embeddings[own_rows[number]].T).max(axis=1)
        nearest = np.maximum.reduceat(cosine, starts)
        for other in np.flatnonzero(nearest >= DUPLICATE_COSINE).tolist():
            if other > number:
                named = {"error_id": error.error_id, "other": errors[other].error_id}
                cosine_of = f"{nearest[other]:.2f}"
                yield problem(error.where, "nearly_same", cosine=cosine_of, **named)


def _explained(
    error: ErrorDescription,
    contrast: Sequence[str],
    rows: Mapping[str, int],
    embeddings: FloatArray,
) -> Iterator[Problem]:
    """The description if a sound that is normal here is as near to it as its own paraphrases."""
    if not contrast:
        return
    text = embeddings[rows[error.text]]
    cosines = embeddings[[rows[normal] for normal in contrast]] @ text
    own = DUPLICATE_COSINE
    if error.paraphrases:
        own = float(
            (embeddings[[rows[paraphrase] for paraphrase in error.paraphrases]] @ text).max()
        )
    strongest = int(cosines.argmax())
    if cosines[strongest] >= own:
        yield problem(
            *(error.where, "explained"),
            error_id=error.error_id,
            text=repr(contrast[strongest]),
            cosine=f"{cosines[strongest]:.2f}",
            own=f"{own:.2f}",
        )
