"""Either LPM: the same folder, the same steps, and never the other's state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule
from models.lpm.rows import dump_state, load_state
from models.lpm.streaming import EitherLpm
from models.lpm.weights import (
    CONFIG_FILE,
    SCHEDULE_FILE,
    load_streaming,
    read_config,
    save_lpm,
    save_online,
    weights_files,
)
from tests.unit.models.lpm.drawing import draw_chunk

ACTIVE = torch.tensor([True, True])


def a_network(seed: int = 0) -> Lpm:
    torch.manual_seed(seed)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    for parameter in lpm.network.parameters():
        parameter.add_(0.1 * torch.randn_like(parameter))
    return lpm


def an_online() -> OnlineLpm:
    return OnlineLpm(a_network(1), a_network(2), Schedule())


BOTH = [a_network, an_online]


@pytest.fixture(params=BOTH)
def model(request: pytest.FixtureRequest) -> Lpm | OnlineLpm:
    build: Callable[[], Lpm | OnlineLpm] = request.param
    return build()


def save(model: Lpm | OnlineLpm, folder: Path) -> None:
    if isinstance(model, Lpm):
        save_lpm(model, folder)
    else:
        save_online(model, folder)


def test_it_steps_and_resets_as_the_model_inside(model: Lpm | OnlineLpm) -> None:
    either, chunk = EitherLpm(model), draw_chunk(tiny(), 2)
    first, state = either.step(either.init_state(2), chunk, ACTIVE)
    second, _ = either.step(state, chunk, ACTIVE)
    again, _ = either.step(either.reset(state, torch.tensor([True, False])), chunk, ACTIVE)
    torch.testing.assert_close(again[0], first[0])
    assert torch.equal(again[1], second[1])
    assert not torch.allclose(first[0], second[0])


@pytest.mark.parametrize(("one", "other"), [BOTH, BOTH[::-1]])
def test_a_state_of_the_other_kind_is_refused(
    one: Callable[[], Lpm | OnlineLpm], other: Callable[[], Lpm | OnlineLpm]
) -> None:
    either, strange = EitherLpm(one()), EitherLpm(other()).init_state(2)
    with pytest.raises(ValueError, match=f"goes on from .*State, got {type(strange).__name__}"):
        either.step(strange, draw_chunk(tiny(), 2), ACTIVE)
    with pytest.raises(ValueError, match=f"goes on from .*State, got {type(strange).__name__}"):
        either.reset(strange, ACTIVE)


@pytest.mark.parametrize(("one", "other"), [BOTH, BOTH[::-1]])
def test_the_kept_state_of_the_other_kind_is_refused(
    one: Callable[[], Lpm | OnlineLpm], other: Callable[[], Lpm | OnlineLpm]
) -> None:
    kept = dump_state(EitherLpm(other()).init_state(1))
    with pytest.raises(ValueError, match="not the state of such an LPM"):
        load_state(kept, EitherLpm(one()).init_state(1))


def test_an_empty_window_of_a_stream_that_no_slot_has_changes_no_bit(model: Lpm | OnlineLpm) -> None:
    chunk = draw_chunk(tiny(), 2)._replace(speaks=~ACTIVE, listens=~ACTIVE)
    empty = chunk._replace(speak=chunk.speak[:, :0], listen=chunk.listen[:, :0])
    either = EitherLpm(model)
    first, state = either.step(either.init_state(2), chunk, ACTIVE)
    second, other = either.step(either.init_state(2), empty, ACTIVE)
    assert torch.equal(first, second)
    assert dump_state(state) == dump_state(other)


def test_a_folder_says_which_lpm_it_holds(model: Lpm | OnlineLpm, tmp_path: Path) -> None:
    save(model, tmp_path)
    loaded = load_streaming(tmp_path)
    assert type(loaded) is type(model)
    assert read_config(tmp_path) == loaded.config == tiny()
    assert len(weights_files(tmp_path)) == (1 if isinstance(model, Lpm) else 2)


@pytest.mark.parametrize("read", [load_streaming, read_config])
def test_a_folder_with_neither_lpm_is_refused(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"neither {CONFIG_FILE} nor {SCHEDULE_FILE}"):
        read(tmp_path)


@pytest.mark.parametrize("read", [load_streaming, read_config])
def test_a_folder_with_both_lpms_is_refused(read: Callable[[Path], object], tmp_path: Path) -> None:
    save(a_network(), tmp_path)
    save(an_online(), tmp_path)
    with pytest.raises(ValueError, match="expected one of them"):
        read(tmp_path)


def test_an_online_lpm_that_lacks_a_network_is_refused(tmp_path: Path) -> None:
    save(an_online(), tmp_path)
    weights_files(tmp_path)[0].unlink()
    with pytest.raises(ValueError, match="no LPM in"):
        load_streaming(tmp_path)
