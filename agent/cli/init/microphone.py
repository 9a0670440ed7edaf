"""The question of the microphone: it is heard before it is taken."""

from __future__ import annotations

import select
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from rich.text import Text

from agent.capture.build import make_source
from agent.capture.devices import lasting_name
from agent.capture.portaudio import list_devices
from agent.cli.init.answers import DEFAULT_DEVICE
from agent.cli.levels import bar, levels
from agent.cli.reasons import told
from agent.config import MicrophoneSettings
from agent.core.clock import SystemClock
from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.capture.devices import Device
    from agent.cli.init.asking import Terminal

_RATE_HZ = 32_000
_INTERVAL_S = 0.1
_AGAIN, _SKIP = "r", "s"


def ask_microphone(terminal: Terminal) -> str:
    """The name of a microphone that somebody has seen to be the right one.

    Raises:
        EOFError: the terminal was closed.
    """
    while True:
        try:
            devices = list_devices()
            if not devices:
                raise CaptureError(Reason.of("device_none", device=DEFAULT_DEVICE))
            device = _chosen(terminal, devices)
            wanted = lasting_name(devices, device)
            terminal.tell(terminal.words("meter", device=device.label))
            heard = _watched(terminal, wanted)
        except CaptureError as error:
            terminal.tell(told(str(error), terminal.words.language))
            if terminal.choose("microphone_fails", {_AGAIN, _SKIP}, _AGAIN) == _SKIP:
                return DEFAULT_DEVICE
            continue
        if not heard:
            terminal.tell(terminal.words("microphone_silent"))
        if terminal.agreed("microphone_right", default=heard, device=device.label):
            return wanted


def _chosen(terminal: Terminal, devices: Sequence[Device]) -> Device:
    """One of several, by its number; the only one unasked."""
    if len(devices) == 1:
        return devices[0]
    for number, device in enumerate(devices, start=1):
        terminal.tell(f"  {number}  {device.label}")

    def read(answer: str) -> Device:
        number = int(answer)
        if not 1 <= number <= len(devices):
            raise ValueError
        return devices[number - 1]

    usual = 1
    for number, device in enumerate(devices, start=1):
        if device.is_default:
            usual = number
    return terminal.ask("microphone", str(usual), read, count=len(devices))


def _watched(terminal: Terminal, wanted: str) -> bool:
    """Show how loud it is until a line is typed; whether anything but silence came.

    Raises:
        CaptureError: it cannot be opened, or is lost.
        EOFError: the terminal was closed.
    """
    clock = SystemClock()
    source = make_source(MicrophoneSettings("mic1", wanted), _RATE_HZ, clock)
    heard = False
    with closing(levels(source, _RATE_HZ, clock, _INTERVAL_S)) as measured:
        for level in measured:
            if level is not None:
                heard = heard or level.rms_dbfs is not None
                terminal.draw(_meter(terminal, level.rms_dbfs))
            if select.select([sys.stdin], [], [], 0.0)[0]:
                terminal.line("", "")
                break
    return heard


def _meter(terminal: Terminal, level_dbfs: float | None) -> Text:
    shown = terminal.words("silence") if level_dbfs is None else f"{level_dbfs:6.1f} dBFS"
    return Text(f"  {shown}  ").append_text(bar(level_dbfs))
