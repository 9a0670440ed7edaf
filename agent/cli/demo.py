"""``kikimimi demo``: a factory scene, or a microphone, through the real agent and a real broker.

Everything that is shown has come back by MQTT: the demo itself hears nothing.
"""

from __future__ import annotations

import json
import signal
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from agent import descriptions
from agent.capture.scene import RATE_HZ, build_scene
from agent.cli.child import running_agent
from agent.cli.demo_broker import HOST, local_broker
from agent.cli.levels import bar
from agent.core import shipped
from agent.core.errors import ConfigError, Problem
from agent.mqtt.subscriber import Subscriber

if TYPE_CHECKING:
    import argparse

    from agent.capture.scene import Scene, SceneEvent
    from agent.cli.child import Child
    from agent.cli.demo_broker import RunningBroker
    from agent.mqtt.subscriber import Message

# An agent that ends is noticed at once; one that reads its texts on a busy machine takes minutes.
_READY_S = 600.0
_TICK_S = 0.2
# After its end, what was heard last may still be on its way.
_AFTER_S = 6.0
# An alert belongs to an event if its first window overlaps it: a window is 2 s long.
_BEFORE_S, _BEHIND_S = 2.5, 2.5
_COLOURS = {"CRITICAL": "bold red", "MAJOR": "red", "MINOR": "yellow", "WARNING": "cyan"}


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """A new alert as it arrived."""

    error_id: str
    description: str
    severity: str
    score: float
    threshold: float
    starts_at: float
    """UTC of its first window, seconds since the epoch."""
    arrived_at: float


