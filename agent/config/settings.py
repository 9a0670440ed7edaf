"""The settings of a site: one frozen dataclass for each subsystem.

A field is a setting: its type and bounds are how it is read, see :mod:`agent.config.reader`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from agent.config import fields
from agent.config.broker import MqttSettings, SecretFile, TcpPort
from agent.config.fields import DAY_S
from agent.config.reader import Between, By, From
from agent.config.shifts import Shift, conflict, shift, zone_name
from agent.config.sources import MicrophoneSettings, SourceSettings, read_sources
from agent.config.speech import SpeechPolicy

if TYPE_CHECKING:
    from agent.config.table import Table

_MQTT = MqttSettings()
_TopicLevel: TypeAlias = Annotated[str, By(fields.topic_level)]
_Interval: TypeAlias = Annotated[float, Between(0.1, 3_600.0, unit="s")]
_Roll: TypeAlias = Annotated[float, Between(0.0, 60.0, unit="s")]


def _is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
class WindowsSettings:
    """How the stream is cut for the model."""

    hop_s: Annotated[float, Between(0.1, 10.0, unit="s")] = 0.5
    """Seconds from the start of one window to the start of the next."""
    queue_windows: Annotated[int, Between(1, 10_000, unit="windows")] = 20
    """Windows that may wait for the model; when more do, the oldest are dropped and counted."""


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How the model runs."""

    threads: Annotated[int, Between(1, 64)] = 1
    """Processor threads of the model."""


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """What may be asked of this box by MQTT."""

    enabled: bool = True
    """Whether commands are listened to at all."""
    mute_longest_s: Annotated[float, Between(1.0, DAY_S, unit="s")] = 28_800.0
    """Longest time for which descriptions may be silenced."""
    per_minute: Annotated[float, Between(1.0, 600.0)] = 30.0
    """Commands of one kind that are carried out in a minute, in the long run."""
    threshold_lowest: Annotated[float, Between(0.0, 100.0)] = 2.0
    """Lowest threshold that may be set by MQTT, in standard deviations over other sounds."""
    threshold_highest: Annotated[float, Between(0.0, 100.0)] = 12.0
    """Highest one."""

    def checked(self, table: Table) -> CommandSettings:
        """Itself; there is a threshold that may be set."""
        if self.threshold_lowest > self.threshold_highest:
            table.report(
                "threshold_lowest",
                f"is {self.threshold_lowest:g}, over threshold_highest "
                f"({self.threshold_highest:g})",
                "write a lower one",
            )
        return self


@dataclass(frozen=True, slots=True)
class VerdictSettings:
    """What people may do with their verdicts."""

    undo_s: Annotated[float, Between(0.0, DAY_S, unit="s")] = 900.0
    """How long after it came in a verdict can be taken back."""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """The sound around each alert."""

    enabled: bool = True
    """Whether any is kept."""
    pre_roll_s: _Roll = 5.0
    """Seconds that are kept before the event."""
    post_roll_s: _Roll = 5.0
    """Seconds that are kept after the event."""
    longest_s: Annotated[float, Between(2.0, 120.0, unit="s")] = 30.0
    """Seconds of a whole clip at most."""
    quota_bytes: Annotated[int, By(fields.size, name="quota")] = 2_000_000_000
    """Room for the files of all clips together."""
    keep_days: Annotated[float, Between(0.04, 3_650.0, unit="d")] = 30.0
    """How long a clip without an answer is kept."""
    keep_per_description: Annotated[int, Between(0, 10_000)] = 5
    """So many of the newest clips of each description stay longer."""
    speech: SpeechPolicy = SpeechPolicy.SCRAMBLE
    """What is done where people speak."""
    memory_s: Annotated[float, By(fields.duration_or_off(60.0, 1_800.0), name="memory")] = 600.0
    """For how long each source is remembered, in memory alone, for sounds that raised no alert;
    0: not at all."""

    def checked(self, table: Table) -> ClipSettings:
        """Itself; a clip has room for more than what was before the event."""
        if self.longest_s <= self.pre_roll_s:
            table.report(
                "longest_s",
                f"is {self.longest_s:g}, no longer than pre_roll_s ({self.pre_roll_s:g})",
                "write more, so that the event itself is in the clip",
            )
        return self


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What is published beside alerts."""

    scores: bool = False
    """Whether each window's scores are published, for dashboards."""
    level_interval_s: _Interval = 1.0
    """Seconds between two levels of a source."""
    health_interval_s: _Interval = 10.0
    """Seconds between two health messages; a change of state is published at once."""


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """The local web page where people answer alerts (``kikimimi console``)."""

    host: Annotated[str, By(fields.host_name)] = "127.0.0.1"
    """Address to listen on; any but this machine's own asks for a password."""
    port: TcpPort = 8_765
    """TCP port to listen on."""
    names: tuple[Annotated[str, By(fields.host_name)], ...] = ()
    """Host names that people open it by, beside those of this machine."""
    cert_file: SecretFile | None = None
    """Its certificate for HTTPS, PEM; ``None``: HTTP."""
    key_file: SecretFile | None = None
    """The certificate's private key, PEM, without passphrase."""
    session_s: Annotated[float, Between(300.0, 30 * DAY_S, unit="s")] = 43_200.0
    """How long a login lasts."""
    username: str | None = None
    """Of the console at the broker; that of ``mqtt`` where ``None``."""
    password_file: SecretFile | None = None
    """Holds the password of that login on its first line."""
    tasks: Path | None = None
    """Pairs to rate, as ``python -m training select`` writes them."""
    recordings: Path | None = None
    """Folder at which the relative paths of ``tasks`` start."""
    ratings: Path | None = None
    """Folder for the ratings; below ``state_dir`` where ``None``."""

    @property
    def is_local(self) -> bool:
        """Whether the address is reached from this machine only."""
        return _is_loopback(self.host)

    def checked(self, table: Table) -> ConsoleSettings:
        """Itself; certificate and key belong together, and a password to a login."""
        table.needs("cert_file", "key_file")
        table.needs("key_file", "cert_file")
        table.needs("password_file", "username")
        return self


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """The clock by which ``kikimimi report`` counts."""

    timezone: Annotated[str, By(zone_name)] | None = None
    """Of the IANA's list, such as ``Asia/Tokyo``; that of the machine where ``None``."""
    shifts: tuple[Annotated[Shift, By(shift)], ...] = ()
    """The site's own shifts, none of which overlap."""
    hours_per_day: Annotated[float, Between(0.1, 24.0, unit="h")] = 24.0
    """For which the box is on."""

    def checked(self, table: Table) -> ReportSettings:
        """Itself; shifts stand beside each other."""
        if problem := conflict(self.shifts):
            table.report("shifts", "do not fit beside each other", problem)
        return self


