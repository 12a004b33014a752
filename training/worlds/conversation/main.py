"""Command line: write shards of the synthetic conversation world."""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import click
from tqdm import tqdm

from models.motion import FRAME_RATE_HZ
from training.worlds.conversation.clip import world_config
from training.worlds.conversation.shards import CLIPS_PER_SHARD, write_shard
from training.worlds.speech.voices import Split


@click.command()
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Folder for the shards.")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=60.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--split", type=click.Choice(["train", "heldout"]), default="train", show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
def main(output: Path, minutes: float, seed: int, split: Split, workers: int) -> None:
    """Generate characters that speak, listen and follow direction."""
    config = world_config(split)
    seconds_per_shard = CLIPS_PER_SHARD * config.num_frames / FRAME_RATE_HZ
    num_shards = math.ceil(minutes * 60.0 / seconds_per_shard)
    write = partial(write_shard, output, seed=seed, config=config)
    with ProcessPoolExecutor(workers) as pool:
        for _ in tqdm(pool.map(write, range(num_shards)), total=num_shards, unit="shard"):
            pass


if __name__ == "__main__":
    main()
