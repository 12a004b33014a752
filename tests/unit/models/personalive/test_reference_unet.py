from __future__ import annotations

import torch

from models.personalive.config import tiny
from tests.unit.models.personalive import drawing, plain


def test_a_bank_is_that_of_the_plain_twin() -> None:
    unet = drawing.reference_unet()
    given = drawing.window(tiny().unet, rows=2, pictures=1)
    latents = given.latents[:, 0]

    bank = unet(latents, unet.shifts(), unet.portraits(given.embedding))

    for row in range(2):
        twin = plain.reference_bank(unet, latents[row : row + 1], given.embedding[row : row + 1])
        assert len(bank) == len(twin) == len(list(tiny().unet.banks()))
        for tokens, expected in zip(bank, twin, strict=True):
            torch.testing.assert_close(tokens[row], expected[0], rtol=1e-5, atol=1e-5)


def test_what_comes_after_the_last_bank_is_not_computed() -> None:
    unet = drawing.reference_unet()
    given = drawing.window(tiny().unet, rows=1, pictures=1)
    last = [layer.spatial for layer in unet.trunk.layers() if layer.spatial is not None][-1]
    last.attn1.to_q.register_forward_pre_hook(_refuse)

    bank = unet(given.latents[:, 0], unet.shifts(), unet.portraits(given.embedding))

    assert len(bank) == len(list(tiny().unet.banks()))


def _refuse(*_: object) -> None:
    raise AssertionError("computed, though nobody needs it")
