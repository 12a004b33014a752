"""Weights on small devices: in shares on several of them, or in the memory of the host."""

from __future__ import annotations

from typing import Any, Final

from torch import nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    FSDPModule,
    OffloadPolicy,
    fully_shard,
    register_fsdp_forward_method,
)

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.parallel.config import Memory
from models.fantasytalking.parallel.place import Place

_ON_THE_DEVICE: Final = OffloadPolicy()
_READINGS: Final = ("read_text", "read_image", "read_speech", "read_face", "read_intensity")


def place_weights(network: FantasyTalking, place: Place) -> None:
    """Bring the weights, which lie on the CPU, to where the configuration wants them.

    Gradients of sharded weights are sums over the processes of the sequence.
    """
    memory = place.config.memory
    if memory is Memory.WHOLE:
        network.to(place.device)
    elif memory is Memory.SHARDED:
        shard_weights(network, place.sequence_mesh)
    else:
        policy = CPUOffloadPolicy(pin_memory=place.device.type == "cuda")
        shard_weights(network, place.sequence_mesh, policy)


def shard_weights(network: FantasyTalking, mesh: DeviceMesh, policy: OffloadPolicy = _ON_THE_DEVICE) -> None:
    """Keep a share of every weight, which lies on the CPU, in each process of a mesh of one dimension.

    From then on parameters are DTensors, whose gradients are sums over the mesh. The first thing that is
    asked of the network must be to read something or to predict.
    """
    for unit in _units(network):
        fully_shard(unit, mesh=mesh, offload_policy=policy)
    for reading in _READINGS:
        register_fsdp_forward_method(network, reading)
    for module in network.modules():
        if isinstance(module, FSDPModule):
            module.set_gradient_divide_factor(1.0)
            # Without it a sum is asked for as a scaled sum, which gloo does not know.
            module.set_force_sum_reduction_for_comms(True)


def _units(network: FantasyTalking) -> list[list[nn.Module]]:
    """Return what is gathered together, from the inside out."""
    units: list[list[nn.Module]] = []
    for block in network.backbone.blocks:
        units += [*_reading_units(block.attn2), [block]]
    for branch in (network.audio_projection, network.face_queries, network.intensity_network):
        if branch is not None:
            units.append([branch])
    return [*units, [network]]


def _reading_units(attn: Any) -> list[list[nn.Module]]:  # noqa: ANN401 -- diffusers declares no types
    """Return the layers that read contexts, outside of their block's forward."""
    processor = attn.processor
    units = [
        [attn.to_k, attn.norm_k, attn.to_v],
        [attn.add_k_proj, attn.norm_added_k, attn.add_v_proj],
        [processor.speech],
    ]
    return units if processor.identity is None else [*units, [processor.identity]]
