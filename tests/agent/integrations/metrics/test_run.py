"""``/metrics`` of a real agent on a short recording: its values, its failures, and its absence."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias
from urllib.error import URLError

import pytest
import soundfile
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ
from agent.config import FileSettings, MetricsSettings, MqttSettings, Settings
from agent.core import extras
from agent.core.clock import SystemClock
from agent.core.extras import Extra
from agent.core.stopwatch import DATA_PATH, Stage
from agent.integrations.metrics.attachment import attach
from agent.integrations.metrics.definitions import COUNTERS, DEFINITIONS, PROCESS
from agent.integrations.metrics.stage_times import BOUNDS_S
from agent.run.pipeline import Pipeline
from tests.attached import Watcher
from tests.faults.embedded import embed
from tests.integration.scenes import write_siren
from tests.mosquitto import PATIENCE_S, free_port
from tests.signals import noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent.core.records import Match
    from agent.integrations.metrics.attachment import Metrics
    from agent.run.health import Health

Samples: TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]

LOOPBACK = "127.0.0.1"
TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text; version=1.0.0"
CALM_S = 10.5
CALM_WINDOWS = 20
"""Into the sound: the siren has ended two seconds before the window that begins here."""
# The command with each of some settings: how it ended, every address on which it listened, and
# whether the library was loaded by then.
_WATCHED = """\
import json, sys
bound = []
sys.addaudithook(lambda event, given: bound.append(given[1]) if event == "socket.bind" else None)
from agent.cli import main
for config in sys.argv[1:]:
    bound.clear()
    status = main(["run", "--config", config])
    print(json.dumps([status, bound, "prometheus_client" in sys.modules]))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A box that hears a siren and ends."""
    folder = tmp_path_factory.mktemp("site")
    embed(folder / "descriptions.yaml", folder / "state")
    return Settings(
        node="press3",
        site="plant",
        state_dir=folder / "state",
        descriptions=folder / "descriptions.yaml",
        # So fast that health is told some times between the siren and the end.
        sources=(FileSettings("hall", write_siren(folder / "hall.wav"), speed=4.0),),
        mqtt=MqttSettings(enabled=False),
        metrics=MetricsSettings(enabled=True, port=free_port()),
    )


def listened(settings: Settings, behind: Callable[[], None]) -> tuple[Health, Health]:
    """Hear all of the sound with the metrics attached.

    Args:
        settings: of the box.
        behind: called while the box waits, after a window that lies behind the siren.

    Returns:
        the health of that moment, and of the end.
    """
    found: list[Health] = []

    def scored(match: Match) -> None:
        health = watcher.health
        if found or match.index < CALM_S * RATE_HZ or health is None:
            return
        if health.counters["windows"] >= CALM_WINDOWS:
            behind()
            found.append(health)

    watcher = Watcher(scored)
    pipeline = Pipeline(
        settings,
        bundles.load(None),
        descriptions.load(settings.descriptions),
        SystemClock(),
        attach={"metrics": attach, "test": watcher},
    )
    assert pipeline.run() == 0
    assert watcher.health is not None
    return found[0], watcher.health


def attached(settings: Settings) -> Metrics:
    """To a box that tells nothing."""
    found = attach(SimpleNamespace(settings=settings, bundle=bundles.load(None)))  # type: ignore[arg-type]
    assert found is not None
    return found


def until(so: Callable[[], bool]) -> None:
    """Block until it is so."""
    ends_at = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def asked(settings: Settings, accept: str) -> str:
    """What Prometheus would get, as soon as somebody answers."""
    address = f"http://{LOOPBACK}:{settings.metrics.port}/metrics"
    request = urllib.request.Request(address, headers={"Accept": accept})
    ends_at = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request) as response:  # noqa: S310 - of this machine
                assert response.headers["Content-Type"].startswith(accept.partition(";")[0])
                return str(response.read().decode())
        except URLError:
            assert time.monotonic() < ends_at
            time.sleep(0.01)


def samples(text: str) -> Samples:
    """Values by name and labels, as the client library itself reads them."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, /, **labels: str) -> float:
    """One of them."""
    return found[name, frozenset(labels.items())]


