"""The bench of a GPU, at a size for tests on a CPU; and what it counts and says without one."""

from __future__ import annotations

import json

import pytest
import torch

from models.fantasytalking.sampler import guide, weigh
from tests.bench.__main__ import main as run_benches
from tests.bench.fantasytalking_gpu import (
    count_operations,
    draw_clip,
    draw_network,
    main,
    plain_step,
    published_setting,
    tiny_setting,
)

CPU = torch.device("cpu")


def test_every_figure_has_its_bar_or_its_plain_twin(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--tiny", "--device", "cpu"])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = {line["figure"]: line for line in lines}
    assert figures["share of the matmul peak"]["bar"] == 0.45
    assert figures["forward"]["TFLOP"] >= 0
    step = figures["guided step"]
    assert step["plain"] > 0
    assert figures["times as fast as plain"]["value"] == pytest.approx(step["plain"] / step["value"], rel=0.1)


@torch.inference_mode()
def test_the_plain_step_is_the_guided_one() -> None:
    torch.manual_seed(0)
    setting = tiny_setting()
    network, clip = draw_network(setting, CPU), draw_clip(setting, CPU)

    guided = guide(network, weigh(clip.passes(network), setting.config.sampler))

    torch.testing.assert_close(guided(clip.latents, clip.timestep), plain_step(network, clip))


def test_operations_of_the_published_size_are_counted_without_computing() -> None:
    assert count_operations(published_setting()) / 1e12 == pytest.approx(906.8, abs=0.1)


def test_without_a_gpu_it_says_so_in_a_line_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert run_benches(["fantasytalking_gpu"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("fantasytalking_gpu is left out: no GPU")
