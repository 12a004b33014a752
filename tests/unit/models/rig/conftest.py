"""One prepared portrait for all tests of the rig."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.rig.arrays import U8
from models.rig.render import RigRenderer
from models.rig.rig import Rig, prepare_rig

SIZE = 256


@pytest.fixture(scope="session")
def portrait(example_portrait: Path) -> U8:
    """The example portrait, uint8 [H, W, 3]."""
    return np.asarray(Image.open(example_portrait).convert("RGB"))


@pytest.fixture(scope="session")
def rig(portrait: U8) -> Rig:
    """The example portrait's rig."""
    return prepare_rig(portrait, SIZE)


@pytest.fixture(scope="session")
def renderer(rig: Rig) -> RigRenderer:
    """A renderer of that rig."""
    return RigRenderer(rig)
