"""Guidance of the bench in small: what it runs, and what it is compared with."""

from __future__ import annotations

import json

import pytest

from tests.bench.fantasytalking_guidance import main


def test_two_passes_lead_where_three_do_for_two_thirds_of_the_operations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(steps=2, side=4)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = {line["figure"]: line for line in lines}
    assert figures["difference"]["value"] <= figures["difference"]["bar"] == 10
    assert figures["operations"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["time"]["baseline"] > 0
