"""Scores of training candidates by classifiers that never saw their run, nested."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from picking.files.tables import FINAL_CLASSIFIER, NESTED_SCORES
from picking.scoring.folds import Folds
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.classifier.rerank_classifier import RerankClassifier


@dataclass(frozen=True)
class CrossFit:
    """One particle type's classifiers and what they say of the training candidates.

    Parameters
    ----------
    final : RerankClassifier
        Fitted on all training runs: the one that scores test runs.
    of_folds : tuple of RerankClassifier
        One for each fold, fitted on the other folds.
    rerank_score : ndarray, (n,), float64
        Probability of each candidate by the classifier of its own run's fold, which was fitted
        on the other folds.
    nested_scores : DataFrame
        Table ``picking.files.tables.NESTED_SCORES``: for every fold's classifier and for the final
        one, the inner out-of-fold probabilities of its own training candidates. Thresholds for a
        fold are fitted on these, so that they have not seen the fold either.
    """

    final: RerankClassifier
    of_folds: tuple[RerankClassifier, ...]
    rerank_score: NDArray[np.float64]
    nested_scores: pd.DataFrame


def cross_fit(
    classifier: RerankClassifier,
    rows: CandidateRows,
    is_positive: NDArray[np.bool_],
    folds: Folds,
) -> CrossFit:
    """Fit a copy of ``classifier`` for every fold on the other folds, and one on all runs.

    Parameters
    ----------
    classifier : RerankClassifier
        Its parameters are used; it stays as it is.
    rows : CandidateRows
        Training candidates of one particle type, n of them.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    folds : Folds
        Folds by run.

    Returns
    -------
    CrossFit
    """
    runs = rows.candidates["run"].to_numpy(dtype=object)
    rerank_score = np.zeros(len(runs))
    nested, of_folds = [], []
    for fold in range(folds.number):
        judged = np.isin(runs, folds.judged_runs(fold))
        learning = ~judged
        fitted = clone(classifier).fit(
            rows.features[learning], is_positive[learning], runs[learning]
        )
        if judged.any():
            rerank_score[judged] = fitted.predict_proba(rows.features[judged])[:, 1]
        nested.append(_nested_rows(rows.candidates[learning], fitted, fold))
        of_folds.append(fitted)
    final = clone(classifier).fit(rows.features, is_positive, runs)
    nested.append(_nested_rows(rows.candidates, final, FINAL_CLASSIFIER))
    table = NESTED_SCORES.check(pd.concat(nested, ignore_index=True), "nested scores")
    return CrossFit(final, tuple(of_folds), rerank_score, table)


def _nested_rows(
    candidates: pd.DataFrame, fitted: RerankClassifier, outer_fold: int
) -> pd.DataFrame:
    return candidates[["run", "candidate_id", "particle_type"]].assign(
        outer_fold=outer_fold, rerank_score=fitted.inner_probability_
    )
