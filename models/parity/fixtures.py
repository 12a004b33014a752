"""A folder of numerical fixtures: an index, and per case a description with inputs and expected outputs."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from torch import Tensor

Tensors = Mapping[str, Tensor]
INDEX: Final = "index.json"
_INPUT, _OUTPUT = "in.", "out."


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the index: a case, of what it is one, and the file with its arrays or names."""

    name: str
    kind: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One recorded run: `fields` is its description as read.

    `inputs` and `outputs` are recorded arrays; `table` is what a case records that has names instead.
    """

    name: str
    kind: str
    fields: Mapping[str, Any]
    inputs: Tensors
    outputs: Tensors
    table: Mapping[str, Any]


class Named(Protocol):
    """A case of any format."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How far one output is from the recorded one. `note` says why there is no error to measure."""

    case: str
    output: str
    error: float
    tolerance: float
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.error <= self.tolerance


def entries(folder: Path) -> list[Entry]:
    """Read the index. Raises ValueError when there is none, or when it is of another format."""
    try:
        index = json.loads((folder / INDEX).read_text())
        return [Entry(name=line["case"], kind=line["kind"], file=line["file"]) for line in index["cases"]]
    except FileNotFoundError as error:
        raise ValueError(f"no parity fixtures in {folder}: {INDEX} is missing") from error
    except KeyError as error:
        raise ValueError(f"the index of {folder} lacks {error} in a line") from error


def load(folder: Path, entry: Entry) -> Case:
    """Read a case. Raises ValueError when a file of it is missing."""
    try:
        fields = json.loads((folder / f"{entry.name}.json").read_text())
        arrays, table = _contents(folder / entry.file)
    except FileNotFoundError as error:
        raise ValueError(f"the fixtures in {folder} lack {error.filename}") from error
    return Case(
        name=entry.name,
        kind=entry.kind,
        fields=fields,
        inputs=_with_prefix(arrays, _INPUT),
        outputs=_with_prefix(arrays, _OUTPUT),
        table=table,
    )


def judge(case: Named, output: str, produced: Tensor, expected: Tensor, tolerance: float) -> Verdict:
    """Return the largest absolute error of `produced`; another shape, or no number, never holds."""
    if produced.shape != expected.shape:
        note = f"expected {tuple(expected.shape)}, got {tuple(produced.shape)}"
        return Verdict(case=case.name, output=output, error=math.inf, tolerance=tolerance, note=note)
    distances = (produced.detach().double() - expected.double()).abs().nan_to_num(nan=math.inf)
    error = distances.max().item() if distances.numel() else 0.0
    return Verdict(case=case.name, output=output, error=error, tolerance=tolerance)


def unknown(case: Case) -> Verdict:
    """Return the verdict on a case that nothing replays."""
    note = f"nothing replays the kind {case.kind!r}"
    return Verdict(case=case.name, output="", error=math.inf, tolerance=0.0, note=note)


def _contents(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if path.name.endswith(".json.gz"):
        return {}, json.loads(gzip.decompress(path.read_bytes()))
    with np.load(path) as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}, {}


def _with_prefix(arrays: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
