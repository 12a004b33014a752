"""Loading FantasyTalking to serve: on one device, with the published networks around it."""

from __future__ import annotations

import torch
from torch import Tensor

from models.fantasytalking.weights import load_network
from services.generation.fantasytalking.engine import FantasyTalkingEngine
from services.generation.fantasytalking.folders import load_encoders, read_prompts
from services.generation.fantasytalking.layout import Folders
from services.generation.offline import Offline

__all__ = ["open_fantasytalking"]


def open_fantasytalking(folders: Folders, device: str, precision: str) -> Offline:
    """Load the engine. The encoder of prompts is read when a new one comes, and let go again.

    Raises ValueError or OSError when something is missing or does not fit, RuntimeError when there is no such
    device.
    """
    folders.check()
    dtype: torch.dtype = getattr(torch, precision)
    place = torch.device(device)
    network = load_network(folders.network, dtype).to(place)
    length = network.config.backbone.text_length

    def read_text(prompt: str) -> Tensor:
        return read_prompts(folders, [prompt], length, dtype, place).float()

    return Offline(engine=FantasyTalkingEngine(network, load_encoders(folders, place), read_text))
