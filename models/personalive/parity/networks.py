"""The parity cases of the UNets and their modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from models.parity.fixtures import Tensors
from models.personalive.config import UNetConfig
from models.personalive.config import published as published_size
from models.personalive.denoising_unet import Conditions, DenoisingUNet, together
from models.personalive.filling import fill
from models.personalive.motion_module import MotionModule
from models.personalive.names import published
from models.personalive.parity.fixtures import Case, Replay, weights
from models.personalive.reference_unet import ReferenceUNet
from models.personalive.temporal_module import TemporalModule

# How the recorded outputs of stages were thinned: every n-th frame, channel, row and column.
TAP_STRIDES: Final = (5, 16, 2, 2)
# How many keyframes they were recorded with.
TAP_KEYFRAMES: Final = 1
RECORDED_KEYFRAMES: Final = (0, 1, 3)


def replay_motion_module(case: Case) -> Tensors:
    """Give x [1, C, F, H, W] and motion [1, F, M, D] to one motion module; every n-th channel comes out."""
    x, motion = case.inputs["x"], case.inputs["motion"]
    with torch.device("meta"):
        module = MotionModule(config_of(case), x.shape[1])
    fill(case.name, module, weights(case)["denoising_unet"], _inside("down.0.layers.0.motion."))
    with torch.inference_mode():
        return {"y": _thinned(module(_frames(x)[0], motion[0]), case)}


def replay_temporal_module(case: Case) -> Tensors:
    """Give x [1, C, F, H, W] to one temporal module; every n-th channel comes out."""
    x = case.inputs["x"]
    with torch.device("meta"):
        module = TemporalModule(config_of(case), x.shape[1])
    fill(case.name, module, weights(case)["temporal_module"], _inside("down.0.layers.0.temporal."))
    with torch.inference_mode():
        return {"y": _thinned(module(_frames(x)[0], x.shape[2]), case)}


def replay_reference_bank(case: Case) -> Tensors:
    """Run the reference UNet; of each bank tensor some tokens, evenly apart, and the mean come out."""
    unet = reference_unet(config_of(case), weights(case)["reference_unet"])
    with torch.inference_mode():
        portraits = unet.portraits(case.inputs["clip_embeds"][:, 0])
        bank = unet(case.inputs["latents"], unet.shifts(), portraits)
    outputs = {}
    for place, (tokens,) in zip(bank_names(unet.config), bank, strict=True):
        count = min(case.fields["tokens"], len(tokens))
        outputs[f"bank.{place}"] = tokens[:: len(tokens) // count][:count]
        outputs[f"mean.{place}"] = tokens.mean(dim=0)
    return outputs


def replay_denoising_unet(case: Case) -> Tensors:
    """Run the denoising UNet with 0, 1 and 3 keyframes; what leaves its stages with one comes out too."""
    drawn = weights(case)
    unet = denoising_unet(config_of(case), drawn["denoising_unet"] | drawn["temporal_module"])
    latents, pose = _frames(case.inputs["latents"]), _frames(case.inputs["pose"])
    outputs: dict[str, Tensor] = {}
    with torch.inference_mode():
        for keyframes in RECORDED_KEYFRAMES:
            if f"eps_keyframes{keyframes}" in case.outputs:
                with _tapped(unet) as taps:
                    noise = unet(latents, pose, _conditions(case, unet, keyframes))
                outputs[f"eps_keyframes{keyframes}"] = noise[0]
                outputs |= taps if keyframes == TAP_KEYFRAMES else {}
    return outputs


REPLAYS: Final[Mapping[str, Replay]] = MappingProxyType(
    {
        "motion_module": replay_motion_module,
        "temporal_module": replay_temporal_module,
        "reference_bank": replay_reference_bank,
        "denoising_unet": replay_denoising_unet,
    }
)


def config_of(case: Case) -> UNetConfig:
    """Return the size of a case's UNets; the modules alone are of the published one."""
    if "block_out_channels" in case.fields:
        return UNetConfig(channels=tuple(case.fields["block_out_channels"]))
    return published_size().unet


def reference_unet(config: UNetConfig, tensors: Mapping[str, Tensor]) -> ReferenceUNet:
    """Build a reference UNet that holds published tensors."""
    with torch.device("meta"):
        unet = ReferenceUNet(config)
    fill("reference UNet", unet, tensors, published)
    return unet


def denoising_unet(config: UNetConfig, tensors: Mapping[str, Tensor]) -> DenoisingUNet:
    """Build a denoising UNet that holds published tensors, those of temporal modules among them."""
    with torch.device("meta"):
        unet = DenoisingUNet(config)
    fill("denoising UNet", unet, tensors, published)
    return unet


def bank_names(config: UNetConfig) -> list[str]:
    """Return the published names of the spatial transformers, in the order in which they run."""
    return [
        "mid_block.attentions.0"
        if place.side == "mid"
        else f"{place.side}_blocks.{place.stage}.attentions.{place.layer}"
        for place in config.banks()
    ]


def _conditions(case: Case, unet: DenoisingUNet, keyframes: int) -> Conditions:
    places = bank_names(unet.config)
    pictures = ("bank", *(f"key{index}" for index in range(keyframes)))
    memories = [unet.remember(tuple(case.inputs[f"{p}.{place}"] for place in places)) for p in pictures]
    return Conditions(
        shifts=unet.shifts(case.inputs["timesteps"]),
        portraits=unet.portraits(case.inputs["clip_embeds"][:, 0]),
        memory=together(*memories),
        present=None,
        motion=case.inputs["motion"],
    )


@contextmanager
def _tapped(unet: DenoisingUNet) -> Iterator[dict[str, Tensor]]:
    """Collect what leaves the stages of a UNet, thinned as it was recorded."""
    taps: dict[str, Tensor] = {}
    stages = {f"down_blocks.{index}": stage for index, stage in enumerate(unet.trunk.down)}
    stages |= {"mid_block": unet.trunk.mid}
    stages |= {f"up_blocks.{index}": stage for index, stage in enumerate(unet.trunk.up)}
    handles = [_tap(taps, f"tap.{name}", stage) for name, stage in stages.items()]
    try:
        yield taps
    finally:
        for handle in handles:
            handle.remove()


def _tap(taps: dict[str, Tensor], name: str, stage: nn.Module) -> RemovableHandle:
    def keep(_module: nn.Module, _args: Sequence[object], output: Tensor | tuple[Tensor, object]) -> None:
        leaving = output if isinstance(output, Tensor) else output[0]
        taps[name] = leaving[tuple(slice(None, None, stride) for stride in TAP_STRIDES)]

    return stage.register_forward_hook(keep)


def _inside(place: str) -> Callable[[str], str]:
    """Return how tensors of the module at `place` of a trunk are published."""
    return lambda name: published(place + name)


def _frames(recorded: Tensor) -> Tensor:
    """Return [B, F, C, H, W] from [B, C, F, H, W]."""
    return recorded.transpose(1, 2)


def _thinned(frames: Tensor, case: Case) -> Tensor:
    """Return every n-th channel of [F, C, H, W] as [1, C / n, F, H, W]."""
    return frames.transpose(0, 1)[:: case.fields["stride"]][None]
