"""Loading PersonaLive to serve: its converted weights, and the networks of others beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

import torch
from torch import nn

from models.personalive.codec import ClipEmbedder, Codec, Embedder, KlCodec, TinyCodec
from models.personalive.compiling import compile_passes
from models.personalive.config import PersonaLiveConfig, leaving_early
from models.personalive.float8 import store_float8
from models.personalive.folding import fold
from models.personalive.model import PersonaLive
from models.personalive.pretrained import load_autoencoder, load_image_encoder, load_tiny_autoencoder
from models.personalive.weights import Networks, load
from models.personalive.winograd import convolve_by_tiles
from services.generation.personalive import PersonaLiveEngine
from services.generation.settings import EngineSettings
from services.kit.engines import CLOCKS, EngineClock

__all__ = ["AUTOENCODER", "IMAGE_ENCODER", "Parts", "load_parts", "open_engine"]

# Folders within that of the converted weights.
AUTOENCODER: Final = "autoencoder"
IMAGE_ENCODER: Final = "image_encoder"
_TINY: Final = "AutoencoderTiny"
_DTYPES: Final = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
# What each engine makes of the configuration that lies with the weights.
_VARIANTS: Final[Mapping[str, Callable[[PersonaLiveConfig], PersonaLiveConfig]]] = MappingProxyType(
    {"personalive": lambda config: config, "personalive_early": leaving_early}
)

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the engines of one folder of weights share, folded and in its place, and how it is configured."""

    config: PersonaLiveConfig
    networks: Networks
    codec: Codec
    embedder: Embedder
    device: torch.device


def load_parts(folder: Path, settings: EngineSettings) -> Parts:
    """Load what lies in `folder`: converted weights, an autoencoder and an image encoder.

    Raises ValueError or OSError when something is missing or does not fit, RuntimeError when the device has
    no room for it.
    """
    dtype, device = _DTYPES[settings.precision], torch.device(settings.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"there is no device {device}: torch finds no GPU")
    config, networks = load(folder)
    encoder = load_image_encoder(_part(folder, IMAGE_ENCODER))
    if encoder.config.projection_dim != config.unet.image_width:
        found, wanted = encoder.config.projection_dim, config.unet.image_width
        raise ValueError(f"an image encoder that tells {found} numbers, expected {wanted}")
    codec = _codec(_part(folder, AUTOENCODER), dtype)
    _put_in_place(networks, dtype, device)
    if settings.approximate.float8:
        store_float8(networks.denoising_unet)
    if (device.type, dtype) == ("cpu", torch.float32):
        convolve_by_tiles(networks.denoising_unet)
        convolve_by_tiles(networks.reference_unet)
    embedder = ClipEmbedder(_in(dtype, encoder)).to(device)
    return Parts(config=config, networks=networks, codec=codec, embedder=embedder, device=device)


def open_engine(name: str, parts: Parts, settings: EngineSettings) -> PersonaLiveEngine:
    """Make an engine that has a name of `CLOCKS`; several may share their parts.

    Raises ValueError for weights on another clock, RuntimeError when the device has no room.
    """
    config = _VARIANTS[name](parts.config)
    _check_clock(name, config)
    model = PersonaLive(config, parts.networks, parts.codec).to(parts.device).eval()
    rows = settings.personalive.rows
    if settings.compiled:
        with torch.inference_mode():
            compile_passes(model, rows)
    engine = PersonaLiveEngine(model, parts.embedder, rows)
    if parts.device.type != "cpu":
        engine.warm_up()
    return engine


def _check_clock(name: str, config: PersonaLiveConfig) -> None:
    found = EngineClock(chunk_frames=config.unet.chunk_frames, lag=config.unet.chunks - 1)
    if found != CLOCKS[name]:
        raise ValueError(f"a model on the clock {found}, expected {CLOCKS[name]}")


def _put_in_place(networks: Networks, dtype: torch.dtype, device: torch.device) -> None:
    """Fold the networks, and put each in its precision where it will run.

    The motion extractor's numbers become whole pixels and stay float32, as does the noise schedule.
    """
    for name, network in networks.named().items():
        if name in ("denoising_unet", "reference_unet"):
            fold(network)
        network.to(device, torch.float32 if name == "motion_extractor" else dtype)


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
