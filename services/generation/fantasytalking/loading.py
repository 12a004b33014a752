"""Loading FantasyTalking to serve, in this process or in several others."""

from __future__ import annotations

from contextlib import ExitStack

import torch

from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.weights import read_config
from services.generation.fantasytalking.engine import FantasyTalkingEngine
from services.generation.fantasytalking.folders import load_autoencoder, load_encoders
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.performer import open_performer
from services.generation.offline import Offline

__all__ = ["open_fantasytalking", "open_together"]


def open_fantasytalking(folders: Folders, device: str, precision: str, negative: str = "") -> Offline:
    """Load the engine on one device. The encoder of prompts is read when a new one comes, and let go again.

    Raises ValueError or OSError when something is missing or does not fit, RuntimeError when there is no such
    device.
    """
    folders.check()
    place = torch.device(device)
    encoders = load_encoders(folders, place)
    performer = open_performer(folders, encoders, _dtype(precision), place)
    engine = FantasyTalkingEngine(read_config(folders.network), encoders.autoencoder, performer, negative)
    return Offline(engine=engine)


def open_together(
    folders: Folders,
    device: str,
    precision: str,
    negative: str,
    parallel: ParallelConfig,
    cluster: str | None,
) -> Offline:
    """Load the engine in the processes of a gang, in a Ray `cluster` or in one that is started here.

    Here, on `device`, pictures are decoded. Raises Unavailable when the processes cannot be started, and what
    `open_fantasytalking` does.
    """
    try:
        from services.generation.fantasytalking.troupe import open_troupe
    except ImportError as error:
        raise ValueError(
            f"several processes need Ray, which the extra `sharded` installs: {error}"
        ) from error
    folders.check()
    with ExitStack() as opened:
        troupe = opened.enter_context(open_troupe(folders, _dtype(precision), parallel, cluster))
        autoencoder = load_autoencoder(folders, torch.device(device))
        engine = FantasyTalkingEngine(read_config(folders.network), autoencoder, troupe, negative)
        return Offline(engine=engine, close=opened.pop_all().close)


def _dtype(precision: str) -> torch.dtype:
    found: torch.dtype = getattr(torch, precision)
    return found
