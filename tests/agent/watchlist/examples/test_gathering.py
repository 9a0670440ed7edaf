"""What is found in a real store, in clips and in files; and what cannot be used, and why."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent.core.records import Provenance, Speech, Verdict, Views
from agent.descriptions import parse
from agent.store import CLIPS_FOLDER, Store
from agent.store.box import BoxStore
from agent.watchlist.examples import Kind, Library
from agent.watchlist.examples.gathering import LOOK_S, REJECTED_WINDOWS
from agent.watchlist.verdict_scores import verdict_scores
from agent.watchlist.watchlist import build, wanted_of
from tests.agent.store.answers import alert, answer, clip, give
from tests.agent.watchlist.examples.kept import ERROR_ID, keep, say, unit
from tests.bundles import ACOUSTIC_SIZE, make_bundle
from tests.fakes import FakeClock
from tests.signals import noise
from tests.views import views

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.bundle.loading import Bundle
    from agent.watchlist.calibration.site import Wanted
    from agent.watchlist.calibration.verdicts import VerdictScores

RATE_HZ = 32_000
DESCRIPTIONS = f"""\
version: 1
errors:
  - id: {ERROR_ID}
    text: metal part dropped
    examples: [named.flac, gone.flac]
  - id: air_leak
    text: air leak
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def wanted(bundle: Bundle, tmp_path: Path) -> list[Wanted]:
    """Two descriptions, of which one names files."""
    soundfile.write(tmp_path / "named.flac", noise(5 * RATE_HZ), RATE_HZ)
    descriptions = parse(DESCRIPTIONS.encode(), tmp_path / "d.yaml")
    return wanted_of(bundle, descriptions, None)[0]


def test_confirmed_and_rejected_clips_and_named_files(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path
) -> None:
    """Each with its embedding; what nobody or not everybody knows is left."""
    store = Store.open(tmp_path)
    ids = [keep(store, number, bundle.digest) for number in range(1, 5)]
    say(store, ids[0], Verdict.CONFIRM, 1, "shift-a")
    say(store, ids[0], Verdict.CONFIRM, 2, "shift-b")
    say(store, ids[1], Verdict.REJECT, 3, "shift-a")
    say(store, ids[2], Verdict.CONFIRM, 4, "shift-a")
    say(store, ids[2], Verdict.REJECT, 5, "shift-b")
    gathered = Library(bundle, store, tmp_path / CLIPS_FOLDER).gather(wanted)
    named, first, second = gathered.recordings
    assert (named.name, named.kind, named.sure) == (str(tmp_path / "named.flac"), "example", True)
    assert np.linalg.norm(named.views.joint) == pytest.approx(1.0, abs=1e-3)
    assert (first.name, first.error_id, first.kind, first.sure) == (
        ids[0],
        ERROR_ID,
        Kind.EXAMPLE,
        True,
    )
    np.testing.assert_array_equal(first.views.joint[0], unit(1))
    assert first.moment is not None
    assert first.moment.source == alert(1).detection.source
    assert (second.name, second.kind, second.sure) == (ids[1], Kind.REJECTED, False)
    (aside,) = gathered.set_aside
    assert aside.name == str(tmp_path / "gone.flac")
    assert "No such file" in aside.reason
    store.close()


def test_a_sound_that_was_another_one_teaches_both(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path
) -> None:
    """Rejected for the alert's description, an example of the other; gone when taken back."""
    store = Store.open(tmp_path)
    first, second = (keep(store, number, bundle.digest) for number in (1, 2))
    said = {"verdict": Verdict.REJECT, "error_id": "air_leak", "description": "air leak"}
    give(store, answer(1, alert_id=first, operator="shift-a", **said))
    give(store, answer(2, alert_id=first, operator="shift-b", **said))
    give(store, answer(3, alert_id=second, operator="shift-a", **said))
    give(store, answer(4, alert_id=second, operator="shift-b", **said | {"error_id": ERROR_ID}))
    library = Library(bundle, store, tmp_path / CLIPS_FOLDER, FakeClock())
    _, rejected, other, disputed = library.gather(wanted).recordings
    assert (rejected.error_id, rejected.name, rejected.kind) == (ERROR_ID, first, Kind.REJECTED)
    assert (other.error_id, other.name, other.kind) == ("air_leak", first, Kind.EXAMPLE)
    assert other.sure, "two people say so"
    np.testing.assert_array_equal(other.views.joint[0], unit(1))
    assert (disputed.name, disputed.kind) == (second, Kind.REJECTED), "differ in what it was"
    undone = answer(1, alert_id=first, operator="shift-a", undone_at=9.0, **said)
    give(store, replace(undone, undone_request_id="u1"))
    (_, _, again, _) = library.gather(wanted).recordings
    assert (again.error_id, again.sure) == ("air_leak", False)
    store.close()


