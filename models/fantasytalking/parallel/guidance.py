"""Guidance parallel: groups of processes compute passes of guidance at the same time."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor

from models.fantasytalking.parallel.place import Place
from models.fantasytalking.sampler import ContextT, Velocity


def guide_in_groups(
    place: Place,
    network: Callable[[Tensor, Tensor, ContextT], Tensor],
    weighted: list[tuple[float, ContextT]],
) -> Velocity:
    """Return the velocity that is the weighted sum of the network's passes, as `guide` does.

    Groups take passes in turn; what they return is gathered, so that all go on with the same latents. No
    gradients pass. Raises ValueError when there are more groups than passes.
    """
    groups = place.config.guidance
    if groups > len(weighted):
        raise ValueError(f"{groups} groups have only {len(weighted)} passes of guidance to compute")
    mine = weighted[place.guidance_rank :: groups]
    turns = -(-len(weighted) // groups)

    @torch.no_grad()
    def velocity(latents: Tensor, timestep: Tensor) -> Tensor:
        passes = [weight * network(latents, timestep, context).float() for weight, context in mine]
        idle = [torch.zeros_like(passes[0])] * (turns - len(passes))
        own = torch.stack(passes + idle)
        gathered = [torch.empty_like(own) for _ in range(groups)]
        dist.all_gather(gathered, own, group=place.guidance_group)
        total = torch.zeros((), device=latents.device)
        # In the order of passes, as in one process, so that the sum is the same bit for bit.
        for part in torch.stack(gathered, dim=1).flatten(0, 1)[: len(weighted)]:
            total = total + part
        return total

    return velocity
