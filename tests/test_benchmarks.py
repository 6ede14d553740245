"""What the figures in docs/ rest on: paired differences, and stage 2's controls."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.paired_scores import (
    MixedFoldersError,
    compared,
    gain_by_folder,
    gain_by_run,
    mean_fbeta,
    on_the_same_runs,
)
from benchmarks.rerank_variants import Results, Variant, judge
from picking.config import PipelineConfig
from picking.data_in.inventory import resolve
from picking.scoring.folds import Folds
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.thresholds.cross_validation import CountsByRun
from tests.stage2_rerank.simulated_candidates import SimulatedType, simulate

RUNS = tuple(f"run_{number}" for number in range(8))


def counts(hits, picks, references=10):
    hits = np.asarray(hits)[:, None]
    return CountsByRun(
        tuple(f"r{index}" for index in range(len(hits))),
        ("A",),
        hits,
        np.asarray(picks)[:, None],
        np.full_like(hits, references),
    )


def truth(seed, runs=4):
    x = np.random.default_rng(seed).random(runs)
    return pd.DataFrame({"run": [f"r{index}" for index in range(runs)], "x": x})


def test_folders_are_on_the_same_runs_or_on_others_but_not_both():
    assert on_the_same_runs([truth(0)])
    assert on_the_same_runs([truth(0), truth(0)])
    assert not on_the_same_runs([truth(0), truth(1)])
    with pytest.raises(MixedFoldersError):
        on_the_same_runs([truth(0), truth(1), truth(0)])


STAGE1 = [counts([5, 5, 5, 5], [20, 20, 20, 20])] * 2


def test_on_the_same_runs_the_interval_is_over_runs():
    steady = [counts([6, 6, 6, 6], [20, 20, 20, 20])] * 2
    row = compared(True, steady, STAGE1, {"A": 1.0}, 4.0).loc["score"]
    assert row["gain"] == pytest.approx(17 * 4 / (16 * 40 + 80))
    assert row["low"] == pytest.approx(row["high"])
    assert row["folders_up"] == 2
    lucky = [counts([9, 5, 5, 5], [20, 20, 20, 20])] * 2
    of_type = compared(True, lucky, STAGE1, {"A": 1.0}, 4.0).loc["A"]
    assert of_type["gain"] == pytest.approx(row["gain"])
    assert of_type["low"] < 0
    assert gain_by_run(lucky, STAGE1, {"A": 1.0}, 4.0) == pytest.approx(
        {"r0": 17 * 4 / (16 * 10 + 20), "r1": 0, "r2": 0, "r3": 0}
    )
    assert mean_fbeta(STAGE1, 4.0)[0, 0] == pytest.approx(17 * 20 / (16 * 40 + 80))


def test_on_other_runs_the_interval_is_over_folders():
    unlike = [counts([6, 6, 6, 6], [20] * 4), counts([7, 7, 7, 7], [20] * 4)]
    row = compared(False, unlike, STAGE1, {"A": 1.0}, 4.0).loc["score"]
    first, second = gain_by_folder(unlike, STAGE1, {"A": 1.0}, 4.0)
    assert row["gain"] == pytest.approx((first + second) / 2)
    # t of one degree of freedom, from a table.
    assert row["high"] - row["gain"] == pytest.approx(12.706 * (second - first) / 2, rel=1e-3)


@pytest.fixture(scope="module")
def simulated():
    types = {"A": SimulatedType(12, 60, 1.5, 1.2, 0.9)}
    simulation = simulate(types, list(RUNS), seed=5, number_of_features=12, informative=4)
    features = simulation.features.drop(columns=["run", "candidate_id", "particle_type"])
    features.insert(0, "proposal_score", simulation.candidates["proposal_score"])
    config = PipelineConfig.model_validate(
        {
            "particles": [{"name": "A", "label": 1, "radius_angstrom": 60}],
            "stage2_rerank": {"classifier": {"max_trees": 30, "bags": 1}},
        }
    )
    folds = Folds(tuple((RUNS[k], RUNS[k + 4]) for k in range(4)))
    return Results(
        "simulated",
        resolve(config),
        folds,
        simulation.truth,
        CandidateRows(simulation.candidates, features),
    )


def gain(results, variant):
    judged = judge(results, variant)
    both, stage1 = (mean_fbeta([side], 4.0)[0, 0] for side in (judged.two_stage, judged.stage1))
    return both - stage1


def test_features_gain_and_shuffled_labels_do_not(simulated):
    assert gain(simulated, Variant("default")) > 0.03
    assert gain(simulated, Variant("shuffled", shuffled=True)) < 0.02


def test_without_features_stage_1s_ranking_stays(simulated):
    judged = judge(simulated, Variant("score alone", families=()))
    of_stage = judged.by_rule["curve"]
    np.testing.assert_array_equal(of_stage["two_stage"].hits, of_stage["stage1"].hits)


@pytest.mark.parametrize("form", ["linear alone", "linear, then trees of all types"])
def test_other_forms_learn_too(simulated, form):
    assert gain(simulated, Variant(form, form=form)) > 0.03


def test_a_smaller_budget_leaves_fewer_candidates(simulated):
    whole = judge(simulated, Variant("default"))
    part = judge(simulated, Variant("a quarter", budget_share=0.02))
    assert part.best_ranking["A"] < whole.best_ranking["A"]
