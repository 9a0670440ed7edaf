"""The stages of the loop: what the box goes by, one thing more at each."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from agent import clips
from agent import descriptions as descriptions_file
from agent.bundle.loading import Bundle
from agent.capture.audiofile import write_flac
from agent.capture.scene import RATE_HZ
from agent.cli import main as kikimimi
from agent.config import Settings
from agent.core.errors import KikimimiError
from agent.descriptions import DescriptionSet
from agent.store import Store
from agent.watchlist import watchlist
from agent.watchlist.calibration import index as indices
from agent.watchlist.calibration.applied import Site
from agent.watchlist.calibration.verdicts import VerdictScores
from agent.watchlist.examples import Library
from agent.watchlist.verdict_scores import verdict_scores
from agent.watchlist.watchlist import Judge, Watchlist
from training.studies.hearing import HOP_S
from training.studies.human_loop.recordings import Dealt
from training.studies.human_loop.week import Size, background


class Stage(StrEnum):
    """What the box goes by."""

    UNCALIBRATED = "uncalibrated"
    """The bundle's threshold and background."""
    CALIBRATED = "calibrated"
    """Thresholds calibrated on the site's own noise."""
    VERDICTS = "verdicts"
    """Calibrated thresholds that people's verdicts have moved."""
    EXAMPLES_ALONE = "examples alone"
    """Clips that people confirmed or rejected, as prototypes, and thresholds as calibrated."""
    EXAMPLES = "examples"
    """Both: clips as prototypes, and thresholds that verdicts have moved."""
    TUNED = "tuned"
    """Both, with a model that was fine-tuned on the answers, calibrated anew."""


BY_WEEK = (Stage.UNCALIBRATED, Stage.CALIBRATED, Stage.EXAMPLES, Stage.TUNED)
"""What the box of the month goes by in each week."""

_CONFIG = """\
node: loop
site: simulated
state_dir: {state_dir}
descriptions: {descriptions}
mqtt:
  enabled: false
"""


def calibrate(
    folder: Path,
    bundle: Bundle,
    descriptions: Path,
    dealt: Dealt,
    data: Path,
    *,
    seed: int,
    size: Size,
) -> None:
    """Run ``kikimimi calibrate`` on recordings of the hall, once for each bundle.

    Args:
        folder: the state folder that the calibration is kept in.
        bundle: whose tower hears it.
        descriptions: the site's.
        dealt: recordings of the background.
        data: the data folder.
        seed: of the month.
        size: how long to listen.

    Raises:
        KikimimiError: it could not be done.
    """
    if (folder / indices.FILE).is_file():
        return
    sounds = folder / "background"
    sounds.mkdir(parents=True, exist_ok=True)
    for number, part in enumerate(background(dealt, data, seed, size.background_minutes)):
        write_flac(sounds / f"{number:02}.flac", part, RATE_HZ)
    config = folder / "agent.yaml"
    config.write_text(
        _CONFIG.format(state_dir=folder.resolve(), descriptions=descriptions.resolve()),
        encoding="utf-8",
    )
    arguments = ["calibrate", "--config", config, "--bundle", bundle.folder, "--files", sounds]
    with (folder / "calibrate.txt").open("w", encoding="utf-8") as log, redirect_stdout(log):
        status = kikimimi([str(part) for part in arguments])
    shutil.rmtree(sounds)
    if status > 1:  # 1: a description stays uncalibrated, as on many a site
        raise KikimimiError(f"{folder}: kikimimi calibrate ended with {status}")


@dataclass(frozen=True, slots=True)
class Known:
    """What watchlists are built from."""

    settings: Settings
    """Of the box whose answers count."""
    calibration: Path
    """State folder of the calibration."""
    texts: Path
    """Where embeddings of texts are kept."""
    since: float
    """UTC from which verdicts move thresholds: scores of before the calibration are of another
    background."""
    now: float
    """UTC: as far as they are known."""
    sound: float
    """Share of each day that is heard."""

    def watchlist(self, stage: Stage, bundle: Bundle) -> Watchlist:
        """What the box listens for at a stage."""
        described = descriptions_file.load(self.settings.descriptions)
        if stage is Stage.UNCALIBRATED:
            return watchlist.build(bundle, described, self.texts)
        site = Site(self.calibration, HOP_S)
        if stage is Stage.CALIBRATED:
            return watchlist.build(bundle, described, self.texts, site)
        judge = None if stage is Stage.EXAMPLES_ALONE else self._judge(bundle, described)
        if stage is Stage.VERDICTS:
            return watchlist.build(bundle, described, self.texts, site, judge)
        with closing(Store.open(self.settings.state_dir)) as store:
            library = Library(bundle, store, clips.folder_of(self.settings))
            return watchlist.build(bundle, described, self.texts, site, judge, library=library)

    def _judge(self, bundle: Bundle, described: DescriptionSet) -> Judge:
        """Tells what people said of alerts.

        The days are those of sound that was heard, not those of the clock, which runs from one
        day of a few minutes to the next.
        """

        def judge(again: Mapping[tuple[str, str], float]) -> Mapping[str, VerdictScores]:
            with closing(Store.open(self.settings.state_dir)) as store:
                said = verdict_scores(
                    store, described, bundle.digest, again, since=self.since, now=self.now
                )
            return {
                name: replace(answers, days=answers.days * self.sound)
                for name, answers in said.items()
            }

        return judge
