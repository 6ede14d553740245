"""The CZII challenge's metric: F-beta of each particle type, weighted into one score."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from picking.config import PipelineConfig
from picking.errors import InputError
from picking.files.tables import POSITION_COLUMNS, read_csv_exactly

TEXT_COLUMNS = ["experiment", "particle_type"]
METRIC_COLUMNS = TEXT_COLUMNS + POSITION_COLUMNS


@dataclass(frozen=True)
class TypeScore:
    """Counts of one particle type, pooled over all experiments, and what follows from them.

    Parameters
    ----------
    fbeta, precision, recall : float
        0 to 1; 0 where there is nothing to divide by.
    tp : int
        Number of references that were hit.
    fp : int
        Number of candidates less ``tp``; as one candidate may hit two references, it can be
        negative.
    fn : int
        Number of references that were not hit.
    """

    fbeta: float
    precision: float
    recall: float
    tp: int
    fp: int
    fn: int


@dataclass(frozen=True)
class MetricResult:
    """A submission's score.

    Parameters
    ----------
    score : float
        F-beta of every type of the truth, weighted.
    per_type : dict of str to TypeScore
        By particle type, in the truth's order of appearance.
    """

    score: float
    per_type: dict[str, TypeScore]

    def to_json(self) -> str:
        """Write as one JSON object on one line.

        Returns
        -------
        str
        """
        return json.dumps(asdict(self))


def references_hit(
    candidates_xyz_angstrom: NDArray[np.float64],
    references_xyz_angstrom: NDArray[np.float64],
    radius_angstrom: float,
) -> list[list[int]]:
    """Find the references that each candidate hits: those within the radius, boundary included.

    Parameters
    ----------
    candidates_xyz_angstrom : ndarray, (n, 3), float64
        Positions of the candidates.
    references_xyz_angstrom : ndarray, (m, 3), float64
        Positions of the references.
    radius_angstrom : float
        Hit radius, Å.

    Returns
    -------
    list of list of int
        For each of the n candidates the indices of the references that it hits.
    """
    if len(candidates_xyz_angstrom) == 0 or len(references_xyz_angstrom) == 0:
        return [[] for _ in range(len(candidates_xyz_angstrom))]
    candidates, references = KDTree(candidates_xyz_angstrom), KDTree(references_xyz_angstrom)
    hits: list[list[int]] = candidates.query_ball_tree(references, r=radius_angstrom)
    return hits


def type_score(tp: int, fp: int, fn: int, beta: float) -> TypeScore:
    """Turn the pooled counts of one type into precision, recall and F-beta.

    The order of the operations is the official one, so that the last bit agrees.
    """
    precision = tp / (tp + fp) if tp + fp > 0 else 0.0
    recall = tp / (tp + fn) if tp + fn > 0 else 0.0
    fbeta = (
        (1 + beta**2) * (precision * recall) / (beta**2 * precision + recall)
        if precision + recall > 0
        else 0.0
    )
    return TypeScore(fbeta, precision, recall, tp, fp, fn)


def score(
    truth: pd.DataFrame,
    submission: pd.DataFrame,
    radii_angstrom: Mapping[str, float],
    weights: Mapping[str, float],
    beta: float = 4.0,
    distance_multiplier: float = 0.5,
    truth_source: object = "truth",
    submission_source: object = "submission",
) -> MetricResult:
    """Score a submission as the CZII challenge does, bit for bit.

    Parameters
    ----------
    truth : DataFrame
        References: columns experiment, particle_type, x, y, z (Å).
    submission : DataFrame
        Candidates: the same columns. Rows of experiments that the truth lacks do not count.
    radii_angstrom : mapping of str to float
        Radius of each particle type, Å.
    weights : mapping of str to float
        Weight of each particle type, for the same types. A type that is absent from the truth
        scores nothing, but its weight counts all the same.
    beta : float
        F-beta's beta.
    distance_multiplier : float
        The hit radius is this fraction of the particle's radius.
    truth_source, submission_source : object
        What errors call the two tables, for instance their paths.

    Returns
    -------
    MetricResult

    Raises
    ------
    InputError
        If a column is missing, empty or not finite, a particle type is unknown, the truth repeats
        a position, or the weights do not fit the radii.
    """
    if radii_angstrom.keys() != weights.keys() or sum(weights.values()) <= 0:
        raise InputError(
            "scoring.weights",
            f"types with a radius: {', '.join(radii_angstrom)}; with a weight: "
            f"{', '.join(weights)}; sum of the weights: {sum(weights.values())}",
            "give every type a radius and a weight, and one weight at least above 0",
        )
    truth = _with_text_columns(truth, truth_source)
    experiments = truth["experiment"].unique()
    # Rows of other experiments, or of none, are dropped before anything else in them is looked at,
    # as officially.
    submission = _metric_columns(submission, submission_source)
    of_some = submission["experiment"].notna()
    of_judged = submission["experiment"].astype("str").isin(experiments)
    submission = _with_text_columns(submission[of_some & of_judged], submission_source)
    truth = _checked(truth, radii_angstrom, truth_source)
    submission = _checked(submission, radii_angstrom, submission_source)
    repeated = truth.duplicated(subset=["experiment", *POSITION_COLUMNS])
    if repeated.any():
        first = truth[repeated].iloc[0]
        raise InputError(
            truth_source,
            f"{int(repeated.sum())} row(s) repeat a position of the same experiment, the first is "
            f"{first['experiment']} at ({first['x']}, {first['y']}, {first['z']})",
            "keep one row for each position",
        )

    particle_types = truth["particle_type"].unique()
    references = _positions_by_group(truth)
    candidates = _positions_by_group(submission)
    nothing = np.empty((0, 3))
    per_type = {}
    for particle_type in particle_types:
        radius = radii_angstrom[particle_type] * distance_multiplier
        tp = fp = fn = 0
        for experiment in experiments:
            group_references = references.get((experiment, particle_type), nothing)
            group_candidates = candidates.get((experiment, particle_type), nothing)
            hits = references_hit(group_candidates, group_references, radius)
            distinct = len({reference for hit in hits for reference in hit})
            tp += distinct
            fp += len(group_candidates) - distinct
            fn += len(group_references) - distinct
        per_type[str(particle_type)] = type_score(tp, fp, fn, beta)
    weighted_sum = 0.0
    for particle_type, result in per_type.items():
        weighted_sum += result.fbeta * weights[particle_type]
    return MetricResult(weighted_sum / sum(weights.values()), per_type)


def score_files(truth: Path, submission: Path, config: PipelineConfig) -> MetricResult:
    """Score one CSV file against another with the radii and weights of a configuration.

    Parameters
    ----------
    truth, submission : Path
        CSV files with the columns experiment, particle_type, x, y, z (Å).
    config : PipelineConfig
        Resolved.

    Returns
    -------
    MetricResult

    Raises
    ------
    InputError
        As :func:`score` does, and if a file cannot be read or the truth holds no row.
    """
    truth_frame = read_csv_exactly(truth, TEXT_COLUMNS, POSITION_COLUMNS)
    submission_frame = read_csv_exactly(submission, TEXT_COLUMNS, POSITION_COLUMNS)
    if truth_frame.empty:
        raise InputError(truth, "holds no picks", "give a truth file with at least one row")
    return score(
        truth_frame,
        submission_frame,
        {particle.name: particle.radius_angstrom for particle in config.known_particles},
        {
            particle.name: config.scoring.weight(particle.name)
            for particle in config.known_particles
        },
        config.scoring.beta,
        config.scoring.distance_multiplier,
        truth_source=truth,
        submission_source=submission,
    )


def _metric_columns(frame: pd.DataFrame, source: object) -> pd.DataFrame:
    """Return the metric's columns alone; refuse a table that lacks one."""
    missing = [name for name in METRIC_COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(
            source,
            f"lacks the column(s) {', '.join(missing)}",
            f"the columns have to be {', '.join(METRIC_COLUMNS)}",
        )
    return frame[METRIC_COLUMNS]


def _with_text_columns(frame: pd.DataFrame, source: object) -> pd.DataFrame:
    """Return the metric's columns alone, names as text; refuse a row without a name."""
    frame = _metric_columns(frame, source)
    for name in TEXT_COLUMNS:
        nameless = frame[name].isna() | (frame[name].astype("str").str.strip() == "")
        if nameless.any():
            raise InputError(
                source,
                f"{int(nameless.sum())} row(s) have no {name}",
                "give every row an experiment and a particle type",
            )
    return frame.astype(dict.fromkeys(TEXT_COLUMNS, "str"))


def _checked(frame: pd.DataFrame, known_types: Mapping[str, float], source: object) -> pd.DataFrame:
    unknown = [str(name) for name in frame["particle_type"].unique() if name not in known_types]
    if unknown:
        raise InputError(
            source,
            f"Unrecognized `particle_type`: {', '.join(unknown)}",
            f"known types are {', '.join(known_types)}",
        )
    try:
        checked = frame.astype(dict.fromkeys(POSITION_COLUMNS, np.float64))
    except (ValueError, TypeError) as error:
        raise InputError(
            source, f"x, y or z holds something that is not a number ({error})", "fix the row"
        ) from None
    finite = np.isfinite(checked[POSITION_COLUMNS].to_numpy())
    if not finite.all():
        columns = [
            name
            for name, good in zip(POSITION_COLUMNS, finite.all(axis=0), strict=True)
            if not good
        ]
        raise InputError(
            source,
            f"{int((~finite.all(axis=1)).sum())} row(s) have missing or non-finite values in "
            f"{', '.join(columns)}",
            "give every row a finite position in Å",
        )
    return checked


def _positions_by_group(frame: pd.DataFrame) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Positions xyz in Å, (n, 3), by experiment and particle type."""
    return {
        (str(experiment), str(particle_type)): group[POSITION_COLUMNS].to_numpy(np.float64)
        for (experiment, particle_type), group in frame.groupby(TEXT_COLUMNS, sort=False)
    }
