"""The real pipeline with the shipped bundle: what people answer changes what it hears."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent import descriptions
from agent.bundle import loading as bundles
from agent.capture.scene import RATE_HZ, at_level, glass_broken, machines
from agent.config import ClipSettings, FileSettings, MqttSettings, Settings
from agent.core.records import Provenance, Verdict
from agent.encoder.audio import Encoder
from agent.hearing.windows import windows_at
from agent.store import Store
from agent.watchlist import watchlist
from agent.watchlist.examples import Library
from tests.agent.store.answers import alert, answer, clip, give
from tests.integration.listening import listening, wait
from tests.integration.scenes import DESCRIPTIONS, write_siren

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.core.records import FloatArray
    from agent.watchlist.watchlist import Watchlist

ERROR_ID = alert(1).detection.error_id
VAGUE = f"""\
version: 1
errors:
  - id: {ERROR_ID}
    text: a crash
  - id: siren
    text: a siren wails
background: [a machine hums]
"""


def glass(bundle: Bundle, seed: int) -> FloatArray:
    """Windows of a pane that breaks over running machines; no two seeds sound the same."""
    samples = at_level(machines(np.random.default_rng(seed + 10), 6 * RATE_HZ), -42.0)
    breaking = at_level(glass_broken(np.random.default_rng(seed)), -18.0)
    samples[RATE_HZ : RATE_HZ + len(breaking)] += breaking
    windows = windows_at(bundle, "glass", samples.astype(np.float32))
    return Encoder(bundle).embed(windows)


def highest(watched: Watchlist, embeddings: FloatArray) -> float:
    """Score that 2 windows reach: what raises an alert."""
    scores = watched.matcher.statistics.scores(watched.matcher.compare(embeddings)[1])
    return float(np.sort(scores[:, watched.matcher.error_ids.index(ERROR_ID)])[-2])


def test_one_confirmation_finds_what_the_words_miss(tmp_path: Path) -> None:
    """One clip of breaking glass, confirmed: another pane is heard; taken back, it is not."""
    bundle = bundles.load()
    described = descriptions.parse(VAGUE.encode(), tmp_path / "d.yaml")
    store = Store.open(tmp_path)
    library = Library(bundle, store, tmp_path / "clips")
    first, other = glass(bundle, 1), glass(bundle, 2)
    made = replace(alert(1), provenance=Provenance(bundle.digest, described.digest))
    store.record(made, [])

    def built() -> Watchlist:
        return watchlist.build(bundle, described, tmp_path / "cache", library=library)

    before = built()
    peak = before.matcher.compare(first)[1][:, 0].argmax()
    store.keep_clip(clip(made.alert_id, file=None, views=first[peak : peak + 1]))
    threshold = before.policies[ERROR_ID].threshold_on
    assert highest(before, other) < threshold - 1.0
    confirmed = answer(1, alert_id=made.alert_id)
    assert give(store, confirmed)
    after = built()
    assert after.examples.examples == {ERROR_ID: 1}
    assert after.examples.set_aside == ()
    assert highest(after, other) >= threshold
    assert give(store, replace(confirmed, undone_at=9.0, undone_request_id="u1"))
    assert highest(built(), other) == highest(before, other)
    store.close()


def test_a_rejected_sound_alerts_no_more_until_it_is_taken_back(tmp_path: Path) -> None:
    """A siren that sounds again and again; the answers come from another process's connection."""
    write_siren(tmp_path / "siren.wav")
    (tmp_path / "d.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    source = FileSettings("hall", tmp_path / "siren.wav", loop=True, realtime=False)
    settings = Settings(
        node="press3",
        state_dir=tmp_path / "state",
        descriptions=tmp_path / "d.yaml",
        sources=(source,),
        mqtt=MqttSettings(enabled=False),
        clips=ClipSettings(pre_roll_s=1.0, post_roll_s=1.0),
    )
    with listening(settings) as pipeline:
        wait(lambda: pipeline.tally.alerts > 0)
        store = Store.open(settings.state_dir)
        wait(lambda: len(store.clips()) > 0)
        alert_id = store.clips()[0].alert_id
        rejected = answer(1, alert_id=alert_id, verdict=Verdict.REJECT)
        assert give(store, rejected)
        wait(lambda: pipeline.tally.reloads == 1)

        def alerts_in_a_while() -> int:
            """New ones while the whole recording is heard twice more."""
            began, windows = pipeline.tally.alerts, pipeline.tally.windows
            wait(lambda: pipeline.tally.windows >= windows + 80)
            return pipeline.tally.alerts - began

        alerts_in_a_while()  # what was going on ends
        assert alerts_in_a_while() == 0
        assert give(store, replace(rejected, undone_at=9.0, undone_request_id="u1"))
        wait(lambda: pipeline.tally.reloads == 2)
        assert alerts_in_a_while() > 0
        store.close()
    assert pipeline.tally.reloads_rejected == 0


def test_a_named_recording_joins(tmp_path: Path) -> None:
    """A file beside the descriptions is heard when they are read."""
    bundle = bundles.load()
    breaking = at_level(glass_broken(np.random.default_rng(1)), -18.0)
    samples = at_level(machines(np.random.default_rng(9), 4 * RATE_HZ), -42.0)
    samples[RATE_HZ : RATE_HZ + len(breaking)] += breaking
    soundfile.write(tmp_path / "pane.flac", samples, RATE_HZ)
    named = VAGUE.replace("text: a crash", "text: a crash\n    examples: [pane.flac]")
    plain = descriptions.parse(VAGUE.encode(), tmp_path / "d.yaml")
    described = descriptions.parse(named.encode(), tmp_path / "d.yaml")
    store = Store.in_memory()
    library = Library(bundle, store, tmp_path)
    before, after = (
        watchlist.build(bundle, one, tmp_path / "cache", library=library)
        for one in (plain, described)
    )
    assert after.examples.examples == {ERROR_ID: 1}
    other = glass(bundle, 2)
    threshold = after.policies[ERROR_ID].threshold_on
    assert highest(before, other) < threshold - 1.0
    assert highest(after, other) >= threshold
    store.close()
