from dataclasses import replace

import numpy as np
import pytest

from picking.config import ClassifierSettings
from picking.errors import InputError
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.calibration import fit_calibration, score_logit
from stage2_rerank.classifier.candidate_rows import SCORE_COLUMN, CandidateRows
from stage2_rerank.classifier.cross_fitting import cross_fit
from stage2_rerank.classifier.decision_loss import decision_loss
from stage2_rerank.classifier.feature_families import feature_family
from stage2_rerank.classifier.importance import REPEATS, importance_of_type
from stage2_rerank.classifier.importance_record import read_importance
from stage2_rerank.classifier.linear_correction import LARGEST_SQUARE
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.report.importance_section import importance_section, in_lines
from tests.stage2_rerank.conftest import FOLDS, TRAINING_RUNS
from tests.stage2_rerank.simulated_candidates import SimulatedType, simulate

SIMULATED = SimulatedType(12, 60, 1.5, 0.0, 0.95)
SETTINGS = ClassifierSettings(max_trees=30, trees_from_positives=0, bags=2)
# Rising, falling, and three that know nothing.
SLOPES = {
    "score_map_rising": 1.5,
    "texture_falling": -1.2,
    "texture_noise": 0.0,
    "shape_noise_1": 0.0,
    "shape_noise_2": 0.0,
}


def simulated(kind=SIMULATED):
    simulation = simulate({"T": kind}, TRAINING_RUNS, seed=1, number_of_features=len(SLOPES))
    positive = label_candidates(simulation.candidates, simulation.truth, {"T": 30.0})
    noise = np.random.default_rng(5).normal(0, 1, (len(positive), len(SLOPES)))
    values = noise + np.outer(positive, list(SLOPES.values()))
    features = simulation.candidates[[SCORE_COLUMN]].copy()
    features[list(SLOPES)] = values
    return CandidateRows(simulation.candidates, features.astype(np.float32)), positive


def measure(rows, positive, settings=SETTINGS, seed=0, folds=FOLDS):
    classifier = RerankClassifier(settings, decision_probability=0.05)
    fitted = cross_fit(classifier, rows, positive, folds)
    return fitted, importance_of_type(fitted, rows, positive, folds, "T", seed)


@pytest.fixture(scope="module")
def table():
    return simulated()


@pytest.fixture(scope="module")
def measured(table):
    return measure(*table)


def test_what_knows_the_answer_counts_and_noise_does_not(measured):
    _, importance = measured
    rise = {name: one.permutation.rise for name, one in importance.features.items()}
    assert list(rise)[:2] == ["score_map_rising", "texture_falling"]
    assert rise["texture_falling"] > 0.2 * importance.loss
    for noise in ("texture_noise", "shape_noise_1", "shape_noise_2"):
        assert abs(rise.get(noise, 0.0)) < 0.05 * importance.loss
    families = importance.families
    assert list(families) == ["shape", "texture", "score_map"]
    assert families["texture"].features == 2
    assert abs(families["shape"].permutation.rise) < 0.05 * importance.loss
    for informative in ("texture", "score_map"):
        permutation = families[informative].permutation
        assert permutation.rise > 2 * permutation.standard_error
        assert permutation.rise > 5 * permutation.spread
        assert families[informative].linear_effect > 2 * families["shape"].linear_effect
    assert importance.loss < 0.8 * importance.loss_stage1


def test_stage_1s_loss_is_that_of_its_own_curve(table, measured):
    rows, positive = table
    fitted, importance = measured
    folds = np.array([FOLDS.fold_of(run) for run in rows.candidates["run"]])
    loss = 0.0
    for fold, classifier in enumerate(fitted.of_folds):
        logits = score_logit(rows.features["proposal_score"][folds == fold])
        margin = fit_calibration(
            score_logit(rows.features["proposal_score"][folds != fold]), positive[folds != fold]
        ).margin(logits)
        probability = classifier.decision_probability
        loss += decision_loss(margin, positive[folds == fold], probability).sum()
    assert importance.loss_stage1 == pytest.approx(loss / positive.sum(), rel=1e-6)


