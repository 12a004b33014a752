"""An LPM on disk: a folder with model.safetensors and the resolved config.json."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

from models.lpm.config import from_json, to_json
from models.lpm.model import Lpm

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


def save_lpm(lpm: Lpm, folder: Path) -> None:
    """Write weights, in half precision, and configuration to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in lpm.state_dict().items()}
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(to_json(lpm.config))


def load_lpm(folder: Path) -> Lpm:
    """Read what `save_lpm` wrote, ready for inference.

    Raises ValueError when the folder holds no LPM, or weights of another shape than its configuration.
    """
    try:
        config = from_json((folder / CONFIG_FILE).read_text())
        tensors = load_file(folder / WEIGHTS_FILE)
    except FileNotFoundError as error:
        raise ValueError(f"no LPM in {folder}: {error}") from error
    lpm = Lpm(config)
    try:
        lpm.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"the weights in {folder} do not fit its configuration: {error}") from error
    return lpm.eval().requires_grad_(requires_grad=False)
