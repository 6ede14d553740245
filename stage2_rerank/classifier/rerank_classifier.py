"""The re-ranking classifier of one particle type, in scikit-learn's manner."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted

from picking.config import ClassifierSettings
from stage2_rerank.classifier.boosting import GrowingBags, mean_correction
from stage2_rerank.classifier.calibration import (
    NARROW_LOG_SLOPE_SPREAD,
    LogisticCalibration,
    fit_calibration,
    score_logit,
)
from stage2_rerank.classifier.candidate_rows import SCORE_COLUMN
from stage2_rerank.classifier.decision_loss import decision_loss, justified_strength
from stage2_rerank.classifier.linear_correction import (
    LinearCorrection,
    LinearPrior,
    cross_fitted_correction,
    fit_linear_correction,
    no_correction,
)

# Shares of the correction that are weighed against one another; 0 is stage 1 alone.
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)

# Inner folds by run, in which the trees, the strength and the calibration are chosen: up to eight
# runs, each stands alone, since classifiers of a few runs are felt to lack one more.
INNER_FOLDS = 8

# Positive candidates with which something can be learnt
# (docs/experiments.md#correcting-with-two-labelled-runs). They have to be of two runs: else one of
# two inner classifiers would have seen none.
FEWEST_POSITIVES = 4

# Trees grown between two looks at the inner loss: ten change it less than its noise.
TREE_BLOCK = 10


class RerankClassifier(ClassifierMixin, BaseEstimator):
    """Correct stage 1's calibrated log odds, first linearly, then by trees, as far as it pays.

    The margin of a candidate is the logit of its proposal score, calibrated by a logistic curve,
    plus ``strength_`` times its correction. The correction is linear in the features, which a dozen
    positives can teach, plus the mean of LightGBM boosters that started from there, one for each of
    ``settings.bags``, which add what is not linear. Number of trees, strength (0 allowed: stage 1
    alone) and the last calibration are chosen on inner out-of-fold corrections, grouped by run, of
    one calibrated logit whose two parameters all training runs gave. Two runs choose no strength:
    their correction is linear, and taken whole.

    Parameters
    ----------
    settings : ClassifierSettings
        Regularisation of the linear correction, shape and number of the trees.
    decision_probability : float
        Probability near which candidates are kept or dropped; the strength and the number of
        trees are judged there (:func:`stage2_rerank.classifier.decision_loss.decision_loss`).
    random_state : int
        Seed.
    threads : int
        Threads of LightGBM; changes the time and nothing else.

    Attributes
    ----------
    stage1_calibration_ : LogisticCalibration
        From the logit of the proposal score to the log odds that are corrected; ``stage1_alone_``
        where ``strength_`` is 0.
    stage1_alone_ : LogisticCalibration
        From the same to what stage 1 says by itself. Not saved, so only there after ``fit``.
    linear_ : LinearCorrection
        From the features to log odds; changes nothing where strength_ is 0.
    boosters_ : list of lightgbm.Booster
        One for each bag; without trees where strength_ is 0.
    trees_ : int
        Trees that each booster was asked to grow; it has fewer where no split was allowed.
    strength_ : float
        Share of the correction that is used, one of ``STRENGTHS``.
    calibration_ : LogisticCalibration
        From the corrected margin to calibrated log odds.
    inner_probability_ : ndarray, (n,), float64
        Calibrated probability of each training candidate, its correction learnt without its run.
    classes_, feature_names_in_, n_features_in_
        As scikit-learn has them.
    """

    def __init__(
        self,
        settings: ClassifierSettings,
        *,
        decision_probability: float,
        random_state: int = 0,
        threads: int = 1,
    ) -> None:
        self.settings = settings
        self.decision_probability = decision_probability
        self.random_state = random_state
        self.threads = threads

    def fit(
        self,
        X: pd.DataFrame,  # noqa: N803
        y: Sequence[bool],
        groups: Sequence[str] | None = None,
    ) -> Self:
        """Learn from labelled candidates.

        Parameters
        ----------
        X : DataFrame, (n, F)
            ``proposal_score`` and the features, which alone correct it.
        y : sequence of bool, (n,)
            Which candidates are positive; there may be none.
        groups : sequence of str, (n,), optional
            Run of each candidate; without it every candidate stands for itself.

        Returns
        -------
        self
        """
        positive = np.asarray(y, dtype=bool)
        runs = np.asarray(np.arange(len(X)) if groups is None else groups).astype(str)
        score, features = _score_and_features(X)
        self.classes_ = np.array([False, True])
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        self.stage1_alone_ = fit_calibration(score, positive)
        self.stage1_calibration_ = fit_calibration(score, positive, NARROW_LOG_SLOPE_SPREAD)
        self.calibration_ = LogisticCalibration()
        self.strength_ = 0.0
        self.trees_ = 0
        start = self.stage1_calibration_.margin(score)
        inner_margin = alone = self.stage1_alone_.margin(score)
        enough = min(positive.sum(), (~positive).sum()) >= FEWEST_POSITIVES
        if enough and len(np.unique(runs[positive])) > 1 and features.shape[1] > 0:
            trees, correction = self._inner_corrections(features, positive, start, runs)
            losses = np.stack(
                [
                    decision_loss(
                        start + strength * correction if strength > 0 else alone,
                        positive,
                        self.decision_probability,
                    )
                    for strength in STRENGTHS
                ]
            )
            self.strength_ = justified_strength(losses, STRENGTHS, runs)
            if self.strength_ > 0:
                self.trees_ = trees
                inner_margin = start + self.strength_ * correction
                self.calibration_ = fit_calibration(inner_margin, positive, NARROW_LOG_SLOPE_SPREAD)
        self.inner_probability_ = self.calibration_.probability(inner_margin)
        if self.strength_ > 0:
            self.linear_, bags = self._correctors(features, positive, start, runs, self.trees_ > 0)
        else:
            self.stage1_calibration_ = self.stage1_alone_
            self.linear_ = no_correction(features.shape[1])
            bags = self._bags(features, positive, start)
        bags.grow(self.trees_)
        self.boosters_ = bags.boosters
        return self

    def margin(self, X: pd.DataFrame) -> NDArray[np.float64]:  # noqa: N803
        """Corrected, calibrated log odds of being positive.

        Parameters
        ----------
        X : DataFrame, (n, F)
            Candidates, with the columns of ``fit``.

        Returns
        -------
        ndarray, (n,), float64

        Raises
        ------
        ValueError
            If the columns are not those of ``fit``, in their order.
        """
        check_is_fitted(self)
        if list(X.columns) != list(self.feature_names_in_):
            raise ValueError("the columns of X are not those that the classifier was fitted on")
        score, features = _score_and_features(X)
        margin = self.stage1_calibration_.margin(score)
        if self.strength_ > 0:
            correction = self.linear_.correction(features)
            correction += mean_correction(self.boosters_, features, self.threads)
            margin = margin + self.strength_ * correction
        return self.calibration_.margin(margin)

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:  # noqa: N803
        """Probability of being negative and positive.

        Parameters
        ----------
        X : DataFrame, (n, F)
            Candidates, with the columns of ``fit``.

        Returns
        -------
        ndarray, (n, 2), float64
            Calibrated; the second column is the probability of a particle.

        Raises
        ------
        ValueError
            If the columns are not those of ``fit``, in their order.
        """
        log_odds = self.margin(X)
        return np.column_stack([expit(-log_odds), expit(log_odds)])

    def predict(self, X: pd.DataFrame) -> NDArray[np.bool_]:  # noqa: N803
        """Which candidates, (n,), are likelier kept than not: above ``decision_probability``."""
        return np.asarray(self.predict_proba(X)[:, 1] > self.decision_probability)

    def _bags(
        self, features: pd.DataFrame, positive: NDArray[np.bool_], start: NDArray[np.float64]
    ) -> GrowingBags:
        # LightGBM's seeds are signed 32-bit integers.
        seeds = np.random.SeedSequence(self.random_state).generate_state(self.settings.bags) // 2
        return GrowingBags(
            features, positive, start, self.settings, [int(seed) for seed in seeds], self.threads
        )

    def _correctors(
        self,
        features: pd.DataFrame,
        positive: NDArray[np.bool_],
        start: NDArray[np.float64],
        runs: NDArray[np.str_],
        trees_follow: bool = True,
    ) -> tuple[LinearCorrection, GrowingBags]:
        """Linear correction, and boosters without trees that start from it, out of fold.

        If no trees follow, the out-of-fold start, which takes a fit for every fold, is not made.
        """
        prior = LinearPrior.from_settings(self.settings, list(features.columns))
        weight = self.settings.positive_weight
        linear = fit_linear_correction(features, positive, start, prior, weight)
        if not trees_follow:
            return linear, self._bags(features, positive, start)
        out_of_fold = cross_fitted_correction(
            features, positive, start, runs, INNER_FOLDS, prior, weight
        )
        return linear, self._bags(features, positive, start + out_of_fold)

    def _inner_corrections(
        self,
        features: pd.DataFrame,
        positive: NDArray[np.bool_],
        start: NDArray[np.float64],
        runs: NDArray[np.str_],
    ) -> tuple[int, NDArray[np.float64]]:
        """Best number of trees, and the whole correction (n,) out of fold.

        The boosters of all inner folds grow block by block together, and stop when the pooled
        loss has not fallen for ``settings.patience`` trees.
        """
        splitter = GroupKFold(min(INNER_FOLDS, len(np.unique(runs))))
        splits = list(splitter.split(features, positive, runs))
        # Of two runs each fit has one, and nothing tells how far its linear correction would hold
        # elsewhere, so that trees could not start from it.
        enough = positive.sum() >= self.settings.trees_from_positives and len(np.unique(runs)) > 2
        most_trees = self.settings.max_trees if enough else 0
        bags = []
        linear = np.zeros(len(features))
        for fit, judged in splits:
            fold_linear, fold_bags = self._correctors(
                features.iloc[fit], positive[fit], start[fit], runs[fit], most_trees > 0
            )
            linear[judged] = fold_linear.correction(features.iloc[judged])
            bags.append(fold_bags)
        best_correction = linear
        best_trees = 0
        best_loss = decision_loss(start + linear, positive, self.decision_probability).sum()
        trees = 0
        patience = max(self.settings.patience, TREE_BLOCK)
        while trees < most_trees and trees - best_trees < patience:
            block = min(TREE_BLOCK, most_trees - trees)
            correction = linear.copy()
            for fold_bags, (_, judged) in zip(bags, splits, strict=True):
                fold_bags.grow(block)
                correction[judged] += fold_bags.correction(features.iloc[judged])
            trees += block
            loss = decision_loss(start + correction, positive, self.decision_probability).sum()
            if loss < best_loss:
                best_loss, best_trees, best_correction = loss, trees, correction
        return best_trees, best_correction


def _score_and_features(
    rows: pd.DataFrame,
) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Logit (n,) of stage 1's score, and the other columns (n, F - 1)."""
    return score_logit(rows[SCORE_COLUMN].to_numpy()), rows.drop(columns=SCORE_COLUMN)
