"""Weights in one safetensors file, or in several of bounded size and an index of what each holds."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from models.fantasytalking.checkpoint import Shape, Stored, merge, stored_tensors

WEIGHTS_FILE: Final = "model.safetensors"
INDEX_FILE: Final = "model.safetensors.index.json"
_WEIGHT_MAP: Final = "weight_map"


def plan_shards(
    shapes: Mapping[str, Shape], precision: Callable[[str], torch.dtype], limit_bytes: int
) -> dict[str, list[str]]:
    """Return which tensors each file holds, in order; only a file of one is larger than `limit_bytes`."""
    groups: list[list[str]] = []
    filled = 0
    for name, shape in shapes.items():
        size = math.prod(shape) * precision(name).itemsize
        if not groups or filled + size > limit_bytes:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += size
    if len(groups) == 1:
        return {WEIGHTS_FILE: groups[0]}
    count = len(groups)
    return {f"model-{index:05}-of-{count:05}.safetensors": names for index, names in enumerate(groups, 1)}


def write_shards(folder: Path, plan: Mapping[str, list[str]], read: Callable[[str], Tensor]) -> None:
    """Write the files of a plan, and the index where there are several; one file is in memory at a time."""
    for file, names in plan.items():
        save_file({name: read(name).contiguous() for name in names}, folder / file)
    if len(plan) > 1:
        size = sum((folder / file).stat().st_size for file in plan)
        held = {name: file for file, names in plan.items() for name in names}
        index = {"metadata": {"total_size": size}, _WEIGHT_MAP: held}
        (folder / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n")


def read_shards(folder: Path) -> dict[str, Stored]:
    """Return the tensors that were written to a folder, by name.

    Raises ValueError when a file is missing, and when the files hold other tensors than the index says.
    """
    if not (folder / INDEX_FILE).is_file():
        return _stored(folder, WEIGHTS_FILE)
    try:
        held = dict(json.loads((folder / INDEX_FILE).read_text())[_WEIGHT_MAP])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{INDEX_FILE} is no index of tensors: {error}") from error
    stored = merge((_stored(folder, file) for file in sorted(set(held.values()))), folder)
    found = {name: tensor.file.name for name, tensor in stored.items()}
    if found != held:
        strays = sorted(name for name in found.keys() | held.keys() if found.get(name) != held.get(name))
        raise ValueError(f"{INDEX_FILE} and the files disagree about {', '.join(strays)}")
    return stored


def _stored(folder: Path, file: str) -> dict[str, Stored]:
    if not (folder / file).is_file():
        raise ValueError(f"{file} is missing")
    return stored_tensors(folder / file)
