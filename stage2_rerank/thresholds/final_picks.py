"""From scored candidates to the final list: duplicates suppressed, then thresholds."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from picking.files.tables import PICKS, POSITION_COLUMNS
from picking.scoring.suppression import suppress


def suppressed(
    candidates: pd.DataFrame, score_column: str, distance_angstrom: Mapping[str, float]
) -> pd.DataFrame:
    """Leave the best of close candidates of the same run and type.

    Parameters
    ----------
    candidates : DataFrame
        Columns run, particle_type, x, y, z (Å) and ``score_column``.
    score_column : str
        The higher the better.
    distance_angstrom : mapping of str to float
        Least distance of two that both stay, Å, for each particle type.

    Returns
    -------
    DataFrame
        The rows that stay, in their order.
    """
    keep = np.zeros(len(candidates), dtype=bool)
    groups = cast(
        dict[tuple[str, str], NDArray[np.intp]],  # the stubs know only that keys are hashable
        candidates.groupby(["run", "particle_type"], sort=True).indices,
    )
    for (_, particle_type), rows in groups.items():
        group = candidates.iloc[rows]
        keep[rows] = suppress(
            group[POSITION_COLUMNS].to_numpy(dtype=np.float64),
            group[score_column].to_numpy(dtype=np.float64),
            distance_angstrom[particle_type],
        )
    return candidates[keep].reset_index(drop=True)


def final_picks(
    candidates: pd.DataFrame,
    score_column: str,
    distance_angstrom: Mapping[str, float],
    thresholds: Mapping[str, float],
) -> pd.DataFrame:
    """Suppress duplicates and keep what scores above its type's threshold.

    Parameters
    ----------
    candidates : DataFrame
        Columns run, particle_type, x, y, z (Å) and ``score_column``.
    score_column : str
        The higher the better.
    distance_angstrom : mapping of str to float
        Least distance of two that both stay, Å, for each particle type.
    thresholds : mapping of str to float
        Kept is what scores above.

    Returns
    -------
    DataFrame
        Table ``picking.files.tables.PICKS``, by run, type and falling score (then x, y, z).
    """
    final = suppressed(candidates, score_column, distance_angstrom)
    above = final[score_column].to_numpy() > final["particle_type"].map(dict(thresholds)).to_numpy()
    picks = final[above.astype(bool)].rename(columns={score_column: "score"})
    picks = PICKS.check(picks[PICKS.column_names], "final picks")
    return picks.sort_values(
        ["run", "particle_type", "score", *POSITION_COLUMNS],
        ascending=[True, True, False, True, True, True],
        ignore_index=True,
    )
