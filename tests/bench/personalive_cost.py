"""Cost: multiplications per frame of PersonaLive at its published size, counted without computing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from models.personalive.config import UNetConfig, published
from models.personalive.denoising_unet import Conditions, DenoisingUNet, together
from models.personalive.folding import fold
from models.personalive.front_end.motion_encoder import MotionEncoder
from models.personalive.front_end.motion_extractor import MotionExtractor
from models.personalive.front_end.pose_guider import PoseGuider
from models.personalive.reference_unet import ReferenceUNet
from models.personalive.winograd import convolve_by_tiles
from tests.bench.figures import report

SIDE: Final = published().picture
LATENT: Final = published().latent
GIGA: Final = 1e9
# What the published implementation takes, in GMAC: a window with 0 and 3 keyframes; the rest for one frame.
PUBLISHED_WINDOW: Final[Mapping[int, float]] = {0: 12_026.0, 3: 15_580.0}
PUBLISHED_DECODER: Final = 1_257.3
PUBLISHED_FRONT_END: Final = 53.4 + 7.4 + 5.8
BAR: Final = 0.85


def main() -> None:
    """Print, for a row with 0 and with 3 keyframes, GMAC per frame and its share of the published cost.

    On a CPU in float32, wide convolutions are computed by tiles; on a GPU they are not.
    """
    with torch.device("meta"), torch.no_grad():
        decoder, front_end = _decoder(), _front_end()
        unet = DenoisingUNet(published().unet)
        plain = {keyframes: _window(unet, keyframes) for keyframes in PUBLISHED_WINDOW}
        fold(unet)
        windows = {keyframes: _window(unet, keyframes) for keyframes in PUBLISHED_WINDOW}
        convolve_by_tiles(unet)
        tiled = {keyframes: _window(unet, keyframes) for keyframes in PUBLISHED_WINDOW}
        portrait = _portrait(ReferenceUNet(published().unet))
    report("personalive_cost", "published", "decoder", decoder, "GMAC/frame", published=PUBLISHED_DECODER)
    report(
        "personalive_cost", "published", "front_end", front_end, "GMAC/frame", published=PUBLISHED_FRONT_END
    )
    report("personalive_cost", "published", "reference", portrait, "GMAC/picture")
    for where, found in (("a GPU", windows), ("a CPU in float32", tiled)):
        _report_frames(where, found, plain, decoder + front_end)


def _report_frames(
    where: str, windows: Mapping[int, float], plain: Mapping[int, float], around: float
) -> None:
    """Print what a frame costs there, with all that is `around` a window."""
    chunk_frames = published().unet.chunk_frames
    for keyframes, window in windows.items():
        case = f"published, on {where}, {keyframes} keyframes"
        before = PUBLISHED_WINDOW[keyframes]
        report(
            "personalive_cost", case, "window", window, "GMAC", published=before, unfolded=plain[keyframes]
        )
        total = window / chunk_frames + around
        whole = before / chunk_frames + PUBLISHED_DECODER + PUBLISHED_FRONT_END
        report("personalive_cost", case, "frame", total, "GMAC/frame", published=whole)
        report("personalive_cost", case, "share", total / whole, "", bar=BAR)


def _window(unet: DenoisingUNet, keyframes: int) -> float:
    config = unet.config
    frames = (1, config.frames)
    pictures = [unet.remember(_bank(config)) for _ in range(1 + keyframes)]
    conditions = Conditions(
        shifts=unet.shifts(torch.zeros(config.frames)),
        portraits=unet.portraits(torch.zeros(1, config.image_width)),
        memory=together(*pictures),
        present=None,
        motion=torch.zeros(*frames, config.motion_tokens, config.motion_width),
    )
    latents = torch.zeros(*frames, config.latent_channels, LATENT, LATENT)
    pose = torch.zeros(*frames, config.channels[0], LATENT, LATENT)
    return _gmac(lambda: unet(latents, pose, conditions))


def _bank(config: UNetConfig) -> tuple[Tensor, ...]:
    return tuple(
        torch.zeros(1, (LATENT >> place.level) ** 2, config.channels[place.level]) for place in config.banks()
    )


def _portrait(unet: ReferenceUNet) -> float:
    shifts, portraits = unet.shifts(), unet.portraits(torch.zeros(1, unet.config.image_width))
    return _gmac(lambda: unet(torch.zeros(1, unet.config.latent_channels, LATENT, LATENT), shifts, portraits))


def _decoder() -> float:
    """Return the cost of decoding one frame with the autoencoder of Stable Diffusion."""
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
    )
    fold(vae)
    return _gmac(lambda: vae.decode(torch.zeros(1, 4, LATENT, LATENT)))


def _front_end() -> float:
    """Return the cost of reading one frame of the driver."""
    config = published().front_end
    faces = torch.zeros(1, 3, config.encoder.picture, config.encoder.picture)
    pictures = torch.zeros(1, 3, config.extractor.picture, config.extractor.picture)
    # Tables that are no weights stand on the CPU whatever the default device is.
    encoder = MotionEncoder(config.encoder).eval().to("meta")
    extractor = MotionExtractor(config.extractor).to("meta")
    guider = PoseGuider(config.guider_channels, published().unet.channels[0])
    drawn = torch.zeros(1, 3, SIDE, SIDE)
    # Poses are kept as keypoints, so the guider sees each of them once per noise level.
    seen = published().unet.chunks * _gmac(lambda: guider(drawn))
    return seen + _gmac(lambda: (encoder(faces), extractor(pictures)))


def _gmac(run: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops()) / 2 / GIGA


if __name__ == "__main__":
    main()
