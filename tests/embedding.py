"""Texts that a test has had embedded are not embedded again for the next one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.encoder import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Where both processes of a test run keep what was embedded."""
    base = factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "embedded"


@contextmanager
def embedded_once(folder: Path) -> Iterator[None]:
    """Ask the process that embeds texts only for those that it has not embedded yet.

    A start of it costs a second of a processor, and commands that keep no embeddings start it each
    time. The real one gives every embedding; the agent's own files keep it, by bundle and text.
    """
    real = text._run_worker

    def run(bundle: Bundle, texts: Sequence[str]) -> FloatArray:
        kept = text._Cache(folder, bundle)
        known = kept.read(texts)
        missing = [one for one in texts if one not in known]
        if missing:
            new = dict(zip(missing, real(bundle, missing), strict=True))
            kept.write(new, in_use=texts)
            known |= new
        return np.stack([known[one] for one in texts])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "_run_worker", run)
        yield
