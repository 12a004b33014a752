"""The settings of generation: environment variables that begin with GENERATION_."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.generation.systems import System, check_permitted
from services.kit.settings import NESTING, Group, ServiceSettings

__all__ = ["Settings", "WeightFolders", "configured_weights"]

_PREFIX: Final = "GENERATION_"


class WeightFolders(Group):
    """Folders of weights that are not shipped, as `dramatis models verify` accepts them."""

    personalive: Path | None = None
    fantasytalking: Path | None = None

    def given(self) -> dict[System, Path | None]:
        """Return the folder of each system; None where none is given."""
        return {"personalive": self.personalive, "fantasytalking": self.fantasytalking}


class Settings(ServiceSettings):
    """How many sessions step together, and with how much of the machine."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX)

    engine: Literal["lpm"] = "lpm"
    slots: int = Field(default=4, ge=1, le=64, description="rows of every step; the same in all processes")
    engine_threads: int = Field(default=1, ge=1, description="threads of one step")
    picture_threads: int = Field(default=3, ge=1, description="threads that draw and encode")
    patience_s: float = Field(default=60.0, gt=0, description="how long a session waits for a missing cue")
    weights: WeightFolders = WeightFolders()
    allow_noncommercial: bool = Field(
        default=False, description="serve weights whose licence forbids commercial use"
    )

    @model_validator(mode="after")
    def _check_licences(self) -> Self:
        check_permitted(
            (system for system, folder in self.weights.given().items() if folder is not None),
            allow_noncommercial=self.allow_noncommercial,
        )
        return self


class _WeightSettings(BaseSettings):
    """Where weights lie, whether or not they may be served; the other settings are not looked at."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter=NESTING, extra="ignore")

    weights: WeightFolders = WeightFolders()


def configured_weights() -> WeightFolders:
    """Read the folders from the environment. Raises ValueError for a system that is not known."""
    return _WeightSettings().weights
