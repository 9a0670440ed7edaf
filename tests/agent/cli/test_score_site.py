"""``kikimimi score`` as a box hears now: calibration, answers and recordings, changing nothing."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from agent import cli, descriptions
from agent.config import load_settings
from agent.core.answers import Entry, Through
from agent.core.clock import SystemClock
from agent.core.operator_thresholds import OperatorThreshold
from agent.core.records import Provenance, Verdict, Window
from agent.hearing.files import FileHearing
from agent.run.pipeline import Pipeline
from agent.store import FILE_NAME, Store
from agent.watchlist.calibration.index import Index
from agent.watchlist.calibration.parts import PartWriter
from agent.watchlist.site import listened_for_beside
from tests.agent.store.answers import alert, answer, clip, give
from tests.bundles import make_bundle
from tests.signals import noise
from tests.views import views

if TYPE_CHECKING:
    from pathlib import Path

    from agent.bundle.loading import Bundle

RATE_HZ = 32_000
ERROR_ID = alert(1).detection.error_id
WORDS = "metal part dropped"
DESCRIPTIONS = f"""\
version: 1
errors:
  - id: {ERROR_ID}
    text: {WORDS}
  - id: air_leak
    text: air leak
    threshold: 3.5
    hits: 1 of 2
"""
NAMED = DESCRIPTIONS.replace("threshold: 3.5", "threshold: 3.5\n    examples: [a.wav, gone.flac]")
DAY_S = 86_400.0
MINUTES = 11


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle of real parts."""
    return make_bundle(tmp_path_factory.mktemp("model") / "bundle", seed=2)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Three seconds of noise."""
    soundfile.write(tmp_path / "a.wav", noise(3 * RATE_HZ), RATE_HZ)
    return tmp_path / "a.wav"


def score(
    capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, list[dict[str, Any]], str]:
    """What is printed for programs, and beside it."""
    status = cli.main(["score", *map(str, arguments), "--json"])
    told = capsys.readouterr()
    return status, [json.loads(line) for line in told.out.splitlines()], told.err


def site(folder: Path, bundle: Bundle, hop_s: float = 0.5) -> Path:
    """A box that has heard eleven minutes of its hall."""
    (folder / "d.yaml").write_text(DESCRIPTIONS, encoding="utf-8")
    config = folder / "agent.yaml"
    config.write_text(f"state_dir: state\ndescriptions: d.yaml\nbundle: {bundle.folder}\n")
    size = bundle.manifest.embedding_size
    index = Index(bundle.digest, size, bundle.manifest.acoustic_size, hop_s, sources=1, made_at=0.0)
    writer = PartWriter(folder / "state", index, lambda: time.time() - DAY_S)
    rng = np.random.default_rng(1)
    rows = rng.standard_normal(size) + 0.5 * rng.standard_normal((MINUTES * 120, size))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    silent = np.zeros((1, 1), np.float32)
    windows = [
        Window("mic1", round(n * hop_s * RATE_HZ), 1.7e9 + n * hop_s, 2.0, silent)
        for n in range(len(rows))
    ]
    writer.take("s1-mic1", windows, views(rows, bundle.manifest.acoustic_size), RATE_HZ)
    writer.finish()
    return config


def say(store: Store, bundle: Bundle, number: int, verdict: Verdict) -> None:
    """An alert of an hour ago, with the embedding of its clip, and what a person said of it."""
    now, known = time.time(), alert(number)
    made = replace(
        known,
        provenance=Provenance(bundle.digest, "sha256:d"),
        description=WORDS,
        detection=replace(known.detection, starts_at=now - 3_600.0, ends_at=now - 3_590.0),
    )
    store.record(made, [])
    drawn = np.random.default_rng(number).standard_normal(bundle.manifest.embedding_size)
    heard = views(drawn / np.linalg.norm(drawn), bundle.manifest.acoustic_size)
    store.keep_clip(clip(made.alert_id, file=None, views=heard))
    given = answer(number, alert_id=made.alert_id, verdict=verdict, received_at=now)
    assert give(store, given)


def choose(store: Store, request_id: str, error_id: str, threshold: float | None) -> None:
    """What an operator set."""
    said = OperatorThreshold(
        request_id, error_id, threshold, "shift-a", 1.8e9, time.time(), Through.MQTT
    )
    assert store.set_threshold(said, Entry(1.8e9, "threshold", "shift-a", {}))


def kept(state: Path) -> dict[str, bytes]:
    """Everything that a box keeps, but for the memory that readers and writers share."""
    return {
        str(path): path.read_bytes()
        for path in state.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_it_hears_as_the_running_box_does(
    tmp_path: Path, bundle: Bundle, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By calibration, answers and clips; while the box writes, and without a trace of the look."""
    config = site(tmp_path, bundle)
    settings, described = load_settings(config, {}), descriptions.load(tmp_path / "d.yaml")
    with closing(Store.open(settings.state_dir)) as store:
        for number, verdict in enumerate((Verdict.CONFIRM, Verdict.REJECT, Verdict.REJECT), 1):
            say(store, bundle, number, verdict)
    box = Pipeline(settings, bundle, described, SystemClock())
    watch = box._reloading.build(described)
    with closing(Store.open(settings.state_dir)) as store, store._transaction():
        before = kept(settings.state_dir)
        status, windows, told = score(capsys, sound, "--config", config)
        beside = listened_for_beside(settings, bundle, described, now=time.time())
        assert kept(settings.state_dir) == before
    box._store.close()
    assert status == 0
    assert f"{ERROR_ID} has {watch.examples.examples.get(ERROR_ID, 0)} examples and" in told
    assert watch.calibration.findings
    assert watch.adapted
    assert (beside.policies, beside.adapted) == (watch.policies, watch.adapted)
    matches = list(FileHearing.of(bundle).matches(sound, watch.matcher))
    for window, match in zip(windows, matches, strict=True):
        assert window["scores"] == pytest.approx(match.scores(), abs=1e-4)
    options = ("--descriptions", tmp_path / "d.yaml", "--bundle", bundle.folder)
    _, plain, told = score(capsys, sound, *options)
    assert told == ""
    for window, match in zip(plain, matches, strict=True):
        assert window["cosine"] == pytest.approx(match.cosines(), abs=1e-4)
        assert window["scores"]["air_leak"] != pytest.approx(match.scores()["air_leak"], abs=1e-3)


