"""The whole road, by the README's commands, on small synthetic specimens."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dynamotable
import pandas as pd
import pytest
import starfile
import yaml

from picking.config import CZII_PARTICLES, Stage1Settings
from picking.files.tables import CANDIDATES, FAILED_RUNS, FEATURES, OUT_OF_FOLD, SUBMISSION
from tests.test_notebook import EXECUTE, NOTEBOOK
from tests.workflow_runs import REPOSITORY, jobs, snakemake

SMALL = ("--configfile", "config/small.yaml")
ENCODER = Stage1Settings().ensemble.encoders[0]
SYNTHETIC_RULES = {"synthetic_training_run", "synthetic_test_run"}
STAGE1_RULES = {"train_member", "propose"}


@pytest.fixture(scope="module")
def report_first(workflow: Path) -> subprocess.CompletedProcess[str]:
    """The report alone: all of the pipeline, except the truth of the synthetic test runs."""
    done = snakemake(workflow, "cv_report", *SMALL)
    assert done.returncode == 0, done.stderr[-5000:]
    return done


@pytest.fixture(scope="module")
def submission_then(
    workflow: Path, report_first: subprocess.CompletedProcess[str]
) -> subprocess.CompletedProcess[str]:
    done = snakemake(workflow, "submission", *SMALL)
    assert done.returncode == 0, done.stderr[-5000:]
    return done


@pytest.fixture(scope="module")
def finished(workflow: Path, submission_then: subprocess.CompletedProcess[str]) -> tuple[Path, str]:
    return workflow, submission_then.stdout


def test_the_answer_is_whole_and_better_than_chance(finished: tuple[Path, str]) -> None:
    folder, printed = finished
    results = folder / "results" / "small"
    submission = SUBMISSION.read(results / "submission.csv")
    truth = pd.read_csv(folder / "data" / "synthetic-small-truth.csv")
    assert set(submission["experiment"]) <= set(truth["experiment"])
    assert submission["id"].tolist() == list(range(len(submission)))
    metric = subprocess.run(
        [
            sys.executable,
            "-m",
            "picking.metric",
            folder / "data" / "synthetic-small-truth.csv",
            results / "submission.csv",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(metric.stdout)
    assert f"{result['score']:.4f}" in printed
    # A short training on two fields: the clear type is found, the rare and hard ones hardly.
    assert 0.2 <= result["score"] <= 0.98
    assert result["per_type"]["ribosome"]["fbeta"] >= 0.6


def test_every_stage_left_its_files(finished: tuple[Path, str]) -> None:
    results = finished[0] / "results" / "small"
    runs = sorted(path.stem for path in (results / "candidates").glob("*.parquet"))
    assert len(runs) == 6
    for run in runs:
        candidates = CANDIDATES.read(results / "candidates" / f"{run}.parquet")
        features = FEATURES.read(results / "features" / f"{run}.parquet")
        assert len(candidates) <= 230
        assert features["candidate_id"].tolist() == candidates["candidate_id"].tolist()
        assert (results / "score_maps" / f"{run}.npz").is_file()
    judged = OUT_OF_FOLD.read(results / "out_of_fold.parquet")
    assert judged["run"].nunique() == 4
    folds = json.loads((results / "folds.json").read_text())
    assert len(folds["folds"]) == 2


def test_the_report_holds_what_others_script_against(finished: tuple[Path, str]) -> None:
    results = finished[0] / "results" / "small"
    report = json.loads((results / "cv_report.json").read_text())
    for stage in ("stage1", "two_stage"):
        assert 0.1 <= report[stage]["score"] <= 1
        assert set(report[stage]["per_type"]) == set(report["proposal_recall"])
    assert report["proposal_recall"]["ribosome"] >= 0.7
    assert 0 < report["candidates_per_run"] <= 230
    page = (results / "cv_report.html").read_text()
    # What a reader looks for, in the order in which questions come.
    order = (
        "answer",
        "types",
        "thresholds",
        "runs",
        "drift",
        "loss",
        "pictures",
        "importance",
        "made",
    )
    places = [page.index(f'id="{section}"') for section in order]
    assert places == sorted(places)
    assert page.count("data:image/jpeg") >= report["training_runs"] + len(report["weights"])
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert len(page) < 20_000_000
    assert {"train_member", "propose", "train_reranker"} <= set(report["made"]["rules"])
    chosen = json.loads((results / "stage1" / "precision.json").read_text())["precision"]
    assert report["made"]["precision"]["precision"] == chosen
    assert {one["precision"] for one in report["made"]["trainings"]} == {chosen}
    assert "networks compute in" in page


def test_the_notebook_runs_on_a_finished_result(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder, printed = finished
    notebook = shutil.copy(NOTEBOOK, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, "--inplace", notebook],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY),
            "IPYTHONDIR": str(tmp_path / "ipython"),
            "TOMOSIEVE_RESULT": str(folder / "results" / "small"),
            "TOMOSIEVE_TRUTH": str(folder / "data" / "synthetic-small-truth.csv"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    found = re.findall(r"score on the test runs: (0\.\d{4})", Path(notebook).read_text())
    assert len(found) == 1
    assert found[0] in printed


def test_the_submission_after_the_report_makes_nothing_anew(
    report_first: subprocess.CompletedProcess[str],
    submission_then: subprocess.CompletedProcess[str],
) -> None:
    assert jobs(submission_then) <= {"synthetic_settings", "synthetic_truth", "submission"}
    assert "score on" not in report_first.stdout
    assert "cross-validation report: results/small/cv_report.html" in report_first.stdout


def test_a_second_time_there_is_nothing_to_do(finished: tuple[Path, str]) -> None:
    again = snakemake(finished[0], "submission", *SMALL)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.parametrize(
    ("config", "again", "kept"),
    [
        (
            "stage2_rerank={classifier: {num_leaves: 7}}",
            {"train_reranker", "submit", "report"},
            {*SYNTHETIC_RULES, *STAGE1_RULES, "extract_features"},
        ),
        (
            "stage1_proposals={peaks: {candidates_per_pick: 8.9}}",
            {"propose", "extract_features", "train_reranker"},
            {*SYNTHETIC_RULES, "import_training_runs", "make_folds", "train_member"},
        ),
        (
            "stage1_proposals={prediction: {overlap: 0.3}}",
            {"propose", "extract_features"},
            {*SYNTHETIC_RULES, "train_member"},
        ),
        (
            "stage1_proposals={prediction: {runs_per_job: 1}}",
            set(),
            {*SYNTHETIC_RULES, *STAGE1_RULES, "extract_features"},
        ),
        # The score maps are kept: nothing is predicted again for another feature.
        (
            "features={shells: 5}",
            {"extract_features", "train_reranker"},
            {*SYNTHETIC_RULES, "import_training_runs", *STAGE1_RULES},
        ),
        (
            "stage1_proposals={training: {max_steps: 71}}",
            {"train_member", "propose", "train_reranker"},
            # One result has one precision, whatever is trained again.
            {*SYNTHETIC_RULES, "import_training_runs", "make_folds", "choose_precision"},
        ),
        (
            "stage1_proposals={precision: bfloat16}",
            {"choose_precision", "train_member", "propose"},
            {*SYNTHETIC_RULES, "import_training_runs", "make_folds"},
        ),
        # A further seed or encoder makes further members; those that are there stay.
        (
            "stage1_proposals={ensemble: {seeds: [0, 1]}}",
            {f"{ENCODER}-seed1", "propose"},
            {*SYNTHETIC_RULES, "choose_precision", "import_training_runs", f"{ENCODER}-seed0"},
        ),
        (
            f"stage1_proposals={{ensemble: {{encoders: [{ENCODER}, resnet34]}}}}",
            {"resnet34-seed0", "propose"},
            {*SYNTHETIC_RULES, "choose_precision", "import_training_runs", f"{ENCODER}-seed0"},
        ),
        (
            "stage1_proposals={start: nothing}",
            {"train_member", "propose"},
            {*SYNTHETIC_RULES, "choose_precision", "import_training_runs"},
        ),
        # Snakemake must not pass over it because of a setting that nothing is trained by.
        (
            "stage1_proposals={start: nothing, training: {checkpoint_every: 7}}",
            {"train_member", "propose"},
            {*SYNTHETIC_RULES, "choose_precision", "import_training_runs"},
        ),
        (
            "stage1_proposals={training: {checkpoint_every: 7}}",
            {"settings"},
            {*STAGE1_RULES, "extract_features"},
        ),
        (
            "stage2_rerank={threshold_rule: curve}",
            {"tune_thresholds", "submit", "report"},
            {*STAGE1_RULES, "train_reranker"},
        ),
        (
            "stage2_rerank={compare_test_runs: false}",
            {"report"},
            {*STAGE1_RULES, "train_reranker", "submit"},
        ),
        (
            "synthetic={test_runs: 3}",
            {"synthetic_test_run", "synthetic_truth", "import_test_runs", "propose", "submit"},
            {"synthetic_training_run", "import_training_runs", "train_member", "train_reranker"},
        ),
        (
            "synthetic={noise_strength: 2}",
            {*SYNTHETIC_RULES, "import_training_runs", "train_member"},
            set(),
        ),
        (
            "name=other",
            {"import_training_runs", "train_member", "submit"},
            {*SYNTHETIC_RULES, "synthetic_settings", "synthetic_truth"},
        ),
    ],
)
def test_a_setting_reruns_what_depends_on_it_alone(
    finished: tuple[Path, str], config: str, again: set[str], kept: set[str]
) -> None:
    planned = snakemake(finished[0], "submission", "--dry-run", "-p", *SMALL, "--config", config)
    assert planned.returncode == 0, planned.stderr
    members = set(re.findall(r"stage1_proposals.train .*--output \S*/(\S+)/fold", planned.stdout))
    found = jobs(planned) | members
    assert again <= found
    assert not kept & found


def test_another_colour_trains_nothing(finished: tuple[Path, str], tmp_path: Path) -> None:
    particles = [item.model_dump(mode="json") for item in CZII_PARTICLES]
    particles[0] |= {"color": [1, 2, 3, 255], "pdb_id": "1ABC"}
    (tmp_path / "colour.yaml").write_text(yaml.safe_dump({"particles": particles}))
    planned = snakemake(
        finished[0], "submission", "--dry-run", *SMALL, str(tmp_path / "colour.yaml")
    )
    assert planned.returncode == 0, planned.stderr
    assert {"submit", "draw_pictures"} <= jobs(planned)
    kept = {*SYNTHETIC_RULES, *STAGE1_RULES, "import_training_runs", "import_test_runs"}
    assert not {*kept, "extract_features", "train_reranker"} & jobs(planned)


def test_a_structure_is_compared_with_what_was_proposed_already(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    particles = [item.model_dump(mode="json") for item in CZII_PARTICLES]
    (tmp_path / "own.mrc").touch()
    particles[0] |= {"structure": str(tmp_path / "own.mrc")}
    (tmp_path / "structure.yaml").write_text(yaml.safe_dump({"particles": particles}))
    planned = snakemake(
        finished[0], "submission", "--dry-run", *SMALL, str(tmp_path / "structure.yaml")
    )
    assert planned.returncode == 0, planned.stderr
    assert {"make_structures", "extract_features", "train_reranker", "submit"} <= jobs(planned)
    kept = {*SYNTHETIC_RULES, *STAGE1_RULES, "import_training_runs", "import_test_runs"}
    assert not kept & jobs(planned)


def test_proposals_can_be_forced(finished: tuple[Path, str]) -> None:
    planned = snakemake(finished[0], "submission", "--dry-run", *SMALL, "--forcerun", "propose")
    assert planned.returncode == 0, planned.stderr
    assert {"propose", "extract_features", "submit"} <= jobs(planned)
    assert "train_member" not in jobs(planned)


def test_a_run_whose_score_map_was_removed_is_the_one_that_is_proposed_in_again(
    finished: tuple[Path, str],
) -> None:
    maps = sorted((finished[0] / "results" / "small" / "score_maps").glob("*.npz"))
    kept = maps[0].read_bytes()
    maps[0].unlink()
    planned = snakemake(finished[0], "submission", "--dry-run", "-p", *SMALL)
    maps[0].write_bytes(kept)
    assert planned.returncode == 0, planned.stderr
    (runs,) = re.findall(r"stage1_proposals.propose .*--runs (.*) --density", planned.stdout)
    assert runs == maps[0].stem
    assert "extract_features" in jobs(planned)


def test_the_network_that_is_configured_is_the_one_that_is_timed(workflow: Path) -> None:
    ensemble = "stage1_proposals={ensemble: {encoders: [resnet34]}}"
    planned = snakemake(
        workflow, "submission", "--dry-run", "-p", *SMALL, "--config", "name=other", ensemble
    )
    (command,) = re.findall(r"-m stage1_proposals.choose_precision .*", planned.stdout)
    assert "--encoder resnet34" in command
    assert "settings/stage1_training.yaml" in command


def test_the_report_alone_can_do_without_the_test_runs(finished: tuple[Path, str]) -> None:
    without = ("--config", "name=other", "stage2_rerank={compare_test_runs: false}")
    planned = snakemake(finished[0], "cv_report", "--dry-run", *SMALL, *without)
    assert planned.returncode == 0, planned.stderr
    assert {"propose", "report"} <= jobs(planned)
    assert not {"submit", "import_test_runs"} & jobs(planned)


@pytest.fixture(scope="module")
def bundle(finished: tuple[Path, str]) -> Path:
    """The bundle of the finished result."""
    done = snakemake(finished[0], "bundle", *SMALL)
    assert done.returncode == 0, done.stderr[-5000:]
    assert "model bundle: results/small/bundle.zip" in done.stdout
    return finished[0] / "results" / "small" / "bundle.zip"


def test_a_bundle_picks_as_its_own_result_did_and_leaves_out_what_cannot_be_read(
    finished: tuple[Path, str], bundle: Path, tmp_path: Path
) -> None:
    folder = finished[0]
    runs = tmp_path / "kaggle" / "test" / "static" / "ExperimentRuns"
    shutil.copytree(
        folder / "data" / "synthetic-small" / "test" / "static" / "ExperimentRuns", runs
    )
    (runs / "EMPTY").mkdir()
    options = ("--config", f"bundle={bundle}", f"dataset={tmp_path / 'kaggle'}", "name=elsewhere")
    done = snakemake(folder, "picks", "picks_star", "picks_dynamo", *options)
    assert done.returncode == 0, done.stderr[-5000:]
    assert not {"train_member", "train_reranker", "tune_thresholds", "report"} & jobs(done)
    results = folder / "results" / "elsewhere"
    own = folder / "results" / "small" / "submission.csv"
    assert (results / "submission.csv").read_bytes() == own.read_bytes()
    failed = FAILED_RUNS.read(results / "failed_runs.csv")
    assert failed["run"].tolist() == ["EMPTY"]
    assert "has no tomogram 'denoised'" in failed["reason"].iloc[0]
    assert "of 3 tomograms" in done.stderr
    assert "1 of 3 runs could not be picked: results/elsewhere/failed_runs.csv" in done.stdout
    assert "EMPTY" in (results / "picks_report.html").read_text()
    counts = SUBMISSION.read(own)["particle_type"].value_counts()
    for name in counts.index:
        assert len(starfile.read(results / "picks_star" / f"{name}.star")) == counts[name]
        assert len(dynamotable.read(results / "picks_dynamo" / f"{name}.tbl")) == counts[name]

    again = snakemake(folder, "picks", *options)
    assert "Nothing to be done" in again.stdout + again.stderr
    refused = snakemake(folder, "cv_report", *options)
    assert "error: bundle: nothing is trained with it" in refused.stderr

    # Data and bundle are moved, and the run that failed is mended: it alone is picked.
    (tmp_path / "kaggle").rename(tmp_path / "moved")
    runs = tmp_path / "moved" / "test" / "static" / "ExperimentRuns"
    first = min(path for path in runs.iterdir() if path.name != "EMPTY")
    shutil.copytree(first, runs / "EMPTY", dirs_exist_ok=True)
    moved = shutil.copy(bundle, tmp_path / "moved.zip")
    options = ("--config", f"bundle={moved}", f"dataset={tmp_path / 'moved'}", "name=elsewhere")
    mended = snakemake(folder, "picks", *options)
    assert mended.returncode == 0, mended.stderr[-5000:]
    assert mended.stderr.count("rule propose:") == 1
    assert "take_bundle" not in jobs(mended)
    picks = SUBMISSION.read(results / "submission.csv")
    counts = picks["experiment"].value_counts()
    assert counts["EMPTY"] == counts[first.name]
    assert FAILED_RUNS.read(results / "failed_runs.csv").empty
