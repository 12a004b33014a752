"""How far an output may be from the recorded one."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from torch import Tensor

from models.parity.fixtures import Case, Verdict, judge

# The network's sinusoid is in double precision like the reference's, so it is held to that tolerance.
_DOUBLE: Final = "_with_float64_time_embedding"
_EVERYTHING: Final = "all"
# Of the format, for what a case records and states no tolerance for.
_DEFAULTS: Final = MappingProxyType({"audio_tokens": 1e-5, "audio_windows": 1e-5, "k_lens": 0.0})


def tolerance(case: Case, output: str) -> float:
    """Return the largest absolute error allowed in an output such as `out_scale1` or `s30_shift5.sigmas`.

    Raises ValueError when the case states none.
    """
    stated: dict[str, float] = case.fields["tolerance_max_abs"]
    last = output.rpartition(".")[2]
    for name in (output, last, last.partition("_")[0], _EVERYTHING):
        if name in stated:
            return float(stated.get(name + _DOUBLE, stated[name]))
    if last not in _DEFAULTS:
        raise ValueError(f"case {case.name} states no tolerance for {output}")
    return _DEFAULTS[last]


def compare(case: Case, output: str, produced: Tensor) -> Verdict:
    """Return the verdict on what was produced for a recorded output."""
    return judge(case, output, produced, case.outputs[output], tolerance(case, output))


def compare_junk(case: Case, produced: Tensor) -> Verdict:
    """Return the verdict on an output with junk behind the windows, which must be what it is without."""
    like = case.fields["junk_padding_output"]
    return judge(case, "junk_padding", produced, case.outputs[like], tolerance(case, like))
