"""PersonaLive as an engine: whose rows, seats and bytes a session is, and what it makes of cues."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.personalive.bundle import FramedPortrait, dump_portrait
from models.personalive.float8 import Float8Linear
from models.personalive.folding import FoldedMotionAttention, PhaseDoubling
from models.personalive.motion_module import MotionAttention
from models.personalive.winograd import WinogradConv2d, convolve_by_tiles
from services.encoding.footage import to_jpeg
from services.generation import personalive_loading
from services.generation.engine import Coming, perform
from services.generation.personalive import PersonaLiveEngine, decoded
from services.generation.personalive_loading import load_parts, open_engine
from services.generation.settings import ApproximateSettings, EngineSettings
from services.kit import messages
from services.kit.contracts import Chunk, Cue
from tests.unit.services.generation.following import (
    SIZE,
    footage,
    frames_of,
    opened,
    picture,
    seated,
    seated_again,
    take,
    with_late_lanes,
)
from tests.unit.services.generation.served import write_weights, write_whole_autoencoder
from tests.unit.services.generation.world import NOW, World


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> PersonaLiveEngine:
    torch.set_num_threads(1)
    return opened(write_weights(tmp_path_factory.mktemp("weights")))


def test_every_frame_of_the_driver_is_shown_once_in_the_size_that_was_asked_for(
    engine: PersonaLiveEngine,
) -> None:
    chunks = take(engine, 1, footage(1, 3, last=3))
    assert [chunk.sequence for chunk in chunks] == [0, 1, 2]
    assert [chunk.frames.shape for chunk in chunks] == [(4, SIZE, SIZE, 3)] * 2 + [(3, SIZE, SIZE, 3)]
    assert frames_of(chunks).std() > 1


def test_equal_cues_give_equal_pictures_and_another_driver_others(engine: PersonaLiveEngine) -> None:
    first, again, other = (frames_of(take(engine, 1, footage(driver, 1))) for driver in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_portraits_in_one_batch_are_those_of_two_single_runs(engine: PersonaLiveEngine) -> None:
    chances = [np.random.default_rng(0) for _ in range(2)]
    state = engine.join([seated(engine, 1), seated(engine, 2)])
    shown: list[list[Chunk]] = [[], []]
    for cues in zip(footage(1, 2), footage(2, 2), strict=True):
        noise = [chance.standard_normal(engine.noise_shape, np.float32) for chance in chances]
        answers, state = engine.step(state, cues, np.stack(noise))
        for chunks, answer in zip(shown, answers, strict=True):
            chunks.extend([answer.fetch()] if answer is not None else [])
    for number, chunks in enumerate(shown, start=1):
        alone = frames_of(take(engine, number, footage(number, 2)))
        assert np.array_equal(frames_of(chunks), alone)


def test_a_session_goes_on_from_its_bytes_with_the_same_pictures(engine: PersonaLiveEngine) -> None:
    cues, row = footage(1, 3), seated(engine, 1)
    chance = np.random.default_rng(0)
    for cue in islice(cues, 4):
        _, row = engine.step(row, (cue,), chance.standard_normal((1, *engine.noise_shape), np.float32))
    data = engine.dump(row)
    revived = seated_again(engine, 1, data)
    for cue in cues[4:]:
        noise = chance.standard_normal((1, *engine.noise_shape), np.float32)
        (kept,), row = engine.step(row, (cue,), noise)
        (gone_on,), revived = engine.step(revived, (cue,), noise)
        assert (kept is None) == (gone_on is None)
        if kept is not None and gone_on is not None:
            assert np.array_equal(kept.fetch().frames, gone_on.fetch().frames)
    (begun,) = row
    assert begun is not None
    assert len(begun.keyframes) == 2


def test_bytes_of_something_else_are_refused(engine: PersonaLiveEngine) -> None:
    with pytest.raises(ValueError, match="not a session of PersonaLive"):
        engine.load(b"rubbish")


def test_a_reset_row_has_nothing_of_its_session(engine: PersonaLiveEngine) -> None:
    noise = np.zeros((2, *engine.noise_shape), np.float32)
    state = engine.join([seated(engine, 1), seated(engine, 2)])
    _, state = engine.step(state, (footage(1, 1)[0], None), noise)
    assert engine.reset(state, np.array([True, False])) == (None, state[1])


def test_a_face_that_is_lost_keeps_its_last_pose(engine: PersonaLiveEngine) -> None:
    cues = footage(1, 3)
    lost = replace(cues[2], pictures=(b"",) * 4)
    still = replace(cues[2], pictures=(cues[1].pictures[3],) * 4)
    unseen, held = (take(engine, 1, [*cues[:2], cue, *cues[3:]]) for cue in (lost, still))
    assert np.array_equal(frames_of(unseen), frames_of(held))
    assert not np.array_equal(frames_of(unseen), frames_of(take(engine, 1, cues)))


def test_a_driver_keeps_its_colours_on_the_way_to_the_model() -> None:
    red = np.full((64, 64, 3), (220, 30, 10), np.uint8)
    frames, has_face = decoded((to_jpeg(red), b""), 32)
    assert has_face.tolist() == [True, False]
    assert np.abs(frames[0].mean(axis=(0, 1)) - (220, 30, 10)).max() < 4


def test_a_picture_that_cannot_be_decoded_shows_no_face(engine: PersonaLiveEngine) -> None:
    cues = footage(1, 2)
    lost, damaged = (replace(cues[1], pictures=(data,) * 4) for data in (b"", b"no picture"))
    one, other = (frames_of(take(engine, 1, [cues[0], cue, *cues[2:]])) for cue in (lost, damaged))
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"speak": np.zeros((3, 1), np.float32)}, "expected the pictures of a driver"),
        ({"motion": np.zeros((4, 58), np.float32)}, "expected the pictures of a driver"),
        ({"pictures": (b"",) * 5}, "shows 5 pictures, expected 4"),
        ({"num_frames": 4}, "4 frames leave with cue 0"),
        ({"sequence": 3}, "0 frames leave with cue 3"),
    ],
)
def test_a_cue_that_it_cannot_answer_is_refused(
    engine: PersonaLiveEngine, change: dict[str, object], found: str
) -> None:
    engine.check(footage(1, 1)[0])
    with pytest.raises(ValueError, match=found):
        engine.check(replace(footage(1, 1)[0], **change))  # type: ignore[arg-type]  # fields of a cue


def test_the_bundle_of_another_engine_is_refused(engine: PersonaLiveEngine) -> None:
    with pytest.raises(ValueError, match="not a framed portrait: 20 bytes that begin with b'dramatis-rig"):
        engine.read_identity(b"dramatis-rig\0\1aaaaaa")


def test_what_is_served_is_folded(engine: PersonaLiveEngine) -> None:
    kinds = [type(module) for module in _model_of(engine).modules()]
    assert FoldedMotionAttention in kinds
    assert MotionAttention not in kinds


def test_half_precision_leaves_the_extractor_and_the_schedule_whole(tmp_path: Path) -> None:
    half = opened(write_weights(tmp_path), precision="bfloat16")
    half.warm_up()
    model = _model_of(half)
    dtypes = {name: tensor.dtype for name, tensor in model.state_dict().items()}
    assert dtypes["denoiser.conv_out.weight"] == torch.bfloat16
    whole = [name for name, dtype in dtypes.items() if dtype == torch.float32]
    assert whole
    assert all(name.startswith("front_end.motion_extractor.") for name in whole)
    assert model.get_buffer("scheduler.alpha_bars").dtype == torch.float32
    assert frames_of(take(half, 1, footage(1, 1))).std() > 1


def test_a_device_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="there is no device cuda:1"):
        opened(tmp_path, device="cuda:1", precision="float16")


def test_the_autoencoder_of_stable_diffusion_draws_as_well_and_is_folded(tmp_path: Path) -> None:
    folder = write_weights(tmp_path)
    write_whole_autoencoder(folder)
    engine = opened(folder)
    kinds = [type(module) for module in _model_of(engine).get_submodule("codec").modules()]
    assert PhaseDoubling in kinds
    (chunk,) = take(engine, 1, footage(1, 1))
    assert chunk.frames.shape == (4, SIZE, SIZE, 3)


@pytest.mark.parametrize(("precision", "is_tiled"), [("float32", True), ("bfloat16", False)])
def test_a_cpu_convolves_by_tiles_in_single_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, *, is_tiled: bool
) -> None:
    # Tiny networks are as narrow as those for which it does not pay.
    whatever_width = partial(convolve_by_tiles, min_channels=1)
    monkeypatch.setattr(personalive_loading, "convolve_by_tiles", whatever_width)
    settings = EngineSettings.model_validate({"precision": precision})
    networks = load_parts(write_weights(tmp_path), settings).networks
    for network in (networks.denoising_unet, networks.reference_unet):
        assert any(isinstance(module, WinogradConv2d) for module in network.modules()) is is_tiled


@pytest.mark.parametrize("part", ["autoencoder", "image_encoder"])
def test_weights_without_the_networks_of_others_are_refused(tmp_path: Path, part: str) -> None:
    folder = write_weights(tmp_path)
    (folder / part / "config.json").unlink()
    with pytest.raises(ValueError, match=rf"{part} holds no config\.json"):
        opened(folder)


def _model_of(engine: PersonaLiveEngine) -> nn.Module:
    return engine.model


def test_a_killed_process_leaves_a_session_that_another_ends_with_the_same_frames(
    engine: PersonaLiveEngine,
) -> None:
    cues = messages_of(footage(1, 12, last=2))
    whole, killed = (
        World(others={"personalive": lambda: engine}),
        World(others={"personalive": lambda: engine}),
    )
    for world in (whole, killed):
        world.blobs.blobs["t/identity"] = dump_portrait(FramedPortrait(pixels=picture(1, 64), size=SIZE))

    async def perform_whole() -> None:
        async with whole.process() as generation:
            await whole.deliver(generation, cues)
            await whole.until(lambda: whole.is_finished("s"))

    async def perform_twice() -> None:
        async with killed.process() as generation:
            await killed.deliver(generation, cues[:14])
            await killed.until(lambda: killed.settled != set())
        assert [cue.envelope.sequence for cue in killed.unsettled(cues)] == [13, 14]
        async with killed.process() as generation:
            await killed.deliver(generation, killed.unsettled(cues))
            await killed.until(lambda: killed.is_finished("s"))

    asyncio.run(perform_whole())
    asyncio.run(perform_twice())
    assert len(whole.video("s")) == 46
    assert killed.video("s") == whole.video("s")
    assert all(chunk.motion is None for chunk in killed.bus.chunks)


def messages_of(cues: Sequence[Cue]) -> list[messages.Cue]:
    opening = messages.Opening(
        character_id="c",
        portrait_uri="t/portrait",
        face=0,
        size=SIZE,
        engine="personalive",
        seed=0,
        identity_uri="t/identity",
    )
    return [
        messages.Cue(
            envelope=messages.Envelope(
                tenant="t", session_id="s", epoch=0, sequence=cue.sequence, created_at=NOW
            ),
            num_frames=cue.num_frames,
            is_final=cue is cues[-1],
            pictures=cue.pictures,
            opening=opening if cue.sequence == 0 else None,
        )
        for cue in cues
    ]


def test_pictures_are_the_same_however_late_the_lanes_work(engine: PersonaLiveEngine) -> None:
    late = with_late_lanes(engine)
    cues = footage(1, 3)
    answers = list(perform(late, seated(late, 1), cues, 0))
    shown = [answer.fetch() for answer in reversed(answers) if isinstance(answer, Coming)]
    assert np.array_equal(frames_of(shown[::-1]), frames_of(take(engine, 1, cues)))


def test_weights_in_eight_bits_show_something_else(engine: PersonaLiveEngine, tmp_path: Path) -> None:
    approximate = ApproximateSettings(float8=True)
    approximated = opened(write_weights(tmp_path), approximate=approximate)
    assert any(isinstance(module, Float8Linear) for module in _model_of(approximated).modules())
    exact, stored = (frames_of(take(each, 1, footage(1, 1))) for each in (engine, approximated))
    assert stored.std() > 1
    assert not np.array_equal(stored, exact)


def test_an_engine_that_leaves_early_shows_every_frame_a_chunk_sooner(tmp_path: Path) -> None:
    settings = EngineSettings()
    parts = load_parts(write_weights(tmp_path), settings)
    full, early = (open_engine(name, parts, settings) for name in ("personalive", "personalive_early"))
    assert early.model.denoiser is full.model.denoiser
    assert (full.lag, early.lag) == (3, 2)
    sooner, chunks = footage(1, 3, last=3, lag=2), take(early, 1, footage(1, 3, last=3, lag=2))
    assert [cue.num_frames for cue in sooner] == [0, 0, 4, 4, 3]
    assert [(chunk.sequence, len(chunk.frames)) for chunk in chunks] == [(0, 4), (1, 4), (2, 3)]
    assert not np.array_equal(frames_of(chunks), frames_of(take(full, 1, footage(1, 3, last=3))))
    for cue in sooner:
        early.check(cue)
    with pytest.raises(ValueError, match="4 frames leave with cue 2, 3 cues late"):
        full.check(sooner[2])


def test_a_session_of_the_whole_engine_is_none_of_that_which_leaves_early(tmp_path: Path) -> None:
    settings = EngineSettings()
    parts = load_parts(write_weights(tmp_path), settings)
    full, early = (open_engine(name, parts, settings) for name in ("personalive", "personalive_early"))
    with pytest.raises(ValueError, match=r"a session of another PersonaLive: its waiting\.latents"):
        early.load(full.dump(seated(full, 1)))
