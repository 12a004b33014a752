"""An order performed where this process stands: by itself, or as one of those that torchrun started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.fantasytalking.config import from_json
from models.fantasytalking.parallel.config import Memory, divide
from models.fantasytalking.parallel.launch import Rank, rank_of, run_rank
from models.fantasytalking.weights import CONFIG_FILE
from services.generation.fantasytalking.film import write_film
from services.generation.fantasytalking.folders import load_autoencoder
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.order import Order
from services.generation.fantasytalking.performer import fulfil
from services.kit.errors import BadInput

__all__ = ["DEVICES", "DTYPES", "MEMORIES", "Layout", "make_latents", "write_latents", "write_video"]

DEVICES: Final = ("cuda", "cpu")
DTYPES: Final = {"bfloat16": torch.bfloat16, "float32": torch.float32}
MEMORIES: Final = tuple(memory.value for memory in Memory)
_RANK: Final = "RANK"
_LATENTS: Final = "latents"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the network is laid over the processes: `groups` share guidance, those of a group the tokens.

    `memory` is one of MEMORIES, `device` of DEVICES, `dtype` of DTYPES.
    """

    groups: int
    memory: str
    device: str
    dtype: str


def make_latents(
    order: Order, folders: Folders, layout: Layout, environment: Mapping[str, str]
) -> Tensor | None:
    """Return the latents [1, C, F, h, w] of the video, in the process that leads; None in the others.

    Raises BadInput when the folders do not hold the networks, or the processes do not fit the layout.
    """
    work = partial(fulfil, order, folders, DTYPES[layout.dtype])
    try:
        folders.check()
        rank = rank_of(environment) if _RANK in environment else Rank(0, 1)
        config = divide(rank.world_size, layout.groups, Memory(layout.memory), layout.device)
        if _RANK in environment:
            return run_rank(*rank, config, work)
        with TemporaryDirectory(prefix="dramatis-") as folder:
            return run_rank(*rank, replace(config, rendezvous=f"file://{folder}/rendezvous"), work)
    except ValueError as error:
        raise BadInput(str(error)) from error


def write_latents(latents: Tensor, path: Path) -> None:
    """Write latents to a safetensors file."""
    save_file({_LATENTS: latents}, path)


def write_video(latents: Tensor, order: Order, folders: Folders, layout: Layout, path: Path) -> float:
    """Write the video of an order's latents, and return how many seconds it lasts."""
    clip = from_json((folders.network / CONFIG_FILE).read_text()).clip
    autoencoder = load_autoencoder(folders, torch.device(layout.device))
    return write_film(autoencoder, latents, order.speech, clip, path) / clip.frame_rate_hz
