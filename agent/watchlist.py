"""What the box listens for at one moment: descriptions, their prototypes and their policies.

Immutable: a reload builds another one off the hot path, and the pipeline takes it over between
two windows.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.alerts import Wording
from agent.detector import Policy
from agent.errors import KikimimiError
from agent.matcher import Contrast, Described, Matcher
from agent.text import embed_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from agent.bundle import Bundle
    from agent.descriptions import DescriptionSet, DetectionPolicy
    from agent.records import FloatArray

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watchlist:
    """Everything that follows from one descriptions file and one bundle."""

    digest: str
    matcher: Matcher
    policies: Mapping[str, Policy]
    wordings: Mapping[str, Wording]

    @property
    def count(self) -> int:
        """How many descriptions are listened for."""
        return len(self.policies)


def build(bundle: Bundle, descriptions: DescriptionSet, cache: Path | None) -> Watchlist:
    """Embed what a set of descriptions says and index it.

    Args:
        bundle: whose towers and background cohort are used.
        descriptions: only the active ones count.
        cache: where embeddings of texts are kept; nowhere if ``None``.

    Raises:
        TextError: the bundle cannot read a text.
        BundleError: the bundle is damaged.
    """
    texts = descriptions.texts()
    row = {text: number for number, text in enumerate(texts)}
    embeddings = embed_texts(bundle, texts, cache)

    def of(chosen: Sequence[str]) -> FloatArray:
        return embeddings[[row[text] for text in chosen]]

    described = [
        Described(
            error_id=error.error_id,
            texts=of(error.texts),
            unlike=of(error.unlike),
            examples=of(()),
        )
        for error in descriptions.active
    ]
    contrast = Contrast(texts=of(descriptions.background), cohort=bundle.background())
    uncalibrated = bundle.manifest.tuning.threshold
    return Watchlist(
        digest=descriptions.digest,
        matcher=Matcher.build(described, contrast),
        policies={
            error.error_id: policy(error.policy, uncalibrated) for error in descriptions.active
        },
        wordings={
            error.error_id: Wording(error.text, error.severity) for error in descriptions.active
        },
    )


def policy(chosen: DetectionPolicy, uncalibrated: float) -> Policy:
    """The detector's policy for a description; ``auto`` stands for the bundle's threshold."""
    threshold = uncalibrated if chosen.threshold is None else chosen.threshold
    return Policy(
        threshold_on=threshold,
        threshold_off=threshold - chosen.hysteresis,
        hits=chosen.hits.hits,
        windows=chosen.hits.windows,
        cooldown_s=chosen.cooldown_s,
    )


class Builder:
    """Builds watchlists on a thread of its own; of several waiting, only the latest counts."""

    def __init__(self, build: Callable[[DescriptionSet], Watchlist]) -> None:
        self._build = build
        self._lock = threading.Lock()
        self._wanted: DescriptionSet | None = None
        self._result: Watchlist | KikimimiError | None = None
        self._thread: threading.Thread | None = None

    def start(self, descriptions: DescriptionSet) -> None:
        """Ask for a watchlist; returns at once."""
        with self._lock:
            self._wanted = descriptions
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reload", daemon=True)
                self._thread.start()

    def take(self) -> Watchlist | KikimimiError | None:
        """What came of it, once; ``None`` while there is nothing new."""
        with self._lock:
            result, self._result = self._result, None
            return result

    def _run(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._thread = None
                    return
            result: Watchlist | KikimimiError
            try:
                result = self._build(wanted)
            except KikimimiError as error:
                result = error
            except Exception as error:  # a reload must never take the box down
                _log.exception("reload_failed")
                result = KikimimiError(f"the descriptions could not be taken over: {error!r}")
            with self._lock:
                self._result = result
