"""Files as PersonaLive's are published, of tiny networks that are all zeros."""

from __future__ import annotations

from pathlib import Path

import torch

from models.personalive.config import tiny
from models.personalive.weights import layout, networks


def publish(folder: Path) -> Path:
    """Write the six files to `folder`, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for network, module in networks(tiny(), torch.device("meta")).named().items():
        for stem, tensors in layout(network, module).items():
            zeros = {name: torch.zeros(tensor.shape) for name, tensor in tensors.items()}
            torch.save(zeros, folder / f"{stem}.pth")
    return folder
