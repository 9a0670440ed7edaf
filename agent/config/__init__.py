"""``agent.yaml`` and the environment as frozen, typed settings; reports every problem at once."""

from agent.config.loading import CONFIG_VARIABLE, ENVIRONMENT, load_settings
from agent.config.settings import (
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
    TlsSettings,
    WindowsSettings,
)

__all__ = [
    "CONFIG_VARIABLE",
    "ENVIRONMENT",
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
    "TlsSettings",
    "WindowsSettings",
    "load_settings",
]
