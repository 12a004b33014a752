"""A run is told everything on its command line, and what is missing there is named."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from models.fantasytalking.weights import load_network
from tests.unit.training.fantasytalking.people import draw_clips
from training.fantasytalking import main
from training.fantasytalking.config import tiny_run
from training.fantasytalking.team import Alone
from training.lpm.loop import RUN, WEIGHTS


def call(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr("sys.argv", ["main", *map(str, words)])
    main.main()


def stage(folder: Path, *words: str) -> tuple[str | Path, ...]:
    """Return the words for a run of one step."""
    draw_clips(folder / "clips")
    given = ("--stage", "clip", "--variant", "tiny", "--clips", folder / "clips", "--output", folder / "out")
    return (*given, "--minutes", "0.00001", *words)


def test_a_run_on_a_folder_of_clips_leaves_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(monkeypatch, *stage(tmp_path))
    assert load_network(tmp_path / "out" / WEIGHTS).config == tiny_run("clip").model
    assert '"workers": 1' in (tmp_path / "out" / RUN).read_text()
    assert (tmp_path / "out" / "intensity.json").exists()


@pytest.mark.parametrize(
    ("name", "missing"),
    [("clip", "base_model, speech_encoder"), ("identity", "base_model, speech_encoder, face_encoder")],
)
def test_the_published_size_needs_what_others_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, missing: str
) -> None:
    with pytest.raises(ValueError, match=rf"the variant whole needs {missing}$"):
        call(monkeypatch, "--stage", name, "--clips", tmp_path, "--output", tmp_path)


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (("--sharding", "sharded"), "weights are sharded over workers, but this one is alone"),
        (("--accumulation", "0"), "expected at least one batch in a step, got 0"),
    ],
)
def test_how_weights_lie_and_how_many_batches_make_a_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, str], refusal: str
) -> None:
    with pytest.raises(ValueError, match=refusal):
        call(monkeypatch, *stage(tmp_path, *words))


def test_workers_without_ray_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match="the extra `train` installs"):
        call(monkeypatch, *stage(tmp_path, "--workers", "2"))


def test_ray_is_asked_for_workers_and_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_ray(monkeypatch, error=None)
    call(monkeypatch, *stage(tmp_path, "--workers", "2"))
    assert asked["scaling"] == {"num_workers": 2, "use_gpu": False}
    assert asked["run"]["storage_path"] == str(tmp_path / "out")
    assert asked["ended"]
    assert load_network(tmp_path / "out" / WEIGHTS).config == tiny_run("clip").model


def test_ray_is_ended_after_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = fake_ray(monkeypatch, error=RuntimeError("a worker died"))
    with pytest.raises(RuntimeError, match="a worker died"):
        call(monkeypatch, *stage(tmp_path, "--workers", "2"))
    assert asked["ended"]


def fake_ray(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> dict[str, Any]:
    """Let a Ray be imported that does the work of one worker here, and tell what it was asked."""
    asked: dict[str, Any] = {"ended": False}

    class Trainer:
        def __init__(self, work: Any, train_loop_config: Any, scaling_config: Any, run_config: Any) -> None:
            asked.update(scaling=scaling_config, run=run_config)
            self.fit = lambda: work(train_loop_config)

    def fail() -> str:
        if error:
            raise error
        return "cpu"

    modules = {name: ModuleType(name) for name in ("ray", "ray.train", "ray.train.torch")}
    vars(modules["ray"]).update(shutdown=lambda: asked.update(ended=True), train=modules["ray.train"])
    vars(modules["ray.train"]).update(ScalingConfig=dict, RunConfig=dict, torch=modules["ray.train.torch"])
    vars(modules["ray.train.torch"]).update(TorchTrainer=Trainer, get_device=fail)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(main, "Together", lambda _: Alone())
    return asked
