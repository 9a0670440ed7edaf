"""What is written, and what happens where it cannot be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from agent.capture.audiofile import read_audio
from agent.clips import Limits
from agent.clips.job import Job
from agent.clips.worker import QUEUE
from agent.config.speech import SpeechPolicy
from agent.core.errors import BundleError
from agent.core.records import Speech
from agent.store.box import BoxStore
from tests.agent.clips.intelligibility import ESPEAK, say
from tests.agent.clips.scene_clips import alert, hum, worker
from tests.fakes import FakeClock
from tests.faults.disks import small_disk
from tests.views import views

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clips.speech import VoiceDetector

_DAY_S = 86_400.0
PATIENCE_S = 60.0


def job(number: int = 0, samples: np.ndarray | None = None, at: float = 0.0) -> Job:
    """A clip of two seconds."""
    return Job(
        alert=alert(number, starts_s=5.0, ends_s=6.0),
        samples=hum(2.0) if samples is None else samples,
        sample_rate_hz=32_000,
        starts_at=at,
        begins_s=0.5,
        ends_s=1.5,
        peak_s=0.5,
        views=views(np.array([0.6, 0.8])),
    )


def test_a_clip_is_a_flac_and_a_picture_that_the_store_knows(tmp_path: Path) -> None:
    """The sound is what was heard, to 16 bits; nothing half-written is left."""
    store = BoxStore(tmp_path, FakeClock())
    box = worker(tmp_path, store)
    box.start()
    box.put(job())
    box.stop(60.0)
    record = store.clip(job().alert.alert_id)
    assert record is not None
    assert record.speech is Speech.NONE
    assert record.views is not None
    assert record.views.joint[0] == pytest.approx([0.6, 0.8])
    files = sorted((tmp_path / "clips").iterdir())
    assert [one.name for one in files] == [record.file, record.picture]
    assert record.size_bytes == sum(one.stat().st_size for one in files)
    assert {one.stat().st_mode & 0o777 for one in files} <= {0o640, 0o600}
    np.testing.assert_allclose(read_audio(files[0], 32_000), hum(2.0), atol=1e-4)
    with Image.open(files[1]) as picture:
        assert picture.size == (940, 398)
    assert box.tally.written == 1
    store.close()


@pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("policy", "speech"),
    [
        (SpeechPolicy.SCRAMBLE, Speech.SCRAMBLED),
        (SpeechPolicy.DROP, Speech.DROPPED),
        (SpeechPolicy.KEEP, Speech.KEPT),
    ],
)
def test_the_policy_decides_over_speech(
    tmp_path: Path, policy: SpeechPolicy, speech: Speech
) -> None:
    """The embedding and the picture stay in each case."""
    spoken = np.clip(0.05 * say("somebody says what nobody else shall hear", "en-us"), -1, 1)
    store = BoxStore(tmp_path, FakeClock())
    box = worker(tmp_path, store, policy=policy)
    box.start()
    box.put(job(samples=spoken))
    box.stop(60.0)
    record = store.clip(job().alert.alert_id)
    assert record is not None
    assert (record.speech, record.picture is None) == (speech, False)
    assert record.views is not None
    assert (record.file is None) is (speech is Speech.DROPPED)
    if record.file is not None:
        written = read_audio(tmp_path / "clips" / record.file, 32_000)
        alike = np.corrcoef(written, spoken)[0, 1]
        assert alike > 0.99 if speech is Speech.KEPT else alike < 0.1
    store.close()


def test_where_speech_cannot_be_looked_for_nothing_is_written(tmp_path: Path) -> None:
    """The embedding alone is kept; health says why, and that it is counted."""

    def load() -> VoiceDetector:
        raise BundleError("model.onnx: is missing")

    store = BoxStore(tmp_path, FakeClock())
    box = worker(tmp_path, store, load=load)
    box.start()
    box.put(job())
    box.stop(60.0)
    assert not (tmp_path / "clips").exists()
    record = store.clip(job().alert.alert_id)
    assert record is not None
    assert (record.file, record.picture, record.speech) == (None, None, Speech.DROPPED)
    assert (box.tally.withheld, box.tally.written) == (1, 0)
    assert "model.onnx: is missing" in box.tally.trouble
    store.close()


def test_a_full_disk_is_counted_and_the_next_clip_is_written_again(tmp_path: Path) -> None:
    """And nothing half-written is left on it."""
    with small_disk(tmp_path / "disk", "6m") as disk:
        store = BoxStore(tmp_path / "state", FakeClock())
        box = worker(disk.folder, store)
        disk.fill()
        box.start()
        box.put(job(0))
        while not box.tally.failed:
            assert box.tally.written == 0
        assert "o space left" in box.tally.trouble
        assert list((disk.folder / "clips").glob("*")) == []
        disk.free()
        box.put(job(1))
        box.stop(60.0)
        assert (box.tally.written, box.tally.failed, box.tally.trouble) == (1, 1, "")
        assert store.clip(job(0).alert.alert_id) is None
        store.close()


def test_a_disk_that_takes_clips_again_is_no_trouble_before_the_next_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be days until there is one, and health would tell of trouble until then."""
    monkeypatch.setattr("agent.clips.worker._RETRY_S", 0.05)
    with small_disk(tmp_path / "disk", "6m") as disk:
        store = BoxStore(tmp_path / "state", FakeClock())
        box = worker(disk.folder, store)
        disk.fill()
        box.start()
        box.put(job(0))
        deadline_s = time.monotonic() + PATIENCE_S
        while not box.tally.failed and time.monotonic() < deadline_s:
            time.sleep(0.01)
        time.sleep(0.5)  # it looks ten times
        assert "o space left" in box.tally.trouble
        disk.free()
        while box.tally.trouble and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert (box.tally.failed, box.tally.trouble) == (1, "")
        assert list((disk.folder / "clips").iterdir()) == []
        box.stop(PATIENCE_S)
        store.close()


