import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.thresholds.cross_validation import score_picks
from stage2_rerank.thresholds.fbeta_curve import (
    KEEP_NOTHING,
    FbetaCurve,
    fbeta_curve,
    threshold_by_curve,
    threshold_by_probability,
)
from stage2_rerank.thresholds.final_picks import final_picks, suppressed

RADIUS = {"T": 30.0}
RULES = ScoringRules({"T": 60.0}, 0.5, {"T": 48.0}, {"T": 1.0}, 4.0)


def table(rows, score="proposal_score"):
    frame = pd.DataFrame(rows, columns=["run", "x", score])
    return frame.assign(
        particle_type="T", y=0.0, z=0.0, candidate_id=np.arange(len(frame), dtype=np.int32)
    )


def references(rows):
    frame = pd.DataFrame(rows, columns=["run", "x"])
    return frame.assign(particle_type="T", y=0.0, z=0.0)[["run", "particle_type", "x", "y", "z"]]


def curve(scores, hits, candidates, total):
    return FbetaCurve(np.array(scores), np.array(hits), np.array(candidates), total, 4.0)


def test_counts_pool_runs_and_duplicates_gain_nothing():
    candidates = table([("a", 0, 0.9), ("a", 10, 0.8), ("b", 0, 0.7), ("b", 500, 0.6)])
    truth = references([("a", 0), ("a", 900), ("b", 5)])
    found = fbeta_curve(candidates, truth, RADIUS, "proposal_score", 4.0)
    assert found.scores.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert found.hits.tolist() == [1, 1, 2, 2]
    assert found.candidates.tolist() == [1, 2, 3, 4]
    # 17 TP / (16 N + n)
    assert found.fbeta == pytest.approx([17 / 49, 17 / 50, 34 / 51, 34 / 52])
    assert found.fbeta_above(0.7) == pytest.approx(17 / 50)
    assert found.fbeta_above(0.65) == pytest.approx(34 / 51)
    assert found.fbeta_above(0.95) == 0


def test_one_candidate_may_hit_two_references():
    candidates = table([("a", 0, 0.9)])
    found = fbeta_curve(
        candidates, references([("a", -20), ("a", 20)]), RADIUS, "proposal_score", 4
    )
    assert found.fbeta == pytest.approx([17 * 2 / (16 * 2 + 1)])


def test_equal_scores_are_kept_or_dropped_together():
    candidates = table([("a", 0, 0.5), ("a", 500, 0.5), ("a", 900, 0.5), ("a", 2000, 0.1)])
    found = fbeta_curve(candidates, references([("a", 0)]), RADIUS, "proposal_score", 4.0)
    assert found.scores.tolist() == [0.5, 0.1]
    assert found.candidates.tolist() == [3, 4]


def test_curve_rule_stands_half_way_below_a_clear_best():
    # F: 17/33, 34/34, 34/54, ...: the second point is perfect, and alone within the tolerance.
    found = curve([0.9, 0.8, 0.4], [1, 2, 2], [1, 2, 22], 2)
    assert threshold_by_curve(found) == pytest.approx(0.6)


def test_curve_rule_takes_the_middle_of_a_plateau():
    # Best is 170/(160 + 30), the plateau within .06 of the way to 1 spans n = 30 ... 31.
    hits = np.full(5, 10)
    candidates = np.array([30, 31, 32, 60, 90])
    found = curve([0.9, 0.8, 0.7, 0.6, 0.5], hits, candidates, 10)
    best = 170 / 190
    inside = found.fbeta >= best - 0.06 * (1 - best)
    assert inside.tolist() == [True, True, False, False, False]
    assert threshold_by_curve(found) == pytest.approx(0.85)


def test_lowest_candidates_can_all_be_kept():
    assert threshold_by_curve(curve([0.9, 0.2], [1, 2], [1, 2], 2)) == pytest.approx(0.1)


@pytest.mark.parametrize("rule", [threshold_by_curve, threshold_by_probability])
@pytest.mark.parametrize(
    "nothing", [curve([], [], [], 5), curve([0.9], [0], [1], 5), curve([0.9], [0], [1], 0)]
)
def test_without_a_hit_nothing_is_kept(rule, nothing):
    assert rule(nothing) == KEEP_NOTHING


def test_neighbouring_scores_are_told_apart():
    high = 0.5
    low = np.nextafter(high, 0)
    found = curve([high, low], [1, 1], [1, 60], 1)
    assert low <= threshold_by_curve(found) < high


def test_probability_rule_is_the_fixed_point():
    # F stays 34/(32 + 3) while the threshold lies between .02 and .3: t = F/17 = 2/35.
    found = curve([0.9, 0.8, 0.3, 0.02], [1, 2, 2, 2], [1, 2, 3, 200], 2)
    assert threshold_by_probability(found) == pytest.approx(2 / 35)


def test_probability_rule_is_close_to_the_best_for_true_probabilities():
    rng = np.random.default_rng(0)
    probability = np.sort(rng.beta(0.15, 1.0, 20_000))[::-1]
    positive = rng.random(20_000) < probability
    hits = np.cumsum(positive)
    found = curve(probability, hits, np.arange(1, 20_001), int(positive.sum() * 1.1))
    reached = found.fbeta_above(threshold_by_probability(found))
    assert reached > found.fbeta.max() - 0.004


positions = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 400), st.sampled_from([0.1, 0.2, 0.5, 0.9])),
    max_size=25,
    unique_by=lambda row: row[:2],
)
truths = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 400)), min_size=1, max_size=12, unique=True
)


@given(positions, truths, st.sampled_from([0.05, 0.15, 0.3, 0.7]))
@settings(deadline=None, max_examples=60)
def test_the_curve_is_the_metric_of_the_final_list(candidates, truth, threshold):
    frame = table(candidates).astype({"run": "str", "x": float, "proposal_score": float})
    truth_frame = references(truth).astype({"run": "str", "x": float})
    frame = frame[frame["run"].isin(truth_frame["run"])].reset_index(drop=True)
    picks = final_picks(frame, "proposal_score", RULES.suppression_angstrom, {"T": threshold})
    official = score_picks(truth_frame, picks, RULES)
    found = fbeta_curve(
        suppressed(frame, "proposal_score", RULES.suppression_angstrom),
        truth_frame,
        RADIUS,
        "proposal_score",
        4.0,
    )
    assert found.fbeta_above(threshold) == pytest.approx(official.score)
