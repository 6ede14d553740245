import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picking.config import CZII_PARTICLES, CZII_WEIGHTS
from picking.errors import InputError
from picking.metric import main
from picking.scoring.metric import METRIC_COLUMNS, TypeScore, score

RADII = {particle.name: particle.radius_angstrom for particle in CZII_PARTICLES}
# The apo-ferritin's hit radius: half of 60 Å.
HIT = 30.0


def frame(*rows):
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def czii_score(truth, submission):
    return score(truth, submission, RADII, CZII_WEIGHTS)


def counts(result, particle_type="apo-ferritin"):
    found = result.per_type[particle_type]
    return found.tp, found.fp, found.fn


def test_perfect_answer_to_all_types_scores_one():
    truth = frame(*[("a", name, 100.0 * n, 0.0, 0.0) for n, name in enumerate(RADII)])
    result = czii_score(truth, truth)
    assert result.score == 1.0
    assert result.per_type["ribosome"] == TypeScore(1.0, 1.0, 1.0, 1, 0, 0)


def test_hand_computed_fbeta_and_weights():
    # Three references, two of them hit, one candidate astray: p = 2/3, r = 2/3, F = 2/3.
    # Thyroglobulin: one of two references hit by the only candidate: p = 1, r = 1/2,
    # F = 17 * 0.5 / (16 + 0.5). Score = (1 * 2/3 + 2 * F) / 7: the absent types count below.
    truth = frame(
        ("a", "apo-ferritin", 0, 0, 0),
        ("a", "apo-ferritin", 500, 0, 0),
        ("b", "apo-ferritin", 0, 0, 0),
        ("b", "thyroglobulin", 0, 0, 1),
        ("a", "thyroglobulin", 0, 900, 0),
    )
    submission = frame(
        ("a", "apo-ferritin", 10, 0, 0),
        ("b", "apo-ferritin", 0, 0, 29),
        ("b", "apo-ferritin", 0, 300, 0),
        ("b", "thyroglobulin", 0, 0, 64),
    )
    result = czii_score(truth, submission)
    assert counts(result) == (2, 1, 1)
    assert counts(result, "thyroglobulin") == (1, 0, 1)
    assert result.per_type["apo-ferritin"].fbeta == pytest.approx(2 / 3)
    assert result.per_type["thyroglobulin"].fbeta == pytest.approx(8.5 / 16.5)
    assert result.score == pytest.approx((2 / 3 + 2 * 8.5 / 16.5) / 7)
    assert list(result.per_type) == ["apo-ferritin", "thyroglobulin"]


def test_fbeta_is_the_count_form():
    # F4 = 17 TP / (16 N + n), for any counts.
    truth = frame(*[("a", "ribosome", 1000.0 * n, 0, 0) for n in range(7)])
    submission = frame(*[("a", "ribosome", 1000.0 * n, 0, 0) for n in range(3, 14)])
    assert czii_score(truth, submission).per_type["ribosome"].fbeta == pytest.approx(
        17 * 4 / (16 * 7 + 11)
    )


def test_boundary_is_a_hit_and_beyond_is_not():
    truth = frame(("a", "apo-ferritin", 0, 0, 0))
    assert counts(czii_score(truth, frame(("a", "apo-ferritin", HIT, 0, 0)))) == (1, 0, 0)
    beyond = np.nextafter(HIT, 99)
    assert counts(czii_score(truth, frame(("a", "apo-ferritin", beyond, 0, 0)))) == (0, 1, 1)


def test_double_hit_counts_once():
    truth = frame(("a", "apo-ferritin", 0, 0, 0))
    submission = frame(("a", "apo-ferritin", 5, 0, 0), ("a", "apo-ferritin", -5, 0, 0))
    assert counts(czii_score(truth, submission)) == (1, 1, 0)


def test_one_candidate_on_two_references_makes_fp_negative():
    truth = frame(("a", "apo-ferritin", -15, 0, 0), ("a", "apo-ferritin", 15, 0, 0))
    result = czii_score(truth, frame(("a", "apo-ferritin", 0, 0, 0)))
    assert counts(result) == (2, -1, 0)
    # Precision is 2 / (2 - 1) = 2, and nobody clips it: F = 17 * 2 / (32 + 1).
    assert result.per_type["apo-ferritin"].precision == 2.0
    assert result.per_type["apo-ferritin"].fbeta == pytest.approx(34 / 33)


