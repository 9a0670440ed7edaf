"""The spectrogram of a clip with the event marked, as a PNG.

The picture is what the model sees: log-mel frames of the bundle's frontend. It brings its own
dark ground, so that it reads the same on a light and on a dark page.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from agent.core.records import FloatArray
    from agent.frontend.log_mel import LogMel

    _Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_WIDTH, _HEIGHT = 860, 320
"""Of the frames alone, in pixels."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 34, 44
_GROUND, _INK, _FAINT, _MARK = (18, 22, 28), (226, 232, 240), (120, 132, 148), (255, 255, 255)
_SHADES = 64
_TEXT_PX = 15
_TICK_PX = 5
_BAR_PX = 4
_DASH_PX = 6
# Of all frames: what is quieter is black, what is louder is the brightest.
_QUIET, _LOUD = 2.0, 99.8
_LABELLED_HZ = (125, 250, 500, 1_000, 2_000, 4_000, 8_000, 12_000)
_STEPS_S = (0.5, 1.0, 2.0, 5.0, 10.0)
_MOST_TICKS = 12
# Black, violet, red, orange, pale yellow: also in grey each is lighter than the one before.
_COLOURS = (
    (4, 5, 12),
    (62, 18, 102),
    (156, 40, 98),
    (232, 96, 44),
    (252, 180, 64),
    (252, 252, 190),
)


@dataclass(frozen=True, slots=True)
class Marks:
    """What to point at."""

    begins_s: float
    """Seconds from the clip's start to the event's."""
    ends_s: float
    """Seconds from the clip's start to the event's end."""
    peak_s: float
    """Start of the window with the highest score."""
    title: str
    """Such as the description's id; shown only as far as the font knows its letters."""


def draw(log_mel: LogMel, samples: FloatArray, marks: Marks) -> bytes:
    """The PNG of a clip.

    Args:
        log_mel: the frontend; its stream is left as it is.
        samples: full scale at 1.0, shape ``(samples,)``.
        marks: where the event is.
    """
    duration_s = len(samples) / log_mel.constants.sample_rate_hz
    size = (_LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM)
    image = Image.new("RGB", size, _GROUND)
    image.paste(Image.fromarray(_coloured(log_mel.whole(samples))), (_LEFT, _TOP))
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(_TEXT_PX)
    _hertz(pen, font, log_mel.centres_hz())
    _seconds(pen, font, duration_s)
    title = marks.title.encode("ascii", "replace").decode("ascii")
    pen.text((_LEFT, _TOP - 10), title, _INK, font, anchor="ls")
    _event(pen, font, marks, duration_s)
    target = io.BytesIO()
    # A quarter of the bytes, and no difference to see.
    few = image.quantize(_SHADES, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(target, "PNG")
    return target.getvalue()


def _coloured(frames: FloatArray) -> npt.NDArray[np.uint8]:
    """Pixels of log-mel frames ``(n_mels, frames)``, shape ``(_HEIGHT, _WIDTH, 3)``."""
    low, high = np.percentile(frames, (_QUIET, _LOUD))
    level = np.clip((frames - low) / max(1e-6, high - low), 0.0, 1.0)
    # The loudest frame of each column: a short blow must not fall between two pixels.
    edges = np.linspace(0, frames.shape[1], _WIDTH + 1)
    firsts = np.minimum(edges[:-1].astype(np.int64), frames.shape[1] - 1)
    columns = np.maximum.reduceat(level, firsts, axis=1)
    rows = np.linspace(frames.shape[0] - 1, 0, _HEIGHT).round().astype(np.int64)
    spots = np.linspace(0.0, 1.0, len(_COLOURS))
    scale = np.linspace(0.0, 1.0, 256)
    table = np.stack([np.interp(scale, spots, part) for part in np.transpose(_COLOURS)], axis=1)
    pixels: npt.NDArray[np.uint8] = table.astype(np.uint8)[(columns[rows] * 255).astype(np.uint8)]
    return pixels


def _hertz(pen: ImageDraw.ImageDraw, font: _Font, centres: npt.NDArray[np.float64]) -> None:
    """Label the bands."""
    for hertz in _LABELLED_HZ:
        if not centres[0] <= hertz <= centres[-1]:
            continue
        band = float(np.interp(hertz, centres, np.arange(len(centres))))
        y = _TOP + _HEIGHT - 1 - band / (len(centres) - 1) * (_HEIGHT - 1)
        pen.line((_LEFT - _TICK_PX, y, _LEFT, y), _FAINT)
        text = f"{hertz // 1_000}k" if hertz >= 1_000 else str(hertz)  # noqa: PLR2004 - as written
        pen.text((_LEFT - _TICK_PX - 4, y), text, _INK, font, anchor="rm")
    pen.text((6, _TOP - 10), "Hz", _FAINT, font, anchor="ls")


def _seconds(pen: ImageDraw.ImageDraw, font: _Font, duration_s: float) -> None:
    """Label the time."""
    step_s = next((step for step in _STEPS_S if duration_s / step <= _MOST_TICKS), _STEPS_S[-1])
    bottom = _TOP + _HEIGHT
    for number in range(int(duration_s / step_s) + 1):
        x = _x(number * step_s, duration_s)
        pen.line((x, bottom, x, bottom + _TICK_PX), _FAINT)
        pen.text((x, bottom + _TICK_PX + 3), f"{number * step_s:g}", _INK, font, anchor="ma")
    pen.text((_LEFT + _WIDTH, _TOP + _HEIGHT + _BOTTOM - 4), "s", _FAINT, font, anchor="rs")


def _event(pen: ImageDraw.ImageDraw, font: _Font, marks: Marks, duration_s: float) -> None:
    """Dashed lines where the event begins and ends, a bar above it, and its peak."""
    begin, end = _x(marks.begins_s, duration_s), _x(marks.ends_s, duration_s)
    for x in (begin, end):
        for y in range(_TOP, _TOP + _HEIGHT, 2 * _DASH_PX):
            pen.line((x, y, x, y + _DASH_PX - 1), _MARK, 2)
    pen.rectangle((begin, _TOP - _BAR_PX - 1, max(begin + 2, end), _TOP - 2), _MARK)
    title = f"event {marks.begins_s:.1f} - {marks.ends_s:.1f} s, peak {marks.peak_s:.1f} s"
    pen.text((_LEFT + _WIDTH, _TOP - 10), title, _INK, font, anchor="rs")
    peak = _x(marks.peak_s, duration_s)
    pen.polygon(
        ((peak - 6, _TOP + _HEIGHT), (peak + 6, _TOP + _HEIGHT), (peak, _TOP + _HEIGHT - 10)), _MARK
    )


def _x(at_s: float, duration_s: float) -> float:
    return _LEFT + min(1.0, max(0.0, at_s / max(duration_s, 1e-6))) * (_WIDTH - 1)
