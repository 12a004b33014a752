"""LPMs on disk: a folder with model.safetensors and the resolved config.json, or one with two of these."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file, save_file

from models.lpm.config import from_json, to_json
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
SCHEDULE_FILE = "online.json"
BACKBONE, REFINER = "backbone", "refiner"


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


def save_online(online: OnlineLpm, folder: Path) -> None:
    """Write both networks, each as `save_lpm` does, and the schedule to `folder`."""
    save_lpm(online.backbone, folder / BACKBONE)
    save_lpm(online.refiner, folder / REFINER)
    (folder / SCHEDULE_FILE).write_text(json.dumps(asdict(online.schedule), indent=2) + "\n")


def load_online(folder: Path) -> OnlineLpm:
    """Read what `save_online` wrote, ready for inference. Raises ValueError when it is not there whole."""
    try:
        fields = json.loads((folder / SCHEDULE_FILE).read_text())
        schedule = Schedule(levels=tuple(fields.pop("levels")), **fields)
    except FileNotFoundError as error:
        raise ValueError(f"no Online LPM in {folder}: {error}") from error
    except (KeyError, TypeError) as error:
        raise ValueError(f"not the schedule of an Online LPM in {folder}: {error}") from error
    return OnlineLpm(load_lpm(folder / BACKBONE), load_lpm(folder / REFINER), schedule).eval()


def is_online(folder: Path) -> bool:
    """Whether a folder holds an Online LPM rather than a single network."""
    return (folder / SCHEDULE_FILE).exists()
