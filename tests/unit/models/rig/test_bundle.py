from __future__ import annotations

import numpy as np
import pytest

from models.motion import NUM_MOTION
from models.rig.bundle import dump_rig, load_rig
from models.rig.render import RigRenderer
from models.rig.rig import Rig


@pytest.fixture(scope="module")
def bundle(rig: Rig) -> bytes:
    return dump_rig(rig)


def test_a_rig_that_was_kept_draws_the_very_same_pictures(rig: Rig, bundle: bytes) -> None:
    motion = np.random.default_rng(0).uniform(0, 0.4, NUM_MOTION).astype(np.float32)
    kept = RigRenderer(load_rig(bundle)).render(motion, 0.3)
    assert np.array_equal(kept, RigRenderer(rig).render(motion, 0.3))


def test_what_was_read_is_written_to_the_same_bytes(bundle: bytes) -> None:
    assert dump_rig(load_rig(bundle)) == bundle


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_cut_bundle_is_refused(share: float, bundle: bytes) -> None:
    with pytest.raises(ValueError, match="rig"):
        load_rig(bundle[: int(share * len(bundle))])


@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.99])
def test_a_changed_byte_is_noticed(share: float, bundle: bytes) -> None:
    place = int(share * len(bundle))
    damaged = bundle[:place] + bytes([bundle[place] ^ 1]) + bundle[place + 1 :]
    with pytest.raises(ValueError, match="do not add up"):
        load_rig(damaged)


def test_a_bundle_of_another_version_is_refused(bundle: bytes) -> None:
    later = bundle.replace(b"dramatis-rig\x00\x01", b"dramatis-rig\x00\x02", 1)
    with pytest.raises(ValueError, match="version 2, expected 1"):
        load_rig(later)
