"""How the report sets test runs beside training runs."""

import json

import numpy as np
import pandas as pd
import pytest

from picking.scoring.folds import Folds
from stage2_rerank.report.feature_likeness import feature_likeness
from stage2_rerank.report.told_apart import told_apart_auc
from tests.stage2_rerank.conftest import TEST_RUNS, TRAINING_RUNS
from tests.stage2_rerank.page_tables import PageTables
from tests.stage2_rerank.report.test_write_report import three


def features_of(runs, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {"run": np.repeat(runs, 100), "particle_type": ["A", "B"] * 50 * len(runs)}
    )
    table["candidate_id"] = np.arange(len(table))
    return table.assign(
        same=rng.normal(size=len(table)),
        shifted=rng.normal(size=len(table)) + shift,
        # Differs between the types, and not between the runs.
        typical=rng.normal(size=len(table)) + 10.0 * (table["particle_type"] == "A"),
    )


def test_the_table_of_features_shows_those_that_differ_most(figures, page):
    rows = PageTables(page).rows["features"]
    measured = figures["feature_likeness"]
    distances = [row["distance"] for row in measured.values()]
    assert distances == sorted(distances, reverse=True)
    assert len(measured) == 20
    listed = [
        *list(measured.items())[:10],
        ("median of all 20", figures["feature_likeness_median"]),
    ]
    assert rows == [
        [[name], [three(row["distance"])], [three(row["null_distance"])]] for name, row in listed
    ]
    # The simulation draws training and test runs alike.
    assert figures["feature_likeness_median"]["distance"] < 0.15


def test_without_test_runs_it_says_so(pipeline):
    path = pipeline.report(test_runs=(), into="alone")
    assert json.loads(path.read_text())["likeness"] is None
    assert "There are no test runs" in pipeline.path("alone/cv_report.html").read_text()


def test_likeness_compares_picks_per_run(pipeline, figures):
    submission = pd.read_csv(pipeline.path("submission.csv"))
    for name, row in figures["likeness"].items():
        picks = (submission["particle_type"] == name).sum()
        assert row["picks_per_run_test"] == picks / len(TEST_RUNS)
        assert row["proposal_test"]["q05"] <= row["proposal_test"]["q95"]


def test_test_runs_that_are_training_runs_are_left_out_of_the_likeness(pipeline, figures):
    runs = [*TEST_RUNS, *TRAINING_RUNS[:3]]
    pipeline.submit(runs, into="overlap")
    scored = pipeline.path("overlap/scored.parquet")
    alone = pipeline.path("scored.parquet").read_bytes()
    try:
        pipeline.path("scored.parquet").write_bytes(scored.read_bytes())
        mixed = json.loads(pipeline.report(test_runs=runs, into="overlap").read_text())
        same = json.loads(pipeline.report(test_runs=runs[2:], into="overlap").read_text())
    finally:
        pipeline.path("scored.parquet").write_bytes(alone)
    assert (mixed["test_runs"], mixed["likeness_runs"]) == (5, 2)
    for key in ("likeness", "feature_likeness", "feature_likeness_median", "told_apart_auc"):
        assert mixed[key] == figures[key]
        assert same[key] is None
    assert "Every test run is a training run" in pipeline.path("overlap/cv_report.html").read_text()


def test_a_feature_that_is_another_in_test_runs_stands_first_and_above_its_null():
    folds = Folds((("a", "b"), ("c",), ("d",)))
    training, test = features_of(list("abcd")), features_of(["t", "u"], shift=1.0, seed=1)
    # One type is rarer in test runs: that is no difference of the features.
    test = test[(test["particle_type"] == "A") | (test["candidate_id"] % 9 == 0)]
    found = feature_likeness(training, test, folds)
    assert found.names[0] == "shifted"
    # Two normal distributions of unit variance a distance of 1 apart: 2 Phi(1/2) - 1.
    assert found.distance[0] == pytest.approx(0.383, abs=0.1)
    assert found.null_distance[0] < 0.2
    assert np.all(found.distance[1:] < 0.3)


def test_a_feature_that_differs_between_halves_of_the_training_runs_shows_it_in_its_null():
    folds = Folds((("a",), ("b",), ("c",), ("d",)))
    training = features_of(list("abcd"))
    training.loc[training["run"].isin(["a", "c"]), "same"] += 3.0
    found = feature_likeness(training, features_of(["t"], seed=1), folds)
    assert found.names[0] == "same"
    assert found.null_distance[0] > 0.8
    assert feature_likeness(training, features_of(["t"])[:0], folds) is None
    one_sided = feature_likeness(training[training["run"] == "a"], features_of(["t"]), folds)
    assert np.isnan(one_sided.null_distance).all()


def test_trees_tell_test_candidates_apart_by_what_names_the_network():
    folds = Folds((("a", "b"), ("c", "d")))
    training, test = features_of(list("abcd")), features_of(["t", "u"], seed=1)
    assert told_apart_auc(training, test, folds) == pytest.approx(0.5, abs=0.08)
    # Every network has a level of its own, and the test runs see their mean: no linear difference.
    first_network = training["run"].isin(["a", "b"])
    named = training.assign(same=training["same"] / 9 + np.where(first_network, 2.0, -2.0))
    averaged = test.assign(same=test["same"] / 9)
    assert told_apart_auc(named, averaged, folds) > 0.95


def test_without_two_runs_that_one_network_looked_at_nothing_is_told_apart():
    training, test = features_of(list("abcd")), features_of(["t", "u"], seed=1)
    assert told_apart_auc(training, test, Folds((("a",), ("b",), ("c",), ("d",)))) is None
    assert told_apart_auc(training, test[:100], Folds((("a", "b"), ("c", "d")))) is None
