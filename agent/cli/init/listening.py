"""Listens for a minute with the new configuration, and shows what alarms."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import descriptions
from agent.cli.child import running_agent
from agent.cli.reasons import told

if TYPE_CHECKING:
    from agent.cli.child import Child
    from agent.cli.init.asking import Terminal
    from agent.cli.words import Words

SECONDS = 60.0
_READY_S = 600.0
"""The first start reads all descriptions, which takes a small box minutes."""
_TICK_S = 0.2


def listen(
    terminal: Terminal, described: Path, source: dict[str, Any], seconds: float = SECONDS
) -> int:
    """Run the agent for a while, apart: nothing is published, and nothing it hears is kept.

    Args:
        terminal: where alerts are shown.
        described: what to listen for.
        source: as an item of ``sources``.
        seconds: how long.

    Returns:
        How many alerts there were.

    Raises:
        KikimimiError: the agent does not run.
    """
    words = terminal.words
    texts = {one.error_id: one.text for one in descriptions.load(described).active}
    with tempfile.TemporaryDirectory(prefix="kikimimi-init-") as name:
        settings = apart(Path(name), described, source)
        terminal.tell(words("listen_reading", count=len(texts)))
        with running_agent(Path(name), settings) as child:
            child.wait_for_event("ready", _READY_S)
            terminal.tell(words("listen_begins", seconds=f"{seconds:g}"))
            return show(terminal, child, texts, seconds)


def apart(folder: Path, described: Path, source: dict[str, Any]) -> dict[str, Any]:
    """What ``agent.yaml`` would hold for a box that tells nobody and keeps nothing.

    Args:
        folder: for its state.
        described: what to listen for.
        source: as an item of ``sources``.
    """
    return {
        "descriptions": str(described.absolute()),
        "state_dir": str(folder / "state"),
        "sources": [source],
        "mqtt": {"enabled": False},
        "clips": {"enabled": False},
        "log": {"format": "json"},
    }


def show(terminal: Terminal, child: Child, texts: dict[str, str], seconds: float) -> int:
    """Tell of alerts and of the source until the time is over or the sound is at its end.

    Args:
        terminal: where they are told.
        child: the running agent.
        texts: of the descriptions by their ids.
        seconds: how long.

    Returns:
        How many alerts there were.

    Raises:
        KikimimiError: the agent ended with an error.
    """
    began_s = time.monotonic()
    alerts, over = 0, False
    while not over:
        # Asked before the log is read: what it said last is then read, too.
        over = child.ended or time.monotonic() - began_s >= seconds
        for event in child.new_events():
            at = f"{time.monotonic() - began_s:5.1f} s"
            if event.get("event") == "alert" and event.get("step") == "new":
                alerts += 1
                text = texts.get(event["error_id"], "")
                terminal.tell(f"{at}  {text}  {event['error_id']} {event['score']:.1f}")
            elif event.get("event") == "source_state" and event.get("reason"):
                terminal.tell(f"{at}  {_state(event, terminal.words)}")
        child.check()
        if not over:
            time.sleep(_TICK_S)
    return alerts


def _state(event: dict[str, Any], words: Words) -> str:
    return f"{event['source']} {event['state']}: {told(event['reason'], words.language)}"
