"""Grafana's types accept the dashboards, and reject what they have to."""

from pathlib import Path

from dashboards import grafana

from conftest import TREES, files_of, judge

GOOD = '{"uid": "a", "title": "A", "schemaVersion": 42, "panels": [%s]}'
PANEL = '{"id": 1, "type": "stat", "title": "B", "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4}%s}'


def test_dashboards_are_of_grafanas_types(trees: dict[str, Path]) -> None:
    """One run for all trees: most of its time goes into reading the types."""
    pattern = "deploy/observability/grafana/dashboards/*.json"
    files = [file for tree in trees.values() for file in files_of(tree, pattern)]
    assert len(files) == 2 * len(trees)
    judge("Grafana types", grafana, TREES, files)


REJECTED = {
    "mode": (
        GOOD % PANEL % ', "fieldConfig": {"overrides": [], "defaults": {"thresholds": {"mode": "none", "steps": []}}}',
        "none",
    ),
    "position": (GOOD % PANEL.replace('"w": 6', '"width": 6') % "", "width"),
    "version": (GOOD.replace("42", '"42"') % "", "'number'"),
    "type": (GOOD % PANEL.replace('"stat"', "7") % "", "'string'"),
}


def test_grafanas_types_reject(tmp_path: Path) -> None:
    good = tmp_path / "good.json"
    good.write_text(GOOD % PANEL % "")
    files = {tmp_path / f"{name}.json": message for name, (_, message) in REJECTED.items()}
    for name, (content, _) in REJECTED.items():
        (tmp_path / f"{name}.json").write_text(content)
    verdict = grafana(tmp_path, [good, *files])
    assert verdict.accepted == {good}
    assert verdict.rejected.keys() == files.keys()
    for file, message in files.items():
        assert message in verdict.rejected[file]
