"""Fixtures recorded with a plain twin: small, of every kind, made by the test that reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.fantasytalking.parity.weight_rule import digest, weight

CONFIG = {
    "patch_size": [1, 2, 2],
    "text_len": 8,
    "in_dim": 36,
    "dim": 24,
    "ffn_dim": 16,
    "freq_dim": 16,
    "text_dim": 8,
    "out_dim": 16,
    "num_heads": 2,
    "num_layers": 1,
    "eps": 1e-6,
    "image_dim": 8,
    "audio_in_dim": 6,
    "audio_proj_dim": 10,
}


class Recorder:
    """Writes cases to a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: list[dict[str, str]] = []

    def arrays(
        self,
        kind: str,
        fields: Mapping[str, Any],
        inputs: Mapping[str, Tensor],
        outputs: Mapping[str, Tensor],
    ) -> None:
        """Add a case with arrays."""
        named = {f"in.{name}": tensor for name, tensor in inputs.items()}
        named |= {f"out.{name}": tensor for name, tensor in outputs.items()}
        arrays = {name: tensor.numpy() for name, tensor in named.items()}
        np.savez(self._folder / f"{kind}.npz", allow_pickle=False, **arrays)
        self._describe(kind, f"{kind}.npz", fields)

    def table(self, kind: str, table: Mapping[str, Any]) -> None:
        """Add a case with names."""
        (self._folder / f"{kind}.json.gz").write_bytes(gzip.compress(json.dumps(table).encode()))
        self._describe(kind, f"{kind}.json.gz", {"tolerance_max_abs": {"all": 0}})

    def _describe(self, kind: str, file: str, fields: Mapping[str, Any]) -> None:
        (self._folder / f"{kind}.json").write_text(json.dumps(fields))
        self._lines.append({"case": kind, "kind": kind, "file": file})
        (self._folder / "index.json").write_text(json.dumps({"cases": self._lines}))


def weights_of(tensors: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return weights drawn by the rule, and the fields that a case describes them with."""
    drawn = {name: weight(name, shape) for name, shape in sorted(tensors.items())}
    fields = {
        "tensors": [[name, list(shape)] for name, shape in tensors.items()],
        "weights_sha256": digest(drawn.values()),
    }
    return {name: torch.from_numpy(values) for name, values in drawn.items()}, fields


def project(weights: Mapping[str, Tensor], features: Tensor) -> Tensor:
    """Project audio features, in the words of the paper: a linear map without bias and a LayerNorm."""
    mapped = features @ weights["proj_model.proj.weight"].T
    gain, bias = weights["proj_model.norm.weight"], weights["proj_model.norm.bias"]
    return nn.functional.layer_norm(mapped, mapped.shape[-1:], gain, bias, 1e-5)


def attend_plainly(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attend from [L, H, E] to [N, H, E], a head at a time."""
    heads = []
    for head in range(query.shape[1]):
        logits = query[:, head] @ key[:, head].T / query.shape[-1] ** 0.5
        heads.append(logits.softmax(dim=-1) @ value[:, head])
    return torch.stack(heads, dim=1)
