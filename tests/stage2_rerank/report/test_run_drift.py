"""Runs that are out of line, in tables made by hand."""

import numpy as np
import pandas as pd
import pytest

from picking.files import tables as contracts
from picking.files.tables import FEATURES, OUT_OF_FOLD, SCORED_CANDIDATES, TRUTH
from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.report.run_drift import (
    PICKS_A_RUN,
    PROPOSAL_LOGIT,
    RERANK_SCORE,
    SHARE_FOUND,
    RunTables,
    run_drift,
)

RULES = ScoringRules(
    radius_angstrom={"A": 60.0, "B": 60.0},
    distance_multiplier=0.5,
    suppression_angstrom={"A": 48.0, "B": 48.0},
    weights={"A": 1.0, "B": 0.0},
    beta=4.0,
)
RUNS = tuple(f"r{number}" for number in range(8))
# Of the eight runs; median 20.5.
USUAL = dict(zip(RUNS, (18, 19, 20, 20, 21, 21, 22, 23), strict=True))
# How far the intensity and the scores of these runs are from their middle, as a share.
WOBBLE = dict(zip(RUNS, (-0.04, 0.03, 0.01, -0.02, 0.02, -0.01, 0.04, -0.03), strict=True))
REFERENCES = 25
CANDIDATES = 100


def tables(number_of_picks, *, missed=None, spread=None, scale=None, with_truth=True):
    """Runs with so many picks; a run misses some references, has another intensity or scores."""
    missed, spread, scale = missed or {}, spread or {}, scale or {}
    picks, references, candidates, features = [], [], [], []
    for run, number in number_of_picks.items():
        ordinary = 1 + WOBBLE.get(run, 0.0)
        for place in range(REFERENCES):
            references.append((run, "A", 1000.0 * place, 0.0, 0.0))
        picks += [
            (run, "A", 1000.0 * (place + missed.get(run, 0)), 5.0, 0.0, 0.5)
            for place in range(number)
        ]
        references.append((run, "B", 50.0, 0.0, 0.0))  # without weight, and never found
        scores = np.linspace(0.02, 0.06, CANDIDATES) * scale.get(run, 1.0) * ordinary
        for index, score in enumerate(scores):
            candidates.append((run, 0, index, "A", 10.0 * index, 0.0, 0.0, score, score, False))
            features.append((run, index, "A", ordinary - 1, spread.get(run, 1.0) * ordinary))
    frame = pd.DataFrame(candidates, columns=OUT_OF_FOLD.column_names)
    table = OUT_OF_FOLD if with_truth else SCORED_CANDIDATES
    columns = [*FEATURES.column_names, "context_background_mean", "context_background_std"]
    return RunTables(
        runs=tuple(number_of_picks),
        candidates=table.check(frame[table.column_names], "candidates"),
        picks=contracts.PICKS.check(
            pd.DataFrame(picks, columns=contracts.PICKS.column_names), "picks"
        ),
        truth=TRUTH.check(pd.DataFrame(references, columns=TRUTH.column_names), "truth")
        if with_truth
        else None,
        features=FEATURES.check(pd.DataFrame(features, columns=columns), "features"),
    )


def flagged(rows):
    return {(run, name) for run, row in rows.items() for name, one in row.items() if one.flagged}


def test_ordinary_runs_are_not_flagged():
    drift = run_drift(tables(USUAL), None, RULES)
    assert flagged(drift.training) == set()
    assert drift.test == {}
    assert list(drift.training) == list(RUNS)


def test_ten_times_the_picks_are_flagged_and_nothing_else():
    drift = run_drift(tables({**USUAL, "r3": 200}), None, RULES)
    assert flagged(drift.training) == {("r3", PICKS_A_RUN)}
    assert drift.training["r3"][PICKS_A_RUN].value == 200


def test_each_measure_flags_its_own_fault():
    odd = tables(USUAL, missed={"r1": 15}, spread={"r2": 1.5}, scale={"r5": 10.0})
    assert flagged(run_drift(odd, None, RULES).training) == {
        ("r1", SHARE_FOUND),
        ("r2", "background spread"),
        ("r5", PROPOSAL_LOGIT),
        ("r5", RERANK_SCORE),
    }


