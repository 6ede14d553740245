import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from picking.config import ClassifierSettings
from picking.errors import InputError
from picking.files.tables import FEATURES, FINAL_CLASSIFIER, NESTED_SCORES, OUT_OF_FOLD, TRUTH
from picking.scoring.folds import Folds
from stage2_rerank.classifier.candidate_rows import read_candidate_rows
from stage2_rerank.classifier.cross_fitting import cross_fit
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.classifier.saved_classifier import read_classifier
from stage2_rerank.thresholds.threshold_file import Thresholds
from tests.stage2_rerank.conftest import BAGS, FOLDS, TRAINING_RUNS, TYPES
from tests.stage2_rerank.simulated_candidates import SimulatedType

HARD = "beta-galactosidase"
SMALL = ClassifierSettings(max_trees=60, trees_from_positives=0, bags=BAGS)


def rows_of(pipeline, particle_type=HARD):
    rows = read_candidate_rows(
        pipeline.tables("candidates", TRAINING_RUNS), pipeline.tables("features", TRAINING_RUNS)
    )
    return rows.of_type(particle_type)


def labels_of(pipeline, particle_type=HARD):
    return OUT_OF_FOLD.read(pipeline.path(f"stage2/{particle_type}.parquet"))[
        "is_positive"
    ].to_numpy()


def test_every_training_candidate_is_scored_once(pipeline):
    merged = OUT_OF_FOLD.read(pipeline.path("out_of_fold.parquet"))
    candidates = pipeline.simulation.candidates
    training = candidates[candidates["run"].isin(TRAINING_RUNS)]
    keys = ["run", "candidate_id"]
    assert len(merged) == len(training)
    assert not merged.duplicated(keys).any()
    assert merged["rerank_score"].between(0, 1).all()
    for run in TRAINING_RUNS:
        assert set(merged.loc[merged["run"] == run, "fold"]) == {FOLDS.fold_of(run)}


def test_the_judged_fold_has_no_say_in_its_own_scores(pipeline):
    rows, labels = rows_of(pipeline), labels_of(pipeline)
    judged = rows.candidates["run"].isin(FOLDS.judged_runs(1)).to_numpy()
    corrupted = np.where(judged, ~labels, labels)
    classifier = RerankClassifier(SMALL, decision_probability=0.05)
    honest = cross_fit(classifier, rows, labels, FOLDS)
    after = cross_fit(classifier, rows, corrupted, FOLDS)
    np.testing.assert_array_equal(honest.rerank_score[judged], after.rerank_score[judged])
    assert not np.array_equal(honest.rerank_score[~judged], after.rerank_score[~judged])
    of_fold = honest.nested_scores["outer_fold"] == 1
    pd.testing.assert_frame_equal(
        honest.nested_scores[of_fold], after.nested_scores[of_fold], check_exact=True
    )
    assert not set(honest.nested_scores.loc[of_fold, "run"]) & set(FOLDS.judged_runs(1))


def test_corrupted_truth_of_a_fold_leaves_its_scores_and_thresholds(make_pipeline):
    pipeline = make_pipeline({HARD: TYPES[HARD]})
    pipeline.train(HARD)
    pipeline.tune()
    honest_scores = OUT_OF_FOLD.read(pipeline.path(f"stage2/{HARD}.parquet"))
    honest = Thresholds.read(pipeline.path("thresholds.json")).types[HARD]
    truth = TRUTH.read(pipeline.path("truth.csv"))
    truth.loc[truth["run"].isin(FOLDS.judged_runs(0)), "x"] += 300.0
    TRUTH.write(truth, pipeline.path("truth.csv"))
    pipeline.train(HARD)
    pipeline.tune()
    scores = OUT_OF_FOLD.read(pipeline.path(f"stage2/{HARD}.parquet"))
    corrupted = Thresholds.read(pipeline.path("thresholds.json")).types[HARD]
    assert scores.loc[scores["run"].isin(FOLDS.judged_runs(0)), "is_positive"].mean() < 0.05
    judged = scores["run"].isin(FOLDS.judged_runs(0)).to_numpy()
    np.testing.assert_array_equal(
        scores["rerank_score"][judged], honest_scores["rerank_score"][judged]
    )
    assert corrupted.folds[0] == honest.folds[0]
    assert corrupted.folds[1] != honest.folds[1]
    assert corrupted.final != honest.final


def test_nested_scores_hold_every_classifiers_training_runs(pipeline):
    nested = NESTED_SCORES.read(pipeline.path(f"stage2/{HARD}.nested.parquet"))
    for fold in range(FOLDS.number):
        runs = nested.loc[nested["outer_fold"] == fold, "run"]
        assert set(runs) == set(FOLDS.training_runs(fold))
    final = nested.loc[nested["outer_fold"] == FINAL_CLASSIFIER, "run"]
    assert set(final) == set(TRAINING_RUNS)


