"""FantasyTalking on one device or several: `torchrun --nproc-per-node 8 -m services.standalone.sharded ...`.

Started by itself, it is one process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import click
import numpy as np

from services.generation.fantasytalking.launch import (
    DEVICES,
    DTYPES,
    MEMORIES,
    Layout,
    make_latents,
    write_latents,
    write_video,
)
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.order import Order
from services.ingestion.speech import read_speech
from services.kit.errors import Rejected
from services.kit.media.portrait import read_portrait
from services.standalone.directing import read_intensity
from services.standalone.output import VIDEO_SUFFIX, check_output, fill_output, open_workspace

__all__ = ["command", "main"]

_EXIT_BAD_INPUT: Final = 2
_LATENTS_SUFFIX: Final = ".safetensors"
_PROMPT: Final = "A person speaks to the camera."
_PUBLISHED_SEED: Final = 1111
_FILE: Final = click.Path(path_type=Path)


def main() -> NoReturn:
    """Run the command: 0 done, 2 the input cannot be used."""
    try:
        command.main(standalone_mode=False)
    except click.ClickException as error:
        _refuse(error.format_message())
    except Rejected as error:
        _refuse(str(error))
    sys.exit(0)


def _refuse(text: str) -> NoReturn:
    click.echo(f"dramatis: error: {' '.join(text.split())}", err=True)
    sys.exit(_EXIT_BAD_INPUT)


@click.command()
@click.argument("portrait", type=_FILE)
@click.option("--speech", type=_FILE, required=True, help="What to say: any audio or video file.")
@click.option("--output", type=_FILE, required=True, help="MP4 to write, or .safetensors of latents.")
@click.option("--network", type=_FILE, required=True, help="Weights, as `dramatis models verify` takes them.")
@click.option("--wan", type=_FILE, required=True, help="Wan2.1-I2V in diffusers' layout.")
@click.option("--wav2vec2", type=_FILE, required=True, help="wav2vec2-base-960h.")
@click.option("--prompt", default=_PROMPT, show_default=True, help="What the person does.")
@click.option("--negative", default="", help="What to avoid.")
@click.option("--seed", type=click.IntRange(min=0), default=_PUBLISHED_SEED, show_default=True)
@click.option("--motion-intensity-face", type=float, help="How much the face moves, 0 to 1.")
@click.option("--motion-intensity-body", type=float, help="How much the body moves, 0 to 1.")
@click.option("--groups", type=click.IntRange(1, 3), default=1, help="Groups that share guidance's passes.")
@click.option("--memory", type=click.Choice(MEMORIES), default=MEMORIES[0], show_default=True)
@click.option("--device", type=click.Choice(DEVICES), default="cuda", show_default=True)
@click.option("--dtype", type=click.Choice([*DTYPES]), default="bfloat16", show_default=True)
def command(
    portrait: Path,
    speech: Path,
    output: Path,
    network: Path,
    wan: Path,
    wav2vec2: Path,
    prompt: str,
    negative: str,
    seed: int,
    motion_intensity_face: float | None,
    motion_intensity_body: float | None,
    groups: int,
    memory: str,
    device: str,
    dtype: str,
) -> None:
    """Make the person of PORTRAIT speak a recording."""
    check_output(output, (portrait, speech), suffixes=(VIDEO_SUFFIX, _LATENTS_SUFFIX))
    order = Order(
        portrait=read_portrait(portrait),
        speech=np.concatenate([*read_speech(speech)]),
        prompt=prompt,
        negative=negative,
        seed=seed,
        intensity=read_intensity(motion_intensity_face, motion_intensity_body),
    )
    folders = Folders(network=network, wan=wan, speech=wav2vec2)
    layout = Layout(groups=groups, memory=memory, device=device, dtype=dtype)
    latents = make_latents(order, folders, layout, os.environ)
    if latents is None:
        return
    with open_workspace(output) as folder:
        made = folder / output.name
        if output.suffix.lower() == _LATENTS_SUFFIX:
            write_latents(latents, made)
        else:
            duration_s = write_video(latents, order, folders, layout, made)
            click.echo(f"{output}: {duration_s:.2f} s of video")
        fill_output(made, output)


if __name__ == "__main__":
    main()
