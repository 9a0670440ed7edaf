"""The page of metrics, from their definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.integrations.metrics.definitions import DEFINITIONS, PROCESS
from site_reference.tables import Page, document, escaped, table

if TYPE_CHECKING:
    from collections.abc import Iterator


def pages() -> Iterator[Page]:
    """One."""
    rows = [
        (
            f'<a id="{one.name}"></a>`{one.name}`',
            one.kind.value,
            ", ".join(f"`{label}`" for label in one.labels),
            escaped(one.help),
        )
        for one in DEFINITIONS
    ]
    yield Page(
        "reference/metrics.md",
        document(
            "# Metrics",
            "What `GET /metrics` answers where it is switched on: "
            "[Prometheus and Grafana](../integrations/prometheus.md).",
            table(("name", "kind", "labels", "tells"), rows),
            "## The process",
            "Under the names that every exporter has: "
            f"{', '.join(f'`{name}`' for name in sorted(PROCESS))}.",
        ),
    )
