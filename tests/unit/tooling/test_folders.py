"""The folder of a test is its kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[2] / "conftest.py"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """An empty project that has our conftest."""
    pytester.mkdir("tests")
    (pytester.path / "tests" / "conftest.py").write_text(CONFTEST.read_text())
    return pytester


def add_test(project: pytest.Pytester, path: str) -> None:
    target = project.path / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("def test_a_fact() -> None: pass\n")


def test_a_test_in_one_of_the_five_folders_runs_and_carries_its_marker(project: pytest.Pytester) -> None:
    add_test(project, "tests/unit/models/test_a.py")
    add_test(project, "tests/e2e/test_b.py")
    project.runpytest("-m", "unit").assert_outcomes(passed=1, deselected=1)


def test_a_run_inside_of_a_run_leaves_the_shared_servers_where_they_are(project: pytest.Pytester) -> None:
    add_test(project, "tests/unit/test_a.py")
    before = os.environ["DRAMATIS_TEST_SERVERS"]
    project.runpytest().assert_outcomes(passed=1)
    assert os.environ["DRAMATIS_TEST_SERVERS"] == before


@pytest.mark.parametrize("path", ["tests/test_loose.py", "tests/smoke/test_other.py"])
def test_a_test_outside_of_the_five_folders_is_refused(project: pytest.Pytester, path: str) -> None:
    add_test(project, path)
    result = project.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*must lie in one of tests/*"])
