"""The size budget counts what a reader has to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.check_sizes import FUNCTION_HARD, MODULE_HARD, Size, function_sizes, report

DOCUMENTED = '''
def one() -> int:
    """Say.

    More.
    """
    return 1
'''


def function_of(tmp_path: Path, source: str) -> Size:
    path = tmp_path / "module.py"
    path.write_text(source)
    return next(function_sizes(path))


def test_a_function_is_counted_from_def_to_its_last_line(tmp_path: Path) -> None:
    assert function_of(tmp_path, "@cache\ndef one() -> int:\n    x = 1\n    return x\n").lines == 3


def test_a_docstring_is_not_counted(tmp_path: Path) -> None:
    assert (
        function_of(tmp_path, 'def one() -> int:\n    """Say.\n\n    More.\n    """\n    return 1\n').lines
        == 2
    )


@pytest.mark.parametrize(
    ("lines", "over"), [(FUNCTION_HARD, False), (FUNCTION_HARD + 1, True), (MODULE_HARD, True)]
)
def test_only_the_hard_stop_fails(lines: int, over: bool) -> None:
    assert report("functions", [Size(place="here", lines=lines)], 30, FUNCTION_HARD) is over
