"""What pair-wise networks learn from, and which candidates stage 2 then learns from and judges."""

from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pandas as pd
import pytest

from benchmarks import pair_proposals
from benchmarks.pair_judging import join_folds, judge_fold, networks_for, read_pairs, rows_for
from benchmarks.pair_proposals import (
    ResultToPair,
    Stage,
    claim,
    folds_of_pair,
    make_pair,
    pair_folder,
    pairs_of,
    prepare,
    run_stage,
    stages_of,
)
from benchmarks.pairwise_networks import judge_all, print_auc, print_differences, print_scores
from benchmarks.rerank_variants import Results, Variant, judge
from picking.config import PipelineConfig
from picking.config.stage1_proposals import NOTHING
from picking.data_in.inventory import resolve
from picking.errors import InputError
from picking.files.batch_record import feature_file, proposal_files
from picking.files.tables import CANDIDATES, FEATURES
from picking.scoring.folds import Folds
from stage2_rerank.classifier.candidate_rows import CandidateRows
from tests.stage2_rerank.simulated_candidates import SimulatedType, simulate

FOLDS = Folds((("a", "e"), ("b", "f"), ("c", "g"), ("d", "h")))
SHIFT_ANGSTROM = 3.0  # of the pairs' candidates, well within the radius of a hit
MEMBER = "resnet18-w8-seed5"


def test_a_pairs_network_learns_from_neither_fold_and_others_stay_as_they_are():
    folds = folds_of_pair(FOLDS, (1, 3))
    assert folds.judged_runs(0) == ("b", "d", "f", "h")
    assert folds.training_runs(0) == ("a", "c", "e", "g")
    assert folds.folds[1:] == (("a", "e"), ("c", "g"))


@pytest.mark.parametrize("number", [3, 4, 5])
def test_pairwise_networks_have_not_seen_the_judged_fold_and_weak_ones_have(number):
    for judged in range(number):
        others = {fold for fold in range(number) if fold != judged}
        assert networks_for(number, judged, 0) == {
            fold: tuple(sorted((fold, judged))) for fold in others
        }
        weak = [networks_for(number, judged, turn) for turn in range(1, number - 1)]
        for fold in others:
            unseen = [set(networks[fold]) for networks in weak]
            assert all(fold in pair and judged not in pair for pair in unseen)
            # Every further fold is left out once.
            assert set().union(*unseen) == others
            assert len({frozenset(pair) for pair in unseen}) == number - 2
        assert {pair for networks in weak for pair in networks.values()} <= set(pairs_of(number))


@pytest.fixture(scope="module")
def results():
    simulation = simulate(
        {"A": SimulatedType(12, 60, 1.5, 1.2, 0.9)},
        list(FOLDS.runs),
        seed=5,
        number_of_features=8,
        informative=4,
    )
    features = simulation.features.drop(columns=["run", "candidate_id", "particle_type"])
    features.insert(0, "proposal_score", simulation.candidates["proposal_score"])
    order = simulation.candidates.sort_values(["run", "candidate_id"]).index
    config = PipelineConfig.model_validate(
        {
            "particles": [{"name": "A", "label": 1, "radius_angstrom": 60}],
            "stage2_rerank": {"classifier": {"max_trees": 10, "bags": 1}},
        }
    )
    rows = CandidateRows(
        simulation.candidates.loc[order].reset_index(drop=True),
        features.loc[order].reset_index(drop=True),
    )
    return Results("simulated", resolve(config), FOLDS, simulation.truth, rows)


def of_pairs(results, sign=1.0):
    """The same candidates for every pair, elsewhere by a little; features times ``sign``."""
    made = {}
    for number, pair in enumerate(pairs_of(FOLDS.number), start=1):
        runs = [run for fold in pair for run in FOLDS.judged_runs(fold)]
        of_runs = results.rows.candidates["run"].isin(runs)
        candidates = results.rows.candidates[of_runs].reset_index(drop=True)
        features = results.rows.features[of_runs].reset_index(drop=True)
        features.iloc[:, 1:] *= sign
        candidates["z"] += SHIFT_ANGSTROM * number
        made[pair] = CandidateRows(candidates, features)
    return made


