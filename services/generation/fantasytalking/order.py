"""What FantasyTalking is to perform, and what one process of those that perform it together does."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.parallel.launch import distribute
from models.fantasytalking.parallel.place import Place
from models.fantasytalking.performance import Nature, Prompt, imagine
from models.fantasytalking.weights import load_network
from services.generation.fantasytalking.folders import load_encoders, read_prompts
from services.generation.fantasytalking.layout import Folders
from services.kit.contracts import FloatArray, MotionIntensity, Pixels

__all__ = ["Order", "fulfil"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A portrait [H, W, 3], the speech [samples] mono at 16 kHz that it says, and texts that steer it.

    Equal orders make equal latents. Without an `intensity`, the network decides by itself how much moves.
    """

    portrait: Pixels
    speech: FloatArray
    prompt: str
    negative: str
    seed: int
    intensity: MotionIntensity | None = None


def fulfil(order: Order, folders: Folders, dtype: torch.dtype, place: Place) -> Tensor | None:
    """Return the latents [1, C, F, h, w] of a whole video, on the CPU, to rank 0; None to every other.

    To be called in all processes, with equal arguments but for the place. Raises ValueError when the
    folders do not hold what is needed, or the network has no motion intensity and the order wants some.
    """
    network = load_network(folders.network, dtype)
    prompt = _share_prompts(order, folders, network, dtype, place)
    guidance = distribute(network, place)
    spans = imagine(
        network,
        load_encoders(folders, place.device),
        order.portrait,
        torch.from_numpy(order.speech),
        prompt,
        torch.Generator().manual_seed(order.seed),
        Nature(intensity=_intensity(order, place.device)),
        guidance,
    )
    pieces = [finished.latents.cpu() for finished in spans]
    return torch.cat(pieces, dim=2) if place.rank == 0 else None


def _share_prompts(
    order: Order, folders: Folders, network: FantasyTalking, dtype: torch.dtype, place: Place
) -> Prompt:
    """Read both texts in rank 0 alone: their encoder has 5.7 billion weights."""
    backbone = network.config.backbone
    texts = torch.empty(2, backbone.text_length, backbone.text_dim, device=place.device)
    if place.rank == 0:
        prompts = [order.prompt, order.negative]
        texts.copy_(read_prompts(folders, prompts, backbone.text_length, dtype, place.device))
    dist.broadcast(texts, 0)
    return Prompt(text=texts[:1], negative=texts[1:])


def _intensity(order: Order, device: torch.device) -> tuple[Tensor, Tensor] | None:
    if order.intensity is None:
        return None
    face, body = order.intensity.face, order.intensity.body
    return torch.tensor([face], device=device), torch.tensor([body], device=device)
