import csv
import json
import math

import numpy as np
import pandas as pd
import pytest

from picking.errors import InputError
from picking.files.batch_record import BatchRecord, FailedRun
from picking.files.picks import read_picks
from picking.files.tables import FAILED_RUNS, PICKS, SCORED_CANDIDATES, SUBMISSION
from stage2_rerank.classifier.candidate_rows import read_candidate_rows
from stage2_rerank.submit import read_classifiers, score_candidates
from stage2_rerank.thresholds.threshold_file import Thresholds
from tests.stage2_rerank.conftest import TEST_RUNS, TYPES

HEADER = "id,experiment,particle_type,x,y,z"


def test_kaggles_layout_to_the_letter(pipeline):
    text = pipeline.path("submission.csv").read_text()
    assert text.splitlines()[0] == HEADER
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["id"] for row in rows] == [str(number) for number in range(len(rows))]
    assert {row["experiment"] for row in rows} == set(TEST_RUNS)
    assert all(math.isfinite(float(row[axis])) for row in rows for axis in "xyz")
    groups = [(row["experiment"], row["particle_type"]) for row in rows]
    assert groups == sorted(groups)


def test_the_same_bytes_again_and_for_any_order_of_files(pipeline):
    first = pipeline.path("submission.csv").read_bytes()
    assert pipeline.submit(TEST_RUNS[::-1], into="again").read_bytes() == first


def test_picks_are_spaced_and_above_their_thresholds(pipeline):
    submission = SUBMISSION.read(pipeline.path("submission.csv"))
    scored = SCORED_CANDIDATES.read(pipeline.path("scored.parquet"))
    thresholds = Thresholds.read(pipeline.path("thresholds.json")).final_values()
    radius = {item.name: item.radius_angstrom for item in pipeline.config.known_particles}
    joined = submission.merge(
        scored.rename(columns={"run": "experiment"}),
        on=["experiment", "particle_type", "x", "y", "z"],
    )
    assert len(joined) == len(submission) > 0
    for (_, name), group in joined.groupby(["experiment", "particle_type"]):
        assert group["rerank_score"].min() > thresholds[name]
        assert group["rerank_score"].is_monotonic_decreasing
        positions = group[["x", "y", "z"]].to_numpy()
        apart = np.linalg.norm(positions[:, None] - positions, axis=2)
        apart[np.diag_indices(len(apart))] = np.inf
        assert apart.min() >= 0.8 * radius[name]


def test_it_finds_most_of_the_hidden_particles(pipeline):
    submission = SUBMISSION.read(pipeline.path("submission.csv"))
    truth = pipeline.simulation.truth
    truth = truth[truth["run"].isin(TEST_RUNS)]
    found = 0
    for row in truth.itertuples():
        same = submission[
            (submission["experiment"] == row.run)
            & (submission["particle_type"] == row.particle_type)
        ]
        offset = same[["x", "y", "z"]].to_numpy() - [row.x, row.y, row.z]
        found += bool(len(offset)) and np.linalg.norm(offset, axis=1).min() < 30
    assert found / len(truth) > 0.8
    assert len(submission) < 2.5 * len(truth)


def test_the_overlay_holds_the_same_picks_with_scores(pipeline):
    submission = SUBMISSION.read(pipeline.path("submission.csv"))
    picks = read_picks(pipeline.path("picks.json"), TEST_RUNS, list(pipeline.types))
    assert len(picks) == len(submission)
    np.testing.assert_array_equal(
        picks[["x", "y", "z"]].to_numpy(), submission[["x", "y", "z"]].to_numpy()
    )
    assert picks["score"].between(0, 1).all()
    table = PICKS.read(pipeline.path("picks.csv"))
    assert table["run"].tolist() == submission["experiment"].tolist()
    pd.testing.assert_frame_equal(
        table.sort_values(PICKS.column_names, ignore_index=True),
        picks.sort_values(PICKS.column_names, ignore_index=True),
        check_exact=True,
    )


