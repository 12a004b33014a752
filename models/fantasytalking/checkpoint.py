"""Tensors in files, known by name and shape before any is read: 65 GB fit no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zipfile import is_zipfile

import torch
from safetensors import safe_open
from torch import Tensor

Shape = tuple[int, ...]
PICKLES = (".ckpt", ".pt", ".pth", ".bin")
SAFETENSORS = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A tensor in a file: its shape, the name of its type, and how it is read."""

    file: Path
    shape: Shape
    dtype: str
    read: Callable[[], Tensor]


def stored_tensors(path: Path) -> dict[str, Stored]:
    """Return the tensors of a file, or of all safetensors files of a folder, by the names they have there.

    Names in nested dicts are joined by dots. Raises ValueError when there is no such file, when it is of
    no known kind, when it holds anything but tensors, and when two files of a folder hold the same name.
    """
    if path.is_dir():
        return merge(map(_safetensors, sorted(path.glob(f"*{SAFETENSORS}"))), path)
    if not path.is_file():
        raise ValueError(f"no weights at {path}")
    if path.suffix == SAFETENSORS:
        return _safetensors(path)
    if path.suffix in PICKLES:
        return _pickle(path)
    raise ValueError(f"expected {SAFETENSORS} or one of {', '.join(PICKLES)}, got {path.name}")


def merge(parts: Iterable[Mapping[str, Stored]], source: Path | str) -> dict[str, Stored]:
    """Return the tensors of all parts. Raises ValueError when two hold the same name, or none any."""
    merged: dict[str, Stored] = {}
    for part in parts:
        for name, stored in part.items():
            if name in merged:
                raise ValueError(f"{name} is in both {merged[name].file.name} and {stored.file.name}")
            merged[name] = stored
    if not merged:
        raise ValueError(f"no tensors in {source}")
    return merged


def audit(found: Mapping[str, Shape], expected: Mapping[str, Shape]) -> None:
    """Compare names and shapes. Raises ValueError that names every tensor that does not fit."""
    faults = [f"missing {name} {shape}" for name, shape in expected.items() if name not in found]
    for name, shape in found.items():
        if name not in expected:
            faults.append(f"unexpected {name} {shape}")
        elif shape != expected[name]:
            faults.append(f"misshaped {name}: found {shape}, expected {expected[name]}")
    if faults:
        raise ValueError(f"{len(faults)} tensors do not fit: " + "; ".join(faults))


def _safetensors(path: Path) -> dict[str, Stored]:
    with safe_open(path, framework="pt") as file:
        return {
            name: Stored(
                file=path,
                shape=tuple(file.get_slice(name).get_shape()),
                dtype=file.get_slice(name).get_dtype(),
                read=partial(_read_safetensors, path, name),
            )
            for name in file.keys()  # noqa: SIM118 -- not a mapping
        }


def _read_safetensors(path: Path, name: str) -> Tensor:
    with safe_open(path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor


def _pickle(path: Path) -> dict[str, Stored]:
    # What is mapped is read from the file when it is used; old pickles cannot be mapped.
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    return {
        name: Stored(
            file=path,
            shape=tuple(tensor.shape),
            dtype=str(tensor.dtype).removeprefix("torch."),
            read=partial(_held, tensor),
        )
        for name, tensor in _flatten(content, path).items()
    }


def _held(tensor: Tensor) -> Tensor:
    return tensor


def _flatten(content: object, path: Path, prefix: str = "") -> dict[str, Tensor]:
    if isinstance(content, Tensor):
        return {prefix: content}
    if not isinstance(content, Mapping):
        found = type(content).__name__
        raise ValueError(f"expected tensors in {path.name}, got a {found} at {prefix or 'the top'}")
    flat: dict[str, Tensor] = {}
    for name, value in content.items():
        flat |= _flatten(value, path, f"{prefix}.{name}" if prefix else str(name))
    return flat
