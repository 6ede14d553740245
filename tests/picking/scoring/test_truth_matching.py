import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picking.scoring.metric import score
from picking.scoring.truth_matching import label_candidates, new_hits, proposal_recall

RADIUS = {"small": 30.0, "large": 75.0}


def truth_frame(rows):
    return pd.DataFrame(rows, columns=["run", "particle_type", "x", "y", "z"]).astype(
        {"x": float, "y": float, "z": float}
    )


def candidate_frame(rows):
    columns = ["run", "particle_type", "x", "y", "z", "proposal_score"]
    frame = pd.DataFrame(rows, columns=columns).astype(
        {"x": float, "y": float, "z": float, "proposal_score": float}
    )
    return frame.assign(candidate_id=frame.groupby("run").cumcount())


def test_best_candidate_is_positive_and_its_neighbours_are_duplicates():
    truth = truth_frame([("a", "small", 0, 0, 0)])
    candidates = candidate_frame(
        [
            ("a", "small", 1, 0, 0, 0.5),
            ("a", "small", 29, 0, 0, 0.9),
            ("a", "small", 31, 0, 0, 1.0),
            ("a", "large", 0, 0, 0, 1.0),
            ("b", "small", 0, 0, 0, 1.0),
        ]
    )
    labels = label_candidates(candidates, truth, RADIUS)
    assert labels.dtype == np.bool_
    assert labels.tolist() == [False, True, False, False, False]


def test_boundary_is_a_hit():
    truth = truth_frame([("a", "small", 0, 0, 0)])
    assert label_candidates(candidate_frame([("a", "small", 0, 30, 0, 1)]), truth, RADIUS).all()


def test_ties_go_by_candidate_id_whatever_the_order_of_rows():
    truth = truth_frame([("a", "small", 0, 0, 0)])
    candidates = candidate_frame([("a", "small", n, 0, 0, 0.5) for n in range(4)])
    shuffled = candidates.iloc[[2, 3, 0, 1]]
    labels = label_candidates(shuffled, truth, RADIUS)
    assert shuffled["candidate_id"][labels].tolist() == [0]


def test_one_candidate_can_be_first_on_two_references():
    truth = truth_frame([("a", "small", -15, 0, 0), ("a", "small", 15, 0, 0)])
    candidates = candidate_frame([("a", "small", 0, 0, 0, 0.9), ("a", "small", 16, 0, 0, 0.8)])
    assert new_hits(candidates, truth, RADIUS).tolist() == [2, 0]
    better_second = candidates.assign(proposal_score=[0.1, 0.8])
    assert new_hits(better_second, truth, RADIUS).tolist() == [1, 1]


def test_another_score_column_decides():
    truth = truth_frame([("a", "small", 0, 0, 0)])
    candidates = candidate_frame([("a", "small", 1, 0, 0, 0.9), ("a", "small", 2, 0, 0, 0.8)])
    candidates["rerank_score"] = [0.1, 0.2]
    assert new_hits(candidates, truth, RADIUS, "rerank_score").tolist() == [0, 1]


def test_recall_is_pooled_over_runs():
    truth = truth_frame(
        [("a", "small", 0, 0, 0), ("b", "small", 0, 0, 0), ("b", "small", 500, 0, 0)]
    )
    candidates = candidate_frame([("b", "small", 500, 0, 0, 0.1), ("b", "small", 1, 0, 0, 0.2)])
    recall = proposal_recall(candidates, truth, RADIUS)
    assert recall["small"] == pytest.approx(2 / 3)
    assert math.isnan(recall["large"])


def test_empty_tables():
    truth = truth_frame([("a", "small", 0, 0, 0)])
    nothing = candidate_frame([])
    assert label_candidates(nothing, truth, RADIUS).shape == (0,)
    assert proposal_recall(nothing, truth, RADIUS)["small"] == 0.0
    some = candidate_frame([("a", "small", 0, 0, 0, 1)])
    assert not label_candidates(some, truth_frame([]), RADIUS).any()


places = st.integers(-10, 10).map(lambda n: 10.0 * n)
position = st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(RADIUS)), places, places, places)
truths = st.lists(position, min_size=1, max_size=20, unique_by=lambda row: (row[0], *row[2:]))
scored = st.tuples(position, st.sampled_from([0.1, 0.25, 0.5, 0.75])).map(
    lambda pair: (*pair[0], pair[1])
)


@settings(deadline=None, max_examples=30)
@given(truths, st.lists(scored, max_size=20))
def test_sum_over_any_score_cut_is_the_metrics_tp(truth_rows, candidate_rows):
    truth, candidates = truth_frame(truth_rows), candidate_frame(candidate_rows)
    hits = new_hits(candidates, truth, RADIUS)
    radii = {name: 2 * radius for name, radius in RADIUS.items()}
    for cut in (0.0, 0.5, 0.75):
        kept = (candidates["proposal_score"] >= cut).to_numpy()
        result = score(
            truth.rename(columns={"run": "experiment"}),
            candidates[kept].rename(columns={"run": "experiment"}),
            radii,
            dict.fromkeys(radii, 1.0),
        )
        for particle_type, counts in result.per_type.items():
            of_type = kept & (candidates["particle_type"] == particle_type).to_numpy()
            assert hits[of_type].sum() == counts.tp
            if cut == 0.0:
                recall = proposal_recall(candidates, truth, RADIUS)[particle_type]
                assert recall == pytest.approx(counts.recall)
