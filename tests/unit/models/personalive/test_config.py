from __future__ import annotations

from dataclasses import replace

import pytest

from models.personalive.config import VARIANTS, UNetConfig, from_json, tiny, to_json


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_a_configuration_is_read_as_it_was_written(variant: str) -> None:
    config = VARIANTS[variant]()

    assert from_json(to_json(config)) == config


def test_an_unknown_field_is_refused() -> None:
    text = to_json(tiny()).replace('"heads"', '"hands"', 1)

    with pytest.raises(ValueError, match="hands"):
        from_json(text)


def test_the_published_size_attends_in_sixteen_places() -> None:
    assert len(list(VARIANTS["published"]().unet.banks())) == 16


def test_widths_that_do_not_divide_into_groups_are_refused() -> None:
    with pytest.raises(ValueError, match=r"widths \[48\] do not divide"):
        UNetConfig(channels=(48, 64, 64, 64))


def test_windows_longer_than_the_position_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="40 frames, but only 32 positions"):
        replace(tiny().unet, chunk_frames=10)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"picture": 96}, "expected a multiple of 64"),
        ({"unet": replace(tiny().unet, chunks=3)}, "3 chunks, but noise levels"),
        ({"unet": replace(tiny().unet, motion_tokens=5)}, r"motion tokens of \(4, 8\)"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(tiny(), **wrong)  # type: ignore[arg-type]  # each value is of its field's type
