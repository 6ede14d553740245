import numpy as np
import pandas as pd
import pytest

from picking.errors import InputError
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.classifier.leaking_features import refuse_leaking_features
from tests.stage2_rerank.simulated_candidates import SimulatedType, simulate

TYPES = {
    "hard": SimulatedType(12, 60, 1.5, 1.0, 0.9),
    "hard as well": SimulatedType(12, 60, 1.5, 1.0, 0.9),
    "easy": SimulatedType(12, 10, 6.0, 0.5),
}
RUNS = [f"run_{number}" for number in range(5)]


@pytest.fixture
def labelled():
    return labelled_candidates(TYPES)


def labelled_candidates(types):
    simulation = simulate(types, RUNS, seed=0, number_of_features=10, informative=3)
    features = simulation.features.drop(columns=["run", "candidate_id", "particle_type"])
    features.insert(0, "proposal_score", simulation.candidates["proposal_score"])
    positive = label_candidates(simulation.candidates, simulation.truth, dict.fromkeys(types, 30.0))
    return CandidateRows(simulation.candidates, features), positive


def with_feature(rows, values):
    return CandidateRows(rows.candidates, rows.features.assign(added=np.asarray(values, float)))


def test_honest_features_pass(labelled):
    refuse_leaking_features(*labelled)


@pytest.mark.parametrize("made_from", ["number", "truth"])
def test_a_feature_made_from_the_runs_identity_is_refused(labelled, made_from):
    rows, positive = labelled
    runs = rows.candidates["run"]
    particles = pd.Series(positive).groupby(runs.to_numpy()).sum()
    values = runs.str[-1].astype(int) if made_from == "number" else runs.map(particles)
    with pytest.raises(InputError, match=r"added.*tell runs apart"):
        refuse_leaking_features(with_feature(rows, values), positive)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_feature_made_from_the_judged_runs_truth_is_refused(labelled, sign):
    rows, positive = labelled
    noise = np.random.default_rng(0).normal(0, 0.1, len(positive))
    with pytest.raises(InputError, match=r"added.*every particle type"):
        refuse_leaking_features(with_feature(rows, sign * (positive + noise)), positive)


@pytest.mark.parametrize("name", ["easy", "hard"])
def test_what_separates_one_type_alone_is_honest(labelled, name):
    rows, positive = labelled
    of_type = (rows.candidates["particle_type"] == name).to_numpy()
    refuse_leaking_features(with_feature(rows, np.where(of_type, positive, 0)), positive)


def test_where_all_types_are_easy_a_feature_may_repeat_the_score():
    easy = dict.fromkeys(("one", "two", "three"), SimulatedType(12, 10, 8.0, 0.0))
    rows, positive = labelled_candidates(easy)
    refuse_leaking_features(with_feature(rows, rows.features["proposal_score"]), positive)


def test_a_run_of_one_candidate_casts_no_suspicion_on_a_rare_value(labelled):
    rows, positive = labelled
    single = rows.candidates["run"].eq(RUNS[0]).to_numpy() & (np.arange(len(positive)) > 0)
    kept = ~single
    fewer = CandidateRows(
        rows.candidates[kept].reset_index(drop=True), rows.features[kept].reset_index(drop=True)
    )
    rare = fewer.candidates["run"].eq(RUNS[0])
    refuse_leaking_features(with_feature(fewer, rare), positive[kept])


def test_a_feature_that_is_the_same_everywhere_says_nothing_and_passes(labelled):
    rows, positive = labelled
    refuse_leaking_features(with_feature(rows, np.ones(len(positive))), positive)


def test_few_runs_or_candidates_are_no_reason_for_suspicion(labelled):
    rows, positive = labelled
    two = rows.candidates["run"].isin(RUNS[:2]).to_numpy()
    few = CandidateRows(
        rows.candidates[two].reset_index(drop=True), rows.features[two].reset_index(drop=True)
    )
    numbered = with_feature(few, few.candidates["run"].str[-1].astype(int))
    refuse_leaking_features(numbered, positive[two])
    none = CandidateRows(rows.candidates[:0], rows.features[:0])
    refuse_leaking_features(none, positive[:0])
