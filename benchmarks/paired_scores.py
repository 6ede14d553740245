"""Scores of several variants on the same folders of results, compared pair by pair."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stage2_rerank.thresholds.cross_validation import CountsByRun, each_run_left_out
from stage2_rerank.thresholds.jackknife import (
    DIFFERENCE_RANGE,
    Interval,
    jackknife_error,
    jackknife_interval,
    mean_interval,
    t_interval,
)


class MixedFoldersError(ValueError):
    """Some folders share their runs and others do not, so that no interval fits them all."""


def on_the_same_runs(truths: Sequence[pd.DataFrame]) -> bool:
    """Tell whether the folders are judged on the same runs (one folder is) or all on others.

    Raises
    ------
    MixedFoldersError
        If neither is so.
    """
    contents = {
        truth.sort_values(list(truth.columns)).to_csv(index=False, float_format="%.3f")
        for truth in truths
    }
    if len(contents) == 1:
        return True
    if len(contents) == len(truths):
        return False
    raise MixedFoldersError("give folders that are all judged on the same runs, or all on others")


def what_the_interval_holds(same_runs: bool, folders: int, runs: int) -> str:
    """Say in a sentence what luck is in an interval and what is not."""
    if same_runs:
        return (
            f"Intervals: 95 %, t with {runs - 1} degrees of freedom, from leaving out one of the "
            f"{runs} judged runs after the other in all folders (jackknife of the mean over "
            f"{folders} folder(s)). They hold the luck of these runs; networks, classifiers and "
            "thresholds stay as they are."
        )
    return (
        f"Intervals: 95 %, t over {folders} folders with {folders - 1} degrees of freedom. "
        "Specimens, networks, classifiers and thresholds all differ between the folders, so that "
        "the luck of all of them is in it."
    )


def mean_fbeta(counts: Sequence[CountsByRun], beta: float) -> NDArray[np.float64]:
    """F-beta of every type in every folder, (folders, T)."""
    return np.stack(
        [
            of_folder.fbeta(np.ones((1, len(of_folder.runs)), np.int64), beta)[0]
            for of_folder in counts
        ]
    )


def run_scores(
    counts: CountsByRun, weights: Mapping[str, float], beta: float
) -> NDArray[np.float64]:
    """Score of each run alone, (R,): the weighted mean over the types that it holds."""
    weight = np.array([weights[name] for name in counts.particle_types])
    held = weight * (counts.references > 0)  # (R, T)
    fbeta = counts.fbeta(np.eye(len(counts.runs), dtype=np.int64), beta)
    return (fbeta * held).sum(axis=1) / held.sum(axis=1)


def compared(
    same_runs: bool,
    counts: Sequence[CountsByRun],
    baseline: Sequence[CountsByRun],
    weights: Mapping[str, float],
    beta: float,
) -> pd.DataFrame:
    """Compare a variant with its baseline, folder by folder.

    Parameters
    ----------
    same_runs : bool
        Whether all folders are judged on the same runs; decides what the interval is of.
    counts, baseline : sequence of CountsByRun
        One for each folder.
    weights : mapping of str to float
        Weight of each type in the score.
    beta : float
        F-beta's beta.

    Returns
    -------
    DataFrame
        Rows "score" and every particle type; columns value, baseline, gain (means over the
        folders), low, high (the gain's 95 % interval), folders_up (in how many folders it gains).
    """
    columns = _score_and_types(counts[0].particle_types, weights)
    ours, theirs = (mean_fbeta(each, beta) @ columns for each in (counts, baseline))
    gain = ours - theirs  # (folders, 1 + T)
    if same_runs:
        draws = each_run_left_out(len(counts[0].runs))
        left_out = np.mean(
            [
                (one.fbeta(draws, beta) - other.fbeta(draws, beta)) @ columns
                for one, other in zip(counts, baseline, strict=True)
            ],
            axis=0,
        )  # (1 + R, 1 + T)
        intervals = [jackknife_interval(one[0], one[1:], DIFFERENCE_RANGE) for one in left_out.T]
    else:
        intervals = [mean_interval(one, DIFFERENCE_RANGE) for one in gain.T]
    low, high = np.transpose(intervals)
    return pd.DataFrame(
        {
            "value": ours.mean(axis=0),
            "baseline": theirs.mean(axis=0),
            "gain": gain.mean(axis=0),
            "low": low,
            "high": high,
            "folders_up": (gain > 0).sum(axis=0),
        },
        index=["score", *counts[0].particle_types],
    )


def gain_interval_over_runs(
    counts: Sequence[CountsByRun],
    baseline: Sequence[CountsByRun],
    weights: Mapping[str, float],
    beta: float,
) -> Interval:
    """Interval of the score's mean gain over folders on other runs each, models held fixed.

    The folders' jackknife variances add up, with degrees of freedom after Welch and Satterthwaite.
    """
    variances = []
    for one, other in zip(counts, baseline, strict=True):
        draws = each_run_left_out(len(one.runs))[1:]
        columns = _score_and_types(one.particle_types, weights)
        gain = (one.fbeta(draws, beta) - other.fbeta(draws, beta)) @ columns[:, 0]
        variances.append(jackknife_error(gain) ** 2)
    variance = np.array(variances)
    degrees = np.array([len(one.runs) - 1 for one in counts])
    value = float(np.mean(gain_by_folder(counts, baseline, weights, beta)))
    if not variance.any():
        return value, value
    freedom = float(variance.sum() ** 2 / np.sum(variance**2 / degrees))
    error = float(np.sqrt(variance.sum())) / len(counts)
    return t_interval(value, error, freedom, DIFFERENCE_RANGE)


def over_runs_sentence(interval: Interval, folders: int) -> str:
    """Say what an interval over the runs of several folders is and holds."""
    return (
        "over the runs of all {} folders, networks, classifiers and thresholds held fixed "
        "(jackknife): {:+.3f} to {:+.3f}."
    ).format(folders, *interval)


def gain_by_folder(
    counts: Sequence[CountsByRun],
    baseline: Sequence[CountsByRun],
    weights: Mapping[str, float],
    beta: float,
) -> list[float]:
    """Paired difference of the score in every folder."""
    columns = _score_and_types(counts[0].particle_types, weights)
    gain = (mean_fbeta(counts, beta) - mean_fbeta(baseline, beta)) @ columns
    return [float(value) for value in gain[:, 0]]


def gain_by_run(
    counts: Sequence[CountsByRun],
    baseline: Sequence[CountsByRun],
    weights: Mapping[str, float],
    beta: float,
) -> dict[str, float]:
    """Paired difference of every run's own score, mean over folders that hold the same runs."""
    gains = [
        run_scores(one, weights, beta) - run_scores(other, weights, beta)
        for one, other in zip(counts, baseline, strict=True)
    ]
    return dict(zip(counts[0].runs, np.mean(gains, axis=0).tolist(), strict=True))


def _score_and_types(types: Sequence[str], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """From F-beta by type to the score and F-beta by type, (T, 1 + T)."""
    weight = np.array([weights[name] for name in types])
    return np.column_stack([weight / weight.sum(), np.eye(len(types))])
