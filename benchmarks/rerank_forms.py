"""Other forms of the learner than the pipeline's, at one number of trees and full strength.

Positives count once, whatever ``positive_weight`` says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from picking.config import ClassifierSettings
from picking.files.tables import FINAL_CLASSIFIER, NESTED_SCORES
from picking.scoring.folds import Folds
from stage2_rerank.classifier.boosting import lightgbm_parameters
from stage2_rerank.classifier.calibration import (
    NARROW_LOG_SLOPE_SPREAD,
    fit_calibration,
    score_logit,
)
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.classifier.linear_correction import (
    LinearPrior,
    cross_fitted_correction,
    fit_linear_correction,
)
from stage2_rerank.classifier.rerank_classifier import INNER_FOLDS

# Early stopping would favour the forms that happen to stop well.
TREES_OF_A_FORM = 60


@dataclass(frozen=True)
class Sample:
    """Candidates of all types that a form learns from or corrects."""

    features: pd.DataFrame
    known_types: tuple[str, ...]
    types: NDArray[np.object_]
    runs: NDArray[np.object_]
    start: NDArray[np.float64]
    positive: NDArray[np.bool_]

    def at(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Sample":
        """Take some of the rows."""
        return Sample(
            self.features[rows] if rows.dtype == bool else self.features.iloc[rows],
            self.known_types,
            self.types[rows],
            self.runs[rows],
            self.start[rows],
            self.positive[rows],
        )


@dataclass(frozen=True)
class Form:
    """A form of the learner: a linear part or none, and trees per type, shared, or none."""

    linear: bool
    trees: str | None  # "per type" or "shared"
    objective: str = "binary"
    monotone: bool = False


FORMS = {
    "linear alone": Form(linear=True, trees=None),
    "trees alone": Form(linear=False, trees="per type"),
    "linear, then trees": Form(linear=True, trees="per type"),
    "trees of all types": Form(linear=False, trees="shared"),
    "linear, then trees of all types": Form(linear=True, trees="shared"),
    "linear, then ranking trees": Form(linear=True, trees="per type", objective="lambdarank"),
    "linear, then monotone trees": Form(linear=True, trees="per type", monotone=True),
}
# What speaks for a particle the more, the higher it is.
RISING = ("score_map_proposal_logit", "score_map_margin", "context_rival_margin")


def _fit_form(
    form: Form, settings: ClassifierSettings, seed: int, sample: Sample
) -> Callable[[Sample], NDArray[np.float64]]:
    linear = {}
    start = sample.start.copy()
    if form.linear:
        for name in np.unique(sample.types):
            rows = sample.types == name
            part = sample.at(rows)
            arguments = (part.features, part.positive, part.start)
            prior = LinearPrior.from_settings(settings, list(sample.features.columns))
            linear[name] = fit_linear_correction(*arguments, prior)
            start[rows] += cross_fitted_correction(*arguments, part.runs, INNER_FOLDS, prior)
    groups: dict[str | None, list[lgb.Booster]] = {}
    if form.trees:
        names = [None] if form.trees == "shared" else list(np.unique(sample.types))
        for name in names:
            rows = np.ones(len(start), bool) if name is None else sample.types == name
            groups[name] = _grow(form, settings, seed, sample.at(rows), start[rows], name is None)

    def correction(new: Sample) -> NDArray[np.float64]:
        total = np.zeros(len(new.start))
        for name, fitted in linear.items():
            rows = new.types == name
            total[rows] += fitted.correction(new.features[rows])
        for name, boosters in groups.items():
            rows = np.ones(len(total), bool) if name is None else new.types == name
            if rows.any():
                values = _values(new.at(rows), name is None)
                total[rows] += np.mean(
                    [booster.predict(values, raw_score=True) for booster in boosters], axis=0
                )
        return total

    return correction


def _values(sample: Sample, shared: bool) -> NDArray[np.float32]:
    values = sample.features.to_numpy(np.float32)
    if not shared:
        return values
    is_type = sample.types[:, None] == np.array(sample.known_types, dtype=object)
    return np.column_stack([values, is_type.astype(np.float32)])


def _grow(
    form: Form,
    settings: ClassifierSettings,
    seed: int,
    sample: Sample,
    start: NDArray[np.float64],
    shared: bool,
) -> list[lgb.Booster]:
    boosters = []
    values = _values(sample, shared)
    order = np.argsort(sample.runs, kind="stable")
    for bag in range(settings.bags):
        parameters = lightgbm_parameters(settings, seed * settings.bags + bag, 1)
        parameters["objective"] = form.objective
        group = None
        if form.objective == "lambdarank":
            group = np.unique(sample.runs, return_counts=True)[1]
        if form.monotone:
            parameters["monotone_constraints"] = [
                int(name in RISING) for name in sample.features.columns
            ]
        data = lgb.Dataset(
            values[order],
            sample.positive[order].astype(np.float64),
            init_score=start[order],
            group=group,
            params=parameters,
        )
        boosters.append(lgb.train(parameters, data, TREES_OF_A_FORM))
    return boosters


def cross_fit_form(
    form: Form,
    settings: ClassifierSettings,
    seed: int,
    rows: CandidateRows,
    labels: NDArray[np.bool_],
    folds: Folds,
) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Score every candidate out of fold, and the nested scores, as cross_fit does of one type."""
    candidates = rows.candidates
    types = candidates["particle_type"].to_numpy(dtype=object)
    runs = candidates["run"].to_numpy(dtype=object)
    logits = score_logit(candidates["proposal_score"].to_numpy())
    features = rows.features.drop(columns="proposal_score")
    score = np.zeros(len(candidates))
    nested = []
    for fold in range(folds.number):
        judged = np.isin(runs, folds.judged_runs(fold))
        start = np.zeros(len(candidates))
        for name in np.unique(types):
            learning = ~judged & (types == name)
            calibration = fit_calibration(
                logits[learning], labels[learning], NARROW_LOG_SLOPE_SPREAD
            )
            start[types == name] = calibration.margin(logits[types == name])
        everything = Sample(features, tuple(np.unique(types)), types, runs, start, labels)
        sample = everything.at(~judged)
        inner = np.zeros(len(sample.start))
        splitter = GroupKFold(min(INNER_FOLDS, len(np.unique(sample.runs))))
        for fit, left_out in splitter.split(sample.start, groups=sample.runs):
            correction = _fit_form(form, settings, seed, sample.at(fit))
            inner[left_out] = correction(sample.at(left_out))
        outer = _fit_form(form, settings, seed, sample)(everything.at(judged))
        inner_probability = np.zeros(len(inner))
        for name in np.unique(types):
            learning, of_type = sample.types == name, types[judged] == name
            calibration = fit_calibration(
                sample.start[learning] + inner[learning],
                sample.positive[learning],
                NARROW_LOG_SLOPE_SPREAD,
            )
            inner_probability[learning] = calibration.probability(
                sample.start[learning] + inner[learning]
            )
            places = np.flatnonzero(judged)[of_type]
            score[places] = calibration.probability(start[places] + outer[of_type])
        nested.append(
            candidates.loc[~judged, ["run", "candidate_id", "particle_type"]].assign(
                outer_fold=fold, rerank_score=inner_probability
            )
        )
    # Nothing is picked from test runs here; the last fold's stand for the final ones.
    nested.append(nested[-1].assign(outer_fold=FINAL_CLASSIFIER))
    return score, NESTED_SCORES.check(pd.concat(nested, ignore_index=True), "nested scores")
