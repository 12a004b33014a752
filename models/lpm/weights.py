"""LPMs on disk: a folder with model.safetensors and config.json, or two of these and online.json."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file, save_file

from models.lpm.config import LpmConfig, from_json, to_json
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
SCHEDULE_FILE = "online.json"
BACKBONE, REFINER = "backbone", "refiner"


def load_streaming(folder: Path) -> Lpm | OnlineLpm:
    """Read whichever of the two LPMs lies in `folder`, ready for inference.

    Raises ValueError when there is none, when it is not whole, or when there are both.
    """
    return load_online(folder).share_ears() if _kind_of(folder) is OnlineLpm else load_lpm(folder)


def read_config(folder: Path) -> LpmConfig:
    """Return what the LPM in `folder` is conditioned on; raises ValueError as `load_streaming` does."""
    return _read_config(folder / BACKBONE if _kind_of(folder) is OnlineLpm else folder)


def weights_files(folder: Path) -> list[Path]:
    """Return the files that hold the numbers of the LPM in `folder`."""
    return sorted(folder.rglob(WEIGHTS_FILE))


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
    lpm = Lpm(_read_config(folder))
    try:
        tensors = load_file(folder / WEIGHTS_FILE)
    except FileNotFoundError as error:
        raise ValueError(f"no LPM in {folder}: {error}") from error
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


def _kind_of(folder: Path) -> type[Lpm] | type[OnlineLpm]:
    is_single = (folder / CONFIG_FILE).exists()
    if is_online(folder):
        if is_single:
            raise ValueError(f"{folder} holds both {CONFIG_FILE} and {SCHEDULE_FILE}, expected one of them")
        return OnlineLpm
    if is_single:
        return Lpm
    raise ValueError(f"no LPM in {folder}: neither {CONFIG_FILE} nor {SCHEDULE_FILE} is there")


def _read_config(folder: Path) -> LpmConfig:
    try:
        return from_json((folder / CONFIG_FILE).read_text())
    except FileNotFoundError as error:
        raise ValueError(f"no LPM in {folder}: {error}") from error
