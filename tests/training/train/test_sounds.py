"""Windows of recordings, heard up to the frozen blocks."""

from __future__ import annotations

import pytest
import torch

from tests.training.small import small_manifest, small_model, small_sounds
from training.train.sounds import FreshWindows, KeptWindows, WholeSounds, Windows

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("noise_made_once")]


def _log_mels() -> list[torch.Tensor]:
    return [torch.from_numpy(one) for one in small_sounds(small_manifest()).values()]


def _chance() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_stem_and_rest_are_the_whole_tower() -> None:
    """Wherever the tower is cut."""
    model = small_model()
    heard = torch.stack(_log_mels()[:3])
    whole = model.encode_audio(heard)
    for blocks in (0, 1, 7, 17):
        torch.testing.assert_close(model.encode_stem(model.stem(heard, blocks), blocks), whole)


def test_windows_have_their_length_and_come_from_their_recording() -> None:
    """Each is a stretch of the recording that was asked for."""
    log_mels = _log_mels()
    plain, augmented = Windows(log_mels, 50, augmented=False).cut([3, 0], _chance())
    assert torch.equal(plain, augmented)
    for window, recording in zip(plain, (3, 0), strict=True):
        assert any(
            torch.equal(window, log_mels[recording][:, at : at + 50]) for at in range(120 - 49)
        )


def test_anchors_are_of_what_was_recorded() -> None:
    """The augmented window has to come to what the start made of the plain one."""
    model = small_model()
    fresh = FreshWindows(Windows(_log_mels(), 120, augmented=True), model, 7)
    heard = fresh.draw(torch.tensor([2, 5]), _chance())
    plain = torch.stack([_log_mels()[at] for at in (2, 5)])
    torch.testing.assert_close(heard.anchors, model.encode_audio(plain))
    assert not torch.allclose(heard.stems, model.stem(plain, 7), atol=1e-2)


def test_kept_windows_are_the_same_for_the_same_seed() -> None:
    """A resumed training hears what it heard; another seed hears something else."""
    model = small_model()
    fresh = FreshWindows(Windows(_log_mels(), 60, augmented=True), model, 7)
    wanted = torch.arange(16)
    first, again, other = (
        KeptWindows(fresh, 16, 2, seed).draw(wanted, _chance()) for seed in (1, 1, 2)
    )
    assert torch.equal(first.stems, again.stems)
    assert not torch.equal(first.stems, other.stems)


def test_kept_windows_are_of_their_recording() -> None:
    """Whole recordings as windows leave no choice: each is its own."""
    model = small_model()
    log_mels = _log_mels()
    fresh = FreshWindows(Windows(log_mels, 120, augmented=False), model, 7)
    heard = KeptWindows(fresh, 16, 3, 0).draw(torch.tensor([7, 7, 1]), _chance())
    expected = model.stem(torch.stack([log_mels[at] for at in (7, 7, 1)]), 7)
    torch.testing.assert_close(heard.stems, expected, rtol=1e-2, atol=1e-2)


def test_whole_recordings_of_any_length_keep_their_order() -> None:
    """They are heard in groups of one length, and stand where they stood."""
    model = small_model()
    log_mels = [one[:, :length] for one, length in zip(_log_mels(), (120, 80) * 8, strict=True)]
    rows = WholeSounds(log_mels, model, 7).encode(model)
    expected = torch.cat([model.encode_audio(one[None]) for one in log_mels])
    torch.testing.assert_close(rows, expected, rtol=1e-2, atol=1e-2)
