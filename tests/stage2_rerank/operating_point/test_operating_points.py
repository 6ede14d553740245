import numpy as np
import pandas as pd
import pytest

from picking.files.tables import OUT_OF_FOLD, SCORED_CANDIDATES
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.operating_point.operating_points import (
    expected_section,
    expected_table,
    pick_by_wishes,
)
from stage2_rerank.operating_point.wishes import Wish
from stage2_rerank.thresholds.cross_validation import score_picks
from stage2_rerank.thresholds.final_picks import final_picks

# Hits within 30 Å, duplicates below 48 Å.
RULES = ScoringRules({"A": 60.0, "B": 60.0}, 0.5, {"A": 48.0, "B": 48.0}, {"A": 1.0, "B": 1.0}, 4.0)
OWN = {"A": 0.5, "B": 0.5}


def candidates(rows):
    frame = pd.DataFrame(rows, columns=["run", "particle_type", "x", "rerank_score"])
    return frame.assign(
        y=0.0, z=0.0, proposal_score=0.5, candidate_id=np.arange(len(frame)), fold=0
    )


def scored(rows):
    return SCORED_CANDIDATES.check(candidates(rows).drop(columns="fold"), "test")


def out_of_fold(rows):
    return OUT_OF_FOLD.check(candidates(rows).assign(is_positive=False), "test")


def references(rows):
    frame = pd.DataFrame(rows, columns=["run", "particle_type", "x"])
    return frame.assign(y=0.0, z=0.0)[["run", "particle_type", "x", "y", "z"]]


TRAINING = out_of_fold(
    [
        ("a", "A", 0, 0.9),
        ("a", "A", 20, 0.8),  # a duplicate, suppressed
        ("a", "A", 500, 0.7),  # wrong
        ("b", "A", 0, 0.6),
        ("b", "A", 500, 0.4),
        ("a", "B", 0, 0.9),
        ("b", "B", 0, 0.9),
        ("not judged", "A", 0, 0.9),
    ]
)
TRUTH = references(
    [("a", "A", 5), ("a", "A", 900), ("b", "A", 0), ("b", "A", 500), ("b", "B", 3), ("a", "B", 3)]
)
TEST = scored(
    [
        ("t", "A", 0, 0.9),
        ("t", "A", 10, 0.85),  # a duplicate, suppressed
        ("t", "A", 500, 0.45),
        ("u", "A", 0, 0.2),
        ("u", "B", 0, 0.7),
    ]
)


def pick(wishes, test=TEST):
    picks, points = pick_by_wishes(wishes, OWN, test, TRAINING, TRUTH, RULES)
    return picks, {point.particle_type: point for point in points}


def test_a_probability_picks_and_tells_exactly_what_to_expect():
    picks, points = pick({"A": Wish("probability", 0.3)})
    assert picks[["run", "particle_type", "score"]].to_numpy().tolist() == [
        ["t", "A", 0.9],
        ["t", "A", 0.45],
        ["u", "B", 0.7],
    ]
    assert (points["A"].threshold, points["A"].picks) == (0.3, 2)
    assert points["A"].mean_probability == pytest.approx(0.675)
    # Out of fold 4 picks of judged runs, 3 of them right; the reference at 900 was never proposed.
    assert points["A"].expectation.precision.value == 3 / 4
    assert points["A"].expectation.recall.value == 3 / 4


def test_types_without_a_wish_keep_the_results_own_threshold():
    picks, points = pick({"B": Wish("number", 1)})
    own = final_picks(TEST, "rerank_score", RULES.suppression_angstrom, OWN)
    pd.testing.assert_frame_equal(picks, own)
    assert points["A"].threshold == 0.5
    assert points["A"].wish is None
    assert points["A"].expectation.recall.value == 2 / 4


def test_a_number_counts_all_test_runs_together_without_duplicates():
    picks, points = pick({"A": Wish("number", 3)})
    assert picks[picks["particle_type"] == "A"]["score"].tolist() == [0.9, 0.45, 0.2]
    assert points["A"].notes == ()
    assert "no more than 3" in pick({"A": Wish("number", 4)})[1]["A"].notes[0]


def test_expectations_are_the_official_metrics():
    _, points = pick({"A": Wish("precision", 0.5)})
    picks = final_picks(
        TRAINING,
        "rerank_score",
        RULES.suppression_angstrom,
        {name: point.threshold for name, point in points.items()},
    )
    official = score_picks(TRUTH, picks, RULES).per_type
    for name, point in points.items():
        assert point.expectation.precision.value == official[name].precision
        assert point.expectation.recall.value == official[name].recall


@pytest.mark.parametrize(
    ("probability", "doubted"), [(0.96, False), (0.94, True)], ids=["near", "far"]
)
def test_probabilities_far_from_the_training_runs_are_doubted(probability, doubted):
    # Out of fold all picks of B are right, in every run: nearer than 0.95 is near.
    _, points = pick({}, scored([("t", "B", 0, probability)]))
    assert any(f"promise a precision of {probability}" in note for note in points["B"].notes) == (
        doubted
    )


def test_without_test_candidates_there_is_still_an_expectation():
    picks, points = pick({"A": Wish("probability", 0.3)}, SCORED_CANDIDATES.empty())
    assert picks.empty
    assert points["A"].mean_probability is None
    assert points["A"].expectation.recall.value == 3 / 4


def test_the_table_says_the_same_to_programs_and_to_people():
    wishes = {"A": Wish("probability", 0.95)}
    _, points = pick_by_wishes(wishes, OWN, TEST, TRAINING, TRUTH, RULES)
    table = expected_table(points).set_index("particle_type")
    assert table["chosen_by"].to_dict() == {"A": "probability", "B": "result"}
    assert np.isnan(table.loc["A", "expected_precision"])  # no out-of-fold pick
    assert table.loc["B", ["expected_precision", "precision_low_95"]].tolist() == [1.0, 1.0]
    first, second = expected_section(points).rows
    assert first == ("A", "probability 0.95", "0.9500", "0", "–", "–", "0.000 (0.000 to 0.000)")
    assert second[:3] == ("B", "the result", "0.5000")
