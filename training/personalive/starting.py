"""Networks as a run begins with them, which of their parameters a stage teaches, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.personalive.attention import Attention, KeyValues
from models.personalive.config import PersonaLiveConfig, to_json
from models.personalive.motion_module import MotionModule
from models.personalive.temporal_module import TemporalAttention, TemporalModule
from models.personalive.trunk import Layer
from models.personalive.weights import CONFIG_FILE, Networks, load, networks
from training.personalive.config import Ablation, PersonaLiveTraining, Stage

# The wavelengths of position tables grow from 2 pi up to this many times as long (arXiv 1706.03762).
LONGEST_WAVE: Final = 10000.0


def start_networks(config: PersonaLiveTraining, folder: Path | None) -> Networks:
    """Read the networks in `folder`, or draw fresh ones from the seed where it is None.

    Raises ValueError when those in the folder have another configuration than the run.
    """
    if folder is None:
        return with_ablation(draw_networks(config.model, config.seed), config.ablation)
    found, begun = load(folder)
    # Chunks and keyframes change no tensor, so an ablation may begin with any.
    if config.ablation.model(found) != config.model:
        raise ValueError(f"{folder} holds a model of another size than the run: {found}")
    return with_ablation(begun, config.ablation)


def draw_networks(config: PersonaLiveConfig, seed: int) -> Networks:
    """Return fresh networks, in which motion and temporal modules change nothing yet."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = networks(config, torch.device("cpu"))
    for module in fresh.denoising_unet.modules():
        if isinstance(module, MotionModule | TemporalModule):
            nn.init.zeros_(module.proj_out.weight)
            nn.init.zeros_(module.proj_out.bias)
        if isinstance(module, TemporalAttention):
            module.positions.copy_(_waves(*module.positions.shape[1:]))
    for network in fresh.named().values():
        network.eval().requires_grad_(requires_grad=False)
    # A head as wide as half the picture: that of a network that has seen none would be no face.
    nn.init.ones_(fresh.motion_extractor.detector.fc_scale.bias)
    return fresh


def with_ablation(given: Networks, ablation: Ablation) -> Networks:
    """Return the networks, whose temporal modules attend by chunks if they are to."""
    if ablation.chunk_attention:
        for module in given.denoising_unet.modules():
            if isinstance(module, TemporalAttention):
                module.attention = ChunkAttention.of(module.attention, ablation.chunk_frames)
    return given


class ChunkAttention(Attention):
    """Attention along frames [P, F, C] in which each sees its own chunk and earlier ones; names stay."""

    def __init__(self, *, width: int, heads: int, chunk_frames: int) -> None:
        super().__init__(width=width, context_width=width, heads=heads)
        self.chunk_frames = chunk_frames

    @classmethod
    def of(cls, attention: Attention, chunk_frames: int) -> ChunkAttention:
        """Take over the projections of another attention."""
        with torch.device("meta"):
            taken = cls(width=attention.to_q.in_features, heads=attention.heads, chunk_frames=chunk_frames)
        taken.load_state_dict(attention.state_dict(), assign=True)
        return taken.requires_grad_(requires_grad=False)

    def forward(self, tokens: Tensor, context: KeyValues, mask: Tensor | None = None) -> Tensor:
        """Return what the frames attend to. Raises ValueError for a mask, which nothing gives here."""
        if mask is not None:
            raise ValueError("attention by chunks makes its own mask, got another")
        chunks = torch.arange(tokens.shape[1], device=tokens.device) // self.chunk_frames
        return super().forward(tokens, context, chunks[:, None] >= chunks)


def taught(given: Networks, stage: Stage) -> Iterator[nn.Parameter]:
    """Yield the parameters that a stage teaches.

    The stages of pictures teach all but temporal modules, the frozen motion extractor, and the reference
    UNet's last resolution, whose end nothing looks at. The sliding stage teaches temporal modules alone.
    Statistics of normalisation in the motion encoder stay as they are.
    """
    temporal = set(_temporal(given))
    if stage == "sliding":
        yield from (p for p in given.denoising_unet.parameters() if p in temporal)
        return
    last = set(given.reference_unet.trunk.up[-1].parameters())
    yield from (p for p in given.denoising_unet.parameters() if p not in temporal)
    yield from (p for p in given.reference_unet.parameters() if p not in last)
    yield from given.motion_encoder.parameters()
    yield from given.pose_guider.parameters()


def save_networks(config: PersonaLiveConfig, given: Networks, folder: Path) -> None:
    """Write networks as `models.personalive.weights.load` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in given.named().items():
        tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
        save_file(tensors, folder / f"{name}.safetensors")
    (folder / CONFIG_FILE).write_text(to_json(config))


def _temporal(given: Networks) -> Iterator[nn.Parameter]:
    for module in given.denoising_unet.modules():
        if isinstance(module, Layer) and module.temporal is not None:
            yield from module.temporal.parameters()


def _waves(length: int, width: int) -> Tensor:
    """Return sines and cosines in turn, [length, width], of positions."""
    rates = LONGEST_WAVE ** (-torch.arange(0, width, 2) / width)
    angles = torch.outer(torch.arange(length), rates)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
