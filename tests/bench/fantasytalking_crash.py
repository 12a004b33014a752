"""A small film of FantasyTalking cut off by SIGKILL behind a span, and the process that takes it up.

`python -m tests.bench.fantasytalking_crash FOLDER NAME` is such a process: it performs, with the networks in
FOLDER and what it keeps in FOLDER/NAME, and writes what came of it to FOLDER/NAME.json.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import torch
from torch import nn

from models.fantasytalking.config import FantasyTalkingConfig, SamplerConfig, to_json
from models.fantasytalking.geometry import speech_latents
from models.fantasytalking.long_video import plan_spans
from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.weights import CONFIG_FILE
from models.personalive.bundle import FramedPortrait, dump_portrait
from services.generation.fantasytalking.layout import Folders
from services.generation.loading import load_fantasytalking
from services.generation.settings import EngineSettings, FantasyTalkingSettings, WeightFolders
from services.kit.folder_blobs import FolderBlobs, open_folder_blobs
from tests.bench.figures import report
from tests.servers.processes import last_words, spawn, wait, wait_until
from tests.unit.services.generation.fantasytalking.folders import config, make_folders
from tests.unit.services.generation.films import make_speech
from tests.unit.services.generation.world import World

BENCH: Final = "fantasytalking_crash"
_ROOT: Final = Path(__file__).parents[2]
_IDENTITY: Final = "t/characters/c/identity/512-0.bundle"
_ENDED: Final = "t/performances/s/0/snapshots/ended"
# Written behind what a span shows: only then can the next one follow it.
_HANDED_ON: Final = "t/performances/s/**/*handed-*"
_CUES: Final = 10
# Long enough for a process to be killed within a span.
_STEPS: Final = 30
_KEPT: Final = 2
_PATIENCE_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a process published, as digests of pictures, and how often it asked the network."""

    pictures: tuple[str, ...]
    passes: int


def main() -> None:
    """Print how many pictures differ from the undisturbed film's, and which share of it was made again."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        networks = make_folders(folder).network
        sampler = SamplerConfig(steps=_STEPS)
        (networks / CONFIG_FILE).write_text(to_json(replace(config(), sampler=sampler)))
        whole = _live(folder, "whole")
        spans = _num_spans(config())
        kept = _die(folder, "broken")
        resumed = _live(folder, "broken")
    case = f"killed behind span {kept} of {spans}"
    different = sum(one != other for one, other in zip(whole.pictures, resumed.pictures, strict=True))
    report(BENCH, case, "pictures that differ", different, "pictures", bar=0, of=len(whole.pictures))
    again = resumed.passes / whole.passes
    report(BENCH, case, "passes not made again", 1 - again, "of the film", bar=kept / spans, baseline=0.0)


def perform(folder: Path, name: str) -> None:
    """Perform to the end, going on from what is kept."""
    torch.set_num_threads(1)
    passes = 0

    def count(module: nn.Module, *_: object) -> None:
        nonlocal passes
        passes += isinstance(module, FantasyTalking)

    nn.modules.module.register_module_forward_hook(count)
    world = asyncio.run(_perform(folder, name))
    line = {"pictures": [frame.hex() for frame in world.video("s")], "passes": passes}
    (folder / f"{name}.json").write_text(json.dumps(line))


async def _perform(folder: Path, name: str) -> World:
    folders = Folders(network=folder / "network", wan=folder / "wan", speech=folder / "wav2vec2")
    settings = EngineSettings(
        weights=WeightFolders(fantasytalking=folders.network),
        fantasytalking=FantasyTalkingSettings(wan=folders.wan, wav2vec2=folders.speech),
    )
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    portrait = dump_portrait(FramedPortrait(pixels=pixels, size=32))
    world = World(others={"film": lambda: load_fantasytalking(settings)})
    async with open_folder_blobs(folder / name) as blobs:
        await blobs.put(_IDENTITY, portrait, "application/octet-stream")
        _keep_in(world, blobs)
        async with world.process() as generation:
            await world.deliver(generation, make_speech(count=_CUES))
            async with asyncio.timeout(_PATIENCE_S):
                while await blobs.info(_ENDED) is None:
                    await asyncio.sleep(0.01)
    return world


def _num_spans(network: FantasyTalkingConfig) -> int:
    samples = sum(len(cue.waveform) for cue in make_speech(count=_CUES) if cue.waveform is not None)
    latents = speech_latents(samples / network.clip.sample_rate_hz, network.clip)
    return len(plan_spans(latents, network.span))


def _keep_in(world: World, blobs: FolderBlobs) -> None:
    """Let the world's blobs outlive its process."""
    world.blobs = blobs  # type: ignore[assignment]  # it needs no more of them than a store has


def _live(folder: Path, name: str) -> Life:
    """Let a process perform to its end."""
    process = spawn(_command(folder, name), folder / "log", environment=_environment())
    wait(process, _PATIENCE_S)
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}: {last_words(folder / 'log')}")
    found = json.loads((folder / f"{name}.json").read_text())
    return Life(pictures=tuple(found["pictures"]), passes=found["passes"])


def _die(folder: Path, name: str) -> int:
    """Kill a process when it has kept some spans whole; return how many."""
    process = spawn(_command(folder, name), folder / "log", environment=_environment())

    def is_enough() -> bool:
        return process.poll() is not None or _kept(folder / name) >= _KEPT

    wait_until(is_enough, _PATIENCE_S, "a span", folder / "log", pause_s=0.002)
    process.kill()
    process.wait()
    if (folder / f"{name}.json").exists():
        raise RuntimeError("the process came to its end before it was killed")
    return _kept(folder / name)


def _kept(store: Path) -> int:
    """After how many spans a film can be gone on with."""
    return max((int(path.name.rpartition("-")[2]) for path in store.glob(_HANDED_ON)), default=0)


def _command(folder: Path, name: str) -> list[str | Path]:
    return [sys.executable, "-m", f"tests.bench.{BENCH}", folder, name]


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": f"{_ROOT}:{_ROOT / 'proto' / 'gen'}", "OMP_NUM_THREADS": "1"}


if __name__ == "__main__":
    perform(Path(sys.argv[1]), sys.argv[2])
