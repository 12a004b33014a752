"""FantasyTalking in processes of a Ray that runs on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from ray.util import placement_group_table

from models.fantasytalking.parallel.config import ParallelConfig
from models.personalive.bundle import FramedPortrait, dump_portrait
from services.generation.fantasytalking.engine import FantasyTalkingEngine, FantasyTalkingFilm
from services.generation.fantasytalking.folders import load_autoencoder, load_encoders
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.order import Order, Performers
from services.generation.fantasytalking.performer import Performer, open_performer
from services.generation.fantasytalking.record import latents_of
from services.generation.fantasytalking.troupe import Troupe
from services.generation.gang import Needs, open_cluster, open_gang
from services.generation.offline import Offline, Screenplay, Sitter, Span
from services.kit.errors import Unavailable
from tests.integration.services.generation.members import fail_at_the_device, fail_in_one, join_noted, note
from tests.servers.processes import wait_until
from tests.unit.services.generation.fantasytalking.folders import config, make_folders
from tests.unit.services.generation.films import make_speech
from tests.unit.services.generation.world import World

ROOT = Path(__file__).parents[4]
CPU = torch.device("cpu")
TWO = ParallelConfig(sequence=2, device="cpu")
NEEDS = Needs(cpus=1.0, gpus=0.0)
# On a busy machine processes take minutes to import what they need.
PATIENCE_S = 800.0


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A Ray of two processors."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'proto' / 'gen'}")
        environment.setenv("GLOO_SOCKET_IFNAME", "lo")
        with open_cluster(None, 2):
            yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return make_folders(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def autoencoder(folders: Folders) -> AutoencoderKLWan:
    return load_autoencoder(folders, CPU)


@pytest.fixture(scope="module")
def alone(folders: Folders) -> Performer:
    """One process, this one."""
    return open_performer(folders, load_encoders(folders, CPU), torch.float32, CPU)


class Watched:
    """A troupe whose processes are known, and what it was asked; at the event `kills_at` one is killed."""

    def __init__(self, folder: Path, folders: Folders) -> None:
        enter = partial(join_noted, folder, folders)
        self.troupe = Troupe(lambda: open_gang(TWO, enter, NEEDS))
        self.begun: list[int] = []
        self.kills_at: int | None = None
        self._folder = folder

    @property
    def pids(self) -> list[int]:
        return sorted(int(file.read_text()) for file in self._folder.iterdir())

    def perform(self, order: Order, done: int = 0, last: Span | None = None) -> Iterator[Span | None]:
        self.begun.append(done)
        for number, event in enumerate(self.troupe.perform(order, done, last)):
            if number == self.kills_at:
                self.kills_at = None
                os.kill(int((self._folder / "1").read_text()), signal.SIGKILL)
            yield event


@pytest.fixture(scope="module")
def shared(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Two processes that all tests share."""
    watched = Watched(tmp_path_factory.mktemp("pids"), folders)
    yield watched
    watched.troupe.close()


@pytest.fixture
def watched(shared: Watched) -> Watched:
    shared.begun.clear()
    return shared


def engine_of(performers: Performers, autoencoder: AutoencoderKLWan) -> FantasyTalkingEngine:
    return FantasyTalkingEngine(config(), autoencoder, performers)


def film_of(performers: Performers, autoencoder: AutoencoderKLWan) -> FantasyTalkingFilm:
    """A film of three spans of two steps."""
    chance = np.random.default_rng(5)
    sitter = Sitter(portrait=chance.integers(0, 256, (40, 40, 3), dtype=np.uint8), size=32)
    speech = chance.normal(0, 0.1, 14_400).astype(np.float32)
    screenplay = Screenplay(speech=speech, directions=("a person speaks",), intensity=None, seed=3)
    return engine_of(performers, autoencoder).begin(sitter, screenplay)


def make(film: FantasyTalkingFilm, done: int = 0, last: Span | None = None) -> list[Span]:
    return list(film.make(done, last, lambda: None))