def test_pairs_are_read_from_their_own_folders(results, tmp_path):
    pairs = of_pairs(results)
    for pair, rows in pairs.items():
        folder = pair_folder(tmp_path, pair)
        for run, of_run in rows.candidates.groupby("run"):
            CANDIDATES.write(of_run, proposal_files(folder, run)["candidates"])
            features = rows.features.loc[of_run.index].drop(columns="proposal_score")
            keys = of_run[["run", "candidate_id", "particle_type"]]
            FEATURES.write(pd.concat([keys, features], axis=1), feature_file(folder, run))
    read = read_pairs(results, tmp_path)
    assert list(read) == pairs_of(4)
    for pair, rows in pairs.items():
        pd.testing.assert_frame_equal(read[pair].candidates, rows.candidates)
        pd.testing.assert_frame_equal(read[pair].features, rows.features)
    fewer = CandidateRows(results.rows.candidates, results.rows.features.iloc[:, :-1])
    with pytest.raises(InputError, match="other features"):
        read_pairs(replace(results, rows=fewer), tmp_path)


def test_every_run_has_the_candidates_of_the_network_that_was_chosen_for_it(results):
    pairs = of_pairs(results)
    for turn in range(3):
        rows = rows_for(results.rows, pairs, FOLDS, 2, networks_for(4, 2, turn)).candidates
        keys = ["run", "candidate_id"]
        np.testing.assert_array_equal(rows[keys], results.rows.candidates[keys])
        moved = (rows["z"] - results.rows.candidates["z"]).round(6) / SHIFT_ANGSTROM
        found = {
            run: pairs_of(4)[int(number) - 1] if number else None
            for run, number in moved.groupby(rows["run"]).unique().explode().items()
        }
        wanted = {2: None} | networks_for(4, 2, turn)
        assert found == {run: wanted[FOLDS.fold_of(run)] for run in FOLDS.runs}


def test_with_the_standard_candidates_everything_is_as_it_ever_was(results):
    usual = judge(results, Variant("default"))
    folds = [judge_fold(results, results.rows, fold) for fold in range(4)]
    joined = join_folds(results, folds)
    for rule, stages in usual.by_rule.items():
        for stage, counts in stages.items():
            np.testing.assert_array_equal(joined.by_rule[rule][stage].hits, counts.hits)
            np.testing.assert_array_equal(joined.by_rule[rule][stage].picks, counts.picks)
            assert counts.hits.sum() > 0
    assert joined.auc["two_stage"]["A"] > joined.auc["stage1"]["A"] + 0.03


def test_only_standard_candidates_of_the_judged_fold_are_picked(results):
    rows = rows_for(results.rows, of_pairs(results), FOLDS, 1, networks_for(4, 1, 0))
    judged = judge_fold(results, rows, 1)
    standard = results.rows.candidates
    places = set(standard.loc[standard["run"].isin(["b", "f"]), "z"])
    for picks in (*judged.picks.values(), judged.out_of_fold):
        assert len(picks)
        assert set(picks["run"]) == {"b", "f"}
        assert set(picks["z"]) <= places


def test_stage_2_learns_from_the_pairs_candidates(results, capsys):
    judged = judge_all(results, of_pairs(results, sign=-1.0), processes=2)
    assert [len(ways) for ways in judged.values()] == [1, 1, 2]
    auc = print_auc(results, judged)["A"]
    # What it learns is the wrong way round, and only there.
    assert max(auc["pair-wise"], auc["as weak"]) < auc["stage 1"] < auc["standard"]
    differences = print_differences(results, judged)["probability"]
    of_both = differences["both stages: standard less pair-wise"]["score"]
    scores = print_scores(results, judged)["probability"]
    assert of_both["gain"] > 0.03
    assert of_both["gain"] == pytest.approx(
        scores["standard"]["score"]["value"] - scores["pair-wise"]["score"]["value"], abs=2e-4
    )
    # Stage 1's own score is the same everywhere.
    assert differences["stage 1 alone: as weak less pair-wise"]["score"]["gain"] == 0
    assert f"{of_both['gain']:+.3f} (" in capsys.readouterr().out


