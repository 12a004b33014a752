"""Loading PersonaLive to serve: its converted weights, and the networks of others beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import torch
from torch import nn

from models.personalive.codec import ClipEmbedder, Codec, KlCodec, TinyCodec
from models.personalive.compiling import compile_passes
from models.personalive.config import PersonaLiveConfig
from models.personalive.float8 import store_float8
from models.personalive.folding import fold
from models.personalive.model import PersonaLive
from models.personalive.pretrained import load_autoencoder, load_image_encoder, load_tiny_autoencoder
from models.personalive.weights import Networks, load
from services.generation.personalive import PersonaLiveEngine
from services.generation.settings import EngineSettings
from services.kit.engines import CLOCKS, EngineClock

__all__ = ["AUTOENCODER", "IMAGE_ENCODER", "Finish", "finishes_of", "open_personalive"]

# Folders within that of the converted weights.
AUTOENCODER: Final = "autoencoder"
IMAGE_ENCODER: Final = "image_encoder"
_TINY: Final = "AutoencoderTiny"
_DTYPES: Final = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

ModuleT = TypeVar("ModuleT", bound=nn.Module)


# What is done to a model when it is in its place.
Finish: TypeAlias = Callable[[PersonaLive], None]


def finishes_of(settings: EngineSettings) -> list[Finish]:
    """What settings ask for, in the order in which it can be done."""
    finishes: list[Finish] = []
    if settings.approximate.float8:
        finishes.append(lambda model: store_float8(model.denoiser))
    if settings.compiled:
        finishes.append(compile_passes)
    return finishes


def open_personalive(
    folder: Path, device: str, precision: str, finishes: Sequence[Finish] = ()
) -> PersonaLiveEngine:
    """Load the engine from `folder`, which holds converted weights, an autoencoder and an image encoder.

    Raises ValueError or OSError when something is missing or does not fit, RuntimeError when the device has
    no room for it.
    """
    dtype, place = _DTYPES[precision], torch.device(device)
    if place.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"there is no device {device}: torch finds no GPU")
    config, networks = load(folder)
    _check_clock(config)
    encoder = load_image_encoder(_part(folder, IMAGE_ENCODER))
    if encoder.config.projection_dim != config.unet.image_width:
        found, wanted = encoder.config.projection_dim, config.unet.image_width
        raise ValueError(f"an image encoder that tells {found} numbers, expected {wanted}")
    codec = _codec(_part(folder, AUTOENCODER), dtype)
    model = _assembled(config, networks, codec, dtype, place)
    with torch.inference_mode():
        for finish in finishes:
            finish(model)
    engine = PersonaLiveEngine(model, ClipEmbedder(_in(dtype, encoder)).to(place))
    if place.type != "cpu":
        engine.warm_up()
    return engine


def _check_clock(config: PersonaLiveConfig) -> None:
    clock = CLOCKS["personalive"]
    found = EngineClock(chunk_frames=config.unet.chunk_frames, lag=config.unet.chunks - 1)
    if found != clock:
        raise ValueError(f"a model on the clock {found}, expected {clock}")


def _assembled(
    config: PersonaLiveConfig, networks: Networks, codec: Codec, dtype: torch.dtype, place: torch.device
) -> PersonaLive:
    """Fold the networks, and put each in its precision where it will run.

    The motion extractor's numbers become whole pixels and stay float32, as does the noise schedule.
    """
    for name, network in networks.named().items():
        if name in ("denoising_unet", "reference_unet"):
            fold(network)
        network.to(place, torch.float32 if name == "motion_extractor" else dtype)
    return PersonaLive(config, networks, codec).to(place).eval()


def _codec(folder: Path, dtype: torch.dtype) -> KlCodec | TinyCodec:
    """The autoencoder in a folder, whichever of the two kinds it is."""
    if json.loads((folder / "config.json").read_text()).get("_class_name") == _TINY:
        return TinyCodec(_in(dtype, load_tiny_autoencoder(folder)))
    autoencoder = load_autoencoder(folder)
    fold(autoencoder)
    return KlCodec(_in(dtype, autoencoder))


def _in(dtype: torch.dtype, network: ModuleT) -> ModuleT:
    nn.Module.to(network, dtype)
    return network


def _part(folder: Path, name: str) -> Path:
    if not (folder / name / "config.json").is_file():
        raise ValueError(f"{folder / name} holds no config.json, expected the folder of a network")
    return folder / name