def test_no_test_runs_give_a_header_and_a_word(pipeline, capsys):
    path = pipeline.submit([], into="none")
    assert path.read_text() == HEADER + "\n"
    assert "no test runs" in capsys.readouterr().out


def test_runs_that_failed_are_listed_and_not_missed(pipeline, capsys):
    bad, *good = TEST_RUNS
    record = pipeline.path("records/batch0.json")
    failed = {bad: FailedRun(reason="all values are 0"), "another": FailedRun(reason="gone")}
    BatchRecord(split="test", runs={}, failed=failed).write(record)
    path = pipeline.submit(TEST_RUNS, into="failed", further=["--features", str(record)])
    assert set(SUBMISSION.read(path)["experiment"]) == set(good)
    listed = FAILED_RUNS.read(path.with_name("failed_runs.csv"))
    assert listed.to_numpy().tolist() == [[bad, "features", "all values are 0"]]
    with pytest.raises(InputError, match="none could be picked; of the first: all values are 0"):
        pipeline.submit([bad], into="failed", further=["--features", str(record)])


def test_a_run_fails_once_and_the_last_record_has_the_last_word(pipeline):
    again, twice, *good = TEST_RUNS
    records = {}
    for name, runs, failed in (
        ("first", (), (again, twice)),
        ("second", (again,), ()),
        ("third", (), (twice,)),
    ):
        records[name] = pipeline.path(f"records/{name}.json")
        BatchRecord(
            split="test",
            runs={run: {} for run in runs},
            failed={run: FailedRun(reason=name) for run in failed},
        ).write(records[name])
    path = pipeline.submit(
        TEST_RUNS,
        into="twice",
        further=[
            *("--features", str(records["first"]), str(records["second"])),
            *("--proposals", str(records["third"])),
        ],
    )
    assert set(SUBMISSION.read(path)["experiment"]) == {again, *good}
    listed = FAILED_RUNS.read(path.with_name("failed_runs.csv"))
    assert listed.to_numpy().tolist() == [[twice, "stage1_proposals", "third"]]


def test_runs_without_candidates_give_a_header(make_pipeline, pipeline):
    empty = pipeline.simulation.candidates[:0], pipeline.simulation.features[:0]
    none = make_pipeline({"ribosome": TYPES["ribosome"]})
    none.write_tables(type(pipeline.simulation)(*empty, pipeline.simulation.truth), TEST_RUNS)
    rows = read_candidate_rows(
        none.tables("candidates", TEST_RUNS), none.tables("features", TEST_RUNS)
    )
    assert score_candidates(rows, read_classifiers(pipeline.calibrations)).empty


def test_a_type_without_classifier_and_other_features_are_named(pipeline, tmp_path):
    rows = read_candidate_rows(
        pipeline.tables("candidates", TEST_RUNS), pipeline.tables("features", TEST_RUNS)
    )
    with pytest.raises(InputError, match="no classifier for virus-like-particle"):
        score_candidates(rows, read_classifiers(pipeline.calibrations[:-1]))
    saved = json.loads(pipeline.path("stage2/ribosome.json").read_text())
    saved["feature_names"][1] = "another_feature"
    for name in saved["boosters"]:
        (tmp_path / name).write_bytes(pipeline.path(f"stage2/{name}").read_bytes())
    (tmp_path / "ribosome.json").write_text(json.dumps(saved))
    with pytest.raises(InputError, match=r"ribosome.*other features"):
        score_candidates(rows, read_classifiers([tmp_path / "ribosome.json"]))


def test_saved_numbers_come_back_exactly(pipeline):
    submission = SUBMISSION.read(pipeline.path("submission.csv"))
    scored = SCORED_CANDIDATES.read(pipeline.path("scored.parquet"))
    assert set(submission["x"]) <= set(scored["x"])
    assert pd.api.types.is_float_dtype(submission["x"])
