"""Measure what stage 2 learnt: which features count, and which way they pull."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.config.features import ALL_FAMILIES
from picking.scoring.folds import Folds
from stage2_rerank.classifier.calibration import score_logit
from stage2_rerank.classifier.candidate_rows import SCORE_COLUMN, CandidateRows
from stage2_rerank.classifier.cross_fitting import CrossFit
from stage2_rerank.classifier.decision_loss import decision_loss
from stage2_rerank.classifier.feature_families import feature_family
from stage2_rerank.classifier.importance_record import (
    FamilyImportance,
    FeatureImportance,
    ImportanceOfType,
    PartialDependence,
    PermutationRise,
)
from stage2_rerank.classifier.rerank_classifier import RerankClassifier

# Chance of one permutation averages out over the candidates already; the runs differ far more.
REPEATS = 3

# Permuting one feature of many alike does little: a page of them says no more than these.
LISTED_FEATURES = 15

DRAWN_FEATURES = 4  # a small panel each
GRID_QUANTILES = 20
MOST_DRAWN_CANDIDATES = 200  # of a fold; a mean curve of more looks the same


@dataclass(frozen=True)
class _JudgedFold:
    """A fold's classifier and the m candidates of the runs that it never saw.

    ``values`` is (m, 1 + F), proposal score first; ``run_index`` and ``loss`` are (m,).
    """

    classifier: RerankClassifier
    values: NDArray[np.float32]
    is_positive: NDArray[np.bool_]
    run_index: NDArray[np.intp]
    loss: NDArray[np.float64]
    permutations: NDArray[np.intp]  # (REPEATS, m)

    def margin(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        names = list(self.classifier.feature_names_in_)
        return self.classifier.margin(pd.DataFrame(values, columns=names))


def importance_of_type(
    fitted: CrossFit,
    rows: CandidateRows,
    is_positive: NDArray[np.bool_],
    folds: Folds,
    particle_type: str,
    seed: int,
) -> ImportanceOfType:
    """Measure what the classifiers of one particle type lean on.

    Parameters
    ----------
    fitted : CrossFit
        The classifiers; permutations and partial dependence are those of the folds' classifiers
        on the runs that they never saw, shares of gain and linear effects those of the final one.
    rows : CandidateRows
        Training candidates that ``fitted`` comes from, n of them.
    is_positive : ndarray, (n,), bool
        Which of them are positive.
    folds : Folds
        The folds of ``fitted``.
    particle_type : str
        Their type.
    seed : int
        Of the permutations and of the candidates that stand for a fold.

    Returns
    -------
    ImportanceOfType
        All zero, without features, where no classifier uses its correction.
    """
    names = [str(name) for name in rows.features.columns]
    families = _columns_by_family(names)
    judged = _judged_folds(fitted, rows, is_positive, folds, seed)
    positives = int(is_positive.sum())
    runs = rows.candidates["run"].nunique()

    def rise(columns: list[int]) -> PermutationRise:
        return _permutation_rise(judged, columns, runs, positives)

    gain = _gain_share(fitted.final)
    effect = _final_effects(fitted.final, rows.features)
    weight = _mean_weight(fitted.of_folds)
    heaviest = [int(one) for one in np.argsort(-weight, kind="stable")[:LISTED_FEATURES]]
    features = {
        # The first column is stage 1's score, which is not a feature.
        names[feature + 1]: FeatureImportance(
            family=feature_family(names[feature + 1]),
            weight=float(weight[feature]),
            permutation=rise([feature + 1]),
        )
        for feature in heaviest
        if weight[feature] > 0
    }
    by_rise = sorted(features, key=lambda name: -features[name].permutation.rise)
    stage1_loss = sum(_stage1_loss(fold).sum() for fold in judged)
    return ImportanceOfType(
        particle_type=particle_type,
        candidates=len(is_positive),
        positives=positives,
        strength=fitted.final.strength_,
        fold_strengths=tuple(one.strength_ for one in fitted.of_folds),
        loss=_a_positive(sum(fold.loss.sum() for fold in judged), positives),
        loss_stage1=_a_positive(stage1_loss, positives),
        repeats=REPEATS,
        families={
            family: FamilyImportance(
                features=len(columns),
                permutation=rise(columns),
                gain_share=min(float(gain[np.array(columns) - 1].sum()), 1.0),
                linear_effect=_mean_size(effect[:, np.array(columns) - 1].sum(axis=1)),
            )
            for family, columns in families.items()
        },
        features={name: features[name] for name in by_rise},
        partial_dependence={
            name: _partial_dependence(judged, rows.features, names.index(name), seed)
            for name in by_rise[:DRAWN_FEATURES]
        },
    )


def _columns_by_family(names: Sequence[str]) -> dict[str, list[int]]:
    """Columns of each family, known families first; stage 1's score belongs to none."""
    found: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        if name != SCORE_COLUMN:
            found.setdefault(feature_family(name), []).append(column)
    ordered = [family for family in ALL_FAMILIES if family in found]
    return {family: found[family] for family in dict.fromkeys([*ordered, *found])}


