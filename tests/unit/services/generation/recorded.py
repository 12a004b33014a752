"""A folder with one recorded case, of which the truth is computed plainly."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.unit.models.fantasytalking.parity.recording import Recorder, project, weights_of

PROJECTION = {
    "proj_model.proj.weight": (10, 6),
    "proj_model.norm.weight": (10,),
    "proj_model.norm.bias": (10,),
}


def record_projection(folder: Path, error: float = 0.0) -> None:
    """Record FantasyTalking's projection of speech, off by `error`."""
    weights, fields = weights_of(PROJECTION)
    features = torch.linspace(-1, 1, 24).reshape(1, 4, 6) ** 3
    outputs = {"audio_tokens": project(weights, features) + error}
    tolerances = {"tolerance_max_abs": {"audio_tokens": 1e-5}}
    Recorder(folder).arrays("audio_proj", fields | tolerances, {"audio_features": features}, outputs)


def make_unknown(folder: Path) -> None:
    """Let the recorded case be of a kind that no system replays."""
    path = folder / "index.json"
    index = json.loads(path.read_text())
    index["cases"][0]["kind"] = "mystery"
    path.write_text(json.dumps(index))
