"""Input devices by names that stay the same when other devices come and go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import CaptureError
from agent.core.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = "default"

_HARDWARE = re.compile(r"\s*\(hw:(\d+),\d+\)")
_USB_PORT = re.compile(r"\d+-\d+(\.\d+)*")
_TERM = re.compile(r"(card|usb|serial)=\S+")
_PROC = Path("/proc/asound")
_SYS = Path("/sys/class/sound")


@dataclass(frozen=True, slots=True)
class Device:
    """One input device as the system shows it now."""

    index: int
    """PortAudio's number; means something else after the next listing."""
    name: str
    """PortAudio's name without the card's number, which depends on the order of discovery."""
    host_api: str
    channels: int
    """Input channels; a sound server claims more than any microphone has."""
    sample_rate_hz: int
    """The device's own."""
    is_default: bool
    identity: str = ""
    """What tells it from others of its kind: ALSA card id, USB port and serial number."""

    @property
    def label(self) -> str:
        """All that the configured name may be a part of."""
        words = f"{self.name}, {self.host_api}"
        return f"{words} [{self.identity}]" if self.identity else words


def stable_name(name: str) -> tuple[str, int | None]:
    """PortAudio's name without ``(hw:1,0)``, and the number of the ALSA card in it."""
    hardware = _HARDWARE.search(name)
    if hardware is None:
        return name, None
    return _HARDWARE.sub("", name), int(hardware[1])


def card_identity(card: int, proc: Path = _PROC, sys: Path = _SYS) -> str:
    """``card=Device usb=1-1.2 serial=A1B2`` of an ALSA card, as far as the kernel tells."""
    words = []
    card_id = _line(proc / f"card{card}" / "id")
    if card_id:
        words.append(f"card={card_id}")
    device = (sys / f"card{card}" / "device").resolve()
    for folder in (device, *device.parents):
        if _USB_PORT.fullmatch(folder.name):
            words.append(f"usb={folder.name}")
            serial = _line(folder / "serial")
            if serial:
                words.append(f"serial={serial}")
            break
    return " ".join(words)


def cards(proc: Path = _PROC) -> str:
    """The ALSA cards of now as one text, to be compared; empty where there are none."""
    try:
        return (proc / "cards").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _fits(device: Device, text: str) -> bool:
    """Whether a name has all of a text, where ``key=value`` is one of the identity, whole.

    A part would not do: ``usb=1-1`` is not the port ``1-10``, nor ``card=Device`` its twin.
    """
    words = text.split()
    terms = [word for word in words if _TERM.fullmatch(word)]
    rest = " ".join(word for word in words if word not in terms)
    known = device.identity.casefold().split()
    return bool(words) and all(term in known for term in terms) and rest in device.label.casefold()


def find_device(devices: Sequence[Device], wanted: str) -> Device:
    """The one device that a configured name means.

    Args:
        devices: what there is.
        wanted: ``default``, or a part of a label, or whole terms of the identity such as
            ``usb=1-1.2`` with or without a part of the name; capitals do not matter.

    Raises:
        CaptureError: no device has that name, or more than one; the message lists them all.
    """
    if wanted == DEFAULT:
        found = [device for device in devices if device.is_default]
    else:
        text = stable_name(wanted)[0].casefold()
        names = ((device.name, device.label) for device in devices)
        exact = [text in (name.casefold(), label.casefold()) for name, label in names]
        found = [device for device, same in zip(devices, exact, strict=True) if same]
        found = found or [device for device in devices if _fits(device, text)]
    if len(found) == 1:
        return found[0]
    there = "; ".join(f"'{device.label}'" for device in devices) or "none"
    if found:
        which = "; ".join(f"'{device.label}'" for device in found)
        raise CaptureError(
            Reason.of("device_ambiguous", device=wanted, count=len(found), found=which)
        )
    if not devices:
        raise CaptureError(Reason.of("device_none", device=wanted))
    raise CaptureError(Reason.of("device_unknown", device=wanted, found=there))


def lasting_name(devices: Sequence[Device], device: Device) -> str:
    """A text that means one device now, and goes on meaning it when others come and go.

    Its name where no other has it, else its serial number or its USB port, and all of its label
    where nothing else tells it apart.

    Args:
        devices: what there is.
        device: one of them.
    """
    identity = device.identity.split()
    terms = [term for kind in ("serial=", "usb=") for term in identity if term.startswith(kind)]
    for wanted in (device.name, *terms):
        try:
            if find_device(devices, wanted) == device:
                return wanted
        except CaptureError:
            continue
    return device.label
