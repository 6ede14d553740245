"""Ways to re-rank: other features, budgets, labels, settings and forms of stage 2."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.rerank_forms import FORMS, cross_fit_form
from picking.config import PipelineConfig
from picking.config.stage2_rerank import ThresholdRule
from picking.scoring.folds import Folds
from picking.scoring.scoring_rules import ScoringRules
from picking.scoring.truth_matching import label_candidates
from stage1_proposals.prediction.peaks import within_budget
from stage2_rerank.classifier.candidate_rows import CandidateRows
from stage2_rerank.classifier.decision_loss import nominal_decision_probability
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.finished_result import FinishedResult
from stage2_rerank.rerank_again import NestedScores, cross_fit_types, with_thresholds
from stage2_rerank.thresholds.cross_validation import CountsByRun, counts_by_run, nested_picks
from stage2_rerank.thresholds.final_curve import final_curve
from stage2_rerank.thresholds.threshold_file import STAGES, THRESHOLD_RULES, Stage


@dataclass(frozen=True)
class Results:
    """One folder of results, as far as stage 2 needs it."""

    name: str
    config: PipelineConfig
    folds: Folds
    truth: pd.DataFrame
    rows: CandidateRows

    @property
    def rules(self) -> ScoringRules:
        """Types, radii and weights."""
        return ScoringRules.from_config(self.config)


def read_results(folder: Path) -> Results:
    result = FinishedResult(folder)
    return Results(
        folder.resolve().name,
        result.config,
        result.folds,
        result.truth(),
        result.candidate_rows(),
    )


@dataclass(frozen=True)
class Variant:
    """One way to re-rank.

    Parameters
    ----------
    name : str
        Name in the tables.
    families : tuple of str or None
        Families of features that it sees; None: all.
    budget_share : float
        Share of the candidates that every run keeps.
    shuffled : bool
        Whether every type's labels are shuffled among candidates that score alike.
    settings : dict
        Changes to the classifier's settings.
    form : str or None
        Another form of the learner, of ``FORMS``.
    """

    name: str
    families: tuple[str, ...] | None = None
    budget_share: float = 1.0
    shuffled: bool = False
    settings: dict[str, object] = field(default_factory=dict)
    form: str | None = None


@dataclass(frozen=True)
class Judged:
    """Counts of both stages by either rule, and the F-beta that oracles would reach, by type.

    ``rule`` is the one that the result's configuration names.
    """

    rule: ThresholdRule
    by_rule: dict[ThresholdRule, dict[Stage, CountsByRun]]
    best_thresholds: dict[str, float]
    best_ranking: dict[str, float]

    @property
    def stage1(self) -> CountsByRun:
        """Stage 1 alone, by the rule that the configuration names."""
        return self.by_rule[self.rule]["stage1"]

    @property
    def two_stage(self) -> CountsByRun:
        """Both stages, by the same rule."""
        return self.by_rule[self.rule]["two_stage"]


def judge(results: Results, variant: Variant) -> Judged:
    """Fit a variant nested, and count what it finds."""
    rows = _chosen_rows(results, variant)
    rules, seed = results.rules, results.config.seed
    positive = label_candidates(rows.candidates, results.truth, rules.match_radius_angstrom)
    labels = _shuffled(rows.candidates, positive, seed) if variant.shuffled else positive
    settings = results.config.stage2_rerank.classifier.model_copy(update=variant.settings)
    if variant.form is None:
        classifier = RerankClassifier(
            settings,
            decision_probability=nominal_decision_probability(rules.beta),
            random_state=seed,
        )
        scores = cross_fit_types(classifier, rows, labels, results.folds)
    else:
        form = FORMS[variant.form]
        scores = NestedScores(*cross_fit_form(form, settings, seed, rows, labels, results.folds))
    rule = results.config.stage2_rerank.threshold_rule
    reranked = with_thresholds(
        rows.candidates, positive, scores, results.truth, results.folds, rules, rule
    )
    out_of_fold = reranked.out_of_fold

    def counts(rule: ThresholdRule, stage: Stage) -> CountsByRun:
        thresholds = reranked.thresholds.model_copy(update={"rule": rule})
        picks = nested_picks(out_of_fold, results.folds, thresholds, stage, rules)
        return counts_by_run(results.truth, picks, rules)

    return Judged(
        rule=rule,
        by_rule={
            rule: {stage: counts(rule, stage) for stage in STAGES} for rule in THRESHOLD_RULES
        },
        best_thresholds={
            name: final_curve(out_of_fold, results.truth, name, "rerank_score", rules).best_fbeta
            for name in rules.weights
        },
        best_ranking=_best_ranking(out_of_fold, results),
    )


def _chosen_rows(results: Results, variant: Variant) -> CandidateRows:
    rows = results.rows
    if variant.families is not None:
        rows = rows.of_families(variant.families)
    candidates, features = rows.candidates, rows.features
    if variant.budget_share < 1:
        peaks = results.config.stage1_proposals.peaks
        best_first = candidates.sort_values("proposal_score", ascending=False, kind="stable")
        kept = np.concatenate(
            [
                of_run.index[
                    within_budget(
                        of_run["particle_type"].to_numpy(),
                        of_run["proposal_score"].to_numpy(),
                        peaks,
                        round(len(of_run) * variant.budget_share),
                    )
                ]
                for _, of_run in best_first.groupby("run")
            ]
        )
        kept = np.sort(kept)
        candidates = candidates.loc[kept].reset_index(drop=True)
        features = features.loc[kept].reset_index(drop=True)
    return CandidateRows(candidates, features)


def _shuffled(
    candidates: pd.DataFrame, positive: NDArray[np.bool_], seed: int
) -> NDArray[np.bool_]:
    """Shuffle labels among neighbours in score, so that the score keeps what it says."""
    generator = np.random.default_rng(seed)
    shuffled = positive.copy()
    for _, of_type in candidates.groupby("particle_type"):
        order = of_type.sort_values("proposal_score").index.to_numpy()
        for block in np.array_split(order, max(len(order) // 20, 1)):
            shuffled[block] = generator.permutation(positive[block])
    return shuffled


def _best_ranking(out_of_fold: pd.DataFrame, results: Results) -> dict[str, float]:
    """F-beta if every positive candidate were picked and nothing else: what recall leaves."""
    best = {}
    beta_squared = results.rules.beta**2
    for name in results.rules.weights:
        found = int(out_of_fold.loc[out_of_fold["particle_type"] == name, "is_positive"].sum())
        references = int((results.truth["particle_type"] == name).sum())
        below = beta_squared * references + found
        best[name] = (1 + beta_squared) * found / below if below else 0.0
    return best
