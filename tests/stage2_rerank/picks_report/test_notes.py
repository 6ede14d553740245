"""What stands on top of the page."""

from pathlib import Path

from picking.files.batch_record import BatchRecord
from stage2_rerank.picks_report.notes import notes_on_runs


def test_fewer_passes_and_namesakes_are_told(tmp_path: Path) -> None:
    runs = ["A", "B", "C", "D"]
    for number, fewer in enumerate(({"A": 1, "B": 3, "C": 2}, {"C": 1, "gone": 2}, {})):
        BatchRecord(split="test", runs={run: {} for run in fewer}, fewer_passes=fewer).write(
            tmp_path / f"{number}.json"
        )
    records = sorted(tmp_path.glob("*.json"))
    passes, namesakes = notes_on_runs(records, runs, ["D", "E"])
    assert "3 of 4 runs in fewer passes than in training: 2 in 1 pass, 1 in 3 passes" in passes
    assert namesakes.startswith("D: named as training runs")
    assert notes_on_runs(records[2:], runs, []) == []
