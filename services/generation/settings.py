"""The settings of generation: environment variables that begin with GENERATION_."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.fantasytalking.parallel.config import Memory, ParallelConfig, divide
from services.generation.fantasytalking.layout import Folders
from services.generation.systems import System, check_permitted
from services.kit.settings import NESTING, Group, ServiceSettings

__all__ = [
    "ApproximateSettings",
    "EngineSettings",
    "PersonaLiveSettings",
    "Settings",
    "WeightFolders",
    "configured_weights",
]

_PREFIX: Final = "GENERATION_"
_EARLY: Final = "personalive_early"


class WeightFolders(Group):
    """Folders of weights that are not shipped, as `dramatis models verify` accepts them."""

    personalive: Path | None = None
    fantasytalking: Path | None = None

    def given(self) -> dict[System, Path | None]:
        """Return the folder of each system; None where none is given."""
        return {"personalive": self.personalive, "fantasytalking": self.fantasytalking}


class FantasyTalkingSettings(Group):
    """The published networks that FantasyTalking needs beside its own, and the processes that share it."""

    wan: Path | None = Field(default=None, description="Wan2.1-I2V in diffusers' layout")
    wav2vec2: Path | None = Field(default=None, description="wav2vec2-base-960h")
    negative_prompt: str = Field(default="", description="what its films are to avoid, in words")
    processes: int = Field(default=1, ge=1, description="processes that make a film, each on a GPU if any")
    groups: int = Field(default=1, ge=1, le=3, description="groups of them that share guidance's passes")
    memory: Memory = Field(default=Memory.WHOLE, description="where each process has the network's weights")
    ray_address: str | None = Field(
        default=None, description="Ray cluster that has the processes; if none, they are started here"
    )

    def parallel(self, device: str) -> ParallelConfig:
        """Return how the processes share a network on such a device. Raises ValueError when they cannot."""
        return divide(self.processes, self.groups, self.memory, device.partition(":")[0])

    @model_validator(mode="after")
    def _check_processes(self) -> Self:
        self.parallel("cpu")
        return self


class PersonaLiveSettings(Group):
    """How PersonaLive is computed."""

    rows: int = Field(
        default=1,
        ge=1,
        le=8,
        description="rows that PersonaLive computes together; more than one is for a GPU, and lets the last "
        "bits of a video depend on the company",
    )


class ApproximateSettings(Group):
    """What makes engines cheaper and changes what they show."""

    float8: bool = Field(
        default=False, description="PersonaLive keeps the weights of its denoiser in eight bits"
    )
    leaving_early: bool = Field(
        default=False,
        description="serve personalive_early beside personalive: its frames leave a chunk sooner, less clean",
    )


class EngineSettings(BaseSettings):
    """Which engines there are beside the shipped one, and where they run; the other settings are ignored."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter=NESTING, extra="ignore", frozen=True
    )

    weights: WeightFolders = WeightFolders()
    fantasytalking: FantasyTalkingSettings = FantasyTalkingSettings()
    allow_noncommercial: bool = Field(
        default=False, description="serve weights whose licence forbids commercial use"
    )
    device: str = Field(
        default="cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="where engines that make pictures run"
    )
    precision: Literal["float32", "float16", "bfloat16"] = Field(
        default="float32", description="of most of their networks; float16 is for a GPU"
    )

    compiled: bool = Field(
        default=False, description="compile PersonaLive when it is loaded: takes minutes, for a GPU"
    )
    personalive: PersonaLiveSettings = PersonaLiveSettings()
    approximate: ApproximateSettings = ApproximateSettings()

    def check_served(self, engine: str) -> None:
        """Raise ValueError when an engine has no weights, or not all of them, or may not be served."""
        if engine == _EARLY and not self.approximate.leaving_early:
            raise ValueError(
                f"engine {engine} is approximate and not served unasked, expected "
                f"{_PREFIX}APPROXIMATE__LEAVING_EARLY=true"
            )
        system = "personalive" if engine == _EARLY else engine
        folders = self.weights.given()
        if system not in folders:
            return
        if folders[system] is None:
            variable = f"{_PREFIX}WEIGHTS__{system.upper()}"
            raise ValueError(
                f"engine {engine} has no weights, expected the name of their folder in {variable}"
            )
        if engine == "fantasytalking":
            self.fantasytalking_folders().check()
        self.check_permitted()

    def fantasytalking_folders(self) -> Folders:
        """Return where its networks lie. Raises ValueError that names what is not set."""
        network, given = self.weights.fantasytalking, self.fantasytalking
        if network is None or given.wan is None or given.wav2vec2 is None:
            variables = {"WEIGHTS__FANTASYTALKING": network}
            variables |= {"FANTASYTALKING__WAN": given.wan, "FANTASYTALKING__WAV2VEC2": given.wav2vec2}
            missing = " and ".join(f"{_PREFIX}{name}" for name, folder in variables.items() if folder is None)
            raise ValueError(f"engine fantasytalking is not whole, expected folders in {missing} as well")
        return Folders(network=network, wan=given.wan, speech=given.wav2vec2)

    def check_permitted(self) -> None:
        """Raise ValueError when weights are given that may not be served."""
        given = (system for system, folder in self.weights.given().items() if folder is not None)
        check_permitted(given, allow_noncommercial=self.allow_noncommercial)


class Settings(EngineSettings, ServiceSettings):
    """How many sessions step together, and with how much of the machine."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid")

    slots: int = Field(default=4, ge=1, le=64, description="rows of every step; the same in all processes")
    engine_threads: int = Field(default=1, ge=1, description="threads of one step")
    picture_threads: int = Field(default=3, ge=1, description="threads that draw and encode")
    patience_s: float = Field(default=60.0, gt=0, description="how long a session waits for a missing cue")

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        self.check_permitted()
        if self.weights.fantasytalking is not None:
            self.fantasytalking_folders()
        return self


def configured_weights() -> WeightFolders:
    """Read the folders from the environment. Raises ValueError for a system that is not known."""
    return EngineSettings().weights
