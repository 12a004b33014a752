"""Published files of FantasyTalking to one folder of ours, a tensor at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from models.fantasytalking.checkpoint import PICKLES, SAFETENSORS, Stored, merge, stored_tensors
from models.fantasytalking.config import FantasyTalkingConfig, to_json
from models.fantasytalking.layouts import by_original_name
from models.fantasytalking.names import file_name
from models.fantasytalking.network import without_weights
from models.fantasytalking.shards import plan_shards, write_shards
from models.fantasytalking.weights import CONFIG_FILE, check, precision

SHARD_BYTES: Final = 4 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a published file holds: tensors, numbers in them, and their types."""

    file: str
    tensors: int
    numbers: int
    dtypes: tuple[str, ...]


def convert(
    source: Path,
    target: Path,
    config: FantasyTalkingConfig,
    dtype: torch.dtype = torch.bfloat16,
    shard_bytes: int = SHARD_BYTES,
) -> list[Account]:
    """Write the published tensors in `source`, a folder with folders, to `target`, as `load_network` reads.

    The backbone may have original or diffusers' names, the audio branch those of the official checkpoint
    or a repackaging. Files of other networks may lie beside. What the reference computes in single
    precision stays so. No more than `shard_bytes` is held in memory, or the largest tensor. Raises
    ValueError that names every tensor which is missing, unexpected or misshaped, before anything is written.
    """
    network = without_weights(config)
    kept = {file_name(name): precision(name, dtype) for name in network.state_dict()}
    files = _files(source, kept)
    stored = by_original_name(merge(files.values(), source))
    check(network, {name: tensor.shape for name, tensor in stored.items()})

    def read(name: str) -> Tensor:
        return stored[name].read().to(kept[name])

    shapes = {name: tensor.shape for name, tensor in sorted(stored.items())}
    target.mkdir(parents=True, exist_ok=True)
    write_shards(target, plan_shards(shapes, kept.__getitem__, shard_bytes), read)
    (target / CONFIG_FILE).write_text(to_json(config))
    return [_account(str(file.relative_to(source)), tensors) for file, tensors in files.items()]


def _files(source: Path, expected: Mapping[str, torch.dtype]) -> dict[Path, dict[str, Stored]]:
    """Return the files of this network. Raises ValueError when there are none."""
    files = {}
    for path in _candidates(source):
        tensors = stored_tensors(path)
        known = sum(name in expected for name in by_original_name(tensors))
        # One name or two are also those of a text encoder; what is misnamed is told by the audit.
        if 2 * known > len(tensors):
            files[path] = tensors
    if not files:
        raise ValueError("no file holds tensors of FantasyTalking or Wan2.1")
    return files


def _candidates(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        raise ValueError("not a folder")
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix in (SAFETENSORS, *PICKLES):
            yield path


def _account(file: str, tensors: Mapping[str, Stored]) -> Account:
    return Account(
        file=file,
        tensors=len(tensors),
        numbers=sum(math.prod(tensor.shape) for tensor in tensors.values()),
        dtypes=tuple(sorted({tensor.dtype for tensor in tensors.values()})),
    )
