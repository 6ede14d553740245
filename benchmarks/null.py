"""What the second stage would seem to gain if its features knew nothing.

Give it folders of results that have features (`snakemake rerank`), several seeds of one
configuration. In every draw the rows of features are dealt out anew among candidates of one type
that score alike; labels, scores, references and thresholds stay true. The linear part of stage 2
is then fitted as ever, nested and out of fold, its strength chosen as ever, and compared with the
score alone, which takes the same road without any feature, under the same threshold rule. What is
left is what chance and the choices make of features that know nothing.

With --keep-run-means, every run keeps the mean of its features of a type, and only what differs
from it is dealt out, so that features still tell runs (and networks) apart.

Prints the distribution of the gain, a mean over the folders, and where the gain of the true
features lies. The last line is one JSON object with all draws.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

# Python searches this folder first; the rooms lie in the one above.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.paired_scores import mean_fbeta
from benchmarks.rerank_variants import Results, read_results
from picking.config.stage2_rerank import ThresholdRule
from picking.scoring.truth_matching import label_candidates
from stage2_rerank.classifier.candidate_rows import SCORE_COLUMN
from stage2_rerank.classifier.decision_loss import nominal_decision_probability
from stage2_rerank.classifier.rerank_classifier import RerankClassifier
from stage2_rerank.thresholds.cross_validation import counts_by_run
from stage2_rerank.thresholds.fbeta_curve import fbeta_curve
from stage2_rerank.thresholds.final_picks import suppressed
from stage2_rerank.thresholds.threshold_file import THRESHOLD_RULES
from stage2_rerank.tune_thresholds import RULES

# Candidates of a type that are dealt out among one another: so few that they score alike, so many
# that the share of rows that fall to where they came from (one in a block) says nothing.
BLOCK = 40
TRUE, SCORE_ALONE = -1, -2  # in place of a draw's number


@dataclass(frozen=True)
class Prepared:
    """One folder of results, its labels, and the types that count."""

    results: Results
    positive: NDArray[np.bool_]
    types: tuple[str, ...]


@lru_cache(maxsize=1)
def prepared(folder: Path) -> Prepared:
    results = read_results(folder)
    positive = label_candidates(
        results.rows.candidates, results.truth, results.rules.match_radius_angstrom
    )
    weighted = tuple(name for name, weight in results.rules.weights.items() if weight > 0)
    return Prepared(results, positive, weighted)


def dealt_out(
    values: NDArray[np.float64],  # (n, F)
    score: NDArray[np.float64],  # (n,)
    runs: NDArray[np.object_],  # (n,)
    generator: np.random.Generator,
    *,
    block: int = BLOCK,
    keep_run_means: bool = False,
) -> NDArray[np.float64]:
    """Deal out the rows of one type's features among candidates that score alike, (n, F)."""
    kept = np.zeros_like(values)
    if keep_run_means:
        for run in np.unique(runs):
            kept[runs == run] = values[runs == run].mean(axis=0)
    source = np.arange(len(values))
    best_first = np.argsort(-score, kind="stable")
    for rows in np.array_split(best_first, max(len(values) // block, 1)):
        source[rows] = generator.permutation(rows)
    return kept + (values - kept)[source]


def corrected(
    features: pd.DataFrame,
    score: NDArray[np.float64],
    positive: NDArray[np.bool_],
    runs: NDArray[np.object_],
    learning: NDArray[np.bool_],
    results: Results,
) -> NDArray[np.float64]:
    """Probabilities by stage 2's linear part, (n,), as RerankClassifier gives them without trees.

    Those of candidates that are learnt from are the inner ones, their correction learnt without
    their run.
    """
    # More positives than there are candidates: no tree is ever grown.
    settings = results.config.stage2_rerank.classifier.model_copy(
        update={"trees_from_positives": len(score) + 1}
    )
    table = features.copy()
    table.insert(0, SCORE_COLUMN, score)
    classifier = RerankClassifier(
        settings,
        decision_probability=nominal_decision_probability(results.rules.beta),
        random_state=results.config.seed,
    ).fit(table[learning], positive[learning], runs[learning])
    probability = classifier.predict_proba(table)[:, 1]
    probability[learning] = classifier.inner_probability_
    return probability


def scores(
    folder: Path, draw: int, *, block: int = BLOCK, keep_run_means: bool = False
) -> dict[ThresholdRule, float]:
    """Score by either rule, nested, in one draw (or ``TRUE``, or ``SCORE_ALONE``)."""
    one = prepared(folder)
    results, rules = one.results, one.results.rules
    generator = np.random.default_rng([max(draw, 0), results.config.seed])
    candidates, features = results.rows.candidates, results.rows.features
    picks: dict[ThresholdRule, list[pd.DataFrame]] = {rule: [] for rule in THRESHOLD_RULES}
    for name in one.types:
        of_type = (candidates["particle_type"] == name).to_numpy()
        rows = candidates[of_type].reset_index(drop=True)
        runs = rows["run"].to_numpy(dtype=object)
        score = rows["proposal_score"].to_numpy(np.float64)
        known = features.loc[of_type].drop(columns=SCORE_COLUMN).reset_index(drop=True)
        if draw == SCORE_ALONE:
            known = known.iloc[:, :0]
        elif draw != TRUE:
            values = known.to_numpy(np.float64)
            known = pd.DataFrame(
                dealt_out(
                    values, score, runs, generator, block=block, keep_run_means=keep_run_means
                ),
                columns=known.columns,
            )
        references = results.truth[results.truth["particle_type"] == name]
        for fold in range(results.folds.number):
            learning = ~np.isin(runs, results.folds.judged_runs(fold))
            probability = corrected(known, score, one.positive[of_type], runs, learning, results)
            scored = rows.assign(rerank_score=probability)
            fit = scored[learning & np.isin(runs, results.truth["run"].unique())]
            curve = fbeta_curve(
                suppressed(fit, "rerank_score", rules.suppression_angstrom),
                references[references["run"].isin(results.folds.training_runs(fold))],
                rules.match_radius_angstrom,
                "rerank_score",
                rules.beta,
            )
            judged = suppressed(scored[~learning], "rerank_score", rules.suppression_angstrom)
            judged = judged.rename(columns={"rerank_score": "score"})
            for rule in THRESHOLD_RULES:
                threshold = RULES["two_stage"][rule](curve)
                picks[rule].append(judged[judged["score"] > threshold])
    weight = np.array([rules.weights[name] for name in rules.radius_angstrom])
    found = {}
    for rule, parts in picks.items():
        counts = counts_by_run(results.truth, pd.concat(parts, ignore_index=True), rules)
        found[rule] = float(mean_fbeta([counts], rules.beta)[0] @ weight / weight.sum())
    return found


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("results", type=Path, nargs="+", help="folder(s) results/NAME")
    parser.add_argument("--draws", type=int, default=50)
    parser.add_argument("--block", type=int, default=BLOCK, help="candidates that score alike")
    parser.add_argument("--keep-run-means", action="store_true")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args(argv)
    draws = [SCORE_ALONE, TRUE, *range(arguments.draws)]
    jobs = [(folder, draw) for folder in arguments.results for draw in draws]
    answer = partial(scores, block=arguments.block, keep_run_means=arguments.keep_run_means)
    with ProcessPoolExecutor(arguments.processes) as pool:
        done = list(tqdm(pool.map(answer, *zip(*jobs, strict=True)), total=len(jobs)))
    figures: dict = {"results": [str(folder) for folder in arguments.results], "rules": {}}
    print(
        "| rule | score alone | true features | gain | null: mean | sd | 2.5 to 97.5 % | largest |"
        " draws that reach the gain |\n|---|---|---|---|---|---|---|---|---|"
    )
    for rule in THRESHOLD_RULES:
        table = np.array([one[rule] for one in done]).reshape(len(arguments.results), len(draws))
        alone, true, *drawn = table.mean(axis=0)
        null = np.array(drawn) - alone
        gain = true - alone
        low, high = np.percentile(null, (2.5, 97.5))
        print(
            f"| {rule} | {alone:.3f} | {true:.3f} | {gain:+.3f} | {null.mean():+.3f} |"
            f" {null.std(ddof=1):.3f} | {low:+.3f} to {high:+.3f} | {null.max():+.3f} |"
            f" {int(np.sum(null >= gain))} of {len(null)} |"
        )
        figures["rules"][rule] = {
            "score_alone": float(alone),
            "gain": float(gain),
            "gain_by_folder": (table[:, 1] - table[:, 0]).tolist(),
            "null": null.tolist(),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
