"""Scores of several variants on the same folders of results, compared pair by pair."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stage2_rerank.thresholds.cross_validation import INTERVAL_PERCENTILES, CountsByRun

REPLICATES = 4000


class PairedBootstrap:
    """Draws of folders (seeds of the networks) and of their runs, the same for every variant.

    Folders that hold the same truth are other seeds on the same runs, so that they share the draw
    of runs: luck with the runs is not taken for luck that averages out over seeds.

    Parameters
    ----------
    truths : sequence of DataFrame
        Table TRUTH of each folder.
    seed : int
        Seed of the draws.
    """

    def __init__(self, truths: Sequence[pd.DataFrame], seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        number = len(truths)
        self.folder_draws = generator.multinomial(
            number, np.full(number, 1 / number), size=REPLICATES
        )  # (B, folders)
        self.run_draws: list[NDArray[np.int64]] = []  # (B, R) of each folder
        first_of: dict[str, int] = {}
        for folder, truth in enumerate(truths):
            content = truth.sort_values(list(truth.columns)).to_csv(index=False)
            if content in first_of:
                self.run_draws.append(self.run_draws[first_of[content]])
                continue
            first_of[content] = folder
            runs = truth["run"].nunique()
            self.run_draws.append(
                generator.multinomial(runs, np.full(runs, 1 / runs), size=REPLICATES)
            )

    def means(self, counts: Sequence[CountsByRun], beta: float) -> NDArray[np.float64]:
        """F-beta of every type, mean over the drawn folders, for every draw, (B, T)."""
        fbeta = np.stack(
            [
                of_folder.fbeta(draws, beta)
                for of_folder, draws in zip(counts, self.run_draws, strict=True)
            ],
            axis=1,
        )  # (B, folders, T)
        return np.einsum("bf,bft->bt", self.folder_draws / len(counts), fbeta)


def mean_fbeta(counts: Sequence[CountsByRun], beta: float) -> NDArray[np.float64]:
    """F-beta of every type in every folder, (folders, T)."""
    return np.stack(
        [
            of_folder.fbeta(np.ones((1, len(of_folder.runs)), np.int64), beta)[0]
            for of_folder in counts
        ]
    )


def compared(
    bootstrap: PairedBootstrap,
    counts: Sequence[CountsByRun],
    baseline: Sequence[CountsByRun],
    weights: Mapping[str, float],
    beta: float,
) -> pd.DataFrame:
    """Compare a variant with its baseline.

    Returns
    -------
    DataFrame
        Rows "score" and every particle type; columns value, baseline, gain, low, high (the gain's
        95 % interval), folders_up (in how many folders it gains).
    """
    types = counts[0].particle_types
    weight = np.array([weights[name] for name in types])
    columns = np.column_stack([weight / weight.sum(), np.eye(len(types))])  # (T, 1 + T)
    ours, theirs = (mean_fbeta(each, beta) @ columns for each in (counts, baseline))
    drawn = (bootstrap.means(counts, beta) - bootstrap.means(baseline, beta)) @ columns
    low, high = np.percentile(drawn, INTERVAL_PERCENTILES, axis=0)
    return pd.DataFrame(
        {
            "value": ours.mean(axis=0),
            "baseline": theirs.mean(axis=0),
            "gain": (ours - theirs).mean(axis=0),
            "low": low,
            "high": high,
            "folders_up": (ours > theirs).sum(axis=0),
        },
        index=["score", *types],
    )
