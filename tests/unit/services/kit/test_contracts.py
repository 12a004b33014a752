from __future__ import annotations

from models import motion
from models.audio.logmel import SAMPLE_RATE_HZ
from services.kit import contracts


def test_services_and_models_share_one_clock() -> None:
    assert contracts.FRAME_RATE_HZ == motion.FRAME_RATE_HZ
    assert contracts.CHUNK_FRAMES == motion.CHUNK_FRAMES
    assert contracts.ANALYSIS_RATE_HZ == SAMPLE_RATE_HZ


def test_a_frame_is_a_whole_number_of_samples() -> None:
    assert contracts.FRAME_SAMPLES * contracts.FRAME_RATE_HZ == contracts.ANALYSIS_RATE_HZ
