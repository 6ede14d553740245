"""A folder of results, read from Python."""

import json

import numpy as np
import pytest

from picking.config import CZII_PARTICLES, PipelineConfig
from picking.data_in.inventory import kaggle_static
from picking.errors import InputError
from picking.files.copick_project import filesystem_config
from picking.files.tables import SCORED_CANDIDATES
from picking.scoring.folds import Folds
from picking.workflow.settings_sections import RESULT_SECTIONS, section_text
from stage2_rerank.finished_result import FinishedResult
from tests.conftest import tiny_values
from tests.stage2_rerank.conftest import TEST_RUNS, TRAINING_RUNS


def test_candidates_are_the_training_runs_if_no_others_are_asked_for(pipeline):
    result = FinishedResult(pipeline.folder)
    assert set(result.candidate_rows().candidates["run"]) == set(TRAINING_RUNS)
    assert set(result.candidate_rows(TEST_RUNS).candidates["run"]) == set(TEST_RUNS)


def test_the_final_classifier_gives_the_test_runs_the_scores_that_stand_in_the_table(pipeline):
    result = FinishedResult(pipeline.folder)
    rows = result.candidate_rows(TEST_RUNS).of_type("thyroglobulin")
    probability = result.classifier("thyroglobulin").predict_proba(rows.features)[:, 1]
    scored = SCORED_CANDIDATES.read(pipeline.path("scored.parquet"))
    scored = scored[scored["particle_type"] == "thyroglobulin"].set_index(["run", "candidate_id"])
    there = scored.loc[zip(rows.candidates["run"], rows.candidates["candidate_id"], strict=True)]
    np.testing.assert_allclose(probability, there["rerank_score"])


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cv_report\.json: .*snakemake cv_report"):
        FinishedResult(tmp_path).report()
    with pytest.raises(InputError, match=r"picks\.csv"):
        FinishedResult(tmp_path).picks()


def test_a_run_to_pick_with_a_training_runs_name_is_read_from_its_own_project(
    tmp_path, write_kaggle_run
):
    """Both splits hold a run A, as Kaggle's may; without a training there is only the second."""
    (tmp_path / "settings").mkdir()
    config = PipelineConfig(particles=CZII_PARTICLES)
    for name in ("data", "appearance", "scoring", "stage2_decision", "picks_author"):
        text = section_text(config, RESULT_SECTIONS[name])
        (tmp_path / "settings" / f"{name}.yaml").write_text(text)
    Folds((("A",), ("B",))).write(tmp_path / "folds.json")
    (tmp_path / "copick").mkdir()
    values = {"train": tiny_values(0), "test": tiny_values(1)}
    for split, of_split in values.items():
        write_kaggle_run(tmp_path, split, "A", of_split)
        project = filesystem_config(kaggle_static(tmp_path, split), tmp_path / "overlay", ())
        (tmp_path / "copick" / f"{split}.json").write_text(json.dumps(project))
    result = FinishedResult(tmp_path)
    np.testing.assert_array_equal(result.tomogram("A").values_zyx, values["train"])
    (tmp_path / "copick" / "train.json").unlink()
    np.testing.assert_array_equal(result.tomogram("A").values_zyx, values["test"])
