"""The ledger of licences names exactly what is installed for us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LEDGER = Path(__file__).parents[3] / "docs" / "licences.md"
RUN_TIME = "Python packages at run time"
DEVELOPMENT = "Python packages for development"
OPTIONAL = "Python packages on some machines only"
PERMISSIVE = re.compile(
    r"0BSD|Apache-2\.0( WITH LLVM-exception)?|BSD-[23]-Clause|BSL-1\.0|CC0-1\.0|CNRI-Python|ISC|"
    r"MIT|MIT-0|MIT-CMU|MPL-2\.0|PSF-2\.0|Unlicense|ZPL-2\.1|Zlib"
)


def ledger(section: str) -> dict[str, str]:
    """Package -> licence of one table of the ledger."""
    text = LEDGER.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]
    return {package: licence for package, licence, _use in rows[2:]}


def needs(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """What an installed distribution asks for on this machine, with the extras asked of it."""
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        wanted = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if requirement.marker is None or any(requirement.marker.evaluate(extra) for extra in wanted):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)


def closure(extras: frozenset[str]) -> set[str]:
    """Every package that installing Dramatis with these extras brings, mediapipe included."""
    # Its own requirements are ours to name: decision 0001.
    found = {"mediapipe"}
    queue = list(needs("dramatis", extras))
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        wanted = queue.pop()
        if wanted not in seen:
            seen.add(wanted)
            found.add(wanted[0])
            queue.extend(needs(*wanted))
    return found


def required(packages: set[str]) -> set[str]:
    """The packages that are on every machine."""
    return {name for name in packages if not any(fnmatch(name, pattern) for pattern in ledger(OPTIONAL))}


def test_the_run_time_table_is_what_a_plain_installation_brings() -> None:
    assert set(ledger(RUN_TIME)) == required(closure(frozenset()))


def test_the_development_table_is_what_the_extra_adds() -> None:
    assert set(ledger(DEVELOPMENT)) == required(closure(frozenset({"dev"})) - closure(frozenset()))


@pytest.mark.parametrize("section", [RUN_TIME, DEVELOPMENT])
def test_every_licence_of_a_package_is_one_we_accept(section: str) -> None:
    parts = {part for licence in ledger(section).values() for part in re.split(r" AND | OR ", licence)}
    assert [part for part in parts if not PERMISSIVE.fullmatch(part)] == []


def test_no_package_declares_a_licence_the_ledger_contradicts() -> None:
    rows = ledger(RUN_TIME) | ledger(DEVELOPMENT)
    declared = {name: metadata.metadata(name).json.get("license_expression") for name in rows}
    assert {name: text for name, text in declared.items() if text is not None and text != rows[name]} == {}


def test_every_weight_file_in_the_tree_has_a_row() -> None:
    root = LEDGER.parents[1]
    weights = [path for kind in ("safetensors", "npz") for path in (root / "models").rglob(f"*.{kind}")]
    text = LEDGER.read_text(encoding="utf-8")
    assert [path for path in weights if f"`{path.parent.relative_to(root).as_posix()}`" not in text] == []
