"""``/metrics`` of a running box: everything that ``kikimimi run`` has to do with it."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

from agent.core.errors import KikimimiError
from agent.core.extras import Extra, needed
from agent.core.reasons import Reason
from agent.integrations.metrics.scores import RecentScores
from agent.integrations.metrics.server import MetricsServer, address_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.bundle.loading import Bundle
    from agent.config import Settings
    from agent.core.records import Match
    from agent.integrations.metrics.exposition import Box

PART = "metrics"
"""Under which health tells what is wrong here."""

_log = logging.getLogger(__name__)


class MetricsService:
    """Looks at a box from outside; whatever fails here, the box listens on."""

    def __init__(self, settings: Settings, bundle: Bundle) -> None:
        """Listen to nothing yet.

        Args:
            settings: of the box.
            bundle: its model.
        """
        self._settings, self._bundle = settings, bundle
        self._scores = RecentScores(settings.windows.hop_s)
        self._server: MetricsServer | None = None
        self._trouble: Reason | None = None

    @classmethod
    def of(cls, settings: Settings, bundle: Bundle) -> Self | None:
        """The service where the site wants it."""
        return cls(settings, bundle) if settings.metrics.enabled else None

    def scored(self, match: Match) -> None:
        """Take note of the scores of a window, in the thread that scores."""
        self._scores.feed(match)

    def troubles(self) -> Mapping[str, Reason]:
        """Why the metrics cannot be asked for, for health; empty where they can."""
        trouble = self._trouble or (self._server and self._server.trouble)
        return {PART: trouble} if trouble else {}

    def start(self, box: Box) -> None:
        """Let a box be looked at."""
        metrics, bundle = self._settings.metrics, self._bundle
        try:
            with needed(Extra.METRICS, "metrics.enabled in agent.yaml"):
                from agent.integrations.metrics.exposition import BoxCollector, Exposition, Identity
        except KikimimiError as error:
            self._trouble = Reason.given(str(error))
            _log.warning("metrics_not_served", extra={"reason": str(error)})
            return
        if not metrics.is_local:
            address = address_of(metrics.host, metrics.port)
            remedy = "keep all but Prometheus from that port, or write metrics.host: 127.0.0.1"
            _log.warning("metrics_without_password", extra={"address": address, "remedy": remedy})
        identity = Identity(
            site=self._settings.site,
            node=self._settings.node,
            version=version("kikimimi"),
            bundle_name=bundle.manifest.name,
            bundle_version=bundle.manifest.version,
            bundle_digest=bundle.digest,
        )
        collector = BoxCollector(
            box,
            identity,
            self._scores,
            lambda: self._server.requests_refused if self._server else 0,
        )
        rendered = Exposition(collector).render
        self._server = MetricsServer(metrics.host, metrics.port, rendered)
        self._server.start()

    def stop(self) -> None:
        """Close the address."""
        if self._server is not None:
            self._server.stop()
