"""FantasyTalking on disk: published files in and out, and a folder of our own with everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.fantasytalking.checkpoint import Stored, audit, merge, stored_tensors
from models.fantasytalking.config import FantasyTalkingConfig, from_json, to_json
from models.fantasytalking.layouts import by_original_name
from models.fantasytalking.names import (
    PUBLISHED_PROJECTION,
    file_name,
    is_audio,
    is_published,
    published_name,
)
from models.fantasytalking.network import FantasyTalking, without_weights
from models.fantasytalking.shards import WEIGHTS_FILE, read_shards

CONFIG_FILE = "config.json"
# The two dicts of the published checkpoint.
PROJECTION_KEY, PROCESSOR_KEY = "proj_model", "audio_processor"
# What stays in single precision when the rest is halved: the reference computes it so, and what is not the
# reference's is small.
SINGLE: Final = (
    *("time_embedder", "scale_shift_table", "norm1", "norm2", "norm3"),
    *("audio_projection", "face_queries", "intensity_network"),
)


def load_published(
    config: FantasyTalkingConfig, files: Sequence[Path], dtype: torch.dtype = torch.float32
) -> FantasyTalking:
    """Read a network from the published files: the backbone, original or diffusers', and the audio branch.

    A file may be a folder of shards. Branches that nobody published are as they begin, without effect,
    unless the files have them. Raises ValueError that names every tensor which is missing, unexpected or
    misshaped; nothing is read before the names and shapes of all files fit.
    """
    stored = by_original_name(merge((stored_tensors(file) for file in files), "the files given"))
    return _load(config, stored, dtype)


def check(network: FantasyTalking, found: Mapping[str, tuple[int, ...]]) -> None:
    """Compare original names and shapes with those of the network.

    Raises ValueError that names every tensor which is missing, unexpected or misshaped.
    """
    expected = {file_name(name): tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    ours = {file_name(name) for name in network.state_dict() if not is_published(name)}
    if ours.isdisjoint(found):
        expected = {name: shape for name, shape in expected.items() if name not in ours}
    audit(found, expected)


def save_published(network: FantasyTalking, backbone: Path, audio: Path) -> None:
    """Write the published tensors in the published layout: safetensors, and a checkpoint of two dicts."""
    tensors = {published_name(n): t for n, t in network.state_dict().items() if is_published(n)}
    save_file({name: t.contiguous() for name, t in tensors.items() if not is_audio(name)}, backbone)
    heard = {name: tensor for name, tensor in tensors.items() if is_audio(name)}
    projection = {
        name.removeprefix(PUBLISHED_PROJECTION): tensor
        for name, tensor in heard.items()
        if name.startswith(PUBLISHED_PROJECTION)
    }
    processor = {n: t for n, t in heard.items() if not n.startswith(PUBLISHED_PROJECTION)}
    torch.save({PROJECTION_KEY: projection, PROCESSOR_KEY: processor}, audio)


def save_network(network: FantasyTalking, folder: Path) -> None:
    """Write all weights, in their precision, and the configuration to `folder`."""
    save_tensors(network.config, network.state_dict(), folder)


def save_tensors(config: FantasyTalkingConfig, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Do so with the weights of a network, by the names of its parameters, that lie elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {file_name(name): tensor.contiguous() for name, tensor in weights.items()}
    save_file(tensors, folder / WEIGHTS_FILE)
    (folder / CONFIG_FILE).write_text(to_json(config))


def load_network(folder: Path, dtype: torch.dtype = torch.float32) -> FantasyTalking:
    """Read what `save_network` or a conversion wrote, ready for inference.

    Raises ValueError when the folder holds no network, or one of another shape than its configuration.
    """
    return _load(read_config(folder), by_original_name(read_shards(folder)), dtype)


def load_for(
    config: FantasyTalkingConfig, folder: Path, dtype: torch.dtype = torch.float32
) -> FantasyTalking:
    """Read a network as `load_network` does, that may have branches which the one in the folder lacks.

    Those are as they begin, without effect. Raises ValueError when the folder's is otherwise of another size.
    """
    found = read_config(folder)
    if found not in (config, replace(config, identity=None, intensity=None)):
        raise ValueError(f"{folder} holds a model of another size: {found}")
    return _load(config, by_original_name(read_shards(folder)), dtype)


def read_config(folder: Path) -> FantasyTalkingConfig:
    """Read the configuration in a folder. Raises ValueError when there is none."""
    try:
        return from_json((folder / CONFIG_FILE).read_text())
    except FileNotFoundError as error:
        raise ValueError(f"no FantasyTalking in {folder}: {error}") from error


def check_folder(folder: Path) -> None:
    """Compare names and shapes in a folder with its configuration, without reading the tensors.

    Raises ValueError as `load_network` does.
    """
    stored = by_original_name(read_shards(folder))
    check(without_weights(read_config(folder)), {name: tensor.shape for name, tensor in stored.items()})


def precision(name: str, dtype: torch.dtype) -> torch.dtype:
    """Return the type that a tensor of the network has when the network has `dtype`."""
    parts = name.split(".")
    return torch.float32 if any(part in SINGLE for part in parts) else dtype


def _load(config: FantasyTalkingConfig, stored: Mapping[str, Stored], dtype: torch.dtype) -> FantasyTalking:
    network = without_weights(config)
    check(network, {name: tensor.shape for name, tensor in stored.items()})
    _assign(network, stored, dtype)
    return network.eval().requires_grad_(requires_grad=False)


def _assign(network: FantasyTalking, stored: Mapping[str, Stored], dtype: torch.dtype) -> None:
    """Give the network its tensors, one at a time, so that no more than one is held twice."""
    for name, held in list(network.state_dict().items()):
        file = stored.get(file_name(name))
        tensor: Tensor = held if file is None else file.read()
        module, _, leaf = name.rpartition(".")
        parameter = nn.Parameter(tensor.to(precision(name, dtype)), requires_grad=False)
        setattr(network.get_submodule(module), leaf, parameter)
