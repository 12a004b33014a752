"""Processes in a placement group of a Ray that runs on this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import ray
import torch
from ray.util import placement_group_table

from models.fantasytalking.parallel.config import ParallelConfig
from models.fantasytalking.parallel.launch import run_rank
from models.fantasytalking.parallel.place import Place
from services.generation.fantasytalking.order import Order, fulfil
from services.generation.gang import Needs, run_gang
from services.kit.errors import Unavailable
from tests.servers.processes import LOOPBACK, wait_until
from tests.unit.services.generation.fantasytalking.folders import make_folders

ROOT = Path(__file__).parents[4]
TWO = ParallelConfig(sequence=2, device="cpu")
NEEDS = Needs(cpus=1.0, gpus=0.0)
# Far beyond the time of a test: whoever waits for the other so long has not been ended.
HOUR_S = 3600.0


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Ray of two processors, reached over the loopback interface."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'proto' / 'gen'}")
        environment.setenv("GLOO_SOCKET_IFNAME", "lo")
        environment.setenv("RAY_USAGE_STATS_ENABLED", "0")
        environment.setenv("RAY_AUTH_MODE", "disabled")
        # Its workers would give way to everybody, and on a busy machine not even import in minutes.
        environment.setenv("RAY_worker_niceness", "0")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=80 << 20,
            log_to_driver=False,
            _node_ip_address=LOOPBACK,
        )
        yield
        ray.shutdown()


def order() -> Order:
    chance = np.random.default_rng(5)
    return Order(
        portrait=chance.integers(0, 256, (24, 30, 3), dtype=np.uint8),
        speech=chance.normal(0, 0.1, 11_200).astype(np.float32),
        prompt="a person speaks",
        negative="blurry",
        seed=3,
    )


def fail_in_one(folder: Path, place: Place) -> None:
    """Rank 1 fails once it knows that the other is at work, which would take an hour."""
    (folder / f"{place.rank}.pid").write_text(str(os.getpid()))
    if place.rank == 0:
        time.sleep(HOUR_S)
    wait_until((folder / "0.pid").exists, 300, "rank 0")
    raise ValueError("rank 1 cannot go on")


def die_in_one(place: Place) -> None:
    if place.rank == 0:
        time.sleep(HOUR_S)
    os._exit(3)


def groups_left() -> list[object]:
    return [group for group in placement_group_table().values() if group["state"] != "REMOVED"]


def test_a_gang_makes_the_latents_of_one_process(tmp_path: Path) -> None:
    folders = make_folders(tmp_path)
    alone = ParallelConfig(device="cpu", rendezvous=f"file://{tmp_path}/rendezvous")
    work = partial(fulfil, order(), folders, torch.float32)
    expected = run_rank(0, 1, alone, work)

    found = run_gang(TWO, work, NEEDS)

    assert found is not None
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert not groups_left()


def test_when_one_fails_all_are_ended_and_its_error_is_raised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rank 1 cannot go on"):
        run_gang(TWO, partial(fail_in_one, tmp_path), NEEDS)

    assert not groups_left()
    pids = [int(file.read_text()) for file in tmp_path.glob("*.pid")]
    assert len(pids) == 2
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 60, "the processes to end")


def test_a_process_that_dies_ends_the_others() -> None:
    with pytest.raises(Unavailable, match="one of 2 processes died"):
        run_gang(TWO, die_in_one, NEEDS)

    assert not groups_left()


def test_a_gang_without_room_is_refused_and_gives_back_what_it_held() -> None:
    needs = Needs(cpus=2.0, gpus=0.0, patience_s=0.5)

    with pytest.raises(Unavailable, match="no room for 2 processes"):
        run_gang(TWO, die_in_one, needs)

    assert not groups_left()
