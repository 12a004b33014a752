from __future__ import annotations

import gzip
import json
from pathlib import Path

import torch

from models.personalive.config import published
from models.personalive.parity.replays import verdicts
from models.personalive.weights import layout, networks


def test_recorded_names_are_compared_file_by_file(tmp_path: Path) -> None:
    table = {
        stem: {"tensors": [[name, list(tensor.shape)] for name, tensor in tensors.items()]}
        for network, module in networks(published(), torch.device("meta")).named().items()
        for stem, tensors in layout(network, module).items()
    }
    table["pose_guider"]["tensors"][0][0] = "conv_inward.weight"
    line = {"case": "tensors", "kind": "names", "file": "tensors.json.gz"}
    (tmp_path / "index.json").write_text(json.dumps({"cases": [line]}))
    (tmp_path / "tensors.json.gz").write_bytes(gzip.compress(json.dumps({"files": table}).encode()))

    compared = {verdict.output: verdict for verdict in verdicts(tmp_path)}

    assert {name for name, verdict in compared.items() if not verdict.holds} == {"pose_guider"}
    assert len(compared) == 6
    assert "conv_inward.weight [16, 3, 3, 3] is unknown" in compared["pose_guider"].note