def test_values_are_those_of_health(site: Settings) -> None:
    """Counters, states and signals; scores are those of the siren."""
    told = dict[str, str]()
    formats = (TEXT, OPENMETRICS)
    health, _ = listened(site, lambda: told.update((one, asked(site, one)) for one in formats))
    found = samples(told[TEXT])
    names = {name for name, _ in found}
    assert names <= {name for one in DEFINITIONS for name in one.samples} | PROCESS
    # Nothing is wrong, and a week has not passed.
    absent = {"kikimimi_reason", "kikimimi_source_drift_decibels"}
    assert {name for one in DEFINITIONS for name in one.samples} - names == absent
    strict = {one.name for one in openmetrics.text_string_to_metric_families(told[OPENMETRICS])}
    assert strict == {one.name for one in text_string_to_metric_families(told[TEXT])}
    assert health.counters["alerts"] == 1
    for counter, definition in COUNTERS.items():
        assert value(found, definition.name) == health.counters[counter], counter
    assert value(found, "kikimimi_lag_seconds") == health.lag_s
    assert value(found, "kikimimi_outbox_messages") == health.outbox_depth
    assert value(found, "kikimimi_open_alerts") == health.open_alerts
    assert value(found, "kikimimi_clock_synced") == health.clock_synced
    states = {
        state: value(found, "kikimimi_state", state=state)
        for state in ("starting", "ok", "degraded", "stopped")
    }
    assert states == {"starting": 0, "ok": 1, "degraded": 0, "stopped": 0}
    assert health.state == "ok"
    assert value(found, "kikimimi_info", site="plant", node="press3", version="0.1.0") == 1
    model = bundles.load(None)
    manifest = model.manifest
    bundle = {"name": manifest.name, "version": manifest.version, "digest": model.digest}
    assert value(found, "kikimimi_bundle_info", **bundle) == 1
    assert value(found, "kikimimi_descriptions_info", digest=health.descriptions) == 1
    for state in ("ok", "silent", "clipped", "lost", "overrun"):
        one = value(found, "kikimimi_source_state", source="hall", state=state)
        assert one == (health.sources["hall"] == state)
    level = value(found, "kikimimi_source_level_dbfs", source="hall")
    assert level == health.signals["hall"].level_dbfs
    siren = {"source": "hall", "error_id": "siren"}
    threshold = value(found, "kikimimi_score_threshold", error_id="siren")
    assert threshold == pytest.approx(4.0)
    assert value(found, "kikimimi_score", **siren) < threshold
    assert value(found, "kikimimi_score_peak", **siren) > threshold
    assert value(found, "process_resident_memory_bytes") > 2**20
    _assert_times_of_stages(found, health)


def _assert_times_of_stages(found: Samples, health: Health) -> None:
    """Every stage has run, the encoder on all windows; buckets hold ever more, up to all."""
    name = "kikimimi_stage_seconds"
    for stage in DATA_PATH:
        count = value(found, f"{name}_count", stage=stage)
        bounds = (*(str(one) for one in BOUNDS_S), "+Inf")
        up_to = [value(found, f"{name}_bucket", stage=stage, le=one) for one in bounds]
        assert up_to == sorted(up_to)
        assert up_to[-1] == count >= 1, stage
        assert value(found, f"{name}_sum", stage=stage) > 0, stage
    windows = health.counters["windows"]
    assert value(found, f"{name}_count", stage=Stage.ENCODER) >= windows / 2  # two at a time


def test_port_in_use_is_told_and_the_box_listens(
    site: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log and in health, with what to do."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        settings = replace(site, metrics=MetricsSettings(enabled=True, port=port))
        _, health = listened(
            settings, lambda: until(lambda: "metrics_not_served" in caplog.messages)
        )
    expected = (
        f"127.0.0.1:{port} cannot be listened on: Address already in use; end what listens there, "
        "or mend metrics.host and metrics.port"
    )
    assert health.reasons["metrics"] == expected
    assert health.reasons["metrics"].parts[0].code == "metrics_not_served"
    (line,) = [one for one in caplog.records if one.getMessage() == "metrics_not_served"]
    assert vars(line)["reason"] == expected


def test_missing_extra_is_told_with_what_installs_it(
    site: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The box listens on, without an address; health holds the command."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "agent.integrations.metrics.exposition", raising=False)
    metrics = attached(site)
    expected = (
        "metrics.enabled in agent.yaml needs the extra 'metrics': 'prometheus_client' is not "
        f"installed; type: {extras.command(Extra.METRICS)}"
    )
    assert metrics.trouble() == expected
    assert metrics.stopwatch() is None
    (line,) = [one for one in caplog.records if one.getMessage() == "metrics_not_served"]
    assert vars(line)["reason"] == expected
    metrics.close()


def test_nothing_listens_and_nothing_is_loaded_unless_switched_on(tmp_path: Path) -> None:
    """By the command itself, in a process that tells what it binds."""
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    sound = tmp_path / "hall.wav"
    soundfile.write(sound, noise(2 * RATE_HZ), RATE_HZ)
    port = free_port()
    settings = {
        "state_dir": str(tmp_path / "state"),
        "descriptions": str(tmp_path / "descriptions.yaml"),
        "mqtt": {"enabled": False},
        "sources": [{"name": "hall", "kind": "file", "path": str(sound), "realtime": False}],
    }
    off, on = tmp_path / "off.yaml", tmp_path / "on.yaml"
    off.write_text(json.dumps(settings))
    on.write_text(json.dumps(settings | {"metrics": {"enabled": True, "port": port}}))
    done = subprocess.run(
        [sys.executable, "-c", _WATCHED, str(off), str(on)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        [0, [], False],
        [0, [[LOOPBACK, port]], True],
    ], done.stderr


def test_box_that_starts_is_seen_and_an_open_address_warned_of(
    site: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Before there is any health; whoever reaches the address needs no password."""
    port = free_port()
    settings = replace(site, metrics=MetricsSettings(enabled=True, host="0.0.0.0", port=port))  # noqa: S104
    metrics = attached(settings)
    try:
        found = samples(asked(settings, TEXT))
    finally:
        metrics.close()
    assert value(found, "kikimimi_state", state="starting") == 1
    assert value(found, "kikimimi_state", state="ok") == 0
    assert not [name for name, _ in found if name.startswith("kikimimi_windows")]
    (line,) = [one for one in caplog.records if one.getMessage() == "metrics_without_password"]
    assert vars(line)["address"] == f"0.0.0.0:{port}"
