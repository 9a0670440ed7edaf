"""Sound to windows as the box cuts them: of a stream, or of a recording as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.capture.level import still
from agent.core.errors import ConfigError, Problem
from agent.core.records import Block, Window
from agent.frontend.log_mel import LogMel
from agent.frontend.windows import Windower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray


def hop_frames(bundle: Bundle, hop_s: float) -> int:
    """Frames from the start of a window to that of the next.

    Raises:
        ConfigError: the hop is no whole number of the bundle's frames.
    """
    constants, tuning = bundle.manifest.frontend, bundle.manifest.tuning
    frames = hop_s * constants.frame_rate_hz
    if frames != round(frames):
        step_s = 1.0 / constants.frame_rate_hz
        remedy = f"write a multiple of {step_s:g} s, such as {tuning.hop_frames * step_s:g}"
        found = f"{hop_s:g} is not a whole number of frames"
        raise ConfigError([Problem("windows.hop_s", found, remedy)])
    return round(frames)


def own_hop_s(bundle: Bundle) -> float:
    """From window to window as the bundle was tuned for it."""
    return bundle.manifest.tuning.hop_frames / bundle.manifest.frontend.frame_rate_hz


def make_windower(bundle: Bundle, source: str, hop_s: float) -> Windower:
    """What cuts a source's stream as the box does.

    Raises:
        ConfigError: the hop is no whole number of the bundle's frames.
    """
    return Windower(
        source,
        bundle.manifest.frontend,
        bundle.manifest.tuning.window_frames,
        hop_frames(bundle, hop_s),
        LogMel.of(bundle),
    )


def windows_of(
    bundle: Bundle, source: str, blocks: Iterable[FloatArray], hop_s: float, *, rest: bool = False
) -> Iterator[Window]:
    """The windows of sound that is there already; times are seconds from its start.

    Args:
        bundle: whose windows are cut.
        source: what the sound is called.
        blocks: one after the other, float32 mono at the bundle's sample rate, any length each.
        hop_s: from window to window.
        rest: whether all of it is heard: what fills no hop by a last window that ends with the
            sound, and sound that is shorter than a window by a short one.

    Raises:
        ConfigError: the hop is no whole number of the bundle's frames.
    """
    windower = make_windower(bundle, source, hop_s)
    rate_hz, index = bundle.manifest.frontend.sample_rate_hz, 0
    for samples in blocks:
        yield from windower.push(Block(source, index, index / rate_hz, samples))
        index += len(samples)
    if rest:
        yield from windower.flush()


def whole_window(bundle: Bundle, source: str, samples: FloatArray) -> Window:
    """A recording as one window, from its start to its end."""
    duration_s = len(samples) / bundle.manifest.frontend.sample_rate_hz
    return Window(source, 0, 0.0, duration_s, LogMel.of(bundle).whole(samples))


def windows_at(
    bundle: Bundle, source: str, samples: FloatArray, at_s: Sequence[float] = ()
) -> list[Window]:
    """Windows of a recording, each within it; a short one if it is shorter than a window.

    Args:
        bundle: whose windows are cut.
        source: what the recording is called.
        samples: float32 mono at the bundle's sample rate.
        at_s: where they start, seconds from its start; at each hop of the bundle's if empty.
    """
    constants, tuning = bundle.manifest.frontend, bundle.manifest.tuning
    frames = LogMel.of(bundle).whole(samples)
    size, rate_hz = tuning.window_frames, constants.frame_rate_hz
    last = max(0, frames.shape[1] - size)
    starts = [min(max(0, round(second * rate_hz)), last) for second in at_s]
    return [
        Window(
            source,
            start * constants.hop_length,
            start / rate_hz,
            min(size, frames.shape[1]) / rate_hz,
            frames[:, start : start + size],
        )
        for start in starts or range(0, last + 1, tuning.hop_frames)
    ]


def holding_sound(
    windows: Sequence[Window], samples: FloatArray, rate_hz: int, begins_at: float = 0.0
) -> list[bool]:
    """Which windows hold anything but digital silence, or a value that stands still.

    To the model silence is a sound like any other, and one that stands out from what is usual: as
    an example it would alarm whenever a microphone is muted.

    Args:
        windows: of one source.
        samples: that they were cut from, full scale at 1.0, shape ``(samples,)``.
        rate_hz: of the samples.
        begins_at: time of the first sample, as the windows tell theirs, in seconds.

    Returns:
        One for each window; true where its samples are not there.
    """
    found = []
    for window in windows:
        first = round((window.captured_at - begins_at) * rate_hz)
        piece = samples[max(0, first) : max(0, first + round(window.duration_s * rate_hz))]
        found.append(len(piece) == 0 or not still(piece))
    return found
