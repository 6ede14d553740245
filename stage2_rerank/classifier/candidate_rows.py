"""Candidates with their features, read from the runs' tables and joined row by row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from picking.errors import InputError
from picking.files.tables import CANDIDATES, FEATURES, PROPOSAL_SCORE
from stage2_rerank.classifier.feature_families import feature_family

KEYS = ["run", "candidate_id"]
SCORE_COLUMN = PROPOSAL_SCORE.name


@dataclass(frozen=True)
class CandidateRows:
    """Candidates and what is known of them.

    Parameters
    ----------
    candidates : DataFrame, (n, 7)
        Table ``picking.files.tables.CANDIDATES``, by run and candidate_id.
    features : DataFrame, (n, 1 + F), float32
        ``proposal_score`` and the features of the same candidates in the same order.
    """

    candidates: pd.DataFrame
    features: pd.DataFrame

    def of_type(self, particle_type: str) -> "CandidateRows":
        """Take the rows of one particle type.

        Parameters
        ----------
        particle_type : str
            Name of the type.

        Returns
        -------
        CandidateRows
        """
        rows = np.flatnonzero(self.candidates["particle_type"] == particle_type)
        return CandidateRows(
            self.candidates.iloc[rows].reset_index(drop=True),
            self.features.iloc[rows].reset_index(drop=True),
        )

    def of_families(self, families: Collection[str]) -> "CandidateRows":
        """Keep the features of some families, and the proposal score.

        Parameters
        ----------
        families : collection of str
            Names of the families, as in :mod:`features.catalogue`.

        Returns
        -------
        CandidateRows
            The same candidates.
        """
        kept = [
            name
            for name in self.features.columns
            if name == SCORE_COLUMN or feature_family(name) in families
        ]
        return CandidateRows(self.candidates, self.features[kept])

    def check_runs(self, runs: Collection[str], where: object) -> None:
        """Raise InputError if there are candidates of a run that is not among ``runs``."""
        strangers = sorted(set(self.candidates["run"]) - set(runs))
        if strangers:
            raise InputError(
                where,
                f"there are candidates of run(s) {', '.join(strangers)}, which no fold holds",
                "give the training runs' tables, or make the folds again",
            )


def read_candidate_rows(
    candidate_paths: Sequence[Path], feature_paths: Sequence[Path]
) -> CandidateRows:
    """Read the tables of all runs and join features to candidates.

    Parameters
    ----------
    candidate_paths : sequence of Path
        ``candidates/{run}.parquet`` of the runs, in any order.
    feature_paths : sequence of Path
        ``features/{run}.parquet`` of the same runs, in any order.

    Returns
    -------
    CandidateRows

    Raises
    ------
    InputError
        If a table is missing or damaged, two tables have other columns, a run stands in two
        tables, or a candidate has no features.
    """
    candidates = read_candidates(candidate_paths)
    features = read_features(feature_paths)
    rows = pd.MultiIndex.from_frame(features[KEYS]).get_indexer(
        pd.MultiIndex.from_frame(candidates[KEYS])
    )
    lacking = rows < 0
    if lacking.any():
        run = candidates.loc[lacking, "run"].iloc[0]
        raise InputError(
            f"features of run {run}",
            f"{int(lacking.sum())} candidate(s) have no features",
            "give the feature table of every run, made from the same candidates",
        )
    names = feature_names(features)
    scores = candidates[SCORE_COLUMN].to_numpy(np.float32)
    matrix = np.column_stack([scores, features[names].to_numpy(np.float32)[rows]])
    return CandidateRows(candidates, pd.DataFrame(matrix, columns=[SCORE_COLUMN, *names]))


def feature_names(features: pd.DataFrame) -> list[str]:
    """Columns of a table FEATURES that are features, in their order."""
    return [name for name in features.columns if name not in FEATURES.column_names]


def read_features(paths: Sequence[Path]) -> pd.DataFrame:
    """Read the feature tables of several runs as one, in the order given.

    Raises
    ------
    InputError
        If a table is missing or damaged, two have other columns, or a run stands in two of them.
    """
    tables = [FEATURES.read(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if list(table.columns) != list(tables[0].columns):
            raise InputError(
                path,
                f"has other columns than {paths[0]}",
                "make the feature tables again, all with one configuration",
            )
    features = pd.concat(tables, ignore_index=True) if tables else FEATURES.empty()
    if features.duplicated(KEYS).any():
        run = features.loc[features.duplicated(KEYS), "run"].iloc[0]
        raise InputError(f"features of run {run}", "are in two tables", "give each table once")
    return features


def read_candidates(paths: Sequence[Path]) -> pd.DataFrame:
    """Read the candidate tables of several runs, ordered by run and candidate_id.

    Raises
    ------
    InputError
        If a table is missing or damaged, or a run stands in two of them.
    """
    tables = [CANDIDATES.read(path) for path in paths]
    candidates = CANDIDATES.check(
        pd.concat([CANDIDATES.empty(), *tables], ignore_index=True), "candidates"
    )
    if candidates.duplicated(KEYS).any():
        run = candidates.loc[candidates.duplicated(KEYS), "run"].iloc[0]
        raise InputError(f"candidates of run {run}", "are in two tables", "give each table once")
    return candidates.sort_values(KEYS, ignore_index=True)
