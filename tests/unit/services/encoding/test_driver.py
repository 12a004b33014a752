from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from services.encoding.driver import encode_driver
from services.kit.contracts import Picture
from services.kit.errors import BadInput


def test_a_video_without_a_face_is_refused() -> None:
    def pictures() -> Iterator[Picture]:
        for index in range(3):
            yield Picture(time_s=index / 25, pixels=np.full((64, 64, 3), 128, np.uint8))

    with pytest.raises(BadInput, match="driver cannot be used"):
        next(encode_driver(pictures))
