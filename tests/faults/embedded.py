"""The descriptions of a box that has already embedded them, as it finds them when it starts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agent import descriptions
from agent.bundle import loading as bundles
from agent.encoder import text
from agent.encoder.text_encoder import TextEncoder
from tests.integration.scenes import DESCRIPTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import FloatArray


def embed(described: Path, state: Path, wording: str = DESCRIPTIONS) -> None:
    """Write descriptions and put their embeddings where the agent looks for them.

    Embedding is not what is tested here, and a machine that is busy takes a minute for it.
    """
    described.write_text(wording, encoding="utf-8")
    bundle = bundles.load(None)
    texts = descriptions.load(described).texts()
    text._Cache(state / "embeddings", bundle).write(_encoded(texts), texts)


@cache
def _encoded(texts: tuple[str, ...]) -> dict[str, FloatArray]:
    """By the shipped model, once for all boxes."""
    return dict(zip(texts, TextEncoder(bundles.load(None)).encode(texts), strict=True))
