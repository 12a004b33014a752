"""All that a folder of parity fixtures can be compared in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch

from models.parity.fixtures import Entry, Verdict, entries
from models.personalive.audit import check
from models.personalive.config import published
from models.personalive.parity import front_end, networks, stream, streaming
from models.personalive.parity.fixtures import Replay, replay, table
from models.personalive.weights import layout
from models.personalive.weights import networks as networks_of

REPLAYS: Final[Mapping[str, Replay]] = MappingProxyType(
    {**networks.REPLAYS, **front_end.REPLAYS, **streaming.REPLAYS, **stream.REPLAYS}
)
# The kind of what records no run, but the names and shapes of the published tensors.
NAMES: Final = "names"


def verdicts(folder: Path) -> Iterator[Verdict]:
    """Compare everything in `folder` whose kind is known. Raises ValueError when it holds no fixtures."""
    yield from replay(folder, REPLAYS)
    for entry in entries(folder):
        if entry.kind == NAMES:
            yield from compare_names(folder, entry)


def compare_names(folder: Path, entry: Entry) -> Iterator[Verdict]:
    """Compare the tensors of our networks at their published size, file by file, with those recorded."""
    recorded = table(folder / f"{entry.name}.json.gz")
    for network, module in networks_of(published(), torch.device("meta")).named().items():
        for stem, ours in layout(network, module).items():
            found = {
                name: torch.empty(shape, device="meta") for name, shape in recorded.get(stem, {}).items()
            }
            error, note = 0.0, ""
            try:
                check(stem, found, ours)
            except ValueError as misfits:
                error, note = math.inf, str(misfits)
            yield Verdict(case=entry.name, output=stem, error=error, tolerance=0.0, note=note)