def test_of_an_example_the_chosen_channel_is_heard(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path
) -> None:
    """And where none is chosen and the mix cancels, one that is told."""
    sound, other = noise(5 * RATE_HZ), noise(5 * RATE_HZ, 8) ** 3
    soundfile.write(tmp_path / "mono.wav", sound, RATE_HZ, subtype="FLOAT")
    both = np.stack((other, sound), axis=1)
    soundfile.write(tmp_path / "both.wav", both, RATE_HZ, subtype="FLOAT")
    inverted = np.stack((sound, -sound), axis=1)
    soundfile.write(tmp_path / "inverted.wav", inverted, RATE_HZ, subtype="FLOAT")
    examples = "[mono.wav, {file: both.wav, channels: [2]}, both.wav, inverted.wav]"
    text = DESCRIPTIONS.replace("[named.flac, gone.flac]", examples)
    described = parse(text.encode(), tmp_path / "d.yaml")
    store = Store.open(tmp_path)
    library = Library(bundle, store, tmp_path / CLIPS_FOLDER)
    gathered = library.gather(wanted_of(bundle, described, None)[0])
    store.close()
    mono, chosen, mixed, cancelling = (one.views.joint[0] for one in gathered.recordings)
    np.testing.assert_array_equal(chosen, mono)
    np.testing.assert_array_equal(cancelling, mono)
    assert float(mixed @ mono) < 0.9999
    (told,) = library.remarks
    assert "inverted.wav: channels 1 and 2 cancel each other" in told


def test_silence_is_no_example(bundle: Bundle, wanted: list[Wanted], tmp_path: Path) -> None:
    """Neither a file of it, nor the silent windows of one, nor a clip; but it can be rejected."""
    store = Store.open(tmp_path)
    folder = tmp_path / CLIPS_FOLDER
    folder.mkdir()
    zeros = np.zeros(8 * RATE_HZ, np.float32)
    named = {"named": zeros, "stuck": zeros + np.float32(0.25)}
    named["padded"] = np.concatenate((zeros, 1e-3 * noise(RATE_HZ), zeros))
    for name, sound in named.items():
        soundfile.write(tmp_path / f"{name}.wav", sound, RATE_HZ, subtype="FLOAT")
    soundfile.write(folder / "a.flac", zeros, RATE_HZ)
    text = DESCRIPTIONS.replace("named.flac, gone.flac", "named.wav, stuck.wav, padded.wav")
    described = parse(text.encode(), tmp_path / "d.yaml")
    confirmed, rejected = (keep(store, n, "sha256:other", file="a.flac") for n in (1, 2))
    say(store, confirmed, Verdict.CONFIRM, 1, "shift-a")
    say(store, rejected, Verdict.REJECT, 2, "shift-a")
    library = Library(bundle, store, folder)
    gathered = library.gather(wanted_of(bundle, described, None)[0])
    padded, *silences = gathered.recordings
    assert padded.name == str(tmp_path / "padded.wav")
    assert {(one.name, one.kind) for one in silences} == {(rejected, Kind.REJECTED)}
    silence = silences[0].views.acoustic[0]
    assert float(padded.views.acoustic[0] @ silence) < 0.9999
    asides = {one.name: one.reason for one in gathered.set_aside}
    assert asides.keys() == {str(tmp_path / "named.wav"), str(tmp_path / "stuck.wav"), confirmed}
    assert {part.code for one in asides.values() for part in one.parts} == {"recording_silent"}
    store.close()


