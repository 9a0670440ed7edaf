"""How good a model is on the validation recordings, while it trains."""

from __future__ import annotations

import numpy as np
import torch

from training.data.arrays import Values
from training.evaluation.metrics import average_precision_at, has_relevant, ndcg_at
from training.model.dual_encoder import DualEncoder
from training.train.batches import Examples
from training.train.sounds import WholeSounds

_DEPTH = 10


class Judge:
    """Text to audio on whole recordings: mAP@10 of the labels, nDCG@10 of the ratings."""

    def __init__(self, examples: Examples, start: DualEncoder, frozen_blocks: int) -> None:
        """Hear the recordings through the blocks that stay as they are."""
        self._examples = examples
        self._sounds = WholeSounds(examples.log_mels, start, frozen_blocks)

    def __call__(self, model: DualEncoder) -> dict[str, float]:
        """All figures, and their mean ``score``, by which the best model is kept."""
        scores = self._scores(model)
        figures = {}
        relevant = self._examples.relevant.numpy()
        asked = has_relevant(relevant)
        if asked.any():
            precisions = average_precision_at(scores, relevant, _DEPTH)
            figures["mAP@10"] = float(precisions.mean())
            languages = np.array(self._examples.languages)[asked]
            for language in sorted(set(languages.tolist())):
                own = precisions[languages == language]
                figures[f"mAP@10 {language}"] = float(own.mean())
        judged = [figures["mAP@10"]] if figures else []
        for table in self._examples.rated:
            ratings = table.ratings.numpy()
            rated = ~np.isnan(ratings)
            gains = ndcg_at(
                scores[table.captions.numpy()], np.nan_to_num(ratings), _DEPTH, rated=rated
            )
            if len(gains):
                figures[f"nDCG@10 {table.kind}"] = float(gains.mean())
                judged.append(figures[f"nDCG@10 {table.kind}"])
        return {"score": float(np.mean(judged)), **figures}

    def _scores(self, model: DualEncoder) -> Values:
        """Cosines of all captions and recordings, ``(captions, recordings)``."""
        heard = self._sounds.encode(model)
        with torch.inference_mode():
            texts = self._examples.texts.to(model.device)
            scores = model.encode_text(texts).float().cpu() @ heard.T
        return scores.numpy().astype(np.float64)
