"""Scored candidates run by run, however the file is cut into row groups."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from picking.errors import InputError
from picking.files.tables import SCORED_CANDIDATES
from stage2_rerank.picks_report.scored_runs import scored_by_run


def table(*runs):
    rows = [
        (run, number, "A", 1.0, 2.0, 3.0, 0.5, 0.25)
        for run, length in runs
        for number in range(length)
    ]
    frame = pd.DataFrame(rows, columns=SCORED_CANDIDATES.column_names)
    return SCORED_CANDIDATES.check(frame, "made")


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 100])
def test_every_run_comes_once_and_whole(tmp_path, rows):
    frame = table(("a", 3), ("b", 1), ("c", 5))
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "scored.parquet", row_group_size=rows)
    found = dict(scored_by_run(tmp_path / "scored.parquet"))
    assert list(found) == ["a", "b", "c"]
    for run, of_run in found.items():
        expected = frame[frame["run"] == run].reset_index(drop=True)
        pd.testing.assert_frame_equal(of_run, expected)


def test_no_rows_are_no_runs(tmp_path):
    SCORED_CANDIDATES.write(SCORED_CANDIDATES.empty(), tmp_path / "scored.parquet")
    assert list(scored_by_run(tmp_path / "scored.parquet")) == []


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_a_run_in_two_places_is_refused(tmp_path, rows):
    frame = table(("a", 2), ("b", 2), ("a", 1))
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "scored.parquet", row_group_size=rows)
    with pytest.raises(InputError, match="rows of run a in two places"):
        list(scored_by_run(tmp_path / "scored.parquet"))


def test_a_missing_or_damaged_file_is_told(tmp_path):
    path = tmp_path / "scored.parquet"
    with pytest.raises(InputError, match=r"scored\.parquet: cannot be read"):
        list(scored_by_run(path))
    path.write_text("no table")
    with pytest.raises(InputError, match="not a readable table of scored candidates"):
        list(scored_by_run(path))
