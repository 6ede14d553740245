"""What the figures in docs/ rest on: paired differences, controls, the null, test truth."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from benchmarks import null
from benchmarks.few_runs import draw_runs
from benchmarks.judged_result import JudgedResult, reliability_table
from benchmarks.null import dealt_out
from benchmarks.paired_scores import (
    MixedFoldersError,
    compared,
    gain_by_folder,
    gain_by_run,
    gain_interval_over_runs,
    mean_fbeta,
    on_the_same_runs,
)
from benchmarks.rerank_variants import Results, Variant, judge
from benchmarks.test_truth import print_estimates, print_scores
from picking.config import PipelineConfig
from picking.data_in.inventory import resolve
from picking.files.tables import OUT_OF_FOLD
from picking.scoring.folds import Folds
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.thresholds.cross_validation import CountsByRun, score_picks
from stage2_rerank.thresholds.final_picks import final_picks
from stage2_rerank.thresholds.threshold_file import Thresholds
from stage2_rerank.tune_thresholds import tune_type
from tests.stage2_rerank.simulated_candidates import SimulatedType, simulate

RUNS = tuple(f"run_{number}" for number in range(8))
SIMULATED = SimulatedType(12, 60, 1.5, 1.2, 0.9)
RESULT = Path("results/simulated")


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
    # All runs of a folder gain as much, so that nothing is the luck of runs.
    assert gain_interval_over_runs(unlike, STAGE1, {"A": 1.0}, 4.0) == pytest.approx(
        (row["gain"], row["gain"])
    )


def test_over_the_runs_of_like_folders_there_are_as_many_degrees_of_freedom_as_in_all_together():
    lucky = [counts([9, 5, 7, 6], [20] * 4)] * 2
    one = compared(True, lucky[:1], STAGE1[:1], {"A": 1.0}, 4.0).loc["score"]
    low, high = gain_interval_over_runs(lucky, STAGE1, {"A": 1.0}, 4.0)
    # t of 3 and of 6 degrees of freedom, from a table; two folders halve the variance.
    ratio = 2.447 / 3.182 / np.sqrt(2)
    assert high - low == pytest.approx(ratio * (one["high"] - one["low"]), rel=1e-3)


@pytest.fixture(scope="module")
def simulated():
    simulation = simulate(
        {"A": SIMULATED}, list(RUNS), seed=5, number_of_features=12, informative=4
    )
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


def test_dealt_out_features_stay_among_candidates_that_score_alike():
    rng = np.random.default_rng(0)
    score, runs = rng.random(95), rng.choice(["a", "b"], 95).astype(object)
    values = np.column_stack([np.argsort(np.argsort(-score)), rng.normal(size=95)])
    dealt = dealt_out(values, score, runs, rng, block=10)
    assert not np.array_equal(dealt, values)
    # Whole rows, every one of them once, none farther than a block from where it stood.
    assert sorted(map(tuple, dealt)) == sorted(map(tuple, values))
    assert np.abs(dealt[:, 0] - values[:, 0]).max() <= 10


def test_run_means_can_stay_where_they_are():
    rng = np.random.default_rng(0)
    runs = np.repeat(["a", "b"], 200).astype(object)
    values = rng.normal(size=(400, 1)) + 50 * (runs == "a")[:, None]
    dealt = dealt_out(values, rng.random(400), runs, rng, keep_run_means=True)
    assert dealt[runs == "a"].min() > 40 > 10 > dealt[runs == "b"].max()


def test_features_that_know_nothing_gain_nothing(simulated, monkeypatch):
    candidates = simulated.rows.candidates
    positive = label_candidates(candidates, simulated.truth, {"A": 30.0})
    monkeypatch.setattr(null, "prepared", lambda _: null.Prepared(simulated, positive, ("A",)))
    alone, true, *drawn = (
        null.scores(RESULT, draw)["probability"] for draw in (null.SCORE_ALONE, null.TRUE, 0, 1, 2)
    )
    assert true - alone > 0.03
    assert np.mean(drawn) - alone < 0.01
    stage1 = judge(simulated, Variant("score alone", families=())).by_rule["probability"]
    assert alone == pytest.approx(mean_fbeta([stage1["two_stage"]], 4.0)[0, 0])


@pytest.fixture(scope="module")
def judged_result(simulated):
    """A finished result whose second score is the first, calibrated by what made it."""
    simulation = simulate({"A": SIMULATED}, ["t1", "t2", "t3"], seed=6, number_of_features=1)
    rows = simulated.rows.candidates.assign(fold=0, is_positive=False)
    rows["rerank_score"] = expit(logit(rows["proposal_score"]) / 2)
    out_of_fold = OUT_OF_FOLD.check(rows[OUT_OF_FOLD.column_names], "out of fold")
    nested = pd.concat([rows.assign(outer_fold=fold) for fold in (-1, *range(4))])
    rules = simulated.rules
    of_type = tune_type(
        out_of_fold, nested, simulated.truth, simulated.folds, "A", rules, seed=None
    )
    scored = simulation.candidates.assign(
        rerank_score=expit(logit(simulation.candidates["proposal_score"]) / 2)
    )
    return JudgedResult(
        *("judged", simulated.config, simulated.folds),
        Thresholds(rule="probability", beta=rules.beta, types={"A": of_type}),
        *(out_of_fold, simulated.truth, scored, simulation.truth),
    )


def test_scores_on_test_truth_are_the_metrics(judged_result, capsys):
    scores = print_scores([judged_result], same_runs=True)
    rules = judged_result.rules
    for rule in ("probability", "curve"):
        thresholds = judged_result.thresholds.model_copy(update={"rule": rule})
        picks = final_picks(
            judged_result.scored,
            "rerank_score",
            rules.suppression_angstrom,
            thresholds.final_values(),
        )
        official = score_picks(judged_result.truth, picks, rules).score
        assert scores["rules"][rule]["score"]["value"] == pytest.approx(official, abs=1e-4)
        assert official <= scores["best_thresholds"]["two_stage"][0]
    # The second score ranks as the first, and the curve's rule does not look at the scale.
    assert scores["rules"]["curve"]["score"]["gain"] == 0
    assert f"| curve | {official:.3f} | {official:.3f} | +0.000" in capsys.readouterr().out
    estimates = print_estimates([judged_result])
    assert estimates["two_stage curve"]["test"] == pytest.approx([official], abs=1e-4)


def test_near_the_thresholds_predicted_and_true_are_told_by_type():
    rows = pd.DataFrame(
        {
            "run": ["r", "r", "s", "s", "s"],
            "particle_type": ["A", "A", "A", "B", "B"],
            "probability": [0.05, 0.09, 0.5, 0.01, 0.03],
            "hit": [True, False, True, False, False],
            "threshold": [0.05, 0.05, 0.05, 0.02, 0.02],
        }
    )
    table = reliability_table(rows)
    near = table["near t, A"]
    assert (near["candidates"], near["true"]) == (2, 0.5)
    assert near["predicted"] == pytest.approx(0.07)
    # A single run tells nothing of how runs differ.
    assert near["true_interval_95"] == (0.0, 1.0)
    assert table["near t, all types"]["candidates"] == 3
    assert table["0.2 to 0.5"]["true"] == 1.0


def test_the_judged_runs_are_the_same_however_many_are_learnt_from() -> None:
    runs = [f"TS_{number}" for number in range(8)]
    few, judged = draw_runs(runs, 2, 4, seed=1)
    more, judged_too = draw_runs(runs, 4, 4, seed=1)
    assert judged == judged_too
    assert set(few) < set(more)
    assert not set(more) & set(judged)
    assert len(draw_runs(runs, 3, 0, seed=1)[1]) == 5
    with pytest.raises(SystemExit, match="more than the 8"):
        draw_runs(runs, 5, 4, seed=1)