def perform(watched: Watched, autoencoder: AutoencoderKLWan) -> list[bytes]:
    """Take a session to its end in the service, and return its video."""
    world = World(others={"film": lambda: Offline(engine=engine_of(watched, autoencoder))})
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    portrait = dump_portrait(FramedPortrait(pixels=pixels, size=32))
    world.blobs.blobs["t/characters/c/identity/512-0.bundle"] = portrait

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, make_speech(count=5))
            await world.until(lambda: world.is_finished("s"), PATIENCE_S)

    asyncio.run(story())
    return world.video("s")


def has_ended(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def groups_left() -> list[object]:
    return [group for group in placement_group_table().values() if group["state"] != "REMOVED"]


def test_two_processes_make_the_spans_of_one(
    watched: Watched, alone: Performer, autoencoder: AutoencoderKLWan
) -> None:
    expected = make(film_of(alone, autoencoder))

    found = make(film_of(watched, autoencoder))

    assert len(found) == len(expected) == 3
    for mine, other in zip(found, expected, strict=True):
        torch.testing.assert_close(latents_of(mine.shown), latents_of(other.shown), atol=1e-5, rtol=0)


def test_a_film_gone_on_with_after_a_span_is_the_same_to_the_bit(
    watched: Watched, autoencoder: AutoencoderKLWan
) -> None:
    spans = make(film_of(watched, autoencoder))

    assert make(film_of(watched, autoencoder), 1, spans[0]) == spans[1:]


def test_a_cancelled_film_makes_no_further_step_and_leaves_the_processes_to_the_next(
    watched: Watched, autoencoder: AutoencoderKLWan
) -> None:
    whole, pids = make(film_of(watched, autoencoder)), watched.pids
    told: list[None] = []

    def on_step() -> None:
        if len(told) == 3:
            raise TimeoutError
        told.append(None)

    spans = film_of(watched, autoencoder).make(0, None, on_step)
    assert next(spans) == whole[0]
    with pytest.raises(TimeoutError):
        next(spans)

    assert make(film_of(watched, autoencoder)) == whole
    assert watched.pids == pids


def test_a_process_killed_in_the_middle_costs_its_span_and_no_bit_of_the_video(
    watched: Watched, autoencoder: AutoencoderKLWan
) -> None:
    whole, pids = perform(watched, autoencoder), watched.pids
    # Behind the first span, and before the second step of the next.
    watched.kills_at = 4

    assert perform(watched, autoencoder) == whole
    assert watched.begun == [0, 0, 1]
    assert not set(watched.pids) & set(pids)


def test_a_troupe_that_is_closed_leaves_no_process(watched: Watched) -> None:
    watched.troupe.gather()
    pids = watched.pids

    watched.troupe.close()

    assert not groups_left()
    wait_until(lambda: all(has_ended(pid) for pid in pids), 60, "the processes to end")


def test_what_one_raises_is_raised_here_and_all_end_with_the_gang(watched: Watched, tmp_path: Path) -> None:
    # There is room for two processes.
    watched.troupe.close()

    with open_gang(TWO, partial(note, tmp_path), NEEDS) as gang:
        with pytest.raises(Unavailable, match=r"one of 2 processes failed: device . is out of memory$"):
            gang.do(fail_at_the_device)
        with pytest.raises(ValueError, match="rank 1 cannot go on"):
            gang.do(fail_in_one)

    assert not groups_left()
    pids = [int(file.read_text()) for file in tmp_path.iterdir()]
    assert len(pids) == 2
    wait_until(lambda: all(has_ended(pid) for pid in pids), 60, "the processes to end")


def test_a_gang_without_room_is_refused_and_gives_back_what_it_held(watched: Watched) -> None:
    watched.troupe.close()
    needs = Needs(cpus=2.0, gpus=0.0, patience_s=0.5)

    with pytest.raises(Unavailable, match="no room for 2 processes"), open_gang(TWO, fail_in_one, needs):
        pytest.fail("there is room")

    assert not groups_left()
