"""Nothing is told to the makers of libraries: what they would send or fetch is switched off.

ONNX Runtime sends usage statistics by default. It reads its variable when it is loaded, writes an
identifier of the device and a queue of events below ``HOME`` and sends them some seconds later.
"""

from __future__ import annotations

import os

SWITCHED_OFF = (
    ("ORT_DISABLE_TELEMETRY", "1"),
    # tokenizers can fetch what it is asked for by name; here it only reads files.
    ("HF_HUB_OFFLINE", "1"),
    ("HF_HUB_DISABLE_TELEMETRY", "1"),
    # Ray reports its use by default.
    ("RAY_USAGE_STATS_ENABLED", "0"),
)
"""Names and values of environment variables; the unit files hold them, too."""


def switch_off() -> None:
    """Set the variables for this process and all that it starts, whatever stood there.

    To be called before any library that reads them is loaded: the package does it first of all.
    """
    os.environ.update(SWITCHED_OFF)
