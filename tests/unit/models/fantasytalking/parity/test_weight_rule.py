from __future__ import annotations

import numpy as np
import pytest

from models.fantasytalking.parity.weight_rule import weight


@pytest.mark.parametrize(
    ("name", "shape", "mean", "spread"),
    [
        ("blocks.0.ffn.0.weight", (300, 64), 0.0, 1 / 8),
        ("patch_embedding.weight", (300, 4, 1, 2, 2), 0.0, 1 / 4),
        ("blocks.0.modulation", (1, 6, 3000), 0.0, 0.02),
        ("blocks.0.norm3.weight", (20_000,), 1.0, 0.02),
        ("blocks.0.norm3.bias", (20_000,), 0.0, 0.02),
    ],
)
def test_a_weight_is_spread_as_its_name_and_shape_say(
    name: str, shape: tuple[int, ...], mean: float, spread: float
) -> None:
    drawn = weight(name, shape)

    assert drawn.dtype == np.float32
    assert drawn.shape == shape
    assert drawn.mean() == pytest.approx(mean, abs=0.05 * spread)
    assert drawn.std() == pytest.approx(spread, rel=0.05)
