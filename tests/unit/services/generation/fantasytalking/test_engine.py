from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from models.fantasytalking.config import FantasyTalkingConfig
from models.fantasytalking.decoding import decode
from models.personalive.bundle import FramedPortrait, dump_portrait
from services.generation.fantasytalking.engine import FantasyTalkingEngine, FantasyTalkingFilm
from services.generation.fantasytalking.folders import load_autoencoder, load_encoders, read_prompts
from services.generation.fantasytalking.layout import Folders
from services.generation.fantasytalking.loading import open_fantasytalking
from services.generation.fantasytalking.performer import Performer
from services.generation.offline import Screenplay, Sitter, Span
from services.kit import contracts
from services.kit.contracts import MotionIntensity, Pixels
from tests.unit.models.fantasytalking.scenes import make_network
from tests.unit.services.generation.fantasytalking.folders import config, make_folders

SIZE = 48
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return make_folders(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def make_engine(folders: Folders) -> Callable[[FantasyTalkingConfig], FantasyTalkingEngine]:
    encoders = load_encoders(folders, CPU)

    def make(given: FantasyTalkingConfig) -> FantasyTalkingEngine:
        def read_texts(*texts: str) -> Tensor:
            return read_prompts(folders, [*texts], given.backbone.text_length, torch.float32, CPU)

        performer = Performer(make_network(given).eval(), encoders, read_texts)
        return FantasyTalkingEngine(given, encoders.autoencoder, performer)

    return make


@pytest.fixture(scope="module")
def engine(make_engine: Callable[[FantasyTalkingConfig], FantasyTalkingEngine]) -> FantasyTalkingEngine:
    return make_engine(config())


def sitter() -> Sitter:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    return Sitter(portrait=pixels, size=SIZE)


def screenplay(duration_s: float = 0.9) -> Screenplay:
    speech = np.random.default_rng(0).normal(0, 0.1, round(duration_s * 16_000)).astype(np.float32)
    return Screenplay(speech=speech, directions=("a person speaks",), intensity=None, seed=3)


def make(film: FantasyTalkingFilm, done: int = 0, last: Span | None = None) -> list[Span]:
    return list(film.make(done, last, lambda: None))


def show(film: FantasyTalkingFilm, spans: list[Span]) -> Pixels:
    return np.concatenate([film.show(span.shown) for span in spans])


def filmed(engine: FantasyTalkingEngine, given: Screenplay) -> Pixels:
    film = engine.begin(sitter(), given)
    return show(film, make(film))


def test_what_a_film_is_to_avoid_shows_in_it(folders: Folders, engine: FantasyTalkingEngine) -> None:
    other = open_fantasytalking(folders, "cpu", "float32", "a face that rests").engine
    usual = open_fantasytalking(folders, "cpu", "float32").engine

    films = [each.begin(sitter(), screenplay()) for each in (usual, other)]

    first, second = (next(film.make(0, None, lambda: None)).shown for film in films)
    assert first != second


def test_a_film_lasts_as_long_as_its_speech_or_a_little_longer(engine: FantasyTalkingEngine) -> None:
    for duration_s in (0.2, 0.9, 1.0):
        film = engine.begin(sitter(), screenplay(duration_s))
        spans = make(film)

        pictures = show(film, spans)

        assert len(spans) == film.num_spans
        assert pictures.shape[1:] == (SIZE, SIZE, 3)
        assert duration_s * 25 <= len(pictures) <= duration_s * 25 + 7


def test_a_film_gone_on_with_after_any_span_is_the_same_to_the_bit(engine: FantasyTalkingEngine) -> None:
    first = engine.begin(sitter(), screenplay())
    spans = make(first)
    assert len(spans) >= 3

    for done in range(1, len(spans) + 1):
        again = engine.begin(sitter(), screenplay())
        rest = make(again, done, spans[done - 1])
        assert rest == spans[done:]
    np.testing.assert_array_equal(show(again, spans), show(first, spans))


def test_every_moment_shows_the_nearest_of_the_networks_frames(
    engine: FantasyTalkingEngine, folders: Folders
) -> None:
    film = engine.begin(replace(sitter(), size=32), screenplay())
    spans = make(film)
    latents = torch.cat([load(span.shown)["latents"] for span in spans], dim=2)
    decoded = torch.cat([*decode(load_autoencoder(folders, CPU), [latents])], dim=2)
    frames = ((decoded[0] + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).numpy()

    pictures = show(film, spans)

    nearest = [round(moment * 23 / 25) for moment in range(len(pictures))]
    np.testing.assert_array_equal(pictures, frames[nearest])


def test_every_step_is_told_before_it_is_made(engine: FantasyTalkingEngine) -> None:
    film = engine.begin(sitter(), screenplay())
    told: list[None] = []

    spans = film.make(0, None, lambda: told.append(None))

    assert told == []
    for number, _ in enumerate(spans, start=1):
        assert len(told) == number * film.span_steps == number * 2


def test_what_is_raised_before_a_step_ends_a_film(engine: FantasyTalkingEngine) -> None:
    def stop() -> None:
        raise TimeoutError

    spans = engine.begin(sitter(), screenplay()).make(0, None, stop)

    with pytest.raises(TimeoutError):
        next(spans)


@pytest.mark.parametrize(
    "other",
    [{"seed": 4}, {"directions": ("blurry camera",)}, {"directions": ()}],
    ids=["seed", "words", "none"],
)
def test_another_seed_or_direction_is_another_film(
    engine: FantasyTalkingEngine, other: dict[str, object]
) -> None:
    given = screenplay(0.2)

    assert (filmed(engine, given) != filmed(engine, replace(given, **other))).any()  # type: ignore[arg-type]  # of any kind


def test_intensity_reaches_a_network_that_has_a_branch_for_it(
    make_engine: Callable[[FantasyTalkingConfig], FantasyTalkingEngine],
) -> None:
    engine = make_engine(config())
    calm, lively = (
        replace(screenplay(0.2), intensity=MotionIntensity(face=value, body=value)) for value in (0.0, 1.0)
    )

    assert not engine.ignores_intensity()
    assert (filmed(engine, calm) != filmed(engine, lively)).any()


def test_a_network_as_it_was_published_ignores_intensity(
    make_engine: Callable[[FantasyTalkingConfig], FantasyTalkingEngine],
) -> None:
    engine = make_engine(replace(config(), identity=None, intensity=None))
    asked = replace(screenplay(0.2), intensity=MotionIntensity(face=1.0, body=0.0))

    assert engine.ignores_intensity()
    np.testing.assert_array_equal(filmed(engine, asked), filmed(engine, screenplay(0.2)))


def test_a_span_of_another_film_is_refused(engine: FantasyTalkingEngine) -> None:
    film = engine.begin(sitter(), screenplay())
    span = make(film)[0]
    fewer = {name: each for name, each in load(span.handed_on).items() if name != "000001"}

    with pytest.raises(ValueError, match="a damaged span"):
        film.make(1, replace(span, handed_on=b"nothing"), lambda: None)
    with pytest.raises(ValueError, match="a span with 1 steps, expected 2"):
        film.make(1, replace(span, handed_on=save(fewer)), lambda: None)
    with pytest.raises(ValueError, match="a damaged span: it holds 3 tensors, expected latents"):
        film.show(span.handed_on)
    with pytest.raises(ValueError, match="span 9, expected one of 3"):
        film.make(9, span, lambda: None)


def test_a_sitter_is_read_from_the_bundle_of_a_framed_portrait(engine: FantasyTalkingEngine) -> None:
    pixels = sitter().portrait

    found = engine.read_identity(dump_portrait(FramedPortrait(pixels=pixels, size=SIZE)))

    assert found.size == SIZE
    np.testing.assert_array_equal(found.portrait, pixels)
    with pytest.raises(ValueError, match="not a framed portrait"):
        engine.read_identity(b"a rig")


def test_cues_without_a_waveform_are_refused(engine: FantasyTalkingEngine) -> None:
    heard = np.zeros(3200, np.float32)

    engine.check(contracts.Cue(sequence=0, num_frames=5, waveform=heard))
    for cue in (
        contracts.Cue(sequence=0, num_frames=5),
        contracts.Cue(sequence=0, num_frames=5, speak=np.zeros((1, 1), np.float32)),
        contracts.Cue(sequence=0, num_frames=5, waveform=heard, pictures=(b"",)),
    ):
        with pytest.raises(ValueError, match="expected a waveform"):
            engine.check(cue)
