"""Reads videos of people as clips: on the model's clocks, of its size, with landmarks and joints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from models.fantasytalking.config import ClipConfig
from models.fantasytalking.geometry import num_samples
from models.fantasytalking.portrait import fit_model
from models.fantasytalking.resampling import Pixels
from models.rig.body import BodyTracker
from models.rig.landmarks import FaceTracker
from training.fantasytalking.clips import Clip

Floats = NDArray[np.float32]
# Landmarks [478, 3] of a picture's face, in its pixels, or None where there is no face.
FindFace = Callable[[Pixels], Floats | None]
# Joints [33, 3] of a picture's body, in its pixels, the last number being how likely one is seen.
FindBody = Callable[[Pixels], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageConfig:
    """Clips of `shortest` to `longest` frames. A clip ends where the face is lost."""

    clip: ClipConfig
    shortest: int = 81
    longest: int = 250


def read_clips(path: Path, config: FootageConfig) -> Iterator[Clip]:
    """Yield the clips of a video's face; the prompt is the text in a file beside it, `NAME.txt`, if any.

    Raises ValueError when the video cannot be read, or has no sound.
    """
    beside = path.with_suffix(".txt")
    prompt = beside.read_text().strip() if beside.exists() else ""
    sound = read_sound(path, config.clip.sample_rate_hz)
    with ExitStack() as open_trackers:
        face = open_trackers.enter_context(FaceTracker())
        body = open_trackers.enter_context(BodyTracker())
        pictures = on_clock(read_pictures(path), config.clip.frame_rate_hz)
        yield from cut_clips(pictures, sound, face.read, body.read, config, prompt)


def cut_clips(
    pictures: Iterable[Pixels],
    sound: Floats,
    find_face: FindFace,
    find_body: FindBody,
    config: FootageConfig,
    prompt: str = "",
) -> Iterator[Clip]:
    """Yield clips of consecutive pictures with a face, and what sounds meanwhile."""
    taken: list[_Seen] = []
    for index, picture in enumerate(pictures):
        landmarks = find_face(picture)
        if landmarks is not None:
            taken.append(_Seen.of(index, picture, landmarks, find_body(picture), config.clip))
        if taken and (landmarks is None or len(taken) == config.longest):
            yield from _clip(taken, sound, config, prompt)
            taken = []
    yield from _clip(taken, sound, config, prompt)


def read_pictures(path: Path) -> Iterator[tuple[float, Pixels]]:
    """Yield the RGB pictures of a video with their times in seconds.

    Raises ValueError when it cannot be read at all.
    """
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                picture = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                yield float(frame.time or 0.0), picture
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} is not a video that can be read: {error}") from error


def read_sound(path: Path, sample_rate_hz: int) -> Floats:
    """Return the sound of a video [S], mixed to one channel, from time zero on.

    Raises ValueError when it has none.
    """
    resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate_hz)
    pieces: list[Floats] = []
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                if not pieces:
                    pieces.append(np.zeros(max(0, round((frame.time or 0) * sample_rate_hz)), np.float32))
                pieces += [each.to_ndarray()[0] for each in resampler.resample(frame)]
            pieces += [each.to_ndarray()[0] for each in resampler.resample(None)]
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"{path} has no sound that can be read: {error}") from error
    return np.concatenate(pieces)


def on_clock(pictures: Iterable[tuple[float, Pixels]], rate_hz: float) -> Iterator[Pixels]:
    """Yield, for every tick of a clock from time zero on, the nearest of pictures with rising times."""
    tick = 0
    last: tuple[float, Pixels] | None = None
    for time_s, picture in pictures:
        while last is not None and tick / rate_hz < (last[0] + time_s) / 2:
            yield last[1]
            tick += 1
        last = (time_s, picture)
    while last is not None and tick / rate_hz <= last[0]:
        yield last[1]
        tick += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A picture as the model has it, and what was found in it."""

    index: int
    picture: Pixels
    landmarks: Floats
    joints: Floats

    @classmethod
    def of(cls, index: int, picture: Pixels, landmarks: Floats, joints: Floats, config: ClipConfig) -> _Seen:
        fitted = fit_model(picture, config)
        across, down = fitted.shape[1] / picture.shape[1], fitted.shape[0] / picture.shape[0]
        return cls(
            index=index,
            picture=fitted,
            landmarks=landmarks * np.array([across, down, across], np.float32),
            joints=joints * np.array([across, down, 1], np.float32),
        )


def _clip(taken: list[_Seen], sound: Floats, config: FootageConfig, prompt: str) -> Iterator[Clip]:
    """Yield one clip, or none where the frames are too few; where the sound has ended it is silent."""
    if len(taken) < config.shortest:
        return
    first, end = (num_samples(index, config.clip) for index in (taken[0].index, taken[-1].index + 1))
    heard = sound[first:end]
    yield Clip(
        pictures=np.stack([seen.picture for seen in taken]),
        sound=np.pad(heard, (0, end - first - len(heard))),
        landmarks=np.stack([seen.landmarks for seen in taken]),
        joints=np.stack([seen.joints for seen in taken]),
        prompt=prompt,
    )