def test_an_embedding_of_another_bundle_is_made_anew_or_left_out(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path
) -> None:
    """Where the sound was kept, its peak is heard again; where not, that is told."""
    store = Store.open(tmp_path)
    folder = tmp_path / CLIPS_FOLDER
    folder.mkdir()
    sound = 0.01 * noise(8 * RATE_HZ)
    sound[4 * RATE_HZ : 6 * RATE_HZ] *= 30.0  # at 4 s it is another sound than before
    soundfile.write(folder / "a.flac", sound, RATE_HZ)
    kept = keep(store, 1, "sha256:other", file="a.flac", peak_s=4.0)
    lost = keep(store, 2, "sha256:other")
    broken = keep(store, 3, "sha256:other", file="b.flac")
    outside = keep(store, 4, "sha256:other", file="../kikimimi.sqlite3")
    for number, one in enumerate((kept, lost, broken, outside)):
        say(store, one, Verdict.CONFIRM, number, "shift-a")
    library = Library(bundle, store, folder)
    gathered = library.gather(wanted[:1])
    again = {one.name: one for one in gathered.recordings}[kept]
    assert float(again.views.joint[0] @ unit(1)) < 0.99
    reasons = {one.name: one.reason for one in gathered.set_aside}
    assert reasons[lost] == "another bundle heard it, and its sound was not kept"
    assert "b.flac" in reasons[broken]
    assert "outside" in reasons[outside]
    codes = [[part.code for part in reasons[one].parts] for one in (lost, broken, outside)]
    expected = ["recording_other_bundle", "recording_unreadable", "recording_outside"]
    assert codes == [[code] for code in expected]
    # It is the window at the peak, not the beginning.
    peak = library._views(folder / "a.flac", (4.0,)).joint[0]
    np.testing.assert_array_equal(again.views.joint[0], peak)
    assert float(again.views.joint[0] @ library._views(folder / "a.flac", (0.0,)).joint[0]) < 0.999
    store.close()


def test_a_verdict_outlives_the_model_that_it_was_given_on(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path
) -> None:
    """The sound is scored again by the new one's texts, and the threshold lies over it."""
    store = Store.open(tmp_path)
    folder = tmp_path / CLIPS_FOLDER
    folder.mkdir()
    soundfile.write(folder / "a.flac", noise(8 * RATE_HZ), RATE_HZ)
    provenance = Provenance("sha256:other", "sha256:d")
    made = replace(alert(1), description="metal part dropped", provenance=provenance)
    store.record(made, [])
    heard = views(unit(1), ACOUSTIC_SIZE)
    store.keep_clip(clip(made.alert_id, file="a.flac", views=heard, peak_s=2.0))
    kept = made.alert_id
    say(store, kept, Verdict.REJECT, 1, "shift-a")
    described = parse(
        f"version: 1\nerrors: [{{id: {ERROR_ID}, text: metal part dropped}}]\n".encode(),
        tmp_path / "d.yaml",
    )
    library = Library(bundle, store, folder)
    scored: dict[tuple[str, str], float] = {}

    def judge(again: Mapping[tuple[str, str], float]) -> Mapping[str, VerdictScores]:
        scored.update(again)
        now = made.detection.starts_at + 60.0
        return verdict_scores(store, described, bundle.digest, again, since=None, now=now)

    plain = build(bundle, described, None, library=library).policies[ERROR_ID]
    watch = build(bundle, described, None, judge=judge, library=library)
    # As the box scores it that has no examples.
    texts = build(bundle, described, None).matcher
    known = library.gather(wanted_of(bundle, described, None)[0]).recordings
    _, margin = texts.compare(Views.concatenate([one.views for one in known]))
    own = (margin - watch.matcher.statistics.mean) / watch.matcher.statistics.std
    assert scored == {(kept, ERROR_ID): pytest.approx(float(own.max()), abs=1e-3)}
    adapted = watch.adapted[ERROR_ID]
    assert "1 rejected, 1 allowed" in adapted.reason
    assert watch.policies[ERROR_ID].threshold_on == adapted.threshold == plain.threshold_on
    store.close()


