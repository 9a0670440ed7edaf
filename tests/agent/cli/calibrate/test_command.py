"""``kikimimi calibrate`` and what follows from it, on recordings, with a real small bundle."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from agent import descriptions as descriptions_file
from agent.capture.scene import RATE_HZ, machines
from agent.cli import main
from agent.core.records import Verdict, Window
from agent.watchlist import watchlist
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration.applied import Site
from agent.watchlist.calibration.index import FILE, Index
from agent.watchlist.calibration.parts import PartWriter
from agent.watchlist.calibration.threshold import Kind
from agent.watchlist.calibration.verdicts import VerdictScores
from tests.bundles import make_bundle
from tests.views import views

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle

DESCRIPTIONS = """version: 1
defaults: {{hits: 1 of 2, cooldown: 1s, false_alarms_per_day: {wanted}}}
errors:
  - id: air_leak
    text: {text}
  - id: glass_broken
    text: glass shatters
    threshold: 3.5
background: [a motor runs]
"""
MINUTES, SECONDS, HOP_S = 11, 20, 0.5
HEARD_S = MINUTES * 60 + SECONDS - 2.0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Real ONNX towers, small and at random."""
    return make_bundle(tmp_path_factory.mktemp("model") / "bundle")


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of machines, twenty seconds."""
    folder = tmp_path_factory.mktemp("hall")
    samples = 0.1 * machines(np.random.default_rng(0), SECONDS * RATE_HZ)
    soundfile.write(folder / "hall.wav", samples, RATE_HZ, subtype="PCM_16")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle, hall: Path) -> Path:
    """A site that has heard a microphone for eleven minutes, and then the recording."""
    folder = tmp_path_factory.mktemp("site")
    write(folder)
    config = f"state_dir: state\ndescriptions: d.yaml\nbundle: {bundle.folder}\n"
    (folder / "agent.yaml").write_text(config)
    size = bundle.manifest.embedding_size
    empty = Index(bundle.digest, size, bundle.manifest.acoustic_size, HOP_S, 1, 0.0)
    writer = PartWriter(folder / "state", empty, lambda: 1.8e9)
    rng = np.random.default_rng(1)
    # Windows overlap: what one hears the next three hear as well.
    rows = rng.standard_normal((MINUTES * 120 + 3, size))
    rows = np.stack([rows[at : at + 4].sum(axis=0) for at in range(MINUTES * 120)])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    silent = np.zeros((1, 1), np.float32)
    windows = [
        Window("mic1", n * RATE_HZ // 2, 1.7e9 + n * HOP_S, 2.0, silent) for n in range(len(rows))
    ]
    writer.take("s1-mic1", windows, views(rows, bundle.manifest.acoustic_size), RATE_HZ)
    writer.finish()
    assert main(["calibrate", "--config", str(folder / "agent.yaml"), "--files", str(hall)]) == 0
    return folder


def write(folder: Path, text: str = "air leaks", wanted: float = 100) -> None:
    """The site's descriptions."""
    (folder / "d.yaml").write_text(DESCRIPTIONS.format(text=text, wanted=wanted))


def calibrate(site: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, object]:
    """Run it again; what it prints for programs."""
    main(["calibrate", "--config", str(site / "agent.yaml"), "--json", *more])
    told = capsys.readouterr()
    assert told.out, told.err
    return json.loads(told.out)


def built(
    site: Path, bundle: Bundle, judged: dict[str, VerdictScores] | None = None
) -> watchlist.Watchlist:
    """The watchlist as the agent builds it."""
    described = descriptions_file.load(site / "d.yaml")
    where = Site(site / "state", 0.5)
    return watchlist.build(bundle, described, site / "cache", where, lambda _: judged or {})


