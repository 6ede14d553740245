import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picking.errors import InputError
from picking.files.tables import CANDIDATES, FEATURES, OUT_OF_FOLD, PICKS, SUBMISSION, TRUTH

finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.sampled_from(["TS_5_4", "001", "1e5", "NA", "nan", "None", "ribosome"])
picks_rows = st.lists(st.tuples(names, names, finite, finite, finite, finite), max_size=5)


def picks_table(rows):
    return PICKS.check(pd.DataFrame(rows, columns=PICKS.column_names), "test")


@settings(deadline=None, max_examples=50)
@given(rows=picks_rows, suffix=st.sampled_from([".csv", ".parquet"]))
def test_tables_come_back_as_they_were_written(tmp_path_factory, rows, suffix):
    path = tmp_path_factory.mktemp("tables") / f"picks{suffix}"
    table = picks_table(rows)
    PICKS.write(table, path)
    pd.testing.assert_frame_equal(PICKS.read(path), table, check_exact=True)


@pytest.mark.parametrize(
    "table", [TRUTH, CANDIDATES, FEATURES, OUT_OF_FOLD, PICKS, SUBMISSION], ids=lambda t: t.name
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_empty_tables_keep_columns_and_dtypes(tmp_path, table, suffix):
    path = tmp_path / f"table{suffix}"
    table.write(table.empty(), path)
    back = table.read(path)
    assert list(back.columns) == table.column_names
    assert (back.dtypes == table.empty().dtypes).all()


def test_columns_are_ordered_and_cast():
    frame = pd.DataFrame({"z": [3], "y": [2], "x": [1], "particle_type": ["a"], "run": ["r"]})
    checked = TRUTH.check(frame, "here")
    assert list(checked.columns) == TRUTH.column_names
    assert checked["x"].dtype == np.float64


def test_further_columns_only_where_they_are_allowed():
    frame = pd.DataFrame({"run": ["r"], "candidate_id": [0], "particle_type": ["a"], "mean": [1.5]})
    assert FEATURES.check(frame, "here")["mean"].dtype == np.float32
    truth = pd.DataFrame([("r", "a", 1, 2, 3, 4)], columns=[*TRUTH.column_names, "more"])
    with pytest.raises(InputError, match=r"here: .*unknown column\(s\) more"):
        TRUTH.check(truth, "here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [np.nan]}, "column x .* non-finite"),
        ({"z": [np.inf]}, "column z .* non-finite"),
        ({"y": ["high"]}, "wrong type"),
        ({"run": [None]}, "column run .* missing"),
    ],
)
def test_bad_values_are_refused(change, message):
    frame = pd.DataFrame([("r", "a", 1.0, 2.0, 3.0)], columns=TRUTH.column_names)
    with pytest.raises(InputError, match=message):
        TRUTH.check(frame.assign(**change), "here")


def test_missing_column_is_named():
    frame = pd.DataFrame([("r", "a", 1.0)], columns=["run", "particle_type", "x"])
    with pytest.raises(InputError, match=r"lacks column\(s\) y, z"):
        TRUTH.check(frame, "here")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_missing_or_damaged_files_are_named(tmp_path, suffix):
    path = tmp_path / f"truth{suffix}"
    with pytest.raises(InputError, match=path.name):
        TRUTH.read(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=path.name):
        TRUTH.read(path)


def test_the_rows_of_one_run_are_read_and_only_the_declared_columns(tmp_path):
    path = tmp_path / "picks.parquet"
    rows = [("A", "ribosome", 1.0, 2.0, 3.0, 0.5), ("B", "ribosome", 4.0, 5.0, 6.0, 0.25)]
    picks_table(rows).assign(more=1).to_parquet(path)
    pd.testing.assert_frame_equal(PICKS.read_run(path, "B"), picks_table(rows[1:]))
    assert PICKS.read_run(path, "C").empty
    picks_table(rows).drop(columns="score").to_parquet(path)
    with pytest.raises(InputError, match=r"not a readable picks table.*score"):
        PICKS.read_run(path, "B")


def test_refused_table_leaves_no_file(tmp_path):
    with pytest.raises(InputError):
        TRUTH.write(pd.DataFrame({"run": ["r"]}), tmp_path / "truth.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_in_parts_is_the_table_at_once(tmp_path, ending):
    table = pd.DataFrame(
        {"run": ["A", "A", "NA"], "particle_type": "ribosome", "x": [1.1, 2, 3], "y": 0.1, "z": 5}
    )
    path = tmp_path / f"parts.{ending}"
    with TRUTH.written_in_parts(path) as write:
        for _, part in table.groupby("run"):
            write(part)
        assert not path.exists()
    TRUTH.write(table, tmp_path / f"whole.{ending}")
    pd.testing.assert_frame_equal(TRUTH.read(path), TRUTH.read(tmp_path / f"whole.{ending}"))
    with TRUTH.written_in_parts(path):
        pass
    assert TRUTH.read(path).empty
