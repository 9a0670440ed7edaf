"""Candidates of an update, judged one after the other until one passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.core.records import FloatArray
from training.data.arrays import Values
from training.data.progress import wide_console
from training.data.readers import labels
from training.data.records import Manifest, Split
from training.evaluation.conditions import parse_conditions
from training.evaluation.encoders import CheckpointEncoder, hidden_texts
from training.evaluation.evaluate import Results, evaluate
from training.evaluation.material import Material, data_set_of, material_of
from training.model.dual_encoder import DualEncoder, between
from training.train.anchors import Texts
from training.update.config import GatesConfig
from training.update.gates import Gate, answers_gate, cosines_of, gates_of, texts_gate
from training.update.material import AnsweredPair
from training.update.report import Try, gates_table


@dataclass(frozen=True, slots=True)
class OldSets:
    """What the old sets ask."""

    asked: Material
    hidden: Mapping[str, FloatArray]
    """Embeddings by the text tower, by text."""

    @classmethod
    def of(
        cls, replay: Manifest, log_mels: Mapping[str, FloatArray], cache: Path
    ) -> OldSets | None:
        """What the replay's validation recordings ask; ``None`` where there are none.

        What earlier updates learned from is no old set: people's answers are told apart.
        """
        recordings = [
            clip
            for clip in replay.recordings
            if clip.split is Split.VALIDATION and data_set_of(clip.id) != labels.NAME
        ]
        if not recordings:
            return None
        asked = material_of(replay, recordings, log_mels)
        return cls(asked, hidden_texts(asked.texts, cache))

    def measured(self, model: DualEncoder) -> Results:
        """All that a model is asked on clean recordings."""
        encoder = CheckpointEncoder(model, self.hidden)
        return evaluate(encoder, self.asked, parse_conditions(["clean"]), model="judged")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """People's answers of days that are not trained on."""

    pairs: Sequence[AnsweredPair]
    log_mels: Mapping[str, FloatArray]
    """By id of the recording."""
    captions: Mapping[str, FloatArray]
    """Embeddings by the text tower, by id."""

    def cosines(self, model: DualEncoder) -> Values:
        """Of each pair, by a model on the processor."""
        return cosines_of(model, self.pairs, self.log_mels, self.captions)


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a candidate is asked."""

    old: OldSets | None
    """``None`` where there are none."""
    held_out: HeldOut
    texts: Texts
    """Without sound."""


def try_out(
    start: DualEncoder, trained: DualEncoder, asked: Asked, config: GatesConfig
) -> tuple[tuple[Try, ...], DualEncoder]:
    """Candidates from the whole way on, each half as far as the one before, until one passes.

    Args:
        start: the model that is updated; moved to the processor.
        trained: on the processor.
        asked: of each of them.
        config: the tolerance.

    Returns:
        All that were tried, each printed, and the last of them.
    """
    start = start.cpu()
    console = wide_console()
    old, held_out = asked.old, asked.held_out
    if old is None:
        print("no old sets: only where texts lie is checked; name a manifest with --replay")
    before = None if old is None else old.measured(start)
    cosines = held_out.cosines(start)
    tries: list[Try] = []
    while True:
        share = 0.5 ** len(tries)
        candidate = between(start, trained, share)
        gates: tuple[Gate, ...] = ()
        if old is not None and before is not None:
            gates = gates_of(before, old.measured(candidate), config)
        answers = answers_gate(held_out.pairs, cosines, held_out.cosines(candidate), config)
        kept = texts_gate(start, candidate, asked.texts, config)
        more = tuple(gate for gate in (answers, kept) if gate is not None)
        tries.append(Try(share, gates + more))
        console.print(gates_table(tries[-1]))
        if tries[-1].passed or len(tries) > config.halvings:
            return tuple(tries), candidate
