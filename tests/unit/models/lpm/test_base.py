"""Base LPM: whole windows, guided, joined without a seam."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models.lpm.base import BaseConfig, BaseLpm, Guidance, cut
from models.lpm.conditions import Inputs, Presence
from models.lpm.config import tiny
from models.lpm.model import Lpm
from models.motion import CHUNK_FRAMES, NUM_MOTION

SHORT = BaseConfig(window_chunks=6, given_chunks=2, faded_chunks=2, levels=(1.0, 0.6, 0.3))


@pytest.fixture
def lpm() -> Lpm:
    torch.manual_seed(0)
    lpm = Lpm(tiny()).eval().requires_grad_(requires_grad=False)
    for parameter in lpm.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.2)
    lpm.mean.fill_(0.5)
    lpm.std.fill_(0.1)
    return lpm


def draw_inputs(chunks: int, rows: int = 1, seed: int = 0) -> Inputs:
    config, generator = tiny(), torch.Generator().manual_seed(seed)
    mels = chunks * config.chunk_mels
    speak = torch.randn(
        rows, config.left_context + mels + config.look_ahead, config.logmel.channels, generator=generator
    )
    listen = torch.randn(rows, config.listen_context + mels - 1, config.logmel.channels, generator=generator)
    concepts = torch.zeros(rows, chunks, config.direction.items, dtype=torch.int64)
    concepts[..., 0] = 3
    return Inputs(
        speak=speak,
        speak_presence=torch.full((rows, chunks), Presence.PRESENT.value),
        listen=listen,
        listen_presence=torch.full((rows, chunks), Presence.PRESENT.value),
        concepts=concepts,
        strengths=(concepts > 0).float(),
        known=torch.ones(rows, chunks, dtype=torch.bool),
    )


def draw_noise(chunks: int, rows: int = 1, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, chunks * CHUNK_FRAMES, NUM_MOTION, generator=generator)


@pytest.mark.parametrize("chunks", [1, 6, 7, 13])
def test_any_length_is_made_and_the_same_noise_makes_the_same(lpm: Lpm, chunks: int) -> None:
    base, inputs, noise = BaseLpm(lpm, SHORT), draw_inputs(chunks), draw_noise(chunks)
    motion = base.generate(inputs, noise)
    assert motion.shape == noise.shape
    assert torch.equal(motion, base.generate(inputs, noise))


def test_other_noise_makes_another_take(lpm: Lpm) -> None:
    base, inputs = BaseLpm(lpm, SHORT), draw_inputs(7)
    assert not torch.equal(base.generate(inputs, draw_noise(7)), base.generate(inputs, draw_noise(7, seed=2)))


def test_every_frame_sees_what_comes_after_it(lpm: Lpm) -> None:
    inputs, noise = draw_inputs(6), draw_noise(6)
    changed = inputs._replace(concepts=inputs.concepts.clone())
    changed.concepts[:, -1, 0] = 20
    one, other = (BaseLpm(lpm, SHORT).generate(each, noise) for each in (inputs, changed))
    assert not torch.equal(one[:, 0], other[:, 0])


def test_what_is_given_stays_and_steers_what_follows(lpm: Lpm) -> None:
    base = BaseLpm(lpm, SHORT)
    conditions, noise = lpm.network.encode(draw_inputs(6)), draw_noise(6)
    high, low = (torch.full((1, 10, NUM_MOTION), value) for value in (0.6, 0.4))
    one, other = (base.window(conditions, noise, given) for given in (high, low))
    assert torch.equal(one[:, :10], high)
    assert not torch.equal(one[:, 10:], other[:, 10:])


def test_windows_are_joined_without_a_jump(lpm: Lpm) -> None:
    """Even in a network that has learned nothing of continuing, a seam moves no more than the inside."""
    noise = draw_noise(30, rows=4)
    motion = BaseLpm(lpm, SHORT).generate(draw_inputs(30, rows=4), noise)
    speed = motion.diff(dim=1).abs().mean((0, 2))
    stride, given = SHORT.stride_chunks * CHUNK_FRAMES, SHORT.given_chunks * CHUNK_FRAMES
    starts = torch.arange(stride, noise.shape[1] - given, stride) + given
    seams = torch.cat((starts - 1, starts + SHORT.faded_chunks * CHUNK_FRAMES - 1))
    seams = seams[seams < len(speed)]
    inside = torch.ones(len(speed), dtype=torch.bool)
    inside[seams] = False
    assert speed[seams].mean() < 1.2 * speed[inside].mean()


def test_conditions_of_a_stretch_are_those_of_its_own_sound(lpm: Lpm) -> None:
    inputs, config = draw_inputs(8), tiny()
    hop, length = config.chunk_mels, 3 * config.chunk_mels
    first = 4
    own = inputs._replace(
        speak=inputs.speak[:, first * hop :][:, : config.left_context + length + config.look_ahead],
        listen=inputs.listen[:, first * hop :][:, : config.listen_context + length - 1],
        **{
            name: getattr(inputs, name)[:, first : first + 3]
            for name in ("speak_presence", "listen_presence", "concepts", "strengths", "known")
        },
    )
    whole = cut(lpm.network.encode(inputs), first, 3, config)
    expected = lpm.network.encode(own)
    for part, other in zip((*whole.speak, *whole.listen, *whole.direction), _flat(expected), strict=True):
        torch.testing.assert_close(part, other, atol=1e-5, rtol=1e-5)


def _flat(conditions: object) -> list[Tensor]:
    assert isinstance(conditions, tuple)
    return [tensor for part in conditions for tensor in part]


@pytest.mark.parametrize(("sound", "direction"), [(2.0, 1.0), (1.0, 3.0), (2.0, 2.0)])
def test_guidance_goes_beyond_in_its_own_direction(lpm: Lpm, sound: float, direction: float) -> None:
    inputs, noisy, level = draw_inputs(6), draw_noise(6), torch.full((1, 6), 0.7)
    unknown = torch.full_like(inputs.speak_presence, Presence.UNKNOWN.value)
    heard = inputs._replace(known=torch.zeros_like(inputs.known))
    nothing = heard._replace(speak_presence=unknown, listen_presence=unknown)
    plain = BaseLpm(lpm, SHORT)
    all_told, by_sound, by_nothing = (
        plain.estimate(noisy, level, lpm.network.encode(each)) for each in (inputs, heard, nothing)
    )
    expected = by_nothing + sound * (by_sound - by_nothing) + direction * (all_told - by_sound)
    guided = BaseLpm(lpm, replace(SHORT, guidance=Guidance(sound=sound, direction=direction)))
    actual = guided.estimate(noisy, level, lpm.network.encode(inputs))
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(actual, all_told, atol=1e-3)


@pytest.mark.parametrize(("window", "given", "faded"), [(5, 3, 2), (6, 0, 2), (6, 2, 0)])
def test_windows_that_do_not_advance_or_overlap_are_refused(window: int, given: int, faded: int) -> None:
    with pytest.raises(ValueError, match="cannot begin with"):
        BaseConfig(window_chunks=window, given_chunks=given, faded_chunks=faded)
