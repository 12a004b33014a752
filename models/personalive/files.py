"""Tensors in files that others published: pickles, of which nothing but tensors is taken."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Read the tensors in a file that torch saved; they stay on disk until they are used.

    Raises ValueError when it is missing, or holds anything but named tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except FileNotFoundError as error:
        raise ValueError(f"{path.name} is missing in {path.parent}") from error
    except (UnpicklingError, RuntimeError) as error:
        raise ValueError(f"{path} is not a file of tensors: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, expected tensors by name")
    strange = [name for name, value in content.items() if not isinstance(value, Tensor)]
    if strange:
        raise ValueError(f"{path} holds more than tensors: {strange}")
    return content