def test_a_family_is_permuted_together_in_the_runs_that_its_classifier_never_saw(table, measured):
    rows, positive = table
    fitted, importance = measured
    family = ["texture_falling", "texture_noise"]
    runs = rows.candidates["run"].to_numpy()
    loss, rise = 0.0, np.zeros(REPEATS)
    for fold, classifier in enumerate(fitted.of_folds):
        judged = np.isin(runs, FOLDS.judged_runs(fold))
        features = rows.features[judged]
        before = decision_loss(classifier.margin(features), positive[judged], 0.05)
        loss += before.sum()
        rng = np.random.default_rng([0, fold])
        for repeat in range(REPEATS):
            permuted = features.copy()
            permuted[family] = features[family].to_numpy()[rng.permutation(len(features))]
            after = decision_loss(classifier.margin(permuted), positive[judged], 0.05)
            rise[repeat] += (after - before).sum()
    permutation = importance.families["texture"].permutation
    assert importance.loss == pytest.approx(loss / positive.sum())
    assert permutation.rise == pytest.approx(rise.mean() / positive.sum())
    assert permutation.spread == pytest.approx(rise.std(ddof=1) / positive.sum())


def test_another_classifier_of_the_judged_fold_changes_the_rise(table, measured):
    """The figures would be flattered by the final classifier, which saw every run."""
    rows, positive = table
    fitted, honest = measured
    flattered = replace(fitted, of_folds=(fitted.final,) * FOLDS.number)
    importance = importance_of_type(flattered, rows, positive, FOLDS, "T", 0)
    assert importance.loss < honest.loss


@pytest.mark.parametrize(("name", "sign"), [("score_map_rising", 1), ("texture_falling", -1)])
def test_partial_dependence_follows_the_effect(table, measured, name, sign):
    curve = measured[1].partial_dependence[name]
    change = np.array(curve.change)
    assert np.all(np.diff(curve.values) > 0)
    assert np.all(sign * np.diff(change) >= -1e-9)
    assert sign * (change[-1] - change[0]) > 1.0
    assert change.mean() == pytest.approx(0, abs=1e-9)
    assert np.all(np.array(curve.lowest) <= change)
    assert np.all(np.array(curve.highest) >= change)
    low, high = np.quantile(table[0].features[name], [0.01, 0.99])
    assert low < curve.values[0] < curve.values[-1] < high


def test_partial_dependence_of_a_linear_classifier_is_its_line(table):
    rows, positive = table
    no_splits = ClassifierSettings(
        square_l2=None, max_trees=1, bags=1, min_child_samples=len(positive)
    )
    fitted, importance = measure(rows, positive, no_splits)
    curve = importance.partial_dependence["score_map_rising"]
    column = list(rows.features.columns[1:]).index("score_map_rising")
    slopes = [
        one.calibration_.slope
        * one.strength_
        * one.linear_.coefficients[column]
        / one.linear_.scales[column]
        for one in fitted.of_folds
    ]
    measured_slopes = np.diff(curve.change) / np.diff(curve.values)
    np.testing.assert_allclose(measured_slopes, np.mean(slopes), rtol=1e-3)
    assert all(family.gain_share == 0 for family in importance.families.values())


def test_gain_and_linear_effect_are_those_of_the_final_classifier_by_name(table, measured):
    features = table[0].features[list(SLOPES)]
    fitted, importance = measured
    final = fitted.final
    assert final.trees_ > 0
    gain = dict.fromkeys(importance.families, 0.0)
    for booster in final.boosters_:
        gains = booster.feature_importance("gain")
        for name, one in zip(booster.feature_name(), gains, strict=True):
            gain[feature_family(name)] += one
    linear = final.linear_
    deviations = (features.to_numpy(np.float64) - linear.means) / np.array(linear.scales)
    deviations = np.clip(deviations, -4, 4)
    squares = np.minimum(deviations**2, LARGEST_SQUARE) - linear.square_means
    effects = deviations * linear.coefficients + squares * linear.square_coefficients  # (n, F)
    effects *= final.strength_ * final.calibration_.slope
    for family, figures in importance.families.items():
        of_family = [feature_family(name) == family for name in SLOPES]
        assert figures.gain_share == pytest.approx(gain[family] / sum(gain.values()))
        assert figures.linear_effect == pytest.approx(
            np.abs(effects[:, of_family].sum(axis=1)).mean()
        )
    assert sum(figures.gain_share for figures in importance.families.values()) == pytest.approx(1)


def assert_nothing_learnt(importance):
    assert importance.strength == 0
    assert set(importance.fold_strengths) == {0}
    assert importance.features == {}
    assert importance.partial_dependence == {}
    assert list(importance.families) == ["shape", "texture", "score_map"]
    for family in importance.families.values():
        assert family.gain_share == family.linear_effect == 0
        assert set(family.permutation.model_dump().values()) == {0}


