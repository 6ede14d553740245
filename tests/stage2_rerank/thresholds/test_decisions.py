"""Thresholds' intervals, reliability and the decomposition of the loss, by hand."""

import numpy as np
import pandas as pd
import pytest

from picking.files.tables import OUT_OF_FOLD, PICKS, TRUTH
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.report.decisions import reliability_figures
from stage2_rerank.thresholds.fbeta_curve import (
    fbeta_curve,
    threshold_by_curve,
    threshold_by_probability,
)
from stage2_rerank.thresholds.intervals import threshold_intervals
from stage2_rerank.thresholds.loss_decomposition import decompose_loss
from stage2_rerank.thresholds.reliability import reliability

RULES = ScoringRules(
    radius_angstrom={"A": 60.0, "B": 100.0},
    distance_multiplier=0.5,
    suppression_angstrom={"A": 48.0, "B": 80.0},
    weights={"A": 1.0, "B": 2.0},
    beta=4.0,
)


def truth(*rows):
    return TRUTH.check(
        pd.DataFrame(
            [(run, name, x, 0.0, 0.0) for run, name, x in rows],
            columns=["run", "particle_type", "x", "y", "z"],
        ),
        "truth",
    )


def candidates(*rows):
    table = pd.DataFrame(
        [(run, name, x, 0.0, 0.0, score) for run, name, x, score in rows],
        columns=["run", "particle_type", "x", "y", "z", "rerank_score"],
    )
    table = table.assign(
        fold=np.int32(0),
        candidate_id=np.arange(len(table), dtype=np.int32),
        proposal_score=table["rerank_score"].astype(np.float32),
        is_positive=False,
    )
    return OUT_OF_FOLD.check(table[OUT_OF_FOLD.column_names], "candidates")


def picks_of(table, threshold):
    kept = table[table["rerank_score"] > threshold].rename(columns={"rerank_score": "score"})
    return PICKS.check(kept[PICKS.column_names].reset_index(drop=True), "picks")


def test_every_pick_and_reference_is_followed_to_its_end():
    references = truth(
        ("r1", "A", 0), ("r1", "A", 500), ("r1", "A", 1000), ("r1", "A", 2000), ("r1", "B", 3000)
    )
    found = candidates(
        ("r1", "A", 5, 0.9),  # hits the first
        ("r1", "A", 25, 0.8),  # and again
        ("r1", "A", 3010, 0.7),  # stands on a B
        ("r1", "A", 4000, 0.6),  # on nothing
        ("r1", "A", 510, 0.1),  # would hit the second
        ("r1", "B", 3000, 0.9),
        ("r9", "A", 0, 0.9),  # in a run that is not judged
    )
    losses, confusion = decompose_loss(found, picks_of(found, 0.5), references, RULES)
    loss = losses["A"]
    assert (loss.references, loss.hit, loss.not_picked, loss.never_proposed) == (4, 1, 1, 2)
    assert (loss.picks, loss.duplicates, loss.other_type, loss.nothing) == (4, 1, 1, 1)
    assert loss.fbeta() == pytest.approx(17 * 1 / (16 * 4 + 4))
    assert loss.oracles["never proposed"] == pytest.approx(17 * 3 / (16 * 4 + 6))
    assert loss.oracles["not picked"] == pytest.approx(17 * 2 / (16 * 4 + 5))
    assert loss.oracles["duplicates"] == pytest.approx(17 * 1 / (16 * 4 + 3))
    # The lowest candidate included, the second of the two neighbours suppressed.
    assert loss.oracles["threshold"] == pytest.approx(17 * 2 / (16 * 4 + 4))
    assert losses["B"].fbeta() == pytest.approx(1.0)
    assert set(losses["B"].oracles.values()) == {1.0}
    assert confusion.loc["A"].to_dict() == {"A": 2, "B": 1, "(nothing)": 1}
    assert confusion.loc["B"].to_dict() == {"A": 0, "B": 1, "(nothing)": 0}