@dataclass(slots=True)
class View:
    """What the messages so far have told."""

    level_dbfs: float | None = None
    source_state: str = "lost"
    health: str = "starting"
    reasons: dict[str, str] = field(default_factory=dict)
    alerts: list[ShownAlert] = field(default_factory=list)
    candidates: dict[tuple[str, float], list[str]] = field(default_factory=dict)
    """What else each alert's sound may be, by error id and start, as was told last."""
    ended: int = 0

    def take(self, message: Message) -> ShownAlert | None:
        """Follow one message; gives the alert if it is a new one."""
        kind = message.topic.rsplit("/", 1)[-1]
        if kind == "level":
            self.level_dbfs = json.loads(message.payload)
        elif kind == "state" and "/source/" in message.topic:
            self.source_state = message.payload
        elif kind == "health":
            payload = json.loads(message.payload)
            self.health, self.reasons = payload["state"], payload["reasons"]
        elif kind == "alert":
            payload = json.loads(message.payload)
            starts_at = datetime.fromisoformat(payload["ts_start"]).timestamp()
            candidates = [one["error_id"] for one in payload["candidates"]]
            self.candidates[payload["error_id"], starts_at] = candidates
            if payload["event_type"] == "new":
                alert = ShownAlert(
                    error_id=payload["error_id"],
                    description=payload["description"],
                    severity=payload["severity"],
                    score=payload["score"],
                    threshold=payload["threshold"],
                    starts_at=starts_at,
                    arrived_at=message.at,
                )
                self.alerts.append(alert)
                return alert
            self.ended += payload["event_type"] == "end"
        return None

    def heard(self, alert: ShownAlert) -> list[str]:
        """Descriptions that alarmed on its sound, its own first."""
        return [alert.error_id, *self.candidates.get((alert.error_id, alert.starts_at), [])]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi demo``."""
    parser.add_argument("--microphone", action="store_true", help="listen to a real microphone")
    parser.add_argument("--device", default="default", metavar="NAME", help="which one")
    parser.add_argument("--seconds", type=float, help="stop listening after so long")
    parser.add_argument("--language", choices=("ja", "en"), default="ja", help="of descriptions")
    parser.add_argument("--descriptions", type=Path, metavar="FILE", help="your own")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="instead of the shipped one")


def run(arguments: argparse.Namespace) -> int:
    """Show it; 0 if the expected alerts, and no others, arrived."""
    console = Console()
    described = arguments.descriptions
    if described is None:
        described = shipped.config(f"descriptions.{arguments.language}.yaml")
    if not described.exists():
        remedy = "name your descriptions with --descriptions FILE"
        raise ConfigError([Problem(str(described), "no such file", remedy)])
    count = len(descriptions.load(described).active)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikimimi-demo-")))
        broker = stack.enter_context(local_broker())
        scene = None if arguments.microphone else build_scene()
        source = _source(scene, arguments.device, folder)
        subscriber = stack.enter_context(closing(Subscriber(HOST, broker.port, "kikimimi/demo/#")))
        settings = _settings(arguments, described, source, broker, folder)
        console.print(f"Kikimimi listens for {count} sounds of [bold]{described.name}[/bold]")
        console.print(f"broker: {broker.name} on {HOST}:{broker.port}, topics kikimimi/demo/box/#")
        console.print("embedding the descriptions ...")
        child = stack.enter_context(running_agent(folder, settings))
        child.wait_for_event("ready", _READY_S)
        started_at = time.time()
        limit_s = arguments.seconds
        if scene is not None:
            limit_s = scene.duration_s + _AFTER_S
            console.print(f"playing a factory of {scene.duration_s:.0f} s in real time")
        else:
            console.print("listening; Ctrl-C ends it")
        view = _watch(console, subscriber, child, stop, started_at=started_at, limit_s=limit_s)
    if scene is None:
        console.print(f"{len(view.alerts)} alerts")
        return 0
    return _summary(console, scene, view, started_at, interrupted=stop.is_set())


def _source(scene: Scene | None, device: str, folder: Path) -> dict[str, Any]:
    if scene is None:
        return {"name": "mic1", "kind": "microphone", "device": device}
    path = folder / "factory.wav"
    soundfile.write(path, scene.samples, RATE_HZ, subtype="PCM_16")
    return {"name": "scene", "kind": "file", "path": str(path)}


def _settings(
    arguments: argparse.Namespace,
    described: Path,
    source: dict[str, Any],
    broker: RunningBroker,
    folder: Path,
) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "site": "demo",
        "node": "box",
        "descriptions": str(described.resolve()),
        "state_dir": str(folder / "state"),
        "sources": [source],
        "mqtt": {"host": HOST, "port": broker.port},
        "publish": {"level_interval_s": 0.2},
        "log": {"format": "json"},
    }
    if broker.name == "amqtt":  # saves the time in which it would be asked for MQTT 5 in vain
        settings["mqtt"]["protocol"] = "3.1.1"
    if arguments.bundle is not None:
        settings["bundle"] = str(arguments.bundle.resolve())
    return settings


def _watch(
    console: Console,
    subscriber: Subscriber,
    child: Child,
    stop: threading.Event,
    *,
    started_at: float,
    limit_s: float | None,
) -> View:
    """Follow the messages until the time is over, the agent has ended or somebody stops it."""
    view = View()
    live = Live(console=console, refresh_per_second=8, transient=True)
    with live if console.is_terminal else ExitStack():
        while not stop.is_set() and (limit_s is None or time.time() - started_at < limit_s):
            message = subscriber.next(_TICK_S)
            alert = None if message is None else view.take(message)
            if alert is not None:
                console.print(_line(alert, started_at), soft_wrap=True)
            if console.is_terminal:
                live.update(_status(view, time.time() - started_at, limit_s))
            child.check()
            if child.ended and message is None:
                break
    return view


def _line(alert: ShownAlert, started_at: float) -> Text:
    text = Text(f"{alert.arrived_at - started_at:6.1f} s  ")
    text.append(f"{alert.severity:<8} ", _COLOURS.get(alert.severity, ""))
    text.append(alert.description, "bold")
    text.append(f"  {alert.error_id} {alert.score:.1f} of {alert.threshold:.1f}")
    return text


def _status(view: View, elapsed_s: float, limit_s: float | None) -> Group:
    """The lines that are drawn again and again under the alerts."""
    level = view.level_dbfs
    shown = "silence" if level is None else f"{level:6.1f} dBFS"
    clock = f"{elapsed_s:5.1f} s" + ("" if limit_s is None else f" of {limit_s:.0f} s")
    meter = Text(f"{clock}  {shown}  ")
    meter.append_text(bar(level))
    meter.append(f"  source {view.source_state}, box {view.health}, {len(view.alerts)} alerts")
    trouble = [Text(f"{part}: {reason}", "yellow") for part, reason in view.reasons.items()]
    return Group(meter, *trouble)


def _summary(
    console: Console, scene: Scene, view: View, started_at: float, *, interrupted: bool
) -> int:
    """Compare what arrived with what is in the scene."""
    table = Table(title="what was to be heard, and what arrived", title_justify="left")
    for column in ("in the scene", "at", "alert", "score", "after", "also heard"):
        table.add_column(column, no_wrap=column in {"in the scene", "alert"})
    others = list(view.alerts)
    missed = 0
    for event in scene.events:
        near = [alert for alert in view.alerts if _belongs(alert, event, started_at)]
        right = [alert for alert in near if set(view.heard(alert)) & set(event.error_ids)]
        heard = dict.fromkeys(name for alert in near for name in view.heard(alert))
        others = [alert for alert in others if alert not in near]
        missed += not right
        first = right[0] if right else None
        delay_s = None if first is None else first.arrived_at - started_at - event.starts_s
        table.add_row(
            event.error_ids[0],
            f"{event.starts_s:.1f} s",
            "[red]missed[/red]" if first is None else f"[green]{first.error_id}[/green]",
            "" if first is None else f"{first.score:.1f}",
            "" if delay_s is None else f"{delay_s:.1f} s",
            ", ".join(name for name in heard if first is None or name != first.error_id),
        )
    console.print(table)
    for alert in others:
        console.print(f"[red]false alarm:[/red] {alert.error_id} (score {alert.score:.1f})")
    if interrupted:
        console.print("stopped before the end")
    fine = not missed and not others and not interrupted
    found = len(scene.events) - missed
    console.print(f"{found} of {len(scene.events)} found, {len(others)} false alarms")
    console.print("\nYour own sound:        script/demo --microphone [--device NAME]")
    console.print("Your own descriptions: script/demo --microphone --descriptions my.yaml")
    console.print("Start from configs/descriptions.ja.yaml or configs/descriptions.en.yaml")
    return 0 if fine else 1


def _belongs(alert: ShownAlert, event: SceneEvent, started_at: float) -> bool:
    starts_s = alert.starts_at - started_at
    return event.starts_s - _BEFORE_S <= starts_s <= event.ends_s + _BEHIND_S