def test_no_candidates_and_no_references():
    truth = frame(("a", "apo-ferritin", 0, 0, 0), ("b", "ribosome", 0, 0, 0))
    nothing = czii_score(truth, frame())
    assert nothing.score == 0.0
    assert counts(nothing) == (0, 0, 1)
    # In experiment b apo-ferritin has no references: both candidates are false.
    elsewhere = frame(("b", "apo-ferritin", 0, 0, 0), ("b", "apo-ferritin", 9, 0, 0))
    assert counts(czii_score(truth, elsewhere)) == (0, 2, 1)


def test_type_absent_from_the_truth_scores_nothing_but_weighs():
    truth = frame(("a", "apo-ferritin", 0, 0, 0))
    submission = frame(("a", "apo-ferritin", 0, 0, 0), ("a", "ribosome", 0, 0, 0))
    result = czii_score(truth, submission)
    assert result.score == 1 / 7
    assert list(result.per_type) == ["apo-ferritin"]


def test_other_experiments_are_dropped_before_types_are_checked():
    truth = frame(("a", "apo-ferritin", 0, 0, 0))
    submission = frame(("a", "apo-ferritin", 0, 0, 0), ("z", "no-such-type", np.nan, 0, 0))
    assert counts(czii_score(truth, submission)) == (1, 0, 0)


@pytest.mark.parametrize("nothing", [np.nan, None, "", " "])
def test_a_row_of_another_experiment_or_none_is_dropped_unseen(nothing):
    truth = frame(("a", "apo-ferritin", 0, 0, 0))
    judged = ("a", "apo-ferritin", 0, 0, 0)
    for other in (("z", nothing, 0, 0, 0), (nothing, "apo-ferritin", 0, 0, 0)):
        assert counts(czii_score(truth, frame(judged, other))) == (1, 0, 0)
    with pytest.raises(InputError, match="1 row\\(s\\) have no particle_type"):
        czii_score(truth, frame(judged, ("a", nothing, 0, 0, 0)))


def test_types_do_not_hit_each_other():
    truth = frame(("a", "apo-ferritin", 0, 0, 0), ("a", "ribosome", 1, 0, 0))
    submission = frame(("a", "ribosome", 0, 0, 0))
    assert counts(czii_score(truth, submission)) == (0, 0, 1)


def test_other_radii_weights_beta_and_multiplier():
    truth = frame(("a", "mine", 0, 0, 0), ("a", "mine", 100, 0, 0))
    submission = frame(("a", "mine", 9, 0, 0))
    result = score(truth, submission, {"mine": 10.0}, {"mine": 3.0}, 1.0, 1.0)
    assert result.score == pytest.approx(2 / 3)
    assert score(truth, submission, {"mine": 10.0}, {"mine": 3.0}, 1.0, 0.5).score == 0.0


GOOD = ("a", "apo-ferritin", 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("truth", "submission", "message"),
    [
        (frame(GOOD), frame(("a", "gold", 0, 0, 0)), "submission: Unrecognized `particle_type`"),
        (frame(("a", "gold", 0, 0, 0)), frame(GOOD), "truth: Unrecognized"),
        (frame(GOOD, ("a", "ribosome", 0, 0, 0)), frame(GOOD), r"repeat .* a at \(0.0, 0.0, 0.0\)"),
        (frame(GOOD), frame(GOOD).drop(columns=["y", "z"]), r"submission: lacks .*\(s\) y, z"),
        (frame(GOOD).drop(columns="experiment"), frame(GOOD), "truth: lacks .* experiment"),
        (frame(GOOD), frame(("a", "ribosome", np.nan, 0, np.inf)), "non-finite values in x, z"),
        (frame(("a", "ribosome", 0, np.nan, 0)), frame(GOOD), "truth: .* non-finite values in y"),
        (frame(GOOD), frame(("a", "ribosome", "here", 0, 0)), "submission: .* not a number"),
        (frame(GOOD, ("a", None, 1, 0, 0)), frame(GOOD), "truth: 1 .* have no particle_type"),
    ],
)
def test_bad_tables_are_refused(truth, submission, message):
    with pytest.raises(InputError, match=message):
        czii_score(truth, submission)


def test_weights_have_to_fit_the_radii():
    with pytest.raises(InputError, match=r"scoring\.weights"):
        score(frame(GOOD), frame(GOOD), RADII, {"apo-ferritin": 1.0})


def naive_counts(truth, submission, particle_type):
    tp = fp = fn = 0
    for experiment in {row[0] for row in truth}:
        here = [np.array(row[2:]) for row in truth if row[:2] == (experiment, particle_type)]
        found = [np.array(row[2:]) for row in submission if row[:2] == (experiment, particle_type)]
        radius = RADII[particle_type] / 2
        hit = sum(any(np.sum((a - b) ** 2) <= radius**2 for b in found) for a in here)
        tp, fp, fn = tp + hit, fp + len(found) - hit, fn + len(here) - hit
    return tp, fp, fn


