from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh

from models.fantasytalking.config import tiny
from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.parallel.guidance import guide_in_groups
from models.fantasytalking.parallel.launch import Rank, distribute, rank_of, run_rank
from models.fantasytalking.parallel.place import Place
from tests.unit.models.fantasytalking.scenes import make_network, make_scene


def _place(config: ParallelConfig) -> Place:
    """A place of which nobody asks for a group."""
    return Place(config, 0, torch.device("cpu"), cast("DeviceMesh", None))


def test_a_process_alone_returns_what_its_work_returns_and_parts(tmp_path: Path) -> None:
    config = ParallelConfig(device="cpu", rendezvous=f"file://{tmp_path}/rendezvous")

    world_size = run_rank(0, 1, config, lambda place: place.mesh.size())

    assert world_size == 1
    assert not dist.is_initialized()


def test_a_network_alone_computes_as_before() -> None:
    scene = make_scene()
    expected = scene.velocity(scene.speaking())

    distribute(scene.network, _place(ParallelConfig(device="cpu")))

    assert torch.equal(scene.velocity(scene.speaking()), expected)


def test_processes_that_are_not_configured_are_refused() -> None:
    with pytest.raises(ValueError, match="2 x 4 processes are configured, but 4 are running"):
        run_rank(0, 4, ParallelConfig(sequence=4, guidance=2), lambda place: place.rank)


def test_a_rank_beyond_the_others_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a rank from 0 to 1, got 2"):
        run_rank(2, 2, ParallelConfig(sequence=2), lambda place: place.rank)


def test_the_rank_is_the_one_that_torchrun_gave() -> None:
    assert rank_of({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}) == Rank(3, 8)


def test_a_process_that_torchrun_did_not_start_is_told() -> None:
    with pytest.raises(ValueError, match="expected the environment of torchrun, it has no 'RANK'"):
        rank_of({})


def test_heads_that_do_not_divide_among_processes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 heads do not divide among 4 processes"):
        distribute(make_network(tiny()), _place(ParallelConfig(sequence=4, device="cpu")))


def test_more_groups_than_the_network_has_passes_are_refused_when_it_is_laid_out() -> None:
    place = _place(ParallelConfig(guidance=3, device="cpu"))

    with pytest.raises(ValueError, match="3 groups have only 2 passes of guidance to compute"):
        distribute(make_network(tiny()), place)


def test_groups_without_a_pass_of_guidance_are_refused() -> None:
    place = _place(ParallelConfig(guidance=3, device="cpu"))

    with pytest.raises(ValueError, match="3 groups have only 2 passes of guidance to compute"):
        guide_in_groups(place, lambda latents, timestep, context: latents, [(1.0, None), (2.0, None)])
