import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.base import clone

from picking.config import ClassifierSettings
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.calibration import (
    NARROW_LOG_SLOPE_SPREAD,
    fit_calibration,
    score_logit,
)
from stage2_rerank.classifier.decision_loss import decision_loss
from stage2_rerank.classifier.rerank_classifier import FEWEST_POSITIVES, RerankClassifier
from tests.stage2_rerank.simulated_candidates import SimulatedType, simulate

HARD = SimulatedType(12, 80, 1.5, 1.0, 0.9)
RUNS = [f"run_{number}" for number in range(8)]
SMALL = ClassifierSettings(max_trees=60, trees_from_positives=0, bags=2)


def small(settings=SMALL, random_state=0):
    return RerankClassifier(settings, decision_probability=0.05, random_state=random_state)


def rows(simulated=HARD, seed=0):
    simulation = simulate({"T": simulated}, RUNS, seed=seed, number_of_features=20, informative=4)
    features = simulation.features.drop(columns=["run", "candidate_id", "particle_type"])
    features.insert(0, "proposal_score", simulation.candidates["proposal_score"])
    positive = label_candidates(simulation.candidates, simulation.truth, {"T": 30.0})
    return features, positive, simulation.candidates["run"].to_numpy()


def average_precision(score, positive):
    ranked = positive[np.argsort(-score, kind="stable")]
    return float(np.mean((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked]))


@pytest.fixture(scope="module")
def fitted():
    return small().fit(*rows())


def test_ranks_new_runs_better_than_stage_1(fitted):
    features, positive, _ = rows(seed=99)
    rerank = average_precision(fitted.predict_proba(features)[:, 1], positive)
    stage1 = average_precision(features["proposal_score"].to_numpy(), positive)
    assert fitted.strength_ > 0
    assert rerank > stage1 + 0.1


def test_probabilities_of_new_runs_are_frequencies(fitted):
    tables = [rows(seed=seed) for seed in range(50, 70)]
    probability = np.concatenate([fitted.predict_proba(table[0])[:, 1] for table in tables])
    positive = np.concatenate([table[1] for table in tables])
    for low, high in ((0.02, 0.05), (0.05, 0.2)):
        among = (probability > low) & (probability <= high)
        assert 0.5 < positive[among].mean() / probability[among].mean() < 2


def shuffled_rows(features, seed=0):
    """The score keeps its place; whose features stand beside it is drawn by lot."""
    order = np.random.default_rng(seed).permutation(len(features))
    other = features.iloc[order].reset_index(drop=True)
    return other.assign(proposal_score=features["proposal_score"])


@pytest.mark.parametrize("case", ["noise", "shuffled"])
def test_features_that_say_nothing_do_next_to_no_harm(case):
    simulated = SimulatedType(12, 80, 2.0, 0.0 if case == "noise" else 1.0)
    strengths, losses = [], []
    for seed in range(6):
        features, positive, runs = rows(simulated, seed)
        new_features, new_positive, _ = rows(simulated, 100 + seed)
        if case == "shuffled":
            features, new_features = shuffled_rows(features), shuffled_rows(new_features)
        classifier = small().fit(features, positive, runs)
        strengths.append(classifier.strength_)
        alone = fit_calibration(score_logit(features["proposal_score"]), positive)
        margins = (
            logit(classifier.predict_proba(new_features)[:, 1]),
            alone.margin(score_logit(new_features["proposal_score"])),
        )
        losses.append([decision_loss(margin, new_positive, 0.05).sum() for margin in margins])
    both_stages, stage1 = np.sum(losses, axis=0)
    assert strengths.count(0.0) >= 2
    assert both_stages < 1.03 * stage1


