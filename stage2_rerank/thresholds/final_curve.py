"""The F-beta curve of the final list: what every threshold would have scored, out of fold."""

import pandas as pd

from picking.scoring.scoring_rules import ScoringRules
from stage2_rerank.thresholds.fbeta_curve import FbetaCurve, fbeta_curve
from stage2_rerank.thresholds.final_picks import suppressed


def final_curve(
    out_of_fold: pd.DataFrame,
    truth: pd.DataFrame,
    particle_type: str,
    score_column: str,
    rules: ScoringRules,
) -> FbetaCurve:
    """F-beta over the threshold, pooled over the judged runs, duplicates suppressed.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD of all types.
    truth : DataFrame
        Table TRUTH of all types; candidates of runs that are not in it are left out, as the metric
        does not judge them.
    particle_type : str
        Whose curve.
    score_column : str
        Score that is held against the threshold.
    rules : ScoringRules
        Radii, distances and beta.

    Returns
    -------
    FbetaCurve
    """
    of_type = out_of_fold["particle_type"] == particle_type
    candidates = out_of_fold[of_type & out_of_fold["run"].isin(truth["run"])]
    return fbeta_curve(
        suppressed(candidates, score_column, rules.suppression_angstrom),
        truth[truth["particle_type"] == particle_type],
        rules.match_radius_angstrom,
        score_column,
        rules.beta,
    )
