"""Online LPM: two networks, two pasts, on disk and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.lpm.online import OnlineLpm, Schedule
from models.lpm.rows import dump_state, join_states, load_state, split_state
from models.lpm.weights import SCHEDULE_FILE, is_online, load_online, save_online
from models.motion import CHUNK_FRAMES, NUM_BLENDSHAPES, NUM_MOTION
from tests.unit.models.lpm.drawing import draw_chunk

ONE = torch.tensor([True])


def a_network(seed: int, *, window: int = 3) -> Lpm:
    torch.manual_seed(seed)
    lpm = Lpm(replace(tiny(), window_chunks=window)).eval().requires_grad_(requires_grad=False)
    nn.init.normal_(lpm.network.head.weight, std=2.0)
    return lpm


def an_online(*, refiner_seed: int = 1, window: int = 3) -> OnlineLpm:
    return OnlineLpm(a_network(0), a_network(refiner_seed, window=window), Schedule()).eval()


def drafts(online: OnlineLpm, chunks: int) -> Tensor:
    """What the backbone remembers after some chunks."""
    state = online.init_state(1)
    for n in range(chunks):
        _, state = online.step(state, draw_chunk(online.config, 1, n), ONE)
    return state.noisy.values


def test_a_step_gives_motion_that_a_face_can_make() -> None:
    online = an_online()
    motion, _ = online.step(online.init_state(2), draw_chunk(online.config, 2), torch.tensor([True, True]))
    assert motion.shape == (2, CHUNK_FRAMES, NUM_MOTION)
    assert motion[..., :NUM_BLENDSHAPES].min() >= 0
    assert motion[..., :NUM_BLENDSHAPES].max() <= 1


def test_the_backbone_does_not_depend_on_the_refiner() -> None:
    assert torch.equal(drafts(an_online(refiner_seed=1), 4), drafts(an_online(refiner_seed=2), 4))


def test_the_refiner_has_the_last_word_on_life_and_none_on_a_settled_mouth() -> None:
    one, other = an_online(refiner_seed=1), an_online(refiner_seed=2)
    chunk = draw_chunk(one.config, 1)
    first, _ = one.step(one.init_state(1), chunk, ONE)
    second, _ = other.step(other.init_state(1), chunk, ONE)
    mouth = one.backbone.mouth
    assert torch.equal(first[..., mouth], second[..., mouth])
    assert not torch.equal(first[..., ~mouth], second[..., ~mouth])


def test_each_network_remembers_as_much_as_it_is_configured_to() -> None:
    state = an_online(window=1).init_state(1)
    sink = tiny().sink_chunks
    assert state.noisy.keys.shape[2] == (sink + 3) * CHUNK_FRAMES
    assert state.clean.keys.shape[2] == (sink + 1) * CHUNK_FRAMES


def test_networks_that_hear_differently_are_refused() -> None:
    deaf = Lpm(replace(tiny(), listen=replace(tiny().listen, window=5)))
    with pytest.raises(ValueError, match="conditioned and sampled alike"):
        OnlineLpm(a_network(0), deaf, Schedule())


@pytest.mark.parametrize(("levels", "handover"), [((0.9,), 0.3), ((1.0, 0.5), 0.5), ((1.0,), 0.0), ((), 1.0)])
def test_levels_that_do_not_fall_from_one_are_refused(levels: tuple[float, ...], handover: float) -> None:
    with pytest.raises(ValueError, match="levels must fall"):
        Schedule(levels=levels, handover=handover)


def test_rows_come_apart_and_are_kept_as_they_are() -> None:
    online = an_online()
    states = []
    for seed in (1, 2):
        _, state = online.step(online.init_state(1), draw_chunk(online.config, 1, seed), ONE)
        states.append(state)
    apart = split_state(join_states(states))[1]
    kept = load_state(dump_state(apart), online.init_state(1))
    for part, expected in zip((*kept.noisy, *kept.clean), (*states[1].noisy, *states[1].clean), strict=True):
        assert torch.equal(part, expected)


def test_the_state_of_a_single_network_is_refused() -> None:
    online = an_online()
    with pytest.raises(ValueError, match="not the state of such an LPM"):
        load_state(dump_state(a_network(0).init_state(1)), online.init_state(1))


def test_saved_weights_load_to_the_same_model_within_half_precision(tmp_path: Path) -> None:
    online = an_online(window=2)
    save_online(online, tmp_path)
    loaded = load_online(tmp_path)
    assert is_online(tmp_path)
    assert loaded.schedule == online.schedule
    assert loaded.refiner.config == online.refiner.config
    before = online.state_dict()
    for name, tensor in loaded.state_dict().items():
        torch.testing.assert_close(tensor, before[name], atol=1e-2, rtol=1e-3)


def test_equal_ears_are_shared_and_the_motion_stays_the_same() -> None:
    online = an_online()
    online.refiner.network.speak_encoder.load_state_dict(online.backbone.network.speak_encoder.state_dict())
    chunk = draw_chunk(online.config, 1)._replace(speaks=ONE, listens=ONE)
    apart, _ = online.step(online.init_state(1), chunk, ONE)
    together, _ = online.share_ears().step(online.init_state(1), chunk, ONE)
    assert online.refiner.network.speak_encoder is online.backbone.network.speak_encoder
    assert online.refiner.network.listen_encoder is not online.backbone.network.listen_encoder
    assert torch.equal(apart, together)


def test_a_folder_without_a_schedule_or_with_a_strange_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no Online LPM in"):
        load_online(tmp_path)
    (tmp_path / SCHEDULE_FILE).write_text('{"levels": [1.0], "handed": 0.3}')
    with pytest.raises(ValueError, match="not the schedule"):
        load_online(tmp_path)
