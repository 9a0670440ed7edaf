"""What a box listens to: the settings of each kind of source, and which of them a file asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from agent.config import channels, fields
from agent.config.reader import Between, From, Place, read_new

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.config.table import Table

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
"""Of raw samples and of WAV on standard input."""
MOST_CHANNELS = 64
"""Of raw samples and of WAV on standard input."""
STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtp", "udp", "srt", "tcp")
"""What the URL of a stream may start with: the network, never the box's own files."""

_MAX_SOURCES = 32
_Channels: TypeAlias = Annotated[tuple[int, ...], From(lambda table, _: channels.read(table))]


def _path(table: Table, place: Place) -> Path:
    """Of a file; a missing or wrong one is told, and stands in for it to look at the rest."""
    return table.required("path", fields.path(place.base)) or Path()


def _url(table: Table, _place: Place) -> str:
    """Where a stream comes from; a wrong one is not shown, since it may hold a password."""
    url = table.required("url", fields.text()) or ""
    scheme, _, rest = url.partition("://")
    if url and (scheme not in STREAM_SCHEMES or not rest or " " in url):
        remedy = f"write one such as rtsp://camera/audio ({', '.join(STREAM_SCHEMES)})"
        table.report("url", "is no URL of a stream", remedy)
    return url


class Encoding(StrEnum):
    """How a raw sample is written, little-endian."""

    U8 = "u8"
    S16 = "s16le"
    S24 = "s24le"
    S32 = "s32le"
    F32 = "f32le"
    F64 = "f64le"

    @property
    def bytes(self) -> int:
        """Size of a sample."""
        return {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4, "f64le": 8}[self]

    @property
    def is_float(self) -> bool:
        """Whether it can hold what is no sample: NaN, infinity, numbers beyond all measure."""
        return self in {Encoding.F32, Encoding.F64}


@dataclass(frozen=True, slots=True)
class MicrophoneSettings:
    """A microphone of this machine."""

    name: str
    """Names the source in topics."""
    device: str = "default"
    """``default``, or a part of the device's stable name as ``kikimimi devices`` prints it."""
    channels: _Channels = (1,)
    """Channels that are mixed, counted from 1."""
    live: ClassVar[bool] = True
    """Whether its sound goes on whether it is heard or not."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """A sound file in place of a microphone."""

    name: str
    """Names the source in topics."""
    path: Annotated[Path, From(_path)]
    """The file, of any kind that can be decoded."""
    loop: bool = False
    """Whether to start again at the end."""
    realtime: bool = True
    """Whether to play at the speed of sound's own time, not as fast as possible."""
    speed: Annotated[float, Between(0.1, 100.0)] = 1.0
    """Sound's time over real time where played in real time: 20 for twenty times as fast."""
    channels: _Channels | None = None
    """Channels that are mixed, counted from 1; all of them if ``None``."""

    @property
    def live(self) -> bool:
        """Whether its sound goes on whether it is heard or not."""
        return self.realtime

    def checked(self, table: Table) -> FileSettings:
        """Itself; there is no speed where the file is read as fast as possible."""
        if not self.realtime and table.has("speed"):
            table.report("speed", "is given, but realtime is false", "leave one of them out")
        return self


@dataclass(frozen=True, slots=True)
class StdinSettings:
    """Sound on standard input: WAV, which is known by its header, or else raw samples."""

    name: str
    """Names the source in topics."""
    format: Encoding = Encoding.F32
    """How raw samples are written."""
    rate_hz: Annotated[int, Between(LOWEST_RATE_HZ, HIGHEST_RATE_HZ, unit="Hz")] | None = None
    """How many raw samples make a second; the bundle's rate where ``None``."""
    channel_count: Annotated[int, Between(1, MOST_CHANNELS)] = 1
    """How many channels follow each other in raw samples."""
    channels: _Channels | None = None
    """Channels that are mixed, counted from 1; all of them if ``None``."""
    live: ClassVar[bool] = False
    """Whether its sound goes on whether it is heard or not."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """A camera or another sender on the network, decoded by ffmpeg."""

    name: str
    """Names the source in topics."""
    url: Annotated[str, From(_url)] = field(repr=False)
    """With one of :data:`STREAM_SCHEMES`; may hold a user name and a password."""
    track: Annotated[int, Between(1, 64)] = 1
    """Which of its sound tracks is heard, counted from 1."""
    channels: _Channels | None = None
    """Channels of the track that are mixed, counted from 1; all of them if ``None``."""
    live: ClassVar[bool] = True
    """Whether its sound goes on whether it is heard or not."""


SourceSettings: TypeAlias = MicrophoneSettings | FileSettings | StdinSettings | StreamSettings


class _Kind(StrEnum):
    """What stands behind a source."""

    MICROPHONE = "microphone"
    FILE = "file"
    STDIN = "stdin"
    STREAM = "stream"


KINDS: Mapping[_Kind, type[SourceSettings]] = {
    _Kind.MICROPHONE: MicrophoneSettings,
    _Kind.FILE: FileSettings,
    _Kind.STDIN: StdinSettings,
    _Kind.STREAM: StreamSettings,
}
"""The settings of each kind of source, by what ``kind`` says in the file."""


def read_sources(table: Table, place: Place) -> tuple[SourceSettings, ...] | None:
    """The field ``sources``; ``None`` where it is left out or wrong."""
    tables = table.tables("sources")
    if len(tables) > _MAX_SOURCES:
        table.report("sources", f"has {len(tables)} sources", f"write at most {_MAX_SOURCES}")
        return None
    sources: list[SourceSettings] = []
    for number, one in enumerate(tables, start=1):
        source = _source(one, f"mic{number}", place)
        if any(source.name == other.name for other in sources):
            one.report("name", f"is {source.name!r} again", "give each source its own name")
        stdin_taken = any(isinstance(other, StdinSettings) for other in sources)
        if isinstance(source, StdinSettings) and stdin_taken:
            one.report("kind", "is stdin again", "keep one source on standard input")
        sources.append(source)
    return tuple(sources) or None


def _source(table: Table, default_name: str, place: Place) -> SourceSettings:
    """A source of the kind that it states, or a microphone in place of one that is wrong."""
    name = table.required("name", fields.topic_level) or default_name
    kind = table.value("kind", fields.choice(_Kind), None)
    if kind is None and table.has("kind"):
        # Which fields belong to it cannot be told.
        return MicrophoneSettings(name)
    settings = KINDS[kind or _Kind.MICROPHONE]
    return read_new(table, settings, place, name=name) or MicrophoneSettings(name)
