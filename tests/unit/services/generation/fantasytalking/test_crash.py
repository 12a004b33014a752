"""FantasyTalking in a process that loses its session, and in the one that takes it up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.personalive.bundle import FramedPortrait, dump_portrait
from services.generation.handler import LoadEngine
from services.generation.loading import load_fantasytalking
from services.generation.settings import EngineSettings, FantasyTalkingSettings, WeightFolders
from services.kit.messages import Cue
from tests.unit.services.generation.fantasytalking.folders import make_folders
from tests.unit.services.generation.films import make_speech
from tests.unit.services.generation.world import World


@pytest.fixture
def load(tmp_path: Path) -> LoadEngine:
    folders = make_folders(tmp_path)
    settings = EngineSettings(
        weights=WeightFolders(fantasytalking=folders.network),
        fantasytalking=FantasyTalkingSettings(wan=folders.wan, wav2vec2=folders.speech),
    )
    return lambda: load_fantasytalking(settings)


def make_world(load: LoadEngine) -> World:
    world = World(others={"film": load})
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    portrait = FramedPortrait(pixels=pixels, size=32)
    world.blobs.blobs["t/characters/c/identity/512-0.bundle"] = dump_portrait(portrait)
    return world


def live(world: World, cues: list[Cue], is_enough: Callable[[], bool]) -> None:
    """Let a process perform until it is enough, and then lose the session."""

    async def story() -> None:
        async with world.process() as generation:
            await world.deliver(generation, cues)
            await world.until(is_enough)
            generation.release(0)

    asyncio.run(story())


def test_a_crash_after_the_first_span_changes_no_bit_of_the_video(load: LoadEngine) -> None:
    cues = make_speech(count=5)
    whole, broken = make_world(load), make_world(load)
    live(whole, cues, lambda: whole.is_finished("s"))

    live(broken, cues, lambda: any("shown-" in key for key in broken.blobs.blobs))
    assert not broken.is_finished("s")
    num_kept = sum("shown-" in key for key in broken.blobs.blobs)
    live(broken, cues, lambda: broken.is_finished("s"))

    assert num_kept >= 1
    assert len(whole.video("s")) == sum(cue.num_frames for cue in cues)
    assert broken.video("s") == whole.video("s")
