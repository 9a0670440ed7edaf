"""What the box exports is what the training reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent.cli import main
from tests.agent.cli.labels.boxes import make_box
from tests.agent.store.answers import clip

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


def test_an_export_is_read_by_the_training(tmp_path: Path) -> None:
    """Every line is right; verdicts become pairs and ratings with their provenance."""
    from training.data.readers import label_lines, labels

    config, folder = make_box(tmp_path), tmp_path / "labels"
    assert main(["labels", "export", str(folder), "--config", str(config)]) == 0
    lines = label_lines.read_labels(folder)
    assert [(one.operator, one.verdict, one.relevance) for one in lines] == [
        ("shift-a", "confirm", 90.0),
        ("shift-b", "reject", 10.0),
        ("shift-a", "reject", None),
    ]
    assert lines[0].embedding is not None
    np.testing.assert_array_equal(lines[0].embedding, clip().views.joint[0])
    read = labels.read([folder])
    assert (read.labels, read.without_clip, read.changed) == (3, 1, 0)
    (disputed,) = read.disputed
    assert dict(disputed.verdicts) == {"shift-a": "confirm", "shift-b": "reject"}
    assert {(one.rater, one.rating) for one in read.manifest.ratings} == {
        ("shift-a", 90.0),
        ("shift-b", 10.0),
    }
    (recording,) = read.manifest.recordings
    assert recording.path.startswith(str(folder.resolve()))