@pytest.mark.parametrize("speech", [Speech.NONE, Speech.SCRAMBLED])
def test_several_windows_of_a_rejected_sound_are_known(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path, speech: Speech
) -> None:
    """Each of them may alarm; but not those that were changed before they were written."""
    store = Store.open(tmp_path)
    folder = tmp_path / CLIPS_FOLDER
    folder.mkdir()
    soundfile.write(folder / "a.flac", noise(12 * RATE_HZ), RATE_HZ)
    made = alert(1)
    event = replace(
        made.detection, starts_at=made.detection.starts_at, ends_at=made.detection.starts_at + 8.0
    )
    made = replace(made, detection=event, provenance=Provenance(bundle.digest, "sha256:d"))
    store.record(made, [])
    kept = clip(
        made.alert_id,
        file="a.flac",
        views=views(unit(1), ACOUSTIC_SIZE),
        starts_at=event.starts_at - 2.0,
        duration_s=12.0,
        peak_s=4.0,
        speech=speech,
    )
    store.keep_clip(kept)
    say(store, made.alert_id, Verdict.REJECT, 1, "shift-a")
    library = Library(bundle, store, folder)
    found = library.gather(wanted[1:]).recordings
    assert found == ()  # of other descriptions none
    found = [one for one in library.gather(wanted).recordings if one.kind is Kind.REJECTED]
    np.testing.assert_array_equal(found[0].views.joint[0], unit(1))
    assert {one.name for one in found} == {made.alert_id}
    store.close()
    if speech is Speech.SCRAMBLED:
        assert len(found) == 1
        return
    assert len(found) == REJECTED_WINDOWS
    # The first begins with the event, the last ends with it.
    first, last = library._views(folder / "a.flac", (2.0, 8.0)).joint
    np.testing.assert_allclose(found[1].views.joint[0], first, atol=1e-6)
    np.testing.assert_allclose(found[-1].views.joint[0], last, atol=1e-6)


def test_a_long_file_is_refused(bundle: Bundle, wanted: list[Wanted], tmp_path: Path) -> None:
    """An hour of a shift is no example of one sound."""
    soundfile.write(tmp_path / "named.flac", np.zeros(61 * 8_000), 8_000)
    store = Store.in_memory()
    gathered = Library(bundle, store, tmp_path).gather(wanted[:1])
    assert gathered.recordings == ()
    assert "lasts 61 s; cut out the sound itself, at most 60 s" in gathered.set_aside[0].reason
    store.close()


def test_a_change_is_told_once_and_only_where_it_changes_something(
    bundle: Bundle, wanted: list[Wanted], tmp_path: Path
) -> None:
    """An answer, also of another process; not an alert, and not what everybody has said already."""
    clock = FakeClock()
    keeper = BoxStore(tmp_path, clock)
    library = Library(bundle, keeper, tmp_path / CLIPS_FOLDER, clock)
    library.gather(wanted)

    def told() -> bool:
        clock.advance(LOOK_S)
        first = library.changed(keeper.version)
        for thread in threading.enumerate():
            if thread.name == "examples":
                thread.join(60.0)
        return first or library.changed(keeper.version)

    assert not told()
    elsewhere = Store.open(tmp_path)
    alert_id = keep(elsewhere, 1, bundle.digest)
    assert not told()
    say(elsewhere, alert_id, Verdict.CONFIRM, 1, "shift-a")
    assert told()
    assert not told()
    assert len(library.gather(wanted).recordings) == 2
    say(keeper, alert_id, Verdict.UNSURE, 2, "shift-b")
    assert not told()
    undone = replace(answer(1, alert_id=alert_id), undone_at=9.0, undone_request_id="u1")
    give(elsewhere, undone)
    assert told()
    assert len(library.gather(wanted).recordings) == 1
    elsewhere.close()
    keeper.close()


def test_looking_costs_the_hot_path_nothing(bundle: Bundle, tmp_path: Path) -> None:
    """While a store is slow to read, :meth:`Library.changed` returns at once."""
    clock = FakeClock()
    keeper = BoxStore(tmp_path, clock)
    library = Library(bundle, keeper, tmp_path, clock)
    with keeper._kept.lock:  # nobody can read
        began_s = time.monotonic()
        assert not library.changed((1, 1))
        assert not library.changed((2, 1))
        assert time.monotonic() - began_s < 30.0
        assert sum(one.name == "examples" for one in threading.enumerate()) == 1
    for thread in threading.enumerate():
        if thread.name == "examples":
            thread.join(60.0)
    keeper.close()
