"""The descriptions of a box that has already embedded them, as it finds them when it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import descriptions
from agent.bundle import loading as bundles
from agent.encoder import text
from agent.encoder.text_encoder import TextEncoder
from tests.integration.scenes import DESCRIPTIONS

if TYPE_CHECKING:
    from pathlib import Path


def embed(described: Path, state: Path) -> None:
    """Write the descriptions and put their embeddings where the agent looks for them.

    Embedding is not what is tested here, and a machine that is busy takes a minute for it.
    """
    described.write_text(DESCRIPTIONS, encoding="utf-8")
    bundle = bundles.load(None)
    texts = descriptions.load(described).texts()
    encoded = TextEncoder(bundle).encode(texts)
    text._Cache(state / "embeddings", bundle).write(dict(zip(texts, encoded, strict=True)), texts)