def test_thresholds_and_statistics_are_the_sites(site: Path, bundle: Bundle) -> None:
    """``auto`` is the calibrated one, a number stays; scores are told by this background."""
    write(site)
    index = indices.read(site / "state")
    assert index is not None
    leak, glass = index.findings
    assert (leak.kind, glass.kind) == (Kind.TAIL, Kind.FIXED)
    assert leak.rate is not None
    assert leak.rate.high <= 100.0
    watch = built(site, bundle)
    assert (
        watch.policies["air_leak"].threshold_on
        == leak.threshold
        != bundle.manifest.tuning.threshold
    )
    assert watch.policies["glass_broken"].threshold_on == 3.5
    assert watch.matcher.statistics.mean[0] == pytest.approx(leak.mean)
    assert watch.calibration.found_anew == ()
    assert watch.calibration.reference is not None


def test_the_same_recording_counts_once(
    site: Path, hall: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calibrating again with what was heard adds nothing."""
    write(site)
    report = calibrate(site, capsys, "--files", str(hall))
    assert report["heard_before"] == [str(hall / "hall.wav")]
    assert report["heard_now_hours"] == 0.0
    assert report["hours"] == pytest.approx(HEARD_S / 3_600, abs=1e-4)


def test_of_recordings_the_chosen_channel_is_heard(
    tmp_path: Path, bundle: Bundle, hall: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mix that cancels is told; heard again by another channel, it counts once and anew."""
    write(tmp_path)
    (tmp_path / "agent.yaml").write_text(
        f"state_dir: state\ndescriptions: d.yaml\nbundle: {bundle.folder}\n"
    )
    samples, _ = soundfile.read(hall / "hall.wav", dtype="float32")
    both = tmp_path / "both.wav"
    soundfile.write(both, np.stack((samples, -0.5 * samples), axis=1), RATE_HZ)
    first = calibrate(tmp_path, capsys, "--files", str(both))
    (remark,) = first["remarks"]
    assert remark.startswith(f"{both}: channels 1 and 2 cancel each other")
    again = calibrate(tmp_path, capsys, "--files", str(both), "--channels", "2")
    assert (again["heard_before"], again["remarks"]) == ([], [])
    assert again["hours"] == first["hours"]
    twice = calibrate(tmp_path, capsys, "--files", str(both), "--channels", "2")
    assert twice["heard_before"] == [str(both)]
    missing = calibrate(tmp_path, capsys, "--files", str(both), "--channels", "3")
    assert missing["unread"] == [f"{both}: has 2 channels, not 3; choose channels from 1 to 2"]
    assert main(["calibrate", "--config", str(tmp_path / "agent.yaml"), "--channels", "1"]) != 0
    assert "--channels: is given without recordings" in capsys.readouterr().err


def test_the_sites_own_sources_are_heard(
    tmp_path: Path, bundle: Bundle, hall: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Through the same capture as the agent's; twice adds up, and too little is told."""
    write(tmp_path)
    source = f"{{name: mic1, kind: file, path: {hall / 'hall.wav'}, realtime: false}}"
    config = (
        f"state_dir: state\ndescriptions: d.yaml\nbundle: {bundle.folder}\nsources: [{source}]\n"
    )
    (tmp_path / "agent.yaml").write_text(config)
    first = calibrate(tmp_path, capsys, "--hours", "1")
    assert first["heard_now_hours"] == pytest.approx((SECONDS - 2.0) / 3_600, abs=1e-4)
    assert (first["ok"], first["windows_dropped"], first["descriptions"]) == (False, 0, [])
    again = calibrate(tmp_path, capsys, "--hours", "0.002")
    assert again["hours"] > first["hours"]
    index = indices.read(tmp_path / "state")
    assert index is not None
    assert [(part.source, part.recorded) for part in index.parts] == [("mic1", False)] * 2


def test_a_new_wording_needs_no_new_listening(site: Path, bundle: Bundle) -> None:
    """It is calibrated on what was kept; the other description is left as it was."""
    write(site, text="a hose hisses loudly")
    watch = built(site, bundle)
    assert watch.calibration.found_anew == ("air_leak",)
    finding = watch.calibration.findings["air_leak"]
    assert finding.kind is Kind.TAIL
    assert watch.policies["air_leak"].threshold_on == finding.threshold
    write(site)


def test_check_says_since_when_and_what_changed(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The date, the hours, and which description is found anew."""
    write(site, text="a hose hisses loudly")
    main(["check", "--config", str(site / "agent.yaml"), "--json"])
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert notes[0].startswith("calibrated on 0.2 hours until 20")
    assert "air_leak is worded otherwise since then" in notes[1]
    write(site)


def test_what_was_real_can_be_left_out(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The named time no longer counts, without listening again; half of it is not enough."""
    write(site)
    report = calibrate(site, capsys, "--exclude", "hall.wav@10/12.5")
    assert report["hours"] == pytest.approx((HEARD_S - 3.0) / 3_600, abs=1e-4)
    assert report["excluded"] == [{"source": "hall.wav", "starts_at": 10.0, "ends_at": 12.5}]
    report = calibrate(site, capsys, "--exclude", "mic1@2023-11-14T22:13:20Z/2023-11-14T22:23:20Z")
    assert (report["ok"], report["descriptions"]) == (False, [])
    index = indices.read(site / "state")
    assert index is not None
    indices.write(site / "state", replace(index, excluded=()))


def test_a_wish_that_is_too_much_is_told(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What counting can promise from so few minutes, and how long it would take."""
    write(site, wanted=1)
    main(["calibrate", "--config", str(site / "agent.yaml"), "--trim", "0"])
    shown = capsys.readouterr().out
    assert "Counting 0.19 hours can promise, with 90% confidence, 293 a day or more." in shown
    assert "To promise 1 a day by counting takes 55 hours" in shown
    write(site)


def test_verdicts_move_the_threshold_within_bounds(site: Path, bundle: Bundle) -> None:
    """Rejected alerts raise an ``auto`` one; a number without bounds is the last word."""
    write(site)
    before = built(site, bundle).policies
    over = before["air_leak"].threshold_on + 1.0
    said = VerdictScores([(over, Verdict.REJECT)] * 300, days=1.0)
    watch = built(site, bundle, {"air_leak": said, "glass_broken": said})
    assert watch.policies["air_leak"].threshold_on == pytest.approx(over + 0.05)
    assert watch.policies["glass_broken"].threshold_on == 3.5
    assert "300 rejected, 100 allowed" in watch.adapted["air_leak"].reason


def test_a_broken_calibration_stops_nothing(
    site: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bundle's threshold goes on, the reason is told, and the file is set aside."""
    write(site)
    path = site / "state" / FILE
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    watch = built(site, bundle)
    assert watch.policies["air_leak"].threshold_on == bundle.manifest.tuning.threshold
    assert str(path) in watch.calibration.trouble
    main(["check", "--config", str(site / "agent.yaml"), "--json"])
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert any(one["where"] == str(path) for one in warnings)
    assert calibrate(site, capsys, "--trim", "0")["hours"] == 0.0
    assert path.with_name(FILE + ".broken").read_bytes() == whole[:100]
    path.write_bytes(whole)


def test_another_bundles_calibration_is_not_used(site: Path, tmp_path: Path) -> None:
    """Embeddings of another tower say nothing; the command asks for a fresh start."""
    write(site)
    other = make_bundle(tmp_path / "other", seed=5)
    assert "another bundle" in built(site, other).calibration.trouble
    arguments = ["calibrate", "--config", str(site / "agent.yaml"), "--bundle", str(other.folder)]
    assert main([*arguments, "--trim", "0"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hours", "0"],
        ["--hours", "1", "--files", "x.wav"],
        ["--files", "/nowhere/at/all.wav"],
        ["--exclude", "mic1"],
        ["--exclude", "mic1@20/10"],
        ["--trim", "-1"],
        ["--keep-hours", "0"],
    ],
)
def test_bad_usage_is_refused(site: Path, arguments: list[str]) -> None:
    """With the code for bad usage, and before anything is heard."""
    assert main(["calibrate", "--config", str(site / "agent.yaml"), *arguments]) == 2
