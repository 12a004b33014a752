from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.personalive.config import tiny
from models.personalive.denoising_unet import DenoisingUNet
from models.personalive.folding import fold
from tests.unit.models.personalive import drawing, plain
from tests.unit.models.personalive.drawing import Window

CONFIG = tiny().unet


@pytest.fixture(scope="module")
def unet() -> DenoisingUNet:
    return drawing.denoising_unet()


def _difference(one: Tensor, other: Tensor) -> float:
    return ((one - other).abs().max() / other.abs().max()).item()


def _row(given: Window, row: int, pictures: int) -> Window:
    """Return one row of a window, which looks at fewer pictures."""
    one = slice(row, row + 1)
    banks = tuple(tuple(tokens[one] for tokens in bank) for bank in given.banks[:pictures])
    fields = (given.latents, given.pose, given.embedding, given.motion)
    latents, pose, embedding, motion = (field[one] for field in fields)
    return Window(latents, pose, given.timesteps, embedding, motion, banks)


@pytest.mark.parametrize("pictures", [1, 4])
def test_a_window_is_denoised_as_by_the_plain_twin(unet: DenoisingUNet, pictures: int) -> None:
    given = drawing.window(CONFIG, rows=2, pictures=pictures)

    noise = unet(given.latents, given.pose, drawing.conditions(unet, given))

    assert _difference(noise, plain.denoise(unet, given)) < 1e-5


def test_a_folded_network_computes_the_same() -> None:
    given = drawing.window(CONFIG, rows=1, pictures=2)
    unet, folded = drawing.denoising_unet(), drawing.denoising_unet()

    fold(folded)

    noise = folded(given.latents, given.pose, drawing.conditions(folded, given))
    assert folded.state_dict().keys() != unet.state_dict().keys()
    assert _difference(noise, plain.denoise(unet, given)) < 1e-5


def test_rows_that_look_at_different_pictures_equal_single_runs(unet: DenoisingUNet) -> None:
    given = drawing.window(CONFIG, rows=2, pictures=3)
    present = torch.tensor([[True, False, False], [True, True, True]])
    conditions = drawing.conditions(unet, given)._replace(present=present)

    noise = unet(given.latents, given.pose, conditions)

    assert _difference(noise[0], plain.denoise(unet, _row(given, 0, pictures=1))[0]) < 1e-5
    assert _difference(noise[1], plain.denoise(unet, _row(given, 1, pictures=3))[0]) < 1e-5


def test_everything_that_conditions_a_window_matters(unet: DenoisingUNet) -> None:
    given = drawing.window(CONFIG, rows=1, pictures=2)
    other = drawing.window(CONFIG, rows=1, pictures=2, seed=2)
    noise = unet(given.latents, given.pose, drawing.conditions(unet, given))

    for field in Window._fields:
        changed = given._replace(**{field: getattr(other, field)})
        if field == "timesteps":
            changed = given._replace(timesteps=given.timesteps.flip(0))
        differs = unet(changed.latents, changed.pose, drawing.conditions(unet, changed))
        assert _difference(differs, noise) > 1e-3, field


def test_a_frame_is_normalised_alone(unet: DenoisingUNet) -> None:
    module = next(layer.temporal for layer in unet.trunk.layers() if layer.temporal is not None)
    x = torch.randn(CONFIG.frames, CONFIG.channels[0], 2, 2, generator=torch.Generator().manual_seed(0))
    scales = torch.linspace(0.5, 2.0, CONFIG.frames)[:, None, None, None]

    change = module(x, CONFIG.frames) - x
    scaled_change = module(x * scales, CONFIG.frames) - x * scales

    assert _difference(scaled_change, change) < 1e-3


def test_a_step_of_half_precision_stays_half() -> None:
    half = drawing.denoising_unet().to(torch.bfloat16)
    given = drawing.window(CONFIG, rows=1, pictures=1)
    given = given._replace(
        latents=given.latents.bfloat16(),
        pose=given.pose.bfloat16(),
        embedding=given.embedding.bfloat16(),
        motion=given.motion.bfloat16(),
        banks=tuple(tuple(tokens.bfloat16() for tokens in bank) for bank in given.banks),
    )

    noise = half(given.latents, given.pose, drawing.conditions(half, given))

    assert noise.dtype == torch.bfloat16


def test_a_step_asks_for_no_value_on_the_way() -> None:
    with torch.device("meta"):
        unet = DenoisingUNet(CONFIG)
    fold(unet)
    real = drawing.window(CONFIG, rows=2, pictures=2)
    given = real._replace(
        latents=real.latents.to("meta"),
        pose=real.pose.to("meta"),
        timesteps=real.timesteps.to("meta"),
        embedding=real.embedding.to("meta"),
        motion=real.motion.to("meta"),
        banks=tuple(tuple(tokens.to("meta") for tokens in bank) for bank in real.banks),
    )
    present = torch.ones(2, 2, dtype=torch.bool, device="meta")

    noise = unet(given.latents, given.pose, drawing.conditions(unet, given)._replace(present=present))

    assert noise.is_meta
    assert noise.shape == real.latents.shape
