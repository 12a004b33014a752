"""What the processes of a gang do in tests; they import little, for they wait for it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from models.fantasytalking.parallel.place import Place
from services.generation.fantasytalking.layout import Folders

if TYPE_CHECKING:
    from services.generation.fantasytalking.troupe import Player

# Far beyond the time of a test: whoever waits for the other so long has not been ended.
_HOUR_S: Final = 3600.0


def join_noted(folder: Path, folders: Folders, place: Place) -> Player:
    import torch

    from services.generation.fantasytalking.troupe import join

    note(folder, place)
    return join(folders, torch.float32, place)


def note(folder: Path, place: Place) -> Place:
    (folder / str(place.rank)).write_text(str(os.getpid()))
    return place


def fail_in_one(place: Place) -> None:
    """Rank 1 fails while the other is at work, which would take an hour."""
    if place.rank == 0:
        time.sleep(_HOUR_S)
    raise ValueError("rank 1 cannot go on")


def fail_at_the_device(place: Place) -> None:
    raise RuntimeError(f"device {place.rank} is out of memory\nand more")
