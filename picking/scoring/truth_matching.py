"""Candidates against the truth: which of them are positive, counted as the metric counts."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.files.tables import POSITION_COLUMNS
from picking.scoring.metric import references_hit


def new_hits(
    candidates: pd.DataFrame,
    truth: pd.DataFrame,
    radius_angstrom: Mapping[str, float],
    score_column: str = "proposal_score",
) -> NDArray[np.int64]:
    """Count the references that each candidate is the first to hit, going from best to worst.

    Taken over the candidates above any score, the sum is the metric's ``tp`` of these candidates.
    Candidates of equal score go in the order of ``candidate_id``.

    Parameters
    ----------
    candidates : DataFrame
        Columns run, candidate_id, particle_type, x, y, z (Å) and ``score_column``; any index.
    truth : DataFrame
        Columns run, particle_type, x, y, z (Å).
    radius_angstrom : mapping of str to float
        Hit radius of each particle type, Å.
    score_column : str
        Column that says which candidate is better.

    Returns
    -------
    ndarray, (n,), int64
        One count for each row of ``candidates``, in their order.
    """
    counts = np.zeros(len(candidates), dtype=np.int64)
    for rows, hits in _hits_by_group(candidates, truth, radius_angstrom, score_column):
        already_hit: set[int] = set()
        for row, hit in zip(rows, hits, strict=True):
            counts[row] = len(set(hit) - already_hit)
            already_hit.update(hit)
    return counts


def label_candidates(
    candidates: pd.DataFrame,
    truth: pd.DataFrame,
    radius_angstrom: Mapping[str, float],
) -> NDArray[np.bool_]:
    """Tell the candidates that earn a true positive from misses and duplicates.

    A candidate is positive if it hits at least one reference that no candidate of its run and type
    with a better proposal score hits.

    Parameters
    ----------
    candidates : DataFrame
        Columns run, candidate_id, particle_type, x, y, z (Å) and proposal_score; any index.
    truth : DataFrame
        Columns run, particle_type, x, y, z (Å).
    radius_angstrom : mapping of str to float
        Hit radius of each particle type, Å.

    Returns
    -------
    ndarray, (n,), bool
        One label for each row of ``candidates``, in their order.
    """
    return new_hits(candidates, truth, radius_angstrom) > 0


def proposal_recall(
    candidates: pd.DataFrame, truth: pd.DataFrame, radius_angstrom: Mapping[str, float]
) -> dict[str, float]:
    """Share of the references, pooled over the runs of ``truth``, that any candidate hits.

    Parameters
    ----------
    candidates : DataFrame
        Columns run, candidate_id, particle_type, x, y, z (Å) and proposal_score.
    truth : DataFrame
        Columns run, particle_type, x, y, z (Å).
    radius_angstrom : mapping of str to float
        Hit radius of each particle type, Å.

    Returns
    -------
    dict of str to float
        Recall of each type of ``radius_angstrom``, 0 to 1; nan where it has no reference.
    """
    hits = new_hits(candidates, truth, radius_angstrom)
    recall = {}
    for particle_type in radius_angstrom:
        references = int((truth["particle_type"] == particle_type).sum())
        hit = int(hits[(candidates["particle_type"] == particle_type).to_numpy()].sum())
        recall[particle_type] = hit / references if references else float("nan")
    return recall


def _hits_by_group(
    candidates: pd.DataFrame,
    truth: pd.DataFrame,
    radius_angstrom: Mapping[str, float],
    score_column: str,
) -> Iterator[tuple[NDArray[np.intp], list[list[int]]]]:
    """Go through runs and types with candidates and references.

    Yields the candidates' rows from best to worst, and the references that each hits.
    """
    candidates_xyz = candidates[POSITION_COLUMNS].to_numpy(np.float64)
    truth_xyz = truth[POSITION_COLUMNS].to_numpy(np.float64)
    best_first = np.lexsort(
        (candidates["candidate_id"].to_numpy(), -candidates[score_column].to_numpy(np.float64))
    )
    rank = np.empty_like(best_first)
    rank[best_first] = np.arange(len(best_first))
    truth_rows = _rows_by_group(truth)
    for group, rows in _rows_by_group(candidates).items():
        if group in truth_rows:
            ordered = rows[np.argsort(rank[rows])]
            references_xyz = truth_xyz[truth_rows[group]]
            yield (
                ordered,
                references_hit(candidates_xyz[ordered], references_xyz, radius_angstrom[group[1]]),
            )


def _rows_by_group(frame: pd.DataFrame) -> dict[tuple[str, str], NDArray[np.intp]]:
    """Row numbers, not index labels, by run and particle type."""
    rows = pd.Series(np.arange(len(frame)))
    keys = [frame["run"].astype("str").to_numpy(), frame["particle_type"].astype("str").to_numpy()]
    return {
        (str(group[0]), str(group[1])): members.to_numpy()
        for group, members in rows.groupby(keys)
        if isinstance(group, tuple)
    }
