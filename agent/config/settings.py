"""The settings of a site: one frozen dataclass for each subsystem."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from agent.errors import BrokerError

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


@dataclass(frozen=True, slots=True)
class StdinSettings:
    """Raw sound on standard input: float32, little-endian, mono, at the bundle's sample rate."""

    name: str


SourceSettings: TypeAlias = MicrophoneSettings | FileSettings | StdinSettings


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
        """The password as its file holds it now, without the line's end.

        Raises:
            BrokerError: the file cannot be read.
        """
        if self.password_file is None:
            return None
        try:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            message = f"mqtt.password_file {self.password_file}: {reason}; name a readable file"
            raise BrokerError(message) from error


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What is published beside alerts."""

    scores: bool = False
    """Whether each window's scores are published, for dashboards."""
    level_interval_s: float = 1.0
    health_interval_s: float = 10.0


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
    publish: PublishSettings = PublishSettings()
    log: LogSettings = LogSettings()
