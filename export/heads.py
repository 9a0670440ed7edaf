"""What is added to a bundle's graphs beside the bootstrap: acoustic view and learned head."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.bundle.manifest import BACKGROUND, FOREGROUND, TEXT_HEAD, Metric
from export import acoustic, bundle, evaluation, learned, sounds
from export.costs import MOST_COST, costs
from training.data.audioset import load_classes
from training.data.captions import read_captions
from training.data.lexicon import read_lexicon
from training.data.readers.registry import data_sets
from training.data.wordings import take_meanings
from training.model import text_map
from training.train.acoustic import fit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from export.acoustic import Judged, KnownTakes
    from export.evaluation import Embed, RetrievalSet
    from training.data.takes import Take
    from training.model.text_tower import TextTower


def add(
    variants: Mapping[str, Path],
    data: Path,
    known: KnownTakes,
    tower: TextTower,
    command: str,
) -> tuple[Metric, ...]:
    """Give the graphs of a bundle their acoustic view and their learned head.

    Heads that they had before go. So does the file of a quantized graph that costs too much.

    Args:
        variants: the audio graphs, ``float32`` first.
        data: the shared data folder.
        known: recordings to learn from, and to be judged on.
        tower: embeds the wordings.
        command: that this is done by.

    Returns:
        How each variant does that is left.
    """
    print(f"fitting the heads to {len(known[0])} recordings", flush=True)
    reference = variants["float32"]
    text_head = reference.with_name(TEXT_HEAD)
    for path in (*variants.values(), text_head):
        learned.remove(path)
    material = acoustic.material(reference, data, known[0])
    view = fit(material)
    lexicon = read_lexicon([sound.name for sound in load_classes(data)])
    head = learned.learn(
        material,
        take_meanings(known[0], lexicon, read_captions(data_sets())),
        sounds.ordinary_sound(reference),
        tower=tower,
        text_map=text_map.fit(data, tower, lexicon),
    )
    for path in variants.values():
        acoustic.add_head(path, view)
        learned.add_to_audio(path, head)
    learned.add_to_text(text_head, head)
    sounds.write_background(reference, reference.with_name(BACKGROUND))
    sounds.write_foreground(reference, data, known[0], reference.with_name(FOREGROUND))
    _add_attributions(reference.with_name(bundle.ATTRIBUTIONS), known[0])
    print("measuring", flush=True)
    embed = partial(evaluation.embed_by, text_head, tower)
    sets = _retrieval_sets(data, embed)
    word_metrics = tuple(
        Metric(one.name, one.dataset, one.language, variant, round(one.value, 6), command)
        for variant, path in variants.items()
        for judged in sets
        for one in judged.measure(path)
    )
    acoustic_metrics = _acoustic_metrics(acoustic.judged(data, known[1]), variants, command)
    metrics = word_metrics + acoustic_metrics
    files = {judged.name: len(judged.truth) for judged in sets}
    refused = {name for name, cost in costs(metrics, files).items() if cost > MOST_COST}
    for name in refused:
        print(f"{name} costs more than {MOST_COST:.2%} in float32's place: not shipped", flush=True)
        variants[name].unlink()
    return tuple(metric for metric in metrics if metric.variant not in refused)


def _retrieval_sets(data: Path, embed: Embed) -> tuple[RetrievalSet, ...]:
    """What the joint view is judged on; no training has learned from it."""
    return evaluation.esc50_40(data, embed), evaluation.everyday_cc(data, embed)


def _acoustic_metrics(
    judged: Judged, variants: Mapping[str, Path], command: str
) -> tuple[Metric, ...]:
    """How the acoustic view of each variant does beside the float one."""
    nearest = {variant: judged.nearest(path) for variant, path in variants.items()}
    return tuple(
        Metric(name, "takes, validation", "-", variant, round(value, 6), command)
        for variant, found in nearest.items()
        for name, value in judged.figures(found, nearest["float32"]).items()
    )


def _add_attributions(path: Path, known: Sequence[Take]) -> None:
    """Add who made the recordings that the heads have learned from, each once."""
    rows = [["recording", "licence", "attribution"]]
    if path.is_file():
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    names = {row[0] for row in rows}
    recordings = [take.recording for take in known]
    rows += [[r.id, r.licence, r.attribution] for r in recordings if r.id not in names]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
