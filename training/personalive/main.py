"""Train PersonaLive: python -m training.personalive.main --stage STAGE --clips DIR --output DIR ...

    pictures   the clean latents of single pictures under any noise
    few-steps  single pictures from pure noise in few steps, as pixels, features and an adversary see them
    sliding    temporal modules, as the window slides over clips

--start is the weights of the stage before, or published ones after conversion. The variant `tiny` needs
neither them nor the networks of others, for which it has stand-ins.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, cast, get_args

from models.personalive.codec import ClipEmbedder, KlCodec
from models.personalive.pretrained import load_autoencoder, load_image_encoder
from training.personalive import perceptual
from training.personalive.clips import load_clips
from training.personalive.config import RUNS, Ablation, PersonaLiveTraining, Stage
from training.personalive.run import Frozen, StageRun, execute
from training.personalive.starting import start_networks
from training.personalive.tiny import ColourEmbedder, PatchCodec

PRETRAINED: Final = ("autoencoder", "image_encoder", "perceptual")


def main() -> None:
    """Parse the command line and run a stage."""
    arguments = _parser().parse_args()
    stage = cast(Stage, arguments.stage)
    config = RUNS[arguments.variant](stage, _ablation(arguments))
    config = replace(config, threads=arguments.threads, device=arguments.device, seed=arguments.seed)
    train(
        config,
        clips=arguments.clips,
        start=arguments.start,
        output=arguments.output,
        duration_s=arguments.minutes * 60,
        frozen=_frozen(arguments, config),
    )


def train(
    config: PersonaLiveTraining,
    *,
    clips: Path,
    start: Path | None,
    output: Path,
    duration_s: float,
    frozen: Frozen,
    clock: Callable[[], float] = time.monotonic,
) -> StageRun:
    """Run a stage on the clips in a folder, going on from the checkpoint in `output` or else from `start`."""
    networks = start_networks(config, start)
    for network in networks.named().values():
        network.to(config.device)
    job = StageRun(config, networks, frozen, load_clips(clips, config.model.picture))
    execute(job, config, output, duration_s, clock)
    return job


def tiny_frozen(config: PersonaLiveTraining) -> Frozen:
    """Return stand-ins for what others have trained."""
    return Frozen(
        codec=PatchCodec().to(config.device),
        embedder=ColourEmbedder(config.model.unet.image_width, config.seed).to(config.device),
        perceptual=perceptual.draw(perceptual.tiny(), config.seed).to(config.device),
    )


def _frozen(arguments: argparse.Namespace, config: PersonaLiveTraining) -> Frozen:
    """Read what others have trained. Raises ValueError when a folder is not told."""
    if arguments.variant == "tiny":
        return tiny_frozen(config)
    missing = [name for name in PRETRAINED if getattr(arguments, name) is None]
    if missing:
        raise ValueError(f"the variant {arguments.variant} needs folders of {', '.join(missing)}")
    codec = KlCodec(load_autoencoder(arguments.autoencoder)).to(config.device)
    embedder = ClipEmbedder(load_image_encoder(arguments.image_encoder)).to(config.device)
    distance = perceptual.load(arguments.perceptual).to(config.device)
    return Frozen(codec=codec, embedder=embedder, perceptual=distance)


def _ablation(arguments: argparse.Namespace) -> Ablation:
    return Ablation(
        interpolates_start=arguments.interpolated_start,
        keeps_keyframes=arguments.keyframes,
        slides=arguments.sliding,
        chunk_attention=arguments.chunk_attention,
        chunk_frames=arguments.chunk_frames,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stage", choices=get_args(Stage), required=True)
    parser.add_argument("--clips", type=Path, required=True, help="what training.personalive.prepare wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder for checkpoint, curve and weights")
    parser.add_argument("--start", type=Path, help="folder of weights to begin with")
    parser.add_argument("--variant", choices=sorted(RUNS), default="published")
    parser.add_argument("--minutes", type=float, default=8.0, help="length of the whole run, resumed or not")
    parser.add_argument("--autoencoder", type=Path, help="folder of Stable Diffusion's autoencoder")
    parser.add_argument("--image-encoder", type=Path, help="folder of CLIP's image encoder")
    parser.add_argument("--perceptual", type=Path, help="folder of vgg16.pth and lpips_vgg.pth")
    for name in ("interpolated-start", "keyframes", "sliding"):
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--chunk-attention", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--chunk-frames", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--device", default="cpu", help="where to train, as torch names it")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
