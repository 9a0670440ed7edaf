"""Windows of log-mel to views of them: the bundle's audio tower."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from agent.bundle.onnx_graph import Graph, Tensor
from agent.core.records import Views

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray, Window


class Encoder:
    """The audio tower in the variant for this machine's processor."""

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        """Load the tower.

        Raises:
            BundleError: it cannot be run or does not fit the bundle's manifest.
        """
        manifest = bundle.manifest
        self._n_mels = manifest.frontend.n_mels
        self.embedding_size = manifest.embedding_size
        self._graph = Graph(
            bundle.audio_tower,
            [Tensor("log_mel", (None, self._n_mels, None))],
            Tensor("embedding", (None, self.embedding_size)),
            beside=[Tensor("acoustic", (None, manifest.acoustic_size))],
            threads=threads,
        )

    def encode(self, log_mel: FloatArray) -> Views:
        """Views of windows of equal length.

        Args:
            log_mel: normalised, float32, shape ``(windows, n_mels, n_frames)``.

        Raises:
            ValueError: another shape.
            BundleError: ONNX Runtime fails.
        """
        if log_mel.ndim != 3 or log_mel.shape[1] != self._n_mels or 0 in log_mel.shape:  # noqa: PLR2004
            raise ValueError(
                f"log-mel of shape {log_mel.shape}, expected (windows, {self._n_mels}, frames)"
            )
        return Views(*self._graph.run_all({"log_mel": np.ascontiguousarray(log_mel, np.float32)}))

    def embed(self, windows: Sequence[Window]) -> Views:
        """Views of windows, at once as far as they are equally long: a short one may be among them.

        Args:
            windows: at least one.

        Raises:
            ValueError: windows of another bundle's shape.
            BundleError: ONNX Runtime fails.
        """
        groups = groupby((window.log_mel for window in windows), key=np.shape)
        return Views.concatenate([self.encode(np.stack(list(group))) for _, group in groups])
