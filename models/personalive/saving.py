"""A session of PersonaLive as bytes: all that the next step needs beside the portrait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from models.personalive.front_end.following import Driver
from models.personalive.keyframes import SeenMotions
from models.personalive.model import PersonaLiveState
from models.personalive.references import References
from models.personalive.window import Frames

_KEYFRAMES: Final = "keyframes"


class Saved(NamedTuple):
    """A state without what it may look at, and the latents [k, 4, h, h] from which that is made anew."""

    state: PersonaLiveState
    keyframes: Tensor


def dump_session(state: PersonaLiveState, keyframes: Sequence[Tensor]) -> bytes:
    """The bytes of a state of one slot, exactly, whose keyframes are the latents [4, h, h].

    What the denoiser looks at of a keyframe is hundreds of times as large, and follows from its latents.
    """
    named = {name: tensor.cpu().contiguous() for name, tensor in _tensors(state).items()}
    if keyframes:
        named[_KEYFRAMES] = torch.stack(list(keyframes)).cpu().contiguous()
    return save(named)


def load_session(data: bytes, fresh: PersonaLiveState) -> Saved:
    """Read what `dump_session` wrote of a session that began as `fresh`, to where that is.

    Raises ValueError for anything else, also for a session of another size.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise ValueError(f"not a session of PersonaLive: {error}") from error
    latents = fresh.waiting.latents
    keyframes = tensors.pop(_KEYFRAMES, torch.zeros(0, *latents.shape[2:]))
    expected = _tensors(fresh)
    if tensors.keys() != expected.keys():
        raise ValueError(f"not a session of PersonaLive: {sorted(tensors)}, expected {sorted(expected)}")
    for name, wanted in expected.items():
        _check_like(name, tensors[name], wanted)
    _check_like(_KEYFRAMES, keyframes, latents[0, :1].expand(len(keyframes), -1, -1, -1))
    return Saved(_state(fresh.keyframes, _moved(tensors, latents.device)), keyframes.to(latents.device))


def _check_like(name: str, found: Tensor, wanted: Tensor) -> None:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        is_, wish = (f"{t.dtype} {list(t.shape)}" for t in (found, wanted))
        raise ValueError(f"a session of another PersonaLive: its {name} are {is_}, expected {wish}")


def _moved(tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: tensor.to(device) for name, tensor in tensors.items()}


def _tensors(state: PersonaLiveState) -> dict[str, Tensor]:
    """The tensors of a state by name, such as `waiting.latents`; without those of its keyframes."""
    parts: dict[str, dict[str, Tensor]] = {
        "waiting": state.waiting._asdict(),
        "driver": state.driver._asdict(),
        "seen": state.seen._asdict(),
    }
    return {f"{name}.{field}": tensor for name, part in parts.items() for field, tensor in part.items()}


def _state(keyframes: References, named: Mapping[str, Tensor]) -> PersonaLiveState:
    """Undo `_tensors`."""
    return PersonaLiveState(
        waiting=Frames(*(named[f"waiting.{field}"] for field in Frames._fields)),
        driver=Driver(*(named[f"driver.{field}"] for field in Driver._fields)),
        seen=SeenMotions(*(named[f"seen.{field}"] for field in SeenMotions._fields)),
        keyframes=keyframes,
    )
