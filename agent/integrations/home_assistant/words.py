"""The names that Home Assistant shows, in both languages of the box."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config import Language

if TYPE_CHECKING:
    from collections.abc import Iterable

_KANA = re.compile("[\u3040-\u30ff\uff66-\uff9f]")
_MAX_CHARACTERS = 60
"""Of a description in a name; Home Assistant shows the name on one line."""


@dataclass(frozen=True, slots=True)
class Words:
    """One language. ``{0}`` is the words of a description or the name of a source."""

    alert: str
    answer: str
    question: str
    confirm: str
    reject: str
    open_alerts: str
    health: str
    lag: str
    source: str
    level: str
    heard: str
    heard_at: str
    """With the source, ``{1}``, where there are several."""
    threshold: str
    """With the words first: a number leaves room for no more of its name."""


ENGLISH = Words(
    alert="Alert",
    answer="Answer of the box",
    question="Awaits an answer",
    confirm="Yes, it was that",
    reject="No, it was not",
    open_alerts="Open alerts",
    health="Health",
    lag="Lag",
    source="Source {0}",
    level="Level of {0}",
    heard="Heard it: {0}",
    heard_at="Heard it at {1}: {0}",
    threshold="{0}: threshold",
)
JAPANESE = Words(
    alert="アラート",
    answer="装置からの返事",
    question="回答待ちのアラート",
    confirm="はい、この音でした",
    reject="いいえ、別の音でした",
    open_alerts="回答待ちの件数",
    health="装置の状態",
    lag="音からの遅れ",
    source="音源 {0}",
    level="音量 {0}",
    heard="聞こえた：{0}",
    heard_at="{1} で聞こえた：{0}",
    threshold="{0}：しきい値",
)


def words_of(language: Language, descriptions: Iterable[str]) -> Words:
    """The words of a language, or of the one that a site describes its sounds in.

    Args:
        language: as the site chose it.
        descriptions: their texts.
    """
    if language is Language.AUTO:
        japanese = any(map(_KANA.search, descriptions))
    else:
        japanese = language is Language.JA
    return JAPANESE if japanese else ENGLISH


def short(text: str) -> str:
    """A description as it stands in a name."""
    cut = len(text) > _MAX_CHARACTERS
    return f"{text[: _MAX_CHARACTERS - 1]}…" if cut else text
