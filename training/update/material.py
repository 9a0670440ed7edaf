"""What an update learns from: people's answers, and what the model was trained with before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from agent.core.records import FloatArray
from training.data.readers.labels import NAME
from training.data.records import Manifest, Pair, Split
from training.model.dual_encoder import DualEncoder
from training.train.anchors import Texts
from training.train.batches import examples_of
from training.train.config import LearnConfig
from training.train.material import Material, judged, learned
from training.train.sounds import window_of

_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class AnsweredPair:
    """What people agree on about one caption and one recording."""

    caption: str
    recording: str
    fits: bool


def combined(replay: Manifest, answers: Manifest) -> Manifest:
    """Both manifests as one; what both know of a clip is taken from the answers, the newer ones.

    Earlier answers are in the replay of an update that follows on another.
    """
    new = {clip.id for clip in answers.recordings} | {clip.path for clip in answers.recordings}
    gone = {clip.id for clip in replay.recordings if clip.id in new or clip.path in new}
    spelt = {caption.id for caption in answers.captions}
    old = replay.without(gone)
    captions = tuple(caption for caption in old.captions if caption.id not in spelt)
    return replace(old, captions=captions) + answers


def answered(manifest: Manifest, split: Split, heard: Iterable[str]) -> tuple[AnsweredPair, ...]:
    """What people said of a split's clips, each pair once; earlier updates' answers too.

    Args:
        manifest: of all there is.
        split: which part of it.
        heard: recordings that could be read.
    """
    here = {clip.id for clip in manifest.recordings if clip.split is split} & set(heard)
    return tuple(
        dict.fromkeys(
            AnsweredPair(pair.caption, pair.recording, pair.label)
            for pair in manifest.pairs
            if _is_answer(pair) and pair.recording in here
        )
    )


def _is_answer(pair: Pair) -> bool:
    return pair.recording.startswith(f"{NAME}/")


def focused(
    start: DualEncoder,
    manifest: Manifest,
    log_mels: Mapping[str, FloatArray],
    captions: Mapping[str, FloatArray],
    *,
    window_frames: int,
    around_frames: int,
) -> dict[str, FloatArray]:
    """The moment of each answered clip that the answer is about.

    A clip holds what was heard before and after the alert too; a window of that would be taken
    for what people confirmed. The alert was about the window that scored highest, so the one that
    the start finds most like the description is kept, with a little around it.

    Args:
        start: the model that is updated, on any device.
        manifest: of all there is.
        log_mels: by id of the recording, each ``(n_mels, n_frames)``.
        captions: embeddings by the text tower, by id of the caption.
        window_frames: of a window.
        around_frames: that are kept on either side.

    Returns:
        Log-mels of the answered clips that were cut, by id.
    """
    about: dict[str, dict[str, None]] = {}
    for pair in manifest.pairs:
        if _is_answer(pair) and pair.recording in log_mels:
            about.setdefault(pair.recording, {})[pair.caption] = None
    cut = {}
    hop = max(1, window_frames // 4)
    for recording, asked in about.items():
        log_mel = log_mels[recording]
        frames = log_mel.shape[1]
        if frames <= window_frames + 2 * around_frames:
            continue
        texts = torch.from_numpy(np.stack([captions[name] for name in asked]))
        starts = list(range(0, frames - window_frames + 1, hop))
        best = starts[_best(start, torch.from_numpy(log_mel), texts, starts, window_frames)]
        first = max(0, best - around_frames)
        last = min(frames, best + window_frames + around_frames)
        cut[recording] = np.ascontiguousarray(log_mel[:, first:last])
    return cut


@torch.inference_mode()
def _best(
    start: DualEncoder, log_mel: torch.Tensor, texts: torch.Tensor, starts: list[int], frames: int
) -> int:
    """Which window is most like one of the texts."""
    device = start.device
    asked = start.encode_text(texts.to(device))
    cosines = []
    for first in range(0, len(starts), _AT_ONCE):
        windows = [window_of(log_mel, frames, start) for start in starts[first : first + _AT_ONCE]]
        heard = start.encode_audio(torch.stack(windows).to(device))
        cosines.append((heard @ asked.T).amax(dim=1))
    return int(torch.cat(cosines).argmax())


def gather_update(
    manifest: Manifest,
    log_mels: Mapping[str, FloatArray],
    captions: Mapping[str, FloatArray],
    texts: Texts,
    learn: LearnConfig,
) -> Material:
    """The material of an update; without validation recordings, progress is told on training ones.

    The update's end does not depend on it: the last model is judged by the gates.

    Raises:
        ValueError: nothing fits anything, so that there is nothing to learn.
    """
    train = examples_of(learned(manifest, learn), Split.TRAIN, log_mels, captions)
    known = {clip.id for clip in manifest.recordings if clip.split is Split.VALIDATION}
    shown = judged(manifest)
    if not any(clip in known for _, clip in shown.positives()):
        return Material(train, train, texts)
    return Material(train, examples_of(shown, Split.VALIDATION, log_mels, captions), texts)
