"""The real pipeline, shipped bundle and store: the demo's factory leaves a clip for each alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile
from PIL import Image

from agent import descriptions
from agent.bundle import loading as bundle
from agent.capture.audiofile import read_audio
from agent.capture.scene import RATE_HZ
from agent.config import ClipSettings, FileSettings, MqttSettings, Settings
from agent.core.clock import SystemClock
from agent.core.records import Speech
from agent.run.pipeline import Pipeline
from agent.store import Store
from tests.integration.scenes import DESCRIPTIONS

if TYPE_CHECKING:
    from pathlib import Path

    from agent.capture.scene import Scene

_FIRST = 64


def test_the_demo_scene_leaves_a_clip_for_each_alert(tmp_path: Path, scene: Scene) -> None:
    """FLAC and picture around the event, known to the store, with the embedding of its peak."""
    soundfile.write(tmp_path / "scene.wav", scene.samples, RATE_HZ, subtype="PCM_16")
    (tmp_path / "descriptions.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    settings = Settings(
        node="press3",
        state_dir=tmp_path / "state",
        descriptions=tmp_path / "descriptions.yaml",
        sources=(FileSettings("hall", tmp_path / "scene.wav", realtime=False),),
        mqtt=MqttSettings(enabled=False),
        clips=ClipSettings(pre_roll_s=3.0, post_roll_s=4.0),
    )
    described = descriptions.load(settings.descriptions)
    pipeline = Pipeline(settings, bundle.load(), described, SystemClock())
    assert pipeline.run() == 0
    assert pipeline.tally.alerts > 0
    store = Store.open(settings.state_dir)
    kept = store.clips()
    assert len(kept) == pipeline.tally.alerts
    folder = settings.state_dir / "clips"
    names = {name for one in kept for name in (one.file, one.picture)}
    assert {path.name for path in folder.iterdir()} == names
    heard = read_audio(tmp_path / "scene.wav", RATE_HZ)
    for one in kept:
        clip, alert = store.clip(one.alert_id), store.alert(one.alert_id)
        assert clip is not None
        assert alert is not None
        assert clip.file == f"{one.alert_id}.flac"
        event = alert.detection
        assert abs(event.starts_at - clip.starts_at - 3.0) < 0.01
        assert clip.duration_s <= event.ends_at - event.starts_at + 7.01
        assert abs(clip.peak_s - (event.peaks_at - clip.starts_at)) < 0.01
        assert clip.views is not None
        for view in (clip.views.joint, clip.views.acoustic):
            assert abs(float(np.linalg.norm(view)) - 1.0) < 0.01
        samples = read_audio(folder / clip.file, RATE_HZ)
        assert len(samples) == round(clip.duration_s * RATE_HZ)
        if clip.speech is Speech.NONE:  # where it is in the scene, sample by sample
            place = np.flatnonzero(np.abs(heard[: -len(samples)] - samples[0]) < 1e-4)
            for at in range(1, _FIRST):  # else whole clips are compared at thousands of places
                place = place[np.isclose(heard[place + at], samples[at], atol=1e-4)]
            assert any(np.allclose(heard[p : p + len(samples)], samples, atol=1e-4) for p in place)
        with Image.open(folder / f"{one.alert_id}.png") as picture:
            assert picture.format == "PNG"
    assert {alert.speech for alert in map(store.clip, (c.alert_id for c in kept)) if alert} <= {
        Speech.NONE,
        Speech.SCRAMBLED,
    }
    store.close()
