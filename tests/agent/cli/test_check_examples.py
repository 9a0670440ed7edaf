"""What ``kikimimi check`` says of a site's examples: a real store, real files, a small bundle."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from agent.cli.check.examples import check_examples
from agent.config import Settings
from agent.core.records import Verdict
from agent.descriptions import load
from agent.store import FILE_NAME, Store
from tests.agent.watchlist.examples.kept import ERROR_ID, keep, say
from tests.bundles import make_bundle
from tests.signals import noise

if TYPE_CHECKING:
    from pathlib import Path


def site(folder: Path, error: str) -> Settings:
    """A site that listens for one error."""
    path = folder / "d.yaml"
    path.write_text(f"version: 1\nerrors:\n{error}", encoding="utf-8")
    return Settings(node="press3", state_dir=folder / "state", descriptions=path)


def test_counts_and_reasons_are_told(tmp_path: Path) -> None:
    """How many count; which do not and why; a file is warned of where it is named."""
    bundle = make_bundle(tmp_path / "bundle")
    settings = site(
        tmp_path,
        f"  - id: {ERROR_ID}\n    text: metal part dropped\n"
        "    examples: [broken.flac, gone.flac]\n",
    )
    (tmp_path / "broken.flac").write_bytes(b"no sound")
    with closing(Store.open(settings.state_dir)) as store:
        rejected = keep(store, 1, bundle.digest)
        lost = keep(store, 2, "sha256:other")
        say(store, rejected, Verdict.REJECT, 1, "shift-a")
        say(store, lost, Verdict.CONFIRM, 2, "shift-a")
    warnings, notes = check_examples(settings, bundle, load(settings.descriptions))
    (warning,) = warnings  # that gone.flac is not there is told where the file is read
    assert warning.where == f"{settings.descriptions}:3 errors[0].examples"
    assert "broken.flac" in warning.found
    reason = "another bundle heard it, and its sound was not kept"
    assert notes == [
        f"{ERROR_ID} has 0 examples and 1 rejected sounds",
        f"{ERROR_ID}: example {lost} does not count: {reason}",
    ]


def test_a_channel_that_a_file_does_not_have_is_told(tmp_path: Path) -> None:
    """The example with the channels that are there counts, the other is warned of."""
    settings = site(
        tmp_path,
        f"  - id: {ERROR_ID}\n    text: metal part dropped\n    examples:\n"
        "      - {file: a.wav, channels: [2]}\n      - {file: a.wav, channels: [3]}\n",
    )
    both = np.stack((0.0 * noise(96_000), noise(96_000)), axis=1)
    soundfile.write(tmp_path / "a.wav", both, 32_000)
    bundle = make_bundle(tmp_path / "bundle")
    ((warning,), notes) = check_examples(settings, bundle, load(settings.descriptions))
    assert warning.found.endswith("a.wav: has 2 channels, not 3; choose channels from 1 to 2")
    assert notes == [f"{ERROR_ID} has 1 examples and 0 rejected sounds"]


def test_without_examples_nothing_is_made_or_said(tmp_path: Path) -> None:
    """Neither a database nor a note."""
    bundle = make_bundle(tmp_path / "bundle")
    settings = site(tmp_path, "  - {id: a, text: air leak}\n")
    assert check_examples(settings, bundle, load(settings.descriptions)) == ([], [])
    assert not settings.state_dir.exists()


def test_a_database_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """In place of a traceback."""
    bundle = make_bundle(tmp_path / "bundle")
    settings = site(tmp_path, "  - {id: a, text: air leak, examples: [a.flac]}\n")
    settings.state_dir.mkdir()
    (settings.state_dir / FILE_NAME).write_bytes(b"SQLite format 3\x00 but damaged" * 99)
    ((warning,), notes) = check_examples(settings, bundle, load(settings.descriptions))
    assert warning.where == str(settings.state_dir / FILE_NAME)
    assert notes == []