def test_without_evidence_stage_1s_ranking_stays():
    features, positive, runs = rows(SimulatedType(12, 80, 2.0, 0.0), seed=3)
    classifier = small().fit(features, positive, runs)
    probability = classifier.predict_proba(features)[:, 1]
    assert classifier.strength_ == 0
    order = np.argsort(features["proposal_score"], kind="stable")
    assert np.all(np.diff(probability[order]) >= 0)
    np.testing.assert_array_equal(probability, classifier.inner_probability_)


def few_rows(seed):
    """Three runs of 30 candidates; stage 1 says nothing of them, and the feature a says all."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame(rng.normal(size=(90, 6)), columns=list("abcdef"))
    positive = (rng.random(90) < expit(3 * features["a"])).to_numpy()
    features.insert(0, "proposal_score", rng.uniform(0.3, 0.7, 90))
    return features, positive, np.repeat(["run_1", "run_2", "run_3"], 30)


def test_few_candidates_are_corrected_by_the_trees_that_there_are():
    # Of two runs so few that in many a round LightGBM finds no split and adds no tree; and a linear
    # correction so stiff that it leaves everything to the trees.
    features, positive, runs = few_rows(0)
    classifier = small(SMALL.model_copy(update={"linear_l2": 1e4})).fit(features, positive, runs)
    assert classifier.strength_ > 0
    new_features, new_positive, _ = few_rows(1)
    for score, stage1, truth in (
        (classifier.inner_probability_, features, positive),
        (classifier.predict_proba(new_features)[:, 1], new_features, new_positive),
    ):
        before = average_precision(stage1["proposal_score"].to_numpy(), truth)
        assert average_precision(score, truth) > before + 0.2


def test_two_labelled_runs_already_teach_the_linear_correction():
    features, positive, runs = rows()
    two = np.isin(runs, RUNS[:2])
    classifier = small(ClassifierSettings()).fit(features[two], positive[two], runs[two])
    new_features, new_positive, _ = rows(seed=99)
    rerank = average_precision(classifier.predict_proba(new_features)[:, 1], new_positive)
    stage1 = average_precision(new_features["proposal_score"].to_numpy(), new_positive)
    assert rerank > stage1 + 0.05


def test_of_two_runs_no_trees_are_grown_however_many_positives_there_are():
    # An inner fit has one run, of which trees and the linear part would learn the same twice.
    features, positive, runs = rows()
    two = np.isin(runs, RUNS[:2])
    classifier = small().fit(features[two], positive[two], runs[two])
    assert (classifier.strength_, classifier.trees_) == (1.0, 0)
    assert np.any(classifier.linear_.coefficients)
    # What thresholds are fitted on was corrected as well, out of fold.
    inner = classifier.inner_probability_
    alone = classifier.stage1_alone_.probability(score_logit(features["proposal_score"][two]))
    assert average_precision(inner, positive[two]) > average_precision(alone, positive[two])


def with_positives(number_by_run):
    """Rows of two runs, of whose positives so many are left."""
    features, positive, runs = rows()
    left = np.zeros_like(positive)
    for run, number in number_by_run.items():
        left[np.flatnonzero(positive & (runs == run))[:number]] = True
    two = np.isin(runs, RUNS[:2])
    return features[two], left[two], runs[two]


def test_four_positives_of_two_runs_are_enough_but_not_of_one():
    enough = ClassifierSettings()
    assert small(enough).fit(*with_positives({RUNS[0]: 2, RUNS[1]: 2})).strength_ == 1
    assert small(enough).fit(*with_positives({RUNS[0]: 4})).strength_ == 0
    assert small(enough).fit(*with_positives({RUNS[0]: 2, RUNS[1]: 1})).strength_ == 0


def test_the_curve_that_is_corrected_is_held_near_slope_one_and_stage_1s_own_is_not(fitted):
    features, positive, _ = rows()
    score = score_logit(features["proposal_score"])
    assert fitted.strength_ > 0
    assert fitted.stage1_alone_ == fit_calibration(score, positive)
    assert fitted.stage1_calibration_ == fit_calibration(score, positive, NARROW_LOG_SLOPE_SPREAD)
    assert fitted.stage1_calibration_ != fitted.stage1_alone_


def test_two_fits_are_the_same_to_the_bit(fitted):
    again = small().fit(*rows())
    features = rows(seed=5)[0]
    np.testing.assert_array_equal(fitted.predict_proba(features), again.predict_proba(features))
    np.testing.assert_array_equal(fitted.inner_probability_, again.inner_probability_)


def test_another_seed_gives_other_trees(fitted):
    other = small(random_state=1).fit(*rows())
    features = rows(seed=5)[0]
    assert not np.array_equal(fitted.predict_proba(features), other.predict_proba(features))


@pytest.mark.parametrize("positives", [0, 1, 2, FEWEST_POSITIVES - 1])
def test_few_positives_fall_back_to_stage_1(positives):
    features, positive, runs = rows()
    few = np.zeros_like(positive)
    few[np.flatnonzero(positive)[:positives]] = True
    classifier = small().fit(features, few, runs)
    probability = classifier.predict_proba(features)[:, 1]
    assert (classifier.strength_, classifier.trees_) == (0.0, 0)
    assert np.all((probability > 0) & (probability < 1))
    assert probability.mean() < 0.05
    np.testing.assert_array_equal(
        np.argsort(probability, kind="stable"),
        np.argsort(score_logit(features["proposal_score"].to_numpy()), kind="stable"),
    )


def test_no_candidates_at_all():
    features, positive, runs = rows()
    classifier = small().fit(features[:0], positive[:0], runs[:0])
    assert classifier.predict_proba(features).shape == (len(features), 2)
    assert classifier.predict_proba(features[:0]).shape == (0, 2)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_handful_of_candidates(number):
    features, positive, runs = rows()
    classifier = small().fit(features[:number], positive[:number], runs[:number])
    assert np.all(np.isfinite(classifier.predict_proba(features)))


def test_one_run_proves_nothing():
    features, positive, runs = rows()
    one = runs == runs[0]
    assert small().fit(features[one], positive[one], runs[one]).strength_ == 0


def test_a_weight_of_positives_leaves_probabilities_calibrated():
    features, positive, runs = rows()
    weighted = small(SMALL.model_copy(update={"positive_weight": 10.0})).fit(
        features, positive, runs
    )
    new_features, new_positive, _ = rows(seed=11)
    probability = weighted.predict_proba(new_features)[:, 1]
    assert probability.mean() == pytest.approx(new_positive.mean(), rel=0.3)


def test_scikit_learns_manners(fitted):
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "boosters_")
    assert fitted.feature_names_in_[0] == "proposal_score"
    assert fitted.n_features_in_ == 21
    features = rows()[0]
    assert fitted.predict(features).dtype == bool
    np.testing.assert_allclose(fitted.predict_proba(features).sum(axis=1), 1)
    with pytest.raises(ValueError, match="columns"):
        fitted.predict_proba(features[features.columns[::-1]])


def test_trees_see_the_features_and_not_the_score_again(fitted):
    features = rows()[0]
    assert fitted.trees_ > 0
    for booster in fitted.boosters_:
        assert booster.feature_name() == list(features.columns[1:])


def test_trees_are_grown_for_types_with_enough_positives():
    features, positive, runs = rows()
    for least, grows in ((int(positive.sum()), True), (int(positive.sum()) + 1, False)):
        settings = SMALL.model_copy(update={"trees_from_positives": least})
        fitted = small(settings).fit(features, positive, runs)
        assert (fitted.trees_ > 0) == grows
        assert fitted.strength_ > 0


def test_without_features_stage_1s_ranking_stays():
    features, positive, runs = rows()
    alone = features[["proposal_score"]]
    classifier = small().fit(alone, positive, runs)
    assert classifier.strength_ == 0
    assert np.all(np.diff(classifier.predict_proba(alone)[:, 1][np.argsort(alone.iloc[:, 0])]) >= 0)
