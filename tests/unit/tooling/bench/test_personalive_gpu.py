"""The bench of a GPU, at a size for tests on a CPU; and what it says where there is no GPU."""

from __future__ import annotations

import json

import pytest
import torch

from tests.bench.__main__ import main as run_benches
from tests.bench.personalive_gpu import CASES, main


def test_every_case_has_its_figures_bars_and_plain_twin(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--tiny", "--device", "cpu", "--eager"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = {(line["case"], line["figure"]): line for line in lines}
    for case in CASES:
        fps = figures[str(case), "frames a second"]
        step = figures[str(case), "step"]
        assert fps["bar"] == (45 if case.codec == "SD VAE" else 60)
        assert fps["value"] == pytest.approx(4 * case.rows / step["value"], rel=0.01)
        assert figures[str(case), "times as fast as plain"]["bar"] == 3
        assert step["plain"] > 0
        assert figures[str(case), "share of the matmul peak"]["value"] >= 0
    for rows in (1, 4):
        served = f"engine, 4 sessions, {rows} rows together"
        step_s = figures[served, "step"]["value"]
        assert figures[served, "frames a second"]["value"] == pytest.approx(16 / step_s, rel=0.01)
    assert 0 < figures["float8 weights", "relative error of the noise"]["value"] < 0.2


def test_without_a_gpu_it_says_so_in_a_line_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert run_benches(["personalive_gpu"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("personalive_gpu is left out: no GPU")
