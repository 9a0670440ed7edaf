"""An update on real recordings, with the pretrained audio tower: what people said is learned."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch

from tests.training.update.site import Said, old_manifest, real_model, sounds_of, write_labels
from training.__main__ import main
from training.data.manifest import load_manifest, write_manifest
from training.data.records import Split
from training.model import checkpoint
from training.train.anchors import Texts
from training.train.command import hear
from training.update.command import keep
from training.update.config import GatesConfig
from training.update.gates import ANSWERS, Gate
from training.update.report import Try
from training.update.trials import Asked, HeldOut, OldSets, try_out

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from training.model.dual_encoder import DualEncoder

pytestmark = pytest.mark.torch

_TEXT = "a window pane breaks"
_OLD = ["engine", "clapping", "snoring", "church bells"]
_EACH = 6
_SETTINGS = """\
training:
  steps: 30
  validate_every: 30
  views: 2
  frozen_blocks: 15
  augment: false
  tensorboard: false
  cache: {cache}
  loss:
    {{keep_texts: 0, keep_unfamiliar: 0, noise: 0, keep_noise: 0, keep_sentences: 0,
      translations: 0}}
  batch: {{pairs: 12}}
  optimiser: {{tower_rate: 5e-4, head_rate: 5e-4}}
answers: {{pairs: 12}}
gates: {gates}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that an update starts from."""

    folder: Path
    data: Path

    def update(self, name: str, gates: str, *, replay: bool = True) -> tuple[int, dict[str, Any]]:
        """Run the command; its status and its report."""
        config = self.folder / f"{name}.yaml"
        settings = _SETTINGS.format(cache=self.folder / "cache", gates=gates)
        config.write_text(settings, encoding="utf-8")
        output = self.folder / name
        arguments = ["--labels", self.folder / "labels", "--from", self.folder / "start.pt"]
        arguments += ["--output", output, "--config", config, "--data", self.data]
        arguments += ["--replay", self.folder / "old"] if replay else []
        status = main(["update", *map(str, arguments)])
        return status, json.loads((output / "report.json").read_text(encoding="utf-8"))


def _answers(data: Path) -> list[Said]:
    """Glass is confirmed, cans are rejected; some on days that are held out."""
    said = []
    for name, verdict in (("glass breaking", "confirm"), ("can opening", "reject")):
        sounds: Sequence[str] = sounds_of(data)[name]
        said += [Said(one, _TEXT, verdict) for one in sounds[:_EACH]]
        held_out = sounds[_EACH : 2 * _EACH]
        said += [Said(one, _TEXT, verdict, split=Split.VALIDATION) for one in held_out]
    return said


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Site:
    """A model, labels, and what it was trained with before."""
    folder = tmp_path_factory.mktemp("update")
    checkpoint.save(real_model(data_dir), folder / "start.pt")
    write_labels(data_dir, folder / "labels", _answers(data_dir))
    write_manifest(old_manifest(data_dir, _OLD, 4, 3), folder / "old")
    return Site(folder, data_dir)


def test_rejected_pairs_come_apart_and_confirmed_ones_together(site: Site) -> None:
    """On what was learned, and on clips of other days; old sets are asked before and after."""
    status, report = site.update("all", "{least_queries: 1000, most_loss: 5}")
    assert status == 0
    for one, least in zip(report["answers"], (0.03, 0.01), strict=True):
        before, after = one["before"], one["after"]
        assert (after["confirmed"], after["rejected"]) == (_EACH, _EACH)
        assert after["cosine_confirmed"] > before["cosine_confirmed"] + least
        assert after["cosine_rejected"] < before["cosine_rejected"] - least
    (tried,) = report["tries"]
    assert {one["data_set"] for one in tried["gates"]} == {"esc50-40", ANSWERS}
    assert report["accepted_share"] == 1.0
    # 12 answered pairs of the training days: 4 * 12 / (12 + 20).
    assert report["answers_weight"] == pytest.approx(1.5)
    folder = site.folder / "all"
    assert (folder / "attributions.csv").is_file()
    # What it learned from is the next update's replay.
    learned = load_manifest(folder / "manifest")
    assert len(learned.recordings) == 4 * _EACH + 7 * len(_OLD)


def _ruined(start: DualEncoder, share: float) -> DualEncoder:
    """A model whose texts lie opposite to where they lay; on the way there they turn at a share."""
    model = copy.deepcopy(start)
    with torch.no_grad():
        for one in (model.text_head.output.weight, model.text_head.output.bias):
            one.mul_(1.0 - 1.0 / share)
    return model


@pytest.mark.parametrize(
    ("halvings", "tried", "passed"), [(2, [1.0, 0.5], True), (0, [1.0], False)]
)
def test_model_that_loses_is_halved_until_it_passes(
    site: Site, halvings: int, tried: list[float], passed: bool
) -> None:
    """What has lost everything is refused; half way, all texts lie as they lay."""
    old = load_manifest(site.folder / "old")
    cache = site.folder / "cache"
    old_sets = OldSets.of(old, hear(old, cache, site.data, quiet=True), cache)
    start = checkpoint.load(site.folder / "start.pt")
    nothing = torch.zeros((0, 384))
    config = GatesConfig(least_queries=2, halvings=halvings)
    asked = Asked(old_sets, HeldOut((), {}, {}), Texts(nothing, nothing, nothing))
    tries, last = try_out(start, _ruined(start, 0.55), asked, config)
    assert [one.share for one in tries] == tried
    assert [one.passed for one in tries] == [False] * (len(tried) - 1) + [passed]
    assert all(one.change < -20.0 for one in tries[0].gates if one.figure.startswith("retrieval"))
    assert last.text_head.output.weight.shape == start.text_head.output.weight.shape


def test_refused_update_leaves_no_model(site: Site, data_dir: Path, tmp_path: Path) -> None:
    """Not even that of an earlier run."""
    path = tmp_path / "model.pt"
    model = checkpoint.load(site.folder / "start.pt")
    gate = Gate("set", "figure", 40, 50.0, 40.0, -12.0, -8.0, sure=True, open=False)
    assert keep(model, Try(1.0, ()), path) is not None
    assert path.is_file()
    assert keep(model, Try(0.5, (gate,)), path) is None
    assert not path.exists()


def test_without_a_replay_it_trains_on_answers_alone(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says that no old sets were checked."""
    status, report = site.update("alone", "{}", replay=False)
    assert status == 0
    assert "no old sets" in capsys.readouterr().out
    (tried,) = report["tries"]
    assert (tried["share"], tried["passed"]) == (1.0, True)
    assert [one["data_set"] for one in tried["gates"]] == [ANSWERS]
    train = report["answers"][0]
    assert train["after"]["cosine_rejected"] < train["before"]["cosine_rejected"]
    model = checkpoint.load(site.folder / "alone" / "model.pt")
    start = checkpoint.load(site.folder / "start.pt")
    frozen = zip(model.tower.features[:15], start.tower.features[:15], strict=True)
    for own, old in frozen:
        pairs = zip(own.parameters(), old.parameters(), strict=True)
        assert all(torch.allclose(a, b) for a, b in pairs)
