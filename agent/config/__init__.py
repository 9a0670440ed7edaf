"""``agent.yaml`` and the environment as frozen, typed settings; reports every problem at once."""

from agent.config.loading import CONFIG_VARIABLE, ENVIRONMENT, load_settings
from agent.config.settings import (
    CommandSettings,
    EncoderSettings,
    FileSettings,
    LogFormat,
    LogLevel,
    LogSettings,
    MicrophoneSettings,
    MqttSettings,
    Protocol,
    PublishSettings,
    Settings,
    SourceSettings,
    StdinSettings,
    StreamSettings,
    TlsSettings,
    WindowsSettings,
)

__all__ = [
    "CONFIG_VARIABLE",
    "ENVIRONMENT",
    "CommandSettings",
    "EncoderSettings",
    "FileSettings",
    "LogFormat",
    "LogLevel",
    "LogSettings",
    "MicrophoneSettings",
    "MqttSettings",
    "Protocol",
    "PublishSettings",
    "Settings",
    "SourceSettings",
    "StdinSettings",
    "StreamSettings",
    "TlsSettings",
    "WindowsSettings",
    "load_settings",
]
