"""Numerical parity: recorded cases of published systems, replayed by our networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zipfile import BadZipFile

from models.fantasytalking.parity.replay import REPLAYS as FANTASYTALKING_REPLAYS
from models.fantasytalking.parity.replay import replay as replay_fantasytalking
from models.parity.fixtures import Entry, Verdict, entries
from models.personalive.parity.replays import NAMES as PERSONALIVE_NAMES
from models.personalive.parity.replays import REPLAYS as PERSONALIVE_REPLAYS
from models.personalive.parity.replays import verdicts as replay_personalive
from services.generation.systems import System
from services.kit.errors import BadInput

__all__ = ["Verdict", "compare"]

_Replay = Callable[[Path], Iterator[Verdict]]

_REPLAYS: Final[Mapping[System, _Replay]] = MappingProxyType(
    {"personalive": replay_personalive, "fantasytalking": replay_fantasytalking}
)
_KINDS: Final[Mapping[System, frozenset[str]]] = MappingProxyType(
    {
        "personalive": frozenset({*PERSONALIVE_REPLAYS, PERSONALIVE_NAMES}),
        "fantasytalking": frozenset(FANTASYTALKING_REPLAYS),
    }
)


def compare(system: System, folder: Path) -> Iterator[Verdict]:
    """Replay every case that `folder` records of `system`; a case of a kind that nobody knows does not hold.

    Verdicts come as they are found. Raises BadInput when the folder holds no fixtures, damaged ones, or those
    of another system.
    """
    cases = _cases(folder)
    _check_system(system, folder, cases)
    judged: set[str] = set()
    try:
        for verdict in _REPLAYS[system](folder):
            judged.add(verdict.case)
            yield verdict
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise BadInput(
            f"the fixtures in {folder} cannot be replayed: {type(error).__name__}: {error}"
        ) from error
    yield from (_unjudged(case) for case in cases if case.name not in judged)


def _cases(folder: Path) -> list[Entry]:
    try:
        cases = entries(folder)
    except (OSError, TypeError, ValueError) as error:
        raise BadInput(f"{folder} is no folder of parity fixtures: {error}") from error
    if not cases:
        raise BadInput(f"{folder} holds no parity fixtures: its index names no case")
    return cases


def _check_system(system: System, folder: Path, cases: list[Entry]) -> None:
    """Raise BadInput when another system knows more of the kinds of the cases."""
    kinds = {case.kind for case in cases}
    fits = {name: len(kinds & known) for name, known in _KINDS.items()}
    best = max(fits, key=lambda name: (fits[name], name == system))
    if best != system:
        raise BadInput(f"{folder} holds parity fixtures of {best}, expected those of {system}")


def _unjudged(case: Entry) -> Verdict:
    note = f"nothing replays the kind {case.kind!r}"
    return Verdict(case=case.name, output="", error=float("inf"), tolerance=0.0, note=note)
