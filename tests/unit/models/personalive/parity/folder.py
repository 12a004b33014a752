"""Folders of parity fixtures that tests write themselves."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.parity.fixtures import Tensors
from models.personalive.parity.weight_rule import weight

TABLE = "tensors.json.gz"
Names = Mapping[str, Mapping[str, tuple[int, ...]]]


def write_folder(folder: Path, cases: Mapping[str, Mapping[str, Any]], names: Names) -> None:
    """Write the index of cases (descriptions with a `kind`), and the table of their tensors by file."""
    lines = [{"case": name, "kind": fields["kind"], "file": f"{name}.npz"} for name, fields in cases.items()]
    index = {"cases": lines}
    (folder / "index.json").write_text(json.dumps(index))
    table = {file: {"tensors": [[n, list(s)] for n, s in tensors.items()]} for file, tensors in names.items()}
    (folder / TABLE).write_bytes(gzip.compress(json.dumps({"files": table}).encode()))


def write_case(
    folder: Path,
    name: str,
    fields: Mapping[str, Any],
    inputs: Tensors,
    outputs: Tensors,
) -> None:
    """Write what a case was given, and what came out."""
    (folder / f"{name}.json").write_text(json.dumps({"file": f"{name}.npz"} | dict(fields)))
    arrays = {f"in.{key}": value.numpy() for key, value in inputs.items()}
    arrays |= {f"out.{key}": value.numpy() for key, value in outputs.items()}
    np.savez(folder / f"{name}.npz", allow_pickle=False, **arrays)


def weight_fields(names: Names, start: str = "") -> dict[str, Any]:
    """Return what a description says of weights: those of `names` that begin with `start`."""
    digest = hashlib.sha256()
    for file in sorted(names):
        for name, shape in sorted(names[file].items()):
            if name.startswith(start):
                digest.update(weight(file, name, shape).tobytes())
    return {
        "weights": list(names),
        "tensor_table": TABLE,
        "weights_sha256": digest.hexdigest(),
        "only_names_starting_with": [start],
    }
