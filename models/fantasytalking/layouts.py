"""The ways in which published tensors are named: the original, diffusers', and repackagings of both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar

from models.fantasytalking.names import PUBLISHED_PROJECTION, original_name

ValueT = TypeVar("ValueT")

# In front of everything: ComfyUI's files of the backbone, and flat files of the audio branch.
_PREFIXES: Final = ("model.diffusion_model.", "diffusion_model.", "audio_processor.")
# The audio projection in a file of its own, as Wan2GP has it.
_BARE_PROJECTION: Final = ("proj.weight", "norm.weight", "norm.bias")
# Projections of speech, with or without the processor's name, which ComfyUI-WanVideoWrapper leaves out.
_SPEECH: Final = re.compile(r"(blocks\.\d+)\.(?:cross_attn|attn2)(?:\.processor)?\.([kv])_proj\.weight")
# Older files of diffusers have a norm that no network uses.
_UNUSED: Final = re.compile(r"blocks\.\d+\.attn2\.norm_added_q\.weight")


def by_original_name(tensors: Mapping[str, ValueT]) -> dict[str, ValueT]:
    """Return tensors under their original names; a name that no layout knows stays.

    Raises ValueError when two names stand for the same tensor.
    """
    renamed: dict[str, ValueT] = {}
    for name, tensor in tensors.items():
        if _UNUSED.fullmatch(name):
            continue
        original = _original(name)
        if original in renamed:
            raise ValueError(f"{name} and another name both stand for {original}")
        renamed[original] = tensor
    return renamed


def _original(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    if name in _BARE_PROJECTION:
        return PUBLISHED_PROJECTION + name
    if speech := _SPEECH.fullmatch(name):
        return f"{speech[1]}.cross_attn.processor.{speech[2]}_proj.weight"
    try:
        return original_name(name)
    except ValueError:
        return name
