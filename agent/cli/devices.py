"""``kikimimi devices``: the microphones of this machine."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from agent.capture.portaudio import list_devices

if TYPE_CHECKING:
    import argparse

_FIELDS = ("name", "host_api", "channels", "sample_rate_hz", "is_default", "identity")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def run(arguments: argparse.Namespace) -> int:
    """List; 1 if there is none.

    Raises:
        CaptureError: there is no way to look for them.
    """
    devices = list_devices()
    if arguments.json:
        print(
            json.dumps([{f: getattr(device, f) for f in _FIELDS} for device in devices], indent=2)
        )
        return 0
    if not devices:
        print("no microphone: plug one in and see that `arecord -l` lists it", file=sys.stderr)
        return 1
    for device in devices:
        mark = "*" if device.is_default else " "
        print(f"{mark} {device.label}: {device.channels} channels, {device.sample_rate_hz} Hz")
    return 0
