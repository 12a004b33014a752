"""Speech and phone times from espeak-ng, through its C interface (training only: the library is GPL)."""

from __future__ import annotations

import ctypes
import threading
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from training.worlds.speech.phones import SILENCE, from_ipa

_LIBRARY: Final = "libespeak-ng.so.1"
_OUTPUT_SYNCHRONOUS: Final = 2
_INIT_PHONEME_EVENTS_IPA: Final = 0b11
_CHARACTERS_UTF8: Final = 1
_EVENT_END: Final = 0
_EVENT_PHONEME: Final = 7
_PARAMETER_RATE: Final = 1
_PARAMETER_PITCH: Final = 3
_PARAMETER_RANGE: Final = 4
_LOCK: Final = threading.Lock()

Spans = list[tuple[tuple[str, ...], float, float]]


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Synthesiser:
    """One initialised espeak-ng; the library keeps global state, so a process holds only one."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(_LIBRARY)
        self._callback = _Callback(self._collect)
        self._pcm = bytearray()
        self._starts: list[tuple[float, str]] = []
        self.sample_rate_hz = int(
            self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, 0, None, _INIT_PHONEME_EVENTS_IPA)
        )
        if self.sample_rate_hz <= 0:
            raise OSError("espeak-ng did not start")
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(
        self, voice: str, text: str, rate_wpm: int, pitch: int, pitch_range: int
    ) -> tuple[npt.NDArray[np.float32], list[tuple[float, str]]]:
        self._pcm.clear()
        self._starts = []
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for parameter, value in (
            (_PARAMETER_RATE, rate_wpm), (_PARAMETER_PITCH, pitch), (_PARAMETER_RANGE, pitch_range),
        ):  # fmt: skip
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _CHARACTERS_UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = np.frombuffer(bytes(self._pcm), dtype=np.int16).astype(np.float32) / 32768.0
        return samples, self._starts

    def _collect(
        self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]
    ) -> int:
        if count > 0:
            self._pcm.extend(ctypes.string_at(samples, count * 2))
        index = 0
        while events[index].type != _EVENT_END:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                spelling = event.id.string.decode("utf-8", "ignore")
                self._starts.append((event.audio_position_ms / 1000.0, spelling))
            index += 1
        return 0


@lru_cache(maxsize=1)
def _synthesiser() -> _Synthesiser:
    return _Synthesiser()


def speak(
    voice: str, text: str, *, rate_wpm: int, pitch: int, pitch_range: int
) -> tuple[npt.NDArray[np.float32], int, Spans]:
    """Say `text`; return float32 samples [N], their rate in Hz, and (phones, start_s, end_s) spans.

    `rate_wpm` is 80..450, `pitch` and `pitch_range` 0..99. Raises ValueError for an unknown voice.
    """
    with _LOCK:
        synthesiser = _synthesiser()
        samples, starts = synthesiser.speak(voice, text, rate_wpm, pitch, pitch_range)
    ends = [start for start, _ in starts[1:]] + [len(samples) / synthesiser.sample_rate_hz]
    spans: Spans = []
    for (start_s, spelling), end_s in zip(starts, ends, strict=True):
        symbols = from_ipa(spelling)
        if not symbols and spans and _lengthens(spelling):
            previous, previous_start_s, _ = spans.pop()
            spans.append((previous, previous_start_s, end_s))
            continue
        spans.append((symbols or (SILENCE,), start_s, end_s))
    return samples, synthesiser.sample_rate_hz, spans


def _lengthens(spelling: str) -> bool:
    """A lone diacritic prolongs the phone before it; an empty event or a language mark does not."""
    return bool(spelling.strip()) and not spelling.startswith("(")
