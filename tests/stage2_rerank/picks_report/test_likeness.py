"""What is said of runs that are like the training runs, and of others."""

import numpy as np
import pytest

from picking.errors import InputError
from stage2_rerank.picks_report.likeness import chance_distance, likeness_of, shift_limit
from stage2_rerank.picks_report.run_measures import FEATURE_DISTANCE, PICKS_DENSITY
from stage2_rerank.picks_report.run_table import run_figures
from stage2_rerank.picks_report.training_summary import TrainingSummary
from tests.stage2_rerank.picks_report.made_runs import (
    RULES,
    TRAINING_RUNS,
    VOLUME,
    picked_runs,
    training_summary,
)


def verdict(picked, summary):
    return likeness_of(picked.measured, picked.counts, summary)


def shifted(names, by):
    return lambda table: table.assign(**{name: table[name] + by for name in names})


@pytest.mark.parametrize("number", [1, 3, 20])
def test_like_runs_are_called_so(summary, number):
    found = verdict(picked_runs(number, summary), summary)
    assert (found.is_unlike, found.unlike_in) == (False, ())


def test_another_background_is_named(summary):
    other = picked_runs(6, summary, features=shifted(["context_background_std"], 0.8))
    found = verdict(other, summary)
    assert found.is_unlike
    assert any(reason.startswith("background spread (1.6") for reason in found.unlike_in)
    assert not found.measures["background mean"].is_unlike


def test_other_features_are_counted_and_named(summary):
    odd = [f"f{number}" for number in range(20)]
    found = verdict(picked_runs(6, summary, features=shifted(odd, 1.5)), summary)
    (of_run, of_features) = found.unlike_in
    assert of_run.startswith(FEATURE_DISTANCE)
    assert of_features.startswith("20 of 32 features, most in f")
    assert {name for name, one in found.features.items() if one.is_unlike} == set(odd)


def test_a_few_odd_features_are_listed_first_and_no_alarm(summary):
    found = verdict(picked_runs(6, summary, features=shifted(["f3", "f4"], 1.5)), summary)
    assert not found.is_unlike
    assert set(list(found.features)[:2]) == {"f3", "f4"}


def test_other_scores_of_one_type_are_named(summary):
    def lower(table):
        of_type = table["particle_type"] == "B"
        return table.assign(
            proposal_score=table["proposal_score"].where(~of_type, table["proposal_score"] / 4)
        )

    found = verdict(picked_runs(6, summary, candidates=lower), summary)
    assert "the proposal scores of B" in found.unlike_in


def test_larger_tomograms_with_more_picks_are_like_the_others(summary):
    larger = picked_runs(4, summary, volume=5 * VOLUME)
    found = verdict(larger, summary)
    assert not found.is_unlike
    assert found.measures[PICKS_DENSITY].median == pytest.approx(
        found.measures[PICKS_DENSITY].training, rel=0.1
    )
    figures = run_figures(larger, summary, RULES)
    assert not any(one.out_of_line for one in figures.values())
    # As many picks in a smaller tomogram are too many.
    smaller = picked_runs(4, summary)
    crowded = type(smaller)(
        dict.fromkeys(larger.volumes_cubic_angstrom, VOLUME),
        larger.picks,
        smaller.measured,
        larger.counts,
        larger.above_thresholds,
    )
    assert all(one.picks.flagged for one in run_figures(crowded, summary, RULES).values())


def test_an_odd_run_among_many_stands_first_and_says_why(summary):
    picked = picked_runs(
        30, summary, features=shifted(["context_background_std"], 0.8), only="r017"
    )
    assert not verdict(picked, summary).is_unlike
    figures = run_figures(picked, summary, RULES)
    assert next(iter(figures)) == "r017"
    (reason,) = figures["r017"].out_of_line
    assert reason.startswith("background spread +")
    in_line = [run for run, one in figures.items() if not one.out_of_line]
    assert len(in_line) >= 28  # chance puts one more out of line
    assert in_line == list(figures)[-len(in_line) :] == sorted(in_line)


def test_a_run_without_candidates_has_no_picks_and_no_scores(summary):
    figures = run_figures(
        picked_runs(5, summary, candidates=lambda table: table.iloc[:0], only="r002"),
        summary,
        RULES,
    )
    (first, *_) = figures
    assert first == "r002"
    assert figures["r002"].picks.value == 0
    assert figures["r002"].measures["mean rerank score"].value is None


def test_training_runs_stand_as_far_from_the_others_as_new_runs_do(summary):
    new = picked_runs(12, summary).measured[FEATURE_DISTANCE].median()
    assert summary.measures[FEATURE_DISTANCE].median == pytest.approx(new, rel=0.15)


def test_two_training_runs_are_too_few_to_call_a_measure_unlike():
    summary = training_summary(TRAINING_RUNS[:2])
    picked = picked_runs(3, summary)
    found = verdict(picked, summary)
    assert not found.is_unlike
    assert all(one.shift is None for one in found.measures.values())
    assert all(one.picks.z is None for one in run_figures(picked, summary, RULES).values())


def test_nothing_known_is_no_verdict(summary):
    bare = summary.model_copy(update={"measures": {}, "types": {}})
    picked = picked_runs(2, bare)
    assert picked.counts == {}
    assert verdict(picked, bare).is_unlike is None


def test_namesakes_of_training_runs_are_counted(summary):
    measured = picked_runs(2, summary).measured.rename(index={"r000": TRAINING_RUNS[0]})
    assert likeness_of(measured, {}, summary).namesakes == 1


def test_chance_differs_with_the_number_of_runs():
    halves = np.array([0.2])
    # As many runs as in training: each side has twice the runs of a half.
    assert chance_distance(halves, 8, 8) == pytest.approx(0.2 / np.sqrt(2))
    assert chance_distance(halves, 1, 8) == pytest.approx(0.2 * 1.5)
    assert shift_limit(1, 8) > shift_limit(8, 8) > shift_limit(500, 8) > shift_limit(500, 500) == 1


def test_the_summary_is_small_and_reads_as_it_was_written(summary, tmp_path):
    path = tmp_path / "training_summary.json"
    summary.write(path)
    read = TrainingSummary.read(path)
    assert read == summary
    same = picked_runs(2, read)
    assert verdict(same, read) == verdict(same, summary)


def test_other_features_than_in_training_are_refused(summary):
    with pytest.raises(InputError, match="r000: has other features than the training runs"):
        picked_runs(2, summary, features=lambda table: table.drop(columns="f3"))


def test_candidates_without_features_are_refused(summary):
    with pytest.raises(InputError, match=r"r001: lacks 5 candidate\(s\)"):
        picked_runs(2, summary, features=lambda table: table.iloc[5:], only="r001")
