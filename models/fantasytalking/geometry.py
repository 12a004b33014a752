"""Sizes and counts of a clip: pictures, frames, latent frames, samples and tokens."""

from __future__ import annotations

from typing import Final, NamedTuple

from models.fantasytalking.config import ClipConfig

# Width and stride of the convolutions of wav2vec2-base, none of them padded.
WAV2VEC2_CONVOLUTIONS: Final = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))


class Size(NamedTuple):
    """A picture's size in pixels."""

    width: int
    height: int


def longest_edge_size(size: Size, longest: int) -> Size:
    """Return the size with the longest edge near `longest`, at the same proportions.

    The published order of operations in double precision is kept, truncation and all: for some sizes
    the exact quotient would give one pixel more.
    """
    scale = longest / max(size)
    return Size(int(size.width * scale), int(size.height * scale))


def model_size(size: Size, multiple: int) -> Size:
    """Return the size rounded up to multiples, to which the picture is stretched."""
    return Size(-(-size.width // multiple) * multiple, -(-size.height // multiple) * multiple)


def num_frames(duration_s: float, clip: ClipConfig) -> int:
    """Return the frames of a clip with a speech of this duration: one more than a multiple of 4, from 5."""
    frames = (speech_latents(duration_s, clip) - 1) * clip.frames_per_latent + 1
    return min(frames, clip.max_frames)


def speech_latents(duration_s: float, clip: ClipConfig) -> int:
    """Return the latent frames of a speech of any duration; they outlast it by up to five frames."""
    return int(clip.frame_rate_hz * duration_s // clip.frames_per_latent) + 2


def num_latents(frames: int, frames_per_latent: int) -> int:
    """Return the latent frames of a clip: its first frame has one alone, the others share one by four.

    Raises ValueError for a number of frames that does not divide so.
    """
    if frames < 1 or (frames - 1) % frames_per_latent:
        raise ValueError(f"expected one frame more than a multiple of {frames_per_latent}, got {frames}")
    return (frames - 1) // frames_per_latent + 1


def num_samples(frames: int, clip: ClipConfig) -> int:
    """Return the samples that sound while so many frames are shown."""
    return int(frames / clip.frame_rate_hz * clip.sample_rate_hz)


def num_tokens(samples: int) -> int:
    """Return how many features the speech encoder makes of so many samples."""
    length = samples
    for width, stride in WAV2VEC2_CONVOLUTIONS:
        length = (length - width) // stride + 1
    return max(length, 0)