def test_strength_0_has_learnt_nothing():
    rows, positive = simulated(SimulatedType(0, 30, 0.0, 0.0))
    _, importance = measure(rows, positive)
    assert_nothing_learnt(importance)
    assert importance.candidates == len(positive) > 0
    assert importance.loss == importance.loss_stage1 > 0


def test_no_candidates(table):
    rows, positive = table
    none = CandidateRows(rows.candidates[:0], rows.features[:0])
    _, importance = measure(none, positive[:0])
    assert_nothing_learnt(importance)
    assert importance.loss == 0
    assert importance.share_of_loss(0.0) == 0


def test_no_features(table):
    rows, positive = table
    _, importance = measure(CandidateRows(rows.candidates, rows.features[[SCORE_COLUMN]]), positive)
    assert importance.families == importance.features == {}


def test_a_fold_without_candidates_is_left_out(table):
    rows, positive = table
    kept = ~rows.candidates["run"].isin(FOLDS.judged_runs(2)).to_numpy()
    fewer = CandidateRows(
        rows.candidates[kept].reset_index(drop=True), rows.features[kept].reset_index(drop=True)
    )
    fitted, importance = measure(fewer, positive[kept])
    assert len(fitted.of_folds) == FOLDS.number
    assert importance.families["score_map"].permutation.rise > 0
    assert np.isfinite(importance.partial_dependence["score_map_rising"].change).all()
    # What that fold's classifier says enters nothing.
    without = replace(fitted, of_folds=(*fitted.of_folds[:2], fitted.final, fitted.of_folds[3]))
    again = importance_of_type(without, fewer, positive[kept], FOLDS, "T", 0)
    assert again.families == importance.families


def test_the_same_for_a_seed_and_not_for_another(table, measured):
    rows, positive = table
    fitted, importance = measured
    assert importance_of_type(fitted, rows, positive, FOLDS, "T", 0) == importance
    other = importance_of_type(fitted, rows, positive, FOLDS, "T", 1)
    assert other.families["texture"].permutation != importance.families["texture"].permutation


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("score_map_x", "score_map"),
        ("score_map_apo-ferritin_max", "score_map"),
        ("shape_tensor_tilt", "shape"),
        ("harmonics_shell_0_degree_1", "harmonics"),
        ("own_measure", "own"),
    ],
)
def test_family_of_a_feature(name, family):
    assert feature_family(name) == family


def test_probability_and_margin_say_the_same(table, measured):
    features = table[0].features
    classifier = measured[0].final
    probability = classifier.predict_proba(features)[:, 1]
    np.testing.assert_allclose(np.log(probability / (1 - probability)), classifier.margin(features))


def test_training_writes_what_the_report_draws(pipeline):
    paths = [pipeline.path(f"stage2/{name}.importance.json") for name in pipeline.types]
    figures, plots = importance_section(paths)
    assert list(figures.per_type) == list(pipeline.types)
    assert figures.families == ("feature",)
    assert "beta-amylase" not in figures.used
    hard = figures.per_type["beta-galactosidase"]
    assert hard.families["feature"].features == 20
    informative = [f"feature_{number:03d}" for number in range(4)]
    assert set(list(hard.features)[:4]) == set(informative)
    assert set(plots) >= {"beta-galactosidase families", "beta-galactosidase dependence"}
    assert not any(name.startswith("beta-amylase") for name in plots)
    assert all(plot.startswith("<svg") for plot in plots.values())
    assert all(name in plots["beta-galactosidase dependence"] for name in hard.partial_dependence)


def test_errors_name_file_and_mend(pipeline, tmp_path):
    path = pipeline.path("stage2/ribosome.importance.json")
    with pytest.raises(InputError, match=r"none\.json.*train stage 2"):
        read_importance(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    with pytest.raises(InputError, match=r"broken\.json.*is not what stage 2 learnt"):
        read_importance(broken)
    with pytest.raises(InputError, match=r"ribosome.*one file for each type"):
        importance_section([path, path])


def test_long_names_are_broken_into_lines():
    assert in_lines("shape_tilt") == "shape_tilt"
    lines = in_lines("embedding_coarse_virus-like-particle_centre").split("\n")
    assert len(lines) > 1
    assert "".join(lines) == "embedding_coarse_virus-like-particle_centre"
