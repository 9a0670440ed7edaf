"""A real Prometheus collects from a real agent; rules and dashboard find what they ask for.

``KIKIMIMI_SCREENSHOTS=docs/images`` keeps the picture of docs/integrations/prometheus.md there.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

import pytest
import yaml
from PIL import Image

from agent.cli.child import running_agent
from tests.browser.stage import PATIENCE_MS, chromium
from tests.faults.embedded import embed
from tests.integration.boxes import READY_S, Box, settings_of
from tests.integration.scenes import write_siren
from tests.mosquitto import PATIENCE_S, free_port, listener, mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.full, pytest.mark.broker]

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
LOOPBACK = "127.0.0.1"
# What a healthy box that has just started has nothing to show for.
EMPTY = ("kikimimi_reason", "kikimimi_source_drift_decibels")


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        """The data of an answer of its interface."""
        words = urllib.parse.urlencode(parameters)
        address = f"http://{LOOPBACK}:{self.port}/api/v1/{path}?{words}"
        with urllib.request.urlopen(address) as answer:
            found = json.loads(answer.read())
        assert found["status"] == "success", found
        data: dict[str, Any] = found["data"]
        return data

    def value(self, expression: str) -> float | None:
        """Of the only series; ``None`` where there is none yet."""
        found = self.get("query", query=expression)["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def until(self, so: Callable[[], bool]) -> None:
        """Block until it is so."""
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            try:
                if so():
                    return
            except URLError:
                assert self.process.poll() is None, "Prometheus has ended"
            assert time.monotonic() < ends_at
            time.sleep(0.1)


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    """One that collects each second, by the configuration that is shipped."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    shipped = (CONFIGS / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(shipped.replace("15s", "1s").replace("127.0.0.1:9765", target))
    config["rule_files"] = [str(CONFIGS / "prometheus" / "kikimimi.rules.yml")]
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(config), encoding="utf-8")
    port = free_port()
    words = (
        f"--config.file={written}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([binary, *words], stdout=log, stderr=log)
        try:
            yield Prometheus(port, process)
        finally:
            process.terminate()
            process.wait()


def test_prometheus_collects_what_health_tells(tmp_path: Path) -> None:
    """Numbers, every query of the dashboard, every rule, and the end of the agent."""
    embed(tmp_path / "descriptions.yaml", tmp_path / "state")
    port = free_port()
    sound = str(write_siren(tmp_path / "hall.wav"))
    source = {"name": "hall", "kind": "file", "path": sound, "loop": True}
    with mosquitto(tmp_path) as broker, listener(broker.port) as heard:
        settings = settings_of(tmp_path, broker.port, source)
        settings |= {
            "publish": {"health_interval_s": 0.5},
            "metrics": {"enabled": True, "port": port},
        }
        (tmp_path / "prometheus").mkdir()
        target = f"{LOOPBACK}:{port}"
        with prometheus(tmp_path / "prometheus", target) as collector:
            with running_agent(tmp_path, settings) as child:
                box = Box(child, heard, tmp_path / "descriptions.yaml")
                child.wait_for_event("ready", READY_S)
                heard.wait(lambda: bool(heard.on("/alert")) and bool(heard.on("/health")))
                before = box.last("health")["counters"]
                collector.until(
                    lambda: (
                        (collector.value("kikimimi_windows_scored_total") or 0) > before["windows"]
                    )
                )
                found = collector.value("kikimimi_windows_scored_total")
                assert found is not None
                heard.wait(lambda: box.last("health")["counters"]["windows"] >= found)
                collector.until(lambda: (collector.value("kikimimi_alerts_total") or 0) >= 1)
                assert collector.value(f'up{{job="kikimimi", instance="{target}"}}') == 1
                info = collector.get("query", query="kikimimi_info")["result"][0]["metric"]
                assert (info["site"], info["node"]) == ("plant", "press3")
                # A rate needs two values of each series.
                counted = "count_over_time(kikimimi_info[1h]) > 2"
                collector.until(lambda: collector.value(counted) is not None)
                for query in queries():
                    answer = collector.get("query", query=query)["result"]
                    assert answer or query.startswith(EMPTY), query
                groups = collector.get("rules")["groups"]
                rules = [rule for group in groups for rule in group["rules"]]
                assert {rule["health"] for rule in rules} <= {"ok", "unknown"}, rules
                assert len(rules) > 10
                firing = [rule["name"] for rule in rules if rule["state"] == "firing"]
                assert firing == []
                look(collector, rules, tmp_path)
            # The agent has ended.
            collector.until(
                lambda: (
                    "KikimimiDown"
                    in {one["labels"]["alertname"] for one in collector.get("alerts")["alerts"]}
                )
            )


def queries() -> list[str]:
    """All of the dashboard, as Grafana asks them of all boxes."""
    path = CONFIGS / "grafana" / "kikimimi.json"
    panels = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return [
        target["expr"].replace("$instance", ".+").replace("$__rate_interval", "1m")
        for panel in panels
        for target in panel.get("targets", ())
    ]


def look(collector: Prometheus, rules: list[dict[str, Any]], folder: Path) -> None:
    """A picture of its page, which names every rule; Debian packs the classic one."""
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 760})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"http://{LOOPBACK}:{collector.port}/classic/alerts")
        told = page.inner_text("body")
        assert [rule["name"] for rule in rules if rule["name"] not in told] == []
        # Where the rules lie on this machine tells nobody anything.
        where = page.get_by_text(str(CONFIGS)).last
        where.evaluate("one => { one.textContent = 'kikimimi.rules.yml' }")
        folder = Path(os.environ.get("KIKIMIMI_SCREENSHOTS", folder))
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        picture.quantize(256, dither=Image.Dither.NONE).save(
            folder / "prometheus-rules.png", optimize=True
        )
