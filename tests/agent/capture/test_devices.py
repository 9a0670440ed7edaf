"""Devices by stable names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.capture.devices import Device, card_identity, cards, find_device, stable_name
from agent.core.errors import CaptureError

if TYPE_CHECKING:
    from pathlib import Path


def device(name: str, identity: str = "", *, is_default: bool = False) -> Device:
    """An input device of ALSA."""
    return Device(0, name, "ALSA", 2, 48_000, is_default, identity)


YETI = device("Yeti: USB Audio", "card=Microphone usb=1-1.2 serial=A1")
LEFT = device("PnP Sound Device: Audio", "card=Device usb=1-1.3")
RIGHT = device("PnP Sound Device: Audio", "card=Device_1 usb=1-1.4")
SERVER = device("default", is_default=True)
ALL = (YETI, LEFT, RIGHT, SERVER)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("default", SERVER),
        ("yeti", YETI),
        ("serial=A1", YETI),
        ("Yeti: USB Audio (hw:3,0)", YETI),
        ("Yeti: USB Audio, ALSA [card=Microphone usb=1-1.2 serial=A1]", YETI),
        ("usb=1-1.4", RIGHT),
        ("card=device", LEFT),
        ("PnP usb=1-1.3", LEFT),
    ],
)
def test_part_of_a_label_finds_the_device(wanted: str, found: Device) -> None:
    """Name, host API, card, port and serial number all tell a device."""
    assert find_device(ALL, wanted) is found


def test_exact_name_wins_over_a_longer_one() -> None:
    """A name that is also part of another name can be chosen."""
    longer = device("USB Audio 2")
    exact = device("USB Audio")
    assert find_device((longer, exact), "usb audio") is exact


def test_twins_are_told_apart_in_the_message() -> None:
    """An ambiguous name is refused with what to write instead."""
    with pytest.raises(CaptureError, match=r"fits 2 .*usb=1-1\.3.*usb=1-1\.4.*more of the name"):
        find_device(ALL, "PnP")


@pytest.mark.parametrize("wanted", ["usb=1-1", "card=Dev", "serial=A", "Yeti usb=1-1.3"])
def test_part_of_an_identity_is_another_device(wanted: str) -> None:
    """Port 1-1 is not 1-1.2: unplugged, a microphone must not be taken for its neighbour."""
    with pytest.raises(CaptureError, match="not found"):
        find_device(ALL, wanted)


@pytest.mark.parametrize("wanted", ["Zoom", "", "hw:1,0", " (hw:1,0)"])
def test_missing_device_lists_what_there_is(wanted: str) -> None:
    """A name that nothing has, and a number, which is no name, are refused."""
    with pytest.raises(CaptureError, match=r"not found; input devices: 'Yeti.*'default, ALSA'"):
        find_device(ALL, wanted)


def test_no_default_device() -> None:
    """A machine whose system names no default says what can be chosen."""
    with pytest.raises(CaptureError, match="device 'default' not found; input devices: 'Yeti"):
        find_device((YETI,), "default")


def test_machine_without_devices() -> None:
    """The message says so, instead of an empty list."""
    with pytest.raises(CaptureError, match="shows no input device"):
        find_device((), "default")


def test_number_of_the_card_leaves_the_name() -> None:
    """``hw:1,0`` depends on the order of discovery."""
    assert stable_name("Yeti: USB Audio (hw:1,0)") == ("Yeti: USB Audio", 1)
    assert stable_name("default") == ("default", None)


def test_identity_of_a_usb_card(tmp_path: Path) -> None:
    """Card id, port and serial number come from the kernel's own files."""
    port = tmp_path / "devices" / "usb1" / "1-1" / "1-1.2"
    (port / "1-1.2:1.0").mkdir(parents=True)
    (port / "serial").write_text("A1B2\n")
    (tmp_path / "sound" / "card1").mkdir(parents=True)
    (tmp_path / "sound" / "card1" / "device").symlink_to(port / "1-1.2:1.0")
    (tmp_path / "proc" / "card1").mkdir(parents=True)
    (tmp_path / "proc" / "card1" / "id").write_text("Microphone\n")
    identity = card_identity(1, proc=tmp_path / "proc", sys=tmp_path / "sound")
    assert identity == "card=Microphone usb=1-1.2 serial=A1B2"


def test_identity_where_the_kernel_tells_nothing(tmp_path: Path) -> None:
    """A card without files, and a machine without sound, have no identity."""
    assert card_identity(0, proc=tmp_path, sys=tmp_path) == ""
    assert cards(proc=tmp_path) == ""
