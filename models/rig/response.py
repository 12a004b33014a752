"""How observations of a face answer to its motion, as measured on rendered portraits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np

from models.rig.arrays import F32


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The terms of min x' gram x / 2 - (weigh @ observed - sparsity)' x over motion x float32 [58].

    With observed = J x + noise, noise of covariance C, and a prior of precision P on motion:
    weigh = J' C^-1 [58, NUM_OBSERVED] and gram = J' C^-1 J + P [58, 58]. sparsity [58] is the slope of an
    exponential prior: most expressions are absent from most faces. pose [6, NUM_OBSERVED] gives the pose
    directly, by ridge regression, free of that prior's pull. Made by training/rig/response.
    """

    weigh: F32
    gram: F32
    sparsity: F32
    pose: F32


@cache
def response() -> Response:
    """Load the response that ships with the rig."""
    with as_file(files("models.rig") / "response.npz") as path, np.load(path) as data:
        return Response(weigh=data["weigh"], gram=data["gram"], sparsity=data["sparsity"], pose=data["pose"])