class Language(StrEnum):
    """Of the names that Home Assistant shows."""

    AUTO = "auto"
    """Japanese where a description is, else English."""
    JA = "ja"
    EN = "en"


@dataclass(frozen=True, slots=True)
class HomeAssistantSettings:
    """How Home Assistant finds this box at the broker."""

    discovery: bool = False
    """Whether it is told of the box at all."""
    prefix: Annotated[str, By(fields.topic_prefix)] = "homeassistant"
    """What it listens below: the discovery prefix of its MQTT integration."""
    birth_topic: Annotated[str, By(fields.topic_prefix)] = "homeassistant/status"
    """Where it says that it has started."""
    language: Language = Language.AUTO
    """Of the names that it shows."""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """What Prometheus may collect from the agent (``GET /metrics``)."""

    enabled: bool = False
    """Whether the agent listens for it at all."""
    host: Annotated[str, By(fields.host_name)] = "127.0.0.1"
    """Address to listen on; no password is asked for."""
    port: TcpPort = 9_765
    """TCP port to listen on."""

    @property
    def is_local(self) -> bool:
        """Whether the address is reached from this machine only."""
        return _is_loopback(self.host)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log on standard error."""

    level: LogLevel = LogLevel.INFO
    """The least important line that is written."""
    format: LogFormat = LogFormat.TEXT
    """How a line is written."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a site chooses, apart from what to listen for."""

    node: _TopicLevel
    """Name of this box in topics, and its MQTT client id; by default its host name."""
    state_dir: Path
    """Where alerts, clips and caches are kept; by default where the system keeps such things."""
    site: _TopicLevel = "default"
    """Where the box stands: a level of every topic."""
    bundle: Path | None = None
    """Folder of the model; the one that ships with the package where ``None``."""
    descriptions: Path = Path("descriptions.ja.yaml")
    """What to listen for; by default beside the file of the settings."""
    sources: Annotated[tuple[SourceSettings, ...], From(read_sources)] = (
        MicrophoneSettings(name="mic1"),
    )
    """What to listen to."""
    windows: WindowsSettings = WindowsSettings()
    """How the stream is cut for the model."""
    encoder: EncoderSettings = EncoderSettings()
    """How the model runs."""
    mqtt: MqttSettings = _MQTT
    """The broker and how to talk to it."""
    commands: CommandSettings = CommandSettings()
    """What may be asked of this box by MQTT."""
    verdicts: VerdictSettings = VerdictSettings()
    """What people may do with their verdicts."""
    clips: ClipSettings = ClipSettings()
    """The sound that is kept around each alert."""
    publish: PublishSettings = PublishSettings()
    """What is published beside alerts."""
    log: LogSettings = LogSettings()
    """The log on standard error."""
    console: ConsoleSettings = ConsoleSettings()
    """The local web page."""
    report: ReportSettings = ReportSettings()
    """The clock by which reports count."""
    metrics: MetricsSettings = MetricsSettings()
    """What Prometheus may collect."""
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    """How Home Assistant finds this box."""
