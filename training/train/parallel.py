"""Several processes on one global batch: each hears its share, all see the whole loss.

Started with ``torchrun``. Every process draws the same batch, embeds its share of the windows,
and gathers the others' embeddings, through which gradients flow: so a pair's negatives are those
of all processes, and the result is that of one process on the same batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import Parameter

from training.train.config import Device


@dataclass(frozen=True, slots=True)
class World:
    """This process among all that train together."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this one writes the files."""
        return self.rank == 0

    def share(self, count: int) -> Tensor:
        """Which of so many windows are this process's, int64."""
        return torch.arange(self.rank, count, self.size)

    def gather(self, own: Tensor, count: int) -> Tensor:
        """All rows in their order, ``(count, ...)``, of each process's :meth:`share`."""
        if self.size == 1:
            return own
        gathered: Tensor = _Gather.apply(own, self.share(count), count)  # type: ignore[no-untyped-call]
        return gathered

    def average(self, parameters: Iterable[Parameter]) -> None:
        """Mean gradients over all processes, as each has the whole loss."""
        if self.size == 1:
            return
        for parameter in parameters:
            if parameter.grad is not None:
                distributed.all_reduce(parameter.grad)
                parameter.grad /= self.size

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()


ALONE = World()


def join() -> World:
    """The world that ``torchrun`` set up; alone without it.

    The processes talk by gloo on processors and by NCCL on graphics cards.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return ALONE
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return World(distributed.get_rank(), size)


def leave(world: World) -> None:
    """End the processes' talk."""
    if world.size > 1:
        distributed.destroy_process_group()


def device_of(wanted: Device, world: World) -> torch.device:
    """The device of a setting; on a machine with several cards, this process's own.

    Raises:
        ValueError: the machine has no such device.
    """
    there = torch.cuda.is_available()
    if wanted is Device.CUDA and not there:
        raise ValueError("device is 'cuda', but torch sees no graphics card; write 'cpu'")
    if wanted is Device.CPU or not there:
        return torch.device("cpu")
    local = int(os.environ.get("LOCAL_RANK", world.rank))
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


class _Gather(torch.autograd.Function):
    """Rows of all processes, each in its place; a sum, because shares may differ in size."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, at: Tensor, count: int) -> Tensor:
        rows = torch.zeros((count, *own.shape[1:]), dtype=own.dtype, device=own.device)
        rows[at.to(own.device)] = own
        distributed.all_reduce(rows)
        ctx.at = at.to(own.device)
        return rows

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed[ctx.at], None, None
