from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from services.kit.errors import BadInput
from services.standalone.sounds import is_silent, measure_sound


def _write(path: Path, samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def test_a_sound_is_as_long_as_what_is_in_it(tmp_path: Path) -> None:
    assert measure_sound(_write(tmp_path / "a.wav", np.zeros(24_000, np.int16)), "speak") == pytest.approx(
        1.5
    )


def test_only_what_nobody_hears_is_silent(tmp_path: Path) -> None:
    faint = np.zeros(24_000, np.int16)
    faint[20_000] = 40
    assert not is_silent(_write(tmp_path / "faint.wav", faint), "speak")
    assert is_silent(_write(tmp_path / "noise.wav", np.tile([-1, 1], 8_000).astype(np.int16)), "speak")


def test_what_is_no_sound_is_called_by_its_option(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("text")
    with pytest.raises(BadInput, match=r"^listen "):
        measure_sound(tmp_path / "a.wav", "listen")
