from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from models.parity.fixtures import Case, Entry, entries, judge, load, unknown

CASE = Case(name="step", kind="walk", fields={}, inputs={}, outputs={}, table={})


def test_a_case_has_its_inputs_and_outputs_apart(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"cases": [{"case": "step", "kind": "walk", "file": "step.npz"}]}')
    (tmp_path / "step.json").write_text('{"pace": 2}')
    arrays = {"in.x": np.array([1.0, 2.0]), "out.y": np.array([3.0])}
    np.savez(tmp_path / "step.npz", allow_pickle=False, **arrays)

    (entry,) = entries(tmp_path)
    case = load(tmp_path, entry)

    assert (case.name, case.kind, case.fields) == ("step", "walk", {"pace": 2})
    assert case.inputs["x"].tolist() == [1, 2]
    assert case.outputs["y"].tolist() == [3]


def test_a_case_may_be_a_table(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text("{}")
    (tmp_path / "names.json.gz").write_bytes(gzip.compress(json.dumps({"a": [1]}).encode()))

    case = load(tmp_path, Entry(name="names", kind="names", file="names.json.gz"))

    assert case.table == {"a": [1]}


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no parity fixtures in .*: index.json is missing"):
        entries(tmp_path)


def test_an_index_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"cases": [{"case": "step"}]}')

    with pytest.raises(ValueError, match="lacks 'kind' in a line"):
        entries(tmp_path)


def test_a_case_without_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"lack .*step.json"):
        load(tmp_path, Entry(name="step", kind="walk", file="step.npz"))


def test_the_largest_error_decides() -> None:
    expected = torch.tensor([1.0, 2.0, 3.0])

    near = judge(CASE, "y", torch.tensor([1.0, 2.25, 3.125]), expected, 0.25)
    far = judge(CASE, "y", torch.tensor([1.0, 2.25, 3.5]), expected, 0.25)

    assert (near.error, near.holds) == (0.25, True)
    assert (far.error, far.holds) == (0.5, False)


def test_another_shape_never_holds() -> None:
    verdict = judge(CASE, "y", torch.zeros(2), torch.zeros(3), 1e9)

    assert not verdict.holds
    assert verdict.note == "expected (3,), got (2,)"


def test_no_number_never_holds() -> None:
    assert judge(CASE, "y", torch.tensor([math.nan]), torch.zeros(1), 1e9).error == math.inf


def test_what_nothing_replays_never_holds() -> None:
    assert not unknown(CASE).holds
    assert "'walk'" in unknown(CASE).note
