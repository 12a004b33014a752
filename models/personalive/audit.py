"""Whether tensors are exactly those that a network has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

Shape = tuple[int, ...]


class Shaped(Protocol):
    """A tensor, on any device or none, or its header in a file."""

    @property
    def shape(self) -> Shape: ...


def check(
    what: str, found: Mapping[str, Shaped], expected: Mapping[str, Shaped], dispensable: Collection[str] = ()
) -> None:
    """Raise ValueError that names every missing, unknown and misshaped tensor of `what`, if there is any.

    Those which are `dispensable` may be missing.
    """
    faults = [
        *(
            f"{name} {_shape(expected[name])} is missing"
            for name in expected.keys() - found.keys()
            if name not in dispensable
        ),
        *(f"{name} {_shape(found[name])} is unknown" for name in found.keys() - expected.keys()),
        *(
            f"{name} is {_shape(found[name])}, expected {_shape(expected[name])}"
            for name in found.keys() & expected.keys()
            if _shape(found[name]) != _shape(expected[name])
        ),
    ]
    if faults:
        raise ValueError(f"{what}: {len(faults)} tensors do not fit: " + "; ".join(sorted(faults)))


def _shape(tensor: Shaped) -> list[int]:
    return list(tensor.shape)
