"""The format of parity fixtures: cases with inputs, expected outputs, tolerances and the weights they used.

A folder holds `index.json`; a case is `<case>.json` and an `.npz` of arrays named `in.*` or `out.*`.
Weights are not stored: `models/personalive/parity/weight_rule.py` draws them from their names.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.parity.fixtures import Entry, Tensors, Verdict, entries, judge
from models.personalive.parity.weight_rule import by_rule, weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recorded run: `fields` is its description as read, `inputs` and `outputs` are what was recorded."""

    folder: Path
    name: str
    kind: str
    fields: Mapping[str, Any]
    inputs: Tensors
    outputs: Tensors

    def tolerance(self, output: str) -> float:
        """Return the largest absolute error that a correct float32 implementation shows in `output`.

        Raises ValueError when the case states none.
        """
        for pattern, tolerance in self.fields["tolerance_max_abs"].items():
            if fnmatchcase(output, pattern):
                return float(tolerance)
        raise ValueError(f"case {self.name} states no tolerance for {output}")


Replay = Callable[[Case], Tensors]


def replay(folder: Path, replays: Mapping[str, Replay]) -> Iterator[Verdict]:
    """Replay every case in `folder` whose kind is known, in the order of the index.

    Raises ValueError when the folder is not of this format.
    """
    for entry in entries(folder):
        if entry.kind in replays:
            case = load(folder, entry)
            yield from compare(case, replays[entry.kind](case))


def load(folder: Path, entry: Entry) -> Case:
    """Read a case. Inputs that are given by rule are drawn."""
    fields = json.loads((folder / f"{entry.name}.json").read_text())
    inputs = {key: torch.from_numpy(by_rule(rule)) for key, rule in fields.get("inputs_by_rule", {}).items()}
    outputs: dict[str, Tensor] = {}
    for file in (fields["file"], *([fields["shared_inputs"]] if "shared_inputs" in fields else [])):
        with np.load(folder / file) as arrays:
            for key in arrays.files:
                kind, _, name = key.partition(".")
                (inputs if kind == "in" else outputs)[name] = torch.from_numpy(arrays[key])
    return Case(
        folder=folder, name=entry.name, kind=entry.kind, fields=fields, inputs=inputs, outputs=outputs
    )


def compare(case: Case, produced: Tensors) -> Iterator[Verdict]:
    """Compare what an implementation produced with every recorded output; one that lacks does not hold."""
    for name, expected in case.outputs.items():
        tolerance = case.tolerance(name)
        if name in produced:
            yield judge(case, name, produced[name], expected, tolerance)
        else:
            note = f"expected {tuple(expected.shape)}, nothing was produced"
            yield Verdict(case=case.name, output=name, error=math.inf, tolerance=tolerance, note=note)


def weights(case: Case) -> dict[str, dict[str, Tensor]]:
    """Draw the weights of a case: by file, by published name.

    Raises ValueError when they are not those that were recorded with (the sums differ).
    """
    digest = hashlib.sha256()
    drawn: dict[str, dict[str, Tensor]] = {file: {} for file in case.fields["weights"]}
    for file, name, shape in sorted(_tensors(case)):
        values = weight(file, name, shape)
        digest.update(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).data)
        drawn[file][name] = torch.from_numpy(values)
    expected = case.fields["weights_sha256"]
    if digest.hexdigest() != expected:
        raise ValueError(f"the weights of {case.name} have the sum {digest.hexdigest()}, expected {expected}")
    return drawn


def table(path: Path) -> dict[str, dict[str, tuple[int, ...]]]:
    """Read a table of tensors: their shapes, by published file and name."""
    with gzip.open(path) as stream:
        files = json.load(stream)["files"]
    return {file: {row[0]: tuple(row[1]) for row in content["tensors"]} for file, content in files.items()}


def _tensors(case: Case) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    files = table(case.folder / case.fields["tensor_table"])
    starts = tuple(case.fields.get("only_names_starting_with", [""]))
    for file in case.fields["weights"]:
        for name, shape in files[file].items():
            if name.startswith(starts):
                yield file, name, shape