def _judged_folds(
    fitted: CrossFit,
    rows: CandidateRows,
    is_positive: NDArray[np.bool_],
    folds: Folds,
    seed: int,
) -> list[_JudgedFold]:
    """Folds that have candidates, each with the permutations that all features share."""
    runs = rows.candidates["run"].to_numpy(dtype=object)
    run_index = np.unique(runs.astype(str), return_inverse=True)[1]
    values = rows.features.to_numpy(np.float32)
    judged = []
    for fold, classifier in enumerate(fitted.of_folds):
        of_fold = np.isin(runs, folds.judged_runs(fold))
        if not of_fold.any():
            continue
        rng = np.random.default_rng([seed, fold])
        margin = classifier.margin(rows.features[of_fold])
        judged.append(
            _JudgedFold(
                classifier,
                values[of_fold],
                is_positive[of_fold],
                run_index[of_fold],
                decision_loss(margin, is_positive[of_fold], classifier.decision_probability),
                np.stack([rng.permutation(int(of_fold.sum())) for _ in range(REPEATS)]),
            )
        )
    return judged


def _permutation_rise(
    judged: Iterable[_JudgedFold], columns: list[int], runs: int, positives: int
) -> PermutationRise:
    """Permute columns together among the candidates of each fold, and pool the folds."""
    by_run = np.zeros((REPEATS, runs))
    for fold in judged:
        if fold.classifier.strength_ == 0:
            continue
        number = len(fold.values)
        permuted = np.tile(fold.values, (REPEATS, 1, 1))  # (REPEATS, m, 1 + F)
        permuted[:, :, columns] = fold.values[:, columns][fold.permutations]
        margin = fold.margin(permuted.reshape(REPEATS * number, -1)).reshape(REPEATS, number)
        loss = decision_loss(margin, fold.is_positive, fold.classifier.decision_probability)
        for repeat, excess in enumerate(loss - fold.loss):
            by_run[repeat] += np.bincount(fold.run_index, excess, runs)
    by_repeat = by_run.sum(axis=1)
    # Of a sum over runs, as where the strength is chosen.
    error = np.std(by_run.mean(axis=0), ddof=1) * np.sqrt(runs) if runs > 1 else 0.0
    return PermutationRise(
        rise=_a_positive(by_repeat.mean(), positives),
        spread=_a_positive(np.std(by_repeat, ddof=1), positives),
        standard_error=_a_positive(error, positives),
    )


def _a_positive(total: float, positives: int) -> float:
    return float(total) / max(positives, 1)


def _stage1_loss(fold: _JudgedFold) -> NDArray[np.float64]:
    margin = fold.classifier.stage1_alone_.margin(score_logit(fold.values[:, 0]))
    return decision_loss(margin, fold.is_positive, fold.classifier.decision_probability)


def _gain_share(classifier: RerankClassifier) -> NDArray[np.float64]:
    """Share of each feature, (F,), in the gain of all trees; zeros without trees."""
    gain = np.zeros(classifier.n_features_in_ - 1)
    for booster in classifier.boosters_:
        if booster.num_trees():
            gain += booster.feature_importance("gain")
    return _shares(gain)


def _mean_weight(classifiers: Sequence[RerankClassifier]) -> NDArray[np.float64]:
    """How much the classifiers lean on each feature, (F,), by what they are made of."""
    weights = [
        one.strength_ * (_shares(one.linear_.sizes) + _gain_share(one)) for one in classifiers
    ]
    return np.asarray(np.mean(weights, axis=0), dtype=np.float64)


def _shares(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    total = sizes.sum()
    return sizes / total if total > 0 else np.zeros_like(sizes)


def _final_effects(classifier: RerankClassifier, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Log odds, (n, F), that the linear correction by each feature adds once calibrated."""
    effects = classifier.linear_.effects(rows.drop(columns=SCORE_COLUMN))
    return classifier.calibration_.slope * classifier.strength_ * effects


def _mean_size(effect: NDArray[np.float64]) -> float:
    return float(np.abs(effect).mean()) if len(effect) else 0.0


def _partial_dependence(
    judged: Iterable[_JudgedFold], rows: pd.DataFrame, column: int, seed: int
) -> PartialDependence:
    """Set one column to its quantiles, one after the other, for some candidates of every fold."""
    quantiles = (np.arange(GRID_QUANTILES) + 0.5) / GRID_QUANTILES
    grid = np.unique(np.quantile(rows.iloc[:, column].to_numpy(np.float64), quantiles))
    curves = []
    for fold in judged:
        number = min(len(fold.values), MOST_DRAWN_CANDIDATES)
        chosen = np.random.default_rng(seed).permutation(len(fold.values))[:number]
        varied = np.tile(fold.values[chosen], (len(grid), 1, 1))  # (G, number, 1 + F)
        varied[:, :, column] = grid[:, None]
        margin = fold.margin(varied.reshape(len(grid) * number, -1)).reshape(len(grid), number)
        curve = margin.mean(axis=1)
        curves.append(curve - curve.mean())
    change = np.mean(curves, axis=0)
    return PartialDependence(
        values=tuple(grid.tolist()),
        change=tuple(change.tolist()),
        lowest=tuple(np.min(curves, axis=0).tolist()),
        highest=tuple(np.max(curves, axis=0).tolist()),
    )
