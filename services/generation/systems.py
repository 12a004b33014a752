"""The systems whose weights the platform knows, and on which terms their weights come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

__all__ = ["TERMS", "System", "Terms", "check_permitted"]

System = Literal["lpm", "personalive", "fantasytalking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The licence of a system's weights (docs/licences.md), and whether it permits commercial use."""

    licence: str
    is_commercial: bool


TERMS: Final[Mapping[System, Terms]] = MappingProxyType(
    {
        "lpm": Terms(licence="Apache-2.0", is_commercial=True),
        # Fine-tuned from X-NeMo's weights, and bound by theirs.
        "personalive": Terms(licence="CC-BY-NC-4.0", is_commercial=False),
        "fantasytalking": Terms(licence="Apache-2.0", is_commercial=True),
    }
)


def check_permitted(systems: Iterable[System], *, allow_noncommercial: bool) -> None:
    """Raise ValueError when weights of a system may not be used commercially, and nobody allowed that."""
    for system in systems:
        terms = TERMS[system]
        if not (terms.is_commercial or allow_noncommercial):
            raise ValueError(
                f"the weights of {system} descend from {terms.licence} material and are not served; where no"
                " use is commercial, allow it with GENERATION_ALLOW_NONCOMMERCIAL=true (docs/licences.md)"
            )
