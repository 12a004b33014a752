from __future__ import annotations

import json

from services.standalone.doctor import Finding, is_healthy, render_json, render_text

PRESENT = Finding(name="aac encoder", state="ok", found="PyAV 18")
ABSENT = Finding(name="lpm weights", state="missing", found="no folder", remedy="make setup")
UNNEEDED = Finding(name="flite", state="optional", found="not installed", remedy="only for training")


def test_only_what_is_needed_makes_a_machine_unhealthy() -> None:
    assert is_healthy([PRESENT, UNNEEDED])
    assert not is_healthy([PRESENT, ABSENT])


def test_what_is_missing_comes_with_what_mends_it() -> None:
    lines = render_text([PRESENT, ABSENT]).splitlines()
    assert lines[0] == "ok       aac encoder  PyAV 18"
    assert lines[1] == "missing  lpm weights  no folder  -> make setup"
    assert lines[-1] == "1 needed but missing"


def test_json_tells_the_same() -> None:
    report = json.loads(render_json([PRESENT, ABSENT]))
    assert report["healthy"] is False
    assert report["findings"][1] == {
        "name": "lpm weights",
        "state": "missing",
        "found": "no folder",
        "remedy": "make setup",
    }
