"""Stage 2 again from Python: the workflow's own scores, and fewer features."""

import numpy as np
import pandas as pd

from picking.files.tables import OUT_OF_FOLD, TRUTH
from stage2_rerank.finished_result import FinishedResult
from stage2_rerank.rerank_again import rerank_again
from stage2_rerank.thresholds.threshold_file import Thresholds

TYPE = "beta-galactosidase"


def test_it_scores_and_tunes_as_the_workflow_does(pipeline):
    particles = tuple(item for item in pipeline.config.particles if item.name == TYPE)
    config = pipeline.config.model_copy(update={"particles": particles})
    rows = FinishedResult(pipeline.folder).candidate_rows().of_type(TYPE)
    folds = FinishedResult(pipeline.folder).folds
    again = rerank_again(rows, TRUTH.read(pipeline.path("truth.csv")), folds, config)
    workflow = OUT_OF_FOLD.read(pipeline.path("out_of_fold.parquet"))
    of_type = workflow[workflow["particle_type"] == TYPE].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.out_of_fold, of_type)
    thresholds = Thresholds.read(pipeline.path("thresholds.json"))
    for fold in range(folds.number):
        expected = thresholds.fold_values(fold, "two_stage")[TYPE]
        assert again.thresholds.fold_values(fold, "two_stage") == {TYPE: expected}


def test_features_of_some_families_leave_candidates_and_score(pipeline):
    rows = FinishedResult(pipeline.folder).candidate_rows()
    alone = rows.of_families(())
    assert list(alone.features.columns) == ["proposal_score"]
    # The made features belong to one family.
    assert rows.of_families({"feature"}).features.equals(rows.features)
    np.testing.assert_array_equal(alone.candidates, rows.candidates)
