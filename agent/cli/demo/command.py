"""``kikimimi demo``: a factory scene, or a microphone, through the real agent and a real broker.

Everything that is shown has come back by MQTT: the demo itself hears nothing.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import soundfile
from rich.console import Console
from rich.live import Live

from agent import descriptions
from agent.capture.scene import RATE_HZ, build_scene
from agent.cli.child import running_agent
from agent.cli.demo.telling import Telling
from agent.cli.demo.view import View
from agent.cli.demo_broker import HOST, local_broker
from agent.cli.words import Language, add_language, language_of
from agent.core import shipped
from agent.core.errors import ConfigError, Problem
from agent.mqtt.subscriber import Subscriber

if TYPE_CHECKING:
    import argparse

    from agent.capture.scene import Scene
    from agent.cli.child import Child
    from agent.cli.demo_broker import RunningBroker

# An agent that ends is noticed at once; one that reads its texts on a busy machine takes minutes.
_READY_S = 600.0
_TICK_S = 0.2
# After its end, what was heard last may still be on its way.
_AFTER_S = 6.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``kikimimi demo``."""
    parser.add_argument("--microphone", action="store_true", help="listen to a real microphone")
    parser.add_argument("--device", default="default", metavar="NAME", help="which one")
    parser.add_argument("--seconds", type=float, help="stop listening after so long")
    add_language(
        parser,
        "of descriptions and view; by default those are Japanese, and this is that of the locale",
    )
    parser.add_argument("--descriptions", type=Path, metavar="FILE", help="your own")
    parser.add_argument("--bundle", type=Path, metavar="FOLDER", help="instead of the shipped one")


def run(arguments: argparse.Namespace) -> int:
    """Show it; 0 if the expected alerts, and no others, arrived."""
    console = Console()
    telling = Telling(Language(arguments.language or language_of(os.environ)))
    say = telling.words
    described = arguments.descriptions
    if described is None:
        described = shipped.config(f"descriptions.{arguments.language or Language.JA}.yaml")
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
        console.print(say("listens", count=count, file=described.name))
        console.print(say("broker", name=broker.name, host=HOST, port=broker.port))
        console.print(say("embedding"))
        child = stack.enter_context(running_agent(folder, settings))
        child.wait_for_event("ready", _READY_S)
        started_at = time.time()
        limit_s = arguments.seconds
        if scene is not None:
            limit_s = scene.duration_s + _AFTER_S
            console.print(say("playing", seconds=f"{scene.duration_s:.0f}"))
        else:
            console.print(say("listening"))
        view = _watch(
            console, telling, subscriber, child, stop, started_at=started_at, limit_s=limit_s
        )
    if scene is None:
        console.print(say("alerts", count=len(view.alerts)))
        return 0
    fine = telling.summary(console, scene, view, started_at, interrupted=stop.is_set())
    return 0 if fine else 1


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
    telling: Telling,
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
                console.print(telling.line(alert, started_at), soft_wrap=True)
            if console.is_terminal:
                live.update(telling.status(view, time.time() - started_at, limit_s))
            child.check()
            if child.ended and message is None:
                break
    return view
