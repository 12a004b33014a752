"""`dramatis models`: the weights of engines, converted, verified and listed with their licences."""

from __future__ import annotations

from pathlib import Path

import click

from services.generation.systems import TERMS, System
from services.kit.errors import BadInput

__all__ = ["models"]

_FOLDER = click.Path(path_type=Path)


@click.group()
def models() -> None:
    """Convert, verify and list weights."""


@models.command(name="list")
def list_() -> None:
    """Print what is shipped and what is configured: system, origin, licence, folder."""
    from services.generation.settings import configured_weights
    from services.generation.weights import places  # loads the networks, only for this command

    try:
        configured = configured_weights()
    except ValueError as error:
        raise BadInput(f"the settings of weights do not fit: {error}") from error
    for place in places(configured):
        origin = "shipped" if place.is_shipped else "configured" if place.folder else "not configured"
        where = place.folder or f"GENERATION_WEIGHTS__{place.system.upper()} names no folder"
        click.echo(f"{place.system}  {origin}  {TERMS[place.system].licence}  {where}")


@models.group()
def convert() -> None:
    """Convert published files to weights of ours."""


@convert.command()
@click.argument("source", type=_FOLDER)
@click.option("--output", type=_FOLDER, required=True, help="New folder for the converted weights.")
@click.option(
    "--variant",
    type=click.Choice(["published", "narrow", "tiny"]),
    default="published",
    show_default=True,
    help="Size of the networks in the files.",
)
def personalive(source: Path, output: Path, variant: str) -> None:
    """Convert the six files of PersonaLive in the folder SOURCE, and print what each held."""
    from services.generation.weights import convert_personalive  # loads the networks, only for this command

    for account in convert_personalive(source, output, variant):
        _tell(account.file, account.tensors, account.numbers, account.dtypes)
    _tell_terms("personalive", output)


@convert.command()
@click.argument("source", type=_FOLDER)
@click.option("--output", type=_FOLDER, required=True, help="New folder for the converted weights.")
@click.option(
    "--variant",
    type=click.Choice(["published", "whole", "tiny"]),
    default="published",
    show_default=True,
    help="Size of the network in the files; whole adds the branches that nobody published.",
)
@click.option(
    "--precision",
    type=click.Choice(["bfloat16", "float32"]),
    default="bfloat16",
    show_default=True,
    help="Type of most weights; what the reference computes in single precision stays so.",
)
def fantasytalking(source: Path, output: Path, variant: str, precision: str) -> None:
    """Convert Wan2.1-I2V-14B and FantasyTalking's audio tensors in the folder SOURCE and its folders.

    Prints what each file held. Files of other networks in SOURCE are left alone.
    """
    from services.generation.weights import convert_fantasytalking  # as above

    for account in convert_fantasytalking(source, output, variant, precision):
        _tell(account.file, account.tensors, account.numbers, account.dtypes)
    _tell_terms("fantasytalking", output)


@models.command()
@click.argument("folder", type=_FOLDER)
def verify(folder: Path) -> None:
    """Load the weights in FOLDER strictly, and print what they are, or what is missing."""
    from services.generation.weights import verify as verify_weights  # as above

    report = verify_weights(folder)
    click.echo(
        f"{report.system}  {report.tensors} tensors  {report.numbers:,} numbers"
        f"  {report.size_bytes / 2**20:,.1f} MiB  {TERMS[report.system].licence}"
    )


def _tell(file: str, tensors: int, numbers: int, dtypes: tuple[str, ...]) -> None:
    click.echo(f"{file}  {tensors} tensors  {numbers:,} numbers  {', '.join(dtypes)}")


def _tell_terms(system: System, output: Path) -> None:
    licence = TERMS[system].licence
    click.echo(f"{output} descends from {licence} material if SOURCE was published so", err=True)
