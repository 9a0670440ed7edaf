"""One sound, one question, in the real pipeline with the shipped bundle: a siren in a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.config import ClipSettings, FileSettings, MqttSettings, Settings
from agent.core.records import Severity, Step, Verdict
from agent.store import Store
from tests.integration.listening import listening, wait
from tests.integration.scenes import WITH_ALARM, write_siren

if TYPE_CHECKING:
    from pathlib import Path

    from agent.core.records import Alert


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A box that hears a siren as fast as it can, without MQTT."""
    write_siren(tmp_path / "siren.wav")
    (tmp_path / "d.yaml").write_text(WITH_ALARM, encoding="utf-8")
    source = FileSettings("hall", tmp_path / "siren.wav", loop=True, realtime=False)
    return Settings(
        node="press3",
        state_dir=tmp_path / "state",
        descriptions=tmp_path / "d.yaml",
        sources=(source,),
        mqtt=MqttSettings(enabled=False),
        clips=ClipSettings(pre_roll_s=1.0, post_roll_s=1.0),
    )


def ended(store: Store, after: str = "") -> list[Alert]:
    """Alerts that are over, of those that came after one."""
    alerts = store.alerts_since(0.0)
    return [one for one in alerts if one.alert_id > after and one.detection.step is Step.END]


def test_one_siren_is_one_alert_and_a_mute_leaves_the_other(settings: Settings) -> None:
    """Of the siren, with the bell for a candidate; while that is muted, of the bell alone."""
    with listening(settings) as pipeline:
        wait(lambda: pipeline.tally.alerts > 2)
        store = Store.open(settings.state_dir)
        for heard in ended(store):
            assert heard.detection.error_id == "siren"
            (candidate,) = heard.detection.candidates
            assert (candidate.error_id, candidate.description) == ("alarm", "警報ベルが鳴る音")
            assert candidate.excess < heard.detection.excess
        assert pipeline.tally.candidates >= 2
        pipeline._parts.mutes.mute("siren", 3_600.0)
        wait(lambda: pipeline._parts.mutes.count > 0)
        last = store.alerts_since(0.0)[-1].alert_id
        wait(lambda: len(ended(store, last)) > 0)
        quiet = ended(store, last)[-1]
        assert (quiet.detection.error_id, quiet.detection.candidates) == ("alarm", ())
        assert quiet.severity is Severity.MINOR
        store.close()


def test_it_was_the_other_one_teaches_both(settings: Settings) -> None:
    """After one answer the same sound is asked of the other, until it is taken back."""
    with listening(settings) as pipeline:
        store = Store.open(settings.state_dir)
        wait(lambda: len(store.clips()) > 0)
        alert_id = store.clips()[0].alert_id
        verdicts, at = pipeline._parts.verdicts, pipeline._parts.clock.now()
        words = {"alarm": "警報ベルが鳴る音"}
        verdicts.give(
            request_id="r1",
            alert_id=alert_id,
            verdict=Verdict.REJECT,
            operator="shift-a",
            given_at=at,
            error_id="alarm",
            words=words,
        )
        wait(lambda: pipeline.tally.reloads == 1)

        def asked_of() -> set[str]:
            """What all alerts that begin from now on are of, and have for candidates."""
            windows, last = pipeline.tally.windows, store.alerts_since(0.0)[-1].alert_id
            wait(lambda: pipeline.tally.windows >= windows + 160)
            return {
                name
                for heard in ended(store, last)
                for name in (
                    heard.detection.error_id,
                    *(one.error_id for one in heard.detection.candidates),
                )
            }

        asked_of()  # what was going on ends
        assert asked_of() == {"alarm"}
        verdicts.undo(request_id="u1", alert_id=alert_id, operator="shift-a")
        wait(lambda: pipeline.tally.reloads == 2)
        asked_of()
        assert asked_of() == {"siren", "alarm"}
        store.close()
