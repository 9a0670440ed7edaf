"""``agent.yaml`` and the environment as frozen, typed settings; reports every problem at once."""

from agent.config.broker import MqttSettings, Protocol, TlsSettings
from agent.config.loading import CONFIG_VARIABLE, ENVIRONMENT, load_settings
from agent.config.settings import (
    ClipSettings,
    CommandSettings,
    ConsoleSettings,
    EncoderSettings,
    HomeAssistantSettings,
    Language,
    LogFormat,
    LogLevel,
    LogSettings,
    MetricsSettings,
    PublishSettings,
    ReportSettings,
    Settings,
    VerdictSettings,
    WindowsSettings,
)
from agent.config.sources import (
    FileSettings,
    MicrophoneSettings,
    SourceSettings,
    StdinSettings,
    StreamSettings,
)

__all__ = [
    "CONFIG_VARIABLE",
    "ENVIRONMENT",
    "ClipSettings",
    "CommandSettings",
    "ConsoleSettings",
    "EncoderSettings",
    "FileSettings",
    "HomeAssistantSettings",
    "Language",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "MetricsSettings",
    "MicrophoneSettings",
    "MqttSettings",
    "Protocol",
    "PublishSettings",
    "ReportSettings",
    "Settings",
    "SourceSettings",
    "StdinSettings",
    "StreamSettings",
    "TlsSettings",
    "VerdictSettings",
    "WindowsSettings",
    "load_settings",
]
