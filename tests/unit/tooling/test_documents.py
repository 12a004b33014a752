"""The documents speak of things that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (ROOT, ROOT / "docs", ROOT / "docs" / "decisions", ROOT / "examples")
    for path in folder.glob("*.md")
)
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
TARGET = re.compile(r"\bmake ([a-z]+)\b")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_relative_link_leads_somewhere(document: str) -> None:
    path = ROOT / document
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_command_of_the_readme_is_in_make_help() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = {target for line in lines if line.startswith("make ") for target in TARGET.findall(line)}
    assert commands <= set(TARGET.findall(shown))


def test_continuous_integration_runs_what_the_readme_promises() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert TARGET.findall("\n".join(line for line in script.splitlines() if line.startswith("make "))) == [
        "demo",
        "check",
        "test",
    ]
