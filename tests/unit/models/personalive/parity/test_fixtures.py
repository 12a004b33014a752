from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.parity.fixtures import Entry, entries
from models.personalive.parity.fixtures import Case, compare, load, replay, weights
from models.personalive.parity.weight_rule import by_rule, normal, weight
from tests.unit.models.personalive.parity.folder import weight_fields, write_case, write_folder

NAMES = {"reference_unet": {"norm.weight": (3,), "norm.bias": (3,), "conv.weight": (2, 3)}}
OUTPUTS = {"sum.all": torch.tensor([3.0]), "sum.half": torch.tensor([1.5])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fields = {"kind": "sums", "tolerance_max_abs": {"sum.*": 0.01}} | weight_fields(NAMES)
    write_folder(tmp_path, {"one": fields}, NAMES)
    write_case(tmp_path, "one", fields, {"x": torch.tensor([1.0, 2.0])}, OUTPUTS)
    return tmp_path


def _case(folder: Path) -> Case:
    return load(folder, Entry(name="one", kind="sums", file="one.npz"))


# The figures that those who recorded with this rule give.
def test_weights_are_drawn_from_their_names() -> None:
    drawn = weight("reference_unet", "conv_in.weight", (320, 4, 3, 3)).ravel()

    np.testing.assert_allclose(drawn[:2], [0.04826657, -0.16289236], rtol=1e-6)
    np.testing.assert_allclose(normal("check", (2, 3))[0, :2], [1.20287454, -1.20725811], rtol=1e-6)


@pytest.mark.parametrize(
    ("file", "name", "mean", "spread"),
    [
        ("reference_unet", "norm.weight", 1.0, 0.1),
        ("reference_unet", "norm.bias", 0.0, 0.1),
        ("motion_encoder", "model.conv6.bias", 14.0, 0.1),
        ("motion_encoder", "model.bn1.running_mean", 0.0, 0.1),
        ("motion_extractor", "detector.stages.0.0.grn.gamma", 0.0, 0.5),
    ],
)
def test_vectors_are_spread_around_what_they_stand_for(
    file: str, name: str, mean: float, spread: float
) -> None:
    drawn = weight(file, name, (4000,))

    assert drawn.mean() == pytest.approx(mean, abs=0.1 * spread)
    assert drawn.std() == pytest.approx(spread, rel=0.1)


def test_matrices_are_scaled_by_their_inputs_and_their_gain() -> None:
    spreads = {
        name: weight("denoising_unet", name, (200, 100)).std()
        for name in ("mid.weight", "conv_in.weight", "down_blocks.0.motion_modules.0.to_k.weight")
    }

    assert list(spreads.values()) == pytest.approx([0.1, 0.2, 0.025], rel=0.05)


def test_tables_are_formulas() -> None:
    assert weight("motion_extractor", "idx_tensor", (66,)).tolist() == list(range(66))
    alternating = weight("temporal_module", "a.pos_encoder.pe", (1, 4, 6))[0]
    halves = weight("motion_encoder", "pe", (1, 32, 16))[0]
    assert alternating[1, :2].tolist() == pytest.approx([math.sin(1), math.cos(1)])
    assert halves[1, [0, 8]].tolist() == pytest.approx([math.sin(1), math.cos(1)])


def test_an_input_by_rule_is_scaled_along_one_axis() -> None:
    rule = {"key": "k", "shape": [2, 3], "scale": 2.0, "factor": [1.0, 10.0], "factor_axis": 0}

    drawn = by_rule(rule)

    np.testing.assert_allclose(drawn, normal("k", (2, 3)) * np.array([[2.0], [20.0]]), rtol=1e-6)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"index\.json is missing"):
        entries(tmp_path)


def test_only_known_kinds_are_replayed(folder: Path) -> None:
    verdicts = list(replay(folder, {"sums": lambda case: case.outputs}))

    assert [(verdict.output, verdict.error, verdict.holds) for verdict in verdicts] == [
        ("sum.all", 0.0, True),
        ("sum.half", 0.0, True),
    ]
    assert list(replay(folder, {})) == []


def test_an_error_beyond_the_tolerance_does_not_hold(folder: Path) -> None:
    produced = {"sum.all": torch.tensor([3.009]), "sum.half": torch.tensor([1.52])}

    assert [verdict.holds for verdict in compare(_case(folder), produced)] == [True, False]


@pytest.mark.parametrize("wrong", [torch.tensor([math.nan]), torch.tensor([3.0, 3.0])])
def test_what_is_no_number_or_of_another_shape_does_not_hold(folder: Path, wrong: torch.Tensor) -> None:
    verdict = next(compare(_case(folder), OUTPUTS | {"sum.all": wrong}))

    assert not verdict.holds


def test_an_output_that_lacks_does_not_hold(folder: Path) -> None:
    verdict = next(compare(_case(folder), {}))

    assert not verdict.holds
    assert verdict.note == "expected (1,), nothing was produced"


def test_an_output_without_a_tolerance_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="states no tolerance for other"):
        _case(folder).tolerance("other")


def test_weights_of_another_sum_are_refused(folder: Path) -> None:
    case = _case(folder)
    assert weights(case)["reference_unet"].keys() == NAMES["reference_unet"].keys()

    wrong = replace(case, fields=json.loads(json.dumps(dict(case.fields))) | {"weights_sha256": "0"})
    with pytest.raises(ValueError, match="the weights of one have the sum"):
        weights(wrong)
