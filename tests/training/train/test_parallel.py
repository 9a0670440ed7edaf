"""Several processes on one global batch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from training.train.config import Device
from training.train.parallel import ALONE, World, device_of

pytestmark = pytest.mark.torch

ROOT = Path(__file__).resolve().parents[3]

_PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
import torch
torch.set_num_threads(1)
from tests.training.small import FREE, small_config, small_material, small_model
from training.train import parallel
from training.train.config import Weighting
from training.train.trainer import Trainer
from dataclasses import replace

world = parallel.join()
loss = replace(FREE, weighting=Weighting.UNCERTAINTY, keep_texts=1.0, keep_audio=1.0)
# An odd number of windows: the processes' shares differ.
config = small_config(Path({output!r}), loss=loss, augment=True, frozen_blocks=7, views=2)
trainer = Trainer(small_model(), small_material(), config, world)
losses = [trainer.step() for _ in range(4)]
if world.first:
    state = trainer.model.state_dict() | trainer.joint.state_dict()
    torch.save((losses, state), {result!r})
parallel.leave(world)
"""


def _trained(folder: Path, processes: int) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and weights after four steps on so many processes."""
    result = folder / f"{processes}.pt"
    program = folder / f"train{processes}.py"
    program.write_text(
        _PROGRAM.format(root=str(ROOT), output=str(folder / str(processes)), result=str(result))
    )
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    subprocess.run([sys.executable, *launcher, str(program)], check=True, cwd=ROOT)
    losses, weights = torch.load(result, weights_only=True)
    return losses, weights


@pytest.mark.full  # two processes of torch on two cores: minutes
def test_two_processes_equal_one(tmp_path: Path) -> None:
    """The same losses, and the same weights after some steps, on the same global batch."""
    alone_losses, alone = _trained(tmp_path, 1)
    shared_losses, shared = _trained(tmp_path, 2)
    assert shared_losses == pytest.approx(alone_losses, rel=1e-4)
    assert alone.keys() == shared.keys()
    for name, weight in alone.items():
        torch.testing.assert_close(shared[name], weight, rtol=1e-3, atol=1e-5, msg=name)


def test_shares_are_all_of_it_once() -> None:
    """Whatever is drawn is heard by exactly one process."""
    shares = [World(rank, 3).share(8).tolist() for rank in range(3)]
    assert sorted(at for share in shares for at in share) == list(range(8))
    assert ALONE.share(3).tolist() == [0, 1, 2]


def test_missing_graphics_card_is_said() -> None:
    """Whoever asks for one learns that there is none."""
    if torch.cuda.is_available():
        assert device_of(Device.CUDA, ALONE).type == "cuda"
        return
    with pytest.raises(ValueError, match="no graphics card; write 'cpu'"):
        device_of(Device.CUDA, ALONE)
    assert device_of(Device.AUTO, ALONE).type == "cpu"
