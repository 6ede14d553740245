"""What a workflow says when it has succeeded."""

import os
from pathlib import Path

import pytest

from picking.workflow.make_plan import make_plan
from picking.workflow.plan import ResultPlan
from picking.workflow.summary import answer_times, summary_lines


@pytest.fixture
def plan(kaggle_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ResultPlan:
    monkeypatch.chdir(tmp_path)
    plan = make_plan({"dataset": str(kaggle_dataset), "name": "mine"}, "here")
    plan.folder.mkdir(parents=True)
    (plan.folder / "submission.csv").touch()
    (plan.folder / "cv_report.html").touch()
    return plan


def test_the_answer_is_named_when_it_was_asked_for(plan: ResultPlan) -> None:
    expected = [
        "submission: results/mine/submission.csv",
        "cross-validation report: results/mine/cv_report.html",
    ]
    before = answer_times(plan)
    assert summary_lines(plan, set(), before) == expected
    assert summary_lines(plan, {"submission"}, before) == expected


def test_of_another_target_only_what_it_has_made_is_named(plan: ResultPlan) -> None:
    before = answer_times(plan)
    assert summary_lines(plan, {"cv_report"}, before) == []
    # Written by a file server whose clock lags.
    os.utime(plan.folder / "cv_report.html", (100.0, 100.0))
    assert summary_lines(plan, {"cv_report"}, before) == [
        "cross-validation report: results/mine/cv_report.html"
    ]


def test_files_for_other_software_are_named_when_they_are_new(plan: ResultPlan) -> None:
    (plan.folder / "picks_star").mkdir()
    before = answer_times(plan)
    assert not [line for line in summary_lines(plan, {"submission"}, before) if "RELION" in line]
    os.utime(plan.folder / "picks_star", (100.0, 100.0))
    assert summary_lines(plan, {"picks_star"}, before) == [
        "picks for RELION: results/mine/picks_star"
    ]


def test_the_synthetic_test_runs_are_scored_where_there_is_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = make_plan({}, "here")
    assert summary_lines(plan, set(), {}) == []  # for instance after --until
    header = "experiment,particle_type,x,y,z\n"
    row = f"{plan.runs.test[0]},ribosome,100,200,300\n"
    truth = Path(plan.synthetic.truth)
    for path in (truth, plan.folder / "submission.csv"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + row)
    # The ribosome weighs one in seven; the other types are not in this truth.
    assert summary_lines(plan, set(), {})[-1] == (
        "score on the synthetic test runs: 0.1429 (ribosome 1.000)"
    )
    truth.write_text(header)
    assert summary_lines(plan, set(), {})[-1].startswith("error: ")