@pytest.fixture
def finished(tmp_path):
    folder = tmp_path / "results" / "name"
    names = {*pair_proposals.TRAINING_SETTINGS, *pair_proposals.FEATURE_SETTINGS}
    for name in (
        *(f"settings/{name}.yaml" for name in names),
        *("folds.json", "truth.csv", "picks_density.json", "stage1/precision.json"),
        "structures.npz",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    config = PipelineConfig.model_validate({"stage1_proposals": {"prediction": {"passes": 2}}})
    return ResultToPair(folder, resolve(config), FOLDS, {MEMBER: NOTHING})


def argument(stage, name):
    return stage.arguments[stage.arguments.index(name) + 1]


def test_the_commands_leave_out_the_pair_and_write_beside_the_result(finished, tmp_path):
    work = tmp_path / "work"
    prepare(finished, work, (0, 2))
    prepare(finished, work, (0, 2))  # again, after an interruption
    train, propose, average, extract = stages_of(finished, work, (0, 2))
    assert argument(train, "--fold") == "0"
    assert argument(train, "--seed") == "5"
    assert str(work / "pair_0_2" / "start_nothing.yaml") in train.arguments
    for stage in (train, propose, average):
        folds = Folds.read(Path(argument(stage, "--folds")))
        assert folds.training_runs(0) == ("b", "d", "f", "h")
    runs = propose.arguments[propose.arguments.index("--runs") + 1 :][:5]
    assert runs == ("a", "c", "e", "g", "--density")
    assert {argument(stage, "--results") for stage in (propose, extract)} == {
        str(work / "pair_0_2")
    }
    assert argument(extract, "--structures") == str(finished.folder / "structures.npz")
    at = extract.arguments.index("--averages") + 1
    averages = (argument(average, "--output"), argument(average, "--folds"))
    assert extract.arguments[at : at + 2] == averages
    # Four networks look at a test run of the result, three at one of the pair: the same passes.
    assert '"passes": 4' in (work / "pair_0_2" / "passes.yaml").read_text()
    stage1 = work / "pair_0_2" / "stage1" / MEMBER
    links = {path.name: path.readlink() for path in stage1.iterdir()}
    kept = finished.folder / "stage1" / MEMBER
    assert links == {"fold1": kept / "fold1", "fold2": kept / "fold3"}


def test_what_is_done_is_not_done_again(finished, tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(pair_proposals, "check_start", lambda *_: None)
    monkeypatch.setattr(
        pair_proposals.subprocess,
        "run",
        lambda command, **_: begun.append(command[2]) or CompletedProcess(command, 0),
    )
    work = tmp_path / "work"
    for stage in stages_of(finished, work, (1, 2))[:2]:
        stage.done.parent.mkdir(parents=True, exist_ok=True)
        stage.done.write_text("{}")
    make_pair(finished, work, (1, 2))
    assert begun == ["features.learn_averages", "features.extract"]


def test_a_stage_that_fails_ends_with_its_own_words(tmp_path):
    stage = Stage("train", ("picking.no_such_module",), tmp_path / "done.json")
    with pytest.raises(InputError, match="no_such_module"):
        run_stage(stage, tmp_path)


def test_the_pairs_of_another_result_are_left_alone(finished, tmp_path):
    claim(tmp_path / "work", finished)
    claim(tmp_path / "work", finished)
    with pytest.raises(InputError, match="another result"):
        claim(tmp_path / "work", replace(finished, starts={MEMBER: "pretrained 123"}))
    (finished.folder / "truth.csv").write_text("other picks")
    with pytest.raises(InputError, match="another result"):
        claim(tmp_path / "work", finished)
