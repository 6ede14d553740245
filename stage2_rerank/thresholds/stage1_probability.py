"""Stage 1's threshold by probability: its score calibrated, the rule applied, and turned back."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from stage2_rerank.classifier.calibration import LogisticCalibration, fit_calibration, score_logit
from stage2_rerank.thresholds.fbeta_curve import (
    KEEP_NOTHING,
    FbetaCurve,
    threshold_by_probability,
)


def threshold_by_calibrated_score(curve: FbetaCurve) -> float:
    """Threshold on a score that is no probability: p > F / (1 + beta²) on its calibration.

    The calibration is the logistic one of stage 2, with two parameters, fitted to the candidates
    of the curve, so that stage 1 alone is decided by the rule and the runs that decide both stages.

    Parameters
    ----------
    curve : FbetaCurve
        On scores between 0 and 1.

    Returns
    -------
    float
        Threshold on the score; ``KEEP_NOTHING`` if no candidate hits a reference.
    """
    if not np.any(curve.hits > 0):
        return KEEP_NOTHING
    calibration = calibrated_on(curve)
    probability = calibration.probability(score_logit(curve.scores))
    threshold = threshold_by_probability(replace(curve, scores=probability))
    return _on_the_score(threshold, probability, calibration, curve.scores)


def calibrated_on(curve: FbetaCurve) -> LogisticCalibration:
    """Calibration of the score from its curve: which candidates hit a new reference."""
    candidates = np.diff(curve.candidates, prepend=0)  # (m,) of each score
    # A candidate that hits two references is one positive.
    positives = np.minimum(np.diff(curve.hits, prepend=0), candidates)
    margin = score_logit(curve.scores)
    return fit_calibration(
        np.concatenate([np.repeat(margin, positives), np.repeat(margin, candidates - positives)]),
        np.arange(candidates.sum()) < positives.sum(),
    )


def _on_the_score(
    threshold: float,
    probability: NDArray[np.float64],  # (m,) falling
    calibration: LogisticCalibration,
    falling: NDArray[np.float64],  # (m,) distinct scores
) -> float:
    """Score whose probability is ``threshold``; it keeps the same candidates, rounding or not."""
    score = float(expit((logit(threshold) - calibration.intercept) / calibration.slope))
    kept = int(np.sum(probability > threshold))
    lowest = float(falling[kept]) if kept < len(falling) else 0.0
    highest = float(np.nextafter(falling[kept - 1], 0)) if kept else 1.0
    return float(np.clip(score, lowest, highest))