def test_trained_again_the_files_are_the_same(pipeline):
    pipeline.train(HARD, into="again")
    for name in (".txt", ".bag1.txt", ".json", ".parquet", ".nested.parquet", ".importance.json"):
        first = pipeline.path(f"stage2/{HARD}{name}").read_bytes()
        assert pipeline.path(f"again/{HARD}{name}").read_bytes() == first


def test_the_saved_classifier_predicts_as_the_fitted_one(pipeline):
    rows, labels = rows_of(pipeline), labels_of(pipeline)
    fitted = RerankClassifier(SMALL, decision_probability=0.8 / 17).fit(
        rows.features, labels, rows.candidates["run"]
    )
    particle_type, saved = read_classifier(pipeline.path(f"stage2/{HARD}.json"))
    assert particle_type == HARD
    assert saved.strength_ > 0
    np.testing.assert_array_equal(
        saved.predict_proba(rows.features), fitted.predict_proba(rows.features)
    )


def test_a_type_without_particles_is_trained_on_none(pipeline):
    scores = OUT_OF_FOLD.read(pipeline.path("stage2/beta-amylase.parquet"))
    assert not scores["is_positive"].any()
    assert scores["rerank_score"].sum() < 2
    assert json.loads(pipeline.path("stage2/beta-amylase.json").read_text())["strength"] == 0


def test_a_type_without_candidates(make_pipeline):
    pipeline = make_pipeline({HARD: TYPES[HARD], "ribosome": SimulatedType(0, 0, 0, 0)})
    for name in pipeline.types:
        pipeline.train(name)
    pipeline.tune()
    assert OUT_OF_FOLD.read(pipeline.path("stage2/ribosome.parquet")).empty
    assert Thresholds.read(pipeline.path("thresholds.json")).final_values()["ribosome"] == 1.0


def test_a_run_without_candidates(make_pipeline):
    pipeline = make_pipeline({HARD: TYPES[HARD]})
    simulation = pipeline.simulation
    without = simulation.candidates["run"] == TRAINING_RUNS[0]
    rest = replace(
        simulation,
        candidates=simulation.candidates[~without],
        features=simulation.features[~without],
    )
    pipeline.write_tables(rest, TRAINING_RUNS)
    pipeline.train(HARD)
    pipeline.tune()
    figures = json.loads(pipeline.report(test_runs=()).read_text())
    assert figures["two_stage"]["per_run"][TRAINING_RUNS[0]]["found"] == 0
    assert figures["two_stage"]["per_run"][TRAINING_RUNS[0]]["expected"] > 0


def test_features_are_joined_row_by_row_whatever_their_order(pipeline, tmp_path):
    candidates = pipeline.tables("candidates", TRAINING_RUNS)
    tables = [FEATURES.read(path) for path in pipeline.tables("features", TRAINING_RUNS)]
    shuffled = []
    for run, table in zip(TRAINING_RUNS, tables, strict=True):
        shuffled.append(tmp_path / f"{run}.parquet")
        FEATURES.write(table.sample(frac=1, random_state=0), shuffled[-1])
    rows = read_candidate_rows(candidates, shuffled[::-1])
    keys = ["run", "candidate_id"]
    expected = rows.candidates[keys].merge(pd.concat(tables), on=keys)
    names = list(expected.columns[3:])
    assert list(rows.features.columns) == ["proposal_score", *names]
    np.testing.assert_array_equal(rows.features[names], expected[names])
    np.testing.assert_array_equal(
        rows.features["proposal_score"], rows.candidates["proposal_score"]
    )


def test_errors_name_file_and_mend(pipeline, tmp_path):
    candidates = pipeline.tables("candidates", TRAINING_RUNS)
    features = pipeline.tables("features", TRAINING_RUNS)
    with pytest.raises(InputError, match=r"run TS_0.*are in two tables"):
        read_candidate_rows([*candidates, candidates[0]], features)
    with pytest.raises(InputError, match=r"run TS_0.*have no features.*give the feature table"):
        read_candidate_rows(candidates, features[1:])
    with pytest.raises(InputError, match="no such features table"):
        read_candidate_rows(candidates, [tmp_path / "none.parquet"])
    Folds((("TS_0",), ("TS_1",))).write(tmp_path / "folds.json")
    rows = read_candidate_rows(candidates, features)
    with pytest.raises(InputError, match=r"folds\.json.*TS_2"):
        rows.check_runs(["TS_0", "TS_1"], tmp_path / "folds.json")
    with pytest.raises(InputError, match="nonsense is not a particle type"):
        pipeline.train("nonsense")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(InputError, match=r"broken\.json"):
        read_classifier(broken)
    with pytest.raises(InputError, match=r"none\.json"):
        Thresholds.read(tmp_path / "none.json")
