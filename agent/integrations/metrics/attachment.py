"""``/metrics`` of a running box: everything that the box has to do with it."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

from agent.core.errors import KikimimiError
from agent.core.extras import Extra, needed
from agent.core.reasons import Reason
from agent.integrations.metrics.recent_state import RecentState
from agent.integrations.metrics.server import MetricsServer, address_of
from agent.run.attachment import Attachment

if TYPE_CHECKING:
    from agent.core.records import Match
    from agent.core.stopwatch import Stopwatch
    from agent.run.health import Health
    from agent.run.parts import BoxParts
    from agent.watchlist.watchlist import Watchlist

_log = logging.getLogger(__name__)


def attach(parts: BoxParts) -> Metrics | None:
    """Let a box be looked at where its site wants that."""
    return Metrics(parts) if parts.settings.metrics.enabled else None


class Metrics(Attachment):
    """Lets whoever asks see what the box told last."""

    def __init__(self, parts: BoxParts) -> None:
        """Begin to answer, as soon as the address is free."""
        settings, bundle = parts.settings, parts.bundle
        self._recent = RecentState(settings.windows.hop_s)
        self._server: MetricsServer | None = None
        self._trouble: Reason | None = None
        metrics = settings.metrics
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
            site=settings.site,
            node=settings.node,
            version=version("kikimimi"),
            bundle_name=bundle.manifest.name,
            bundle_version=bundle.manifest.version,
            bundle_digest=bundle.digest,
        )
        server: MetricsServer
        collector = BoxCollector(self._recent, identity, lambda: server.requests_refused)
        server = MetricsServer(metrics.host, metrics.port, Exposition(collector).render)
        server.start()
        self._server = server

    def listening_for(self, watch: Watchlist) -> None:
        """Take note of the thresholds."""
        self._recent.policies = watch.policies

    def scored(self, match: Match) -> None:
        """Take note of the scores of a window."""
        self._recent.feed(match)

    def reported(self, health: Health) -> None:
        """Take note of how the box is."""
        self._recent.health = health

    def stopwatch(self) -> Stopwatch | None:
        """Take note of how long stages take, where that can be asked for."""
        return self._recent.stage_times.take if self._server is not None else None

    def trouble(self) -> Reason | None:
        """Why the metrics cannot be asked for."""
        return self._trouble or (self._server.trouble if self._server else None)

    def close(self) -> None:
        """Close the address."""
        if self._server is not None:
            self._server.stop()
