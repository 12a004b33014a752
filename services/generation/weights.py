"""Weights on disk: which there are, on which terms, converted from published files, and verified."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import torch
from safetensors import SafetensorError, safe_open

from models.fantasytalking import config as fantasytalking_config
from models.fantasytalking import conversion as fantasytalking_conversion
from models.fantasytalking import weights as fantasytalking
from models.lpm import weights as lpm
from models.personalive import weights as personalive
from models.personalive.config import VARIANTS
from models.registry import weights_folder
from services.generation.settings import WeightFolders
from services.generation.systems import System
from services.kit.errors import BadInput

__all__ = ["Place", "Report", "convert_fantasytalking", "convert_personalive", "places", "verify"]

_CONFIG: Final = "config.json"
_SUFFIX: Final = ".safetensors"
# A field of its configuration that no other system has.
_MARKS: Final[dict[str, System]] = {"unet": "personalive", "backbone": "fantasytalking", "listen": "lpm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the weights of a system lie; no folder where none is configured."""

    system: System
    is_shipped: bool
    folder: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a folder of weights holds: tensors, numbers in them, bytes of their files."""

    system: System
    tensors: int
    numbers: int
    size_bytes: int


def places(configured: WeightFolders) -> list[Place]:
    """Return the weights that are shipped, and those that are or could be configured."""
    shipped = Place(system="lpm", is_shipped=True, folder=weights_folder("lpm", "motion"))
    given = configured.given().items()
    return [shipped, *(Place(system=system, is_shipped=False, folder=folder) for system, folder in given)]


def convert_personalive(source: Path, target: Path, variant: str) -> list[personalive.Account]:
    """Convert the published files in `source`; `target` appears whole or not at all.

    Raises BadInput when it is there already, when a file is missing, and naming every tensor that does not
    fit.
    """
    with _told(f"{source} cannot be converted"), _appearing(target) as converted:
        return personalive.convert(source, converted, VARIANTS[variant]())


def convert_fantasytalking(
    source: Path, target: Path, variant: str, dtype: str
) -> list[fantasytalking_conversion.Account]:
    """Convert the published files in `source` and its folders, to weights in a type that torch names.

    `target` appears whole or not at all. Raises BadInput as above.
    """
    config = fantasytalking_config.VARIANTS[variant]()
    with _told(f"{source} cannot be converted"), _appearing(target) as converted:
        return fantasytalking_conversion.convert(source, converted, config, getattr(torch, dtype))


def verify(folder: Path) -> Report:
    """Load the weights in `folder`, strictly, and tell what they are.

    Raises BadInput that says what is missing, unknown or misshaped.
    """
    with _told(f"{folder} does not hold whole weights"):
        system = _system_of(folder)
        _load(system, folder)
        return _measure(system, folder)


def _system_of(folder: Path) -> System:
    if lpm.is_online(folder):
        return "lpm"
    try:
        fields = json.loads((folder / _CONFIG).read_text())
    except FileNotFoundError:
        raise ValueError(f"{_CONFIG} is missing") from None
    found = [system for mark, system in _MARKS.items() if isinstance(fields, dict) and mark in fields]
    if len(found) != 1:
        raise ValueError(f"{_CONFIG} is not that of {', '.join(_MARKS.values())}")
    return found[0]


def _load(system: System, folder: Path) -> None:
    """Load what fits into memory; of the others names and shapes are compared. Raises ValueError."""
    if system == "lpm":
        lpm.load_streaming(folder)
    elif system == "personalive":
        _check_files(folder, [f"{network}{_SUFFIX}" for network in personalive.SOURCES])
        personalive.load(folder)
    else:
        fantasytalking.check_folder(folder)


def _check_files(folder: Path, names: list[str]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{', '.join(missing)} missing")


def _measure(system: System, folder: Path) -> Report:
    files = sorted(folder.rglob(f"*{_SUFFIX}"))
    sizes = [size for file in files for size in _sizes(file)]
    return Report(
        system=system,
        tensors=len(sizes),
        numbers=sum(sizes),
        size_bytes=sum(file.stat().st_size for file in files),
    )


def _sizes(file: Path) -> list[int]:
    with safe_open(file, framework="numpy") as tensors:
        return [math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys()]  # noqa: SIM118 -- not a mapping


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """Yield a folder that becomes `target` in the end, when nothing went wrong."""
    if target.exists():
        raise BadInput(f"{target} exists already, expected a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as work:
        made = Path(work) / target.name
        yield made
        made.rename(target)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Make faults of files the user's."""
    try:
        yield
    except (OSError, EOFError, ValueError, SafetensorError) as error:
        raise BadInput(f"{what}: {error}") from error
