"""Numerical parity: recorded cases of published systems, replayed by our networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from zipfile import BadZipFile

from models.fantasytalking.parity.replay import replay as replay_fantasytalking
from models.parity.fixtures import Entry, entries
from models.parity.fixtures import Verdict as FantasyTalkingVerdict
from models.personalive.parity.fixtures import Verdict as PersonaLiveVerdict
from models.personalive.parity.replays import verdicts as replay_personalive
from services.generation.systems import System
from services.kit.errors import BadInput

__all__ = ["Verdict", "compare"]

# The same fields, of two formats of fixtures.
Verdict = FantasyTalkingVerdict | PersonaLiveVerdict
_Replay = Callable[[Path], Iterator[Verdict]]

_REPLAYS: Final[Mapping[System, _Replay]] = MappingProxyType(
    {"personalive": replay_personalive, "fantasytalking": replay_fantasytalking}
)


def compare(system: System, folder: Path) -> Iterator[Verdict]:
    """Replay every case that `folder` records of `system`; a case of a kind that nobody knows does not hold.

    Verdicts come as they are found. Raises BadInput when the folder holds no fixtures, or damaged ones.
    """
    cases = _cases(folder)
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


def _unjudged(case: Entry) -> Verdict:
    note = f"nothing replays the kind {case.kind!r}"
    return FantasyTalkingVerdict(case=case.name, output="", error=float("inf"), tolerance=0.0, note=note)
