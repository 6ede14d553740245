"""What the figures in docs/ rest on: the paired bootstrap, and stage 2's controls."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.paired_scores import PairedBootstrap, compared, mean_fbeta
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


def test_folders_with_the_same_truth_share_their_draws_of_runs():
    bootstrap = PairedBootstrap([truth(0), truth(1), truth(0)])
    first, other, same = bootstrap.run_draws
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert (first.sum(axis=1) == 4).all()
    assert (bootstrap.folder_draws.sum(axis=1) == 3).all()


def test_a_gain_in_every_run_is_certain_and_one_lucky_run_is_not():
    bootstrap = PairedBootstrap([truth(0), truth(0)])
    stage1 = [counts([5, 5, 5, 5], [20, 20, 20, 20])] * 2
    steady = compared(
        bootstrap, [counts([6, 6, 6, 6], [20, 20, 20, 20])] * 2, stage1, {"A": 1.0}, 4.0
    ).loc["score"]
    assert steady["gain"] == pytest.approx(17 * 4 / (16 * 40 + 80))
    assert steady["low"] == pytest.approx(steady["high"])
    assert steady["folders_up"] == 2
    lucky = compared(
        bootstrap, [counts([9, 5, 5, 5], [20, 20, 20, 20])] * 2, stage1, {"A": 1.0}, 4.0
    ).loc["A"]
    assert lucky["gain"] == pytest.approx(steady["gain"])
    assert lucky["low"] == pytest.approx(0)
    assert mean_fbeta(stage1, 4.0)[0, 0] == pytest.approx(17 * 20 / (16 * 40 + 80))


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
    np.testing.assert_array_equal(judged.by_curve.hits, judged.stage1.hits)


@pytest.mark.parametrize("form", ["linear alone", "linear, then trees of all types"])
def test_other_forms_learn_too(simulated, form):
    assert gain(simulated, Variant(form, form=form)) > 0.03


def test_a_smaller_budget_leaves_fewer_candidates(simulated):
    whole = judge(simulated, Variant("default"))
    part = judge(simulated, Variant("a quarter", budget_share=0.02))
    assert part.best_ranking["A"] < whole.best_ranking["A"]
