"""The settings of a site: one frozen dataclass for each subsystem."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from agent.config import secret
from agent.core.errors import BrokerError

if TYPE_CHECKING:
    from agent.config.shifts import Shift
from agent.config.speech import SpeechPolicy

PORT = 1_883
PORT_TLS = 8_883
DAY_S = 86_400


class Protocol(StrEnum):
    """Which version of MQTT to speak."""

    AUTO = "auto"
    """5, and 3.1.1 with a broker that does not speak it."""
    V5 = "5"
    V311 = "3.1.1"


class LogLevel(StrEnum):
    """The least important line that is still logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class MicrophoneSettings:
    """A microphone of this machine."""

    name: str
    device: str = "default"
    """``default``, or a part of the device's stable name as ``kikimimi devices`` prints it."""
    channels: tuple[int, ...] = (1,)
    """Channels that are mixed, counted from 1."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """A sound file in place of a microphone."""

    name: str
    path: Path
    loop: bool = False
    """Whether to start again at the end."""
    realtime: bool = True
    """Whether to play at the speed of sound's own time, not as fast as possible."""
    speed: float = 1.0
    """Sound's time over real time where played in real time: 20 for twenty times as fast."""
    channels: tuple[int, ...] | None = None
    """Channels that are mixed, counted from 1; all of them if ``None``."""


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


LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
"""Of raw samples and of WAV on standard input."""
MOST_CHANNELS = 64
"""Likewise."""


@dataclass(frozen=True, slots=True)
class StdinSettings:
    """Sound on standard input: WAV, which is known by its header, or else raw samples."""

    name: str
    format: Encoding = Encoding.F32
    """Of raw samples ..."""
    rate_hz: int | None = None
    """... and how many of them make a second; the bundle's rate where ``None`` ..."""
    channel_count: int = 1
    """... and how many channels follow each other in it."""
    channels: tuple[int, ...] | None = None
    """Channels that are mixed, counted from 1; all of them if ``None``."""


STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtp", "udp", "srt", "tcp")
"""What the URL of a stream may start with: the network, never the box's own files."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """A camera or another sender on the network, decoded by ffmpeg."""

    name: str
    url: str = field(repr=False)
    """With one of :data:`STREAM_SCHEMES`; may hold a user name and a password."""
    track: int = 1
    """Which of its sound tracks is heard, counted from 1."""
    channels: tuple[int, ...] | None = None
    """Channels of the track that are mixed, counted from 1; all of them if ``None``."""


SourceSettings: TypeAlias = MicrophoneSettings | FileSettings | StdinSettings | StreamSettings


@dataclass(frozen=True, slots=True)
class WindowsSettings:
    """How the stream is cut for the model."""

    hop_s: float = 0.5
    """Seconds from the start of one window to the start of the next."""
    queue_windows: int = 20
    """Windows that may wait for the model; when more do, the oldest are dropped and counted."""


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How the model runs."""

    threads: int = 1


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the broker and this box prove who they are."""

    ca_file: Path | None = None
    """Certificates to trust, PEM; the system's own where ``None``."""
    cert_file: Path | None = None
    """This box's certificate, PEM."""
    key_file: Path | None = None
    """The certificate's private key, PEM, without passphrase."""
    insecure: bool = False
    """Accept a certificate made for another host name."""


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The broker and how to talk to it. Holds no secret: the password stays in its file."""

    enabled: bool = True
    host: str = "localhost"
    port: int = PORT
    prefix: str = "kikimimi"
    """What all topics start with; may have several levels."""
    username: str | None = None
    password_file: Path | None = None
    tls: TlsSettings | None = None
    """``None``: not encrypted."""
    keepalive_s: int = 30
    session_expiry_s: int = 7 * DAY_S
    """How long the broker keeps verdicts for a box that is away."""
    protocol: Protocol = Protocol.AUTO

    def password(self) -> str | None:
        """The password as its file holds it now.

        Raises:
            BrokerError: the file cannot be read or holds no password. Tells nothing of what it
                holds, and neither does the error that caused it.
        """
        if self.password_file is None:
            return None
        try:
            with self.password_file.open("rb") as file:
                raw = file.read(secret.MAX_BYTES + 1)
            return secret.password_of(raw)
        except OSError as error:
            reason = f"{error.strerror or error}; name a readable file"
        except ValueError as error:
            reason = str(error)
        raise BrokerError(f"mqtt.password_file {self.password_file}: {reason}")


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """What may be asked of this box by MQTT."""

    enabled: bool = True
    """Whether commands are listened to at all."""
    mute_longest_s: float = 28_800.0
    """Longest time for which descriptions may be silenced."""
    per_minute: float = 30.0
    """Commands of one kind that are carried out in a minute, in the long run."""


@dataclass(frozen=True, slots=True)
class VerdictSettings:
    """What people may do with their verdicts."""

    undo_s: float = 900.0
    """How long after it came in a verdict can be taken back."""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """The sound around each alert."""

    enabled: bool = True
    """Whether any is kept."""
    pre_roll_s: float = 5.0
    """Seconds before the event ..."""
    post_roll_s: float = 5.0
    """... and after it."""
    longest_s: float = 30.0
    """Of a whole clip."""
    quota_bytes: int = 2_000_000_000
    """Of all files together."""
    keep_days: float = 30.0
    """How long a clip without an answer is kept."""
    keep_per_description: int = 5
    """The newest of each description, which stay longer."""
    speech: SpeechPolicy = SpeechPolicy.SCRAMBLE
    """What is done where people speak."""


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What is published beside alerts."""

    scores: bool = False
    """Whether each window's scores are published, for dashboards."""
    level_interval_s: float = 1.0
    health_interval_s: float = 10.0


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The local web page where people answer alerts (``kikimimi console``)."""

    host: str = "127.0.0.1"
    """Address to listen on; any but this machine's own asks for a password."""
    port: int = 8_765
    names: tuple[str, ...] = ()
    """Host names that people open it by, beside those of this machine."""
    cert_file: Path | None = None
    """Its certificate for HTTPS, PEM; ``None``: HTTP."""
    key_file: Path | None = None
    session_s: float = 43_200.0
    """How long a login lasts."""
    username: str | None = None
    """At the broker; that of ``mqtt`` where ``None``."""
    password_file: Path | None = None
    """At the broker."""
    tasks: Path | None = None
    """Pairs to rate, as ``python -m training select`` writes them."""
    recordings: Path | None = None
    """Folder at which their relative paths start."""
    ratings: Path | None = None
    """Folder for the ratings; below ``state_dir`` where ``None``."""

    @property
    def is_local(self) -> bool:
        """Whether the address is reached from this machine only."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """The clock by which ``kikimimi report`` counts."""

    timezone: str | None = None
    """Of the IANA's list, such as ``Asia/Tokyo``; that of the machine where ``None``."""
    shifts: tuple[Shift, ...] = ()
    hours_per_day: float = 24.0
    """For which the box is on."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log on standard error."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.TEXT


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a site chooses, apart from what to listen for."""

    node: str
    """Name of this box in topics, and its MQTT client id; by default its host name."""
    state_dir: Path
    """Where alerts, clips and caches are kept; by default where the system keeps such things."""
    site: str = "default"
    bundle: Path | None = None
    """Folder of the model; the one that ships with the package where ``None``."""
    descriptions: Path = Path("descriptions.ja.yaml")
    sources: tuple[SourceSettings, ...] = (MicrophoneSettings(name="mic1"),)
    windows: WindowsSettings = WindowsSettings()
    encoder: EncoderSettings = EncoderSettings()
    mqtt: MqttSettings = MqttSettings()
    commands: CommandSettings = CommandSettings()
    verdicts: VerdictSettings = VerdictSettings()
    clips: ClipSettings = ClipSettings()
    publish: PublishSettings = PublishSettings()
    log: LogSettings = LogSettings()
    console: ConsoleSettings = ConsoleSettings()
    report: ReportSettings = ReportSettings()