def test_a_folder_that_cannot_be_made_is_counted(tmp_path: Path) -> None:
    """As where state_dir is a file."""
    (tmp_path / "clips").write_text("in the way")
    store = BoxStore(tmp_path, FakeClock())
    box = worker(tmp_path, store)
    box.start()
    box.put(job())
    box.stop(60.0)
    assert box.tally.failed == 1
    assert "mend state_dir" in box.tally.trouble
    store.close()


def test_more_than_can_wait_are_counted_as_missed(tmp_path: Path) -> None:
    """Whoever puts them never waits."""
    box = worker(tmp_path)
    for number in range(QUEUE + 3):
        box.put(job(number))
    assert box.tally.missed == 3


def test_old_clips_go_with_a_line_in_the_trail(tmp_path: Path) -> None:
    """The files first."""
    clock = FakeClock()
    store = BoxStore(tmp_path, clock)
    box = worker(tmp_path, store, clock=clock, limits=Limits(1_000_000_000, 30.0, 0))
    box.start()
    box.put(job(0, at=clock.now() - 31 * _DAY_S))
    box.put(job(1, at=clock.now() - 29 * _DAY_S))
    box.stop(60.0)
    assert [one.alert_id for one in store.clips()] == [job(1).alert.alert_id]
    assert {one.stem for one in (tmp_path / "clips").iterdir()} == {job(1).alert.alert_id}
    assert [entry.what for entry in store.trail()] == ["clip_expired"]
    assert box.tally.deleted == 1
    store.close()


def test_what_a_crash_left_is_deleted_at_the_next_start(tmp_path: Path) -> None:
    """Sound that the store does not know of; other people's files stay."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in (
        "01JGN5BX5E0000000000000007.flac",
        "01JGN5BX5E0000000000000008.png.new",
        "01JGN5BX5E0000000000000009.png.partial",
        "notes.txt",
    ):
        (folder / name).write_bytes(b"x")
    box = worker(tmp_path)
    box.start()
    box.stop(60.0)
    assert [one.name for one in folder.iterdir()] == ["notes.txt"]


def test_the_newest_stay_within_the_quota_and_all_are_only_looked_at_where_some_must_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a site with tens of thousands of clips, looking at all of them is work."""
    clock = FakeClock()
    store = BoxStore(tmp_path, clock)
    looks = []
    look = store.clips
    monkeypatch.setattr(store, "clips", lambda: looks.append(1) or look())
    box = worker(tmp_path, store, limits=Limits(1_000_000_000, 30.0, 0))
    box.start()
    for number in range(4):
        box.put(job(number, at=clock.now() + number))
    box.stop(60.0)
    assert (box.tally.written, box.tally.deleted, len(looks)) == (4, 0, 1)
    sizes = [one.size_bytes for one in look()]
    # Room for two of them.
    again = worker(tmp_path, store, limits=Limits(sum(sizes) // 2, 30.0, 0))
    again.start()
    again.put(job(4, at=clock.now() + 4.0))
    again.stop(60.0)
    left = look()
    assert [one.alert_id for one in left] == [job(n).alert.alert_id for n in (3, 4)][-len(left) :]
    assert 0 < sum(one.size_bytes for one in left) <= sum(sizes) // 2
    assert {path.stem for path in (tmp_path / "clips").iterdir()} == {one.alert_id for one in left}
    store.close()