def test_values_and_z_scores_by_hand():
    picks = dict(zip(RUNS, (100, 100, 140, 60, 150, 50, 100, 400), strict=True))
    figures = run_drift(tables(picks), None, RULES).training
    spread = run_drift(tables(picks), None, RULES).measures[PICKS_A_RUN]
    # Deviations 0, 0, 40, 40, 50, 50, 0, 300: median 40.
    assert (spread.median, spread.sigma) == (100, pytest.approx(1.4826 * 40))
    assert figures["r7"][PICKS_A_RUN].z == pytest.approx(0.6745 * 300 / 40, rel=1e-4)
    assert figures["r3"][PICKS_A_RUN].z == pytest.approx(-0.6745, rel=1e-4)
    # 18 of the 25 references of the type with a weight.
    assert run_drift(tables(USUAL), None, RULES).training["r0"][SHARE_FOUND].value == 18 / 25


def test_counts_that_agree_by_luck_do_not_flag_their_neighbours():
    agreeing = {**dict.fromkeys(RUNS, 20), "r1": 23, "r2": 16}
    drift = run_drift(tables(agreeing), None, RULES)
    assert flagged(drift.training) == set()
    assert drift.measures[PICKS_A_RUN].sigma == pytest.approx(np.sqrt(20))
    assert ("r1", PICKS_A_RUN) in flagged(
        run_drift(tables({**agreeing, "r1": 40}), None, RULES).training
    )


def equal_background(values):
    """Background spread exactly as given."""
    made = tables(USUAL)
    features = made.features.assign(context_background_std=made.features["run"].map(values))
    return RunTables(made.runs, made.candidates, made.picks, made.truth, features)


def test_equal_values_have_a_spread_only_by_those_that_differ():
    alike = dict.fromkeys(RUNS, 1.0)
    drift = run_drift(equal_background(alike), None, RULES)
    assert drift.measures["background spread"].sigma is None
    assert drift.training["r0"]["background spread"].z is None
    other = run_drift(equal_background({**alike, "r4": 2.0}), None, RULES)
    assert other.measures["background spread"].sigma == pytest.approx(1.2533 / 8)
    assert ("r4", "background spread") in flagged(other.training)
    assert other.training["r0"]["background spread"].z == 0


def test_fewer_than_four_runs_have_values_and_no_flags():
    few = {"r0": 20, "r1": 20, "r2": 900}
    drift = run_drift(tables(few), None, RULES)
    assert flagged(drift.training) == set()
    assert drift.training["r2"][PICKS_A_RUN].value == 900
    assert drift.training["r2"][PICKS_A_RUN].z is None
    four = run_drift(tables({**few, "r3": 21}), None, RULES)
    assert ("r2", PICKS_A_RUN) in flagged(four.training)


def test_test_runs_stand_against_the_training_runs_and_have_no_truth():
    test = tables(
        {"t1": 21, "t2": 300, "t3": 0}, spread={"t1": 0.5}, scale={"t3": 20.0}, with_truth=False
    )
    drift = run_drift(tables(USUAL), test, RULES)
    assert flagged(drift.training) == set()
    assert flagged(drift.test) == {
        ("t1", "background spread"),
        ("t2", PICKS_A_RUN),
        ("t3", PICKS_A_RUN),
        ("t3", PROPOSAL_LOGIT),
        ("t3", RERANK_SCORE),
    }
    assert all(SHARE_FOUND not in row for row in drift.test.values())
    spread = drift.measures[PICKS_A_RUN]
    assert drift.test["t2"][PICKS_A_RUN].z == pytest.approx((300 - spread.median) / spread.sigma)


def test_runs_without_candidates_features_or_references_have_no_value():
    made = tables(USUAL)
    drift = run_drift(
        RunTables(
            (*made.runs, "empty"),
            made.candidates,
            made.picks,
            made.truth[made.truth["run"] != "r0"],
            made.features.drop(columns="context_background_mean"),
        ),
        None,
        RULES,
    )
    empty = drift.training["empty"]
    assert empty[PROPOSAL_LOGIT].value is None
    assert empty[PICKS_A_RUN].value == 0
    assert empty["background spread"].value is None
    assert drift.training["r0"][SHARE_FOUND].value is None
    assert "background mean" not in drift.measures
    bare = run_drift(RunTables(made.runs, made.candidates, made.picks), None, RULES)
    assert list(bare.measures) == [PROPOSAL_LOGIT, RERANK_SCORE, PICKS_A_RUN]
    nothing = run_drift(
        RunTables(RUNS, OUT_OF_FOLD.empty(), contracts.PICKS.empty(), TRUTH.empty()), None, RULES
    )
    assert flagged(nothing.training) == set()
