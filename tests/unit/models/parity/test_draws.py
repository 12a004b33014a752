from __future__ import annotations

import numpy as np

from models.parity.draws import named_normal


def test_a_name_always_draws_the_same_numbers() -> None:
    drawn = named_normal("patch_embedding.weight", (3,))

    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn, [-1.2955929, 1.2345637, -2.1759088], atol=1e-6)


def test_another_name_draws_other_numbers() -> None:
    assert (named_normal("a", (4,)) != named_normal("b", (4,))).all()


def test_many_draws_are_standard_normal() -> None:
    drawn = named_normal("many", (20_000,))

    assert abs(drawn.mean()) < 0.02
    assert abs(drawn.std() - 1) < 0.02