def test_what_an_operator_set_counts_before_all_else(
    tmp_path: Path, bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over calibration, answers and a number in the file, in every command, until ``auto``."""
    config = site(tmp_path, bundle)
    settings, described = load_settings(config, {}), descriptions.load(tmp_path / "d.yaml")
    with closing(Store.open(settings.state_dir)) as store:
        for number in (1, 2, 3):
            say(store, bundle, number, Verdict.REJECT)
        choose(store, "t1", ERROR_ID, 6.5)
        choose(store, "t2", "air_leak", 2.5)
        choose(store, "t3", "gone", 5.0)
    box = Pipeline(settings, bundle, described, SystemClock())
    watch = box._reloading.build(described)
    box._store.close()
    beside = listened_for_beside(settings, bundle, described, now=time.time())
    for one in (watch, beside):
        found = {name: made.threshold_on for name, made in one.policies.items()}
        assert found == {ERROR_ID: 6.5, "air_leak": 2.5}
        assert not one.adapted, "answers move what nobody set"
        assert ERROR_ID in one.calibration.findings, "the calibration is kept for auto"
    by = "set by shift-a by MQTT on 2027-01-15 08:00 UTC,"
    remedy = "send cmd/threshold with auto to go by the file"
    waits = "is kept and waits: it is not described, or is switched off; describe it, and it counts"
    notes = [
        f"d.yaml:3 errors[0].threshold: is auto, but 6.5, {by} counts; {remedy}",
        f"d.yaml:5 errors[1].threshold: is 3.5, but 2.5, {by} counts; {remedy}",
        f"threshold of gone: 5, {by} {waits} again",
    ]
    cli.main(["check", "--config", str(config)])
    told = [capsys.readouterr().out]
    assert cli.main(["calibrate", "--config", str(config), "--trim", "0"]) in {0, 1}
    told += [capsys.readouterr().err, "\n".join(map(str, watch.notes))]
    assert [[note in one for note in notes] for one in told] == [[True] * 3] * 3
    # What was gone comes back, and the rest goes back to the file and the site.
    again = tmp_path / "again.yaml"
    again.write_text(DESCRIPTIONS.replace("air_leak", "gone"), encoding="utf-8")
    with closing(Store.open(settings.state_dir)) as store:
        choose(store, "t4", ERROR_ID, None)
    described = descriptions.load(again)
    watch = listened_for_beside(settings, bundle, described, now=time.time())
    assert watch.policies["gone"].threshold_on == 5.0
    assert list(watch.adapted) == [ERROR_ID]


def test_an_alert_is_told_as_it_would_be_published(
    tmp_path: Path, bundle: Bundle, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object an alert; for people a line each, and how many there were."""
    path = tmp_path / "d.yaml"
    path.write_text(NAMED, encoding="utf-8")
    options = ("--descriptions", path, "--bundle", bundle.folder, "--alerts")
    status, (alert_told,), _ = score(capsys, sound, *options)
    assert status == 0
    assert alert_told.pop("score") > 4.0
    assert alert_told.pop("peak") in {0.0, 0.5, 1.0}
    assert alert_told == {
        "file": str(sound),
        "start": 0.0,
        "end": 3.0,
        "error_id": "air_leak",
        "description": "air leak",
        "threshold": 3.5,
        "hits": 2,
        "windows": 2,
        "severity": "MINOR",
        "candidates": [],
        "bundle": bundle.digest,
        "descriptions": descriptions.load(path).digest,
    }
    assert cli.main(["score", str(sound), *map(str, options)]) == 0
    line, total = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{sound}     0.00-   3.00 s  MINOR  air_leak ")
    assert total == f"{sound}  1 alert in 3.0 s"


def test_examples_count_and_what_does_not_is_told(
    tmp_path: Path, bundle: Bundle, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The very sound that is named as an example scores higher, with and without a site."""
    config = site(tmp_path, bundle)
    path = tmp_path / "d.yaml"
    for options in (("--descriptions", path, "--bundle", bundle.folder), ("--config", config)):
        highest = []
        for text in (DESCRIPTIONS, NAMED):
            path.write_text(text, encoding="utf-8")
            status, windows, told = score(capsys, sound, *options)
            assert status == 0
            highest.append(max(one["scores"]["air_leak"] for one in windows))
        assert "air_leak has 1 examples" in told
        assert "gone.flac: No such file or directory" in told
        assert highest[1] > highest[0] + 1.0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "no descriptions; name them with --descriptions FILE, or --config agent.yaml"),
        (("--alerts", "--whole"), "--alerts: is given with --whole"),
        (("--alerts", "--truth", "folder"), "leave one of them out"),
        (("--config", "gone.yaml"), "gone.yaml"),
    ],
)
def test_wrong_usage_is_told(
    sound: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    """Status 2, in one line."""
    status, lines, error = score(capsys, sound, *options)
    assert (status, lines) == (2, [])
    assert told in error
    assert len(error.splitlines()) == 1


def test_a_site_that_cannot_be_read_is_not_guessed(
    tmp_path: Path, bundle: Bundle, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A damaged database ends it; a calibration of another hop is told, as health tells it."""
    config = site(tmp_path, bundle, hop_s=0.25)
    status, _, told = score(capsys, sound, "--config", config)
    assert status == 0
    assert "the calibration was made with windows every 0.25 s, not 0.5 s" in told
    (tmp_path / "state" / FILE_NAME).write_bytes(b"no database" * 99)
    status, lines, told = score(capsys, sound, "--config", config)
    assert (status, lines) == (2, [])
    assert FILE_NAME in told
