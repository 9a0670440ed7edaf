"""Pictures of counts as SVG that stands in a page: plain functions, values in, text out.

Colours come from the page's style sheet, so that they follow light, dark and print; every series
also differs in its fill pattern, so that it can be told apart without colours. Numbers and names
stand in the page beside a picture; a picture that says nothing more is hidden from screen readers.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.report.intervals import Rate, Share

SERIES = ("confirmed", "rejected", "unsettled")
"""Style classes, from the bottom of a stack upwards."""
_WIDTH, _HEIGHT = 720.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 12.0, 30.0
_MOST_LABELS = 10
_BAR_WIDTH, _BAR_HEIGHT = 160.0, 14.0

PATTERNS = (
    '<svg class="defs" width="0" height="0" aria-hidden="true" focusable="false"><defs>'
    '<pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect class="rejected-ground" width="6" height="6"/>'
    '<rect class="rejected-line" width="2.4" height="6"/></pattern>'
    '<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect class="unsettled-ground" width="5" height="5"/>'
    '<circle class="unsettled-line" cx="2.5" cy="2.5" r="1"/></pattern>'
    "</defs></svg>"
)
"""Stands once in a page that holds pictures."""


def stacks(
    columns: Sequence[Sequence[int]], labels: Sequence[str], title: str, text: str, name: str
) -> str:
    """Stacked columns, one a day or so.

    Args:
        columns: of each, a count for each of ``SERIES``.
        labels: under the columns; only some are written where they are many.
        title: what the picture shows.
        text: what one sees in it.
        name: of the picture, unique in the page.
    """
    top = _nice(max((sum(column) for column in columns), default=0), whole=True)
    slot = _slot(len(columns))
    parts = [_grid(top)]
    for i, column in enumerate(columns):
        x, base = _LEFT + i * slot + slot * 0.12, 0
        for series, count in zip(SERIES, column, strict=True):
            if count:
                y, height = _y(base + count, top), _y(base, top) - _y(base + count, top)
                parts.append(_rect(x, y, slot * 0.76, height, series))
            base += count
    return _chart("".join(parts) + _names(labels), title, text, name)


def rates(
    points: Sequence[Rate | None],
    labels: Sequence[str],
    wanted: float | None,
    *,
    title: str,
    text: str,
    name: str,
) -> str:
    """Rates with their intervals, and the wanted one as a dashed line.

    Args:
        points: one a week or so; ``None`` leaves a gap.
        labels: under the points.
        wanted: a day.
        title: what the picture shows.
        text: what one sees in it.
        name: of the picture, unique in the page.
    """
    known = [point for point in points if point is not None]
    # The interval of a cut week is so wide that all others would lie flat.
    most = max((point.value for point in known), default=0.0)
    highest = max((min(point.high, 2.5 * most) for point in known), default=0.0)
    top = _nice(max(highest, most * 1.1, wanted or 0.0))
    slot = _slot(len(points))
    parts = [_grid(top)]
    if wanted is not None:
        y = _y(wanted, top)
        parts.append(f'<path class="wanted" d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"/>')
    for i, point in enumerate(points):
        if point is None:
            continue
        x, low, high = _LEFT + (i + 0.5) * slot, _y(point.low, top), _y(min(point.high, top), top)
        cap = "" if point.high > top else f"M{x - 5:.1f} {high:.1f}h10"
        parts.append(
            f'<path class="interval" d="M{x:.1f} {low:.1f}V{high:.1f}{cap}'
            f'M{x - 5:.1f} {low:.1f}h10"/>'
            f'<circle class="point" cx="{x:.1f}" cy="{_y(point.value, top):.1f}" r="4.5"/>'
        )
    return _chart("".join(parts) + _names(labels), title, text, name)


def columns(counts: Sequence[int], labels: Sequence[str], title: str, text: str, name: str) -> str:
    """Columns of one series with their counts above them."""
    top = _nice(max(counts, default=0) * 1.1, whole=True)
    slot = _slot(len(counts))
    parts = [_grid(top)]
    for i, count in enumerate(counts):
        x, y = _LEFT + i * slot + slot * 0.15, _y(count, top)
        parts.append(_rect(x, y, slot * 0.7, _y(0, top) - y, "plain"))
        parts.append(
            f'<text class="value" x="{x + slot * 0.35:.1f}" y="{y - 4:.1f}">{count}</text>'
        )
    return _chart("".join(parts) + _names(labels), title, text, name)


def bar(counts: Sequence[int], most: int) -> str:
    """A lying stacked bar for the cell of a table.

    Args:
        counts: for each of ``SERIES``.
        most: alerts that would fill the cell.
    """
    x, parts = 0.0, []
    for series, count in zip(SERIES, counts, strict=True):
        width = _BAR_WIDTH * count / max(most, 1)
        if count:
            parts.append(_rect(x, 0.0, width, _BAR_HEIGHT, series))
        x += width
    return _small("".join(parts), _BAR_WIDTH, _BAR_HEIGHT)


def whisker(share: Share | None, possible: tuple[float, float] | None) -> str:
    """A share with its interval on a scale from 0 to 1, for the cell of a table.

    Args:
        share: a dot with its interval.
        possible: a pale band behind it.
    """
    height, middle = _BAR_HEIGHT + 4.0, (_BAR_HEIGHT + 4.0) / 2.0
    span = _BAR_WIDTH - 10.0

    def x(value: float) -> float:
        return 5.0 + span * value

    parts = [f'<path class="grid" d="M{x(at):.1f} 0V{height:g}"/>' for at in (0.0, 0.5, 1.0)]
    if possible is not None:
        low, high = possible
        parts.append(_rect(x(low), 2.0, span * (high - low), height - 4.0, "possible"))
    if share is not None:
        parts.append(
            f'<path class="interval" d="M{x(share.low):.1f} {middle:g}H{x(share.high):.1f}"/>'
            f'<circle class="point" cx="{x(share.value):.1f}" cy="{middle:g}" r="4"/>'
        )
    return _small("".join(parts), _BAR_WIDTH, height)


def scores(
    confirmed: Sequence[float], rejected: Sequence[float], threshold: float, current: float
) -> str:
    """Scores of judged alerts on one axis: confirmed above, rejected below, the proposal between.

    Args:
        confirmed: filled discs.
        rejected: crosses.
        threshold: the proposed one, a line.
        current: today's, a dashed line.
    """
    width, height = 360.0, 70.0
    every = [*confirmed, *rejected, threshold, current]
    low, high = math.floor(min(every) * 2.0) / 2.0, math.ceil(max(every) * 2.0) / 2.0
    high = max(high, low + 0.5)

    def x(value: float) -> float:
        return 8.0 + (width - 16.0) * (value - low) / (high - low)

    parts = [
        f'<path class="grid" d="M8 50H{width - 8:g}"/>',
        f'<path class="wanted" d="M{x(current):.1f} 4V50"/>',
        f'<path class="proposed" d="M{x(threshold):.1f} 4V50"/>',
    ]
    parts += [
        f'<circle class="confirmed" cx="{x(score):.1f}" cy="16" r="3.5"/>' for score in confirmed
    ]
    parts += [
        f'<path class="cross" d="M{x(score) - 3:.1f} 33l6 6m0 -6l-6 6"/>' for score in rejected
    ]
    for value, anchor in ((low, "start"), (high, "end")):
        parts.append(f'<text class="tick {anchor}" x="{x(value):.1f}" y="64">{value:g}</text>')
    parts.append(f'<text class="tick strong" x="{x(threshold):.1f}" y="64">{threshold:g}</text>')
    return _small("".join(parts), width, height)


def swing(at_low: float, at_high: float, low: float, high: float) -> str:
    """How far a number moves a result, on the scale of the widest, for the cell of a table.

    Args:
        at_low: the result with the number at its low end.
        at_high: likewise.
        low: the scale's start.
        high: the scale's end.
    """
    wide, height, span = 220.0, _BAR_HEIGHT + 4.0, max(high - low, 1e-9)

    def x(value: float) -> float:
        return 4.0 + (wide - 8.0) * (value - low) / span

    start, end = sorted((x(at_low), x(at_high)))
    parts = [_rect(start, 3.0, max(end - start, 1.5), height - 6.0, "plain")]
    if low <= 0.0 <= high:
        parts.append(f'<path class="zero" d="M{x(0.0):.1f} 0V{height:g}"/>')
    return _small("".join(parts), wide, height)


def _nice(value: float, *, whole: bool = False) -> float:
    """The end of an axis with four equal steps of 1, 2 or 5 times a power of ten.

    Args:
        value: to be within it.
        whole: counts have no halves.
    """
    step = max(value, 1e-9) / 4.0
    if whole and step <= 1.0:
        return 4.0
    power = 10.0 ** math.floor(math.log10(step))
    return 4.0 * next(
        digit * power for digit in (1.0, 2.0, 5.0, 10.0) if digit * power >= step * 0.9999
    )


def _slot(count: int) -> float:
    return (_WIDTH - _LEFT - _RIGHT) / max(count, 1)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top


def _grid(top: float) -> str:
    """Lines across and what they stand for."""
    parts = []
    for quarter in range(5):
        value = top * quarter / 4.0
        y = _y(value, top)
        parts.append(f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"/>')
        parts.append(f'<text class="tick end" x="{_LEFT - 6:g}" y="{y + 4:.1f}">{value:g}</text>')
    return "".join(parts)


def _names(labels: Sequence[str]) -> str:
    """Labels under the slots, only as many as have room."""
    slot, every = _slot(len(labels)), max(1, math.ceil(len(labels) / _MOST_LABELS))
    return "".join(
        f'<text class="tick" x="{_LEFT + (i + 0.5) * slot:.1f}" y="{_HEIGHT - 10:g}">'
        f"{escape(label)}</text>"
        for i, label in enumerate(labels)
        if i % every == 0
    )


def _rect(x: float, y: float, width: float, height: float, style: str) -> str:
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="{max(height, 0.0):.1f}"/>'
    )


def _chart(inner: str, title: str, text: str, name: str) -> str:
    """A large picture with words for those who cannot see it."""
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-labelledby="{name}-title {name}-text"><title id="{name}-title">{escape(title)}'
        f'</title><desc id="{name}-text">{escape(text)}</desc>{inner}</svg>'
    )


def _small(inner: str, width: float, height: float) -> str:
    """A picture of what already stands beside it in words."""
    return (
        f'<svg class="small" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" aria-hidden="true" focusable="false">{inner}</svg>'
    )
