"""Re-rank training candidates again, out of fold, with other features or settings."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.config import PipelineConfig
from picking.config.stage2_rerank import ThresholdRule
from picking.files.tables import NESTED_SCORES, OUT_OF_FOLD
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.classifier.cross_fitting import cross_fit
from stage2_rerank.classifier.decision_loss import nominal_decision_probability
from stage2_rerank.classifier.leaking_features import refuse_leaking_features
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.thresholds.threshold_file import Thresholds
from stage2_rerank.tune_thresholds import tune_type


@dataclass(frozen=True)
class Reranked:
    """Training candidates scored out of fold, and thresholds that go with the scores.

    Parameters
    ----------
    out_of_fold : DataFrame
        Table OUT_OF_FOLD.
    thresholds : Thresholds
        For every fold from the other folds, and for test runs.
    """

    out_of_fold: pd.DataFrame
    thresholds: Thresholds


def rerank_again(
    rows: CandidateRows,
    truth: pd.DataFrame,
    folds: Folds,
    config: PipelineConfig,
    threads: int = 1,
) -> Reranked:
    """Train stage 2 for every fold on the other folds and score this one, as the workflow does.

    Parameters
    ----------
    rows : CandidateRows
        Candidates of the training runs with their features, all types.
    truth : DataFrame
        Table TRUTH of these runs.
    folds : Folds
        Folds by run.
    config : PipelineConfig
        Resolved; the classifier's settings, the rule for thresholds, the seed, radii and weights
        are read.
    threads : int
        Threads of LightGBM; changes the time and nothing else.

    Returns
    -------
    Reranked
        The thresholds have no intervals.

    Raises
    ------
    InputError
        If a candidate's run is in no fold, or a feature knows the run or the answer.
    """
    rows.check_runs(folds.runs, "rows")
    rules = ScoringRules.from_config(config)
    is_positive = label_candidates(rows.candidates, truth, rules.match_radius_angstrom)
    refuse_leaking_features(rows, is_positive)
    classifier = RerankClassifier(
        config.stage2_rerank.classifier,
        decision_probability=nominal_decision_probability(rules.beta),
        random_state=config.seed,
        threads=threads,
    )
    scores = cross_fit_types(classifier, rows, is_positive, folds)
    return with_thresholds(
        rows.candidates,
        is_positive,
        scores,
        truth,
        folds,
        rules,
        config.stage2_rerank.threshold_rule,
    )


@dataclass(frozen=True)
class NestedScores:
    """What classifiers say of training candidates that they never saw.

    Parameters
    ----------
    rerank_score : ndarray, (n,), float64
        Probability of each candidate, by the classifier of its own run's fold.
    nested : DataFrame
        Table NESTED_SCORES: what thresholds for a fold are fitted on.
    """

    rerank_score: NDArray[np.float64]
    nested: pd.DataFrame


def cross_fit_types(
    classifier: RerankClassifier,
    rows: CandidateRows,
    is_positive: NDArray[np.bool_],
    folds: Folds,
) -> NestedScores:
    """Cross-fit a copy of ``classifier`` for every particle type of the candidates.

    Parameters
    ----------
    classifier : RerankClassifier
        Its parameters are used; it stays as it is.
    rows : CandidateRows
        Training candidates of all types, n of them.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    folds : Folds
        Folds by run.

    Returns
    -------
    NestedScores
    """
    types = rows.candidates["particle_type"].to_numpy()
    rerank_score = np.zeros(len(types))
    nested = [NESTED_SCORES.empty()]
    for name in np.unique(types):
        of_type = types == name
        fitted = cross_fit(classifier, rows.of_type(name), is_positive[of_type], folds)
        rerank_score[of_type] = fitted.rerank_score
        nested.append(fitted.nested_scores)
    table = NESTED_SCORES.check(pd.concat(nested, ignore_index=True), "nested scores")
    return NestedScores(rerank_score, table)


def with_thresholds(
    candidates: pd.DataFrame,
    is_positive: NDArray[np.bool_],
    scores: NestedScores,
    truth: pd.DataFrame,
    folds: Folds,
    rules: ScoringRules,
    threshold_rule: ThresholdRule,
) -> Reranked:
    """Join candidates, n of them, and their scores, and tune every type's thresholds on these.

    Parameters
    ----------
    candidates : DataFrame, (n, 7)
        Table CANDIDATES.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    scores : NestedScores
        Scores of the same candidates in the same order.
    truth : DataFrame
        Table TRUTH of the same runs.
    folds : Folds
        Folds by run.
    rules : ScoringRules
        Types, radii, distances and beta.
    threshold_rule : {"probability", "curve"}
        Which of the two rules decides; both are fitted.

    Returns
    -------
    Reranked
    """
    out_of_fold = OUT_OF_FOLD.check(
        candidates.assign(
            fold=np.array([folds.fold_of(run) for run in candidates["run"]], dtype=np.int32),
            rerank_score=scores.rerank_score,
            is_positive=is_positive,
        ),
        "out-of-fold candidates",
    )
    types = {
        name: tune_type(out_of_fold, scores.nested, truth, folds, name, rules, seed=None)
        for name in rules.weights
    }
    return Reranked(out_of_fold, Thresholds(rule=threshold_rule, beta=rules.beta, types=types))
