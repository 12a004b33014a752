from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.portrait import CLIP_MEAN, CLIP_STD, first_frame, vision_pixels
from models.fantasytalking.resampling import BICUBIC, LANCZOS, Filter, Pixels, resize


def _picture(height: int, width: int) -> Pixels:
    """Noise of so little contrast that no filter leaves 8 bits: then the order of axes does not matter."""
    return np.random.Generator(np.random.PCG64(1)).integers(96, 160, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("kernel", "theirs"), [(LANCZOS, Image.Resampling.LANCZOS), (BICUBIC, Image.Resampling.BICUBIC)]
)
@pytest.mark.parametrize("size", [(30, 21), (80, 90), (64, 64), (13, 90)])
def test_resizing_is_pillow_s(kernel: Filter, theirs: Image.Resampling, size: tuple[int, int]) -> None:
    picture = _picture(64, 64)

    resized = resize(picture, *size, kernel)

    expected = np.asarray(Image.fromarray(picture).resize(size, theirs))
    assert np.abs(resized.astype(int) - expected.astype(int)).max() <= 1


def test_an_even_picture_stays_even() -> None:
    grey = np.full((20, 30, 3), 77, dtype=np.uint8)

    assert (resize(grey, 11, 47, LANCZOS) == 77).all()


def test_a_size_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1x1, got 0x4"):
        resize(_picture(4, 4), 0, 4, BICUBIC)


def test_the_first_frame_has_a_size_that_the_transformer_takes() -> None:
    frame = first_frame(_picture(55, 80), ClipConfig(longest_edge=64))

    assert frame.shape == (3, 48, 64)
    assert frame.dtype is torch.float32
    assert float(frame.min()) >= -1
    assert float(frame.max()) <= 1


def test_the_image_encoder_sees_the_whole_frame_squashed() -> None:
    frame = torch.full((3, 32, 64), -1.0)
    frame[:, :, 32:] = 1.0

    seen = vision_pixels(frame, ClipConfig())

    colours = seen[0] * torch.tensor(CLIP_STD).view(3, 1, 1) + torch.tensor(CLIP_MEAN).view(3, 1, 1)
    assert seen.shape == (1, 3, 224, 224)
    torch.testing.assert_close(colours[:, :, :100], torch.zeros(3, 224, 100), atol=1e-5, rtol=0)
    torch.testing.assert_close(colours[:, :, 124:], torch.ones(3, 224, 100), atol=1e-5, rtol=0)
