import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picking.errors import InputError
from picking.files.tables import TRUTH
from picking.scoring.folds import Folds, make_folds
from picking.scoring.make_folds import main


def truth_of(counts_by_run):
    rows = [
        (run, particle_type, float(n), 0.0, 0.0)
        for run, counts in counts_by_run.items()
        for particle_type, count in counts.items()
        for n in range(count)
    ]
    return pd.DataFrame(rows, columns=TRUTH.column_names)


RUNS = ["a", "b", "c", "d", "e", "f"]


def test_rare_types_are_spread():
    # Four runs hold the one rare pick each; by common picks alone they would pair up.
    truth = truth_of(
        {run: {"common": 40 if run in "abcd" else 30, "rare": int(run in "abef")} for run in RUNS}
    )
    for seed in range(10):
        folds = make_folds(truth, RUNS, 2, seed)
        rare = [sum(run in "abef" for run in folds.judged_runs(k)) for k in range(2)]
        assert rare == [2, 2]
        assert [len(fold) for fold in folds.folds] == [3, 3]


@settings(deadline=None, max_examples=50)
@given(
    st.dictionaries(
        st.text("abcdefgh", min_size=1, max_size=2),
        st.dictionaries(st.sampled_from("xyz"), st.integers(0, 9)),
        min_size=2,
    ),
    st.integers(2, 6),
    st.integers(0, 3),
)
def test_folds_part_the_runs_evenly_whatever_their_order(counts, number, seed):
    truth, runs = truth_of(counts), list(counts)
    folds = make_folds(truth, runs, number, seed)
    assert folds.number == min(number, len(runs))
    assert sorted(run for fold in folds.folds for run in fold) == sorted(runs)
    sizes = [len(fold) for fold in folds.folds]
    assert max(sizes) - min(sizes) <= 1
    for k in range(folds.number):
        assert set(folds.training_runs(k)).isdisjoint(folds.judged_runs(k))
        assert set(folds.training_runs(k)) | set(folds.judged_runs(k)) == set(runs)
        assert all(folds.fold_of(run) == k for run in folds.judged_runs(k))
    assert make_folds(truth.iloc[::-1], runs[::-1], number, seed) == folds


def test_every_seed_draws_other_folds():
    runs = [str(n) for n in range(8)]
    # No two runs hold the same, so that one partition is the most even of all.
    truth = truth_of({run: {"x": 1 + 3 * n, "y": 30 - n * n // 2} for n, run in enumerate(runs)})
    parted = {frozenset(make_folds(truth, runs, 4, seed).folds) for seed in range(5)}
    assert len(parted) == 5


@pytest.mark.parametrize(("runs", "message"), [(["a"], "there are 1"), (["a", "a"], "twice")])
def test_impossible_folds(runs, message):
    with pytest.raises(InputError, match=message):
        make_folds(truth_of({"a": {"x": 1}}), runs, 2, 0)


def test_there_and_back(tmp_path):
    folds = Folds((("a", "b"), ("c",)))
    folds.write(tmp_path / "folds.json")
    assert Folds.read(tmp_path / "folds.json") == folds
    with pytest.raises(InputError, match="run z: is in none"):
        folds.fold_of("z")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"folds": [["a"], ["b", "a"]]}', "run.s. a more than once"),
        ('{"folds": [["a", "a"], ["b"]]}', "run.s. a more than once"),
        ('{"folds": [["a", "b"], []]}', "empty"),
        ('{"folds": [["a", "b"]]}', "fewer than two"),
        ('{"folds": [["a"], ["b"', "holds no folds"),
        ('{"fold": []}', "holds no folds"),
        ("[]", "holds no folds"),
    ],
)
def test_bad_files_are_refused(tmp_path, content, message):
    path = tmp_path / "folds.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message) as caught:
        Folds.read(path)
    assert str(path) in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Folds.read(tmp_path / "folds.json")


def test_command(tmp_path):
    config, truth, output = (tmp_path / name for name in ("c.yaml", "truth.csv", "folds.json"))
    config.write_text("folds: {number: 3}\nseed: 1\n")
    table = truth_of({run: {"x": 2} for run in RUNS})
    TRUTH.write(table, truth)
    main(["--config", str(config), "--truth", str(truth), "--runs", *RUNS, "--output", str(output)])
    assert Folds.read(output) == make_folds(table, RUNS, 3, 1)
    assert [len(fold) for fold in json.loads(output.read_text())["folds"]] == [2, 2, 2]