def test_a_pick_that_hits_its_own_type_stands_on_it_even_if_another_is_nearer():
    references = truth(("r1", "A", 20), ("r1", "B", 1))
    found = candidates(("r1", "A", 0, 0.9))
    _, confusion = decompose_loss(found, picks_of(found, 0.5), references, RULES)
    assert confusion.loc["A"].to_dict() == {"A": 1, "B": 0, "(nothing)": 0}


def test_a_run_without_picks_or_candidates_has_only_misses():
    none = candidates()
    losses, confusion = decompose_loss(none, picks_of(none, 0.5), truth(("r1", "A", 0)), RULES)
    assert (losses["A"].never_proposed, losses["A"].fbeta()) == (1, 0.0)
    assert (losses["B"].references, losses["B"].fbeta()) == (0, 0.0)
    assert confusion.to_numpy().sum() == 0


def test_reliability_counts_by_bin_with_exact_intervals():
    probability = np.array([0.0, 0.005, 0.05, 0.05, 0.05, 0.6])
    positive = np.array([False, False, True, False, False, True])
    bins = {one.high: one for one in reliability(probability, positive)}
    assert list(bins) == [0.01, 0.07, 1.0]
    assert (bins[0.07].candidates, bins[0.07].positives) == (3, 1)
    assert bins[0.07].mean_probability == pytest.approx(0.05)
    # Clopper and Pearson for 1 of 3 and 0 of 2.
    assert bins[0.07].frequency_interval_95 == pytest.approx((0.0084, 0.9057), abs=1e-4)
    assert bins[0.01].frequency_interval_95 == pytest.approx((0.0, 0.8419), abs=1e-4)
    assert bins[1.0].frequency_interval_95[1] == 1.0
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool)) == []


def test_reliability_asks_what_the_final_list_hits_in_judged_runs():
    found = candidates(
        ("r1", "A", 10, 0.6),  # stays, and hits
        ("r1", "A", 25, 0.3),  # hits too, but is suppressed
        ("r1", "A", 900, 0.3),  # hits nothing
        ("r9", "A", 0, 0.6),  # in a run that is not judged
    )
    # Stage 1 liked the second better, so that the label of training stands there.
    found["is_positive"] = [False, True, False, False]
    bins = reliability_figures(found, truth(("r1", "A", 0)), RULES)["A"]
    assert [(one.candidates, one.positives) for one in bins] == [(1, 0), (1, 1)]


def noisy_runs(number, seed=0):
    rng = np.random.default_rng(seed)
    references, found = [], []
    for run in (f"r{index}" for index in range(number)):
        for place in range(10):
            references.append((run, "A", 200.0 * place))
            found.append((run, "A", 200.0 * place, rng.beta(4, 2)))
        found += [(run, "A", 5000 + 200.0 * place, rng.beta(1, 6)) for place in range(60)]
    return truth(*references), candidates(*found)


def test_the_interval_holds_the_threshold_and_shrinks_with_more_runs():
    rules = (threshold_by_curve, threshold_by_probability)
    widths = []
    for number in (4, 40):
        references, found = noisy_runs(number)
        runs = sorted(references["run"].unique())
        intervals = threshold_intervals(
            found, references, runs, "rerank_score", RULES, rules, seed=0
        )
        curve = fbeta_curve(
            found, references, RULES.match_radius_angstrom, "rerank_score", RULES.beta
        )
        for rule, interval in zip(rules, intervals, strict=True):
            assert interval[0] <= rule(curve) <= interval[1]
        widths.append(intervals[0][1] - intervals[0][0])
    assert widths[1] < 0.6 * widths[0]


def test_runs_that_are_all_alike_leave_no_doubt():
    references, found = noisy_runs(1)
    copies = [f"r{index}" for index in range(5)]
    same = pd.concat([found.assign(run=run) for run in copies], ignore_index=True)
    same["candidate_id"] = np.arange(len(same), dtype=np.int32)
    (interval,) = threshold_intervals(
        same,
        pd.concat([references.assign(run=run) for run in copies], ignore_index=True),
        copies,
        "rerank_score",
        RULES,
        [threshold_by_curve],
        seed=0,
    )
    assert interval[0] == interval[1]