# A coarse grid brings distances to the boundary: 30, 65 and 75 Å occur exactly.
places = st.integers(-20, 20).map(lambda n: 5.0 * n)
rows = st.tuples(st.sampled_from("abc"), st.sampled_from(sorted(RADII)), places, places, places)
row_lists = st.lists(rows, max_size=30)
truth_lists = st.lists(rows, min_size=1, max_size=30, unique_by=lambda row: (row[0], *row[2:]))


@settings(deadline=None, max_examples=60)
@given(truth_lists, row_lists)
def test_counts_are_those_of_a_naive_count(truth, submission):
    result = czii_score(frame(*truth), frame(*submission))
    assert set(result.per_type) == {row[1] for row in truth}
    for particle_type in result.per_type:
        assert counts(result, particle_type) == naive_counts(truth, submission, particle_type)


@settings(deadline=None, max_examples=40)
@given(truth_lists, row_lists, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(truth, submission, random):
    before = czii_score(frame(*truth), frame(*submission))
    random.shuffle(truth)
    random.shuffle(submission)
    after = czii_score(frame(*truth), frame(*submission))
    assert after.per_type == before.per_type
    # Only the order of the last sum may change.
    assert after.score == pytest.approx(before.score, rel=1e-15)


def write_csv(path, content):
    if isinstance(content, pd.DataFrame):
        content.to_csv(path, index=False)
    else:
        path.write_text(content)
    return str(path)


def test_command_prints_one_json_object(tmp_path, capsys):
    truth = write_csv(tmp_path / "t.csv", frame(("001", "ribosome", 0.1, 0, 0)))
    answer = frame(("001", "ribosome", 75.1, 0, 0)).assign(id=0)
    main([truth, write_csv(tmp_path / "s.csv", answer)])
    printed = json.loads(capsys.readouterr().out)
    assert printed == {
        "score": 1 / 7,
        "per_type": {
            "ribosome": {"fbeta": 1, "precision": 1, "recall": 1, "tp": 1, "fp": 0, "fn": 0}
        },
    }


def test_command_takes_particles_from_a_configuration(tmp_path, capsys):
    config = tmp_path / "config.yaml"
    config.write_text(
        "particles: [{name: mine, label: 1, radius_angstrom: 10}]\n"
        "scoring: {distance_multiplier: 1, weights: {mine: 2}}\n"
    )
    table = write_csv(tmp_path / "t.csv", frame(("a", "mine", 0, 0, 0)))
    main([table, table, "--config", str(config)])
    assert json.loads(capsys.readouterr().out)["score"] == 1.0


HEADER = ",".join(METRIC_COLUMNS) + "\n"


def test_submission_without_rows_scores_zero(tmp_path, capsys):
    truth = write_csv(tmp_path / "t.csv", frame(GOOD))
    main([truth, write_csv(tmp_path / "s.csv", HEADER)])
    assert json.loads(capsys.readouterr().out)["score"] == 0.0


@pytest.mark.parametrize(
    ("truth", "submission", "message"),
    [
        ("", frame(GOOD), "t.csv: is not a readable CSV"),
        (HEADER, frame(GOOD), "t.csv: holds no picks"),
        (frame(GOOD), "", "s.csv: is not a readable CSV"),
        (frame(GOOD), HEADER + "a,apo-ferritin,1,,3\n", "s.csv: .* non-finite values in y"),
        (frame(GOOD), HEADER + "a,apo-ferritin,1,2,three\n", "s.csv: .* not a number"),
        (frame(GOOD), HEADER + 'a,"apo\n', "s.csv"),
        (HEADER + ",apo-ferritin,1,2,3\n", frame(GOOD), r"t.csv: 1 row\(s\) have no experiment"),
    ],
)
def test_bad_files_are_named(tmp_path, truth, submission, message):
    paths = [write_csv(tmp_path / "t.csv", truth), write_csv(tmp_path / "s.csv", submission)]
    with pytest.raises(InputError, match=message) as caught:
        main(paths)
    assert "\n" not in str(caught.value)


def test_bad_input_is_one_line_and_exit_status_2(tmp_path):
    truth = write_csv(tmp_path / "t.csv", frame(GOOD))
    command = [sys.executable, "-m", "picking.metric", truth, str(tmp_path / "none.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "none.csv" in done.stderr
