"""One process of several that run FantasyTalking: started by torchrun, or an actor of a placement group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

from models.fantasytalking.network import Context, FantasyTalking
from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.parallel.guidance import guide_in_groups
from models.fantasytalking.parallel.memory import place_weights
from models.fantasytalking.parallel.place import Place, joined
from models.fantasytalking.parallel.sequence import share_sequence
from models.fantasytalking.sampler import Guidance, Passes, guide, weigh

ResultT = TypeVar("ResultT")


class Rank(NamedTuple):
    """Which process of how many this is."""

    rank: int
    world_size: int


def run_rank(rank: int, world_size: int, config: ParallelConfig, work: Callable[[Place], ResultT]) -> ResultT:
    """Return what `work` makes of the place of one process among the others, which all call this.

    Raises ValueError when the processes do not fit the configuration.
    """
    with joined(rank, world_size, config) as place:
        return work(place)


def rank_of(environment: Mapping[str, str]) -> Rank:
    """Return the rank that torchrun gave a process in its environment.

    Raises ValueError when the process was not started so.
    """
    try:
        return Rank(int(environment["RANK"]), int(environment["WORLD_SIZE"]))
    except KeyError as error:
        raise ValueError(f"expected the environment of torchrun, it has no {error}") from error


def distribute(network: FantasyTalking, place: Place) -> Guidance[Context]:
    """Lay a network, whose weights lie on the CPU, over the processes, and return its guidance.

    From then on all processes must call the network alike, with the same inputs. Raises ValueError when
    heads do not divide among the processes, or a group has no pass of guidance to compute.
    """
    groups = place.config.guidance
    passes = len(weigh(Passes(speech=None, prompt=None, negative=None), network.config.sampler))
    if groups > passes:
        raise ValueError(f"{groups} groups have only {passes} passes of guidance to compute")
    share_sequence(network, place)
    place_weights(network, place)
    return guide if groups == 1 else partial(guide_in_groups, place)
