"""Sound files heard as the box hears its sources: windows, views, matches, detections.

Files are streamed: however long one is, no more than some seconds of it are held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.capture.audiofile import iter_audio, log_remark
from agent.capture.mixdown import Mixdown
from agent.config.channels import OPTION
from agent.core.errors import AudioFileError
from agent.core.names import shown
from agent.encoder.audio import Encoder
from agent.hearing.recogniser import embedded
from agent.hearing.windows import hop_frames, own_hop_s, whole_window, windows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.records import Detection, FloatArray, Match, Views, Window
    from agent.hearing.recogniser import Recogniser
    from agent.matcher.matcher import Matcher

LONGEST_WHOLE_S = 60.0
"""Of a file that is heard as one window. The tower takes the mean of what it hears: of the demo's
siren, five seconds over its machines, which scores 6.9 in ten seconds, 2.1 is left in a minute and
nothing in two. A minute takes 160 MB, five would take 460."""

_BLOCK_S = 1.0


@dataclass(frozen=True, slots=True)
class FileHearing:
    """The box's way from sound to views, for files; each is heard by itself."""

    bundle: Bundle
    encoder: Encoder
    hop_s: float
    remark: Callable[[str], None] = log_remark
    """Told, in a line, what is odd about a file that is heard all the same."""
    channels: tuple[int, ...] | None = None
    """Channels that are mixed, counted from 1; all of them if ``None``."""

    @classmethod
    def of(cls, bundle: Bundle, hop_s: float | None = None, *, threads: int = 1) -> FileHearing:
        """Load the tower.

        Args:
            bundle: the model.
            hop_s: from window to window; the bundle's own if ``None``.
            threads: to compute with.

        Raises:
            BundleError: the bundle does not fit.
            ConfigError: the hop is no whole number of the bundle's frames.
        """
        if hop_s is None:
            hop_s = own_hop_s(bundle)
        hop_frames(bundle, hop_s)
        return cls(bundle, Encoder(bundle, threads=threads), hop_s)

    @property
    def rate_hz(self) -> int:
        """Samples a second of all that is heard."""
        return self.bundle.manifest.frontend.sample_rate_hz

    def samples(self, path: Path) -> int:
        """How many samples a file holds, found by reading all of it.

        Asked before results are shown as they come: half of a recording would pass for the whole.

        Raises:
            AudioFileError: the file cannot be read to its end.
        """
        # What is odd is told when the file is heard.
        return sum(map(len, self._blocks(path, remark=lambda _: None)))

    def windows(self, path: Path, *, rest: bool = True) -> Iterator[Window]:
        """A file's windows; times are seconds from its start.

        Args:
            path: of the file.
            rest: whether all of it is heard: what fills no hop by a last window that ends with the
                file, and a file that is shorter than a window by a short one.

        Raises:
            AudioFileError: the file cannot be read, as soon as that is found.
        """
        blocks = self._blocks(path, self.remark)
        return windows_of(self.bundle, shown(path.name), blocks, self.hop_s, rest=rest)

    def embedded(self, path: Path, *, rest: bool = True) -> Iterator[tuple[list[Window], Views]]:
        """Some windows at a time with the views of them; see :meth:`windows`."""
        return embedded(self.encoder, self.windows(path, rest=rest))

    def matches(self, path: Path, matcher: Matcher, *, whole: bool = False) -> Iterator[Match]:
        """A file's windows, or all of it as one, compared with every description.

        Args:
            path: of the file.
            matcher: of the descriptions.
            whole: whether it is one window, see :meth:`whole`; else see :meth:`windows`.

        Raises:
            AudioFileError: the file cannot be read, as soon as that is found.
        """
        windows = [self.whole(path)] if whole else self.windows(path)
        for some, views in embedded(self.encoder, windows):
            yield from matcher.match(some, views)

    def detections(self, path: Path, recogniser: Recogniser) -> Iterator[Detection]:
        """What would be reported of a file, as a source that begins and ends with it.

        Args:
            path: of the file.
            recogniser: that has heard nothing yet.

        Raises:
            AudioFileError: the file cannot be read, as soon as that is found.
        """
        return recogniser.detections(self.embedded(path))

    def whole(self, path: Path) -> Window:
        """A file as one window, from its start to its end.

        Raises:
            AudioFileError: the file cannot be read, or is longer than :data:`LONGEST_WHOLE_S`.
        """
        remedy = f"leave out --whole, or cut it to at most {LONGEST_WHOLE_S:.0f} s"
        mixdown = Mixdown(self.channels)
        samples = read_short(
            path, self.rate_hz, LONGEST_WHOLE_S, remedy, mixdown=mixdown, remark=self.remark
        )
        _tell_channels(path, mixdown, self.remark)
        return whole_window(self.bundle, shown(path.name), samples)

    def _blocks(self, path: Path, remark: Callable[[str], None]) -> Iterator[FloatArray]:
        mixdown, block = Mixdown(self.channels), round(_BLOCK_S * self.rate_hz)
        yield from iter_audio(path, self.rate_hz, block, mixdown=mixdown, remark=remark)
        _tell_channels(path, mixdown, remark)


def _tell_channels(path: Path, mixdown: Mixdown, remark: Callable[[str], None]) -> None:
    """Say what is wrong with the channels of a file that was heard, if anything is."""
    if choice := mixdown.last_choice:
        remark(f"{shown(path)}: {choice}; choose with {OPTION}")


def read_short(
    path: Path,
    rate_hz: int,
    longest_s: float,
    remedy: str,
    *,
    mixdown: Mixdown | None = None,
    remark: Callable[[str], None] = log_remark,
) -> FloatArray:
    """All of a file that has to be short; of one that is not, no more is held.

    Args:
        path: of the file.
        rate_hz: to resample to.
        longest_s: that it may last.
        remedy: what to do with a longer one.
        mixdown: of its channels; one of all channels if ``None``.
        remark: told, in a line, what is odd about the file although it is read.

    Returns:
        As :func:`agent.capture.audiofile.read_audio`.

    Raises:
        AudioFileError: the file cannot be read, or is longer.
    """
    block = round(longest_s * rate_hz)
    blocks = iter_audio(path, rate_hz, block, mixdown=mixdown, remark=remark)
    samples = next(blocks)
    if rest := sum(map(len, blocks)):
        lasts_s = (len(samples) + rest) / rate_hz
        raise AudioFileError(f"{path}: lasts {lasts_s:.0f} s; {remedy}")
    return samples
